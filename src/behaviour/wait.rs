//! Loops and tools that wait for somebody else.

use crate::shell::{Command, List, Part, Pipeline, Span, Statement, Terminator, Visit};

use super::{
    Action, Address,
    action::{action, file_test},
    command_line::{CommandLine, Lookup},
    file,
};

/// What a script waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Somebody who answers at an address.
    Address {
        /// The address.
        address: Address,
        /// Asked over HTTP.
        http: bool,
    },
    /// A file.
    File(String),
    /// A tool that knows whom to ask.
    Tool(String),
}

/// How a script waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitForm {
    /// A loop.
    Loop,
    /// One command that tries again by itself.
    Command,
}

/// A place where a script waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// How.
    pub form: WaitForm,
    /// For whom.
    pub targets: Vec<Target>,
    /// The loop or command.
    pub span: Span,
    /// What else it does: it cannot be cut out without losing that.
    pub side_effects: Vec<String>,
    /// It waits until somebody has gone away.
    pub inverted: bool,
    /// Nothing of weight runs before it.
    pub leads: bool,
    /// A child was started in the background before it: it may wait for that one.
    pub after_child: bool,
    /// What runs after it.
    pub then: Option<Span>,
    /// It stands in the background.
    pub aside: bool,
}

/// Programs that only pass on or filter what they read.
const FILTERS: [&str; 16] = [
    "grep", "egrep", "fgrep", "awk", "gawk", "sed", "cut", "tr", "jq", "yq", "wc", "sort", "uniq", "xargs",
    "bc", "seq",
];

/// All waits of a script, in the order of the text.
#[must_use]
pub(super) fn waits(list: &List, value_of: Lookup<'_>) -> Vec<Wait> {
    let mut search = Search {
        value_of,
        found: Vec::new(),
        weights: Vec::new(),
        children: Vec::new(),
    };
    search.list(list, false);
    search.finish()
}

struct Search<'l> {
    value_of: Lookup<'l>,
    found: Vec<Wait>,
    /// Where commands of weight stand: those that are neither waits nor noise.
    weights: Vec<Span>,
    /// Where children are started in the background.
    children: Vec<Span>,
}

impl Search<'_> {
    fn list(&mut self, list: &List, aside: bool) {
        for statement in &list.statements {
            self.statement(statement, aside);
        }
    }

    fn statement(&mut self, statement: &Statement, aside: bool) {
        let background = statement.terminator == Terminator::Background;
        let known = self.weights.len();
        for pipeline in statement.and_or.pipelines() {
            self.pipeline(pipeline, aside || background);
        }
        if background && self.weights.len() > known {
            self.weights.truncate(known);
            self.children.push(statement.span.clone());
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, aside: bool) {
        let [command] = pipeline.commands.as_slice() else {
            // `until …; done | tee log` and `yes | app`
            pipeline
                .commands
                .iter()
                .for_each(|command| self.command(command, aside));
            return;
        };
        self.command(command, aside);
    }

    fn command(&mut self, command: &Command, aside: bool) {
        match command {
            Command::Loop {
                until,
                condition,
                body,
                span,
                ..
            } => match self.waiting_loop(Some((*until, condition)), body, span, aside) {
                Some(wait) => self.found.push(wait),
                None => {
                    self.list(condition, aside);
                    self.weigh(body, span);
                }
            },
            Command::For { body, span, .. } => match self.waiting_loop(None, body, span, aside) {
                Some(wait) => self.found.push(wait),
                None => self.weigh(body, span),
            },
            Command::If {
                branches, otherwise, ..
            } => {
                for branch in branches {
                    self.list(&branch.condition, aside);
                    self.list(&branch.body, aside);
                }
                if let Some(otherwise) = otherwise {
                    self.list(otherwise, aside);
                }
            }
            Command::Group { body, .. } | Command::Subshell { body, .. } => self.list(body, aside),
            Command::Function { body, .. } => {
                // What a function does weighs where it is called.
                let known = self.weights.len();
                self.list(body, aside);
                self.weights.truncate(known);
            }
            Command::Case { arms, .. } => arms.iter().for_each(|arm| self.list(arm, aside)),
            Command::Test { .. } | Command::Arithmetic { .. } => {}
            Command::Simple(simple) => {
                let action = action(simple, self.value_of);
                match &action {
                    Action::Script => {
                        for script in simple.scripts.iter().filter_map(|script| script.list.as_ref()) {
                            self.list(script, aside);
                        }
                    }
                    Action::Trap(_) => {}
                    _ => match self.waiting_command(simple, &action, aside) {
                        Some((wait, then)) => {
                            self.found.push(wait);
                            self.weights.extend(then);
                        }
                        None if action == Action::Run
                            || action.address().is_some()
                            || matches!(action, Action::Tool(_))
                            || reads_file(simple, &action) =>
                        {
                            self.weights.push(simple.span.clone());
                        }
                        None => {}
                    },
                }
            }
        }
    }

    /// A loop that does not wait weighs if anything in it does.
    fn weigh(&mut self, body: &List, span: &Span) {
        let known = self.weights.len();
        self.list(body, false);
        if self.weights.len() > known {
            self.weights.truncate(known);
            self.weights.push(span.clone());
        }
    }

    fn waiting_command(
        &self,
        simple: &crate::shell::Simple,
        action: &Action,
        aside: bool,
    ) -> Option<(Wait, Option<Span>)> {
        let (target, runs) = match action {
            Action::Http(call) if call.retries => (
                Target::Address {
                    address: call.address.clone(),
                    http: true,
                },
                None,
            ),
            Action::Connect(connection) if connection.waits => (
                Target::Address {
                    address: connection.address.clone(),
                    http: false,
                },
                connection.runs,
            ),
            Action::Tool(tool) if tool == "pilot-agent" || tool == "linkerd-await" => {
                let line = CommandLine::new(&simple.words, self.value_of);
                let runs = line
                    .arguments
                    .iter()
                    .position(|word| word.known == "--")
                    .map(|at| at + 1);
                (Target::Tool(tool.clone()), runs)
            }
            _ => return None,
        };
        let line = CommandLine::new(&simple.words, self.value_of);
        let then = runs
            .and_then(|at| line.arguments.get(at))
            .map(|word| word.span.start..simple.span.end);
        let end = then.as_ref().map_or(simple.span.end, |then| then.start);
        let written = file::written(&simple.redirects, self.value_of);
        let wait = Wait {
            form: WaitForm::Command,
            targets: vec![target],
            span: simple.span.start..end,
            side_effects: written.into_iter().map(|path| format!("writes {path}")).collect(),
            inverted: false,
            leads: false,
            after_child: false,
            then: None,
            aside,
        };
        Some((wait, then))
    }

    fn waiting_loop(
        &self,
        condition: Option<(bool, &List)>,
        body: &List,
        span: &Span,
        aside: bool,
    ) -> Option<Wait> {
        let mut probes = Probes {
            value_of: self.value_of,
            targets: Vec::new(),
            effects: Vec::new(),
            negations: 0,
        };
        let mut inverted = false;
        if let Some((until, condition)) = condition {
            probes.ask(condition);
            let holds_when_there = probes.negations % 2 == 0;
            inverted = until != holds_when_there;
        }
        if probes.targets.is_empty() {
            // `while true; do PROBE && break; sleep 1; done`
            probes.ask_breaking(body)?;
            inverted = false;
        } else {
            probes.effects_of(body);
        }
        (!probes.targets.is_empty()).then(|| Wait {
            form: WaitForm::Loop,
            targets: probes.targets,
            span: span.clone(),
            side_effects: probes.effects,
            inverted,
            leads: false,
            after_child: false,
            then: None,
            aside,
        })
    }

    fn finish(mut self) -> Vec<Wait> {
        for wait in &mut self.found {
            wait.leads = !self.weights.iter().any(|weight| weight.end <= wait.span.start);
            wait.after_child = self.children.iter().any(|child| child.end <= wait.span.start);
            wait.then = self
                .weights
                .iter()
                .filter(|weight| weight.start >= wait.span.end)
                .min_by_key(|weight| weight.start)
                .cloned();
        }
        self.found
    }
}

/// What the condition of a loop asks.
struct Probes<'l> {
    value_of: Lookup<'l>,
    targets: Vec<Target>,
    effects: Vec<String>,
    negations: usize,
}

impl Probes<'_> {
    fn ask(&mut self, condition: &List) {
        for visit in condition.commands() {
            self.visit(&visit);
        }
    }

    fn visit(&mut self, visit: &Visit<'_>) {
        let before = self.targets.len();
        match visit.command {
            Command::Simple(simple) => {
                let action = action(simple, self.value_of);
                for path in file::written(&simple.redirects, self.value_of) {
                    self.effects.push(format!("writes {path}"));
                }
                match action {
                    Action::Http(call) => {
                        if let Some(output) = &call.output {
                            self.effects.push(format!("writes {output}"));
                        }
                        if call.sends_body {
                            self.effects.push("sends data".to_owned());
                        }
                        self.targets.push(Target::Address {
                            address: call.address,
                            http: true,
                        });
                    }
                    Action::Connect(connection) => {
                        self.targets.push(Target::Address {
                            address: connection.address,
                            http: false,
                        });
                    }
                    Action::Tool(tool) => self.targets.push(Target::Tool(tool)),
                    Action::TestFile { path, negated } => {
                        self.negations += usize::from(negated);
                        self.targets.push(Target::File(path));
                    }
                    Action::Run => {
                        let line = CommandLine::new(&simple.words, self.value_of);
                        if !FILTERS.contains(&line.program()) {
                            self.effects.push(format!("runs {}", line.program()));
                        }
                    }
                    Action::Noise => self.negations += usize::from(is_negative_test(simple)),
                    _ => {}
                }
            }
            Command::Test { words, .. } => {
                let words: Vec<String> = words
                    .iter()
                    .map(|word| word.resolve(self.value_of).unwrap_or_default())
                    .collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                if let Some(Action::TestFile { path, negated }) = file_test(&words) {
                    self.negations += usize::from(negated);
                    self.targets.push(Target::File(path));
                } else {
                    self.negations += usize::from(
                        words
                            .iter()
                            .any(|word| matches!(*word, "!=" | "-z" | "-ne" | "!")),
                    );
                }
            }
            _ => {}
        }
        // `! curl …`; a substitution's own negation says nothing about the test around it.
        if visit.context.negated && self.targets.len() > before && !visit.context.substitution {
            self.negations += 1;
        }
    }

    /// The probes of an endless or counting loop that is left when one answers; `None` where it is not left so.
    fn ask_breaking(&mut self, body: &List) -> Option<()> {
        let visits: Vec<_> = body.commands().collect();
        let leaves = visits.iter().position(|visit| {
            visit.simple().is_some_and(|simple| {
                matches!(action(simple, self.value_of), Action::Break)
                    || is_successful_exit(simple, self.value_of)
            })
        })?;
        for visit in visits.iter().take(leaves) {
            self.visit(visit);
        }
        self.negations = 0;
        self.effects_after(visits.get(leaves + 1..).unwrap_or_default());
        // A signal in it makes it a watchdog, not a wait.
        let kills = visits.iter().filter_map(Visit::simple).any(
            |simple| matches!(action(simple, self.value_of), Action::Signal(kill) if kill.signal != "0"),
        );
        (!kills).then_some(())
    }

    fn effects_of(&mut self, body: &List) {
        let visits: Vec<_> = body.commands().collect();
        self.effects_after(&visits);
    }

    fn effects_after(&mut self, visits: &[Visit<'_>]) {
        for visit in visits
            .iter()
            .filter(|visit| !visit.context.is_in(Part::LoopCondition))
        {
            let Some(simple) = visit.simple() else { continue };
            let effect = match action(simple, self.value_of) {
                Action::Run => {
                    let line = CommandLine::new(&simple.words, self.value_of);
                    (!FILTERS.contains(&line.program())).then(|| format!("runs {}", line.program()))
                }
                Action::Write(paths) => Some(format!("writes {}", paths.join(" "))),
                Action::Signal(kill) if kill.signal != "0" => Some("sends signals".to_owned()),
                _ => None,
            };
            self.effects.extend(effect);
        }
    }
}

/// `cat result` behind a wait is work; `[ -f result ]` is a question.
pub(super) fn reads_file(simple: &crate::shell::Simple, action: &Action) -> bool {
    matches!(action, Action::TestFile { .. })
        && simple
            .words
            .first()
            .is_some_and(|word| matches!(word.raw.as_str(), "cat" | "tail" | "head"))
}

fn is_successful_exit(simple: &crate::shell::Simple, value_of: Lookup<'_>) -> bool {
    matches!(action(simple, value_of), Action::Exit(code) if code.as_deref() == Some("0"))
}

/// `[ "$(…)" != 200 ]`, `[ -z "$(…)" ]`
fn is_negative_test(simple: &crate::shell::Simple) -> bool {
    let is_test = simple
        .words
        .first()
        .is_some_and(|word| matches!(word.raw.as_str(), "[" | "test"));
    is_test
        && simple
            .words
            .iter()
            .any(|word| matches!(word.raw.as_str(), "!=" | "-z" | "-ne" | "!"))
}
