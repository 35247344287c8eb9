//! Programs of the field that the tests run where the machine has them.

use std::path::PathBuf;

/// A program on the path or where `go install` puts it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join("go/bin"));
    std::env::split_paths(&path)
        .chain(home)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}
