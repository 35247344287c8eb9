//! Pods whose status may tell something: some of their containers have ended, or an early run has failed.

use jiff::{SignedDuration, Timestamp};

use super::PodGlance;
use crate::{
    rules::live::{ContainerSeen, Ended, PodSeen},
    trace::object::{ContainerStatus, Terminated},
};

/// A run that ends sooner than this has failed while it started.
const FIRST_SECONDS: SignedDuration = SignedDuration::from_secs(30);

/// The status of a pod, where it may tell something.
pub(super) fn telling(pod: &PodGlance) -> Option<PodSeen> {
    let statuses = &pod.status.container_statuses;
    let has_ended = |status: &ContainerStatus| status.state.terminated.is_some();
    let has_failed = |status: &ContainerStatus| status.restart_count > 0;
    if statuses.len() < 2
        || !statuses
            .iter()
            .any(|status| has_ended(status) || has_failed(status))
    {
        return None;
    }
    let deleted_at = pod
        .metadata
        .deletion_timestamp
        .as_deref()
        .and_then(time)
        .map(|gone| {
            gone - SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds.unwrap_or(0))
        });
    let containers: Vec<ContainerSeen> = pod
        .spec
        .containers
        .iter()
        .filter_map(|container| statuses.iter().find(|status| status.name == container.name))
        .map(seen)
        .collect();
    let some_run = containers
        .iter()
        .any(|container| container.running_since.is_some());
    let some_ended = containers.iter().any(|container| container.ended.is_some());
    let finishes = pod.spec.restart_policy != "Always" && some_run && some_ended;
    let stops = deleted_at.is_some() && some_ended;
    let fails_early = containers.iter().any(|container| {
        container.previous.as_ref().is_some_and(|run| {
            run.exit_code != 0 && run.finished.duration_since(run.started) <= FIRST_SECONDS
        })
    });
    (finishes || stops || fails_early).then(|| PodSeen {
        name: pod.metadata.name.clone(),
        deleted_at,
        containers,
        more: 0,
    })
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn seen(status: &ContainerStatus) -> ContainerSeen {
    let running = status.state.running.as_ref();
    ContainerSeen {
        name: status.name.clone(),
        running_since: running.and_then(|running| running.started_at.as_deref().and_then(time)),
        ended: status.state.terminated.as_ref().and_then(ended),
        previous: status.last_state.terminated.as_ref().and_then(ended),
        restarts: status.restart_count,
    }
}

/// A run that the runtime could not start has 1970 as its start, and tells nothing.
fn ended(terminated: &Terminated) -> Option<Ended> {
    let started = terminated.started_at.as_deref().and_then(time)?;
    let finished = terminated.finished_at.as_deref().and_then(time)?;
    (started.as_second() > 0).then_some(Ended {
        started,
        finished,
        exit_code: terminated.exit_code,
    })
}
