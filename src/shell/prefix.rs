//! Commands that run the command behind them: `exec`, `env`, `timeout`.

use std::borrow::Cow;

use super::{Simple, Word};

/// A command that runs the rest of its words as a command, here and with nothing added.
struct Prefix {
    program: &'static str,
    /// Words that must stand before the command: the limit of `timeout`, the user of `gosu`.
    operands: usize,
    /// Short options that take the next word.
    takes_word: &'static str,
    /// Long ones.
    long: &'static [&'static str],
    /// It ends the command after a time.
    limits_time: bool,
}

/// In the order of their names.
const PREFIXES: [Prefix; 24] = [
    prefix("builtin", 0, ""),
    prefix("busybox", 0, ""),
    prefix("catatonit", 0, ""),
    prefix("chpst", 0, "uUbne"),
    prefix("chrt", 1, ""),
    prefix("command", 0, ""),
    prefix("dumb-init", 0, "r"),
    prefix("env", 0, "uSC"),
    prefix("exec", 0, "a"),
    prefix("gosu", 1, ""),
    time_limit("gtimeout"),
    prefix("ionice", 0, "cn"),
    prefix("nice", 0, "n"),
    prefix("nohup", 0, ""),
    prefix("setsid", 0, ""),
    prefix("stdbuf", 0, "ioe"),
    prefix("su-exec", 1, ""),
    prefix("sudo", 0, "ugCDhpRT"),
    prefix("taskset", 1, ""),
    prefix("time", 0, "fo"),
    time_limit("timeout"),
    prefix("tini", 0, "pe"),
    prefix("toybox", 0, ""),
    prefix("unbuffer", 0, ""),
];

const fn prefix(program: &'static str, operands: usize, takes_word: &'static str) -> Prefix {
    Prefix {
        program,
        operands,
        takes_word,
        long: &[],
        limits_time: false,
    }
}

/// `timeout -k 5 600 COMMAND`
const fn time_limit(program: &'static str) -> Prefix {
    Prefix {
        long: &["kill-after", "signal"],
        limits_time: true,
        ..prefix(program, 1, "ks")
    }
}

/// The prefix command that a word is.
fn prefix_of(word: &str) -> Option<&'static Prefix> {
    let name = word.rsplit('/').next()?;
    let found = PREFIXES.binary_search_by_key(&name, |prefix| prefix.program);
    PREFIXES.get(found.ok()?)
}

/// Whether a word is a command that ends the one behind it after a time.
#[must_use]
pub fn limits_time(word: &str) -> bool {
    prefix_of(word).is_some_and(|prefix| prefix.limits_time)
}

/// The length of the prefix command at the start of `words`; nothing where none stands there.
#[must_use]
pub fn prefix_length(words: &[Word]) -> Option<usize> {
    length(words.len(), |at| words.get(at)?.literal())
}

/// [`prefix_length`], of words that no shell reads.
#[must_use]
pub fn prefix_length_of_texts(words: &[&str]) -> Option<usize> {
    length(words.len(), |at| words.get(at).map(|word| Cow::Borrowed(*word)))
}

fn length<'w>(count: usize, word_at: impl Fn(usize) -> Option<Cow<'w, str>>) -> Option<usize> {
    let prefix = prefix_of(&word_at(0)?)?;
    let mut at = 1;
    while let Some(word) = word_at(at) {
        if word == "--" {
            at += 1;
            break;
        }
        if prefix.program == "env" && is_assignment(&word) {
            at += 1;
            continue;
        }
        let Some(letters) = word.strip_prefix('-') else {
            break;
        };
        // `command -v` asks, it runs nothing.
        if prefix.program == "command" && letters.contains(['v', 'V']) {
            return None;
        }
        at += 1;
        let is_long = || {
            let name = letters.strip_prefix('-');
            name.is_some_and(|name| prefix.long.contains(&name))
        };
        if letters.len() == 1 && prefix.takes_word.contains(letters) || is_long() {
            at += 1;
        }
    }
    at += prefix.operands;
    // busybox's old `timeout -t 5 command` has its limit behind an option.
    if prefix.limits_time && word_at(1).as_deref() == Some("-t") {
        at = 3;
    }
    (at < count).then_some(at)
}

/// The index of the program that runs once all prefix commands are left out.
#[must_use]
pub fn command_index(words: &[Word]) -> usize {
    let mut index = 0;
    while let Some(length) = words.get(index..).and_then(prefix_length) {
        index += length;
    }
    index
}

impl Simple {
    /// The word that names the program which runs once all prefix commands are left out, and the words behind it.
    #[must_use]
    pub fn called(&self) -> Option<(&Word, &[Word])> {
        self.words.get(command_index(&self.words)..)?.split_first()
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_found_by_their_order() {
        assert!(PREFIXES.is_sorted_by_key(|prefix| prefix.program));
    }

    #[test]
    fn options_of_a_time_limit_take_their_values_along() {
        for (words, length) in [
            (&["timeout", "600", "/proxy"][..], Some(2)),
            (&["/usr/bin/timeout", "-k", "5", "10m", "/proxy"], Some(4)),
            (
                &["gtimeout", "--kill-after", "5", "--signal=INT", "10m", "/proxy"],
                Some(5),
            ),
            (&["timeout", "-t", "5", "/proxy"], Some(3)),
            (&["timeout", "600"], None),
        ] {
            assert_eq!(prefix_length_of_texts(words), length, "{words:?}");
            assert!(limits_time(words.first().unwrap()), "{words:?}");
        }
        assert!(!limits_time("nohup"));
    }
}
