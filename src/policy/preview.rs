//! What a promotion would do to the workloads of a cluster: their pods, and what those ask for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::objects::differs;
use crate::{
    lint,
    workload::{self, Amounts, effective_resources, quantity},
    yaml,
};

/// The pod that a controller would create of an object, with a generated name; nothing for an object without template.
#[must_use]
pub fn pod_of(kind: &str, object: &Value) -> Option<Value> {
    let template = match kind {
        "Pod" => object,
        "CronJob" => object.pointer("/spec/jobTemplate/spec/template")?,
        _ => object.pointer("/spec/template")?,
    };
    let mut spec = template.get("spec")?.clone();
    // A pod that runs has been given a node, and a token's volume that the server adds anew.
    spec.as_object_mut()?.remove("nodeName");
    let name = object.pointer("/metadata/name")?.as_str()?;
    let metadata = |field: &str| template.pointer(&format!("/metadata/{field}")).cloned();
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

/// How many pods of an object run at once, as far as its spec says.
#[must_use]
pub fn pods_at_once(kind: &str, object: &Value) -> u64 {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
    match kind {
        "DaemonSet" => number("/status/desiredNumberScheduled").unwrap_or(1),
        "Job" => number("/spec/parallelism").unwrap_or(1),
        "CronJob" => number("/spec/jobTemplate/spec/parallelism").unwrap_or(1),
        "Pod" => 1,
        _ => number("/spec/replicas").unwrap_or(1),
    }
}

/// What a pod asks for, effectively.
#[must_use]
pub fn resources(pod: &Value) -> Amounts {
    let text = pod.to_string();
    let Ok(stream) = yaml::parse(&text) else {
        return Amounts::new();
    };
    lint::objects_of(&stream)
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
pub fn exceeded(quotas: &[Value], more: &Amounts) -> Vec<String> {
    let mut found = Vec::new();
    for quota in quotas {
        let amounts = |field: &str| -> BTreeMap<String, i128> {
            quota
                .pointer(&format!("/status/{field}"))
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((counted(key), quantity(value.as_str()?)?)))
                .collect()
        };
        let used = amounts("used");
        for (key, hard) in amounts("hard") {
            let added = more.get(&key).copied().unwrap_or_default();
            let taken = used.get(&key).copied().unwrap_or_default();
            if added > 0 && taken + added > hard {
                let write = |amount| workload::write_amount(&key, amount);
                found.push(format!(
                    "quota {} allows {} of {key}, {} is used, and promotion adds {}",
                    quota
                        .pointer("/metadata/name")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                    write(hard),
                    write(taken),
                    write(added)
                ));
            }
        }
    }
    found
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
        let quota = |hard: &str| json!({"metadata": {"name": "small"}, "status": {"hard": {"memory": hard}, "used": {"memory": "500Mi"}}});
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
        for (kind, object) in [
            (
                "Deployment",
                json!({"metadata": {"name": "x"}, "spec": {"replicas": 3, "template": template}}),
            ),
            (
                "CronJob",
                json!({"metadata": {"name": "x"}, "spec": {"jobTemplate": {"spec": {"template": template, "parallelism": 3}}}}),
            ),
            (
                "DaemonSet",
                json!({"metadata": {"name": "x"}, "spec": {"template": template}, "status": {"desiredNumberScheduled": 3}}),
            ),
        ] {
            let pod = pod_of(kind, &object).unwrap();
            assert_eq!(pod["metadata"]["generateName"], "x-");
            assert_eq!(pod["spec"]["containers"][0]["name"], "c");
            assert_eq!(pods_at_once(kind, &object), 3, "{kind}");
        }
        assert_eq!(
            pod_of("Deployment", &json!({"metadata": {"name": "x"}, "spec": {}})),
            None
        );
    }
}
