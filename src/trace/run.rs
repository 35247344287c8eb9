//! One run of a container: from its creation to its exit, with the bounds that evidence puts on both.

use super::{
    Clock, Moment,
    evidence::AttachEnd,
    moment::{MILLISECOND, SECOND},
    object::Terminated,
};

/// A line may be read by the runtime a little after its writer has exited.
const LOG_READING_DELAY: i64 = 100 * MILLISECOND;

/// Which evidence a bound rests on, the strongest first (`docs/semantics.md`, "From evidence to orders").
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Two containers' states in one listing.
    Snapshot,
    /// The nanoseconds in an event's name.
    Event,
    /// Whole seconds of the status.
    Status,
    /// The time of a log line.
    Log,
    /// A creation time of `/metrics/resource`.
    Metrics,
    /// The end of an attach stream.
    Attach,
    /// A pod condition's transition time.
    Condition,
    /// Deletion time and grace period.
    Deletion,
    /// Follows from other facts by what the kubelet is documented to do.
    Derived,
}

/// One side of what is known about a time on the node's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Lower bounds are inclusive, upper bounds exclusive.
    pub at: Moment,
    /// What it rests on.
    pub source: Source,
    /// The raw value, as it stood there.
    pub value: String,
    /// The value in a few words.
    pub words: String,
}

impl Bound {
    fn second(at: Moment, second: Moment, field: &str) -> Self {
        Self {
            at,
            source: Source::Status,
            value: format!("{field} {}", second.rfc3339(0)),
            words: format!("{field} {}", second.clock(0)),
        }
    }

    fn event(at: Moment, event: &NamedTime, reason: &str) -> Self {
        Self {
            at,
            source: Source::Event,
            value: format!("{reason} event {}", event.name),
            words: format!("{reason} event {}", event.at.clock(3)),
        }
    }

    fn exact(at: Moment, time: Moment, source: Source, what: &str) -> Self {
        Self {
            at,
            source,
            value: format!("{what} {time}"),
            words: format!("{what} {}", time.clock(3)),
        }
    }
}

/// A time that an event's name carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTime {
    /// The kubelet's clock, nanoseconds.
    pub at: Moment,
    /// The event's name.
    pub name: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The second of `finishedAt`; `None` where the status was lost.
    pub second: Option<Moment>,
    /// The exit code.
    pub code: i32,
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: String,
}

/// One run of a container.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The container ID with the runtime's prefix; `None` until a status tells it.
    pub id: Option<String>,
    /// `restartCount` during it: 0 in the first run.
    pub restarts: i64,
    /// In which start of the pod it ran: 0, and one more after each restart of the whole pod.
    pub round: usize,
    /// The second of `startedAt`.
    pub started: Option<Moment>,
    /// A status showed it running.
    pub seen_running: bool,
    /// The runtime could not start it: it has an end, and never ran.
    pub never_ran: bool,
    /// How it ended.
    pub exit: Option<Exit>,
    /// It ended, and the kubelet lost how.
    pub lost: bool,
    /// The `Created` event, recorded after the container was created and before its process was started.
    pub created_event: Option<NamedTime>,
    /// The `Started` event, recorded after the process was started.
    pub started_event: Option<NamedTime>,
    /// The creation time by the kubelet's metrics.
    pub creation: Option<Moment>,
    /// The first line it printed.
    pub first_line: Option<Moment>,
    /// The last line it printed.
    pub last_line: Option<Moment>,
    /// An attach stream to it ended.
    pub attach: Option<Box<AttachEnd>>,
    /// By when `started` was true: it had passed its startup probe.
    pub gate_seen: Option<Seen>,
    /// When `started` was last seen not to be true, by this program's clock.
    pub gate_not_before: Option<Moment>,
    /// By when `ready` was true.
    pub ready_seen: Option<Seen>,
    /// When `ready` was last seen not to be true, by this program's clock.
    pub ready_not_before: Option<Moment>,
}

/// By when something had become true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Not later than then.
    pub at: Moment,
    /// A state, or a condition of the pod.
    pub source: Source,
    /// By whose clock.
    pub clock: Clock,
}

impl Seen {
    /// By a condition that has been true since a second, or by the arrival of a state where that is earlier.
    #[must_use]
    pub fn by_condition(second: Option<Moment>, received: Moment) -> Self {
        match second.map(|second| second.plus(SECOND)) {
            Some(at) if at < received => Self {
                at,
                source: Source::Condition,
                clock: Clock::Node,
            },
            _ => Self {
                at: received,
                source: Source::Status,
                clock: Clock::Tracer,
            },
        }
    }
}

/// The process never began: `startedAt` is the epoch, or the runtime says so.
fn refused(terminated: &Terminated) -> bool {
    let epoch = terminated
        .started_at
        .as_deref()
        .and_then(Moment::parse)
        .is_some_and(|started| started.0 < SECOND);
    epoch || matches!(terminated.reason.as_str(), "StartError" | "ContainerCannotRun")
}

impl Run {
    /// Takes over what a `terminated` state says. Returns whether the end is news.
    pub fn terminate(&mut self, terminated: &Terminated) -> bool {
        self.never_ran = refused(terminated);
        if !self.never_ran && self.started.is_none() {
            self.started = terminated.started_at.as_deref().and_then(Moment::parse);
        }
        let second = terminated.finished_at.as_deref().and_then(Moment::parse);
        let news = self
            .exit
            .as_ref()
            .is_none_or(|known| known.second.is_none() && second.is_some());
        if news {
            self.exit = Some(Exit {
                second,
                code: terminated.exit_code,
                reason: terminated.reason.clone(),
            });
            self.lost = false;
        }
        news
    }

    /// Whether a process of this run existed, as far as is known.
    #[must_use]
    pub fn ran(&self) -> bool {
        !self.never_ran && (self.seen_running || self.started.is_some() || self.started_event.is_some())
    }

    /// The earliest times at which the process can have begun.
    #[must_use]
    pub fn begin_after(&self) -> Vec<Bound> {
        let mut bounds = Vec::new();
        if self.never_ran {
            return bounds;
        }
        let created = self.created_event.as_ref();
        bounds.extend(created.map(|event| Bound::event(event.at, event, "Created")));
        // That of a restart may be rounded up.
        let rounded = if self.restarts > 0 { SECOND } else { 0 };
        bounds.extend(
            self.started
                .map(|at| Bound::second(at.plus(-rounded), at, "startedAt")),
        );
        let creation = self.creation;
        bounds
            .extend(creation.map(|at| Bound::exact(at, at, Source::Metrics, "container_start_time_seconds")));
        bounds
    }

    /// The latest times before which the process must have begun.
    #[must_use]
    pub fn begin_before(&self) -> Vec<Bound> {
        let mut bounds = Vec::new();
        if self.never_ran {
            return bounds;
        }
        let started = self.started_event.as_ref();
        bounds.extend(started.map(|event| Bound::event(event.at.plus(1), event, "Started")));
        bounds.extend(
            self.started
                .map(|at| Bound::second(at.plus(SECOND), at, "startedAt")),
        );
        let line = self.first_line;
        bounds.extend(line.map(|at| Bound::exact(at.plus(1), at, Source::Log, "first log line")));
        bounds
    }

    /// The earliest times at which it can have exited.
    #[must_use]
    pub fn exit_after(&self) -> Vec<Bound> {
        let second = self.finished().map(|at| Bound::second(at, at, "finishedAt"));
        let line = self.last_line;
        let line = line.map(|at| Bound::exact(at.plus(-LOG_READING_DELAY), at, Source::Log, "last log line"));
        second.into_iter().chain(line).collect()
    }

    /// The latest times before which it must have exited.
    #[must_use]
    pub fn exit_before(&self) -> Vec<Bound> {
        let second = self.finished();
        second
            .map(|at| Bound::second(at.plus(SECOND), at, "finishedAt"))
            .into_iter()
            .collect()
    }

    /// The second in which it exited.
    #[must_use]
    pub fn finished(&self) -> Option<Moment> {
        self.exit.as_ref().and_then(|exit| exit.second)
    }

    /// Whether its times contradict each other: the node's clock was set, or a status is wrong.
    #[must_use]
    pub fn contradicts_itself(&self) -> bool {
        let backwards = |after: &[Bound], before: &[Bound]| {
            after
                .iter()
                .any(|low| before.iter().any(|high| high.at <= low.at))
        };
        let (begin_after, exit_before) = (self.begin_after(), self.exit_before());
        backwards(&begin_after, &self.begin_before()) || backwards(&begin_after, &exit_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_start_is_an_end_and_no_start() {
        let mut run = Run::default();
        run.terminate(&Terminated {
            exit_code: 128,
            reason: "StartError".to_owned(),
            started_at: Some("1970-01-01T00:00:00Z".to_owned()),
            finished_at: Some("2026-11-23T19:53:01Z".to_owned()),
            container_id: None,
        });
        assert!(!run.ran());
        assert!(run.begin_after().is_empty() && run.begin_before().is_empty());
        assert!(run.finished().is_some());
    }

    #[test]
    fn an_end_before_the_start_is_a_contradiction() {
        let mut run = Run {
            started: Moment::parse("2026-11-23T19:53:05Z"),
            ..Run::default()
        };
        assert!(!run.contradicts_itself());
        run.terminate(&Terminated {
            finished_at: Some("2026-11-23T19:53:01Z".to_owned()),
            ..Terminated::default()
        });
        assert!(run.contradicts_itself());
    }
}
