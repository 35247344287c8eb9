//! Byte offsets into lines and columns.

use std::{collections::HashMap, ops::Range, sync::Arc};

use super::SourceFile;

/// A place in a text as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Offset in bytes, from 0.
    pub offset: usize,
}

/// Characters are counted from the nearest multiple of this many bytes, not from the start of the line: one
/// line may be as long as the largest text.
const STRIDE: usize = 4096;

/// The byte order mark, which no editor counts as a column.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The lines of a text.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// Characters before each multiple of [`STRIDE`]; empty for ASCII.
    characters: Vec<usize>,
    /// Those of them that take two code units of UTF-16.
    pairs: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Indexes the lines of `text`.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let chunks = || text.as_bytes().chunks(STRIDE);
        let (characters, pairs) = if text.is_ascii() {
            (Vec::new(), Vec::new())
        } else {
            (sums(chunks().map(count)), sums(chunks().map(count_pairs)))
        };
        Self {
            text,
            starts,
            characters,
            pairs,
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The place of a byte. One inside a character counts as the character's first, one behind the end as the
    /// end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = character_start(self.text, offset);
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let mut column = self.characters_before(offset) - self.characters_before(start) + 1;
        if line == 1 && offset > 0 && self.text.starts_with(BYTE_ORDER_MARK) {
            column -= 1;
        }
        Position { line, column, offset }
    }

    /// The column of a byte in code units of UTF-16, from 1.
    #[must_use]
    pub fn utf16_column(&self, offset: usize) -> usize {
        let Position { line, column, offset } = self.position(offset);
        let start = line
            .checked_sub(1)
            .and_then(|index| self.starts.get(index).copied())
            .unwrap_or_default();
        column + self.pairs_before(offset) - self.pairs_before(start)
    }

    /// The bytes of a line without its line break.
    #[must_use]
    pub fn line(&self, line: usize) -> Range<usize> {
        let start = line
            .checked_sub(1)
            .and_then(|index| self.starts.get(index).copied())
            .unwrap_or(self.text.len());
        let end = self.starts.get(line).map_or(self.text.len(), |next| next - 1);
        let end = end.max(start);
        match self.text.get(start..end) {
            Some(content) if content.ends_with('\r') => start..end - 1,
            _ => start..end,
        }
    }

    /// The characters before a byte that take two code units of UTF-16.
    fn pairs_before(&self, offset: usize) -> usize {
        let chunk = (offset / STRIDE).min(self.pairs.len().saturating_sub(1));
        let Some(before) = self.pairs.get(chunk) else {
            return 0;
        };
        let rest = self.text.as_bytes().get(chunk * STRIDE..offset);
        before + count_pairs(rest.unwrap_or_default())
    }

    fn characters_before(&self, offset: usize) -> usize {
        match self.characters.get(offset / STRIDE) {
            Some(before) => {
                let rest = self.text.as_bytes().get(offset / STRIDE * STRIDE..offset);
                before + count(rest.unwrap_or_default())
            }
            None if self.characters.is_empty() => offset,
            None => {
                self.characters.last().copied().unwrap_or_default() + {
                    let last = (self.characters.len() - 1) * STRIDE;
                    count(self.text.as_bytes().get(last..offset).unwrap_or_default())
                }
            }
        }
    }
}

/// The start of the character that the byte at `offset` belongs to; the end of the text where it ends before.
// `str::floor_char_boundary` is younger than the oldest compiler we build with.
pub(crate) fn character_start(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default()
}

/// The sum of all numbers before each.
fn sums(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut sum = 0;
    let add = |number| {
        let before = sum;
        sum += number;
        before
    };
    numbers.map(add).collect()
}

/// The characters of four bytes that begin in these bytes of UTF-8: a pair of surrogates in UTF-16.
fn count_pairs(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte >= 0xf0).count()
}

/// The characters that begin in these bytes of UTF-8.
fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte as i8) >= -64).count()
}

/// The lines of all sources of a report, each indexed once.
#[derive(Debug, Default)]
pub struct Positions<'a> {
    sources: HashMap<*const SourceFile, Lines<'a>>,
}

impl<'a> Positions<'a> {
    /// The lines of a source.
    pub fn of(&mut self, source: &'a Arc<SourceFile>) -> &Lines<'a> {
        self.sources
            .entry(Arc::as_ptr(source))
            .or_insert_with(|| Lines::new(&source.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, offset: usize) -> (usize, usize) {
        let position = Lines::new(text).position(offset);
        (position.line, position.column)
    }

    #[test]
    fn columns_count_characters() {
        let text = "a: 1\nö: ü\tx\n🦀🦀: y";
        for (needle, expected) in [
            ("a", (1, 1)),
            ("ö", (2, 1)),
            ("ü", (2, 4)),
            ("x", (2, 6)),
            ("y", (3, 5)),
        ] {
            assert_eq!(place(text, text.find(needle).unwrap()), expected, "{needle}");
        }
        assert_eq!(place(text, text.len()), (3, 6));
        assert_eq!(place(text, text.len() + 10), (3, 6));
        assert_eq!(
            place(text, text.find('ö').unwrap() + 1),
            (2, 1),
            "inside a character"
        );
    }

    #[test]
    fn a_line_break_may_have_two_bytes() {
        let text = "a\r\nb\r\n";
        assert_eq!(place(text, 3), (2, 1));
        assert_eq!(place(text, 6), (3, 1));
        let lines = Lines::new(text);
        assert_eq!(lines.line(1), 0..1);
        assert_eq!(lines.line(2), 3..4);
        assert_eq!(lines.line(3), 6..6);
        assert_eq!(lines.line(9), 6..6);
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        assert_eq!(place("\u{feff}a: b\nc", 0), (1, 1));
        assert_eq!(place("\u{feff}a: b\nc", 3), (1, 1));
        assert_eq!(place("\u{feff}a: b\nc", 6), (1, 4));
        assert_eq!(place("\u{feff}a: b\nc", 8), (2, 1));
    }

    #[test]
    fn empty_texts_have_one_line() {
        assert_eq!(place("", 0), (1, 1));
        assert_eq!(Lines::new("").line(1), 0..0);
    }

    #[test]
    fn columns_of_utf16_count_pairs_twice() {
        let text = format!("\u{feff}ö🦀x\n{}", "aö🦀".repeat(5000));
        let lines = Lines::new(&text);
        for (offset, _) in text.char_indices().skip(1) {
            let start = text[..offset]
                .rfind('\n')
                .map_or('\u{feff}'.len_utf8(), |at| at + 1);
            let expected = text[start..offset].encode_utf16().count() + 1;
            assert_eq!(lines.utf16_column(offset), expected, "{offset}");
        }
        assert_eq!(Lines::new("abc").utf16_column(2), 3);
    }

    #[test]
    fn long_lines_are_counted_right() {
        let text = format!("x\n{}", "aö🦀".repeat(5000));
        let lines = Lines::new(&text);
        for (index, (offset, _)) in text.char_indices().enumerate().skip(2) {
            assert_eq!(lines.position(offset).column, index - 1);
        }
        assert_eq!(lines.position(text.len()).column, 15_001);
    }
}
