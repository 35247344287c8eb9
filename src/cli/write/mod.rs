//! Puts files in other files' places: one alone, or several that belong together.

mod journal;
mod staged;
mod together;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

pub use journal::recover;
use staged::Staged;
pub use together::{Replacement, Unwritten, replace_together};

/// Writes a file that may be there already: a new one appears whole or not at all, an old one is replaced with its
/// mode, owner and extended attributes. What is no regular file, a pipe or a terminal, is written to.
///
/// # Errors
/// What the system says. A file that was there is then as it was.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Staged::replacing(path, bytes)?.commit(),
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => File::options().write(true).open(path)?.write_all(bytes),
        Err(_) => Staged::new(path, bytes)?.commit(),
    }
}
