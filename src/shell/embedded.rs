//! Scripts in the words of a command: `sh -c '…'`, `eval '…'`, `trap '…' EXIT`.

use std::borrow::Cow;

use super::{
    Dialect, Embedded, EmbeddedKind, List, Piece, Script, Word,
    cursor::{Allowance, Origin, Parser},
    expansion::unescape,
    prefix::command_index,
};

impl Parser<'_> {
    /// What the words run as scripts.
    pub(super) fn embedded(&self, words: &[Word]) -> Vec<Embedded> {
        let Some((kind, word, dialect)) = embedded_word(words) else {
            return Vec::new();
        };
        let list = words
            .get(word)
            .and_then(|word| word.parse_as_script(dialect.unwrap_or(self.dialect()), &self.allowance()));
        vec![Embedded { kind, word, list }]
    }
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
        "bash" | "zsh" | "ksh" | "mksh" => shell_option(words, start + 1, Dialect::Bash),
        "sh" | "ash" | "dash" => shell_option(words, start + 1, Dialect::Posix),
        "busybox" => match words.get(start + 1)?.raw.as_str() {
            "sh" | "ash" => shell_option(words, start + 2, Dialect::Posix),
            _ => None,
        },
        _ => None,
    }
}

/// The word behind `-c`, `-ec`, `-euo pipefail -c`.
fn shell_option(
    words: &[Word],
    first: usize,
    dialect: Dialect,
) -> Option<(EmbeddedKind, usize, Option<Dialect>)> {
    let mut at = first;
    let (mut is_command, mut exits_on_error) = (false, false);
    while let Some(option) = words.get(at).and_then(Word::literal) {
        let Some(letters) = option
            .strip_prefix(['-', '+'])
            .filter(|letters| !letters.is_empty())
        else {
            break;
        };
        at += 1;
        if letters == "-" {
            break;
        }
        if letters.starts_with('-') {
            continue;
        }
        if option.starts_with('-') {
            is_command |= letters.contains('c');
            exits_on_error |= letters.contains('e');
        }
        for _ in letters.matches(['o', 'O']) {
            exits_on_error |= words.get(at).is_some_and(|word| word.raw == "errexit");
            at += 1;
        }
    }
    let kind = EmbeddedKind::Shell { exits_on_error };
    (is_command && at < words.len()).then_some((kind, at, Some(dialect)))
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
        let origin = match offset {
            Some(offset) if self.span.len() == self.raw.len() => Origin::Shifted(self.span.start + offset),
            _ => Origin::Collapsed(self.span.clone()),
        };
        Parser::nested(&text, dialect, origin, allowance.clone())?.whole()
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
