//! Sidecars that an injector adds: nothing moves, its own switch is set (`semantics.md`, 3.3).

use super::{annotation, declaration::Form};
use crate::{
    behaviour::{LinkKind, Party},
    migrate::{
        Options,
        edit::{change::Change, removal::Removals},
        plan::{Changes, Class, Plan, Round},
        script::entrypoint::{self, Entrypoint, can_cut, sets_environment},
        workaround::{
            stop::{masks, only_stops, stop_behind, stop_with_sleep},
            unwrap::wrapped,
            wanted::Wanted,
        },
    },
    roles::{KnownSidecar, Naming, NamingKind, is_switched_on},
    rules::{self, Member, Pod},
    yaml::{self, Node, Value, edit},
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

/// Keys in `proxy.istio.io/config` that native injection makes superfluous.
const ISTIO_KEYS: [&str; 5] = [
    "holdApplicationUntilProxyStarts",
    "terminationDrainDuration",
    "EXIT_ON_ZERO_ACTIVE_CONNECTIONS",
    "MINIMUM_DRAIN_DURATION",
    "TERMINATION_DRAIN_DURATION_SECONDS",
];

/// Annotations of Linkerd's that its native injection replaces.
const LINKERD_ANNOTATIONS: [&str; 4] = [
    "config.linkerd.io/proxy-await",
    "config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
    "config.beta.linkerd.io/proxy-wait-before-exit-seconds",
    "config.linkerd.io/proxy-wait-before-exit-seconds",
];

/// Plans the switch of each injected sidecar that a finding is about, and the app's half.
pub(in crate::migrate) fn plan(pod: &Pod<'_>, wanted: Wanted<'_>, options: &Options, plan: &mut Plan) {
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
        one(pod, known, wanted, options, plan);
    }
}

/// Annotations for controllers that end sidecars from outside.
fn killers<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = &'p Naming<'a>> {
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

fn one(pod: &Pod<'_>, known: &KnownSidecar, wanted: Wanted<'_>, options: &Options, plan: &mut Plan) {
    let what = format!("{} is injected as a native sidecar", known.name);
    let Some(switch) = &known.switch else {
        if options.form == Form::Annotation
            && let [name] = known.containers.as_slice()
        {
            promoted(pod, known, name, wanted, options, plan);
            return;
        }
        let injector = known.injector.as_deref().unwrap_or("its injector");
        plan.left(
            format!("{} as it is", known.name),
            format!("{injector} cannot inject native sidecars yet: keep the workaround, or promote it at admission"),
            false,
        );
        return;
    };
    if known.own_switch().is_none() {
        plan.left(format!("{} as it is", known.name), switch.since.clone(), false);
        return;
    }
    let is_set = is_switched_on(pod.workload, known);
    if !options.review && is_set {
        return;
    }
    if !options.review {
        plan.left(
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
        .and_then(|()| half.finish(pod, plan))
    {
        plan.left(format!("not done: {what}"), reason, false);
        return;
    }
    if is_set {
        return;
    }
    plan.done(
        Class::Review,
        format!("{what}: {}: {:?}", switch.annotation, switch.value),
    );
    plan.note(format!("{}: {}", switch.annotation, switch.since));
}

/// Names a sidecar whose injector has no switch in the annotation: the policy promotes what webhooks add too.
fn promoted(
    pod: &Pod<'_>,
    known: &KnownSidecar,
    name: &str,
    wanted: Wanted<'_>,
    options: &Options,
    plan: &mut Plan,
) {
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
        plan.left(format!("not done: {what}"), reason, true);
        return;
    }
    let mut half = AppHalf {
        keeps_waits: true,
        ..AppHalf::default()
    };
    if let Err(reason) = half
        .gather(pod, known, wanted)
        .and_then(|()| half.finish(pod, plan))
    {
        plan.left(format!("not done: {what}"), reason, false);
        return;
    }
    if !is_named {
        plan.named.push(name.to_owned());
        plan.done(Class::Review, what);
    }
}

/// What the app does about an injected sidecar.
#[derive(Default)]
struct AppHalf<'a> {
    /// Nothing is known to take their place.
    keeps_waits: bool,
    /// A container went that may have looked at the app's process.
    removes_helper: bool,
    entrypoints: Vec<(usize, Entrypoint)>,
    removals: Removals<'a>,
    changes: Changes,
    done: Vec<String>,
    notes: Vec<String>,
    left: Vec<(String, String)>,
}

impl<'a> AppHalf<'a> {
    fn gather(&mut self, pod: &Pod<'a>, known: &KnownSidecar, wanted: Wanted<'_>) -> Result<(), String> {
        let named = |other: &Party| matches!(other, Party::Injected(party) if party.name == known.name);
        if let Some(app) = rules::told_to_quit(pod, named) {
            return Err(format!(
                "{app} may still end it, and the kubelet would restart it"
            ));
        }
        for link in &pod.links.all {
            let Some((member, program)) = pod.program(link.container, link.program) else {
                continue;
            };
            let is_it = matches!(&link.other, Party::Injected(party) if party.name == known.name);
            let (span, whole, does, harmful) = match &link.kind {
                LinkKind::Waits(wait) if is_it && wait.besides().is_none() => {
                    (&wait.span, &wait.whole, "its wait for", false)
                }
                LinkKind::Quits(quit) if is_it => (&quit.span, &quit.span, "its call that ends", true),
                _ => continue,
            };
            let rules = ["startup-poll", "quit-endpoint", "leftover-workaround"];
            let finding = wanted.at(&rules, program, span).or_else(|| match &link.kind {
                LinkKind::Waits(wait) => stop_behind(pod, link, wait, wanted),
                _ => None,
            });
            if finding.is_none() {
                continue;
            }
            let is_last = pod
                .workload
                .regular()
                .last()
                .is_some_and(|last| last.name == member.container.name);
            if harmful && !self.keeps_waits && is_last && only_stops(pod, link) {
                self.removals.add(member.container.node);
                self.removes_helper = true;
                self.done.push(format!(
                    "{}: goes, it only ends {}",
                    member.container.name, known.name
                ));
                continue;
            }
            let what = format!("{}: {does} {} goes", member.container.name, known.name);
            if self.keeps_waits && !harmful {
                let reason = "the container that is injected is not seen here, nor whether it has a probe that could take its place";
                self.left.push((format!("not done: {what}"), reason.to_owned()));
            } else if can_cut(program, std::slice::from_ref(whole))
                && sets_environment(member, program, span).is_none()
            {
                if let LinkKind::Quits(quit) = &link.kind {
                    self.notes.extend(masks(member.container.name, quit.exit_status));
                }
                let entrypoint = match harmful {
                    true => stop_with_sleep(program, whole),
                    false => Entrypoint::cutting(whole.clone()),
                };
                self.entrypoints.push((link.container, entrypoint));
                self.done.push(what);
            } else if harmful {
                return Err(format!(
                    "“{what}” can't be done: what would remain of the script is not certain"
                ));
            } else {
                self.left.push((
                    format!("not done: {what}"),
                    "what would remain of the script is not certain".to_owned(),
                ));
            }
        }
        if !self.keeps_waits && !known.ready.is_empty() {
            self.sleeps(pod, wanted);
        }
        self.wrappers(pod, wanted)?;
        if wanted.any(&["external-killer"]) {
            for naming in killers(pod) {
                if naming.names.iter().all(|name| known.containers.contains(name)) {
                    self.removals.add(naming.entry.key);
                    let key = naming.entry.key.as_str().unwrap_or("the annotation");
                    self.done.push(format!("{key} goes"));
                }
            }
        }
        self.settings(pod, known)
    }

    /// Sleeps before the start: the injector's own probe holds the app back.
    fn sleeps(&mut self, pod: &Pod<'a>, wanted: Wanted<'_>) {
        for (index, member) in pod.members.iter().enumerate() {
            let Some((at, program)) = Pod::entrypoint(member) else {
                continue;
            };
            for sleep in pod.links.facts(index, at).iter().flat_map(|facts| &facts.sleeps) {
                let is_found = wanted.at(&["startup-sleep"], program, &sleep.span).is_some();
                if is_found && can_cut(program, std::slice::from_ref(&sleep.span)) {
                    self.entrypoints
                        .push((index, Entrypoint::cutting(sleep.span.clone())));
                    self.done.push(format!(
                        "{}: its sleep before the start goes",
                        member.container.name
                    ));
                }
            }
        }
    }

    fn wrappers(&mut self, pod: &Pod<'a>, wanted: Wanted<'_>) -> Result<(), String> {
        for (index, member) in pod.members.iter().enumerate() {
            if wanted.about(&["wrapper-binary"], member.container.name).is_none() {
                continue;
            }
            match wrapped(member) {
                Some(Ok(wrapped)) => {
                    self.done.push(format!(
                        "{}: runs without {}",
                        member.container.name, wrapped.name
                    ));
                    self.entrypoints.push((index, wrapped.entrypoint));
                    self.removals.extend(&wrapped.removals);
                }
                Some(Err(reason)) => return Err(reason),
                None => return Err("the wrapper is in the image, or part of a script".to_owned()),
            }
        }
        Ok(())
    }

    /// Hold and drain settings in the pod template's annotations.
    fn settings(&mut self, pod: &Pod<'a>, known: &KnownSidecar) -> Result<(), String> {
        for entry in pod.workload.pod_annotations() {
            let key = entry.key.as_str().unwrap_or_default();
            if known.name == "linkerd-proxy" && LINKERD_ANNOTATIONS.contains(&key) {
                self.removals.add(entry.key);
                self.done.push(format!("{key} goes"));
            }
            if known.name == "istio-proxy" && key == "proxy.istio.io/config" {
                self.istio_config(entry.key, entry.value)?;
            }
        }
        Ok(())
    }

    /// Takes keys out of YAML or JSON that stands in a string.
    fn istio_config(&mut self, key: Node<'a>, value: Node<'a>) -> Result<(), String> {
        let text = value.as_str().unwrap_or_default();
        let Ok(stream) = yaml::parse(text) else {
            return Err("proxy.istio.io/config is no YAML".to_owned());
        };
        let Some(root) = stream.root(0) else { return Ok(()) };
        let mut inner = Removals::default();
        let is_setting = |key: Node<'_>| key.as_str().is_some_and(|key| ISTIO_KEYS.contains(&key));
        // A mapping goes with the last of its keys.
        let holds_settings = |value: Node<'_>| {
            value.written_entries().next().is_some()
                && value.written_entries().all(|entry| is_setting(entry.key))
        };
        let mut settings: Vec<Node<'_>> = Vec::new();
        for mapping in root.walk().filter(|node| node.is_mapping()) {
            let is_inner = mapping != root && holds_settings(mapping);
            for entry in mapping.written_entries() {
                if is_setting(entry.key) {
                    let name = entry.key.as_str().unwrap_or_default();
                    self.done.push(format!("{name} goes"));
                }
                if !is_inner && (is_setting(entry.key) || holds_settings(entry.value)) {
                    settings.push(entry.key);
                }
            }
        }
        if settings.is_empty() {
            return Ok(());
        }
        for setting in &settings {
            inner.add(*setting);
        }
        if settings.len() == root.written_entries().count()
            && settings.iter().all(|node| node.parent() == Some(root))
        {
            self.removals.add(key);
            return Ok(());
        }
        let edited = edit::remove(&settings)
            .and_then(|edits| edit::apply(text, &edits))
            .map_err(|error| error.to_string())?;
        // What it said is checked here, because the outer guard sees only a string.
        let mut intended = Value::documents(&stream).map_err(|error| error.to_string())?;
        crate::migrate::edit::change::intend(&mut intended, &inner.changes(&[])?)
            .map_err(|error| error.to_string())?;
        let again = yaml::parse(&edited).map_err(|error| error.to_string())?;
        if Value::documents(&again).ok().as_ref() != Some(&intended) {
            return Err("proxy.istio.io/config has a form that can't be edited".to_owned());
        }
        self.changes.text(value, edited)
    }

    fn finish(mut self, pod: &Pod<'a>, plan: &mut Plan) -> Result<(), String> {
        let mut entrypoints: std::collections::BTreeMap<usize, Entrypoint> =
            std::collections::BTreeMap::new();
        for (index, entrypoint) in &self.entrypoints {
            entrypoints.entry(*index).or_default().merge(entrypoint);
        }
        for (index, entrypoint) in &entrypoints {
            if let Some(member) = pod.members.get(*index) {
                self.changes
                    .extend(entrypoint::change(pod, member, entrypoint, &mut self.removals)?);
            }
        }
        let kept: Vec<_> = annotation::kept(pod)?.into_iter().collect();
        let removals: Vec<Change> = self.removals.changes(&kept)?;
        for change in self.changes.cuts.into_iter().chain(removals) {
            plan.add(Round::Cut, change);
        }
        for change in self.changes.additions {
            plan.add(Round::Add, change);
        }
        plan.signals_gone |= self.removes_helper;
        plan.elsewhere.extend(self.changes.elsewhere);
        plan.annotations.extend(self.changes.annotations);
        self.done
            .into_iter()
            .for_each(|what| plan.done(Class::Review, what));
        self.notes.into_iter().for_each(|note| plan.note(note));
        self.left
            .into_iter()
            .for_each(|(what, reason)| plan.left(what, reason, false));
        Ok(())
    }
}
