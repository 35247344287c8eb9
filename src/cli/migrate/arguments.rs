//! What `migrate` can be told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::{
    kubernetes_version::parse_version,
    live::LiveArguments,
    mesh::{MeshArgument, parse_mesh},
    target::TargetChoice,
    trees::TreeArguments,
};

pub(in crate::cli) const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  with --check: something would change; with --apply: something was left, or a rollout is stuck
  2  wrong usage, or a path that names nothing
  3  something could not be read, parsed or written; the rest was migrated";

/// Rewrite sidecar workarounds into declared sidecars
///
/// Prints a unified diff and, on standard error, what was done and what was left to a person. Nothing on
/// disk changes without --write.
#[derive(Debug, Args)]
pub(in crate::cli) struct MigrateArguments {
    /// Files and directories to migrate, or - for standard input, whose result is printed; with --live TYPE or
    /// TYPE/NAME
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Files and directories as kubectl takes them
    #[arg(short, long, value_name = "FILENAME", value_delimiter = ',')]
    pub(in crate::cli) filename: Vec<PathBuf>,
    /// Search the directories of -f recursively
    #[arg(short = 'R', long, requires = "filename")]
    pub(in crate::cli) recursive: bool,
    /// How sidecars are declared [default: lifecycle]
    #[arg(long, value_name = "TARGET")]
    pub(in crate::cli) target: Option<TargetChoice>,
    /// The Kubernetes version that the manifests are for, such as 1.29
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    pub(in crate::cli) kubernetes_version: Option<(u32, u32)>,
    /// The version of an injector of sidecars, such as istio=1.27
    ///
    /// It decides whether its proxies are native sidecars. May be given several times; the configuration's `meshes`
    /// says the same.
    #[arg(long = "mesh", value_name = "NAME=VERSION", value_parser = parse_mesh)]
    pub(in crate::cli) meshes: Vec<MeshArgument>,
    /// Also make the changes that need review
    #[arg(long)]
    pub(in crate::cli) review: bool,
    /// Treat this container as a sidecar: NAME or WORKLOAD/NAME
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) sidecar: Vec<String>,
    /// Remove the workarounds of these rules or families only
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(in crate::cli) select: Vec<String>,
    /// Leave the workarounds of these rules or families
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(in crate::cli) ignore: Vec<String>,
    /// Change the files
    #[arg(short, long, conflicts_with_all = ["output", "check"])]
    pub(in crate::cli) write: bool,
    /// Print whole documents instead of a diff
    #[arg(short, long, value_name = "FORMAT")]
    pub(in crate::cli) output: Option<MigrateOutput>,
    /// Exit with 1 when something would change
    #[arg(long)]
    pub(in crate::cli) check: bool,
    /// Change the cluster's objects, once the server has tried it; asks first
    #[arg(long, conflicts_with_all = ["output", "check", "write"])]
    pub(in crate::cli) apply: bool,
    /// Do not ask before --apply changes something
    #[arg(long, requires = "apply")]
    pub(in crate::cli) yes: bool,
    /// Keep what was there before --apply changes it, one file for each object
    #[arg(long, value_name = "DIR", requires = "apply")]
    pub(in crate::cli) backup: Option<PathBuf>,
    /// Say what each change rests on, made or skipped, and what proves it
    #[arg(short, long, conflicts_with = "quiet")]
    pub(in crate::cli) verbose: bool,
    /// Say nothing about what was done and left
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
    /// The configuration, instead of the .kubectl-sidecar.yaml found upwards from each input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Read no configuration
    #[arg(long, conflicts_with = "config")]
    pub(in crate::cli) no_config: bool,
    #[command(flatten)]
    pub(in crate::cli) trees: TreeArguments,
    #[command(flatten)]
    pub(in crate::cli) live: LiveArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum MigrateOutput {
    /// A unified diff
    Diff,
    /// Whole documents
    Yaml,
}
