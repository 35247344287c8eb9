//! The tree of a script.

use std::{borrow::Cow, ops::Range};

/// A range of bytes in the script's text.
pub type Span = Range<usize>;

/// A whole script that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Its statements.
    pub list: List,
}

/// Statements in sequence.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct List {
    /// The statements in order.
    pub statements: Vec<Statement>,
}

/// What ends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminator {
    /// `;`, a newline or the end of the list.
    Sequence,
    /// `&`: the statement runs in the background.
    Background,
}

/// One statement of a list: pipelines joined by `&&` and `||`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The pipelines.
    pub and_or: AndOr,
    /// How it ends.
    pub terminator: Terminator,
    /// From its first to its last byte, without the terminator.
    pub span: Span,
}

/// How a pipeline is joined to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// `first && second || third`.
#[derive(Debug, Clone, PartialEq)]
pub struct AndOr {
    /// The first pipeline.
    pub first: Pipeline,
    /// The others with what joins them to the one before.
    pub rest: Vec<(Connector, Pipeline)>,
}

/// Commands joined by `|`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// `! …`
    pub negated: bool,
    /// The commands, at least one.
    pub commands: Vec<Command>,
    /// From the `!` or the first command to the end of the last one.
    pub span: Span,
}

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `NAME=value program arguments >file`
    Simple(Simple),
    /// `{ …; }`
    Group {
        /// What it runs.
        body: List,
        /// Redirections of the whole group.
        redirects: Vec<Redirect>,
        /// Braces and redirections included.
        span: Span,
    },
    /// `( … )`
    Subshell {
        /// What it runs.
        body: List,
        /// Redirections of the whole subshell.
        redirects: Vec<Redirect>,
        /// Parentheses and redirections included.
        span: Span,
    },
    /// `while …; do …; done` and `until …; do …; done`
    Loop {
        /// `until` instead of `while`.
        until: bool,
        /// The condition.
        condition: List,
        /// The body.
        body: List,
        /// Redirections of the whole loop.
        redirects: Vec<Redirect>,
        /// From the keyword to `done` and its redirections.
        span: Span,
    },
    /// `for name in words; do …; done`, and `for ((…))` with no words
    For {
        /// The variable.
        variable: String,
        /// The words it runs over, where they are given.
        words: Vec<Word>,
        /// The body.
        body: List,
        /// Redirections of the whole loop.
        redirects: Vec<Redirect>,
        /// From the keyword to `done` and its redirections.
        span: Span,
    },
    /// `if …; then …; elif …; else …; fi`
    If {
        /// `if` and each `elif`.
        branches: Vec<IfBranch>,
        /// `else`.
        otherwise: Option<List>,
        /// Redirections of the whole command.
        redirects: Vec<Redirect>,
        /// From `if` to `fi` and its redirections.
        span: Span,
    },
    /// `case word in pattern) …;; esac`
    Case {
        /// What is matched.
        word: Word,
        /// The bodies of all arms.
        arms: Vec<List>,
        /// From `case` to `esac` and its redirections.
        span: Span,
    },
    /// `name() { …; }`
    Function {
        /// The function's name.
        name: String,
        /// Its body.
        body: List,
        /// The whole definition.
        span: Span,
    },
    /// `[[ … ]]`: the words between the brackets, operators included.
    Test {
        /// The words and operators, in order.
        words: Vec<Word>,
        /// Brackets included.
        span: Span,
    },
    /// `(( … ))`
    Arithmetic {
        /// Parentheses included.
        span: Span,
    },
}

/// One condition with its body.
#[derive(Debug, Clone, PartialEq)]
pub struct IfBranch {
    /// The condition.
    pub condition: List,
    /// What runs when it holds.
    pub body: List,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Simple {
    /// `NAME=value` before the words.
    pub assignments: Vec<Assignment>,
    /// The program and its arguments; empty for a bare assignment or redirection.
    pub words: Vec<Word>,
    /// Its redirections.
    pub redirects: Vec<Redirect>,
    /// All of it.
    pub span: Span,
}

/// `NAME=value`
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// The value.
    pub value: Word,
    /// All of it.
    pub span: Span,
}

/// What a redirection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<file`
    Read,
    /// `>file`, `>|file`, `&>file`
    Write,
    /// `>>file`, `&>>file`
    Append,
    /// `<>file`
    ReadWrite,
    /// `2>&1`, `<&3`, `>&-`
    Duplicate,
    /// `<<END`, `<<<word`
    Here,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq)]
pub struct Redirect {
    /// What it does.
    pub kind: RedirectKind,
    /// The file descriptor, where it is written.
    pub descriptor: Option<i32>,
    /// The file, descriptor or here-document text; absent for process substitutions.
    pub target: Option<Word>,
    /// All of it.
    pub span: Span,
}

/// A word with its quotes, as the shell sees it before expansion.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// As written.
    pub raw: String,
    /// What it is made of.
    pub pieces: Vec<Piece>,
    /// Where it stands.
    pub span: Span,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text, quotes and escapes removed.
    Text {
        /// The text.
        text: String,
        /// Inside quotes or escaped: no globbing, tilde or field splitting.
        quoted: bool,
    },
    /// `$NAME`, `${NAME}`, `${NAME:-default}`, `$1`, `$?`, `$!`, `$$`, `$@`
    Variable {
        /// The name or special character.
        name: String,
        /// The literal default of `:-` or `-`; an empty text where another operator stands.
        default: Option<String>,
        /// Only the value is substituted: no operator but a default is applied.
        simple: bool,
        /// Inside double quotes.
        quoted: bool,
    },
    /// `$(…)` or backquotes
    Substitution {
        /// What runs; absent where it was not understood.
        script: Option<Box<List>>,
        /// Inside double quotes.
        quoted: bool,
    },
    /// `$((…))`
    Arithmetic,
    /// `~`, `~user`
    Tilde,
}

impl Word {
    /// The word's value when no expansion is needed to know it. A glob character does not hinder.
    #[must_use]
    pub fn literal(&self) -> Option<Cow<'_, str>> {
        match self.pieces.as_slice() {
            [] => Some(Cow::Borrowed("")),
            [Piece::Text { text, .. }] => Some(Cow::Borrowed(text)),
            _ => self.resolve(|_| None).map(Cow::Owned),
        }
    }

    /// The word's value with variables looked up by `value_of`; absent where any part stays unknown.
    pub fn resolve(&self, value_of: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut resolved = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text { text, .. } => resolved.push_str(text),
                Piece::Variable {
                    name,
                    default,
                    simple: true,
                    ..
                } => {
                    let value = value_of(name).filter(|value| default.is_none() || !value.is_empty());
                    resolved.push_str(&value.or_else(|| default.clone())?);
                }
                Piece::Variable { .. } | Piece::Substitution { .. } | Piece::Arithmetic | Piece::Tilde => {
                    return None;
                }
            }
        }
        Some(resolved)
    }
}

impl Command {
    /// Where the command stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Simple(simple) => simple.span.clone(),
            Self::Group { span, .. }
            | Self::Subshell { span, .. }
            | Self::Loop { span, .. }
            | Self::For { span, .. }
            | Self::If { span, .. }
            | Self::Case { span, .. }
            | Self::Function { span, .. }
            | Self::Test { span, .. }
            | Self::Arithmetic { span } => span.clone(),
        }
    }
}

impl AndOr {
    /// All pipelines in order.
    pub fn pipelines(&self) -> impl Iterator<Item = &Pipeline> {
        std::iter::once(&self.first).chain(self.rest.iter().map(|(_, pipeline)| pipeline))
    }
}
