//! A pod's timeline as bars: what each container did when, ready to be drawn in text, SVG or a terminal.
//!
//! Bars show the best single estimate of each time; verdicts never rest on them.

use super::{
    Moment, container::ContainerHistory, declared::Gate, moment::SECOND, pod::PodTimeline, run::Run,
};
use crate::roles::Role;

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
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
    pub const ALL: [Self; 5] = [
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
    /// The first moment shown.
    pub from: Moment,
    /// The last moment shown.
    pub to: Moment,
    /// One bar a container, in the order of the declaration.
    pub bars: Vec<Bar>,
    /// When its deletion was asked for.
    pub deletion: Option<Moment>,
}

/// When the run began, as exactly as is known.
fn began(run: &Run) -> Option<Moment> {
    if run.never_ran {
        return None;
    }
    run.started_event.as_ref().map(|event| event.at).or(run.started)
}

/// When the run ended, as exactly as is known.
fn ended(run: &Run) -> Option<Moment> {
    let second = run.finished()?;
    let stream = run
        .attach
        .as_ref()
        .map(|end| end.closed)
        .filter(|closed| closed.second() == second);
    let end = stream.unwrap_or(second);
    Some(began(run).map_or(end, |began| end.max(began)))
}

/// The timeline of a pod. `now` ends the bars of what still runs.
#[must_use]
pub fn timeline(pod: &PodTimeline, now: Moment) -> Timeline {
    let deletion = pod.deletion.map(|deletion| {
        deletion
            .deadline
            .plus(deletion.grace_seconds.saturating_mul(SECOND).saturating_neg())
    });
    let runs = || pod.containers.iter().flat_map(|container| &container.runs);
    let starts = runs().filter_map(|run| {
        let created = run.created_event.as_ref().map(|event| event.at);
        created.or(began(run))
    });
    let ends = runs().filter_map(ended);
    let from = starts.clone().chain([pod.received.0]).min().unwrap_or(now);
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
            let gate = pod
                .declared
                .container(&container.name)
                .map_or(Gate::Running, |declared| declared.gate);
            bar(
                container,
                gate,
                from,
                to,
                deletion.filter(|_| pod.deletion.is_some()),
            )
        })
        .collect();
    Timeline {
        from,
        to,
        bars,
        deletion,
    }
}

fn bar(container: &ContainerHistory, gate: Gate, from: Moment, to: Moment, deletion: Option<Moment>) -> Bar {
    let mut stretches = Vec::new();
    let mut at = from;
    for run in &container.runs {
        let Some(start) = began(run) else {
            continue;
        };
        let created = run
            .created_event
            .as_ref()
            .map_or(start, |event| event.at.min(start));
        let end = ended(run).unwrap_or(to);
        let passed = match gate {
            Gate::Startup => run.gate_seen.unwrap_or(end),
            Gate::Ready => run.ready_seen.unwrap_or(end),
            Gate::Completed | Gate::Running => start,
        };
        let stop = [container.asked_to_stop(run), deletion]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(end);
        let stop = stop.max(start);
        for (phase, until) in [
            (Phase::Waiting, created),
            (Phase::Starting, start),
            (Phase::Gated, passed.min(stop).min(end)),
            (Phase::Running, stop.min(end)),
            (Phase::Stopping, end),
        ] {
            if until > at {
                stretches.push(Stretch {
                    phase,
                    from: at,
                    to: until,
                });
                at = until;
            }
        }
    }
    if container.runs.is_empty() {
        stretches.push(Stretch {
            phase: Phase::Waiting,
            from: at,
            to,
        });
    }
    Bar {
        container: container.name.clone(),
        role: container.role,
        undeclared: container.undeclared,
        stretches,
        ending: container
            .last_run()
            .and_then(|run| run.exit.as_ref())
            .map(|exit| exit.code),
        restarts: container.last_run().map_or(0, |run| run.restarts),
    }
}
