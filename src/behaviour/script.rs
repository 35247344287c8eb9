//! What a script does for its neighbours' sake: it waits, sleeps, tells them to stop, leaves markers.
//!
//! Everything here is read from the tree of a script that was understood; it says what stands where, not
//! whether that is a mistake.

mod background;
mod cluster_poll;
mod condition;
mod exit_status;
mod idle;
mod kill;
mod looked_up;
mod marker;
mod question;
mod quit;
mod runs;
mod sleep;
mod step;
mod swallowed;
#[cfg(test)]
mod tests;
mod trap;
mod unread;
mod wait;
mod waiting_loop;
mod way_out;

use std::{cell::RefCell, collections::HashMap};

use crate::shell::{Command, List, Script, Simple, Span, Statement, Variable, Visit, Word};

use super::action::{Action, CommandAction, Values, classify_simple, classify_visit};

pub use background::Background;
pub use exit_status::ExitStatus;
pub use kill::Kill;
pub use marker::{Marker, MarkerUse, Reached};
pub use quit::{Quit, QuitPosition};
pub use runs::{Fault, Runs};
pub use sleep::Sleep;
pub(crate) use step::is_filter;
pub use step::{Step, StepKind};
pub use swallowed::Swallowed;
pub use trap::Trap;
pub use unread::{Unread, UnreadKind};
pub use wait::{Answer, Wait, WaitForm};
pub use way_out::WayOut;

/// A command of the script with what it does.
#[derive(Debug, Clone)]
pub struct Located<'a> {
    /// What it does.
    pub action: CommandAction,
    /// Where it stands.
    pub visit: Visit<'a>,
}

/// What a script does.
#[derive(Debug)]
pub struct ScriptBehaviour<'a> {
    script: &'a Script,
    values: Values<'a>,
    /// Ordered by where they start.
    commands: Vec<Located<'a>>,
    /// The compound commands.
    compounds: Vec<Visit<'a>>,
    /// The script's list and all lists in it.
    lists: Vec<&'a List>,
    /// What waits: loops and commands.
    waiting: Vec<Span>,
    /// The bodies of functions by name.
    functions: HashMap<&'a str, &'a List>,
    /// What calling a function amounts to.
    function_kinds: RefCell<HashMap<String, StepKind>>,
    steps: Vec<Step<'a>>,
    /// The script's runs by the step that is its work, once somebody asks for them.
    runs: RefCell<HashMap<usize, Option<Runs>>>,
    exits_on_error: bool,
}

/// A script with more commands is no script that somebody wrote into a manifest; nothing is read from it.
const COMMAND_LIMIT: usize = 4000;

impl<'a> ScriptBehaviour<'a> {
    /// Reads a script that runs with these variables; `exits_on_error` for `sh -e`.
    pub fn new(script: &'a Script, environment: &'a dyn Fn(&str) -> Variable, exits_on_error: bool) -> Self {
        let mut behaviour = Self {
            script,
            values: Values::new(environment),
            commands: Vec::new(),
            compounds: Vec::new(),
            lists: vec![&script.list],
            waiting: Vec::new(),
            functions: HashMap::new(),
            function_kinds: RefCell::default(),
            steps: Vec::new(),
            runs: RefCell::default(),
            exits_on_error,
        };
        let visits: Vec<_> = script.list.constructs().collect();
        if visits.len() > COMMAND_LIMIT {
            return behaviour;
        }
        behaviour.functions = script.functions();
        behaviour.values = Values::of_script(script, environment);
        let calls = calls(&behaviour.functions, &visits);
        for visit in visits {
            behaviour.lists.extend(inner_lists(visit.command));
            let passed = with_arguments(&behaviour.functions, &calls, &visit);
            let action = match &passed {
                Some(simple) => Some(classify_simple(simple, &behaviour.values)),
                None => classify_visit(&visit, &behaviour.values),
            };
            match action {
                Some(mut action) => {
                    // A function hides the program of its name: `wait_for localhost 5432`.
                    let name = visit.simple().and_then(|simple| simple.words.first()?.literal());
                    if let Some(name) = name.filter(|name| behaviour.is_function(name)) {
                        action.action = Action::Other {
                            program: Some(name.into_owned()),
                        };
                    }
                    behaviour.commands.push(Located { action, visit });
                }
                None => behaviour.compounds.push(visit),
            }
        }
        behaviour
            .commands
            .sort_by_key(|located| located.action.span.start);
        behaviour.look_processes_up();
        behaviour.waiting = wait::waiting(&behaviour);
        behaviour.steps = step::steps(&behaviour);
        behaviour
    }

    /// All commands in the order of the text, those of functions, traps and inner shells too.
    #[must_use]
    pub fn commands(&self) -> &[Located<'a>] {
        &self.commands
    }

    /// What the script does one after the other.
    #[must_use]
    pub fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    /// What is known about variables.
    #[must_use]
    pub fn values(&self) -> &Values<'a> {
        &self.values
    }

    /// What the script is for: the last step that is neither noise nor a workaround.
    #[must_use]
    pub fn main(&self) -> Option<&Step<'a>> {
        self.main_index().and_then(|index| self.steps.get(index))
    }

    fn main_index(&self) -> Option<usize> {
        let last = |kind| self.steps.iter().rposition(|step: &Step| step.kind == kind);
        self.steps
            .iter()
            .rposition(Step::is_work)
            .or_else(|| last(StepKind::LocalWork))
            .or_else(|| last(StepKind::Setup))
    }

    /// The step during which the main command ends: `wait $PID` where it runs in the background.
    fn main_end_index(&self) -> Option<usize> {
        let main = self.main_index()?;
        if !self.steps.get(main)?.is_background() {
            return Some(main);
        }
        let waits = |step: &Step| step.kind == StepKind::WaitForChild;
        self.steps
            .iter()
            .skip(main)
            .position(waits)
            .map(|offset| main + offset)
    }

    /// The index of the step that runs what stands in a range. The definition of a function doesn't run it.
    fn step_index(&self, span: &Span) -> Option<usize> {
        let runs = |step: &Step| step.kind != StepKind::Function && covers(&step.span(), span);
        self.steps.iter().position(runs)
    }

    /// The span of the work behind a place.
    fn work_after(&self, index: usize) -> Option<Span> {
        let works = |step: &&Step| step.is_work() || step.kind == StepKind::LocalWork;
        self.steps.iter().skip(index + 1).find(works).map(Step::span)
    }

    /// Whether nothing but noise and other waits comes before a step.
    fn is_first_step(&self, index: usize) -> bool {
        (0..index.min(self.steps.len())).all(|index| self.is_quiet_step(index))
    }

    /// Whether a step is noise, or one that sets the script up.
    fn is_quiet_step(&self, index: usize) -> bool {
        let is_quiet = |step: &Step| {
            matches!(
                step.kind,
                StepKind::Noise
                    | StepKind::Function
                    | StepKind::Trap
                    | StepKind::Check
                    | StepKind::Setup
                    | StepKind::Wait
                    | StepKind::Sleep
            )
        };
        // What a script reads in sets it up: `. /etc/defaults/app`.
        let reads_in = |step: &Step| {
            let span = step.span();
            let mut works = self
                .within(&span)
                .filter(|located| step::command_kind(self, located) > StepKind::Wait);
            step.kind == StepKind::Work
                && works.all(|located| {
                    matches!(&located.action.action, Action::Other { program: Some(name) } if matches!(name.as_str(), "." | "source"))
                })
        };
        self.steps
            .get(index)
            .is_some_and(|step| is_quiet(step) || reads_in(step))
    }

    /// The files that the steps before one make or change, where all that they do is known.
    fn files_before(&self, index: usize) -> Option<Vec<String>> {
        let mut files = Vec::new();
        for (at, step) in self.steps.iter().take(index).enumerate() {
            if self.is_quiet_step(at) {
                continue;
            }
            for located in self.within(&step.span()) {
                files.extend(self.only_files(located)?);
            }
        }
        Some(files)
    }

    /// The files that a command makes or changes, where it does nothing else: `mkdir -p /tmp/x`, `cat >/tmp/x <<EOF`.
    fn only_files(&self, located: &Located) -> Option<Vec<String>> {
        let action = &located.action;
        let written: Option<Vec<String>> = action
            .written_files
            .iter()
            .map(|file| file.path.clone())
            .collect();
        let mut files = written?;
        match &action.action {
            Action::Touch { paths } | Action::Remove { paths } => {
                let paths: Option<Vec<String>> = paths.iter().map(|file| file.path.clone()).collect();
                files.extend(paths?);
            }
            Action::Other { program: Some(name) } => {
                let name = name.rsplit('/').next().unwrap_or(name);
                let handles_files =
                    matches!(name, "mkdir" | "chmod" | "chown" | "cp" | "mv" | "ln" | "install");
                let prints = step::is_filter(name) && name != "xargs" || name == "envsubst";
                // What it is given is read, or changed in its place.
                let words = located.visit.simple()?.words.iter().skip(action.program_word + 1);
                for word in words.filter(|_| handles_files || prints) {
                    let text = self.values.resolve(word)?;
                    if text.starts_with('/') {
                        files.push(text);
                    } else if handles_files && !text.starts_with('-') && name != "chmod" && name != "chown" {
                        return None;
                    }
                }
                if !handles_files && !prints {
                    return None;
                }
            }
            Action::TestFile { path, .. } => files.push(path.path.clone()?),
            Action::Echo => {}
            _ if action.is_noise() => {}
            _ => return None,
        }
        // Where a file without a root lies is not known.
        files.iter().all(|file| file.starts_with('/')).then_some(files)
    }

    /// The commands within a range.
    fn within(&self, span: &Span) -> impl Iterator<Item = &Located<'a>> {
        let first = self
            .commands
            .partition_point(|located| located.action.span.start < span.start);
        let (start, end) = (first, span.end);
        self.commands
            .iter()
            .skip(start)
            .take_while(move |located| located.action.span.start <= end)
            .filter(move |located| located.action.span.end <= end)
    }

    /// The loops and commands within a range that wait.
    fn waiting_within(&self, span: &Span) -> Vec<Span> {
        self.waiting
            .iter()
            .filter(|wait| covers(span, wait))
            .cloned()
            .collect()
    }

    /// The step that runs a function, and the trap that does.
    fn callers(&self, function: &str) -> impl Iterator<Item = &Located<'a>> {
        self.commands
            .iter()
            .filter(move |located| located.calls() == Some(function))
    }

    fn is_function(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }

    /// The statement of the script's lists that holds a range most closely, with the statements behind it.
    fn statements_from(&self, span: &Span) -> Option<(&'a Statement, &'a [Statement])> {
        self.lists
            .iter()
            .filter_map(|list| {
                let index = list
                    .statements
                    .iter()
                    .position(|statement| covers(&statement.span, span))?;
                Some((list.statements.get(index)?, list.statements.get(index + 1..)?))
            })
            .min_by_key(|(statement, _)| statement.span.len())
    }
}

/// The words behind the name of each function that is called once.
fn calls<'a>(functions: &HashMap<&str, &List>, visits: &[Visit<'a>]) -> HashMap<String, Option<&'a [Word]>> {
    let mut calls: HashMap<String, Option<&[Word]>> = HashMap::new();
    for simple in visits.iter().filter_map(Visit::simple) {
        let Some((name, arguments)) = simple.words.split_first() else {
            continue;
        };
        if let Some(name) = name
            .literal()
            .filter(|name| functions.contains_key(name.as_ref()))
        {
            let known = (!calls.contains_key(name.as_ref())).then_some(arguments);
            calls.insert(name.into_owned(), known);
        }
    }
    calls
}

/// A command of a function that runs what the function was given: `until "$@"; do sleep 1; done`.
fn with_arguments(
    functions: &HashMap<&str, &List>,
    calls: &HashMap<String, Option<&[Word]>>,
    visit: &Visit<'_>,
) -> Option<Simple> {
    let simple = visit.simple()?;
    let function = visit
        .context
        .function
        .filter(|name| functions.contains_key(*name))?;
    let is_all = |word: &Word| matches!(word.raw.as_str(), "\"$@\"" | "$@" | "\"${@}\"");
    let at = simple.words.iter().position(is_all)?;
    let arguments = calls.get(function).copied().flatten()?;
    let arguments = arguments.get(shifted(functions.get(function)?, simple)?..)?;
    let mut passed = simple.clone();
    let place = simple.words.get(at)?.span.clone();
    let words = arguments.iter().map(|word| Word {
        span: place.clone(),
        ..word.clone()
    });
    passed.words.splice(at..=at, words);
    Some(passed)
}

/// How many of a function's arguments are gone before one of its commands: `n=$1; shift; until "$@"; do …; done`.
fn shifted(body: &List, before: &Simple) -> Option<usize> {
    let is_shift = |simple: &&Simple| simple.words.first().is_some_and(|word| word.raw == "shift");
    let count = |simple: &Simple| match simple.words.as_slice() {
        [_] => Some(1),
        [_, count] => count.literal()?.parse().ok(),
        _ => None,
    };
    let own = body
        .statements
        .iter()
        .take_while(|statement| statement.span.end <= before.span.start)
        .flat_map(|statement| statement.and_or.pipelines())
        .filter(|pipeline| pipeline.commands.len() == 1)
        .filter_map(|pipeline| match pipeline.commands.first() {
            Some(Command::Simple(simple)) => Some(simple),
            _ => None,
        })
        .filter(is_shift);
    let own: Vec<&Simple> = own.collect();
    // Another one may run once, or in each round.
    let all = body
        .commands()
        .filter_map(|visit| visit.simple())
        .filter(is_shift);
    (all.count() == own.len()).then(|| own.into_iter().map(count).sum())?
}

impl Located<'_> {
    /// The name of the function or program, if it is no known one.
    fn calls(&self) -> Option<&str> {
        match &self.action.action {
            super::action::Action::Other { program } => program.as_deref(),
            _ => None,
        }
    }
}

/// The lists of a compound command, and of the scripts in a simple one's words.
fn inner_lists(command: &Command) -> Vec<&List> {
    match command {
        Command::Group { body, .. }
        | Command::Subshell { body, .. }
        | Command::For { body, .. }
        | Command::Function { body, .. } => vec![body],
        Command::Loop { condition, body, .. } => vec![condition, body],
        Command::If {
            branches, otherwise, ..
        } => {
            let branches = branches
                .iter()
                .flat_map(|branch| [&branch.condition, &branch.body]);
            branches.chain(otherwise).collect()
        }
        Command::Case { arms, .. } => arms.iter().collect(),
        Command::Simple(simple) => simple
            .scripts
            .iter()
            .filter_map(|script| script.list.as_ref())
            .collect(),
        Command::Test { .. } | Command::Arithmetic { .. } => Vec::new(),
    }
}

fn covers(outer: &Span, inner: &Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// What to remove so that a pipeline doesn't run and the rest of its statement still does: the pipeline with
/// the `&&` or `||` that joins it.
fn cut(statement: &Statement, span: &Span) -> Span {
    let spans: Vec<&Span> = statement
        .and_or
        .pipelines()
        .map(|pipeline| &pipeline.span)
        .collect();
    let Some(index) = spans.iter().position(|pipeline| covers(pipeline, span)) else {
        return statement.span.clone();
    };
    match (
        spans.get(index),
        spans.get(index + 1),
        index.checked_sub(1).and_then(|before| spans.get(before)),
    ) {
        (Some(own), Some(next), None) => own.start..next.start,
        (Some(own), _, Some(before)) => before.end..own.end,
        _ => statement.span.clone(),
    }
}
