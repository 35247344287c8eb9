//! Which commands are the work that a script is for.

use crate::{
    behaviour::action::Action,
    shell::{Part, Span},
};

use super::super::{
    Located, ScriptBehaviour, Step,
    step::{command_kind, is_filter},
};

/// Programs at the end of a pipe that keep or show what the work prints.
const SINKS: [&str; 6] = ["tee", "ts", "logger", "rotatelogs", "multilog", "cronolog"];

impl ScriptBehaviour<'_> {
    /// The commands that do the work of a step.
    pub(super) fn work_commands(&self, main: &Step<'_>) -> Vec<Span> {
        let mut found: Vec<&Located> = Vec::new();
        self.work_within(&main.span(), main, 4, &mut found);
        // `if app; then report; fi`: the report is made of the work's result.
        let decides = |located: &Located| {
            let context = &located.visit.context;
            context.is_in(Part::IfCondition) || context.is_in(Part::LoopCondition)
        };
        if found.iter().any(|located| decides(located)) {
            found.retain(|located| decides(located));
        }
        found
            .into_iter()
            .map(|located| located.action.span.clone())
            .collect()
    }

    fn work_within<'s>(
        &'s self,
        span: &Span,
        main: &Step<'_>,
        depth: usize,
        found: &mut Vec<&'s Located<'s>>,
    ) {
        let before = found.len();
        for located in self.within(span) {
            let context = &located.visit.context;
            let kind = command_kind(self, located);
            let is_of_it = kind == main.kind
                || matches!(&located.action.action, Action::Connect(connect) if connect.wraps.is_some());
            if context.substitution
                || context.trap.is_some()
                || context.background != main.is_background()
                || !is_of_it
            {
                continue;
            }
            let name = match &located.action.action {
                Action::Other { program: Some(name) } => name.as_str(),
                _ => "",
            };
            if depth > 0
                && let Some(body) = self.functions.get(name).copied()
                && let [first, .., last] | [first @ last] = body.statements.as_slice()
            {
                self.work_within(&(first.span.start..last.span.end), main, depth - 1, found);
                continue;
            }
            let program = name.rsplit('/').next().unwrap_or(name);
            let is_help = context.pipeline_length > 1
                && (is_filter(name) || SINKS.contains(&program) || matches!(program, "yes"));
            if !is_help {
                found.push(located);
            }
        }
        // Of several in a row the last one is what the others prepare.
        let alternatives = |located: &Located| {
            let context = &located.visit.context;
            !context.parts.is_empty() || context.pipeline_length > 1
        };
        if found.len() > before + 1 && !found.iter().skip(before).all(|located| alternatives(located)) {
            let last = found.pop();
            found.truncate(before);
            found.extend(last);
        }
    }
}
