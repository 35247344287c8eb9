//! Sidecars that an injector adds: nothing moves, its own switch is set (`semantics.md`, 3.3).

use super::{annotation, app_half::AppHalf, declaration::Form};
use crate::{
    behaviour::Party,
    migrate::{
        plan::Class,
        planner::Planner,
        workaround::{unwrap::wrapped, wanted::Wanted},
    },
    roles::{KnownSidecar, Naming, NamingKind, is_switched_on},
    rules::{Member, Pod},
};

/// Rules whose findings an injector's switch makes good.
const RULES: [&str; 8] = [
    "job-never-completes",
    "hold-annotation",
    "drain-setting",
    "startup-poll",
    "quit-endpoint",
    "wrapper-binary",
    "external-killer",
    "leftover-workaround",
];

/// Plans the switch of each injected sidecar that a finding is about, and the app's half.
pub(in crate::migrate) fn plan(planner: &mut Planner<'_, '_>) {
    let (pod, wanted) = (planner.pod, planner.wanted);
    if !wanted.any(&RULES) {
        return;
    }
    let mut known: Vec<&KnownSidecar> = pod.injected.iter().map(|injected| &*injected.known).collect();
    for link in &pod.links.all {
        if let Party::Injected(party) = &link.other
            && !known.iter().any(|known| known.name == party.name)
        {
            known.push(party);
        }
    }
    for wrapped in pod
        .members
        .iter()
        .filter_map(|member| minded(pod, member, wanted))
    {
        if !known.iter().any(|known| known.name == wrapped.name) {
            known.push(wrapped);
        }
    }
    if wanted.any(&["external-killer"]) {
        for killed in killers(pod).flat_map(|naming| &naming.names) {
            let by_name = pod.catalogue.by_container_name(killed);
            let is_injected = pod.workload.container(killed).is_none();
            known.extend(
                by_name
                    .map(|known| &**known)
                    .filter(|own| is_injected && own.injector.is_some())
                    .filter(|own| !known.iter().any(|known| known.name == own.name)),
            );
        }
    }
    for known in known {
        one(planner, known);
    }
}

/// Annotations for controllers that end sidecars from outside.
pub(super) fn killers<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = &'p Naming<'a>> {
    pod.namings
        .iter()
        .filter(|naming| naming.kind == NamingKind::KillerAnnotation)
}

/// Whether the switch of an injected sidecar is going to hold the app back, so that its sleeps go with it.
pub(in crate::migrate) fn holds_back(pod: &Pod<'_>, wanted: Wanted<'_>) -> bool {
    let mut injected = pod.injected.iter().map(|injected| &injected.known);
    wanted.any(&RULES) && injected.any(|known| known.own_switch().is_some() && !known.ready.is_empty())
}

/// The injected sidecar that a container's wrapper minds, by the address in its settings. None where a container of
/// the manifest may be what it minds.
fn minded<'p>(pod: &'p Pod<'_>, member: &Member<'_>, wanted: Wanted<'_>) -> Option<&'p KnownSidecar> {
    wanted.about(&["wrapper-binary"], member.container.name)?;
    let name = wrapped(member)?.ok()?.name;
    let ports: Vec<u16> = match name {
        "linkerd-await" => vec![4191],
        _ => ["ISTIO_QUIT_API", "ENVOY_KILL_API", "ENVOY_ADMIN_API"]
            .iter()
            .filter_map(|variable| member.container.value_of(variable))
            .filter_map(|address| address.rsplit(':').next()?.split('/').next()?.parse().ok())
            .collect(),
    };
    let known = pod
        .catalogue
        .entries()
        .filter(|known| known.injector.is_some())
        .find(|known| ports.iter().any(|port| known.is_ready_endpoint(*port, None)))?;
    let is_here = pod.members.iter().any(|member| {
        pod.catalogue
            .of(&member.container)
            .is_some_and(|own| own.name == known.name)
            || member.container.ports().any(|own| ports.contains(&own.number))
    });
    (!is_here).then_some(&**known)
}

fn one(planner: &mut Planner<'_, '_>, known: &KnownSidecar) {
    let (pod, wanted, options) = (planner.pod, planner.wanted, planner.options);
    let what = format!("{} is injected as a native sidecar", known.name);
    let Some(switch) = &known.switch else {
        if options.form == Form::Annotation
            && let [name] = known.containers.as_slice()
        {
            promoted(planner, known, name);
            return;
        }
        let injector = known.injector.as_deref().unwrap_or("its injector");
        planner.plan.left(
            format!("{} as it is", known.name),
            format!("{injector} cannot inject native sidecars yet: keep the workaround, or promote it at admission"),
            false,
        );
        return;
    };
    if known.own_switch().is_none() {
        planner
            .plan
            .left(format!("{} as it is", known.name), switch.since.clone(), false);
        return;
    }
    let is_set = is_switched_on(pod.workload, known);
    if !options.review && is_set {
        return;
    }
    if !options.review {
        planner.plan.left(
            format!("not done: {what}"),
            format!(
                "the injector has to know {}: {:?} ({})",
                switch.annotation, switch.value, switch.since
            ),
            true,
        );
        return;
    }
    let mut half = AppHalf::default();
    if let Err(reason) = half
        .gather(pod, known, wanted)
        .and_then(|()| {
            if is_set {
                Ok(())
            } else {
                annotation::set(pod, &switch.annotation, &switch.value, &mut half.changes)
            }
        })
        .and_then(|()| half.finish(planner))
    {
        planner.plan.left(format!("not done: {what}"), reason, false);
        return;
    }
    if is_set {
        return;
    }
    planner.plan.done(
        Class::Review,
        format!("{what}: {}: {:?}", switch.annotation, switch.value),
    );
    planner
        .plan
        .note(format!("{}: {}", switch.annotation, switch.since));
}

/// Names a sidecar whose injector has no switch in the annotation: the policy promotes what webhooks add too.
fn promoted(planner: &mut Planner<'_, '_>, known: &KnownSidecar, name: &str) {
    let (pod, wanted, options) = (planner.pod, planner.wanted, planner.options);
    let is_named = pod.annotation_names(known);
    if !options.review && is_named {
        return;
    }
    let what = format!(
        "{name}, which is injected, is declared a sidecar: {}",
        Form::Annotation.describe()
    );
    if !options.review {
        let reason =
            "the policy has to be installed before the pods are created, and its injector adds the container";
        planner.plan.left(format!("not done: {what}"), reason, true);
        return;
    }
    let mut half = AppHalf::keeping_waits();
    if let Err(reason) = half
        .gather(pod, known, wanted)
        .and_then(|()| half.finish(planner))
    {
        planner.plan.left(format!("not done: {what}"), reason, false);
        return;
    }
    if !is_named {
        planner.plan.named.push(name.to_owned());
        planner.plan.done(Class::Review, what);
    }
}
