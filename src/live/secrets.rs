//! Parts of arguments and scripts that look like secrets. A report of a cluster is passed on, and what stands there was
//! never meant to be.

use std::ops::Range;

/// Words in the names of options and variables whose values are secrets.
const NAMES: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "credential",
    "private-key",
];

/// Ends of such names that make a value a place, not a secret.
const PLACES: [&str; 6] = ["file", "path", "name", "dir", "url", "ref"];

/// Whether a word is an option whose value is the next word: `--password`.
#[must_use]
pub fn is_secret_option(word: &str) -> bool {
    word.starts_with('-') && !word.contains(['=', ' ']) && is_secret_name(word)
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|part| name.contains(part)) && !PLACES.iter().any(|end| name.ends_with(end))
}

/// Where secrets stand in a text: behind `--token=` and `PASSWORD=`, behind `Bearer`, and as the password of a URL. What
/// comes out of a variable is none.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('=') {
        let before = text.get(..at).unwrap_or_default();
        let is_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
        let name = before.trim_end_matches(is_name).len();
        if is_secret_name(before.get(name..).unwrap_or_default()) {
            found.push(value_at(text, at + 1));
        }
    }
    for (at, word) in text.match_indices("Bearer ").chain(text.match_indices("bearer ")) {
        found.push(value_at(text, at + word.len()));
    }
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let rest = text.get(start..).unwrap_or_default();
        let authority = rest
            .split(['/', ' ', '"', '\'', '\n', '?'])
            .next()
            .unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((name, _)) = user.split_once(':')
        {
            found.push(start + name.len() + 1..start + user.len());
        }
    }
    found.retain(|range| {
        let value = text.get(range.clone()).unwrap_or_default();
        !value.is_empty() && !value.starts_with('$')
    });
    found.sort_by_key(|range| range.start);
    found
}

/// The value that starts at a byte, to the next blank, quote or separator.
fn value_at(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
    let from = start + quote.map_or(0, char::len_utf8);
    let ends = |character: char| match quote {
        Some(quote) => character == quote,
        None => character.is_whitespace() || "\"';&|,)]}".contains(character),
    };
    let rest = text.get(from..).unwrap_or_default();
    from..from + rest.find(ends).unwrap_or(rest.len())
}

/// The text with `***` in the place of what looks like a secret.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let mut shown = text.to_owned();
    for range in secrets(text).into_iter().rev() {
        // Ranges may touch each other, as in a URL behind `TOKEN=`.
        if shown.get(range.clone()).is_some() {
            shown.replace_range(range, "***");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_their_names_and_places() {
        for (text, expected) in [
            ("app --password=hunter2 --port=80", "app --password=*** --port=80"),
            ("DB_PASSWORD='a b' exec app", "DB_PASSWORD='***' exec app"),
            (
                "curl -H \"Authorization: Bearer abc.def\" x",
                "curl -H \"Authorization: Bearer ***\" x",
            ),
            (
                "psql postgres://app:geheim@db/x?y",
                "psql postgres://app:***@db/x?y",
            ),
            ("--api-key=abc,--x", "--api-key=***,--x"),
            (
                "--token-file=/var/run/t --secret-name=x",
                "--token-file=/var/run/t --secret-name=x",
            ),
            (
                "--password=$PASSWORD http://localhost:80/@",
                "--password=$PASSWORD http://localhost:80/@",
            ),
        ] {
            assert_eq!(without_secrets(text), expected);
        }
        assert!(is_secret_option("--token") && !is_secret_option("--token=x") && !is_secret_option("token"));
    }
}
