//! The steps of a script: its pipelines in the order they run.

use crate::{
    behaviour::action::{Action, CommandAction, FileTestKind},
    shell::{Command, Connector, List, Part, Piece, Pipeline, Simple, Span, Statement, Terminator},
};

use super::{Located, ScriptBehaviour, covers, quit, wait, waiting_loop::leaves_for_work};

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// Nothing outside of the shell changes.
    Noise,
    /// A function is defined.
    Function,
    /// A trap is set.
    Trap,
    /// Something is looked at once.
    Check,
    /// Tools are installed: `apk add curl`.
    Setup,
    /// `x=$?`
    SaveStatus,
    /// `wait $PID`
    WaitForChild,
    /// `exit`, `return`
    Exit,
    /// `sleep`
    Sleep,
    /// It waits until something is ready or gone.
    Wait,
    /// Marker files are made or removed.
    Marker,
    /// Processes are signalled.
    Signal,
    /// A request to the pod itself that stops something.
    Request,
    /// Any other request to the pod itself: work, where a script has no other.
    LocalWork,
    /// Anything else: what a script may be for.
    Work,
}

/// A pipeline of the script.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// What it is.
    pub kind: StepKind,
    /// The pipeline.
    pub pipeline: &'a Pipeline,
    /// The statement it belongs to.
    pub statement: &'a Statement,
    /// What joins it to the pipeline before it.
    pub connector: Option<Connector>,
    /// What joins the next pipeline to it.
    pub next_connector: Option<Connector>,
    /// It is a wait that runs a command afterwards: `wait-for-it … -- app`.
    pub runs_command: bool,
    /// It stands in a part that runs as a process of its own, such as `( … )`.
    pub in_subshell: bool,
}

impl Step<'_> {
    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        self.pipeline.span.clone()
    }

    /// Whether the script goes on while it runs.
    #[must_use]
    pub fn is_background(&self) -> bool {
        self.statement.terminator == Terminator::Background
    }

    /// Whether it does what the script may be for.
    #[must_use]
    pub fn is_work(&self) -> bool {
        self.kind == StepKind::Work || self.runs_command
    }

    /// Whether the script ends if it fails, where `set -e` holds.
    pub(super) fn failure_counts(&self) -> bool {
        self.next_connector.is_none() && !self.pipeline.negated
    }
}

/// How deep blocks are opened to find the steps in them.
const DEPTH_LIMIT: usize = 6;

pub(super) fn steps<'a>(behaviour: &ScriptBehaviour<'a>) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    add_steps(behaviour, &behaviour.script.list, false, DEPTH_LIMIT, &mut steps);
    steps
}

fn add_steps<'a>(
    behaviour: &ScriptBehaviour<'a>,
    list: &'a List,
    in_subshell: bool,
    depth: usize,
    steps: &mut Vec<Step<'a>>,
) {
    let last = list.statements.len().saturating_sub(1);
    for (index, statement) in list.statements.iter().enumerate() {
        let is_last = index == last;
        if depth > 0
            && let Some((inner, inner_subshell)) = block(behaviour, statement, is_last)
        {
            add_steps(behaviour, inner, in_subshell || inner_subshell, depth - 1, steps);
            continue;
        }
        let pipelines: Vec<_> = statement.and_or.pipelines().collect();
        for (position, pipeline) in pipelines.iter().enumerate() {
            let joined = |position: usize| {
                statement
                    .and_or
                    .rest
                    .get(position)
                    .map(|(connector, _)| *connector)
            };
            let (kind, runs_command) = pipeline_kind(behaviour, pipeline);
            steps.push(Step {
                kind,
                pipeline,
                statement,
                connector: position.checked_sub(1).and_then(joined),
                next_connector: joined(position),
                runs_command,
                in_subshell,
            });
        }
    }
}

/// The list of a statement that is nothing but a block: `{ … }`, and at the end of a list `( … )`,
/// `sh -c '…'` and the call of a function.
fn block<'a>(
    behaviour: &ScriptBehaviour<'a>,
    statement: &'a Statement,
    is_last: bool,
) -> Option<(&'a List, bool)> {
    let pipeline = &statement.and_or.first;
    if !statement.and_or.rest.is_empty() || pipeline.negated || statement.terminator == Terminator::Background
    {
        return None;
    }
    let [command] = pipeline.commands.as_slice() else {
        return None;
    };
    match command {
        Command::Group { body, .. } => Some((body, false)),
        Command::Subshell { body, .. } if is_last => Some((body, true)),
        Command::Simple(simple) if is_last => inner_shell(simple)
            .map(|list| (list, true))
            .or_else(|| Some((called(behaviour, simple)?, false))),
        _ => None,
    }
}

/// The script of `sh -c '…'` and `eval`, unless it is nothing but a wait.
fn inner_shell(simple: &Simple) -> Option<&List> {
    let [script] = simple.scripts.as_slice() else {
        return None;
    };
    let is_trap = simple.words.iter().any(|word| word.raw == "trap");
    let is_limited = simple.words.iter().any(|word| word.raw.ends_with("timeout"));
    script.list.as_ref().filter(|_| !is_trap && !is_limited)
}

/// The body of the function a command calls.
fn called<'a>(behaviour: &ScriptBehaviour<'a>, simple: &Simple) -> Option<&'a List> {
    let name = simple.words.first()?.literal()?;
    behaviour.functions.get(&*name).copied()
}

fn pipeline_kind(behaviour: &ScriptBehaviour, pipeline: &Pipeline) -> (StepKind, bool) {
    if let [Command::Function { .. }] = pipeline.commands.as_slice() {
        return (StepKind::Function, false);
    }
    if let [command @ (Command::Loop { .. } | Command::For { .. })] = pipeline.commands.as_slice()
        && behaviour.waiting.contains(&command.span())
    {
        let runs_work = behaviour.within(&command.span()).any(leaves_for_work);
        return (StepKind::Wait, runs_work);
    }
    let mut kind = StepKind::Noise;
    let mut runs_command = false;
    let direct =
        |located: &&Located| !located.visit.context.substitution && located.visit.context.trap.is_none();
    for located in behaviour.within(&pipeline.span).filter(direct) {
        let found = command_kind(behaviour, located);
        runs_command |= runs_after_waiting(&located.action);
        kind = kind.max(found);
    }
    if let [Command::Simple(simple)] = pipeline.commands.as_slice()
        && saves_status(simple)
    {
        kind = StepKind::SaveStatus;
    }
    // A wait in an inner shell: its condition's requests and tests are the wait's.
    let waits = behaviour.waiting_within(&pipeline.span);
    if !waits.is_empty() && kind < StepKind::Work {
        let all_in_waits = behaviour
            .within(&pipeline.span)
            .filter(direct)
            .filter(|located| command_kind(behaviour, located) > StepKind::Check)
            .all(|located| waits.iter().any(|wait| covers(wait, &located.action.span)));
        if all_in_waits {
            kind = StepKind::Wait;
        }
    }
    (kind, runs_command)
}

fn runs_after_waiting(action: &CommandAction) -> bool {
    matches!(&action.action, Action::Connect(connect) if connect.waits && connect.wraps.is_some())
}

pub(super) fn command_kind(behaviour: &ScriptBehaviour, located: &Located) -> StepKind {
    match &located.action.action {
        Action::Sleep { .. } => StepKind::Sleep,
        Action::Http(http) if http.urls().all(|url| url.host.is_local()) => {
            if wait::repeats_until_up(http) {
                StepKind::Wait
            } else if http.works {
                StepKind::Work
            } else if quit::stops(http) {
                StepKind::Request
            } else {
                StepKind::LocalWork
            }
        }
        Action::Connect(connect) if connect.waits => StepKind::Wait,
        Action::Connect(connect) if connect.has_side_effects => StepKind::Work,
        Action::TestFile {
            kind: FileTestKind::Read,
            ..
        } if is_shown(located) => StepKind::Work,
        Action::TestFile { .. } if wait::waits_alone(located) => StepKind::Wait,
        Action::Connect(_) | Action::TestFile { .. } | Action::Compare => StepKind::Check,
        Action::Tool { name } if wait::waits_by_itself(name) => StepKind::Wait,
        Action::Tool { .. } => StepKind::Check,
        Action::Signal { only_tests: true, .. } => StepKind::Check,
        Action::Signal { .. } => StepKind::Signal,
        Action::Touch { .. } | Action::Remove { .. } => StepKind::Marker,
        Action::Wait { .. } => StepKind::WaitForChild,
        Action::Trap { .. } => StepKind::Trap,
        Action::Exit { .. } => StepKind::Exit,
        Action::Echo
        | Action::Assign
        | Action::Export
        | Action::ChangeDirectory
        | Action::Break { .. }
        | Action::Script => StepKind::Noise,
        Action::Other { program: Some(name) } if behaviour.is_function(name) => {
            function_kind(behaviour, name)
        }
        Action::Other { program: Some(name) } if is_filter(name) => {
            // Behind a `|` it only reads what another command found.
            if located.visit.context.pipeline_index > 0 {
                StepKind::Noise
            } else {
                StepKind::Work
            }
        }
        Action::Other { program: Some(name) } if name == "tee" && only_shows(located) => StepKind::Noise,
        Action::Other { program: Some(name) } if installs(name) => StepKind::Setup,
        // A list of processes is looked at: `ps aux | grep envoy | …`.
        Action::Other { program: Some(name) } if name.rsplit('/').next() == Some("ps") => StepKind::Check,
        Action::Http(_) | Action::Wrapper { .. } | Action::Other { .. } => {
            if located.visit.context.is_in(Part::LoopCondition) && located.action.is_probe() {
                StepKind::Check
            } else {
                StepKind::Work
            }
        }
    }
}

/// What calling a function amounts to; one that calls itself adds nothing by that.
fn function_kind(behaviour: &ScriptBehaviour, name: &str) -> StepKind {
    if let Some(known) = behaviour.function_kinds.borrow().get(name) {
        return *known;
    }
    let remember = |kind| {
        behaviour
            .function_kinds
            .borrow_mut()
            .insert(name.to_owned(), kind);
    };
    remember(StepKind::Noise);
    let statements = behaviour
        .functions
        .get(name)
        .map(|body| body.statements.as_slice());
    let Some([first, ..]) = statements else {
        return StepKind::Noise;
    };
    let end = statements
        .and_then(<[Statement]>::last)
        .map_or(first.span.end, |last| last.span.end);
    let span = first.span.start..end;
    let waits = behaviour.waiting_within(&span);
    let mut kind = StepKind::Noise;
    for located in behaviour
        .within(&span)
        .filter(|located| !located.visit.context.substitution)
    {
        let found = if waits.iter().any(|wait| covers(wait, &located.action.span)) {
            StepKind::Wait
        } else {
            command_kind(behaviour, located)
        };
        kind = kind.max(found);
    }
    remember(kind);
    kind
}

/// Whether a file is read for its own sake, not to learn something.
fn is_shown(located: &Located) -> bool {
    let context = &located.visit.context;
    context.pipeline_length == 1
        && context.next_connector.is_none()
        && !context.is_in(Part::IfCondition)
        && !context.is_in_loop()
}

/// `… | tee /dev/stderr`: what is shown is kept in no file.
fn only_shows(located: &Located) -> bool {
    let words = located
        .visit
        .simple()
        .map_or(&[][..], |simple| simple.words.as_slice());
    let mut files = words.iter().skip(1).map(|word| word.raw.as_str());
    let is_shown =
        |word: &str| word.starts_with('-') || matches!(word, "/dev/stderr" | "/dev/stdout" | "/dev/null");
    located.visit.context.pipeline_index > 0 && files.all(is_shown)
}

/// Package managers, which bring the tools that the rest of a script needs.
fn installs(name: &str) -> bool {
    const MANAGERS: [&str; 9] = [
        "apk", "apt", "apt-get", "yum", "dnf", "microdnf", "zypper", "pip", "pip3",
    ];
    name.rsplit('/')
        .next()
        .is_some_and(|name| MANAGERS.contains(&name))
}

/// Programs that only read and print.
pub(crate) fn is_filter(name: &str) -> bool {
    matches!(
        name.rsplit('/').next(),
        Some(
            "grep"
                | "egrep"
                | "fgrep"
                | "sed"
                | "awk"
                | "jq"
                | "yq"
                | "cut"
                | "tr"
                | "head"
                | "tail"
                | "wc"
                | "sort"
                | "uniq"
                | "cat"
                | "xargs"
                | "basename"
                | "dirname"
                | "column"
                | "rev"
                | "tac"
                | "base64"
        )
    )
}

/// `x=$?`
fn saves_status(simple: &Simple) -> bool {
    simple.words.is_empty()
        && simple
            .assignments
            .iter()
            .any(|assignment| is_last_status(&assignment.value))
}

/// `$?`, and `$(echo $?)`
pub(super) fn is_last_status(word: &crate::shell::Word) -> bool {
    match word.pieces.as_slice() {
        [Piece::Variable { name, .. }] => name == "?",
        [Piece::Substitution { .. }] => word.raw.contains("echo $?"),
        _ => false,
    }
}
