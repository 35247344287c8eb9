//! Sleeps before the start of the app.

use crate::{
    behaviour::{Answer, script::Sleep},
    pod::{Pod, ProgramSite, Subject},
    remedy::{
        declare::injected,
        gate::startup::Gate,
        plan::Class,
        planner::Planner,
        script::entrypoint::{self, Entrypoint},
    },
    workload::Program,
};

/// A sleep that is to be treated.
struct WantedSleep<'p, 'a> {
    container: usize,
    program: &'p Program<'a>,
    sleep: &'p Sleep,
    subject: Subject,
}

impl<'p, 'a> Planner<'p, 'a> {
    /// A sleep says nothing of what it waits for: only by review, and where a gate does its work.
    pub(crate) fn sleeps(&mut self) {
        let gated = !self.declared.is_empty()
            && self
                .declared
                .iter()
                .all(|(_, gate)| !matches!(gate, Gate::None(_) | Gate::Unasked));
        for WantedSleep {
            container: index,
            program,
            sleep,
            subject,
        } in self.wanted_sleeps()
        {
            let Some(member) = self.pod.members.get(index) else {
                continue;
            };
            // The injector's own switch takes its place.
            if self.declared.is_empty() && injected::holds_back(self.pod, self.wanted) {
                continue;
            }
            let what = format!("{}: its sleep before the start is removed", member.container.name);
            let cuts = std::slice::from_ref(&sleep.span);
            let can_cut = entrypoint::can_cut(member, program, cuts);
            let (reason, review) = if let Some(condition) = condition_of(program, sleep)
                && can_cut.is_refuted()
            {
                let reason = format!(
                    "it sleeps once where “{condition}” fails and then goes on, and a gate waits as long as it takes"
                );
                (reason, false)
            } else if let Answer::Refuted(hindrance) = can_cut {
                (hindrance.to_string(), false)
            } else if !self.options.review {
                ("a sleep does not say what it waits for".to_owned(), true)
            } else if !gated {
                (
                    "no declared sidecar with a gate takes its place".to_owned(),
                    false,
                )
            } else {
                self.plan.done(Class::Review, what, [subject]);
                self.entrypoints
                    .entry(index)
                    .or_default()
                    .merge(&Entrypoint::reviewed(sleep.span.clone()));
                continue;
            };
            self.plan
                .left(format!("not done: {what}"), reason, review, [subject]);
        }
    }

    /// Whether some sleep is removed once a gate takes its place. One that has to stay is no reason for a gate:
    /// `nc -z localhost 5432 || sleep 10` goes on whatever comes of it.
    pub(crate) fn some_sleep_may_go(&self) -> bool {
        let may_go = |found: &WantedSleep<'p, 'a>| {
            let member = self.pod.members.get(found.container);
            let cuts = std::slice::from_ref(&found.sleep.span);
            member.is_some_and(|member| !entrypoint::can_cut(member, found.program, cuts).is_refuted())
        };
        let some_may = || self.options.review && self.wanted_sleeps().iter().any(may_go);
        *self.sleep_may_go.get_or_init(some_may)
    }

    /// The sleeps that are to be treated.
    fn wanted_sleeps(&self) -> Vec<WantedSleep<'p, 'a>> {
        if !self.wanted.some_sleep() {
            return Vec::new();
        }
        let pod = self.pod;
        let programs = pod.members.iter().enumerate().filter_map(|(container, member)| {
            let (at, program) = Pod::entrypoint(member)?;
            Some((container, at, program, pod.links.facts(container, at)?))
        });
        programs
            .flat_map(|(container, at, program, facts)| {
                facts.sleeps.iter().map(move |sleep| WantedSleep {
                    container,
                    program,
                    sleep,
                    subject: Subject::Sleep(ProgramSite {
                        container,
                        program: at,
                        start: sleep.span.start,
                    }),
                })
            })
            .filter(|found| self.wanted.has(&found.subject))
            .collect()
    }
}

/// What a sleep depends on: `nc -z localhost 5432 || sleep 10`.
fn condition_of<'p>(program: &'p Program<'_>, sleep: &Sleep) -> Option<&'p str> {
    let before = program.text.get(sleep.statement.start..sleep.span.start)?;
    Some(before.trim_end().strip_suffix("||")?.trim_end())
}
