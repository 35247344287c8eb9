//! Scripts that have nothing left to do and only keep their container up.

use crate::{
    behaviour::action::Action,
    shell::{Command, Span},
};

use super::{Located, ScriptBehaviour, StepKind, waiting_loop::is_endless};

/// A sleep of an hour or more, in seconds, isn't there to let time pass between two steps.
const LONG: f64 = 3600.0;

impl ScriptBehaviour<'_> {
    /// Whether the script ends in `sleep infinity`, `tail -f /dev/null` or a loop that only sleeps.
    #[must_use]
    pub fn stays_idle(&self) -> bool {
        let passive = |kind| matches!(kind, StepKind::Function | StepKind::Trap | StepKind::Exit);
        let Some(last) = self.steps.iter().rfind(|step| !passive(step.kind)) else {
            return false;
        };
        match last.pipeline.commands.as_slice() {
            [Command::Loop { until, condition, .. }] => {
                is_endless(condition, *until) && self.only_sleeps(&last.span())
            }
            _ => self.within(&last.span()).next().is_some_and(is_idle),
        }
    }

    fn only_sleeps(&self, span: &Span) -> bool {
        let sleeps = |located: &Located| matches!(located.action.action, Action::Sleep { .. });
        self.within(span).any(sleeps)
            && self
                .within(span)
                .all(|located| sleeps(located) || located.action.is_noise())
    }
}

/// `sleep infinity`, `sleep 1d`, `tail -f /dev/null`
fn is_idle(located: &Located) -> bool {
    if let Action::Sleep { seconds } = located.action.action {
        return seconds.is_some_and(|seconds| seconds >= LONG);
    }
    let words = located.visit.simple().map_or(&[][..], |simple| &simple.words);
    let named = |name: &str| words.iter().any(|word| word.raw == name);
    named("tail") && named("/dev/null")
}
