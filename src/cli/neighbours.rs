//! What stands beside a file that was named: it is read, so that one file is judged as its directory is.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;

use crate::{
    source::{Input, Note, NoteKind, Origin, SourceFile, has_manifest_suffix, read},
    tree::kustomize::NAMES,
    yaml::{self, Node},
};

/// At most so many files are read beside those that were named.
const MOST_FILES: usize = 256;
/// None of them larger than this, in bytes.
const LARGEST: u64 = 256 << 10;
/// At most so many names of one directory are looked at.
const MOST_NAMES: usize = 4096;
/// Kustomizations list kustomizations; no more of them are followed.
const MOST_KUSTOMIZATIONS: usize = 16;

/// What was read beside the files that were named.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// The manifests.
    pub(super) sources: Vec<Arc<SourceFile>>,
    /// Directories that hold more than is read.
    pub(super) notes: Vec<Note>,
}

/// Reads the manifests beside each file that was named, and those that a kustomization there lists. `sources` are the
/// texts of the run.
pub(super) fn neighbours<'s>(
    inputs: &[Input],
    mut sources: impl Iterator<Item = &'s Arc<SourceFile>>,
) -> Neighbours {
    let named: Vec<&Path> = inputs
        .iter()
        .filter(|input| matches!(input.origin, Origin::File(_)))
        .filter_map(Input::path)
        .collect();
    // What has no container and no script has no neighbour that matters.
    let matters = |source: &Arc<SourceFile>| {
        ["ontainers", "ConfigMap"]
            .iter()
            .any(|word| source.text.contains(word))
    };
    if named.is_empty() || !sources.any(matters) {
        return Neighbours::default();
    }
    let known: HashSet<PathBuf> = inputs
        .iter()
        .filter_map(Input::path)
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect();
    let directories: BTreeSet<PathBuf> = named.into_iter().map(directory_of).collect();
    let mut search = Search {
        known,
        ..Search::default()
    };
    for directory in directories {
        search.directory(&directory);
    }
    let read: Vec<_> = search.found.par_iter().map(|input| read(input).ok()?).collect();
    Neighbours {
        sources: read.into_iter().flatten().map(Arc::new).collect(),
        notes: search.notes,
    }
}

fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[derive(Default)]
struct Search {
    /// Files of the input, and those that were found.
    known: HashSet<PathBuf>,
    found: Vec<Input>,
    notes: Vec<Note>,
    kustomizations: usize,
}

impl Search {
    fn directory(&mut self, directory: &Path) {
        let Ok(entries) = fs::read_dir(directory) else {
            return;
        };
        // A link may lead anywhere: it is not followed.
        let mut files: Vec<PathBuf> = entries
            .take(MOST_NAMES)
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| entry.path())
            .filter(|path| has_manifest_suffix(path))
            .collect();
        files.sort();
        let Ok(real) = fs::canonicalize(directory) else {
            return;
        };
        let tree = tree_of(&real);
        for name in NAMES {
            self.kustomization(&directory.join(name), &tree);
        }
        let passed_over = files
            .into_iter()
            .filter(|file| {
                let name = file.file_name().unwrap_or_default();
                !self.add(file, real.join(name))
            })
            .count();
        if passed_over > 0 {
            let message = format!(
                "{passed_over} files of this directory were not read beside the named ones; name the directory to have \
                 all of it judged together"
            );
            let name = directory.display().to_string();
            self.notes.push(Note::new(name, NoteKind::Neighbours, message));
        }
    }

    /// Whether the file, which is no link and really stands at `path`, is among what is read.
    fn add(&mut self, file: &Path, path: PathBuf) -> bool {
        if self.known.contains(&path) {
            return true;
        }
        let is_small = || fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= LARGEST);
        if self.found.len() >= MOST_FILES || !is_small() {
            return false;
        }
        self.known.insert(path);
        let shown = file.strip_prefix("./").unwrap_or(file);
        self.found.push(Input {
            name: shown.display().to_string(),
            origin: Origin::Found(file.to_owned()),
        });
        true
    }

    /// What a kustomization lists: its files, and those of the kustomizations that it builds on. Nothing outside of
    /// the tree.
    fn kustomization(&mut self, file: &Path, tree: &Path) {
        let is_file = fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file());
        if !is_file || self.kustomizations >= MOST_KUSTOMIZATIONS {
            return;
        }
        self.kustomizations += 1;
        let Some(directory) = file.parent() else {
            return;
        };
        let named = Input {
            name: file.display().to_string(),
            origin: Origin::File(file.to_owned()),
        };
        let Ok(Some(source)) = read(&named) else {
            return;
        };
        let Ok(stream) = yaml::parse(&source.text) else {
            return;
        };
        let listed: Vec<PathBuf> = stream
            .roots()
            .flat_map(|(_, root)| listed(root))
            .map(|path| directory.join(path))
            .collect();
        for path in listed {
            let is_link = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
            let Some(real) = fs::canonicalize(&path)
                .ok()
                .filter(|real| !is_link && real.starts_with(tree))
            else {
                continue;
            };
            if path.is_dir() {
                for name in NAMES {
                    self.kustomization(&path.join(name), tree);
                }
            } else if has_manifest_suffix(&path) {
                self.add(&path, real);
            }
        }
    }
}

/// The files and directories that a kustomization names.
fn listed<'t>(kustomization: Node<'t>) -> Vec<&'t str> {
    let items = |key: &str| kustomization.get(key).into_iter().flat_map(Node::items);
    let plain = ["resources", "bases", "components", "patchesStrategicMerge"]
        .into_iter()
        .flat_map(items)
        .filter_map(Node::as_str);
    let patches = ["patches", "patchesJson6902"]
        .into_iter()
        .flat_map(items)
        .filter_map(|patch| patch.get("path")?.as_str());
    plain
        .chain(patches)
        .filter(|path| !path.contains("://") && !path.contains('\n'))
        .collect()
}

/// The repository that a directory is in; itself where it is in none.
fn tree_of(directory: &Path) -> PathBuf {
    let root = directory.ancestors().find(|parent| parent.join(".git").exists());
    root.unwrap_or(directory).to_owned()
}
