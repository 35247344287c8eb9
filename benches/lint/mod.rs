//! What benchmarks share: manifests by their numbers, and whole processes that are measured.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::{fs, path::Path};

pub(crate) mod manifests;
pub(crate) mod process;
pub(crate) mod small;

/// The file of a manifest, 100 in a directory.
pub(crate) fn name(index: usize) -> String {
    format!("team-{}/{}.yaml", index / 100, index)
}

/// Writes so many manifests below a directory; their bytes together.
pub(crate) fn fill(directory: &Path, count: usize, manifest: fn(usize) -> String) -> usize {
    let write = |index| {
        let (path, text) = (directory.join(name(index)), manifest(index));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &text).unwrap();
        text.len()
    };
    (0..count).map(write).sum()
}
