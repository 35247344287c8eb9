//! Lints what is open, together with the manifests beside it, as the configurations above them say.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::document::Document;
use crate::{
    lint::{self, lint},
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
}

impl Outcome {
    /// The source of a document, as it was checked.
    pub(super) fn of(&self, document: &Document) -> Option<&Checked> {
        self.sources
            .iter()
            .find(|checked| Arc::ptr_eq(&checked.source, &document.source))
    }
}

/// Checks all documents at once: a workload may run a script of a ConfigMap that is open too, or beside it.
pub(super) fn check<'d>(
    documents: impl Iterator<Item = &'d Document> + Clone,
    configured: &mut dyn Configured,
) -> Outcome {
    configured.forget();
    let mut outcome = Outcome::default();
    let neighbours = neighbours(documents.clone());
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
    for (configuration, sources) in groups {
        let found = lint(&sources, &[], &configured.options(configuration), &|| {});
        let mut findings = in_sources.apply(found.findings);
        findings.retain(|finding| configured.keeps(configuration, finding));
        outcome.findings.append(&mut findings);
        outcome.errors.extend(found.errors);
    }
    outcome.suppressions = in_sources.suppressions().cloned().collect();
    outcome
}

/// The manifests in the directories of the documents that are not open themselves.
fn neighbours<'d>(
    documents: impl Iterator<Item = &'d Document> + Clone,
) -> Vec<(Option<PathBuf>, Arc<SourceFile>)> {
    let open: HashSet<PathBuf> = documents
        .clone()
        .filter_map(|document| document.path.as_deref())
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect();
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
                let path = input.path().and_then(|path| fs::canonicalize(path).ok());
                path.is_some_and(|path| !open.contains(&path))
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
