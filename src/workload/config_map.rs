//! Scripts that a ConfigMap of the same input holds.

use std::{cell::RefCell, collections::HashMap};

use crate::yaml::{Node, Stream};

use super::{Container, Mount, Object, VolumeSource, Workload, objects_of};

/// ConfigMaps by name. Those of one name in several namespaces are kept apart.
#[derive(Debug, Default)]
pub struct ConfigMapIndex<'t> {
    by_name: HashMap<&'t str, Vec<ConfigMap<'t>>>,
}

#[derive(Debug)]
struct ConfigMap<'t> {
    node: Node<'t>,
    namespace: Option<&'t str>,
}

/// The ConfigMaps of a stream whose names are wanted.
pub fn config_maps<'t>(stream: &'t Stream<'t>, is_wanted: impl Fn(&str) -> bool) -> ConfigMapIndex<'t> {
    let mut found = ConfigMapIndex::default();
    objects_of(stream).for_each(|object| found.add(&object, &is_wanted));
    found
}

impl<'t> ConfigMapIndex<'t> {
    /// Takes in an object if it is a ConfigMap, and `is_wanted` says so of its name.
    pub fn add(&mut self, object: &Object<'t>, is_wanted: impl Fn(&str) -> bool) {
        if object.reference.kind != "ConfigMap" {
            return;
        }
        let text = |key: &str| object.node.path(&["metadata", key]).and_then(Node::as_str);
        let name = text("name").or_else(|| text("generateName")).unwrap_or_default();
        if is_wanted(name) {
            self.by_name.entry(name).or_default().push(ConfigMap {
                node: object.node,
                namespace: text("namespace"),
            });
        }
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Whether it holds one of that name, in any namespace.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// All of its ConfigMaps together with those of `other`, which come later.
    pub fn merge(&mut self, other: Self) {
        for (name, config_maps) in other.by_name {
            self.by_name.entry(name).or_default().extend(config_maps);
        }
    }

    fn named(&self, name: &str) -> &[ConfigMap<'t>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The ConfigMaps that the scripts of a source can come from, and those that were looked for in vain.
#[derive(Debug)]
pub struct ConfigMaps<'t> {
    own: ConfigMapIndex<'t>,
    others: Option<&'t ConfigMapIndex<'t>>,
    missed: RefCell<Vec<&'t str>>,
}

/// What is longer is no program's settings.
const LONGEST_SETTINGS: usize = 1 << 16;

impl<'t> ConfigMaps<'t> {
    /// The ConfigMaps of a source, before those of other sources.
    #[must_use]
    pub fn new(own: ConfigMapIndex<'t>, others: Option<&'t ConfigMapIndex<'t>>) -> Self {
        Self {
            own,
            others,
            missed: RefCell::default(),
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
        let Some(config_map) = self.named(name, workload) else {
            self.missed.borrow_mut().push(name);
            return None;
        };
        let data = config_map.get("data")?.get(&key)?;
        data.as_str().map(|_| (name, data))
    }

    /// The texts of the files that a container has from known ConfigMaps, but for scripts that are too long to be settings.
    #[must_use]
    pub fn mounted(&self, workload: &Workload<'t>, container: &Container<'t>) -> Vec<&'t str> {
        let of_mount = |mount: Mount<'t>| {
            let VolumeSource::ConfigMap { name, .. } = workload.volume(mount.volume)?.source else {
                return None;
            };
            self.named(name, workload)?.get("data")
        };
        let data = container.mounts().filter_map(of_mount);
        data.flat_map(Node::written_entries)
            .filter_map(|entry| entry.value.as_str())
            .filter(|text| text.len() <= LONGEST_SETTINGS)
            .collect()
    }

    /// Where ConfigMaps are mounted whose files [`Self::mounted`] does not have.
    #[must_use]
    pub fn unread_mounts(&self, workload: &Workload<'t>, container: &Container<'t>) -> Vec<&'t str> {
        let is_unread = |mount: &Mount<'t>| {
            let volume = workload.volume(mount.volume);
            volume.is_some_and(|volume| match volume.source {
                VolumeSource::ConfigMap { name, .. } => self.named(name, workload).is_none(),
                _ => false,
            })
        };
        let unread = container.mounts().filter(is_unread);
        unread.map(|mount| mount.path).collect()
    }

    /// The first source of `envFrom` whose variables are not known: a Secret, or a ConfigMap that is not.
    #[must_use]
    pub fn unread_variables(&self, workload: &Workload<'t>, container: &Container<'t>) -> Option<&'t str> {
        let sources = container.node.get("envFrom").into_iter().flat_map(Node::items);
        sources.into_iter().find_map(|source| {
            let (reference, is_map) = match source.get("configMapRef") {
                Some(reference) => (reference, true),
                None => (source.get("secretRef")?, false),
            };
            let name = reference.get("name").and_then(Node::as_str)?;
            (!is_map || self.named(name, workload).is_none()).then_some(name)
        })
    }

    /// The variables that a container has from known ConfigMaps: `configMapKeyRef`, and `envFrom` where nothing behind it
    /// may say otherwise.
    #[must_use]
    pub fn variables(&self, workload: &Workload<'t>, container: &Container<'t>) -> HashMap<String, &'t str> {
        self.variables_of(workload, container, &|name| self.missed.borrow_mut().push(name))
    }

    /// The same, where those of ConfigMaps that are not known yet are not asked for.
    #[must_use]
    pub fn known_variables(
        &self,
        workload: &Workload<'t>,
        container: &Container<'t>,
    ) -> HashMap<String, &'t str> {
        self.variables_of(workload, container, &|_| ())
    }

    fn variables_of(
        &self,
        workload: &Workload<'t>,
        container: &Container<'t>,
        miss: &dyn Fn(&'t str),
    ) -> HashMap<String, &'t str> {
        let data = |reference: Node<'t>| {
            let name = reference.get("name").and_then(Node::as_str)?;
            let config_map = self.named(name, workload);
            if config_map.is_none() {
                miss(name);
            }
            config_map?.get("data")
        };
        let mut found = HashMap::new();
        for source in container.node.get("envFrom").into_iter().flat_map(Node::items) {
            let Some(data) = source.get("configMapRef").and_then(data) else {
                found.clear();
                continue;
            };
            let prefix = source.get("prefix").and_then(Node::as_str).unwrap_or_default();
            let values = data
                .entries()
                .into_iter()
                .filter_map(|entry| Some((entry.key.as_str()?, entry.value.as_str()?)));
            found.extend(values.map(|(key, value)| (format!("{prefix}{key}"), value)));
        }
        for variable in container.environment() {
            let reference = variable.node.path(&["valueFrom", "configMapKeyRef"]);
            let value = reference.and_then(|reference| {
                let key = reference.get("key").and_then(Node::as_str)?;
                data(reference)?.get(key)?.as_str()
            });
            match value {
                Some(value) => found.insert(variable.name.to_owned(), value),
                None => found.remove(variable.name),
            };
        }
        found
    }

    /// The names of ConfigMaps that hold scripts and are not known.
    pub fn into_missed(self) -> Vec<&'t str> {
        self.missed.into_inner()
    }

    fn named(&self, name: &str, workload: &Workload<'_>) -> Option<Node<'t>> {
        let known = || {
            let others = self.others.map_or(&[][..], |others| others.named(name));
            self.own.named(name).iter().chain(others)
        };
        let namespace = workload.object.reference.namespace.as_deref();
        known()
            .find(|config_map| config_map.namespace == namespace)
            // kustomize and `kubectl -n` set namespaces late: one of the two may not say it.
            .or_else(|| known().find(|config_map| config_map.namespace.is_none() || namespace.is_none()))
            .map(|config_map| config_map.node)
    }
}
