//! Pods that are not ours to rewrite.

use crate::{pod::Pod, workload::Controller};

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
        Controller::Kubernetes => return None,
    };
    Some(where_it_is.to_owned())
}
