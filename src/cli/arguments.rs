//! What can be said on the command line.

use clap::{Parser, Subcommand};

use super::{
    color::ColorChoice,
    completion::CompletionArguments,
    explain::ExplainArguments,
    lint::{self, LintArguments},
    lsp::LspArguments,
    migrate::{self, MigrateArguments},
    policy::PolicyArguments,
    trace::TraceArguments,
    version::VersionArguments,
};

/// Find the workarounds that stand in for Kubernetes sidecars.
#[derive(Debug, Parser)]
#[command(version = env!("KUBECTL_SIDECAR_VERSION"), arg_required_else_help = true)]
pub(super) struct Arguments {
    /// When to use colour; NO_COLOR and CLICOLOR_FORCE are honoured
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(super) color: ColorChoice,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(after_help = lint::EXIT_CODES)]
    Lint(Box<LintArguments>),
    #[command(after_help = migrate::EXIT_CODES)]
    Migrate(Box<MigrateArguments>),
    Explain(ExplainArguments),
    /// Watch containers start and stop, and judge the order
    Trace(Box<TraceArguments>),
    Policy(Box<PolicyArguments>),
    Lsp(LspArguments),
    Completion(CompletionArguments),
    Version(VersionArguments),
}
