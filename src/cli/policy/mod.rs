//! `policy`: admission policies that order sidecars and warn of workarounds.

mod check;
mod declared;
mod guard;
mod install;
mod promote;
mod remove;
mod session;
mod survey;

use clap::{Args, Subcommand};

pub use check::PolicyCheck;

use super::{Error, ExitStatus};

/// Let the cluster itself order sidecars, by admission policies
///
/// Promotion needs Kubernetes 1.36 or later, the guard 1.30. On older clusters `migrate --target native` writes into
/// manifests what promotion does.
#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Promote(promote::PromoteArguments),
    Guard(guard::GuardArguments),
    Check(check::CheckArguments),
    Install(Box<install::InstallArguments>),
    Remove(remove::RemoveArguments),
}

/// Runs `policy`.
pub(super) fn run(arguments: &PolicyArguments, program: &str) -> Result<ExitStatus, Error> {
    match &arguments.command {
        PolicyCommand::Promote(arguments) => promote::run(arguments, program),
        PolicyCommand::Guard(arguments) => guard::run(arguments, program),
        PolicyCommand::Check(arguments) => check::run(arguments, program),
        PolicyCommand::Install(arguments) => install::run(arguments, program),
        PolicyCommand::Remove(arguments) => remove::run(arguments, program),
    }
}
