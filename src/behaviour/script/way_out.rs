//! What lets a wait end besides an answer: a clock, a counter, a switch.

use crate::{
    behaviour::action::{Action, ExitCode},
    shell::{Command, Piece, Span, Word},
};

use super::{
    Located, ScriptBehaviour, covers,
    step::is_last_status,
    waiting_loop::{Shape, extent},
};

/// A place in a loop that waits where it is left without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayOut {
    /// The condition that leads there, or the statement that leaves.
    pub span: Span,
    /// The script ends with an error.
    pub is_failure: bool,
}

impl ScriptBehaviour<'_> {
    /// What leaves a loop that waits, but for the answer that it waits for.
    pub(super) fn ways_out(&self, shape: &Shape) -> Vec<WayOut> {
        let asks_within = covers(&shape.body, &shape.condition);
        let answered = asks_within.then(|| self.leaving_statement(shape)).flatten();
        let leaving: Vec<&Located<'_>> = self
            .within(&shape.body)
            .filter(|located| leaves(located))
            .collect();
        let own = answered.and_then(|answered| {
            let mut own = leaving.iter().map(|located| &located.action.span);
            own.find(|span| covers(&answered, span))
        });
        let in_body = leaving
            .iter()
            .filter(|located| Some(&located.action.span) != own)
            .map(|located| WayOut {
                span: self.what_leads_to(located),
                is_failure: fails(located),
            });
        let mut found: Vec<WayOut> = in_body.collect();
        if !asks_within {
            found.extend(
                self.within(&shape.condition)
                    .filter(|located| self.is_about_something_else(located, shape))
                    .map(|located| WayOut {
                        span: located.action.span.clone(),
                        is_failure: false,
                    }),
            );
        }
        found
    }

    /// The statement of a loop's body that leaves it once there is an answer.
    fn leaving_statement(&self, shape: &Shape) -> Option<Span> {
        let list = self
            .lists
            .iter()
            .find(|list| extent(list).as_ref() == Some(&shape.body))?;
        let mut statements = list.statements.iter().map(|statement| &statement.span);
        statements
            .find(|span| span.end >= shape.condition.end && self.within(span).any(leaves))
            .cloned()
    }

    /// The condition of the innermost `if` around a command, or its statement.
    fn what_leads_to(&self, located: &Located) -> Span {
        let own = &located.action.span;
        let conditions = self.compounds.iter().filter_map(|visit| match visit.command {
            Command::If { branches, .. } => branches
                .iter()
                .find(|branch| extent(&branch.body).is_some_and(|body| covers(&body, own)))
                .and_then(|branch| extent(&branch.condition)),
            _ => None,
        });
        conditions
            .max_by_key(|condition| condition.start)
            .unwrap_or_else(|| located.visit.statement.span.clone())
    }

    /// Whether a comparison in a loop's condition looks at a clock or counts: not at an answer, nor at who asks.
    fn is_about_something_else(&self, located: &Located, shape: &Shape) -> bool {
        located.action.action == Action::Compare
            && !located.visit.context.substitution
            && counts(located)
            && !self
                .within(&located.action.span)
                .any(|inside| inside.action.is_probe())
            && !words(located).iter().any(is_last_status)
            && !words(located)
                .iter()
                .flat_map(names)
                .any(|name| self.holds_an_answer(name, shape))
    }

    /// Whether a loop puts what it was answered into a variable.
    fn holds_an_answer(&self, name: &str, shape: &Shape) -> bool {
        let around = [&shape.condition, &shape.body];
        around
            .into_iter()
            .flat_map(|span| self.within(span))
            .any(|located| {
                let Some(simple) = located.visit.simple() else {
                    return false;
                };
                let mut own = simple.assignments.iter().filter(|own| own.name == name);
                own.any(|own| {
                    is_last_status(&own.value)
                        || self.within(&own.span).any(|inside| inside.action.is_probe())
                })
            })
    }
}

/// Whether a command compares numbers: `-gt`, `(( … ))`.
fn counts(located: &Located) -> bool {
    matches!(located.visit.command, Command::Arithmetic { .. })
        || words(located).iter().any(|word| {
            matches!(
                word.raw.as_str(),
                "-gt" | "-ge" | "-lt" | "-le" | ">" | "<" | ">=" | "<="
            )
        })
}

fn words<'l>(located: &'l Located<'_>) -> &'l [Word] {
    match located.visit.command {
        Command::Simple(simple) => &simple.words,
        Command::Test { words, .. } => words,
        _ => &[],
    }
}

fn names(word: &Word) -> impl Iterator<Item = &str> {
    word.pieces.iter().filter_map(|piece| match piece {
        Piece::Variable { name, .. } => Some(name.as_str()),
        _ => None,
    })
}

/// `break`, `exit`, `return`
fn leaves(located: &Located) -> bool {
    matches!(
        located.action.action,
        Action::Break { is_continue: false } | Action::Exit { .. }
    )
}

fn fails(located: &Located) -> bool {
    matches!(
        &located.action.action,
        Action::Exit { code: Some(ExitCode::Number(code)), .. } if *code != 0
    )
}
