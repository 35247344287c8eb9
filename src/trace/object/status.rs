//! `status` of a pod: what the kubelet saw.

use serde::Deserialize;

use super::nullable;

/// `status` of a pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    #[serde(deserialize_with = "nullable")]
    pub phase: String,
    /// Why it is in this state as a whole: `Evicted`, `DeadlineExceeded`, …
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// The same for people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
    /// The conditions.
    #[serde(deserialize_with = "nullable")]
    pub conditions: Vec<Condition>,
    /// Of init containers and sidecars.
    #[serde(deserialize_with = "nullable")]
    pub init_container_statuses: Vec<ContainerStatus>,
    /// Of the regular containers.
    #[serde(deserialize_with = "nullable")]
    pub container_statuses: Vec<ContainerStatus>,
    /// Of ephemeral containers.
    #[serde(deserialize_with = "nullable")]
    pub ephemeral_container_statuses: Vec<ContainerStatus>,
}

impl PodStatus {
    /// The status of every container, in the API's order.
    pub fn containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.init_container_statuses
            .iter()
            .chain(&self.container_statuses)
            .chain(&self.ephemeral_container_statuses)
    }

    /// The condition of that type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Whether the condition of that type is `True`.
    #[must_use]
    pub fn holds(&self, kind: &str) -> bool {
        self.condition(kind)
            .is_some_and(|condition| condition.status == "True")
    }
}

/// A pod condition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// `Initialized`, `Ready`, …
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "nullable")]
    pub status: String,
    /// The kubelet's clock when it made the status, whole seconds.
    pub last_transition_time: Option<String>,
    /// `Unschedulable`, `EvictionByEvictionAPI`, …
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// For people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}

/// A container's status.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// The container.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// What it does now.
    #[serde(deserialize_with = "nullable")]
    pub state: ContainerState,
    /// How its previous run ended.
    #[serde(deserialize_with = "nullable")]
    pub last_state: ContainerState,
    /// Passes its readiness probe; of an ordinary init container: has completed.
    #[serde(deserialize_with = "nullable")]
    pub ready: bool,
    /// Has passed its startup probe; absent where the kubelet does not say.
    pub started: Option<bool>,
    /// How often it was started again.
    #[serde(deserialize_with = "nullable")]
    pub restart_count: i64,
    /// `containerd://…`
    #[serde(rename = "containerID")]
    pub container_id: Option<String>,
}

/// `state` and `lastState`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Not running yet, or not again yet.
    pub waiting: Option<Waiting>,
    /// Running.
    pub running: Option<Running>,
    /// Ended.
    pub terminated: Option<Terminated>,
}

/// `waiting`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// `ContainerCreating`, `PodInitializing`, `ImagePullBackOff`, …
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// For people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}

/// `running`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// Whole seconds of the node's clock.
    pub started_at: Option<String>,
}

/// `terminated`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// The process's exit code; 128 plus the signal where one killed it.
    #[serde(deserialize_with = "nullable")]
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown`, …
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// Whole seconds of the node's clock; 1970 where the runtime never started it.
    pub started_at: Option<String>,
    /// Whole seconds of the node's clock.
    pub finished_at: Option<String>,
    /// The run this tells of.
    #[serde(rename = "containerID")]
    pub container_id: Option<String>,
}
