//! JSON as text in which everything can be seen: what a terminal obeys or does not show is escaped, so that the values
//! stay what they are.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::excerpt::visible;

/// So many bytes are written at once.
const PIECE: usize = 64 << 10;

/// Writes a value over several lines.
///
/// # Errors
/// Where it can't be written.
pub(crate) fn write_pretty(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let formatter = Visible(PrettyFormatter::new());
    // A serializer writes a few bytes at a time: they are gathered here, where each is no call of an unknown writer.
    let mut pieces = BufWriter::with_capacity(PIECE, out);
    value.serialize(&mut Serializer::with_formatter(&mut pieces, formatter))?;
    pieces.flush()
}

/// Writes a value on one line.
///
/// # Errors
/// Where it can't be written.
pub(crate) fn write_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(
        &mut *out,
        Visible(CompactFormatter),
    ))?;
    out.write_all(b"\n")
}

struct Visible<F>(F);

impl<F: Formatter> Formatter for Visible<F> {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| byte.is_ascii() && byte != 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut written = 0;
        for (at, character) in fragment.char_indices() {
            if character.is_ascii() && character != '\u{7f}' || visible(character) == character {
                continue;
            }
            writer.write_all(fragment.get(written..at).unwrap_or_default().as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            written = at + character.len_utf8();
        }
        writer.write_all(fragment.get(written..).unwrap_or_default().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_nobody_sees_is_escaped() {
        let mut out = Vec::new();
        write_line(&mut out, &"a\u{e0041}\u{202e}\u{9b}\u{7f}é\n").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"a\\udb40\\udc41\\u202e\\u009b\\u007fé\\n\"\n");
    }

    proptest! {
        #[test]
        fn the_value_stays(text in any::<String>(), other in ".*") {
            let value = serde_json::json!({text.clone(): [text, other, 1, {}, []], "b": null});
            let (mut pretty, mut line) = (Vec::new(), Vec::new());
            write_pretty(&mut pretty, &value).unwrap();
            write_line(&mut line, &value).unwrap();
            for out in [pretty, line] {
                let text = String::from_utf8(out).unwrap();
                prop_assert!(text.chars().all(|character| character == '\n' || visible(character) == character));
                prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &value);
            }
        }
    }
}
