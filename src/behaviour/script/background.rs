//! Processes in the background of a script.

use crate::{
    behaviour::action::{Action, Target},
    shell::{Command, List, Piece, Span, Statement, Terminator},
};

use super::ScriptBehaviour;

/// A part of the script that runs in the background.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    /// The variable that keeps its number: `PID=$!`.
    pub variable: Option<String>,
    /// The script waits for it.
    pub is_waited_for: bool,
    /// The script signals it.
    pub is_signalled: bool,
    /// The whole statement without `&`.
    pub span: Span,
}

/// Where a command starts, and whom it tells.
type Told<'t> = (usize, &'t [Target]);

impl ScriptBehaviour<'_> {
    /// The parts that run in the background.
    #[must_use]
    pub fn background(&self) -> Vec<Background> {
        let (waits, signals) = (self.waits_for_children(), self.signals());
        let mut found = Vec::new();
        for list in &self.lists {
            self.add_background(list, &waits, &signals, &mut found);
        }
        found.sort_by_key(|background| background.span.start);
        found.dedup();
        found
    }

    /// What the script waits for, command by command.
    fn waits_for_children(&self) -> Vec<Told<'_>> {
        let told = self
            .commands
            .iter()
            .filter_map(|located| match &located.action.action {
                Action::Wait { targets } => Some((located.action.span.start, targets.as_slice())),
                _ => None,
            });
        told.collect()
    }

    /// What the script signals, command by command.
    fn signals(&self) -> Vec<Told<'_>> {
        let told = self
            .commands
            .iter()
            .filter_map(|located| match &located.action.action {
                Action::Signal {
                    targets,
                    only_tests: false,
                    ..
                } => Some((located.action.span.start, targets.as_slice())),
                _ => None,
            });
        told.collect()
    }

    /// `echo &2>1 "no key"`: a slip, and no process.
    fn only_prints(&self, statement: &Statement) -> bool {
        let and_or = &statement.and_or;
        and_or.rest.is_empty()
            && matches!(and_or.first.commands.as_slice(), [Command::Simple(_)])
            && self
                .within(&statement.span)
                .all(|located| located.action.action == Action::Echo)
    }

    fn add_background(
        &self,
        list: &List,
        waits: &[Told<'_>],
        signals: &[Told<'_>],
        found: &mut Vec<Background>,
    ) {
        for (index, statement) in list.statements.iter().enumerate() {
            if statement.terminator != Terminator::Background || self.only_prints(statement) {
                continue;
            }
            let next = list.statements.get(index + 1);
            let variable = next.and_then(|next| self.within(&next.span).find_map(|located| {
                let assignments = &located.visit.simple()?.assignments;
                let keeps = assignments.iter().find(|assignment| {
                    matches!(assignment.value.pieces.as_slice(), [Piece::Variable { name, .. }] if name == "!")
                })?;
                Some(keeps.name.clone())
            }));
            let rest = list.statements.get(index + 1..).unwrap_or_default();
            let next_one = rest.iter().find(|next| next.terminator == Terminator::Background);
            let names = |target: &Target, at: usize| match target {
                // `$!` is the last one started.
                Target::Variable(name) if name == "!" => next_one.is_none_or(|next| at < next.span.end),
                Target::Variable(name) => Some(name) == variable.as_ref(),
                Target::Job(_) => true,
                _ => false,
            };
            let later = waits.partition_point(|(start, _)| *start < statement.span.end);
            let is_waited_for = waits.iter().skip(later).any(|(start, targets)| {
                targets.is_empty() || targets.iter().any(|target| names(target, *start))
            });
            // A trap that signals the child may stand before it.
            let is_signalled = signals
                .iter()
                .any(|(start, targets)| targets.iter().any(|target| names(target, *start)));
            found.push(Background {
                is_waited_for,
                is_signalled,
                span: statement.span.clone(),
                variable,
            });
        }
    }
}
