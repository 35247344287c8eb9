//! Scripts that a ConfigMap of the same input holds.

use std::collections::HashMap;

use crate::yaml::Node;

use super::{Container, Object, VolumeSource, Workload};

/// The ConfigMaps of an input by name. Those of one name in several namespaces are kept apart.
#[derive(Debug, Default)]
pub struct ConfigMaps<'t> {
    by_name: HashMap<String, Vec<Object<'t>>>,
}

impl<'t> ConfigMaps<'t> {
    /// Takes in an object if it is a ConfigMap.
    pub fn add(&mut self, object: &Object<'t>) {
        if object.reference.kind == "ConfigMap" {
            self.by_name
                .entry(object.reference.name.clone())
                .or_default()
                .push(object.clone());
        }
    }

    /// The script at `file` in a container, if that file is mounted from a known ConfigMap: the ConfigMap's
    /// name and the scalar.
    #[must_use]
    pub fn script(
        &self,
        workload: &Workload<'t>,
        container: &Container<'t>,
        file: &str,
    ) -> Option<(&'t str, Node<'t>)> {
        if self.by_name.is_empty() {
            return None;
        }
        let (volume, relative) = workload.volume_of_file(container, file)?;
        let VolumeSource::ConfigMap { name, node } = volume.source else {
            return None;
        };
        // `items` gives keys other file names.
        let key = match node.get("items") {
            Some(items) => items
                .items()
                .find(|item| item.get("path").and_then(Node::as_str) == Some(relative.as_str()))?
                .get("key")?
                .as_str()?
                .to_owned(),
            None => relative,
        };
        let data = self.named(name, workload)?.node.get("data")?.get(&key)?;
        data.as_str().map(|_| (name, data))
    }

    /// Whether a container of the workload may run a script from a ConfigMap that is not known.
    #[must_use]
    pub fn misses_script(&self, workload: &Workload<'t>) -> bool {
        workload.volumes.iter().any(|volume| match volume.source {
            VolumeSource::ConfigMap { name, .. } => self.named(name, workload).is_none(),
            _ => false,
        })
    }

    fn named(&self, name: &str, workload: &Workload<'_>) -> Option<&Object<'t>> {
        let found = self.by_name.get(name)?;
        let namespace = workload.object.reference.namespace.as_deref();
        found
            .iter()
            .find(|object| object.reference.namespace.as_deref() == namespace)
            // kustomize and `kubectl -n` set namespaces late: one of the two may not say it.
            .or_else(|| {
                found
                    .iter()
                    .find(|object| object.reference.namespace.is_none() || namespace.is_none())
            })
    }
}
