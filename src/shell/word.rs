//! Words: quotes, escapes and expansions.

use super::{
    Piece, Word,
    cursor::{Origin, Parser},
};

/// The pieces of a word while it is read; neighbouring texts become one.
#[derive(Default)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
}

impl Pieces {
    fn text(&mut self, addition: &str, is_quoted: bool) {
        match self.pieces.last_mut() {
            Some(Piece::Text { text, quoted }) if *quoted == is_quoted => text.push_str(addition),
            _ => self.pieces.push(Piece::Text {
                text: addition.to_owned(),
                quoted: is_quoted,
            }),
        }
    }

    fn push(&mut self, piece: Piece) {
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
    fn unquoted(&mut self, pieces: &mut Pieces) -> Option<()> {
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
    pub(super) fn is_in_double_quotes(mut self) -> bool {
        self.sees("\"") && self.double_quotes(&mut Pieces::default()).is_some() && self.is_at_end()
    }

    fn double_quotes(&mut self, pieces: &mut Pieces) -> Option<()> {
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

    fn backquotes(&mut self, pieces: &mut Pieces, quoted: bool) -> Option<()> {
        let start = self.position();
        self.advance(1);
        let mut close = self.position();
        let mut escaped = false;
        while self.byte_at(close)? != b'`' {
            if self.byte_at(close) == Some(b'\\') {
                escaped = true;
                close += 1;
            }
            close += 1;
        }
        let inner = self.slice(self.position(), close);
        let script = if escaped {
            let span = self.span(start, close + 1);
            let plain = unescape(inner, "`$\\");
            self.jump(close);
            Parser::nested(&plain, self.dialect(), Origin::Collapsed(span), self.allowance())
                .and_then(Parser::whole)
        } else {
            self.within(close, |parser| parser.list().filter(|_| parser.is_at_end()))
        };
        self.advance(1);
        pieces.push(Piece::Substitution {
            script: script.map(Box::new),
            quoted,
        });
        Some(())
    }

    /// `(…)` behind `$`, `<` or `>`.
    fn substitution(&mut self, pieces: &mut Pieces, quoted: bool) -> Option<()> {
        self.advance(1);
        let list = self.deeper(Self::list)?;
        self.expect(")")?;
        pieces.push(Piece::Substitution {
            script: Some(Box::new(list)),
            quoted,
        });
        Some(())
    }

    fn dollar(&mut self, pieces: &mut Pieces, quoted: bool) -> Option<()> {
        self.advance(1);
        match self.byte() {
            Some(b'\'') if !quoted => self.ansi_quotes(pieces)?,
            Some(b'"') if !quoted => self.double_quotes(pieces)?,
            Some(b'(') => {
                if let Some(end) = self.arithmetic_end(self.position()) {
                    self.jump(end);
                    pieces.push(Piece::Arithmetic);
                } else {
                    self.substitution(pieces, quoted)?;
                }
            }
            Some(b'{') => self.deeper(|parser| parser.braced_variable(pieces, quoted))?,
            Some(byte) => match variable_name(self.rest(), byte) {
                "" => pieces.text("$", quoted),
                name => {
                    self.advance(name.len());
                    pieces.push(Piece::Variable {
                        name: name.to_owned(),
                        default: None,
                        simple: true,
                        quoted,
                    });
                }
            },
            None => pieces.text("$", quoted),
        }
        Some(())
    }

    /// `{NAME}`, `{NAME:-default}` and the other forms behind `$`.
    fn braced_variable(&mut self, pieces: &mut Pieces, quoted: bool) -> Option<()> {
        self.advance(1);
        // `${#NAME}` and `${!NAME}`, but `${#}` and `${!}` are variables.
        let prefixed = matches!(self.byte(), Some(b'#' | b'!'))
            && self
                .byte_at(self.position() + 1)
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_@*".contains(&byte));
        if prefixed {
            self.advance(1);
        }
        let rest = self.rest();
        let digits = rest.len()
            - rest
                .trim_start_matches(|letter: char| letter.is_ascii_digit())
                .len();
        let name = if digits > 0 {
            self.slice(self.position(), self.position() + digits)
        } else {
            variable_name(rest, self.byte()?)
        };
        if name.is_empty() {
            return None;
        }
        self.advance(name.len());
        let plain = self.sees("}") && !prefixed;
        let defaults = !prefixed && (self.sees(":-") || self.sees("-"));
        if defaults {
            self.advance(if self.sees(":") { 2 } else { 1 });
        }
        let operand = self.operand(quoted)?;
        self.advance(1);
        let default = defaults.then(|| operand.literal().map(std::borrow::Cow::into_owned));
        pieces.push(Piece::Variable {
            name: name.to_owned(),
            default: match &default {
                Some(literal) => Some(literal.clone().unwrap_or_default()),
                None => (!plain).then(String::new),
            },
            simple: plain || default.flatten().is_some(),
            quoted,
        });
        // What the operand runs stays visible; the value is unknown then anyway.
        let runs = |piece: &Piece| matches!(piece, Piece::Substitution { .. });
        operand
            .pieces
            .into_iter()
            .filter(runs)
            .for_each(|piece| pieces.push(piece));
        Some(())
    }

    /// Everything up to the brace that closes `${`.
    fn operand(&mut self, quoted: bool) -> Option<Word> {
        let start = self.position();
        let mut pieces = Pieces::default();
        loop {
            match self.byte()? {
                b'}' => break,
                b'\'' if quoted => self.take_text(&mut pieces, 1, quoted),
                b'"' | b'\'' | b'\\' | b'$' | b'`' => self.unquoted(&mut pieces)?,
                _ => self.run_of_text(&mut pieces, b"}'\"\\$`", quoted),
            }
        }
        Some(Word {
            raw: self.slice(start, self.position()).to_owned(),
            pieces: pieces.pieces,
            span: self.span(start, self.position()),
        })
    }

    /// `'…'` behind `$`.
    fn ansi_quotes(&mut self, pieces: &mut Pieces) -> Option<()> {
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
    fn take_text(&mut self, pieces: &mut Pieces, length: usize, quoted: bool) {
        let position = self.position();
        pieces.text(self.slice(position, position + length), quoted);
        self.advance(length);
    }

    /// Takes at least one character, up to the next of `stops`, all of which are ASCII.
    fn run_of_text(&mut self, pieces: &mut Pieces, stops: &[u8], quoted: bool) {
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

/// The name of the variable at the start of `text`: an identifier, a digit or a special character.
fn variable_name(text: &str, first: u8) -> &str {
    let length = if first.is_ascii_alphabetic() || first == b'_' {
        text.bytes()
            .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
            .unwrap_or(text.len())
    } else {
        usize::from(first.is_ascii_digit() || b"?!$@*#-".contains(&first))
    };
    text.get(..length).unwrap_or_default()
}

/// Removes the backslashes in front of `escapable` characters, and continued lines.
pub(super) fn unescape(text: &str, escapable: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\' {
            match characters.peek() {
                Some('\n') => {
                    characters.next();
                    continue;
                }
                Some(next) if escapable.contains(*next) => {
                    plain.push(*next);
                    characters.next();
                    continue;
                }
                _ => {}
            }
        }
        plain.push(character);
    }
    plain
}
