//! Loops that ask the API server whether the pod's work is done.

use crate::{
    behaviour::action::{Action, Target},
    catalogue::program_reach::asks_the_cluster,
    shell::{Command, Span},
};

use super::{Located, ScriptBehaviour, Wait, covers};

impl ScriptBehaviour<'_> {
    /// A loop that reads from the API server and leaves the script or ends what the script has started, or a `kubectl
    /// wait` with nothing but that behind it.
    #[must_use]
    pub fn asks_cluster(&self) -> Option<Wait> {
        if self.background().is_empty() {
            return None;
        }
        let loops = self
            .compounds
            .iter()
            .filter(|visit| matches!(visit.command, Command::Loop { .. }))
            .map(|visit| (visit.command.span(), &visit.context));
        let alone = self
            .commands
            .iter()
            .filter(|located| matches!(call(located), Some(Call::Reads("wait"))))
            .map(|located| (located.action.span.clone(), &located.visit.context));
        let (span, context) = loops
            .chain(alone)
            .find(|(span, _)| self.only_asks_cluster(span))?;
        Some(self.placed(&span, context))
    }

    fn only_asks_cluster(&self, span: &Span) -> bool {
        let mut asks = false;
        for located in self.within(span) {
            match call(located) {
                Some(Call::Reads(_)) => asks = true,
                Some(Call::Acts) => return false,
                None => {}
            }
        }
        let own = self.child_variables();
        let is_own = |target: &Target| match target {
            Target::Variable(name) => name == "!" || own.contains(name),
            target => matches!(target, Target::Job(_)),
        };
        let ends = |located: &Located| match &located.action.action {
            Action::Exit { .. } => true,
            Action::Signal {
                targets, only_tests, ..
            } => !only_tests && targets.iter().all(is_own),
            _ => false,
        };
        let behind = |located: &&Located| located.action.span.start >= span.end;
        let leads_to_the_end = self
            .commands
            .iter()
            .filter(|located| covers(span, &located.action.span) || behind(located))
            .any(ends);
        let works_behind = self
            .steps
            .iter()
            .any(|step| step.is_work() && !step.is_background() && step.span().start >= span.end);
        asks && leads_to_the_end && !works_behind
    }
}

/// What a client of the API server is run for.
enum Call<'l> {
    /// By a subcommand that only reads (`catalogue::tool`).
    Reads(&'l str),
    /// Anything else.
    Acts,
}

fn call<'l>(located: &'l Located<'_>) -> Option<Call<'l>> {
    match &located.action.action {
        Action::Tool { name } => {
            let (program, subcommand) = name.split_once(' ')?;
            asks_the_cluster(program).then_some(Call::Reads(subcommand))
        }
        Action::Other { program: Some(name) } => asks_the_cluster(name).then_some(Call::Acts),
        _ => None,
    }
}
