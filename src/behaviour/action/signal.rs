//! Signals: kill, pkill, killall, and the tools that look processes up.

use crate::shell::{Command, List, Piece, Word};

use super::{
    Action,
    argument::{Argument, Syntax},
    values::UNKNOWN,
};

/// A process that is waited for, tested or signalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By number; `1` is the container's first process, `-1` are all.
    Pid(i64),
    /// By the variable that holds its number; `!` is the last background process.
    Variable(String),
    /// By name or pattern: `pkill envoy`, `$(pidof envoy)`.
    Process {
        /// The name, or the pattern.
        pattern: String,
        /// `-f`: the pattern is looked for in the whole command line.
        full_command_line: bool,
    },
    /// By the file that holds its number: `$(cat /run/x.pid)`.
    PidFile(String),
    /// `%1`
    Job(String),
    /// In a way that isn't understood.
    Unknown,
}

pub(super) fn action(name: &str, arguments: &[Argument]) -> Option<Action> {
    match name {
        "kill" => kill(arguments),
        "pkill" => Some(by_pattern(arguments, false)),
        "pgrep" | "pidof" => Some(by_pattern(arguments, true)),
        "killall" | "skill" => Some(killall(arguments)),
        "killall5" => Some(all(arguments)),
        _ => None,
    }
}

fn kill(arguments: &[Argument]) -> Option<Action> {
    let mut signal = None;
    let mut targets = Vec::new();
    let mut index = 0;
    let mut options = true;
    while let Some(argument) = arguments.get(index) {
        index += 1;
        let text = argument.text.as_str();
        match text {
            "--" if options => options = false,
            "-l" | "-L" | "--list" if options => return Some(Action::Echo),
            "-s" | "-n" | "--signal" if options => {
                signal = arguments.get(index).map(|name| name.text.clone());
                index += 1;
            }
            // Only the first option is a signal, the next one a process group.
            _ if options && signal.is_none() && text.len() > 1 && text.starts_with('-') => {
                let name = text.trim_start_matches('-');
                signal = Some(name.strip_prefix("signal=").unwrap_or(name).to_owned());
            }
            _ => targets.push(target(argument)),
        }
    }
    let only_tests = signal.as_deref() == Some("0");
    (!targets.is_empty()).then_some(Action::Signal {
        signal: signal.as_deref().map(signal_name),
        targets,
        only_tests,
    })
}

const PKILL: Syntax = Syntax {
    short: "uUgGPtsFd",
    short_attached: "",
    long: &[
        "signal", "euid", "uid", "group", "pgroup", "parent", "session", "terminal", "pidfile",
    ],
    single_dash: false,
};

fn by_pattern(arguments: &[Argument], only_tests: bool) -> Action {
    let (signal, rest) = leading_signal(arguments);
    let options = PKILL.read(&rest, false);
    let full_command_line = options.has(&["f", "full"]);
    let targets = options
        .operands
        .iter()
        .map(|(_, pattern)| by_name(pattern, full_command_line))
        .collect();
    let long = options.value(&["signal"]).map(|value| value.text.to_owned());
    Action::Signal {
        signal: signal.or(long).as_deref().map(signal_name),
        targets,
        only_tests,
    }
}

fn killall(arguments: &[Argument]) -> Action {
    const KILLALL: Syntax = Syntax {
        short: "suoyZ",
        short_attached: "",
        long: &["signal", "user", "older-than", "younger-than"],
        single_dash: false,
    };
    let (signal, rest) = leading_signal(arguments);
    let options = KILLALL.read(&rest, false);
    let long = options.value(&["s", "signal"]).map(|value| value.text.to_owned());
    let signal = signal.or(long);
    Action::Signal {
        only_tests: signal.as_deref() == Some("0"),
        signal: signal.as_deref().map(signal_name),
        targets: options
            .operands
            .iter()
            .map(|(_, name)| by_name(name, false))
            .collect(),
    }
}

/// All processes but the caller's own session.
fn all(arguments: &[Argument]) -> Action {
    let (signal, _) = leading_signal(arguments);
    Action::Signal {
        only_tests: signal.as_deref() == Some("0"),
        signal: signal.as_deref().map(signal_name),
        targets: vec![Target::Pid(-1)],
    }
}

/// `-INT`, `-9`, `-SIGTERM` among the options.
fn leading_signal<'a>(arguments: &[Argument<'a>]) -> (Option<String>, Vec<Argument<'a>>) {
    let is_signal = |text: &str| {
        text.strip_prefix('-').is_some_and(|name| {
            !name.is_empty()
                && (name.bytes().all(|byte| byte.is_ascii_digit())
                    || name.len() > 2
                        && name
                            .bytes()
                            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
        })
    };
    let position = arguments.iter().position(|argument| is_signal(&argument.text));
    let mut rest = arguments.to_vec();
    let signal = position.map(|index| rest.remove(index).text.trim_start_matches('-').to_owned());
    (signal, rest)
}

fn by_name(argument: &Argument, full_command_line: bool) -> Target {
    match argument.known() {
        Some(pattern) => Target::Process {
            pattern: pattern.to_owned(),
            full_command_line,
        },
        None => variable(argument.word).unwrap_or(Target::Unknown),
    }
}

/// `SIGTERM` and `term` are `TERM`.
fn signal_name(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    upper.strip_prefix("SIG").unwrap_or(&upper).to_owned()
}

/// The process that a word of `kill` or `wait` names.
pub(super) fn target(argument: &Argument) -> Target {
    if let Some(variable) = variable(argument.word) {
        return variable;
    }
    let text = argument.text.as_str();
    if let Ok(number) = text.parse() {
        return Target::Pid(number);
    }
    if text.starts_with('%') {
        return Target::Job(text.to_owned());
    }
    if text.contains(UNKNOWN) {
        return argument
            .word
            .substitutions()
            .find_map(looked_up)
            .unwrap_or(Target::Unknown);
    }
    Target::Process {
        pattern: text.to_owned(),
        full_command_line: false,
    }
}

/// `$PID`, `"${PID}"`, `-$PID`
fn variable(word: &Word) -> Option<Target> {
    match word.pieces.as_slice() {
        [Piece::Variable { name, .. }] => Some(Target::Variable(name.clone())),
        [Piece::Text { text, .. }, Piece::Variable { name, .. }] if text == "-" => {
            Some(Target::Variable(name.clone()))
        }
        _ => None,
    }
}

/// What `$(pgrep x)`, `$(pidof x)` and `$(cat file)` find.
fn looked_up(list: &List) -> Option<Target> {
    for statement in &list.statements {
        let Some(Command::Simple(simple)) = statement.and_or.first.commands.first() else {
            continue;
        };
        let (program, rest) = simple.words.split_first()?;
        let full_command_line = rest.iter().any(|word| word.raw == "-f" || word.raw == "--full");
        let operand = rest
            .iter()
            .rev()
            .find(|word| !word.raw.starts_with('-'))
            .and_then(Word::literal);
        match program.raw.rsplit('/').next()? {
            "pgrep" | "pidof" => {
                return Some(Target::Process {
                    pattern: operand?.into_owned(),
                    full_command_line,
                });
            }
            "cat" => return Some(Target::PidFile(operand?.into_owned())),
            // `ps … | grep name | …`
            "ps" => return of_listing(statement.and_or.first.commands.as_slice()),
            _ => {}
        }
    }
    None
}

/// The pattern that `ps` is searched for.
fn of_listing(commands: &[Command]) -> Option<Target> {
    commands.iter().find_map(|command| {
        let Command::Simple(simple) = command else {
            return None;
        };
        let (program, rest) = simple.words.split_first()?;
        let searches = matches!(program.raw.rsplit('/').next()?, "grep" | "egrep" | "fgrep");
        let excludes = rest
            .iter()
            .any(|word| word.raw.starts_with('-') && word.raw.contains('v'));
        let pattern = rest.iter().find(|word| !word.raw.starts_with('-'))?.literal()?;
        (searches && !excludes).then(|| Target::Process {
            pattern: pattern.into_owned(),
            full_command_line: true,
        })
    })
}
