//! Lints what is open, together with the manifests beside it, as the configurations above them say.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::document::Document;
use crate::{
    lint::{self, Memory, lint_again},
    remedy::Form,
    rules::{Finding, RULES},
    source::{Input, Origin, Request, SourceError, SourceFile, discover, read_all},
    suppress::{InSources, Suppression},
};

/// Directories with more manifests than this are not read while somebody types.
const MOST_NEIGHBOURS: usize = 500;

/// Nor are those with more text.
const MOST_TEXT: u64 = 16 * 1024 * 1024;

/// The configurations that hold for files.
pub trait Configured {
    /// Forgets what was read, as a file may have changed.
    fn forget(&mut self);

    /// Which configuration holds for a file, or for what is in no file yet.
    ///
    /// # Errors
    /// What is wrong with the configuration, with its file and line.
    fn of(&mut self, path: Option<&Path>) -> Result<usize, String>;

    /// How a configuration has files linted.
    fn options(&self, configuration: usize) -> lint::Options;

    /// The forms that sidecars may be declared in, the preferred one first.
    fn forms(&self, configuration: usize) -> Vec<Form>;

    /// Whether a configuration leaves a finding to be reported.
    fn keeps(&mut self, configuration: usize, finding: &Finding) -> bool;
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
    /// Configurations that make no sense. What they hold for has no findings.
    pub(super) failures: BTreeSet<String>,
    by_name: ByName,
}

/// Which of the findings, errors and suppressions are about a source, by its name.
#[derive(Debug, Default)]
struct ByName {
    findings: HashMap<String, Vec<usize>>,
    errors: HashMap<String, Vec<usize>>,
    suppressions: HashMap<String, Vec<usize>>,
}

/// What is kept from one check to the next, as hardly anything changes in between.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// By the configuration.
    memories: BTreeMap<usize, Memory>,
    /// The manifests beside the documents, by their names.
    neighbours: HashMap<String, Arc<SourceFile>>,
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

    fn index(&mut self) {
        let mut by_name = ByName::default();
        for (at, finding) in self.findings.iter().enumerate() {
            let names: BTreeSet<&str> = finding
                .locations
                .iter()
                .map(|location| location.source.name.as_str())
                .collect();
            names
                .into_iter()
                .for_each(|name| list(&mut by_name.findings, name, at));
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
) -> Outcome {
    configured.forget();
    let mut outcome = Outcome::default();
    let mut neighbours = neighbours(documents.clone());
    kept.recognize(&mut neighbours);
    let open = documents.map(|document| (document.path.clone(), Arc::clone(&document.source)));
    for (path, source) in open.chain(neighbours) {
        match configured.of(path.as_deref()) {
            Ok(configuration) => outcome.sources.push(Checked {
                source,
                configuration,
            }),
            Err(failure) => {
                outcome.failures.insert(failure);
            }
        }
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
    kept.memories
        .retain(|configuration, _| groups.contains_key(configuration));
    for (configuration, sources) in groups {
        let memory = kept.memories.entry(configuration).or_default();
        let found = lint_again(&sources, &configured.options(configuration), memory);
        let mut findings = in_sources.apply(found.findings);
        findings.retain(|finding| configured.keeps(configuration, finding));
        outcome.findings.append(&mut findings);
        outcome.errors.extend(found.errors);
    }
    outcome.suppressions = in_sources.suppressions().cloned().collect();
    outcome.index();
    outcome
}

impl Kept {
    /// Puts neighbours that are as they were in the place of those that were read anew.
    fn recognize(&mut self, neighbours: &mut [(Option<PathBuf>, Arc<SourceFile>)]) {
        for (_, source) in &mut *neighbours {
            if let Some(known) = self.neighbours.get(&source.name).filter(|known| *known == source) {
                *source = Arc::clone(known);
            }
        }
        let now = neighbours
            .iter()
            .map(|(_, source)| (source.name.clone(), Arc::clone(source)));
        self.neighbours = now.collect();
    }
}

/// The manifests in the directories of the documents that are not open themselves.
fn neighbours<'d>(
    documents: impl Iterator<Item = &'d Document> + Clone,
) -> Vec<(Option<PathBuf>, Arc<SourceFile>)> {
    let open: HashSet<&Path> = documents
        .clone()
        .filter_map(|document| document.path.as_deref())
        .collect();
    // Links are followed only where a file is not open under the name that its directory has for it.
    let followed: LazyCell<HashSet<PathBuf>, _> = LazyCell::new(|| {
        open.iter()
            .filter_map(|path| fs::canonicalize(path).ok())
            .collect()
    });
    let directories: BTreeSet<&Path> = documents
        .filter_map(|document| document.path.as_deref()?.parent())
        .collect();
    let mut inputs = Vec::new();
    for directory in directories {
        let request = Request::Filename {
            path: directory.to_owned(),
            recursive: false,
        };
        // A directory without manifests is no mistake here.
        let found = discover(&[request]).map(|found| found.inputs).unwrap_or_default();
        let others: Vec<Input> = found
            .into_iter()
            .filter(|input| {
                let path = input.path().filter(|path| !open.contains(path));
                path.and_then(|path| fs::canonicalize(path).ok())
                    .is_some_and(|path| !followed.contains(&path))
            })
            .collect();
        if others.len() <= MOST_NEIGHBOURS && size(&others) <= MOST_TEXT {
            inputs.extend(others);
        }
    }
    // What can't be read is nothing that anybody looks at just now.
    let texts = read_all(&inputs).into_iter().map(|text| text.ok().flatten());
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
