//! What a run waits for.

use std::collections::HashMap;

use super::{
    container::{ContainerHistory, State},
    pod::PodTimeline,
    report::role_name,
};
use crate::roles::Role;

/// What `--for` waits for, of all pods that are traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// They have ended: succeeded, failed or are gone.
    Complete,
    /// They are ready.
    Ready,
    /// They are gone.
    Deleted,
    /// Their apps have started.
    Started,
}

/// Where one pod stands on the way to a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is there.
    Reached,
    /// It was there and has ended since: it counts where nobody makes another pod in its place.
    Past,
    /// It is not there.
    NotYet,
    /// It has ended, and will never be there.
    Never,
}

impl Goal {
    fn standing(self, pod: &PodTimeline) -> Standing {
        let has_started = || {
            let mut apps = pod.containers.iter().filter(|one| one.role == Role::App);
            apps.all(|app| app.ran() && (app.state != State::Waiting || app.restarts > 0))
        };
        let is_there = match self {
            Self::Complete => pod.ended(),
            Self::Deleted => pod.gone || pod.vanished,
            Self::Ready => pod.ready,
            Self::Started => has_started(),
        };
        match (self, is_there) {
            (Self::Ready, _) if pod.ended() || pod.asked_to_go => Standing::Never,
            (Self::Started, true) if pod.ended() || pod.asked_to_go => Standing::Past,
            (Self::Started, false) if pod.ended() => Standing::Never,
            (_, true) => Standing::Reached,
            (_, false) => Standing::NotYet,
        }
    }

    /// What keeps a pod from the goal, in words; `None` where it has reached it.
    #[must_use]
    pub fn waits_for(self, pod: &PodTimeline) -> Option<String> {
        let standing = self.standing(pod);
        if matches!(standing, Standing::Reached | Standing::Past) {
            return None;
        }
        if standing == Standing::Never {
            return Some(format!("it has ended ({})", pod.phase));
        }
        let open = |container: &&ContainerHistory| match self {
            Self::Complete | Self::Deleted => container.state != State::Terminated,
            Self::Ready => !container.ready && container.role != Role::Init,
            Self::Started => container.role == Role::App && !container.ran(),
        };
        let containers = pod.containers.iter().filter(|one| one.role != Role::Ephemeral);
        let described: Vec<String> = containers.filter(open).map(|one| describe(pod, one)).collect();
        Some(match (described.is_empty(), self) {
            (false, _) => described.join(", "),
            (true, Self::Deleted) if pod.asked_to_go => {
                "all containers have ended, and something still holds the object".to_owned()
            }
            (true, Self::Deleted) => "its deletion has not been requested".to_owned(),
            (true, _) => format!("its phase is {}", pod.phase),
        })
    }
}

/// `proxy (sidecar, not declared) runs`
fn describe(pod: &PodTimeline, container: &ContainerHistory) -> String {
    let role = role_name(container.role, container.undeclared);
    let state = match container.state {
        State::Running if container.ready => "runs".to_owned(),
        State::Running if container.started == Some(false) => {
            "runs, its startup probe has not passed".to_owned()
        }
        State::Running => "runs and is not ready".to_owned(),
        State::Terminated => "has ended".to_owned(),
        State::Waiting if container.waiting.is_empty() => "is not created".to_owned(),
        State::Waiting => format!("waits ({})", container.waiting),
    };
    let held = if container.state == State::Waiting && !container.ran() {
        pod.held(&container.name)
    } else {
        None
    };
    let held = held.map(|held| format!(": {held}")).unwrap_or_default();
    format!("{} ({role}) {state}{held}", container.name)
}

/// How far the traced pods are on the way to a goal.
#[derive(Debug, Clone)]
pub struct Progress {
    goal: Goal,
    /// At least this many pods must reach it.
    wanted: usize,
    /// Somebody makes other pods in the place of those that end.
    is_replaced: bool,
    /// Pods are named: the first of each name is meant, by its uid.
    first: Option<HashMap<(String, String), String>>,
    pods: HashMap<String, Standing>,
}

impl Progress {
    /// Nothing seen yet. At least `wanted` pods must reach the goal, and never fewer than one.
    #[must_use]
    pub fn new(goal: Goal, wanted: usize) -> Self {
        Self {
            goal,
            wanted: wanted.max(1),
            is_replaced: false,
            first: None,
            pods: HashMap::new(),
        }
    }

    /// Pods are meant by their names: one that takes a name over after its owner's deletion is another pod.
    #[must_use]
    pub fn of_names(mut self) -> Self {
        if self.goal == Goal::Deleted {
            self.first = Some(HashMap::new());
        }
        self
    }

    /// What is waited for.
    #[must_use]
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// So many pods are wanted now, and whether pods that have ended are replaced by others.
    pub fn want(&mut self, wanted: usize, is_replaced: bool) {
        self.wanted = wanted.max(1);
        self.is_replaced = is_replaced;
    }

    /// Looks at a pod that changed.
    pub fn look(&mut self, pod: &PodTimeline) {
        if let Some(first) = &mut self.first {
            let name = (pod.name.namespace.clone(), pod.name.name.clone());
            let meant = first.entry(name).or_insert_with(|| pod.name.uid.clone());
            if *meant != pod.name.uid {
                return;
            }
        }
        self.pods.insert(pod.name.uid.clone(), self.goal.standing(pod));
    }

    /// A pod that had ended, and was forgotten, is gone.
    pub fn gone(&mut self, uid: &str) {
        if self.goal == Goal::Deleted
            && let Some(standing) = self.pods.get_mut(uid)
        {
            *standing = Standing::Reached;
        }
    }

    /// Whether all pods have reached it.
    #[must_use]
    pub fn reached(&self) -> bool {
        let counts = |standing: &&Standing| match standing {
            Standing::Reached => true,
            Standing::Past => !self.is_replaced,
            Standing::NotYet | Standing::Never => false,
        };
        let is_open = self.pods.values().any(|standing| *standing == Standing::NotYet);
        !is_open && self.pods.values().filter(counts).count() >= self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Moment, declared::Reading, object::Pod};

    fn pod(uid: &str, phase: &str) -> PodTimeline {
        let mut pod = Pod::default();
        pod.metadata.uid = uid.to_owned();
        let mut timeline = PodTimeline::new(&pod, &Reading::default(), Moment(0));
        timeline.phase = phase.to_owned();
        timeline
    }

    #[test]
    fn all_pods_and_as_many_as_wanted_must_get_there() {
        let mut progress = Progress::new(Goal::Complete, 2);
        progress.look(&pod("a", "Succeeded"));
        assert!(!progress.reached());
        progress.look(&pod("b", "Running"));
        assert!(!progress.reached());
        progress.look(&pod("b", "Failed"));
        assert!(progress.reached());
        assert!(!Progress::new(Goal::Complete, 0).reached());
    }

    #[test]
    fn a_pod_that_has_ended_is_none_of_those_that_are_wanted() {
        let mut progress = Progress::new(Goal::Started, 1);
        progress.look(&pod("old", "Succeeded"));
        assert!(progress.reached(), "nobody makes another one");
        progress.want(1, true);
        assert!(!progress.reached(), "a Deployment makes another one");
        let mut fresh = pod("new", "Pending");
        fresh.containers = vec![ContainerHistory::new("app", Role::App, false)];
        progress.want(1, false);
        progress.look(&fresh);
        assert!(!progress.reached());
        assert_eq!(
            Goal::Started.waits_for(&fresh).as_deref(),
            Some("app (app) is not created")
        );
    }

    #[test]
    fn a_name_means_the_pod_that_had_it_first() {
        let mut progress = Progress::new(Goal::Deleted, 1).of_names();
        let mut gone = pod("a", "Running");
        progress.look(&gone);
        gone.gone = true;
        progress.look(&gone);
        progress.look(&pod("its successor", "Running"));
        assert!(progress.reached());
    }

    #[test]
    fn a_pod_that_was_forgotten_can_still_go() {
        let mut progress = Progress::new(Goal::Deleted, 1);
        progress.look(&pod("a", "Succeeded"));
        assert!(!progress.reached());
        progress.gone("a");
        progress.gone("a");
        assert!(progress.reached());
    }
}
