//! How far the pods of an object follow its template.
//!
//! The conditions are those of `kubectl rollout status` (kubectl, `pkg/polymorphichelpers/rollout_status.go`).

use serde_json::Value;

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rollout {
    /// All pods that are to be replaced are.
    Done(String),
    /// It goes on; what it waits for.
    Going(String),
    /// It will not go on by itself; why.
    Stuck(String),
    /// Nothing is replaced by itself; what a person has to do.
    Manual(String),
}

/// How far the object's controller says it is.
#[must_use]
pub fn rollout(object: &Value) -> Rollout {
    match object.get("kind").and_then(Value::as_str) {
        Some("Deployment") => deployment(object),
        Some("StatefulSet") => stateful_set(object),
        Some("DaemonSet") => daemon_set(object),
        Some("CronJob") => {
            Rollout::Manual("its next Job will be the first that is made of the new template".to_owned())
        }
        _ => Rollout::Manual("its pods stay as they are until they are deleted".to_owned()),
    }
}

/// An integer at a pointer; 0 where there is none, as the API omits it.
fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn replicas(object: &Value) -> i64 {
    // Omitted means one.
    object
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1)
}

/// What to say while the controller has not seen the change yet.
fn unseen(object: &Value) -> Option<Rollout> {
    (number(object, "/status/observedGeneration") < number(object, "/metadata/generation"))
        .then(|| Rollout::Going("waiting for its controller to see the change".to_owned()))
}

/// What to say of a strategy by which nobody replaces the pods.
fn on_delete(object: &Value) -> Option<Rollout> {
    let strategy = object.pointer("/spec/updateStrategy/type")?.as_str()?;
    (strategy == "OnDelete").then(|| {
        Rollout::Manual("its strategy is OnDelete: each pod is replaced when you delete it".to_owned())
    })
}

fn condition<'o>(object: &'o Value, kind: &str) -> Option<&'o Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions
        .iter()
        .find(|condition| condition.get("type").and_then(Value::as_str) == Some(kind))
}

fn text<'o>(condition: &'o Value, key: &str) -> &'o str {
    condition.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn deployment(object: &Value) -> Rollout {
    if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Rollout::Manual("its rollout is paused: `kubectl rollout resume` lets it go on".to_owned());
    }
    if let Some(early) = unseen(object) {
        return early;
    }
    if let Some(progressing) = condition(object, "Progressing")
        && text(progressing, "reason") == "ProgressDeadlineExceeded"
    {
        return Rollout::Stuck(format!(
            "its progress deadline has passed: {}",
            text(progressing, "message")
        ));
    }
    if let Some(failure) = condition(object, "ReplicaFailure")
        && text(failure, "status") == "True"
    {
        return Rollout::Stuck(format!("its pods cannot be made: {}", text(failure, "message")));
    }
    let wanted = replicas(object);
    let updated = number(object, "/status/updatedReplicas");
    let old = number(object, "/status/replicas") - updated;
    let available = number(object, "/status/availableReplicas");
    if updated < wanted {
        Rollout::Going(format!("{updated} of {wanted} pods are of the new template"))
    } else if old > 0 {
        Rollout::Going(format!("{old} old pods are still to go"))
    } else if available < updated {
        Rollout::Going(format!("{available} of {updated} new pods are available"))
    } else {
        Rollout::Done(format!("all {wanted} pods are of the new template and available"))
    }
}

fn stateful_set(object: &Value) -> Rollout {
    if let Some(early) = on_delete(object).or_else(|| unseen(object)) {
        return early;
    }
    let wanted = replicas(object);
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    let to_update = (wanted - partition).max(0);
    let updated = number(object, "/status/updatedReplicas");
    let ready = number(object, "/status/readyReplicas");
    if updated < to_update {
        return Rollout::Going(format!("{updated} of {to_update} pods are of the new template"));
    }
    if ready < wanted {
        return Rollout::Going(format!("{ready} of {wanted} pods are ready"));
    }
    if partition > 0 && to_update < wanted {
        return Rollout::Done(format!(
            "{to_update} of {wanted} pods are of the new template; its partition {partition} keeps the others as they are"
        ));
    }
    let revision = |key: &str| object.pointer(&format!("/status/{key}")).and_then(Value::as_str);
    if revision("updateRevision") != revision("currentRevision") {
        return Rollout::Going(format!("{updated} of {wanted} pods are of the new template"));
    }
    Rollout::Done(format!("all {wanted} pods are of the new template and ready"))
}

fn daemon_set(object: &Value) -> Rollout {
    if let Some(early) = on_delete(object).or_else(|| unseen(object)) {
        return early;
    }
    let wanted = number(object, "/status/desiredNumberScheduled");
    let updated = number(object, "/status/updatedNumberScheduled");
    let available = number(object, "/status/numberAvailable");
    if updated < wanted {
        Rollout::Going(format!(
            "{updated} of {wanted} nodes have a pod of the new template"
        ))
    } else if available < wanted {
        Rollout::Going(format!(
            "{available} of {wanted} nodes have a pod that is available"
        ))
    } else {
        Rollout::Done(format!("all {wanted} nodes have a pod of the new template"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(kind: &str, spec: Value, status: Value) -> Rollout {
        rollout(&json!({"kind": kind, "metadata": {"generation": 2}, "spec": spec, "status": status}))
    }

    fn is_going(rollout: &Rollout) -> bool {
        matches!(rollout, Rollout::Going(_))
    }

    #[test]
    fn deployments() {
        let status = |replicas: i64, updated: i64, available: i64| json!({"observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available});
        let of = |status: Value| of("Deployment", json!({"replicas": 2}), status);
        assert!(is_going(&of(json!({"observedGeneration": 1}))));
        assert!(is_going(&of(status(3, 1, 2))));
        assert!(is_going(&of(status(3, 2, 2))));
        assert!(is_going(&of(status(2, 2, 1))));
        assert!(matches!(of(status(2, 2, 2)), Rollout::Done(_)));
        let mut late = status(3, 1, 2);
        late["conditions"] =
            json!([{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "m"}]);
        assert!(matches!(of(late), Rollout::Stuck(_)));
        let mut refused = status(1, 0, 1);
        refused["conditions"] =
            json!([{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]);
        assert!(matches!(of(refused), Rollout::Stuck(_)));
    }

    #[test]
    fn nothing_waits_for_a_person() {
        let paused = of("Deployment", json!({"paused": true}), json!({}));
        let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
        for rollout in [
            paused,
            of("StatefulSet", on_delete.clone(), json!({})),
            of("DaemonSet", on_delete, json!({})),
            of("CronJob", json!({}), json!({})),
            of("ReplicaSet", json!({}), json!({})),
        ] {
            assert!(matches!(rollout, Rollout::Manual(_)), "{rollout:?}");
        }
    }

    #[test]
    fn stateful_sets_keep_their_partition() {
        let spec = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
        let status = |updated: i64, ready: i64| {
            json!({"observedGeneration": 2, "updatedReplicas": updated, "readyReplicas": ready,
                "currentRevision": "a", "updateRevision": "b"})
        };
        assert!(is_going(&of("StatefulSet", spec.clone(), status(0, 3))));
        assert!(is_going(&of("StatefulSet", spec.clone(), status(1, 2))));
        assert!(
            matches!(of("StatefulSet", spec, status(1, 3)), Rollout::Done(text) if text.contains("partition 2"))
        );
        let all = json!({"replicas": 3});
        assert!(is_going(&of("StatefulSet", all.clone(), status(3, 3))));
        let mut done = status(3, 3);
        done["currentRevision"] = json!("b");
        assert!(matches!(of("StatefulSet", all, done), Rollout::Done(_)));
    }

    #[test]
    fn daemon_sets() {
        let status = |updated: i64, available: i64| json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": updated, "numberAvailable": available});
        assert!(is_going(&of("DaemonSet", json!({}), status(1, 2))));
        assert!(is_going(&of("DaemonSet", json!({}), status(2, 1))));
        assert!(matches!(
            of("DaemonSet", json!({}), status(2, 2)),
            Rollout::Done(_)
        ));
    }
}
