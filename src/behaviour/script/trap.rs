//! Traps, with what they do.

use crate::{
    behaviour::action::{Action, CommandAction},
    shell::Span,
};

use super::{Located, ScriptBehaviour};

/// A trap.
#[derive(Debug, Clone)]
pub struct Trap {
    /// The signals as written.
    pub signals: Vec<String>,
    /// What it runs, the bodies of functions included.
    pub actions: Vec<CommandAction>,
    /// The script was understood; without that, `actions` say nothing.
    pub is_understood: bool,
    /// The signals are ignored: `trap '' TERM`.
    pub ignores: bool,
    /// The command.
    pub span: Span,
    /// The word that is the script.
    pub script: Option<Span>,
    /// The statement it stands in.
    pub statement: Span,
}

impl Trap {
    /// Whether it runs when the script ends, whatever the reason but SIGKILL.
    #[must_use]
    pub fn is_on_exit(&self) -> bool {
        self.signals
            .iter()
            .any(|signal| matches!(signal.as_str(), "EXIT" | "0" | "exit"))
    }

    /// Whether it runs when the container is told to stop.
    #[must_use]
    pub fn is_on_termination(&self) -> bool {
        let terminates = |signal: &String| {
            let name = signal.to_ascii_uppercase();
            matches!(
                name.strip_prefix("SIG").unwrap_or(&name),
                "TERM" | "15" | "INT" | "2" | "QUIT" | "3"
            )
        };
        self.signals.iter().any(terminates)
    }

    /// Whether it does nothing but let time pass: it ignores the signal, sleeps, prints or waits.
    #[must_use]
    pub fn only_delays(&self) -> bool {
        let delays = |action: &CommandAction| {
            action.is_noise()
                || matches!(
                    action.action,
                    Action::Sleep { .. } | Action::Wait { .. } | Action::Exit { .. }
                )
        };
        let passes_time =
            |action: &CommandAction| matches!(action.action, Action::Sleep { .. } | Action::Wait { .. });
        self.is_understood
            && (self.ignores || self.actions.iter().all(delays) && self.actions.iter().any(passes_time))
    }
}

impl ScriptBehaviour<'_> {
    /// The traps that the script sets.
    #[must_use]
    pub fn traps(&self) -> Vec<Trap> {
        self.commands
            .iter()
            .filter_map(|located| self.trap(located))
            .collect()
    }

    fn trap(&self, located: &Located) -> Option<Trap> {
        let Action::Trap {
            script: Some(word),
            signals,
        } = &located.action.action
        else {
            return None;
        };
        let simple = located.visit.simple()?;
        let script = simple.words.get(*word)?;
        let list = simple.scripts.iter().find_map(|embedded| embedded.list.as_ref());
        let mut actions: Vec<CommandAction> = Vec::new();
        let mut functions: Vec<String> = Vec::new();
        for inner in self.within(&script.span) {
            if inner.visit.context.trap.is_some() {
                actions.push(inner.action.clone());
                functions.extend(inner.calls().map(str::to_owned));
            }
        }
        // Each function once, however they call each other.
        let mut next = 0;
        while let Some(name) = functions.get(next).cloned() {
            next += 1;
            for inner in &self.commands {
                if inner.visit.context.function != Some(&name) {
                    continue;
                }
                actions.push(inner.action.clone());
                let called = inner
                    .calls()
                    .filter(|called| !functions.iter().any(|known| known == called));
                functions.extend(called.map(str::to_owned));
            }
        }
        actions.retain(|action| match &action.action {
            Action::Other { program: Some(name) } => !self.is_function(name),
            _ => true,
        });
        Some(Trap {
            signals: signals.clone(),
            ignores: list.is_some_and(|list| list.statements.is_empty()),
            is_understood: list.is_some(),
            actions,
            span: located.action.span.clone(),
            script: Some(script.span.clone()),
            statement: located.visit.statement.span.clone(),
        })
    }
}
