//! Which container each wait, stop and marker is about.

use std::{collections::HashSet, sync::Arc};

use crate::{
    roles::{Catalogue, Injected, KnownSidecar, Relation, RelationKind},
    workload::{
        Container, ContainerList, HookKind, ProbeKind, Program, ProgramPlace, VolumeSource, Workload,
    },
};

use super::{Address, Host, MarkerTest, MarkerWrite, Means, ScriptFacts, Stop, Target, Wait};

/// The other side of a link.
#[derive(Debug, Clone, PartialEq)]
pub enum Party {
    /// A container of the pod: its index in the workload's containers.
    Container(usize),
    /// A sidecar that an injector adds, as the pod's marks or the address say.
    Injected(Arc<KnownSidecar>),
    /// Somebody in the pod; the text does not say who.
    Unknown,
}

/// What a program does about the other side.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkKind {
    /// It waits until the other side answers.
    Waits(Wait),
    /// It calls the other side's quit endpoint.
    Quits(Stop),
    /// It kills a process of the other side.
    Kills(Stop),
    /// It waits for a file that the other side writes before it starts its own work.
    StartsOnFile(Wait, MarkerTest, Option<MarkerWrite>),
    /// It ends when a file is there that the other side writes.
    EndsOnFile(MarkerTest, Vec<(usize, usize, MarkerWrite)>),
}

/// What one program does about another container.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The container that does it: index in the workload's containers.
    pub container: usize,
    /// The program: index among the container's programs.
    pub program: usize,
    /// What it does.
    pub kind: LinkKind,
    /// With whom.
    pub other: Party,
}

/// Everything that programs of a pod do about other containers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Links {
    /// The links.
    pub all: Vec<Link>,
    /// The facts of each program, by container and program.
    pub facts: Vec<Vec<Option<ScriptFacts>>>,
}

impl Links {
    /// The facts of a program.
    #[must_use]
    pub fn facts(&self, container: usize, program: usize) -> Option<&ScriptFacts> {
        self.facts.get(container)?.get(program)?.as_ref()
    }

    /// Who uses whom as a sidecar, as far as it is proved.
    #[must_use]
    pub fn relations(&self) -> Vec<Relation> {
        let mut relations = Vec::new();
        for link in &self.all {
            let kind = match link.kind {
                LinkKind::Waits(_) => RelationKind::WaitsFor,
                // A file that nobody visible writes may be the app's result as well as a sidecar's sign.
                LinkKind::StartsOnFile(_, _, None) => continue,
                LinkKind::StartsOnFile(..) => RelationKind::WaitsFor,
                LinkKind::Quits(_) => RelationKind::Quits,
                LinkKind::Kills(_) => RelationKind::Kills,
                LinkKind::EndsOnFile(_, ref writers) => {
                    let app = writers.first().map(|(container, ..)| *container);
                    relations.extend(app.map(|app| Relation {
                        app,
                        sidecar: link.container,
                        kind: RelationKind::EndsByMarker,
                    }));
                    continue;
                }
            };
            if let Party::Container(sidecar) = link.other {
                relations.push(Relation {
                    app: link.container,
                    sidecar,
                    kind,
                });
            }
        }
        relations
    }
}

/// Finds all links of a pod.
#[must_use]
pub fn links<'t>(
    workload: &Workload<'t>,
    programs: &[Vec<Program<'t>>],
    injected: &[Injected<'t>],
    catalogue: &Catalogue,
) -> Links {
    let finder = Finder {
        workload,
        programs,
        injected,
        catalogue,
    };
    let facts: Vec<Vec<Option<ScriptFacts>>> = workload
        .containers
        .iter()
        .zip(programs)
        .map(|(container, programs)| {
            programs
                .iter()
                .map(|program| facts_of(container, program))
                .collect()
        })
        .collect();
    let mut all = Vec::new();
    for (container, facts) in facts.iter().enumerate() {
        for (program, facts) in facts.iter().enumerate() {
            if let Some(facts) = facts {
                finder.calls(container, program, facts, &mut all);
            }
        }
    }
    finder.markers(&facts, &mut all);
    Links { all, facts }
}

fn facts_of(container: &Container<'_>, program: &Program<'_>) -> Option<ScriptFacts> {
    // A probe asks its own container.
    if matches!(program.place, ProgramPlace::Probe(_)) {
        return None;
    }
    let script = program.script.as_ref()?;
    let value_of = |name: &str| container.value_of(name).map(str::to_owned);
    let exits_on_error = program
        .invocation
        .as_ref()
        .is_some_and(|invocation| invocation.exits_on_error)
        || program.text.starts_with("#!/bin/sh -e")
        || program.text.starts_with("#!/bin/bash -e");
    Some(ScriptFacts::new(script, exits_on_error, &value_of))
}

struct Finder<'f, 't> {
    workload: &'f Workload<'t>,
    programs: &'f [Vec<Program<'t>>],
    injected: &'f [Injected<'t>],
    catalogue: &'f Catalogue,
}

/// Paths that stop whoever listens there.
const QUIT_PATHS: [&str; 5] = [
    "/quitquitquit",
    "/agent/v1/quit",
    "/graceful_shutdown",
    "/v1.0/shutdown",
    "/api/processes.killWorkers",
];

/// Paths that stop somebody only if the port or the pod says so.
const GENERIC_QUIT_PATHS: [&str; 7] = [
    "/shutdown",
    "/quit",
    "/exit",
    "/stop",
    "/terminate",
    "/kill",
    "/-/quit",
];

impl Finder<'_, '_> {
    fn calls(&self, container: usize, program: usize, facts: &ScriptFacts, all: &mut Vec<Link>) {
        for wait in facts.waits.iter().filter(|wait| !wait.inverted) {
            let other = wait
                .targets
                .iter()
                .find_map(|target| self.awaited(container, target));
            if let Some(other) = other.filter(|other| !self.waits_for_the_app(container, other)) {
                all.push(Link {
                    container,
                    program,
                    kind: LinkKind::Waits(wait.clone()),
                    other,
                });
            }
        }
        for stop in &facts.stops {
            let link = match &stop.means {
                Means::Call(call) => self
                    .quit_party(container, &call.address)
                    .map(|other| (LinkKind::Quits(stop.clone()), other)),
                Means::Signal(_) => self
                    .killed(container, stop)
                    .map(|other| (LinkKind::Kills(stop.clone()), other)),
            };
            if let Some((kind, other)) = link {
                all.push(Link {
                    container,
                    program,
                    kind,
                    other,
                });
            }
        }
    }

    /// A known sidecar that waits for another container waits for the app: that is its own affair, but for a
    /// declared one, which starts before the app.
    fn waits_for_the_app(&self, from: usize, other: &Party) -> bool {
        let known = |index: usize| {
            self.workload
                .containers
                .get(index)
                .is_some_and(|container| self.catalogue.of(container).is_some())
        };
        let declared = self
            .workload
            .containers
            .get(from)
            .is_some_and(Container::is_native_sidecar);
        match other {
            Party::Container(other) => known(from) && !known(*other) && !declared,
            _ => false,
        }
    }

    fn awaited(&self, from: usize, target: &Target) -> Option<Party> {
        match target {
            Target::File(_) => None,
            Target::Tool(tool) => self.tool_owner(from, tool),
            Target::Address { address, .. } => {
                let local =
                    address.is_local() || (address.host == Host::Unknown && self.is_local_service(address));
                let port = address.port?;
                local.then(|| self.owner(from, port, address.path.as_deref()))?
            }
        }
    }

    /// A client without a host (`pg_isready`) asks the local service, if the pod has one.
    fn is_local_service(&self, address: &Address) -> bool {
        address.path.is_none()
            && address.port.is_some_and(|port| {
                self.workload.containers.iter().any(|container| {
                    self.catalogue
                        .of(container)
                        .is_some_and(|known| known.serves.contains(&port))
                })
            })
    }

    fn tool_owner(&self, from: usize, tool: &str) -> Option<Party> {
        let named = |known: &KnownSidecar| {
            known.tools.iter().any(|own| own == tool)
                || (tool == "pilot-agent" && known.name == "istio-proxy")
                || (tool == "linkerd-await" && known.name == "linkerd-proxy")
        };
        let index = self
            .others(from)
            .find(|(_, container)| self.catalogue.of(container).is_some_and(|known| named(known)));
        if let Some((index, _)) = index {
            return Some(Party::Container(index));
        }
        // A proxy's own agent, called in the proxy itself, waits for itself.
        let own = self
            .workload
            .containers
            .get(from)
            .and_then(|container| self.catalogue.of(container));
        if own.is_some_and(|known| named(known)) {
            return None;
        }
        let injected = self
            .catalogue
            .entries()
            .find(|known| known.injector.is_some() && named(known))?;
        Some(Party::Injected(Arc::clone(injected)))
    }

    /// Who listens on a port of the pod: never `from` itself.
    fn owner(&self, from: usize, port: u16, path: Option<&str>) -> Option<Party> {
        let own = self.workload.containers.get(from)?;
        if let Some((index, _)) = self.others(from).find(|(_, container)| declares(container, port)) {
            return Some(Party::Container(index));
        }
        let knows =
            |known: &KnownSidecar| known.is_ready_endpoint(port, path) || known.is_quit_endpoint(port, path);
        if let Some((index, _)) = self
            .others(from)
            .find(|(_, container)| self.catalogue.of(container).is_some_and(|known| knows(known)))
        {
            return Some(Party::Container(index));
        }
        if let Some((index, _)) = self.others(from).find(|(_, container)| mentions(container, port)) {
            return Some(Party::Container(index));
        }
        if let Some(injected) = self.injected.iter().find(|injected| knows(&injected.known)) {
            return Some(Party::Injected(Arc::clone(&injected.known)));
        }
        if declares(own, port)
            || mentions(own, port)
            || self.catalogue.of(own).is_some_and(|known| knows(known))
        {
            return None;
        }
        // An address that only one injected proxy answers says that it is there.
        let injected = self.catalogue.entries().find(|known| {
            known.injector.is_some()
                && (known.ready.iter().chain(&known.quit)).any(|endpoint| {
                    endpoint.port == port && endpoint.path.as_deref() == path.filter(|path| *path != "/")
                })
        });
        if let Some(known) = injected {
            return Some(Party::Injected(Arc::clone(known)));
        }
        // With exactly one other container beside it, nobody else can be meant.
        let mut others = self
            .others(from)
            .filter(|(_, container)| container.list != ContainerList::Init);
        match (others.next(), others.next()) {
            (Some((index, other)), None) if other.ports().next().is_none() || port != 80 => {
                Some(Party::Container(index))
            }
            (Some(_), Some(_)) => Some(Party::Unknown),
            _ => None,
        }
    }

    fn quit_party(&self, from: usize, address: &Address) -> Option<Party> {
        if !address.is_local() && address.host != Host::Unknown {
            return None;
        }
        let path = address.path.as_deref()?.trim_end_matches('/');
        let specific = QUIT_PATHS.contains(&path) || path.ends_with("/quitquitquit");
        let generic = GENERIC_QUIT_PATHS.contains(&path);
        if !specific && !generic {
            return None;
        }
        let port = address.port;
        let known = |known: &KnownSidecar| port.is_some_and(|port| known.is_quit_endpoint(port, Some(path)));
        let container = self
            .others(from)
            .find(|(_, container)| {
                port.is_some_and(|port| declares(container, port) || mentions(container, port))
            })
            .or_else(|| {
                self.others(from)
                    .find(|(_, container)| self.catalogue.of(container).is_some_and(|own| known(own)))
            });
        if let Some((index, _)) = container {
            return Some(Party::Container(index));
        }
        if let Some(injected) = self
            .catalogue
            .entries()
            .find(|entry| entry.injector.is_some() && known(entry))
        {
            return Some(Party::Injected(Arc::clone(injected)));
        }
        // A preStop hook that stops its own process is its own affair.
        let own = self.workload.containers.get(from)?;
        if port.is_some_and(|port| declares(own, port) || mentions(own, port)) || !address.is_local() {
            return None;
        }
        specific.then_some(()).map(|()| self.only_other(from))
    }

    fn only_other(&self, from: usize) -> Party {
        let mut others = self
            .others(from)
            .filter(|(_, container)| container.list != ContainerList::Init);
        match (others.next(), others.next()) {
            (Some((index, _)), None) => Party::Container(index),
            _ => Party::Unknown,
        }
    }

    fn killed(&self, from: usize, stop: &Stop) -> Option<Party> {
        let mut unknown = None;
        for name in stop.process_names() {
            let own = self.workload.containers.get(from)?;
            if let Some((index, _)) = self
                .others(from)
                .find(|(index, container)| self.runs(*index, container, name))
            {
                return Some(Party::Container(index));
            }
            if self.runs(from, own, name) || self.starts(from, name) {
                continue;
            }
            let injected = self.catalogue.entries().find(|known| {
                known.injector.is_some() && known.programs.iter().any(|program| program == name)
            });
            match injected {
                Some(known) => return Some(Party::Injected(Arc::clone(known))),
                None => unknown = Some(Party::Unknown),
            }
        }
        // A name that belongs to nobody visible matters only where processes are shared.
        unknown.filter(|_| self.shares_processes())
    }

    fn shares_processes(&self) -> bool {
        self.workload
            .pod_spec
            .get("shareProcessNamespace")
            .and_then(|node| node.as_bool())
            == Some(true)
    }

    /// Whether a process of that name is a container's.
    fn runs(&self, index: usize, container: &Container<'_>, name: &str) -> bool {
        let entrypoint = self
            .programs
            .get(index)
            .into_iter()
            .flatten()
            .find(|program| program.place == ProgramPlace::Entrypoint);
        let first = entrypoint
            .and_then(|program| program.words.first())
            .and_then(|node| node.as_str())
            .map(|word| word.rsplit('/').next().unwrap_or(word));
        let fits = |candidate: &str| candidate == name || name.rsplit('/').next() == Some(candidate);
        fits(container.name)
            || first.is_some_and(fits)
            || container.image().is_some_and(|image| fits(image.base_name()))
            || self
                .catalogue
                .of(container)
                .is_some_and(|known| known.programs.iter().any(|program| fits(program)))
    }

    /// Whether a container's own script starts a process of that name.
    fn starts(&self, index: usize, name: &str) -> bool {
        self.programs.get(index).into_iter().flatten().any(|program| {
            program.script.as_ref().is_some_and(|script| {
                script
                    .list
                    .commands()
                    .filter_map(|visit| visit.simple().cloned())
                    .any(|simple| {
                        let at = crate::shell::command_index(&simple.words);
                        simple
                            .words
                            .get(at)
                            .and_then(|word| word.literal())
                            .is_some_and(|word| word == name || word.rsplit('/').next() == Some(name))
                    })
            })
        })
    }

    /// Containers that run beside `from`, with their indices.
    fn others(&self, from: usize) -> impl Iterator<Item = (usize, &Container<'_>)> {
        self.workload
            .containers
            .iter()
            .enumerate()
            .filter(move |(index, container)| {
                *index != from
                    && match container.list {
                        ContainerList::Regular | ContainerList::ControllerSidecars => true,
                        ContainerList::Init => container.is_native_sidecar(),
                        ContainerList::Ephemeral => false,
                    }
            })
    }

    fn markers(&self, facts: &[Vec<Option<ScriptFacts>>], all: &mut Vec<Link>) {
        let mut seen = HashSet::new();
        for (container, programs) in facts.iter().enumerate() {
            for (program, own) in programs.iter().enumerate() {
                let Some(own) = own else { continue };
                for test in &own.tests {
                    if !seen.insert((container, program, test.path.clone(), test.ends)) {
                        continue;
                    }
                    all.extend(self.marker(container, program, own, test, facts));
                }
            }
        }
    }

    /// A file that one container looks for and another, or nobody visible, writes: on a volume both mount.
    fn marker(
        &self,
        container: usize,
        program: usize,
        own: &ScriptFacts,
        test: &MarkerTest,
        facts: &[Vec<Option<ScriptFacts>>],
    ) -> Option<Link> {
        let tester = self.workload.containers.get(container)?;
        let (volume, relative) = self.workload.volume_of_file(tester, &test.path)?;
        if !matches!(volume.source, VolumeSource::EmptyDirectory) {
            return None;
        }
        let mut shared_with = self
            .others(container)
            .filter(|(_, other)| other.mounts().any(|mount| mount.volume == volume.name))
            .peekable();
        shared_with.peek()?;
        let mut writers: Vec<(usize, usize, MarkerWrite)> = Vec::new();
        let mut only = None;
        for (index, other) in shared_with {
            only = if only.is_none() {
                Some(Party::Container(index))
            } else {
                Some(Party::Unknown)
            };
            for (place, theirs) in facts.get(index)?.iter().enumerate() {
                let same = theirs.iter().flat_map(|theirs| &theirs.writes).find(|write| {
                    self.workload
                        .volume_of_file(other, &write.path)
                        .is_some_and(|(theirs, path)| theirs.name == volume.name && path == relative)
                });
                writers.extend(same.map(|write| (index, place, write.clone())));
            }
        }
        // What the tester writes itself, or an init container has written, is no message of another's.
        let own_write = own
            .writes
            .iter()
            .any(|write| write.path == test.path && write.trap.is_none());
        if own_write && writers.is_empty() {
            return None;
        }
        let other = match writers.first() {
            Some((index, ..)) => Party::Container(*index),
            None => only?,
        };
        if self.workload.containers.get(container)?.list == ContainerList::Init && !tester.is_native_sidecar()
        {
            return None;
        }
        let kind = if test.ends {
            // Asked once, it is a script's own memory: `[ -f initialized ] && exit 0`.
            test.repeats
                .then(|| LinkKind::EndsOnFile(test.clone(), writers))?
        } else {
            // A file that is written at the end carries a result to somebody who must outlive the writer.
            let result = writers.iter().any(|(index, place, write)| {
                facts
                    .get(*index)
                    .and_then(|theirs| theirs.get(*place)?.as_ref())
                    .is_some_and(|theirs| theirs.is_last(write))
            });
            if result {
                return None;
            }
            let wait = own.waits.iter().find(|wait| wait.span == test.span)?;
            LinkKind::StartsOnFile(
                wait.clone(),
                test.clone(),
                writers.into_iter().next().map(|(_, _, write)| write),
            )
        };
        Some(Link {
            container,
            program,
            kind,
            other,
        })
    }
}

/// Whether a container says that it listens on a port: `ports`, a probe or a hook that asks it.
fn declares(container: &Container<'_>, port: u16) -> bool {
    container.ports().any(|declared| declared.number == port)
        || ProbeKind::ALL
            .iter()
            .filter_map(|kind| container.probe(*kind))
            .any(|probe| {
                probe.port().is_some_and(|written| {
                    written.parse() == Ok(port)
                        || container
                            .ports()
                            .any(|declared| declared.name == Some(written) && declared.number == port)
                })
            })
        || [HookKind::PostStart, HookKind::PreStop]
            .iter()
            .filter_map(|kind| container.hook(*kind))
            .any(|hook| {
                hook.http_get()
                    .and_then(|get| get.get("port")?.as_str()?.parse::<u16>().ok())
                    .is_some_and(|asked| asked == port)
            })
}

/// Whether a port stands in a container's own words or environment: `--port=5432`, `0.0.0.0:9090`.
fn mentions(container: &Container<'_>, port: u16) -> bool {
    let port = port.to_string();
    let holds = |text: &str| {
        // A script names the ports of others too; only flags and settings name one's own.
        text.len() < 200
            && !text.contains(['\n', ' '])
            && text
                .split(|letter: char| !letter.is_ascii_digit())
                .any(|number| number == port)
    };
    let words = container.command().into_iter().chain(container.arguments());
    words.filter_map(|node| node.as_str()).any(holds)
        || container.environment().any(|variable| {
            let key = variable.name.to_ascii_uppercase();
            (key.ends_with("PORT")
                || key.ends_with("ADDRESS")
                || key.ends_with("ADDR")
                || key.ends_with("LISTEN"))
                && variable.value.is_some_and(holds)
        })
}
