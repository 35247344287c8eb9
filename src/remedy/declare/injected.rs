//! Sidecars that an injector adds: nothing moves, its own switch is set (`docs/semantics.md`, "Injected sidecars").

use super::{annotation, app_half::AppHalf, declaration::Form};
use crate::{
    behaviour::Party,
    catalogue::injector,
    pod::{Pod, Subject, SwitchToSet},
    remedy::{
        obligation::{Obligation, Proof},
        plan::{Action, Class},
        planner::Planner,
        wanted::Wanted,
        workaround::unwrap::injected_of,
    },
    roles::{KnownSidecar, Naming, NamingKind},
};

/// Plans the switch of each injected sidecar that something wanted is about, and the app's half.
pub(crate) fn plan(planner: &mut Planner<'_, '_>) {
    let about = subjects_by_sidecar(planner.pod, planner.wanted);
    for (known, subjects) in about {
        one(planner, known, &subjects);
    }
}

/// Whether the switch of an injector is set in the same edit, where that is for review.
pub(crate) fn sets_switches(pod: &Pod<'_>, wanted: &Wanted) -> bool {
    subjects_by_sidecar(pod, wanted)
        .iter()
        .any(|(known, _)| pod.switch_to_set(known).is_ok())
}

/// The injected sidecars that something wanted is about.
fn subjects_by_sidecar<'p>(pod: &'p Pod<'_>, wanted: &Wanted) -> Vec<(&'p KnownSidecar, Vec<Subject>)> {
    let mut about: Vec<(&KnownSidecar, Vec<Subject>)> = Vec::new();
    let mut add = |known: &'p KnownSidecar, subject: Subject| match about
        .iter_mut()
        .find(|(own, _)| own.name == known.name)
    {
        Some((_, subjects)) => subjects.push(subject),
        None => about.push((known, vec![subject])),
    };
    for (at, link) in pod.links.all.iter().enumerate() {
        if let (Party::Injected(known), true) = (&link.other, wanted.link(at)) {
            add(known, Subject::Link(at));
        }
    }
    for (index, member) in pod.members.iter().enumerate() {
        if wanted.has(&Subject::Wrapper(index))
            && let Some(known) = injected_of(pod, member)
        {
            add(known, Subject::Wrapper(index));
        }
    }
    for (at, naming) in killers(pod).filter(|(at, _)| wanted.has(&Subject::Naming(*at))) {
        for name in naming
            .names
            .iter()
            .filter(|name| pod.workload.container(name).is_none())
        {
            let known = pod.catalogue.by_container_name(name);
            if let Some(known) = known.filter(|known| known.injector.is_some()) {
                add(known, Subject::Naming(at));
            }
        }
    }
    for subject in wanted.iter() {
        let is_it = |known: &KnownSidecar| match subject {
            Subject::Injected(name) => known.name == *name,
            Subject::Setting { injector, .. } => known.injector.as_ref() == Some(injector),
            _ => false,
        };
        let known = pod.catalogue.entries().find(|known| is_it(known));
        if let Some(known) = known {
            add(known, subject.clone());
        }
    }
    about
}

/// Annotations for controllers that end sidecars from outside.
pub(super) fn killers<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = (usize, &'p Naming<'a>)> {
    pod.namings
        .iter()
        .enumerate()
        .filter(|(_, naming)| naming.kind == NamingKind::KillerAnnotation)
}

/// Whether the switch of an injected sidecar is going to hold the app back, so that its sleeps go with it.
pub(crate) fn holds_back(pod: &Pod<'_>, wanted: &Wanted) -> bool {
    subjects_by_sidecar(pod, wanted)
        .iter()
        .any(|(known, _)| pod.switch_to_set(known).is_ok() && !known.ready.is_empty())
}

fn one(planner: &mut Planner<'_, '_>, known: &KnownSidecar, subjects: &[Subject]) {
    let pod = planner.pod;
    let what = format!("{} is injected as a native sidecar", known.name);
    let own_form = is_template_of_its_own(pod, known);
    let settable = match pod.switch_to_set(known) {
        Ok(switch) if !own_form => Ok(switch),
        Ok(_) => Err("the pod asks for a template that has no native form".to_owned()),
        Err(reason) => Err(reason),
    };
    let is_native = pod.is_injected_natively(known) && !own_form;
    if let (Err(reason), false) = (&settable, is_native) {
        if planner.options.form == Form::Annotation
            && !own_form
            && let [name] = known.containers.as_slice()
        {
            promoted(planner, known, name, subjects);
            return;
        }
        let reason = format!(
            "{reason}: keep the workaround, or promote {} at admission",
            known.name
        );
        leave(
            planner,
            format!("{} as it is", known.name),
            reason,
            false,
            subjects,
        );
        return;
    }
    if is_left_out(pod, known) {
        let reason = "the pod is kept out of its injection";
        leave(
            planner,
            format!("{} as it is", known.name),
            reason,
            false,
            subjects,
        );
        return;
    }
    if pod.is_switched_off(known) {
        let reason = "the pod turns native sidecars off by the injector's own switch";
        leave(
            planner,
            format!("{} as it is", known.name),
            reason,
            false,
            subjects,
        );
        return;
    }
    let proof = proof(pod, known, settable.as_ref().ok());
    if proof.class() > planner.allowed() {
        let hindrance = (proof.answer.reason().cloned().unwrap_or_default(), true);
        let left = format!("not done: {what}");
        let subjects = subjects.iter().cloned();
        planner.plan.left_unproved(left, hindrance, &[proof], subjects);
        return;
    }
    let switch = settable.ok().filter(|_| !is_native);
    let mut half = AppHalf::of(proof, planner.allowed());
    let gathered = half
        .gather(pod, known, planner.wanted)
        .and_then(|()| match &switch {
            None => Ok(()),
            Some(switch) => annotation::set(pod, &switch.annotation, &switch.value, &mut half.changes),
        });
    if let Err(reason) = gathered.and_then(|()| half.finish(planner)) {
        leave(planner, format!("not done: {what}"), reason, false, subjects);
        return;
    }
    let Some(switch) = switch else {
        return;
    };
    let injected: Vec<Subject> = subjects
        .iter()
        .filter(|subject| matches!(subject, Subject::Injected(_) | Subject::Wrapper(_)))
        .cloned()
        .collect();
    planner.plan.add_action(Action {
        class: Class::Review,
        what: format!("{what}: {}: {:?}", switch.annotation, switch.value),
        subjects: injected,
        proofs: Vec::new(),
    });
    planner
        .plan
        .note(format!("{}: {}", switch.annotation, switch.note));
    if let Some(at_deletion) = at_deletion(known).filter(|_| !pod.workload.runs_to_completion()) {
        planner.plan.note(at_deletion.what);
    }
}

/// Whether the injector makes a native sidecar: proved by its version, else only wished by the switch.
fn proof(pod: &Pod<'_>, known: &KnownSidecar, switch: Option<&SwitchToSet>) -> Proof {
    let injector = known.injector.as_deref().unwrap_or("its injector");
    if pod.is_proved_native(known) {
        return Proof::proved(
            Obligation::InjectorObeys,
            format!(
                "{injector} injects {} natively in the version that is installed",
                known.name
            ),
        );
    }
    let reason = match (pod.switch_that_is_set(known), switch) {
        (Some(set), _) => {
            format!("{injector} has to know {set}, which the pod sets, and its version is not known")
        }
        (None, Some(switch)) => format!(
            "the injector has to know {}: {:?} ({})",
            switch.annotation, switch.value, switch.note
        ),
        (None, None) => format!("{injector} has to inject it natively"),
    };
    Proof::unknown(Obligation::InjectorObeys, reason)
}

/// What the native sidecar of an injector does when the pod is deleted.
fn at_deletion(known: &KnownSidecar) -> Option<&'static injector::AtDeletion> {
    let injector = known.injector.as_deref().and_then(injector::by_name)?;
    injector.at_deletion.as_ref()
}

fn leave(
    planner: &mut Planner<'_, '_>,
    what: String,
    reason: impl Into<String>,
    review: bool,
    subjects: &[Subject],
) {
    planner.plan.left(what, reason, review, subjects.iter().cloned());
}

/// Whether the pod asks for templates among which is not the one that has a native form.
fn is_template_of_its_own(pod: &Pod<'_>, known: &KnownSidecar) -> bool {
    let templates = known
        .injector
        .as_deref()
        .and_then(injector::by_name)
        .and_then(|injector| injector.templates.as_ref());
    let named = templates.and_then(|templates| {
        let entry = pod.workload.pod_annotation(templates.annotation)?;
        Some((entry.value.as_str()?, templates.native))
    });
    named.is_some_and(|(named, native)| !named.split(',').any(|name| name.trim() == native))
}

/// Whether the pod is kept out of the injection.
fn is_left_out(pod: &Pod<'_>, known: &KnownSidecar) -> bool {
    crate::roles::opted_out(pod.workload, known)
}

/// Names a sidecar whose injector has no switch in the annotation: the policy promotes what webhooks add too.
fn promoted(planner: &mut Planner<'_, '_>, known: &KnownSidecar, name: &str, subjects: &[Subject]) {
    let pod = planner.pod;
    let is_named = pod.annotation_names(known);
    let what = format!(
        "{name}, which is injected, is declared a sidecar: {}",
        Form::Annotation.describe()
    );
    let proof = match is_named {
        true => Proof::proved(Obligation::InjectorObeys, "the annotation names it already"),
        false => Proof::unknown(
            Obligation::InjectorObeys,
            "the policy has to be installed before the pods are created, and its injector adds the container",
        ),
    };
    if proof.class() > planner.allowed() {
        let hindrance = (proof.answer.reason().cloned().unwrap_or_default(), true);
        let left = format!("not done: {what}");
        let subjects = subjects.iter().cloned();
        planner.plan.left_unproved(left, hindrance, &[proof], subjects);
        return;
    }
    let mut half = AppHalf::of(proof, planner.allowed()).keeping_waits();
    if let Err(reason) = half
        .gather(pod, known, planner.wanted)
        .and_then(|()| half.finish(planner))
    {
        leave(planner, format!("not done: {what}"), reason, false, subjects);
        return;
    }
    if !is_named {
        planner.plan.named.push(name.to_owned());
        let injected = subjects
            .iter()
            .filter(|subject| matches!(subject, Subject::Injected(_)));
        planner.plan.done(Class::Review, what, injected.cloned());
    }
}
