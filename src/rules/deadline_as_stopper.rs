//! `deadline-as-stopper`

use super::{Confidence, Draft, Family, Finding, FixClass, Pod, RuleInfo, Severity};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "deadline-as-stopper",
    family: Family::Completion,
    severity: Severity::Info,
    summary: "A deadline that may be there to end a Job whose sidecar never ends",
    what: "",
    why: "",
    before: "",
    after: "",
    migrate: "",
    sources: &[],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    if !pod.workload.runs_to_completion() || pod.workload.controller.ends_sidecars() {
        return;
    }
    let Some(sidecar) = pod.undeclared_sidecar_name() else {
        return;
    };
    let Some(entry) = super::pod::deadline(pod) else {
        return;
    };
    let only = !pod.has_completion_workaround();
    let (severity, confidence) = if only {
        (Severity::Warning, Confidence::Medium)
    } else {
        (Severity::Info, Confidence::Low)
    };
    let message = if only {
        format!("nothing but this deadline ends the pod while {sidecar} runs, and it then counts as failed")
    } else {
        format!("this deadline may be there because {sidecar} did not always end")
    };
    findings.push(
        Draft::new(pod, &RULE, message)
            .help("declare the sidecar; then ask whether the deadline is still wanted as a real limit")
            .severity(severity)
            .confidence(confidence)
            .at_entry(entry, "ends the pod whether the work is done or not")
            .fix(
                FixClass::Manual,
                "whether the deadline is a real limit cannot be read from the text",
            )
            .finish(),
    );
}
