//! All commands of a script, with what stands around them.

use std::collections::HashMap;

use super::{
    Command, Connector, Embedded, EmbeddedKind, List, Pipeline, Redirect, Script, Simple, Span, Statement,
    Terminator, Word,
};

/// Which part of a compound command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The condition of `while` or `until`.
    LoopCondition,
    /// What a loop repeats.
    LoopBody,
    /// The condition of `if` or `elif`.
    IfCondition,
    /// What runs behind `then` or `else`.
    IfBody,
    /// What runs behind a pattern of `case`.
    CaseArm,
}

/// The compound commands that a command is a part of. A walk makes hundreds of them: they are copied, not allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// One bit for each kind that there is, by its number.
    kinds: u8,
    innermost: Option<Part>,
}

impl Parts {
    /// Whether it is a part of no compound command.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.innermost.is_none()
    }

    /// The part of the innermost compound command.
    #[must_use]
    pub fn innermost(self) -> Option<Part> {
        self.innermost
    }

    /// Whether it is in such a part, at any depth.
    #[must_use]
    pub fn contains(self, part: Part) -> bool {
        self.kinds & (1 << part as u8) != 0
    }

    fn within(self, part: Part) -> Self {
        Self {
            kinds: self.kinds | (1 << part as u8),
            innermost: Some(part),
        }
    }
}

/// What stands around a command.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Context<'a> {
    /// The function it stands in.
    pub function: Option<&'a str>,
    /// It is in a trap's script; the signals as written.
    pub trap: Option<&'a [String]>,
    /// The compound commands it is a part of.
    pub parts: Parts,
    /// It runs in another process: a subshell, a substitution, another shell.
    pub subshell: bool,
    /// It runs in `$(…)` or backquotes.
    pub substitution: bool,
    /// It, or something around it, is sent to the background.
    pub background: bool,
    /// Its place in the innermost pipeline, from 0.
    pub pipeline_index: usize,
    /// How many commands the innermost pipeline has.
    pub pipeline_length: usize,
    /// The innermost pipeline starts with `!`.
    pub negated: bool,
    /// What joins the innermost pipeline to the one before it.
    pub connector: Option<Connector>,
    /// What joins the next pipeline to the innermost one.
    pub next_connector: Option<Connector>,
}

impl Context<'_> {
    /// Whether it stands in such a part, at any depth.
    #[must_use]
    pub fn is_in(&self, part: Part) -> bool {
        self.parts.contains(part)
    }

    /// Whether a loop repeats it, as condition or body.
    #[must_use]
    pub fn is_in_loop(&self) -> bool {
        self.is_in(Part::LoopCondition) || self.is_in(Part::LoopBody)
    }
}

/// A command on a walk over a script.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visit<'a> {
    /// The command.
    pub command: &'a Command,
    /// The pipeline it is a part of.
    pub pipeline: &'a Pipeline,
    /// The statement it stands in, the innermost one.
    pub statement: &'a Statement,
    /// What stands around it.
    pub context: Context<'a>,
}

impl<'a> Visit<'a> {
    /// The command, if it is a simple one.
    #[must_use]
    pub fn simple(&self) -> Option<&'a Simple> {
        match self.command {
            Command::Simple(simple) => Some(simple),
            _ => None,
        }
    }
}

impl List {
    /// All commands in the order of the text: those of functions, traps, substitutions and inner shells too.
    /// A command comes before the commands in its words.
    pub fn commands(&self) -> impl Iterator<Item = Visit<'_>> {
        Walk::default().over(&self.statements)
    }

    /// The commands of the statements that lie in a range or reach into it.
    pub fn commands_around(&self, span: &Span) -> impl Iterator<Item = Visit<'_>> {
        let first = self
            .statements
            .partition_point(|statement| statement.span.end < span.start);
        let behind = self
            .statements
            .partition_point(|statement| statement.span.start <= span.end);
        Walk::default().over(self.statements.get(first..behind).unwrap_or_default())
    }

    /// All commands as [`Self::commands`] gives them, and the compound ones before the commands in them.
    pub fn constructs(&self) -> impl Iterator<Item = Visit<'_>> {
        let walk = Walk {
            visits_compounds: true,
            ..Walk::default()
        };
        walk.over(&self.statements)
    }
}

impl Script {
    /// The bodies of the functions by name, the last one where there are several.
    #[must_use]
    pub fn functions(&self) -> HashMap<&str, &List> {
        let mut found = HashMap::new();
        add_functions(&self.list, &mut found);
        found
    }
}

fn add_functions<'a>(list: &'a List, found: &mut HashMap<&'a str, &'a List>) {
    let commands = list
        .statements
        .iter()
        .flat_map(|statement| statement.and_or.pipelines())
        .flat_map(|pipeline| &pipeline.commands);
    for command in commands {
        match command {
            Command::Function { name, body, .. } => {
                add_functions(body, found);
                found.insert(name, body);
            }
            Command::Group { body, .. } => add_functions(body, found),
            Command::If {
                branches, otherwise, ..
            } => {
                let bodies = branches.iter().map(|branch| &branch.body).chain(otherwise);
                let mut inner = HashMap::new();
                // Of two branches that define one, the first is as good as any.
                for body in bodies.rev() {
                    add_functions(body, &mut inner);
                }
                found.extend(inner);
            }
            _ => {}
        }
    }
}

#[derive(Default)]
struct Walk<'a> {
    visits: Vec<Visit<'a>>,
    visits_compounds: bool,
    statement: Option<&'a Statement>,
    pipeline: Option<&'a Pipeline>,
}

impl<'a> Walk<'a> {
    fn over(mut self, statements: &'a [Statement]) -> std::vec::IntoIter<Visit<'a>> {
        for statement in statements {
            self.statement(statement, &Context::default());
        }
        self.visits.into_iter()
    }

    fn list(&mut self, list: &'a List, context: &Context<'a>) {
        for statement in &list.statements {
            self.statement(statement, context);
        }
    }

    fn part(&mut self, part: Part, list: &'a List, context: &Context<'a>) {
        let mut context = *context;
        context.parts = context.parts.within(part);
        self.list(list, &context);
    }

    fn statement(&mut self, statement: &'a Statement, context: &Context<'a>) {
        let outer = self.statement.replace(statement);
        let and_or = &statement.and_or;
        let mut context = *context;
        context.background |= statement.terminator == Terminator::Background;
        context.connector = None;
        context.next_connector = and_or.rest.first().map(|(connector, _)| *connector);
        self.pipeline(&and_or.first, &context);
        for (index, (connector, pipeline)) in and_or.rest.iter().enumerate() {
            context.connector = Some(*connector);
            context.next_connector = and_or.rest.get(index + 1).map(|(connector, _)| *connector);
            self.pipeline(pipeline, &context);
        }
        self.statement = outer;
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, context: &Context<'a>) {
        let outer = self.pipeline.replace(pipeline);
        let mut context = *context;
        context.negated = pipeline.negated;
        context.pipeline_length = pipeline.commands.len();
        context.subshell |= pipeline.commands.len() > 1;
        for (index, command) in pipeline.commands.iter().enumerate() {
            context.pipeline_index = index;
            self.command(command, &context);
        }
        self.pipeline = outer;
    }

    fn command(&mut self, command: &'a Command, context: &Context<'a>) {
        let is_leaf = matches!(
            command,
            Command::Simple(_) | Command::Test { .. } | Command::Arithmetic { .. }
        );
        if self.visits_compounds && !is_leaf {
            self.visit(command, context);
        }
        match command {
            Command::Simple(simple) => self.simple(command, simple, context),
            Command::Group { body, redirects, .. } => {
                self.list(body, context);
                self.redirects(redirects, context);
            }
            Command::Subshell { body, redirects, .. } => {
                let mut inner = *context;
                inner.subshell = true;
                self.list(body, &inner);
                self.redirects(redirects, context);
            }
            Command::Loop {
                condition,
                body,
                redirects,
                ..
            } => {
                self.part(Part::LoopCondition, condition, context);
                self.part(Part::LoopBody, body, context);
                self.redirects(redirects, context);
            }
            Command::For {
                words,
                body,
                redirects,
                ..
            } => {
                self.words(words, context);
                self.part(Part::LoopBody, body, context);
                self.redirects(redirects, context);
            }
            Command::If {
                branches,
                otherwise,
                redirects,
                ..
            } => {
                for branch in branches {
                    self.part(Part::IfCondition, &branch.condition, context);
                    self.part(Part::IfBody, &branch.body, context);
                }
                if let Some(otherwise) = otherwise {
                    self.part(Part::IfBody, otherwise, context);
                }
                self.redirects(redirects, context);
            }
            Command::Case { word, arms, .. } => {
                self.word(word, context);
                for arm in arms {
                    self.part(Part::CaseArm, arm, context);
                }
            }
            Command::Function { name, body, .. } => {
                let inner = Context {
                    function: Some(name),
                    ..Context::default()
                };
                self.list(body, &inner);
            }
            Command::Test { words, .. } => {
                self.visit(command, context);
                self.words(words, context);
            }
            Command::Arithmetic { .. } => self.visit(command, context),
        }
    }

    fn visit(&mut self, command: &'a Command, context: &Context<'a>) {
        if let (Some(statement), Some(pipeline)) = (self.statement, self.pipeline) {
            self.visits.push(Visit {
                command,
                pipeline,
                statement,
                context: *context,
            });
        }
    }

    fn simple(&mut self, command: &'a Command, simple: &'a Simple, context: &Context<'a>) {
        self.visit(command, context);
        for assignment in &simple.assignments {
            self.word(&assignment.value, context);
        }
        self.words(&simple.words, context);
        self.redirects(&simple.redirects, context);
        for embedded in &simple.scripts {
            self.embedded(embedded, context);
        }
    }

    fn embedded(&mut self, embedded: &'a Embedded, context: &Context<'a>) {
        let Some(list) = &embedded.list else { return };
        match &embedded.kind {
            EmbeddedKind::Eval => self.list(list, context),
            EmbeddedKind::Shell { .. } => {
                let mut inner = *context;
                inner.subshell = true;
                self.list(list, &inner);
            }
            EmbeddedKind::Trap { signals } => {
                let inner = Context {
                    function: context.function,
                    trap: Some(signals),
                    subshell: context.subshell,
                    background: context.background,
                    ..Context::default()
                };
                self.list(list, &inner);
            }
        }
    }

    fn redirects(&mut self, redirects: &'a [Redirect], context: &Context<'a>) {
        for word in redirects.iter().filter_map(|redirect| redirect.target.as_ref()) {
            self.word(word, context);
        }
    }

    fn words(&mut self, words: &'a [Word], context: &Context<'a>) {
        for word in words {
            self.word(word, context);
        }
    }

    fn word(&mut self, word: &'a Word, context: &Context<'a>) {
        for list in word.substitutions() {
            let mut inner = *context;
            inner.subshell = true;
            inner.substitution = true;
            self.list(list, &inner);
        }
    }
}
