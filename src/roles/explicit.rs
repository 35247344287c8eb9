//! Places in a manifest that name a sidecar outright: declarations, wrappers' dependency lists, killers'
//! annotations.

use crate::{
    catalogue::{
        controller::OPEN_KRUISE,
        wrapper::{WRAPPERS, Wrapper},
    },
    workload::{Container, Workload},
    yaml::Entry,
};

/// The annotation by which this project's admission policy is told the sidecars.
pub const DECLARATION_ANNOTATION: &str = "kubectl-sidecar/sidecars";

/// The annotation by which a pod asks for its sidecars before its init containers ([`FIRST`]).
pub const POSITION_ANNOTATION: &str = "kubectl-sidecar/position";

/// The one value of [`POSITION_ANNOTATION`].
pub const FIRST: &str = "first";

/// The annotation in which the admission policy leaves the names of the containers it has promoted.
pub const PROMOTED_ANNOTATION: &str = "kubectl-sidecar/promoted";

/// The prefix of the annotation that Lyft's fork of the kubelet reads (`isSidecar()`).
pub const LYFT_ANNOTATION: &str = "sidecars.lyft.net/container-lifecycle-";

/// A place that names sidecars of the pod.
#[derive(Debug, Clone)]
pub struct Naming<'t> {
    /// The names.
    pub names: Vec<String>,
    /// What does so.
    pub kind: NamingKind,
    /// Where it stands.
    pub entry: Entry<'t>,
    /// The container it stands in; the pod template otherwise.
    pub container: Option<&'t str>,
}

/// What names a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamingKind {
    /// `kubectl-sidecar/sidecars`
    Declaration,
    /// `<anything>/sidecars: a,b` or `terminate-sidecars`: a controller outside the pod kills them.
    KillerAnnotation,
    /// `KRUISE_TERMINATE_SIDECAR_WHEN_JOB_EXIT` in the sidecar's own env (OpenKruise, docs/proposals/20230130).
    KruiseEnvironment,
    /// `KUBEXIT_BIRTH_DEPS`: the app waits for them.
    KubexitBirthDependencies,
    /// `KUBEXIT_DEATH_DEPS` stands in the sidecar and names the app.
    KubexitDeathDependencies,
    /// `sidecars.lyft.net/container-lifecycle-<name>: Sidecar`
    LyftAnnotation,
}

impl NamingKind {
    /// How evidence says it.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Declaration => "the annotation kubectl-sidecar/sidecars names it",
            Self::KillerAnnotation => "an annotation for a controller that kills sidecars names it",
            Self::KruiseEnvironment => "its env asks OpenKruise to end it with the Job",
            Self::KubexitBirthDependencies => {
                "the settings of another container's wrapper name it: that one waits for it"
            }
            Self::KubexitDeathDependencies => "the settings of its wrapper name the app it dies with",
            Self::LyftAnnotation => "the annotation of Lyft's kubelet names it",
        }
    }
}

/// Every place that names sidecars of the pod outright.
#[must_use]
pub fn namings<'t>(workload: &Workload<'t>) -> Vec<Naming<'t>> {
    let mut found = Vec::new();
    for entry in workload.pod_annotations() {
        found.extend(annotation(entry));
    }
    for entry in workload.pod_labels() {
        // gist Stono/05d3137c: the label's value is a name or `true`.
        if entry
            .key
            .as_str()
            .is_some_and(|key| key.ends_with("/terminate-sidecars"))
        {
            found.push(Naming {
                names: list(entry.value.as_str().unwrap_or_default()),
                kind: NamingKind::KillerAnnotation,
                entry,
                container: None,
            });
        }
    }
    workload
        .containers
        .iter()
        .for_each(|container| environment(container, &mut found));
    found
}

fn annotation(entry: Entry<'_>) -> Option<Naming<'_>> {
    let key = entry.key.as_str()?;
    let value = entry.value.as_str()?;
    if let Some(name) = key.strip_prefix(LYFT_ANNOTATION) {
        return (value == "Sidecar").then(|| Naming {
            names: vec![name.to_owned()],
            kind: NamingKind::LyftAnnotation,
            entry,
            container: None,
        });
    }
    let kind = match key {
        DECLARATION_ANNOTATION => NamingKind::Declaration,
        _ if key.ends_with("/sidecars") => NamingKind::KillerAnnotation,
        _ => return None,
    };
    Some(Naming {
        names: list(value),
        kind,
        entry,
        container: None,
    })
}

fn environment<'t>(container: &Container<'t>, found: &mut Vec<Naming<'t>>) {
    for variable in container.environment() {
        let value = variable.value.unwrap_or_default();
        let (kind, names) = match variable.name {
            name if is_setting(name, |wrapper| wrapper.waited_for) => {
                (NamingKind::KubexitBirthDependencies, list(value))
            }
            name if is_setting(name, |wrapper| wrapper.ended_with) => (
                NamingKind::KubexitDeathDependencies,
                vec![container.name.to_owned()],
            ),
            name if OPEN_KRUISE.ends(name, value) => {
                (NamingKind::KruiseEnvironment, vec![container.name.to_owned()])
            }
            _ => continue,
        };
        if let Some(entry) = variable
            .node
            .entry("value")
            .or_else(|| variable.node.entry("name"))
        {
            found.push(Naming {
                names,
                kind,
                entry,
                container: Some(container.name),
            });
        }
    }
}

/// Whether a variable is that setting of some wrapper.
fn is_setting(variable: &str, of: impl Fn(&Wrapper) -> Option<&'static str>) -> bool {
    WRAPPERS.iter().any(|wrapper| of(wrapper) == Some(variable))
}

/// The names in a list such as `proxy, shipper`.
pub fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn list(value: &str) -> Vec<String> {
    listed(value).map(str::to_owned).collect()
}

/// A label or annotation of the pod template that has this name, and this value where one is asked for
/// (`NAME` or `NAME=VALUE`).
#[must_use]
pub fn pod_mark<'t>(workload: &Workload<'t>, mark: &str) -> Option<Entry<'t>> {
    PodMarks::of(workload).get(mark)
}

/// The annotations and labels of a pod template, for many questions.
pub(super) struct PodMarks<'t>(Vec<Entry<'t>>);

impl<'t> PodMarks<'t> {
    pub(super) fn of(workload: &Workload<'t>) -> Self {
        let mut entries = workload.pod_annotations();
        entries.extend(workload.pod_labels());
        Self(entries)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// See [`pod_mark`].
    pub(super) fn get(&self, mark: &str) -> Option<Entry<'t>> {
        match mark.split_once('=') {
            Some((name, value)) => self.find(name, Some(value)),
            None => self.find(mark, None),
        }
    }

    pub(super) fn find(&self, name: &str, value: Option<&str>) -> Option<Entry<'t>> {
        let mut entries = self.0.iter().copied();
        entries.find(|entry| {
            entry.key.as_str() == Some(name) && value.is_none_or(|value| entry.value.as_str() == Some(value))
        })
    }
}
