//! `policy`: admission policies that order sidecars and warn of workarounds.

mod promote;

use clap::{Args, Subcommand};

use super::{Error, ExitStatus};

/// Let the cluster itself order sidecars, by admission policies
///
/// Needs Kubernetes 1.36 or later.
#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Promote(promote::PromoteArguments),
}

/// Runs `policy`.
pub(super) fn run(arguments: &PolicyArguments) -> Result<ExitStatus, Error> {
    match &arguments.command {
        PolicyCommand::Promote(arguments) => promote::run(arguments),
    }
}
