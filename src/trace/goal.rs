//! What a run waits for.

use std::collections::HashMap;

use super::{container::State, pod::PodTimeline};
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

impl Goal {
    /// Whether one pod has reached it; `None` where the pod no longer counts.
    fn reached_by(self, pod: &PodTimeline) -> Option<bool> {
        match self {
            Self::Complete => Some(pod.ended()),
            Self::Deleted => Some(pod.gone || pod.vanished),
            Self::Ready => (!pod.ended()).then_some(pod.ready),
            Self::Started => {
                let mut apps = pod.containers.iter().filter(|one| one.role == Role::App);
                Some(apps.all(|app| app.ran() && (app.state != State::Waiting || app.restarts > 0)))
            }
        }
    }
}

/// How far the traced pods are on the way to a goal.
#[derive(Debug, Clone)]
pub struct Progress {
    goal: Goal,
    /// At least this many pods must reach it.
    wanted: usize,
    pods: HashMap<String, bool>,
    reached: usize,
}

impl Progress {
    /// Nothing seen yet. At least `wanted` pods must reach the goal, and never fewer than one.
    #[must_use]
    pub fn new(goal: Goal, wanted: usize) -> Self {
        Self {
            goal,
            wanted: wanted.max(1),
            pods: HashMap::new(),
            reached: 0,
        }
    }

    /// Looks at a pod that changed.
    pub fn look(&mut self, pod: &PodTimeline) {
        let now = self.goal.reached_by(pod);
        let before = match now {
            Some(now) => self.pods.insert(pod.name.uid.clone(), now),
            None => self.pods.remove(&pod.name.uid),
        };
        self.reached -= usize::from(before == Some(true));
        self.reached += usize::from(now == Some(true));
    }

    /// A pod that had ended, and was forgotten, is gone.
    pub fn gone(&mut self, uid: &str) {
        if self.goal == Goal::Deleted
            && let Some(reached) = self.pods.get_mut(uid)
            && !*reached
        {
            *reached = true;
            self.reached += 1;
        }
    }

    /// Whether all pods have reached it.
    #[must_use]
    pub fn reached(&self) -> bool {
        self.reached == self.pods.len() && self.reached >= self.wanted
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
    fn a_pod_that_was_forgotten_can_still_go() {
        let mut progress = Progress::new(Goal::Deleted, 1);
        progress.look(&pod("a", "Succeeded"));
        assert!(!progress.reached());
        progress.gone("a");
        progress.gone("a");
        assert!(progress.reached());
    }
}
