//! Waits that the order of starts makes useless, or endless.

use crate::{
    behaviour::{Link, LinkKind, Party, script::Wait},
    workload::{ContainerList, HookKind, ProgramPlace},
};

use super::{
    super::{Confidence, Draft, Finding, Subject},
    RULE,
};
use crate::pod::{Member, Pod};

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    waiting_init_container(pod, findings);
    waiting_hook(pod, findings);
}

/// An init container that waits for a container which starts only when all init containers have ended.
fn waiting_init_container(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (at, link) in pod.links.all.iter().enumerate() {
        let wait = match &link.kind {
            LinkKind::Waits(wait) | LinkKind::StartsOnFile(wait, ..) => wait,
            _ => continue,
        };
        let Some((member, program)) = pod.program(link.container, link.program) else {
            continue;
        };
        let Some(other) = pod.party(&link.other) else {
            continue;
        };
        let waits_for_later = member.container.list == ContainerList::Init
            && !member.container.is_native_sidecar()
            && matches!(
                other.container.list,
                ContainerList::Regular | ContainerList::ControllerSidecars
            )
            && !pod.workload.controller.ends_sidecars()
            && !pod.waits_for_a_child(link, wait);
        if !waits_for_later {
            continue;
        }
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!(
                    "{} waits for {}, which starts only after it",
                    member.container.name, other.container.name
                ),
            )
            .help(format!(
                "declare {} a native sidecar in front of this init container",
                other.container.name
            ))
            .confidence(Confidence::High)
            .container(&member.container)
            .at_text(program, wait.span.clone(), "can never be answered")
            .with_container(&other.container, "starts when all init containers have ended")
            .subject(Subject::Link(at))
            .finish(),
        );
    }
}

/// A postStart hook that waits for another container. It runs beside its own container's process, which it doesn't
/// hold back, and the kubelet starts no container behind it before it has returned.
fn waiting_hook(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for link in &pod.links.all {
        let LinkKind::Waits(wait) = &link.kind else {
            continue;
        };
        let Some((member, program)) = pod.program(link.container, link.program) else {
            continue;
        };
        let waits = program.place == ProgramPlace::Hook(HookKind::PostStart)
            && member.container.list == ContainerList::Regular
            && link.other != Party::Unknown
            && !pod.is_declared(&link.other);
        if !waits || uses_what_it_waited_for(pod, link, wait) {
            continue;
        }
        let app = member.container.name;
        let name = pod.party_name(&link.other);
        let behind = pod.party(&link.other).filter(|other| starts_after(other, member));
        let (message, label) = if behind.is_some() {
            (
                format!(
                    "the postStart hook of {app} waits for {name}, which starts only when the hook has returned"
                ),
                "can never be answered",
            )
        } else {
            (
                format!("the postStart hook of {app} waits for {name}, and {app} itself does not"),
                "runs beside the container's own process",
            )
        };
        let mut draft = Draft::new(pod, &RULE, message)
            .help(format!(
                "declare {name} a sidecar with a startupProbe, which holds {app} back, and drop the hook"
            ))
            .confidence(Confidence::High)
            .container(&member.container)
            .at_text(program, wait.span.clone(), label)
            .by_hand("decide by hand what should wait");
        if let Some(other) = pod.party(&link.other) {
            draft = draft.with_container(&other.container, "the sidecar it waits for");
        }
        findings.push(draft.finish());
    }
}

/// A hook that goes on to do something may need the sidecar for that.
fn uses_what_it_waited_for(pod: &Pod<'_>, link: &Link, wait: &Wait) -> bool {
    wait.command_after.is_some()
        || pod.links.facts(link.container, link.program).is_none_or(|facts| {
            facts
                .quits
                .iter()
                .any(|request| request.span.start >= wait.span.end)
                || facts
                    .markers
                    .iter()
                    .any(|marker| marker.span.start >= wait.span.end)
        })
}

/// The kubelet starts regular containers in the order of their list.
fn starts_after(other: &Member<'_>, member: &Member<'_>) -> bool {
    other.container.list == ContainerList::Regular && other.container.index > member.container.index
}
