//! Sidecars that are declared well already, in another form: `lifecycle.type: Sidecar`, or the annotation.
//!
//! The first design can't say that an init container needs the sidecar, nor an order among sidecars, and a sidecar
//! there obeys the pod's restart policy. The annotation puts all its sidecars behind the init containers or all
//! before them.

use crate::remedy::declare::{
    annotation::{drop_names, kept, put_first},
    declaration::{Form, obstacle},
};
use crate::{
    edit::{
        change::{Change, Position},
        place::place,
        removal::Removals,
    },
    pod::{Member, Pod},
    remedy::Options,
    remedy::{
        plan::{Changes, Class, Plan, Round},
        surroundings::patches::{Patch, Rewrites, follow},
    },
    workload::{ContainerList, ProbeKind},
    yaml::{Node, Value},
};

/// Plans the conversion of a pod's sidecars to the first design or to the annotation. A pod that the annotation
/// declares is made native by the planner, as one of the first design is.
pub(crate) fn plan(pod: &Pod<'_>, options: &Options, patches: &[Patch], plan: &mut Plan) {
    let outcome = match options.form {
        Form::Native => return,
        Form::Lifecycle => to_first_design(pod, patches, plan),
        Form::Annotation => to_annotation(pod, patches, plan),
    };
    if let Err((member, reason)) = outcome {
        let name = member.container.name;
        let left = match member.container.is_native_sidecar() {
            true => format!("{name} stays a native sidecar"),
            false => format!("{name} stays declared by the annotation"),
        };
        *plan = Plan::new(plan.document, plan.object.clone());
        plan.left(left, reason, false, []);
    } else if !options.review {
        let conversion = std::mem::replace(plan, Plan::new(plan.document, plan.object.clone()));
        for action in conversion.actions {
            plan.left(
                format!("not done: {}", action.what),
                "it has to be looked at",
                true,
                [],
            );
        }
        plan.refusals.extend(conversion.refusals);
    }
}

/// Why a sidecar can't be converted.
type Obstacle<'p, 'a> = (&'p Member<'a>, String);

fn natives<'p, 'a>(pod: &'p Pod<'a>) -> Vec<&'p Member<'a>> {
    let members = pod.members.iter();
    members
        .filter(|member| member.container.is_native_sidecar())
        .collect()
}

fn annotated<'p, 'a>(pod: &'p Pod<'a>) -> Vec<&'p Member<'a>> {
    let members = pod.members.iter();
    members.filter(|member| pod.is_annotated(member)).collect()
}

/// The init containers that run to completion.
fn inits<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = &'p Member<'a>> {
    pod.members.iter().filter(|member| {
        member.container.list == ContainerList::Init && !member.container.is_native_sidecar()
    })
}

fn to_first_design<'p, 'a>(
    pod: &'p Pod<'a>,
    patches: &[Patch],
    plan: &mut Plan,
) -> Result<(), Obstacle<'p, 'a>> {
    let (natives, annotated) = (natives(pod), annotated(pod));
    let sidecars: Vec<&Member<'_>> = natives.iter().chain(&annotated).copied().collect();
    let Some(first) = sidecars.first() else {
        return Ok(());
    };
    let promoted_first = !annotated.is_empty() && pod.promotes_first();
    let needed = inits(pod).find(|init| {
        let native_first = natives
            .first()
            .is_some_and(|native| init.container.index > native.container.index);
        native_first || promoted_first
    });
    if let Some(needed) = needed {
        let reason = format!(
            "the init container {} may need it, which the first design can't express",
            needed.container.name
        );
        return Err((first, reason));
    }
    let mut made = Conversion::default();
    for member in &sidecars {
        made.leave(pod, member)
            .and_then(|()| made.declare_by_type(member))
            .map_err(|reason| (*member, reason))?;
        plan.done(
            Class::Review,
            format!(
                "{} is declared by lifecycle.type: Sidecar instead",
                member.container.name
            ),
            [],
        );
    }
    let names: Vec<&str> = annotated.iter().map(|member| member.container.name).collect();
    drop_names(pod, &names, &mut made.changes, &mut made.removals)
        .and_then(|()| made.finish(pod, &natives, plan))
        .and_then(|()| stand_still(pod, &sidecars, &natives, patches, plan))
        .map_err(|reason| (*first, reason))?;
    if sidecars.len() > 1 {
        plan.note("the order in which the sidecars start and stop is lost: the first design has none");
    }
    if pod.workload.restart_policy() != "Always" {
        plan.note("the sidecars obey the pod's restartPolicy now: one that fails may not be restarted");
    }
    Ok(())
}

fn to_annotation<'p, 'a>(
    pod: &'p Pod<'a>,
    patches: &[Patch],
    plan: &mut Plan,
) -> Result<(), Obstacle<'p, 'a>> {
    let natives = natives(pod);
    let Some(first) = natives.first() else {
        return Ok(());
    };
    let is_before = |init: &Member<'_>, native: &Member<'_>| init.container.index < native.container.index;
    let first_init = inits(pod).next();
    // The annotation puts all its sidecars at one end of the init containers.
    let are_first = first_init.is_some_and(|init| natives.iter().all(|native| !is_before(init, native)));
    let (moved, others): (Vec<&Member<'_>>, Vec<&Member<'_>>) = natives
        .iter()
        .partition(|native| are_first || inits(pod).all(|init| is_before(init, native)));
    if let Some(other) = annotated(pod).first()
        && !(are_first && pod.promotes_first())
    {
        let reason = format!(
            "{}, which the annotation names, starts after it today, and would start before it",
            other.container.name
        );
        return Err((first, reason));
    }
    for native in others {
        let after = inits(pod).find(|init| !is_before(init, native));
        plan.left(
            format!("{} stays a native sidecar", native.container.name),
            format!(
                "it starts before the init container {}, and other sidecars after that one: the annotation puts all its sidecars before the init containers or all behind them",
                after.map_or("", |init| init.container.name)
            ),
            false,
            [],
        );
    }
    let mut made = Conversion::default();
    for member in &moved {
        made.leave(pod, member).map_err(|reason| (*member, reason))?;
        let name = member.container.name;
        plan.done(
            Class::Review,
            format!("{name} is declared by the annotation kubectl-sidecar/sidecars instead"),
            [],
        );
        let gated = pod.gate_when_promoted(member) == Ok("readinessProbe");
        if gated {
            plan.note(format!(
                "promotion makes a startupProbe of {name}'s readinessProbe, which does not hold the app back today; `policy promote --gate {name}=none` leaves that"
            ));
        }
    }
    let names = moved.iter().map(|member| member.container.name.to_owned());
    plan.named.extend(names);
    let position = match are_first {
        true => put_first(pod, &mut made.changes),
        false => Ok(()),
    };
    position
        .and_then(|()| made.finish(pod, &moved, plan))
        .and_then(|()| stand_still(pod, &moved, &moved, patches, plan))
        .map_err(|reason| (*first, reason))
}

/// Refuses a conversion that patches of the input would have to follow.
fn stand_still(
    pod: &Pod<'_>,
    converted: &[&Member<'_>],
    moved: &[&Member<'_>],
    patches: &[Patch],
    plan: &Plan,
) -> Result<(), String> {
    let is_one_of = |index: usize, some: &[&Member<'_>]| {
        let member = pod.members.get(index);
        member.is_some_and(|member| some.iter().any(|one| std::ptr::eq(*one, member)))
    };
    let of_list = |list: ContainerList| {
        let members = pod.members.iter().enumerate();
        members
            .filter(move |(_, member)| member.container.list == list)
            .map(|(index, _)| index)
    };
    let stays = |index: &usize| !is_one_of(*index, moved);
    let init: Vec<usize> = of_list(ContainerList::Init).filter(stays).collect();
    let goes = of_list(ContainerList::Init).filter(|index| !stays(index));
    let regular: Vec<usize> = of_list(ContainerList::Regular).chain(goes).collect();
    let fields = ["name", "restartPolicy", "lifecycle", "readinessProbe"];
    let followed = follow(
        pod,
        patches,
        &Rewrites {
            init: &init,
            regular: &regular,
            annotates: !plan.named.is_empty(),
            touches: &|index, field| is_one_of(index, converted) && fields.contains(&field),
        },
    )?;
    match followed.is_empty() {
        true => Ok(()),
        false => Err("a patch in the same input reaches it: change the two together".to_owned()),
    }
}

/// A conversion in the making.
#[derive(Default)]
struct Conversion<'a> {
    changes: Changes,
    removals: Removals<'a>,
}

impl<'a> Conversion<'a> {
    /// Takes a sidecar's native declaration away.
    fn leave(&mut self, pod: &Pod<'a>, member: &Member<'a>) -> Result<(), String> {
        let container = &member.container;
        if !container.is_native_sidecar() {
            return Ok(());
        }
        if let Some(reason) = obstacle(pod, member, Form::Native) {
            return Err(reason);
        }
        if let Some(policy) = container.restart_policy() {
            self.removals.add(policy.key);
        }
        Ok(())
    }

    /// Declares it by `lifecycle.type`, with readiness as its gate.
    fn declare_by_type(&mut self, member: &Member<'_>) -> Result<(), String> {
        let container = &member.container;
        if container.probe(ProbeKind::Readiness).is_none()
            && let Some(startup) = container.probe(ProbeKind::Startup)
        {
            let readiness = readiness(startup.entry.value)?;
            let position = Position::After("startupProbe".to_owned());
            self.changes
                .insert(place(container.node)?, "readinessProbe", readiness, position);
        }
        match container.node.get("lifecycle").filter(|node| node.is_mapping()) {
            Some(_) if container.is_lifecycle_sidecar() => {}
            Some(lifecycle) => self.changes.insert(
                place(lifecycle)?,
                "type",
                Value::string("Sidecar"),
                Position::Last,
            ),
            None => {
                let declared = Value::Mapping(vec![(Value::string("type"), Value::string("Sidecar"))]);
                let position = match container.node.entry("image") {
                    Some(_) => Position::After("image".to_owned()),
                    None => Position::Last,
                };
                self.changes
                    .insert(place(container.node)?, "lifecycle", declared, position);
            }
        }
        Ok(())
    }

    /// Makes a plan of it, with the moves of native sidecars to the end of the regular containers.
    fn finish(self, pod: &Pod<'a>, moved: &[&Member<'_>], plan: &mut Plan) -> Result<(), String> {
        let kept: Vec<_> = match plan.named.is_empty() {
            true => Vec::new(),
            false => kept(pod)?.into_iter().collect(),
        };
        for change in self.changes.cuts.into_iter().chain(self.removals.changes(&kept)?) {
            plan.add(Round::Cut, change);
        }
        for change in self.changes.additions {
            plan.add(Round::Add, change);
        }
        plan.annotations.extend(self.changes.annotations);
        let mapping = place(pod.workload.pod_spec)?;
        let regular = pod.workload.regular().count();
        for (done, member) in moved.iter().enumerate() {
            plan.add_move(Change::Move {
                mapping: mapping.clone(),
                from: "initContainers",
                index: member.container.index.saturating_sub(done),
                to: "containers",
                at: regular + done,
            });
        }
        let all = pod
            .members
            .iter()
            .filter(|member| member.container.list == ContainerList::Init)
            .count();
        if !moved.is_empty() && all == moved.len() {
            plan.rounds
                .push(vec![Change::Remove(mapping.key("initContainers"))]);
        }
        Ok(())
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
