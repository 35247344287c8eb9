//! The few fields of pods and events that trace reads.
//!
//! Types of our own instead of the whole API: a busy namespace sends megabytes a second, and most of it
//! (`managedFields`, volumes) says nothing about order. Over the states of `shared/recordings` (6.2 kB of text each) these
//! take 9.8 µs to read and 5.6 kB to keep, and `k8s_openapi`'s `Pod` takes 41 µs and 41 kB, and 0.3 MB of the binary. Every
//! field may be absent, as it may in a bookmark.

mod event;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};

pub use event::{Event, EventSource, InvolvedObject};
pub use status::{Condition, ContainerState, ContainerStatus, PodStatus, Running, Terminated, Waiting};

use crate::roles::{FIRST, listed};

/// `null` counts as absent: the API server writes `"containers":null` into bookmarks.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether a field is there, whatever it holds.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some())
}

/// One line of a watch stream.
#[derive(Debug, Clone, Deserialize)]
pub struct WatchEvent<T> {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object; of an `ERROR` a `Status`.
    pub object: T,
}

/// `metadata`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// The namespace.
    #[serde(deserialize_with = "nullable")]
    pub namespace: String,
    /// Unique in the cluster's life.
    #[serde(deserialize_with = "nullable")]
    pub uid: String,
    /// Opaque; from 1.35 on ordered within one resource (KEP-5504).
    #[serde(deserialize_with = "nullable")]
    pub resource_version: String,
    /// When it was made, by the API server's clock, whole seconds.
    pub creation_timestamp: Option<String>,
    /// Request time plus grace, by the API server's clock, whole seconds.
    pub deletion_timestamp: Option<String>,
    /// The grace that was granted; 0 in the final delete and in a forced one.
    pub deletion_grace_period_seconds: Option<i64>,
    /// The annotations trace knows.
    #[serde(deserialize_with = "nullable")]
    pub annotations: Annotations,
    /// Who made it.
    #[serde(deserialize_with = "nullable")]
    pub owner_references: Vec<OwnerReference>,
}

/// The annotations that matter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// Present on mirror pods, which stand for static pods.
    #[serde(rename = "kubernetes.io/config.mirror")]
    pub mirror: Option<String>,
    /// The sidecars that an admission policy is to promote.
    #[serde(rename = "kubectl-sidecar/sidecars")]
    pub sidecars: Option<String>,
    /// Where they go among the init containers.
    #[serde(rename = "kubectl-sidecar/position")]
    pub position: Option<String>,
    /// Those that the policy has promoted.
    #[serde(rename = "kubectl-sidecar/promoted")]
    pub promoted: Option<String>,
}

impl Annotations {
    /// The names of the sidecars that the annotation declares.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        listed(self.sidecars.as_deref().unwrap_or_default())
    }
}

/// The owner that manages an object; others only keep it from being collected as garbage.
#[must_use]
pub fn controller(references: &[OwnerReference]) -> Option<&OwnerReference> {
    references
        .iter()
        .find(|reference| reference.controller == Some(true))
}

/// A pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Its metadata.
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// What is wanted.
    #[serde(deserialize_with = "nullable")]
    pub spec: PodSpec,
    /// What the kubelet saw.
    #[serde(deserialize_with = "nullable")]
    pub status: PodStatus,
}

/// `spec` of a pod or of a pod template.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// The node; empty until scheduled.
    #[serde(deserialize_with = "nullable")]
    pub node_name: String,
    /// `Always`, `OnFailure` or `Never`; empty means `Always`.
    #[serde(deserialize_with = "nullable")]
    pub restart_policy: String,
    /// Seconds; the API server fills in 30.
    pub termination_grace_period_seconds: Option<i64>,
    /// In start order; sidecars among them.
    #[serde(deserialize_with = "nullable")]
    pub init_containers: Vec<ContainerSpec>,
    /// The regular containers.
    #[serde(deserialize_with = "nullable")]
    pub containers: Vec<ContainerSpec>,
    /// Added to the running pod.
    #[serde(deserialize_with = "nullable")]
    pub ephemeral_containers: Vec<ContainerSpec>,
    /// Regular containers that the pod's annotation declares sidecars: they were not promoted.
    #[serde(skip)]
    pub annotated: BTreeSet<String>,
    /// Regular containers that are sidecars by all signs and are declared nowhere, each with the sign.
    #[serde(skip)]
    pub undeclared: BTreeMap<String, String>,
}

impl PodSpec {
    /// The spec with what the pod's annotations say of its regular containers.
    #[must_use]
    pub fn annotated_by(mut self, annotations: &Annotations) -> Self {
        self.annotated = annotations
            .declared()
            .filter(|name| self.containers.iter().any(|container| container.name == *name))
            .map(str::to_owned)
            .collect();
        self
    }

    /// The spec as the admission policy would make it. Whether it makes a startupProbe of a readinessProbe depends
    /// on more than is known here; it does unless that waits for the app.
    #[must_use]
    pub fn promoted_by(mut self, annotations: &Annotations) -> Self {
        let (mut sidecars, regular): (Vec<_>, Vec<_>) = self
            .containers
            .into_iter()
            .partition(|container| self.annotated.contains(&container.name));
        for sidecar in &mut sidecars {
            sidecar.restart_policy = Some("Always".to_owned());
            sidecar.startup_probe |= sidecar.readiness_probe;
        }
        let at = match annotations.position.as_deref() {
            Some(FIRST) => 0,
            _ => self.init_containers.len(),
        };
        self.init_containers.splice(at..at, sidecars);
        self.containers = regular;
        self.annotated.clear();
        self
    }
}

/// A container's declaration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerSpec {
    /// Its name, unique in the pod.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// `Always` makes an init container a sidecar, and nothing else one.
    pub restart_policy: Option<String>,
    /// There is a startupProbe.
    #[serde(deserialize_with = "present")]
    pub startup_probe: bool,
    /// There is a readinessProbe.
    #[serde(deserialize_with = "present")]
    pub readiness_probe: bool,
    /// Hooks, and the first design's type.
    #[serde(deserialize_with = "nullable")]
    pub lifecycle: Lifecycle,
}

impl ContainerSpec {
    /// Whether it is a native sidecar, given that it is an init container.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

/// `lifecycle`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    /// `Sidecar` in KEP-753's first design; no released API server keeps it.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// There is a postStart hook.
    #[serde(deserialize_with = "present")]
    pub post_start: bool,
    /// There is a preStop hook.
    #[serde(deserialize_with = "present")]
    pub pre_stop: bool,
}

/// The `Status` an `ERROR` carries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorStatus {
    /// The HTTP status: 410 where the resourceVersion is too old.
    #[serde(deserialize_with = "nullable")]
    pub code: i32,
    /// For people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
    /// `Expired`, `InternalError`, …
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
}
