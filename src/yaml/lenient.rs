//! What kubectl's reader accepts and saphyr-parser, which is strict about indentation, does not.
//!
//! In a flow collection and in quotes, indentation means nothing, and many write
//!
//! ```yaml
//! command: [
//!   "sh"
//! ]
//! ```
//!
//! though YAML 1.2 wants the bracket indented more than the key. Such a document is read again with the
//! offending line breaks and blanks replaced by as many blanks (so that all offsets stay), and quoted content
//! by a filler, for which the value is then taken from the text itself. No other scalar's bytes may be
//! touched by that; where they are, they are left alone and the document is read once more.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::lex::Lexer;

/// A document is read again no more often than this,
const MAX_ATTEMPTS: usize = 64;

/// and no more bytes than this are read again for it.
const MAX_WORK: usize = 64 << 20;

/// The changes to one document that make it readable.
pub(super) struct Repair<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    document: Range<usize>,
    /// Line breaks, blanks and comments that become blanks: end by start.
    blanked: BTreeMap<usize, usize>,
    /// Quoted scalars whose content is replaced: end by start.
    filled: BTreeMap<usize, usize>,
    /// Dashes before a comma or bracket, which are read as another letter.
    dashes: BTreeSet<usize>,
    /// Byte order marks behind `---` and its line break, which trade places.
    marks: BTreeSet<usize>,
    /// The ends of ranges that must not be blanked, and the starts of those that must not be filled, for they belong
    /// to a scalar.
    left_alone: BTreeSet<usize>,
    attempts: usize,
}

impl<'t> Repair<'t> {
    pub(super) fn new(text: &'t str, document: Range<usize>) -> Self {
        Self {
            text,
            lexer: Lexer::new(text),
            document,
            blanked: BTreeMap::new(),
            filled: BTreeMap::new(),
            dashes: BTreeSet::new(),
            marks: BTreeSet::new(),
            left_alone: BTreeSet::new(),
            attempts: 0,
        }
    }

    /// Repairs what the scanner says of the place `offset`, and tells whether that could be.
    pub(super) fn add(&mut self, offset: usize, info: &str) -> bool {
        if self.is_spent() || !self.document.contains(&offset) {
            return false;
        }
        match info {
            "invalid indentation" | "invalid indentation in flow construct" => self.join_lines(offset),
            "invalid indentation in quoted scalar" => {
                let end = self.lexer.quoted_end(offset);
                let is_new = end <= self.document.end && self.filled.insert(offset, end).is_none();
                if is_new {
                    self.fill_more(end);
                }
                is_new
            }
            "':' must be followed by a valid YAML whitespace" => {
                let mut start = offset;
                while start > self.document.start && self.lexer.is_blank(start - 1) {
                    start -= 1;
                }
                start < offset && self.blanked.insert(start, offset).is_none()
            }
            // `[tar, -]` and `[x -, y]`
            "plain scalar cannot start with '-' followed by ,[]{}" => {
                self.lexer.at(offset) == b'-' && self.dashes.insert(offset)
            }
            // `"x"#c`
            "comments must be separated from other tokens by whitespace" => {
                let end = self.lexer.line_end(offset);
                self.lexer.at(offset) == b'#' && self.blanked.insert(offset, end).is_none()
            }
            "a byte order mark must not appear inside a document" => {
                self.follows_separator(offset) && self.marks.insert(offset)
            }
            _ => false,
        }
    }

    /// Whether a byte order mark stands where kubectl's reader of a document begins: on the line behind `---`.
    fn follows_separator(&self, mark: usize) -> bool {
        let before = self.text.get(self.document.start..mark).unwrap_or_default();
        let line = before.strip_suffix('\n').map(|before| before.rsplit('\n').next());
        line.flatten().is_some_and(|line| line.starts_with("---"))
            && self
                .text
                .get(mark..)
                .is_some_and(|rest| rest.starts_with('\u{feff}'))
    }

    /// The dashes of which the parser sees another letter.
    pub(super) fn dashes(&self) -> BTreeSet<usize> {
        self.dashes.clone()
    }

    /// Whether the document has been read often enough.
    pub(super) fn is_spent(&self) -> bool {
        self.attempts >= MAX_ATTEMPTS.min(3 + MAX_WORK / self.document.len().max(1))
    }

    /// The places of quoted scalars whose values the parser can't tell.
    pub(super) fn filled(&self) -> BTreeMap<usize, usize> {
        self.filled.clone()
    }

    /// The document with its repairs; it has as many characters as before.
    pub(super) fn text(&mut self) -> String {
        self.attempts += 1;
        let mut repaired = String::with_capacity(self.document.len());
        let mut at = self.document.start;
        let blanked = self.blanked.iter().map(|(start, end)| (*start..*end, ' '));
        let filled = self.filled.iter().map(|(start, end)| (start + 1..end - 1, 'x'));
        let dashes = self.dashes.iter().map(|at| (*at..at + 1, 'x'));
        let marks = self.marks.iter().flat_map(|at| {
            let mark = *at..at + '\u{feff}'.len_utf8();
            [(at - 1..*at, ' '), (mark, '\n')]
        });
        let changes = blanked.chain(filled).chain(dashes).chain(marks);
        let mut changes: Vec<(Range<usize>, char)> = changes.collect();
        changes.sort_by_key(|(range, _)| range.start);
        for (range, filler) in changes {
            if range.start < at {
                continue;
            }
            repaired.push_str(self.text.get(at..range.start).unwrap_or_default());
            at = range.end;
            let replaced = self.text.get(range).unwrap_or_default();
            repaired.extend(replaced.chars().map(|_| filler));
        }
        repaired.push_str(self.text.get(at..self.document.end).unwrap_or_default());
        repaired
    }

    /// The start of a range in the scalar that is written there which was blanked, or filled without being one itself.
    pub(super) fn touching(&self, scalar: Range<usize>) -> Option<usize> {
        if let Some((start, _)) = self
            .filled
            .range(scalar.start + 1..scalar.end.max(scalar.start + 1))
            .next()
        {
            return Some(*start);
        }
        let (start, end) = self.blanked.range(..scalar.end).next_back()?;
        (*end > scalar.start && !self.filled.contains_key(&scalar.start)).then_some(*start)
    }

    /// Gives a scalar its bytes back.
    pub(super) fn leave_alone(&mut self, scalar: Range<usize>) {
        while let Some(start) = self.touching(scalar.clone()) {
            if self.filled.remove(&start).is_some() {
                self.left_alone.insert(start);
            } else if let Some(end) = self.blanked.remove(&start) {
                self.left_alone.insert(end);
            }
        }
    }

    /// Fills the values in quotes behind `offset` whose second line has the same flaw: a generated schema has hundreds.
    /// What stands in a block scalar or comment only looks like one, and gets its bytes back from `leave_alone`.
    fn fill_more(&mut self, offset: usize) {
        let mut line = self.lexer.after_break(self.lexer.line_end(offset));
        let mut block = None;
        while line < self.document.end {
            let line_end = self.lexer.line_end(line);
            let content = self.lexer.skip_spaces(line);
            let indentation = content - line;
            let text = self.text.get(content..line_end).unwrap_or_default();
            if block.is_some_and(|outer| text.is_empty() || indentation > outer) {
                line = self.lexer.after_break(line_end).max(line + 1);
                continue;
            }
            let last_word = text.rsplit(' ').next().unwrap_or_default();
            block = last_word.starts_with(['|', '>']).then_some(indentation);
            let key = text.find(": ").filter(|_| !text.starts_with('#'));
            let quote = key.map(|key| self.lexer.skip_spaces(content + key + 1));
            let mut last = line;
            if let Some(quote) = quote.filter(|quote| matches!(self.lexer.at(*quote), b'\'' | b'"')) {
                let end = self.lexer.quoted_end(quote);
                let second = self.lexer.after_break(line_end);
                let has_flaw = end > second && self.lexer.skip_spaces(second) - second <= indentation;
                if has_flaw && end <= self.document.end && !self.left_alone.contains(&quote) {
                    self.filled.insert(quote, end);
                }
                last = end.max(line);
            }
            let next = self.lexer.after_break(self.lexer.line_end(last));
            if next <= line {
                return;
            }
            line = next;
        }
    }

    /// Joins the line that holds `offset` to the one above, and others that will have the same flaw: those of the
    /// same flow collection, or where it is a closing bracket all of these.
    fn join_lines(&mut self, offset: usize) -> bool {
        let column = offset - self.line_start(offset);
        let is_closing = |byte: u8| matches!(byte, b']' | b'}');
        let joined = self.join(offset);
        let all_brackets = is_closing(self.lexer.at(offset));
        let end = match all_brackets {
            true => self.document.end,
            false => self.closing_bracket(offset),
        };
        let mut line = self.lexer.after_break(self.lexer.line_end(offset));
        while joined && line < end {
            let mut content = line;
            while self.lexer.is_blank(content) {
                content += 1;
            }
            let is_empty = self.lexer.is_line_end(content) || self.lexer.at(content) == b'#';
            let has_flaw = match all_brackets {
                true => is_closing(self.lexer.at(content)),
                false => !is_empty && content <= end && content - line <= column,
            };
            if has_flaw {
                self.join(content);
            }
            let next = self.lexer.after_break(self.lexer.line_end(content));
            if next <= line {
                break;
            }
            line = next;
        }
        joined
    }

    /// The bracket that closes the flow collection in which `offset` stands, or the document's end.
    fn closing_bracket(&self, offset: usize) -> usize {
        let mut depth = 0;
        let mut at = self.lexer.skip_gap(offset);
        let mut starts = true;
        while at < self.document.end {
            let byte = self.lexer.at(at);
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth == 0 => return at,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            let after = match byte {
                b'\'' | b'"' if starts => self.lexer.quoted_end(at),
                _ => at + 1,
            };
            // A comment needs a blank before it.
            at = match self.lexer.is_blank(after) || self.lexer.is_break(after) {
                true => self.lexer.skip_gap(after),
                false => after,
            };
            starts = at > after || matches!(byte, b'[' | b'{' | b',' | b':');
        }
        self.document.end
    }

    /// Blanks everything between the content above and the content at `offset`, which starts a line.
    fn join(&mut self, offset: usize) -> bool {
        let mut line = self.line_start(offset);
        if self.lexer.skip_gap(line) < offset {
            return false;
        }
        let mut end = line;
        while line > self.document.start {
            line = self.line_start(line - 1).max(self.document.start);
            end = self.content_end(line);
            if end > line {
                break;
            }
        }
        // A line below a block scalar's header is its content.
        let above = self.text.get(line..end).unwrap_or_default();
        let last_word = above.rsplit([' ', '\t']).next().unwrap_or_default();
        if last_word.starts_with(['|', '>']) {
            return false;
        }
        !self.left_alone.contains(&offset) && end < offset && self.blanked.insert(end, offset).is_none()
    }

    /// The start of the line that holds `offset`, of which the byte there may be the line break.
    fn line_start(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        let before = match self.lexer.at(offset) {
            b'\n' => before.strip_suffix('\r').unwrap_or(before),
            _ => before,
        };
        before.rfind(['\n', '\r']).map_or(0, |at| at + 1)
    }

    /// The end of what stands on a line before blanks and a comment; its start where there is nothing.
    fn content_end(&self, line: usize) -> usize {
        let mut quote = None;
        let mut end = line;
        let mut at = line;
        while !self.lexer.is_line_end(at) {
            let byte = self.lexer.at(at);
            let opens =
                at == line || matches!(self.lexer.at(at - 1), b' ' | b'\t' | b'[' | b'{' | b',' | b':');
            match (byte, quote) {
                (b'\\', Some(b'"')) => at += 1,
                (b'\'', Some(b'\'')) if self.lexer.at(at + 1) == b'\'' => at += 1,
                (_, Some(open)) if open == byte => quote = None,
                (b'\'' | b'"', None) if opens => quote = Some(byte),
                (b'#', None) if opens => return end,
                _ => {}
            }
            at += 1;
            if !matches!(byte, b' ' | b'\t') {
                end = at.min(self.lexer.line_end(line));
            }
        }
        end
    }
}

/// The end of the document that holds `offset`: the next line that is a document marker.
pub(super) fn document_end(text: &str, offset: usize) -> usize {
    let lexer = Lexer::new(text);
    let mut line = lexer.after_break(lexer.line_end(offset));
    loop {
        let rest = text.get(line..).unwrap_or_default();
        let is_marker = rest.starts_with("---") || rest.starts_with("...");
        if rest.is_empty() || (is_marker && lexer.ends_indicator(line + 3)) {
            return line.min(text.len());
        }
        let next = lexer.after_break(lexer.line_end(line));
        if next <= line {
            return text.len();
        }
        line = next;
    }
}

#[cfg(test)]
mod tests;
