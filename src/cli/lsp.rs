//! `lsp`: the language server on standard input and output.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{
    Error, ExitStatus,
    configuration::{ConfigurationError, Configurations, Loaded},
    ignored::is_ignored,
    selection::Selection,
    target::forms,
};
use crate::{
    lint::Options,
    lsp::{Configured, Ending, Failure, Preferences, serve},
    pod::{Settings, Target},
    remedy::Form,
    roles::Catalogue,
    rules::{Finding, RULES, Severity},
    source::{Input, Origin},
    suppress::{Baseline, BaselineError},
};

/// The name of a baseline that is found without being named, as the quick start writes one.
const BASELINE: &str = ".sidecar-baseline.json";

/// Speak the Language Server Protocol with an editor, on standard input and output
#[derive(Debug, Args)]
#[command(after_help = "docs/editors.md shows how editors are told to start it.")]
pub(super) struct LspArguments {
    /// What editors say that know other ways too; there is no other here
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Runs `lsp` until the editor leaves.
pub(super) fn run(_arguments: &LspArguments) -> Result<ExitStatus, Error> {
    let mut discovered = Discovered::default();
    match serve(io::stdin(), io::stdout().lock(), &mut discovered)? {
        Ending::Orderly => Ok(ExitStatus::Success),
        // The protocol wants a 1 from a server that nobody has shut down.
        Ending::Abrupt => Ok(ExitStatus::Found),
    }
}

/// The configurations and baselines above the files that are open, and what the editor's user wants.
#[derive(Default)]
struct Discovered {
    preferences: Preferences,
    configurations: Option<Configurations>,
    /// By their path.
    baselines: BTreeMap<PathBuf, Baseline>,
    failures: BTreeSet<Failure>,
}

impl Discovered {
    fn loaded(&self, configuration: usize) -> Option<&Loaded> {
        self.configurations.as_ref()?.loaded.get(configuration)
    }

    /// The form that is wanted: by the user of the editor, else by the configuration.
    fn target(&self, configuration: usize) -> Option<Target> {
        let configured = self
            .loaded(configuration)
            .and_then(|loaded| loaded.configuration.target);
        self.preferences.target.or(configured)
    }

    /// The findings that no baseline holds.
    fn without_known(&mut self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut by_baseline: BTreeMap<Option<PathBuf>, Vec<Finding>> = BTreeMap::new();
        for finding in findings {
            let file = finding
                .primary()
                .map(|primary| PathBuf::from(&primary.source.name));
            let baseline = self
                .preferences
                .baseline
                .clone()
                .or_else(|| baseline_above(&file?));
            by_baseline.entry(baseline).or_default().push(finding);
        }
        let mut left = Vec::new();
        for (path, findings) in by_baseline {
            match path.and_then(|path| self.baseline(path)) {
                Some(baseline) => left.extend(baseline.apply(findings)),
                None => left.extend(findings),
            }
        }
        left
    }

    fn baseline(&mut self, path: PathBuf) -> Option<&mut Baseline> {
        if !self.baselines.contains_key(&path) {
            match Baseline::read(&path) {
                Ok(baseline) => {
                    self.baselines.insert(path.clone(), baseline);
                }
                Err(error) => {
                    self.failures.insert(of_baseline(&path, &error));
                }
            }
        }
        self.baselines.get_mut(&path)
    }
}

impl Configured for Discovered {
    fn prefer(&mut self, preferences: Preferences) -> Result<(), String> {
        Selection::new(&preferences.rules, &[], Severity::Info, RULES)
            .map_err(|error| format!("the settings are ignored: rules: {error}"))?;
        self.preferences = preferences;
        Ok(())
    }

    fn forget(&mut self) {
        self.configurations = None;
        self.baselines.clear();
        self.failures.clear();
    }

    fn of(&mut self, path: Option<&Path>) -> usize {
        if self.configurations.is_none() {
            // Without a file to read nothing can be wrong.
            self.configurations = Configurations::new(None, true).ok();
        }
        let Some(configurations) = &mut self.configurations else {
            return 0;
        };
        let origin = match path {
            Some(path) => Origin::File(path.to_owned()),
            None => Origin::StandardInput,
        };
        let name = path.map(|path| path.display().to_string()).unwrap_or_default();
        match configurations.of(&Input { name, origin }) {
            Ok(configuration) => configuration,
            Err(error) => {
                self.failures.insert(of_configuration(error));
                // The first is what holds where there is none.
                0
            }
        }
    }

    fn failures(&self) -> BTreeSet<Failure> {
        self.failures.clone()
    }

    fn excludes(&self, configuration: usize, path: &Path) -> bool {
        self.loaded(configuration)
            .filter(|loaded| loaded.has_excludes())
            .is_some_and(|loaded| loaded.excludes(&loaded.relative(&path.display().to_string())))
    }

    fn options(&self, configuration: usize) -> Options {
        let loaded = self.loaded(configuration);
        let sidecars = loaded.map(|loaded| loaded.configuration.sidecars.clone());
        Options {
            settings: Settings {
                kubernetes_version: loaded.and_then(|loaded| loaded.kubernetes_version),
                target: self.target(configuration),
                meshes: loaded.map(|loaded| loaded.meshes).unwrap_or_default(),
                ..Settings::default()
            },
            // What is wrong with one was said when it was read.
            catalogue: Arc::new(
                Catalogue::extended(sidecars.unwrap_or_default())
                    .unwrap_or_else(|_| Catalogue::built_in().clone()),
            ),
        }
    }

    fn forms(&self, configuration: usize) -> Vec<Form> {
        let loaded = self.loaded(configuration);
        forms(
            self.target(configuration),
            loaded.and_then(|loaded| loaded.kubernetes_version),
        )
    }

    fn keep(&mut self, configuration: usize, findings: Vec<Finding>) -> Vec<Finding> {
        let mut left = self.without_known(findings);
        let Some(loaded) = self
            .configurations
            .as_mut()
            .and_then(|configurations| configurations.loaded.get_mut(configuration))
        else {
            return left;
        };
        let chosen = &loaded.configuration;
        let select = if self.preferences.rules.is_empty() {
            &chosen.select
        } else {
            &self.preferences.rules
        };
        let least = chosen.min_severity.unwrap_or(Severity::Info);
        // The names were understood when they were read.
        if let Ok(selection) = Selection::new(select, &chosen.ignore, least, RULES) {
            left.retain(|finding| selection.includes(finding));
        }
        left.retain(|finding| !is_ignored(finding, loaded));
        left
    }
}

/// The baseline beside a file or above it, within its repository.
fn baseline_above(file: &Path) -> Option<PathBuf> {
    for directory in file.parent()?.ancestors() {
        let candidate = directory.join(BASELINE);
        if candidate.is_file() {
            return Some(candidate);
        }
        if directory.join(".git").exists() {
            return None;
        }
    }
    None
}

fn of_configuration(error: ConfigurationError) -> Failure {
    match error {
        ConfigurationError::Read { ref path, .. } => Failure {
            path: canonical(path),
            line: 1,
            column: 1,
            message: error.to_string(),
        },
        ConfigurationError::Wrong {
            path,
            line,
            column,
            message,
        } => Failure {
            path: canonical(&path),
            line,
            column,
            message,
        },
    }
}

fn of_baseline(path: &Path, error: &BaselineError) -> Failure {
    let (line, column) = match error {
        BaselineError::Malformed { line, column, .. } => (*line, *column),
        _ => (1, 1),
    };
    Failure {
        path: canonical(path),
        line,
        column,
        message: error.to_string(),
    }
}

fn canonical(path: impl AsRef<Path>) -> PathBuf {
    fs::canonicalize(&path).unwrap_or_else(|_| path.as_ref().to_owned())
}
