//! What single states of a pod prove about pairs: snapshots, the strongest evidence there is.
//!
//! Each status is made from one listing of the runtime's containers. `a` running and `b` not created in the
//! same listing needs no clock to order the two.

use super::{
    Moment,
    container::{ContainerHistory, State},
    declared::{Gate, Pair, Rule},
};
use crate::roles::Role;

/// One state of the pod that tells something about a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Which state.
    pub resource_version: String,
    /// When it arrived, by this program's clock.
    pub received: Moment,
    /// What it showed.
    pub text: String,
    /// The run of the container that had ended, for stop pairs.
    pub ended_run: Option<String>,
}

/// What the states seen so far say about one pair in one start of the pod.
#[derive(Debug, Clone, Default)]
pub struct PairWitness {
    /// A state that proves the order.
    pub proof: Option<Witness>,
    /// A state that refutes it.
    pub breach: Option<Witness>,
    /// A state that would refute it, if a hook did not stand for the gate.
    pub hook_held: bool,
    gate_passed: bool,
    after_seen: bool,
    /// States from before `after` was created were seen, and none was missed until it was.
    watched: bool,
    any_seen: bool,
}

/// A container in the newest state, within one start of the pod.
struct View<'a> {
    history: &'a ContainerHistory,
    created: bool,
}

impl<'a> View<'a> {
    fn new(history: &'a ContainerHistory, round: usize) -> Self {
        let created = if round == 0 {
            history.shown_created()
        } else {
            history.last_run().is_some_and(|run| run.round == round)
        };
        Self { history, created }
    }

    /// A process of it runs, or has run, in this start.
    fn ran(&self) -> bool {
        let live = self.history.state != State::Waiting;
        self.created && live && self.history.last_run().is_some_and(super::run::Run::ran)
    }

    fn running(&self) -> bool {
        self.created && self.history.state == State::Running
    }

    fn passes(&self, gate: Gate) -> bool {
        match gate {
            Gate::Completed => {
                self.created
                    && self.history.state == State::Terminated
                    && self
                        .history
                        .last_run()
                        .and_then(|run| run.exit.as_ref())
                        .is_some_and(|exit| exit.code == 0 && exit.second.is_some())
            }
            Gate::Running => self.ran(),
            Gate::Startup => self.running() && self.history.started == Some(true),
            Gate::Ready => self.running() && self.history.ready,
        }
    }

    /// It is in its only run so far, and that has not passed the gate.
    fn fails(&self, gate: Gate) -> bool {
        let first = self.history.runs.iter().filter(|run| run.ran()).count() == 1;
        match gate {
            Gate::Completed => self.running(),
            Gate::Running => false,
            Gate::Startup => self.running() && first && self.history.started == Some(false),
            Gate::Ready => self.running() && first && !self.history.ready,
        }
    }

    fn words(&self) -> String {
        let name = &self.history.name;
        if !self.created {
            return format!("{name} not created");
        }
        match self.history.state {
            State::Waiting => format!("{name} waiting"),
            State::Terminated => format!("{name} ended"),
            State::Running if self.history.role == Role::Init => format!("{name} running"),
            State::Running => {
                let started = match self.history.started {
                    Some(true) => "started",
                    Some(false) => "not started",
                    None => "started unknown",
                };
                let ready = if self.history.ready { "ready" } else { "not ready" };
                format!("{name} running ({started}, {ready})")
            }
        }
    }
}

/// What a state is called and when it came.
#[derive(Debug, Clone, Copy)]
pub struct StateName<'a> {
    /// `metadata.resourceVersion`
    pub resource_version: &'a str,
    /// By this program's clock.
    pub received: Moment,
    /// States before it may have been missed.
    pub after_gap: bool,
}

impl PairWitness {
    /// Looks at the newest state.
    pub fn look(
        &mut self,
        pair: &Pair,
        before: &ContainerHistory,
        after: &ContainerHistory,
        round: usize,
        hook: bool,
        state: StateName<'_>,
    ) {
        match pair.rule {
            Rule::StartOrder | Rule::ListOrder => self.look_at_start(pair, before, after, round, hook, state),
            Rule::StopOrder => self.look_at_stop(before, after, state),
        }
    }

    fn look_at_start(
        &mut self,
        pair: &Pair,
        before: &ContainerHistory,
        after: &ContainerHistory,
        round: usize,
        hook: bool,
        state: StateName<'_>,
    ) {
        let (first, second) = (View::new(before, round), View::new(after, round));
        if !self.any_seen {
            self.watched = !second.created;
        } else if state.after_gap && second.created && !self.after_seen {
            self.watched = false;
        }
        self.any_seen = true;
        self.after_seen |= second.created;
        self.gate_passed |= first.passes(pair.gate);
        let witness = || Witness {
            resource_version: state.resource_version.to_owned(),
            received: state.received,
            text: format!("{}, {}", first.words(), second.words()),
            ended_run: None,
        };
        if !second.created && self.gate_passed && self.proof.is_none() {
            self.proof = Some(witness());
        }
        if second.ran() && !self.gate_passed && self.breach.is_none() {
            let never_created = !first.created && (round == 0 || before.state == State::Waiting);
            let certain = first.fails(pair.gate) && self.watched;
            if certain && hook && pair.gate == Gate::Ready {
                self.hook_held = true;
            } else if never_created || certain {
                self.breach = Some(witness());
            }
        }
    }

    fn look_at_stop(&mut self, before: &ContainerHistory, after: &ContainerHistory, state: StateName<'_>) {
        let (first, second) = (View::new(before, 0), View::new(after, 0));
        let ended = |view: &View<'_>| {
            view.history.state == State::Terminated
                && view
                    .history
                    .last_run()
                    .is_some_and(|run| run.ran() && run.finished().is_some())
        };
        let witness = |ended_run: &Option<String>| Witness {
            resource_version: state.resource_version.to_owned(),
            received: state.received,
            text: format!("{}, {}", first.words(), second.words()),
            ended_run: ended_run.clone(),
        };
        if ended(&first) && second.running() {
            self.proof = Some(witness(&before.id));
        } else if ended(&second) && first.running() {
            self.breach = Some(witness(&after.id));
        }
    }
}
