//! Why a part of a script can't be cut out, or why somebody has to look at what remains.

use std::fmt;

/// What stands against a cut: which obligation, and about which variable, trap, function …
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hindrance {
    /// The script has a form that is not read.
    NotUnderstood,
    /// The script stands where it is not rewritten.
    OutOfReach(String),
    /// Nothing else would remain.
    NothingRemains,
    /// What stands around it depends on it.
    Entangled(String),
    /// A variable that it sets is read by what remains.
    Variable {
        /// Its name.
        name: String,
        /// Who reads it.
        reader: String,
    },
    /// A variable that it sets is in the environment of the programs behind it.
    Environment {
        /// Its name.
        name: String,
        /// The program that finds it there.
        program: String,
    },
    /// A variable that it sets may be in the environment, which the manifest does not hold in full.
    MaybeEnvironment(String),
    /// Text that is not here may read what it sets.
    Evaluated {
        /// What it sets.
        what: String,
        /// What runs the text.
        by: String,
    },
    /// A file is read in that is not here, and may bring a trap or a function of the same name.
    Sourced(String),
    /// `$?` behind it is read.
    Status(String),
    /// The script, or the function it stands in, ends with another result.
    Result(String),
    /// It changes the working directory.
    Directory(String),
    /// It opens a file descriptor that what remains uses.
    Descriptor(i32),
    /// It sets a trap.
    Trap(String),
    /// It sets an option of the shell.
    Option(String),
    /// It sets the positional parameters.
    Parameters(String),
    /// It defines a function that what remains calls.
    Function(String),
    /// It starts a process that what remains waits for or signals.
    Child(String),
    /// What it writes is kept in a file.
    Output(String),
    /// What remains reads the answer to what it asks.
    Answer(String),
    /// It ends the script or a function, before what remains.
    Exit(String),
    /// `set -e` would end the script at a failure that it passes over today.
    ErrorExit(String),
    /// `set -e` may end the script in it.
    Fails(String),
    /// `set -u` may end the script in it.
    Unset(String),
    /// It counts on what may be no number.
    NoNumber(String),
    /// Something prints the script's own text.
    Shown(String),
    /// It gives up after a while, and a gate does not.
    Bound(String),
    /// The analysis was given up.
    TooLong,
    /// This command measures the time that it takes.
    Measured(String),
}

impl fmt::Display for Hindrance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUnderstood => formatter.write_str("its script has a form that is not read"),
            Self::OutOfReach(reason) => formatter.write_str(reason),
            Self::NothingRemains => formatter.write_str("nothing else would remain of the script"),
            Self::Entangled(around) => write!(formatter, "“{around}” around it depends on it"),
            Self::Variable { name, reader } => {
                write!(formatter, "it sets {name}, which “{reader}” reads")
            }
            Self::Environment { name, program } => {
                write!(
                    formatter,
                    "it sets {name}, which {program} finds in its environment"
                )
            }
            Self::MaybeEnvironment(name) => write!(
                formatter,
                "it sets {name}, which the app may find in its environment: envFrom may hold it"
            ),
            Self::Evaluated { what, by } => {
                write!(
                    formatter,
                    "it sets {what}, which “{by}” may read, whose text is not here"
                )
            }
            Self::Sourced(statement) => write!(
                formatter,
                "“{statement}” reads in what is not in the manifest, which may set a trap or name a function"
            ),
            Self::Status(reader) => write!(formatter, "“{reader}” reads its result"),
            Self::Result(of) => write!(formatter, "the script would end with the result of “{of}”"),
            Self::Directory(reader) => {
                write!(
                    formatter,
                    "it changes the working directory, in which “{reader}” runs"
                )
            }
            Self::Descriptor(number) => {
                write!(formatter, "it opens descriptor {number}, which what remains uses")
            }
            Self::Trap(signal) => write!(formatter, "it sets what the shell does at {signal}"),
            Self::Option(name) => write!(formatter, "it sets the shell's option {name} for what remains"),
            Self::Parameters(reader) => {
                write!(
                    formatter,
                    "it sets the positional parameters, which “{reader}” reads"
                )
            }
            Self::Function(name) => {
                write!(
                    formatter,
                    "the function {name} goes with it, which what remains names"
                )
            }
            Self::Child(reader) => {
                write!(formatter, "it starts a process, which “{reader}” is about")
            }
            Self::Output(file) => write!(formatter, "its output is kept in {file}"),
            Self::Answer(reader) => write!(formatter, "“{reader}” waits for its answer"),
            Self::Exit(exit) => write!(formatter, "its “{exit}” keeps the rest from running"),
            Self::ErrorExit(command) => write!(
                formatter,
                "with set -e the script would end when “{command}” fails, and goes on today"
            ),
            Self::Unset(name) => write!(
                formatter,
                "with set -u the script ends in it where {name} is not set"
            ),
            Self::NoNumber(name) => write!(
                formatter,
                "it counts on {name}, which may hold no number, and a shell ends there"
            ),
            Self::Shown(shows) => write!(formatter, "“{shows}” shows it"),
            Self::Bound(exit) => write!(
                formatter,
                "it gives up after a while (“{exit}”), and a gate waits as long as it takes"
            ),
            Self::Fails(command) => {
                write!(formatter, "with set -e the script may end at its “{command}”")
            }
            Self::Measured(reader) => write!(formatter, "“{reader}” measures the time that it takes"),
            Self::TooLong => formatter.write_str("the script is too long to be followed"),
        }
    }
}

/// A text as it is shown in a reason: its first line, cut.
pub(crate) fn excerpt(text: &str) -> String {
    const LENGTH: usize = 60;
    let line = text.trim().lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None if text.trim().lines().count() > 1 => format!("{line} …"),
        None => line.to_owned(),
    }
}
