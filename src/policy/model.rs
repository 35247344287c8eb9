//! What a promotion does to a pod, told in Rust.
//!
//! It says before anything is installed what would happen, and holds the policy's expressions to it in tests: the two
//! share no code.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Promotion, promote::ATTEMPTS};
use crate::{
    roles::{Catalogue, DECLARATION_ANNOTATION, POSITION_ANNOTATION, PROMOTED_ANNOTATION},
    workload::Image,
};

/// The kubelet's mark on the picture of a static pod (core/v1, MirrorPodAnnotationKey).
const MIRROR_ANNOTATION: &str = "kubernetes.io/config.mirror";

/// What becomes of a pod.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing: it declares no sidecar that is a regular container.
    Unchanged,
    /// These containers become native sidecars.
    Promoted {
        /// The pod as it is stored.
        pod: Value,
        /// Their names, in their order.
        names: Vec<String>,
        /// Those whose readiness the app waits for.
        gated: Vec<String>,
    },
    /// It cannot be treated rightly.
    Conflict(Vec<String>),
}

/// What the policy makes of a pod in a namespace that it is bound to.
#[must_use]
pub fn promoted(pod: &Value, promotion: &Promotion) -> Outcome {
    if annotation(pod, MIRROR_ANNOTATION).is_some() {
        return Outcome::Unchanged;
    }
    let declared = declared(pod, promotion);
    let regular = containers(pod, "containers");
    let (moving, apps): (Vec<Value>, Vec<Value>) = regular
        .into_iter()
        .partition(|container| declared.contains(name(container)));
    let conflicts = conflicts(pod, &declared, &moving, &apps);
    if !conflicts.is_empty() {
        return Outcome::Conflict(conflicts);
    }
    if moving.is_empty() {
        return Outcome::Unchanged;
    }
    let names: Vec<String> = moving
        .iter()
        .map(|container| name(container).to_owned())
        .collect();
    let gated: Vec<String> = moving
        .iter()
        .filter(|container| is_gated(container, &apps, promotion))
        .map(|container| name(container).to_owned())
        .collect();
    let sidecars = moving.into_iter().map(|container| {
        let is_gated = gated.iter().any(|gated| gated == name(&container));
        native(container, is_gated)
    });
    let mut init = containers(pod, "initContainers");
    let before: Vec<String> = annotation(pod, PROMOTED_ANNOTATION)
        .unwrap_or_default()
        .split(',')
        .filter(|before| init.iter().any(|container| name(container) == *before))
        .map(str::to_owned)
        .collect();
    let at = if annotation(pod, POSITION_ANNOTATION) == Some("first") {
        init.iter()
            .rposition(|container| before.iter().any(|before| before == name(container)))
            .map_or(0, |last| last + 1)
    } else {
        init.len()
    };
    init.splice(at..at, sidecars);
    let mut pod = pod.clone();
    if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("initContainers".to_owned(), Value::Array(init));
        spec.insert("containers".to_owned(), Value::Array(apps));
    }
    let list: Vec<&str> = before.iter().chain(&names).map(String::as_str).collect();
    annotate(&mut pod, &list.join(","));
    Outcome::Promoted { pod, names, gated }
}

/// Containers whose gate waits for the app, which waits for them: the pod would never start.
///
/// Only a gate that somebody asked for can be one; the policy leaves out what it knows to deadlock.
#[must_use]
pub fn deadlocked(pod: &Value, promotion: &Promotion) -> Vec<String> {
    let declared = declared(pod, promotion);
    let (moving, apps): (Vec<Value>, Vec<Value>) = containers(pod, "containers")
        .into_iter()
        .partition(|container| declared.contains(name(container)));
    moving
        .iter()
        .filter(|container| is_gated(container, &apps, promotion) && needs_the_app(container, &apps))
        .map(|container| name(container).to_owned())
        .collect()
}

fn declared(pod: &Value, promotion: &Promotion) -> BTreeSet<String> {
    let mut names = promotion.all_names();
    names.extend(
        annotation(pod, DECLARATION_ANNOTATION)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    );
    names
}

fn conflicts(pod: &Value, declared: &BTreeSet<String>, moving: &[Value], apps: &[Value]) -> Vec<String> {
    let init = containers(pod, "initContainers");
    let mut conflicts = Vec::new();
    if !moving.is_empty() && apps.is_empty() {
        let names: Vec<&str> = moving.iter().map(name).collect();
        conflicts.push(format!(
            "no regular container would be left besides {}",
            names.join(", ")
        ));
    }
    conflicts.extend(
        init.iter()
            .filter(|container| declared.contains(name(container)) && !is_native(container))
            .map(|container| format!("{} is an init container that runs to completion", name(container))),
    );
    conflicts.extend(
        moving
            .iter()
            .filter(|container| init.iter().any(|other| name(other) == name(container)))
            .map(|container| format!("{} is the name of an init container too", name(container))),
    );
    let first = annotation(pod, POSITION_ANNOTATION) == Some("first");
    // In the order of the pod's lists.
    let alongside: Vec<Value> = containers(pod, "containers")
        .into_iter()
        .chain(init.into_iter().filter(|container| first || is_native(container)))
        .collect();
    conflicts.extend(
        alongside
            .iter()
            .filter(|container| declared.contains(name(container)))
            .filter(|container| {
                alongside
                    .iter()
                    .any(|other| name(other) != name(container) && share_host_port(container, other))
            })
            .map(|container| format!("a hostPort of {} is another container's too", name(container))),
    );
    conflicts
}

/// Whether two containers want the same port of the node.
fn share_host_port(left: &Value, right: &Value) -> bool {
    let ports = |container: &Value| -> Vec<(u64, String, String)> {
        list(container, "ports")
            .iter()
            .filter_map(|port| {
                let number = port
                    .get("hostPort")
                    .and_then(Value::as_u64)
                    .filter(|number| *number != 0)?;
                Some((
                    number,
                    text(port, "protocol").unwrap_or("TCP").to_owned(),
                    text(port, "hostIP").unwrap_or_default().to_owned(),
                ))
            })
            .collect()
    };
    let everywhere = |address: &str| matches!(address, "" | "0.0.0.0" | "::");
    let theirs = ports(right);
    ports(left).iter().any(|(number, protocol, address)| {
        theirs.iter().any(|(other, other_protocol, other_address)| {
            number == other
                && protocol == other_protocol
                && (address == other_address || everywhere(address) || everywhere(other_address))
        })
    })
}

/// Whether the app is to wait for its readiness.
fn is_gated(container: &Value, apps: &[Value], promotion: &Promotion) -> bool {
    if container.get("readinessProbe").is_none() || container.get("startupProbe").is_some() {
        return false;
    }
    promotion.gated_by_word().contains(name(container))
        || !(promotion.ungated_names().contains(name(container)) || needs_the_app(container, apps))
}

/// Whether its readiness is known to wait for the app: by its name or image, or because the probe asks a port of the
/// app's.
fn needs_the_app(container: &Value, apps: &[Value]) -> bool {
    let catalogue = Catalogue::built_in();
    let by_name = catalogue
        .entries()
        .filter(|entry| entry.readiness_needs_app)
        .any(|entry| entry.containers.iter().any(|known| known == name(container)));
    let by_image = text(container, "image")
        .and_then(|image| catalogue.by_image(Image::parse(image)))
        .is_some_and(|entry| entry.readiness_needs_app);
    let probe = container.get("readinessProbe");
    let asked = ["httpGet", "tcpSocket", "grpc"]
        .iter()
        .filter_map(|handler| probe?.get(*handler)?.get("port")?.as_u64());
    let asks_app = |port: u64| {
        apps.iter().any(|app| {
            list(app, "ports")
                .iter()
                .any(|own| own.get("containerPort").and_then(Value::as_u64) == Some(port))
        })
    };
    by_name || by_image || asked.into_iter().any(asks_app)
}

/// The container as a native sidecar.
fn native(mut container: Value, gated: bool) -> Value {
    let probe = gated
        .then(|| container.get("readinessProbe").cloned())
        .flatten()
        .map(|mut probe| {
            if let Some(fields) = probe.as_object_mut() {
                fields.remove("initialDelaySeconds");
                for (field, number) in [
                    ("periodSeconds", 1),
                    ("successThreshold", 1),
                    ("failureThreshold", ATTEMPTS),
                ] {
                    fields.insert(field.to_owned(), json!(number));
                }
            }
            probe
        });
    if let Some(fields) = container.as_object_mut() {
        fields.insert("restartPolicy".to_owned(), json!("Always"));
        if let Some(probe) = probe {
            fields.insert("startupProbe".to_owned(), probe);
        }
    }
    container
}

fn annotate(pod: &mut Value, promoted: &str) {
    let Some(pod) = pod.as_object_mut() else { return };
    let metadata = pod.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else {
        return;
    };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(PROMOTED_ANNOTATION.to_owned(), json!(promoted));
    }
}

fn annotation<'p>(pod: &'p Value, key: &str) -> Option<&'p str> {
    pod.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

fn containers(pod: &Value, list: &str) -> Vec<Value> {
    pod.get("spec")
        .map(|spec| self::list(spec, list).to_vec())
        .unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn name(container: &Value) -> &str {
    text(container, "name").unwrap_or_default()
}

fn is_native(container: &Value) -> bool {
    text(container, "restartPolicy") == Some("Always")
}
