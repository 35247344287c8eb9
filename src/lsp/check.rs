//! Lints what is open, together with the manifests beside it, as the configurations above them say.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{client::Preferences, document::Document, kept::Kept, trees::RenderedTree};
use crate::{
    lint::{self, lint_again},
    remedy::Form,
    rules::{Finding, RULES},
    source::{Input, Lines, Origin, Request, SourceError, SourceFile, discover, read_all},
    suppress::{InSources, Suppression},
};

/// Directories with more manifests than this are not read while somebody types.
const MOST_NEIGHBOURS: usize = 500;

/// Nor are those with more text.
const MOST_TEXT: u64 = 16 * 1024 * 1024;

/// A workspace with more manifests than this is not checked as a whole.
const MOST_IN_WORKSPACE: usize = 20_000;

/// Nor is one with more text.
const MOST_TEXT_IN_WORKSPACE: u64 = 256 * 1024 * 1024;

/// What is wrong with a configuration or a baseline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Failure {
    /// The file, as an absolute path.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

/// The configurations that hold for files.
pub(crate) trait Configured {
    /// Takes what the editor's user wants.
    ///
    /// # Errors
    /// What of it makes no sense.
    fn prefer(&mut self, preferences: Preferences) -> Result<(), String>;

    /// Forgets what was read, as a file may have changed.
    fn forget(&mut self);

    /// Which configuration holds for a file, or for what is in no file yet. One that can't be understood is a
    /// failure, and the files below it have none.
    fn of(&mut self, path: Option<&Path>) -> usize;

    /// What was wrong with the files that were read since they were forgotten.
    fn failures(&self) -> BTreeSet<Failure>;

    /// Whether a configuration keeps a file from being looked at.
    fn excludes(&self, configuration: usize, path: &Path) -> bool;

    /// How a configuration has files linted.
    fn options(&self, configuration: usize) -> lint::Options;

    /// The forms that sidecars may be declared in, the preferred one first.
    fn forms(&self, configuration: usize) -> Vec<Form>;

    /// The findings that a configuration and the baselines beside it leave to be reported.
    fn keep(&mut self, configuration: usize, findings: Vec<Finding>) -> Vec<Finding>;
}

/// A source and the configuration that holds for it.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) source: Arc<SourceFile>,
    pub(super) configuration: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) sources: Vec<Checked>,
    pub(super) findings: Vec<Finding>,
    pub(super) errors: Vec<SourceError>,
    pub(super) suppressions: Vec<Suppression>,
    /// Configurations and baselines that make no sense. What they hold for is checked without them.
    pub(super) failures: BTreeSet<Failure>,
    /// The first of the findings that were made in renderings.
    rendered_from: usize,
    by_name: ByName,
}

/// Which of the findings, errors and suppressions are about a source, by its name.
#[derive(Debug, Default)]
struct ByName {
    findings: HashMap<String, Vec<usize>>,
    errors: HashMap<String, Vec<usize>>,
    suppressions: HashMap<String, Vec<usize>>,
}

impl Outcome {
    /// The source of a document, as it was checked.
    pub(super) fn of(&self, document: &Document) -> Option<&Checked> {
        self.sources
            .iter()
            .find(|checked| Arc::ptr_eq(&checked.source, &document.source))
    }

    /// The findings with a place in a source of this name.
    pub(super) fn findings_in(&self, name: &str) -> impl Iterator<Item = &Finding> {
        listed(&self.by_name.findings, name, &self.findings)
    }

    /// What could not be read of a source of this name.
    pub(super) fn errors_in(&self, name: &str) -> impl Iterator<Item = &SourceError> {
        listed(&self.by_name.errors, name, &self.errors)
    }

    /// The suppressions that stand in a source of this name.
    pub(super) fn suppressions_in(&self, name: &str) -> impl Iterator<Item = &Suppression> {
        listed(&self.by_name.suppressions, name, &self.suppressions)
    }

    /// Whether a finding was made in a rendering.
    pub(super) fn is_rendered(&self, finding: &Finding) -> bool {
        let mut rendered = self.findings.get(self.rendered_from..).into_iter().flatten();
        rendered.any(|own| std::ptr::eq(own, finding))
    }

    /// Puts what renderings show in the place of what their files show by themselves. Of a file that is another one by
    /// now they show nothing.
    fn take_in(
        &mut self,
        trees: &[RenderedTree],
        in_sources: &mut InSources,
        configured: &mut dyn Configured,
    ) {
        self.findings.retain(|finding| {
            !finding.primary().is_some_and(|place| {
                let line = Lines::new(&place.source.text).position(place.span.start).line - 1;
                trees.iter().any(|tree| tree.shows(&place.source, line))
            })
        });
        self.rendered_from = self.findings.len();
        for finding in trees.iter().flat_map(|tree| &tree.findings) {
            let Some((finding, configuration)) = self.at_checked(finding) else {
                continue;
            };
            let left = in_sources.apply(vec![finding]);
            self.findings.extend(configured.keep(configuration, left));
        }
    }

    /// A finding of a rendering in the sources that were checked, and the configuration of the one that it stands in.
    fn at_checked(&self, finding: &Finding) -> Option<(Finding, usize)> {
        let checked = |source: &SourceFile| {
            let mut sources = self.sources.iter();
            sources.find(|checked| *checked.source == *source)
        };
        let configuration = checked(&finding.primary()?.source)?.configuration;
        let mut finding = finding.clone();
        for location in &mut finding.locations {
            if let Some(checked) = checked(&location.source) {
                location.source = Arc::clone(&checked.source);
            }
        }
        Some((finding, configuration))
    }

    fn index(&mut self) {
        let mut by_name = ByName::default();
        for (at, finding) in self.findings.iter().enumerate() {
            let locations = finding.locations.iter();
            let names: BTreeSet<&str> = locations.map(|location| location.source.name.as_str()).collect();
            for name in names {
                list(&mut by_name.findings, name, at);
            }
        }
        for (at, error) in self.errors.iter().enumerate() {
            list(&mut by_name.errors, &error.file, at);
        }
        for (at, suppression) in self.suppressions.iter().enumerate() {
            list(&mut by_name.suppressions, &suppression.file, at);
        }
        self.by_name = by_name;
    }
}

fn list(lists: &mut HashMap<String, Vec<usize>>, name: &str, at: usize) {
    lists.entry(name.to_owned()).or_default().push(at);
}

fn listed<'o, T>(
    lists: &'o HashMap<String, Vec<usize>>,
    name: &str,
    all: &'o [T],
) -> impl Iterator<Item = &'o T> {
    let own = lists.get(name).map_or(&[][..], Vec::as_slice);
    own.iter().filter_map(|at| all.get(*at))
}

/// Checks all documents at once: a workload may run a script of a ConfigMap that is open too, or beside it.
pub(super) fn check<'d>(
    documents: impl Iterator<Item = &'d Document> + Clone,
    configured: &mut dyn Configured,
    kept: &mut Kept,
    trees: &[RenderedTree],
) -> Outcome {
    configured.forget();
    let neighbours = neighbours(documents.clone());
    check_with((documents, neighbours), configured, kept, trees)
}

/// Checks the documents and everything below some directories that no configuration excludes.
pub(super) fn check_workspace<'d>(
    documents: impl Iterator<Item = &'d Document> + Clone,
    folders: &[PathBuf],
    configured: &mut dyn Configured,
    kept: &mut Kept,
    trees: &[RenderedTree],
) -> Outcome {
    configured.forget();
    let open = OpenFiles::of(documents.clone());
    let mut inputs = Vec::new();
    for folder in folders {
        inputs.extend(manifests(folder, true, &open));
    }
    inputs.retain(|input| {
        let path = input.path().unwrap_or(Path::new(""));
        let configuration = configured.of(Some(path));
        !configured.excludes(configuration, path)
    });
    if inputs.len() > MOST_IN_WORKSPACE || size(&inputs) > MOST_TEXT_IN_WORKSPACE {
        inputs.clear();
    }
    check_with((documents, texts_of(&inputs)), configured, kept, trees)
}

/// A text, and the file that it is in.
pub(super) type Text = (Option<PathBuf>, Arc<SourceFile>);

fn check_with<'d>(
    (documents, mut others): (impl Iterator<Item = &'d Document>, Vec<Text>),
    configured: &mut dyn Configured,
    kept: &mut Kept,
    trees: &[RenderedTree],
) -> Outcome {
    kept.recognize(&mut others);
    let mut outcome = Outcome::default();
    let open = documents.map(|document| (document.path.clone(), Arc::clone(&document.source)));
    for (path, source) in open.chain(others) {
        outcome.sources.push(Checked {
            source,
            configuration: configured.of(path.as_deref()),
        });
    }
    let all: Vec<Arc<SourceFile>> = outcome
        .sources
        .iter()
        .map(|checked| Arc::clone(&checked.source))
        .collect();
    let mut in_sources = InSources::collect(&all, RULES);
    outcome.errors.append(&mut in_sources.errors);
    let mut groups: BTreeMap<usize, Vec<Arc<SourceFile>>> = BTreeMap::new();
    for checked in &outcome.sources {
        groups
            .entry(checked.configuration)
            .or_default()
            .push(Arc::clone(&checked.source));
    }
    kept.forget_all_but(|configuration| groups.contains_key(&configuration));
    for (configuration, sources) in groups {
        let options = configured.options(configuration);
        let found = lint_again(&sources, &options, kept.memory(configuration));
        let left = in_sources.apply(found.findings);
        outcome.findings.extend(configured.keep(configuration, left));
        outcome.errors.extend(found.errors);
    }
    outcome.take_in(trees, &mut in_sources, configured);
    outcome.failures = configured.failures();
    outcome.suppressions = in_sources.suppressions().cloned().collect();
    outcome.index();
    outcome
}

/// The manifests in the directories of the documents that are not open themselves.
fn neighbours<'d>(documents: impl Iterator<Item = &'d Document> + Clone) -> Vec<Text> {
    let open = OpenFiles::of(documents.clone());
    let directories: BTreeSet<&Path> = documents
        .filter_map(|document| document.path.as_deref()?.parent())
        .collect();
    let mut inputs = Vec::new();
    for directory in directories {
        let others = manifests(directory, false, &open);
        if others.len() <= MOST_NEIGHBOURS && size(&others) <= MOST_TEXT {
            inputs.extend(others);
        }
    }
    texts_of(&inputs)
}

/// The files of the documents.
struct OpenFiles<'d> {
    named: HashSet<&'d Path>,
    followed: OnceCell<HashSet<PathBuf>>,
}

impl<'d> OpenFiles<'d> {
    fn of(documents: impl Iterator<Item = &'d Document>) -> Self {
        Self {
            named: documents
                .filter_map(|document| document.path.as_deref())
                .collect(),
            followed: OnceCell::new(),
        }
    }

    /// Whether a file is open, under whatever name. Links are followed only where it is not open under this one.
    fn hold(&self, path: &Path) -> bool {
        let followed = || -> HashSet<PathBuf> {
            let named = self.named.iter();
            named.filter_map(|path| fs::canonicalize(path).ok()).collect()
        };
        self.named.contains(path)
            || fs::canonicalize(path).map_or(true, |path| self.followed.get_or_init(followed).contains(&path))
    }
}

/// The manifests in a directory, or also below it, that are not open.
fn manifests(directory: &Path, recursive: bool, open: &OpenFiles<'_>) -> Vec<Input> {
    let request = Request::Filename {
        path: directory.to_owned(),
        recursive,
    };
    // A directory without manifests is no mistake here.
    let mut found = discover(&[request]).map(|found| found.inputs).unwrap_or_default();
    found.retain(|input| input.path().is_some_and(|path| !open.hold(path)));
    found
}

/// The texts of inputs. What can't be read is nothing that anybody looks at just now.
fn texts_of(inputs: &[Input]) -> Vec<Text> {
    let texts = read_all(inputs).into_iter().map(|text| text.ok().flatten());
    inputs
        .iter()
        .zip(texts)
        .filter_map(|(input, source)| Some((input.path().map(Path::to_owned), Arc::new(source?))))
        .collect()
}

fn size(inputs: &[Input]) -> u64 {
    let length = |input: &Input| match &input.origin {
        Origin::File(path) | Origin::Found(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
        Origin::StandardInput | Origin::Kustomization(_) => 0,
    };
    inputs.iter().map(length).sum()
}
