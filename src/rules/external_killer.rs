//! `external-killer`

use crate::roles::NamingKind;

use super::{Confidence, Draft, Family, Finding, FixClass, Pod, RuleInfo, Severity};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "external-killer",
    family: Family::Completion,
    severity: Severity::Warning,
    summary: "Something outside the app's process ends the sidecars when the Job is done",
    what: "",
    why: "",
    before: "",
    after: "",
    migrate: "",
    sources: &[],
};

/// Images whose only purpose is to end other containers of the pod, or the pods of other Jobs.
const KILLER_IMAGES: [&str; 6] = [
    "envoy-sidecar-helper",
    "istio-job-cleaner",
    "kubernetes-sidecar-terminator",
    "k8s-controller-sidecars",
    "kubitzer",
    "job-sidecar-terminator",
];

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for naming in pod.namings.iter() {
        let (message, fix) = match naming.kind {
            NamingKind::KillerAnnotation => (
                format!(
                    "a controller outside the pod kills {} when the app is done",
                    names(&naming.names)
                ),
                "remove this and the controller once the sidecars are declared: the kubelet ends them itself",
            ),
            NamingKind::KruiseEnvironment => (
                format!(
                    "OpenKruise kills {} when the Job's other containers are done",
                    names(&naming.names)
                ),
                "remove it once the sidecar is declared: the kubelet ends it itself",
            ),
            _ => continue,
        };
        let present = naming
            .names
            .iter()
            .all(|name| pod.workload.container(name).is_some());
        let (class, reason) = if present {
            (
                FixClass::Safe,
                "it names containers of this manifest, and nothing else depends on it",
            )
        } else {
            (
                FixClass::Review,
                "the named container is injected: the injector has to make it a native sidecar",
            )
        };
        let mut draft = Draft::new(pod, &RULE, message)
            .help(fix)
            .confidence(Confidence::High)
            .at_entry(naming.entry, "names the sidecar")
            .fix(class, reason);
        for container in naming
            .names
            .iter()
            .filter_map(|name| pod.workload.container(name))
        {
            draft = draft
                .container(container)
                .with_container(container, "the sidecar it kills");
        }
        findings.push(draft.finish());
    }
    for member in &pod.members {
        let container = &member.container;
        let Some(image) = container.image() else { continue };
        if KILLER_IMAGES.contains(&image.base_name()) {
            findings.push(
                Draft::new(
                    pod,
                    &RULE,
                    format!("container {} is there to end the others", container.name),
                )
                .help("declare the sidecars and remove this container: the kubelet ends them itself")
                .confidence(Confidence::High)
                .container(container)
                .with_container(container, "a helper that ends sidecars")
                .fix(FixClass::Manual, "removing a container is a person's decision")
                .finish(),
            );
        }
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        "the sidecars".to_owned()
    } else {
        names.join(", ")
    }
}
