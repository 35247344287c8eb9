//! Everything that is known of one pod, asked once.

mod address;
mod answers;
mod configuration;
mod delay;
pub(crate) mod embedded;
mod end;
mod injected_output;
mod injection;
mod lifetime;
mod listener;
pub mod live;
mod outsiders;
mod own_address;
mod pipe;
mod promotion;
mod quit_closed;
mod quit_opened;
mod quit_told;
mod result_carried;
mod services_beside;
mod sources;
mod start;
mod subject;
mod suspects;
mod version;
mod wrapper;

use std::{borrow::Cow, collections::HashMap};

use crate::{
    behaviour::{Link, LinkKind, Links, Party, action::FilePath, script::Wait},
    catalogue::{controller::is_killer, injector::Meshes},
    roles::{Catalogue, ContainerRole, Injected, KnownSidecar, Naming, NamingKind, Role},
    shell::Span,
    workload::{Container, ContainerList, Program, ProgramPlace, Service, Workload},
    yaml::Entry,
};

pub use address::Addresses;
pub(crate) use address::{
    NamedAddress, another_listens_on, find_address, listens_alone, listens_on, names_listener,
};
pub use answers::Answers;
pub(crate) use delay::{Delay, DelayPlace, delaying_traps, prestop_delay, stop_commands};
pub(crate) use end::time_limit_of;
pub(crate) use injection::SwitchToSet;
pub(crate) use lifetime::{Lifetime, MAY_BE_CONFIGURED_TO_END};
pub(crate) use listener::{Listener, health_listener};
pub use live::Live;
pub(crate) use outsiders::{Outside, Outsiders};
pub(crate) use pipe::reads_pipe;
pub use promotion::{PROMOTES_SINCE, Promoters};
pub(crate) use quit_closed::{ClosedQuit, closed_quit, unanswered_quit};
pub(crate) use quit_told::{called, told, told_to_quit};
pub(crate) use result_carried::{carries_the_result, ends_with_its_own};
pub use services_beside::ServicesBeside;
pub(crate) use services_beside::services_of;
pub use sources::Sources;
pub use subject::{ProgramSite, Subject};
pub(crate) use suspects::{Suspect, is_called, names_an_end, suspects};
pub use version::{KubernetesVersion, parse_kubernetes_version};
pub(crate) use wrapper::{Work, ends_with_another, quits, stops_another, work};

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
    /// The annotation `kubectl-sidecar/sidecars`, which an admission policy acts on (Kubernetes 1.36 and later).
    Annotation,
    /// Whatever the cluster runs.
    Auto,
}

/// What is known of the cluster, and the user's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// The version the manifests are for; unknown otherwise.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The form to declare sidecars in.
    pub target: Option<Target>,
    /// The admission policies that act on the annotation.
    pub promoters: Promoters,
    /// The injectors that are installed, as far as that is known.
    pub meshes: Meshes,
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
    /// What it finds in ConfigMaps of the input: the texts of files, and variables.
    pub configuration: Configuration<'a>,
    /// What has been asked of it.
    pub answers: Answers,
}

/// What a container finds in ConfigMaps of the input.
#[derive(Debug, Default)]
pub struct Configuration<'a> {
    /// The texts of its files.
    pub files: Vec<&'a str>,
    /// Its variables.
    pub variables: HashMap<String, &'a str>,
    /// Where ConfigMaps are mounted that were not read.
    pub unread_mounts: Vec<&'a str>,
    /// A source of variables that was not read.
    pub unread_variables: Option<&'a str>,
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
    /// Places that name sidecars outright.
    pub namings: Vec<Naming<'a>>,
    /// What its programs do about other containers.
    pub links: Links,
    /// The known sidecars.
    pub catalogue: &'a Catalogue,
    /// What the user said.
    pub settings: Settings,
    /// What its running pods show, where it is looked at in a cluster.
    pub live: Option<&'a Live>,
    /// The Services that lead to it.
    pub services: Vec<&'a Service>,
    /// The other workloads of its source.
    pub(crate) outsiders: &'a Outsiders<'a>,
    /// Where its nodes come from.
    pub sources: Sources<'a>,
    /// What its containers name and where they listen, once somebody has asked.
    pub addresses: Addresses,
}

impl<'a> Pod<'a> {
    /// The regular containers that are what the pod is for.
    pub fn apps(&self) -> impl Iterator<Item = &Member<'a>> {
        self.members
            .iter()
            .filter(|member| member.role.role == Role::App && member.container.list == ContainerList::Regular)
    }

    /// Whether something in the manifest ends the sidecars when the app is done.
    pub(crate) fn has_completion_workaround(&self) -> bool {
        self.links.all.iter().any(|link| {
            matches!(
                link.kind,
                LinkKind::Quits(_) | LinkKind::Kills(_) | LinkKind::EndsOnFile(..) | LinkKind::EndsWithApp(_)
            )
        }) || self.names_who_ends()
    }

    /// Whether something in the manifest may end an injected sidecar: what is meant for another container does not.
    pub(crate) fn may_end_injected(&self, known: &KnownSidecar) -> bool {
        self.links.all.iter().any(|link| {
            let is_meant = match &link.other {
                Party::Container(_) => false,
                Party::Injected(other) => other.name == known.name,
                Party::Unknown => true,
            };
            is_meant && matches!(link.kind, LinkKind::Quits(_) | LinkKind::Kills(_))
        }) || self.names_who_ends()
    }

    /// Whether a name, a wrapper, a helper's image or a setting says that sidecars are ended.
    fn names_who_ends(&self) -> bool {
        let ends = |naming: &Naming<'_>| {
            !matches!(
                naming.kind,
                NamingKind::Declaration | NamingKind::LyftAnnotation | NamingKind::KubexitBirthDependencies
            )
        };
        let mut members = self.members.iter().enumerate();
        let is_a_killer = |member: &Member<'_>| {
            let image = member.container.image();
            image.is_some_and(|image| is_killer(image.base_name()))
        };
        self.namings.iter().any(ends)
            || members.any(|(index, member)| {
                ends_with_another(member) || is_a_killer(member) || told(self, index, member).is_some()
            })
    }

    /// The Service that leads to a container and to no other regular one. Of two ports of one name the first is meant
    /// (Kubernetes, `FindPort` in pkg/api/v1/pod/util.go).
    pub(crate) fn served_alone(&self, container: &Container<'_>) -> Option<&str> {
        let first_of_name = |target: &str| {
            let mut regular = self.workload.regular();
            regular.find(|one| one.ports().any(|port| port.name == Some(target)))
        };
        let has = |one: &Container<'_>, target: &str| {
            first_of_name(target).is_some_and(|first| first.index == one.index)
                || one.ports().any(|port| port.number.to_string() == target)
        };
        let others = || {
            self.workload
                .regular()
                .filter(|other| other.index != container.index)
        };
        let service = self.services.iter().find(|service| {
            let leads_here = service.targets().any(|target| has(container, target));
            leads_here
                && !service
                    .targets()
                    .any(|target| others().any(|other| has(other, target)))
        });
        service.map(|service| service.name.as_str())
    }

    /// The program a link is about.
    pub(crate) fn program(&self, container: usize, program: usize) -> Option<(&Member<'a>, &Program<'a>)> {
        let member = self.members.get(container)?;
        Some((member, member.programs.get(program)?))
    }

    /// The entrypoint of a member.
    pub(crate) fn entrypoint<'m>(member: &'m Member<'a>) -> Option<(usize, &'m Program<'a>)> {
        member
            .programs
            .iter()
            .enumerate()
            .find(|(_, program)| program.place == ProgramPlace::Entrypoint)
    }

    /// A sidecar among the regular containers that nothing declares, or one that is injected as an ordinary container.
    pub(crate) fn undeclared_sidecar_name(&self) -> Option<&str> {
        let own = self.members.iter().find(|member| {
            member.role.role == Role::Sidecar
                && !member.role.declared
                && member.container.list == ContainerList::Regular
        });
        let killed = || {
            self.namings
                .iter()
                .filter(|naming| naming.kind == NamingKind::KillerAnnotation)
                .find_map(|naming| naming.names.first().map(String::as_str))
        };
        own.map(|member| member.container.name)
            .or_else(killed)
            .or_else(|| {
                let mut injected = self.injected.iter();
                let found = injected.find(|injected| self.may_keep_from_completing(&injected.known));
                found.map(|injected| injected.known.name.as_str())
            })
    }
}

/// `Job migrate`, `CronJob nightly`, …
pub(crate) fn describe(pod: &Pod<'_>) -> String {
    let reference = &pod.workload.object.reference;
    match (reference.kind.as_str(), reference.name.as_str()) {
        ("", "") => "this pod".to_owned(),
        (kind, "") => format!("this {kind}"),
        ("", name) => name.to_owned(),
        (kind, name) => format!("{kind} {name}"),
    }
}

/// `activeDeadlineSeconds` of the pod or of its Job.
pub(crate) fn deadline<'a>(pod: &Pod<'a>) -> Option<Entry<'a>> {
    const FIELD: &str = "activeDeadlineSeconds";
    let spec = pod.workload.object.node.get("spec");
    pod.workload
        .pod_spec
        .entry(FIELD)
        .or_else(|| spec?.entry(FIELD))
        .or_else(|| spec?.path(&["jobTemplate", "spec"])?.entry(FIELD))
}

impl<'a> Pod<'a> {
    /// The member on the other side of a link, where it is a container of the manifest.
    pub(crate) fn party(&self, party: &Party) -> Option<&Member<'a>> {
        match party {
            Party::Container(index) => self.members.get(*index),
            Party::Injected(_) | Party::Unknown => None,
        }
    }

    /// What messages call the other side of a link.
    pub(crate) fn party_name(&self, party: &Party) -> String {
        match party {
            Party::Container(_) => self.party(party).map_or_else(
                || "a sidecar".to_owned(),
                |member| quoted(member.container.name).into_owned(),
            ),
            Party::Injected(known) => known.name.clone(),
            Party::Unknown => "a sidecar".to_owned(),
        }
    }

    /// Whether a program has started a child before it waits: it may wait for that one.
    pub(crate) fn waits_for_a_child(&self, link: &Link, wait: &Wait) -> bool {
        self.links
            .facts(link.container, link.program)
            .is_some_and(|facts| {
                facts
                    .background
                    .iter()
                    .any(|child| child.span.end <= wait.span.start)
            })
    }

    /// Whether a container's declaration is one that the cluster keeps: no released Kubernetes knows `lifecycle.type`.
    pub(crate) fn is_in_force(&self, member: &Member<'_>) -> bool {
        let is_of_first_design = member.container.is_lifecycle_sidecar() && !self.is_annotated(member);
        member.role.declared && (!is_of_first_design || self.settings.target == Some(Target::Lifecycle))
    }

    /// Whether the other side of a link is declared a sidecar.
    pub(crate) fn is_declared(&self, party: &Party) -> bool {
        match party {
            Party::Injected(known) if self.annotation_names(known) => true,
            Party::Injected(known) => self.is_injected_natively(known),
            _ => self.party(party).is_some_and(|member| member.role.declared),
        }
    }
}

/// A container's name as messages show it: one that is a noun of theirs stands in quotes.
pub(crate) fn quoted(name: &str) -> Cow<'_, str> {
    match name {
        "sidecar" | "sidecars" | "container" | "containers" | "pod" | "job" | "hook" | "cluster"
        | "script" => Cow::Owned(format!("`{name}`")),
        _ => Cow::Borrowed(name),
    }
}

/// A file as messages call it: by its path where the script spells it. A path out of a variable stays unsaid,
/// as every environment value does.
pub(crate) fn shown_path<'m>(program: &Program<'_>, file: &'m FilePath) -> &'m str {
    let written = program.text.get(file.span.clone()).unwrap_or_default();
    file.path
        .as_deref()
        .filter(|path| written.contains(path))
        .unwrap_or("a file")
}

/// The name of the program that a command at `span` runs.
pub(crate) fn program_at(program: &Program<'_>, span: &Span) -> Option<String> {
    let script = program.script.as_ref()?;
    let simple = script
        .list
        .commands_around(span)
        .filter(|visit| span.start <= visit.command.span().start && visit.command.span().end <= span.end)
        .find_map(|visit| visit.simple().cloned())?;
    let name = simple
        .words
        .get(crate::shell::command_index(&simple.words))?
        .literal()?;
    Some(name.rsplit('/').next().unwrap_or_default().to_owned())
}
