//! saphyr-parser counts characters; everything else here counts bytes.

use std::ops::Range;

/// A run of ASCII is looked for no further than this at once, so that going back and forth stays cheap.
const MAX_RUN: usize = 4096;

/// Maps character indices to byte offsets. Indices come nearly in order, so it goes on from the last one
/// instead of holding a table as large as the text, and in runs of ASCII it only adds.
pub(super) struct Offsets<'t> {
    bytes: &'t [u8],
    ascii: bool,
    /// Where the scanner's character 0 is.
    base: usize,
    /// The index of the character that starts `run`.
    character: usize,
    /// Bytes that are all ASCII.
    run: Range<usize>,
    /// How far the scanner's count is ahead of the truth (see [`Offsets::resynchronise`]).
    drift: usize,
}

impl<'t> Offsets<'t> {
    pub(super) fn new(text: &'t str, ascii: bool) -> Self {
        Self {
            bytes: text.as_bytes(),
            ascii,
            base: 0,
            character: 0,
            run: 0..0,
            drift: 0,
        }
    }

    /// From now on the scanner counts from the byte `base`.
    pub(super) fn start_at(&mut self, base: usize) {
        self.base = base;
        self.character = 0;
        self.run = base..base;
        self.drift = 0;
    }

    /// The byte offset of the character that the scanner calls `index`; the end of the text for any behind
    /// it.
    pub(super) fn byte(&mut self, index: usize) -> usize {
        if self.ascii {
            return (self.base + index).min(self.bytes.len());
        }
        let character = index.saturating_sub(self.drift);
        if character < self.character {
            self.go_back(character);
        }
        while character - self.character > self.run.len() && self.run.end < self.bytes.len() {
            self.go_on();
        }
        self.run.end.min(self.run.start + (character - self.character))
    }

    /// To the run behind this one and the character after it.
    fn go_on(&mut self) {
        self.character += self.run.len();
        let mut start = self.run.end;
        if !self.is_ascii(start) {
            self.character += 1;
            start += 1;
            while self.is_continuation(start) {
                start += 1;
            }
        }
        self.start_run(start);
    }

    fn go_back(&mut self, character: usize) {
        let mut start = self.run.start;
        while self.character > character && start > self.base {
            start -= 1;
            while self.is_continuation(start) {
                start -= 1;
            }
            self.character -= 1;
        }
        self.start_run(start);
    }

    fn start_run(&mut self, start: usize) {
        let end = self.bytes.len().min(start + MAX_RUN);
        let rest = self.bytes.get(start..end).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii())
            .unwrap_or(rest.len());
        self.run = start..start + length;
    }

    /// Told the true byte offset of what the scanner calls `index`, corrects all that follows: in
    /// directives the scanner (0.3.4) counts bytes as characters.
    pub(super) fn resynchronise(&mut self, index: usize, byte: usize) {
        if self.ascii {
            return;
        }
        self.drift = 0;
        while self.byte(index) > byte {
            self.drift += 1;
        }
    }

    fn is_ascii(&self, at: usize) -> bool {
        self.bytes.get(at).is_some_and(u8::is_ascii)
    }

    fn is_continuation(&self, at: usize) -> bool {
        self.bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80)
    }
}

#[cfg(test)]
mod tests {
    use super::Offsets;

    #[test]
    fn maps_in_any_order() {
        let text = format!("aä€😀z{}ßb", "x".repeat(2 * super::MAX_RUN));
        let expected: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len(); 2])
            .collect();
        let mut offsets = Offsets::new(&text, false);
        for index in [6, 0, 3, 2, 5, 1, 4, 4] {
            assert_eq!(offsets.byte(index), expected[index], "{index}");
        }
        for index in (0..expected.len()).chain((0..expected.len()).rev()) {
            assert_eq!(offsets.byte(index), expected[index], "{index}");
            assert_eq!(offsets.byte(expected.len() / 2), expected[expected.len() / 2]);
        }
        let mut ascii = Offsets::new("abc", true);
        assert_eq!((ascii.byte(2), ascii.byte(9)), (2, 3));
    }
}
