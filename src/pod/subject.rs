//! What a finding is about, so that what is said of it and what is done about it are one thing.

use std::borrow::Cow;

/// A place in a program of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProgramSite {
    /// The container: index among the pod's members.
    pub container: usize,
    /// The program: index among the container's programs.
    pub program: usize,
    /// The first byte of the program's text.
    pub start: usize,
}

/// What a finding is about. The indices are those of the pod that it was found in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// What a program does about another container: index in [`crate::behaviour::Links::all`].
    Link(usize),
    /// A place that names sidecars: index in [`crate::pod::Pod::namings`].
    Naming(usize),
    /// A sleep before the work begins.
    Sleep(ProgramSite),
    /// A trap that delays or disguises a sidecar's end.
    Trap(ProgramSite),
    /// The preStop hook of a container, which waits.
    PreStop(usize),
    /// The postStart hook of a container, which holds back the containers behind it.
    PostStart(usize),
    /// The wrapper around a container's command.
    Wrapper(usize),
    /// A container that serves the others and is not declared a sidecar in a form that counts.
    Sidecar(usize),
    /// The `lifecycle.type` of a container.
    LifecycleType(usize),
    /// The annotation that declares sidecars, where nothing acts on it.
    Declaration,
    /// What holds the app back until a declared sidecar is ready, and is missing.
    Gate(usize),
    /// A server among the init containers that stands too late, or that the next one would wait for.
    Late(usize),
    /// A sidecar that an injector adds: its name in the catalogue.
    Injected(String),
    /// A setting of an injected sidecar.
    Setting {
        /// The injector's name in the catalogue.
        injector: String,
        /// The setting's own key.
        key: String,
    },
    /// Something that has to be decided by hand, for this reason.
    ByHand(Cow<'static, str>),
    /// Something that is fine as it is, for this reason.
    Fine(Cow<'static, str>),
}

impl Subject {
    /// A setting of the sidecar that an injector adds.
    pub(crate) fn setting(injector: &str, key: &str) -> Self {
        Self::Setting {
            injector: injector.to_owned(),
            key: key.to_owned(),
        }
    }

    /// Whether a rewrite can be about it.
    #[must_use]
    pub fn is_treatable(&self) -> bool {
        !matches!(self, Self::ByHand(_) | Self::Fine(_))
    }
}
