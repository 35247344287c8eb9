//! Decides the role of each container from all the signs there are.

use crate::catalogue::{injector, is_false};
use crate::workload::{Container, ContainerList, Program, ProgramPlace, Workload, WorkloadKind};

use super::{
    Catalogue, ContainerRole, Evidence, KnownSidecar, Naming, NamingKind, Role, RunsServer, Strength,
    explicit::{PodMarks, pod_mark},
    server::runs_its_server,
};
use crate::yaml::Entry;
use std::sync::Arc;

/// What one container does with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// Its script waits until the sidecar answers or has written a file.
    WaitsFor,
    /// Its script calls the sidecar's quit endpoint.
    Quits,
    /// Its script kills the sidecar's process.
    Kills,
    /// The sidecar ends when it has written a file.
    EndsByMarker,
    /// It starts behind the sidecar's postStart hook, and names the address that the hook waits for.
    Needs,
    /// It starts behind the sidecar's postStart hook, which waits until the sidecar answers.
    HeldBy,
    /// The sidecar ends when its process is gone.
    EndsWithProcess,
}

/// One container uses another as a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Relation {
    /// The app: index in the workload's containers.
    pub app: usize,
    /// The sidecar: index in the workload's containers.
    pub sidecar: usize,
    /// What the app does.
    pub kind: RelationKind,
}

/// A sidecar that an injector adds when the pod is created.
#[derive(Debug, Clone)]
pub struct Injected<'t> {
    /// Which one.
    pub known: Arc<KnownSidecar>,
    /// The annotation or label that asks for it.
    pub entry: Entry<'t>,
}

/// The sidecars that injectors will add, by the annotations and labels of the pod template. One that stands
/// in the manifest already (injected output) is left out.
#[must_use]
pub fn injected<'t>(workload: &Workload<'t>, catalogue: &Catalogue) -> Vec<Injected<'t>> {
    let mut found: Vec<Injected<'t>> = Vec::new();
    let marks = PodMarks::of(workload);
    if marks.is_empty() {
        return found;
    }
    for known in catalogue.entries().filter(|known| known.injector.is_some()) {
        let mark = known
            .injection
            .iter()
            .find_map(|mark| marks.get(mark))
            .or_else(|| switched_on(&marks, known));
        // Images are looked at last: hardly any pod has a mark, and matching them takes longest.
        let is_present = || {
            workload
                .containers
                .iter()
                .any(|container| catalogue.of(container).is_some_and(|own| own.name == known.name))
        };
        if let Some(entry) = mark.filter(|_| !opted_out(workload, known) && !is_present()) {
            found.push(Injected {
                known: Arc::clone(known),
                entry,
            });
        }
    }
    found
}

/// The names of the injector's switch for native sidecars that the pod template sets, the newest first, and whether
/// to on.
#[must_use]
pub fn switches_of<'k>(workload: &Workload<'_>, known: &'k KnownSidecar) -> Vec<(&'k str, bool)> {
    let set = switch_names(known).into_iter().filter_map(|(name, on)| {
        let value = pod_mark(workload, name)?.value.as_str()?;
        let is_on = value == on;
        (is_on || is_false(value)).then_some((name, is_on))
    });
    set.collect()
}

fn switched_on<'t>(marks: &PodMarks<'t>, known: &KnownSidecar) -> Option<Entry<'t>> {
    switch_names(known)
        .into_iter()
        .find_map(|(name, value)| marks.find(name, Some(value)))
}

/// The names of the injector's own switch, the present one first, each with the value that turns it on. The
/// OpenTelemetry operator is told by one and the same annotation what to inject, which is no switch.
fn switch_names(known: &KnownSidecar) -> Vec<(&str, &str)> {
    let row = known
        .injector
        .as_deref()
        .and_then(injector::by_name)
        .and_then(|injector| injector.pod_switch.as_ref());
    let mut names: Vec<(&str, &str)> = match (row, known.own_switch()) {
        (Some(switch), _) => std::iter::once(switch.annotation)
            .chain(switch.formerly.iter().map(|own| own.annotation))
            .map(|name| (name, switch.value))
            .collect(),
        (None, Some(switch)) => std::iter::once(&switch.annotation)
            .chain(&switch.formerly)
            .map(|name| (name.as_str(), switch.value.as_str()))
            .collect(),
        (None, None) => Vec::new(),
    };
    names.retain(|(name, _)| !known.injection.iter().any(|mark| mark == name));
    names
}

/// `sidecar.istio.io/inject: "false"` and its like.
pub(crate) fn opted_out(workload: &Workload<'_>, known: &KnownSidecar) -> bool {
    let injector = known.injector.as_deref().and_then(injector::by_name);
    let is_kept_out = || injector.is_some_and(|injector| injector.is_kept_out(workload));
    known
        .injection
        .iter()
        .filter_map(|mark| mark.split_once('='))
        .any(|(name, asks)| {
            pod_mark(workload, name)
                .and_then(|entry| entry.value.as_str())
                .is_some_and(|value| value != asks && matches!(value, "false" | "disabled"))
        })
        || is_kept_out()
}

/// The role of each container, in the workload's order.
#[must_use]
pub fn assign(
    workload: &Workload<'_>,
    programs: &[Vec<Program<'_>>],
    catalogue: &Catalogue,
    namings: &[Naming<'_>],
    relations: &[Relation],
) -> Vec<ContainerRole> {
    let mut roles: Vec<_> = workload
        .containers
        .iter()
        .enumerate()
        .map(|(index, container)| {
            let mut evidence = evidence(index, workload, programs, catalogue, namings, relations);
            evidence.sort_by_key(|sign| std::cmp::Reverse(sign.strength));
            let declared = is_declared(container, namings);
            let sidecar = match container.list {
                ContainerList::Init => declared,
                ContainerList::Ephemeral => false,
                ContainerList::ControllerSidecars => true,
                ContainerList::Regular => {
                    declared
                        || evidence
                            .first()
                            .is_some_and(|sign| sign.strength > Strength::Weak)
                }
            };
            let role = match container.list {
                _ if sidecar => Role::Sidecar,
                ContainerList::Init => Role::Init,
                ContainerList::Ephemeral => Role::Ephemeral,
                _ => Role::App,
            };
            ContainerRole {
                name: container.name.to_owned(),
                role,
                declared,
                evidence,
            }
        })
        .collect();
    keep_an_app(workload, &mut roles);
    roles
}

/// A pod is there for something: where every regular container would be a sidecar, those that nobody
/// declared or named are the app after all (a Deployment of Envoy is a proxy, not a sidecar).
fn keep_an_app(workload: &Workload<'_>, roles: &mut [ContainerRole]) {
    let regular = |index: usize| {
        workload
            .containers
            .get(index)
            .is_some_and(|container| container.list == ContainerList::Regular)
    };
    let any_app = roles
        .iter()
        .enumerate()
        .any(|(index, role)| regular(index) && role.role == Role::App);
    if any_app {
        return;
    }
    for (index, role) in roles.iter_mut().enumerate() {
        let named = role
            .evidence
            .iter()
            .any(|sign| sign.strength == Strength::Explicit);
        if regular(index) && !role.declared && !named {
            role.role = Role::App;
        }
    }
}

/// Whether the manifest itself declares a container a sidecar.
fn is_declared(container: &Container<'_>, namings: &[Naming<'_>]) -> bool {
    container.is_native_sidecar()
        || container.is_lifecycle_sidecar()
        || (container.list == ContainerList::Regular
            && namings.iter().any(|naming| {
                naming.kind == NamingKind::Declaration
                    && naming.names.iter().any(|name| name == container.name)
            }))
}

fn evidence(
    index: usize,
    workload: &Workload<'_>,
    programs: &[Vec<Program<'_>>],
    catalogue: &Catalogue,
    namings: &[Naming<'_>],
    relations: &[Relation],
) -> Vec<Evidence> {
    let mut signs = Vec::new();
    let Some(container) = workload.containers.get(index) else {
        return signs;
    };
    let mut add = |strength, text: String| signs.push(Evidence { strength, text });
    if container.is_native_sidecar() {
        add(
            Strength::Explicit,
            "declared: an init container with restartPolicy: Always".to_owned(),
        );
    }
    if container.is_lifecycle_sidecar() {
        add(Strength::Explicit, "declared: lifecycle.type: Sidecar".to_owned());
    }
    if container.list == ContainerList::ControllerSidecars {
        add(
            Strength::Explicit,
            "declared in the custom resource's own list of sidecars".to_owned(),
        );
    }
    if container.list == ContainerList::Ephemeral {
        return signs;
    }
    for naming in namings
        .iter()
        .filter(|naming| naming.names.iter().any(|name| name == container.name))
    {
        add(Strength::Explicit, naming.kind.describe().to_owned());
    }
    for relation in relations.iter().filter(|relation| relation.sidecar == index) {
        // A hook of an unknown program may be about the program itself.
        let proves = relation.kind != RelationKind::HeldBy || catalogue.of(container).is_some();
        if proves {
            add(Strength::Strong, relation.kind.describe().to_owned());
        }
    }
    let entrypoint = programs
        .get(index)
        .into_iter()
        .flatten()
        .find(|program| program.place == ProgramPlace::Entrypoint);
    if let Some((strength, text)) = by_catalogue(workload, container, entrypoint, catalogue) {
        add(strength, text);
    }
    if is_telling_name(container.name) {
        add(Strength::Weak, "its name says so".to_owned());
    }
    signs
}

/// What the catalogue says of a container's image and name. An image says something only where the container runs that
/// image's server.
fn by_catalogue(
    workload: &Workload<'_>,
    container: &Container<'_>,
    entrypoint: Option<&Program<'_>>,
    catalogue: &Catalogue,
) -> Option<(Strength, String)> {
    let known = catalogue.of(container)?;
    let answer = runs_its_server(container, entrypoint, catalogue);
    if matches!(answer, RunsServer::Refuted(_)) {
        return None;
    }
    let words: Vec<&str> = entrypoint
        .into_iter()
        .flat_map(|program| &program.words)
        .filter_map(|word| word.as_str())
        .collect();
    if known.is_gateway(&words) {
        return None;
    }
    let image = container.image().and_then(|image| catalogue.by_image(image));
    let by_image = image.is_some_and(|own| {
        let company = || has_company(workload, container, catalogue);
        own.is_configured
            || answer.starts_server()
                && (own.certain
                    || own.companion && company()
                    || (own.serves_jobs || own.in_jobs) && workload.runs_to_completion() && company())
    });
    // An image that somebody has built of a known agent, in a container of that agent's name.
    let is_alike = || {
        let own = catalogue.by_container_name(container.name)?;
        let base = container.image()?.base_name();
        let is_its = own.name == base
            || own
                .containers
                .iter()
                .chain(&own.programs)
                .any(|name| name == base);
        let serves = own.certain || own.companion && has_company(workload, container, catalogue);
        (is_its && serves && container.command().is_empty()).then_some(())
    };
    if is_alike().is_some() {
        return Some((
            Strength::Strong,
            format!("its name and its image's are {}'s", known.name),
        ));
    }
    let by_name = catalogue
        .by_container_name(container.name)
        .is_some_and(|own| own.certain);
    // A name says less than an image, but `istio-proxy` and its like leave no doubt.
    Some(match (by_image, by_name) {
        (true, _) => (Strength::Strong, format!("its image is {}'s", known.name)),
        (_, true) => (Strength::Strong, format!("its name is {}'s", known.name)),
        _ => (Strength::Weak, format!("it looks like {}", known.name)),
    })
}

/// Whether a container that no catalogue knows runs beside it: an agent then serves that one. In a DaemonSet
/// the agent is what the pod is for.
fn has_company(workload: &Workload<'_>, container: &Container<'_>, catalogue: &Catalogue) -> bool {
    workload.kind != WorkloadKind::DaemonSet
        && workload
            .regular()
            .any(|other| other.index != container.index && catalogue.of(other).is_none())
}

/// Whether a container's name says that it serves another one.
#[must_use]
pub fn is_telling_name(name: &str) -> bool {
    name.split(['-', '_']).any(|part| {
        matches!(
            part,
            "sidecar" | "proxy" | "agent" | "shipper" | "logshipper" | "tunnel"
        )
    })
}

impl RelationKind {
    fn describe(self) -> &'static str {
        match self {
            Self::WaitsFor => "another container waits for it before it starts",
            Self::Quits => "another container calls its quit endpoint",
            Self::Kills => "another container kills its process",
            Self::EndsByMarker => "it ends when another container has written a marker file",
            Self::Needs => "another container names the address that its postStart hook waits for",
            Self::HeldBy => "its postStart hook holds another container back until it answers",
            Self::EndsWithProcess => "it ends when another container's process is gone",
        }
    }
}
