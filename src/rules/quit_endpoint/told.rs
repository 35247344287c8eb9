//! Containers that are told a quit endpoint: the call itself is their image's, or in a script that is not read.

use crate::pod::{called, told};

use super::{
    super::{Confidence, Draft, Finding, Member, Pod},
    RULE, help,
};

pub(super) fn check(pod: &Pod<'_>, index: usize, member: &Member<'_>, findings: &mut Vec<Finding>) {
    let Some(told) = told(pod, index, member) else {
        return;
    };
    let other = called(pod, &told.url);
    if pod.is_declared(&other) {
        return;
    }
    let name = pod.party_name(&other);
    findings.push(
        Draft::new(
            pod,
            &RULE,
            format!(
                "{} is told the quit endpoint of {name}, to call it when it is done",
                member.container.name
            ),
        )
        .help(help(pod, &name, &other))
        .confidence(Confidence::Medium)
        .container(&member.container)
        .at_span(told.node, told.span, "a quit endpoint")
        .by_hand("the call itself cannot be read from the manifest")
        .finish(),
    );
}
