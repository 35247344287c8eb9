//! Sources that render: charts and kustomizations.
//!
//! A tree is rendered by its own program, once for each way in which it is used. What is found in a rendering is traced
//! back to the bytes that it came from, and an edit is made there. Nothing of the way back has to be trusted: the edited
//! tree is rendered again, and what comes out has to be what was wanted of the first rendering.

mod difference;
mod files;
mod helm;
pub(crate) mod kustomize;
mod leg;
mod program;
mod proof;
mod scratch;

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::source::SourceFile;

pub(crate) use files::{Files, FilesError};
pub(crate) use helm::{Chart, Reach, ValuesFile, is_rendered_alone, shortened};
pub(crate) use program::{Program, ProgramError};
pub(crate) use proof::{Proved, Unproved, prove};
pub(crate) use scratch::Scratch;

/// One way in which a tree is rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Way {
    /// As the user knows it: the files of values that are merged, or the directory of the outermost kustomization.
    pub name: String,
    /// Those files of values, or that directory, below the tree's root.
    pub paths: Vec<PathBuf>,
    /// The version of Kubernetes that a chart is told, where it asks for one.
    pub kubernetes_version: Option<&'static str>,
    /// What is otherwise than the user has it, to see whether an edit holds then, too.
    pub probe: Option<Probe>,
}

/// What is otherwise in a rendering that nobody uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Probe {
    /// The name of the release and its namespace.
    Release,
    /// A value.
    Value {
        /// `KEY.KEY=JSON`
        set: String,
        /// It decides what there is, not what stands there.
        is_switch: bool,
    },
}

/// What a renderer made of a tree in one way.
#[derive(Debug, Clone)]
pub(crate) struct Rendering {
    /// The way.
    pub way: Way,
    /// The text, without anything that was added to find the way back.
    pub source: Arc<SourceFile>,
}

/// A place in one of a tree's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, below the tree's root.
    pub path: PathBuf,
    /// The bytes of its text.
    pub span: Range<usize>,
}

/// A branch of a condition that no rendering has taken: nothing in it is edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreached {
    /// The place of the condition's first line.
    pub place: Place,
    /// That line, from 1.
    pub line: usize,
    /// Its text.
    pub condition: String,
    /// The first and last line of the branch, from 1.
    pub lines: (usize, usize),
}

/// What became of one rendering's workloads: the text that is wanted instead.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'r> {
    /// The rendering.
    pub rendering: &'r Rendering,
    /// What `migrate` makes of it.
    pub text: String,
}

/// An object by its kind and name.
pub(crate) type Named = (String, String);

/// A tree with the program that renders it.
///
/// An implementation knows the way from a rendering back to the sources, as well as it can be told; nothing that it says
/// is taken for true before the edited tree was rendered again.
pub(crate) trait Renderer: Send + Sync {
    /// The tree's name, as the user would write its directory.
    fn name(&self) -> &str;

    /// The directory that all its paths are below.
    fn root(&self) -> &Path;

    /// The names of the charts that it needs and that are not there: it is rendered without them.
    fn missing(&self) -> &[String] {
        &[]
    }

    /// Where a file of the tree is.
    fn located(&self, path: &Path) -> PathBuf {
        self.root().join(path)
    }

    /// The texts of the tree, as they are on disk.
    fn files(&self) -> &Files;

    /// The ways in which it is rendered.
    fn ways(&self) -> &[Way];

    /// Renders files in one way: the tree's own, or edited ones.
    ///
    /// # Errors
    /// What the program says, or that it took too long or wrote too much.
    fn render(&self, files: &Files, way: &Way) -> Result<Rendering, ProgramError>;

    /// What the tree's own files render to in a further way; nothing where they don't. It may be asked for again.
    fn render_original(&self, way: &Way) -> Option<Rendering> {
        self.render(self.files(), way).ok()
    }

    /// The same once more, to see what differs by itself. It may be asked for again.
    fn render_again(&self, way: &Way) -> Option<Rendering> {
        self.render(self.files(), way).ok()
    }

    /// Does what the way back of a rendering needs, so that it can be done beside the rendering itself.
    fn prepare(&self, _way: &Way) {}

    /// Where bytes of a rendering of the tree's own files come from.
    fn origin(&self, rendering: &Rendering, span: Range<usize>) -> Option<Place>;

    /// Whether a file is part of what is rendered, and no object by itself.
    fn is_rendered(&self, path: &Path) -> bool;

    /// Whether the renderings say all that these files say, so that the files are not looked at by themselves.
    fn stands_for_its_files(&self) -> bool {
        false
    }

    /// The place that stands for a whole document of a rendering, where nothing nearer is known.
    fn whole(&self, _rendering: &Rendering, _offset: usize) -> Option<Place> {
        None
    }

    /// Whether the way back of a rendering is known already, so that asking for it costs no run.
    fn is_traced(&self, _rendering: &Rendering) -> bool {
        true
    }

    /// The lines of the tree's files, from 0, that something in a rendering comes from.
    fn reached(&self, _rendering: &Rendering) -> HashMap<PathBuf, Vec<usize>> {
        HashMap::new()
    }

    /// Objects whose edits reach each other, so that they change together or not at all. An object in none of the groups
    /// stands for itself.
    fn together(&self, _wanted: &[Wanted<'_>]) -> Vec<BTreeSet<Named>> {
        Vec::new()
    }

    /// The branches of conditions in edited files that none of the renderings has taken, nor one that proves the edits
    /// with another value.
    fn unreached(&self, _edited: &Files, _renderings: &[Rendering], _probed: &[Way]) -> Vec<Unreached> {
        Vec::new()
    }

    /// Why edited files may change what no rendering shows: a part of a template that changes and is included elsewhere,
    /// too, where neither a rendering at hand came by nor one of those that were `probed`.
    fn unseen_use(&self, _edited: &Files, _wanted: &[Wanted<'_>], _probed: &[Way]) -> Option<String> {
        None
    }

    /// The text of a rendering with the names of the one that is wanted, where a name follows from what it names.
    fn named_as(&self, _wanted: &str, found: String) -> String {
        found
    }

    /// Further ways that tell whether edited files hold for more than the ways at hand.
    fn probes(&self, _edited: &Files) -> Vec<Way> {
        Vec::new()
    }

    /// What keeps any edit from being the one that is wanted, where the sources show it.
    fn hindrance(&self, _wanted: &[Wanted<'_>]) -> Option<String> {
        None
    }

    /// Files that may render to what is wanted.
    ///
    /// # Errors
    /// Why no edit is known.
    fn edited(&self, wanted: &[Wanted<'_>]) -> Result<Files, String>;

    /// The same in all forms that come into question, the likeliest first.
    ///
    /// # Errors
    /// Why no edit is known.
    fn candidates(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Files>, String> {
        self.edited(wanted).map(|files| vec![files])
    }
}
