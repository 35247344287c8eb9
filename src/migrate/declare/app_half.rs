//! What an app does about a sidecar that is injected: waits, calls, wrappers, settings.

use super::{annotation, injected::killers};
use crate::{
    behaviour::{Answer, LinkKind, Party},
    migrate::{
        edit::removal::Removals,
        plan::{Changes, Class},
        planner::Planner,
        script::entrypoint::{self, Entrypoint, can_cut},
        workaround::{
            stop::{masks, only_stops, stop_behind, stop_with_sleep},
            unwrap::wrapped,
            wanted::Wanted,
        },
    },
    roles::KnownSidecar,
    rules::{self, Pod},
    yaml::{self, Node, Value, edit},
};

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

/// What the app does about an injected sidecar.
#[derive(Default)]
pub(super) struct AppHalf<'a> {
    /// Nothing is known to take their place.
    keeps_waits: bool,
    /// A container went that may have looked at the app's process.
    removes_helper: bool,
    entrypoints: Vec<(usize, Entrypoint)>,
    removals: Removals<'a>,
    pub(super) changes: Changes,
    done: Vec<String>,
    notes: Vec<String>,
    left: Vec<(String, String)>,
}

impl<'a> AppHalf<'a> {
    pub(super) fn keeping_waits() -> Self {
        Self {
            keeps_waits: true,
            ..Self::default()
        }
    }

    pub(super) fn gather(
        &mut self,
        pod: &Pod<'a>,
        known: &KnownSidecar,
        wanted: Wanted<'_>,
    ) -> Result<(), String> {
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
                continue;
            }
            let answer = can_cut(member, program, std::slice::from_ref(whole));
            if let Answer::Refuted(hindrance) = answer {
                if harmful {
                    return Err(format!("“{what}” can't be done: {hindrance}"));
                }
                self.left
                    .push((format!("not done: {what}"), hindrance.to_string()));
            } else {
                if let Answer::Unknown(doubt) = answer {
                    self.notes
                        .push(format!("look at what remains of the script: {doubt}"));
                }
                if let LinkKind::Quits(quit) = &link.kind {
                    self.notes.extend(masks(member.container.name, quit.exit_status));
                }
                let entrypoint = match harmful {
                    true => stop_with_sleep(member, program, whole),
                    false => Entrypoint::cutting(whole.clone()),
                };
                let entrypoint = Entrypoint {
                    reviewed: true,
                    ..entrypoint
                };
                self.entrypoints.push((link.container, entrypoint));
                self.done.push(what);
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
                let cuts = std::slice::from_ref(&sleep.span);
                if is_found && !can_cut(member, program, cuts).is_refuted() {
                    self.entrypoints
                        .push((index, Entrypoint::reviewed(sleep.span.clone())));
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

    /// Adds it to what is done to the pod. Where its scripts can't be changed together with what was planned before,
    /// nothing is added.
    pub(super) fn finish(self, planner: &mut Planner<'_, 'a>) -> Result<(), String> {
        let pod = planner.pod;
        let mut entrypoints = planner.entrypoints.clone();
        for (index, entrypoint) in &self.entrypoints {
            entrypoints.entry(*index).or_default().merge(entrypoint);
        }
        for (index, _) in &self.entrypoints {
            if let (Some(member), Some(entrypoint)) = (pod.members.get(*index), entrypoints.get(index)) {
                entrypoint::change(pod, member, entrypoint, &mut Removals::default())?;
            }
        }
        let kept: Vec<_> = annotation::kept(pod)?.into_iter().collect();
        self.removals.changes(&kept)?;
        planner.annotates = true;
        planner.entrypoints = entrypoints;
        planner.removals.extend(&self.removals);
        planner.changes.extend(self.changes);
        let plan = &mut planner.plan;
        plan.signals_gone |= self.removes_helper;
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
