//! Commands that nobody misses once what they serve is cut.

use super::{
    super::{
        harmless::{Prints, action, carries_result, condition_goes, simple_goes},
        output::{is_nowhere, redirects},
    },
    Fates, gives_up, is_collapsed,
};
use crate::{
    behaviour::action::{Action, ExitCode},
    shell::{AndOr, Command, Connector, EmbeddedKind, IfBranch, List, Pipeline, Simple},
};

impl Fates<'_> {
    /// Whether a pipeline may go together with those that are cut.
    pub(super) fn pipeline_goes(&self, pipeline: &Pipeline, prints: Prints) -> bool {
        pipeline.commands.iter().all(|command| self.goes(command, prints))
    }

    pub(super) fn list_goes(&self, list: &List, prints: Prints) -> bool {
        list.statements
            .iter()
            .all(|statement| self.chain_goes(&statement.and_or, prints))
    }

    /// `quit`, `quit || true`; what is said where it failed goes with it.
    pub(super) fn chain_goes(&self, and_or: &AndOr, prints: Prints) -> bool {
        let first = &and_or.first;
        let is_cut = self.concerns(&first.span) && !first.negated;
        self.pipeline_goes(first, prints)
            && and_or.rest.iter().all(|(connector, pipeline)| {
                let only_fails = is_cut && *connector == Connector::Or;
                self.pipeline_goes(pipeline, if only_fails { Prints::Go } else { prints })
            })
    }

    pub(super) fn goes(&self, command: &Command, prints: Prints) -> bool {
        if self.cuts.cover(&command.span()) {
            return true;
        }
        if redirects(command).iter().any(|redirect| {
            redirect
                .target
                .as_ref()
                .is_some_and(|target| !is_nowhere(&target.raw))
        }) {
            return false;
        }
        match command {
            Command::Simple(simple) => self.simple_goes(simple, prints),
            Command::Group { body, .. } | Command::Subshell { body, .. } => self.list_goes(body, prints),
            Command::Loop { condition, body, .. } => {
                self.list_goes(condition, Prints::Go) && self.list_goes(body, Prints::Go)
            }
            Command::For { body, .. } => self.list_goes(body, Prints::Go),
            Command::If {
                branches, otherwise, ..
            } => self.choice_goes(branches, otherwise.as_ref(), prints),
            Command::Function { name, .. } => self.emptied.contains(name),
            Command::Test { .. } => true,
            Command::Case { .. } | Command::Arithmetic { .. } => false,
        }
    }

    /// `if [ $rc -eq 0 ]; then quit; fi`, `if ! wait; then exit 1; fi`
    pub(super) fn choice_goes(
        &self,
        branches: &[IfBranch],
        otherwise: Option<&List>,
        prints: Prints,
    ) -> bool {
        let asks = |list: &List| condition_goes(list) || self.list_goes(list, prints);
        let fails = |list: &List| {
            list.statements
                .iter()
                .all(|statement| statement.and_or.pipelines().all(gives_up))
        };
        let is_cut = |list: &List| self.list_goes(list, prints);
        if branches
            .iter()
            .all(|branch| asks(&branch.condition) && is_cut(&branch.body))
            && otherwise.is_none_or(is_cut)
        {
            return true;
        }
        // A wait in the condition has come about: one branch never runs again, and the other holds nothing.
        let [branch] = branches else { return false };
        let [statement] = branch.condition.statements.as_slice() else {
            return false;
        };
        let (asked, true) = (&statement.and_or.first, statement.and_or.rest.is_empty()) else {
            return false;
        };
        if !self.concerns(&asked.span) || !self.pipeline_goes(asked, prints) {
            return false;
        }
        // What is said of a failure never is again.
        let fails = |list: &List| fails(list) || self.list_goes(list, Prints::Go);
        match asked.negated {
            true => fails(&branch.body) && otherwise.is_none_or(is_cut),
            false => is_cut(&branch.body) && otherwise.is_none_or(fails),
        }
    }

    pub(super) fn simple_goes(&self, simple: &Simple, prints: Prints) -> bool {
        if self.calls_emptied(simple) {
            return true;
        }
        if let Some(embedded) = simple.scripts.first() {
            let word = embedded.word.and_then(|word| simple.words.get(word));
            let own = embedded
                .list
                .as_ref()
                .zip(word)
                .filter(|(list, word)| is_collapsed(list, &word.span))
                .map_or(0, |(list, _)| {
                    let commands = list.commands().filter_map(|visit| visit.simple());
                    commands
                        .filter(|simple| !simple_goes(simple, Prints::Stay) && !carries_result(simple))
                        .count()
                });
            if own > 1 {
                return false;
            }
            return match (&embedded.kind, &embedded.list) {
                (EmbeddedKind::Trap { .. }, Some(list)) => {
                    self.concerns(&simple.span) && self.aside_goes(list)
                }
                (EmbeddedKind::Shell { .. } | EmbeddedKind::Eval, Some(list)) => {
                    self.concerns(&simple.span)
                        && self.list_goes(list, prints)
                        && simple.assignments.is_empty()
                }
                _ => false,
            };
        }
        simple_goes(simple, prints)
    }

    /// A trap's or a function's body, which may keep the result: `code=$?; quit; exit $code`.
    pub(super) fn aside_goes(&self, list: &List) -> bool {
        let leaves_when_ready = list.commands().any(|visit| {
            visit.simple().is_some_and(|simple| {
                self.cuts.touch(&visit.statement.span) | self.cuts.cover(&simple.span)
                    && matches!(
                        action(simple),
                        Action::Exit {
                            is_return: true,
                            code: None | Some(ExitCode::Number(0) | ExitCode::LastStatus)
                        }
                    )
            })
        });
        list.commands().all(|visit| {
            let Some(simple) = visit.simple() else { return true };
            let prints = match visit.context.is_in_loop() {
                true => Prints::Go,
                false => Prints::Stay,
            };
            let gives_up = matches!(
                action(simple),
                Action::Exit { is_return: true, code: Some(ExitCode::Number(code)) } if code == 0 || leaves_when_ready
            );
            self.cuts.cover(&simple.span)
                || self.simple_goes(simple, prints)
                || carries_result(simple)
                || gives_up
        })
    }
}
