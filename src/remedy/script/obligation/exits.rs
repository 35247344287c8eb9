//! What has to hold where an `exit` or `return` goes with the part of a script that is cut.

use super::Cutting;
use crate::{
    behaviour::{
        Answer,
        action::{Action, ExitCode},
    },
    remedy::script::{
        harmless::{action, exit},
        hindrance::Hindrance,
        result::{exits_with_word, is_result, parameter_of_end, result_variable},
    },
    shell::{Command, Connector, List, Simple, Span, Statement, Visit},
};

/// No `exit` or `return` that goes kept anything from running that stays.
pub(super) fn what_ran_behind_it_still_does(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let mut answers = Vec::new();
    for visit in cutting.gone_constructs() {
        let Some(simple) = visit.simple() else { continue };
        let Some((code, is_return)) = exit(simple) else {
            continue;
        };
        let shown = || cutting.shown(&simple.span);
        let function = visit
            .context
            .function
            .filter(|name| cutting.emptied.iter().any(|own| own == name));
        let is_asked = cutting.cuts.cover(&simple.span);
        let gives_up = matches!(code, Some(ExitCode::Number(number)) if number != 0);
        match (is_return, visit.context.trap.is_some(), function) {
            // Giving up is another obligation.
            _ if gives_up => {}
            (true, _, Some(_)) => {}
            (true, _, None) if visit.context.function.is_some() => {
                answers.push(Answer::Refuted(Hindrance::Exit(shown())));
            }
            (false, true, _) => answers.extend(cutting.trap_ends_the_same(visit, simple)),
            (false, false, Some(name)) => answers.extend(cutting.function_ends_the_same(name, simple)),
            // `… && exit $rc` behind the main command.
            (false, false, None) if !is_asked => {}
            _ => answers.push(Answer::Refuted(Hindrance::Exit(shown()))),
        }
    }
    answers
}

/// A wait that gave up after a while is not taken over by a gate that does not.
pub(super) fn it_waits_as_long(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let never: Vec<Span> = cutting
        .all_lists()
        .into_iter()
        .flat_map(|list| &list.statements)
        .filter_map(behind_endless_loop)
        .collect();
    let runs = |span: &Span| {
        !never
            .iter()
            .any(|own| own.start <= span.start && span.end <= own.end)
    };
    cutting
        .gone_constructs()
        .filter_map(|visit| visit.simple())
        .filter(|simple| matches!(exit(simple), Some((Some(ExitCode::Number(number)), _)) if number != 0))
        .filter(|simple| runs(&simple.span))
        .map(|simple| Answer::Unknown(Hindrance::Bound(cutting.shown(&simple.span))))
        .collect()
}

/// What never runs: `until nc …; do sleep 1; done || exit 1`. A loop that ends by its condition alone has the result of
/// what it did last, and passing the time succeeds.
fn behind_endless_loop(statement: &Statement) -> Option<Span> {
    let (connector, behind) = statement.and_or.rest.first()?;
    let [Command::Loop { body, .. }] = statement.and_or.first.commands.as_slice() else {
        return None;
    };
    let mut inside = body.commands().filter_map(|visit| visit.simple());
    let leaves = inside.any(|simple| matches!(action(simple), Action::Break { .. } | Action::Exit { .. }));
    let last = body.statements.last()?;
    let [Command::Simple(simple)] = last.and_or.first.commands.as_slice() else {
        return None;
    };
    let passes_time = matches!(action(simple), Action::Sleep { seconds: Some(_) })
        || matches!(
            simple.words.first()?.raw.as_str(),
            "echo" | "printf" | ":" | "true"
        );
    let is_alone =
        last.and_or.rest.is_empty() && !last.and_or.first.negated && !statement.and_or.first.negated;
    (*connector == Connector::Or && !leaves && passes_time && is_alone).then(|| behind.span.clone())
}

impl Cutting<'_> {
    /// A trap that exits with the result from before it does what the shell does anyway. At a signal it keeps the rest
    /// of the script from running.
    fn trap_ends_the_same(&self, visit: &Visit<'_>, exit: &Simple) -> Option<Answer<Hindrance>> {
        let signals = visit.context.trap?;
        let first = self.trap_around(&visit.command.span())?;
        if !ends_with_first(first, exit) {
            return Some(Answer::Unknown(Hindrance::Result(self.shown(&exit.span))));
        }
        self.signals_end_the_same(signals)
    }

    fn signals_end_the_same(&self, signals: &[String]) -> Option<Answer<Hindrance>> {
        let signal = signals
            .iter()
            .find(|signal| !matches!(signal.as_str(), "EXIT" | "0"))?;
        let runs = |statement: &&crate::shell::Statement| {
            !self.gone.cover(&statement.span)
                && statement.and_or.pipelines().any(|pipeline| {
                    pipeline.commands.iter().any(|command| match command {
                        Command::Simple(simple) => !matches!(
                            action(simple),
                            Action::Echo
                                | Action::Assign
                                | Action::Export
                                | Action::Exit { .. }
                                | Action::Trap { .. }
                        ),
                        Command::Function { .. } => false,
                        _ => true,
                    })
                })
        };
        let count = self.script.list.statements.iter().filter(runs).count();
        (count > 1).then(|| Answer::Unknown(Hindrance::Trap(signal.clone())))
    }

    /// The statements of the trap that a command stands in.
    fn trap_around(&self, command: &Span) -> Option<&List> {
        self.script.list.commands().find_map(|visit| {
            let simple = visit.simple()?;
            let holds = simple.span.start < command.start && command.end <= simple.span.end;
            let mut scripts = simple.scripts.iter().filter_map(|script| script.list.as_ref());
            scripts.next().filter(|_| holds)
        })
    }

    /// `finish() { code=$?; quit; exit $code; }`: at the end of the script, or as a trap, it changes nothing.
    fn function_ends_the_same(&self, name: &str, exit: &Simple) -> Option<Answer<Hindrance>> {
        let shown = || self.shown(&exit.span);
        let functions = self.script.functions();
        let body = functions.get(name)?;
        let told = parameter_of_end(exit);
        if told.is_none() && !ends_with_first(body, exit) {
            return Some(Answer::Unknown(Hindrance::Result(shown())));
        }
        let calls = self.script.list.commands().filter(|visit| {
            visit
                .simple()
                .is_some_and(|simple| simple.words.first().is_some_and(|word| word.raw == name))
        });
        for call in calls {
            // `finish $?`
            let word = told.zip(call.simple()).map(|(at, simple)| simple.words.get(at));
            if !word.is_none_or(|word| word.is_some_and(is_result)) {
                return Some(Answer::Unknown(Hindrance::Result(shown())));
            }
            if let Some(signals) = call.context.trap {
                if let Some(answer) = self.signals_end_the_same(signals) {
                    return Some(answer);
                }
                continue;
            }
            let end = call.statement.span.end;
            let is_own = self
                .script
                .list
                .statements
                .iter()
                .any(|own| std::ptr::eq(own, call.statement));
            let runs_behind = self.script.list.statements.iter().any(|statement| {
                statement.span.start >= end
                    && !self.gone.cover(&statement.span)
                    && !matches!(
                        statement.and_or.first.commands.as_slice(),
                        [Command::Function { .. }]
                    )
            });
            if !is_own || runs_behind || !call.statement.and_or.rest.is_empty() {
                return Some(Answer::Refuted(Hindrance::Exit(shown())));
            }
        }
        None
    }
}

/// Whether a list ends with the result that it began with: `code=$?; …; exit $code`, or `exit` alone.
fn ends_with_first(list: &List, exit: &Simple) -> bool {
    if exit.words.len() == 1 {
        return true;
    }
    let first = list
        .statements
        .first()
        .map(|first| first.and_or.first.commands.as_slice());
    let Some([Command::Simple(first)]) = first else {
        return false;
    };
    result_variable(first).is_some_and(|name| exits_with_word(exit, &name))
}
