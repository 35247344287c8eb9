//! From what is known of a pod to what is done to it.

use std::collections::BTreeMap;

use super::{
    Options,
    declare::{
        annotation, convert,
        declaration::{Form, declare, obstacle},
        form::is_converted,
        ground::Ground,
        injected,
        needs::{later_proxy, needs_network},
        obligations::of_declaration,
    },
    gate::startup::{Gate, gate, gate_when_promoted, is_plain_connection, on_file, readiness_is_gate},
    obligation::{Proof, judged},
    plan::{ALL, Action, Changes, Class, Plan},
    script::entrypoint::Entrypoint,
    surroundings::{elsewhere::Elsewhere, foreign::foreign, patches::Patch, references},
    wanted::Wanted,
    workaround::{
        managing::Managing,
        part::Part,
        requirement::stays,
        stop::{is_stop, only_stops},
    },
};
use crate::{
    behaviour::{Link, LinkKind, Party},
    edit::removal::Removals,
    pod::{Member, Pod, Subject},
    roles::Role,
    workload::{ContainerList, ProbeKind},
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
    };
    planner.sidecars();
    planner.defaults();
    planner.sleeps();
    // Both may change the same scripts, so that they are assembled as one.
    injected::plan(&mut planner);
    planner.unnamed();
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
    doubled_key(pod).or_else(|| foreign(pod))
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
}

/// A sidecar in the planner's hands.
struct Sidecar<'p, 'a> {
    index: usize,
    member: &'p Member<'a>,
    name: &'a str,
    /// All that it treats when it is declared.
    subjects: Vec<Subject>,
    parts: &'p [Part<'a>],
}

impl<'p, 'a> Planner<'p, 'a> {
    fn sidecars(&mut self) {
        let grounds: Vec<Ground> = (0..self.pod.members.len())
            .map(|index| self.ground(index))
            .collect();
        // A Job with one sidecar that is not declared never completes.
        let together = self.pod.workload.runs_to_completion() && grounds.contains(&Ground::Sufficient);
        // What only stops others is no sidecar, whatever stops itself.
        let stops = |index: usize| {
            let mut links = self.pod.links.all.iter();
            links.any(|link| link.container == index && is_stop(link) && only_stops(self.pod, link))
        };
        let helpers: Vec<usize> = (0..grounds.len()).filter(|index| stops(*index)).collect();
        for (index, ground) in grounds.into_iter().enumerate() {
            let Some(member) = self.pod.members.get(index).filter(|_| !helpers.contains(&index)) else {
                continue;
            };
            let is_sidecar = member.role.role == Role::Sidecar
                && matches!(
                    member.container.list,
                    ContainerList::Regular | ContainerList::Init
                );
            match ground {
                _ if !is_sidecar => self.leave_app(index, member),
                Ground::None if !together => {}
                Ground::Insufficient | Ground::Waits if !together => self.sidecar(index, member, ground),
                _ => self.sidecar(index, member, Ground::Sufficient),
            }
        }
    }

    pub(crate) fn allowed(&self) -> Class {
        if self.options.review {
            Class::Review
        } else {
            Class::Safe
        }
    }

    /// A container that may serve others, and that nothing proves to do so.
    fn leave_app(&mut self, index: usize, member: &Member<'a>) {
        let mut subjects = self.wanted_of(index);
        let links = self.pod.links.all.iter().enumerate();
        let is_used = |link: &Link| match link.kind {
            LinkKind::EndsOnFile(..) | LinkKind::EndsWithProcess(_) => link.container == index,
            _ => link.other == Party::Container(index),
        };
        subjects.extend(
            links
                .filter(|(at, link)| self.wanted.link(*at) && is_used(link))
                .map(|(at, _)| Subject::Link(at)),
        );
        if subjects.is_empty() || member.container.list != ContainerList::Regular {
            return;
        }
        let name = member.container.name;
        self.plan.left(
            format!("{name} is not declared a sidecar"),
            format!("which of the containers serves the others has to be decided: --sidecar {name} says that it does"),
            false,
            subjects,
        );
    }

    /// What is wanted about a container itself.
    fn wanted_of(&self, index: usize) -> Vec<Subject> {
        [
            Subject::Sidecar(index),
            Subject::PostStart(index),
            Subject::LifecycleType(index),
        ]
        .into_iter()
        .filter(|subject| self.wanted.has(subject))
        .collect()
    }

    /// Plans one sidecar: its declaration and the parts of workarounds that manage it, or why it stays.
    /// Without a sufficient ground a sidecar is not declared, but what could be done is said.
    fn sidecar(&mut self, index: usize, member: &'p Member<'a>, ground: Ground) {
        let parts = self.managing.of(index);
        let mut subjects = self.wanted_of(index);
        subjects.push(Subject::Sidecar(index));
        if self.pod.is_annotated(member) {
            subjects.push(Subject::Declaration);
        }
        let sidecar = Sidecar {
            index,
            member,
            name: member.container.name,
            subjects,
            parts,
        };
        let all = sidecar.all_subjects();
        let name = sidecar.name;
        if let Some(output) = self.pod.injected_output(member) {
            let reason = format!(
                "{} has written it, as {} shows: inject it anew with the injector's own switch",
                output.injector.name,
                output.mark.key.as_str().unwrap_or_default()
            );
            self.plan.left(format!("{name} as it is"), reason, false, all);
            return;
        }
        if self.is_declared(member) {
            self.treat_declared(&sidecar);
        } else if let Some(proofs) = self.may_be_declared(&sidecar) {
            self.declare(sidecar, ground, proofs);
        }
    }

    /// What stands around a sidecar that is declared already.
    fn treat_declared(&mut self, sidecar: &Sidecar<'p, 'a>) {
        let form = Subject::LifecycleType(sidecar.index);
        if self.wanted.has(&form) {
            let reason = "lifecycle.type is the form that is asked for: `--target native` declares what Kubernetes runs";
            self.plan
                .left(format!("{} as it is", sidecar.name), reason, false, [form]);
        }
        for part in sidecar.parts.iter().filter(|part| part.harmful) {
            let (reason, review) = match &part.class {
                Err(reason) => (reason.clone(), false),
                Ok(class) if *class > self.allowed() => (needs_review(part), true),
                Ok(_) => continue,
            };
            self.plan.left(
                format!("not done: {}", part.what),
                reason,
                review,
                sidecar.all_subjects(),
            );
            return;
        }
        let gate = self.gate_of(sidecar, true);
        for part in sidecar.parts {
            self.part(sidecar.name, part, &gate);
        }
        let replaces_wait = sidecar
            .parts
            .iter()
            .any(|part| part.wait.is_some() && part.is_allowed(self.allowed()));
        let kind = self.gate_kind(sidecar.member);
        self.gate_of_declared(sidecar.index, sidecar.member, kind, &gate, replaces_wait);
    }

    /// What a declaration rests on; nothing where the sidecar stays as it is, which the plan then says.
    fn may_be_declared(&mut self, sidecar: &Sidecar<'p, 'a>) -> Option<Vec<Proof>> {
        let left = format!("{} is not declared a sidecar", sidecar.name);
        let refused = obstacle(self.pod, sidecar.member, self.options.form)
            .or_else(|| stays(self.pod, sidecar.index, self.wanted, sidecar.parts));
        if let Some(reason) = refused {
            self.plan.left(left, reason, false, sidecar.all_subjects());
            return None;
        }
        let sets_switches = self.options.review && injected::sets_switches(self.pod, self.wanted);
        let proofs = of_declaration(self.pod, sidecar.index, self.options, sets_switches);
        let (class, reason) = judged(&proofs);
        if class > self.allowed() {
            let reason = reason.unwrap_or_default();
            self.plan
                .left(left, reason, class == Class::Review, sidecar.all_subjects());
            return None;
        }
        let hinders = sidecar.parts.iter().filter(|part| part.harmful).find_map(|part| {
            let (reason, review) = match &part.class {
                Err(reason) => (reason.clone(), false),
                Ok(class) if *class > self.allowed() => (needs_review(part), true),
                Ok(_) => return None,
            };
            Some((part.what.clone(), reason, review))
        });
        if let Some((what, reason, review)) = hinders {
            let left = format!("{left}, because “{what}” can't be done");
            self.plan.left(left, reason, review, sidecar.all_subjects());
            return None;
        }
        Some(proofs)
    }

    fn declare(&mut self, sidecar: Sidecar<'p, 'a>, ground: Ground, proofs: Vec<Proof>) {
        let name = sidecar.name;
        let left = format!("{name} is not declared a sidecar");
        if ground == Ground::Insufficient {
            let gate = Gate::Present("nothing");
            sidecar.parts.iter().for_each(|part| self.part(name, part, &gate));
            return;
        }
        let is_asked_for = self.is_slept_for(sidecar.member)
            || self.options.review && is_named(self.pod, sidecar.member, self.options);
        let gate = self.gate_of(&sidecar, is_asked_for);
        if ground == Ground::Waits && matches!(gate, Gate::None(_)) {
            sidecar.parts.iter().for_each(|part| self.part(name, part, &gate));
            return;
        }
        let sets_switches = self.options.review && injected::sets_switches(self.pod, self.wanted);
        if let Gate::Probe { handler, .. } = &gate
            && !is_plain_connection(handler)
            && let Some(proxy) = later_proxy(self.pod, sets_switches)
        {
            let reason = needs_network(self.gate_kind(sidecar.member).field(), &proxy);
            self.plan.left(left, reason, false, sidecar.all_subjects());
            return;
        }
        let needing = sidecar.parts.iter().find(|part| part.needs_gate);
        if let (Gate::None(reason), Some(part)) = (&gate, needing) {
            let reason = format!(
                "“{}” would let the app start too early: {reason}; a startupProbe of its own would hold it back",
                part.what
            );
            self.plan.left(left, reason, false, sidecar.all_subjects());
            return;
        }
        if sidecar.member.container.is_lifecycle_sidecar()
            && sidecar.member.container.probe(ProbeKind::Readiness).is_some()
            && let Gate::None(reason) = &gate
        {
            let reason = format!("its readinessProbe is its gate, and can't become a startupProbe: {reason}");
            self.plan.left(
                format!("{name} is not declared anew"),
                reason,
                false,
                sidecar.all_subjects(),
            );
            return;
        }
        let waits = sidecar.waits();
        let subjects = sidecar.all_subjects();
        if self.would_gate_unseen(sidecar.member, &waits, &subjects)
            || self.is_needed_earlier(sidecar.index, name, &subjects)
        {
            return;
        }
        for part in sidecar.parts {
            self.part(name, part, &gate);
        }
        self.declaration(sidecar, gate, proofs);
    }

    /// The gate of a sidecar. None is made that nobody asked for: a wait that it replaces, or the user.
    fn gate_of(&self, sidecar: &Sidecar<'p, 'a>, is_asked_for: bool) -> Gate {
        let member = sidecar.member;
        let kind = self.gate_kind(member);
        let waits = sidecar.waits();
        let replaces = sidecar
            .parts
            .iter()
            .filter(|part| part.is_allowed(self.allowed()))
            .any(|part| part.wait.is_some() || part.asks.is_some() || part.needs_gate);
        let is_gate_today = readiness_is_gate(self.pod, &member.container);
        let gate = match self.form_of(member) {
            Form::Annotation => gate_when_promoted(self.pod, member, kind, &waits),
            _ => gate(self.pod, member, kind, &waits),
        };
        let file = sidecar
            .parts
            .iter()
            .filter(|part| part.is_allowed(self.allowed()))
            .find_map(|part| part.gate_file.as_deref())
            .filter(|file| {
                !sidecar
                    .parts
                    .iter()
                    .any(|part| part.replaces_signs.iter().any(|own| own == file))
            });
        match (&gate, file) {
            (Gate::None(_), Some(file)) => on_file(file),
            (Gate::Present(_), _) => gate,
            _ if is_asked_for || replaces || is_gate_today => gate,
            _ => Gate::Unasked,
        }
    }

    fn is_slept_for(&self, member: &Member<'a>) -> bool {
        self.options.review && self.wanted.some_sleep() && member.container.list == ContainerList::Regular
    }

    pub(crate) fn part(&mut self, sidecar: &str, part: &Part<'a>, gate: &Gate) {
        let left = format!("not done: {}", part.what);
        let subjects = part.subjects.iter().cloned();
        if part.wait.is_some()
            && let Gate::None(reason) = gate
        {
            let reason = format!("no probe can take its place: {reason}");
            self.plan.left(left, reason, false, subjects);
            return;
        }
        match &part.class {
            Err(reason) => self.plan.left(left, reason.clone(), false, subjects),
            Ok(class) if *class > self.allowed() => {
                let reason = match part.doubt() {
                    Some(reason) => reason,
                    None => format!("it has to be looked at, beside the declaration of {sidecar}"),
                };
                self.plan.left(left, reason, true, subjects);
            }
            Ok(class) => {
                self.plan.add_action(Action {
                    class: *class,
                    what: part.what.clone(),
                    subjects: part.subjects.clone(),
                    proofs: part.proofs.clone(),
                });
                part.note.iter().for_each(|note| self.plan.note(note));
                if let Some(doubt) = part.doubt_of_script() {
                    self.plan
                        .note(format!("look at what remains of the script: {doubt}"));
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
        }
    }

    fn declaration(&mut self, sidecar: Sidecar<'p, 'a>, gate: Gate, proofs: Vec<Proof>) {
        let Sidecar { member, name, .. } = sidecar;
        let kind = self.gate_kind(member);
        match declare(member, self.options.form, kind, &gate) {
            Ok(changes) => self.changes.extend(changes),
            Err(reason) => {
                self.plan.left(
                    format!("{name} is not declared a sidecar"),
                    reason,
                    false,
                    sidecar.all_subjects(),
                );
                return;
            }
        }
        self.remove_other_declarations(member);
        let class = judged(&proofs).0;
        self.plan.add_action(Action {
            class,
            what: format!("{name} is declared a sidecar: {}", self.options.form.describe()),
            subjects: sidecar.subjects,
            proofs,
        });
        if self.options.form != Form::Lifecycle {
            for note in references::notes(self.pod, member, self.options.form) {
                self.plan.note(note);
            }
        }
        let probe = kind.field();
        match &gate {
            Gate::Present(what) => self
                .plan
                .note(format!("the app starts once {name}'s {what} is done")),
            Gate::Probe { origin, .. } => {
                self.plan
                    .done(class, format!("{name}: a {probe} from {origin}"), []);
            }
            Gate::Unasked => {}
            Gate::None(reason) => self.plan.note(format!(
                "the app starts when {name}'s process exists, without a {probe}: {reason}"
            )),
        }
        self.declared.push((sidecar.index, gate));
    }

    /// A declaration in another form goes, and a restartPolicy that means nothing where the container stays.
    fn remove_other_declarations(&mut self, member: &Member<'a>) {
        let container = &member.container;
        if self.options.form != Form::Lifecycle
            && let Some(entry) = container.lifecycle_type()
        {
            self.removals.add(entry.key);
        }
        if self.options.form != Form::Native
            && container.list == ContainerList::Regular
            && let Some(policy) = container.restart_policy()
        {
            self.removals.add(policy.key);
        }
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
                    format!("not done: {name}: what it does about another container goes"),
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
                    format!("{name}: lifecycle.type: Standard goes, which says nothing"),
                    [subject],
                );
            }
        }
    }
}

impl Sidecar<'_, '_> {
    /// What is treated with it: itself, and the parts that manage it.
    fn all_subjects(&self) -> Vec<Subject> {
        let of_parts = self.parts.iter().flat_map(|part| part.subjects.iter());
        self.subjects.iter().chain(of_parts).cloned().collect()
    }

    fn waits(&self) -> Vec<&crate::behaviour::script::Wait> {
        let parts = self.parts.iter();
        parts
            .flat_map(|part| part.wait.iter().chain(&part.asks))
            .collect()
    }
}

fn needs_review(part: &Part<'_>) -> String {
    part.doubt()
        .unwrap_or_else(|| "it has to be looked at".to_owned())
}
