//! Starts of one pod in place, and the turns of its sidecars to stop.

use super::{PodTimeline, ROUNDS_KEPT};
use crate::{
    roles::Role,
    trace::{
        Fact, Moment,
        container::ContainerHistory,
        fact::{PodStep, What},
        object::Pod,
        run::Run,
        witness::PairWitness,
    },
};

/// All containers of a pod start anew.
pub(super) struct Restart {
    /// By a container's exit rule.
    asked: bool,
    /// Init containers that had completed and run again.
    again: Vec<String>,
}

impl PodTimeline {
    /// A pod starts anew in place when the kubelet is told to restart all containers (KEP-5532) or makes a
    /// new sandbox after a reboot: its phase goes back to Pending, completed init containers run again.
    pub(super) fn detect_restart(&mut self, pod: &Pod) -> Option<Restart> {
        let round = self.round();
        let restarting = pod.status.holds("AllContainersRestarting");
        let in_round = |history: &ContainerHistory| history.last_run().is_some_and(|run| run.round == round);
        let mains_ran = self
            .containers
            .iter()
            .any(|container| container.role == Role::App && in_round(container));
        let asked = restarting && !self.restarting_all;
        let back = self.phase == "Running" && pod.status.phase == "Pending" && mains_ran;
        let completed = |history: &ContainerHistory| {
            let exit = history.last_run().and_then(|run| run.exit.as_ref());
            exit.is_some_and(|exit| exit.code == 0)
        };
        let again: Vec<String> = pod
            .status
            .init_container_statuses
            .iter()
            .filter(|status| {
                self.container(&status.name).is_some_and(|history| {
                    history.role == Role::Init
                        && in_round(history)
                        && history.shows_new_run(status)
                        && completed(history)
                })
            })
            .map(|status| status.name.clone())
            .collect();
        self.restarting_all = restarting;
        (asked || back || !again.is_empty()).then_some(Restart { asked, again })
    }

    /// Runs that are first seen in the state that tells of the restart count as older ones, but for init
    /// containers that run again: a state may have been missed in which they were shown.
    pub(super) fn begin_round(&mut self, restart: &Restart, steps: &mut Vec<(PodStep, String)>) {
        if self.rounds.len() >= ROUNDS_KEPT {
            return;
        }
        self.rounds
            .push(vec![PairWitness::default(); self.declared.pairs.len()]);
        let round = self.round();
        for container in &mut self.containers {
            if restart.again.contains(&container.name)
                && let Some(run) = container.runs.last_mut()
            {
                run.round = round;
            }
        }
        let why = if restart.asked {
            "by request"
        } else {
            "new sandbox"
        };
        steps.push((PodStep::Restarting, why.to_owned()));
    }

    /// A native sidecar's turn to stop comes when everything it waits for has ended (1.29 and later).
    pub(super) fn derive_turns(&mut self, facts: &mut Vec<Fact>) {
        let mut apps = self.containers.iter().filter(|one| one.role == Role::App);
        let stopping = self.deletion.is_some()
            || self.is_terminal()
            || apps.all(|app| self.ended_for_good(app).is_some());
        if !stopping || !self.has_native {
            return;
        }
        let mut waited: Vec<Option<Moment>> = self
            .containers
            .iter()
            .filter(|container| container.role == Role::App && container.ran())
            .map(|container| container.last_run().and_then(Run::finished))
            .collect();
        let natives: Vec<String> = self
            .declared
            .sidecars()
            .filter(|sidecar| sidecar.native)
            .map(|sidecar| sidecar.name.clone())
            .collect();
        for name in natives.iter().rev() {
            let Some(at) = self.containers.iter().position(|one| one.name == *name) else {
                continue;
            };
            let turn = waited.iter().copied().collect::<Option<Vec<_>>>();
            let turn = turn.and_then(|ends| ends.into_iter().max());
            let Some(container) = self.containers.get_mut(at) else {
                continue;
            };
            let exit = container.last_run().and_then(Run::finished);
            if let (Some(turn), true) = (turn, container.ran())
                && exit.is_none_or(|exit| exit >= turn)
            {
                let told = container.derived(What::Sigterm, turn);
                self.facts(at, told, facts);
            }
            waited.push(exit);
        }
    }
}
