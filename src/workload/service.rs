//! Services of the same input, as far as they tell which container of a pod is served.

use super::{Object, Workload, objects_of};
use crate::yaml::{Node, Stream};

/// A Service.
#[derive(Debug, Clone)]
pub struct Service<'t> {
    /// Its name.
    pub name: &'t str,
    namespace: Option<&'t str>,
    selector: Vec<(&'t str, &'t str)>,
    targets: Vec<&'t str>,
}

/// The Services of a stream.
#[must_use]
pub fn services<'t>(stream: &'t Stream<'t>) -> Vec<Service<'t>> {
    objects_of(stream)
        .filter_map(|object| Service::of(&object))
        .collect()
}

impl<'t> Service<'t> {
    /// The Service that an object is.
    #[must_use]
    pub fn of(object: &Object<'t>) -> Option<Self> {
        if object.reference.kind != "Service" {
            return None;
        }
        let spec = object.node.get("spec")?;
        let text = |node: Node<'t>, key: &str| node.get(key).and_then(Node::as_str);
        let selector = spec.get("selector")?.entries();
        let ports = spec.get("ports").into_iter().flat_map(Node::items);
        Some(Self {
            name: object.node.path(&["metadata", "name"]).and_then(Node::as_str)?,
            namespace: object
                .node
                .path(&["metadata", "namespace"])
                .and_then(Node::as_str),
            selector: selector
                .iter()
                .filter_map(|entry| Some((entry.key.as_str()?, entry.value.as_str()?)))
                .collect(),
            // Without a targetPort the port is the target (core/v1 ServicePort).
            targets: ports
                .filter_map(|port| text(port, "targetPort").or_else(|| text(port, "port")))
                .collect(),
        })
    }

    /// Whether it selects the pods of a workload.
    #[must_use]
    pub fn selects(&self, workload: &Workload<'_>) -> bool {
        let own = workload.object.reference.namespace.as_deref();
        let same_namespace = self.namespace.is_none() || own.is_none() || self.namespace == own;
        let labels = workload.pod_labels();
        let has = |(key, value): &(&str, &str)| {
            labels
                .iter()
                .any(|label| label.key.as_str() == Some(key) && label.value.as_str() == Some(value))
        };
        same_namespace && !self.selector.is_empty() && self.selector.iter().all(has)
    }

    /// The ports it leads to: numbers, or names of container ports.
    pub fn targets(&self) -> impl Iterator<Item = &'t str> + '_ {
        self.targets.iter().copied()
    }
}
