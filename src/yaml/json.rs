//! JSON as kubectl reads it: values one after another, each a document.
//!
//! JSON is nearly YAML, but not quite for saphyr-parser (surrogate pairs, tabs, several values without `---`),
//! and reading it directly is both exact and faster. What starts like JSON and is not (YAML's own braces,
//! comments, trailing commas) is left to the YAML reader.

use std::borrow::Cow;

use super::{
    builder::{Builder, Place},
    error::ParseError,
    lex::Lexer,
    tree::{ScalarStyle, Shape, Stream},
};

/// Whether the text starts like a JSON object or array.
pub(super) fn looks_like_json(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with(['{', '['])
}

/// The documents of a JSON text, or nothing where it is not JSON.
///
/// # Errors
/// JSON beyond the limits.
pub(super) fn parse(text: &str) -> Result<Option<Stream<'_>>, ParseError> {
    let reader = Reader {
        text,
        lexer: Lexer::new(text),
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
        builder: Builder::new(text),
    };
    match reader.run() {
        Ok(mut stream) => {
            stream.json = true;
            Ok(Some(stream))
        }
        Err(Stop::NotJson) => Ok(None),
        Err(Stop::Limit(error)) => Err(error),
    }
}

enum Stop {
    NotJson,
    Limit(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Limit(error)
    }
}

struct Reader<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    at: usize,
    builder: Builder<'t>,
}

impl<'t> Reader<'t> {
    fn run(mut self) -> Result<Stream<'t>, Stop> {
        loop {
            self.skip_blanks();
            if self.at >= self.text.len() {
                return Ok(self.builder.finish());
            }
            if !matches!(self.byte(), b'{' | b'[') {
                return Err(Stop::NotJson);
            }
            self.builder.start_document(self.at);
            self.document()?;
        }
    }

    /// One value with all that is in it.
    fn document(&mut self) -> Result<(), Stop> {
        loop {
            let opened = self.value()?;
            if opened && !self.closes_empty() {
                continue;
            }
            // A value has ended, and perhaps what it stands in.
            loop {
                self.skip_blanks();
                let Some(open) = self.builder.innermost() else {
                    return Ok(());
                };
                let closing = if open.mapping { b'}' } else { b']' };
                match self.byte() {
                    b':' if open.mapping && open.children % 2 == 1 => self.at += 1,
                    b',' if !open.mapping || open.children % 2 == 0 => self.at += 1,
                    byte if byte == closing && (!open.mapping || open.children % 2 == 0) => {
                        self.at += 1;
                        let _mergeless = self.builder.close(self.at);
                        continue;
                    }
                    _ => return Err(Stop::NotJson),
                }
                break;
            }
        }
    }

    /// Reads a scalar or the opening of a collection, and whether it was the latter.
    fn value(&mut self) -> Result<bool, Stop> {
        self.skip_blanks();
        let is_key = self
            .builder
            .innermost()
            .is_some_and(|open| open.mapping && open.children % 2 == 0);
        let start = self.at;
        match self.byte() {
            b'"' => {
                let value = self.string()?;
                let place = Place::bare(start, self.at);
                self.builder.scalar(value, ScalarStyle::DoubleQuoted, place)?;
                Ok(false)
            }
            _ if is_key => Err(Stop::NotJson),
            bracket @ (b'{' | b'[') => {
                self.at += 1;
                self.builder
                    .open(bracket == b'{', Shape::Flow, Place::bare(start, start))?;
                Ok(true)
            }
            _ => {
                self.literal()?;
                let raw = self.text.get(start..self.at).unwrap_or_default();
                let place = Place::bare(start, self.at);
                self.builder
                    .scalar(Cow::Borrowed(raw), ScalarStyle::Plain, place)?;
                Ok(false)
            }
        }
    }

    /// Closes the collection that was just opened if nothing is in it.
    fn closes_empty(&mut self) -> bool {
        self.skip_blanks();
        let closes = matches!(
            (self.byte(), self.builder.innermost().map(|open| open.mapping)),
            (b'}', Some(true)) | (b']', Some(false))
        );
        if closes {
            self.at += 1;
            let _mergeless = self.builder.close(self.at);
        }
        closes
    }

    fn byte(&self) -> u8 {
        self.lexer.at(self.at)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// `true`, `false`, `null` or a number.
    fn literal(&mut self) -> Result<(), Stop> {
        for word in ["true", "false", "null"] {
            if self
                .text
                .get(self.at..)
                .is_some_and(|rest| rest.starts_with(word))
            {
                self.at += word.len();
                return Ok(());
            }
        }
        if self.byte() == b'-' {
            self.at += 1;
        }
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Stop> {
        if !self.byte().is_ascii_digit() {
            return Err(Stop::NotJson);
        }
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Stop> {
        let text = self.text;
        self.at += 1;
        let mut piece = self.at;
        let mut decoded: Option<String> = None;
        loop {
            match self.byte() {
                b'"' => {
                    let rest = text.get(piece..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(match decoded {
                        None => Cow::Borrowed(rest),
                        Some(mut decoded) => {
                            decoded.push_str(rest);
                            Cow::Owned(decoded)
                        }
                    });
                }
                b'\\' => {
                    let decoded = decoded.get_or_insert_default();
                    decoded.push_str(text.get(piece..self.at).unwrap_or_default());
                    let (character, length) = escape(text, self.at).ok_or(Stop::NotJson)?;
                    decoded.push(character);
                    self.at += length;
                    piece = self.at;
                }
                0..=0x1f => return Err(Stop::NotJson),
                _ => self.at += 1,
            }
        }
    }
}

/// The character that the JSON escape at `at` stands for, and its length in bytes. Half of a surrogate pair
/// is read as U+FFFD, like Go does.
fn escape(text: &str, at: usize) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    let character = match bytes.get(at + 1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text, at),
        _ => return None,
    };
    Some((character, 2))
}

/// The character behind `\uXXXX`, or behind two of them that are a surrogate pair.
pub(super) fn unicode_escape(text: &str, at: usize) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    };
    let first = unit(at)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let pair = match (first, unit(at + 6)) {
        (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
            char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        _ => None,
    };
    Some(pair.map_or((char::REPLACEMENT_CHARACTER, 6), |character| (character, 12)))
}
