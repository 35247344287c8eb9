//! Words: quotes and escapes. What a `$` starts is in `expansion.rs`.

use super::{Piece, Word, cursor::Parser};

/// The pieces of a word while it is read; neighbouring texts become one.
#[derive(Default)]
pub(super) struct Pieces {
    pub(super) pieces: Vec<Piece>,
}

impl Pieces {
    pub(super) fn text(&mut self, addition: &str, is_quoted: bool) {
        match self.pieces.last_mut() {
            Some(Piece::Text { text, quoted }) if *quoted == is_quoted => text.push_str(addition),
            _ => self.pieces.push(Piece::Text {
                text: addition.to_owned(),
                quoted: is_quoted,
            }),
        }
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }
}

impl Parser<'_> {
    /// Reads a word that isn't empty. In a `regular_expression` parentheses and bars belong to it.
    pub(super) fn word(&mut self, regular_expression: bool) -> Option<Word> {
        let start = self.position();
        let word = self.word_or_nothing(regular_expression)?;
        (self.position() > start).then_some(word)
    }

    /// Reads a word that may be empty, as the value of `NAME=`.
    pub(super) fn word_or_nothing(&mut self, regular_expression: bool) -> Option<Word> {
        let start = self.position();
        let mut pieces = Pieces::default();
        self.tilde(&mut pieces);
        let mut open = 0_usize;
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' if open == 0 => break,
                b'\n' | b';' | b'&' => break,
                b'(' if regular_expression => {
                    open += 1;
                    self.take_text(&mut pieces, 1, false);
                }
                b')' if regular_expression && open > 0 => {
                    open -= 1;
                    self.take_text(&mut pieces, 1, false);
                }
                b'|' if regular_expression => self.take_text(&mut pieces, 1, false),
                b'(' if self.is_behind_glob_operator(start) => self.glob_alternatives(&mut pieces)?,
                b'<' | b'>' if self.byte_at(self.position() + 1) == Some(b'(') => {
                    self.advance(1);
                    self.substitution(&mut pieces, false)?;
                }
                b'|' | b'(' | b')' | b'<' | b'>' => break,
                _ => self.unquoted(&mut pieces)?,
            }
        }
        Some(Word {
            raw: self.slice(start, self.position()).to_owned(),
            pieces: pieces.pieces,
            span: self.span(start, self.position()),
        })
    }

    /// Reads the elements of `NAME=(…)` into the word before the parenthesis.
    pub(super) fn array(&mut self, start: usize) -> Option<Word> {
        self.advance(1);
        loop {
            self.skip_lines();
            if self.sees(")") {
                break;
            }
            self.word(false)?;
        }
        self.advance(1);
        Some(Word {
            raw: self.slice(start, self.position()).to_owned(),
            pieces: vec![Piece::Substitution {
                script: None,
                quoted: false,
            }],
            span: self.span(start, self.position()),
        })
    }

    /// The text of a here-document up to `end`, with its expansions.
    pub(super) fn here_document_text(&mut self, start: usize, end: usize) -> Option<Word> {
        let mut pieces = Pieces::default();
        self.jump(start);
        self.within(end, |parser| {
            while let Some(byte) = parser.byte() {
                match byte {
                    b'\\' => parser.escape_in_quotes(&mut pieces, b"$`\\"),
                    b'$' => parser.dollar(&mut pieces, true)?,
                    b'`' => parser.backquotes(&mut pieces, true)?,
                    _ => parser.run_of_text(&mut pieces, b"\\$`", true),
                }
            }
            Some(())
        })?;
        Some(Word {
            raw: self.slice(start, end).to_owned(),
            pieces: pieces.pieces,
            span: self.span(start, end),
        })
    }

    /// `~`, `~user` in front of `/` or alone.
    fn tilde(&mut self, pieces: &mut Pieces) {
        if self.byte() != Some(b'~') {
            return;
        }
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
        let mut end = self.position() + 1;
        while self.byte_at(end).is_some_and(name) {
            end += 1;
        }
        if self
            .byte_at(end)
            .is_none_or(|byte| b"/: \t\n;&|<>()}".contains(&byte))
        {
            self.jump(end);
            pieces.push(Piece::Tilde);
        }
    }

    /// One piece outside of quotes.
    pub(super) fn unquoted(&mut self, pieces: &mut Pieces) -> Option<()> {
        match self.byte()? {
            b'\\' => {
                let length = self.rest().chars().nth(1)?.len_utf8();
                if self.byte_at(self.position() + 1) == Some(b'\n') {
                    self.advance(2);
                } else {
                    self.advance(1);
                    self.take_text(pieces, length, true);
                }
            }
            b'\'' => {
                self.advance(1);
                let length = self.rest().find('\'')?;
                self.take_text(pieces, length, true);
                self.advance(1);
            }
            b'"' => self.double_quotes(pieces)?,
            b'$' => self.dollar(pieces, false)?,
            b'`' => self.backquotes(pieces, false)?,
            _ => self.run_of_text(pieces, b" \t\n;&|<>()\\'\"$`}", false),
        }
        Some(())
    }

    /// Whether all of the text is one pair of double quotes.
    pub(super) fn all_in_double_quotes(mut self) -> bool {
        self.sees("\"") && self.double_quotes(&mut Pieces::default()).is_some() && self.is_at_end()
    }

    pub(super) fn double_quotes(&mut self, pieces: &mut Pieces) -> Option<()> {
        self.advance(1);
        if self.sees("\"") {
            pieces.text("", true);
        }
        self.deeper(|parser| {
            loop {
                match parser.byte()? {
                    b'"' => break,
                    b'\\' => parser.escape_in_quotes(pieces, b"$`\"\\"),
                    b'$' => parser.dollar(pieces, true)?,
                    b'`' => parser.backquotes(pieces, true)?,
                    _ => parser.run_of_text(pieces, b"\"\\$`", true),
                }
            }
            Some(())
        })?;
        self.advance(1);
        Some(())
    }

    /// A backslash inside of double quotes: it escapes only some characters.
    fn escape_in_quotes(&mut self, pieces: &mut Pieces, escapable: &[u8]) {
        match self.byte_at(self.position() + 1) {
            Some(b'\n') => self.advance(2),
            Some(byte) if escapable.contains(&byte) => {
                self.advance(1);
                self.take_text(pieces, 1, true);
            }
            _ => self.take_text(pieces, 1, true),
        }
    }

    /// `'…'` behind `$`.
    pub(super) fn ansi_quotes(&mut self, pieces: &mut Pieces) -> Option<()> {
        self.advance(1);
        pieces.text("", true);
        loop {
            match self.byte()? {
                b'\'' => break,
                b'\\' => {
                    self.advance(1);
                    let decoded = match self.byte()? {
                        b'n' => Some("\n"),
                        b't' => Some("\t"),
                        b'r' => Some("\r"),
                        b'\\' | b'\'' | b'"' => None,
                        // Octal, hexadecimal and control characters are left as written.
                        _ => Some("\\"),
                    };
                    match decoded {
                        Some("\\") => pieces.text("\\", true),
                        Some(decoded) => {
                            pieces.text(decoded, true);
                            self.advance(1);
                        }
                        None => self.take_text(pieces, 1, true),
                    }
                }
                _ => self.run_of_text(pieces, b"'\\", true),
            }
        }
        self.advance(1);
        Some(())
    }

    fn is_behind_glob_operator(&self, start: usize) -> bool {
        self.position() > start
            && self
                .byte_at(self.position() - 1)
                .is_some_and(|byte| b"@!?+*".contains(&byte))
    }

    /// bash's `@(a|b)`.
    fn glob_alternatives(&mut self, pieces: &mut Pieces) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.byte()? {
                b'(' => open += 1,
                b')' => open -= 1,
                b'|' | b' ' | b'\t' => {}
                b'\n' | b';' | b'&' | b'<' | b'>' => return None,
                _ => {
                    self.unquoted(pieces)?;
                    continue;
                }
            }
            self.take_text(pieces, 1, false);
            if open == 0 {
                return Some(());
            }
        }
    }

    /// Takes the next `length` bytes as they are.
    pub(super) fn take_text(&mut self, pieces: &mut Pieces, length: usize, quoted: bool) {
        let position = self.position();
        pieces.text(self.slice(position, position + length), quoted);
        self.advance(length);
    }

    /// Takes at least one character, up to the next of `stops`, all of which are ASCII.
    pub(super) fn run_of_text(&mut self, pieces: &mut Pieces, stops: &[u8], quoted: bool) {
        let rest = self.rest();
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let length = rest
            .bytes()
            .skip(first)
            .position(|byte| stops.contains(&byte))
            .map_or(rest.len(), |length| length + first);
        self.take_text(pieces, length, quoted);
    }
}
