//! Where each part of a scalar's decoded text stands in the raw bytes.

use std::ops::Range;

use super::{Kind, Node, decode};

/// Maps ranges of a scalar's decoded text to ranges of the file's bytes, and back.
///
/// An escape (`\n`, `''`, `\u00e9`) is one piece: a range that touches it maps to all its bytes. A line break
/// of the decoded text, or the blank that a folded one became, stands for the bytes of the line break (LF or
/// CRLF) without the indentation around it; where folding takes two line breaks to make one, for both. What
/// decodes to nothing (indentation, `\` at the end of a line,
/// blanks that folding drops) lies between the pieces.
#[derive(Debug, Clone)]
pub struct ScalarMap {
    /// Ordered by both offsets; empty where the map is not exact.
    pieces: Vec<Piece>,
    /// How many bytes the decoded text has.
    length: usize,
    span: Range<usize>,
    exact: bool,
}

/// A part of the raw text that decodes to something.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Where its decoded text starts.
    pub(super) decoded: usize,
    pub(super) raw: Range<usize>,
    /// Whether both texts are the same, so that each byte has its place.
    pub(super) verbatim: bool,
}

impl ScalarMap {
    /// The map of a scalar node, or of the one that an alias stands for. Of any other node, and of a scalar
    /// that is not understood, it maps everything to the node's whole span.
    #[must_use]
    pub fn new(node: Node<'_>) -> Self {
        let node = node.resolved();
        let (pieces, length) = match node.kind() {
            Kind::Scalar { value, .. } => (decode::pieces(node), value.len()),
            _ => (None, 0),
        };
        Self {
            exact: pieces.is_some(),
            pieces: pieces.unwrap_or_default(),
            length,
            span: node.span(),
        }
    }

    /// Whether each part of the decoded text has its own place; otherwise all of it has the node's span.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// The bytes of the file behind the decoded range. An empty range gives an empty one, where text would
    /// have to be inserted. A range beyond the text is cut to it.
    ///
    /// The leading and trailing line breaks of a block scalar have their places too, outside of the node's
    /// span.
    #[must_use]
    pub fn raw_range(&self, decoded: Range<usize>) -> Range<usize> {
        if !self.exact {
            return self.span.clone();
        }
        let start = self.raw_offset(decoded.start);
        let end = decoded.end.min(self.length);
        if end <= decoded.start {
            return start..start;
        }
        let end = match self.piece_at(end - 1) {
            Some(piece) if piece.verbatim => piece.raw.start + (end - piece.decoded),
            Some(piece) => piece.raw.end,
            None => start,
        };
        start..end.max(start)
    }

    /// The byte of the file where the character at `decoded` starts, or where the last one ends.
    #[must_use]
    pub fn raw_offset(&self, decoded: usize) -> usize {
        if !self.exact {
            return if decoded == 0 {
                self.span.start
            } else {
                self.span.end
            };
        }
        if decoded >= self.length {
            return self.pieces.last().map_or(self.span.end, |piece| piece.raw.end);
        }
        match self.piece_at(decoded) {
            Some(piece) if piece.verbatim => piece.raw.start + (decoded - piece.decoded),
            Some(piece) => piece.raw.start,
            None => self.span.start,
        }
    }

    /// The bytes to cut out of the file to remove a range from the decoded text: whole lines with their own
    /// indentation, a line break alone with that of the line which is joined.
    ///
    /// (Not every cut is one range of bytes. In folded text a part of several line breaks on end cannot be cut
    /// alone, nor can blanks beside one: what remains decides what they mean. In a block scalar a cut from an
    /// empty line on cannot end inside of another line.)
    #[must_use]
    pub fn cut_range(&self, decoded: Range<usize>) -> Range<usize> {
        let range = self.raw_range(decoded.clone());
        if !self.exact || decoded.is_empty() {
            return range;
        }
        // A line break is never verbatim; that an escape isn't either makes no difference here, because there
        // is nothing between it and its neighbours.
        let break_before = |offset: usize| {
            let piece = self.piece_at(offset.checked_sub(1)?)?;
            (!piece.verbatim).then_some(piece.raw.end)
        };
        match (break_before(decoded.start), break_before(decoded.end)) {
            (Some(start), Some(end)) => start..end,
            _ => range.start..self.raw_offset(decoded.end).max(range.end),
        }
    }

    /// The offset in the decoded text of what stands at the byte `raw` of the file; behind bytes that decode
    /// to nothing it is that of what follows them. Nothing where the map is not exact.
    #[must_use]
    pub fn decoded_offset(&self, raw: usize) -> Option<usize> {
        if !self.exact {
            return None;
        }
        let index = self.pieces.partition_point(|piece| piece.raw.start <= raw);
        let Some(before) = index.checked_sub(1).and_then(|index| self.pieces.get(index)) else {
            return Some(0);
        };
        let next = self.pieces.get(index).map_or(self.length, |piece| piece.decoded);
        Some(if raw >= before.raw.end {
            next
        } else if before.verbatim {
            before.decoded + (raw - before.raw.start)
        } else {
            before.decoded
        })
    }

    /// The piece that the decoded byte at `offset` belongs to.
    fn piece_at(&self, offset: usize) -> Option<&Piece> {
        let index = self.pieces.partition_point(|piece| piece.decoded <= offset);
        self.pieces.get(index.checked_sub(1)?)
    }
}
