//! Sources that render: charts and kustomizations.
//!
//! A tree is rendered by its own program, once for each way in which it is used. What is found in a rendering is traced
//! back to the bytes that it came from, and an edit is made there. Nothing of the way back has to be trusted: the edited
//! tree is rendered again, and what comes out has to be what was wanted of the first rendering.

mod files;
mod program;
mod scratch;

use std::{ops::Range, path::PathBuf, sync::Arc};

use crate::source::SourceFile;

pub use files::{Files, FilesError};
pub use program::{Program, ProgramError};
pub use scratch::Scratch;

/// One way in which a tree is rendered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// As the user knows it: the files of values that are merged, or the directory of the outermost kustomization.
    pub name: String,
    /// Those files of values, or that directory, below the tree's root.
    pub paths: Vec<PathBuf>,
}

/// What a renderer made of a tree in one way.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// The way.
    pub way: Way,
    /// The text, without anything that was added to find the way back.
    pub source: Arc<SourceFile>,
}

/// A place in one of a tree's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, below the tree's root.
    pub path: PathBuf,
    /// The bytes of its text.
    pub span: Range<usize>,
}

/// What became of one rendering's workloads: the text that is wanted instead.
#[derive(Debug, Clone)]
pub struct Wanted<'r> {
    /// The rendering.
    pub rendering: &'r Rendering,
    /// What `migrate` makes of it.
    pub text: String,
}

/// A tree with the program that renders it.
///
/// An implementation knows the way from a rendering back to the sources, as well as it can be told; nothing that it says
/// is taken for true before the edited tree was rendered again.
pub trait Renderer: Sync {
    /// The tree's name, as the user would write its directory.
    fn name(&self) -> &str;

    /// The directory that all its paths are below.
    fn root(&self) -> &std::path::Path;

    /// The texts of the tree, as they are on disk.
    fn files(&self) -> &Files;

    /// The ways in which it is rendered.
    fn ways(&self) -> &[Way];

    /// Renders files in one way: the tree's own, or edited ones.
    ///
    /// # Errors
    /// What the program says, or that it took too long or wrote too much.
    fn render(&self, files: &Files, way: &Way) -> Result<Rendering, ProgramError>;

    /// Where bytes of a rendering of the tree's own files come from.
    fn origin(&self, rendering: &Rendering, span: Range<usize>) -> Option<Place>;

    /// Files that may render to what is wanted. Nothing where no place for an edit is known.
    fn edited(&self, wanted: &[Wanted<'_>]) -> Option<Files>;
}
