//! Whether a script still ends with its main command's result once it has stopped a sidecar.

use crate::shell::{Command, Connector, List, Pipeline, Simple, Span, Statement};

use super::{Action, action::action, command_line::Lookup};

/// What becomes of the main command's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// The script ends with it.
    Preserved,
    /// The script ends with another one: a failure can look like a success.
    Masked,
    /// The stop is skipped when the main command fails.
    Skipped,
    /// It cannot be told.
    Unknown,
}

/// The verdict for a stop at `stop` in the foreground of `list`; `exits_on_error` is `sh -e`.
pub(super) fn in_sequence(list: &List, stop: &Span, exits_on_error: bool, value_of: Lookup<'_>) -> ExitCode {
    let Some(at) = list
        .statements
        .iter()
        .position(|statement| contains(&statement.span, stop))
    else {
        return ExitCode::Unknown;
    };
    let (before, rest) = list.statements.split_at(at);
    let Some((statement, after)) = rest.split_first() else {
        return ExitCode::Unknown;
    };
    if let Some(verdict) = within(statement, stop, value_of) {
        return verdict;
    }
    let Some(main) = before
        .iter()
        .rposition(|statement| runs_something(statement, value_of))
    else {
        return ExitCode::Unknown;
    };
    let stops_on_error = exits_on_error || before.iter().any(|statement| is_set(statement, 'e'));
    let guarded = before
        .get(main)
        .is_some_and(|statement| !statement.and_or.rest.is_empty());
    if stops_on_error && !guarded {
        return ExitCode::Skipped;
    }
    let kept = before
        .get(main..)
        .unwrap_or_default()
        .iter()
        .find_map(kept_result);
    let exit = after
        .iter()
        .find_map(|statement| exit_argument(statement, value_of));
    match (kept, exit) {
        (Some(name), Some(Some(argument))) if refers_to(&argument, &name) => ExitCode::Preserved,
        // What runs after the stop decides.
        (_, None) if after.iter().any(|statement| runs_something(statement, value_of)) => ExitCode::Unknown,
        _ => ExitCode::Masked,
    }
}

/// The verdict for a stop in the script of `trap … EXIT`: the result stays unless the trap exits with another.
pub(super) fn in_exit_trap(body: &List, value_of: Lookup<'_>) -> ExitCode {
    let exits = body
        .commands()
        .filter_map(|visit| visit.simple().cloned())
        .find_map(|simple| match action(&simple, value_of) {
            Action::Exit(argument) => Some(argument),
            _ => None,
        });
    match exits {
        Some(Some(code)) if code.chars().all(|digit| digit.is_ascii_digit()) => ExitCode::Masked,
        _ => ExitCode::Preserved,
    }
}

/// `main && stop`, `main && x=$? && stop && exit $x`, `main || fallback; …`
fn within(statement: &Statement, stop: &Span, value_of: Lookup<'_>) -> Option<ExitCode> {
    let pipelines: Vec<(Option<Connector>, &Pipeline)> = std::iter::once((None, &statement.and_or.first))
        .chain(
            statement
                .and_or
                .rest
                .iter()
                .map(|(connector, pipeline)| (Some(*connector), pipeline)),
        )
        .collect();
    let at = pipelines
        .iter()
        .position(|(_, pipeline)| contains(&pipeline.span, stop))?;
    let main = pipelines
        .iter()
        .take(at)
        .rposition(|(_, pipeline)| pipeline_runs(pipeline, value_of))?;
    let joined = pipelines.get(main + 1..=at)?;
    if joined
        .iter()
        .any(|(connector, _)| *connector == Some(Connector::Or))
    {
        return Some(ExitCode::Unknown);
    }
    Some(ExitCode::Skipped)
}

fn contains(outer: &Span, inner: &Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn runs_something(statement: &Statement, value_of: Lookup<'_>) -> bool {
    statement
        .and_or
        .pipelines()
        .any(|pipeline| pipeline_runs(pipeline, value_of))
}

fn pipeline_runs(pipeline: &Pipeline, value_of: Lookup<'_>) -> bool {
    pipeline.commands.iter().any(|command| match command {
        Command::Simple(simple) => matches!(
            action(simple, value_of),
            Action::Run | Action::Script | Action::Sleep(_)
        ),
        Command::Group { body, .. } | Command::Subshell { body, .. } => body
            .statements
            .iter()
            .any(|statement| runs_something(statement, value_of)),
        Command::Loop { .. } | Command::For { .. } | Command::If { .. } | Command::Case { .. } => true,
        Command::Function { .. } | Command::Test { .. } | Command::Arithmetic { .. } => false,
    })
}

fn simples(statement: &Statement) -> impl Iterator<Item = &Simple> {
    statement
        .and_or
        .pipelines()
        .flat_map(|pipeline| &pipeline.commands)
        .filter_map(|command| match command {
            Command::Simple(simple) => Some(simple),
            _ => None,
        })
}

/// The variable that `x=$?` keeps the result in.
fn kept_result(statement: &Statement) -> Option<String> {
    simples(statement)
        .flat_map(|simple| &simple.assignments)
        .find_map(|assignment| {
            let raw = assignment.value.raw.trim_matches('"');
            matches!(raw, "$?" | "${?}").then(|| assignment.name.clone())
        })
}

/// The argument of an `exit` at the end; the outer option is absent where there is none.
fn exit_argument(statement: &Statement, value_of: Lookup<'_>) -> Option<Option<String>> {
    simples(statement).find_map(|simple| match action(simple, value_of) {
        Action::Exit(argument) => Some(argument),
        _ => None,
    })
}

fn refers_to(argument: &str, name: &str) -> bool {
    argument
        .trim_matches('"')
        .trim_start_matches('$')
        .trim_matches(['{', '}'])
        == name
}

fn is_set(statement: &Statement, letter: char) -> bool {
    simples(statement).any(|simple| {
        let mut words = simple.words.iter().filter_map(|word| word.literal());
        words.next().as_deref() == Some("set")
            && words.any(|word| {
                word == "errexit"
                    || word
                        .strip_prefix('-')
                        .is_some_and(|letters| letters.contains(letter))
            })
    })
}
