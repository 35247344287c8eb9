//! What a command does, read from its words.
//!
//! Only what concerns start-up, shutdown and the talk between processes is told apart; everything else is
//! [`Action::Other`], which is what a script is for.

mod argument;
mod code;
mod connect;
mod database;
mod duration;
mod file;
mod host;
mod http;
mod input;
mod listing;
mod raw_http;
mod signal;
#[cfg(test)]
mod tests;
mod values;
mod wait_tool;
mod wrapper;

use crate::shell::{
    Command, EmbeddedKind, Piece, Pipeline, Redirect, RedirectKind, Simple, Span, Visit, Word, command_index,
};

pub use connect::Connect;
pub use file::{FilePath, FileTestKind};
pub use host::{Host, Url};
pub use http::{Http, Retry};
pub(crate) use input::{Input, input, sends_to, written};
pub use signal::{Target, Within};
pub(crate) use signal::{of_listing as process_of_listing, of_value as process_of_value};
pub use values::Values;

use argument::{Argument, arguments};
use duration::{duration_sum, time_limit};

/// What a command does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `sleep 5`; infinity for `sleep infinity`, nothing where a variable says how long.
    Sleep {
        /// For how long.
        seconds: Option<f64>,
    },
    /// A request over HTTP.
    Http(Http),
    /// A connection that only shows whether something listens, or a question to a server.
    Connect(Connect),
    /// A tool that tells or waits whether something is ready, without naming an address.
    Tool {
        /// `docker info`, `pilot-agent wait`.
        name: String,
    },
    /// A signal to processes.
    Signal {
        /// `TERM`, `9`; absent where the tool's default is sent.
        signal: Option<String>,
        /// Whom it goes to.
        targets: Vec<Target>,
        /// `kill -0`, `pgrep`: whether the process exists.
        only_tests: bool,
    },
    /// Files come to exist, with contents that don't matter.
    Touch {
        /// The files.
        paths: Vec<FilePath>,
    },
    /// Files are removed.
    Remove {
        /// The files.
        paths: Vec<FilePath>,
    },
    /// Whether a file exists.
    TestFile {
        /// The file.
        path: FilePath,
        /// `[ ! -f x ]`
        negated: bool,
        /// How it is looked at.
        kind: FileTestKind,
    },
    /// `[ … ]`, `test`, `[[ … ]]` and `(( … ))` that look at no file.
    Compare,
    /// A program that runs the words behind it and watches over other processes.
    Wrapper {
        /// Its name: `kubexit`, `scuttle`.
        name: String,
        /// The index of the first word of the command it runs.
        command: usize,
        /// An init process, that does nothing but forward signals.
        is_init: bool,
    },
    /// `sh -c '…'`, `eval '…'`: what it does is in [`Simple::scripts`].
    Script,
    /// `wait`, `wait $PID`
    Wait {
        /// The processes; none for all.
        targets: Vec<Target>,
    },
    /// `trap … EXIT`
    Trap {
        /// The index of the word that is the script; absent for `trap - EXIT`.
        script: Option<usize>,
        /// The signals as written.
        signals: Vec<String>,
    },
    /// `exit`, `return`
    Exit {
        /// The word behind it.
        code: Option<ExitCode>,
        /// `return` instead of `exit`.
        is_return: bool,
    },
    /// `break`, `continue`
    Break {
        /// `continue` instead of `break`.
        is_continue: bool,
    },
    /// `NAME=value` alone.
    Assign,
    /// What leaves no trace outside: `echo`, `true`, `set -e`, `date`.
    Echo,
    /// `cd`, `pushd`, `popd`
    ChangeDirectory,
    /// `export`, `local`, `unset`
    Export,
    /// The name of a function or a program that does something else.
    Other {
        /// The program, unless a variable names it.
        program: Option<String>,
    },
}

/// With what a script ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitCode {
    /// A number.
    Number(i32),
    /// `$?`
    LastStatus,
    /// `$NAME`
    Variable(String),
    /// Anything else.
    Unknown,
}

/// A command with what it does.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandAction {
    /// What it does.
    pub action: Action,
    /// The index of the word that names the program, behind `exec`, `env` and the like.
    pub program_word: usize,
    /// It replaces the shell: `exec program`.
    pub is_exec: bool,
    /// `timeout 5 command`
    pub time_limit: Option<f64>,
    /// The files it writes: by redirection or as its output.
    pub written_files: Vec<FilePath>,
    /// The whole command.
    pub span: Span,
}

impl CommandAction {
    /// The request it makes.
    #[must_use]
    pub fn http(&self) -> Option<&Http> {
        match &self.action {
            Action::Http(http) => Some(http),
            _ => None,
        }
    }

    /// An option that the catalogue does not know, where it asks something.
    #[must_use]
    pub fn unknown_option(&self) -> Option<&str> {
        match &self.action {
            Action::Http(http) => http.unknown_option.as_deref(),
            Action::Connect(connect) => connect.unknown_option.as_deref(),
            _ => None,
        }
    }

    /// Whether it looks at something that can become ready: an address, a file, a process, a tool.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        match &self.action {
            Action::Http(_) | Action::Connect(_) | Action::Tool { .. } | Action::TestFile { .. } => true,
            Action::Signal { only_tests, .. } => *only_tests,
            _ => false,
        }
    }

    /// Whether it changes nothing but the shell's own state.
    #[must_use]
    pub fn is_noise(&self) -> bool {
        self.written_files.is_empty()
            && matches!(
                self.action,
                Action::Echo
                    | Action::Assign
                    | Action::Export
                    | Action::ChangeDirectory
                    | Action::Compare
                    | Action::Trap { .. }
            )
    }
}

/// What a command does, where it is a simple one or a test.
#[must_use]
pub fn classify(command: &Command, values: &Values) -> Option<CommandAction> {
    match command {
        Command::Simple(simple) => Some(classify_simple(simple, values)),
        Command::Test { words, span } => Some(CommandAction::new(file::test(words, values), span.clone())),
        Command::Arithmetic { span, .. } => Some(CommandAction::new(Action::Compare, span.clone())),
        _ => None,
    }
}

/// What the simple commands of a pipeline do. A request that one command writes and another one sends is one.
#[must_use]
pub fn classify_pipeline(pipeline: &Pipeline, values: &Values) -> Vec<CommandAction> {
    if let Some(request) = raw_http::through_pipe(pipeline, values) {
        return vec![request];
    }
    pipeline
        .commands
        .iter()
        .filter_map(|command| classify(command, values))
        .collect()
}

/// What a command on a walk over a script does; the last one of a pipeline sends what the others write.
#[must_use]
pub fn classify_visit(visit: &Visit, values: &Values) -> Option<CommandAction> {
    let is_last = visit.context.pipeline_index + 1 == visit.context.pipeline_length;
    let is_listed = visit.context.pipeline_index == 0 && !is_last;
    is_last
        .then(|| raw_http::through_pipe(visit.pipeline, values))
        .flatten()
        .or_else(|| is_listed.then(|| listing::through_pipe(visit.pipeline, values))?)
        .or_else(|| is_listed.then(|| signal::listed(visit.pipeline, values))?)
        .or_else(|| signal::through_pipe(visit.pipeline, values).filter(|_| is_last))
        .or_else(|| classify(visit.command, values))
}

/// What a simple command does.
#[must_use]
pub fn classify_simple(simple: &Simple, values: &Values) -> CommandAction {
    classify_from(simple, 0, values)
}

/// What the command does that a wrapper runs: the words from `start` on.
#[must_use]
pub fn classify_from(simple: &Simple, start: usize, values: &Values) -> CommandAction {
    let words = simple.words.get(start..).unwrap_or_default();
    let program_word = start + command_index(words);
    let prefixes = simple.words.get(start..program_word).unwrap_or_default();
    let arguments = arguments(simple.words.get(program_word..).unwrap_or_default(), values);
    let written_files = file::written(&simple.redirects, values);
    let mut action = match arguments.split_first() {
        None => without_words(simple, &written_files, values),
        Some((program, rest)) => of_program(simple, program_word, program, rest, values),
    };
    let mut written_files = written_files;
    if arguments.is_empty() && matches!(action, Action::Touch { .. }) {
        written_files.clear();
    } else if matches!(action, Action::Echo) && !written_files.is_empty() {
        action = Action::Touch {
            paths: std::mem::take(&mut written_files),
        };
    }
    let may_write = matches!(
        action,
        Action::Echo | Action::Touch { .. } | Action::Connect(_) | Action::Other { .. }
    );
    if may_write && let Some(request) = raw_http::through_redirection(simple, &arguments, values) {
        action = request;
        written_files.clear();
    }
    if matches!(action, Action::Other { .. }) && raw_http::shows_an_answer(simple, &arguments, values) {
        action = Action::Echo;
    }
    match &action {
        Action::Http(http) => written_files.extend(http.output.clone()),
        Action::Other {
            program: Some(program),
        } => {
            let name = program.rsplit('/').next().unwrap_or(program);
            let rest = arguments.get(1..).unwrap_or_default();
            written_files.extend(file::left_behind(name, rest));
        }
        _ => {}
    }
    CommandAction {
        action,
        program_word,
        is_exec: prefixes.first().is_some_and(|word| word.raw == "exec"),
        time_limit: time_limit(prefixes),
        written_files,
        span: simple.span.clone(),
    }
}

impl CommandAction {
    fn new(action: Action, span: Span) -> Self {
        Self {
            action,
            program_word: 0,
            is_exec: false,
            time_limit: None,
            written_files: Vec::new(),
            span,
        }
    }
}

/// A bare redirection or assignment.
fn without_words(simple: &Simple, written: &[FilePath], values: &Values) -> Action {
    if let Some(connect) = connect::through_redirection(simple, values) {
        Action::Connect(connect)
    } else if !written.is_empty() {
        Action::Touch {
            paths: written.to_vec(),
        }
    } else if simple.assignments.is_empty() {
        Action::Echo
    } else {
        Action::Assign
    }
}

fn of_program(
    simple: &Simple,
    program_word: usize,
    program: &Argument,
    rest: &[Argument],
    values: &Values,
) -> Action {
    let Some(path) = program.known() else {
        return wait_tool::named_by_variable(program, rest, program_word, values)
            .unwrap_or(Action::Other { program: None });
    };
    if let Some(action) = of_split_variable(program, program_word, path, rest, values) {
        return action;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let scripts = &simple.scripts;
    // `/app/export` is somebody's program, whatever the shell has of that name.
    let is_builtin = !path.contains('/');
    match name {
        ":" | "set" | "shopt" | "type" | "hash" | "umask" | "ulimit" | "alias" | "let" | "shift" | "exec"
            if is_builtin =>
        {
            connect::through_redirection(simple, values).map_or(Action::Echo, Action::Connect)
        }
        "true" | "false" | "echo" | "printf" | "date" | "env" | "printenv" | "hostname" | "whoami" | "id"
        | "uname" | "pwd" | "expr" | "seq" | "clear" | "time" => {
            connect::through_redirection(simple, values).map_or(Action::Echo, Action::Connect)
        }
        "command" | "which" => Action::Echo,
        "cd" | "pushd" | "popd" if is_builtin => Action::ChangeDirectory,
        "export" | "local" | "declare" | "typeset" | "readonly" | "unset" | "read" if is_builtin => {
            Action::Export
        }
        "sleep" => Action::Sleep {
            seconds: duration_sum(rest),
        },
        "usleep" => Action::Sleep {
            seconds: duration_sum(rest).map(|seconds| seconds / 1_000_000.0),
        },
        "exit" | "return" if is_builtin => Action::Exit {
            code: rest.first().map(|code| exit_code(code.word)),
            is_return: name == "return",
        },
        "break" | "continue" if is_builtin => Action::Break {
            is_continue: name == "continue",
        },
        "wait" if is_builtin => Action::Wait {
            targets: rest.iter().map(signal::target).collect(),
        },
        "trap" if is_builtin => trap(simple, program_word, rest),
        "eval" if is_builtin => Action::Script,
        _ if !scripts.is_empty() && scripts.iter().all(|script| !is_trap(&script.kind)) => Action::Script,
        // `./test` is somebody's test suite.
        "test" | "[" | "[["
            if !path.contains('/') || path.starts_with("/bin/") || path.starts_with("/usr/bin/") =>
        {
            let words = simple.words.get(program_word + 1..).unwrap_or_default();
            file::test(words, values)
        }
        _ => None
            .or_else(|| http::action(name, rest))
            .or_else(|| http::of_stop_command(name, rest, values))
            .or_else(|| wait_tool::action(name, rest, program_word, values))
            .or_else(|| listing::action(name, rest))
            .or_else(|| reads_connection(name, simple, values))
            .or_else(|| signal::action(name, rest))
            .or_else(|| file::action(name, rest))
            .or_else(|| wrapper::action(name, rest, program_word))
            .or_else(|| code::action(name, rest, simple))
            .or_else(|| wait_tool::of_unknown(path, rest))
            .unwrap_or_else(|| Action::Other {
                program: Some(path.to_owned()),
            }),
    }
}

/// What a variable does that holds a whole command, which the shell takes apart at its blanks: `$STOP`.
fn of_split_variable(
    program: &Argument,
    program_word: usize,
    value: &str,
    rest: &[Argument],
    values: &Values,
) -> Option<Action> {
    let is_split = matches!(
        program.word.pieces.as_slice(),
        [Piece::Variable { quoted: false, .. }]
    );
    let is_plain = !value.contains(['"', '\'', '\\', '$', '`', ';', '|', '&', '*', '?']);
    if !is_split || !is_plain || !value.contains(' ') {
        return None;
    }
    let own = value.split_ascii_whitespace().map(|text| Argument {
        word: program.word,
        text: text.to_owned(),
    });
    let words: Vec<Argument> = own.chain(rest.iter().cloned()).collect();
    let (first, rest) = words.split_first()?;
    let name = first.text.rsplit('/').next().unwrap_or(&first.text);
    http::action(name, rest)
        .or_else(|| signal::action(name, rest))
        .or_else(|| wait_tool::action(name, rest, program_word, values).filter(only_asks))
}

/// Whether a tool asks once: one that runs a command afterwards has its words elsewhere.
fn only_asks(action: &Action) -> bool {
    matches!(action, Action::Connect(connect) if connect.wraps.is_none())
}

/// `cat </dev/tcp/localhost/5432`
fn reads_connection(name: &str, simple: &Simple, values: &Values) -> Option<Action> {
    let reads = matches!(name, "cat" | "read");
    let connect = reads.then(|| connect::through_redirection(simple, values));
    connect.flatten().map(Action::Connect)
}

fn is_trap(kind: &EmbeddedKind) -> bool {
    matches!(kind, EmbeddedKind::Trap { .. })
}

fn trap(simple: &Simple, program_word: usize, rest: &[Argument]) -> Action {
    let script = simple
        .scripts
        .iter()
        .find(|script| is_trap(&script.kind))
        .and_then(|script| script.word);
    let behind = script.map_or(1, |word| word - program_word);
    let signals = rest
        .iter()
        .skip(behind)
        .filter_map(|argument| argument.known().map(str::to_owned))
        .collect();
    Action::Trap { script, signals }
}

/// `0`, `$?`, `$rc`, `"${rc}"`
fn exit_code(word: &Word) -> ExitCode {
    match word.pieces.as_slice() {
        [Piece::Variable { name, .. }] if name == "?" => ExitCode::LastStatus,
        [Piece::Variable { name, .. }] => ExitCode::Variable(name.clone()),
        _ => word
            .literal()
            .and_then(|number| number.parse().ok())
            .map_or(ExitCode::Unknown, ExitCode::Number),
    }
}

/// The redirections that name a file or an address.
fn file_redirects(redirects: &[Redirect]) -> impl Iterator<Item = (&Redirect, &Word)> {
    redirects
        .iter()
        .filter(|redirect| !matches!(redirect.kind, RedirectKind::Duplicate | RedirectKind::Here))
        .filter_map(|redirect| Some((redirect, redirect.target.as_ref()?)))
}
