//! Events: what was said of a pod, and when.

use serde::Deserialize;

use super::{Metadata, nullable};

/// A `v1` Event.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Its name ends in the nanosecond at which the kubelet first recorded it.
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// What it is about.
    #[serde(deserialize_with = "nullable")]
    pub involved_object: InvolvedObject,
    /// `Created`, `Started`, `Killing`, …
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// For people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
    /// How many occurrences were merged into it.
    pub count: Option<i64>,
    /// The first occurrence, whole seconds of the sender's clock.
    pub first_timestamp: Option<String>,
    /// The last occurrence, whole seconds of the sender's clock.
    pub last_timestamp: Option<String>,
    /// The first occurrence, microseconds; the scheduler says this instead.
    pub event_time: Option<String>,
    /// Who sent it.
    #[serde(deserialize_with = "nullable")]
    pub source: EventSource,
}

/// `involvedObject`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InvolvedObject {
    /// `Pod`, …
    #[serde(deserialize_with = "nullable")]
    pub kind: String,
    /// Its uid.
    #[serde(deserialize_with = "nullable")]
    pub uid: String,
    /// `spec.containers{name}`, …
    #[serde(deserialize_with = "nullable")]
    pub field_path: String,
}

/// `source`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EventSource {
    /// `kubelet`, …
    #[serde(deserialize_with = "nullable")]
    pub component: String,
}
