//! Where each part of a scalar's decoded text stands in the raw bytes.

use std::ops::Range;

use super::{Kind, Node};

/// Maps ranges of a scalar's decoded text to ranges of the file's bytes.
#[derive(Debug, Clone)]
pub struct ScalarMap {
    /// Runs in which decoded and raw bytes advance together: (decoded start, raw start), ordered by both.
    runs: Vec<(usize, usize)>,
    raw_end: usize,
}

impl ScalarMap {
    /// The map of a scalar node; of another node it maps everything to the node's span.
    #[must_use]
    pub fn new(node: Node<'_>) -> Self {
        let node = node.resolved();
        let span = node.span();
        let raw = node.raw();
        let mut runs = Vec::new();
        if let Kind::Scalar { value, .. } = node.kind() {
            // First cut: match the decoded text greedily against the raw one.
            let mut raw_at = 0;
            for (at, character) in value.char_indices() {
                let found = raw
                    .get(raw_at..)
                    .and_then(|rest| rest.find(character))
                    .unwrap_or(0);
                runs.push((at, span.start + raw_at + found));
                raw_at += found + character.len_utf8();
            }
        }
        Self {
            runs,
            raw_end: span.end,
        }
    }

    /// The bytes of the file behind the decoded range.
    #[must_use]
    pub fn raw_range(&self, decoded: Range<usize>) -> Range<usize> {
        let start = self.raw_offset(decoded.start);
        let end = if decoded.end > decoded.start {
            self.raw_offset(decoded.end - 1) + 1
        } else {
            start
        };
        start..end.max(start)
    }

    fn raw_offset(&self, decoded: usize) -> usize {
        let index = self.runs.partition_point(|(start, _)| *start <= decoded);
        match index.checked_sub(1).and_then(|index| self.runs.get(index)) {
            Some((start, raw)) => (raw + (decoded - start)).min(self.raw_end),
            None => self.raw_end,
        }
    }

    /// Whether the map is exact.
    pub fn is_exact(&self) -> bool {
        false
    }
}
