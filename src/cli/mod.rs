//! The terminal's edge: arguments, configuration, colour, progress, exit codes.

mod alike;
mod arguments;
mod color;
mod completion;
mod configuration;
mod confirm;
mod connection;
mod coverage;
mod deadline;
mod diffs;
mod explain;
mod ignored;
mod interrupts;
mod kubernetes_version;
mod lint;
mod live;
mod lsp;
mod mesh;
mod migrate;
mod neighbours;
mod output;
mod policy;
mod program;
mod progress;
mod promoters;
mod proposals;
mod provenance;
mod selection;
mod severity;
mod target;
pub mod trace;
mod trees;
mod unknown_option;
mod version;
#[doc(hidden)]
pub mod write;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches};
use colored::Colorize;

pub use completion::completion_scripts;
pub use configuration::{Configuration, ConfigurationError};
pub use connection::ConnectionArguments;
pub use policy::PolicyCheck;

use crate::cluster::{PLUGIN_ARGUMENT, run_plugin};
use arguments::{Arguments, Command};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Nothing at or above the threshold; the order held.
    Success = 0,
    /// Findings at or above the threshold; an order was violated.
    Found = 1,
    /// The arguments are wrong, or name nothing to lint.
    Usage = 2,
    /// Something could not be read or parsed; the rest was linted.
    Unread = 3,
    /// There is not enough evidence for a verdict.
    NotEnough = 4,
}

/// Why a run ended before it had a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the user asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Standard output does not take the result.
    #[error("the result cannot be written: {0}")]
    Output(#[from] io::Error),
    /// The cluster cannot be asked, refuses, or lacks what is needed.
    #[error("{0}")]
    Cluster(String),
    /// A trace failed.
    #[error(transparent)]
    Trace(#[from] trace::TraceError),
}

/// The commands and options, for man pages.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command().after_help(lint::EXIT_CODES)
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some((first, plugin)) = arguments.get(1..).and_then(<[OsString]>::split_first)
        && first == PLUGIN_ARGUMENT
    {
        return match run_plugin(plugin) {
            Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
            Err(problem) => {
                complain(&problem);
                ExitCode::FAILURE
            }
        };
    }
    let file = program::file(arguments.first().map(OsString::as_os_str));
    let program = program::name(&file);
    match completion::answer(&arguments) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return print(&error),
    }
    let parsed = command()
        .bin_name(&program)
        .color(color::wished(&arguments))
        .try_get_matches_from(arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return print(&unknown_option::explained(error, &command())),
    };
    color::decide(parsed.color);
    let result = match &parsed.command {
        Command::Lint(arguments) => lint::run(arguments, &program),
        Command::Migrate(arguments) => migrate::run(arguments, &program),
        Command::Explain(arguments) => explain::run(arguments, &program),
        Command::Trace(arguments) => trace::run(arguments),
        Command::Policy(arguments) => policy::run(arguments, &program),
        Command::Completion(arguments) => completion::run(arguments, &file),
        Command::Lsp(arguments) => lsp::run(arguments),
        Command::Version(arguments) => version::run(arguments, &program),
    };
    match result {
        Ok(exit) => ExitCode::from(exit as u8),
        // Whoever reads has read enough.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(match failure {
                Error::Trace(_) | Error::Cluster(_) => ExitStatus::Unread as u8,
                Error::Usage(_) | Error::Output(_) => ExitStatus::Usage as u8,
            })
        }
    }
}

/// Prints what clap has to say: a mistake, or the help that was asked for.
fn print(error: &clap::Error) -> ExitCode {
    // Where even the message can't be printed there is nobody to tell.
    let _unprinted = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(ExitStatus::Usage as u8))
}

/// One line about what went wrong, on standard error.
fn complain(message: &str) {
    tell(&"error:".red().bold(), message);
}

/// One line about what might be wrong, on standard error.
fn warn(message: &str) {
    tell(&"warning:".yellow().bold(), message);
}

/// One line about what is worth knowing, on standard error.
fn note(message: &str) {
    tell(&"note:".bold(), message);
}

fn tell(label: &dyn std::fmt::Display, message: &str) {
    let line = format!("{label} {}\n", crate::report::printable(message));
    // Where standard error is closed there is nobody to tell.
    let _unprinted = io::stderr().write_all(line.as_bytes());
}
