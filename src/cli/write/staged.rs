//! One file that is written beside its place, to be given its name at once.

use std::{
    fs::{self, File},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A file in the directory of another one, whole and on the disk, that will take its place. Dropped, it goes.
#[derive(Debug)]
pub(super) struct Staged {
    temporary: PathBuf,
    target: PathBuf,
    /// How many further names (hard links) the file has that it replaces: they keep the old text.
    pub(super) other_names: u64,
    committed: bool,
}

impl Staged {
    /// A file that was not there, with the mode that any new file has.
    pub(super) fn new(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let (staged, file) = Self::start(path.to_owned(), bytes, 0)?;
        // What the process's mask makes of a new file's mode, only a new file tells.
        let probe = Staged {
            temporary: unused_name(&staged.target),
            target: staged.target.clone(),
            other_names: 0,
            committed: false,
        };
        let mode = File::options()
            .write(true)
            .create_new(true)
            .open(&probe.temporary)?
            .metadata()?
            .permissions();
        file.set_permissions(mode)?;
        file.sync_all()?;
        Ok(staged)
    }

    /// A file that will replace the one at `path`, with its mode, owner and extended attributes; a symbolic link
    /// stays one.
    pub(super) fn replacing(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let target = fs::canonicalize(path)?;
        // Who may not write to the file may not replace it.
        let old = File::options().write(true).open(&target)?;
        let metadata = old.metadata()?;
        let (staged, file) = Self::start(target, bytes, other_names(&metadata))?;
        keep_owner(&file, &metadata)?;
        keep_attributes(&old, &file)?;
        file.set_permissions(metadata.permissions())?;
        file.sync_all()?;
        Ok(staged)
    }

    fn start(target: PathBuf, bytes: &[u8], other_names: u64) -> io::Result<(Self, File)> {
        let temporary = unused_name(&target);
        let mut options = File::options();
        options.write(true).create_new(true);
        // It may hold what only some may read.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        let staged = Self {
            temporary,
            target,
            other_names,
            committed: false,
        };
        file.write_all(bytes)?;
        Ok((staged, file))
    }

    /// Where it will stand.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// What the system says. Its place is then as it was.
    pub(super) fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        self.committed = true;
        flush_directory(&self.target);
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.committed {
            // Whatever was wrong before is the error to tell.
            let _left_behind = fs::remove_file(&self.temporary);
        }
    }
}

/// A rename has to reach the disk too; some file systems can't flush a directory.
pub(super) fn flush_directory(file: &Path) {
    if let Some(directory) = file.parent().and_then(|directory| File::open(directory).ok()) {
        let _unsupported = directory.sync_all();
    }
}

/// A name beside a file that nobody has or can guess.
pub(super) fn unused_name(beside: &Path) -> PathBuf {
    // Each state has keys of its own, from the system's randomness.
    let random = RandomState::new().build_hasher().finish();
    beside.with_file_name(format!("{PREFIX}{random:016x}.tmp"))
}

/// How the names of files begin that are there for a moment.
pub(super) const PREFIX: &str = ".kubectl-sidecar-";

#[cfg(unix)]
fn other_names(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata).saturating_sub(1)
}

#[cfg(not(unix))]
fn other_names(_metadata: &fs::Metadata) -> u64 {
    0
}

#[cfg(unix)]
fn keep_owner(file: &File, like: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _like: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Copies extended attributes, access control lists among them. File systems without any have none to lose.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn keep_attributes(from: &File, to: &File) -> io::Result<()> {
    use rustix::{fs, io::Errno};
    let mut names = vec![0; 64 * 1024];
    let length = match fs::flistxattr(from, names.as_mut_slice()) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    names.truncate(length);
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 64 * 1024];
        let length = fs::fgetxattr(from, name, value.as_mut_slice())?;
        value.truncate(length);
        match fs::fsetxattr(to, name, &value, fs::XattrFlags::empty()) {
            Ok(()) => {}
            // The system gives such labels (security.selinux) itself, and only it may.
            Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP) if name.starts_with(b"security.") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn keep_attributes(_from: &File, _to: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn mode_link_and_attributes_stay() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("real.yaml");
        let link = directory.path().join("link.yaml");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        let has_attributes =
            rustix::fs::setxattr(&file, "user.note", b"x", rustix::fs::XattrFlags::empty()).is_ok();
        Staged::replacing(&link, b"new").unwrap().commit().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
        if has_attributes {
            let mut value = [0; 8];
            assert_eq!(rustix::fs::getxattr(&file, "user.note", &mut value), Ok(1));
        }
    }

    #[test]
    fn what_is_not_committed_goes() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.yaml");
        fs::write(&file, "old").unwrap();
        let staged = Staged::replacing(&file, b"new").unwrap();
        let mode = fs::metadata(&staged.temporary).unwrap().permissions().mode();
        assert_eq!(mode, fs::metadata(&file).unwrap().permissions().mode());
        drop(staged);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_has_the_mode_of_new_files() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("one"), directory.path().join("other"));
        fs::write(&one, "").unwrap();
        Staged::new(&other, b"x").unwrap().commit().unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(one), mode(other));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
