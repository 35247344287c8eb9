//! How a string has to be written so that every reader takes it for that string.

use std::fmt::Write;

/// What a plain scalar's text means besides a string, in YAML 1.1 (go-yaml, kubectl) or 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlainType {
    /// `~`, `null` or nothing.
    Null,
    /// `true`, `no`, `on`, `y`, …
    Boolean(bool),
    /// An integer, in any base.
    Integer,
    /// `1:30`: a number in base 60 for YAML 1.1, but not for kubectl.
    Sexagesimal,
    /// A number with a fraction or exponent, infinity or not a number.
    Float,
    /// A date, perhaps with a time.
    Timestamp,
    /// `<<` and `=`, which YAML 1.1 gives a meaning.
    Special,
}

impl PlainType {
    /// The type of a plain scalar; nothing for a string.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let first = text.chars().next().unwrap_or('~');
        if !(first.is_ascii_digit() || "+-.~<=nNtTfFyYoO".contains(first)) {
            return None;
        }
        match text {
            "" | "~" => return Some(Self::Null),
            "<<" | "=" => return Some(Self::Special),
            _ => {}
        }
        let word = text.to_ascii_lowercase();
        match word.as_str() {
            "null" => return Some(Self::Null),
            "true" | "yes" | "on" | "y" => return Some(Self::Boolean(true)),
            "false" | "no" | "off" | "n" => return Some(Self::Boolean(false)),
            _ => {}
        }
        number(&word)
    }
}

/// The type of a text in lower case that starts like a number.
fn number(text: &str) -> Option<PlainType> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == ".inf" || text == ".nan" {
        return Some(PlainType::Float);
    }
    let starts_as_number = unsigned.starts_with(|c: char| c.is_ascii_digit())
        || unsigned
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if !starts_as_number {
        return None;
    }
    let all = |text: &str, allowed: fn(char) -> bool| {
        !text.is_empty() && text.chars().all(|c| allowed(c) || c == '_')
    };
    let in_base = |prefix: &str, allowed: fn(char) -> bool| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|digits| all(digits, allowed))
    };
    if all(unsigned, |c| c.is_ascii_digit())
        || in_base("0x", |c| c.is_ascii_hexdigit())
        || in_base("0o", |c| c.is_digit(8))
        || in_base("0b", |c| c.is_digit(2))
    {
        return Some(PlainType::Integer);
    }
    if unsigned.contains(':') && all(unsigned, |c| c.is_ascii_digit() || matches!(c, ':' | '.')) {
        return Some(PlainType::Sexagesimal);
    }
    if unsigned.replace('_', "").parse::<f64>().is_ok() {
        return Some(PlainType::Float);
    }
    is_date(text).then_some(PlainType::Timestamp)
}

/// Whether a text starts with a date: 2024-01-31.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, lengths: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| {
            lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    digits(parts.next(), 4..=4)
        && digits(parts.next(), 1..=2)
        && parts
            .next()
            .is_some_and(|day| day.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a string can be written without quotes on one line.
pub(super) fn is_plain_string(value: &str, flow: bool) -> bool {
    let mut characters = value.chars();
    let Some(first) = characters.next() else {
        return false;
    };
    let second = characters.next();
    let starts_well = match first {
        // In a flow collection go-yaml takes these for indicators, whatever follows.
        '?' | ':' if flow => false,
        '-' | '?' | ':' => second.is_some_and(|next| next != ' ' && !(flow && ",[]{}".contains(next))),
        first => !" ,[]{}#&*!|>'\"%@`".contains(first),
    };
    let marker = ["---", "..."].iter().any(|marker| {
        value
            .strip_prefix(marker)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    let breaks_off = marker || value.ends_with([' ', ':']) || value.contains(": ") || value.contains(" #");
    // A question mark ends a plain scalar there, too: `[http://app/?ready]` is no list for go-yaml.
    let breaks_flow = flow && value.contains([',', '[', ']', '{', '}', '?']);
    if !starts_well || breaks_off || breaks_flow {
        return false;
    }
    value.chars().all(is_printable) && PlainType::of(value).is_none()
}

fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// The string in single quotes; nothing where it holds what those can't express.
pub(crate) fn single_quoted(value: &str) -> Option<String> {
    value
        .chars()
        .all(is_printable)
        .then(|| format!("'{}'", value.replace('\'', "''")))
}

/// The string in double quotes, with escapes that JSON knows too.
pub(super) fn double_quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            character if is_printable(character) => quoted.push(character),
            character => {
                // Writing to a string does not fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{super::parse, PlainType, double_quoted, is_plain_string, single_quoted};

    #[test]
    fn what_another_reader_takes_for_something_else_is_no_plain_string() {
        for text in [
            "",
            "~",
            "null",
            "Null",
            "NULL",
            "true",
            "False",
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "N",
            "8080",
            "0755",
            "+1",
            "-12",
            "1_000",
            "0x1F",
            "0o17",
            "0b101",
            "1e3",
            "1E-3",
            ".5",
            "5.",
            "1.5",
            "-.inf",
            ".NaN",
            "1:30",
            "190:20:30.15",
            "2024-01-01",
            "2001-12-14t21:59:43.10-05:00",
            "2024-1-1 10:00:00",
            "<<",
            "=",
        ] {
            assert!(PlainType::of(text).is_some(), "{text:?}");
            assert!(!is_plain_string(text, false), "{text:?}");
        }
        for text in [
            "a",
            "1.2.3",
            "10.0.0.1",
            "nginx:1.25",
            "-a",
            ":a",
            "?a",
            "a#b",
            "a:b",
            "--flag",
            "1h",
            "0x",
            "e3",
            "..",
            "/x",
            "yess",
            "2024-01",
            "é",
        ] {
            assert_eq!(PlainType::of(text), None, "{text:?}");
            assert!(is_plain_string(text, false), "{text:?}");
        }
    }

    #[test]
    fn what_plain_style_cannot_express_is_quoted() {
        for text in [
            " a",
            "a ",
            "a: b",
            "a #b",
            "a:",
            "- a",
            "-",
            "? a",
            "[a",
            "{a",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "'a",
            "\"a",
            "%a",
            "@a",
            "`a",
            "#a",
            "a\nb",
            "a\tb",
            "---",
            "... x",
            "\u{85}",
            "\u{feff}a",
            "\u{7f}",
            ",a",
        ] {
            assert!(!is_plain_string(text, false), "{text:?}");
        }
        for text in [
            "a,b",
            "a]",
            "a{b",
            "-,",
            ":8098",
            "::1",
            "?x",
            "http://app/?ready",
        ] {
            assert!(
                is_plain_string(text, false) && !is_plain_string(text, true),
                "{text:?}"
            );
        }
    }

    #[test]
    fn quoted_strings_are_read_back() {
        for value in [
            "",
            "it's",
            "a\"b\\c",
            "a\nb\tc\rd",
            " é😀 ",
            "\u{0}\u{1b}\u{85}\u{2028}\u{feff}\u{ffff}",
            "a: b # c",
        ] {
            let double = double_quoted(value);
            let texts = [
                Some(double.clone()),
                Some(format!("[{double}]")),
                single_quoted(value),
            ];
            for text in texts.into_iter().flatten() {
                let stream = parse(&text).unwrap();
                let node = stream.root(0).unwrap();
                let node = node.items().next().unwrap_or(node);
                assert_eq!(node.as_str(), Some(value), "{text}");
            }
        }
        assert_eq!(single_quoted("a\nb"), None);
    }
}
