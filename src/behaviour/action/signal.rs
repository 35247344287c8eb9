//! Signals: kill, pkill, killall, and the tools that look processes up.

mod lookup;

use crate::shell::{Command, List, Piece, Pipeline, Word};

use super::{
    Action, CommandAction,
    argument::{Argument, Syntax, arguments},
    values::{UNKNOWN, Values},
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
        /// Where it is looked for.
        within: Within,
    },
    /// By the file that holds its number: `$(cat /run/x.pid)`.
    PidFile(String),
    /// `%1`
    Job(String),
    /// In a way that isn't understood.
    Unknown,
}

/// Where the name or the pattern of a process is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// `killall`, `pidof`, `pkill -x`: it is the process's whole name.
    WholeName,
    /// `pkill`, `pgrep`: it is a part of the name, as far as the kernel keeps it.
    Name,
    /// `-f`: it is a part of the command line.
    CommandLine,
}

/// The bytes of a process's name that the kernel keeps (proc_pid_comm(5)).
const KEPT: usize = 15;

impl Within {
    /// Where the options of `pgrep` and `pkill` say that a pattern is looked for.
    fn of_pattern(is_full: bool, is_exact: bool) -> Self {
        match (is_full, is_exact) {
            (true, _) => Self::CommandLine,
            (_, true) => Self::WholeName,
            _ => Self::Name,
        }
    }

    /// Whether a pattern fits a process that a program of this name is run in. One that is more than a plain text is not
    /// understood.
    #[must_use]
    pub fn fits_in_part(self, pattern: &str, program: &str) -> bool {
        let kept = program.get(..KEPT).unwrap_or(program);
        let text = pattern.trim_start_matches('^');
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        self == Self::Name
            && text.len() > 2
            && text.chars().all(is_plain)
            && match text.len() == pattern.len() {
                true => kept.contains(text),
                false => kept.starts_with(text),
            }
    }
}

pub(super) fn action(name: &str, arguments: &[Argument]) -> Option<Action> {
    match name {
        "kill" => kill(arguments),
        "pkill" => Some(by_pattern(arguments, false, false)),
        "pgrep" | "pidof" => Some(by_pattern(arguments, true, name == "pidof")),
        "killall" | "skill" => Some(killall(arguments)),
        "killall5" => Some(all(arguments)),
        "pg_ctl" => pg_ctl(arguments),
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

fn by_pattern(arguments: &[Argument], only_tests: bool, is_exact: bool) -> Action {
    let (signal, rest) = leading_signal(arguments);
    let options = PKILL.read(&rest, false);
    let is_exact = is_exact || options.has(&["x", "exact"]);
    let within = Within::of_pattern(options.has(&["f", "full"]), is_exact);
    let targets = options
        .operands
        .iter()
        .map(|(_, pattern)| by_name(pattern, within))
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
            .map(|(_, name)| by_name(name, Within::WholeName))
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

/// `pg_ctl stop` sends the server the signal of its mode (https://www.postgresql.org/docs/current/app-pg-ctl.html).
fn pg_ctl(arguments: &[Argument]) -> Option<Action> {
    const PG_CTL: Syntax = Syntax {
        short: "DmtloUPS",
        short_attached: "",
        long: &["pgdata", "mode", "timeout", "log", "options"],
        single_dash: false,
    };
    let options = PG_CTL.read(arguments, false);
    let stops = options
        .operands
        .first()
        .is_some_and(|(_, word)| word.text == "stop");
    let mode = options.value(&["m", "mode"]).map_or("fast", |mode| mode.text);
    let signal = match mode.get(..1) {
        Some("s") => "TERM",
        Some("i") => "QUIT",
        _ => "INT",
    };
    stops.then(|| Action::Signal {
        signal: Some(signal.to_owned()),
        targets: vec![Target::Process {
            pattern: "postgres".to_owned(),
            within: Within::WholeName,
        }],
        only_tests: false,
    })
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

fn by_name(argument: &Argument, within: Within) -> Target {
    match argument.known() {
        Some(pattern) => Target::Process {
            pattern: pattern.to_owned(),
            within,
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
        within: Within::WholeName,
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
    list.statements
        .iter()
        .find_map(|statement| lookup::of_commands(&statement.and_or.first.commands))
}

/// The process that the value of a variable is the number of: `$(pidof envoy)` and nothing else.
pub(crate) fn of_value(word: &Word) -> Option<Target> {
    match word.pieces.as_slice() {
        [
            Piece::Substitution {
                script: Some(list), ..
            },
        ] => looked_up(list),
        _ => None,
    }
}

/// The processes whose numbers the first commands of a pipeline print.
pub(crate) fn of_listing(commands: &[Command]) -> Option<Target> {
    lookup::of_commands(commands)
}

/// `ps aux | grep -q envoy`: whether a process is there.
pub(super) fn listed(pipeline: &Pipeline, values: &Values) -> Option<CommandAction> {
    let Some(Command::Simple(list)) = pipeline.commands.first() else {
        return None;
    };
    let Some(Command::Simple(last)) = pipeline.commands.last() else {
        return None;
    };
    let is_ps = list.words.first()?.raw.rsplit('/').next() == Some("ps");
    let counts = |word: &Word| matches!(word.raw.as_str(), "grep" | "egrep" | "fgrep" | "wc");
    if !is_ps || !last.words.first().is_some_and(counts) {
        return None;
    }
    let mut action = super::classify_simple(list, values);
    action.action = Action::Signal {
        signal: None,
        targets: vec![lookup::of_commands(&pipeline.commands)?],
        only_tests: true,
    };
    Some(action)
}

/// `pgrep envoy | xargs kill`: the numbers come from the commands before it.
pub(super) fn through_pipe(pipeline: &Pipeline, values: &Values) -> Option<CommandAction> {
    let (last, before) = pipeline.commands.split_last()?;
    let Command::Simple(simple) = last else {
        return None;
    };
    let at = lookup::behind_xargs(&simple.words)?;
    let words = arguments(simple.words.get(at..)?, values);
    let (program, rest) = words.split_first()?;
    let name = program.known()?;
    if name.rsplit('/').next() != Some("kill") {
        return None;
    }
    let (signal, _) = leading_signal(rest);
    let named = rest
        .iter()
        .position(|word| matches!(word.text.as_str(), "-s" | "-n" | "--signal"))
        .and_then(|option| rest.get(option + 1))
        .map(|name| name.text.clone());
    let signal = named.or(signal);
    let mut action = CommandAction::new(
        Action::Signal {
            only_tests: signal.as_deref() == Some("0"),
            signal: signal.as_deref().map(signal_name),
            targets: vec![lookup::of_commands(before).unwrap_or(Target::Unknown)],
        },
        pipeline.span.clone(),
    );
    action.program_word = at;
    Some(action)
}
