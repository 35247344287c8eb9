//! Byte offsets into the protocol's positions, and back.

use std::ops::Range;

use gen_lsp_types::Position;

use crate::source::character_start;

/// What a position's character counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// Code units of UTF-16, which every client must know.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// By the name in the protocol.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Utf8, Self::Utf16, Self::Utf32]
            .into_iter()
            .find(|encoding| encoding.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
        }
    }

    fn units(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// The places of a text. Its lines end, by the protocol, at `\n`, `\r\n` and `\r`.
pub(super) struct Places<'t> {
    text: &'t str,
    encoding: Encoding,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        Self {
            text,
            encoding,
            starts: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect(),
        }
    }

    /// The position of a byte. One inside a character counts as the character's first, one behind the end as the
    /// end.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = character_start(self.text, offset);
        let line = self
            .starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        let units: usize = before
            .chars()
            .map(|character| self.encoding.units(character))
            .sum();
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            character: u32::try_from(units).unwrap_or(u32::MAX),
        }
    }

    /// The byte at a position. One behind the end of its line counts as the line's end, and a line behind the
    /// last as the end of the text.
    pub(super) fn offset(&self, position: Position) -> usize {
        let line = usize::try_from(position.line).unwrap_or(usize::MAX);
        let Some(start) = self.starts.get(line).copied() else {
            return self.text.len();
        };
        let end = self
            .starts
            .get(line.saturating_add(1))
            .copied()
            .unwrap_or(self.text.len());
        let content = self.text.get(start..end).unwrap_or_default();
        let content = content.trim_end_matches(['\r', '\n']);
        let wanted = usize::try_from(position.character).unwrap_or(usize::MAX);
        let mut units = 0;
        for (at, character) in content.char_indices() {
            units += self.encoding.units(character);
            if units > wanted {
                return start + at;
            }
        }
        start + content.len()
    }

    pub(super) fn range(&self, span: &Range<usize>) -> gen_lsp_types::Range {
        gen_lsp_types::Range {
            start: self.position(span.start),
            end: self.position(span.end),
        }
    }

    /// The bytes of a range; an empty one where it ends before it starts.
    pub(super) fn span(&self, range: gen_lsp_types::Range) -> Range<usize> {
        let start = self.offset(range.start);
        start..self.offset(range.end).max(start)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_are_counted_as_the_client_counts_them() {
        let text = "a: ü🦀x\r\nb\rc";
        for (encoding, character) in [(Encoding::Utf8, 9), (Encoding::Utf16, 6), (Encoding::Utf32, 5)] {
            let places = Places::new(text, encoding);
            let at = text.find('x').unwrap();
            assert_eq!(places.position(at), Position { line: 0, character });
            assert_eq!(places.offset(Position { line: 0, character }), at);
        }
        let places = Places::new(text, Encoding::Utf16);
        assert_eq!(places.position(text.find('b').unwrap()).line, 1);
        assert_eq!(places.position(text.find('c').unwrap()).line, 2);
    }

    #[test]
    fn positions_that_are_not_there_are_moved_to_the_next_that_is() {
        let text = "ab\r\n🦀\n";
        let places = Places::new(text, Encoding::Utf16);
        let offset = |line, character| places.offset(Position { line, character });
        assert_eq!(offset(0, 99), 2, "before the line break");
        assert_eq!(offset(1, 1), 4, "inside a pair of surrogates");
        assert_eq!(offset(1, 2), 8);
        assert_eq!(offset(7, 7), text.len());
        assert_eq!(offset(u32::MAX, u32::MAX), text.len());
    }

    proptest! {
        #[test]
        fn every_character_has_a_position_of_its_own(text in "[a🦀ü\\r\\n]{0,40}") {
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                let places = Places::new(&text, encoding);
                for (at, character) in text.char_indices() {
                    // Nobody can stand between \r and \n.
                    if character != '\n' {
                        prop_assert_eq!(places.offset(places.position(at)), at);
                    }
                }
            }
        }
    }
}
