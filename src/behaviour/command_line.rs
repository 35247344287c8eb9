//! The words of a command with what is known of their values.

use crate::shell::{Piece, Span, Word, command_index};

/// One word of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Its value; absent where a variable or substitution in it is unknown.
    pub value: Option<String>,
    /// Its value with everything unknown left out: enough to see a port behind an unknown host.
    pub known: String,
    /// Where it stands.
    pub span: Span,
}

/// A command's words, with the programs in front of it that only pass it on (`exec`, `timeout 5`, `env A=b`)
/// taken off.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CommandLine {
    /// The program and its arguments.
    pub arguments: Vec<Argument>,
    /// How many words were taken off in front.
    pub skipped: usize,
    /// `exec` was among them: the shell is replaced, nothing runs after it.
    pub replaces_shell: bool,
}

/// Looks a variable up.
pub type Lookup<'l> = &'l dyn Fn(&str) -> Option<String>;

impl CommandLine {
    /// The command line of a simple command's words.
    #[must_use]
    pub fn new(words: &[Word], value_of: Lookup<'_>) -> Self {
        let skipped = command_index(words);
        let (prefixes, rest) = words.split_at(skipped.min(words.len()));
        let arguments: Vec<_> = rest.iter().map(|word| argument(word, value_of)).collect();
        let replaces_shell = prefixes.iter().any(|word| word.raw == "exec");
        Self {
            arguments,
            skipped,
            replaces_shell,
        }
    }

    /// The program's name without its folder.
    #[must_use]
    pub fn program(&self) -> &str {
        let path = self.value(0).unwrap_or_default();
        path.rsplit('/').next().unwrap_or(path)
    }

    /// The value of a word.
    #[must_use]
    pub fn value(&self, index: usize) -> Option<&str> {
        self.arguments.get(index)?.value.as_deref()
    }

    /// The words behind the program, with unknown parts left out.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        self.arguments
            .iter()
            .skip(1)
            .map(|argument| argument.known.as_str())
    }
}

fn argument(word: &Word, value_of: Lookup<'_>) -> Argument {
    let value = word.resolve(value_of);
    let known = match &value {
        Some(value) => value.clone(),
        None => word
            .pieces
            .iter()
            .map(|piece| known_part(piece, value_of))
            .collect(),
    };
    Argument {
        value,
        known,
        span: word.span.clone(),
    }
}

fn known_part(piece: &Piece, value_of: Lookup<'_>) -> String {
    match piece {
        Piece::Text { text, .. } => text.clone(),
        Piece::Variable { name, default, .. } => {
            value_of(name).or_else(|| default.clone()).unwrap_or_default()
        }
        Piece::Substitution { .. } | Piece::Arithmetic | Piece::Tilde => String::new(),
    }
}
