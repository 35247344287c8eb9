//! Signals a script sends.

use crate::{
    behaviour::action::{Action, Target},
    shell::{Piece, Span},
};

use super::{ExitStatus, Located, QuitPosition, Runs, ScriptBehaviour, covers, cut, marker::TestedFile};

/// Signals to processes.
#[derive(Debug, Clone)]
pub struct Kill {
    /// `TERM`, `9`; absent where the tool's default is sent.
    pub signal: Option<String>,
    /// Whom it goes to.
    pub targets: Vec<Target>,
    /// All targets are processes that this script started itself.
    pub only_own_children: bool,
    /// The signals of the trap it stands in.
    pub trap: Option<Vec<String>>,
    /// It comes after the script's work, in the foreground.
    pub is_after_main: bool,
    /// Behind `exec`, or in a trap of the shell that `exec` replaced: never sent.
    pub is_behind_exec: bool,
    /// It runs in the background.
    pub is_background: bool,
    /// A loop comes back to it.
    pub is_in_loop: bool,
    /// What becomes of the result of the script's work.
    pub exit_status: ExitStatus,
    /// The script's runs, seen from here.
    pub runs: Option<Runs>,
    /// The files whose tests lead to it.
    pub behind_tests_of: Vec<String>,
    /// The command.
    pub span: Span,
    /// The statement it stands in, the innermost one.
    pub statement: Span,
    /// What to remove so that it isn't sent.
    pub cut: Span,
}

impl Kill {
    /// Whether it ends a process: `HUP` and `USR1` make it read its configuration again.
    #[must_use]
    pub fn is_an_end(&self) -> bool {
        let name = self.signal.as_deref().unwrap_or("TERM").to_ascii_uppercase();
        !matches!(
            name.trim_start_matches("SIG"),
            "HUP"
                | "1"
                | "USR1"
                | "10"
                | "USR2"
                | "12"
                | "WINCH"
                | "28"
                | "CONT"
                | "18"
                | "STOP"
                | "19"
                | "0"
        )
    }

    /// The name of the signal without `SIG`, where it is another one than the kubelet's SIGTERM.
    #[must_use]
    pub fn other_signal(&self) -> Option<&str> {
        let signal = self.signal.as_deref()?.trim_start_matches("SIG");
        let name = NUMBERS
            .iter()
            .find(|(number, _)| *number == signal)
            .map_or(signal, |(_, name)| name);
        (name != "TERM").then_some(name)
    }
}

/// Signals that have the same number on all of Linux's architectures (signal(7)).
const NUMBERS: [(&str, &str); 8] = [
    ("1", "HUP"),
    ("2", "INT"),
    ("3", "QUIT"),
    ("6", "ABRT"),
    ("9", "KILL"),
    ("13", "PIPE"),
    ("14", "ALRM"),
    ("15", "TERM"),
];

impl ScriptBehaviour<'_> {
    /// The signals the script sends.
    #[must_use]
    pub fn kills(&self) -> Vec<Kill> {
        let own = self.child_variables();
        let tested = self.tested_files();
        self.commands
            .iter()
            .filter_map(|located| match &located.action.action {
                Action::Signal {
                    signal,
                    targets,
                    only_tests: false,
                } => {
                    let mut kill = self.kill(located, signal.as_ref(), targets, &own);
                    kill.behind_tests_of = leading_to(&tested, &located.action.span);
                    Some(kill)
                }
                _ => None,
            })
            .collect()
    }

    fn kill(&self, located: &Located, signal: Option<&String>, targets: &[Target], own: &[String]) -> Kill {
        let place = self.place(located);
        let position = place
            .step
            .zip(self.main_end_index().or_else(|| self.main_index()));
        let is_own = |target: &Target| match target {
            Target::Variable(name) => name == "!" || name == "$" || own.contains(name),
            Target::Job(_) => true,
            _ => false,
        };
        Kill {
            signal: signal.cloned(),
            targets: targets.to_vec(),
            only_own_children: !targets.is_empty() && targets.iter().all(is_own),
            is_after_main: place.signals.is_none()
                && !place.is_background
                && position.is_some_and(|(step, main)| step > main),
            is_behind_exec: self.is_behind_exec(&place),
            exit_status: self.result_past(located, &place),
            runs: self.runs_past(&place),
            trap: place.signals,
            is_background: place.is_background,
            is_in_loop: located.visit.context.is_in_loop(),
            behind_tests_of: Vec::new(),
            span: located.action.span.clone(),
            statement: located.visit.statement.span.clone(),
            cut: cut(located.visit.statement, &located.action.span),
        }
    }

    /// The variables that hold the number of a background process: `PID=$!`, `PIDS="$PIDS $!"`.
    pub(super) fn child_variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        for located in &self.commands {
            let Some(simple) = located.visit.simple() else {
                continue;
            };
            for assignment in &simple.assignments {
                let holds_child = assignment
                    .value
                    .pieces
                    .iter()
                    .any(|piece| matches!(piece, Piece::Variable { name, .. } if name == "!"));
                if holds_child {
                    names.push(assignment.name.clone());
                }
            }
            for word in &simple.words {
                if let Some((name, "$!" | "\"$!\"" | "${!}")) = word.raw.split_once('=') {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }
}

/// The files whose tests lead to a command.
fn leading_to(tested: &[TestedFile], span: &Span) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for file in tested {
        let leads = file.regions.iter().any(|region| covers(region, span));
        if leads && !paths.contains(&file.path) {
            paths.push(file.path.clone());
        }
    }
    paths
}

impl QuitPosition {
    /// Whether it comes after the script's work.
    #[must_use]
    pub fn is_after_main(&self) -> bool {
        matches!(self, Self::AfterMain { .. })
    }
}
