//! One rule, one file; this file is their registry.
//!
//! A rule sees a [`Pod`] (or any object) and writes findings down. It never sees files, the network, other
//! rules or the terminal.

mod draft;
mod embedded;
mod finding;
mod info;
mod pod;

mod deadline_as_stopper;
mod drain_setting;
mod external_killer;
mod hold_annotation;
mod injection_opt_out;
mod job_never_completes;
mod unsupported_sidecar_type;
mod wrapper_binary;

use crate::workload::Object;

pub(crate) use draft::Draft;
pub use finding::{Confidence, Finding, Fix, FixClass, Location, ObjectReference, Severity};
pub use info::{Family, RuleInfo};
pub use pod::{KubernetesVersion, Member, Pod, Settings, Sources, Target};

/// What a rule looks at.
enum Check {
    /// Each pod.
    Pod(fn(&Pod<'_>, &mut Vec<Finding>)),
    /// Each object, whether it holds a pod or not.
    Object(fn(&Object<'_>, Sources<'_>, &mut Vec<Finding>)),
}

/// Every rule, in the order of the documentation.
pub const RULES: &[&RuleInfo] = &[
    &hold_annotation::RULE,
    &external_killer::RULE,
    &injection_opt_out::RULE,
    &deadline_as_stopper::RULE,
    &job_never_completes::RULE,
    &drain_setting::RULE,
    &wrapper_binary::RULE,
    &unsupported_sidecar_type::RULE,
];

/// What the rules do.
const CHECKS: &[Check] = &[
    Check::Pod(hold_annotation::check),
    Check::Object(hold_annotation::check_object),
    Check::Pod(external_killer::check),
    Check::Pod(injection_opt_out::check),
    Check::Pod(deadline_as_stopper::check),
    Check::Pod(job_never_completes::check),
    Check::Pod(drain_setting::check),
    Check::Object(drain_setting::check_object),
    Check::Pod(wrapper_binary::check),
    Check::Pod(unsupported_sidecar_type::check),
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
