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
pub(crate) fn is_secret_option(word: &str) -> bool {
    word.starts_with('-') && !word.contains(['=', ' ']) && is_secret_name(word)
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|part| name.contains(part)) && !PLACES.iter().any(|end| name.ends_with(end))
}

/// Programs' options whose value is a name and a password: `curl -u name:password`.
const ACCOUNTS: [&str; 3] = ["-u", "--user", "--proxy-user"];

/// Where secrets stand in a text: behind `--token=`, `--token ` and `PASSWORD=`, behind `Bearer` and `Basic`, and as the
/// password of a URL or an account. What comes out of a variable is none.
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
    for scheme in ["Bearer ", "bearer ", ": Basic ", ": basic "] {
        let headers = text.match_indices(scheme);
        found.extend(headers.map(|(at, word)| value_at(text, at + word.len())));
    }
    found.extend(values_of_options(text));
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
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Values that stand behind their option, in a script.
fn values_of_options(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut option = "";
    let mut end = 0;
    for word in text.split_ascii_whitespace() {
        let Some(start) = text.get(end..).and_then(|rest| rest.find(word)) else {
            break;
        };
        let start = end + start;
        end = start + word.len();
        let is_value = !word.starts_with('-');
        if is_value && is_secret_option(option) {
            found.push(value_at(text, start));
        } else if is_value && ACCOUNTS.contains(&option) {
            let value = value_at(text, start);
            let account = text.get(value.clone()).unwrap_or_default();
            // `-u 1000:1000` is no account.
            let colon = account
                .find(':')
                .filter(|_| account.contains(char::is_alphabetic));
            found.extend(colon.map(|colon| value.start + colon + 1..value.end));
        }
        option = word.trim_matches(['"', '\'', '[', ',']);
    }
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
pub(crate) fn without_secrets(text: &str) -> String {
    let mut shown = text.to_owned();
    for range in secrets(text).into_iter().rev() {
        shown.replace_range(range, "***");
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
                "login --password hunter2 --token-file /t; curl -u me:hunter2 -H 'Authorization: Basic bWU6' x",
                "login --password *** --token-file /t; curl -u me:*** -H 'Authorization: Basic ***' x",
            ),
            (
                "[\"--token\", \"hunter2\", \"--secret-file\", \"x\"]",
                "[\"--token\", \"***\", \"--secret-file\", \"x\"]",
            ),
            (
                "TOKEN=http://a:b@c --password --help; run -u 1000:1000 --secret $S",
                "TOKEN=*** --password --help; run -u 1000:1000 --secret $S",
            ),
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
