//! Loops that ask the API server whether the pod's work is done.

use crate::{
    behaviour::action::{Action, Target},
    catalogue::program_reach::asks_the_cluster,
    shell::{Command, Span, Word},
};

use super::{Located, ScriptBehaviour, Wait, covers};

/// Subcommands of `kubectl` that only read.
const READING: [&str; 3] = ["get", "wait", "describe"];

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
            .filter(|located| subcommand(located) == Some("wait"))
            .map(|located| (located.action.span.clone(), &located.visit.context));
        let (span, context) = loops
            .chain(alone)
            .find(|(span, _)| self.only_asks_cluster(span))?;
        Some(self.placed(&span, context))
    }

    fn only_asks_cluster(&self, span: &Span) -> bool {
        let mut asks = false;
        for located in self.within(span) {
            match subcommand(located) {
                Some(read) if READING.contains(&read) => asks = true,
                Some(_) => return false,
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

/// The subcommand of `kubectl` or `oc`.
fn subcommand<'l>(located: &'l Located<'_>) -> Option<&'l str> {
    let Action::Other { program: Some(name) } = &located.action.action else {
        return None;
    };
    let words: &[Word] = &located.visit.simple()?.words;
    asks_the_cluster(name)
        .then(|| {
            let behind = words.iter().skip(located.action.program_word + 1);
            behind
                .map(|word| word.raw.as_str())
                .find(|word| !word.starts_with('-'))
        })
        .flatten()
}
