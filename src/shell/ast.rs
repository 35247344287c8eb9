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
        /// `for ((;;))`: only its body leaves it.
        endless: bool,
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
        /// The patterns of each arm; none where one arm goes on to the next: `;&`.
        patterns: Vec<Vec<Word>>,
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
        /// Whether it holds, where it is a number.
        constant: Option<bool>,
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
    /// `NAME=value` before the words; `NAME=(…)` is a value that isn't known.
    pub assignments: Vec<Assignment>,
    /// The program and its arguments; empty for a bare assignment or redirection.
    pub words: Vec<Word>,
    /// Its redirections.
    pub redirects: Vec<Redirect>,
    /// The scripts among its words and in its here-document: what `sh -c`, `eval`, `trap` and `sh <<EOF` run.
    pub scripts: Vec<Embedded>,
    /// All of it.
    pub span: Span,
}

/// How a word of a command comes to run as a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddedKind {
    /// `sh -c 'script'`: another shell.
    Shell {
        /// `sh -ec`: it ends at the first command that fails.
        exits_on_error: bool,
    },
    /// `eval 'script'`: this shell.
    Eval,
    /// `trap 'script' TERM EXIT`: this shell, later.
    Trap {
        /// The signals as written; `EXIT`, `ERR` and numbers count as such.
        signals: Vec<String>,
    },
}

/// A word of a command that is a script itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// What runs it.
    pub kind: EmbeddedKind,
    /// The index of the word among the command's words; absent where a here-document is the script.
    pub word: Option<usize>,
    /// The statements, where the text was understood. Their spans are the outer script's; where the word has
    /// escapes, all of them are the word's.
    pub list: Option<List>,
}

/// `NAME=value`
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// `NAME+=value`
    pub appends: bool,
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
    /// The file, the descriptor or `-`, the here-document's text.
    ///
    /// A here-document's text stands behind the line, outside of the redirection's span.
    pub target: Option<Word>,
    /// All of it: descriptor, operator and the word behind it.
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
    /// `$(…)`, backquotes, `<(…)`, or an array's elements
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

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// Nothing sets it.
    Unset,
    /// It may be set, to a value that is not known.
    Unknown,
    /// Its value.
    Known(String),
}

impl Variable {
    /// The value, where it is known.
    #[must_use]
    pub fn value(self) -> Option<String> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unset | Self::Unknown => None,
        }
    }
}

impl From<Option<String>> for Variable {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Unset, Self::Known)
    }
}

impl Word {
    /// The word's value when no expansion is needed to know it. A glob character does not hinder.
    #[must_use]
    pub fn literal(&self) -> Option<Cow<'_, str>> {
        match self.pieces.as_slice() {
            [] => Some(Cow::Borrowed("")),
            [Piece::Text { text, .. }] => Some(Cow::Borrowed(text)),
            _ => self.resolve(|_| Variable::Unknown).map(Cow::Owned),
        }
    }

    /// What its `$(…)` and backquotes run, as far as it was understood.
    pub fn substitutions(&self) -> impl Iterator<Item = &List> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Substitution {
                script: Some(script), ..
            } => Some(script.as_ref()),
            _ => None,
        })
    }

    /// The word's value with variables looked up by `value_of`; absent where any part stays unknown. The default in
    /// `${NAME:-default}` counts only where the variable is known not to be set.
    pub fn resolve(&self, value_of: impl Fn(&str) -> Variable) -> Option<String> {
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
                    let value = match value_of(name) {
                        Variable::Unknown => return None,
                        Variable::Unset => None,
                        Variable::Known(value) => Some(value),
                    };
                    let value = value.filter(|value| default.is_none() || !value.is_empty());
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
            | Self::Arithmetic { span, .. } => span.clone(),
        }
    }
}

impl AndOr {
    /// All pipelines in order.
    pub fn pipelines(&self) -> impl Iterator<Item = &Pipeline> {
        std::iter::once(&self.first).chain(self.rest.iter().map(|(_, pipeline)| pipeline))
    }
}
