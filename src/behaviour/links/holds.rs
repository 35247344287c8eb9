//! postStart hooks that wait for their own container, and so hold the next one back.

use crate::{
    behaviour::{ScriptFacts, action::Action},
    roles::{Relation, RelationKind},
    workload::{ContainerList, HookKind, Program, ProgramPlace, Workload},
};

/// The kubelet starts regular containers in list order, and a postStart hook blocks the next one.
pub(super) fn holds(
    workload: &Workload<'_>,
    programs: &[Vec<Program<'_>>],
    facts: &[Vec<Option<ScriptFacts>>],
) -> Vec<Relation> {
    let waits_here = |facts: &ScriptFacts| {
        facts.waits.iter().any(|wait| {
            !wait.inverted
                && wait.probes.iter().any(|probe| match &probe.action {
                    Action::Http(http) => http.urls().all(|url| url.host.is_local()),
                    Action::Connect(connect) => connect.host.is_local(),
                    Action::Tool { .. } => true,
                    _ => false,
                })
        })
    };
    let is_regular = |index: usize| {
        let container = workload.containers.get(index);
        container.is_some_and(|container| container.list == ContainerList::Regular)
    };
    let mut relations = Vec::new();
    for (index, (programs, facts)) in programs.iter().zip(facts).enumerate() {
        let hooks = programs
            .iter()
            .zip(facts)
            .filter(|(program, _)| program.place == ProgramPlace::Hook(HookKind::PostStart));
        let waits = hooks.filter_map(|(_, facts)| facts.as_ref()).any(waits_here);
        let mut behind = (index + 1..workload.containers.len()).filter(|behind| is_regular(*behind));
        let asked: Vec<u16> = programs
            .iter()
            .zip(facts)
            .filter(|(program, _)| program.place == ProgramPlace::Hook(HookKind::PostStart))
            .filter_map(|(_, facts)| facts.as_ref())
            .flat_map(|facts| &facts.waits)
            .flat_map(|wait| &wait.probes)
            .filter_map(|probe| match &probe.action {
                Action::Connect(connect) => connect.port,
                Action::Http(http) => http.url.port,
                _ => None,
            })
            .collect();
        let names_it = |app: &usize| {
            let app = workload.containers.get(*app);
            app.is_some_and(|app| asked.iter().any(|port| app.names_local_port(*port)))
        };
        let held = match behind.clone().find(names_it) {
            Some(app) => Some((app, RelationKind::Needs)),
            None => behind.next().map(|app| (app, RelationKind::HeldBy)),
        };
        if let Some((app, kind)) = held.filter(|_| waits && is_regular(index)) {
            relations.push(Relation {
                app,
                sidecar: index,
                kind,
            });
        }
    }
    relations
}
