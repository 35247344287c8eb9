//! What would be written, judged by the rules that judged what was there: no rewrite brings an error of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Options, Surroundings, pods_of};
use crate::{
    pod::Subject,
    rules::{self, Confidence, Finding, Severity},
    source::SourceFile,
    yaml::Stream,
};

/// What is held against a result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Objection {
    rule: &'static str,
    container: Option<String>,
    message: String,
    severity: Severity,
}

/// Objections by the pod's place among all of a source.
pub(super) type Objections = BTreeMap<usize, BTreeSet<Objection>>;

/// The objections to all pods in a source: errors, and sidecars that hold nobody back.
pub(super) fn objections(
    stream: &Stream<'_>,
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
) -> Objections {
    let mut objections = Objections::new();
    pods_of(stream, source, surroundings, options, &mut |index, pod| {
        // What could be done about them is nobody's question here.
        let found = rules::find(pod).into_iter().filter(is_objection);
        let known = found.map(|finding| Objection {
            rule: finding.rule.name,
            container: finding.container,
            message: finding.message,
            severity: finding.severity,
        });
        objections.entry(index).or_default().extend(known);
    });
    objections
}

/// Whether a finding is an error, and not about the form of a declaration, which the user asks for, or says what a
/// declaration lacks.
fn is_objection(finding: &Finding) -> bool {
    // Where the app's own wait shows the need (that is what makes it sure), the wait stays, and holds the app back.
    let is_missing_gate = matches!(finding.subject, Subject::Gate(_))
        && finding.severity > Severity::Info
        && finding.confidence < Confidence::High;
    let is_error = finding.severity == Severity::Error;
    is_missing_gate || is_error && !matches!(finding.subject, Subject::LifecycleType(_))
}

/// What is held against a pod's new form and was not held against the old one, by rule and container.
fn new<'o>(before: &'o Objections, after: &'o Objections, pod: usize) -> impl Iterator<Item = &'o Objection> {
    let was_there = move |new: &Objection| {
        let mut old = before.get(&pod).into_iter().flatten();
        old.any(|old| old.rule == new.rule && old.container == new.container)
    };
    let all = after.get(&pod).into_iter().flatten();
    all.filter(move |objection| !was_there(objection))
}

/// The first error of a pod that was not there before.
pub(super) fn brought(before: &Objections, after: &Objections, pod: usize) -> Option<String> {
    let error = new(before, after, pod).find(|objection| objection.severity == Severity::Error)?;
    let Objection { message, rule, .. } = error;
    Some(format!(
        "the result would have an error of its own: {message} ({rule})"
    ))
}

/// What lint goes on to say of a pod, and did not say before.
pub(super) fn stands(before: &Objections, after: &Objections, pod: usize) -> Vec<String> {
    let warnings = new(before, after, pod).filter(|objection| objection.severity < Severity::Error);
    warnings
        .map(|Objection { message, rule, .. }| format!("lint says of the result: {message} ({rule})"))
        .collect()
}
