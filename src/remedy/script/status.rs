//! Who reads the result of what goes: `$?`, the end of a function, the end of the script.

use std::collections::BTreeMap;

use super::{
    functions::Functions,
    harmless::exit,
    hindrance::{Hindrance, excerpt},
    obligation::Cutting,
    result::{exits_with, is_result, is_variable, keeps_result, only_simple, parameter_of_end},
    spans::Spans,
};
use crate::{
    behaviour::Answer,
    shell::{Command, EmbeddedKind, List, Simple, Statement, Terminator, Word, names_in},
};

/// Who reads the result of the last statement of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Nobody,
    /// A condition, a chain, `$?`: somebody in the script.
    Script,
    /// The container.
    Container,
}

/// What was done has come about, so that its result is 0: whoever reads it must find that still.
pub(super) fn read_results(cutting: &Cutting<'_>, errors_end_it: bool) -> Vec<Answer<Hindrance>> {
    // Who reads the result of a function is known once all calls are.
    let mut first = Results {
        text: cutting.text,
        gone: &cutting.gone,
        errors_end_it,
        bodies: Functions::of(cutting.constructs),
        functions: BTreeMap::new(),
        calls: BTreeMap::new(),
        found: Vec::new(),
    };
    first.list(&cutting.script.list, Reader::Container, true);
    let mut results = Results {
        functions: std::mem::take(&mut first.calls),
        found: Vec::new(),
        ..first
    };
    results.list(&cutting.script.list, Reader::Container, true);
    results.found
}

struct Results<'s> {
    text: &'s str,
    gone: &'s Spans,
    /// `set -e`: what a plain statement leaves behind is 0.
    errors_end_it: bool,
    bodies: Functions<'s>,
    functions: BTreeMap<String, Reader>,
    calls: BTreeMap<String, Reader>,
    found: Vec<Answer<Hindrance>>,
}

impl<'s> Results<'s> {
    fn list(&mut self, list: &'s List, end: Reader, starts_at_zero: bool) {
        let mut before: Option<&Statement> = None;
        let mut is_zero = starts_at_zero;
        // The statements that go behind the one before.
        let mut gap: Vec<&Statement> = Vec::new();
        let last_kept = list
            .statements
            .iter()
            .rposition(|statement| !self.gone.cover(&statement.span));
        for (index, statement) in list.statements.iter().enumerate() {
            if self.gone.cover(&statement.span) {
                gap.push(statement);
                continue;
            }
            if !gap.is_empty() && !is_zero && reads_status_first(statement, &self.bodies) {
                self.found
                    .push(Answer::Unknown(Hindrance::Status(self.shown(statement))));
            }
            let reader = if Some(index) == last_kept {
                end
            } else {
                match list
                    .statements
                    .get(index + 1..)
                    .and_then(|behind| behind.iter().find(|behind| !self.gone.cover(&behind.span)))
                {
                    Some(next) if reads_status_first(next, &self.bodies) => Reader::Script,
                    _ => Reader::Nobody,
                }
            };
            self.statement(statement, reader);
            is_zero = self.leaves_zero(statement);
            before = Some(statement);
            gap.clear();
        }
        // Where nothing stays at all, `:` takes its place.
        let Some(before) = before else { return };
        if !gap.is_empty() && !is_zero && end != Reader::Nobody && !hands_result_on(&gap, &self.bodies) {
            self.found
                .push(Answer::Unknown(Hindrance::Result(self.shown(before))));
        }
    }

    fn statement(&mut self, statement: &'s Statement, reader: Reader) {
        let reader = match statement.terminator {
            Terminator::Background => Reader::Script,
            Terminator::Sequence => reader,
        };
        let pipelines: Vec<_> = statement.and_or.pipelines().collect();
        for (index, pipeline) in pipelines.iter().enumerate() {
            if self.gone.cover(&pipeline.span) {
                continue;
            }
            let is_last = pipelines
                .get(index + 1..)
                .unwrap_or_default()
                .iter()
                .all(|behind| self.gone.cover(&behind.span));
            let count = pipeline.commands.len();
            for (at, command) in pipeline.commands.iter().enumerate() {
                let reader = if !is_last || pipeline.negated {
                    Reader::Script
                } else if at + 1 < count {
                    // `pipefail` reads all of them.
                    if reader == Reader::Nobody {
                        Reader::Nobody
                    } else {
                        Reader::Script
                    }
                } else {
                    reader
                };
                self.command(command, reader);
            }
        }
    }

    fn command(&mut self, command: &'s Command, reader: Reader) {
        match command {
            Command::Group { body, .. } => self.list(body, reader, false),
            Command::Subshell { body, .. } => self.list(body, reader, false),
            Command::Loop { condition, body, .. } => {
                self.list(condition, Reader::Script, false);
                self.list(body, reader, false);
            }
            Command::For { body, .. } => self.list(body, reader, false),
            Command::If {
                branches, otherwise, ..
            } => {
                for branch in branches {
                    self.list(&branch.condition, Reader::Script, false);
                    self.list(&branch.body, reader, false);
                }
                otherwise.iter().for_each(|list| self.list(list, reader, false));
            }
            Command::Case { arms, .. } => arms.iter().for_each(|arm| self.list(arm, reader, false)),
            Command::Function { name, body, .. } => {
                let end = self.functions.get(name).copied().unwrap_or(Reader::Script);
                self.list(body, end, false);
            }
            Command::Simple(simple) => self.simple(simple, reader),
            Command::Test { .. } | Command::Arithmetic { .. } => {}
        }
    }

    fn simple(&mut self, simple: &'s Simple, reader: Reader) {
        if let Some(name) = simple.words.first().and_then(Word::literal)
            && self.bodies.body(&name).is_some()
        {
            let known = self.calls.entry(name.into_owned()).or_insert(Reader::Nobody);
            if reader != Reader::Nobody && *known != Reader::Script {
                *known = reader;
            }
        }
        for embedded in &simple.scripts {
            let Some(list) = &embedded.list else { continue };
            let end = match embedded.kind {
                // The shell ends with the result from before the trap (POSIX, `trap`).
                EmbeddedKind::Trap { .. } => Reader::Nobody,
                EmbeddedKind::Shell { .. } | EmbeddedKind::Eval => reader,
            };
            self.list(list, end, false);
        }
    }

    /// Whether `$?` is 0 behind a statement for certain.
    fn leaves_zero(&self, statement: &Statement) -> bool {
        if statement.terminator == Terminator::Background {
            return true;
        }
        let (true, [command]) = (
            statement.and_or.rest.is_empty() && !statement.and_or.first.negated,
            statement.and_or.first.commands.as_slice(),
        ) else {
            return false;
        };
        let succeeds = match command {
            Command::Function { .. } => true,
            Command::Simple(simple) => {
                let runs_nothing = simple
                    .assignments
                    .iter()
                    .all(|assignment| assignment.value.substitutions().next().is_none());
                let name = simple.words.first().and_then(Word::literal);
                match name.as_deref() {
                    None => runs_nothing,
                    Some(":" | "true" | "set" | "export" | "trap" | "echo" | "unset" | "umask") => simple
                        .words
                        .iter()
                        .all(|word| word.substitutions().next().is_none()),
                    Some(_) => false,
                }
            }
            _ => false,
        };
        succeeds || self.errors_end_it && matches!(command, Command::Simple(_))
    }

    fn shown(&self, statement: &Statement) -> String {
        excerpt(self.text.get(statement.span.clone()).unwrap_or_default())
    }
}

/// `code=$?; …; exit $code`, and the call of a function that is nothing else or is told the result: `finish $?`.
fn hands_result_on(statements: &[&Statement], functions: &Functions<'_>) -> bool {
    let (Some(first), Some(last)) = (statements.first(), statements.last()) else {
        return false;
    };
    let own_result = first
        .and_or
        .rest
        .is_empty()
        .then(|| keeps_result(&first.and_or.first));
    let kept = own_result.flatten().filter(|_| statements.len() > 1);
    if let Some(simple) = only_simple(&last.and_or.first)
        && let Some(body) = simple
            .words
            .first()
            .and_then(Word::literal)
            .and_then(|name| functions.body(&name))
    {
        if !last.and_or.rest.is_empty() {
            return false;
        }
        let body: Vec<&Statement> = body.statements.iter().collect();
        let is_told = told(simple, &body).is_some_and(|word| match (&kept, statements.len()) {
            (None, 1) => is_result(word),
            (Some(name), _) => is_variable(word, name),
            _ => false,
        });
        return is_told || statements.len() == 1 && body.len() > 1 && hands_result_on(&body, functions);
    }
    kept.is_some_and(|name| exits_with(&last.and_or.first, &name)) && last.and_or.rest.is_empty()
}

/// The word of a function's call that the function ends with: `exit "$1"`.
fn told<'s>(call: &'s Simple, body: &[&Statement]) -> Option<&'s Word> {
    let last = body.last().filter(|last| last.and_or.rest.is_empty())?;
    call.words
        .get(only_simple(&last.and_or.first).and_then(parameter_of_end)?)
}

/// Whether the first thing a statement does is to look at `$?`.
fn reads_status_first(statement: &Statement, functions: &Functions<'_>) -> bool {
    let mut depth = 0;
    let mut at = statement.and_or.first.commands.first();
    while let Some(command) = at {
        depth += 1;
        if depth > 16 {
            return true;
        }
        let list = match command {
            Command::Group { body, .. } | Command::Subshell { body, .. } => Some(body),
            Command::Loop { condition, .. } => Some(condition),
            Command::If { branches, .. } => branches.first().map(|branch| &branch.condition),
            Command::For { words, .. } => return words.iter().any(|word| names_in(&word.raw).status),
            Command::Case { word, .. } => return names_in(&word.raw).status,
            Command::Test { words, .. } => return words.iter().any(|word| names_in(&word.raw).status),
            Command::Simple(simple) => {
                if simple_reads_status(simple) {
                    return true;
                }
                let name = simple.words.first().and_then(Word::literal);
                name.and_then(|name| functions.body(&name))
            }
            Command::Function { .. } | Command::Arithmetic { .. } => None,
        };
        at = list
            .and_then(|list| list.statements.first())
            .and_then(|first| first.and_or.first.commands.first());
    }
    false
}

fn simple_reads_status(simple: &Simple) -> bool {
    let values = simple.assignments.iter().map(|assignment| &assignment.value);
    let targets = simple
        .redirects
        .iter()
        .filter_map(|redirect| redirect.target.as_ref());
    // What a trap runs comes later.
    let later = simple
        .scripts
        .iter()
        .find(|script| matches!(script.kind, EmbeddedKind::Trap { .. }));
    let words = simple
        .words
        .iter()
        .enumerate()
        .filter(|(index, _)| later.is_none_or(|later| later.word != Some(*index)))
        .map(|(_, word)| word);
    values
        .chain(targets)
        .chain(words)
        .any(|word| names_in(&word.raw).status)
        || matches!(exit(simple), Some((None, _)))
}
