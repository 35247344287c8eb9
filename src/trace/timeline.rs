//! A pod's timeline as bars: what each container did when, ready to be drawn in text, SVG or a terminal.
//!
//! Bars show the best single estimate of each time, and how far it may be off; verdicts never rest on them.

mod edge;

pub use self::edge::{Bound, Edge};
use self::edge::{began, ended};
use super::{
    Moment,
    container::ContainerHistory,
    declared::{DeclaredContainer, Gate},
    moment::SECOND,
    pod::PodTimeline,
    run::{Run, Seen, Source},
};
use crate::roles::Role;

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nobody knows.
    Unknown,
    /// Waits for its turn, or to be started again.
    Waiting,
    /// The runtime makes it.
    Starting,
    /// It runs, and its successors still wait for it.
    Gated,
    /// It runs.
    Running,
    /// It was asked to stop.
    Stopping,
}

impl Phase {
    /// All phases, in the order of life.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Waiting,
        Self::Starting,
        Self::Gated,
        Self::Running,
        Self::Stopping,
    ];

    /// In one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Gated => "gated",
            Self::Running => "running",
            Self::Stopping => "stopping",
        }
    }
}

/// A stretch of one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// What the container did.
    pub phase: Phase,
    /// From then on.
    pub from: Moment,
    /// Until then.
    pub to: Moment,
    /// How well its begin is known.
    pub begin: Edge,
    /// How well its end is known.
    pub end: Edge,
}

/// One container's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The container.
    pub container: String,
    /// What it is in the pod.
    pub role: Role,
    /// It is a sidecar that is declared nowhere.
    pub undeclared: bool,
    /// In order, without overlap.
    pub stretches: Vec<Stretch>,
    /// How it ended, if it did: `0`, `137`.
    pub ending: Option<i32>,
    /// How often it was started again.
    pub restarts: i64,
}

/// One pod's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The first moment shown: the pod's creation, where it is known.
    pub from: Moment,
    /// The last moment shown.
    pub to: Moment,
    /// One bar a container, in the order of the declaration.
    pub bars: Vec<Bar>,
    /// When its deletion was asked for.
    pub deletion: Option<Moment>,
}

/// The timeline of a pod. `now` ends the bars of what still runs.
#[must_use]
pub fn timeline(pod: &PodTimeline, now: Moment) -> Timeline {
    let deletion = pod.asked_at();
    let runs = || pod.containers.iter().flat_map(|container| &container.runs);
    let starts = runs().filter_map(|run| {
        let created = run.created_event.as_ref().map(|event| event.at);
        created.or(began(run).map(|edge| edge.at))
    });
    let ends = runs().filter_map(ended).map(|edge| edge.at);
    let seen = pod.created.unwrap_or(pod.received.0);
    let from = starts.clone().chain([seen]).min().unwrap_or(now);
    let last = ends.max();
    let to = if pod.ended() {
        last.unwrap_or(pod.received.1)
    } else {
        last.map_or(now, |last| last.max(now))
    };
    let to = to.max(from.plus(SECOND));
    let bars = pod
        .containers
        .iter()
        .map(|container| {
            Drawing {
                pod,
                container,
                from,
                to,
            }
            .bar()
        })
        .collect();
    Timeline {
        from,
        to,
        bars,
        deletion,
    }
}

/// One bar while it is made.
struct Drawing<'p> {
    pod: &'p PodTimeline,
    container: &'p ContainerHistory,
    from: Moment,
    to: Moment,
}

impl Drawing<'_> {
    fn bar(&self) -> Bar {
        let mut stretches = Vec::new();
        let mut at = Edge {
            is_second: self.pod.created == Some(self.from),
            ..Edge::exact(self.from)
        };
        // Runs before the first that is known were not seen.
        let mut next = 0;
        let known: Vec<(&Run, Edge)> = self
            .container
            .runs
            .iter()
            .filter_map(|run| Some((run, began(run)?)))
            .collect();
        for (index, (run, start)) in known.iter().enumerate() {
            let before = if run.restarts > next {
                Phase::Unknown
            } else {
                Phase::Waiting
            };
            let following = known.get(index + 1).map(|(_, start)| *start);
            for (phase, until) in self.phases(run, *start, before, following) {
                if until.at > at.at {
                    stretches.push(Stretch {
                        phase,
                        from: at.at,
                        to: until.at,
                        begin: at,
                        end: until,
                    });
                    at = until;
                } else if until.at == at.at {
                    at = Edge {
                        earliest: at.earliest.min(until.earliest),
                        latest: at.latest.max(until.latest),
                        ..until
                    };
                }
            }
            next = run.restarts.saturating_add(1);
        }
        let is_unknown = self.container.status_lost || self.container.restarts > 0;
        if known.is_empty() {
            let end = Edge::exact(self.to);
            stretches.push(Stretch {
                phase: if is_unknown {
                    Phase::Unknown
                } else {
                    Phase::Waiting
                },
                from: at.at,
                to: end.at,
                begin: at,
                end,
            });
        }
        let last = self.container.last_run();
        Bar {
            container: self.container.name.clone(),
            role: self.container.role,
            undeclared: self.container.undeclared,
            stretches,
            ending: last.and_then(|run| run.exit.as_ref()).map(|exit| exit.code),
            restarts: last.map_or(0, |run| run.restarts),
        }
    }

    /// The phases of a run, each with its end.
    fn phases(&self, run: &Run, start: Edge, before: Phase, following: Option<Edge>) -> [(Phase, Edge); 6] {
        let created = run
            .created_event
            .as_ref()
            .map_or(start, |event| Edge::event(event.at.min(start.at)));
        let (end, unseen) = match (ended(run), following) {
            (Some(end), _) => (end, end),
            // It is over, and nobody knows since when.
            (None, Some(following)) => (start, following),
            (None, None) if run.lost => (start, Edge::exact(self.to)),
            (None, None) => (Edge::exact(self.to), Edge::exact(self.to)),
        };
        let stop = self.stop(run).map_or(end, |stop| stop.no_earlier(start.at));
        let passed = self.gate(run, start, end);
        let earlier = |one: Edge, other: Edge| if other.at < one.at { other } else { one };
        [
            (before, created),
            (Phase::Starting, start),
            (Phase::Gated, earlier(earlier(passed, stop), end)),
            (Phase::Running, earlier(stop, end)),
            (Phase::Stopping, end),
            (Phase::Unknown, unseen),
        ]
    }

    /// When the kubelet began to stop a run.
    fn stop(&self, run: &Run) -> Option<Edge> {
        let own = self.container.stopping_since(run);
        let is_native = self.declared().is_some_and(|declared| declared.native);
        let asked = self.container.asked_to_stop(run).filter(|at| {
            // In a shutdown the event is recorded for all at once.
            let is_shutdown = self
                .pod
                .asked_at()
                .is_some_and(|asked| *at >= asked.plus(-SECOND));
            !is_native || !(is_shutdown || self.pod.is_terminal())
        });
        let deletion = self.pod.asked_at().filter(|_| !is_native);
        let own = own.map(|(at, source)| (at, source == Source::Derived));
        own.into_iter()
            .chain(asked.map(|at| (at, false)))
            .min()
            .map(|(at, is_second)| Edge::from(at, is_second))
            .or(deletion.map(Edge::second))
    }

    fn declared(&self) -> Option<&DeclaredContainer> {
        self.pod.declared.container(&self.container.name)
    }

    /// When a run no longer held back what comes after it.
    fn gate(&self, run: &Run, start: Edge, end: Edge) -> Edge {
        let edge = |seen: Option<Seen>, not_before: Option<Moment>| match seen {
            None => end,
            Some(seen) => {
                // Probes are told within the second in which they pass.
                let earliest = not_before.map_or(start.earliest, |before| before.max(seen.at.plus(-SECOND)));
                let edge = Edge::by(seen.at, earliest, seen.source == Source::Condition);
                // Where it was never seen closed it is drawn open.
                match not_before {
                    Some(_) => edge,
                    None => Edge { at: start.at, ..edge },
                }
            }
        };
        let Some(declared) = self.declared() else {
            return start;
        };
        match declared.gate {
            Gate::Startup => edge(run.gate_seen, run.gate_not_before),
            Gate::Ready => edge(run.ready_seen, run.ready_not_before),
            Gate::Running if declared.post_start && run.restarts == 0 => self.hook(run, start, end),
            Gate::Completed | Gate::Running => start,
        }
    }

    /// A postStart hook holds the start of the next container; when that is made, the hook has ended.
    fn hook(&self, run: &Run, start: Edge, end: Edge) -> Edge {
        let mut after = self.pod.declared.containers.iter();
        let _own = after.find(|one| one.name == self.container.name);
        let mut successors = after
            .filter(|one| one.role != Role::Ephemeral)
            .filter_map(|one| self.pod.container(&one.name))
            .peekable();
        if successors.peek().is_none() {
            return match run.ready_seen {
                Some(seen) => Edge {
                    at: start.at,
                    ..Edge::by(seen.at, start.earliest, false)
                },
                None => end,
            };
        }
        let begun = successors.filter_map(|container| {
            let first = container.runs.first()?;
            let created = first.created_event.as_ref().map(|event| Edge::event(event.at));
            created.or(began(first))
        });
        begun
            .min_by_key(|edge| edge.at)
            .map_or(end, |edge| edge.no_earlier(start.at))
    }
}

#[cfg(test)]
mod tests;
