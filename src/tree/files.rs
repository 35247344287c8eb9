//! The files of a tree, read once. A tree is data from strangers: nothing outside of it is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use ignore::WalkBuilder;

/// More files than this are no tree that somebody renders by hand.
const MOST_FILES: usize = 20_000;
/// All files of a tree together, in bytes.
const MOST_BYTES: u64 = 128 << 20;

/// The contents of a tree's files by their paths below its root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files {
    contents: BTreeMap<PathBuf, Content>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(Arc<str>),
    Other(Arc<[u8]>),
}

/// Why a tree's files can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    /// The operating system's reason.
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A link that leads out of the tree.
    #[error("{}: leads out of the tree, where nothing is read", .0.display())]
    Outside(PathBuf),
    /// A directory, a FIFO, a device or a socket.
    #[error("{}: is no regular file", .0.display())]
    NoFile(PathBuf),
    /// Too much to render.
    #[error("{}: holds more than {MOST_FILES} files or 128 MiB, which is not rendered", .0.display())]
    TooLarge(PathBuf),
}

impl Files {
    /// Reads everything below `root` but version control.
    ///
    /// # Errors
    /// What can't be read, a link that leads out of the tree, or too much of it.
    pub(crate) fn read(root: &Path) -> Result<Self, FilesError> {
        let mut reader = Reader::of(root);
        let boundary = [canonical(root)?];
        let mut walk = WalkBuilder::new(root);
        walk.standard_filters(false)
            .follow_links(true)
            .filter_entry(|entry| entry.file_name() != ".git");
        for entry in walk.build() {
            let entry = entry.map_err(|error| unreadable(root, io::Error::other(error)))?;
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                reader.add(entry.path(), Some(&boundary))?;
            }
        }
        Ok(reader.files)
    }

    /// Reads the files at `paths`, which lie below `root`. None of them leads out of the `boundaries`, where there are
    /// any: directories, as the file system calls them.
    ///
    /// # Errors
    /// What can't be read or is no file, a link that leads out of them, or too much of it.
    pub(crate) fn of<'p>(
        root: &Path,
        paths: impl IntoIterator<Item = &'p PathBuf>,
        boundaries: Option<&[PathBuf]>,
    ) -> Result<Self, FilesError> {
        let mut reader = Reader::of(root);
        for path in paths {
            reader.add(path, boundaries)?;
        }
        Ok(reader.files)
    }

    /// The text of a file; nothing where there is none, or it is no UTF-8.
    #[must_use]
    pub(crate) fn text(&self, path: &Path) -> Option<&Arc<str>> {
        match self.contents.get(path)? {
            Content::Text(text) => Some(text),
            Content::Other(_) => None,
        }
    }

    /// The paths of all files with a text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&Path, &Arc<str>)> {
        self.contents.iter().filter_map(|(path, content)| match content {
            Content::Text(text) => Some((path.as_path(), text)),
            Content::Other(_) => None,
        })
    }

    /// The paths of all files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.contents.keys().map(PathBuf::as_path)
    }

    /// Adds other files below a directory.
    pub(super) fn take_in(&mut self, directory: &Path, others: Self) {
        let others = others.contents.into_iter();
        self.contents
            .extend(others.map(|(path, content)| (directory.join(path), content)));
    }

    /// Gives a file another text.
    pub(crate) fn put(&mut self, path: PathBuf, text: impl Into<Arc<str>>) {
        self.contents.insert(path, Content::Text(text.into()));
    }

    /// The files at `paths`.
    pub(super) fn only(&self, paths: &BTreeSet<PathBuf>) -> Self {
        let contents = self.contents.iter().filter(|(path, _)| paths.contains(*path));
        Self {
            contents: contents
                .map(|(path, content)| (path.clone(), content.clone()))
                .collect(),
        }
    }

    /// The paths whose contents are not those of `before`.
    pub(crate) fn changed<'f>(&'f self, before: &'f Self) -> impl Iterator<Item = &'f Path> {
        let of = |path: &PathBuf| before.contents.get(path);
        let changed = self
            .contents
            .iter()
            .filter(move |(path, content)| of(path) != Some(content));
        changed.map(|(path, _)| path.as_path())
    }

    /// Every file with its bytes.
    pub(super) fn bytes(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.contents.iter().map(|(path, content)| {
            let bytes = match content {
                Content::Text(text) => text.as_bytes(),
                Content::Other(bytes) => bytes,
            };
            (path.as_path(), bytes)
        })
    }
}

/// Reads one file after the other, no more than a tree may hold.
struct Reader<'r> {
    root: &'r Path,
    files: Files,
    /// Bytes that it may still hold.
    left: u64,
}

impl<'r> Reader<'r> {
    fn of(root: &'r Path) -> Self {
        Self {
            root,
            files: Files::default(),
            left: MOST_BYTES,
        }
    }

    /// Its place, kind and size are asked for before it is opened: a FIFO may take for ever.
    fn add(&mut self, path: &Path, boundaries: Option<&[PathBuf]>) -> Result<(), FilesError> {
        let real = canonical(path)?;
        let is_below = |boundary: &PathBuf| real.starts_with(boundary);
        if boundaries.is_some_and(|boundaries| !boundaries.iter().any(is_below)) {
            return Err(FilesError::Outside(path.to_owned()));
        }
        let metadata = fs::metadata(&real).map_err(|error| unreadable(path, error))?;
        if !metadata.is_file() {
            return Err(FilesError::NoFile(path.to_owned()));
        }
        if metadata.len() > self.left || self.files.contents.len() >= MOST_FILES {
            return Err(FilesError::TooLarge(self.root.to_owned()));
        }
        let mut bytes = Vec::new();
        // It may have grown since.
        File::open(&real)
            .and_then(|file| file.take(self.left + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(path, error))?;
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| FilesError::TooLarge(self.root.to_owned()))?;
        let below = path.strip_prefix(self.root).unwrap_or(path).to_owned();
        self.files.contents.insert(below, Content::of(bytes));
        Ok(())
    }
}

impl Content {
    fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(error) => Self::Other(error.into_bytes().into()),
        }
    }
}

fn canonical(path: &Path) -> Result<PathBuf, FilesError> {
    fs::canonicalize(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> FilesError {
    FilesError::Unreadable {
        path: path.to_owned(),
        error,
    }
}
