//! `injection-opt-out`

use super::{Confidence, Draft, Family, Finding, FixClass, Pod, RuleInfo, Severity};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "injection-opt-out",
    family: Family::Completion,
    severity: Severity::Info,
    summary: "A Job is kept out of the mesh, often because its proxy would never end",
    what: "",
    why: "",
    before: "",
    after: "",
    migrate: "",
    sources: &[],
};

/// Labels and annotations that keep a pod out, with the value that does so.
const OPT_OUTS: [(&str, &str, &str); 6] = [
    ("sidecar.istio.io/inject", "false", "Istio"),
    ("linkerd.io/inject", "disabled", "Linkerd"),
    ("consul.hashicorp.com/connect-inject", "false", "Consul"),
    ("kuma.io/sidecar-injection", "disabled", "Kuma"),
    ("appmesh.k8s.aws/sidecarInjectorWebhook", "disabled", "App Mesh"),
    ("istio.io/dataplane-mode", "none", "Istio"),
];

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let completes = pod.workload.runs_to_completion() && !pod.workload.controller.ends_sidecars();
    if !completes {
        return;
    }
    let marks = pod
        .workload
        .pod_annotations()
        .into_iter()
        .chain(pod.workload.pod_labels());
    for entry in marks {
        let (Some(key), Some(value)) = (entry.key.as_str(), entry.value.as_str()) else {
            continue;
        };
        let Some((_, _, mesh)) = OPT_OUTS
            .iter()
            .find(|(name, off, _)| *name == key && *off == value)
        else {
            continue;
        };
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!("{} is kept out of {mesh}", super::pod::describe(pod)),
            )
            .help(
                "where the reason was that its proxy never ends, inject it as a native sidecar; \
                     where it was security or traffic, keep this",
            )
            .confidence(Confidence::Medium)
            .at_entry(entry, "no proxy is injected")
            .fix(
                FixClass::Manual,
                "joining the mesh is a decision about traffic and security",
            )
            .finish(),
        );
    }
}
