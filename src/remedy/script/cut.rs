//! What remains of a script when the parts that mind another container are cut out.

use std::collections::BTreeSet;

use super::{
    accesses::Accesses,
    belongings::belongings,
    fate::Fates,
    harmless::{action, exit},
    hindrance::{Hindrance, excerpt},
    obligation::{Cutting, judge},
    spans::Spans,
    text::assemble,
};
use crate::{
    behaviour::{Answer, action::Action},
    shell::{Command, Dialect, Script, Span, Statement, Visit, parse},
};

/// The shell that runs a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shell {
    pub(crate) dialect: Dialect,
    /// `sh -e`
    pub(crate) exits_on_error: bool,
    /// `sh -u`
    pub(crate) exits_on_unset: bool,
    pub(crate) environment: Environment,
}

/// The environment that a script begins with, as far as the manifest says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    names: BTreeSet<String>,
    /// `envFrom`: there may be more.
    is_open: bool,
}

/// What every shell finds or makes in its environment.
const ALWAYS: [&str; 4] = ["PATH", "HOME", "HOSTNAME", "SHLVL"];

impl Environment {
    pub(crate) fn new(names: impl Iterator<Item = String>, is_open: bool) -> Self {
        Self {
            names: names.collect(),
            is_open,
        }
    }

    /// Whether programs find a variable in their environment.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.names.contains(name) || ALWAYS.contains(&name)
    }

    /// Whether they may. Names with lower-case letters are left to applications (POSIX, "Environment Variables").
    pub(super) fn may_hold(&self, name: &str) -> bool {
        self.is_open && !name.contains(|letter: char| letter.is_ascii_lowercase())
    }
}

/// What remains of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remains {
    pub(crate) text: String,
    /// Why somebody has to look at it.
    pub(crate) doubt: Option<Hindrance>,
}

/// Cuts the commands at `spans` out of a script.
///
/// Whole statements go where they hold nothing else than these commands and noise; of `a && b` the one side
/// goes. So does what served them alone: `code=$?` and `exit $code`, a counter, the message of a wait that gave up.
///
/// # Errors
/// Why it can't be done: what remains would not do what the script did.
pub(crate) fn cut(text: &str, shell: &Shell, spans: &[Span]) -> Result<Remains, Hindrance> {
    let script = parse(text, shell.dialect).ok_or(Hindrance::NotUnderstood)?;
    cut_parsed(text, &script, shell, spans, Extent::WithBelongings)
}

/// What goes with the commands that are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// What served them alone.
    WithBelongings,
    /// Nothing.
    Alone,
}

/// [`cut`], of a script that was read before.
pub(super) fn cut_parsed(
    text: &str,
    script: &Script,
    shell: &Shell,
    spans: &[Span],
    extent: Extent,
) -> Result<Remains, Hindrance> {
    let constructs: Vec<Visit<'_>> = script.list.constructs().collect();
    let accesses = Accesses::new(text);
    let mut also: Vec<Span> = Vec::new();
    let mut best = None;
    // What belongs to it is found bit by bit.
    let rounds = match extent {
        Extent::WithBelongings => ROUNDS,
        Extent::Alone => 1,
    };
    for _ in 0..rounds {
        let fates = Fates::new(text, &script.list, spans, &also);
        let outcome = fates.list(&script.list, true)?;
        let cutting = Cutting {
            text,
            script,
            constructs: &constructs,
            accesses: &accesses,
            shell,
            gone: Spans::new(outcome.gone.clone()),
            cuts: fates.cuts.clone(),
            emptied: &fates.emptied,
            outcome: &outcome,
        };
        let here_documents = cutting.here_documents()?;
        let more: Vec<Span> = belongings(&cutting);
        let answer = judge(&cutting);
        let mut changes = outcome.changes;
        changes.extend(here_documents.into_iter().map(|span| (span, String::new())));
        let is_worse = match (&best, &answer) {
            // What gives up is taken out whole, and said.
            (Some((_, _, Answer::Proved)), Answer::Unknown(Hindrance::Bound(_))) => false,
            (Some((_, _, Answer::Proved)), answer) => !answer.is_proved(),
            (Some((_, _, Answer::Unknown(_))), answer) => answer.is_refuted(),
            _ => false,
        };
        if !is_worse {
            best = Some((changes, outcome.stays, answer));
        }
        let new: Vec<Span> = more.into_iter().filter(|span| !also.contains(span)).collect();
        if new.is_empty() {
            break;
        }
        also.extend(new);
    }
    let (changes, stays, answer) = best.ok_or(Hindrance::NotUnderstood)?;
    if !stays {
        return Err(Hindrance::NothingRemains);
    }
    let doubt = match answer {
        Answer::Refuted(hindrance) => return Err(hindrance),
        Answer::Unknown(hindrance) => Some(hindrance),
        Answer::Proved => None,
    };
    let remains = assemble(text, changes);
    if parse(&remains, shell.dialect).is_none() {
        return Err(Hindrance::NotUnderstood);
    }
    Ok(Remains { text: remains, doubt })
}

/// The calls of the function that a command stands in, where the function holds nothing else and ends nothing.
///
/// # Errors
/// A command that stands in no such function.
pub(super) fn calls_of_function(text: &str, script: &Script, span: &Span) -> Result<Vec<Span>, Hindrance> {
    let fates = Fates::new(text, &script.list, std::slice::from_ref(span), &[]);
    let around = script.list.constructs().find_map(|visit| match visit.command {
        Command::Function {
            name,
            span: whole,
            body,
        } if whole.start <= span.start && span.end <= whole.end => Some((name, body)),
        _ => None,
    });
    let Some((name, body)) = around.filter(|(name, _)| fates.emptied.contains(name)) else {
        let shown = text.get(span.clone()).unwrap_or_default();
        return Err(Hindrance::Entangled(excerpt(shown)));
    };
    let ends = body
        .commands()
        .filter_map(|visit| visit.simple())
        .find(|simple| matches!(exit(simple), Some((_, false))));
    if let Some(exit) = ends {
        return Err(Hindrance::Exit(excerpt(
            text.get(exit.span.clone()).unwrap_or_default(),
        )));
    }
    let calls = script.list.commands().filter_map(|visit| {
        let simple = visit.simple()?;
        let mut words = simple.words.iter().map(|word| word.raw.as_str());
        let first = words.next();
        let is_call = first == Some(name) || first == Some("trap") && words.next() == Some(name);
        (is_call && visit.context.trap.is_none()).then(|| simple.span.clone())
    });
    Ok(calls.collect())
}

/// How often what remains is looked at for what belongs to what goes.
const ROUNDS: usize = 6;

/// The command at a span with the sleep behind it, which lets its effect come about: `curl …/quit; sleep 5; exit $rc`.
pub(crate) fn with_sleep_behind(script: &Script, span: &Span) -> Vec<Span> {
    let mut spans = vec![span.clone()];
    let statements = &script.list.statements;
    let holds = |statement: &Statement| statement.span.start <= span.start && span.end <= statement.span.end;
    let Some(at) = statements.iter().position(holds) else {
        return spans;
    };
    let simple = |statement: &Statement| match statement.and_or.first.commands.as_slice() {
        [Command::Simple(simple)] if statement.and_or.rest.is_empty() => Some(action(simple)),
        _ => None,
    };
    let [sleep, rest @ ..] = statements.get(at + 1..).unwrap_or_default() else {
        return spans;
    };
    let ends = rest
        .iter()
        .all(|statement| matches!(simple(statement), Some(Action::Exit { .. } | Action::Echo)));
    if ends && matches!(simple(sleep), Some(Action::Sleep { .. })) {
        spans.push(sleep.span.clone());
    }
    spans
}

#[cfg(test)]
mod tests;
