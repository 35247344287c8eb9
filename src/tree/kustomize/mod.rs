//! Kustomizations, rendered by `kubectl kustomize` or `kustomize build`.
//!
//! A rendered object is a resource with patches above it. Which of them hold a field is read from the kustomizations
//! themselves ([`layers`]); what kustomize does with them in detail is left to kustomize, and to the proof.

mod absent;
mod edit;
mod find;
mod generator;
mod graph;
mod hash;
mod layers;
mod lock;
mod merge;
mod origin;
mod pointer;
mod reference;
mod replacement;
mod repoint;
mod target;
mod texts;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::{
    Files, Named, Place, Program, ProgramError, Renderer, Rendering, Scratch, Wanted, Way, difference, leg,
    proof::UNFOUND,
};
use crate::source::{KUSTOMIZE_RENDERERS, SourceFile};

pub(crate) use find::{Found, Left, Partly, Search, find};
pub(crate) use reference::NAMES;

use layers::Layered;
use lock::Lock;

/// Files are read from outside of a kustomization's directory.
const UNRESTRICTED: &str = "--load-restrictor=LoadRestrictionsNone";

/// Kustomizations that share files.
#[derive(Debug)]
pub(crate) struct Kustomizations {
    name: String,
    root: PathBuf,
    files: Files,
    ways: Vec<Way>,
    /// Files that are not edited.
    locked: BTreeMap<PathBuf, Lock>,
    allow_outside: bool,
    /// The objects of each way, in the order of the ways.
    objects: Vec<Vec<Layered>>,
    /// The files of each way, in the same order.
    used: Vec<BTreeSet<PathBuf>>,
    /// The patches of each way, as the file system calls them.
    patches: HashMap<Way, Vec<PathBuf>>,
    /// What the files on disk rendered to.
    known: Mutex<HashMap<Way, Rendering>>,
}

impl Kustomizations {
    fn new(root: PathBuf, files: Files, used: Vec<(Way, BTreeSet<PathBuf>)>, allow_outside: bool) -> Self {
        let (ways, used): (Vec<Way>, Vec<_>) = used.into_iter().unzip();
        let objects = ways.iter().map(|way| layers::objects(&files, way)).collect();
        Self {
            name: root.display().to_string(),
            root,
            files,
            ways,
            locked: BTreeMap::new(),
            allow_outside,
            objects,
            used,
            patches: HashMap::new(),
            known: Mutex::default(),
        }
    }

    /// The files of a way.
    fn used(&self, way: &Way) -> Option<&BTreeSet<PathBuf>> {
        let index = self.ways.iter().position(|own| own == way)?;
        self.used.get(index)
    }

    /// What a way renders to, where none of its files is edited: kustomize makes the same of the same.
    fn known(&self, files: &Files, way: &Way) -> Option<Rendering> {
        let known = self.known.lock().ok()?.get(way).cloned()?;
        let used = self.used(way)?;
        let is_edited = files.changed(&self.files).any(|path| used.contains(path));
        (!is_edited).then_some(known)
    }

    /// Takes a way out that is not rendered. What it uses is not edited any more. Its patches, as the file system calls
    /// them: they say nothing by themselves.
    pub(crate) fn leave(&mut self, way: &Way) -> Vec<PathBuf> {
        let Some(index) = self.ways.iter().position(|own| own == way) else {
            return Vec::new();
        };
        self.ways.remove(index);
        self.objects.remove(index);
        let used = self.used.remove(index);
        let lock = Lock::NotRendered(PathBuf::from(&way.name));
        self.locked
            .extend(used.into_iter().map(|file| (file, lock.clone())));
        self.patches.remove(way).unwrap_or_default()
    }

    /// The objects of a way, as the kustomizations tell.
    fn objects(&self, way: &Way) -> &[Layered] {
        let index = self.ways.iter().position(|own| own == way);
        index
            .and_then(|index| self.objects.get(index))
            .map_or(&[], Vec::as_slice)
    }
}

impl Renderer for Kustomizations {
    fn name(&self) -> &str {
        &self.name
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn ways(&self) -> &[Way] {
        &self.ways
    }

    fn is_rendered(&self, path: &Path) -> bool {
        self.files.text(&reference::normal(path)).is_some()
    }

    fn stands_for_its_files(&self) -> bool {
        true
    }

    fn render(&self, files: &Files, way: &Way) -> Result<Rendering, ProgramError> {
        if let Some(known) = self.known(files, way) {
            return Ok(known);
        }
        let unstarted = |error| ProgramError::Unstarted {
            program: "kustomize".to_owned(),
            error,
        };
        let own = self
            .used(way)
            .map_or_else(|| files.clone(), |used| files.only(used));
        let local = absent::without_all(own).map_err(|error| unstarted(io::Error::other(error)))?;
        let scratch = Scratch::of(&local).map_err(unstarted)?;
        let directory = way
            .paths
            .first()
            .map_or_else(|| scratch.root(), |path| scratch.root().join(path));
        let mut missing = None;
        for (name, subcommand) in KUSTOMIZE_RENDERERS {
            let arguments: &[&str] = match self.allow_outside {
                true => &[subcommand, UNRESTRICTED, "."],
                false => &[subcommand, "."],
            };
            match (Program { name, arguments }).run(&scratch, &directory) {
                Ok(text) => {
                    let rendering = Rendering {
                        way: way.clone(),
                        source: Arc::new(SourceFile {
                            name: format!("<kustomize {}>", way.name),
                            text: text.into(),
                        }),
                    };
                    let is_edited = files.changed(&self.files).next().is_some();
                    if let (false, Ok(mut known)) = (is_edited, self.known.lock()) {
                        known.insert(way.clone(), rendering.clone());
                    }
                    return Ok(rendering);
                }
                Err(error @ ProgramError::Missing(_)) => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(missing.unwrap_or_else(|| ProgramError::Missing("kustomize".to_owned())))
    }

    fn origin(&self, rendering: &Rendering, span: Range<usize>) -> Option<Place> {
        origin::of(
            &self.files,
            self.objects(&rendering.way),
            &rendering.source.text,
            &span,
        )
    }

    fn whole(&self, rendering: &Rendering, offset: usize) -> Option<Place> {
        let objects = self.objects(&rendering.way);
        let object = origin::whole(&self.files, objects, &rendering.source.text, offset);
        object.or_else(|| {
            let path = layers::file_in(&self.files, rendering.way.paths.first()?)?;
            let text = self.files.text(&path)?;
            let end = text.find('\n').unwrap_or(text.len());
            Some(Place { path, span: 0..end })
        })
    }

    fn together(&self, wanted: &[Wanted<'_>]) -> Vec<BTreeSet<Named>> {
        edit::together(self, wanted)
    }

    fn named_as(&self, wanted: &str, found: String) -> String {
        hash::with_hashes_of(wanted, found)
    }

    fn edited(&self, wanted: &[Wanted<'_>]) -> Result<Files, String> {
        let first = self.candidates(wanted)?.into_iter().next();
        first.ok_or_else(|| UNFOUND.to_owned())
    }

    fn candidates(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Files>, String> {
        edit::candidates(self, wanted)
    }
}
