//! Commands that run the command behind them: `exec`, `env`, `timeout`.

use super::Word;

/// A command that runs the rest of its words as a command, here and with nothing added.
struct Prefix {
    program: &'static str,
    /// Words that must stand before the command: the limit of `timeout`, the user of `gosu`.
    operands: usize,
    /// Short options that take the next word.
    takes_word: &'static str,
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
    prefix("gtimeout", 1, "ks"),
    prefix("ionice", 0, "cn"),
    prefix("nice", 0, "n"),
    prefix("nohup", 0, ""),
    prefix("setsid", 0, ""),
    prefix("stdbuf", 0, "ioe"),
    prefix("su-exec", 1, ""),
    prefix("sudo", 0, "ugCDhpRT"),
    prefix("taskset", 1, ""),
    prefix("time", 0, "fo"),
    prefix("timeout", 1, "ks"),
    prefix("tini", 0, "pe"),
    prefix("toybox", 0, ""),
    prefix("unbuffer", 0, ""),
];

const fn prefix(program: &'static str, operands: usize, takes_word: &'static str) -> Prefix {
    Prefix {
        program,
        operands,
        takes_word,
    }
}

/// The length of the prefix command at the start of `words`; nothing where none stands there.
#[must_use]
pub fn prefix_length(words: &[Word]) -> Option<usize> {
    let program = words.first()?.literal()?;
    let name = program.rsplit('/').next()?;
    let found = PREFIXES.binary_search_by_key(&name, |prefix| prefix.program);
    let prefix = PREFIXES.get(found.ok()?)?;
    let mut at = 1;
    while let Some(word) = words.get(at).and_then(Word::literal) {
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
        if letters.len() == 1 && prefix.takes_word.contains(letters) {
            at += 1;
        }
    }
    at += prefix.operands;
    // busybox's old `timeout -t 5 command` has its limit behind an option.
    if prefix.operands == 1 && name == "timeout" && words.get(1).is_some_and(|word| word.raw == "-t") {
        at = 3;
    }
    (at < words.len()).then_some(at)
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
}
