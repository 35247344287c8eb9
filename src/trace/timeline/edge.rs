//! Where one phase becomes another, and how well that time is known.

use super::super::{
    Moment,
    moment::{MILLISECOND, SECOND},
    run::Run,
};

/// The kubelet records an event this much later, on a busy node (`docs/semantics.md`, "Evidence").
const EVENT_DELAY: i64 = 250 * MILLISECOND;

/// Where one phase becomes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Where it is drawn.
    pub at: Moment,
    /// It lies no earlier.
    pub earliest: Moment,
    /// It lies no later.
    pub latest: Moment,
    /// Only whole seconds are known.
    pub is_second: bool,
    /// Only one side of it is known.
    pub bound: Bound,
}

/// Which side of a time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Both.
    Within,
    /// Not later.
    By,
    /// Not earlier.
    From,
}

impl Edge {
    /// A moment that is known as it is.
    pub(super) fn exact(at: Moment) -> Self {
        Self {
            at,
            earliest: at,
            latest: at,
            is_second: false,
            bound: Bound::Within,
        }
    }

    /// Somewhere in a second.
    pub(super) fn second(second: Moment) -> Self {
        Self {
            at: second,
            earliest: second,
            latest: second.plus(SECOND),
            is_second: true,
            bound: Bound::Within,
        }
    }

    /// Not later than then, and not earlier than `earliest`.
    pub(super) fn by(at: Moment, earliest: Moment, is_second: bool) -> Self {
        Self {
            at,
            earliest: earliest.min(at),
            latest: at,
            is_second,
            bound: Bound::By,
        }
    }

    /// Not earlier than then.
    pub(super) fn from(at: Moment, is_second: bool) -> Self {
        Self {
            bound: Bound::From,
            is_second,
            ..Self::exact(at)
        }
    }

    /// The kubelet recorded then what it had just done.
    pub(super) fn event(at: Moment) -> Self {
        Self::by(at, at.plus(-EVENT_DELAY), false)
    }

    /// The time of day, with no more digits than are known.
    #[must_use]
    pub fn words(&self) -> String {
        let clock = |at: Moment| at.clock(if self.is_second { 0 } else { 3 });
        match self.bound {
            Bound::Within => clock(self.at),
            Bound::By => format!("≤{}", clock(self.latest)),
            Bound::From => format!("≥{}", clock(self.at)),
        }
    }

    /// How far it may be off; nanoseconds.
    #[must_use]
    pub fn width(&self) -> i64 {
        self.latest.since(self.earliest)
    }

    pub(super) fn no_earlier(mut self, than: Moment) -> Self {
        self.at = self.at.max(than);
        self.earliest = self.earliest.max(than).min(self.at);
        self.latest = self.latest.max(self.at);
        self
    }
}

/// When the run began, as exactly as is known.
pub(super) fn began(run: &Run) -> Option<Edge> {
    if run.never_ran {
        return None;
    }
    match (&run.started_event, run.started) {
        (Some(event), _) => Some(Edge::event(event.at)),
        // That of a restart may be rounded up.
        (None, Some(second)) if run.restarts > 0 => Some(Edge {
            earliest: second.plus(-SECOND),
            ..Edge::second(second)
        }),
        (None, Some(second)) => Some(Edge::second(second)),
        (None, None) => None,
    }
}

/// When the run ended, as exactly as is known.
pub(super) fn ended(run: &Run) -> Option<Edge> {
    let second = run.finished()?;
    let stream = run
        .attach
        .as_ref()
        .map(|end| end.closed)
        .filter(|closed| closed.second() == second);
    let end = stream.map_or_else(|| Edge::second(second), Edge::exact);
    Some(began(run).map_or(end, |began| end.no_earlier(began.at)))
}
