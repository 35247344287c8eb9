//! A quit endpoint that is opened though nobody is seen to call it.

use super::{Member, Pod};
use crate::yaml::Node;

/// The switch that opens a container's quit endpoint, as written: the flag that the catalogue has for it, or the flag's
/// variable. In a pod that runs to completion it is there for somebody. `own` is the member at `index`.
pub(super) fn opened_quit(pod: &Pod<'_>, index: usize, own: &Member<'_>) -> Option<String> {
    let known = pod.catalogue.of(&own.container)?;
    let flag = known.quit_flag.as_deref()?;
    if !pod.workload.runs_to_completion() || pod.is_ended(index) || is_attempted(pod) {
        return None;
    }
    let container = &own.container;
    let words = container.command().into_iter().chain(container.arguments());
    let word = words.filter_map(Node::as_str).find(|word| sets(word, flag));
    let variable = || {
        let prefix = known.flag_variables.as_deref()?;
        let name = format!("{prefix}{}", flag.to_ascii_uppercase().replace('-', "_"));
        let mut variables = container.environment();
        let set = variables.find(|variable| variable.name == name && variable.value.is_none_or(is_true))?;
        Some(set.name)
    };
    word.or_else(variable).map(str::to_owned)
}

/// Whether a program is given a call as arguments, which it does not make.
fn is_attempted(pod: &Pod<'_>) -> bool {
    pod.members.iter().enumerate().any(|(at, member)| {
        let mut programs = 0..member.programs.len();
        programs.any(|program| {
            let facts = pod.links.facts(at, program);
            facts.is_some_and(|facts| !facts.swallowed.is_empty())
        })
    })
}

/// Whether a word is the flag, turned on: `--quit`, `-quit=true`.
pub(super) fn sets(word: &str, flag: &str) -> bool {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
    match name.and_then(|name| name.strip_prefix(flag)) {
        Some("") => true,
        Some(value) => value.strip_prefix('=').is_some_and(is_true),
        None => false,
    }
}

/// Whether the value of a flag turns it on, as Go's `strconv.ParseBool` reads it.
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True")
}
