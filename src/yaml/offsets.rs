//! saphyr-parser counts characters; everything else here counts bytes.

/// Maps character indices to byte offsets. Indices come nearly in order, so it walks from the last one
/// instead of holding a table as large as the text.
pub(super) struct Offsets<'t> {
    bytes: &'t [u8],
    ascii: bool,
    character: usize,
    byte: usize,
    /// How far the scanner's count is ahead of the truth (see [`Offsets::resynchronise`]).
    drift: usize,
}

impl<'t> Offsets<'t> {
    pub(super) fn new(text: &'t str, ascii: bool) -> Self {
        Self {
            bytes: text.as_bytes(),
            ascii,
            character: 0,
            byte: 0,
            drift: 0,
        }
    }

    /// The byte offset of the character that the scanner calls `index`; the end of the text for any behind
    /// it.
    pub(super) fn byte(&mut self, index: usize) -> usize {
        if self.ascii {
            return index.min(self.bytes.len());
        }
        let character = index.saturating_sub(self.drift);
        while self.character < character && self.byte < self.bytes.len() {
            self.byte += 1;
            self.skip_continuation_forward();
            self.character += 1;
        }
        while self.character > character && self.byte > 0 {
            self.byte -= 1;
            while self.byte > 0 && self.is_continuation() {
                self.byte -= 1;
            }
            self.character -= 1;
        }
        self.byte
    }

    /// Told the true byte offset of what the scanner calls `index`, corrects all that follows: in
    /// directives the scanner (0.3.4) counts bytes as characters.
    pub(super) fn resynchronise(&mut self, index: usize, byte: usize) {
        if self.ascii {
            return;
        }
        self.drift = 0;
        self.byte(index);
        while self.byte > byte {
            self.drift += 1;
            self.byte(index);
        }
    }

    fn skip_continuation_forward(&mut self) {
        while self.byte < self.bytes.len() && self.is_continuation() {
            self.byte += 1;
        }
    }

    fn is_continuation(&self) -> bool {
        self.bytes.get(self.byte).is_some_and(|byte| byte & 0xc0 == 0x80)
    }
}

#[cfg(test)]
mod tests {
    use super::Offsets;

    #[test]
    fn maps_in_any_order() {
        let text = "aä€😀z";
        let mut offsets = Offsets::new(text, false);
        let expected = [0, 1, 3, 6, 10, 11, 11];
        for index in [6, 0, 3, 2, 5, 1, 4, 4] {
            assert_eq!(offsets.byte(index), expected[index], "{index}");
        }
        let mut ascii = Offsets::new("abc", true);
        assert_eq!((ascii.byte(2), ascii.byte(9)), (2, 3));
    }
}
