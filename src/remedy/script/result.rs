//! What keeps the main command's result over what comes behind it: `code=$?` and `exit $code`.

use crate::shell::{Command, Pipeline, Simple, Word};

/// The variable of `code=$?` and `local code=$?`.
pub(crate) fn result_variable(simple: &Simple) -> Option<String> {
    let (name, raw) = match (simple.assignments.as_slice(), simple.words.as_slice()) {
        ([assignment], []) => (assignment.name.as_str(), assignment.value.raw.as_str()),
        ([], [local, assignment]) if local.raw == "local" => assignment.raw.split_once('=')?,
        _ => return None,
    };
    let is_result = matches!(raw.trim_matches('"'), "$?" | "${?}" | "$(echo $?)");
    is_result.then(|| name.to_owned())
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
    exit.raw == "exit" && is_variable(code, variable)
}

/// `$code`, `"${code}"`
pub(super) fn is_variable(word: &Word, name: &str) -> bool {
    let raw = word.raw.trim_matches('"');
    raw.starts_with('$') && raw.trim_start_matches('$').trim_matches(['{', '}']) == name
}

/// The parameter that a function ends with: `exit "$1"`, `return $2`.
pub(super) fn parameter_of_end(end: &Simple) -> Option<usize> {
    let [verb, code] = end.words.as_slice() else {
        return None;
    };
    let number: usize = code.raw.trim_matches(['"', '$', '{', '}']).parse().ok()?;
    let is_end = matches!(verb.raw.as_str(), "exit" | "return");
    (is_end && number > 0 && is_variable(code, &number.to_string())).then_some(number)
}

/// `$?`, `"$?"`
pub(super) fn is_result(word: &Word) -> bool {
    is_variable(word, "?")
}
