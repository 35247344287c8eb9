//! What the engine is fed: everything an API client can see, each piece with its clock.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Moment,
    object::{Event, Pod},
};

/// Whose clock a time was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The node's: kubelet and container runtime share it.
    Node,
    /// The API server's.
    ApiServer,
    /// This program's.
    Tracer,
}

/// How a pod came into view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It was in a list.
    Listed,
    /// `ADDED`
    Added,
    /// `MODIFIED`
    Modified,
    /// `DELETED`; the object is its last state.
    Deleted,
}

/// One state of a pod: a single listing of its containers by the kubelet.
#[derive(Debug, Clone)]
pub struct PodSeen {
    /// When it arrived, by this program's clock.
    pub received: Moment,
    /// How it came.
    pub change: Change,
    /// The object.
    pub pod: Pod,
}

/// One event.
#[derive(Debug, Clone)]
pub struct EventSeen {
    /// When it arrived, by this program's clock.
    pub received: Moment,
    /// How it came: one that was listed may be old.
    pub change: Change,
    /// The object.
    pub event: Event,
}

/// Which container something outside the pod object is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerAddress {
    /// The namespace, where it is known.
    pub namespace: Option<String>,
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
}

/// A container printed a line.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// Whose.
    pub address: ContainerAddress,
    /// When the runtime read it, by the node's clock.
    pub time: Moment,
}

/// An attach stream to one run of a container ended.
#[derive(Debug, Clone)]
pub struct AttachEnd {
    /// Whose.
    pub address: ContainerAddress,
    /// The run: a container ID, with or without the runtime's prefix.
    pub id: String,
    /// When the stream was open, by this program's clock.
    pub opened: Moment,
    /// When it ended, by this program's clock.
    pub closed: Moment,
    /// Why it tells nothing of the process: it could not be opened, or was cut.
    pub error: Option<String>,
}

/// `container_start_time_seconds` of `/metrics/resource`: when the runtime created the container.
#[derive(Debug, Clone)]
pub struct CreationTime {
    /// Whose.
    pub address: ContainerAddress,
    /// By the node's clock.
    pub time: Moment,
}

/// What a node says of itself.
#[derive(Debug, Clone)]
pub struct NodeSeen {
    /// Its name.
    pub name: String,
    /// `v1.34.4`
    pub kubelet_version: String,
}

/// The containers of the template that pods are made of.
#[derive(Debug, Clone)]
pub struct TemplateSeen {
    /// The uid of the object that holds it, which controls the pods.
    pub owner: String,
    /// The names of its containers, init containers included.
    pub containers: BTreeSet<String>,
}

/// What the scripts of a pod that are in ConfigMaps show of its sidecars. The scripts themselves are not kept.
#[derive(Debug, Clone)]
pub struct ScriptsSeen {
    /// The uid of the object that controls the pod, or of the pod where nothing does.
    pub owner: String,
    /// The sidecars that nothing declares, each with the sign.
    pub signs: BTreeMap<String, String>,
}

/// Something may have been missed.
#[derive(Debug, Clone)]
pub struct Gap {
    /// When that was noticed, by this program's clock.
    pub noticed: Moment,
    /// What was being watched: `pods` or `events`.
    pub resource: String,
    /// Only this namespace; `None` for all that are traced.
    pub namespace: Option<String>,
    /// What happened.
    pub reason: String,
}

/// The connection was lost at the end: what happened since is not known.
#[derive(Debug, Clone)]
pub struct Unseen {
    /// When that was noticed, by this program's clock.
    pub noticed: Moment,
    /// What happened.
    pub reason: String,
}

/// A node's kubelet went away or came back, as the node's condition `Ready` tells.
#[derive(Debug, Clone)]
pub struct KubeletSeen {
    /// When that was noticed, by this program's clock.
    pub noticed: Moment,
    /// The node.
    pub node: String,
    /// Whether it is away.
    pub away: bool,
    /// When the condition changed, by the API server's clock.
    pub since: Option<Moment>,
}

/// A pod that was known is not in a new list.
#[derive(Debug, Clone)]
pub struct Vanished {
    /// When that was noticed, by this program's clock.
    pub noticed: Moment,
    /// The pod.
    pub uid: String,
}

/// One piece of evidence.
#[derive(Debug, Clone)]
pub enum Evidence {
    /// A state of a pod.
    Pod(Box<PodSeen>),
    /// An event.
    Event(Box<EventSeen>),
    /// A line of a log.
    Log(LogLine),
    /// The end of an attach stream.
    Attach(AttachEnd),
    /// A container's creation time.
    Creation(CreationTime),
    /// A node's version.
    Node(NodeSeen),
    /// A template of pods. What it tells of a pod's roles is worked out before the engine.
    Template(TemplateSeen),
    /// Scripts of a pod in ConfigMaps: they tell of its roles, too.
    Scripts(ScriptsSeen),
    /// A kubelet went away or came back.
    Kubelet(KubeletSeen),
    /// A gap in a watch.
    Gap(Gap),
    /// Nothing was seen from some moment on.
    Unseen(Unseen),
    /// A pod that is gone without its end having been seen.
    Vanished(Vanished),
}

impl Evidence {
    /// When it reached this program; `None` where that was not noted.
    #[must_use]
    pub fn received(&self) -> Option<Moment> {
        match self {
            Self::Pod(seen) => Some(seen.received),
            Self::Event(seen) => Some(seen.received),
            Self::Attach(end) => Some(end.closed),
            Self::Gap(gap) => Some(gap.noticed),
            Self::Vanished(vanished) => Some(vanished.noticed),
            Self::Kubelet(seen) => Some(seen.noticed),
            Self::Unseen(unseen) => Some(unseen.noticed),
            Self::Log(_) | Self::Creation(_) | Self::Node(_) | Self::Template(_) | Self::Scripts(_) => None,
        }
    }
}
