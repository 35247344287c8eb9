//! Sleeps between the steps of a script.

use crate::{behaviour::action::Action, shell::Span};

use super::{ScriptBehaviour, StepKind, cut};

/// A sleep that is a step of the script.
#[derive(Debug, Clone, PartialEq)]
pub struct Sleep {
    /// For how long; infinity for ever, nothing where a variable says it.
    pub seconds: Option<f64>,
    /// Nothing but noise comes before it.
    pub is_first: bool,
    /// The script's work behind it.
    pub command_after: Option<Span>,
    /// The command.
    pub span: Span,
    /// The whole statement.
    pub statement: Span,
    /// What to remove so that the script doesn't sleep.
    pub cut: Span,
}

impl ScriptBehaviour<'_> {
    /// The sleeps that are steps of the script; those in loops aren't.
    #[must_use]
    pub fn sleeps(&self) -> Vec<Sleep> {
        let mut sleeps = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            if step.kind != StepKind::Sleep || step.is_background() || step.pipeline.commands.len() != 1 {
                continue;
            }
            for located in self.within(&step.span()) {
                if located.visit.context.is_in_loop() {
                    continue;
                }
                if let Action::Sleep { seconds } = located.action.action {
                    sleeps.push(Sleep {
                        seconds,
                        is_first: self.is_first_step(index),
                        command_after: self.work_after(index),
                        span: located.action.span.clone(),
                        statement: step.statement.span.clone(),
                        cut: cut(step.statement, &step.span()),
                    });
                }
            }
        }
        sleeps
    }
}
