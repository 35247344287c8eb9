//! From what is known of a pod to what is done to it.

use std::{cell::OnceCell, collections::BTreeMap};

use super::{
    Options,
    declare::{annotation, convert, form::is_converted, injected},
    gate::startup::Gate,
    plan::{ALL, Action, Changes, Class, Plan},
    script::entrypoint::Entrypoint,
    surroundings::{elsewhere::Elsewhere, foreign::foreign, patches::Patch},
    wanted::Wanted,
    workaround::{managing::Managing, part::Part},
};
use crate::{
    behaviour::Party,
    edit::removal::Removals,
    pod::{Member, Pod, Subject},
};

/// The plan for one pod.
pub(crate) fn plan<'a>(
    pod: &Pod<'a>,
    wanted: &Wanted,
    managing: &Managing<'_, 'a>,
    patches: &[Patch],
    options: &Options,
) -> Plan {
    let mut plan = Plan::new(
        pod.workload.object.document,
        pod.workload.object.reference.clone(),
    );
    if options.converts && hindrance(pod).is_none() {
        convert::plan(pod, options, patches, &mut plan);
        if !plan.is_empty() {
            plan.is_conversion = true;
            return annotated(pod, plan);
        }
    }
    let is_asked_for =
        |member: &Member<'_>| is_named(pod, member, options) || is_converted(pod, member, options);
    if wanted.is_empty() && !pod.members.iter().any(is_asked_for) {
        return plan;
    }
    if let Some(reason) = hindrance(pod) {
        plan.left(ALL, reason, false, wanted.iter().cloned());
        return plan;
    }
    let mut planner = Planner {
        pod,
        options,
        wanted,
        managing,
        patches,
        plan,
        declared: Vec::new(),
        entrypoints: BTreeMap::new(),
        removals: Removals::default(),
        changes: Changes::default(),
        directories: Vec::new(),
        annotates: false,
        sleep_may_go: OnceCell::new(),
    };
    planner.sidecars();
    planner.late_sidecars();
    planner.defaults();
    planner.sleeps();
    // Both may change the same scripts, so that they are assembled as one.
    injected::plan(&mut planner);
    planner.unnamed();
    if let Some(reason) = planner.waits_for_later() {
        planner.plan.abandon(reason);
        return planner.plan;
    }
    if let Err(reason) = planner.finish() {
        planner.plan.abandon(reason);
        return planner.plan;
    }
    if let Err(error) = planner.plan.elsewhere.iter().try_for_each(Elsewhere::check) {
        planner.plan.abandon(error);
        return planner.plan;
    }
    annotated(pod, planner.plan)
}

/// Why nothing of an object is changed.
fn hindrance(pod: &Pod<'_>) -> Option<String> {
    unrendered(pod)
        .or_else(|| doubled_key(pod))
        .or_else(|| foreign(pod))
        .or_else(|| too_much(pod))
}

/// For each part of a script that manages another container the script is cut on trial. So many bytes are read for that,
/// hundreds of times what people write.
const MOST_CUT: usize = 1 << 20;

/// The pod's scripts mind other containers in more places than can be looked at.
fn too_much(pod: &Pod<'_>) -> Option<String> {
    let read = pod.links.all.iter().map(|link| {
        pod.program(link.container, link.program)
            .map_or(0, |(_, program)| program.text.len())
    });
    (read.sum::<usize>() > MOST_CUT).then(|| {
        format!(
            "its scripts mind other containers in {} places, too many to work out what remains without them",
            pod.links.all.len()
        )
    })
}

/// Comments decide which of its lines are there in the end.
fn unrendered(pod: &Pod<'_>) -> Option<String> {
    let is_template = pod.sources.has_template_comments(pod.workload.object.node);
    is_template.then(|| {
        "its comments are those of a text template, and a template is rewritten by hand, or its rendered output by migrate"
            .to_owned()
    })
}

/// What the author of a key that stands twice meant is not what kubectl reads.
fn doubled_key(pod: &Pod<'_>) -> Option<String> {
    let entry = pod.workload.object.node.all_overwritten_entries().next()?;
    let key = entry.key.as_str().unwrap_or_default();
    Some(format!(
        "the key {key} stands twice in one mapping, of which kubectl takes the last; remove the one that is not meant"
    ))
}

/// The plan with the annotations that it adds.
fn annotated(pod: &Pod<'_>, mut plan: Plan) -> Plan {
    if let Err(reason) = annotation::insert(pod, &mut plan) {
        plan.abandon(reason);
    }
    plan
}

/// Whether the user names the container a sidecar: `proxy` or `migrate/proxy`.
pub(crate) fn is_named(pod: &Pod<'_>, member: &Member<'_>, options: &Options) -> bool {
    let name = member.container.name;
    options.sidecars.iter().any(|wish| match wish.split_once('/') {
        Some((workload, container)) => workload == pod.workload.object.reference.name && container == name,
        None => wish == name,
    })
}

/// What is gathered about a pod.
pub(crate) struct Planner<'p, 'a> {
    pub(crate) pod: &'p Pod<'a>,
    pub(crate) options: &'p Options,
    pub(crate) wanted: &'p Wanted,
    /// What manages each container.
    pub(crate) managing: &'p Managing<'p, 'a>,
    pub(crate) patches: &'p [Patch],
    pub(crate) plan: Plan,
    /// The sidecars that are declared here, with their index.
    pub(crate) declared: Vec<(usize, Gate)>,
    pub(crate) entrypoints: BTreeMap<usize, Entrypoint>,
    pub(crate) removals: Removals<'a>,
    pub(crate) changes: Changes,
    pub(crate) directories: Vec<String>,
    /// The pod gets annotations.
    pub(crate) annotates: bool,
    /// Whether some sleep may go, once that was asked.
    pub(crate) sleep_may_go: OnceCell<bool>,
}

impl<'p, 'a> Planner<'p, 'a> {
    pub(crate) fn allowed(&self) -> Class {
        if self.options.review {
            Class::Review
        } else {
            Class::Safe
        }
    }

    pub(crate) fn part(&mut self, part: &Part<'a>, gate: &Gate) {
        let left = format!("not done: {}", part.what);
        let subjects = part.subjects.iter().cloned();
        if part.wait.is_some()
            && let Gate::None(reason) = gate
        {
            let reason = format!("no probe can take its place: {reason}");
            self.plan.left(left, reason, false, subjects);
            return;
        }
        if let Some(hindrance) = part.hindrance(self.allowed()) {
            self.plan.left_unproved(left, hindrance, &part.proofs, subjects);
            return;
        }
        self.plan.add_action(Action {
            class: part.class.clone().unwrap_or(Class::Manual),
            what: part.what.clone(),
            subjects: part.subjects.clone(),
            proofs: part.proofs.clone(),
        });
        part.note.iter().for_each(|note| self.plan.note(note));
        if let Some(doubt) = part.doubt_of_script() {
            self.plan
                .note(format!("compare the script before and after: {doubt}"));
        }
        for (container, entrypoint) in &part.entrypoints {
            let own = self.entrypoints.entry(*container).or_default();
            own.merge(entrypoint);
            own.reviewed |= self.options.review;
        }
        self.removals.extend(&part.removals);
        self.plan.signals_gone |= part.signals;
        self.directories.extend(part.directories.iter().cloned());
    }

    /// A sidecar that is declared here and waits for an ordinary container, which would start only after it.
    fn waits_for_later(&self) -> Option<String> {
        let is_declared = |member: &Member<'_>| {
            let mut declared = self
                .declared
                .iter()
                .filter_map(|(index, _)| self.pod.members.get(*index));
            declared.any(|own| std::ptr::eq(own, member))
        };
        self.declared.iter().find_map(|(index, gate)| {
            let is_gated = matches!(gate, Gate::Probe { .. } | Gate::Present(_));
            let (other, _) = self.pod.links.with_minded(*index).find_map(|link| {
                let awaited = self.pod.awaited_too_early(link, is_gated);
                awaited.filter(|(other, _)| !is_declared(other))
            })?;
            let own = self.pod.members.get(*index)?;
            Some(format!(
                "{} waits for {}, which would start only after it",
                own.container.name, other.container.name
            ))
        })
    }

    /// Links whose other side is not known.
    fn unnamed(&mut self) {
        for (at, link) in self.pod.links.all.iter().enumerate() {
            let subject = Subject::Link(at);
            if link.other == Party::Unknown
                && self.wanted.has(&subject)
                && self.plan.refusal_of(&subject).is_none()
            {
                let name = self
                    .pod
                    .program(link.container, link.program)
                    .map_or("", |(member, _)| member.container.name);
                self.plan.left(
                    format!("not done: {name}: its handling of another container is removed"),
                    "the text does not say which container is meant",
                    false,
                    [subject],
                );
            }
        }
    }

    /// `lifecycle.type: Standard`, the first design's default, which 2020's design has not.
    fn defaults(&mut self) {
        for (index, member) in self.pod.members.iter().enumerate() {
            let name = member.container.name;
            let is_declared = self.declared.iter().any(|(own, _)| *own == index);
            let Some(entry) = member
                .container
                .lifecycle_type()
                .filter(|entry| entry.value.as_str() == Some("Standard") && !is_declared)
            else {
                continue;
            };
            let subject = Subject::LifecycleType(index);
            if self.wanted.has(&subject) {
                self.removals.add(entry.key);
                self.plan
                    .refusals
                    .retain(|refusal| !refusal.subjects.contains(&subject));
                self.plan.done(
                    Class::Safe,
                    format!("{name}: lifecycle.type: Standard is removed, which is the default"),
                    [subject],
                );
            }
        }
    }
}
