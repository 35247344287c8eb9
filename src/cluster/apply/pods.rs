//! What is wrong with a pod that a rollout waits for.

use serde::Deserialize;
use serde_json::Value;

use crate::cluster::{RequestError, Server, request::encode};

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
const RESTARTS: u64 = 3;
/// A sidecar whose startup probe has failed so often: each time its whole budget was used.
const FAILED_STARTS: u64 = 2;

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
pub fn trouble(pod: &Value) -> Option<Trouble> {
    ["initContainerStatuses", "containerStatuses"]
        .iter()
        .filter_map(|list| pod.get("status")?.get(*list)?.as_array())
        .flatten()
        .find_map(|status| of_container(pod, status))
        .or_else(|| unschedulable(pod))
}

fn of_container(pod: &Value, status: &Value) -> Option<Trouble> {
    let name = status.get("name").and_then(Value::as_str).unwrap_or_default();
    let waiting = status.pointer("/state/waiting");
    let text = |key: &str| {
        let value = waiting.and_then(|waiting| waiting.get(key));
        value.and_then(Value::as_str).unwrap_or_default()
    };
    if CANNOT_START.contains(&text("reason")) {
        let message = text("message").lines().next().unwrap_or_default();
        let colon = if message.is_empty() { "" } else { ": " };
        return Some(Trouble {
            what: format!("container {name}: {}{colon}{message}", text("reason")),
            outlook: Outlook::Doubtful,
        });
    }
    let restarts = status.get("restartCount").and_then(Value::as_u64).unwrap_or(0);
    let holds = |key: &str| status.get(key).and_then(Value::as_bool) == Some(true);
    if restarts == 0 || holds("ready") || holds("started") && is_sidecar(pod, name) {
        return None;
    }
    let ended = status
        .pointer("/lastState/terminated/exitCode")
        .and_then(Value::as_i64)
        .map(|code| format!(" with exit code {code}"))
        .unwrap_or_default();
    if is_sidecar(pod, name) && has_startup_probe(pod, name) {
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

fn after(restarts: u64, limit: u64) -> Outlook {
    if restarts >= limit {
        Outlook::Lasts
    } else {
        Outlook::Open
    }
}

fn init_container<'p>(pod: &'p Value, name: &str) -> Option<&'p Value> {
    let containers = pod.pointer("/spec/initContainers")?.as_array()?;
    containers
        .iter()
        .find(|container| container.get("name").and_then(Value::as_str) == Some(name))
}

fn is_sidecar(pod: &Value, name: &str) -> bool {
    init_container(pod, name)
        .is_some_and(|container| container.get("restartPolicy").and_then(Value::as_str) == Some("Always"))
}

fn has_startup_probe(pod: &Value, name: &str) -> bool {
    init_container(pod, name).is_some_and(|container| container.get("startupProbe").is_some())
}

fn unschedulable(pod: &Value) -> Option<Trouble> {
    let conditions = pod.pointer("/status/conditions")?.as_array()?;
    let condition = conditions.iter().find(|condition| {
        condition.get("type").and_then(Value::as_str) == Some("PodScheduled")
            && condition.get("reason").and_then(Value::as_str) == Some("Unschedulable")
    })?;
    let message = condition
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(Trouble {
        // A new node may come.
        what: format!("it cannot be scheduled: {message}"),
        outlook: Outlook::Open,
    })
}

/// Pods that are looked at for trouble; of more, the first ones.
const LOOKED_AT: usize = 500;

#[derive(Deserialize)]
struct List {
    items: Option<Vec<Value>>,
}

/// The pods in a namespace that a workload selects; none where it selects by nothing.
///
/// # Errors
/// Where the server refuses or cannot be reached.
pub async fn pods_of(server: &Server, workload: &Value, namespace: &str) -> Result<Vec<Value>, RequestError> {
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
    let list: List = server.get(&path).await?;
    Ok(list.items.unwrap_or_default())
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
    let list: List = server.get(&path).await?;
    let failures = list.items.unwrap_or_default();
    let failures = failures.iter().filter_map(|event| {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        let place = text("/involvedObject/fieldPath").unwrap_or_default();
        let container = place
            .split_once('{')
            .map_or("", |(_, rest)| rest.trim_end_matches('}'));
        Some(ProbeFailure {
            last_seen: text("/lastTimestamp")?.to_owned(),
            message: format!("{container}: {}", text("/message")?.trim()),
        })
    });
    Ok(failures.max())
}

/// A LabelSelector as the API takes it in a query.
fn selector(selector: &Value) -> String {
    let mut terms = Vec::new();
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    for (key, value) in labels.into_iter().flatten() {
        terms.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    for expression in expressions.into_iter().flatten() {
        let text = |name: &str| expression.get(name).and_then(Value::as_str).unwrap_or_default();
        let values: Vec<&str> = expression
            .get("values")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let key = text("key");
        terms.push(match text("operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: Value) -> Value {
        json!({
            "spec": {"initContainers": [{"name": "proxy", "restartPolicy": "Always", "startupProbe": {}}]},
            "status": status,
        })
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
