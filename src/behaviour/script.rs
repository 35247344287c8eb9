//! What a whole script does to others, with the places where it does so.

use crate::shell::{Command, EmbeddedKind, List, Script, Simple, Span, Visit};

use super::{
    Action, HttpCall, Kill, ProcessTarget, Wait, WaitForm,
    action::{action, file_test},
    command_line::Lookup,
    exit_code::{self, ExitCode},
    wait::{Target, reads_file, waits},
};

/// A sleep at the top level of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Sleep {
    /// The command.
    pub span: Span,
    /// How long; absent where the text does not say, infinite for `infinity`.
    pub seconds: Option<f64>,
    /// Nothing of weight runs before it.
    pub leads: bool,
    /// What runs after it.
    pub then: Option<Span>,
}

/// How somebody is stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum Means {
    /// By a call.
    Call(HttpCall),
    /// By a signal.
    Signal(Kill),
}

/// A call or signal that may stop somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// How.
    pub means: Means,
    /// The command.
    pub span: Span,
    /// The statement it is a part of, at the top level of the script.
    pub statement: Span,
    /// The signals of the trap it runs in, without `SIG`.
    pub trap: Option<Vec<String>>,
    /// A loop repeats it until it works.
    pub repeats: bool,
    /// What becomes of the main command's result.
    pub exit_code: ExitCode,
}

/// A file that is created, written or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerWrite {
    /// The file.
    pub path: String,
    /// The command.
    pub span: Span,
    /// The signals of the trap it runs in.
    pub trap: Option<Vec<String>>,
}

/// A file that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerTest {
    /// The file.
    pub path: String,
    /// The test, or the loop around it.
    pub span: Span,
    /// The script, or a process it kills, ends once the file is there.
    pub ends: bool,
    /// A loop waits for it.
    pub waits: bool,
    /// A loop asks for it again and again.
    pub repeats: bool,
}

/// A `trap`.
#[derive(Debug, Clone, PartialEq)]
pub struct Trap {
    /// The signals without `SIG`.
    pub signals: Vec<String>,
    /// The command.
    pub span: Span,
    /// What it runs; absent where it was not understood.
    pub body: Option<List>,
}

/// What a script does to others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScriptFacts {
    /// Where it waits.
    pub waits: Vec<Wait>,
    /// Where it sleeps before something else runs.
    pub sleeps: Vec<Sleep>,
    /// Calls and signals that may stop somebody.
    pub stops: Vec<Stop>,
    /// Files it creates, writes or removes.
    pub writes: Vec<MarkerWrite>,
    /// Files it looks for.
    pub tests: Vec<MarkerTest>,
    /// Its traps.
    pub traps: Vec<Trap>,
    /// Commands that run in the background.
    pub children: Vec<Span>,
    /// The commands that do its work, in order.
    pub work: Vec<Span>,
}

impl ScriptFacts {
    /// The facts of a script. `exits_on_error` is `sh -e`.
    #[must_use]
    pub fn new(script: &Script, exits_on_error: bool, value_of: Lookup<'_>) -> Self {
        let constants = constants(script);
        let lookup = |name: &str| {
            constants
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
                .or_else(|| value_of(name))
        };
        let visits: Vec<Visit<'_>> = script.list.commands().collect();
        let waits = waits(&script.list, &lookup);
        let trapped = trapped_functions(&visits, &lookup);
        let mut facts = Self {
            waits,
            ..Self::default()
        };
        for visit in &visits {
            facts.visit(visit, script, &trapped, exits_on_error, &lookup);
        }
        facts.mark_tests(&visits, &lookup);
        facts.order();
        facts
    }

    /// Whether a file is written when the script's work is done.
    #[must_use]
    pub fn is_last(&self, write: &MarkerWrite) -> bool {
        let at_exit = write
            .trap
            .as_ref()
            .is_some_and(|signals| signals.iter().any(|signal| signal == "EXIT"));
        let after_work = self.work.iter().any(|work| work.end <= write.span.start)
            && self.work.iter().all(|work| work.start < write.span.end);
        at_exit || after_work
    }

    fn visit(
        &mut self,
        visit: &Visit<'_>,
        script: &Script,
        trapped: &[(String, Vec<String>)],
        exits_on_error: bool,
        value_of: Lookup<'_>,
    ) {
        let Command::Simple(simple) = visit.command else {
            return;
        };
        let trap = visit.context.trap.map(clean_signals).or_else(|| {
            let function = visit.context.function?;
            trapped
                .iter()
                .find(|(name, _)| name == function)
                .map(|(_, signals)| signals.clone())
        });
        let stop = |means: Means| Stop {
            means,
            span: simple.span.clone(),
            statement: visit.statement.span.clone(),
            exit_code: match &trap {
                Some(signals) if signals.iter().any(|signal| signal == "EXIT") => {
                    trap_exit_code(visit, script, value_of)
                }
                Some(_) => ExitCode::Unknown,
                None if visit.context.background || visit.context.function.is_some() => ExitCode::Unknown,
                None => exit_code::in_sequence(&script.list, &simple.span, exits_on_error, value_of),
            },
            trap: trap.clone(),
            repeats: visit.context.is_in_loop(),
        };
        let top_level = trap.is_none() && visit.context.parts.is_empty() && !visit.context.substitution;
        match action(simple, value_of) {
            Action::Http(call) => self.stops.push(stop(Means::Call(call))),
            Action::Signal(kill) if kill.signal != "0" => self.stops.push(stop(Means::Signal(kill))),
            Action::Write(paths) => self.writes.extend(paths.into_iter().map(|path| MarkerWrite {
                path,
                span: simple.span.clone(),
                trap: trap.clone(),
            })),
            Action::Trap(signals) => self.traps.push(Trap {
                signals,
                span: simple.span.clone(),
                body: simple.scripts.first().and_then(|script| script.list.clone()),
            }),
            Action::Sleep(seconds) if top_level && !visit.context.background => self.sleeps.push(Sleep {
                span: simple.span.clone(),
                seconds,
                leads: false,
                then: None,
            }),
            Action::Run if visit.context.background => self.children.push(simple.span.clone()),
            Action::Run
                if !visit.context.substitution && trap.is_none() && visit.context.function.is_none() =>
            {
                self.work.push(simple.span.clone());
            }
            _ => {}
        }
    }

    /// Every test of a file, with what is reached from it.
    fn mark_tests(&mut self, visits: &[Visit<'_>], value_of: Lookup<'_>) {
        for (at, visit) in visits.iter().enumerate() {
            let Some(path) = tested_file(visit, value_of) else {
                continue;
            };
            let span = visit.command.span();
            let wait = self.waits.iter().find(|wait| {
                wait.form == WaitForm::Loop
                    && !wait.inverted
                    && wait.span.start <= span.start
                    && span.end <= wait.span.end
                    && wait.targets.contains(&Target::File(path.clone()))
            });
            let from = wait.map_or(span.end, |wait| wait.span.end);
            let next = visits
                .iter()
                .skip(at + 1)
                .filter(|later| later.command.span().start >= from)
                .find_map(|later| {
                    let simple = later.simple()?;
                    let action = action(simple, value_of);
                    let idle = matches!(
                        action,
                        Action::Sleep(_) | Action::Noise | Action::TestFile { .. } | Action::Break
                    );
                    (!idle || reads_file(simple, &action)).then_some(action)
                });
            let ends = match next {
                Some(Action::Signal(_) | Action::Exit(_)) => true,
                Some(_) => false,
                // The script itself is at its end.
                None => wait.is_some(),
            };
            let whole = wait.map_or(span, |wait| wait.span.clone());
            self.tests.push(MarkerTest {
                path,
                span: whole,
                ends,
                waits: wait.is_some(),
                repeats: wait.is_some() || visit.context.is_in_loop(),
            });
        }
    }

    fn order(&mut self) {
        let mut busy: Vec<Span> = self.work.clone();
        busy.extend(self.waits.iter().map(|wait| wait.span.clone()));
        for sleep in &mut self.sleeps {
            sleep.leads = !busy.iter().any(|span| span.end <= sleep.span.start);
            sleep.then = self
                .work
                .iter()
                .filter(|span| span.start >= sleep.span.end)
                .min_by_key(|span| span.start)
                .cloned();
        }
    }
}

fn tested_file(visit: &Visit<'_>, value_of: Lookup<'_>) -> Option<String> {
    match visit.command {
        Command::Simple(simple) => match action(simple, value_of) {
            Action::TestFile { path, .. } => Some(path),
            _ => None,
        },
        Command::Test { words, .. } => {
            let words: Vec<String> = words
                .iter()
                .map(|word| word.resolve(value_of).unwrap_or_default())
                .collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match file_test(&words)? {
                Action::TestFile { path, .. } => Some(path),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The functions that a trap calls, with its signals.
fn trapped_functions(visits: &[Visit<'_>], value_of: Lookup<'_>) -> Vec<(String, Vec<String>)> {
    visits
        .iter()
        .filter_map(|visit| {
            let signals = visit.context.trap?;
            let simple = visit.simple()?;
            matches!(action(simple, value_of), Action::Run).then_some(())?;
            Some((
                simple.words.first()?.literal()?.into_owned(),
                clean_signals(signals),
            ))
        })
        .collect()
}

fn clean_signals(signals: &[String]) -> Vec<String> {
    signals
        .iter()
        .map(
            |signal| match signal.to_ascii_uppercase().trim_start_matches("SIG") {
                "0" => "EXIT".to_owned(),
                "2" => "INT".to_owned(),
                "15" => "TERM".to_owned(),
                name => name.to_owned(),
            },
        )
        .collect()
}

/// The body that decides: the function the trap calls, or the trap's own text.
fn trap_exit_code(visit: &Visit<'_>, script: &Script, value_of: Lookup<'_>) -> ExitCode {
    if let Some(body) = visit.context.function.and_then(|name| script.function(name)) {
        return exit_code::in_exit_trap(body, value_of);
    }
    let traps = script
        .list
        .commands()
        .filter_map(|other| other.simple().cloned())
        .collect::<Vec<Simple>>();
    traps
        .iter()
        .flat_map(|simple| &simple.scripts)
        .filter(|embedded| matches!(embedded.kind, EmbeddedKind::Trap { .. }))
        .filter_map(|embedded| embedded.list.as_ref())
        .find(|list| {
            list.commands()
                .any(|other| other.command.span() == visit.command.span())
        })
        .map_or(ExitCode::Unknown, |list| exit_code::in_exit_trap(list, value_of))
}

/// Variables that the script gives a literal value exactly once.
fn constants(script: &Script) -> Vec<(String, String)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for visit in script.list.commands() {
        let Some(simple) = visit.simple() else { continue };
        // `NAME=value command` holds for that command only.
        for assignment in simple.assignments.iter().filter(|_| simple.words.is_empty()) {
            let value = assignment
                .value
                .literal()
                .filter(|_| !assignment.appends)
                .map(|value| value.into_owned());
            match found.iter_mut().find(|(name, _)| *name == assignment.name) {
                Some((_, known)) => *known = None,
                None => found.push((assignment.name.clone(), value)),
            }
        }
    }
    found
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

impl Stop {
    /// The names of the processes it signals.
    pub fn process_names(&self) -> impl Iterator<Item = &str> {
        let targets: &[ProcessTarget] = match &self.means {
            Means::Signal(kill) => &kill.targets,
            Means::Call(_) => &[],
        };
        targets.iter().filter_map(|target| match target {
            ProcessTarget::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }
}
