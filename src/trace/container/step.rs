//! What happens to a run, told once.

use super::{ContainerHistory, Reached};
use crate::{
    roles::Role,
    trace::{
        Clock, Moment, SECOND,
        fact::{Precision, What},
        object::ContainerStatus,
        run::{Seen, Source},
    },
};

/// Something that happened to a run, before the pod's name is put on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
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
    /// The runtime's word for an end.
    pub reason: Option<String>,
}

impl Step {
    pub(super) fn new(
        restarts: i64,
        what: What,
        time: Option<Moment>,
        precision: Precision,
        source: Source,
    ) -> Self {
        Self {
            restarts,
            what,
            time,
            precision,
            clock: Clock::Node,
            source,
            exit_code: None,
            reason: None,
        }
    }
}

impl ContainerHistory {
    pub(super) fn tell_start(&mut self, restarts: i64, steps: &mut Vec<Step>) {
        let Some(run) = self.runs.iter().find(|run| run.restarts == restarts) else {
            return;
        };
        let (named, second) = (run.started_event.as_ref().map(|event| event.at), run.started);
        // `startedAt` of a restart may be rounded up to the next second.
        let (at, precision) = if restarts > 0 {
            (second.map(|second| second.plus(SECOND)), Precision::NotAfter)
        } else {
            (second, Precision::Second)
        };
        if restarts > 0 {
            self.tell(
                Step::new(restarts, What::Restarting, at, precision, Source::Status),
                steps,
            );
        }
        let step = match named {
            Some(at) => Step::new(
                restarts,
                What::Started,
                Some(at),
                Precision::NotAfter,
                Source::Event,
            ),
            None => Step::new(restarts, What::Started, at, precision, Source::Status),
        };
        self.tell(step, steps);
    }

    /// `started` and `ready` carry no time: they had become true when the state was received, or when a condition of
    /// the pod became true that needs them.
    pub(super) fn tell_progress(
        &mut self,
        status: &ContainerStatus,
        received: Moment,
        known: Reached,
        steps: &mut Vec<Step>,
    ) {
        let restarts = status.restart_count;
        let passed = status.started == Some(true) && self.role != Role::Init;
        let ready = status.ready && self.role != Role::Init;
        let Some(run) = self.runs.last_mut() else {
            return;
        };
        let started = run.started;
        let by = |second: Option<Moment>| {
            let end = second.filter(|second| started.is_some_and(|started| started <= *second));
            Seen::by_condition(end, received)
        };
        let first = restarts == 0 && self.is_init;
        let gate = by(if first { known.initialized } else { None }.or(known.all_ready));
        if passed {
            run.gate_seen.get_or_insert(gate);
        } else {
            run.gate_not_before = Some(received);
        }
        if ready {
            run.ready_seen.get_or_insert(by(known.all_ready));
        } else {
            run.ready_not_before = Some(received);
        }
        let gate = run.gate_seen.filter(|_| passed && self.startup_probe);
        let ready = run.ready_seen.filter(|_| ready);
        for (seen, what) in [(gate, What::GatePassed), (ready, What::Ready)] {
            if let Some(seen) = seen {
                let mut step = Step::new(restarts, what, Some(seen.at), Precision::NotAfter, seen.source);
                step.clock = seen.clock;
                self.tell(step, steps);
            }
        }
    }

    /// Tells a step, once.
    pub(super) fn tell(&mut self, step: Step, steps: &mut Vec<Step>) {
        let key = (step.restarts, step.what);
        if !self.told.contains(&key) {
            self.told.push(key);
            steps.push(step);
        }
    }
}
