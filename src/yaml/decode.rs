//! Decodes a scalar's raw bytes by the rules of its style, and notes which bytes became what.
//!
//! The parser has decoded it already; this walk must come to the same text, or its notes are worth nothing.

use std::ops::Range;

use super::{Kind, Node, ScalarStyle, json::unicode_escape, lex::Lexer, scalar::Piece};

/// The pieces of a scalar, or nothing where the walk and the parser disagree.
pub(super) fn pieces(node: Node<'_>) -> Option<Vec<Piece>> {
    let Kind::Scalar { value, style } = node.kind() else {
        return None;
    };
    let text = node.stream().text();
    let mut walk = Walk {
        text,
        lexer: Lexer::new(text),
        value,
        output: None,
        decoded: 0,
        pieces: Vec::new(),
    };
    let span = node.span();
    match style {
        ScalarStyle::Plain => walk.flow(span, style)?,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            walk.flow(style.unquoted(span), style)?;
        }
        ScalarStyle::Literal | ScalarStyle::Folded => {
            let header = node.content_start();
            walk.block(header, style == ScalarStyle::Folded)?;
        }
    }
    (walk.decoded == value.len()).then_some(walk.pieces)
}

/// The value of a quoted scalar; nothing where it holds an unknown escape.
pub(super) fn quoted_value(text: &str, span: Range<usize>, style: ScalarStyle) -> Option<String> {
    let mut walk = Walk {
        text,
        lexer: Lexer::new(text),
        value: "",
        output: Some(String::new()),
        decoded: 0,
        pieces: Vec::new(),
    };
    walk.flow(style.unquoted(span), style)?;
    walk.output
}

/// Where a block scalar's content starts: the first line with any, and how many spaces indent it.
pub(super) fn block_start(lexer: Lexer<'_>, header: usize, value: &str) -> (usize, usize) {
    let decoded = value.trim_start_matches('\n');
    let mut line = lexer.after_break(lexer.line_end(header));
    for _ in 0..value.len() - decoded.len() {
        line = lexer.after_break(lexer.line_end(line));
    }
    // Spaces that the parser kept are content: an indentation indicator says where it starts.
    let kept = decoded.len() - decoded.trim_start_matches(' ').len();
    let indentation = (lexer.skip_spaces(line) - line).saturating_sub(kept);
    (line, indentation)
}

struct Walk<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    value: &'t str,
    /// Where the value goes if the parser does not know it.
    output: Option<String>,
    /// How much of the value is explained.
    decoded: usize,
    pieces: Vec<Piece>,
}

impl Walk<'_> {
    /// Whether the value goes on with `part`; where it is not known, that it does.
    fn goes_on(&mut self, part: &str) -> bool {
        if let Some(output) = &mut self.output {
            output.push_str(part);
            return true;
        }
        self.value
            .get(self.decoded..)
            .is_some_and(|rest| rest.starts_with(part))
    }

    /// Notes bytes that stand for themselves.
    fn verbatim(&mut self, raw: Range<usize>) -> Option<()> {
        let written = self.text.get(raw.clone())?;
        if !self.goes_on(written) {
            return None;
        }
        self.note(raw, written.len(), true);
        Some(())
    }

    /// Notes bytes that stand for one character.
    fn stands_for(&mut self, character: char, raw: Range<usize>) -> Option<()> {
        if !self.goes_on(character.encode_utf8(&mut [0; 4])) {
            return None;
        }
        self.note(raw, character.len_utf8(), false);
        Some(())
    }

    fn note(&mut self, raw: Range<usize>, length: usize, verbatim: bool) {
        if length == 0 {
            return;
        }
        self.pieces.push(Piece {
            decoded: self.decoded,
            raw,
            verbatim,
        });
        self.decoded += length;
    }

    /// Plain and quoted scalars; `raw` is what stands between the quotes.
    fn flow(&mut self, raw: Range<usize>, style: ScalarStyle) -> Option<()> {
        if self.text.get(raw.clone()) == Some(self.value) {
            // Without escapes and folding; also the fast path of nearly all scalars.
            return self.verbatim(raw);
        }
        let lexer = self.lexer;
        let mut start = raw.start;
        let mut at = raw.start;
        while at < raw.end {
            match lexer.at(at) {
                b' ' | b'\t' | b'\n' | b'\r' => {
                    let blanks = self.skip_blanks(at, raw.end);
                    if blanks < raw.end && lexer.is_break(blanks) {
                        self.verbatim(start..at)?;
                        at = self.fold(blanks, raw.end, false)?;
                        start = at;
                    } else {
                        at = blanks;
                    }
                }
                b'\'' if style == ScalarStyle::SingleQuoted => {
                    self.verbatim(start..at)?;
                    self.stands_for('\'', at..at + 2)?;
                    at += 2;
                    start = at;
                }
                b'\\' if style == ScalarStyle::DoubleQuoted => {
                    self.verbatim(start..at)?;
                    if lexer.is_break(at + 1) {
                        at = self.fold(lexer.after_break(at + 1), raw.end, true)?;
                    } else {
                        let (character, length) = escape(self.text, at)?;
                        self.stands_for(character, at..at + length)?;
                        at += length;
                    }
                    start = at;
                }
                _ => at += 1,
            }
        }
        self.verbatim(start..raw.end)
    }

    fn skip_blanks(&self, mut at: usize, end: usize) -> usize {
        while at < end && self.lexer.is_blank(at) {
            at += 1;
        }
        at
    }

    /// The line breaks and blanks from `at` on, behind an escaped line break or from the first one on; gives
    /// where the text goes on. A single line break is a blank; of several the first is dropped and counted to the
    /// second, without which it would be a blank.
    fn fold(&mut self, mut at: usize, end: usize, escaped: bool) -> Option<usize> {
        let mut dropped = None;
        let mut breaks = 0;
        loop {
            at = self.skip_blanks(at, end);
            if at >= end || !self.lexer.is_break(at) {
                break;
            }
            let raw = at..self.lexer.after_break(at);
            at = raw.end;
            if breaks == 0 && !escaped {
                dropped = Some(raw);
            } else {
                let start = dropped.take().map_or(raw.start, |first| first.start);
                self.stands_for('\n', start..raw.end)?;
            }
            breaks += 1;
        }
        if let Some(raw) = dropped {
            self.stands_for(' ', raw)?;
        }
        Some(at)
    }

    /// Block scalars; `header` is where the `|` or `>` stands.
    fn block(&mut self, header: usize, folded: bool) -> Option<()> {
        let lexer = self.lexer;
        let (first, indentation) = block_start(lexer, header, self.value);
        let mut line = lexer.after_break(lexer.line_end(header));
        // The line breaks since the last content line, and whether that one started with a blank.
        let mut breaks: Vec<Range<usize>> = Vec::new();
        let mut after_blank = None;
        while line < self.text.len() && self.decoded + breaks.len() <= self.value.len() {
            let start = lexer.skip_spaces(line).min(line + indentation);
            let end = lexer.line_end(start);
            if start < end && line >= first {
                let outside = start < line + indentation || (indentation == 0 && self.ends_document(start));
                if outside {
                    break;
                }
                let blank = lexer.is_blank(start);
                let fold = folded && after_blank == Some(false) && !blank;
                self.line_breaks(&mut breaks, fold)?;
                self.verbatim(start..end)?;
                after_blank = Some(blank);
            }
            let next = lexer.after_break(end);
            breaks.push(end..next);
            line = next;
            if next == end {
                break;
            }
        }
        // What chomping left of the line breaks at the end.
        for raw in breaks {
            if self.decoded == self.value.len() {
                break;
            }
            self.stands_for('\n', raw)?;
        }
        Some(())
    }

    fn ends_document(&self, line: usize) -> bool {
        let rest = self.text.get(line..).unwrap_or_default();
        (rest.starts_with("---") || rest.starts_with("...")) && self.lexer.ends_indicator(line + 3)
    }

    fn line_breaks(&mut self, breaks: &mut Vec<Range<usize>>, fold: bool) -> Option<()> {
        let mut breaks = breaks.drain(..);
        if fold && let Some(first) = breaks.next() {
            match breaks.next() {
                None => self.stands_for(' ', first)?,
                Some(second) => self.stands_for('\n', first.start..second.end)?,
            }
        }
        breaks.try_for_each(|raw| self.stands_for('\n', raw))
    }
}

/// The character that the double-quoted escape at `at` stands for, and its length in bytes.
fn escape(text: &str, at: usize) -> Option<(char, usize)> {
    let hexadecimal = |digits: usize| {
        let code = text.get(at + 2..at + 2 + digits)?;
        let character = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
        Some((character, 2 + digits))
    };
    let character = match text.get(at + 1..)?.chars().next()? {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        character @ (' ' | '"' | '/' | '\\') => character,
        'x' => return hexadecimal(2),
        'u' => return unicode_escape(text, at),
        'U' => return hexadecimal(8),
        _ => return None,
    };
    Some((character, 2))
}
