//! Edits of YAML text that leave every other byte as it is.
//!
//! A rewriter collects [`Edit`]s, all with offsets in the original text, and [`apply`]s them at once. The
//! functions here make the edits for common changes to a tree's entries and items. What they can't do without
//! guessing is an [`EditError`]; whether the edited text says what was meant is for
//! [`guard::check`](super::guard::check) to tell.

mod child;
mod insert;
mod lines;
mod relocate;
mod remove;
mod replace;
#[cfg(test)]
mod testing;

use std::ops::Range;

pub use insert::{append, insert_after, insert_before};
pub use relocate::{extract, move_item};
pub use remove::remove;
pub(super) use replace::is_block_text;
pub use replace::{replace_scalar, write_scalar};

use super::error::position;

/// A replacement of some bytes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes of the original that are replaced; empty where text is only inserted.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

impl Edit {
    /// Takes bytes out.
    #[must_use]
    pub fn remove(span: Range<usize>) -> Self {
        Self {
            span,
            text: String::new(),
        }
    }

    /// Puts text in before the byte `at`.
    #[must_use]
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self {
            span: at..at,
            text: text.into(),
        }
    }
}

/// Why an edit can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Two edits replace the same bytes.
    #[error("line {line}, column {column}: two edits would change the same text")]
    Overlap {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An edit of bytes that are not there, or of a part of a character.
    #[error("the edit of bytes {start} to {end} does not fit the text of {length} bytes")]
    Outside {
        /// First byte of the edit.
        start: usize,
        /// The byte behind the edit.
        end: usize,
        /// Bytes in the text.
        length: usize,
    },
    /// A change that these edits don't know how to write.
    #[error("line {line}, column {column}: {reason}")]
    Unsupported {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What stands in the way.
        reason: &'static str,
    },
}

impl EditError {
    fn unsupported(text: &str, offset: usize, reason: &'static str) -> Self {
        let (line, column) = position(text, offset);
        Self::Unsupported { line, column, reason }
    }
}

/// Makes all edits of a text. Their order does not matter, except that insertions at the same place are made
/// in the order given.
///
/// # Errors
/// Edits that overlap or do not fit the text.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut edited =
        String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut at = 0;
    for edit in ordered {
        let Range { start, end } = edit.span;
        if text.get(edit.span.clone()).is_none() {
            return Err(EditError::Outside {
                start,
                end,
                length: text.len(),
            });
        }
        if start < at {
            let (line, column) = position(text, start);
            return Err(EditError::Overlap { line, column });
        }
        edited.push_str(text.get(at..start).unwrap_or_default());
        edited.push_str(&edit.text);
        at = end;
    }
    edited.push_str(text.get(at..).unwrap_or_default());
    Ok(edited)
}

#[cfg(test)]
mod tests {
    use super::{Edit, EditError, apply};

    #[test]
    fn applies_in_order_of_place() {
        let edits = [
            Edit::remove(4..5),
            Edit::insert(0, "x"),
            Edit::insert(0, "y"),
            Edit::insert(4, "z"),
            Edit {
                span: 1..3,
                text: "é".into(),
            },
        ];
        assert_eq!(apply("abcdef", &edits).unwrap(), "xyaédzf");
        assert_eq!(apply("", &[]).unwrap(), "");
    }

    #[test]
    fn refuses_overlaps_and_what_does_not_fit() {
        let overlap = [Edit::remove(0..3), Edit::insert(2, "x")];
        assert!(matches!(
            apply("a\nbc", &overlap),
            Err(EditError::Overlap { line: 2, column: 1 })
        ));
        for span in [3..9, 1..2, 4..4] {
            let outside = apply("aéb", &[Edit::remove(span.clone())]);
            assert_eq!(outside.is_err(), span != (4..4), "{span:?}");
        }
    }
}
