//! The kustomizations that were met, what each of them brings along, and which of them share it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use ignore::WalkBuilder;

use super::{
    absent,
    find::Search,
    lock::Lock,
    reference::{
        CHARTS, NAMES, Reference, is_kustomization, is_remote, normal, references, refusal, runs_a_program,
    },
};
use crate::{
    source::{Input, Origin, read},
    yaml,
};

/// More kustomizations than this are not looked at in one run.
const MOST_KUSTOMIZATIONS: usize = 5_000;

/// The kustomizations by their directories, as the file system calls them.
pub(super) struct Graph {
    /// Directories out of which nothing is read, as the file system calls them.
    boundaries: Vec<PathBuf>,
    /// The same, as they were named.
    named: Vec<PathBuf>,
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
    /// Those of the files that are patches.
    patches: BTreeSet<PathBuf>,
    /// Those of the files that are not edited, and why.
    locked: BTreeMap<PathBuf, Lock>,
    /// What brings objects from elsewhere, in words: it is left out of the rendering.
    absent: BTreeSet<String>,
    /// Why it can't be rendered by itself.
    refusal: Option<String>,
}

impl Graph {
    pub(super) fn new(search: &Search<'_>) -> Self {
        let real = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        Self {
            boundaries: search.boundaries.iter().map(real).collect(),
            named: search.boundaries.to_vec(),
            allow_outside: search.allow_outside,
            nodes: BTreeMap::new(),
        }
    }

    pub(super) fn allow_outside(&self) -> bool {
        self.allow_outside
    }

    /// The directories out of which nothing may be read; nothing where all may be.
    pub(super) fn boundaries(&self) -> Option<&[PathBuf]> {
        (!self.allow_outside).then_some(&self.boundaries)
    }

    fn is_inside(&self, path: &Path) -> bool {
        self.boundaries.iter().any(|boundary| path.starts_with(boundary))
    }

    /// Reads a directory's kustomization, and those that it names.
    pub(super) fn add(&mut self, directory: &Path) {
        if self.nodes.contains_key(directory) || self.nodes.len() >= MOST_KUSTOMIZATIONS {
            return;
        }
        let Some(file) = kustomization_in(directory) else {
            return;
        };
        let mut entry = Entry::default();
        if let Err(reason) = self.read(directory, file, &mut entry) {
            entry.refuse(reason);
        }
        let next: Vec<PathBuf> = entry.kustomizations.iter().cloned().collect();
        self.nodes.insert(directory.to_owned(), entry);
        next.iter().for_each(|directory| self.add(directory));
    }

    /// Reads a kustomization.
    ///
    /// # Errors
    /// Why it can't be rendered, in a clause.
    fn read(&self, directory: &Path, file: PathBuf, entry: &mut Entry) -> Result<(), String> {
        let shown = self.shown(&file).display().to_string();
        let real = self.place(&file, &shown)?;
        let text = text(&real, &shown)?;
        self.bring(file, real, entry);
        let stream = yaml::parse(&text).map_err(|error| format!("{shown}: {error}"))?;
        let Some(root) = stream.root(0) else {
            return Ok(());
        };
        absent::without(&text).map_err(|error| format!("{shown}: {error}"))?;
        entry.is_component = root.get("kind").and_then(yaml::Node::as_str) == Some("Component");
        if let Some(reason) = refusal(root) {
            entry.refuse(reason.to_owned());
        }
        if CHARTS.iter().any(|key| root.get(key).is_some()) {
            entry.absent.insert("its Helm charts".to_owned());
        }
        for reference in references(root) {
            if let Err(reason) = self.follow(directory, &reference, entry) {
                entry.refuse(reason);
            }
        }
        Ok(())
    }

    /// Adds what a kustomization names.
    ///
    /// # Errors
    /// Why it can't be rendered with it, in a clause.
    fn follow(&self, directory: &Path, reference: &Reference, entry: &mut Entry) -> Result<(), String> {
        let name = &reference.path;
        if is_remote(name) && reference.brings_objects {
            entry.absent.insert(name.clone());
            return Ok(());
        }
        if is_remote(name) {
            return Err(format!("it refers to {name}, and the network is not asked"));
        }
        let written = normal(&directory.join(name));
        let real = self.place(&written, name)?;
        if real.is_dir() {
            if !reference.may_be_directory || kustomization_in(&real).is_none() {
                return Err(format!("it refers to {name}, which holds no kustomization"));
            }
            entry.kustomizations.insert(real);
            return Ok(());
        }
        if !real.is_file() {
            return Err(format!("it refers to {name}, which is no regular file"));
        }
        if reference.may_be_directory && runs_a_program(&text(&real, name)?) {
            return Err(format!("{name} runs a program of its own"));
        }
        if reference.is_patch {
            entry.patches.insert(real.clone());
        }
        self.bring(written, real, entry);
        Ok(())
    }

    /// Where a path really is.
    ///
    /// # Errors
    /// It is not there, or is outside of what was named.
    fn place(&self, written: &Path, name: &str) -> Result<PathBuf, String> {
        let real =
            fs::canonicalize(written).map_err(|_| format!("it refers to {name}, which is not there"))?;
        if self.allow_outside || self.is_inside(&real) && self.is_inside(written) {
            return Ok(real);
        }
        Err(format!(
            "it refers to {name}, outside of what was named, where nothing is read; --allow-outside reads it"
        ))
    }

    /// Adds a file, with the one that it is a link to.
    fn bring(&self, written: PathBuf, real: PathBuf, entry: &mut Entry) {
        let lock = match (self.is_inside(&real), written == real) {
            (false, _) => Some(Lock::Outside),
            (true, false) => Some(Lock::Linked(self.shown(&written))),
            (true, true) => None,
        };
        for file in [written, real] {
            entry.locked.extend(lock.clone().map(|lock| (file.clone(), lock)));
            entry.files.insert(file);
        }
    }

    /// Adds kustomizations that nobody named, but that use the files of those that were met: an edit has to be proved
    /// for them too. Outside of what was named nothing is edited, and nothing is looked for.
    pub(super) fn meet_siblings(&mut self) {
        let mut searched = BTreeSet::new();
        loop {
            let roots: BTreeSet<PathBuf> = self
                .trees()
                .iter()
                .filter_map(|tree| common_directory(self.files(tree).iter()))
                .flat_map(|root| self.inside(root))
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

    /// The part of a directory that lies inside of what was named.
    fn inside(&self, directory: PathBuf) -> Vec<PathBuf> {
        match self.is_inside(&directory) {
            true => vec![directory],
            false => {
                let boundaries = self.boundaries.iter();
                boundaries
                    .filter(|boundary| boundary.starts_with(&directory))
                    .cloned()
                    .collect()
            }
        }
    }

    /// Kustomizations that share files, each as the directories of its kustomizations.
    pub(super) fn trees(&self) -> Vec<BTreeSet<PathBuf>> {
        let mut users: BTreeMap<&PathBuf, Vec<&PathBuf>> = BTreeMap::new();
        for (directory, entry) in &self.nodes {
            for path in entry.shares(directory) {
                users.entry(path).or_default().push(directory);
            }
        }
        let mut seen = BTreeSet::new();
        let mut trees = Vec::new();
        for first in self.nodes.keys() {
            let mut tree = BTreeSet::new();
            let mut open = vec![first];
            while let Some(directory) = open.pop() {
                let Some(entry) = self.nodes.get(directory).filter(|_| seen.insert(directory)) else {
                    continue;
                };
                tree.insert(directory.clone());
                // All users of a path are met with the first of them.
                let met = entry.shares(directory).filter_map(|path| users.remove(path));
                open.extend(met.flatten());
            }
            if !tree.is_empty() {
                trees.push(tree);
            }
        }
        trees
    }

    /// The kustomizations of a tree that no other one refers to, but for components.
    pub(super) fn outermost<'t>(
        &'t self,
        tree: &'t BTreeSet<PathBuf>,
    ) -> impl Iterator<Item = &'t PathBuf> + 't {
        let named: BTreeSet<&PathBuf> = self
            .entries(tree)
            .flat_map(|entry| &entry.kustomizations)
            .collect();
        tree.iter().filter(move |directory| {
            let is_component = self.nodes.get(*directory).is_none_or(|entry| entry.is_component);
            !is_component && !named.contains(directory)
        })
    }

    fn entries<'t>(&'t self, tree: &'t BTreeSet<PathBuf>) -> impl Iterator<Item = &'t Entry> {
        tree.iter().filter_map(|directory| self.nodes.get(directory))
    }

    pub(super) fn files(&self, tree: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let entries = self.entries(tree);
        entries.flat_map(|entry| entry.files.iter().cloned()).collect()
    }

    /// The files that are not edited, and why.
    pub(super) fn locked(&self, tree: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Lock> {
        let locked = self.entries(tree).flat_map(|entry| &entry.locked);
        locked.map(|(file, lock)| (file.clone(), lock.clone())).collect()
    }

    /// What is left out of the rendering of kustomizations, in words.
    pub(super) fn absent(&self, reached: &BTreeSet<PathBuf>) -> BTreeSet<String> {
        let entries = self.entries(reached);
        entries.flat_map(|entry| entry.absent.iter().cloned()).collect()
    }

    /// Why kustomizations are not rendered.
    pub(super) fn refusal(&self, reached: &BTreeSet<PathBuf>) -> Option<String> {
        self.entries(reached).find_map(|entry| entry.refusal.clone())
    }

    /// The patches of kustomizations.
    pub(super) fn patches(&self, reached: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let entries = self.entries(reached);
        entries.flat_map(|entry| entry.patches.iter().cloned()).collect()
    }

    /// A kustomization and all that it builds on.
    pub(super) fn reached(&self, directory: &Path) -> BTreeSet<PathBuf> {
        let mut reached = BTreeSet::new();
        let mut open = vec![directory.to_owned()];
        while let Some(directory) = open.pop() {
            if let Some(entry) = self.nodes.get(&directory) {
                let next = entry.kustomizations.iter();
                open.extend(next.filter(|next| !reached.contains(*next)).cloned());
            }
            reached.insert(directory);
        }
        reached
    }

    /// A path as the user would write it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        let here = std::env::current_dir().and_then(fs::canonicalize).ok();
        let mut known = self.boundaries.iter().zip(&self.named);
        let below = known.find_map(|(real, named)| Some(named.join(path.strip_prefix(real).ok()?)));
        let below = below.or_else(|| path.strip_prefix(here?).ok().map(Path::to_owned));
        let shown = below.unwrap_or_else(|| path.to_owned());
        let shown: PathBuf = shown
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect();
        match shown.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => shown,
        }
    }
}

impl Entry {
    /// Keeps the first reason.
    fn refuse(&mut self, reason: String) {
        self.refusal.get_or_insert(reason);
    }

    /// What it may have in common with others.
    fn shares<'e>(&'e self, directory: &'e PathBuf) -> impl Iterator<Item = &'e PathBuf> {
        self.files.iter().chain(&self.kustomizations).chain([directory])
    }
}

/// The text of a file.
///
/// # Errors
/// Why it can't be read, in a clause.
fn text(file: &Path, name: &str) -> Result<Arc<str>, String> {
    let input = Input {
        name: name.to_owned(),
        origin: Origin::File(file.to_owned()),
    };
    let source = read(&input).map_err(|error| error.to_string())?;
    source
        .map(|source| source.text)
        .ok_or_else(|| format!("{name} cannot be read"))
}

/// The file that makes a directory a kustomization.
fn kustomization_in(directory: &Path) -> Option<PathBuf> {
    NAMES
        .iter()
        .map(|name| directory.join(name))
        .find(|file| file.is_file())
}

/// The lowest directory that holds all files.
pub(super) fn common_directory<'p>(mut files: impl Iterator<Item = &'p PathBuf>) -> Option<PathBuf> {
    let mut common = files.next()?.parent()?.to_owned();
    for file in files {
        while !file.starts_with(&common) {
            common.pop();
        }
    }
    Some(common)
}
