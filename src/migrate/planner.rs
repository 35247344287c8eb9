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
    },
    edit::removal::Removals,
    gate::startup::{Gate, gate, gate_when_promoted, on_file},
    plan::{ALL, Changes, Class, Plan},
    script::entrypoint::Entrypoint,
    surroundings::{elsewhere::Elsewhere, foreign::foreign, patches::Patch, references},
    workaround::{
        part::Part,
        requirement::{parts, stays},
        stop::{is_stop, only_stops},
        wanted::Wanted,
    },
};
use crate::{
    roles::Role,
    rules::{Finding, FixClass, Member, Pod, Severity},
    workload::{ContainerList, ProbeKind},
};

/// The plan for one pod. `findings` are those that the user wants to see gone.
pub(super) fn plan(pod: &Pod<'_>, findings: &[Finding], patches: &[Patch], options: &Options) -> Plan {
    let mut plan = Plan::new(
        pod.workload.object.document,
        pod.workload.object.reference.clone(),
    );
    if let Some(reason) = doubled_key(pod) {
        let is_asked = !findings.is_empty() || options.converts;
        if is_asked {
            plan.left(ALL, reason, false);
        }
        return plan;
    }
    if options.converts && foreign(pod).is_none() {
        convert::plan(pod, options, patches, &mut plan);
        if !plan.is_empty() {
            plan.is_conversion = true;
            return annotated(pod, plan);
        }
    }
    let is_asked_for =
        |member: &Member<'_>| is_named(pod, member, options) || is_converted(pod, member, options);
    if findings.is_empty() && !pod.members.iter().any(is_asked_for) {
        return plan;
    }
    if let Some(reason) = foreign(pod) {
        plan.left(ALL, reason, false);
        return plan;
    }
    let wanted = Wanted(findings);
    let mut planner = Planner {
        pod,
        options,
        wanted,
        patches,
        plan,
        declared: Vec::new(),
        entrypoints: BTreeMap::new(),
        removals: Removals::default(),
        changes: Changes::default(),
        directories: Vec::new(),
    };
    planner.sidecars();
    planner.defaults();
    planner.sleeps();
    if let Err(reason) = planner.finish() {
        planner.plan.abandon(reason);
        return planner.plan;
    }
    injected::plan(pod, wanted, options, &mut planner.plan);
    if let Err(error) = planner.plan.elsewhere.iter().try_for_each(Elsewhere::check) {
        planner.plan.abandon(error);
        return planner.plan;
    }
    manual(pod, findings, options, &mut planner.plan);
    annotated(pod, planner.plan)
}

/// Why an object with a key that stands twice is left alone: what its author meant is not what kubectl reads.
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

/// What only a person can do, and nothing else in the plan speaks of.
fn manual(pod: &Pod<'_>, findings: &[Finding], options: &Options, plan: &mut Plan) {
    for finding in findings {
        let speaks = [
            "job-never-completes",
            "quit-endpoint",
            "startup-poll",
            "marker-file",
            "external-killer",
            "wrapper-binary",
            "sidecar-prestop-delay",
        ]
        .contains(&finding.rule.name)
            && !plan.refusals.is_empty();
        if finding.fix.class == FixClass::Manual && finding.severity >= Severity::Warning && !speaks {
            plan.left(finding.message.clone(), finding.fix.reason.clone(), false);
        }
    }
    if plan.actions.is_empty() && plan.refusals.is_empty() {
        for finding in findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning)
        {
            let unproven = finding.container.as_deref().filter(|name| {
                finding.rule.name == "unsupported-sidecar-type"
                    && !pod
                        .members
                        .iter()
                        .any(|member| member.container.name == *name && member.role.role == Role::Sidecar)
            });
            let reason = match unproven {
                Some(name) => format!("{}: --sidecar {name} says it", finding.fix.reason),
                None => finding.fix.reason.clone(),
            };
            let for_review = finding.fix.class == FixClass::Review && !options.review && unproven.is_none();
            plan.left(finding.message.clone(), reason, for_review);
        }
    }
}

/// Whether the user names the container a sidecar: `proxy` or `migrate/proxy`.
pub(super) fn is_named(pod: &Pod<'_>, member: &Member<'_>, options: &Options) -> bool {
    let name = member.container.name;
    options.sidecars.iter().any(|wish| match wish.split_once('/') {
        Some((workload, container)) => workload == pod.workload.object.reference.name && container == name,
        None => wish == name,
    })
}

/// What is gathered about a pod.
pub(super) struct Planner<'p, 'a> {
    pub(super) pod: &'p Pod<'a>,
    pub(super) options: &'p Options,
    pub(super) wanted: Wanted<'p>,
    pub(super) patches: &'p [Patch],
    pub(super) plan: Plan,
    /// The sidecars that are declared here, with their index.
    pub(super) declared: Vec<(usize, Gate)>,
    pub(super) entrypoints: BTreeMap<usize, Entrypoint>,
    pub(super) removals: Removals<'a>,
    pub(super) changes: Changes,
    pub(super) directories: Vec<String>,
}

impl<'a> Planner<'_, 'a> {
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
                _ if !is_sidecar => {}
                Ground::None if !together => {}
                Ground::Insufficient | Ground::Waits if !together => self.sidecar(index, member, ground),
                _ => self.sidecar(index, member, Ground::Sufficient),
            }
        }
    }

    pub(super) fn allowed(&self) -> Class {
        if self.options.review {
            Class::Review
        } else {
            Class::Safe
        }
    }

    /// Plans one sidecar: its declaration and the parts of workarounds that mind it, or why it stays.
    /// Without a sufficient ground a sidecar is not declared, but what could be done is said.
    fn sidecar(&mut self, index: usize, member: &Member<'a>, ground: Ground) {
        let name = member.container.name;
        if self.pod.is_injected_output(member) {
            let reason = "injected output is injected anew with the injector's own switch, never edited";
            self.plan.left(format!("{name} as it is"), reason, false);
            return;
        }
        let declares = !self.is_declared(member);
        if declares && let Some(reason) = obstacle(self.pod, member, self.options.form) {
            self.plan
                .left(format!("{name} is not declared a sidecar"), reason, false);
            return;
        }
        if declares && let Some(reason) = stays(self.pod, index, self.wanted) {
            self.plan
                .left(format!("{name} is not declared a sidecar"), reason, false);
            return;
        }
        if declares && self.is_needed_earlier(index, name) {
            return;
        }
        let parts = parts(self.pod, index, self.wanted);
        let hinders = parts.iter().filter(|part| part.harmful).find_map(|part| {
            let (reason, review) = match &part.class {
                Err(reason) => (reason.clone(), false),
                Ok(class) if *class > self.allowed() => ("it has to be looked at".to_owned(), true),
                Ok(_) => return None,
            };
            Some((part.what.clone(), reason, review))
        });
        if let Some((what, reason, review)) = hinders {
            let left = if declares {
                format!("{name} is not declared a sidecar, because “{what}” can't be done")
            } else {
                format!("not done: {what}")
            };
            self.plan.left(left, reason, review);
            return;
        }
        if declares && ground == Ground::Insufficient {
            let gate = Gate::Present("nothing");
            parts.iter().for_each(|part| self.part(name, part, &gate));
            return;
        }
        let waits: Vec<_> = parts
            .iter()
            .flat_map(|part| part.wait.iter().chain(&part.asks))
            .collect();
        let kind = self.gate_kind(member);
        let mut gate = match self.form_of(member) {
            Form::Annotation => gate_when_promoted(self.pod, member, kind, &waits),
            _ => gate(self.pod, member, kind, &waits),
        };
        let file = parts
            .iter()
            .filter(|part| part.is_allowed(self.allowed()))
            .find_map(|part| part.gate_file.as_deref())
            .filter(|file| {
                !parts
                    .iter()
                    .any(|part| part.replaces_signs.iter().any(|own| own == file))
            });
        if let (Gate::None(_), Some(file)) = (&gate, file) {
            gate = on_file(file);
        }
        if declares && ground == Ground::Waits && matches!(gate, Gate::None(_)) {
            parts.iter().for_each(|part| self.part(name, part, &gate));
            return;
        }
        if let (Gate::None(reason), Some(part)) = (&gate, parts.iter().find(|part| part.needs_gate)) {
            let reason = format!(
                "“{}” would let the app start too early: {reason}; a startupProbe of its own would hold it back",
                part.what
            );
            self.plan
                .left(format!("{name} is not declared a sidecar"), reason, false);
            return;
        }
        if declares
            && member.container.is_lifecycle_sidecar()
            && member.container.probe(ProbeKind::Readiness).is_some()
            && let Gate::None(reason) = &gate
        {
            let reason = format!("its readinessProbe is its gate, and can't become a startupProbe: {reason}");
            self.plan
                .left(format!("{name} is not declared anew"), reason, false);
            return;
        }
        if declares && self.would_gate_unseen(member, &waits) {
            return;
        }
        for part in &parts {
            self.part(name, part, &gate);
        }
        if declares {
            self.declaration(index, member, kind, gate);
        } else {
            let replaces_wait = parts
                .iter()
                .any(|part| part.wait.is_some() && part.is_allowed(self.allowed()));
            self.gate_of_declared(member, kind, &gate, replaces_wait);
        }
    }

    fn part(&mut self, sidecar: &str, part: &Part<'a>, gate: &Gate) {
        if part.wait.is_some()
            && let Gate::None(reason) = gate
        {
            let reason = format!("no probe can take its place: {reason}");
            self.plan.left(format!("not done: {}", part.what), reason, false);
            return;
        }
        match &part.class {
            Err(reason) => self
                .plan
                .left(format!("not done: {}", part.what), reason.clone(), false),
            Ok(class) if *class > self.allowed() => {
                let reason = format!("it has to be looked at, beside the declaration of {sidecar}");
                self.plan.left(format!("not done: {}", part.what), reason, true);
            }
            Ok(class) => {
                self.plan.done(*class, part.what.clone());
                part.note.iter().for_each(|note| self.plan.note(note));
                for (container, entrypoint) in &part.entrypoints {
                    self.entrypoints.entry(*container).or_default().merge(entrypoint);
                }
                self.removals.extend(&part.removals);
                self.plan.signals_gone |= part.signals;
                self.directories.extend(part.directories.iter().cloned());
            }
        }
    }

    fn declaration(&mut self, index: usize, member: &Member<'a>, kind: ProbeKind, gate: Gate) {
        let name = member.container.name;
        match declare(member, self.options.form, kind, &gate) {
            Ok(changes) => self.changes.extend(changes),
            Err(reason) => {
                self.plan
                    .left(format!("{name} is not declared a sidecar"), reason, false);
                return;
            }
        }
        if self.options.form != Form::Lifecycle
            && let Some(entry) = member.container.lifecycle_type()
        {
            self.removals.add(entry.key);
        }
        self.plan.done(
            Class::Safe,
            format!("{name} is declared a sidecar: {}", self.options.form.describe()),
        );
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
                    .done(Class::Safe, format!("{name}: a {probe} from {origin}"));
            }
            Gate::None(reason) => self.plan.note(format!(
                "the app starts when {name}'s process exists, without a {probe}: {reason}"
            )),
        }
        self.declared.push((index, gate));
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
            if self
                .wanted
                .about_as(&["unsupported-sidecar-type"], name, Class::Safe)
            {
                self.removals.add(entry.key);
                self.plan.done(
                    Class::Safe,
                    format!("{name}: lifecycle.type: Standard goes, which says nothing"),
                );
            }
        }
    }
}
