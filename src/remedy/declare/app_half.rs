//! What an app does about a sidecar that is injected: waits, calls, wrappers, settings.

use super::{annotation, end_watches::describe, injected::killers};
use crate::{
    behaviour::{Answer, EndWatch, Link, LinkKind, Party, script::ExitStatus},
    catalogue::injector::{self, Injector},
    edit::removal::Removals,
    pod::{Pod, ProgramSite, Subject},
    remedy::{
        obligation::Proof,
        plan::{Action, Changes, Class, Refusal},
        planner::Planner,
        script::{
            entrypoint::{self, Entrypoint, can_cut},
            script_is_whole,
        },
        wanted::Wanted,
        workaround::{
            stop::{EndWaits, account_of_helper, end_waits, masks, only_stops, stop_behind, stop_with_sleep},
            unwrap::wrapped,
        },
    },
    roles::KnownSidecar,
    yaml::{self, Entry, Node, Value, edit},
};

/// What the app does about an injected sidecar.
pub(super) struct AppHalf<'a> {
    /// What all of it rests on.
    proof: Proof,
    allowed: Class,
    /// Nothing is known to take their place.
    keeps_waits: bool,
    /// A container went that may have looked at the app's process.
    removes_helper: bool,
    entrypoints: Vec<(usize, Entrypoint)>,
    removals: Removals<'a>,
    pub(super) changes: Changes,
    done: Vec<Action>,
    notes: Vec<String>,
    left: Vec<Refusal>,
}

impl<'a> AppHalf<'a> {
    pub(super) fn of(proof: Proof, allowed: Class) -> Self {
        Self {
            proof,
            allowed,
            keeps_waits: false,
            removes_helper: false,
            entrypoints: Vec::new(),
            removals: Removals::default(),
            changes: Changes::default(),
            done: Vec::new(),
            notes: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(super) fn keeping_waits(self) -> Self {
        Self {
            keeps_waits: true,
            ..self
        }
    }

    fn do_it(&mut self, class: Class, what: String, subjects: impl IntoIterator<Item = Subject>) {
        self.done.push(Action {
            class: class.max(self.proof.class()),
            what,
            subjects: subjects.into_iter().collect(),
            proofs: vec![self.proof.clone()],
        });
    }

    fn leave(&mut self, what: &str, reason: &str, review: bool, subject: Subject) {
        self.left.push(Refusal {
            what: format!("not done: {what}"),
            reason: reason.to_owned(),
            review,
            subjects: vec![subject],
            proofs: vec![self.proof.clone()],
        });
    }

    pub(super) fn gather(
        &mut self,
        pod: &Pod<'a>,
        known: &KnownSidecar,
        wanted: &Wanted,
    ) -> Result<(), String> {
        let named = |other: &Party| matches!(other, Party::Injected(party) if party.name == known.name);
        if let Some(app) = crate::pod::told_to_quit(pod, named) {
            return Err(format!(
                "{app} may still end it, and the kubelet would restart it"
            ));
        }
        for (at, link) in pod.links.all.iter().enumerate() {
            if named(&link.other) {
                self.link(pod, known, at, link, wanted)?;
            }
        }
        if let Some(watch) = pod
            .links
            .end_watches
            .iter()
            .filter(|watch| watch.is_certain || self.allowed < Class::Review)
            .find(|watch| named(&watch.other) && !self.takes_out(pod, watch))
        {
            return Err(describe(pod, watch));
        }
        if !self.keeps_waits && !known.ready.is_empty() {
            self.sleeps(pod, wanted);
        }
        self.wrappers(pod, wanted)?;
        for (at, naming) in killers(pod).filter(|(at, _)| wanted.has(&Subject::Naming(*at))) {
            if naming.names.iter().all(|name| known.containers.contains(name)) {
                self.removals.add(naming.entry.key);
                let key = naming.entry.key.as_str().unwrap_or("the annotation");
                self.do_it(Class::Safe, format!("{key} is removed"), [Subject::Naming(at)]);
            }
        }
        self.settings(pod, known, wanted)
    }

    /// Whether somebody who waits for the injected sidecar's end goes.
    fn takes_out(&self, pod: &Pod<'a>, watch: &EndWatch) -> bool {
        let mut own = self
            .entrypoints
            .iter()
            .filter(|(index, _)| *index == watch.container);
        let member = pod.members.get(watch.container);
        own.any(|(_, entrypoint)| entrypoint.cuts_out(&watch.span))
            || member.is_some_and(|member| self.removals.contains(member.container.node))
    }

    /// A wait for the injected sidecar, or a call or signal that ends it.
    fn link(
        &mut self,
        pod: &Pod<'a>,
        known: &KnownSidecar,
        at: usize,
        link: &Link,
        wanted: &Wanted,
    ) -> Result<(), String> {
        let Some((member, program)) = pod.program(link.container, link.program) else {
            return Ok(());
        };
        let subject = Subject::Link(at);
        let app = member.container.name;
        let (span, does, exit_status) = match &link.kind {
            LinkKind::Waits(wait) if wait.besides().is_none() => (&wait.whole, "its wait for", None),
            LinkKind::Quits(quit) => (
                &quit.span,
                "its call that ends",
                Some((quit.exit_status, quit.is_repeated)),
            ),
            LinkKind::Kills(kill) => (
                &kill.span,
                "its signal that ends",
                Some((kill.exit_status, kill.is_in_loop || kill.is_background)),
            ),
            _ => return Ok(()),
        };
        let is_behind = || match &link.kind {
            LinkKind::Waits(wait) => stop_behind(pod, link, wait, wanted),
            _ => false,
        };
        if !wanted.link(at) && !is_behind() {
            return match exit_status {
                Some(_) => Err(format!(
                    "{app} would still end it, and the kubelet would restart it"
                )),
                None => Ok(()),
            };
        }
        let is_last = pod.workload.regular().last().is_some_and(|last| last.name == app);
        if exit_status.is_some()
            && !self.keeps_waits
            && is_last
            && self.allowed >= Class::Review
            && only_stops(pod, link)
        {
            self.removals.add(member.container.node);
            self.removes_helper = true;
            self.notes.extend(account_of_helper(pod, member));
            self.do_it(
                Class::Review,
                format!("{app}: is removed, it only ends {}", known.name),
                [subject],
            );
            return Ok(());
        }
        let what = format!("{app}: {does} {} is removed", known.name);
        if self.keeps_waits && exit_status.is_none() {
            let reason = "the container that is injected is not seen here, nor whether it has a probe that could take its place";
            self.leave(&what, reason, false, subject);
            return Ok(());
        }
        let end_waits = match exit_status {
            Some(_) => end_waits(pod, link),
            None => EndWaits::default(),
        };
        let (answer, entrypoint) = match exit_status {
            Some(_) => stop_with_sleep(member, program, span, &end_waits.spans),
            None => (
                can_cut(member, program, std::slice::from_ref(span)),
                Entrypoint::cutting(span.clone()),
            ),
        };
        let whole = script_is_whole(answer);
        if let Answer::Refuted(reason) = &whole.answer {
            return match exit_status {
                Some(_) => Err(format!("“{what}” can't be done: {reason}")),
                None => {
                    self.leave(&what, reason, false, subject);
                    Ok(())
                }
            };
        }
        let result = match exit_status {
            Some((ExitStatus::Preserved, false)) | None => Class::Safe,
            Some(_) => Class::Review,
        };
        let of_waits = end_waits.doubt.as_ref();
        let class = result
            .max(whole.class())
            .max(of_waits.map_or(Class::Safe, Proof::class));
        if class > self.allowed {
            let of_waits = of_waits.and_then(|doubt| doubt.answer.reason());
            let doubt = whole.answer.reason().or(of_waits).map(String::as_str);
            let reason = doubt.unwrap_or("without it the script may end with another result");
            self.leave(&what, reason, true, subject);
            return Ok(());
        }
        if let Some(doubt) = whole.answer.reason() {
            self.notes
                .push(format!("compare the script before and after: {doubt}"));
        }
        if let Some((exit_status, _)) = exit_status {
            self.notes
                .extend(masks(member, program, exit_status, &entrypoint));
        }
        let entrypoint = Entrypoint {
            reviewed: self.allowed >= Class::Review,
            ..entrypoint
        };
        self.entrypoints.push((link.container, entrypoint));
        self.do_it(class, what, [subject]);
        Ok(())
    }

    /// Sleeps before the start: the injector's own probe holds the app back.
    fn sleeps(&mut self, pod: &Pod<'a>, wanted: &Wanted) {
        for (index, member) in pod.members.iter().enumerate() {
            let Some((at, program)) = Pod::entrypoint(member) else {
                continue;
            };
            for sleep in pod.links.facts(index, at).iter().flat_map(|facts| &facts.sleeps) {
                let subject = Subject::Sleep(ProgramSite {
                    container: index,
                    program: at,
                    start: sleep.span.start,
                });
                let is_wanted = wanted.has(&subject) && self.allowed >= Class::Review;
                let cuts = std::slice::from_ref(&sleep.span);
                if is_wanted && !can_cut(member, program, cuts).is_refuted() {
                    self.entrypoints
                        .push((index, Entrypoint::reviewed(sleep.span.clone())));
                    let what = format!("{}: its sleep before the start is removed", member.container.name);
                    self.do_it(Class::Review, what, [subject]);
                }
            }
        }
    }

    fn wrappers(&mut self, pod: &Pod<'a>, wanted: &Wanted) -> Result<(), String> {
        for (index, member) in pod.members.iter().enumerate() {
            let subject = Subject::Wrapper(index);
            if !wanted.has(&subject) {
                continue;
            }
            match wrapped(member) {
                Some(Ok(wrapped)) => {
                    let what = format!("{}: runs without {}", member.container.name, wrapped.wrapper.name);
                    self.entrypoints.push((index, wrapped.entrypoint));
                    self.removals.extend(&wrapped.removals);
                    self.do_it(Class::Safe, what, [subject]);
                }
                Some(Err(reason)) => return Err(reason),
                None => return Err("the wrapper is in the image, or part of a script".to_owned()),
            }
        }
        Ok(())
    }

    /// Hold and drain settings in the pod template's annotations.
    fn settings(&mut self, pod: &Pod<'a>, known: &KnownSidecar, wanted: &Wanted) -> Result<(), String> {
        let Some(injector) = known.injector.as_deref().and_then(injector::by_name) else {
            return Ok(());
        };
        for entry in pod.workload.pod_annotations() {
            let key = entry.key.as_str().unwrap_or_default();
            let subject = Subject::setting(injector.name, key);
            if wanted.has(&subject) {
                self.removals.add(entry.key);
                self.do_it(Class::Safe, format!("{key} is removed"), [subject]);
            }
            if injector.settings_annotation == Some(key) {
                self.proxy_settings(injector, entry, wanted)?;
            }
        }
        Ok(())
    }

    /// Takes keys out of YAML or JSON that stands in a string.
    fn proxy_settings(
        &mut self,
        injector: &Injector,
        entry: Entry<'a>,
        wanted: &Wanted,
    ) -> Result<(), String> {
        let (key, value) = (entry.key, entry.value);
        let annotation = key.as_str().unwrap_or_default();
        let text = value.as_str().unwrap_or_default();
        let Ok(stream) = yaml::parse(text) else {
            return Err(format!("{annotation} is no YAML"));
        };
        let Some(root) = stream.root(0) else { return Ok(()) };
        let holds = |key: &str| {
            injector
                .holds
                .iter()
                .any(|hold| hold.in_settings && hold.name == key)
        };
        let may_go = |key: &str| holds(key) || self.allowed >= Class::Review;
        let is_setting = |key: Node<'_>| {
            key.as_str()
                .is_some_and(|key| wanted.has(&Subject::setting(injector.name, key)) && may_go(key))
        };
        let mut inner = Removals::default();
        // A mapping goes with the last of its keys.
        let holds_settings = |value: Node<'_>| {
            value.written_entries().next().is_some()
                && value.written_entries().all(|entry| is_setting(entry.key))
        };
        let mut settings: Vec<Node<'_>> = Vec::new();
        let mut gone = Vec::new();
        let mut left = Vec::new();
        for mapping in root.walk().filter(|node| node.is_mapping()) {
            let is_inner = mapping != root && holds_settings(mapping);
            for entry in mapping.written_entries() {
                let name = entry.key.as_str().unwrap_or_default();
                if is_setting(entry.key) {
                    gone.push(name);
                } else if wanted.has(&Subject::setting(injector.name, name)) {
                    left.push(name);
                }
                if !is_inner && (is_setting(entry.key) || holds_settings(entry.value)) {
                    settings.push(entry.key);
                }
            }
        }
        for name in gone {
            // A native proxy of Istio's drains when the pod is deleted, while the app still works (istio/istio#60649).
            let class = if holds(name) { Class::Safe } else { Class::Review };
            self.do_it(
                class,
                format!("{name} is removed"),
                [Subject::setting(injector.name, name)],
            );
        }
        for name in left {
            let reason = "a native proxy drains when the pod is deleted, so that whether the time is wanted has to be decided";
            self.leave(
                &format!("{name} is removed"),
                reason,
                true,
                Subject::setting(injector.name, name),
            );
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
        crate::edit::intention::intend(&mut intended, &inner.changes(&[])?)
            .map_err(|error| error.to_string())?;
        let again = yaml::parse(&edited).map_err(|error| error.to_string())?;
        if Value::documents(&again).ok().as_ref() != Some(&intended) {
            return Err(format!("{annotation} has a form that can't be edited"));
        }
        self.changes.text(value, edited)
    }

    pub(super) fn finish(mut self, planner: &mut Planner<'_, 'a>) -> Result<(), String> {
        let mut merged = planner.entrypoints.clone();
        for (index, entrypoint) in &self.entrypoints {
            merged.entry(*index).or_default().merge(entrypoint);
        }
        // What is cut for other sidecars out of the same script goes in one edit with this.
        for (index, _) in &self.entrypoints {
            if let (Some(member), Some(entrypoint)) = (planner.pod.members.get(*index), merged.get(index)) {
                entrypoint::change(
                    planner.pod,
                    member,
                    entrypoint,
                    planner.options.keeps_script,
                    &mut Removals::default(),
                )?;
            }
        }
        let kept: Vec<_> = annotation::kept(planner.pod)?.into_iter().collect();
        self.removals.changes(&kept)?;
        planner.annotates = true;
        planner.entrypoints = merged;
        planner.removals.extend(&self.removals);
        planner.changes.extend(std::mem::take(&mut self.changes));
        planner.plan.signals_gone |= self.removes_helper;
        self.done
            .into_iter()
            .for_each(|action| planner.plan.add_action(action));
        self.notes.into_iter().for_each(|note| planner.plan.note(note));
        self.left
            .into_iter()
            .for_each(|refusal| planner.plan.add_refusal(refusal));
        Ok(())
    }
}
