//! Finds what stands between two values: blanks, comments, properties, headers, quotes.
//!
//! Only texts that the scanner accepted are asked about, and only places between its values, so a `#` after
//! a blank is a comment and `&` starts an anchor.

/// A text by bytes; outside of it there is only NUL, which no accepted text holds.
#[derive(Clone, Copy)]
pub(super) struct Lexer<'t> {
    bytes: &'t [u8],
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            bytes: text.as_bytes(),
        }
    }

    pub(super) fn at(self, offset: usize) -> u8 {
        self.bytes.get(offset).copied().unwrap_or(0)
    }

    pub(super) fn is_blank(self, offset: usize) -> bool {
        matches!(self.at(offset), b' ' | b'\t')
    }

    pub(super) fn is_break(self, offset: usize) -> bool {
        matches!(self.at(offset), b'\n' | b'\r')
    }

    /// Whether a line or the text ends at `offset`.
    pub(super) fn is_line_end(self, offset: usize) -> bool {
        self.is_break(offset) || offset >= self.bytes.len()
    }

    /// Whether an indicator like `-` ends at `offset`, so that it is one.
    pub(super) fn ends_indicator(self, offset: usize) -> bool {
        self.is_blank(offset) || self.is_line_end(offset)
    }

    /// The first byte at or after `offset` that is neither blank nor line break nor comment nor byte order
    /// mark.
    pub(super) fn skip_gap(self, mut offset: usize) -> usize {
        loop {
            match self.at(offset) {
                b' ' | b'\t' | b'\n' | b'\r' => offset += 1,
                b'#' => offset = self.line_end(offset),
                0xef if self.at(offset + 1) == 0xbb && self.at(offset + 2) == 0xbf => offset += 3,
                _ => return offset,
            }
        }
    }

    /// Where the line that holds `offset` ends, before its line break.
    pub(super) fn line_end(self, offset: usize) -> usize {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        offset
            + rest
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r'))
                .unwrap_or(rest.len())
    }

    /// The first byte after the line break at `offset`; `offset` where there is none.
    pub(super) fn after_break(self, offset: usize) -> usize {
        match (self.at(offset), self.at(offset + 1)) {
            (b'\r', b'\n') => offset + 2,
            (b'\r' | b'\n', _) => offset + 1,
            _ => offset,
        }
    }

    /// The first byte at or after `offset` that is not a space.
    pub(super) fn skip_spaces(self, mut offset: usize) -> usize {
        while self.at(offset) == b' ' {
            offset += 1;
        }
        offset
    }

    /// The end of the last of `count` properties (`&anchor`, `!tag`), of which the first starts at
    /// `offset`.
    pub(super) fn properties_end(self, mut offset: usize, count: usize) -> usize {
        for number in 0..count {
            let start = if number == 0 {
                offset
            } else {
                self.skip_gap(offset)
            };
            if !matches!(self.at(start), b'&' | b'!') {
                return offset;
            }
            offset = start + 1;
            if self.at(start) == b'!' && self.at(offset) == b'<' {
                while !matches!(self.at(offset), b'>' | 0) {
                    offset += 1;
                }
            }
            while !self.ends_indicator(offset) && !matches!(self.at(offset), b',' | b'[' | b']' | b'{' | b'}')
            {
                offset += 1;
            }
        }
        offset
    }

    /// The byte after the closing quote of the quoted scalar that starts at `offset`.
    pub(super) fn quoted_end(self, offset: usize) -> usize {
        let quote = self.at(offset);
        let mut at = offset + 1;
        while at < self.bytes.len() {
            match self.at(at) {
                b'\\' if quote == b'"' => at += 2,
                byte if byte == quote && quote == b'\'' && self.at(at + 1) == quote => at += 2,
                byte if byte == quote => return at + 1,
                _ => at += 1,
            }
        }
        self.bytes.len()
    }

    /// The end of the indicators of a block scalar's header (`|`, `>2-`) that starts at `offset`.
    pub(super) fn header_end(self, offset: usize) -> usize {
        let mut at = offset + 1;
        while matches!(self.at(at), b'+' | b'-' | b'0'..=b'9') {
            at += 1;
        }
        at
    }
}
