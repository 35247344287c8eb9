//! Where a node stands of which the parser's event does not tell.

use std::ops::Range;

use super::{
    decode::{block_start, quoted_value},
    error::{ParseError, Reason},
    events::Reader,
    tree::{ScalarStyle, Shape},
};

impl Reader<'_> {
    /// The `---` behind the cursor, with only directives before it.
    pub(super) fn find_marker(&self) -> usize {
        let mut at = self.lexer.skip_gap(self.cursor);
        while self.lexer.at(at) == b'%' {
            at = self.lexer.skip_gap(self.lexer.line_end(at));
        }
        at
    }

    /// Where the next node may start: behind the indicator that introduces it.
    pub(super) fn after_indicator(&self) -> usize {
        let Some(open) = self.builder.innermost() else {
            return self.cursor;
        };
        let mut at = self.cursor;
        if open.mapping && open.children % 2 == 1 {
            let colon = self.lexer.skip_gap(at);
            let is_own = self.lexer.at(colon) == b':'
                && (open.shape != Shape::Block || self.is_own_colon(colon, open.start));
            return if is_own { colon + 1 } else { at };
        }
        if open.shape == Shape::Flow && open.children > 0 {
            at = self.after_optional(at, b',');
        }
        if open.mapping {
            let next = self.lexer.skip_gap(at);
            if self.lexer.at(next) == b'?' && self.lexer.ends_indicator(next + 1) {
                return next + 1;
            }
            // An empty key stands where its `:` is.
            return if self.lexer.at(next) == b':' { next } else { at };
        }
        if open.shape == Shape::Block {
            at = self.after_optional(at, b'-');
        }
        at
    }

    /// Checks that a comma parts the next key or item of a flow collection from what is before it. The parser takes
    /// `{a: b⏎c}` for two entries if the second line is not indented; other readers fold the lines, or refuse them.
    pub(super) fn expect_comma(&self) -> Result<(), ParseError> {
        let Some(open) = self.builder.innermost() else {
            return Ok(());
        };
        let is_value = open.mapping && open.children % 2 == 1;
        if open.shape != Shape::Flow || open.children == 0 || is_value {
            return Ok(());
        }
        let next = self.lexer.skip_gap(self.cursor);
        if self.lexer.at(next) == b',' {
            return Ok(());
        }
        let message = "expected `,` before this; lines that continue a value have to be indented";
        Err(ParseError::new(self.text, next, Reason::Syntax, message))
    }

    /// Whether the colon belongs to the key before the cursor in the block mapping that starts at `mapping`. If
    /// that key has no value, it may belong to a mapping around (`? ? a⏎: b`) or start the next key (`::`).
    pub(super) fn is_own_colon(&self, colon: usize, mapping: usize) -> bool {
        let column = |offset: usize| {
            let before = self.text.get(..offset).unwrap_or_default();
            offset - before.rfind(['\n', '\r']).map_or(0, |at| at + 1)
        };
        let gap = self.text.get(self.cursor..colon).unwrap_or_default();
        let same_line = !gap.contains(['\n', '\r']);
        self.lexer.ends_indicator(colon + 1) && (same_line || column(colon) == column(mapping))
    }

    pub(super) fn after_optional(&self, at: usize, indicator: u8) -> usize {
        let next = self.lexer.skip_gap(at);
        if self.lexer.at(next) == indicator {
            next + 1
        } else {
            at
        }
    }

    pub(super) fn content_start(&self, before: usize, properties: usize) -> usize {
        if properties > 0 {
            self.lexer.skip_gap(before)
        } else {
            before
        }
    }

    /// The end of a quoted scalar, whose span goes on to the end of its line.
    pub(super) fn quoted_end(&self, start: usize, raw_end: usize, value: &str) -> usize {
        let as_long = raw_end == start + value.len() + 2;
        if as_long && self.text.get(start + 1..raw_end - 1) == Some(value) {
            raw_end
        } else {
            self.lexer.quoted_end(start)
        }
    }

    pub(super) fn filled_value(&self, span: Range<usize>, style: ScalarStyle) -> Result<String, ParseError> {
        let start = span.start;
        quoted_value(self.text, span, style).ok_or_else(|| {
            let message = "this quoted scalar holds an unknown escape";
            ParseError::new(self.text, start, Reason::Syntax, message)
        })
    }

    /// Whether the parser made up the line break that a block scalar's value ends with: it does if the text
    /// ends in the scalar's last line. Other readers (kubectl's) don't.
    pub(super) fn ends_with_added_break(&self, header: usize, raw_end: usize, value: &str) -> bool {
        let text = self.text;
        if raw_end < text.len() || text.ends_with(['\n', '\r']) || !value.ends_with('\n') {
            return false;
        }
        let last_line = text.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        if is_blank_text(value) {
            return self.lexer.after_break(self.lexer.line_end(header)) == last_line;
        }
        let (_, indentation) = block_start(self.lexer, header, value);
        text.len() - last_line >= indentation.max(1)
    }

    /// The content of a block scalar: from the first line that has any, behind its indentation, to the end of
    /// the last line with more than blanks. Without content it is empty and stands behind the header.
    pub(super) fn block_content(&self, header: usize, raw_end: usize, value: &str) -> (usize, usize) {
        let lexer = self.lexer;
        if is_blank_text(value) {
            let end = lexer.header_end(header);
            return (end, end);
        }
        let (line, indentation) = block_start(lexer, header, value);
        let start = line + indentation;
        let mut end = raw_end.max(start);
        while end > start && (lexer.is_blank(end - 1) || lexer.is_break(end - 1)) {
            end -= 1;
        }
        (start, lexer.line_end(end))
    }
}

/// Whether a decoded text has no content but line breaks.
fn is_blank_text(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\n')
}
