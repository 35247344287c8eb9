//! `unsupported-sidecar-type`

use crate::{
    roles::LYFT_ANNOTATION,
    workload::{ContainerList, Workload},
};

use super::{Confidence, Draft, Family, Finding, FixClass, Member, Pod, RuleInfo, Severity, Target};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "unsupported-sidecar-type",
    family: Family::Remedy,
    severity: Severity::Error,
    summary: "A sidecar is declared in a form that the cluster does not know",
    what: "",
    why: "",
    before: "",
    after: "",
    migrate: "",
    sources: &[],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for member in &pod.members {
        lifecycle_type(pod, member, findings);
        old_cluster(pod, member, findings);
        regular_restart_policy(pod, member, findings);
    }
    lyft(pod, findings);
}

fn lifecycle_type<'a>(pod: &Pod<'a>, member: &Member<'a>, findings: &mut Vec<Finding>) {
    let Some(entry) = member.container.lifecycle_type() else {
        return;
    };
    let value = entry.value.as_str().unwrap_or_default();
    let wanted = pod.settings.target == Some(Target::Lifecycle);
    let (message, reason) = match value {
        "Standard" => (
            "lifecycle.type: Standard is the default of a design that was never released".to_owned(),
            "the default needs no word",
        ),
        _ => (
            format!(
                "no released Kubernetes knows lifecycle.type: {value}; {} is an ordinary container",
                member.container.name
            ),
            "the form converts to native sidecars",
        ),
    };
    let help = if wanted {
        "the configured target: render it for a cluster with `kubectl sidecar migrate --target native -o yaml`"
    } else {
        "a strict server refuses it, a lenient one drops it: declare a native sidecar \
         (initContainers with restartPolicy: Always) for clusters from 1.29 on"
    };
    let severity = match value {
        _ if wanted => Severity::Info,
        "Standard" => Severity::Warning,
        _ => Severity::Error,
    };
    let class = if member.container.list == ContainerList::Regular {
        FixClass::Safe
    } else {
        FixClass::Manual
    };
    findings.push(
        Draft::new(pod, &RULE, message)
            .help(help)
            .severity(severity)
            .confidence(Confidence::High)
            .container(&member.container)
            .at_entry(entry, "from KEP-753's first design")
            .fix(class, reason)
            .finish(),
    );
}

/// Native sidecars are on by default since 1.29, known behind a gate in 1.28 (KEP-753).
fn old_cluster<'a>(pod: &Pod<'a>, member: &Member<'a>, findings: &mut Vec<Finding>) {
    let Some(version) = pod
        .settings
        .kubernetes_version
        .filter(|version| *version < (1, 29))
    else {
        return;
    };
    if !member.container.is_native_sidecar() {
        return;
    }
    let Some(entry) = member.container.restart_policy() else {
        return;
    };
    let what = if version < (1, 28) {
        "drops this field and waits for ever for the container to end"
    } else {
        "knows this only behind a feature gate, and ends it together with the app"
    };
    findings.push(
        Draft::new(
            pod,
            &RULE,
            format!("Kubernetes {}.{} {what}", version.0, version.1),
        )
        .help("run it on 1.29 or later, where native sidecars are on by default")
        .confidence(Confidence::High)
        .container(&member.container)
        .at_entry(entry, "a native sidecar")
        .fix(FixClass::Manual, "the cluster has to be newer")
        .finish(),
    );
}

/// `restartPolicy: Always` among the regular containers makes no sidecar (KEP-5307 gives it another meaning).
fn regular_restart_policy<'a>(pod: &Pod<'a>, member: &Member<'a>, findings: &mut Vec<Finding>) {
    if member.container.list != ContainerList::Regular || is_argo(pod.workload) {
        return;
    }
    let Some(entry) = member.container.restart_policy() else {
        return;
    };
    let rules = member.container.node.get("restartPolicyRules").is_some();
    if entry.value.as_str() != Some("Always") || rules {
        return;
    }
    findings.push(
        Draft::new(
            pod,
            &RULE,
            format!(
                "restartPolicy: Always on the regular container {} makes it no sidecar",
                member.container.name
            ),
        )
        .help("move it to initContainers: only there it starts before the app and ends after it")
        .severity(Severity::Warning)
        .confidence(Confidence::Medium)
        .container(&member.container)
        .at_entry(entry, "dropped up to 1.34, only a restart policy later")
        .fix(
            FixClass::Review,
            "whether a sidecar was meant is a person's to say",
        )
        .finish(),
    );
}

fn is_argo(workload: &Workload<'_>) -> bool {
    workload.controller == crate::workload::Controller::ArgoWorkflows
}

fn lyft(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for entry in pod.workload.pod_annotations() {
        let named = entry
            .key
            .as_str()
            .and_then(|key| key.strip_prefix(LYFT_ANNOTATION));
        let Some(name) = named.filter(|_| entry.value.as_str() == Some("Sidecar")) else {
            continue;
        };
        let class = match pod.workload.container(name) {
            Some(_) => FixClass::Safe,
            None => FixClass::Manual,
        };
        findings.push(
            Draft::new(pod, &RULE, format!("only Lyft's fork of the kubelet reads this; {name} is an ordinary container elsewhere"))
                .help("declare a native sidecar (initContainers with restartPolicy: Always) for clusters from 1.29 on")
                .severity(Severity::Warning)
                .confidence(Confidence::High)
                .at_entry(entry, "declares a sidecar to one fork only")
                .fix(class, "the annotation names a container of this manifest")
                .finish(),
        );
    }
}
