//! The terminal's edge: arguments in, text and an exit code out.

mod connection;
pub mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use connection::ConnectionArguments;

/// What a run came to, as the exit code says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// All is well.
    Success,
    /// What was looked for was found: an order was violated.
    Found,
    /// There is not enough evidence.
    NotEnough,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Success => Self::SUCCESS,
            ExitStatus::Found => Self::from(1),
            ExitStatus::NotEnough => Self::from(4),
        }
    }
}

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments do not fit together: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It failed: exit code 3.
    #[error(transparent)]
    Trace(#[from] trace::TraceError),
}

/// Finds the workarounds that stand in for sidecars, replaces them, and watches the order of containers.
#[derive(Debug, Parser)]
#[command(name = "kubectl-sidecar", bin_name = "kubectl sidecar", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch containers start and stop, and judge the order
    Trace(Box<trace::TraceArguments>),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    let outcome = match line.command {
        Command::Trace(arguments) => trace::run(&arguments),
    };
    match outcome {
        Ok(status) => status.into(),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the edge of the program")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::from(if matches!(error, Error::Usage(_)) { 2 } else { 3 })
        }
    }
}
