//! Follows what the commands that go had set, until something that stays reads it or sets it anew.

mod gone;
mod reads;

use std::{collections::BTreeSet, rc::Rc};

use super::{
    accesses::Accesses, cut::Environment, functions::Functions, hindrance::Hindrance, obligation::Cutting,
    spans::Spans,
};
use crate::{
    behaviour::Answer,
    shell::{
        Command, EmbeddedKind, List, Pipeline, Simple, Span, State, StateAccess, Statement, Terminator, Word,
        state_access,
    },
};

/// What is not as it was for what remains.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Lost {
    State(State),
    /// `$!`, and the jobs of the shell.
    Child,
}

/// How many commands are looked at, those of functions once for each call.
const LIMIT: usize = 20_000;

/// How deep functions call each other.
const DEPTH: usize = 12;

/// A walk over what remains, in the order in which it runs.
pub(super) struct Flow<'s> {
    text: &'s str,
    accesses: &'s Accesses<'s>,
    environment: &'s Environment,
    gone: &'s Spans,
    /// The commands that were to be cut.
    cuts: &'s Spans,
    exported: BTreeSet<String>,
    exports_all: bool,
    lost: BTreeSet<Lost>,
    /// All that was lost at some place.
    ever: BTreeSet<Lost>,
    called: Vec<&'s str>,
    followed: BTreeSet<&'s str>,
    asides: Vec<&'s List>,
    functions: Functions<'s>,
    /// The signals whose traps stay.
    traps: BTreeSet<String>,
    steps: usize,
    found: Vec<Answer<Hindrance>>,
}

/// All that what remains reads of what goes.
pub(super) fn follow(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let mut flow = Flow::new(cutting);
    flow.list(&cutting.script.list);
    flow.later();
    flow.found
}

impl<'s> Flow<'s> {
    fn new(cutting: &'s Cutting<'s>) -> Self {
        let mut exported = BTreeSet::new();
        let mut exports_all = false;
        for visit in cutting.constructs {
            for state in &cutting.accesses.of(visit.command).sets {
                match state {
                    State::Exported(name) => {
                        exported.insert(name.clone());
                    }
                    State::Option(name) => exports_all |= matches!(name.as_str(), "a" | "allexport"),
                    _ => {}
                }
            }
        }
        Self {
            text: cutting.text,
            accesses: cutting.accesses,
            environment: &cutting.shell.environment,
            gone: &cutting.gone,
            cuts: &cutting.cuts,
            exported,
            exports_all,
            lost: BTreeSet::new(),
            ever: BTreeSet::new(),
            called: Vec::new(),
            followed: BTreeSet::new(),
            asides: Vec::new(),
            functions: Functions::of(cutting.constructs),
            traps: BTreeSet::new(),
            steps: 0,
            found: Vec::new(),
        }
    }

    /// Traps run whenever, and functions that nothing here calls may be called by name.
    fn later(&mut self) {
        self.lost = self.ever.clone();
        let mut asides = std::mem::take(&mut self.asides);
        for (name, body) in self.functions.all() {
            let is_gone = body
                .statements
                .first()
                .is_some_and(|first| self.gone.cover(&first.span));
            if !self.followed.contains(name) && !is_gone {
                asides.push(body);
            }
        }
        for aside in asides {
            self.list(aside);
            self.lost = self.ever.clone();
        }
    }

    fn list(&mut self, list: &'s List) {
        for statement in &list.statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'s Statement) {
        let is_background = statement.terminator == Terminator::Background;
        if self.gone.cover(&statement.span) {
            if is_background {
                self.lose(Lost::Child);
            } else {
                self.gone_statement(statement);
            }
            return;
        }
        let before = self.lost.clone();
        let mut joined = std::iter::once(None)
            .chain(
                statement
                    .and_or
                    .rest
                    .iter()
                    .map(|(connector, _)| Some(*connector)),
            )
            .zip(statement.and_or.pipelines());
        if let Some((_, first)) = joined.next() {
            self.pipeline(first);
        }
        for (_, pipeline) in joined {
            let skipped = self.lost.clone();
            self.pipeline(pipeline);
            self.lost.extend(skipped);
        }
        if is_background {
            self.lost = before;
            self.lost.remove(&Lost::Child);
        }
    }

    fn pipeline(&mut self, pipeline: &'s Pipeline) {
        let several = pipeline.commands.len() > 1;
        for command in &pipeline.commands {
            let before = self.lost.clone();
            self.command(command);
            if several {
                self.lost.extend(before);
            }
        }
    }

    fn command(&mut self, command: &'s Command) {
        if self.gone.cover(&command.span()) {
            self.gone_command(command, 0);
            return;
        }
        self.steps += 1;
        if self.steps > LIMIT {
            if self.steps == LIMIT + 1 {
                self.found.push(Answer::Unknown(Hindrance::TooLong));
            }
            return;
        }
        match command {
            Command::Group { body, redirects, .. } => {
                self.words(redirects.iter().filter_map(|redirect| redirect.target.as_ref()));
                self.list(body);
            }
            Command::Subshell { body, redirects, .. } => {
                self.words(redirects.iter().filter_map(|redirect| redirect.target.as_ref()));
                self.aside(body);
            }
            Command::Loop { condition, body, .. } => {
                self.list(condition);
                self.maybe(|flow| {
                    for _ in 0..2 {
                        flow.list(body);
                        flow.list(condition);
                    }
                });
            }
            Command::For {
                variable,
                words,
                body,
                span,
                ..
            } => {
                self.words(words.iter());
                if words.is_empty() && variable.is_empty() {
                    let header = body.statements.first().map_or(span.end, |first| first.span.start);
                    self.arithmetic(&(span.start..header));
                }
                self.maybe(|flow| {
                    for _ in 0..2 {
                        flow.lost.remove(&Lost::State(State::Variable(variable.clone())));
                        flow.list(body);
                    }
                });
            }
            Command::If {
                branches, otherwise, ..
            } => {
                let mut ends = BTreeSet::new();
                for branch in branches {
                    self.list(&branch.condition);
                    let before = self.lost.clone();
                    self.list(&branch.body);
                    ends.extend(std::mem::replace(&mut self.lost, before));
                }
                otherwise.iter().for_each(|list| self.list(list));
                self.lost.extend(ends);
            }
            Command::Case { word, arms, span, .. } => {
                self.words(std::iter::once(word));
                self.patterns(arms, span);
                let before = self.lost.clone();
                let mut ends = before.clone();
                for arm in arms {
                    self.lost = before.clone();
                    self.list(arm);
                    ends.extend(self.lost.iter().cloned());
                }
                self.lost = ends;
            }
            Command::Function { name, .. } => {
                self.lost.remove(&Lost::State(State::Function(name.clone())));
            }
            Command::Simple(simple) => self.simple(command, simple),
            Command::Test { words, .. } => {
                self.substitutions(words.iter());
                self.access(&self.accesses.of(command), &command.span());
            }
            Command::Arithmetic { .. } => self.access(&self.accesses.of(command), &command.span()),
        }
    }

    /// What may run or not.
    fn maybe(&mut self, run: impl FnOnce(&mut Self)) {
        let before = self.lost.clone();
        run(self);
        self.lost.extend(before);
    }

    /// What runs in a shell of its own.
    fn aside(&mut self, list: &'s List) {
        let before = self.lost.clone();
        self.list(list);
        self.lost = before;
    }

    fn arithmetic(&mut self, span: &Span) {
        let command = Command::Arithmetic {
            constant: None,
            span: span.clone(),
        };
        self.access(&state_access(&command, self.text), span);
    }

    /// The patterns of a `case` are not in the tree: all of its text but for the arms counts.
    fn patterns(&mut self, arms: &[List], span: &Span) {
        let mut names = crate::shell::Names::default();
        let mut at = span.start;
        for arm in arms {
            let Some((first, last)) = arm.statements.first().zip(arm.statements.last()) else {
                continue;
            };
            names.add(self.text.get(at..first.span.start).unwrap_or_default());
            at = last.span.end;
        }
        names.add(self.text.get(at..span.end).unwrap_or_default());
        let access = StateAccess {
            reads: names,
            ..StateAccess::default()
        };
        self.access(&access, span);
    }

    fn words(&mut self, words: impl Iterator<Item = &'s Word> + Clone) {
        self.substitutions(words.clone());
        for word in words {
            let access = StateAccess {
                reads: crate::shell::names_in(&word.raw),
                ..StateAccess::default()
            };
            self.access(&access, &word.span);
        }
    }

    fn substitutions(&mut self, words: impl Iterator<Item = &'s Word>) {
        for word in words {
            for list in word.substitutions() {
                self.aside(list);
            }
        }
    }

    fn simple(&mut self, command: &'s Command, simple: &'s Simple) {
        self.substitutions(simple.assignments.iter().map(|assignment| &assignment.value));
        self.substitutions(simple.words.iter());
        self.substitutions(
            simple
                .redirects
                .iter()
                .filter_map(|redirect| redirect.target.as_ref()),
        );
        let mut access = self.accesses.of(command);
        let name = simple.words.first().and_then(Word::literal);
        let called = name.as_deref().and_then(|name| self.functions.get(name));
        if called.is_some() {
            let access = Rc::make_mut(&mut access);
            access.program = None;
            access.sets.retain(|state| matches!(state, State::Variable(_)));
        }
        self.names(simple);
        self.descriptors(simple);
        self.access(&access, &simple.span);
        if let Some((name, body)) = called {
            self.call(name, body);
        }
        for embedded in &simple.scripts {
            let Some(list) = &embedded.list else { continue };
            match embedded.kind {
                EmbeddedKind::Eval => self.list(list),
                EmbeddedKind::Shell { .. } => self.aside(list),
                EmbeddedKind::Trap { .. } => self.asides.push(list),
            }
        }
    }

    fn call(&mut self, name: &'s str, body: &'s List) {
        self.followed.insert(name);
        if self.called.len() < DEPTH && !self.called.contains(&name) {
            self.called.push(name);
            self.list(body);
            self.called.pop();
        }
    }
}

/// `EXIT`, `TERM`, however they are written.
fn signal_name(signal: &str) -> String {
    let name = signal.to_ascii_uppercase();
    match name.strip_prefix("SIG").unwrap_or(&name) {
        "0" => "EXIT".to_owned(),
        "1" => "HUP".to_owned(),
        "2" => "INT".to_owned(),
        "3" => "QUIT".to_owned(),
        "15" => "TERM".to_owned(),
        name => name.to_owned(),
    }
}
