//! Scripts that have nothing left to do and only keep their container up.

use crate::{
    behaviour::action::Action,
    catalogue::program_end::{is_foreign, is_server},
    shell::{Command, Span},
};

use super::{Located, ScriptBehaviour, Step, StepKind, waiting_loop::is_endless_loop};

/// A sleep of an hour or more, in seconds, isn't there to let time pass between two steps.
const LONG: f64 = 3600.0;

/// Nothing waits for the end of a sleep of a year: `sleep 2147483647` is `sleep infinity` where that is not known.
const YEAR: f64 = 365.0 * 24.0 * 3600.0;

impl ScriptBehaviour<'_> {
    /// Whether the script ends in `sleep infinity`, `tail -f /dev/null` or a loop that only sleeps.
    #[must_use]
    pub fn stays_idle(&self) -> bool {
        let passive = |kind| matches!(kind, StepKind::Function | StepKind::Trap | StepKind::Exit);
        let Some(last) = self.steps.iter().rfind(|step| !passive(step.kind)) else {
            return false;
        };
        match last.pipeline.commands.as_slice() {
            [command @ (Command::Loop { .. } | Command::For { .. })] => {
                is_endless_loop(command) && self.only_sleeps(&last.span())
            }
            _ => self.within(&last.span()).next().is_some_and(is_idle),
        }
    }

    /// The step that the script never comes back from: an endless loop that nothing in it leaves, `sleep infinity`,
    /// `tail -f`. Nothing where the script may end before it.
    #[must_use]
    pub fn runs_for_ever(&self) -> Option<Span> {
        self.ends_in(|step| self.never_returns(step))
    }

    /// The server that the script never comes back from: `nginx -g 'daemon off;'`. Nothing where the script may end before
    /// it.
    #[must_use]
    pub fn serves_for_ever(&self) -> Option<Span> {
        self.ends_in(|step| match step.pipeline.commands.as_slice() {
            [Command::Simple(_)] => self.within(&step.span()).next().is_some_and(is_a_server),
            _ => false,
        })
    }

    /// The step that never comes back, and that the script comes to whatever happens.
    fn ends_in(&self, is_endless: impl Fn(&Step<'_>) -> bool) -> Option<Span> {
        let index = self
            .steps
            .iter()
            .position(|step| !step.is_background() && step.connector.is_none() && is_endless(step))?;
        let step = self.steps.get(index)?;
        let start = step.span().start;
        let only_traps_call = |function: &str| {
            self.callers(function)
                .all(|caller| caller.visit.context.trap.is_some())
        };
        let leaves = |located: &Located| {
            let context = &located.visit.context;
            let is_aside = context.trap.is_some()
                || context.substitution
                || context.function.is_some_and(only_traps_call);
            let ends = match &located.action.action {
                Action::Exit { .. } => true,
                Action::Signal { only_tests, .. } => !only_tests,
                _ => located.action.is_exec,
            };
            !is_aside && ends && located.action.span.start < start
        };
        (!self.commands.iter().any(leaves) && !self.exits_on_error_at(index)).then(|| step.span())
    }

    fn never_returns(&self, step: &Step<'_>) -> bool {
        match step.pipeline.commands.as_slice() {
            [command @ (Command::Loop { .. } | Command::For { .. })] => {
                let span = step.span();
                let called = || self.within(&span).filter_map(|located| located.calls());
                let has_exits = || {
                    called().any(|name| {
                        self.commands.iter().any(|located| {
                            located.visit.context.function == Some(name)
                                && matches!(located.action.action, Action::Exit { .. })
                        })
                    })
                };
                let leaves = |located: &Located| match &located.action.action {
                    Action::Exit { .. } | Action::Break { is_continue: false } => true,
                    Action::Signal { only_tests, .. } => !only_tests,
                    _ => located.action.is_exec,
                };
                is_endless_loop(command) && !self.within(&step.span()).any(leaves) && !has_exits()
            }
            [Command::Simple(_)] => self.within(&step.span()).next().is_some_and(is_endless_command),
            _ => false,
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

/// A command's program and the words behind it, as they are written.
fn call_and_words<'l>(located: &'l Located<'_>) -> Option<(&'l str, Vec<&'l str>)> {
    let simple = located.visit.simple()?;
    let mut words = simple.words.iter().skip(located.action.program_word);
    let call = words.next()?.raw.as_str();
    Some((call, words.map(|word| word.raw.as_str()).collect()))
}

fn name_of(call: &str) -> &str {
    call.rsplit('/').next().unwrap_or(call)
}

/// A server in the foreground, without a limit.
fn is_a_server(located: &Located) -> bool {
    located.action.time_limit.is_none()
        && call_and_words(located)
            .is_some_and(|(call, words)| !is_foreign(call) && is_server(name_of(call), &words))
}

/// `sleep infinity`, `tail -f FILE`
fn is_endless_command(located: &Located) -> bool {
    if let Action::Sleep { seconds } = located.action.action {
        return seconds.is_some_and(|seconds| seconds >= YEAR);
    }
    let Some((call, words)) = call_and_words(located) else {
        return false;
    };
    let follows = words.iter().any(|word| {
        matches!(*word, "-f" | "-F")
            || word.starts_with("--follow")
            || word.starts_with("-n") && word.ends_with('f')
    });
    let is_bounded =
        located.action.time_limit.is_some() || words.iter().any(|word| word.starts_with("--pid"));
    name_of(call) == "tail" && follows && !is_bounded
}
