//! Native sidecars in the first design's form: `lifecycle.type: Sidecar`.
//!
//! It can't say that an init container needs the sidecar, nor an order among sidecars, and a sidecar there obeys
//! the pod's restart policy.

use crate::{
    rules::{Member, Pod},
    workload::{ContainerList, ProbeKind},
    yaml::{Node, Value},
};

use super::{
    change::{Change, Position},
    plan::{Class, Plan, Round, place},
};

/// Plans the conversion of all native sidecars of a pod.
pub(super) fn plan(pod: &Pod<'_>, plan: &mut Plan) {
    let natives: Vec<&Member<'_>> = pod
        .members
        .iter()
        .filter(|member| member.container.is_native_sidecar())
        .collect();
    let Some(first) = natives.first() else { return };
    let needed = pod.members.iter().find(|member| {
        member.container.list == ContainerList::Init
            && !member.container.is_native_sidecar()
            && member.container.index > first.container.index
    });
    if let Some(needed) = needed {
        plan.left(
            format!("{} stays a native sidecar", first.container.name),
            format!(
                "the init container {} may need it, which the first design can't express",
                needed.container.name
            ),
            false,
        );
        return;
    }
    if let Err(reason) = convert(pod, &natives, plan) {
        plan.left(
            format!("{} stays a native sidecar", first.container.name),
            reason,
            false,
        );
        return;
    }
    if natives.len() > 1 {
        plan.note("the order in which the sidecars start and stop is lost: the first design has none");
    }
    if pod.workload.restart_policy() != "Always" {
        plan.note("the sidecars obey the pod's restartPolicy now: one that fails may not be restarted");
    }
}

fn convert(pod: &Pod<'_>, natives: &[&Member<'_>], plan: &mut Plan) -> Result<(), String> {
    let mapping = place(pod.workload.pod_spec)?;
    let regular = pod.workload.regular().count();
    let mut changes = Vec::new();
    let mut removals = super::removal::Removals::default();
    let mut moves = Vec::new();
    for (moved, member) in natives.iter().enumerate() {
        let container = &member.container;
        if let Some(reason) = super::declaration::obstacle(pod, member, super::Form::Native) {
            return Err(reason);
        }
        if let Some(policy) = container.restart_policy() {
            removals.add(policy.key);
        }
        match container.node.get("lifecycle").filter(|node| node.is_mapping()) {
            Some(lifecycle) => changes.push(insert(
                place(lifecycle)?,
                "type",
                Value::string("Sidecar"),
                Position::Last,
            )),
            None => {
                let declared = Value::Mapping(vec![(Value::string("type"), Value::string("Sidecar"))]);
                let position = match container.node.entry("image") {
                    Some(_) => Position::After("image".to_owned()),
                    None => Position::Last,
                };
                changes.push(insert(place(container.node)?, "lifecycle", declared, position));
            }
        }
        if container.probe(ProbeKind::Readiness).is_none()
            && let Some(startup) = container.probe(ProbeKind::Startup)
        {
            let readiness = readiness(startup.entry.value)?;
            let position = Position::After("startupProbe".to_owned());
            changes.push(insert(
                place(container.node)?,
                "readinessProbe",
                readiness,
                position,
            ));
        }
        moves.push(Change::Move {
            mapping: mapping.clone(),
            from: "initContainers",
            index: container.index.saturating_sub(moved),
            to: "containers",
            at: regular + moved,
        });
        plan.done(
            Class::Review,
            format!(
                "{} is declared by lifecycle.type: Sidecar instead",
                container.name
            ),
        );
    }
    for change in removals.changes(&[])? {
        plan.add(Round::Cut, change);
    }
    for change in changes {
        plan.add(Round::Add, change);
    }
    moves.into_iter().for_each(|change| plan.add_move(change));
    let only_natives = pod
        .members
        .iter()
        .filter(|member| member.container.list == ContainerList::Init)
        .count()
        == natives.len();
    if only_natives {
        plan.rounds
            .push(vec![Change::Remove(mapping.key("initContainers"))]);
    }
    Ok(())
}

fn insert(mapping: super::Place, key: &str, value: Value, position: Position) -> Change {
    Change::Insert {
        mapping,
        key: key.to_owned(),
        value,
        position,
    }
}

/// A startup probe's question, asked for ever.
fn readiness(startup: Node<'_>) -> Result<Value, String> {
    let entries = startup
        .entries()
        .iter()
        .filter(|entry| entry.key.as_str() != Some("failureThreshold"))
        .map(|entry| {
            let key = Value::string(entry.key.as_str().unwrap_or_default());
            Value::of(entry.value)
                .map(|value| (key, value))
                .map_err(|error| error.to_string())
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Mapping(entries))
}
