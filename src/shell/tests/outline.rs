//! A tree as one line.

use std::fmt::Write as _;

use crate::shell::{Command, Connector, List, Piece, Pipeline, Redirect, Simple, Span, Terminator, Word};

pub(super) struct Outline<'t> {
    pub(super) text: &'t str,
}

impl Outline<'_> {
    fn at(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or("<out of bounds>")
    }

    pub(super) fn list(&self, list: &List) -> String {
        let mut lines = Vec::new();
        for statement in &list.statements {
            let mut line = self.pipeline(&statement.and_or.first);
            for (connector, pipeline) in &statement.and_or.rest {
                let sign = if *connector == Connector::And { "&&" } else { "||" };
                write!(line, " {sign} {}", self.pipeline(pipeline)).unwrap();
            }
            if statement.terminator == Terminator::Background {
                line.push_str(" &");
            }
            lines.push(line);
        }
        lines.join("; ")
    }

    fn pipeline(&self, pipeline: &Pipeline) -> String {
        let commands: Vec<_> = pipeline
            .commands
            .iter()
            .map(|command| self.command(command))
            .collect();
        let sign = if pipeline.negated { "! " } else { "" };
        format!("{sign}{}", commands.join(" | "))
    }

    fn redirects(&self, redirects: &[Redirect]) -> String {
        redirects.iter().fold(String::new(), |mut line, redirect| {
            write!(line, " {:?}<{}>", redirect.kind, self.at(&redirect.span)).unwrap();
            line
        })
    }

    fn words(&self, words: &[Word]) -> String {
        words
            .iter()
            .map(|word| self.word(word))
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub(super) fn word(&self, word: &Word) -> String {
        let mut line = String::new();
        for piece in &word.pieces {
            match piece {
                Piece::Text { text, quoted: false } => line.push_str(text),
                Piece::Text { text, quoted: true } => write!(line, "'{text}'").unwrap(),
                Piece::Variable {
                    name, default: None, ..
                } => write!(line, "${name}").unwrap(),
                Piece::Variable {
                    name,
                    default: Some(default),
                    simple: true,
                    ..
                } => {
                    write!(line, "${{{name}-{default}}}").unwrap();
                }
                Piece::Variable { name, .. } => write!(line, "${{{name}…}}").unwrap(),
                Piece::Substitution {
                    script: Some(list), ..
                } => {
                    write!(line, "$({})", self.list(list)).unwrap();
                }
                Piece::Substitution { script: None, .. } => line.push_str("$(?)"),
                Piece::Arithmetic => line.push_str("$((…))"),
                Piece::Tilde => line.push('~'),
            }
        }
        line
    }

    fn simple(&self, simple: &Simple) -> String {
        let mut parts: Vec<String> = simple
            .assignments
            .iter()
            .map(|assignment| {
                let sign = if assignment.appends { "+=" } else { "=" };
                format!("{}{sign}{}", assignment.name, self.word(&assignment.value))
            })
            .collect();
        if !simple.words.is_empty() {
            parts.push(self.words(&simple.words));
        }
        let mut line = format!("{}{}", parts.join(" "), self.redirects(&simple.redirects));
        for embedded in &simple.scripts {
            let list = embedded
                .list
                .as_ref()
                .map_or("?".to_owned(), |list| self.list(list));
            write!(line, " <<{:?}: {list}>>", embedded.kind).unwrap();
        }
        line
    }

    fn command(&self, command: &Command) -> String {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Group { body, redirects, .. } => {
                format!("{{ {} }}{}", self.list(body), self.redirects(redirects))
            }
            Command::Subshell { body, redirects, .. } => {
                format!("( {} ){}", self.list(body), self.redirects(redirects))
            }
            Command::Loop {
                until,
                condition,
                body,
                redirects,
                ..
            } => {
                let keyword = if *until { "until" } else { "while" };
                let (condition, body) = (self.list(condition), self.list(body));
                format!("{keyword} [{condition}] do [{body}]{}", self.redirects(redirects))
            }
            Command::For {
                variable,
                words,
                body,
                redirects,
                ..
            } => {
                let (words, body) = (self.words(words), self.list(body));
                format!(
                    "for {variable} in ({words}) do [{body}]{}",
                    self.redirects(redirects)
                )
            }
            Command::If {
                branches,
                otherwise,
                redirects,
                ..
            } => {
                let mut line = String::new();
                for branch in branches {
                    write!(
                        line,
                        "if [{}] [{}] ",
                        self.list(&branch.condition),
                        self.list(&branch.body)
                    )
                    .unwrap();
                }
                if let Some(list) = otherwise {
                    write!(line, "else [{}] ", self.list(list)).unwrap();
                }
                format!("{}fi{}", line, self.redirects(redirects))
            }
            Command::Case { word, arms, .. } => {
                let arms: Vec<_> = arms.iter().map(|arm| format!("[{}]", self.list(arm))).collect();
                format!("case {} {}", self.word(word), arms.join(" "))
            }
            Command::Function { name, body, .. } => format!("{name}() [{}]", self.list(body)),
            Command::Test { words, .. } => format!("[[ {} ]]", self.words(words)),
            Command::Arithmetic { span, .. } => format!("arithmetic<{}>", self.at(span)),
        }
    }
}
