//! `kubectl sidecar trace`

mod arguments;
mod live;
mod output;
mod page;
mod plan;
mod record;
mod replay;
mod roles;
mod screen;
mod session;

use std::{io::IsTerminal, path::PathBuf};

pub use arguments::TraceArguments;
pub(super) use arguments::duration;

use super::{Error, ExitStatus};
use crate::{
    cluster::{ConnectError, OwnerError, RequestError},
    trace::{judgement::Conclusion, plan::PlanError, recording::RecordingError},
};

/// Why a trace could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// No client.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refuses or cannot be reached.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// An owner is not there.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// A recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The configuration cannot be read, or names no valid sidecars.
    #[error("{0}")]
    Configuration(String),
    /// What was asked for makes no sense of the pods that were seen.
    #[error("{0}")]
    Mistaken(String),
    /// A manifest has no pods.
    #[error("{path}: {source}")]
    Plan {
        /// The manifest.
        path: String,
        /// What is wrong with it.
        source: PlanError,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// `--tui` without a terminal to draw on.
    #[error(
        "--tui needs a terminal, and standard output is not one; without --tui the trace is printed as lines"
    )]
    NoTerminal,
    /// Nothing can be written any more.
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
}

impl TraceError {
    /// Whether the reader of the output has gone away, as `head` does.
    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

fn file_error(path: &std::path::Path, source: std::io::Error) -> TraceError {
    TraceError::File {
        path: path.display().to_string(),
        source,
    }
}

fn read_file(path: &PathBuf) -> Result<String, TraceError> {
    if path.as_os_str() == "-" {
        return std::io::read_to_string(std::io::stdin()).map_err(|source| file_error(path, source));
    }
    std::fs::read_to_string(path).map_err(|source| file_error(path, source))
}

/// Runs `trace`.
///
/// # Errors
/// Where the arguments do not fit together, or something cannot be reached, read or written.
pub fn run(arguments: &TraceArguments) -> Result<ExitStatus, Error> {
    arguments.check().map_err(Error::Usage)?;
    if arguments.tui && !std::io::stdout().is_terminal() {
        return Err(TraceError::NoTerminal.into());
    }
    let outcome = if let Some(path) = &arguments.plan {
        plan::run(arguments, path)
    } else if let Some(path) = &arguments.replay {
        replay::run(arguments, path)
    } else {
        live::run(arguments)
    };
    match outcome {
        Ok(status) => Ok(status),
        Err(error) if error.is_closed_pipe() => Ok(ExitStatus::Success),
        Err(TraceError::Mistaken(reason)) => Err(Error::Usage(reason)),
        Err(error) => Err(error.into()),
    }
}

impl From<Conclusion> for ExitStatus {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Held => Self::Success,
            Conclusion::Violated => Self::Found,
            Conclusion::NotEnough => Self::NotEnough,
        }
    }
}
