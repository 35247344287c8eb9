//! Sleeps before the start of the app.

use crate::{
    behaviour::Answer,
    pod::{Pod, ProgramSite, Subject},
    remedy::{
        declare::injected,
        gate::startup::Gate,
        plan::Class,
        planner::Planner,
        script::entrypoint::{self, Entrypoint},
    },
};

impl<'a> Planner<'_, 'a> {
    /// A sleep says nothing of what it waits for: only by review, and where a gate does its work.
    pub(crate) fn sleeps(&mut self) {
        let gated = !self.declared.is_empty()
            && self
                .declared
                .iter()
                .all(|(_, gate)| !matches!(gate, Gate::None(_) | Gate::Unasked));
        for (index, member) in self.pod.members.iter().enumerate() {
            let Some((at, program)) = Pod::entrypoint(member) else {
                continue;
            };
            let Some(facts) = self.pod.links.facts(index, at) else {
                continue;
            };
            for sleep in &facts.sleeps {
                let subject = Subject::Sleep(ProgramSite {
                    container: index,
                    program: at,
                    start: sleep.span.start,
                });
                if !self.wanted.has(&subject) {
                    continue;
                }
                // The injector's own switch takes its place.
                if self.declared.is_empty() && injected::holds_back(self.pod, self.wanted) {
                    continue;
                }
                let what = format!("{}: its sleep before the start is removed", member.container.name);
                let cuts = std::slice::from_ref(&sleep.span);
                let can_cut = entrypoint::can_cut(member, program, cuts);
                let (reason, review) = if let Answer::Refuted(hindrance) = can_cut {
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
    }
}
