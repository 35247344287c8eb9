//! Findings of renderings, at the places that they come from.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    path::{Path, PathBuf},
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
        let shared = Shared::of(&self.renderings);
        // The way back of each rendering costs a run of its own.
        let traced: BTreeSet<usize> = outcomes
            .iter()
            .enumerate()
            .flat_map(|(index, outcome)| {
                let all = outcome.findings.iter().flat_map(|finding| &finding.locations);
                all.map(move |location| (index, location.span.clone()))
            })
            .map(|(index, span)| shared.first(index, span).0)
            .collect();
        let traced: Vec<&Rendering> = traced
            .into_iter()
            .filter_map(|index| self.renderings.get(index))
            .collect();
        traced.par_iter().for_each(|rendering| {
            let _known = self.renderer.origin(rendering, 0..0);
        });
        let mut linted = Linted {
            findings: Vec::new(),
            workloads: Vec::new(),
            rendered: HashSet::new(),
        };
        let mut ways: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        let mut known: HashMap<Key, usize> = HashMap::new();
        let mut objects = HashSet::new();
        for (index, (rendering, outcome)) in self.renderings.iter().zip(outcomes).enumerate() {
            for finding in outcome.findings {
                let place = |span: Range<usize>| {
                    let (first, span) = shared.first(index, span);
                    Some((self.renderings.get(first)?, span))
                };
                let Some(finding) = self.traced(finding, &place, source) else {
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

    /// What tells which lines of the tree's files something in a rendering comes from. Renderings whose way back is known
    /// are asked first, and none that says no more than others.
    pub(in crate::cli) fn reach(&self) -> Reach<'_> {
        let shared = Shared::of(&self.renderings);
        let mut renderings: Vec<&Rendering> = self
            .renderings
            .iter()
            .enumerate()
            .filter(|(index, _)| shared.is_new(*index))
            .map(|(_, rendering)| rendering)
            .collect();
        renderings.sort_by_key(|rendering| !self.renderer.is_traced(rendering));
        Reach {
            tree: self,
            renderings,
            asked: Vec::new(),
        }
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
        finding: Finding,
        rendering: &Rendering,
        source: &mut dyn FnMut(&str, &Arc<str>) -> Arc<SourceFile>,
    ) -> Option<Finding> {
        self.traced(finding, &|span| Some((rendering, span)), source)
    }

    /// The same, where `place` says which rendering is asked for which bytes.
    fn traced<'r>(
        &self,
        mut finding: Finding,
        place: &dyn Fn(Range<usize>) -> Option<(&'r Rendering, Range<usize>)>,
        source: &mut dyn FnMut(&str, &Arc<str>) -> Arc<SourceFile>,
    ) -> Option<Finding> {
        let mut locations = Vec::new();
        for mut location in std::mem::take(&mut finding.locations) {
            let (rendering, span) = place(location.span.clone())?;
            let origin = self.renderer.origin(rendering, span.clone());
            let whole = || {
                self.renderer
                    .whole(rendering, span.start)
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

/// The lines of a tree's files that renderings come from, worked out as far as they are asked for.
pub(in crate::cli) struct Reach<'t> {
    tree: &'t Tree,
    renderings: Vec<&'t Rendering>,
    /// What the first of them come from.
    asked: Vec<HashMap<PathBuf, Vec<usize>>>,
}

impl Reach<'_> {
    /// Whether something in a rendering comes from a line, from 0, of the tree's file.
    pub(in crate::cli) fn contains(&mut self, name: &str, line: usize) -> bool {
        let own = self.tree.names.iter().filter(|(_, own)| *own == name);
        let own: Vec<&PathBuf> = own.map(|(path, _)| path).collect();
        if own.is_empty() {
            return false;
        }
        for (index, rendering) in self.renderings.iter().enumerate() {
            if self.asked.len() == index {
                self.asked.push(self.tree.renderer.reached(rendering));
            }
            let reached = self.asked.get(index);
            let mut lines = own.iter().filter_map(|path| reached?.get(*path)).flatten();
            if lines.any(|reached| *reached == line) {
                return true;
            }
        }
        false
    }
}

/// Documents that are the same in several renderings, whose way back is asked for once.
struct Shared<'r> {
    /// The documents of each rendering, by their first byte, and where each text stands first.
    documents: Vec<Vec<(usize, &'r str)>>,
    first: HashMap<&'r str, (usize, usize)>,
}

impl<'r> Shared<'r> {
    fn of(renderings: &'r [Rendering]) -> Self {
        let mut first = HashMap::new();
        let mut all = Vec::new();
        for (index, rendering) in renderings.iter().enumerate() {
            let mut documents = Vec::new();
            let mut start = 0;
            for document in rendering.source.text.split_inclusive("\n---\n") {
                first.entry(document).or_insert((index, start));
                documents.push((start, document));
                start += document.len();
            }
            all.push(documents);
        }
        Self {
            documents: all,
            first,
        }
    }

    /// Whether a rendering has a document that none before it has.
    fn is_new(&self, index: usize) -> bool {
        let mut documents = self.documents.get(index).into_iter().flatten();
        documents.any(|(_, document)| self.first.get(document).is_some_and(|(first, _)| *first == index))
    }

    /// The rendering whose document is asked for bytes of a rendering, and the bytes in it.
    fn first(&self, index: usize, span: Range<usize>) -> (usize, Range<usize>) {
        let documents = self.documents.get(index).map_or(&[][..], Vec::as_slice);
        let own = documents
            .partition_point(|(start, _)| *start <= span.start)
            .checked_sub(1);
        let own = own.and_then(|own| documents.get(own));
        let found = own.and_then(|(start, document)| Some((*start, self.first.get(document)?)));
        match found {
            Some((start, (first, there))) => {
                let moved = |at: usize| at - start + there;
                (*first, moved(span.start)..moved(span.end.max(span.start)))
            }
            None => (index, span),
        }
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
