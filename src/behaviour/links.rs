//! Which container each wait, stop and marker is about.

mod addressed;
mod end_watch;
mod files;
mod holds;
mod minding;

use std::sync::Arc;

use crate::{
    roles::{Catalogue, Injected, KnownSidecar, Relation, RelationKind},
    shell::Variable,
    workload::{Container, Program, ProgramPlace, Workload},
};

pub use end_watch::EndWatch;

use super::{
    ScriptFacts,
    action::{Action, CommandAction},
    ownership::Owners,
    script::{Kill, Marker, Quit, Wait},
};

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

/// A file written by a program of another container.
#[derive(Debug, Clone)]
pub struct MarkerWrite {
    /// The container: index in the workload's containers.
    pub container: usize,
    /// The program: index among the container's programs.
    pub program: usize,
    /// The command that writes it.
    pub marker: Marker,
}

/// What a program does about the other side.
#[derive(Debug, Clone)]
pub enum LinkKind {
    /// It waits until the other side answers.
    Waits(Wait),
    /// It calls the other side's quit endpoint.
    Quits(Quit),
    /// It kills a process of the other side.
    Kills(Kill),
    /// It waits for a file that the other side writes before it starts its own work.
    StartsOnFile(Wait, Option<MarkerWrite>),
    /// It ends when a file is there that the other side writes.
    EndsOnFile(Marker, Vec<MarkerWrite>),
    /// It ends when the other side is gone: its process, its port, or what the API server tells of it.
    EndsWithApp(Wait),
}

/// What one program does about another container.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// The links.
    pub all: Vec<Link>,
    /// The facts of each program, by container and program.
    facts: Vec<Vec<Option<ScriptFacts>>>,
    /// Waits for a container that the waiting one is there to serve: not the use of a sidecar.
    minded: Vec<Link>,
    /// Who waits for another container's end, or looks for it behind what ends it.
    pub end_watches: Vec<EndWatch>,
    /// The container whose postStart hook waits for itself, and the one that starts behind it.
    holds: Vec<Relation>,
}

impl Links {
    /// The facts of a program, where its script was understood.
    #[must_use]
    pub fn facts(&self, container: usize, program: usize) -> Option<&ScriptFacts> {
        self.facts.get(container)?.get(program)?.as_ref()
    }

    /// Everything that a container waits for or does about others, its waits for those that it is there to serve too.
    pub fn with_minded(&self, container: usize) -> impl Iterator<Item = &Link> {
        let links = self.all.iter().chain(&self.minded);
        links.filter(move |link| link.container == container)
    }

    /// Who uses whom as a sidecar, as far as it is proved.
    #[must_use]
    pub fn relations(&self) -> Vec<Relation> {
        let links = self.all.iter().filter_map(Link::relation);
        links.chain(self.holds.iter().copied()).collect()
    }
}

impl Link {
    fn relation(&self) -> Option<Relation> {
        let kind = match &self.kind {
            // A file that nobody visible writes may be the app's result as well as a sidecar's sign.
            LinkKind::StartsOnFile(_, None) => return None,
            // What a program puts out there serves nobody who starts nothing behind the wait, as a hook does.
            LinkKind::StartsOnFile(wait, Some(writer))
                if writer.marker.is_output && wait.command_after.is_none() =>
            {
                return None;
            }
            LinkKind::Waits(_) | LinkKind::StartsOnFile(..) => RelationKind::WaitsFor,
            LinkKind::Quits(_) => RelationKind::Quits,
            LinkKind::Kills(_) => RelationKind::Kills,
            LinkKind::EndsOnFile(_, writers) => {
                let app = writers.first()?.container;
                return Some(Relation {
                    app,
                    sidecar: self.container,
                    kind: RelationKind::EndsByMarker,
                });
            }
            LinkKind::EndsWithApp(_) => {
                let Party::Container(app) = self.other else {
                    return None;
                };
                return Some(Relation {
                    app,
                    sidecar: self.container,
                    kind: RelationKind::EndsWithProcess,
                });
            }
        };
        match self.other {
            Party::Container(sidecar) => Some(Relation {
                app: self.container,
                sidecar,
                kind,
            }),
            Party::Injected(_) | Party::Unknown => None,
        }
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
    let mut injected: Vec<Arc<KnownSidecar>> = injected
        .iter()
        .map(|injected| Arc::clone(&injected.known))
        .collect();
    let find = |injected: &[Arc<KnownSidecar>]| {
        let owners = Owners {
            workload,
            programs,
            injected,
            catalogue,
        };
        all(&Finder {
            owners,
            facts: &facts,
        })
    };
    let (mut all, mut minded, mut end_watches) = find(&injected);
    // One address may tell of an injected sidecar; its other ports are its own then, too.
    let told: Vec<Arc<KnownSidecar>> = all
        .iter()
        .filter_map(|link| match &link.other {
            Party::Injected(known) => Some(Arc::clone(known)),
            _ => None,
        })
        .filter(|told| injected.iter().all(|known| known.name != told.name))
        .collect();
    if !told.is_empty() {
        injected.extend(told);
        (all, minded, end_watches) = find(&injected);
    }
    let holds = holds::holds(workload, programs, &facts);
    Links {
        all,
        facts,
        minded,
        end_watches,
        holds,
    }
}

fn all(finder: &Finder<'_, '_>) -> (Vec<Link>, Vec<Link>, Vec<EndWatch>) {
    let mut all = Vec::new();
    let mut minded = Vec::new();
    for (container, programs) in finder.facts.iter().enumerate() {
        for (program, own) in programs.iter().enumerate() {
            if let Some(own) = own {
                finder.calls(container, program, own, &mut all, &mut minded);
                finder.watched_apps(container, program, own, &mut all);
                finder.markers(container, program, own, &mut all);
            }
        }
        finder.liveness(container, &mut all);
    }
    let programs = finder.facts.iter().enumerate();
    let end_watches = programs
        .flat_map(|(container, programs)| (0..programs.len()).map(move |program| (container, program)))
        .flat_map(|(container, program)| finder.end_watches(container, program, &all))
        .collect();
    (all, minded, end_watches)
}

fn facts_of(container: &Container<'_>, program: &Program<'_>) -> Option<ScriptFacts> {
    // A probe asks its own container.
    if matches!(program.place, ProgramPlace::Probe(_)) {
        return None;
    }
    let script = program.script.as_ref()?;
    let values = container.values();
    let value_of = |name: &str| match name.parse() {
        Ok(number) => program.parameter(number),
        Err(_) => match (values.get(name), program.variables.get(name)) {
            (Variable::Unknown, Some(value)) => Variable::Known((*value).to_owned()),
            (own, _) => own,
        },
    };
    let exits_on_error = program
        .invocation
        .as_ref()
        .is_some_and(|invocation| invocation.exits_on_error)
        || program.text.starts_with("#!/bin/sh -e")
        || program.text.starts_with("#!/bin/bash -e");
    Some(ScriptFacts::new(script, &value_of, exits_on_error))
}

/// Whether all addresses of a request are of one server of the pod.
fn asks_only_here(probe: &CommandAction) -> bool {
    match &probe.action {
        Action::Http(http) => http
            .urls()
            .all(|url| url.host.is_local() && url.port == http.url.port),
        _ => true,
    }
}

struct Finder<'f, 't> {
    owners: Owners<'f, 't>,
    facts: &'f [Vec<Option<ScriptFacts>>],
}

impl Finder<'_, '_> {
    fn calls(
        &self,
        container: usize,
        program: usize,
        facts: &ScriptFacts,
        all: &mut Vec<Link>,
        minded: &mut Vec<Link>,
    ) {
        let mut add = |kind, other| {
            all.push(Link {
                container,
                program,
                kind,
                other,
            })
        };
        let is_for_child = |wait: &Wait| self.waits_for_child(container, program, facts, wait);
        for wait in facts
            .waits
            .iter()
            .filter(|wait| !wait.inverted && !is_for_child(wait))
        {
            let other = wait
                .probes
                .iter()
                .find_map(|probe| self.awaited((container, program), probe));
            if let Some(other) = other
                .as_ref()
                .filter(|other| self.minds_the_app(container, other, facts))
            {
                minded.push(Link {
                    container,
                    program,
                    kind: LinkKind::Waits(wait.clone()),
                    other: other.clone(),
                });
            } else if let Some(other) = other {
                let mut wait = wait.clone();
                wait.unknown_host = self.unknown_host((container, program), &wait);
                wait.asks_others |= !wait.probes.iter().all(|probe| {
                    asks_only_here(probe)
                        && self.awaited((container, program), probe).as_ref() == Some(&other)
                });
                add(LinkKind::Waits(wait), other);
            }
        }
        for quit in &facts.quits {
            let parties: Vec<Option<Party>> = quit
                .request
                .urls()
                .map(|url| self.quit_party((container, program), &quit.request, url))
                .collect();
            let mut told: Vec<&Party> = Vec::new();
            for party in parties.iter().flatten() {
                if !told.contains(&party) {
                    told.push(party);
                }
            }
            // What tells several at once is not cut out for the sake of one.
            let is_for_one = told.len() == 1 && parties.iter().all(Option::is_some);
            for other in told {
                let mut quit = quit.clone();
                quit.request.works |= !is_for_one;
                add(LinkKind::Quits(quit), other.clone());
            }
        }
        for kill in facts
            .kills
            .iter()
            .filter(|kill| !kill.only_own_children && kill.is_an_end() && !self.restarts(kill))
        {
            let other = self.killed(container, program, kill);
            if let Some(other) = other.filter(|other| !self.minds_the_app(container, other, facts)) {
                add(LinkKind::Kills(kill.clone()), other);
            }
        }
    }

    /// Whether a script waits for a port of a process that it has started itself: `server --port 7070 & until …`.
    fn waits_for_child(&self, container: usize, program: usize, facts: &ScriptFacts, wait: &Wait) -> bool {
        let text = self
            .owners
            .programs
            .get(container)
            .and_then(|programs| programs.get(program))
            .map_or("", |program| program.text.as_ref());
        let asked: Vec<String> = wait
            .probes
            .iter()
            .filter_map(|probe| match &probe.action {
                Action::Connect(connect) => connect.port,
                Action::Http(http) => http.url.port,
                _ => None,
            })
            .map(|port| port.to_string())
            .collect();
        let children = facts
            .background
            .iter()
            .filter(|child| child.span.end <= wait.span.start);
        children
            .filter_map(|child| text.get(child.span.clone()))
            .any(|child| {
                let mut numbers = child.split(|letter: char| !letter.is_ascii_digit());
                numbers.any(|number| asked.iter().any(|port| port == number))
            })
    }

    /// A script that waits until another container is gone, and is then at its own end: its process, its port, or what
    /// the API server tells of the pod or its Job.
    fn watched_apps(&self, container: usize, program: usize, facts: &ScriptFacts, all: &mut Vec<Link>) {
        // One that stops somebody else afterwards does so on the app's behalf.
        let stops_others = all.iter().any(|link| {
            (link.container, link.program) == (container, program)
                && matches!(link.kind, LinkKind::Kills(_) | LinkKind::Quits(_))
        });
        if stops_others || !self.owners.workload.runs_to_completion() {
            return;
        }
        let of_probe = |probe: &CommandAction| match &probe.action {
            Action::Signal { targets, .. } => targets
                .iter()
                .filter(|_| self.shares_processes())
                .find_map(|target| self.owners.of_process(container, target, true)),
            Action::Http(_) | Action::Connect(_) => self.awaited((container, program), probe),
            _ => None,
        };
        let mut add = |wait: &Wait, other| {
            all.push(Link {
                container,
                program,
                kind: LinkKind::EndsWithApp(wait.clone()),
                other,
            });
        };
        for wait in facts
            .waits
            .iter()
            .filter(|wait| wait.inverted && wait.command_after.is_none())
        {
            if let Some(other @ Party::Container(_)) = wait.probes.iter().find_map(of_probe) {
                add(wait, other);
            }
        }
        if let Some(wait) = &facts.asks_cluster {
            let mut others = self.owners.others(container).map(|(index, _)| index);
            let other = match (others.next(), others.next()) {
                (Some(only), None) => Party::Container(only),
                _ => Party::Unknown,
            };
            add(wait, other);
        }
    }

    fn shares_processes(&self) -> bool {
        let shares = self.owners.workload.pod_spec.get("shareProcessNamespace");
        shares.and_then(|node| node.as_bool()) == Some(true)
    }
}
