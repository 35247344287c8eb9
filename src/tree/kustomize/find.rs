//! Kustomizations that share files are one tree.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use super::{
    Kustomizations,
    graph::{Graph, common_directory},
    lock::Lock,
};
use crate::tree::{Files, Way};

/// Where kustomizations are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'s> {
    /// The directories that were named. Out of them nothing is read.
    pub boundaries: &'s [PathBuf],
    /// Whether what lies outside of them is read all the same. It is not written.
    pub allow_outside: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The trees, in the order of their roots.
    pub trees: Vec<Kustomizations>,
    /// Kustomizations that are not rendered.
    pub left: Vec<Left>,
    /// Kustomizations that are rendered without what comes from elsewhere.
    pub partly: Vec<Partly>,
}

/// A kustomization that is rendered without some of its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partly {
    /// Its directory, as the user would write it.
    pub directory: PathBuf,
    /// What is left out, in words.
    pub without: Vec<String>,
}

/// A kustomization that is not rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// Its directory, as the user would write it.
    pub directory: PathBuf,
    /// Why, in a clause.
    pub reason: String,
    /// The patches that it names, as the file system calls them: they say nothing by themselves.
    pub patches: Vec<PathBuf>,
}

/// Finds the trees of kustomizations in the directories of the files that were met, and of those that share files with them.
#[must_use]
pub(crate) fn find(met: &[PathBuf], search: &Search<'_>) -> Found {
    let mut graph = Graph::new(search);
    let written: BTreeSet<&Path> = met.iter().filter_map(|file| file.parent()).collect();
    let here = |directory: &Path| match directory.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => directory.to_owned(),
    };
    let directories: BTreeSet<PathBuf> = written
        .into_iter()
        .filter_map(|directory| fs::canonicalize(here(directory)).ok())
        .collect();
    directories.iter().for_each(|directory| graph.add(directory));
    graph.meet_siblings();
    let mut found = Found::default();
    for tree in graph
        .trees()
        .iter()
        .filter(|tree| !tree.is_disjoint(&directories))
    {
        found.add(tree, &graph);
    }
    found.trees.sort_by(|one, other| one.root.cmp(&other.root));
    found
}

impl Found {
    /// Adds a tree, by the directories of its kustomizations, and those of them that are not rendered.
    fn add(&mut self, tree: &BTreeSet<PathBuf>, graph: &Graph) {
        let mut rendered = BTreeSet::new();
        let mut locked: BTreeMap<PathBuf, Lock> = graph.locked(tree);
        let mut ways = Vec::new();
        for directory in graph.outermost(tree) {
            let reached = graph.reached(directory);
            let files = graph.files(&reached);
            match graph.refusal(&reached) {
                Some(reason) => {
                    let by = Lock::NotRendered(graph.shown(directory));
                    locked.extend(files.into_iter().map(|file| (file, by.clone())));
                    self.left.push(Left {
                        directory: graph.shown(directory),
                        reason,
                        patches: graph.patches(&reached),
                    });
                }
                None => {
                    let without = graph.absent(&reached);
                    if !without.is_empty() {
                        self.partly.push(Partly {
                            directory: graph.shown(directory),
                            without: without.into_iter().collect(),
                        });
                    }
                    rendered.extend(files.iter().cloned());
                    ways.push((directory, files));
                }
            }
        }
        let Some(root) = common_directory(rendered.iter()) else {
            return;
        };
        let files = match Files::of(&root, &rendered, graph.boundaries()) {
            Ok(files) => files,
            Err(error) => {
                self.left.push(Left {
                    directory: graph.shown(&root),
                    reason: error.to_string(),
                    patches: Vec::new(),
                });
                return;
            }
        };
        let below = |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_owned();
        let mut patches = HashMap::new();
        let used = ways.into_iter().map(|(directory, files)| {
            let way = Way {
                name: graph.shown(directory).display().to_string(),
                paths: vec![below(directory)],
                ..Way::default()
            };
            patches.insert(way.clone(), graph.patches(&graph.reached(directory)));
            (way, files.iter().map(|file| below(file)).collect())
        });
        let used = used.collect();
        let mut tree = Kustomizations::new(graph.shown(&root), files, used, graph.allow_outside());
        tree.patches = patches;
        tree.locked
            .extend(locked.into_iter().map(|(file, lock)| (below(&file), lock)));
        self.trees.push(tree);
    }
}
