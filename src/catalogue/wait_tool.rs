//! Programs that ask an address whether something answers, and their grammar.
//!
//! A row lists every option that is understood. What another option of the tool does is not known, so that a rewrite
//! which rests on the question is nobody's to call safe.

mod rows;

use std::{collections::HashMap, sync::LazyLock};

pub use rows::WAIT_TOOLS;

/// A program that asks an address.
#[derive(Debug)]
pub struct WaitTool {
    /// Names of its executable; a script's `.sh` is left out.
    pub programs: &'static [&'static str],
    /// Where its address stands.
    pub address: Address,
    /// Its name is a common word: alone in a text it shows nothing.
    pub is_common_word: bool,
    /// It tries again by itself until it succeeds.
    pub waits: bool,
    /// Letters of short options that take a value.
    pub short_values: &'static str,
    /// Letters of short options whose value can only be attached: `-psecret`.
    pub short_attached: &'static str,
    /// Names of long options that take the next word as their value.
    pub long_values: &'static [&'static str],
    /// Long options have one dash, as Go's flags do.
    pub single_dash: bool,
    /// Letters of short options without a value that change nothing about the question.
    pub short_flags: &'static str,
    /// Long options without a value, or with one behind `=`, that change nothing about the question.
    pub long_flags: &'static [&'static str],
    /// Options with which it waits for the opposite.
    pub inverts: &'static [&'static str],
    /// Options with which it asks over UDP.
    pub udp: &'static [&'static str],
    /// Options with which it does more than ask.
    pub does_more: &'static [&'static str],
    /// Options that give the host.
    pub host: &'static [&'static str],
    /// The sign behind which the value of the host's option holds the port: `-S localhost,1433`.
    pub port_sign: Option<char>,
    /// Options that give the port.
    pub port: &'static [&'static str],
    /// Options that limit how long it tries.
    pub timeout: &'static [&'static str],
    /// The seconds after which it gives up where no option limits it; absent where it goes on for ever.
    pub usual_limit: Option<f64>,
    /// A limit of zero means that there is none.
    pub zero_is_no_limit: bool,
    /// Options with which the command behind it is not run once it has given up.
    pub strict: &'static [&'static str],
    /// The seconds of one unit of a limit that has none written.
    pub unit: f64,
    /// The port it asks where none is given.
    pub usual_port: Option<u16>,
    /// Variables that replace host and port.
    pub variables: Option<(&'static str, &'static str)>,
    /// Options whose value is run at the server.
    pub statement: &'static [&'static str],
    /// What makes a call a question rather than work.
    pub question: Question,
    /// Images that have it, by the last part of their names, and the call with which a probe asks the server there,
    /// before the port.
    pub in_images: Option<(&'static [&'static str], &'static [&'static str])>,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Where a tool's address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// `HOST:PORT`, a port or a URL as an operand, or both as options: `wait-for-it -h db -p 5432`.
    HostAndPort,
    /// The value of an option: `dockerize -wait tcp://db:5432`. What is no option is the command it runs.
    Option(&'static str),
    /// An operand, maybe behind a kind of server: `wait4x tcp db:5432`, `wait-on tcp:5432`.
    Operand(&'static [&'static str]),
    /// Two operands: `nc db 5432`.
    HostThenPort,
    /// The operand is the host, an option the port: `nmap -p 5432 db`.
    HostAndPortOption,
    /// `-addr=HOST:PORT`
    HostPortOption(&'static str),
    /// A database's client: options, a URL, variables, or the server's usual place.
    Database,
    /// A request over HTTP, which `action::http` reads.
    Request,
}

/// What makes a call of a client a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Each call is one.
    Always,
    /// One of these words among its operands, whatever their case.
    Operand(&'static [&'static str]),
    /// One of these options.
    Option(&'static [&'static str]),
    /// None is: it is a session or reads a script.
    Never,
}

/// The tool of that program's name, with or without `.sh`.
#[must_use]
pub fn by_program(name: &str) -> Option<&'static WaitTool> {
    let stem = name.strip_suffix(".sh").unwrap_or(name);
    let row = |name: &str| BY_PROGRAM.get(name).copied();
    let first = match (row(name), row(stem)) {
        (Some(full), Some(stem)) => Some(full.min(stem)),
        (full, stem) => full.or(stem),
    };
    WAIT_TOOLS.get(first?)
}

/// The index of the first row of each program: it is asked of each command of each script.
static BY_PROGRAM: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
    let rows = WAIT_TOOLS.iter().enumerate().rev();
    rows.flat_map(|(index, tool)| tool.programs.iter().map(move |name| (*name, index)))
        .collect()
});

impl WaitTool {
    /// Whether an option, by its letter or long name, is one the row lists.
    #[must_use]
    pub fn understands(&self, option: &str) -> bool {
        let is_letter = option.chars().count() == 1;
        let is_listed_letter = || {
            let mut lists = [self.short_values, self.short_attached, self.short_flags].into_iter();
            lists.any(|letters| letters.contains(option))
        };
        let lists = [
            self.long_values,
            self.long_flags,
            self.inverts,
            self.udp,
            self.does_more,
            self.host,
            self.port,
            self.timeout,
            self.strict,
            self.statement,
        ];
        is_letter && is_listed_letter() || lists.iter().any(|list| list.contains(&option))
    }
}
