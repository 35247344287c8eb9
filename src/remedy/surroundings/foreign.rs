//! Pods that are not ours to rewrite.

use crate::{
    pod::Pod,
    workload::{Controller, WorkloadKind},
};

/// Custom resources whose pod template is Kubernetes' own, and whose controllers make pods of it as it is.
const PLAIN_TEMPLATES: [(&str, &str); 8] = [
    ("jobset.x-k8s.io", "JobSet"),
    ("keda.sh", "ScaledJob"),
    ("argoproj.io", "Rollout"),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"),
    ("apps.kruise.io", "CloneSet"),
    ("apps.kruise.io", "StatefulSet"),
    ("apps.kruise.io", "DaemonSet"),
    ("apps.openshift.io", "DeploymentConfig"),
];

/// Why a pod is not ours to rewrite.
pub(crate) fn foreign(pod: &Pod<'_>) -> Option<String> {
    let where_it_is = match pod.workload.controller {
        Controller::ArgoWorkflows => {
            "Argo Workflows ends a template's `sidecars` itself, and gates nothing on them"
        }
        Controller::Tekton => {
            "Tekton starts and ends a task's `sidecars` itself and honours their readinessProbe"
        }
        Controller::Knative => "Knative gives the pod its own sidecar; change the Service's template by hand",
        Controller::SidecarSet => "a SidecarSet's containers are injected into other pods",
        Controller::Unknown => "a custom resource is its controller's; change what it is made from by hand",
        Controller::Kubernetes => {
            let reference = &pod.workload.object.reference;
            let group = reference.api_version.split('/').next().unwrap_or_default();
            let is_plain = PLAIN_TEMPLATES.contains(&(group, reference.kind.as_str()));
            let is_custom =
                pod.workload.kind == WorkloadKind::Custom && !reference.kind.is_empty() && !is_plain;
            return is_custom.then(|| {
                "a custom resource is its controller's; change what it is made from by hand".to_owned()
            });
        }
    };
    Some(where_it_is.to_owned())
}
