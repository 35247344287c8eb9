//! Signals: kill, pkill, killall.

use crate::shell::{Command, Piece, Simple, Word};

use super::{Kill, ProcessTarget, command_line::CommandLine};

/// The signal a command sends.
pub(super) fn kill(simple: &Simple, line: &CommandLine) -> Option<Kill> {
    let by_name = match line.program() {
        "kill" => false,
        "pkill" | "killall" | "killall5" | "skill" => true,
        _ => return None,
    };
    let mut signal = "TERM".to_owned();
    let mut targets = Vec::new();
    let mut words = line.arguments.iter().enumerate().skip(1);
    while let Some((index, argument)) = words.next() {
        let text = argument.known.as_str();
        match text {
            "-s" | "--signal" | "-n" if !(by_name && text == "-n") => {
                signal = words
                    .next()
                    .map(|(_, next)| next.known.clone())
                    .unwrap_or_default();
            }
            "-u" | "-g" | "-P" | "-t" | "--parent" | "--euid" if by_name => {
                words.next();
            }
            "--" => {}
            _ if text.starts_with("--signal=") => {
                text.trim_start_matches("--signal=").clone_into(&mut signal)
            }
            _ if text.starts_with('-')
                && text.len() > 1
                && targets.is_empty()
                && argument.value.is_some() =>
            {
                let name = text.trim_start_matches('-');
                if is_signal(name) {
                    name.clone_into(&mut signal);
                }
            }
            _ => targets.push(target(simple.words.get(line.skipped + index), text, by_name)),
        }
    }
    let signal = signal.trim_start_matches("SIG").to_ascii_uppercase();
    let signal = match signal.as_str() {
        "15" => "TERM".to_owned(),
        "9" => "KILL".to_owned(),
        "2" => "INT".to_owned(),
        "3" => "QUIT".to_owned(),
        _ => signal,
    };
    (!targets.is_empty()).then_some(Kill { signal, targets })
}

fn is_signal(name: &str) -> bool {
    name.chars().all(|letter| letter.is_ascii_digit())
        || (name.len() > 1
            && name
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit()))
}

fn target(word: Option<&Word>, text: &str, by_name: bool) -> ProcessTarget {
    if by_name {
        return if text.is_empty() {
            ProcessTarget::Unknown
        } else {
            ProcessTarget::Name(text.to_owned())
        };
    }
    if let Ok(number) = text.parse() {
        return ProcessTarget::Number(number);
    }
    let Some(word) = word else {
        return ProcessTarget::Unknown;
    };
    word.pieces
        .iter()
        .find_map(piece_target)
        .unwrap_or(ProcessTarget::Unknown)
}

fn piece_target(piece: &Piece) -> Option<ProcessTarget> {
    match piece {
        Piece::Variable { .. } => Some(ProcessTarget::Child),
        Piece::Substitution {
            script: Some(list), ..
        } => {
            let command = list.statements.first()?.and_or.first.commands.first()?;
            let Command::Simple(simple) = command else {
                return None;
            };
            let mut words = simple.words.iter().filter_map(|word| word.literal());
            let program = words.next()?;
            match program.rsplit('/').next().unwrap_or_default() {
                "pgrep" | "pidof" => words
                    .find(|word| !word.starts_with('-'))
                    .map(|name| ProcessTarget::Name(name.into_owned())),
                // `kill $(ps … | grep name | awk …)`
                "ps" => list
                    .statements
                    .first()?
                    .and_or
                    .first
                    .commands
                    .iter()
                    .skip(1)
                    .find_map(grep_pattern),
                // `kill $(cat /var/run/x.pid)`
                "cat" | "head" => Some(ProcessTarget::Child),
                "jobs" => Some(ProcessTarget::Child),
                _ => None,
            }
        }
        _ => None,
    }
}

fn grep_pattern(command: &Command) -> Option<ProcessTarget> {
    let Command::Simple(simple) = command else {
        return None;
    };
    let mut words = simple.words.iter().filter_map(|word| word.literal());
    if !matches!(words.next()?.as_ref(), "grep" | "egrep" | "awk") {
        return None;
    }
    let mut inverted = false;
    let pattern = words.find(|word| {
        inverted |= word.starts_with("-v");
        !word.starts_with('-')
    })?;
    let name: String = pattern
        .chars()
        .filter(|letter| !matches!(letter, '[' | ']' | '^' | '$' | '/'))
        .collect();
    (!inverted).then_some(ProcessTarget::Name(name))
}
