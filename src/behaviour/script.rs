//! What a script does for its neighbours' sake: it waits, sleeps, tells them to stop, leaves markers.
//!
//! Everything here is read from the tree of a script that was understood; it says what stands where, not
//! whether that is a mistake.

mod background;
mod exit_status;
mod kill;
mod marker;
mod quit;
mod sleep;
mod step;
mod swallowed;
#[cfg(test)]
mod tests;
mod trap;
mod wait;

use crate::shell::{List, Script, Span, Statement, Visit};

use super::action::{CommandAction, Values, classify_visit};

pub use background::Background;
pub use exit_status::ExitStatus;
pub use kill::Kill;
pub use marker::{Marker, MarkerUse, Reached};
pub use quit::{Quit, QuitPosition};
pub use sleep::Sleep;
pub use step::{Step, StepKind};
pub use swallowed::Swallowed;
pub use trap::Trap;
pub use wait::{Wait, WaitForm};

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
    commands: Vec<Located<'a>>,
    steps: Vec<Step<'a>>,
    exits_on_error: bool,
}

impl<'a> ScriptBehaviour<'a> {
    /// Reads a script that runs with these variables; `exits_on_error` for `sh -e`.
    pub fn new(
        script: &'a Script,
        environment: &'a dyn Fn(&str) -> Option<String>,
        exits_on_error: bool,
    ) -> Self {
        let values = Values::of_script(script, environment);
        let commands = script
            .list
            .commands()
            .filter_map(|visit| {
                let action = classify_visit(&visit, &values)?;
                Some(Located { action, visit })
            })
            .collect();
        let mut behaviour = Self {
            script,
            values,
            commands,
            steps: Vec::new(),
            exits_on_error,
        };
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
        self.steps.iter().rposition(Step::is_work)
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
        let works = |step: &&Step| step.is_work();
        self.steps.iter().skip(index + 1).find(works).map(Step::span)
    }

    /// Whether nothing but noise comes before a step.
    fn is_first_step(&self, index: usize) -> bool {
        let is_quiet = |step: &Step| {
            matches!(
                step.kind,
                StepKind::Noise | StepKind::Function | StepKind::Trap | StepKind::Check
            )
        };
        self.steps.iter().take(index).all(is_quiet)
    }

    /// The commands within a range.
    fn within(&self, span: &Span) -> impl Iterator<Item = &Located<'a>> {
        self.commands
            .iter()
            .filter(move |located| covers(span, &located.action.span))
    }

    /// The step that runs a function, and the trap that does.
    fn callers(&self, function: &str) -> impl Iterator<Item = &Located<'a>> {
        self.commands
            .iter()
            .filter(move |located| located.calls() == Some(function))
    }

    fn is_function(&self, name: &str) -> bool {
        self.script.function(name).is_some()
    }

    /// The statement of the script's lists that holds a range most closely, with the statements behind it.
    fn statements_from(&self, span: &Span) -> Option<(&'a Statement, &'a [Statement])> {
        let mut lists: Vec<&'a List> = vec![&self.script.list];
        lists.extend(step::inner_lists(&self.script.list));
        lists
            .into_iter()
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

impl Located<'_> {
    /// The name of the function or program, if it is no known one.
    fn calls(&self) -> Option<&str> {
        match &self.action.action {
            super::action::Action::Other { program } => program.as_deref(),
            _ => None,
        }
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

/// Whether facts about a script are worth asking for: it holds a word that any of them needs. Much cheaper
/// than parsing it.
#[must_use]
pub fn may_matter(text: &str) -> bool {
    const WORDS: [&str; 28] = [
        "sleep",
        "curl",
        "wget",
        "http",
        "xh",
        "nc",
        "netcat",
        "telnet",
        "/dev/tcp",
        "kill",
        "trap",
        "touch",
        ">",
        "tee",
        "[",
        "test",
        "until",
        "while",
        "for",
        "wait",
        "dockerize",
        "pilot-agent",
        "await",
        "exit",
        "kubexit",
        "scuttle",
        "preflight",
        "proa",
    ];
    WORDS.iter().any(|word| text.contains(word))
}
