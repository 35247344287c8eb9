//! What keeps the main command's result over what comes behind it: `code=$?` and `exit $code`.

use crate::remedy::script::kept::Kept;
use crate::shell::{Command, Pipeline, Simple, Terminator};

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
    let Some(simple) = only_simple(pipeline) else {
        return false;
    };
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

/// Drops `code=$?` and `exit $code` where nothing stands between them any more.
pub(crate) fn without_plumbing<'s>(mut kept: Vec<Kept<'s>>, text: &str) -> Vec<Kept<'s>> {
    fn single<'s>(kept: &Kept<'s>) -> Option<&'s Pipeline> {
        (kept.statement.and_or.rest.is_empty() && kept.statement.terminator == Terminator::Sequence)
            .then_some(&kept.statement.and_or.first)
    }
    let count = kept.len();
    if let Some([before, assignment, exit]) = count.checked_sub(3).and_then(|at| kept.get(at..))
        && before.statement.terminator == Terminator::Sequence
        && let Some(variable) = single(assignment).and_then(keeps_result)
        && single(exit).is_some_and(|exit| exits_with(exit, &variable))
    {
        let earlier = kept
            .iter()
            .take(count - 2)
            .filter_map(|kept| text.get(kept.part.clone()))
            .any(|part| part.contains(&format!("${variable}")) || part.contains(&format!("{{{variable}")));
        if !earlier {
            kept.truncate(count - 2);
            return kept;
        }
    }
    if count >= 2
        && kept
            .last()
            .and_then(single)
            .is_some_and(|exit| exits_with(exit, "?"))
    {
        kept.truncate(count - 1);
    }
    kept
}
