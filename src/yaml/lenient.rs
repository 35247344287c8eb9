//! Continuation lines that stand too far to the left.
//!
//! YAML wants the lines of a quoted scalar or a flow collection indented deeper than what they stand in, and
//! saphyr-parser insists. libyaml, and so kubectl, does not: a closing `]` below its key is everywhere. Such a
//! text is read with the missing blanks put in, and every place is moved back to where it was written.

use super::{
    lex::Lexer,
    tree::{Content, Stream},
};

/// A text with blanks put in front of continuation lines.
pub(super) struct Indented {
    pub(super) text: String,
    /// Where blanks were put in (offsets of the new text) and how many, in order.
    insertions: Vec<(usize, usize)>,
}

/// The text with its continuation lines indented; `None` where none stands too far to the left.
pub(super) fn indented(text: &str) -> Option<Indented> {
    let mut scan = Scan {
        lexer: Lexer::new(text),
        length: text.len(),
        missing: Vec::new(),
    };
    scan.lines();
    if scan.missing.is_empty() {
        return None;
    }
    let mut indented = Indented {
        text: String::with_capacity(text.len() + 64),
        insertions: Vec::new(),
    };
    let mut copied = 0;
    for (offset, blanks) in scan.missing {
        indented.text.push_str(text.get(copied..offset)?);
        indented.insertions.push((indented.text.len(), blanks));
        indented.text.extend(std::iter::repeat_n(' ', blanks));
        copied = offset;
    }
    indented.text.push_str(text.get(copied..)?);
    Some(indented)
}

impl Indented {
    /// The offset in the written text.
    pub(super) fn written(&self, offset: usize) -> usize {
        let mut inserted = 0;
        for (at, blanks) in &self.insertions {
            if *at >= offset {
                break;
            }
            inserted += (offset - at).min(*blanks);
        }
        offset - inserted
    }

    /// The tree of the indented text as the tree of the written one. Values that are spelled by their bytes
    /// stand on one line, where nothing was put in.
    pub(super) fn rebased<'t>(&self, stream: Stream<'_>, text: &'t str) -> Stream<'t> {
        let Stream {
            mut nodes,
            values,
            mut documents,
            tags,
            ..
        } = stream;
        let moved = |offset: u32| u32::try_from(self.written(offset as usize)).unwrap_or(offset);
        for node in &mut nodes {
            // Blanks are put in front of what a line starts with, so a start moves back to it.
            node.written = moved(node.written);
            node.start = moved(node.start);
            node.end = moved(node.end);
        }
        for document in &mut documents {
            document.span = self.written(document.span.start)..self.written(document.span.end);
        }
        debug_assert!(
            nodes
                .iter()
                .all(|node| !matches!(node.content, Content::Alias(_)) || node.end > node.start)
        );
        Stream {
            text,
            nodes,
            values,
            documents,
            tags,
        }
    }
}

/// Goes through the lines of a text that stand in block collections.
struct Scan<'t> {
    lexer: Lexer<'t>,
    length: usize,
    /// Starts of lines that lack blanks, and how many.
    missing: Vec<(usize, usize)>,
}

impl Scan<'_> {
    fn lines(&mut self) {
        let mut line = 0;
        while line < self.length {
            let indentation = self.indentation(line);
            let end = self.line(line);
            let next = self.lexer.after_break(self.lexer.line_end(end));
            line = if self.opens_block_scalar(line, end) {
                self.behind_block(next, indentation)
            } else {
                next
            };
            // A line break is at least one byte; the last line may have none.
            if line <= end && end < self.length {
                line = end + 1;
            }
        }
    }

    fn indentation(&self, line: usize) -> usize {
        self.lexer.skip_spaces(line) - line
    }

    /// Reads a line, and the quoted scalars and flow collections that start on it. Gives the end of what was
    /// read.
    fn line(&mut self, line: usize) -> usize {
        let mut at = line;
        let mut value_may_start = true;
        loop {
            at = self.skip_blanks(at);
            if self.lexer.is_line_end(at) {
                return at;
            }
            match self.lexer.at(at) {
                b'#' if at == line || self.lexer.is_blank(at - 1) => return self.lexer.line_end(at),
                b'-' | b'?' | b':' if self.lexer.ends_indicator(at + 1) => {
                    at += 1;
                    value_may_start = true;
                }
                b'&' | b'!' if value_may_start => at = self.word_end(at),
                quote @ (b'"' | b'\'') if value_may_start => {
                    at = self.quoted(at, quote, at - line + 1);
                    value_may_start = false;
                }
                b'[' | b'{' if value_may_start => {
                    at = self.flow(at, at - line + 1);
                    value_may_start = false;
                }
                _ => {
                    at = self.plain_end(at);
                    value_may_start = false;
                }
            }
        }
    }

    fn skip_blanks(&self, mut at: usize) -> usize {
        while self.lexer.is_blank(at) {
            at += 1;
        }
        at
    }

    fn word_end(&self, mut at: usize) -> usize {
        while !self.lexer.is_blank(at) && !self.lexer.is_line_end(at) {
            at += 1;
        }
        at
    }

    /// To a `: ` or ` #`, or to the end of the line.
    fn plain_end(&self, mut at: usize) -> usize {
        loop {
            at += 1;
            let ends = self.lexer.is_line_end(at)
                || (self.lexer.at(at) == b':' && self.lexer.ends_indicator(at + 1))
                || (self.lexer.at(at) == b'#' && self.lexer.is_blank(at - 1));
            if ends {
                return at;
            }
        }
    }

    /// Behind the closing quote; lines on the way get at least `indentation` blanks.
    fn quoted(&mut self, start: usize, quote: u8, indentation: usize) -> usize {
        let mut at = start + 1;
        while at < self.length {
            match self.lexer.at(at) {
                b'\\' if quote == b'"' && !self.lexer.is_break(at + 1) => at += 2,
                byte if byte == quote && quote == b'\'' && self.lexer.at(at + 1) == quote => at += 2,
                byte if byte == quote => return at + 1,
                b'\n' => {
                    at += 1;
                    self.continuation(at, indentation);
                }
                _ => at += 1,
            }
        }
        self.length
    }

    /// Behind the closing bracket.
    fn flow(&mut self, start: usize, indentation: usize) -> usize {
        let mut depth = 0_usize;
        let mut at = start;
        let mut value_may_start = true;
        while at < self.length {
            match self.lexer.at(at) {
                b'[' | b'{' => {
                    depth += 1;
                    at += 1;
                    value_may_start = true;
                }
                b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    at += 1;
                    if depth == 0 {
                        return at;
                    }
                }
                quote @ (b'"' | b'\'') if value_may_start => {
                    at = self.quoted(at, quote, indentation);
                    value_may_start = false;
                }
                b'#' if self.lexer.is_blank(at - 1) || self.lexer.is_break(at - 1) => {
                    at = self.lexer.line_end(at)
                }
                b'\n' => {
                    at += 1;
                    self.continuation(at, indentation);
                }
                byte => {
                    value_may_start = matches!(byte, b',' | b':')
                        || (value_may_start && matches!(byte, b' ' | b'\t' | b'\r'));
                    at += 1;
                }
            }
        }
        self.length
    }

    fn continuation(&mut self, line: usize, indentation: usize) {
        let own = self.indentation(line);
        // An empty line needs no blanks; `---` ends the document whatever stands open.
        if own < indentation && !self.lexer.is_line_end(line + own) {
            self.missing.push((line, indentation - own));
        }
    }

    /// Whether a line ends in a block scalar's header.
    fn opens_block_scalar(&self, line: usize, end: usize) -> bool {
        let mut at = end;
        let is_header = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-');
        // A comment may follow the header.
        let comment =
            (line..end).find(|at| self.lexer.at(*at) == b'#' && *at > line && self.lexer.is_blank(at - 1));
        at = comment.unwrap_or(at);
        while at > line && self.lexer.is_blank(at - 1) {
            at -= 1;
        }
        while at > line && is_header(self.lexer.at(at - 1)) {
            at -= 1;
        }
        at > line
            && matches!(self.lexer.at(at - 1), b'|' | b'>')
            && (at == line + 1 || self.lexer.is_blank(at - 2))
    }

    /// The first line behind a block scalar: one that is not deeper than its key.
    fn behind_block(&self, mut line: usize, indentation: usize) -> usize {
        while line < self.length {
            let own = self.indentation(line);
            if own <= indentation && !self.lexer.is_line_end(line + own) {
                break;
            }
            let next = self.lexer.after_break(self.lexer.line_end(line));
            if next <= line {
                return self.length;
            }
            line = next;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use crate::yaml::{Node, parse};

    #[test]
    fn closing_brackets_may_stand_below_their_key() {
        let text = "a:\n  command: [\n    \"sh\", \"-c\", \"sleep 5\"\n  ]\n  b: {\n  c: d # e\n  }\nf: g\n";
        let stream = parse(text).expect("what kubectl reads");
        let root = stream.root(0).expect("a document");
        let words: Vec<_> = root
            .path(&["a", "command"])
            .into_iter()
            .flat_map(Node::items)
            .collect();
        assert_eq!(
            words.iter().filter_map(|word| word.as_str()).collect::<Vec<_>>(),
            ["sh", "-c", "sleep 5"]
        );
        assert_eq!(words.first().map(|word| word.raw()), Some("\"sh\""));
        assert_eq!(root.path(&["a", "b", "c"]).map(Node::raw), Some("d"));
        assert_eq!(root.get("f").map(Node::raw), Some("g"));
    }

    #[test]
    fn quoted_lines_may_stand_anywhere() {
        let text = "- a: 'one\n two;\nthree'\n  b: [\"\n    four &&\n    five\n  \"]\n  c: |\n    ' [ \"\n  d: it's [\n- e\n";
        let stream = parse(text).expect("what kubectl reads");
        let item = stream
            .root(0)
            .and_then(|root| root.items().next())
            .expect("an item");
        assert_eq!(item.get("a").and_then(Node::as_str), Some("one two; three"));
        assert_eq!(item.get("a").map(Node::raw), Some("'one\n two;\nthree'"));
        let word = item
            .get("b")
            .and_then(|list| list.items().next())
            .expect("a word");
        assert_eq!(word.as_str(), Some(" four && five "));
        assert_eq!(word.raw(), "\"\n    four &&\n    five\n  \"");
        assert_eq!(item.get("c").and_then(Node::as_str), Some("' [ \"\n"));
        assert_eq!(item.get("d").and_then(Node::as_str), Some("it's ["));
    }

    #[test]
    fn places_in_scripts_stay_exact() {
        use crate::yaml::ScalarMap;
        let text = "a:\n  - 'set -x;\n  until curl localhost; do\n    sleep 1; done'\n";
        let stream = parse(text).expect("what kubectl reads");
        let script = stream
            .root(0)
            .and_then(|root| root.get("a")?.items().next())
            .expect("a script");
        let value = script.as_str().expect("a scalar");
        let at = value.find("curl localhost").expect("the call");
        let raw = ScalarMap::new(script).raw_range(at..at + "curl localhost".len());
        assert_eq!(text.get(raw), Some("curl localhost"));
    }
}
