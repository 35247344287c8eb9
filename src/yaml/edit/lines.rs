//! Lines around a place: where they start and end, their indentation and comments.

use super::super::lex::Lexer;

/// A text by lines. All columns are counted in bytes from 0.
#[derive(Clone, Copy)]
pub(super) struct Lines<'t> {
    pub(super) text: &'t str,
    pub(super) lexer: Lexer<'t>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            lexer: Lexer::new(text),
        }
    }

    /// The start of the line that holds `offset`, behind a byte order mark.
    pub(super) fn start(self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        match before.get(start..) {
            Some(line) if line.starts_with('\u{feff}') => start + '\u{feff}'.len_utf8(),
            _ => start,
        }
    }

    pub(super) fn column(self, offset: usize) -> usize {
        offset - self.start(offset)
    }

    /// The spaces that the line which holds `offset` starts with.
    pub(super) fn indentation(self, offset: usize) -> usize {
        let start = self.start(offset);
        self.lexer.skip_spaces(start) - start
    }

    /// Whether only spaces stand before `offset` on its line.
    pub(super) fn starts_line(self, offset: usize) -> bool {
        self.lexer.skip_spaces(self.start(offset)) == offset
    }

    /// The line break that the text uses.
    pub(super) fn line_break(self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if at > 0 && self.lexer.at(at - 1) == b'\r' => "\r\n",
            _ => "\n",
        }
    }

    /// The end of the line that holds `offset`, before its line break, if only blanks and a comment follow.
    pub(super) fn tail(self, offset: usize) -> Option<usize> {
        let mut at = offset;
        while self.lexer.is_blank(at) {
            at += 1;
        }
        match self.lexer.at(at) {
            // kubectl takes a comment right behind a quote or a bracket.
            b'#' if at > offset
                || self.lexer.is_blank(at.wrapping_sub(1))
                || matches!(self.lexer.at(at.wrapping_sub(1)), b'"' | b'\'' | b']' | b'}') =>
            {
                Some(self.lexer.line_end(at))
            }
            _ if self.lexer.is_line_end(at) => Some(at),
            _ => None,
        }
    }

    /// The end of the last of the blank lines below the line that ends at `end`; `end` if there are none.
    pub(super) fn blank_lines_end(self, mut end: usize) -> usize {
        loop {
            let next = self.lexer.after_break(end);
            let blank = self.lexer.skip_spaces(next);
            if next == end || next == self.text.len() || !self.lexer.is_line_end(blank) {
                return end;
            }
            end = blank;
        }
    }

    /// The end of the last of the comment lines below the line that ends at `end` which are indented more than
    /// `column`; `end` if there are none.
    pub(super) fn inner_comments_end(self, end: usize, column: usize) -> usize {
        let mut last = end;
        let mut line = end;
        loop {
            let next = self.lexer.after_break(line);
            let content = self.lexer.skip_spaces(next);
            let is_inner = self.lexer.at(content) == b'#' && content - next > column;
            if next == line || !(is_inner || self.lexer.is_break(content)) {
                return last;
            }
            line = self.lexer.line_end(content);
            if is_inner {
                last = line;
            }
        }
    }

    /// The start of the first line of what stands at `offset`, which starts a line: comment lines directly
    /// above, with the same indentation and behind `bound`, belong to it.
    pub(super) fn start_with_comments(self, offset: usize, bound: usize) -> usize {
        let column = self.column(offset);
        let mut first = self.start(offset);
        while first > bound {
            let above = self.start(self.before_break(first));
            let comment = self.lexer.skip_spaces(above);
            let belongs = above < first
                && comment >= bound
                && comment - above == column
                && self.lexer.at(comment) == b'#';
            if !belongs {
                break;
            }
            first = above;
        }
        first
    }

    /// The end of the line above the one that starts at `start`.
    fn before_break(self, start: usize) -> usize {
        let end = start.saturating_sub(1);
        if self.lexer.at(end) == b'\n' && end > 0 && self.lexer.at(end - 1) == b'\r' {
            end - 1
        } else {
            end
        }
    }
}

/// Indents each line that is not empty by `column` more and joins them by `line_break`.
pub(super) fn indented(lines: &str, column: usize, line_break: &str) -> String {
    let indentation = " ".repeat(column);
    let lines: Vec<String> = lines
        .split('\n')
        .map(|line| match line {
            "" => String::new(),
            line => format!("{indentation}{line}"),
        })
        .collect();
    lines.join(line_break)
}

/// The lines of `text`, of which the first is as it is and the others lose up to `column` spaces, joined by
/// LF.
pub(super) fn dedented(text: &str, column: usize) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text
        .split('\n')
        .enumerate()
        .map(|(index, line)| {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            let cut = if index == 0 { 0 } else { spaces.min(column) };
            line.get(cut..).unwrap_or_default()
        })
        .collect();
    lines.join("\n")
}
