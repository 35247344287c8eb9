//! A copy of a tree's files for a program to read.

use std::{fs, io, path::PathBuf};

use tempfile::TempDir;

use super::Files;

/// A directory that only its owner can read and that goes with this value.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// Writes all files into a new directory.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn of(files: &Files) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("kubectl-sidecar-").tempdir()?;
        // What the program may write goes beside the tree, not into it.
        fs::create_dir(directory.path().join("home"))?;
        let scratch = Self { directory };
        fs::create_dir(scratch.root())?;
        for (path, bytes) in files.bytes() {
            let path = scratch.root().join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, bytes)?;
        }
        Ok(scratch)
    }

    /// The directory that stands for the tree's root.
    #[must_use]
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("tree")
    }

    /// An empty home directory.
    #[must_use]
    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }
}
