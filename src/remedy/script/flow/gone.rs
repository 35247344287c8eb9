//! What the commands that go had set.

use super::{DEPTH, Flow, LIMIT, Lost, signal_name};
use crate::{
    behaviour::Answer,
    remedy::script::hindrance::{Hindrance, excerpt},
    shell::{Command, EmbeddedKind, List, Pipeline, State, Statement, Terminator, Word},
};

impl<'s> Flow<'s> {
    pub(super) fn lose(&mut self, lost: Lost) {
        self.ever.insert(lost.clone());
        self.lost.insert(lost);
    }

    /// What goes sets nothing any more.
    pub(super) fn gone_statement(&mut self, statement: &'s Statement) {
        for pipeline in statement.and_or.pipelines() {
            self.gone_pipeline(pipeline, 0);
        }
    }

    fn gone_list(&mut self, list: &'s List, depth: usize) {
        for statement in &list.statements {
            if statement.terminator == Terminator::Background {
                self.lose(Lost::Child);
                continue;
            }
            for pipeline in statement.and_or.pipelines() {
                self.gone_pipeline(pipeline, depth);
            }
        }
    }

    fn gone_pipeline(&mut self, pipeline: &'s Pipeline, depth: usize) {
        if let [command] = pipeline.commands.as_slice() {
            self.gone_command(command, depth);
        }
    }

    pub(super) fn gone_command(&mut self, command: &'s Command, depth: usize) {
        self.steps += 1;
        if depth > DEPTH || self.steps > LIMIT {
            self.found.push(Answer::Unknown(Hindrance::TooLong));
            return;
        }
        match command {
            Command::Group { body, .. } => self.gone_list(body, depth),
            Command::Subshell { .. } => {}
            Command::Loop { condition, body, .. } => {
                self.gone_list(condition, depth);
                self.gone_list(body, depth);
            }
            Command::For {
                variable, body, span, ..
            } => {
                match variable.is_empty() {
                    false => self.lose(Lost::State(State::Variable(variable.clone()))),
                    true => {
                        let header = body.statements.first().map_or(span.end, |first| first.span.start);
                        self.gone_access(&Command::Arithmetic {
                            constant: None,
                            span: span.start..header,
                        });
                    }
                }
                self.gone_list(body, depth);
            }
            Command::If {
                branches, otherwise, ..
            } => {
                for branch in branches {
                    self.gone_list(&branch.condition, depth);
                    self.gone_list(&branch.body, depth);
                }
                otherwise.iter().for_each(|list| self.gone_list(list, depth));
            }
            Command::Case { arms, .. } => arms.iter().for_each(|arm| self.gone_list(arm, depth)),
            Command::Function { name, .. } => self.lose(Lost::State(State::Function(name.clone()))),
            Command::Test { .. } | Command::Arithmetic { .. } => self.gone_access(command),
            Command::Simple(simple) => {
                self.gone_access(command);
                if let Some(EmbeddedKind::Eval) = simple.scripts.first().map(|script| &script.kind)
                    && let Some(list) = simple.scripts.first().and_then(|script| script.list.as_ref())
                {
                    self.gone_list(list, depth + 1);
                }
                let name = simple.words.first().and_then(Word::literal);
                if let Some((name, body)) = name.and_then(|name| self.functions.get(&name))
                    && !self.called.contains(&name)
                {
                    self.followed.insert(name);
                    self.called.push(name);
                    self.gone_list(body, depth + 1);
                    self.called.pop();
                }
            }
        }
    }

    fn gone_access(&mut self, command: &Command) {
        let access = self.accesses.of(command);
        if let Some(by) = &access.runs_unknown {
            self.found.push(Answer::Unknown(Hindrance::Evaluated {
                what: "more than the text shows".to_owned(),
                by: excerpt(by),
            }));
        }
        let is_asked = self.cuts.touch(&command.span());
        for state in &access.sets {
            match state {
                // The trap is what is cut. One that it took the place of would be in force again.
                State::Trap(signal) if is_asked && !self.traps.contains(&signal_name(signal)) => {}
                State::Trap(signal) => self.found.push(Answer::Refuted(Hindrance::Trap(signal.clone()))),
                State::Exported(name) => self.lose(Lost::State(State::Variable(name.clone()))),
                state => self.lose(Lost::State(state.clone())),
            }
        }
    }
}
