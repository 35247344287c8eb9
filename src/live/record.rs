//! What the pods of a workload have shown so far, until the workload itself is looked at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{PodGlance, Shape, telling::telling, template::Difference};
use crate::{
    pod::{
        Promoters,
        live::{InjectedContainer, Live, PodSeen, SeenContainer},
    },
    roles::{PROMOTED_ANNOTATION, listed},
};

/// As many telling pods are kept of a workload; more are counted.
const PODS_KEPT: usize = 3;

/// The fields of an injected container that rules read. The rest of it would only take room.
const CONTAINER_FIELDS: [&str; 13] = [
    "name",
    "image",
    "command",
    "args",
    "env",
    "ports",
    "lifecycle",
    "restartPolicy",
    "startupProbe",
    "readinessProbe",
    "livenessProbe",
    "volumeMounts",
    "workingDir",
];

/// What the pods of one workload show.
#[derive(Debug, Clone, Default)]
pub struct Record {
    compared: usize,
    has_completed: bool,
    injected: BTreeMap<String, Injection>,
    promoted: BTreeMap<String, Promoted>,
    dropped: BTreeMap<String, String>,
    pods: Vec<PodSeen>,
    /// Who made the workload, where that is not looked at.
    pub owner: Option<String>,
}

#[derive(Debug, Clone)]
struct Promoted {
    container: Value,
    /// Whether the pod says that it was the policy that acts on the annotation.
    by_annotation: bool,
}

#[derive(Debug, Clone)]
struct Injection {
    container: Value,
    is_init: bool,
    /// How many of the pod's containers of that list stand before it.
    index: usize,
    seen: InjectedContainer,
}

impl Record {
    /// Nothing yet of a workload that somebody made who is not looked at.
    #[must_use]
    pub fn of_owner(owner: Option<String>) -> Self {
        Self {
            owner,
            ..Self::default()
        }
    }

    /// A Job of the workload is `Complete`.
    pub fn completed(&mut self) {
        self.has_completed = true;
    }

    /// Takes in what the status of a pod tells.
    pub fn take_status(&mut self, pod: &PodGlance) {
        let Some(seen) = telling(pod) else {
            return;
        };
        if self.pods.len() < PODS_KEPT {
            self.pods.push(seen);
        } else if let Some(last) = self.pods.last_mut() {
            last.more += 1;
        }
    }

    /// Compares a pod with the template it was made of. `raw` is the whole pod.
    pub fn compare(&mut self, template: &Shape, pod: &PodGlance, raw: &str) {
        self.compared += 1;
        let difference = template.difference(&Shape::of_pod(pod));
        for name in &difference.dropped {
            self.dropped
                .entry(name.clone())
                .or_insert_with(|| pod.metadata.name.clone());
        }
        let known = |name: &String| self.injected.contains_key(name) || self.promoted.contains_key(name);
        if difference.injected.iter().chain(&difference.promoted).all(known) {
            return;
        }
        if let Ok(object) = serde_json::from_str::<Value>(raw) {
            self.take_containers(&difference, pod, &object);
        }
    }

    fn take_containers(&mut self, difference: &Difference, pod: &PodGlance, object: &Value) {
        for (field, is_init) in [("initContainers", true), ("containers", false)] {
            let list = object
                .pointer(&format!("/spec/{field}"))
                .and_then(Value::as_array);
            for (index, container) in list.into_iter().flatten().enumerate() {
                let Some(name) = container.get("name").and_then(Value::as_str) else {
                    continue;
                };
                if difference.promoted.iter().any(|promoted| promoted == name) {
                    self.promoted.entry(name.to_owned()).or_insert_with(|| Promoted {
                        container: container.clone(),
                        by_annotation: pod
                            .metadata
                            .annotations
                            .get(PROMOTED_ANNOTATION)
                            .is_some_and(|names| listed(names).any(|promoted| promoted == name)),
                    });
                }
                if difference.injected.iter().any(|injected| injected == name) {
                    self.injected.entry(name.to_owned()).or_insert_with(|| Injection {
                        container: kept(container),
                        is_init,
                        index,
                        seen: InjectedContainer {
                            name: name.to_owned(),
                            pod: pod.metadata.name.clone(),
                            annotations: naming(pod, name),
                        },
                    });
                }
            }
        }
    }

    /// The template as its next pods will have it: with the containers that were injected, and those that were
    /// promoted where they are now, unless the policy that did so is gone.
    pub fn complete(&self, spec: &mut Value, promoters: Promoters) {
        let is_possible = matches!(promoters, Promoters::Unasked | Promoters::Possible);
        for (
            name,
            Promoted {
                container,
                by_annotation,
            },
        ) in &self.promoted
        {
            if *by_annotation && !is_possible {
                continue;
            }
            if let Some(list) = spec.get_mut("containers").and_then(Value::as_array_mut) {
                list.retain(|own| own.get("name").and_then(Value::as_str) != Some(name));
            }
            if let Some(list) = list_mut(spec, "initContainers") {
                list.push(container.clone());
            }
        }
        let mut injections: Vec<&Injection> = self.injected.values().collect();
        injections.sort_by_key(|injection| injection.index);
        for injection in injections {
            let field = if injection.is_init {
                "initContainers"
            } else {
                "containers"
            };
            if let Some(list) = list_mut(spec, field) {
                list.insert(injection.index.min(list.len()), injection.container.clone());
            }
        }
    }

    /// The facts, for the rules.
    #[must_use]
    pub fn live(&self, seen_at: Timestamp) -> Live {
        let injected = self.injected.values().map(|injection| injection.seen.clone());
        let dropped = self.dropped.iter().map(|(name, pod)| SeenContainer {
            name: name.clone(),
            pod: pod.clone(),
        });
        Live {
            seen_at,
            compared: self.compared,
            injected: injected.collect(),
            promoted: self.promoted.keys().cloned().collect(),
            dropped: dropped.collect(),
            has_completed: self.has_completed,
            pods: self.pods.clone(),
            owner: self.owner.clone(),
        }
    }
}

fn list_mut<'v>(spec: &'v mut Value, field: &str) -> Option<&'v mut Vec<Value>> {
    spec.as_object_mut()?
        .entry(field)
        .or_insert_with(|| Value::Array(Vec::new()))
        .as_array_mut()
}

fn kept(container: &Value) -> Value {
    let fields = container.as_object().into_iter().flatten();
    fields
        .filter(|(key, _)| CONTAINER_FIELDS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The annotations of a pod that name a container as a word.
fn naming(pod: &PodGlance, container: &str) -> Vec<String> {
    let is_word = |value: &str| {
        value
            .split(|character: char| !character.is_ascii_alphanumeric() && character != '-')
            .any(|word| word == container)
    };
    pod.metadata
        .annotations
        .iter()
        .filter(|(key, value)| !key.starts_with("kubectl.kubernetes.io/") && is_word(value))
        .map(|(key, _)| key.clone())
        .collect()
}
