//! One rule, one file; this file is their registry.
//!
//! A rule sees a [`Pod`] (or any object) and writes findings down. It never sees files, the network, other
//! rules or the terminal.

mod draft;

mod finding;
mod info;
mod precision;
mod serving;

mod app_started_first;
mod blocking_poststart;
mod broken_workaround;
mod deadline_as_stopper;
mod deaf_sidecar;
mod drain_setting;
mod dropped_restart_policy;
mod duplicate_key;
mod external_killer;
mod hold_annotation;
mod injection_opt_out;
mod job_never_completes;
mod late_sidecar;
mod leftover_workaround;
mod lost_process;
mod marker_file;
mod misdeclared_sidecar;
mod quit_endpoint;
mod shared_pid_kill;
mod sidecar_prestop_delay;
mod sidecar_stopped_first;
mod sigterm_trap;
mod slow_gate;
mod startup_deadlock;
mod startup_marker;
mod startup_poll;
mod startup_sleep;
mod ungated_sidecar;
mod unsupported_sidecar_type;
mod wrapper_binary;
mod wrapper_script;

use crate::{
    pod::{Live, Member, Pod, ProgramSite, Sources, Subject},
    remedy::{self, Remedies, wanted::Wanted},
    workload::Object,
};

pub(crate) use draft::Draft;
pub use finding::{Confidence, Finding, Fix, FixClass, Location, Severity};
pub use info::{Family, RuleInfo};

/// What a rule looks at.
enum Check {
    /// Each pod.
    Pod(fn(&Pod<'_>, &mut Vec<Finding>)),
    /// Each pod of a cluster, with what its running pods show.
    Live(fn(&Pod<'_>, &Live, &mut Vec<Finding>)),
    /// Each object, whether it holds a pod or not.
    Object(fn(&Object<'_>, Sources<'_>, &mut Vec<Finding>)),
}

/// Lists each rule with what it looks at, so that its description and its checks cannot part.
macro_rules! registry {
    ($($rule:ident: $($subject:ident($check:ident)),+;)*) => {
        /// Every rule, in the order of the documentation.
        pub const RULES: &[&RuleInfo] = &[$(&$rule::RULE),*];

        /// What the rules do.
        const CHECKS: &[Check] = &[$($(Check::$subject($rule::$check)),+),*];
    };
}

registry! {
    startup_sleep: Pod(check);
    startup_poll: Pod(check);
    startup_marker: Pod(check);
    blocking_poststart: Pod(check);
    lost_process: Pod(check);
    app_started_first: Live(check);
    hold_annotation: Pod(check), Object(check_object);
    quit_endpoint: Pod(check);
    marker_file: Pod(check);
    shared_pid_kill: Pod(check);
    external_killer: Pod(check);
    injection_opt_out: Pod(check);
    deadline_as_stopper: Pod(check);
    job_never_completes: Pod(check);
    sidecar_prestop_delay: Pod(check);
    sidecar_stopped_first: Live(check);
    drain_setting: Pod(check), Object(check_object);
    sigterm_trap: Pod(check);
    wrapper_binary: Pod(check);
    wrapper_script: Pod(check);
    broken_workaround: Pod(check);
    leftover_workaround: Pod(check);
    ungated_sidecar: Pod(check);
    slow_gate: Pod(check);
    late_sidecar: Pod(check);
    deaf_sidecar: Pod(check);
    unsupported_sidecar_type: Pod(check);
    misdeclared_sidecar: Pod(check);
    dropped_restart_policy: Live(check);
    startup_deadlock: Pod(check);
    duplicate_key: Pod(check);
}

/// The rule of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static RuleInfo> {
    RULES.iter().copied().find(|rule| rule.name == name)
}

/// Whether a rule judges what runs, and finds nothing in files.
#[must_use]
pub fn needs_a_cluster(rule: &RuleInfo) -> bool {
    [
        &app_started_first::RULE,
        &sidecar_stopped_first::RULE,
        &dropped_restart_policy::RULE,
    ]
    .contains(&rule)
}

/// What all rules find in a pod, and what can be done about it.
#[must_use]
pub fn check_pod(pod: &Pod<'_>) -> Vec<Finding> {
    let mut findings = find(pod);
    let wanted = wanted_of(&findings);
    if !wanted.is_empty() {
        let options = remedy::Options::of(remedy::form(&pod.settings));
        settle(&mut findings, &Remedies::of(pod, &wanted, &[], &options));
    }
    findings
}

/// What findings are about, as what is to be treated.
pub(crate) fn wanted_of(findings: &[Finding]) -> Wanted {
    Wanted::of(findings.iter().map(|finding| finding.subject.clone()))
}

/// What all rules find in a pod. Of what a rewrite could treat it is not said whether one does.
pub(crate) fn find(pod: &Pod<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in CHECKS {
        match (check, pod.live) {
            (Check::Pod(check), _) => check(pod, &mut findings),
            (Check::Live(check), Some(live)) => check(pod, live, &mut findings),
            _ => {}
        }
    }
    findings
}

/// Says of each finding what can be done about it: what `migrate` does.
pub(crate) fn settle(findings: &mut [Finding], remedies: &Remedies) {
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.subject.is_treatable())
    {
        let remedy = remedies.remedy(&finding.subject);
        finding.fix = Fix {
            class: remedy.class.into(),
            reason: remedy.reason,
        };
    }
}

/// What all rules find in an object beside its pods.
#[must_use]
pub fn check_object(object: &Object<'_>, sources: Sources<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in CHECKS {
        if let Check::Object(check) = check {
            check(object, sources, &mut findings);
        }
    }
    findings
}
