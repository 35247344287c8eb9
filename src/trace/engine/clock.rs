//! How this program's clock and those of the nodes differ.

use crate::trace::{
    Moment, SECOND,
    evidence::{Change, EventSeen, PodSeen},
    pod::named_time,
};

/// What is known of this program's clock minus a node's: nothing arrives before it happened.
#[derive(Debug, Default)]
pub(super) struct ClockOffset {
    /// The least time from an event's nanosecond to its arrival.
    by_event: Option<i64>,
    /// The least time from the newest second of a state to its arrival.
    by_state: Option<i64>,
}

impl ClockOffset {
    pub(super) fn event(&mut self, seen: &EventSeen) {
        let Some(named) = named_time(&seen.event) else {
            return;
        };
        let at_most = seen.received.since(named.at);
        // How long ago the events of a list happened says nothing of clocks.
        if seen.change != Change::Listed || at_most < 0 {
            self.by_event = Some(self.by_event.map_or(at_most, |known| known.min(at_most)));
        }
    }

    pub(super) fn state(&mut self, at_most: i64) {
        self.by_state = Some(self.by_state.map_or(at_most, |known| known.min(at_most)));
    }

    /// Events bound it within milliseconds where one was seen live. Otherwise the clocks are taken to agree, as
    /// far as the states allow that.
    pub(super) fn estimate(&self) -> i64 {
        match (self.by_event, self.by_state) {
            (Some(event), None) => event,
            (Some(event), Some(state)) if event <= state.saturating_add(SECOND / 5) => event,
            (_, Some(state)) => state.min(0),
            (None, None) => 0,
        }
    }
}

/// The newest time a state tells of, on the node's clock.
pub(super) fn newest_second(seen: &PodSeen) -> Option<Moment> {
    let status = &seen.pod.status;
    let times = status.containers().flat_map(|container| {
        let running = container
            .state
            .running
            .as_ref()
            .and_then(|state| state.started_at.as_deref());
        let ended = container
            .state
            .terminated
            .as_ref()
            .and_then(|state| state.finished_at.as_deref());
        [running, ended]
    });
    times.flatten().filter_map(Moment::parse).max()
}
