//! What a rule sees: one pod with everything that is known of it.

use std::sync::Arc;

use crate::{
    roles::{ContainerRole, Injected, Roles},
    source::SourceFile,
    workload::{Container, Program, Workload},
    yaml::Node,
};

/// A Kubernetes version: (1, minor).
pub type KubernetesVersion = (u32, u32);

/// Which form of declaration the user wants.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// `lifecycle.type: Sidecar`, KEP-753's first design.
    Lifecycle,
    /// `initContainers[].restartPolicy: Always`.
    Native,
}

/// What the user said about the cluster and the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// The version the manifests are for; unknown otherwise.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The form to declare sidecars in.
    pub target: Option<Target>,
}

/// The sources that the nodes of a pod can come from: its own and those of the input's ConfigMaps.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    files: &'a [Arc<SourceFile>],
}

impl<'a> Sources<'a> {
    /// The sources to look in.
    #[must_use]
    pub fn new(files: &'a [Arc<SourceFile>]) -> Self {
        Self { files }
    }

    /// The source a node stands in: the one whose text was parsed.
    #[must_use]
    pub fn of(&self, node: Node<'_>) -> Option<Arc<SourceFile>> {
        let text = node.stream().text();
        self.files.iter().find(|file| std::ptr::eq(file.text.as_ptr(), text.as_ptr())).cloned()
    }
}

/// A container with its role and what it runs.
#[derive(Debug)]
pub struct Member<'a> {
    /// The container.
    pub container: Container<'a>,
    /// Its role.
    pub role: ContainerRole,
    /// Its entrypoint, hooks and probes.
    pub programs: Vec<Program<'a>>,
}

/// One pod with everything that is known of it.
#[derive(Debug)]
pub struct Pod<'a> {
    /// The pod and the object that holds it.
    pub workload: &'a Workload<'a>,
    /// Its containers, in the workload's order.
    pub members: Vec<Member<'a>>,
    /// Sidecars that an injector adds.
    pub injected: Vec<Injected<'a>>,
    /// What the user said.
    pub settings: Settings,
    /// Where its nodes come from.
    pub sources: Sources<'a>,
}
