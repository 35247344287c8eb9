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
    trees::{Tree, Trees},
};
use crate::{
    lint::Options,
    lsp::{
        Around, Configured, Ending, Failure, Preferences, Render, RenderedTree, RewrittenFile, TreeRewrite,
        serve,
    },
    migrate,
    pod::{Settings, Target},
    remedy::Form,
    roles::Catalogue,
    rules::{Finding, RULES, Severity},
    source::{Input, Origin, Request, SourceFile, chart_of, discover},
    suppress::{Baseline, BaselineError},
    tree::kustomize,
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
    match serve(io::stdin(), io::stdout().lock(), &mut discovered, Renderers)? {
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

/// In a workspace with more files than this nothing is looked for that renders.
const MOST_FILES: usize = 20_000;

/// Renders what is around open files.
struct Renderers;

impl Render for Renderers {
    fn render(&mut self, wanted: &Around) -> Vec<RenderedTree> {
        let mut discovered = Discovered {
            preferences: wanted.preferences.clone(),
            ..Discovered::default()
        };
        let folders = match wanted.folders.is_empty() {
            true => wanted.open.iter().filter_map(|file| folder_of(file)).collect(),
            false => wanted.folders.clone(),
        };
        let requests: Vec<Request> = folders.into_iter().map(Request::Path).collect();
        let Ok(found) = discover(&requests) else {
            return Vec::new();
        };
        if requests.is_empty() || found.inputs.len() > MOST_FILES {
            return Vec::new();
        }
        let mut inputs = Vec::new();
        for input in found.inputs {
            let path = input.path().map(Path::to_owned);
            let group = discovered.of(path.as_deref());
            if !path.is_some_and(|path| discovered.excludes(group, &path)) {
                inputs.push((input, group));
            }
        }
        let Some(configurations) = &discovered.configurations else {
            return Vec::new();
        };
        let rendered = Trees::around(&wanted.open, &inputs, &found.directories, configurations);
        rendered
            .into_iter()
            .flat_map(|trees| trees.all)
            .map(|tree| tree_of(&tree, &mut discovered))
            .collect()
    }
}

/// The chart or the kustomization that a file without a workspace is in.
fn folder_of(file: &Path) -> Option<PathBuf> {
    let directory = file.parent()?;
    let is_kustomization = || kustomize::NAMES.iter().any(|name| directory.join(name).is_file());
    chart_of(file).or_else(|| is_kustomization().then(|| directory.to_owned()))
}

/// What a tree's renderings show, and how it is rewritten.
fn tree_of(tree: &Tree, discovered: &mut Discovered) -> RenderedTree {
    let options = discovered.options(tree.group);
    let mut rendered = RenderedTree {
        name: tree.renderer.name().to_owned(),
        files: tree.shown_lines(),
        ..RenderedTree::default()
    };
    let files = &rendered.files;
    let mut source = |name: &str, text: &Arc<str>| {
        let known = files.get(name).map(|(source, _)| Arc::clone(source));
        known.unwrap_or_else(|| {
            Arc::new(SourceFile {
                name: name.to_owned(),
                text: Arc::clone(text),
            })
        })
    };
    let findings = tree.lint(&options, &mut source).findings;
    if findings.is_empty() {
        return rendered;
    }
    for form in discovered.forms(tree.group) {
        // What needs no look goes before what does.
        let rewrite = [false, true].into_iter().find_map(|review| {
            let options = migrate::Options::of(&options, form, review);
            let migrated = tree.migrate(&options, &mut |findings| discovered.keep(tree.group, findings));
            let files = migrated.edited.into_iter().map(|edited| RewrittenFile {
                name: edited.name,
                old: edited.old,
                new: edited.new,
            });
            let files: Vec<RewrittenFile> = files.collect();
            (!files.is_empty()).then_some(TreeRewrite {
                form,
                is_for_review: review,
                files,
            })
        });
        rendered.rewrites.extend(rewrite);
    }
    rendered.findings = findings;
    rendered
}
