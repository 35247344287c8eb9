//! One rule, one file; this file is their registry.
//!
//! A rule sees a [`Pod`] (or any object) and writes findings down. It never sees files, the network, other
//! rules or the terminal.

mod draft;
mod embedded;
mod finding;
mod info;
mod pod;

mod blocking_poststart;
mod broken_workaround;
mod deadline_as_stopper;
mod drain_setting;
mod external_killer;
mod hold_annotation;
mod injection_opt_out;
mod job_never_completes;
mod leftover_workaround;
mod marker_file;
mod quit_endpoint;
mod shared_pid_kill;
mod sidecar_prestop_delay;
mod sigterm_trap;
mod startup_deadlock;
mod startup_marker;
mod startup_poll;
mod startup_sleep;
mod ungated_sidecar;
mod unsupported_sidecar_type;
mod wrapper_binary;
mod wrapper_script;

use crate::workload::Object;

pub(crate) use draft::Draft;
pub use finding::{Confidence, Finding, Fix, FixClass, Location, ObjectReference, Severity};
pub use info::{Family, RuleInfo};
pub use pod::{KubernetesVersion, Member, Pod, Settings, Sources, Target};
pub(crate) use pod::{delaying_traps, prestop_delay};
pub(crate) use wrapper_binary::ends_with_another;

/// What a rule looks at.
enum Check {
    /// Each pod.
    Pod(fn(&Pod<'_>, &mut Vec<Finding>)),
    /// Each object, whether it holds a pod or not.
    Object(fn(&Object<'_>, Sources<'_>, &mut Vec<Finding>)),
}

/// Every rule, in the order of the documentation.
pub const RULES: &[&RuleInfo] = &[
    &startup_sleep::RULE,
    &startup_poll::RULE,
    &startup_marker::RULE,
    &blocking_poststart::RULE,
    &hold_annotation::RULE,
    &quit_endpoint::RULE,
    &marker_file::RULE,
    &shared_pid_kill::RULE,
    &external_killer::RULE,
    &injection_opt_out::RULE,
    &deadline_as_stopper::RULE,
    &job_never_completes::RULE,
    &sidecar_prestop_delay::RULE,
    &drain_setting::RULE,
    &sigterm_trap::RULE,
    &wrapper_binary::RULE,
    &wrapper_script::RULE,
    &broken_workaround::RULE,
    &leftover_workaround::RULE,
    &ungated_sidecar::RULE,
    &unsupported_sidecar_type::RULE,
    &startup_deadlock::RULE,
];

/// What the rules do.
const CHECKS: &[Check] = &[
    Check::Pod(startup_sleep::check),
    Check::Pod(startup_poll::check),
    Check::Pod(startup_marker::check),
    Check::Pod(blocking_poststart::check),
    Check::Pod(hold_annotation::check),
    Check::Object(hold_annotation::check_object),
    Check::Pod(quit_endpoint::check),
    Check::Pod(marker_file::check),
    Check::Pod(shared_pid_kill::check),
    Check::Pod(external_killer::check),
    Check::Pod(injection_opt_out::check),
    Check::Pod(deadline_as_stopper::check),
    Check::Pod(job_never_completes::check),
    Check::Pod(sidecar_prestop_delay::check),
    Check::Pod(drain_setting::check),
    Check::Object(drain_setting::check_object),
    Check::Pod(sigterm_trap::check),
    Check::Pod(wrapper_binary::check),
    Check::Pod(wrapper_script::check),
    Check::Pod(broken_workaround::check),
    Check::Pod(leftover_workaround::check),
    Check::Pod(ungated_sidecar::check),
    Check::Pod(unsupported_sidecar_type::check),
    Check::Pod(startup_deadlock::check),
];

/// The rule of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static RuleInfo> {
    RULES.iter().copied().find(|rule| rule.name == name)
}

/// What all rules find in a pod.
#[must_use]
pub fn check_pod(pod: &Pod<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in CHECKS {
        if let Check::Pod(check) = check {
            check(pod, &mut findings);
        }
    }
    findings
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
