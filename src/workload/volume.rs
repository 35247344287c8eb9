//! Volumes and their mounts.

use crate::yaml::Node;

/// A volume of a pod.
#[derive(Debug, Clone, Copy)]
pub struct Volume<'t> {
    /// Its mapping.
    pub node: Node<'t>,
    /// Its name.
    pub name: &'t str,
    /// Where its files come from, for the kinds that matter here.
    pub source: VolumeSource<'t>,
}

/// Where a volume's files come from.
#[derive(Debug, Clone, Copy)]
pub enum VolumeSource<'t> {
    /// `emptyDir`: shared scratch space of the pod.
    EmptyDirectory,
    /// `configMap`
    ConfigMap {
        /// The ConfigMap's name.
        name: &'t str,
        /// The `configMap` mapping, which may choose keys by `items`.
        node: Node<'t>,
    },
    /// Any other kind.
    Other,
}

impl<'t> Volume<'t> {
    /// The view of an item of `volumes`.
    #[must_use]
    pub fn new(node: Node<'t>) -> Option<Self> {
        let name = node.get("name")?.as_str()?;
        let source = if node.entry("emptyDir").is_some() {
            VolumeSource::EmptyDirectory
        } else if let Some(config_map) = node.get("configMap") {
            match config_map.get("name").and_then(Node::as_str) {
                Some(name) => VolumeSource::ConfigMap {
                    name,
                    node: config_map,
                },
                None => VolumeSource::Other,
            }
        } else {
            VolumeSource::Other
        };
        Some(Self { node, name, source })
    }
}

/// A volume mounted into a container.
#[derive(Debug, Clone, Copy)]
pub struct Mount<'t> {
    /// The item of `volumeMounts`.
    pub node: Node<'t>,
    /// The volume's name.
    pub volume: &'t str,
    /// Where it is mounted, as written. A missing leading slash is added by the runtime.
    pub path: &'t str,
    /// The one file or folder of the volume that is mounted.
    pub sub_path: Option<&'t str>,
}

impl<'t> Mount<'t> {
    /// The view of an item of `volumeMounts`.
    #[must_use]
    pub fn new(node: Node<'t>) -> Option<Self> {
        Some(Self {
            node,
            volume: node.get("name")?.as_str()?,
            path: node.get("mountPath")?.as_str()?,
            sub_path: node.get("subPath").and_then(Node::as_str),
        })
    }

    /// The path of `file` within the volume, if it lies under this mount.
    #[must_use]
    pub fn relative(&self, file: &str) -> Option<String> {
        let mount = self.path.trim_matches('/');
        let file = file.trim_start_matches('/');
        let rest = if mount.is_empty() {
            file
        } else {
            file.strip_prefix(mount)?
        };
        if !mount.is_empty() && !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let rest = rest.trim_start_matches('/');
        Some(match self.sub_path.map(|path| path.trim_matches('/')) {
            Some(sub_path) if rest.is_empty() => sub_path.to_owned(),
            Some(sub_path) => format!("{sub_path}/{rest}"),
            None => rest.to_owned(),
        })
    }
}
