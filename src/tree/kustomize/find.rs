//! Kustomizations that share files are one tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use ignore::WalkBuilder;

use super::{
    Kustomizations,
    reference::{NAMES, Reference, is_remote, references, refusal, runs_a_program},
};
use crate::{
    tree::{Files, Way},
    yaml,
};

/// More kustomizations than this are not looked at in one run.
const MOST_KUSTOMIZATIONS: usize = 5_000;

/// Where kustomizations are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'s> {
    /// The directory out of which nothing is read: the one that was named, or the repository that it is in.
    pub boundary: &'s Path,
    /// Whether what lies outside of it is read all the same.
    pub allow_outside: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The trees, in the order of their roots.
    pub trees: Vec<Kustomizations>,
    /// Kustomizations that are not rendered.
    pub left: Vec<Left>,
}

/// A kustomization that is not rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its directory, as the user would write it.
    pub directory: PathBuf,
    /// Why, in a clause.
    pub reason: String,
    /// The patches that it names, as the file system calls them: they say nothing by themselves.
    pub patches: Vec<PathBuf>,
}

/// Whether a file is a kustomization by its name.
#[must_use]
pub fn is_kustomization(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| NAMES.contains(&name))
}

/// Finds the trees of kustomizations in the directories of the files that were met, and of those that share files with them.
#[must_use]
pub fn find(met: &[PathBuf], search: &Search<'_>) -> Found {
    let mut graph = Graph {
        boundary: fs::canonicalize(search.boundary).unwrap_or_else(|_| search.boundary.to_owned()),
        allow_outside: search.allow_outside,
        nodes: BTreeMap::new(),
    };
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
    graph.found(&directories)
}

/// The kustomizations by their directories, as the file system calls them.
struct Graph {
    boundary: PathBuf,
    allow_outside: bool,
    nodes: BTreeMap<PathBuf, Entry>,
}

/// What one kustomization brings along.
#[derive(Default)]
struct Entry {
    is_component: bool,
    /// Its own file and those that it names.
    files: BTreeSet<PathBuf>,
    /// The directories of the kustomizations that it names.
    kustomizations: BTreeSet<PathBuf>,
    /// Those of them that are patches.
    patches: BTreeSet<PathBuf>,
    /// Why it can't be rendered by itself.
    refusal: Option<String>,
}

impl Graph {
    /// Reads a directory's kustomization, and those that it names.
    fn add(&mut self, directory: &Path) {
        if self.nodes.contains_key(directory) || self.nodes.len() >= MOST_KUSTOMIZATIONS {
            return;
        }
        let Some(file) = kustomization_in(directory) else {
            return;
        };
        let entry = self.read(directory, &file);
        let next: Vec<PathBuf> = entry.kustomizations.iter().cloned().collect();
        self.nodes.insert(directory.to_owned(), entry);
        next.iter().for_each(|directory| self.add(directory));
    }

    fn read(&self, directory: &Path, file: &Path) -> Entry {
        let mut entry = Entry {
            files: BTreeSet::from([file.to_owned()]),
            ..Entry::default()
        };
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                entry.refuse(format!("{} cannot be read: {error}", self.shown(file).display()));
                return entry;
            }
        };
        let stream = match yaml::parse(&text) {
            Ok(stream) => stream,
            Err(error) => {
                entry.refuse(format!("{}: {error}", self.shown(file).display()));
                return entry;
            }
        };
        let Some(root) = stream.root(0) else {
            return entry;
        };
        entry.is_component = root.get("kind").and_then(yaml::Node::as_str) == Some("Component");
        if let Some(reason) = refusal(root) {
            entry.refuse(reason.to_owned());
        }
        for reference in references(root) {
            self.follow(directory, &reference, &mut entry);
        }
        entry
    }

    fn follow(&self, directory: &Path, reference: &Reference, entry: &mut Entry) {
        let Reference {
            path: reference,
            may_be_directory,
            is_patch,
        } = reference;
        if is_remote(reference) {
            entry.refuse(format!("it refers to {reference}, and the network is not asked"));
            return;
        }
        let written = normal(&directory.join(reference));
        let Ok(path) = fs::canonicalize(&written) else {
            entry.refuse(format!("it refers to {reference}, which is not there"));
            return;
        };
        let is_inside = path.starts_with(&self.boundary) && written.starts_with(&self.boundary);
        if !self.allow_outside && !is_inside {
            entry.refuse(format!(
                "it refers to {reference}, outside of {}, where nothing is read; --allow-outside reads it",
                self.shown(&self.boundary).display()
            ));
            return;
        }
        if path.is_dir() {
            match kustomization_in(&path) {
                Some(_) if *may_be_directory => drop(entry.kustomizations.insert(path)),
                _ => entry.refuse(format!("it refers to {reference}, which holds no kustomization")),
            }
            return;
        }
        let is_program =
            *may_be_directory && fs::read_to_string(&path).is_ok_and(|text| runs_a_program(&text));
        if is_program {
            entry.refuse(format!("{reference} runs a program of its own"));
        }
        if *is_patch {
            entry.patches.insert(path);
        }
        entry.files.insert(written);
    }

    /// Adds kustomizations that nobody named, but that use the files of those that were met: an edit has to be proved
    /// for them too.
    fn meet_siblings(&mut self) {
        let mut searched = BTreeSet::new();
        loop {
            let roots: Vec<PathBuf> = self
                .trees()
                .iter()
                .filter_map(|tree| common_directory(self.files(tree).iter()))
                .filter(|root| self.allow_outside || root.starts_with(&self.boundary))
                .filter(|root| !searched.contains(root))
                .collect();
            if roots.is_empty() {
                return;
            }
            for root in roots {
                let mut walk = WalkBuilder::new(&root);
                walk.standard_filters(false)
                    .filter_entry(|entry| entry.file_name() != ".git");
                for entry in walk
                    .build()
                    .flatten()
                    .filter(|entry| is_kustomization(entry.path()))
                {
                    if let Some(directory) = entry.path().parent() {
                        self.add(directory);
                    }
                }
                searched.insert(root);
            }
        }
    }

    /// Kustomizations that share files, each as the directories of its kustomizations.
    fn trees(&self) -> Vec<BTreeSet<PathBuf>> {
        let mut trees: Vec<(BTreeSet<PathBuf>, BTreeSet<PathBuf>)> = Vec::new();
        for (directory, entry) in &self.nodes {
            let mut directories = entry.kustomizations.clone();
            directories.insert(directory.clone());
            let mut files = entry.files.clone();
            let (same, other): (Vec<_>, Vec<_>) = trees
                .into_iter()
                .partition(|tree| !tree.0.is_disjoint(&directories) || !tree.1.is_disjoint(&files));
            for tree in same {
                directories.extend(tree.0);
                files.extend(tree.1);
            }
            trees = other;
            trees.push((directories, files));
        }
        trees.into_iter().map(|(directories, _)| directories).collect()
    }

    fn files(&self, tree: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let entries = tree.iter().filter_map(|directory| self.nodes.get(directory));
        entries.flat_map(|entry| entry.files.iter().cloned()).collect()
    }

    /// The trees that hold a kustomization that was met.
    fn found(&self, met: &BTreeSet<PathBuf>) -> Found {
        let mut found = Found::default();
        for tree in self.trees().iter().filter(|tree| !tree.is_disjoint(met)) {
            self.tree(tree, &mut found);
        }
        found.trees.sort_by(|one, other| one.root.cmp(&other.root));
        found
    }

    fn tree(&self, tree: &BTreeSet<PathBuf>, found: &mut Found) {
        let named: BTreeSet<&PathBuf> = tree
            .iter()
            .filter_map(|directory| self.nodes.get(directory))
            .flat_map(|entry| &entry.kustomizations)
            .collect();
        let outermost = tree.iter().filter(|directory| {
            let is_component = self.nodes.get(*directory).is_none_or(|entry| entry.is_component);
            !is_component && !named.contains(directory)
        });
        let mut rendered = BTreeSet::new();
        let mut locked: Vec<(BTreeSet<PathBuf>, PathBuf)> = Vec::new();
        let mut ways = Vec::new();
        for directory in outermost {
            let reached = self.reached(directory);
            let refusal = reached
                .iter()
                .filter_map(|directory| self.nodes.get(directory))
                .find_map(|entry| entry.refusal.clone());
            match refusal {
                Some(reason) => {
                    locked.push((self.files(&reached), self.shown(directory)));
                    found.left.push(Left {
                        directory: self.shown(directory),
                        reason,
                        patches: self.patches(&reached),
                    });
                }
                None => {
                    let files = self.files(&reached);
                    rendered.extend(files.iter().cloned());
                    ways.push((directory.clone(), files));
                }
            }
        }
        let Some(root) = common_directory(rendered.iter()) else {
            return;
        };
        let files = match Files::of(&root, &rendered) {
            Ok(files) => files,
            Err(error) => {
                found.left.push(Left {
                    directory: self.shown(&root),
                    reason: error.to_string(),
                    patches: Vec::new(),
                });
                return;
            }
        };
        let below = |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_owned();
        let all_below = |paths: &BTreeSet<PathBuf>| paths.iter().map(|path| below(path)).collect();
        let used = ways.iter().map(|(directory, files)| {
            let way = Way {
                name: self.shown(directory).display().to_string(),
                paths: vec![below(directory)],
                ..Way::default()
            };
            (way, all_below(files))
        });
        let mut tree = Kustomizations::new(self.shown(&root), files, used.collect(), self.allow_outside);
        for (files, by) in &locked {
            let files: BTreeSet<PathBuf> = all_below(files);
            tree.lock(files, by);
        }
        found.trees.push(tree);
    }

    /// The patches of kustomizations.
    fn patches(&self, reached: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let entries = reached.iter().filter_map(|directory| self.nodes.get(directory));
        entries.flat_map(|entry| entry.patches.iter().cloned()).collect()
    }

    /// A kustomization and all that it builds on.
    fn reached(&self, directory: &Path) -> BTreeSet<PathBuf> {
        let mut reached = BTreeSet::new();
        let mut open = vec![directory.to_owned()];
        while let Some(directory) = open.pop() {
            if let Some(entry) = self.nodes.get(&directory) {
                open.extend(
                    entry
                        .kustomizations
                        .iter()
                        .filter(|next| !reached.contains(*next))
                        .cloned(),
                );
            }
            reached.insert(directory);
        }
        reached
    }

    /// A path as the user would write it.
    fn shown(&self, path: &Path) -> PathBuf {
        let here = std::env::current_dir().and_then(fs::canonicalize);
        let below = here
            .ok()
            .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
        match below {
            Some(below) if below.as_os_str().is_empty() => PathBuf::from("."),
            Some(below) => below,
            None => path.to_owned(),
        }
    }
}

impl Entry {
    fn refuse(&mut self, reason: String) {
        self.refusal.get_or_insert(reason);
    }
}

/// The file that makes a directory a kustomization.
fn kustomization_in(directory: &Path) -> Option<PathBuf> {
    NAMES
        .iter()
        .map(|name| directory.join(name))
        .find(|file| file.is_file())
}

/// The lowest directory that holds all files.
fn common_directory<'p>(mut files: impl Iterator<Item = &'p PathBuf>) -> Option<PathBuf> {
    let mut common = files.next()?.parent()?.to_owned();
    for file in files {
        while !file.starts_with(&common) {
            common.pop();
        }
    }
    Some(common)
}

/// A path without `.` and `..`, as its text tells.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}
