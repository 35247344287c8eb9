//! An entry of a mapping or an item of a sequence, with the indicator that introduces it.

use super::{
    super::{Kind, Node},
    Edit, EditError,
    lines::Lines,
};

/// Some neighbours in a collection: entries, each named by its key, or items.
#[derive(Clone, Copy)]
pub(super) struct Children<'t> {
    pub(super) lines: Lines<'t>,
    pub(super) parent: Node<'t>,
    /// The first byte: the dash, the `?`, or what is written of the key or item.
    pub(super) start: usize,
    /// The byte behind the last value.
    pub(super) end: usize,
    /// The end of what is written before: the sibling before, or what leads to the collection.
    pub(super) bound: usize,
    /// Whether a sibling stands before.
    pub(super) has_previous: bool,
    /// Whether a sibling follows.
    pub(super) has_next: bool,
    last: Node<'t>,
}

impl<'t> Children<'t> {
    /// One entry, named by its key as written, or one item as written.
    pub(super) fn one(node: Node<'t>) -> Result<Self, EditError> {
        Self::run(node, node)
    }

    /// The children from `first` to `last`, which stand in the same collection.
    pub(super) fn run(first: Node<'t>, last: Node<'t>) -> Result<Self, EditError> {
        let text = first.stream().text();
        let fail = |reason| EditError::unsupported(text, first.written_span().start, reason);
        let parent = first
            .parent()
            .ok_or_else(|| fail("a whole document is neither an entry nor an item"))?;
        let mapping = matches!(parent.kind(), Kind::Mapping { .. });
        if mapping && !(is_key(first) && is_key(last)) {
            return Err(fail("an entry has to be named by its key"));
        }
        if is_flow(parent) && !parent.is_bracketed() {
            return Err(fail(
                "a pair without braces inside of [ ] can't be edited; write it as { … }",
            ));
        }
        let lines = Lines::new(text);
        let last = if mapping {
            last.next_sibling().unwrap_or(last)
        } else {
            last
        };
        let previous = previous_sibling(first);
        let bound = preceding_end(first);
        let written = first.written_span().start;
        let start = if is_flow(parent) {
            written
        } else if mapping {
            lines.explicit_key(written, bound)
        } else {
            // Between two items there are only comments before the dash.
            let dash = lines
                .lexer
                .skip_gap(previous.map_or(parent.span().start, |node| node.span().end));
            if lines.lexer.at(dash) != b'-' {
                return Err(fail("the dash of this item was not found"));
            }
            dash
        };
        Ok(Self {
            lines,
            parent,
            start,
            end: last.span().end,
            bound,
            has_previous: previous.is_some(),
            has_next: last.next_sibling().is_some(),
            last,
        })
    }

    pub(super) fn is_flow(&self) -> bool {
        is_flow(self.parent)
    }

    /// The column that siblings start at.
    pub(super) fn column(&self) -> usize {
        self.lines.column(self.start)
    }

    /// The first byte of the lines that these children have for themselves, comments above included.
    pub(super) fn first_line(&self) -> usize {
        self.lines.start_with_comments(self.start, self.bound)
    }

    /// The end of the children's last line with its comment, before the line break; behind a block scalar
    /// that keeps its trailing lines (`|+`) also those. Comments below that are indented more are within.
    pub(super) fn last_line(&self) -> Result<usize, EditError> {
        let tail = self.lines.tail(self.end).ok_or_else(|| {
            EditError::unsupported(
                self.lines.text,
                self.end,
                "something else stands on the same line; put it on a line of its own",
            )
        })?;
        Ok(self
            .lines
            .inner_comments_end(self.kept_lines(tail), self.column()))
    }

    fn kept_lines(&self, tail: usize) -> usize {
        match self.last_block() {
            Some((_, header)) if header.text.contains('+') => self.lines.blank_lines_end(tail),
            _ => tail,
        }
    }

    /// The block scalar that the children end with, and its header.
    fn last_block(&self) -> Option<(Node<'t>, Edit)> {
        let leaf = self.last.walk().last().unwrap_or(self.last);
        leaf.style().filter(|style| style.is_block())?;
        let start = leaf.content_start();
        let span = start..self.lines.lexer.header_end(start);
        let text = self.lines.text.get(span.clone())?.to_owned();
        Some((leaf, Edit { span, text }))
    }

    /// The header that keeps the value of a block scalar whose last line ends with the text instead of a line
    /// break, once something is written below it: the new line break must not become part of the value.
    ///
    /// # Errors
    /// Trailing blank lines that only this missing line break counts right.
    pub(super) fn unended_header(&self) -> Result<Option<Edit>, EditError> {
        let Some((leaf, header)) = self.last_block() else {
            return Ok(None);
        };
        let end = self.lines.lexer.skip_gap(self.end);
        let has_last_line = end == self.lines.text.len() && !self.lines.text.ends_with(['\n', '\r']);
        let value = leaf.as_str().unwrap_or_default();
        if self.is_flow() || !has_last_line || value.is_empty() {
            return Ok(None);
        }
        if value.ends_with('\n') {
            return if header.text.contains('+') {
                Err(EditError::unsupported(
                    self.lines.text,
                    self.end,
                    "the text ends within the blank lines that this scalar keeps; end it with a line break",
                ))
            } else {
                Ok(None)
            };
        }
        let text = match header.text.split_once(['+', '-']) {
            Some((before, after)) => format!("{before}-{after}"),
            None => format!("{}-", header.text),
        };
        Ok((text != header.text).then_some(Edit { text, ..header }))
    }

    /// The comma behind the children in a flow collection.
    pub(super) fn comma(&self) -> Option<usize> {
        let at = self.lines.lexer.skip_gap(self.end);
        (self.lines.lexer.at(at) == b',').then_some(at)
    }

    /// Whether the children of a flow collection have their lines for themselves.
    pub(super) fn has_own_lines(&self) -> bool {
        let end = self.comma().map_or(self.end, |comma| comma + 1);
        self.lines.starts_line(self.start) && self.lines.tail(end).is_some()
    }
}

impl Lines<'_> {
    /// Where an entry starts whose key is written at `key`: at its `?`, if there is one.
    fn explicit_key(self, key: usize, bound: usize) -> usize {
        let mut at = key;
        while at > bound && (self.lexer.is_blank(at - 1) || self.lexer.is_break(at - 1)) {
            at -= 1;
        }
        if at > bound && at < key && self.lexer.at(at - 1) == b'?' {
            at - 1
        } else {
            key
        }
    }
}

fn is_flow(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        Kind::Mapping { flow: true } | Kind::Sequence { flow: true }
    )
}

fn is_key(node: Node<'_>) -> bool {
    let before = node
        .parent()
        .map(|parent| parent.children().take_while(|sibling| *sibling != node).count());
    before.is_some_and(|count| count.is_multiple_of(2))
}

pub(super) fn previous_sibling(node: Node<'_>) -> Option<Node<'_>> {
    node.parent()?
        .children()
        .take_while(|sibling| *sibling != node)
        .last()
}

/// The end of what is written before a node and is not a collection around it.
pub(super) fn preceding_end(node: Node<'_>) -> usize {
    let mut node = node;
    loop {
        if let Some(previous) = previous_sibling(node) {
            return previous.span().end;
        }
        match node.parent() {
            Some(parent) if parent.is_bracketed() => return parent.span().start + 1,
            Some(parent) => node = parent,
            None => break,
        }
    }
    let documents = node.stream().documents().iter();
    let start = node.written_span().start;
    documents
        .map(|document| document.span.start)
        .take_while(|at| *at <= start)
        .last()
        .unwrap_or(0)
}
