//! From what is known of a pod to what is done to it.

use std::collections::BTreeMap;

use crate::{
    behaviour::script::Wait,
    roles::{FIRST, POSITION_ANNOTATION, Role},
    rules::{Finding, FixClass, Member, Pod, Severity},
    workload::{ContainerList, ProbeKind},
};

use super::{
    Options, annotation, convert,
    declaration::{Form, declare, gate_entry, obstacle},
    elsewhere::Elsewhere,
    entrypoint::{self, Entrypoint},
    foreign::foreign,
    injected,
    patches::Patch,
    plan::{Changes, Class, Plan},
    position::{Position, position},
    references,
    removal::Removals,
    requirement::{Part, Wanted, parts, stays},
    startup_gate::{Gate, gate, gate_when_promoted, on_file, readiness_is_known},
};

/// Rules whose findings are about a sidecar that is not declared.
const ABOUT_SIDECARS: [&str; 9] = [
    "job-never-completes",
    "sidecar-prestop-delay",
    "sigterm-trap",
    "blocking-poststart",
    "marker-file",
    "external-killer",
    "unsupported-sidecar-type",
    "leftover-workaround",
    "wrapper-binary",
];

/// The plan for one pod. `findings` are those that the user wants to see gone.
pub(super) fn plan(pod: &Pod<'_>, findings: &[Finding], patches: &[Patch], options: &Options) -> Plan {
    let mut plan = Plan::new(
        pod.workload.object.document,
        pod.workload.object.reference.clone(),
    );
    if options.converts && foreign(pod).is_none() {
        convert::plan(pod, options.form, patches, &mut plan);
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
        plan.left("all of it", reason, false);
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

/// The plan with the annotations that it adds.
fn annotated(pod: &Pod<'_>, mut plan: Plan) -> Plan {
    if let Err(reason) = annotation::insert(pod, &mut plan) {
        plan.abandon(reason);
    }
    plan
}

/// Whether a sidecar that the annotation declares is to be a native one instead.
fn is_converted(pod: &Pod<'_>, member: &Member<'_>, options: &Options) -> bool {
    options.converts && options.form == Form::Native && pod.is_annotated(member)
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

/// Whether there is a reason to declare a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    None,
    /// What there is can't be done, or not without review.
    Insufficient,
    Sufficient,
}

/// What is gathered about a pod.
pub(super) struct Planner<'p, 'a> {
    pub(super) pod: &'p Pod<'a>,
    pub(super) options: &'p Options,
    wanted: Wanted<'p>,
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
        for (index, ground) in grounds.into_iter().enumerate() {
            let Some(member) = self.pod.members.get(index) else {
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
                Ground::Insufficient if !together => self.sidecar(index, member, false),
                _ => self.sidecar(index, member, true),
            }
        }
    }

    /// Whether a workaround minds this container, or the user names it.
    fn ground(&self, index: usize) -> Ground {
        let Some(member) = self.pod.members.get(index) else {
            return Ground::None;
        };
        let name = member.container.name;
        if is_named(self.pod, member, self.options) || is_converted(self.pod, member, self.options) {
            return Ground::Sufficient;
        }
        if member.role.role != Role::Sidecar {
            return Ground::None;
        }
        let slept_for = self.options.review
            && self.wanted.any(&["startup-sleep"])
            && member.container.list == ContainerList::Regular;
        let is_marked = self.pod.namings.iter().any(|naming| {
            naming.names.iter().any(|own| own == name)
                && self
                    .wanted
                    .any(&["external-killer", "wrapper-binary", "unsupported-sidecar-type"])
        });
        let parts = parts(self.pod, index, self.wanted);
        if slept_for
            || is_marked
            || self.wanted.about_as(&ABOUT_SIDECARS, name, self.allowed())
            || parts.iter().any(|part| part.is_allowed(self.allowed()))
        {
            return Ground::Sufficient;
        }
        match parts.is_empty() && self.wanted.about(&["ungated-sidecar"], name).is_none() {
            true => Ground::None,
            false => Ground::Insufficient,
        }
    }

    fn allowed(&self) -> Class {
        if self.options.review {
            Class::Review
        } else {
            Class::Safe
        }
    }

    /// Plans one sidecar: its declaration and the parts of workarounds that mind it, or why it stays.
    /// Without a sufficient ground a sidecar is not declared, but what could be done is said.
    fn sidecar(&mut self, index: usize, member: &Member<'a>, has_ground: bool) {
        let name = member.container.name;
        if self.is_injected_output(member) {
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
        if declares && !has_ground {
            let gate = Gate::Present("nothing");
            parts.iter().for_each(|part| self.part(name, part, &gate));
            return;
        }
        let waits: Vec<_> = parts.iter().filter_map(|part| part.wait.as_ref()).collect();
        let kind = self.gate_kind(member);
        let mut gate = match self.form_of(member) {
            Form::Annotation => gate_when_promoted(self.pod, member, kind, &waits),
            _ => gate(self.pod, member, kind, &waits),
        };
        let file = parts
            .iter()
            .filter(|part| part.is_allowed(self.allowed()))
            .find_map(|part| part.gate_file.as_deref());
        if let (Gate::None(_), Some(file)) = (&gate, file) {
            gate = on_file(file);
        }
        if let (Gate::None(reason), Some(part)) = (&gate, parts.iter().find(|part| part.needs_gate)) {
            let reason = format!("“{}” would let the app start too early: {reason}", part.what);
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

    /// The probe that holds the app back in the form in which the sidecar is declared, or is going to be.
    fn gate_kind(&self, member: &Member<'a>) -> ProbeKind {
        match self.form_of(member) {
            Form::Annotation if self.readiness_is_no_gate(member) => ProbeKind::Startup,
            form => form.gate(),
        }
    }

    /// Whether the policy makes no gate of a container's readiness.
    fn readiness_is_no_gate(&self, member: &Member<'a>) -> bool {
        let has_readiness = member.container.probe(ProbeKind::Readiness).is_some();
        self.pod.readiness_needs_app(member)
            || (has_readiness && self.pod.gate_when_promoted(member) != Ok("readinessProbe"))
    }

    /// The form in which a sidecar is declared, or is going to be.
    fn form_of(&self, member: &Member<'a>) -> Form {
        if !self.is_declared(member) {
            self.options.form
        } else if member.container.is_native_sidecar() {
            Form::Native
        } else if self.pod.is_annotated(member) {
            Form::Annotation
        } else {
            Form::Lifecycle
        }
    }

    /// Says of a sidecar whose readinessProbe becomes its gate at promotion that this is for review, where nothing
    /// tells that its readiness does not depend on the app.
    fn would_gate_unseen(&mut self, member: &Member<'a>, waits: &[&Wait]) -> bool {
        let name = member.container.name;
        if self.options.form != Form::Annotation
            || self.pod.gate_when_promoted(member) != Ok("readinessProbe")
            || readiness_is_known(self.pod, member, waits)
        {
            return false;
        }
        if self.options.review {
            self.plan.done(
                Class::Review,
                format!(
                    "{name}'s readinessProbe becomes its gate at promotion: it must not depend on the app"
                ),
            );
            return false;
        }
        self.plan.left(
            format!("{name} is not declared a sidecar"),
            "its readinessProbe becomes its gate at promotion, and may depend on the app, which its image does not tell",
            true,
        );
        true
    }

    /// Says of a sidecar that would have to start before an init container that this is for review: today the
    /// init container runs without it.
    fn is_needed_earlier(&mut self, index: usize, name: &str) -> bool {
        let Position::Before(at) = position(self.pod, index) else {
            return false;
        };
        let init = self
            .pod
            .members
            .get(at)
            .map_or("", |member| member.container.name);
        match self.options.form {
            Form::Lifecycle => {
                self.plan.note(format!(
                    "the init container {init} needs {name}, which the first design can't express"
                ));
                false
            }
            Form::Annotation => self.is_needed_first(at, name, init),
            Form::Native if self.options.review => {
                self.plan.done(
                    Class::Review,
                    format!("{name} starts before the init container {init}, which needs it"),
                );
                false
            }
            Form::Native => {
                self.plan.left(
                    format!("{name} is not declared a sidecar"),
                    format!("the init container {init} names its address: it would start before that one"),
                    true,
                );
                true
            }
        }
    }

    /// The annotation can only say of all its sidecars that they start before all init containers.
    fn is_needed_first(&mut self, at: usize, name: &str, init: &str) -> bool {
        let left = format!("{name} is not declared a sidecar");
        let others = |member: &&Member<'_>| member.container.list == ContainerList::Init;
        if let Some(earlier) = self.pod.members.iter().take(at).find(others) {
            let reason = format!(
                "the init container {init} names its address, and {} comes before that one: the annotation can only put it before all of them",
                earlier.container.name
            );
            self.plan.left(left, reason, false);
            return true;
        }
        if !self.options.review {
            let reason =
                format!("the init container {init} names its address: it would start before that one");
            self.plan.left(left, reason, true);
            return true;
        }
        if let Err(reason) = annotation::put_first(self.pod, &mut self.changes) {
            self.plan.left(left, reason, false);
            return true;
        }
        self.plan.done(
            Class::Review,
            format!(
                "{POSITION_ANNOTATION}: {FIRST}: the sidecars that the annotation names start before the init container {init}, which needs {name}"
            ),
        );
        false
    }

    /// Gives a sidecar that is declared already the gate that takes a wait's place, or that lint misses.
    fn gate_of_declared(&mut self, member: &Member<'a>, kind: ProbeKind, gate: &Gate, replaces_wait: bool) {
        let name = member.container.name;
        let is_missed = self.wanted.about(&["ungated-sidecar"], name).is_some();
        if !replaces_wait && !is_missed {
            return;
        }
        let what = format!("{name}: a {}", kind.field());
        match gate {
            Gate::Present(_) => {}
            Gate::None(reason) => self.plan.left(format!("not done: {what}"), reason.clone(), false),
            Gate::Probe { .. } if !replaces_wait && !self.options.review => {
                let reason = "whether the address tells that it is ready has to be looked at";
                self.plan.left(format!("not done: {what}"), reason, true);
            }
            Gate::Probe { origin, .. } => match gate_entry(member, kind, gate) {
                Ok(changes) => {
                    self.changes.extend(changes);
                    let class = if replaces_wait { Class::Safe } else { Class::Review };
                    self.plan.done(class, format!("{what} from {origin}"));
                }
                Err(reason) => self.plan.left(format!("not done: {what}"), reason, false),
            },
        }
    }

    /// Injected output carries the injector's status.
    fn is_injected_output(&self, member: &Member<'_>) -> bool {
        self.pod.catalogue.of(&member.container).is_some_and(|known| {
            known.injector.is_some() && known.switch.is_some() && known.name.ends_with("-proxy")
        })
    }

    fn is_declared(&self, member: &Member<'_>) -> bool {
        let container = &member.container;
        let is_annotated = || self.pod.is_annotated(member);
        match self.options.form {
            Form::Native => {
                container.is_native_sidecar() || (is_annotated() && !self.is_to_be_native(member))
            }
            Form::Lifecycle => {
                container.is_lifecycle_sidecar() || container.is_native_sidecar() || is_annotated()
            }
            Form::Annotation => container.is_native_sidecar() || is_annotated(),
        }
    }

    /// Whether a sidecar that the annotation declares has to be a native one: by the user's wish, or because the
    /// cluster does not act on the annotation.
    fn is_to_be_native(&self, member: &Member<'_>) -> bool {
        is_converted(self.pod, member, self.options)
            || (self.pod.ignores_annotation().is_some() && self.wanted.any(&["unsupported-sidecar-type"]))
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

    /// A sleep says nothing of what it waits for: only by review, and where a gate does its work.
    fn sleeps(&mut self) {
        let gated = !self.declared.is_empty()
            && self
                .declared
                .iter()
                .all(|(_, gate)| !matches!(gate, Gate::None(_)));
        for (index, member) in self.pod.members.iter().enumerate() {
            let Some((at, program)) = Pod::entrypoint(member) else {
                continue;
            };
            let Some(facts) = self.pod.links.facts(index, at) else {
                continue;
            };
            for sleep in &facts.sleeps {
                if self.wanted.at(&["startup-sleep"], program, &sleep.span).is_none() {
                    continue;
                }
                let what = format!("{}: its sleep before the start goes", member.container.name);
                let cuts = std::slice::from_ref(&sleep.span);
                let (reason, review) = if !entrypoint::can_cut(program, cuts) {
                    ("what would remain of the script is not certain", false)
                } else if !self.options.review {
                    ("a sleep does not say what it waits for", true)
                } else if !gated {
                    ("no declared sidecar with a gate takes its place", false)
                } else {
                    self.plan.done(Class::Review, what);
                    self.entrypoints
                        .entry(index)
                        .or_default()
                        .merge(&Entrypoint::cutting(sleep.span.clone()));
                    continue;
                };
                self.plan.left(format!("not done: {what}"), reason, review);
            }
        }
    }
}
