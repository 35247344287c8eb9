//! What becomes of the result of a script's work when something runs behind it.

use crate::{
    behaviour::action::{Action, ExitCode},
    shell::{Command, Connector, Part, Span},
};

use super::{
    Fault, Located, QuitPosition, ScriptBehaviour, Step, StepKind, covers, quit::Place, step::is_last_status,
};

/// What becomes of the result of the script's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// The script ends with it, or with the same as it would without the request.
    Preserved,
    /// The script ends with the request's result instead.
    Masked,
    /// The script ends as a success when its work fails, and would do so without the request.
    Lost,
    /// The request has nothing to do with it: it comes before the work, or there is none.
    Unaffected,
    /// It can't be told.
    Unclear,
}

impl ScriptBehaviour<'_> {
    /// With the statements that only carry the result past the request.
    pub(super) fn exit_status(
        &self,
        located: &Located,
        position: &QuitPosition,
        place: &Place,
    ) -> (ExitStatus, Vec<Span>) {
        let (by_shape, plumbing) = self.by_shape(located, position, place.step);
        let command = located.action.span.start;
        let runs = self.runs_past(place);
        let keeps = runs.as_ref().is_some_and(|runs| runs.keep_the_result(command));
        match position {
            QuitPosition::Trap { .. } | QuitPosition::AfterMain { .. } | QuitPosition::Unreachable => {}
            // Work that comes behind a stop runs without the sidecar until now.
            _ => return (by_shape, plumbing),
        }
        let is_lost = runs.is_some_and(|runs| runs.fault(&[command]) == Some(Fault::FailureLost));
        let is_same = || self.ends_the_same_without(place, command, self.is_aside(located));
        let status = match is_lost {
            _ if keeps => ExitStatus::Preserved,
            // What only carries the result past the request goes with it.
            true if plumbing.is_empty() && is_same() => ExitStatus::Lost,
            true => ExitStatus::Masked,
            // `[ $rc -eq 0 ]` ends with another number, and fails where the work did.
            false if by_shape == ExitStatus::Preserved || is_same() => ExitStatus::Preserved,
            false => ExitStatus::Unclear,
        };
        (status, plumbing)
    }

    /// Whether nothing depends on a command: no condition asks for its result, and what stands behind it compares, prints
    /// and ends.
    fn is_aside(&self, located: &Located) -> bool {
        let is_free = |located: &Located| {
            let context = &located.visit.context;
            let is_asked =
                context.is_in(Part::IfCondition) || context.is_in_loop() || context.connector.is_some();
            !is_asked && (context.next_connector.is_none() || self.tolerates_failure(located))
        };
        let compares = |other: &Located| {
            let is_known = matches!(
                other.action.action,
                Action::Compare | Action::Echo | Action::Assign | Action::Exit { .. }
            );
            is_known && !other.visit.context.substitution
        };
        let function = located.visit.context.function;
        let mut callers = function
            .into_iter()
            .flat_map(|name| self.callers(name))
            .peekable();
        let first = callers
            .peek()
            .map_or(located.action.span.end, |call| call.action.span.end);
        let is_called_aside = function.is_none() || callers.peek().is_some() && callers.all(is_free);
        let mut behind = self
            .commands
            .iter()
            .filter(|other| other.action.span.start >= first);
        is_free(located) && is_called_aside && behind.all(compares)
    }

    /// What the script's shape says, with the plumbing that is found by it.
    fn by_shape(
        &self,
        located: &Located,
        position: &QuitPosition,
        step: Option<usize>,
    ) -> (ExitStatus, Vec<Span>) {
        match position {
            QuitPosition::BeforeMain | QuitPosition::Alone => (ExitStatus::Unaffected, Vec::new()),
            QuitPosition::Unreachable => (ExitStatus::Unclear, Vec::new()),
            QuitPosition::Background | QuitPosition::Elsewhere => (ExitStatus::Unclear, Vec::new()),
            QuitPosition::Trap { .. } => self.in_trap(located),
            QuitPosition::AfterMain { .. } => match (self.main_index(), self.main_end_index(), step) {
                (Some(main), end, Some(step)) if main != step => self.behind(end.unwrap_or(main), step),
                _ => (ExitStatus::Unclear, Vec::new()),
            },
        }
    }

    /// A trap's script keeps the result, unless it exits itself.
    fn in_trap(&self, located: &Located) -> (ExitStatus, Vec<Span>) {
        let context = &located.visit.context;
        let together = |other: &&Located| {
            let (a, b) = (&other.visit.context, context);
            match b.function {
                Some(function) => a.function == Some(function),
                None => a.trap.is_some() && a.trap == b.trap && a.function.is_none(),
            }
        };
        let body: Vec<_> = self.commands.iter().filter(together).collect();
        let saved = body.first().filter(|first| saved_variable(first).is_some());
        let exit = body.iter().rev().find_map(|other| match &other.action.action {
            Action::Exit {
                code,
                is_return: false,
            } => Some((code, other)),
            _ => None,
        });
        let mut plumbing = Vec::new();
        if let Some(saved) = saved {
            plumbing.push(saved.visit.statement.span.clone());
        }
        match exit {
            None | Some((None, _)) => (ExitStatus::Preserved, plumbing),
            Some((Some(ExitCode::Variable(name)), exit))
                if saved.and_then(|saved| saved_variable(saved)) == Some(name.as_str()) =>
            {
                plumbing.push(exit.visit.statement.span.clone());
                (ExitStatus::Preserved, plumbing)
            }
            Some((Some(ExitCode::Unknown | ExitCode::Variable(_)), _)) => (ExitStatus::Unclear, plumbing),
            Some((Some(ExitCode::Number(_) | ExitCode::LastStatus), _)) => (ExitStatus::Masked, plumbing),
        }
    }

    /// For a step behind the one that ends with the work.
    fn behind(&self, main: usize, step: usize) -> (ExitStatus, Vec<Span>) {
        let (Some(work), Some(request)) = (self.steps.get(main), self.steps.get(step)) else {
            return (ExitStatus::Unclear, Vec::new());
        };
        let mut plumbing = Vec::new();
        if std::ptr::eq(work.statement, request.statement) {
            for between in self.steps.iter().take(step + 1).skip(main + 1) {
                if between.kind == StepKind::SaveStatus {
                    plumbing.push(between.span());
                }
            }
            let (_, exits) = self.last_exit(step);
            plumbing.extend(exits);
            return match request.connector {
                Some(Connector::And) => (ExitStatus::Unclear, plumbing),
                _ => (ExitStatus::Masked, plumbing),
            };
        }
        let ends_early = self.exits_on_error_at(main) && work.failure_counts();
        if ends_early || self.gives_up_between(&work.span(), &request.span()) {
            return (ExitStatus::Unclear, plumbing);
        }
        let saved = self.status_saved_behind(main, step);
        if let Some((name, span)) = &saved {
            plumbing.extend(self.initial_value(main, name));
            plumbing.push(span.clone());
        }
        let (code, exit_span) = self.last_exit(step);
        let status = match (code, &saved) {
            (Some(Some(ExitCode::Variable(name))), Some((saved, _))) if name == *saved => {
                plumbing.extend(exit_span);
                ExitStatus::Preserved
            }
            (Some(Some(ExitCode::Variable(_) | ExitCode::Unknown)), _) => ExitStatus::Unclear,
            (None, Some((saved, _))) if self.tests_variable_last(step, saved) => ExitStatus::Preserved,
            // `app || failed=1`, `app || true`: the script knows of the failure, and does as it means to.
            (None, _) if work.next_connector == Some(Connector::Or) => ExitStatus::Unclear,
            _ => ExitStatus::Masked,
        };
        (status, plumbing)
    }

    /// The variable that keeps the result of a step, with the pipeline right behind it that assigns it.
    /// Anything else in between would have a result of its own.
    fn status_saved_behind(&self, main: usize, before: usize) -> Option<(String, Span)> {
        let step = self.steps.get(main + 1).filter(|_| main + 1 < before)?;
        let name = self.within(&step.span()).find_map(saved_variable)?;
        (step.kind == StepKind::SaveStatus).then(|| (name.to_owned(), step.span()))
    }

    /// `rc=0` before the work.
    fn initial_value(&self, main: usize, variable: &str) -> Option<Span> {
        let assigns = |step: &&Step| match step.pipeline.commands.as_slice() {
            [Command::Simple(simple)] => {
                let names = simple
                    .assignments
                    .iter()
                    .map(|assignment| assignment.name.as_str());
                simple.words.is_empty() && names.eq([variable])
            }
            _ => false,
        };
        self.steps.iter().take(main).find(assigns).map(Step::span)
    }

    /// Whether the script may end as a failure after its work has begun and before the request: `app || exit 1`,
    /// `if ! app; then exit 1; fi`, `[ $rc -eq 0 ] || exit $rc`.
    fn gives_up_between(&self, work: &Span, request: &Span) -> bool {
        self.within(&(work.start..request.start)).any(|located| {
            let context = &located.visit.context;
            let leads_here = context.function.is_none() && context.trap.is_none() && !context.substitution;
            let fails = match &located.action.action {
                Action::Exit {
                    code: Some(ExitCode::Number(code)),
                    is_return: false,
                } => *code != 0,
                Action::Exit { is_return, .. } => !is_return,
                _ => false,
            };
            leads_here && fails
        })
    }

    /// The code of the `exit` behind a step, and its statement. Several that differ, or one that a condition leads
    /// to, say nothing of how the script ends.
    fn last_exit(&self, step: usize) -> (Option<Option<ExitCode>>, Option<Span>) {
        let exits: Vec<&Step> = self
            .steps
            .iter()
            .skip(step + 1)
            .filter(|step| step.kind == StepKind::Exit)
            .collect();
        let Some(last) = exits.last() else {
            return (None, None);
        };
        let code = |exit: &Step| {
            self.within(&exit.span())
                .find_map(|located| match &located.action.action {
                    Action::Exit { code, .. } => Some(code.clone()),
                    _ => None,
                })
        };
        let written = code(last);
        let hands_on = matches!(written, Some(Some(ExitCode::Variable(_))));
        let is_sure = |exit: &&Step| {
            let is_plain = matches!(exit.pipeline.commands.as_slice(), [Command::Simple(_)]);
            is_plain && (hands_on || exit.connector.is_none()) && code(exit) == written
        };
        if exits.iter().all(is_sure) {
            (written, Some(last.span()))
        } else {
            (Some(Some(ExitCode::Unknown)), Some(last.span()))
        }
    }

    /// `[ $rc -eq 0 ]` as the last command hands the result on.
    fn tests_variable_last(&self, step: usize, variable: &str) -> bool {
        let Some(last) = self.steps.iter().skip(step + 1).next_back() else {
            return false;
        };
        let names = [format!("${variable}"), format!("${{{variable}}}")];
        last.kind == StepKind::Check
            && self.within(&last.span()).any(|located| {
                located.visit.simple().is_some_and(|simple| {
                    simple
                        .words
                        .iter()
                        .any(|word| names.iter().any(|name| word.raw.contains(name.as_str())))
                })
            })
    }

    /// Whether `set -e` holds at a step.
    pub(super) fn exits_on_error_at(&self, index: usize) -> bool {
        let mut holds = self.exits_on_error;
        let Some(step) = self.steps.get(index) else {
            return holds;
        };
        // An inner shell says for itself.
        for located in &self.commands {
            let Some(simple) = located.visit.simple() else {
                continue;
            };
            for script in &simple.scripts {
                if let crate::shell::EmbeddedKind::Shell { exits_on_error } = script.kind
                    && covers(&located.action.span, &step.span())
                {
                    holds = exits_on_error;
                }
            }
        }
        for located in self
            .commands
            .iter()
            .filter(|located| located.action.span.end <= step.span().start)
        {
            let Some(simple) = located.visit.simple() else {
                continue;
            };
            if simple.words.first().is_none_or(|word| word.raw != "set") {
                continue;
            }
            let mut words = simple
                .words
                .iter()
                .skip(1)
                .map(|word| word.raw.as_str())
                .peekable();
            while let Some(word) = words.next() {
                let named = words.peek() == Some(&"errexit");
                match word.chars().next() {
                    Some('-') if word.contains('e') || word.ends_with('o') && named => holds = true,
                    Some('+') if word.contains('e') || word.ends_with('o') && named => holds = false,
                    _ => {}
                }
            }
        }
        holds
    }
}

/// The variable of `x=$?`.
fn saved_variable<'l>(located: &'l Located) -> Option<&'l str> {
    let simple = located.visit.simple()?;
    if !simple.words.is_empty() {
        return local_status(simple);
    }
    let assignment = simple
        .assignments
        .iter()
        .find(|assignment| is_last_status(&assignment.value))?;
    Some(assignment.name.as_str())
}

/// `local rc=$?`, `export rc=$?`
fn local_status(simple: &crate::shell::Simple) -> Option<&str> {
    let (program, rest) = simple.words.split_first()?;
    let declares = matches!(
        program.raw.as_str(),
        "local" | "export" | "declare" | "readonly" | "typeset"
    );
    rest.iter().filter(|_| declares).find_map(|word| {
        word.raw
            .strip_suffix("=$?")
            .or_else(|| word.raw.strip_suffix("=\"$?\""))
    })
}
