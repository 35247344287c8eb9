//! What several files were before they are replaced one after the other: so that whoever comes after a kill in between
//! finds all of them as they were.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::staged::{PREFIX, Staged, flush_directory, unused_name};

/// How the names of journals end.
const SUFFIX: &str = ".journal";

/// One file that is replaced.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its path from the root.
    pub(super) path: PathBuf,
    /// Its text before,
    pub(super) old: String,
    /// and behind.
    pub(super) new: String,
}

/// A journal beside the first of its files. It is locked as long as it is written, and removed at the end.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

impl Journal {
    /// Writes what will be done to the disk.
    pub(super) fn write(entries: &[Entry]) -> io::Result<Option<Self>> {
        let Some(first) = entries.first() else {
            return Ok(None);
        };
        let path = unused_name(&first.path).with_extension("journal");
        let mut options = File::options();
        options.write(true).create_new(true);
        // It holds what the files hold.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let written = file
            .lock()
            .and_then(|()| serde_json::to_vec(entries).map_err(io::Error::from))
            .and_then(|bytes| file.write_all(&bytes))
            .and_then(|()| file.sync_all());
        if let Err(error) = written {
            let _left_behind = fs::remove_file(&path);
            return Err(error);
        }
        flush_directory(&path);
        Ok(Some(Self { path, _file: file }))
    }

    /// All files are written, or none is: nothing has to be put right any more.
    pub(super) fn end(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Puts right what a run that was killed has left half done in the directories of these files, and says what was done.
pub fn recover<'p>(files: impl Iterator<Item = &'p Path>) -> Vec<String> {
    let directories: BTreeSet<PathBuf> = files
        .filter_map(|file| match file.parent()? {
            parent if parent.as_os_str().is_empty() => Some(PathBuf::from(".")),
            parent => Some(parent.to_owned()),
        })
        .collect();
    let mut said = Vec::new();
    for directory in directories {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_journal = name
                .to_str()
                .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
            if is_journal && let Some(message) = recover_one(&entry.path()) {
                said.push(message);
            }
        }
    }
    said
}

/// Puts back the files of one journal, where not all of them were written.
fn recover_one(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    match file.try_lock() {
        Ok(()) => {}
        // That run is not at its end.
        Err(TryLockError::WouldBlock) => return None,
        Err(TryLockError::Error(error)) => return Some(format!("{}: {error}", path.display())),
    }
    // One that was cut off names files of which none was replaced yet.
    let entries: Vec<Entry> = serde_json::from_reader(&file).unwrap_or_default();
    let state = |entry: &Entry| fs::read_to_string(&entry.path).ok();
    let done = entries
        .iter()
        .filter(|entry| state(entry).as_deref() == Some(&entry.new));
    let done: Vec<&Entry> = done.collect();
    let mut put_back = Vec::new();
    let mut failed = Vec::new();
    // They are replaced in this order: where the last one is, all were, whatever somebody has made of them since.
    let are_all_written = entries
        .last()
        .is_none_or(|last| state(last).as_deref() == Some(&last.new));
    if !are_all_written {
        for entry in done {
            let outcome = Staged::replacing(&entry.path, entry.old.as_bytes()).and_then(Staged::commit);
            match outcome {
                Ok(()) => put_back.push(entry.path.display().to_string()),
                Err(error) => failed.push(format!("{}: {error}", entry.path.display())),
            }
        }
    }
    if !failed.is_empty() {
        return Some(format!(
            "an earlier run was ended while it wrote files that belong together, and they can't be put back: {}; their old texts are in {}",
            failed.join("; "),
            path.display()
        ));
    }
    let _left_behind = fs::remove_file(path);
    (!put_back.is_empty()).then(|| {
        format!(
            "an earlier run was ended while it wrote files that belong together; put back as before: {}",
            put_back.join(", ")
        )
    })
}
