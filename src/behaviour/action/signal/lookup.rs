//! How the numbers of processes are found: `pgrep x`, `ps aux | grep '[x]y' | awk '{print $2}'`, `cat x.pid`.

use crate::shell::{Command, Simple, Word};

use super::{Target, Within};

/// The process whose number a pipeline prints.
pub(super) fn of_commands(commands: &[Command]) -> Option<Target> {
    let mut simples = commands.iter().map_while(|command| match command {
        Command::Simple(simple) => Some(simple),
        _ => None,
    });
    let first = simples.next()?;
    let (program, rest) = first.words.split_first()?;
    let operand = rest
        .iter()
        .rev()
        .find(|word| !word.raw.starts_with('-'))
        .and_then(Word::literal);
    match program.raw.rsplit('/').next()? {
        name @ ("pgrep" | "pidof") => {
            let has = |letter: char, long: &str| {
                rest.iter().any(|word| {
                    word.raw == long
                        || word.raw.starts_with('-')
                            && !word.raw.starts_with("--")
                            && word.raw.contains(letter)
                })
            };
            let is_exact = name == "pidof" || has('x', "--exact");
            Some(Target::Process {
                pattern: plain(&operand?),
                within: Within::of_pattern(has('f', "--full"), is_exact),
            })
        }
        "cat" => Some(Target::PidFile(operand?.into_owned())),
        "ps" => simples.find_map(searched).map(|pattern| Target::Process {
            pattern,
            within: Within::CommandLine,
        }),
        _ => None,
    }
}

/// The index of the command that `xargs` runs.
pub(super) fn behind_xargs(words: &[Word]) -> Option<usize> {
    let program = words.first()?.raw.rsplit('/').next()?;
    if program != "xargs" {
        return None;
    }
    let mut at = 1;
    while let Some(option) = words.get(at).filter(|word| word.raw.starts_with('-')) {
        // The letters of xargs' options that take the next word where nothing is attached.
        let takes_word = matches!(
            option.raw.as_str(),
            "-I" | "-n" | "-P" | "-L" | "-s" | "-d" | "-E" | "-a"
        );
        at += 1 + usize::from(takes_word);
    }
    (at < words.len()).then_some(at)
}

/// What a command of a pipeline searches its input for.
fn searched(simple: &Simple) -> Option<String> {
    let (program, rest) = simple.words.split_first()?;
    let is_option = |word: &&Word| word.raw.starts_with('-');
    let operand = || rest.iter().find(|word| !is_option(word))?.literal();
    match program.raw.rsplit('/').next()? {
        "grep" | "egrep" | "fgrep" => {
            let excludes = rest.iter().filter(is_option).any(|word| {
                word.raw == "--invert-match" || !word.raw.starts_with("--") && word.raw.contains('v')
            });
            (!excludes).then(|| operand().map(|pattern| plain(&pattern)))?
        }
        "awk" | "gawk" | "mawk" => of_awk(&operand()?),
        "sed" => between_slashes(&operand()?),
        _ => None,
    }
}

/// The pattern of `/envoy/ {print $1}`, `$2 ~ /envoy/` and `$2 == "envoy" {print $1}`.
fn of_awk(program: &str) -> Option<String> {
    let condition = program.split('{').next().unwrap_or(program);
    let condition = match condition.trim().is_empty() {
        // `{ if ($2 == "envoy") print $1 }`
        true => program,
        false => condition,
    };
    let mut parts = condition.split("&&").filter(|part| {
        let part = part.trim();
        !part.starts_with('!') && !part.contains("!~") && !part.contains("!=") && !part.contains("||")
    });
    parts.find_map(|part| {
        let compared = || {
            let (_, behind) = part.split_once("==")?;
            let text = behind.trim_start().strip_prefix('"')?;
            Some(plain(text.split('"').next()?))
        };
        between_slashes(part).or_else(compared)
    })
}

/// `/pattern/`
fn between_slashes(text: &str) -> Option<String> {
    let (before, behind) = text.split_once('/')?;
    if before.trim_end().ends_with('!') {
        return None;
    }
    let escaped = behind.replace("\\/", "\u{0}");
    let pattern = escaped.split('/').next().filter(|pattern| !pattern.is_empty())?;
    (pattern.len() < escaped.len()).then(|| plain(&pattern.replace('\u{0}', "/")))
}

/// A pattern without what only keeps a search from finding itself, or marks the ends: `[e]nvoy`, `^envoy$`.
fn plain(pattern: &str) -> String {
    let pattern = pattern.trim().trim_start_matches('^').trim_end_matches('$');
    let mut plain = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '[' {
            plain.push(letter);
            continue;
        }
        let rest: Vec<char> = letters.clone().take(2).collect();
        match rest.as_slice() {
            [one, ']'] if one.is_ascii_alphanumeric() => {
                plain.push(*one);
                letters.nth(1);
            }
            _ => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_what_the_process_is_called() {
        for (pattern, name) in [
            ("[e]nvoy", "envoy"),
            ("envo[y]$", "envoy"),
            ("^envoy", "envoy"),
            ("[0-9]", "[0-9]"),
        ] {
            assert_eq!(plain(pattern), name, "{pattern}");
        }
    }

    #[test]
    fn the_pattern_of_awk_is_what_a_line_has_to_have() {
        for (program, found) in [
            ("/envoy/ {print $1}", Some("envoy")),
            ("$2 ~ /[e]nvoy/ {print $1}", Some("envoy")),
            ("$2==\"envoy\" {print $1}", Some("envoy")),
            ("!/awk/ && /envoy/ {print $1}", Some("envoy")),
            ("{ if ($2 == \"envoy\") print $1 }", Some("envoy")),
            ("{print $2}", None),
            ("NR>1 {print $2}", None),
            ("!/envoy/ {print $2}", None),
            ("$2 != \"envoy\" {print $1}", None),
        ] {
            assert_eq!(of_awk(program).as_deref(), found, "{program}");
        }
    }
}
