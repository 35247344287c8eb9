//! What a command reads and sets of its shell's own state (POSIX.1-2024, "Shell Command Language", 2.12 and 2.14;
//! the bash manual, "Shell Builtin Commands").

mod names;

pub use names::{Names, names_in};

use super::{Command, EmbeddedKind, RedirectKind, Simple, Word, command_index};

/// A part of a shell's state that a command sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A variable's value.
    Variable(String),
    /// A variable that programs find in their environment from here on.
    Exported(String),
    /// The working directory.
    Directory,
    /// A file descriptor of the shell itself: `exec 3<>file`.
    Descriptor(i32),
    /// What the shell does at a signal, by name.
    Trap(String),
    /// An option: `set -e`, `shopt -s nullglob`, `ulimit`, `umask`.
    Option(String),
    /// `$1`, `$@`, `$#`
    Parameters,
    /// A function, or its absence.
    Function(String),
}

/// What a command reads and sets in the shell that runs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateAccess {
    /// What its words read.
    pub reads: Names,
    /// What it sets, in this order.
    pub sets: Vec<State>,
    /// Text that it runs in this shell and that is not here: the file of `.`, the words of `eval`.
    pub runs_unknown: Option<String>,
    /// The program that it starts, unless the shell does it itself.
    pub program: Option<String>,
}

/// Commands that the shell carries out itself and that start nothing.
const OWN: [&str; 40] = [
    ":",
    "true",
    "false",
    "[",
    "[[",
    "test",
    "echo",
    "printf",
    "set",
    "shopt",
    "shift",
    "unset",
    "export",
    "readonly",
    "declare",
    "typeset",
    "local",
    "read",
    "mapfile",
    "readarray",
    "getopts",
    "let",
    "cd",
    "pushd",
    "popd",
    "pwd",
    "trap",
    "wait",
    "exit",
    "return",
    "break",
    "continue",
    "umask",
    "ulimit",
    "alias",
    "unalias",
    "type",
    "hash",
    "kill",
    "times",
];

/// Built-in commands whose assignments stay (POSIX, 2.14).
const SPECIAL: [&str; 14] = [
    ":", ".", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift",
    "trap", "unset",
];

/// What a command that holds no other reads and sets. `text` is the script that it stands in.
#[must_use]
pub fn state_access(command: &Command, text: &str) -> StateAccess {
    match command {
        Command::Simple(simple) => of_simple(simple),
        Command::Test { words, .. } => {
            let mut access = StateAccess::default();
            words.iter().for_each(|word| access.read(&word.raw));
            // `[[ n -gt 3 ]]` evaluates its operands.
            let evaluates = |word: &Word| {
                matches!(
                    word.raw.as_str(),
                    "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-v"
                )
            };
            if words.iter().any(evaluates) {
                words
                    .iter()
                    .for_each(|word| access.reads.add_arithmetic(&word.raw));
            }
            access.sets_what_words_set();
            access
        }
        Command::Arithmetic { span, .. } => {
            let mut access = StateAccess::default();
            access
                .reads
                .add_arithmetic(text.get(span.clone()).unwrap_or_default());
            access.sets_what_words_set();
            access
        }
        _ => StateAccess::default(),
    }
}

fn of_simple(simple: &Simple) -> StateAccess {
    let mut access = StateAccess::default();
    for assignment in &simple.assignments {
        access.read(&assignment.value.raw);
        if assignment.appends
            || assignment.span.len() > assignment.name.len() + 1 + assignment.value.raw.len()
        {
            // `NAME+=…` and `NAME[index]=…` keep the rest of the value.
            access.reads.variables.insert(assignment.name.clone());
        }
    }
    for (index, word) in simple.words.iter().enumerate() {
        let embedded = simple.scripts.iter().find(|script| script.word == Some(index));
        match embedded {
            // What an inner script that was understood reads is found in its own commands.
            Some(embedded) if embedded.list.is_some() => {}
            Some(_) => access.reads.add_all(&word.raw),
            None => access.read(&word.raw),
        }
    }
    for redirect in &simple.redirects {
        let Some(target) = &redirect.target else { continue };
        match redirect.kind {
            RedirectKind::Here => access.reads.add_unquoted(&target.raw),
            _ => access.read(&target.raw),
        }
    }
    access.sets_what_words_set();
    let start = command_index(&simple.words);
    let words: Vec<&str> = simple
        .words
        .get(start..)
        .unwrap_or_default()
        .iter()
        .map(|word| word.raw.trim_matches(['"', '\'']))
        .collect();
    let own_assignments = match words.first() {
        None => true,
        Some(name) => SPECIAL.contains(name),
    };
    if own_assignments {
        let names = simple
            .assignments
            .iter()
            .map(|assignment| assignment.name.clone());
        access.sets.extend(names.map(State::Variable));
    }
    let replaces = simple.words.first().is_some_and(|word| word.raw == "exec");
    match words.split_first() {
        Some((name, arguments)) if !(replaces && simple.words.len() == 1) => {
            access.of_program(name, arguments, simple);
        }
        _ => {}
    }
    if replaces && simple.words.len() == 1 {
        for redirect in &simple.redirects {
            let descriptor = redirect.descriptor.unwrap_or(match redirect.kind {
                RedirectKind::Read | RedirectKind::ReadWrite | RedirectKind::Here => 0,
                _ => 1,
            });
            access.sets.push(State::Descriptor(descriptor));
        }
    }
    access
}

impl StateAccess {
    fn read(&mut self, raw: &str) {
        self.reads.add(raw);
    }

    /// `${x:=default}`, `$((n++))`
    fn sets_what_words_set(&mut self) {
        let sets: Vec<State> = self.reads.sets.iter().cloned().map(State::Variable).collect();
        self.sets.extend(sets);
    }

    fn variable(&mut self, name: &str) {
        let name = name.split('[').next().unwrap_or(name);
        self.sets.push(State::Variable(name.to_owned()));
    }

    fn of_program(&mut self, name: &str, arguments: &[&str], simple: &Simple) {
        let operands = |with_word: &str| operands(arguments, with_word);
        match name {
            "export" | "readonly" | "declare" | "typeset" | "local" => {
                let exports = name == "export"
                    || arguments
                        .iter()
                        .any(|word| word.starts_with('-') && word.contains('x'));
                let command = name;
                for word in operands("") {
                    let (name, value) = match word.split_once('=') {
                        Some((name, value)) => (name.trim_end_matches('+'), Some(value)),
                        None => (word, None),
                    };
                    if value.is_some() || command == "local" {
                        self.variable(name);
                    }
                    if exports {
                        self.sets.push(State::Exported(name.to_owned()));
                    }
                }
            }
            "read" => {
                let names: Vec<&str> = operands("pdnNtuia");
                if names.is_empty() {
                    self.variable("REPLY");
                }
                names.iter().for_each(|name| self.variable(name));
                option_word(arguments, 'a')
                    .into_iter()
                    .for_each(|name| self.variable(name));
            }
            "mapfile" | "readarray" => {
                let names = operands("dnOsuCc");
                self.variable(names.first().copied().unwrap_or("MAPFILE"));
            }
            "printf" => option_word(arguments, 'v')
                .into_iter()
                .for_each(|name| self.variable(name)),
            "getopts" => {
                arguments.get(1).into_iter().for_each(|name| self.variable(name));
                self.variable("OPTIND");
                self.variable("OPTARG");
                self.reads.parameters = true;
            }
            "let" => {
                arguments.iter().for_each(|word| self.reads.add_arithmetic(word));
                self.sets_what_words_set();
            }
            "unset" => {
                for name in operands("") {
                    self.variable(name);
                    self.sets.push(State::Function(name.to_owned()));
                }
            }
            "cd" | "pushd" | "popd" => {
                self.sets.push(State::Directory);
                self.variable("PWD");
                self.variable("OLDPWD");
            }
            "trap" => {
                let signals = arguments.iter().skip(1).map(|signal| (*signal).to_owned());
                self.sets.extend(signals.map(State::Trap));
            }
            "set" => self.set(arguments),
            "shift" => self.sets.push(State::Parameters),
            "shopt" | "ulimit" | "umask" | "alias" | "unalias" | "enable" => {
                self.sets.push(State::Option(name.to_owned()));
            }
            "." | "source" => {
                let file = arguments.first().copied().unwrap_or_default();
                self.runs_unknown = Some(format!("{name} {file}"));
            }
            "eval" => {
                let understood = simple
                    .scripts
                    .iter()
                    .any(|script| matches!(script.kind, EmbeddedKind::Eval) && script.list.is_some());
                let is_dynamic = arguments.iter().any(|word| word.contains(['$', '`']));
                if !understood || is_dynamic {
                    self.runs_unknown = Some(format!("eval {}", arguments.join(" ")));
                }
            }
            _ if OWN.contains(&name) => {}
            _ => self.program = Some(name.to_owned()),
        }
    }

    /// `set -eu -o pipefail`, `set -- a b`
    fn set(&mut self, arguments: &[&str]) {
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let letters = match word.strip_prefix(['-', '+']) {
                Some("-" | "") | None => {
                    self.sets.push(State::Parameters);
                    return;
                }
                Some(letters) => letters,
            };
            for letter in letters.chars() {
                let name = match letter {
                    'o' => words.next().copied().unwrap_or("o").to_owned(),
                    letter => letter.to_string(),
                };
                self.sets.push(State::Option(name));
            }
        }
    }
}

/// The words of a command that are no options; those of `with_word` take the next word.
fn operands<'w>(arguments: &[&'w str], with_word: &str) -> Vec<&'w str> {
    let mut operands = Vec::new();
    let mut words = arguments.iter();
    let mut options = true;
    while let Some(word) = words.next() {
        match word.strip_prefix('-').filter(|_| options) {
            Some("-") => options = false,
            Some(letters) if !letters.is_empty() => {
                if letters
                    .chars()
                    .next_back()
                    .is_some_and(|last| with_word.contains(last))
                {
                    words.next();
                }
            }
            _ => {
                options = false;
                operands.push(*word);
            }
        }
    }
    operands
}

/// The word behind an option.
fn option_word<'w>(arguments: &[&'w str], option: char) -> Option<&'w str> {
    let at = arguments
        .iter()
        .position(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with(option))?;
    arguments.get(at + 1).copied()
}
