//! Services of the same input, as far as they tell which container of a pod is served.

use super::{Object, Workload, objects_of};
use crate::yaml::{Node, Stream};

/// A Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    namespace: Option<String>,
    selector: Vec<(String, String)>,
    targets: Vec<String>,
}

/// The Services of a stream.
#[must_use]
pub fn services(stream: &Stream<'_>) -> Vec<Service> {
    objects_of(stream)
        .filter_map(|object| Service::of(&object))
        .collect()
}

impl Service {
    /// The Service that an object is.
    #[must_use]
    pub fn of(object: &Object<'_>) -> Option<Self> {
        if object.reference.kind != "Service" {
            return None;
        }
        let spec = object.node.get("spec")?;
        let text = |node: Node<'_>, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
        let metadata = object.node.get("metadata")?;
        let selector = spec.get("selector")?.entries();
        let ports = spec.get("ports").into_iter().flat_map(Node::items);
        Some(Self {
            name: text(metadata, "name")?,
            namespace: text(metadata, "namespace"),
            selector: selector
                .iter()
                .filter_map(|entry| Some((entry.key.as_str()?.to_owned(), entry.value.as_str()?.to_owned())))
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
        let same_namespace = self.namespace.is_none() || own.is_none() || self.namespace.as_deref() == own;
        let labels = workload.pod_labels();
        let has = |(key, value): &(String, String)| {
            labels.iter().any(|label| {
                label.key.as_str() == Some(key.as_str()) && label.value.as_str() == Some(value.as_str())
            })
        };
        same_namespace && !self.selector.is_empty() && self.selector.iter().all(has)
    }

    /// The ports it leads to: numbers, or names of container ports.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(String::as_str)
    }
}
