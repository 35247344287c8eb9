//! Facts: what happened to a container, when, and how that is known.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Clock, Moment, SECOND, run::Source};
use crate::roles::Role;

/// Which pod something is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct PodName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid: two pods of a StatefulSet can share a name, one after the other.
    pub uid: String,
}

/// What happened to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The runtime created it; its process does not run yet.
    Created,
    /// Its process runs.
    Started,
    /// It passed its startup probe.
    GatePassed,
    /// It is ready.
    Ready,
    /// It ended and will run again.
    Restarting,
    /// The kubelet runs its preStop hook.
    PreStop,
    /// The kubelet asks it to stop.
    Sigterm,
    /// It ended by itself or when asked.
    Exited,
    /// It was killed.
    Killed,
    /// The runtime could not start it.
    StartFailed,
}

impl What {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Started => "started",
            Self::GatePassed => "startup gate passed",
            Self::Ready => "ready",
            Self::Restarting => "restarting",
            Self::PreStop => "preStop runs",
            Self::Sigterm => "SIGTERM sent",
            Self::Exited => "exited",
            Self::Killed => "killed",
            Self::StartFailed => "could not be started",
        }
    }
}

/// How exactly a time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// The time itself.
    Nanosecond,
    /// The true time lies in this second.
    Second,
    /// It had happened by then.
    NotAfter,
    /// It happened then or later.
    NotBefore,
}

/// One fact about one run of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The pod.
    pub pod: Arc<PodName>,
    /// The container.
    pub container: String,
    /// What it is in the pod.
    pub role: Role,
    /// Of a sidecar: whether anything declares it one.
    pub declared: Option<bool>,
    /// `restartCount` of the run.
    pub restarts: i64,
    /// What happened.
    pub what: What,
    /// When, as far as is known.
    pub time: Option<Moment>,
    /// How exactly.
    pub precision: Precision,
    /// By whose clock.
    pub clock: Clock,
    /// How it is known.
    pub source: Source,
    /// Of an end.
    pub exit_code: Option<i32>,
    /// The runtime's word for an end: `Completed`, `OOMKilled`, …
    pub reason: Option<String>,
}

impl Fact {
    /// Whether no more than the second is known.
    #[must_use]
    pub fn is_whole_second(&self) -> bool {
        // Times of the status are the node's seconds; what is only known by a state's arrival has this program's clock.
        let is_of_status = self.source == Source::Status && self.clock == Clock::Node;
        self.precision == Precision::Second
            || is_of_status
            || matches!(self.source, Source::Condition | Source::Derived)
    }

    /// The time as text, no more digits than are known.
    #[must_use]
    pub fn time_text(&self) -> Option<String> {
        let digits = if self.is_whole_second() { 0 } else { 9 };
        self.time.map(|time| time.rfc3339(digits))
    }
}

/// Something that keeps a pod or a container from going on, with the words of who noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The pod.
    pub pod: Arc<PodName>,
    /// The container, where it is about one.
    pub container: Option<String>,
    /// What that is in the pod.
    pub role: Option<Role>,
    /// Of a sidecar: whether anything declares it one.
    pub declared: Option<bool>,
    /// `Unhealthy`, `FailedMount`, `FailedScheduling`, `ErrImagePull`, `NodeNotReady`, `Evicted`, …
    pub reason: String,
    /// For people, as the server has it.
    pub message: String,
    /// When it was first noticed, as far as is known.
    pub time: Option<Moment>,
    /// How exactly.
    pub precision: Precision,
    /// By whose clock.
    pub clock: Clock,
    /// How it is known.
    pub source: Source,
}

impl Trouble {
    /// The time as text, no more digits than are known.
    #[must_use]
    pub fn time_text(&self) -> Option<String> {
        let digits = if self.precision == Precision::Second { 0 } else { 9 };
        self.time.map(|time| time.rfc3339(digits))
    }
}

/// What happened to a pod as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PodStep {
    /// It came into view.
    Seen,
    /// Its deletion was asked for.
    DeletionRequested,
    /// All its containers are being restarted in place.
    Restarting,
    /// Its phase became `Succeeded`.
    Succeeded,
    /// Its phase became `Failed`.
    Failed,
    /// It is gone.
    Deleted,
}

impl PodStep {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::DeletionRequested => "deletion requested",
            Self::Restarting => "all containers restart",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }
}

/// A step of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodNotice {
    /// The pod.
    pub pod: Arc<PodName>,
    /// What happened.
    pub step: PodStep,
    /// When this program learnt of it.
    pub received: Moment,
    /// When it happened, where the API says so: a second of the API server's clock.
    pub time: Option<Moment>,
    /// Details in words; may be empty.
    pub detail: String,
}

/// Something may have been missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapNotice {
    /// The pod, where it concerns one.
    pub pod: Option<Arc<PodName>>,
    /// What was being watched.
    pub resource: String,
    /// When it was noticed, by this program's clock.
    pub noticed: Moment,
    /// Why, and what may be missing.
    pub reason: String,
}

impl News {
    /// The time by which it is put in order with what became known together with it. An end of which only the second
    /// is known comes after what is known to have happened within that second, and what became of the pod after its containers' ends.
    #[must_use]
    pub fn place(&self) -> Moment {
        match self {
            Self::Fact(fact) => {
                let is_end = matches!(fact.what, What::Exited | What::Killed | What::StartFailed);
                let is_late =
                    fact.source == Source::Derived || (is_end && fact.precision == Precision::Second);
                fact.time
                    .unwrap_or_default()
                    .plus(if is_late { SECOND - 1 } else { 0 })
            }
            Self::Trouble(trouble) => trouble.time.unwrap_or_default(),
            Self::Pod(notice) => notice.time.unwrap_or(notice.received.plus(SECOND)),
            Self::Gap(gap) => gap.noticed,
        }
    }

    /// The pod it is about.
    #[must_use]
    pub fn pod(&self) -> Option<&PodName> {
        match self {
            Self::Fact(fact) => Some(&fact.pod),
            Self::Trouble(trouble) => Some(&trouble.pod),
            Self::Pod(notice) => Some(&notice.pod),
            Self::Gap(gap) => gap.pod.as_deref(),
        }
    }
}

/// What the engine tells as evidence comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A container did something.
    Fact(Fact),
    /// Something does not go on.
    Trouble(Trouble),
    /// A pod did something.
    Pod(PodNotice),
    /// Something may have been missed.
    Gap(GapNotice),
}
