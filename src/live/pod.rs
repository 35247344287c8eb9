//! The few fields that are read of every object of a list, for the reason of `trace::object`: a scan keeps those of
//! thousands of pods.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::Deserialize;

use crate::trace::object::{PodSpec, PodStatus, controller, nullable};

/// Any object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ObjectGlance {
    /// Its metadata.
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
}

/// A pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodGlance {
    /// Its metadata.
    #[serde(deserialize_with = "nullable")]
    pub metadata: PodMetadata,
    /// What runs in it.
    #[serde(deserialize_with = "nullable")]
    pub spec: PodSpec,
    /// What the kubelet says of it.
    #[serde(deserialize_with = "nullable")]
    pub status: PodStatus,
}

/// `metadata` of any object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata {
    /// The name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// The namespace.
    pub namespace: Option<String>,
    /// Unique in the cluster's life.
    #[serde(deserialize_with = "nullable")]
    pub uid: String,
    /// Who made it.
    #[serde(deserialize_with = "nullable")]
    pub owner_references: Vec<OwnerReference>,
}

/// `metadata` of a pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodMetadata {
    /// The name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// The namespace.
    pub namespace: Option<String>,
    /// Unique in the cluster's life.
    #[serde(deserialize_with = "nullable")]
    pub uid: String,
    /// Who made it.
    #[serde(deserialize_with = "nullable")]
    pub owner_references: Vec<OwnerReference>,
    /// Its labels.
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(deserialize_with = "nullable")]
    pub annotations: BTreeMap<String, String>,
    /// When it will be gone: when its deletion was asked for plus the grace.
    pub deletion_timestamp: Option<String>,
    /// The grace, in seconds.
    pub deletion_grace_period_seconds: Option<i64>,
}

impl ObjectGlance {
    /// The owner that manages it.
    #[must_use]
    pub(crate) fn controller(&self) -> Option<&OwnerReference> {
        controller(&self.metadata.owner_references)
    }
}

impl PodGlance {
    /// The owner that manages it. A static pod's is its node, which holds no template: it counts as without.
    #[must_use]
    pub fn controller(&self) -> Option<&OwnerReference> {
        controller(&self.metadata.owner_references).filter(|owner| owner.kind != "Node")
    }
}
