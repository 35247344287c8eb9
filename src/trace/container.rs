//! The history of one container: its runs, and what was told about them.

mod late;
mod step;

pub use self::step::Step;
use super::{
    Clock, Moment,
    evidence::AttachEnd,
    fact::{Precision, What},
    moment::SECOND,
    object::{ContainerStatus, Terminated},
    run::{Run, Source},
};
use crate::roles::Role;

/// Runs kept of a container that restarts for ever: the first, and the newest of the others.
const RUNS_KEPT: usize = 64;
/// Evidence that no run is known for yet.
const PENDING_KEPT: usize = 4096;
/// The kubelet names `Started` up to a quarter of a second after the start; a stalled node takes longer.
const EVENT_DELAY: i64 = 5 * SECOND;

/// What a container does in the newest state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Not running yet, or not again yet.
    #[default]
    Waiting,
    /// Running.
    Running,
    /// Ended.
    Terminated,
}

/// What conditions of the pod say of its containers: seconds of the node's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reached {
    /// Since then all init containers have completed and all native sidecars have started.
    pub initialized: Option<Moment>,
    /// Since then all containers are ready.
    pub all_ready: Option<Moment>,
}

/// One container of a pod, with everything seen of it.
#[derive(Debug, Clone)]
pub struct ContainerHistory {
    /// Its name.
    pub name: String,
    /// What it is in the pod.
    pub role: Role,
    /// It is a sidecar that is declared nowhere.
    pub undeclared: bool,
    /// It stands among the init containers.
    pub is_init: bool,
    /// It has a startupProbe.
    pub startup_probe: bool,
    /// Its runs, the oldest first.
    pub runs: Vec<Run>,
    /// What it does in the newest state.
    pub state: State,
    /// The ID in the newest state.
    pub id: Option<String>,
    /// `started` in the newest state.
    pub started: Option<bool>,
    /// `ready` in the newest state.
    pub ready: bool,
    /// `restartCount` in the newest state.
    pub restarts: i64,
    /// Why it waits in the newest state: `PodInitializing`, `ImagePullBackOff`, …; empty where it does not.
    pub waiting: String,
    /// A start of it failed or was put off: no image, a refused start.
    pub start_trouble: bool,
    /// Its end was lost, and no run of it is known.
    pub status_lost: bool,
    /// Runs that were dropped to bound memory.
    pub dropped_runs: usize,
    told: Vec<(i64, What)>,
    stop_requests: Vec<Moment>,
    /// When the kubelet began to stop it, of the newest run for which that is known.
    stopping_since: Option<(i64, Moment, Source)>,
    pending_lines: Vec<Moment>,
    pending_attaches: Vec<AttachEnd>,
    pending_creation: Option<Moment>,
}

impl ContainerHistory {
    /// A container of which nothing is known yet.
    #[must_use]
    pub fn new(name: &str, role: Role, startup_probe: bool) -> Self {
        Self {
            name: name.to_owned(),
            role,
            undeclared: false,
            is_init: role == Role::Init,
            startup_probe,
            // Most have one; room for four would be most of what a pod takes.
            runs: Vec::with_capacity(1),
            state: State::Waiting,
            id: None,
            started: None,
            ready: false,
            restarts: 0,
            waiting: String::new(),
            start_trouble: false,
            status_lost: false,
            dropped_runs: 0,
            told: Vec::new(),
            stop_requests: Vec::new(),
            stopping_since: None,
            pending_lines: Vec::new(),
            pending_attaches: Vec::new(),
            pending_creation: None,
        }
    }

    /// The first run, where it is known to be the very first.
    #[must_use]
    pub fn first_run(&self) -> Option<&Run> {
        self.runs.first().filter(|run| run.restarts == 0)
    }

    /// The first run of a start of the pod, where it is known to be that.
    #[must_use]
    pub fn first_run_of(&self, round: usize) -> Option<&Run> {
        if round == 0 {
            return self.first_run();
        }
        self.runs.iter().find(|run| run.round == round)
    }

    /// The newest run.
    #[must_use]
    pub fn last_run(&self) -> Option<&Run> {
        self.runs.last()
    }

    /// Whether a status has shown that the runtime has created it. Events do not count: they run ahead of the
    /// states, or behind.
    #[must_use]
    pub fn shown_created(&self) -> bool {
        self.runs.iter().any(|run| run.id.is_some()) || self.restarts > 0 || self.status_lost
    }

    /// When the kubelet was seen to ask a run to stop.
    #[must_use]
    pub fn asked_to_stop(&self, run: &Run) -> Option<Moment> {
        let mut requests = self.stop_requests.iter().copied();
        requests.find(|at| {
            run.started.is_some_and(|started| started <= *at)
                && run.finished().is_none_or(|second| *at < second.plus(SECOND))
        })
    }

    /// Of a sidecar: whether anything declares it one.
    #[must_use]
    pub fn is_declared_sidecar(&self) -> Option<bool> {
        (self.role == Role::Sidecar).then_some(!self.undeclared)
    }

    /// The first time from `moment` on, within a second, at which the kubelet was seen to ask it to stop.
    #[must_use]
    pub fn stop_requested_since(&self, moment: Moment) -> Option<Moment> {
        let requests = self.stop_requests.iter().copied();
        requests.filter(|at| *at >= moment.plus(-SECOND)).min()
    }

    /// When the kubelet began to stop a run: asked it, or ran its preStop hook. A native sidecar is asked when its turn
    /// has come, whatever the event says that the kubelet records for all containers at once.
    #[must_use]
    pub fn stopping_since(&self, run: &Run) -> Option<(Moment, Source)> {
        self.stopping_since
            .filter(|(restarts, ..)| *restarts == run.restarts)
            .map(|(_, at, source)| (at, source))
    }

    /// Whether a process of it has ever run, as far as is known.
    #[must_use]
    pub fn ran(&self) -> bool {
        self.runs.iter().any(Run::ran) || (self.restarts > 0 && self.runs.iter().all(|run| !run.never_ran))
    }

    /// Whether this status shows a run that is not known yet.
    #[must_use]
    pub fn shows_new_run(&self, status: &ContainerStatus) -> bool {
        let id = status.container_id.as_deref().filter(|id| !id.is_empty());
        id.is_some_and(|id| self.runs.iter().all(|run| run.id.as_deref() != Some(id)))
    }

    /// Takes over one status of the container. Returns what is news.
    pub fn apply(
        &mut self,
        status: &ContainerStatus,
        round: usize,
        received: Moment,
        known: Reached,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        self.restarts = status.restart_count;
        if let Some(ended) = &status.last_state.terminated {
            // Between two runs restartCount still counts the one that ended (CrashLoopBackOff).
            let between = status.state.running.is_none() && status.state.terminated.is_none();
            let restarts = status.restart_count.saturating_sub(i64::from(!between));
            self.ended(ended, None, restarts, round, &mut steps);
        }
        self.started = status.started;
        self.ready = status.ready;
        self.waiting.clear();
        let id = status.container_id.clone().filter(|id| !id.is_empty());
        if let Some(running) = &status.state.running {
            self.state = State::Running;
            self.id = id.clone();
            let started = running.started_at.as_deref().and_then(Moment::parse);
            if let Some(run) = self.run(id.as_deref(), status.restart_count, round, started) {
                run.seen_running = true;
                run.started = run.started.or(started);
            }
            self.tell_start(status.restart_count, &mut steps);
            self.tell_progress(status, received, known, &mut steps);
        } else if let Some(ended) = &status.state.terminated {
            self.state = State::Terminated;
            self.id = ended.container_id.clone().filter(|id| !id.is_empty()).or(id);
            let current = self.id.clone();
            self.ended(ended, current.as_deref(), status.restart_count, round, &mut steps);
        } else {
            self.state = State::Waiting;
            self.id = id;
            let reason = status
                .state
                .waiting
                .as_ref()
                .map_or("", |waiting| waiting.reason.as_str());
            reason.clone_into(&mut self.waiting);
            self.wait(reason, received, &mut steps);
        }
        self.place_pending();
        self.bound_memory();
        steps
    }

    /// `waiting`: before the first run, or between two.
    fn wait(&mut self, reason: &str, received: Moment, steps: &mut Vec<Step>) {
        let ordinary = matches!(reason, "" | "ContainerCreating" | "PodInitializing");
        self.start_trouble |= !ordinary && self.runs.is_empty();
        if reason == "CrashLoopBackOff" {
            let mut step = Step::new(
                self.restarts.saturating_add(1),
                What::Restarting,
                Some(received),
                Precision::NotAfter,
                Source::Status,
            );
            step.clock = Clock::Tracer;
            step.reason = Some(reason.to_owned());
            self.tell(step, steps);
        }
    }

    /// `terminated`, of the current run or of the one before.
    fn ended(
        &mut self,
        ended: &Terminated,
        id: Option<&str>,
        restarts: i64,
        round: usize,
        steps: &mut Vec<Step>,
    ) {
        let id = ended.container_id.as_deref().filter(|id| !id.is_empty()).or(id);
        let unknown = ended.started_at.is_none() && ended.finished_at.is_none();
        if unknown {
            match self
                .runs
                .iter_mut()
                .find(|run| id.is_some() && run.id.as_deref() == id)
            {
                Some(run) => run.lost = run.exit.is_none(),
                None => self.status_lost |= ended.reason == "ContainerStatusUnknown",
            }
            if let Some(run) = self
                .runs
                .last_mut()
                .filter(|run| id.is_none() && run.restarts == restarts)
            {
                run.lost = run.exit.is_none();
            }
            return;
        }
        let started = ended.started_at.as_deref().and_then(Moment::parse);
        let Some(run) = self.run(id, restarts, round, started) else {
            return;
        };
        if !run.terminate(ended) {
            return;
        }
        let (never_ran, second) = (run.never_ran, run.finished());
        self.start_trouble |= never_ran && restarts == 0;
        if !never_ran {
            self.tell_start(restarts, steps);
        }
        let killed = ended.exit_code == 137 || ended.reason == "OOMKilled";
        let what = match (never_ran, killed) {
            (true, _) => What::StartFailed,
            (false, true) => What::Killed,
            (false, false) => What::Exited,
        };
        let mut step = Step::new(restarts, what, second, Precision::Second, Source::Status);
        step.exit_code = Some(ended.exit_code);
        step.reason = Some(ended.reason.clone()).filter(|reason| !reason.is_empty());
        self.tell(step, steps);
    }

    /// The run of that ID, made where it is new. A run that only events have told of becomes it.
    fn run(
        &mut self,
        id: Option<&str>,
        restarts: i64,
        round: usize,
        started: Option<Moment>,
    ) -> Option<&mut Run> {
        let known = self.runs.iter().position(|run| match id {
            Some(id) => run.id.as_deref() == Some(id),
            None => run.restarts == restarts,
        });
        if let Some(known) = known {
            return self.runs.get_mut(known);
        }
        self.settle_provisional(restarts, started);
        if let Some(provisional) = self.runs.iter().position(|run| run.id.is_none()) {
            let run = self.runs.get_mut(provisional)?;
            run.id = id.map(str::to_owned);
            run.restarts = restarts;
            run.round = round;
            return Some(run);
        }
        let at = self.runs.partition_point(|run| run.restarts <= restarts);
        self.runs.insert(
            at,
            Run {
                id: id.map(str::to_owned),
                restarts,
                round,
                ..Run::default()
            },
        );
        self.runs.get_mut(at)
    }

    /// Drops a run that only events have told of where the status shows that they meant another one.
    fn settle_provisional(&mut self, restarts: i64, started: Option<Moment>) {
        self.runs.retain(|run| {
            let Some(event) = run.started_event.as_ref().or(run.created_event.as_ref()) else {
                return run.id.is_some();
            };
            let fits = started.is_some_and(|started| {
                started.plus(SECOND + EVENT_DELAY).since(event.at) > 0
                    && event.at.plus(EVENT_DELAY) >= started
            });
            run.id.is_some() || restarts == 0 || fits
        });
    }

    fn bound_memory(&mut self) {
        while self.runs.len() > RUNS_KEPT {
            self.runs.remove(1);
            self.dropped_runs += 1;
        }
        let oldest = self.runs.get(1).map_or(0, |run| run.restarts);
        self.told
            .retain(|(restarts, _)| *restarts == 0 || *restarts >= oldest);
    }
}
