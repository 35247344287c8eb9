//! What one command does, as far as it matters between containers.

use crate::shell::{EmbeddedKind, Redirect, RedirectKind, Simple, Span};

use super::{
    Address, Host,
    command_line::{CommandLine, Lookup},
    connect, file, http, signal,
};

/// What a command does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Sleeps for so many seconds; absent where the text does not say, infinite for `infinity`.
    Sleep(Option<f64>),
    /// Calls a URL.
    Http(HttpCall),
    /// Connects to a port, or asks a service for its health.
    Connect(Connection),
    /// Asks through a tool that knows the way (`docker info`, `pilot-agent wait`).
    Tool(String),
    /// Sends a signal.
    Signal(Kill),
    /// Creates or writes files.
    Write(Vec<String>),
    /// Asks whether a file is there (`negated`: whether it is not).
    TestFile {
        /// The file.
        path: String,
        /// `! -f`
        negated: bool,
    },
    /// Runs a script that is one of its words (`sh -c`, `eval`).
    Script,
    /// `trap 'script' SIGNALS`, with the signals without `SIG`.
    Trap(Vec<String>),
    /// `wait`, `wait $PID`
    Wait,
    /// `exit`, with its argument as written.
    Exit(Option<String>),
    /// `break`
    Break,
    /// Nothing that outlives the script: `echo`, `set`, `:`, assignments, counters.
    Noise,
    /// Runs a program.
    Run,
}

/// A call of a URL.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpCall {
    /// Where it goes.
    pub address: Address,
    /// Where the URL stands.
    pub span: Span,
    /// The method, where it is known.
    pub method: String,
    /// It writes the answer to this file.
    pub output: Option<String>,
    /// It sends a body.
    pub sends_body: bool,
    /// It tries again by itself until somebody answers.
    pub retries: bool,
}

/// A connection to a port.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// Where it goes.
    pub address: Address,
    /// The tool.
    pub tool: String,
    /// It waits by itself until somebody answers (`wait-for-it`, `dockerize -wait`).
    pub waits: bool,
    /// The word that starts the command it runs afterwards.
    pub runs: Option<usize>,
}

/// A signal to a process.
#[derive(Debug, Clone, PartialEq)]
pub struct Kill {
    /// The signal without `SIG`; `0` only asks.
    pub signal: String,
    /// Whom it goes to.
    pub targets: Vec<ProcessTarget>,
}

/// Whom a signal goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessTarget {
    /// Processes by name or command line.
    Name(String),
    /// A process id in a variable: a child of the script.
    Child,
    /// A literal process id.
    Number(i64),
    /// Anything else.
    Unknown,
}

/// Commands that change nothing outside the script.
const NOISE: [&str; 25] = [
    "echo", "printf", ":", "true", "false", "set", "export", "local", "declare", "readonly", "unset",
    "shift", "let", "expr", "date", "cd", "umask", "ulimit", "return", "continue", "typeset", "hash", "id",
    "hostname", "whoami",
];

/// What a simple command does.
#[must_use]
pub fn action(simple: &Simple, value_of: Lookup<'_>) -> Action {
    let line = CommandLine::new(&simple.words, value_of);
    classify(simple, &line, value_of)
}

pub(super) fn classify(simple: &Simple, line: &CommandLine, value_of: Lookup<'_>) -> Action {
    if line.arguments.is_empty() {
        return bare(simple, value_of);
    }
    let program = line.program();
    match program {
        "sleep" | "usleep" => return Action::Sleep(sleep_seconds(program, line)),
        "[" | "test" if matches!(line.value(0), Some("[" | "test" | "/usr/bin/test" | "/bin/test")) => {
            return test(line);
        }
        "exit" => return Action::Exit(simple.words.get(line.skipped + 1).map(|word| word.raw.clone())),
        "break" => return Action::Break,
        "wait" => return Action::Wait,
        "trap" => return Action::Trap(trap_signals(line)),
        _ => {}
    }
    if simple
        .scripts
        .iter()
        .any(|script| !matches!(script.kind, EmbeddedKind::Trap { .. }))
    {
        return Action::Script;
    }
    if let Some(kill) = signal::kill(simple, line) {
        return Action::Signal(kill);
    }
    if let Some(call) = http::call(simple, line, value_of) {
        return Action::Http(call);
    }
    if let Some(connection) = connect::connection(line).or_else(|| connect::redirected(simple, value_of)) {
        return Action::Connect(connection);
    }
    if let Some(tool) = connect::readiness_tool(line) {
        return Action::Tool(tool);
    }
    if let Some(action) = file::action(simple, line, value_of) {
        return action;
    }
    if NOISE.contains(&program) {
        Action::Noise
    } else {
        Action::Run
    }
}

/// An assignment or a redirection without a command.
fn bare(simple: &Simple, value_of: Lookup<'_>) -> Action {
    if let Some(connection) = connect::redirected(simple, value_of) {
        return Action::Connect(connection);
    }
    let written = file::written(&simple.redirects, value_of);
    if written.is_empty() {
        Action::Noise
    } else {
        Action::Write(written)
    }
}

/// Seconds of `sleep 5`, `sleep 1m 30s`, `sleep infinity`, `usleep 500000`.
fn sleep_seconds(program: &str, line: &CommandLine) -> Option<f64> {
    let mut total = 0.0;
    for argument in line.arguments.iter().skip(1) {
        let value = argument.value.as_deref()?;
        if matches!(value, "infinity" | "inf") {
            return Some(f64::INFINITY);
        }
        let (number, unit) = match value.char_indices().last() {
            Some((at, unit)) if unit.is_ascii_alphabetic() => (value.get(..at)?, unit),
            _ => (value, 's'),
        };
        let factor = match unit {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86_400.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
    }
    Some(if program == "usleep" { total / 1e6 } else { total })
}

fn test(line: &CommandLine) -> Action {
    let words: Vec<&str> = line.options().filter(|word| *word != "]").collect();
    file_test(&words).unwrap_or(Action::Noise)
}

/// `-f FILE`, `! -e FILE` among the words of a test.
pub(super) fn file_test(words: &[&str]) -> Option<Action> {
    let at = words
        .iter()
        .position(|word| matches!(*word, "-f" | "-e" | "-s" | "-r" | "-a" | "-S" | "-p" | "-d"))?;
    let path = words.get(at + 1)?;
    let negated = at.checked_sub(1).and_then(|before| words.get(before)) == Some(&"!");
    (!path.is_empty()).then(|| Action::TestFile {
        path: (*path).to_owned(),
        negated,
    })
}

/// The signals of a `trap`, without `SIG`, numbers as names.
fn trap_signals(line: &CommandLine) -> Vec<String> {
    line.options()
        .skip(1)
        .map(|signal| signal.to_ascii_uppercase())
        .map(|signal| match signal.trim_start_matches("SIG") {
            "0" => "EXIT".to_owned(),
            "1" => "HUP".to_owned(),
            "2" => "INT".to_owned(),
            "15" => "TERM".to_owned(),
            name => name.to_owned(),
        })
        .collect()
}

/// The files that redirections write.
pub(super) fn is_writing(redirect: &Redirect) -> bool {
    matches!(redirect.kind, RedirectKind::Write | RedirectKind::Append)
}

impl Action {
    /// The address it asks for an answer.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Http(call) => Some(&call.address),
            Self::Connect(connection) => Some(&connection.address),
            _ => None,
        }
    }

    /// Whether it does nothing but pass the time.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(
            self,
            Self::Sleep(_) | Self::Noise | Self::Break | Self::TestFile { .. } | Self::Wait
        )
    }

    /// Whether it talks to another host, or to one that is not known.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.address().is_some_and(|address| address.host != Host::Local)
    }
}
