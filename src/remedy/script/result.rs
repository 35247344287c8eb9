//! What keeps the main command's result over what comes behind it: `code=$?` and `exit $code`.

use crate::shell::{Command, Pipeline, Simple};

/// The variable of `code=$?`.
pub(crate) fn result_variable(simple: &Simple) -> Option<String> {
    let [assignment] = simple.assignments.as_slice() else {
        return None;
    };
    let raw = assignment.value.raw.trim_matches('"');
    (simple.words.is_empty() && matches!(raw, "$?" | "${?}" | "$(echo $?)")).then(|| assignment.name.clone())
}

/// The command that a pipeline is, with its result as it is.
pub(crate) fn only_simple(pipeline: &Pipeline) -> Option<&Simple> {
    match pipeline.commands.as_slice() {
        [Command::Simple(simple)] if !pipeline.negated => Some(simple),
        _ => None,
    }
}

pub(crate) fn keeps_result(pipeline: &Pipeline) -> Option<String> {
    only_simple(pipeline).and_then(result_variable)
}

/// `exit $code`
pub(crate) fn exits_with(pipeline: &Pipeline, variable: &str) -> bool {
    only_simple(pipeline).is_some_and(|simple| exits_with_word(simple, variable))
}

/// `exit $code`
pub(super) fn exits_with_word(simple: &Simple, variable: &str) -> bool {
    let [exit, code] = simple.words.as_slice() else {
        return false;
    };
    exit.raw == "exit"
        && code
            .raw
            .trim_matches('"')
            .trim_start_matches('$')
            .trim_matches(['{', '}'])
            == variable
        && code.raw.contains('$')
}
