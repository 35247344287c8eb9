//! Text into the tree: the grammar of compound commands and lists.
//!
//! One pass over the bytes without going back, so that time and memory grow with the text and nothing else:
//! scripts come from anybody's manifests. `cursor.rs` moves over blanks and comments, `compound.rs` reads the longer
//! compound commands, `simple.rs` reads simple
//! commands and redirections, `word.rs` reads words and expansions.

use super::{
    AndOr, Command, Connector, List, Pipeline, Script, Span, Statement, Terminator, Word, cursor::Parser,
};

/// Which shell reads the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `sh`: POSIX first, bash where that fails (many images' `sh` is bash).
    Posix,
    /// `bash`, `zsh`, `ksh`.
    Bash,
}

impl Dialect {
    /// That of a shell, by its name or path: `/bin/bash`.
    #[must_use]
    pub fn of_program(program: &str) -> Option<Self> {
        match program.rsplit('/').next()? {
            "bash" | "zsh" | "ksh" | "mksh" => Some(Self::Bash),
            "sh" | "ash" | "dash" => Some(Self::Posix),
            _ => None,
        }
    }
}

/// Longer scripts are not looked at.
pub const SIZE_LIMIT: usize = 256 * 1024;

/// Words that end a list, and can't start a command.
const CLOSING: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

/// Parses a script; `None` where it is not understood, so that nothing is concluded from its structure.
#[must_use]
pub fn parse(text: &str, dialect: Dialect) -> Option<Script> {
    if text.len() > SIZE_LIMIT {
        return None;
    }
    let list = match dialect {
        Dialect::Posix => Parser::new(text, Dialect::Posix)
            .whole()
            .or_else(|| Parser::new(text, Dialect::Bash).whole())?,
        Dialect::Bash => Parser::new(text, Dialect::Bash).whole()?,
    };
    Some(Script { list })
}

impl Parser<'_> {
    /// The list that is all of the text.
    pub(super) fn whole(mut self) -> Option<List> {
        let list = self.list()?;
        self.is_at_end().then_some(list)
    }

    /// Statements up to the end, a closing parenthesis, `;;` or a closing word, which stay unread.
    pub(super) fn list(&mut self) -> Option<List> {
        let mut statements = Vec::new();
        loop {
            self.skip_lines();
            if self.is_at_end() || self.sees(")") || self.sees(";;") || self.sees(";&") {
                break;
            }
            if self.bare_word().is_some_and(|word| CLOSING.contains(&word)) {
                break;
            }
            let start = self.position();
            let and_or = self.and_or()?;
            let span = self.span(start, and_or.end);
            self.skip_blanks();
            let terminator = if self.sees("&") && !self.sees("&&") {
                self.advance(1);
                Terminator::Background
            } else if self.sees(";") && !self.sees(";;") && !self.sees(";&") {
                self.advance(1);
                Terminator::Sequence
            } else if self.sees("\n") || self.is_at_end() || self.sees(")") || self.sees(";") {
                Terminator::Sequence
            } else {
                return None;
            };
            statements.push(Statement {
                and_or: and_or.and_or,
                terminator,
                span,
            });
        }
        Some(List { statements })
    }

    /// A list that can't be empty: what stands between two keywords.
    pub(super) fn body(&mut self) -> Option<List> {
        self.list().filter(|list| !list.statements.is_empty())
    }

    fn and_or(&mut self) -> Option<Ended> {
        let first = self.pipeline()?;
        let mut end = self.last_end();
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let connector = if self.sees("&&") {
                Connector::And
            } else if self.sees("||") {
                Connector::Or
            } else {
                break;
            };
            self.advance(2);
            self.skip_lines();
            rest.push((connector, self.pipeline()?));
            end = self.last_end();
        }
        Some(Ended {
            and_or: AndOr { first, rest },
            end,
        })
    }

    fn pipeline(&mut self) -> Option<Pipeline> {
        let start = self.position();
        let mut negated = false;
        while self.bare_word() == Some("!") {
            negated = !negated;
            self.advance(1);
            self.skip_blanks();
        }
        self.skip_timing();
        let mut commands = vec![self.command()?];
        let mut end = self.last_end();
        loop {
            self.skip_blanks();
            if !self.sees("|") || self.sees("||") {
                break;
            }
            let both = self.sees("|&");
            self.advance(if both { 2 } else { 1 });
            self.skip_lines();
            commands.push(self.command()?);
            end = self.last_end();
        }
        Some(Pipeline {
            negated,
            commands,
            span: self.span(start, end),
        })
    }

    /// Reads one command; its end is remembered as the last one.
    fn command(&mut self) -> Option<Command> {
        self.deeper(Self::command_here)
    }

    /// What stands in `((…))`.
    pub(super) fn between_parentheses(&self, start: usize, end: usize) -> &str {
        self.slice(start + 2, end.saturating_sub(2)).trim()
    }

    fn command_here(&mut self) -> Option<Command> {
        let start = self.position();
        if let Some(end) = self.arithmetic_end(start) {
            let constant = is_not_zero(self.between_parentheses(start, end));
            self.jump(end);
            self.redirects()?;
            return Some(Command::Arithmetic {
                constant,
                span: self.span_from(start),
            });
        }
        if self.sees("(") {
            self.advance(1);
            let body = self.body()?;
            self.expect(")")?;
            let redirects = self.redirects()?;
            return Some(Command::Subshell {
                body,
                redirects,
                span: self.span_from(start),
            });
        }
        match self.bare_word() {
            Some("{") => {
                let body = self.braces()?;
                let redirects = self.redirects()?;
                Some(Command::Group {
                    body,
                    redirects,
                    span: self.span_from(start),
                })
            }
            Some("if") => self.if_command(start),
            Some(keyword @ ("while" | "until")) => {
                let until = keyword == "until";
                self.advance(keyword.len());
                let condition = self.body()?;
                let body = self.do_group()?;
                let redirects = self.redirects()?;
                Some(Command::Loop {
                    until,
                    condition,
                    body,
                    redirects,
                    span: self.span_from(start),
                })
            }
            Some(keyword @ "for") => self.for_command(start, keyword),
            Some(keyword @ "select") if self.is_bash() => self.for_command(start, keyword),
            Some("case") => self.case_command(start),
            Some("[[") => self.test_command(start),
            Some("function") if self.is_bash() => {
                self.advance("function".len());
                self.skip_blanks();
                let name = self.word(false)?;
                self.skip_blanks();
                if self.sees("(") {
                    self.advance(1);
                    self.skip_blanks();
                    self.expect(")")?;
                }
                self.function_body(start, &name)
            }
            // What a coprocess does is not modelled.
            Some("coproc") if self.is_bash() => None,
            Some(word) if CLOSING.contains(&word) || word == "!" || word == "in" => None,
            _ => self.simple_or_function(start),
        }
    }

    /// Behind `name()`: the compound command that is the function's body.
    pub(super) fn function_body(&mut self, start: usize, name: &Word) -> Option<Command> {
        let name = name.literal()?.into_owned();
        self.skip_lines();
        let body = match self.command()? {
            Command::Group { body, redirects, .. } if redirects.is_empty() => body,
            Command::Simple(_) | Command::Function { .. } => return None,
            compound => {
                let span = compound.span();
                let first = Pipeline {
                    negated: false,
                    commands: vec![compound],
                    span: span.clone(),
                };
                let and_or = AndOr {
                    first,
                    rest: Vec::new(),
                };
                let statement = Statement {
                    and_or,
                    terminator: Terminator::Sequence,
                    span,
                };
                List {
                    statements: vec![statement],
                }
            }
        };
        Some(Command::Function {
            name,
            body,
            span: self.span_from(start),
        })
    }

    pub(super) fn braces(&mut self) -> Option<List> {
        self.expect("{")?;
        let body = self.body()?;
        self.keyword("}")?;
        Some(body)
    }

    pub(super) fn do_group(&mut self) -> Option<List> {
        self.skip_lines();
        self.keyword("do")?;
        let body = self.body()?;
        self.keyword("done")?;
        Some(body)
    }

    /// bash's `time` in front of a compound command; in front of a simple one it reads like a program.
    fn skip_timing(&mut self) {
        const COMPOUND: [&str; 7] = ["{", "if", "while", "until", "for", "case", "[["];
        if !self.is_bash() || self.bare_word() != Some("time") {
            return;
        }
        let start = self.position();
        self.advance("time".len());
        self.skip_blanks();
        if !self.sees("(") && !self.bare_word().is_some_and(|word| COMPOUND.contains(&word)) {
            self.jump(start);
        }
    }

    /// Takes a keyword, behind blanks.
    pub(super) fn keyword(&mut self, keyword: &str) -> Option<()> {
        self.skip_blanks();
        if self.bare_word() != Some(keyword) {
            return None;
        }
        self.advance(keyword.len());
        Some(())
    }
}

/// Pipelines with the end of the last one.
struct Ended {
    and_or: AndOr,
    end: usize,
}

impl Word {
    /// A word without quotes and expansions.
    pub(super) fn plain(text: &str, span: Span) -> Self {
        Self {
            raw: text.to_owned(),
            pieces: vec![super::Piece::Text {
                text: text.to_owned(),
                quoted: false,
            }],
            span,
        }
    }
}

/// Whether an arithmetic condition holds that is a number and nothing else.
pub(super) fn is_not_zero(condition: &str) -> Option<bool> {
    Some(condition.trim().parse::<i64>().ok()? != 0)
}
