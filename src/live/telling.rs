//! Pods whose status may tell something: some of their containers have ended, or an early run has failed.

use jiff::{SignedDuration, Timestamp};

use super::PodGlance;
use crate::{
    pod::live::{ContainerSeen, Ended, PodSeen},
    trace::object::{ContainerSpec, ContainerStatus, Terminated},
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
    let containers: Vec<ContainerSeen> = pod
        .spec
        .containers
        .iter()
        .filter_map(|container| statuses.iter().find(|status| status.name == container.name))
        .map(seen)
        .collect();
    let stopping_since = stopping_since(pod, &containers);
    let some_run = containers
        .iter()
        .any(|container| container.running_since.is_some());
    let some_ended = containers.iter().any(|container| container.ended.is_some());
    let finishes = pod.spec.restart_policy != "Always" && some_run && some_ended;
    let stops = stopping_since.is_some() && some_ended;
    let fails_early = containers.iter().any(|container| {
        container.previous.as_ref().is_some_and(|run| {
            run.exit_code != 0 && run.finished.duration_since(run.started) <= FIRST_SECONDS
        })
    });
    (finishes || stops || fails_early).then(|| PodSeen {
        name: pod.metadata.name.clone(),
        stopping_since,
        containers,
        more: 0,
    })
}

/// When a pod's shutdown had begun: nothing that ended then or later had ended before it.
fn stopping_since(pod: &PodGlance, containers: &[ContainerSeen]) -> Option<Timestamp> {
    let metadata = &pod.metadata;
    let gone = metadata.deletion_timestamp.as_deref().and_then(time)?;
    let grace = metadata.deletion_grace_period_seconds.unwrap_or(0);
    // The deletion was asked for at some time within that second.
    let asked_before = gone - SignedDuration::from_secs(grace) + SignedDuration::from_secs(1);
    first_end(pod, containers).or((grace > 0).then_some(asked_before))
}

/// The first end of a container, where it is a part of the shutdown. The kubelet's last delete, without grace, puts
/// its own time in the place of when the deletion was asked for. But until then it says nothing of containers that
/// end: where all were ready until the last of them had ended, none had ended before the shutdown. This holds for
/// containers that are started again; of others, two may end within the second that the kubelet takes to notice.
fn first_end(pod: &PodGlance, containers: &[ContainerSeen]) -> Option<Timestamp> {
    let policy_of = |container: &ContainerSpec| container.restart_policy.clone();
    let mut policies = pod.spec.containers.iter().filter_map(policy_of);
    if pod.spec.restart_policy != "Always" || policies.any(|policy| policy != "Always") {
        return None;
    }
    let ends = || containers.iter().filter_map(|container| container.ended.as_ref());
    let last = ends().map(|end| end.finished).max()?;
    let ready = pod.status.condition("ContainersReady")?;
    let ready_until = ready.last_transition_time.as_deref().and_then(time)?;
    let all_were_ready = ready.status == "False" && ready_until >= last;
    let first = ends().map(|end| end.finished).min();
    first.filter(|_| all_were_ready && ends().count() == containers.len())
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A pod whose deletion with 20 seconds of grace was asked for within 03:05:10, and the ends of its two containers.
    fn shutdown(restart_policy: &str, grace: i64, not_ready: &str, ends: [&str; 2]) -> Option<Timestamp> {
        let gone = if grace == 0 {
            "2026-01-02T03:05:15Z"
        } else {
            "2026-01-02T03:05:30Z"
        };
        let status = |name: &str, end: &str| {
            json!({"name": name, "state": {"terminated": {
                "startedAt": "2026-01-02T03:00:00Z", "finishedAt": end, "exitCode": 0}}})
        };
        let pod = json!({
            "metadata": {"name": "web", "deletionTimestamp": gone, "deletionGracePeriodSeconds": grace},
            "spec": {"restartPolicy": restart_policy, "containers": [{"name": "proxy"}, {"name": "app"}]},
            "status": {
                "conditions": [{"type": "ContainersReady", "status": "False", "lastTransitionTime": not_ready}],
                "containerStatuses": [status("proxy", ends[0]), status("app", ends[1])]},
        });
        let pod: PodGlance = serde_json::from_value(pod).unwrap();
        telling(&pod)?.stopping_since
    }

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_end_within_the_second_of_the_deletion_may_have_been_before_it() {
        let ends = ["2026-01-02T03:05:10Z", "2026-01-02T03:05:13Z"];
        // The kubelet had told of the first end before the last.
        let seen_before = shutdown("Always", 20, "2026-01-02T03:05:10Z", ends);
        assert_eq!(seen_before, at("2026-01-02T03:05:11Z"));
        // It told of both at once.
        let seen_together = shutdown("Always", 20, "2026-01-02T03:05:13Z", ends);
        assert_eq!(seen_together, at("2026-01-02T03:05:10Z"));
    }

    #[test]
    fn containers_that_are_not_started_again_may_end_together_before_a_deletion() {
        let ends = ["2026-01-02T03:05:10Z", "2026-01-02T03:05:13Z"];
        for policy in ["OnFailure", "Never"] {
            let asked_before = shutdown(policy, 20, "2026-01-02T03:05:13Z", ends);
            assert_eq!(asked_before, at("2026-01-02T03:05:11Z"));
        }
    }

    #[test]
    fn after_the_last_delete_only_the_conditions_tell() {
        let ends = ["2026-01-02T03:05:10Z", "2026-01-02T03:05:13Z"];
        let together = shutdown("Always", 0, "2026-01-02T03:05:13Z", ends);
        assert_eq!(together, at("2026-01-02T03:05:10Z"));
        assert_eq!(shutdown("Always", 0, "2026-01-02T03:05:11Z", ends), None);
        assert_eq!(shutdown("OnFailure", 0, "2026-01-02T03:05:13Z", ends), None);
    }
}
