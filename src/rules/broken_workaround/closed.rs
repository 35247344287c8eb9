//! A call that nobody answers: the sidecar's quit endpoint is closed, or elsewhere.

use crate::{
    behaviour::{Link, LinkKind, Party},
    pod::{ClosedQuit, Pod, suspects, unanswered_quit},
    workload::Controller,
};

use super::{
    super::{Confidence, Draft, Finding, Severity, Subject},
    RULE,
};

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (at, link) in pod.links.all.iter().enumerate() {
        if let (Some(closed), Party::Container(sidecar)) = (unanswered_quit(pod, link), &link.other)
            && !pod.is_declared(&link.other)
            && !pod.workload.controller.ends_sidecars()
        {
            findings.extend(finding(pod, (at, link), *sidecar, &closed));
        }
    }
}

fn finding(
    pod: &Pod<'_>,
    (at, link): (usize, &Link),
    sidecar: usize,
    closed: &ClosedQuit,
) -> Option<Finding> {
    let LinkKind::Quits(quit) = &link.kind else {
        return None;
    };
    let (member, program) = pod.program(link.container, link.program)?;
    let other = pod.members.get(sidecar)?;
    let app = member.container.name;
    let name = pod.party_name(&link.other);
    let why = match closed {
        ClosedQuit::Flag(flag) => format!("{name} runs without {flag}"),
        ClosedQuit::Port { called, answers } => {
            format!("{app} calls port {called}, and {name} answers at {answers}")
        }
    };
    let how_long = match crate::pod::deadline(pod) {
        Some(_) => "runs on to its deadline",
        None => "never completes",
    };
    let message = format!(
        "nobody answers the call that was to stop {name}: {why}, so {} {how_long}",
        crate::pod::describe(pod)
    );
    let suspects = suspects(pod, sidecar);
    let doubt = suspects.first().map(|suspect| suspect.describe(pod));
    let message = match &doubt {
        Some(doubt) => format!("{message}, as far as the manifest shows; {doubt}"),
        None => message,
    };
    let mut draft = Draft::new(pod, &RULE, message)
        .help(format!(
            "declare {name} a sidecar and drop the call: the kubelet ends it after the app"
        ))
        .confidence(match doubt {
            None => Confidence::High,
            Some(_) => Confidence::Medium,
        })
        .container(&member.container)
        .at_text(program, quit.span.clone(), "refused")
        .with_container(&other.container, "the sidecar that it was to stop")
        .subject(Subject::Link(at));
    if doubt.is_some() || pod.workload.controller != Controller::Kubernetes {
        draft = draft.severity(Severity::Warning);
    }
    Some(draft.finish())
}
