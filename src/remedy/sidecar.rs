//! One sidecar: whether it is declared, with which gate, and which parts of workarounds go with it.

use super::{
    declare::{
        declaration::{Form, declare, obstacle},
        ground::Ground,
        injected,
        needs::{later_proxy, needs_network},
        obligations::of_declaration,
    },
    gate::{
        handler::is_plain_connection,
        implied::behind_gate,
        startup::{Gate, gate, gate_when_promoted, on_file, readiness_is_gate},
    },
    obligation::{Proof, judged},
    plan::{Action, Class},
    planner::{Planner, is_named},
    surroundings::references,
    workaround::{
        part::Part,
        requirement::stays,
        stop::{is_stop, only_stops},
    },
};
use crate::{
    behaviour::{Link, LinkKind, Party, script::Wait},
    pod::{Member, Subject},
    roles::Role,
    workload::{ContainerList, ProbeKind},
};

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
    /// Plans each container that is a sidecar, or may be one.
    pub(super) fn sidecars(&mut self) {
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
                Ground::Insufficient | Ground::Waits | Ground::Slept if !together => {
                    self.sidecar(index, member, ground)
                }
                _ => self.sidecar(index, member, Ground::Sufficient),
            }
        }
    }

    /// A container that may serve others, and that nothing proves to do so.
    fn leave_app(&mut self, index: usize, member: &Member<'a>) {
        let mut subjects = self.wanted_of(index);
        let links = self.pod.links.all.iter().enumerate();
        let is_used = |link: &Link| match link.kind {
            LinkKind::EndsOnFile(..) | LinkKind::EndsWithApp(_) => link.container == index,
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
            format!("{} is not declared a sidecar", crate::pod::quoted(name)),
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
            if let Some(hindrance) = part.hindrance(self.allowed()) {
                let left = format!("not done: {}", part.what);
                let subjects = sidecar.all_subjects();
                self.plan.left_unproved(left, hindrance, &part.proofs, subjects);
                return;
            }
        }
        let (gate, parts) = self.gate_of(sidecar, true);
        for part in &parts {
            self.part(part, &gate);
        }
        let replaces_wait = parts
            .iter()
            .any(|part| part.wait.is_some() && part.is_allowed(self.allowed()));
        let kind = self.gate_kind(sidecar.member);
        self.gate_of_declared(sidecar.index, sidecar.member, kind, &gate, replaces_wait);
    }

    /// What a declaration rests on; nothing where the sidecar stays as it is, which the plan then says.
    fn may_be_declared(&mut self, sidecar: &Sidecar<'p, 'a>) -> Option<Vec<Proof>> {
        let left = format!("{} is not declared a sidecar", crate::pod::quoted(sidecar.name));
        let refused = obstacle(self.pod, sidecar.member, self.options.form)
            .or_else(|| stays(self.pod, sidecar.index, self.wanted, sidecar.parts));
        if let Some(reason) = refused {
            self.plan.left(left, reason, false, sidecar.all_subjects());
            return None;
        }
        let sets_switches = self.options.review && injected::sets_switches(self.pod, self.wanted);
        let proofs = of_declaration(
            self.pod,
            sidecar.index,
            self.options,
            sets_switches,
            sidecar.parts,
        );
        let (class, reason) = judged(&proofs);
        if class > self.allowed() {
            let hindrance = (reason.unwrap_or_default(), class == Class::Review);
            let subjects = sidecar.all_subjects();
            self.plan.left_unproved(left, hindrance, &proofs, subjects);
            return None;
        }
        let mut harmful = sidecar.parts.iter().filter(|part| part.harmful);
        if let Some((part, hindrance)) =
            harmful.find_map(|part| Some((part, part.hindrance(self.allowed())?)))
        {
            let left = format!("{left}, because “{}” can't be done", part.what);
            let subjects = sidecar.all_subjects();
            self.plan.left_unproved(left, hindrance, &part.proofs, subjects);
            return None;
        }
        Some(proofs)
    }

    fn declare(&mut self, sidecar: Sidecar<'p, 'a>, ground: Ground, proofs: Vec<Proof>) {
        let name = sidecar.name;
        let left = format!("{} is not declared a sidecar", crate::pod::quoted(name));
        if ground == Ground::Insufficient {
            let gate = Gate::Present("nothing");
            sidecar.parts.iter().for_each(|part| self.part(part, &gate));
            return;
        }
        let is_asked_for = self.is_slept_for(sidecar.member)
            || self.options.review && is_named(self.pod, sidecar.member, self.options);
        let (gate, parts) = self.gate_of(&sidecar, is_asked_for);
        let is_held_back = match gate {
            Gate::None(_) => false,
            _ => parts.iter().any(|part| part.is_allowed(self.allowed())),
        };
        if ground == Ground::Waits && !is_held_back {
            parts.iter().for_each(|part| self.part(part, &gate));
            return;
        }
        // A sleep alone says nothing of what it waits for: it asks for a gate, and for nothing without one.
        if ground == Ground::Slept && matches!(gate, Gate::None(_) | Gate::Unasked) {
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
        let mut needing = parts.iter().filter(|part| part.needs_gate);
        let opened = needing.find_map(|part| match &gate {
            Gate::None(reason) => Some((part, reason.clone())),
            _ => Some((part, part.hindrance(self.allowed())?.0)),
        });
        if let Some((part, reason)) = opened {
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
        let waits = sidecar.waits(self.allowed());
        let subjects = sidecar.all_subjects();
        if self.would_gate_unseen(sidecar.member, &waits, &subjects)
            || self.is_needed_earlier(sidecar.index, name, &subjects)
        {
            return;
        }
        for part in &parts {
            self.part(part, &gate);
        }
        let is_replacement = self.holds_back_today(sidecar.member, &parts);
        self.declaration(sidecar, ground, gate, proofs, is_replacement);
    }

    /// The gate of a sidecar, and the parts with what the gate makes of them. None is made that nobody asked for: a wait
    /// that it replaces, or the user.
    fn gate_of(&self, sidecar: &Sidecar<'p, 'a>, is_asked_for: bool) -> (Gate, Vec<Part<'a>>) {
        let member = sidecar.member;
        let kind = self.gate_kind(member);
        let waits = sidecar.waits(self.allowed());
        let gate = match self.form_of(member) {
            Form::Annotation => gate_when_promoted(self.pod, member, kind, &waits),
            _ => gate(self.pod, member, kind, &waits),
        };
        let file = sidecar
            .parts
            .iter()
            .filter(|part| part.is_allowed(self.allowed()))
            .find_map(|part| part.gate_file.as_ref())
            .filter(|file| {
                !sidecar
                    .parts
                    .iter()
                    .any(|part| part.replaces_signs.contains(&file.file))
            });
        let gate = match (&gate, file) {
            (Gate::None(_), Some(file)) => on_file(file),
            _ => gate,
        };
        let parts = behind_gate(self.pod, &member.container, sidecar.parts, &gate);
        match &gate {
            Gate::Present(_) => (gate, parts),
            _ if is_asked_for || self.holds_back_today(member, &parts) => (gate, parts),
            _ => (Gate::Unasked, parts),
        }
    }

    /// Whether something that a gate replaces makes the app wait for a sidecar.
    fn holds_back_today(&self, member: &Member<'a>, parts: &[Part<'a>]) -> bool {
        let mut allowed = parts.iter().filter(|part| part.is_allowed(self.allowed()));
        allowed.any(|part| part.wait.is_some() || part.asks.is_some() || part.needs_gate)
            || readiness_is_gate(self.pod, &member.container)
    }

    /// Whether a gate of this sidecar may take the place of a sleep.
    pub(crate) fn is_slept_for(&self, member: &Member<'a>) -> bool {
        member.container.list == ContainerList::Regular && self.some_sleep_may_go()
    }

    fn declaration(
        &mut self,
        sidecar: Sidecar<'p, 'a>,
        ground: Ground,
        gate: Gate,
        proofs: Vec<Proof>,
        is_replacement: bool,
    ) {
        let Sidecar { member, name, .. } = sidecar;
        let kind = self.gate_kind(member);
        match declare(member, self.options.form, kind, &gate) {
            Ok(changes) => self.changes.extend(changes),
            Err(reason) => {
                self.plan.left(
                    format!("{} is not declared a sidecar", crate::pod::quoted(name)),
                    reason,
                    false,
                    sidecar.all_subjects(),
                );
                return;
            }
        }
        self.remove_other_declarations(member);
        let class = match ground {
            Ground::Slept => Class::Review,
            _ => judged(&proofs).0,
        };
        self.plan.add_action(Action {
            class,
            what: format!(
                "{} is declared a sidecar: {}",
                crate::pod::quoted(name),
                self.options.form.describe()
            ),
            subjects: sidecar.subjects,
            proofs,
        });
        if self.options.form != Form::Lifecycle {
            for note in references::notes(self.pod, member, self.options.form) {
                self.plan.note(note);
            }
        }
        let probe = kind.field();
        if let Some(twin) = self.pod.twin(member) {
            self.plan.note(format!(
                "{} does once what {name} goes on doing: it is not needed where a startupProbe of {name} waits for that",
                twin.container.name
            ));
        }
        match &gate {
            Gate::Present(what) => self
                .plan
                .note(format!("the app starts once {name}'s {what} is done")),
            Gate::Probe { origin, .. } => {
                // One that only `--review` asks for is no part of the plain plan.
                let class = if is_replacement { class } else { Class::Review };
                self.plan.done(
                    class,
                    format!("{}: a {probe} from {origin}", crate::pod::quoted(name)),
                    [],
                );
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
}

impl Sidecar<'_, '_> {
    /// What is treated with it: itself, and the parts that manage it.
    fn all_subjects(&self) -> Vec<Subject> {
        let of_parts = self.parts.iter().flat_map(|part| part.subjects.iter());
        self.subjects.iter().chain(of_parts).cloned().collect()
    }

    /// The waits for it that may go, or all of them where none may.
    fn waits(&self, allowed: Class) -> Vec<&Wait> {
        let of = |all: bool| -> Vec<&Wait> {
            let parts = self.parts.iter().filter(|part| all || part.is_allowed(allowed));
            parts
                .flat_map(|part| part.wait.iter().chain(&part.asks))
                .collect()
        };
        let going = of(false);
        match going.is_empty() {
            true => of(true),
            false => going,
        }
    }
}
