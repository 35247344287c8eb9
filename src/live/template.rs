//! Pod templates in objects, and pods compared with them.

use serde_json::Value;

use super::PodGlance;
use crate::trace::object::ContainerSpec;

/// How deep a template is looked for in a custom resource.
const DEPTH: usize = 16;

/// A container as a template and a pod are compared by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContainerShape {
    /// Its name.
    pub name: String,
    /// It is an init container.
    pub is_init: bool,
    /// It has `restartPolicy: Always`.
    pub restarts: bool,
}

/// The containers of a template or of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Init containers first.
    pub containers: Vec<ContainerShape>,
}

/// How a pod differs from its template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Containers that the template has not.
    pub(super) injected: Vec<String>,
    /// Regular containers of the template that are native sidecars in the pod.
    pub(super) promoted: Vec<String>,
    /// Native sidecars of the template that are ordinary init containers in the pod.
    pub(super) dropped: Vec<String>,
}

impl Shape {
    /// The containers that run together.
    pub fn regular(&self) -> impl Iterator<Item = &ContainerShape> {
        self.containers.iter().filter(|container| !container.is_init)
    }

    /// The containers of a pod.
    #[must_use]
    pub fn of_pod(pod: &PodGlance) -> Self {
        let shape = |container: &ContainerSpec, is_init| ContainerShape {
            name: container.name.clone(),
            is_init,
            restarts: container.is_native(),
        };
        let init = pod
            .spec
            .init_containers
            .iter()
            .map(|container| shape(container, true));
        let regular = pod
            .spec
            .containers
            .iter()
            .map(|container| shape(container, false));
        Self {
            containers: init.chain(regular).collect(),
        }
    }

    /// The containers of a pod spec.
    #[must_use]
    pub fn of_spec(spec: &Value) -> Self {
        let list = |field: &str, is_init: bool| {
            let items = spec.get(field).and_then(Value::as_array);
            items.into_iter().flatten().map(move |container| ContainerShape {
                name: text(container, "name").to_owned(),
                is_init,
                restarts: text(container, "restartPolicy") == "Always",
            })
        };
        Self {
            containers: list("initContainers", true)
                .chain(list("containers", false))
                .collect(),
        }
    }

    fn named(&self, name: &str) -> Option<&ContainerShape> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// How a pod differs from this template.
    pub(super) fn difference(&self, pod: &Self) -> Difference {
        let mut difference = Difference::default();
        for container in &pod.containers {
            let name = || container.name.clone();
            match self.named(&container.name) {
                None => difference.injected.push(name()),
                Some(own) if !own.is_init && container.is_init && container.restarts => {
                    difference.promoted.push(name());
                }
                Some(own) if own.is_init && own.restarts && container.is_init && !container.restarts => {
                    difference.dropped.push(name());
                }
                Some(_) => {}
            }
        }
        difference
    }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The pod specs that an object holds, as JSON pointers.
#[must_use]
pub(crate) fn templates(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(spec) = object.get("spec") {
        search(spec, "/spec", DEPTH, &mut found);
    }
    found
}

fn search(value: &Value, path: &str, depth: usize, found: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value {
        Value::Object(fields) => {
            if fields.get("containers").is_some_and(is_container_list) {
                found.push(path.to_owned());
                return;
            }
            for (key, inner) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                search(inner, &format!("{path}/{key}"), depth, found);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                search(inner, &format!("{path}/{index}"), depth, found);
            }
        }
        _ => {}
    }
}

fn is_container_list(value: &Value) -> bool {
    value.as_array().is_some_and(|items| {
        !items.is_empty()
            && items
                .iter()
                .all(|item| item.get("image").is_some_and(Value::is_string))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(containers: &[(&str, bool, bool)]) -> Shape {
        let containers = containers
            .iter()
            .map(|(name, is_init, restarts)| ContainerShape {
                name: (*name).to_owned(),
                is_init: *is_init,
                restarts: *restarts,
            })
            .collect();
        Shape { containers }
    }

    #[test]
    fn pods_differ_in_three_ways() {
        let template = shape(&[
            ("setup", true, false),
            ("proxy", true, true),
            ("app", false, false),
            ("log", false, false),
        ]);
        assert_eq!(template.difference(&template), Difference::default());
        let pod = shape(&[
            ("mesh", true, true),
            ("setup", true, false),
            ("proxy", true, false),
            ("log", true, true),
            ("app", false, false),
            ("agent", false, false),
        ]);
        let difference = template.difference(&pod);
        assert_eq!(difference.injected, ["mesh", "agent"]);
        assert_eq!(difference.promoted, ["log"]);
        assert_eq!(difference.dropped, ["proxy"]);
    }

    #[test]
    fn templates_are_found_wherever_they_are() {
        let container = serde_json::json!([{"name": "a", "image": "a"}]);
        for (object, expected) in [
            (
                serde_json::json!({"spec": {"containers": container}}),
                vec!["/spec"],
            ),
            (
                serde_json::json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": container}}}}}}),
                vec!["/spec/jobTemplate/spec/template/spec"],
            ),
            (
                serde_json::json!({"spec": {"groups": [{"t": {"spec": {"containers": container}}}, {"containers": container}]}}),
                vec!["/spec/groups/0/t/spec", "/spec/groups/1"],
            ),
            (
                serde_json::json!({"spec": {"containers": []}, "status": {"containers": container}}),
                vec![],
            ),
        ] {
            assert_eq!(templates(&object), expected, "{object}");
        }
    }
}
