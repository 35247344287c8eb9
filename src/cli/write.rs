//! Puts a file in another one's place, wholly or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

/// Writes a file that may be there already: a new one appears whole or not at all, an old one is replaced as by
/// [`replace`]. What is no regular file, a pipe or a terminal, is written to.
///
/// # Errors
/// What the system says. A file that was there is then as it was.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => replace(path, bytes),
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => File::options().write(true).open(path)?.write_all(bytes),
        Err(_) => {
            let temporary = temporary(path);
            move_into_place(&temporary, path, write_new(&temporary, None, bytes))
        }
    }
}

/// Replaces the text of the file at `path`: a temporary file beside it is written, flushed to the disk and
/// renamed. Mode and owner are kept; a symbolic link stays one.
///
/// # Errors
/// What the system says. The file is then as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path)?;
    let metadata = fs::metadata(&target)?;
    let temporary = temporary(&target);
    move_into_place(&temporary, &target, write_new(&temporary, Some(&metadata), bytes))
}

/// Gives what was written to a temporary file its name, or removes it.
fn move_into_place(temporary: &Path, target: &Path, written: io::Result<()>) -> io::Result<()> {
    let moved = written.and_then(|()| fs::rename(temporary, target));
    if moved.is_err() {
        // The first error is the one to tell.
        let _left_behind = fs::remove_file(temporary);
    }
    moved?;
    // The rename itself has to reach the disk too; some file systems can't flush a directory.
    if let Some(directory) = target.parent().and_then(|directory| File::open(directory).ok()) {
        let _unsupported = directory.sync_all();
    }
    Ok(())
}

fn temporary(target: &Path) -> PathBuf {
    let name = target
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    target.with_file_name(format!(".{name}.{}.tmp", process::id()))
}

fn write_new(path: &Path, like: Option<&fs::Metadata>, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    if let Some(like) = like {
        keep_owner(path, like)?;
        file.set_permissions(like.permissions())?;
    }
    file.sync_all()
}

#[cfg(unix)]
fn keep_owner(path: &Path, like: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let own = fs::metadata(path)?;
    if (own.uid(), own.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    chown(path, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_path: &Path, _like: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn mode_and_link_stay() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("real.yaml");
        let link = directory.path().join("link.yaml");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
