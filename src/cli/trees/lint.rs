//! Findings of renderings, at the places that they come from.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use rayon::prelude::*;

use super::Tree;
use crate::{
    lint::{Options, Outcome, lint},
    roles::WorkloadSummary,
    rules::Finding,
    source::SourceFile,
    tree::{Place, Rendering},
    yaml,
};

/// What was found in a tree's renderings.
pub(in crate::cli) struct Linted {
    pub(in crate::cli) findings: Vec<Finding>,
    pub(in crate::cli) workloads: Vec<WorkloadSummary>,
    /// Names of the files that came out of the renderer by themselves.
    pub(in crate::cli) rendered: HashSet<String>,
}

/// A finding by its rule, file, first byte and container.
type Key = (&'static str, String, usize, Option<String>);

impl Tree {
    /// Lints all renderings. `source` gives the file of a name and text: one value for each name.
    pub(in crate::cli) fn lint(
        &self,
        options: &Options,
        source: &mut dyn FnMut(&str, &Arc<str>) -> Arc<SourceFile>,
    ) -> Linted {
        let outcomes: Vec<Outcome> = self
            .renderings
            .par_iter()
            .map(|rendering| lint(&[Arc::clone(&rendering.source)], &[], options, &|| {}))
            .collect();
        // The way back of each rendering costs a run of its own.
        self.renderings
            .par_iter()
            .zip(&outcomes)
            .for_each(|(rendering, outcome)| {
                if !outcome.findings.is_empty() {
                    let _known = self.renderer.origin(rendering, 0..0);
                }
            });
        let mut linted = Linted {
            findings: Vec::new(),
            workloads: Vec::new(),
            rendered: HashSet::new(),
        };
        let mut ways: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        let mut known: HashMap<Key, usize> = HashMap::new();
        let mut objects = HashSet::new();
        for (rendering, outcome) in self.renderings.iter().zip(outcomes) {
            for finding in outcome.findings {
                let Some(finding) = self.at_its_source(finding, rendering, source) else {
                    continue;
                };
                let index = *known.entry(key(&finding)).or_insert_with(|| {
                    linted.findings.push(finding);
                    linted.findings.len() - 1
                });
                ways.entry(index).or_default().push(&rendering.way.name);
            }
            for workload in outcome.workloads {
                let at = document_start(&rendering.source.text, workload.document);
                if let Some(place) = self.renderer.whole(rendering, at)
                    && objects.insert(workload.object.clone())
                    && let Some(file) = self.file(&place.path, source)
                {
                    linted.workloads.push(WorkloadSummary {
                        source: file,
                        ..workload
                    });
                }
            }
            linted.rendered.extend(self.rendered(rendering));
        }
        for (index, mut names) in ways {
            names.dedup();
            if let Some(finding) = linted.findings.get_mut(index)
                && names.len() < self.renderings.len()
            {
                finding.message = format!("{} (rendered with {})", finding.message, names.join("; "));
            }
        }
        linted
    }

    /// The lines, from 0, of the tree's files that something in a rendering comes from, by the files' names.
    pub(in crate::cli) fn reached(&self) -> HashMap<&str, HashSet<usize>> {
        let mut all: HashMap<&str, HashSet<usize>> = HashMap::new();
        for rendering in &self.renderings {
            for (path, lines) in self.renderer.reached(rendering) {
                if let Some(name) = self.names.get(&path) {
                    all.entry(name).or_default().extend(lines);
                }
            }
        }
        all
    }

    /// Whether a file is the tree's.
    pub(in crate::cli) fn holds(&self, name: &str) -> bool {
        self.names.values().any(|own| own == name)
    }

    fn rendered(&self, rendering: &Rendering) -> Vec<String> {
        let text = &rendering.source.text;
        let starts = text
            .match_indices("\n# Source: ")
            .map(|(at, found)| at + found.len());
        let places = starts.filter_map(|at| self.renderer.whole(rendering, line_end(text, at)));
        places
            .filter_map(|place| self.names.get(&place.path).cloned())
            .collect()
    }

    fn file(
        &self,
        path: &Path,
        source: &mut dyn FnMut(&str, &Arc<str>) -> Arc<SourceFile>,
    ) -> Option<Arc<SourceFile>> {
        Some(source(self.names.get(path)?, self.renderer.files().text(path)?))
    }

    /// The finding with its places in the tree's files. A place that comes from nowhere is left out, and the main one
    /// is then the template's beginning.
    pub(super) fn at_its_source(
        &self,
        mut finding: Finding,
        rendering: &Rendering,
        source: &mut dyn FnMut(&str, &Arc<str>) -> Arc<SourceFile>,
    ) -> Option<Finding> {
        let mut locations = Vec::new();
        for mut location in std::mem::take(&mut finding.locations) {
            let origin = self.renderer.origin(rendering, location.span.clone());
            let whole = || {
                self.renderer
                    .whole(rendering, location.span.start)
                    .filter(|_| location.primary)
            };
            let Some(Place { path, span }) = origin.or_else(whole) else {
                continue;
            };
            location.source = self.file(&path, source)?;
            location.span = span;
            locations.push(location);
        }
        finding.locations = locations;
        finding.document = 0;
        finding.primary().is_some().then_some(finding)
    }
}

fn key(finding: &Finding) -> Key {
    let primary = finding.primary();
    (
        finding.rule.name,
        primary.map(|place| place.source.name.clone()).unwrap_or_default(),
        primary.map_or(0, |place| place.span.start),
        finding.container.clone(),
    )
}

fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find('\n').unwrap_or(rest.len())
}

/// Where a document of a rendering begins, behind what is said of its source, where that is said.
fn document_start(text: &str, document: usize) -> usize {
    let mut starts = text.match_indices("# Source: ").map(|(at, _)| at).peekable();
    if starts.peek().is_some() {
        return starts.nth(document).map_or(text.len(), |at| line_end(text, at));
    }
    let stream = yaml::parse(text).ok();
    let documents = stream.as_ref().map(|stream| stream.documents());
    let start = documents.and_then(|documents| Some(documents.get(document)?.span.start));
    start.unwrap_or(text.len())
}
