//! Probes and lifecycle hooks.

use crate::yaml::{Entry, Node};

/// Which probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeKind {
    /// `startupProbe`: gates what starts after a native sidecar.
    Startup,
    /// `readinessProbe`: gates traffic, and the app in the first design.
    Readiness,
    /// `livenessProbe`: restarts the container.
    Liveness,
}

impl ProbeKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Startup, Self::Readiness, Self::Liveness];

    /// The field's name.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Startup => "startupProbe",
            Self::Readiness => "readinessProbe",
            Self::Liveness => "livenessProbe",
        }
    }
}

/// A probe of a container.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'t> {
    /// Which one.
    pub kind: ProbeKind,
    /// Its key and mapping.
    pub entry: Entry<'t>,
}

impl<'t> Probe<'t> {
    /// The port that `httpGet`, `tcpSocket` or `grpc` asks, as written: a number or a port's name.
    #[must_use]
    pub fn port(&self) -> Option<&'t str> {
        ["httpGet", "tcpSocket", "grpc"]
            .iter()
            .find_map(|handler| self.entry.value.path(&[handler, "port"]))
            .and_then(Node::as_str)
    }

    /// The path that `httpGet` asks.
    #[must_use]
    pub fn path(&self) -> Option<&'t str> {
        self.entry.value.path(&["httpGet", "path"]).and_then(Node::as_str)
    }

    /// The command that `exec` runs.
    #[must_use]
    pub fn command(&self) -> Vec<Node<'t>> {
        self.entry
            .value
            .path(&["exec", "command"])
            .map(|node| node.items().collect())
            .unwrap_or_default()
    }
}

/// Which hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookKind {
    /// `lifecycle.postStart`
    PostStart,
    /// `lifecycle.preStop`
    PreStop,
}

impl HookKind {
    /// The field's name.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::PostStart => "postStart",
            Self::PreStop => "preStop",
        }
    }
}

/// A lifecycle hook of a container.
#[derive(Debug, Clone, Copy)]
pub struct Hook<'t> {
    /// Which one.
    pub kind: HookKind,
    /// Its key and mapping.
    pub entry: Entry<'t>,
}

impl<'t> Hook<'t> {
    /// The command that `exec` runs.
    #[must_use]
    pub fn command(&self) -> Vec<Node<'t>> {
        self.entry
            .value
            .path(&["exec", "command"])
            .map(|node| node.items().collect())
            .unwrap_or_default()
    }

    /// The seconds of the `sleep` action (1.29 alpha, KEP-3960).
    #[must_use]
    pub fn sleep_seconds(&self) -> Option<i64> {
        self.entry
            .value
            .path(&["sleep", "seconds"])
            .and_then(Node::as_i64)
    }

    /// The `httpGet` action.
    #[must_use]
    pub fn http_get(&self) -> Option<Node<'t>> {
        self.entry.value.get("httpGet")
    }
}
