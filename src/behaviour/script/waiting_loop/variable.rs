//! Loops whose condition only looks at a variable, and tests of the last status.

use crate::shell::{Assignment, Command, List, Piece, Span, Statement, Word};

use super::{
    super::{Located, ScriptBehaviour, WaitForm, step::is_last_status},
    Shape, extent, is_negated, leaving_condition,
};

/// A loop whose condition asks nothing: it counts (`[ $i -lt 30 ]`), keeps the last status (`[ $rc -ne 0 ]`), or
/// looks at a flag (`[ "$ready" != true ]`) that the body sets.
pub(super) fn by_variable(
    behaviour: &ScriptBehaviour,
    until: bool,
    condition: &List,
    body: &List,
) -> Option<Shape> {
    let span = extent(condition)?;
    if behaviour.within(&span).any(reads_input) {
        return None;
    }
    let variables = variables(condition);
    let keeps_status = |statement: &Statement| {
        assignments(statement).iter().any(|assignment| {
            variables.contains(&assignment.name.as_str()) && is_last_status(&assignment.value)
        })
    };
    let kept = body.statements.iter().position(keeps_status);
    let asked = kept
        .and_then(|kept| kept.checked_sub(1))
        .and_then(|asked| body.statements.get(asked));
    let (form, condition, inverted) = if let Some(asked) = asked {
        let failed = is_negated(behaviour, condition) || compares(condition, &["-gt", ">"]);
        (WaitForm::Loop, asked.span.clone(), failed == until)
    } else {
        let (condition, inverted) = leaving_condition(behaviour, body, &variables)?;
        (WaitForm::CountedLoop, condition, inverted)
    };
    Some(Shape {
        form,
        condition,
        body: extent(body)?,
        inverted,
        rounds: None,
    })
}

pub(super) fn asks_something(behaviour: &ScriptBehaviour, condition: &List) -> bool {
    extent(condition).is_some_and(|span| behaviour.within(&span).any(|located| located.action.is_probe()))
}

/// `[ $? -eq 0 ]`
pub(super) fn looks_at_status(behaviour: &ScriptBehaviour, condition: &Span) -> bool {
    behaviour.within(condition).any(|located| {
        let words = match located.visit.command {
            Command::Simple(simple) => simple.words.as_slice(),
            Command::Test { words, .. } => words,
            _ => &[],
        };
        words.iter().any(is_last_status)
    })
}

/// `[ "$rc" = 0 ]` behind `rc=$?`
pub(super) fn looks_at_saved(behaviour: &ScriptBehaviour, condition: &Span, saves: &Statement) -> bool {
    let saved: Vec<&str> = assignments(saves)
        .iter()
        .filter(|assignment| is_last_status(&assignment.value))
        .map(|assignment| assignment.name.as_str())
        .collect();
    let is_saved =
        |piece: &Piece| matches!(piece, Piece::Variable { name, .. } if saved.contains(&name.as_str()));
    behaviour.within(condition).any(|located| {
        let words = match located.visit.command {
            Command::Simple(simple) => simple.words.as_slice(),
            Command::Test { words, .. } => words,
            _ => &[],
        };
        words.iter().flat_map(|word| &word.pieces).any(is_saved)
    })
}

/// The words of the tests in a condition.
fn words_of(condition: &List) -> impl Iterator<Item = &Word> {
    let commands = condition
        .statements
        .iter()
        .flat_map(|statement| statement.and_or.pipelines())
        .flat_map(|pipeline| &pipeline.commands);
    commands.flat_map(|command| match command {
        Command::Simple(simple) => simple.words.as_slice(),
        Command::Test { words, .. } => words,
        _ => &[],
    })
}

fn compares(condition: &List, operators: &[&str]) -> bool {
    words_of(condition).any(|word| operators.contains(&word.raw.as_str()))
}

fn variables(condition: &List) -> Vec<&str> {
    words_of(condition)
        .flat_map(|word| &word.pieces)
        .filter_map(|piece| match piece {
            Piece::Variable { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect()
}

fn assignments(statement: &Statement) -> &[Assignment] {
    match statement.and_or.first.commands.as_slice() {
        [Command::Simple(simple)] if simple.words.is_empty() => &simple.assignments,
        _ => &[],
    }
}

/// Whether a list sets one of the flags to a fixed value; a counter's next value is none.
pub(super) fn sets(body: &List, flags: &[&str]) -> bool {
    body.statements
        .iter()
        .flat_map(|statement| statement.and_or.pipelines())
        .flat_map(|pipeline| &pipeline.commands)
        .any(|command| command_sets(command, flags))
}

pub(super) fn command_sets(command: &Command, flags: &[&str]) -> bool {
    let Command::Simple(simple) = command else {
        return false;
    };
    simple.words.is_empty()
        && simple.assignments.iter().any(|assignment| {
            flags.contains(&assignment.name.as_str()) && assignment.value.literal().is_some()
        })
}

/// `read line`
pub(super) fn reads_input(located: &Located) -> bool {
    let simple = located.visit.simple();
    simple
        .and_then(|simple| simple.words.first())
        .is_some_and(|word| word.raw == "read")
}
