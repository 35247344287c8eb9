//! What is wrong with a pod that a rollout waits for.

use k8s_openapi::{api::core::v1::Event, apimachinery::pkg::apis::meta::v1::LabelSelector};
use kube::core::Selector;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    cluster::{RequestError, Server, page::List, request::encode},
    trace::object::{ContainerSpec, ContainerStatus, Pod},
};

/// Reasons for which a container waits that do not pass by themselves, mostly (kubernetes, `pkg/kubelet/images`,
/// `pkg/kubelet/kuberuntime`).
const CANNOT_START: [&str; 8] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
];

/// A container that has ended so often before it was ready will do so again.
const RESTARTS: i64 = 3;
/// A sidecar whose startup probe has failed so often: each time its whole budget was used.
const FAILED_STARTS: i64 = 2;

/// Something that keeps a pod from becoming ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong, as a sentence names it: `container proxy: ImagePullBackOff: …`.
    pub what: String,
    /// What is to be expected of it.
    pub outlook: Outlook,
}

/// Whether trouble passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It has come back too often.
    Lasts,
    /// It rarely does; not where it stays for long.
    Doubtful,
    /// It may, with the next node or the next start.
    Open,
}

/// The first thing that keeps a pod from becoming ready; `None` where it only takes its time.
#[must_use]
pub fn trouble(pod: &Pod) -> Option<Trouble> {
    let status = &pod.status;
    [&status.init_container_statuses, &status.container_statuses]
        .into_iter()
        .flatten()
        .find_map(|status| of_container(pod, status))
        .or_else(|| unschedulable(pod))
}

fn of_container(pod: &Pod, status: &ContainerStatus) -> Option<Trouble> {
    let name = &status.name;
    let waiting = status.state.waiting.as_ref();
    if let Some(waiting) = waiting.filter(|waiting| CANNOT_START.contains(&waiting.reason.as_str())) {
        let reason = &waiting.reason;
        let message = waiting.message.lines().next().unwrap_or_default();
        let colon = if message.is_empty() { "" } else { ": " };
        return Some(Trouble {
            what: format!("container {name}: {reason}{colon}{message}"),
            outlook: Outlook::Doubtful,
        });
    }
    let sidecar = sidecar(pod, name);
    let restarts = status.restart_count;
    if restarts == 0 || status.ready || status.started == Some(true) && sidecar.is_some() {
        return None;
    }
    let last = status.last_state.terminated.as_ref();
    let ended = last
        .map(|ended| format!(" with exit code {}", ended.exit_code))
        .unwrap_or_default();
    if sidecar.is_some_and(|sidecar| sidecar.startup_probe) {
        return Some(Trouble {
            what: format!(
                "sidecar {name} has not started: it was restarted {restarts} times (it ended{ended}), and the app waits for its startupProbe"
            ),
            outlook: after(restarts, FAILED_STARTS),
        });
    }
    Some(Trouble {
        what: format!("container {name} has ended{ended} and was restarted {restarts} times"),
        outlook: after(restarts, RESTARTS),
    })
}

fn after(restarts: i64, limit: i64) -> Outlook {
    if restarts >= limit {
        Outlook::Lasts
    } else {
        Outlook::Open
    }
}

/// The container of that name, where it is a native sidecar.
fn sidecar<'p>(pod: &'p Pod, name: &str) -> Option<&'p ContainerSpec> {
    let mut containers = pod.spec.init_containers.iter();
    containers.find(|container| container.name == name && container.is_native())
}

fn unschedulable(pod: &Pod) -> Option<Trouble> {
    let condition = pod.status.condition("PodScheduled")?;
    if condition.reason != "Unschedulable" {
        return None;
    }
    Some(Trouble {
        // A new node may come.
        what: format!("it cannot be scheduled: {}", condition.message),
        outlook: Outlook::Open,
    })
}

/// Pods that are looked at for trouble; of more, the first ones.
const LOOKED_AT: usize = 500;

/// The pods in a namespace that a workload selects; none where it selects by nothing.
///
/// # Errors
/// Where the server refuses or cannot be reached.
pub async fn pods_of(server: &Server, workload: &Value, namespace: &str) -> Result<Vec<Pod>, RequestError> {
    let labels = workload
        .pointer("/spec/selector")
        .map(selector)
        .unwrap_or_default();
    if labels.is_empty() {
        return Ok(Vec::new());
    }
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods?limit={LOOKED_AT}&labelSelector={}",
        encode(&labels)
    );
    Ok(server.get::<List<Pod>>(&path).await?.into_items())
}

/// A probe that failed; of two, the later is the greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeFailure {
    /// RFC 3339, whole seconds.
    pub last_seen: String,
    /// `proxy: Startup probe failed: …`
    pub message: String,
}

/// The last failure of a probe of a pod, by its events.
///
/// # Errors
/// Where the server refuses or cannot be reached.
pub async fn last_probe_failure(
    server: &Server,
    namespace: &str,
    uid: &str,
) -> Result<Option<ProbeFailure>, RequestError> {
    let fields = encode(&format!("involvedObject.uid={uid},reason=Unhealthy"));
    let path = format!("/api/v1/namespaces/{namespace}/events?limit={LOOKED_AT}&fieldSelector={fields}");
    let events = server.get::<List<Event>>(&path).await?.into_items();
    let failures = events.into_iter().filter_map(|event| {
        let place = event.involved_object.field_path.unwrap_or_default();
        let container = place
            .split_once('{')
            .map_or("", |(_, rest)| rest.trim_end_matches('}'));
        Some(ProbeFailure {
            last_seen: event.last_timestamp?.0.to_string(),
            message: format!("{container}: {}", event.message?.trim()),
        })
    });
    Ok(failures.max())
}

/// A LabelSelector as the API takes it in a query; empty where it is none.
fn selector(selector: &Value) -> String {
    LabelSelector::deserialize(selector)
        .ok()
        .and_then(|selector| Selector::try_from(selector).ok())
        .map(|selector| selector.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: Value) -> Pod {
        serde_json::from_value(json!({
            "spec": {"initContainers": [{"name": "proxy", "restartPolicy": "Always", "startupProbe": {}}]},
            "status": status,
        }))
        .unwrap()
    }

    fn outlook(status: Value) -> Option<Outlook> {
        trouble(&pod(status)).map(|trouble| trouble.outlook)
    }

    #[test]
    fn what_takes_its_time_is_no_trouble() {
        for status in [
            json!({}),
            json!({"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
            json!({"initContainerStatuses": [{"name": "proxy", "restartCount": 0, "started": false}]}),
            json!({"containerStatuses": [{"name": "app", "restartCount": 4, "ready": true}]}),
            json!({"initContainerStatuses": [{"name": "proxy", "restartCount": 4, "ready": false, "started": true}]}),
        ] {
            assert_eq!(outlook(status.clone()), None, "{status}");
        }
    }

    #[test]
    fn trouble_lasts_when_it_came_again() {
        let waiting = |reason: &str| json!({"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": reason, "message": "m"}}}]});
        assert_eq!(outlook(waiting("ImagePullBackOff")), Some(Outlook::Doubtful));
        let restarted = |list: &str, name: &str, count: u64| {
            json!({list: [{"name": name, "restartCount": count, "ready": false, "started": false,
                "lastState": {"terminated": {"exitCode": 1}}}]})
        };
        assert_eq!(
            outlook(restarted("containerStatuses", "app", 2)),
            Some(Outlook::Open)
        );
        assert_eq!(
            outlook(restarted("containerStatuses", "app", 3)),
            Some(Outlook::Lasts)
        );
        assert_eq!(
            outlook(restarted("initContainerStatuses", "proxy", 1)),
            Some(Outlook::Open)
        );
        assert_eq!(
            outlook(restarted("initContainerStatuses", "proxy", 2)),
            Some(Outlook::Lasts)
        );
    }

    #[test]
    fn selectors_become_queries() {
        let rich = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "x", "operator": "NotIn", "values": ["c"]},
            {"key": "y", "operator": "Exists"},
            {"key": "z", "operator": "DoesNotExist"},
        ]});
        assert_eq!(selector(&rich), "app=web,tier in (a,b),x notin (c),y,!z");
    }
}
