//! Scripts in the words of a command and in its here-document: `sh -c '…'`, `eval '…'`, `trap '…' EXIT`, `sh <<EOF`.

use std::borrow::Cow;

use super::{
    Dialect, Embedded, EmbeddedKind, List, Piece, Redirect, RedirectKind, Script, Word,
    cursor::{Allowance, Origin, Parser},
    expansion::unescape,
    prefix::command_index,
};

impl Parser<'_> {
    /// What the words, or the here-document, run as scripts.
    pub(super) fn embedded(&self, words: &[Word], redirects: &[Redirect]) -> Vec<Embedded> {
        let found = match embedded_word(words) {
            Some((kind, word, dialect)) => words.get(word).map(|text| Embedded {
                kind,
                word: Some(word),
                list: text.parse_as_script(dialect.unwrap_or(self.dialect()), &self.allowance()),
            }),
            None => self.fed(words, redirects),
        };
        found.into_iter().collect()
    }

    /// The here-document that a shell reads its script from.
    fn fed(&self, words: &[Word], redirects: &[Redirect]) -> Option<Embedded> {
        let input = redirects.iter().rfind(|redirect| redirect.is_input())?;
        let text = input
            .target
            .as_ref()
            .filter(|_| input.kind == RedirectKind::Here)?;
        let (dialect, first) = shell_program(words)?;
        let call = ShellCall::new(words, first);
        call.reads_input(words).then(|| Embedded {
            kind: EmbeddedKind::Shell {
                exits_on_error: call.exits_on_error,
            },
            word: None,
            list: text.parse_here(dialect, &self.allowance()),
        })
    }
}

/// Whether a command is a shell that reads its script from its input: `sh`, `bash -s -- ARGUMENT`.
#[must_use]
pub fn reads_script_from_input(words: &[Word]) -> bool {
    shell_program(words).is_some_and(|(_, first)| ShellCall::new(words, first).reads_input(words))
}

/// The shell that a command is, and where its options begin.
fn shell_program(words: &[Word]) -> Option<(Dialect, usize)> {
    let start = command_index(words);
    let dialect = Dialect::of_program(&words.get(start)?.literal()?)?;
    Some((dialect, start + 1))
}

/// Which of the words is a script, and what runs it in which shell.
fn embedded_word(words: &[Word]) -> Option<(EmbeddedKind, usize, Option<Dialect>)> {
    let start = command_index(words);
    let program = words.get(start)?.literal()?;
    match program.rsplit('/').next()? {
        "trap" => {
            let mut word = start + 1;
            if words.get(word)?.raw == "--" {
                word += 1;
            }
            if words.get(word)?.raw.starts_with('-') || words.len() == word + 1 {
                return None;
            }
            let signals = words
                .iter()
                .skip(word + 1)
                .filter_map(|word| word.literal().map(Cow::into_owned))
                .collect();
            Some((EmbeddedKind::Trap { signals }, word, None))
        }
        "eval" => (words.len() == start + 2).then_some((EmbeddedKind::Eval, start + 1, None)),
        _ => {
            let (dialect, first) = shell_program(words)?;
            let call = ShellCall::new(words, first);
            let kind = EmbeddedKind::Shell {
                exits_on_error: call.exits_on_error,
            };
            (call.is_command && call.behind < words.len()).then_some((kind, call.behind, Some(dialect)))
        }
    }
}

/// The options of a shell: `-c`, `-ec`, `-euo pipefail -c`, `-s`.
struct ShellCall {
    is_command: bool,
    is_input: bool,
    exits_on_error: bool,
    /// The first word behind the options.
    behind: usize,
}

impl ShellCall {
    fn new(words: &[Word], first: usize) -> Self {
        let mut call = Self {
            is_command: false,
            is_input: false,
            exits_on_error: false,
            behind: first,
        };
        while let Some(option) = words.get(call.behind).and_then(Word::literal) {
            let Some(letters) = option
                .strip_prefix(['-', '+'])
                .filter(|letters| !letters.is_empty())
            else {
                break;
            };
            call.behind += 1;
            if letters == "-" {
                break;
            }
            if letters.starts_with('-') {
                continue;
            }
            if option.starts_with('-') {
                call.is_command |= letters.contains('c');
                call.is_input |= letters.contains('s');
                call.exits_on_error |= letters.contains('e');
            }
            for _ in letters.matches(['o', 'O']) {
                call.exits_on_error |= words.get(call.behind).is_some_and(|word| word.raw == "errexit");
                call.behind += 1;
            }
        }
        call
    }

    fn reads_input(&self, words: &[Word]) -> bool {
        !self.is_command && (self.is_input || self.behind >= words.len())
    }
}

impl Redirect {
    /// Whether it says what standard input is.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(self.kind, RedirectKind::Here | RedirectKind::Read)
            && self.descriptor.is_none_or(|descriptor| descriptor == 0)
    }
}

impl Word {
    /// The word as a script of its own: what `trap`, `eval` and `sh -c` run.
    ///
    /// Spans are those of the outer script. Where escapes had to be removed, each is the span of the word.
    #[must_use]
    pub fn as_script(&self) -> Option<Script> {
        let list = self
            .parse_as_script(Dialect::Posix, &Allowance::default())
            .or_else(|| self.parse_as_script(Dialect::Bash, &Allowance::default()))?;
        Some(Script { list })
    }

    fn parse_as_script(&self, dialect: Dialect, allowance: &Allowance) -> Option<List> {
        let (text, offset) = self.script_text(allowance)?;
        self.parse_text(&text, offset, dialect, allowance)
    }

    /// The text of a here-document or here-string as a script. As in double quotes, variables are replaced before the
    /// inner shell reads them.
    fn parse_here(&self, dialect: Dialect, allowance: &Allowance) -> Option<List> {
        if let Some((text, offset)) = self.script_text(allowance) {
            return self.parse_text(&text, offset, dialect, allowance);
        }
        match self.raw.contains('\\') {
            true => self.parse_text(&unescape(&self.raw, "$`\\"), None, dialect, allowance),
            false => self.parse_text(&self.raw, Some(0), dialect, allowance),
        }
    }

    fn parse_text(
        &self,
        text: &str,
        offset: Option<usize>,
        dialect: Dialect,
        allowance: &Allowance,
    ) -> Option<List> {
        let origin = match offset {
            Some(offset) if self.span.len() == self.raw.len() => Origin::Shifted(self.span.start + offset),
            _ => Origin::Collapsed(self.span.clone()),
        };
        Parser::nested(text, dialect, origin, allowance.clone())?.whole()
    }

    /// The text a shell would read, and where it starts in the word if nothing was removed from it.
    fn script_text(&self, allowance: &Allowance) -> Option<(Cow<'_, str>, Option<usize>)> {
        if let [Piece::Text { text, .. }] = self.pieces.as_slice() {
            if *text == self.raw {
                return Some((Cow::Borrowed(text), Some(0)));
            }
            // In quotes without escapes.
            if self.raw.len() == text.len() + 2 && self.raw.get(1..self.raw.len() - 1) == Some(text) {
                return Some((Cow::Borrowed(text), Some(1)));
            }
        }
        if let Some(literal) = self.literal() {
            return Some((literal, None));
        }
        // Variables in double quotes are replaced before the inner shell reads them, which changes when they
        // are read but not what the script does with them.
        let inner = self.double_quoted(allowance)?;
        if inner.contains('\\') {
            return Some((Cow::Owned(unescape(inner, "$`\"\\")), None));
        }
        Some((Cow::Borrowed(inner), Some(1)))
    }

    /// What stands between the quotes of a word that is all in one pair of double quotes.
    fn double_quoted(&self, allowance: &Allowance) -> Option<&str> {
        let inner = self.raw.strip_prefix('"')?.strip_suffix('"')?;
        Parser::nested(&self.raw, Dialect::Bash, Origin::Shifted(0), allowance.clone())?
            .all_in_double_quotes()
            .then_some(inner)
    }
}
