//! What would be written, judged by the rules that judged what was there: no rewrite brings an error of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Options, Surroundings, pods_of};
use crate::{
    pod::Subject,
    rules::{self, Finding, Severity},
    source::SourceFile,
    yaml::Stream,
};

/// Errors by the pod's place among all of a source: their rule, the container, the message.
pub(super) type Errors = BTreeMap<usize, BTreeSet<(&'static str, Option<String>, String)>>;

/// The errors of all pods in a source.
pub(super) fn errors(
    stream: &Stream<'_>,
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
) -> Errors {
    let mut errors = Errors::new();
    pods_of(stream, source, surroundings, options, &mut |index, pod| {
        // What could be done about them is nobody's question here.
        let found = rules::find(pod).into_iter().filter(is_error);
        let known = found.map(|finding| (finding.rule.name, finding.container, finding.message));
        errors.entry(index).or_default().extend(known);
    });
    errors
}

/// Whether a finding is an error, and not about the form of a declaration, which the user asks for.
fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error && !matches!(finding.subject, Subject::LifecycleType(_))
}

/// The first error of a pod that was not there before, by rule and container.
pub(super) fn brought(before: &Errors, after: &Errors, pod: usize) -> Option<String> {
    let was_there = |rule: &str, container: &Option<String>| {
        before.get(&pod).is_some_and(|errors| {
            errors
                .iter()
                .any(|(own, theirs, _)| *own == rule && theirs == container)
        })
    };
    let mut errors = after.get(&pod)?.iter();
    let (rule, _, message) = errors.find(|(rule, container, _)| !was_there(rule, container))?;
    Some(format!(
        "the result would have an error of its own: {message} ({rule})"
    ))
}
