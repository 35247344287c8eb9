//! The parser's place in the text.

use std::{cell::Cell, rc::Rc};

use super::{Dialect, SIZE_LIMIT, Span};

/// How deep commands, expansions and scripts in words may nest. Scripts that people write stay below 20; the
/// limit keeps hostile ones from using up the stack.
const DEPTH_LIMIT: usize = 80;

/// How many here-documents may be looked for: each search reads the rest of its line once more.
const HERE_DOCUMENT_LIMIT: usize = 64;

/// Where the parser's text stands in the script that spans refer to.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The text starts at this offset.
    Shifted(usize),
    /// Escapes were removed from the text: everything stands at this range.
    Collapsed(Span),
}

/// What a script and the scripts inside of it may still use up together.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    /// How deep the text stands that is read next.
    depth: usize,
    here_documents: Rc<Cell<usize>>,
    /// Bytes of texts inside of the text. The outer text is read in any case; without a limit, scripts in
    /// scripts in scripts would be read again for each level above them.
    nested_bytes: Rc<Cell<usize>>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            depth: 0,
            here_documents: Rc::new(Cell::new(HERE_DOCUMENT_LIMIT)),
            nested_bytes: Rc::new(Cell::new(4 * SIZE_LIMIT)),
        }
    }
}

/// Takes `amount` out of what is left.
fn spend(left: &Cell<usize>, amount: usize) -> Option<()> {
    left.set(left.get().checked_sub(amount)?);
    Some(())
}

/// Reads a text from left to right.
pub(super) struct Parser<'a> {
    text: &'a str,
    /// Where the text ends: before its last byte while a part of it is read on its own.
    end: usize,
    position: usize,
    /// The end of the last thing that was read, blanks and comments left out.
    last_end: usize,
    allowance: Allowance,
    dialect: Dialect,
    origin: Origin,
    /// The line break in front of here-documents, and where the text goes on behind them.
    here_documents: Option<(usize, usize)>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Self {
        Self {
            text,
            end: text.len(),
            position: 0,
            last_end: 0,
            allowance: Allowance::default(),
            dialect,
            origin: Origin::Shifted(0),
            here_documents: None,
        }
    }

    /// For a text inside another one, as far as that is allowed.
    pub(super) fn nested(
        text: &'a str,
        dialect: Dialect,
        origin: Origin,
        mut allowance: Allowance,
    ) -> Option<Self> {
        allowance.depth += 1;
        spend(&allowance.nested_bytes, text.len())?;
        (allowance.depth < DEPTH_LIMIT).then(|| Self {
            allowance,
            origin,
            ..Self::new(text, dialect)
        })
    }

    /// What is left for texts inside of this one.
    pub(super) fn allowance(&self) -> Allowance {
        self.allowance.clone()
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Reads something one level deeper; nothing where it is too deep.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.allowance.depth >= DEPTH_LIMIT {
            return None;
        }
        self.allowance.depth += 1;
        let read = read(self);
        self.allowance.depth -= 1;
        read
    }

    /// Reads up to `end` as if the text ended there, and goes on at `end` whatever became of it.
    pub(super) fn within<T>(&mut self, end: usize, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let outer = std::mem::replace(&mut self.end, end);
        let here_documents = self.here_documents.take();
        let read = self.deeper(read);
        self.here_documents = here_documents;
        self.end = outer;
        self.jump(end);
        read
    }

    pub(super) fn is_bash(&self) -> bool {
        self.dialect == Dialect::Bash
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn last_end(&self) -> usize {
        self.last_end
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.end
    }

    /// The text that is left.
    pub(super) fn rest(&self) -> &'a str {
        self.slice(self.position, self.end)
    }

    /// The text from `position` on.
    pub(super) fn text_from(&self, position: usize) -> &'a str {
        self.slice(position, self.end)
    }

    /// Goes back to a place that was left for a look at what follows.
    pub(super) fn restore(&mut self, position: usize, last_end: usize) {
        (self.position, self.last_end) = (position, last_end);
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.byte_at(self.position)
    }

    pub(super) fn byte_at(&self, position: usize) -> Option<u8> {
        if position < self.end {
            self.text.as_bytes().get(position).copied()
        } else {
            None
        }
    }

    pub(super) fn sees(&self, text: &str) -> bool {
        self.rest().as_bytes().starts_with(text.as_bytes())
    }

    /// Takes `count` bytes.
    pub(super) fn advance(&mut self, count: usize) {
        self.jump(self.position + count);
    }

    /// Takes everything up to `position`.
    pub(super) fn jump(&mut self, position: usize) {
        self.position = position;
        self.last_end = position;
    }

    /// Takes `text`, behind blanks.
    pub(super) fn expect(&mut self, text: &str) -> Option<()> {
        self.skip_blanks();
        if !self.sees(text) {
            return None;
        }
        self.advance(text.len());
        Some(())
    }

    /// The span of a part of this text in the outermost script.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        match &self.origin {
            Origin::Shifted(offset) => start + offset..end + offset,
            Origin::Collapsed(span) => span.clone(),
        }
    }

    /// From `start` to the end of what was read last.
    pub(super) fn span_from(&self, start: usize) -> Span {
        self.span(start, self.last_end.max(start))
    }

    /// Skips blanks, continued lines and a comment, but no line break.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.byte() {
                Some(b' ' | b'\t') => self.position += 1,
                Some(b'\\') if self.byte_at(self.position + 1) == Some(b'\n') => self.position += 2,
                Some(b'#') => {
                    let rest = self.rest();
                    self.position += rest.find('\n').unwrap_or(rest.len());
                }
                _ => break,
            }
        }
    }

    /// Skips blanks, comments, line breaks and the here-documents behind them.
    pub(super) fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            if self.byte() != Some(b'\n') {
                break;
            }
            self.position = match self.here_documents {
                Some((line_break, resume)) if line_break == self.position => resume,
                _ => self.position + 1,
            };
        }
    }

    /// The unquoted word that stands here, if it is as short as keywords are.
    pub(super) fn bare_word(&self) -> Option<&'a str> {
        const LONGEST: usize = "function".len();
        let rest = self.rest();
        let length = rest
            .bytes()
            .take(LONGEST + 1)
            .position(|byte| b" \t\n;&|<>()".contains(&byte))
            .unwrap_or(rest.len());
        if length == 0 || length > LONGEST {
            return None;
        }
        rest.get(..length)
    }

    /// The end of `((…))` whose first parenthesis stands at `start`; nothing where these are two subshells.
    pub(super) fn arithmetic_end(&self, start: usize) -> Option<usize> {
        if !self.slice(start, self.end).starts_with("((") {
            return None;
        }
        let mut open = 2_usize;
        let mut position = start + 2;
        while let Some(byte) = self.byte_at(position) {
            match byte {
                b'(' => open += 1,
                b')' if open == 2 => {
                    return (self.byte_at(position + 1) == Some(b')')).then_some(position + 2);
                }
                b')' => open -= 1,
                b'\\' => position += 1,
                _ => {}
            }
            position += 1;
        }
        None
    }

    /// Where the here-document starts that belongs to the line being read.
    pub(super) fn here_document_start(&mut self) -> Option<usize> {
        if let Some((line_break, resume)) = self.here_documents
            && line_break >= self.position
        {
            return Some(resume);
        }
        spend(&self.allowance.here_documents, 1)?;
        let (position, last_end) = (self.position, self.last_end);
        let line_break = loop {
            self.skip_blanks();
            match self.byte() {
                None => break None,
                Some(b'\n') => break Some(self.position),
                Some(b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')') => self.position += 1,
                Some(_) => {
                    if self.word(false).is_none() {
                        break None;
                    }
                }
            }
        };
        self.restore(position, last_end);
        let line_break = line_break?;
        self.here_documents = Some((line_break, line_break + 1));
        Some(line_break + 1)
    }

    /// The text goes on at `resume` once the line being read is done.
    pub(super) fn continue_behind_here_document(&mut self, resume: usize) {
        if let Some((_, continuation)) = &mut self.here_documents {
            *continuation = resume;
        }
    }
}
