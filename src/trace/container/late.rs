//! Evidence that does not come with a state: events, log lines, streams, creation times. It may come before
//! the state that tells of its run, or long after.

use super::{ContainerHistory, EVENT_DELAY, PENDING_KEPT, RUNS_KEPT, Step};
use crate::trace::{
    Moment, SECOND,
    evidence::AttachEnd,
    fact::{Precision, What},
    run::{NamedTime, Run, Source},
};

impl ContainerHistory {
    /// A `Created` or `Started` event of the first occurrence.
    pub fn named(&mut self, what: What, event: NamedTime) -> Vec<Step> {
        let fits = |run: &Run| {
            run.started.is_none_or(|started| match what {
                What::Created => started.plus(SECOND) > event.at && event.at.plus(EVENT_DELAY) >= started,
                _ => started <= event.at && started.plus(SECOND + EVENT_DELAY) > event.at,
            })
        };
        if self.runs.is_empty() && !self.status_lost && self.restarts == 0 {
            self.runs.push(Run::default());
        }
        let mut steps = Vec::new();
        let Some(run) = self.runs.iter_mut().find(|run| fits(run)) else {
            return steps;
        };
        let (at, restarts) = (event.at, run.restarts);
        let slot = match what {
            What::Created => &mut run.created_event,
            _ => &mut run.started_event,
        };
        if slot.is_none() {
            *slot = Some(event);
            self.tell(
                // The kubelet records what it has done.
                Step::new(restarts, what, Some(at), Precision::NotAfter, Source::Event),
                &mut steps,
            );
            self.place_pending();
        }
        steps
    }

    /// The kubelet asked a run to stop then.
    pub fn stop_requested(&mut self, at: Moment) {
        if self.stop_requests.len() >= RUNS_KEPT {
            self.stop_requests.remove(0);
        }
        self.stop_requests.push(at);
    }

    /// The kubelet asked the run of that time to stop: tells it.
    pub fn stopping(&mut self, what: What, at: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        // The state of the next run may have come first: the request is for the run that had begun by then.
        let begun = |run: &&Run| {
            let created_later = run.created_event.as_ref().is_some_and(|created| created.at > at);
            !created_later && run.started.is_none_or(|started| started <= at)
        };
        let run = self.runs.iter().rev().find(begun).or(self.runs.last());
        let restarts = run.map_or(self.restarts, |run| run.restarts);
        self.stopping_since = Some((restarts, at, Source::Event));
        let step = Step::new(restarts, what, Some(at), Precision::NotBefore, Source::Event);
        self.tell(step, &mut steps);
        steps
    }

    /// A step that follows from others.
    pub fn derived(&mut self, what: What, at: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        let restarts = self.runs.last().map_or(self.restarts, |run| run.restarts);
        self.stopping_since = Some((restarts, at, Source::Derived));
        let step = Step::new(restarts, what, Some(at), Precision::NotBefore, Source::Derived);
        self.tell(step, &mut steps);
        steps
    }

    /// It printed a line.
    pub fn line(&mut self, at: Moment) {
        if self.pending_lines.len() >= PENDING_KEPT {
            self.pending_lines.remove(0);
        }
        self.pending_lines.push(at);
        self.place_pending();
    }

    /// A stream to it ended.
    pub fn attach(&mut self, end: AttachEnd) {
        if self.pending_attaches.len() < PENDING_KEPT {
            self.pending_attaches.push(end);
        }
        self.place_pending();
    }

    /// The runtime created it then.
    pub fn creation(&mut self, at: Moment) {
        self.pending_creation = Some(at);
        self.place_pending();
    }

    /// Gives evidence that came before its run was known to the run it belongs to.
    pub(super) fn place_pending(&mut self) {
        let runs = &mut self.runs;
        self.pending_lines.retain(|line| {
            let fits = |run: &Run| {
                run.started.is_some_and(|started| started <= *line)
                    && run
                        .finished()
                        .is_none_or(|second| *line < second.plus(2 * SECOND))
            };
            let Some(run) = runs.iter_mut().rev().find(|run| fits(run)) else {
                return true;
            };
            run.first_line = Some(run.first_line.map_or(*line, |first| first.min(*line)));
            run.last_line = Some(run.last_line.map_or(*line, |last| last.max(*line)));
            false
        });
        self.pending_attaches.retain(|end| {
            let same = |run: &Run| run.id.as_deref().is_some_and(|id| same_run(id, &end.id));
            let Some(run) = runs.iter_mut().find(|run| same(run)) else {
                return true;
            };
            run.attach = Some(Box::new(end.clone()));
            false
        });
        if let Some(at) = self.pending_creation {
            let fits = |run: &Run| run.started.is_some_and(|started| started.plus(SECOND) > at);
            if let Some(run) = runs.iter_mut().find(|run| fits(run)) {
                run.creation = Some(at);
                self.pending_creation = None;
            }
        }
    }
}

/// Whether two container IDs mean one run, whether or not they carry the runtime's prefix.
fn same_run(one: &str, two: &str) -> bool {
    let bare = |id: &str| {
        id.rsplit_once("://")
            .map_or(id.to_owned(), |(_, bare)| bare.to_owned())
    };
    bare(one) == bare(two)
}
