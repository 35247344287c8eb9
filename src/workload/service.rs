//! Services of the same input, as far as they tell which container of a pod is served.

use std::collections::HashMap;

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
pub fn services(stream: &Stream<'_>) -> Services {
    objects_of(stream)
        .filter_map(|object| Service::of(&object))
        .collect()
}

/// Services that are asked which of them select a workload. A directory may have thousands of both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    all: Vec<Service>,
    /// Those that select by a label, by its name and value. Each stands at the first label that it wants.
    by_label: HashMap<String, HashMap<String, Vec<usize>>>,
}

impl FromIterator<Service> for Services {
    fn from_iter<T: IntoIterator<Item = Service>>(services: T) -> Self {
        let mut found = Self::default();
        found.extend(services);
        found
    }
}

impl Extend<Service> for Services {
    fn extend<T: IntoIterator<Item = Service>>(&mut self, services: T) {
        for service in services {
            if let Some((name, value)) = service.selector.first() {
                let values = self.by_label.entry(name.clone()).or_default();
                values.entry(value.clone()).or_default().push(self.all.len());
            }
            self.all.push(service);
        }
    }
}

impl IntoIterator for Services {
    type Item = Service;
    type IntoIter = std::vec::IntoIter<Service>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}

impl Services {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those that select the pods of a workload, in their order.
    #[must_use]
    pub fn selecting(&self, workload: &Workload<'_>) -> Vec<&Service> {
        if self.by_label.is_empty() {
            return Vec::new();
        }
        let labels = workload.pod_labels();
        let labels: Vec<(&str, &str)> = labels
            .iter()
            .filter_map(|label| Some((label.key.as_str()?, label.value.as_str()?)))
            .collect();
        let mut found: Vec<usize> = labels
            .iter()
            .filter_map(|(name, value)| self.by_label.get(*name)?.get(*value))
            .flatten()
            .copied()
            .collect();
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .filter_map(|at| self.all.get(at))
            .filter(|service| service.selects(workload, &labels))
            .collect()
    }
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

    /// Whether it selects the pods of a workload, which have these labels.
    fn selects(&self, workload: &Workload<'_>, labels: &[(&str, &str)]) -> bool {
        let own = workload.object.reference.namespace.as_deref();
        let same_namespace = self.namespace.is_none() || own.is_none() || self.namespace.as_deref() == own;
        let has = |(name, value): &(String, String)| labels.contains(&(name.as_str(), value.as_str()));
        same_namespace && !self.selector.is_empty() && self.selector.iter().all(has)
    }

    /// The ports it leads to: numbers, or names of container ports.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(String::as_str)
    }
}
