//! What a promotion would do to the workloads of a cluster: their pods, and what those ask for.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ResourceQuota, apimachinery::pkg::api::resource::Quantity};
use serde_json::{Value, json};

use super::objects::differs;
use crate::{
    workload::{self, Amounts, effective_resources, quantity},
    yaml,
};

/// The pod that a controller would create of the pod spec at a JSON pointer into an object, with a generated name.
#[must_use]
pub fn pod_of(object: &Value, spec: &str) -> Option<Value> {
    // Its metadata stands beside it.
    let template = spec.strip_suffix("/spec").and_then(|path| object.pointer(path));
    let mut spec = object.pointer(spec)?.clone();
    // A pod that runs has been given a node, and a token's volume that the server adds anew.
    spec.as_object_mut()?.remove("nodeName");
    let name = object.pointer("/metadata/name")?.as_str()?;
    let metadata = |field: &str| template?.pointer(&format!("/metadata/{field}")).cloned();
    Some(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            // The server adds five letters of its own, and names end at 63.
            "generateName": format!("{}-", name.chars().take(50).collect::<String>()),
            "labels": metadata("labels").unwrap_or(Value::Null),
            "annotations": metadata("annotations").unwrap_or(Value::Null),
        },
        "spec": spec,
    }))
}

/// How many pods of the pod spec at a JSON pointer run at once, as far as the object says: `replicas` and `parallelism`
/// on the way to it.
#[must_use]
pub fn pods_at_once(kind: &str, object: &Value, spec: &str) -> u64 {
    if kind == "DaemonSet" {
        let desired = object.pointer("/status/desiredNumberScheduled");
        return desired.and_then(Value::as_u64).unwrap_or(1);
    }
    spec.match_indices('/')
        .skip(1)
        .filter_map(|(end, _)| object.pointer(spec.get(..end)?))
        .flat_map(|holder| [holder.get("replicas"), holder.get("parallelism")])
        .filter_map(|number| number?.as_u64())
        .product()
}

/// What a pod asks for, effectively.
#[must_use]
pub fn resources(pod: &Value) -> Amounts {
    let text = pod.to_string();
    let Ok(stream) = yaml::parse(&text) else {
        return Amounts::new();
    };
    workload::objects_of(&stream)
        .flat_map(|object| {
            workload::discover(&object)
                .iter()
                .map(effective_resources)
                .collect::<Vec<_>>()
        })
        .next()
        .unwrap_or_default()
}

/// What a namespace's quotas would not allow: one sentence each. `more` is what promotion adds there.
#[must_use]
pub fn exceeded(quotas: &[ResourceQuota], more: &Amounts) -> Vec<String> {
    let mut found = Vec::new();
    for quota in quotas {
        let Some(status) = &quota.status else {
            continue;
        };
        let used = amounts(status.used.as_ref());
        for (key, hard) in amounts(status.hard.as_ref()) {
            let added = more.get(&key).copied().unwrap_or_default();
            let taken = used.get(&key).copied().unwrap_or_default();
            if added > 0 && taken + added > hard {
                let write = |amount| workload::write_amount(&key, amount);
                found.push(format!(
                    "quota {} allows {} of {key}, {} is used, and promotion adds {}",
                    quota.metadata.name.as_deref().unwrap_or_default(),
                    write(hard),
                    write(taken),
                    write(added)
                ));
            }
        }
    }
    found
}

/// Quantities by what they are of, as pods have it.
fn amounts(quantities: Option<&BTreeMap<String, Quantity>>) -> BTreeMap<String, i128> {
    quantities
        .into_iter()
        .flatten()
        .filter_map(|(key, Quantity(amount))| Some((counted(key), quantity(amount)?)))
        .collect()
}

/// A quota's resource as pods have it: `cpu` counts requests (core/v1, ResourceCPU in a quota).
fn counted(key: &str) -> String {
    match key {
        "cpu" | "memory" | "ephemeral-storage" => format!("requests.{key}"),
        other => other.to_owned(),
    }
}

/// Whether what is installed does what this version prints. What the server adds by default does not count.
#[must_use]
pub fn is_in_step(printed: &Value, installed: &Value) -> bool {
    !differs(
        printed.get("spec").unwrap_or(&Value::Null),
        installed.get("spec").unwrap_or(&Value::Null),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(init: Value, regular: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
            "spec": {"initContainers": init, "containers": regular}})
    }

    #[test]
    fn a_sidecar_before_a_large_init_container_exceeds_a_quota() {
        let asks = |name: &str, memory: &str| json!({"name": name, "image": "i", "resources": {"requests": {"memory": memory}}});
        let mut sidecar = asks("proxy", "100Mi");
        let before = resources(&pod(
            json!([asks("init", "500Mi")]),
            json!([sidecar, asks("app", "200Mi")]),
        ));
        sidecar["restartPolicy"] = json!("Always");
        let after = resources(&pod(
            json!([sidecar, asks("init", "500Mi")]),
            json!([asks("app", "200Mi")]),
        ));
        let key = "requests.memory";
        assert_eq!(after[key] - before[key], quantity("100Mi").unwrap());
        let quota = |hard: &str| {
            serde_json::from_value(json!({"metadata": {"name": "small"}, "status": {"hard": {"memory": hard}, "used": {"memory": "500Mi"}}})).unwrap()
        };
        let more = Amounts::from([(key.to_owned(), after[key] - before[key])]);
        assert!(exceeded(&[quota("600Mi")], &more).is_empty());
        assert_eq!(
            exceeded(&[quota("599Mi")], &more),
            ["quota small allows 599Mi of requests.memory, 500Mi is used, and promotion adds 100Mi"]
        );
    }

    #[test]
    fn defaults_of_the_server_are_no_difference() {
        let printed = json!({"spec": {"a": [{"b": "c"}], "d": "e"}});
        let with = |spec: Value| json!({"spec": spec});
        assert!(is_in_step(
            &printed,
            &with(json!({"a": [{"b": "c", "scope": "*"}], "d": "e", "matchPolicy": "x"}))
        ));
        assert!(!is_in_step(&printed, &with(json!({"a": [{"b": "x"}], "d": "e"}))));
        assert!(!is_in_step(
            &printed,
            &with(json!({"a": [{"b": "c"}, {}], "d": "e"}))
        ));
        assert!(!is_in_step(&printed, &with(json!({"a": [{"b": "c"}]}))));
    }

    #[test]
    fn every_kind_has_its_template() {
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}});
        let workers = json!({"groups": [{"template": template}, {"replicas": 3, "template": template}]});
        for (kind, spec, path) in [
            (
                "Deployment",
                json!({"replicas": 3, "template": template}),
                "/spec/template/spec",
            ),
            (
                "CronJob",
                json!({"jobTemplate": {"spec": {"template": template, "parallelism": 3}}}),
                "/spec/jobTemplate/spec/template/spec",
            ),
            ("DaemonSet", json!({"template": template}), "/spec/template/spec"),
            ("RayCluster", workers, "/spec/groups/1/template/spec"),
        ] {
            let object =
                json!({"metadata": {"name": "x"}, "spec": spec, "status": {"desiredNumberScheduled": 3}});
            let pod = pod_of(&object, path).unwrap();
            assert_eq!(pod["metadata"]["generateName"], "x-");
            assert_eq!(pod["metadata"]["labels"]["a"], "b");
            assert_eq!(pod["spec"]["containers"][0]["name"], "c");
            assert_eq!(pods_at_once(kind, &object, path), 3, "{kind}");
        }
        let bare =
            json!({"metadata": {"name": "x", "labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}});
        assert_eq!(pod_of(&bare, "/spec").unwrap()["metadata"]["labels"]["a"], "b");
        assert_eq!(pods_at_once("Pod", &bare, "/spec"), 1);
        assert_eq!(
            pod_of(
                &json!({"metadata": {"name": "x"}, "spec": {}}),
                "/spec/template/spec"
            ),
            None
        );
    }
}
