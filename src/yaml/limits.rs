//! What a text may hold, so that reading it can't exhaust the machine.

use memchr::memchr3_iter;

use super::error::{ParseError, Reason};

/// The longest text that is read, in bytes (64 MiB).
pub const MAX_TEXT: usize = 64 << 20;

/// The most collections that may be nested in one another.
pub const MAX_DEPTH: usize = 512;

/// The most values a text may hold. Unit tests, which nothing optimizes, cross a lower limit.
pub const MAX_NODES: usize = if cfg!(test) { 1 << 20 } else { 8 << 20 };

/// Refuses what can be refused without reading the structure: too long a text and characters that no YAML
/// text may hold.
pub(super) fn check_text(text: &str, ascii: bool, json: bool) -> Result<(), ParseError> {
    if text.len() > MAX_TEXT {
        let message = format!(
            "the text has {} bytes, more than the {} MiB that are read at once; split it into several files",
            text.len(),
            MAX_TEXT >> 20
        );
        return Err(ParseError::new("", 0, Reason::Limit, message));
    }
    match forbidden_character(text, ascii, json) {
        None => Ok(()),
        Some((offset, character @ ('\u{85}' | '\u{2028}' | '\u{2029}'))) => Err(ParseError::new(
            text,
            offset,
            Reason::Character,
            format!(
                "U+{:04X} ends a line for kubectl and no editor shows that; remove it, or write it as an escape in double quotes",
                u32::from(character)
            ),
        )),
        Some((offset, character)) => Err(ParseError::new(
            text,
            offset,
            Reason::Character,
            format!(
                "the control character U+{:04X} is not allowed; remove it, or write it as an escape in double quotes",
                u32::from(character)
            ),
        )),
    }
}

/// The first character outside of YAML 1.2.2's `c-printable` (of which JSON allows some), or that ends a line in YAML
/// 1.1 only.
fn forbidden_character(text: &str, ascii: bool, json: bool) -> Option<(usize, char)> {
    // The usual case first: there is none.
    let bytes = text.as_bytes();
    let is_control = |byte: u8| (byte < b' ') & !matches!(byte, b'\t' | b'\n' | b'\r') | (byte == 0x7f);
    // To look at all of them is less work than to stop at one.
    let mut suspicious = bytes.iter().fold(false, |any, byte| any | is_control(*byte));
    if !ascii {
        // U+0080 to U+009F, U+2000 to U+203F, and U+FFC0 to U+FFFF.
        let is_suspicious = |at: usize| match (bytes.get(at), bytes.get(at + 1)) {
            (Some(0xc2), Some(second)) => *second < 0xa0,
            (Some(0xe2), Some(second)) => *second == 0x80,
            (Some(0xef), Some(second)) => *second == 0xbf,
            _ => false,
        };
        suspicious |= memchr3_iter(0xc2, 0xe2, 0xef, bytes).any(is_suspicious);
    }
    if !suspicious {
        return None;
    }
    let forbidden = |character: char| match character {
        '\0'..='\u{1f}' => !matches!(character, '\t' | '\n' | '\r'),
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => !json,
        '\u{fffe}' | '\u{ffff}' => !json,
        _ => false,
    };
    text.char_indices().find(|(_, character)| forbidden(*character))
}

/// Refuses a text whose flow collections could make saphyr-parser queue an unbounded number of tokens: one
/// that could be a mapping key (it starts a line) is scanned to its end before its first event comes.
pub(super) fn check_density(text: &str) -> Result<(), ParseError> {
    if text.len() <= MAX_NODES {
        return Ok(());
    }
    let is_indicator = |byte: &u8| {
        matches!(
            byte,
            b'[' | b']' | b'{' | b'}' | b',' | b':' | b'?' | b'&' | b'*' | b'!' | b'\'' | b'"'
        )
    };
    if text.as_bytes().iter().filter(|byte| is_indicator(byte)).count() <= MAX_NODES {
        return Ok(());
    }
    Err(too_many_values(text, 0))
}

pub(super) fn too_many_values(text: &str, offset: usize) -> ParseError {
    let message = format!(
        "the text holds more than {} million values; split it into several files",
        MAX_NODES >> 20
    );
    ParseError::new(text, offset, Reason::Limit, message)
}

pub(super) fn too_deep(text: &str, offset: usize) -> ParseError {
    let message = format!("more than {MAX_DEPTH} collections are nested here");
    ParseError::new(text, offset, Reason::Limit, message)
}
