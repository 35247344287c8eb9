//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    completion::CompletionArguments,
    live::LiveArguments,
    lsp::LspArguments,
    output::{Output, OutputParser},
    policy::PolicyArguments,
    trace::TraceArguments,
    version::VersionArguments,
};
use crate::{
    report::Format,
    rules::{KubernetesVersion, Severity, Target, parse_kubernetes_version},
};

pub(super) const AFTER_HELP: &str = "\
Exit codes:
  0  nothing found at or above the --fail-on threshold
  1  findings at or above the threshold
  2  wrong usage, or a path that names nothing
  3  something could not be read or parsed; the rest was linted";

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
    #[command(after_help = AFTER_HELP)]
    Lint(Box<LintArguments>),
    #[command(after_help = MIGRATE_AFTER_HELP)]
    Migrate(Box<MigrateArguments>),
    Explain(ExplainArguments),
    /// Watch containers start and stop, and judge the order
    Trace(Box<TraceArguments>),
    Policy(Box<PolicyArguments>),
    Lsp(LspArguments),
    Completion(CompletionArguments),
    Version(VersionArguments),
}

/// Find sidecar workarounds in manifests, or in a cluster
///
/// Without a path the current namespace of the current cluster is scanned.
#[derive(Debug, Args)]
pub(super) struct LintArguments {
    /// Files and directories to lint, or - for standard input; in a cluster TYPE or TYPE/NAME
    ///
    /// Directories are searched recursively for .yaml, .yml and .json files that git does not ignore. What
    /// is no Kubernetes manifest is skipped there.
    #[arg(value_name = "PATH|TYPE/NAME")]
    pub(super) paths: Vec<PathBuf>,
    /// Files and directories as kubectl takes them
    #[arg(short, long, value_name = "FILENAME", value_delimiter = ',')]
    pub(super) filename: Vec<PathBuf>,
    /// Search the directories of -f recursively
    #[arg(short = 'R', long, requires = "filename")]
    pub(super) recursive: bool,
    /// A directory to render by `kubectl kustomize` (or `kustomize build`)
    #[arg(short, long, value_name = "DIR", conflicts_with = "filename")]
    pub(super) kustomize: Option<PathBuf>,
    /// How to report the result: FORMAT on standard output, FORMAT=FILE in a file
    ///
    /// May be given several times. A file is written wholly or not at all.
    #[arg(short = 'o', long = "output", value_name = "FORMAT[=FILE]", value_parser = OutputParser, default_value = "text")]
    pub(super) outputs: Vec<Output>,
    /// Print findings alone, without summary and hints
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// The least severity that makes the exit code 1 [default: warning]
    #[arg(long, value_name = "SEVERITY")]
    pub(super) fail_on: Option<Threshold>,
    /// The least severity to print [default: info]
    #[arg(long, value_name = "SEVERITY")]
    pub(super) min_severity: Option<SeverityChoice>,
    /// Report these rules or families only
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Do not report these rules or families
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// The Kubernetes version that the manifests are for, such as 1.29
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    pub(super) kubernetes_version: Option<(u32, u32)>,
    /// The configuration, instead of the .kubectl-sidecar.yaml above each input
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Read no configuration
    #[arg(long, conflicts_with = "config")]
    pub(super) no_config: bool,
    /// Do not report what is in this baseline
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write what is found to the baseline instead of reporting it
    #[arg(long, requires = "baseline")]
    pub(super) write_baseline: bool,
    #[command(flatten)]
    pub(super) live: LiveArguments,
}

pub(super) const MIGRATE_AFTER_HELP: &str = "\
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
pub(super) struct MigrateArguments {
    /// Files and directories to migrate, or - for standard input, whose result is printed; with --live TYPE or
    /// TYPE/NAME
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Files and directories as kubectl takes them
    #[arg(short, long, value_name = "FILENAME", value_delimiter = ',')]
    pub(super) filename: Vec<PathBuf>,
    /// Search the directories of -f recursively
    #[arg(short = 'R', long, requires = "filename")]
    pub(super) recursive: bool,
    /// How sidecars are declared [default: lifecycle]
    #[arg(long, value_name = "TARGET")]
    pub(super) target: Option<TargetChoice>,
    /// The Kubernetes version that the manifests are for, such as 1.29
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    pub(super) kubernetes_version: Option<(u32, u32)>,
    /// Also make the changes that a person has to look at
    #[arg(long)]
    pub(super) review: bool,
    /// A container that is a sidecar though nothing shows it: NAME or WORKLOAD/NAME
    #[arg(long, value_name = "NAME")]
    pub(super) sidecar: Vec<String>,
    /// Remove the workarounds of these rules or families only
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Leave the workarounds of these rules or families
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// Change the files
    #[arg(short, long, conflicts_with_all = ["output", "check"])]
    pub(super) write: bool,
    /// Print whole documents instead of a diff
    #[arg(short, long, value_name = "FORMAT")]
    pub(super) output: Option<MigrateOutput>,
    /// Exit with 1 when something would change
    #[arg(long)]
    pub(super) check: bool,
    /// Change the cluster's objects, once the server has tried it; asks first
    #[arg(long, conflicts_with_all = ["output", "check", "write"])]
    pub(super) apply: bool,
    /// Do not ask before --apply changes something
    #[arg(long, requires = "apply")]
    pub(super) yes: bool,
    /// Keep what was there before --apply changes it, one file for each object
    #[arg(long, value_name = "DIR", requires = "apply")]
    pub(super) backup: Option<PathBuf>,
    /// Say nothing about what was done and left
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// The configuration, instead of the .kubectl-sidecar.yaml found upwards from each input
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Read no configuration
    #[arg(long, conflicts_with = "config")]
    pub(super) no_config: bool,
    #[command(flatten)]
    pub(super) live: LiveArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TargetChoice {
    /// lifecycle.type: Sidecar, the first design of KEP-753
    Lifecycle,
    /// An init container with restartPolicy: Always, Kubernetes since 1.29
    Native,
    /// The annotation kubectl-sidecar/sidecars, which `policy promote` acts on, Kubernetes since 1.36
    Annotation,
    /// What the current cluster runs
    Auto,
}

impl From<TargetChoice> for Target {
    fn from(choice: TargetChoice) -> Self {
        match choice {
            TargetChoice::Lifecycle => Self::Lifecycle,
            TargetChoice::Native => Self::Native,
            TargetChoice::Annotation => Self::Annotation,
            TargetChoice::Auto => Self::Auto,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MigrateOutput {
    /// A unified diff
    Diff,
    /// Whole documents
    Yaml,
}

/// Explain a rule: what it finds, why it matters, what to do. Without RULE, list all rules
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The rule
    pub(super) rule: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// In a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Annotated source
    Text,
    /// One line a finding: file:line:col: severity[rule] message
    Concise,
    /// One row a workload
    Table,
    /// The JSON of schemas/lint.v1.json
    Json,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit XML, for CI servers
    Junit,
    /// A comment on a pull or merge request
    Markdown,
    /// One self-contained page: charts, findings, annotated source
    Html,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Text => Self::Text,
            OutputFormat::Concise => Self::Concise,
            OutputFormat::Table => Self::Table,
            OutputFormat::Json => Self::Json,
            OutputFormat::Sarif => Self::Sarif,
            OutputFormat::Github => Self::Github,
            OutputFormat::Gitlab => Self::Gitlab,
            OutputFormat::Junit => Self::Junit,
            OutputFormat::Markdown => Self::Markdown,
            OutputFormat::Html => Self::Html,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SeverityChoice {
    /// It does not work as written, or never ends
    Error,
    /// A workaround that a declared sidecar replaces
    Warning,
    /// Worth knowing
    Info,
}

impl From<SeverityChoice> for Severity {
    fn from(choice: SeverityChoice) -> Self {
        match choice {
            SeverityChoice::Error => Self::Error,
            SeverityChoice::Warning => Self::Warning,
            SeverityChoice::Info => Self::Info,
        }
    }
}

/// From which severity on a finding makes the exit code 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Threshold {
    /// Errors
    Error,
    /// Errors and warnings
    Warning,
    /// Any finding
    Info,
    /// No finding
    Never,
}

impl Threshold {
    /// Whether a finding of this severity makes the run fail.
    pub(super) fn is_reached(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Info => true,
            Self::Never => false,
        }
    }
}

/// `1.29`, `v1.29`, `1.29.3`, `v1.29.3-gke.100`
pub(super) fn parse_version(text: &str) -> Result<KubernetesVersion, String> {
    parse_kubernetes_version(text).ok_or_else(|| format!("{text:?} is no Kubernetes version such as 1.29"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_may_have_more_than_two_parts() {
        for text in ["1.29", "v1.29", "1.29.3", "v1.29.3-gke.100", "v1.29.3+k3s1"] {
            assert_eq!(parse_version(text), Ok((1, 29)), "{text}");
        }
        for text in ["", "1", "29", "1.x", "2.29", "one", "1.29.", "1.29-gke"] {
            assert!(parse_version(text).is_err(), "{text}");
        }
    }
}
