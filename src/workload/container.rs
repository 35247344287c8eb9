//! One container of a pod.

use std::collections::HashMap;

use crate::{
    shell::Variable,
    yaml::{Entry, Node, Value},
};

use super::{Hook, HookKind, Image, Mount, Probe, ProbeKind};

/// Which list a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContainerList {
    /// `initContainers`
    Init,
    /// `containers`
    Regular,
    /// `ephemeralContainers`
    Ephemeral,
    /// A custom resource's own `sidecars`, which its controller starts and ends.
    ControllerSidecars,
}

/// What is known of a container's environment variables.
#[derive(Debug, Clone)]
pub struct EnvironmentValues<'t> {
    /// Those of `env`; nothing where a value comes from elsewhere.
    named: HashMap<&'t str, Option<&'t str>>,
    /// `envFrom`: there may be more.
    is_open: bool,
}

impl EnvironmentValues<'_> {
    /// A variable. What an image sets by itself counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Variable {
        match self.named.get(name) {
            Some(Some(value)) => Variable::Known((*value).to_owned()),
            None if !self.is_open => Variable::Unset,
            Some(None) | None => Variable::Unknown,
        }
    }
}

/// A container of a pod.
#[derive(Debug, Clone)]
pub struct Container<'t> {
    /// Its name; empty where none is written.
    pub name: &'t str,
    /// Its mapping.
    pub node: Node<'t>,
    /// The list it stands in.
    pub list: ContainerList,
    /// Its index in that list.
    pub index: usize,
}

/// A literal environment variable.
#[derive(Debug, Clone, Copy)]
pub struct EnvironmentVariable<'t> {
    /// The item of `env`.
    pub node: Node<'t>,
    /// Its name.
    pub name: &'t str,
    /// Its literal value; absent for `valueFrom`.
    pub value: Option<&'t str>,
}

impl EnvironmentVariable<'_> {
    /// Whether two variables take the same value from the same place: their `valueFrom` mean the same.
    #[must_use]
    pub fn is_from_where(&self, other: &EnvironmentVariable<'_>) -> bool {
        let from = |variable: &EnvironmentVariable<'_>| Value::of(variable.node.get("valueFrom")?).ok();
        let own = from(self);
        own.is_some() && own == from(other)
    }
}

/// A declared port.
#[derive(Debug, Clone, Copy)]
pub struct Port<'t> {
    /// The item of `ports`.
    pub node: Node<'t>,
    /// Its name.
    pub name: Option<&'t str>,
    /// `containerPort`
    pub number: u16,
}

impl<'t> Container<'t> {
    /// The image, where one is written.
    #[must_use]
    pub fn image(&self) -> Option<Image<'t>> {
        self.node.get("image")?.as_str().map(Image::parse)
    }

    /// The items of `command`.
    #[must_use]
    pub fn command(&self) -> Vec<Node<'t>> {
        self.words("command")
    }

    /// The items of `args`.
    #[must_use]
    pub fn arguments(&self) -> Vec<Node<'t>> {
        self.words("args")
    }

    fn words(&self, field: &str) -> Vec<Node<'t>> {
        self.node
            .get(field)
            .map(|node| node.items().collect())
            .unwrap_or_default()
    }

    /// The items of `env`.
    pub fn environment(&self) -> impl Iterator<Item = EnvironmentVariable<'t>> + use<'t> {
        let node = self.node.get("env");
        node.into_iter().flat_map(Node::items).filter_map(|node| {
            let name = node.get("name")?.as_str()?;
            // `value:` with nothing behind it is the empty text.
            let value = match node.get("value") {
                Some(value) => Some(value.as_str().unwrap_or_default()),
                None if node.get("valueFrom").is_some() => None,
                None => Some(""),
            };
            Some(EnvironmentVariable { node, name, value })
        })
    }

    /// The environment variable of that name: the last one wins, as in the kubelet.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<EnvironmentVariable<'t>> {
        self.environment().filter(|variable| variable.name == name).last()
    }

    /// The literal value of an environment variable.
    #[must_use]
    pub fn value_of(&self, name: &str) -> Option<&'t str> {
        self.variable(name)?.value
    }

    /// What is known of its environment variables. For many look-ups, each of which would be a walk through `env`.
    #[must_use]
    pub fn values(&self) -> EnvironmentValues<'t> {
        // The last one of a name wins, as in the kubelet.
        let named = self.environment().map(|variable| (variable.name, variable.value));
        EnvironmentValues {
            named: named.collect(),
            is_open: self.node.get("envFrom").is_some(),
        }
    }

    /// The declared ports.
    pub fn ports(&self) -> impl Iterator<Item = Port<'t>> + use<'t> {
        self.node
            .get("ports")
            .into_iter()
            .flat_map(Node::items)
            .filter_map(|node| {
                Some(Port {
                    node,
                    name: node.get("name").and_then(Node::as_str),
                    number: node.get("containerPort")?.as_str()?.parse().ok()?,
                })
            })
    }

    /// The probe of that kind.
    #[must_use]
    pub fn probe(&self, kind: ProbeKind) -> Option<Probe<'t>> {
        let entry = self.node.entry(kind.field())?;
        entry.value.is_mapping().then_some(Probe { kind, entry })
    }

    /// The hook of that kind.
    #[must_use]
    pub fn hook(&self, kind: HookKind) -> Option<Hook<'t>> {
        let entry = self.node.get("lifecycle")?.entry(kind.field())?;
        entry.value.is_mapping().then_some(Hook { kind, entry })
    }

    /// The volumes mounted into it.
    pub fn mounts(&self) -> impl Iterator<Item = Mount<'t>> + use<'t> {
        self.node
            .get("volumeMounts")
            .into_iter()
            .flat_map(Node::items)
            .filter_map(Mount::new)
    }

    /// Whether its command, arguments or environment name this port of the pod itself: `127.0.0.1:5432`.
    #[must_use]
    pub fn names_local_port(&self, port: u16) -> bool {
        let fields = ["command", "args", "env"]
            .iter()
            .filter_map(|field| self.node.get(field));
        let mut texts = fields.flat_map(Node::walk).filter_map(Node::as_str);
        texts.any(|text| {
            ["localhost", "127.0.0.1"].iter().any(|host| {
                let address = format!("{host}:{port}");
                text.match_indices(&address).any(|(at, _)| {
                    let behind = text.get(at + address.len()..).unwrap_or_default();
                    !behind.starts_with(|letter: char| letter.is_ascii_digit())
                })
            })
        })
    }

    /// The container's own `restartPolicy`.
    #[must_use]
    pub fn restart_policy(&self) -> Option<Entry<'t>> {
        self.node.entry("restartPolicy")
    }

    /// The first design's `lifecycle.type` (KEP-753, never released).
    #[must_use]
    pub fn lifecycle_type(&self) -> Option<Entry<'t>> {
        self.node.get("lifecycle")?.entry("type")
    }

    /// Whether it is a native sidecar: an init container with `restartPolicy: Always`
    /// (kubernetes.io/docs/concepts/workloads/pods/sidecar-containers).
    #[must_use]
    pub fn is_native_sidecar(&self) -> bool {
        self.list == ContainerList::Init
            && self.restart_policy().and_then(|entry| entry.value.as_str()) == Some("Always")
    }

    /// Whether the first design's field declares it a sidecar.
    #[must_use]
    pub fn is_lifecycle_sidecar(&self) -> bool {
        self.list == ContainerList::Regular
            && self.lifecycle_type().and_then(|entry| entry.value.as_str()) == Some("Sidecar")
    }

    /// Whether something holds the app back until this declared sidecar is ready: a native one's startupProbe or
    /// postStart hook (a readinessProbe does not, kubernetes/website#41802); a first-design one's readinessProbe, or
    /// its startupProbe, until which a container is not ready.
    #[must_use]
    pub fn gates_the_app(&self) -> bool {
        if self.is_native_sidecar() {
            self.probe(ProbeKind::Startup).is_some() || self.hook(HookKind::PostStart).is_some()
        } else {
            self.probe(ProbeKind::Readiness).is_some() || self.probe(ProbeKind::Startup).is_some()
        }
    }
}
