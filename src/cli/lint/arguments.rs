//! What `lint` can be told.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{
    kubernetes_version::parse_version,
    live::LiveArguments,
    mesh::{MeshArgument, parse_mesh},
    output::{Output, OutputParser},
    severity::{SeverityChoice, Threshold},
    trees::TreeArguments,
};

pub(in crate::cli) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing found at or above the --fail-on threshold
  1  findings at or above the threshold
  2  wrong usage, or a path that names nothing
  3  something that should be readable could not be read or parsed; the rest was linted";

/// Find sidecar workarounds in manifests, or in a cluster
///
/// Without a path the current namespace of the current cluster is scanned.
#[derive(Debug, Args)]
pub(in crate::cli) struct LintArguments {
    /// Files and directories to lint, or - for standard input; in a cluster TYPE or TYPE/NAME
    ///
    /// Directories are searched recursively, those that begin with a dot too, for .yaml, .yml and .json files that git
    /// does not ignore, and for the .tpl files of charts. Files that are not Kubernetes manifests are skipped. The
    /// manifests beside a file that is named are read with it and not reported.
    #[arg(value_name = "PATH|TYPE/NAME")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Files and directories as kubectl takes them
    #[arg(short, long, value_name = "FILENAME", value_delimiter = ',')]
    pub(in crate::cli) filename: Vec<PathBuf>,
    /// Search the directories of -f recursively
    #[arg(short = 'R', long, requires = "filename")]
    pub(in crate::cli) recursive: bool,
    /// A directory to render by `kubectl kustomize` (or `kustomize build`)
    #[arg(short, long, value_name = "DIR", conflicts_with = "filename")]
    pub(in crate::cli) kustomize: Option<PathBuf>,
    /// How to report the result: FORMAT on standard output, FORMAT=FILE in a file
    ///
    /// May be given several times. A file is written wholly or not at all.
    #[arg(short = 'o', long = "output", value_name = "FORMAT[=FILE]", value_parser = OutputParser, default_value = "text")]
    pub(in crate::cli) outputs: Vec<Output>,
    /// Print findings alone, without summary and hints
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
    /// Name each file that was not, or not wholly, looked at
    #[arg(short, long, conflicts_with = "quiet")]
    pub(in crate::cli) verbose: bool,
    /// The least severity that makes the exit code 1 [default: warning]
    #[arg(long, value_name = "SEVERITY")]
    pub(in crate::cli) fail_on: Option<Threshold>,
    /// The least severity to print [default: info]
    #[arg(long, value_name = "SEVERITY")]
    pub(in crate::cli) min_severity: Option<SeverityChoice>,
    /// Report these rules or families only
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(in crate::cli) select: Vec<String>,
    /// Do not report these rules or families
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(in crate::cli) ignore: Vec<String>,
    /// The Kubernetes version that the manifests are for, such as 1.29
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    pub(in crate::cli) kubernetes_version: Option<(u32, u32)>,
    /// The version of an injector of sidecars, such as istio=1.27
    ///
    /// It decides whether its proxies are native sidecars. May be given several times; the configuration's `meshes`
    /// says the same.
    #[arg(long = "mesh", value_name = "NAME=VERSION", value_parser = parse_mesh)]
    pub(in crate::cli) meshes: Vec<MeshArgument>,
    /// The configuration, instead of the .kubectl-sidecar.yaml above each input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Read no configuration
    #[arg(long, conflicts_with = "config")]
    pub(in crate::cli) no_config: bool,
    /// Do not report what is in this baseline
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) baseline: Option<PathBuf>,
    /// Write what is found to the baseline instead of reporting it
    #[arg(long, requires = "baseline")]
    pub(in crate::cli) write_baseline: bool,
    #[command(flatten)]
    pub(in crate::cli) trees: TreeArguments,
    #[command(flatten)]
    pub(in crate::cli) live: LiveArguments,
}
