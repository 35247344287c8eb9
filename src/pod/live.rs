//! What the pods of a workload show where it is looked at in a cluster: plain facts, for the rules to judge.

use jiff::Timestamp;

/// What a cluster shows of a workload beside its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// When it was looked at.
    pub seen_at: Timestamp,
    /// How many of its pods were compared with its template.
    pub compared: usize,
    /// Containers that its pods have and its template has not.
    pub injected: Vec<InjectedContainer>,
    /// Regular containers of its template that are native sidecars in its pods.
    pub promoted: Vec<String>,
    /// Declared sidecars of the template that are ordinary init containers in a pod.
    pub dropped: Vec<SeenContainer>,
    /// A Job of it is `Complete`: whatever its sidecars are, something ends them.
    pub has_completed: bool,
    /// Some pods whose containers have ended or restarted in a telling way.
    pub pods: Vec<PodSeen>,
    /// Who made it, where that was not looked at or holds no template of it: `Kafka cluster (kafka.strimzi.io/v1)`.
    pub owner: Option<String>,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenContainer {
    /// Its name.
    pub name: String,
    /// The pod it was seen in.
    pub pod: String,
}

/// A container that something added when the pod was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedContainer {
    /// Its name.
    pub name: String,
    /// The pod it was seen in.
    pub pod: String,
    /// Annotations of the pod that name the container or came with it.
    pub annotations: Vec<String>,
}

/// What the status of a pod says about its containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSeen {
    /// The pod.
    pub name: String,
    /// When its shutdown had begun: no container that ended then or later had ended before it.
    pub stopping_since: Option<Timestamp>,
    /// Its regular containers, in the order they are started in.
    pub containers: Vec<ContainerSeen>,
    /// How many more pods showed as much.
    pub more: usize,
}

/// What the kubelet says about a container, in whole seconds of the node's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerSeen {
    /// Its name.
    pub name: String,
    /// It runs since then.
    pub running_since: Option<Timestamp>,
    /// How it ended, where it has.
    pub ended: Option<Ended>,
    /// How its previous run ended.
    pub previous: Option<Ended>,
    /// How often it was started again.
    pub restarts: i64,
}

/// The end of a run of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// How.
    pub exit_code: i32,
}

impl Live {
    /// How a container came into the pods, where the template has none of its name.
    #[must_use]
    pub fn injection(&self, container: &str) -> Option<&InjectedContainer> {
        self.injected.iter().find(|injected| injected.name == container)
    }
}

impl PodSeen {
    /// What is said about the container of that name.
    pub(crate) fn container(&self, name: &str) -> Option<&ContainerSeen> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// `pod web-1 and 3 more`
    pub(crate) fn describe(&self) -> String {
        match self.more {
            0 => format!("pod {}", self.name),
            more => format!("pod {} and {more} more", self.name),
        }
    }
}
