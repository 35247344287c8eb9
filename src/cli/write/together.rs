//! Several files that are replaced together: all of them, or none.

use std::{fs, path::PathBuf};

use super::{
    journal::{Entry, Journal},
    staged::Staged,
};

/// A file's text before and behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The file as it was named.
    pub path: PathBuf,
    /// What was read of it.
    pub old: String,
    /// What is to be in it.
    pub new: String,
}

/// Why files that belong together were all left as they were.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// Somebody else has written to one of them since it was read.
    #[error("was changed while it was being rewritten; left as it is, run again")]
    Changed(PathBuf),
    /// One of them can't be written.
    #[error("cannot be written: {1}")]
    Failed(PathBuf, std::io::Error),
    /// The user has ended the run before the first of them was in its place.
    #[error("was not written: interrupted")]
    Interrupted(PathBuf),
}

impl Unwritten {
    /// The file it is about.
    pub fn path(&self) -> &PathBuf {
        match self {
            Self::Changed(path) | Self::Failed(path, _) | Self::Interrupted(path) => path,
        }
    }
}

/// Replaces files that belong together, and gives those that have other names (hard links) too, which keep the old
/// text. All new files are on the disk before the first is given its name; where one can't be, those before are put
/// back; and after a kill in between the next run finds the journal. `is_over` says that the user wants the run to end.
///
/// # Errors
/// The first file that could not be replaced. All are as they were then, or as somebody else has made them.
pub fn replace_together(
    replacements: &[Replacement],
    is_over: &dyn Fn() -> bool,
) -> Result<Vec<PathBuf>, Unwritten> {
    let mut staged = Vec::new();
    for replacement in replacements {
        unchanged(replacement)?;
        let file = Staged::replacing(&replacement.path, replacement.new.as_bytes())
            .map_err(|error| Unwritten::Failed(replacement.path.clone(), error))?;
        staged.push(file);
    }
    let linked = replacements
        .iter()
        .zip(&staged)
        .filter(|(_, file)| file.other_names > 0)
        .map(|(replacement, _)| replacement.path.clone())
        .collect();
    let journal = journal(replacements, &staged)?;
    let outcome = commit(replacements, staged, is_over);
    if let Some(journal) = journal {
        // Left behind, it would only find that nothing is half done.
        let _left_behind = journal.end();
    }
    outcome.map(|()| linked)
}

/// Whether a file is still what was read.
fn unchanged(replacement: &Replacement) -> Result<(), Unwritten> {
    match fs::read(&replacement.path) {
        Ok(bytes) if bytes == replacement.old.as_bytes() => Ok(()),
        Ok(_) => Err(Unwritten::Changed(replacement.path.clone())),
        Err(error) => Err(Unwritten::Failed(replacement.path.clone(), error)),
    }
}

/// One file alone changes at once, and needs none.
fn journal(replacements: &[Replacement], staged: &[Staged]) -> Result<Option<Journal>, Unwritten> {
    let [first, _, ..] = replacements else {
        return Ok(None);
    };
    let entries: Vec<Entry> = replacements
        .iter()
        .zip(staged)
        .map(|(replacement, file)| Entry {
            path: file.target().to_owned(),
            old: replacement.old.clone(),
            new: replacement.new.clone(),
        })
        .collect();
    Journal::write(&entries).map_err(|error| Unwritten::Failed(first.path.clone(), error))
}

fn commit(
    replacements: &[Replacement],
    staged: Vec<Staged>,
    is_over: &dyn Fn() -> bool,
) -> Result<(), Unwritten> {
    let mut done: Vec<&Replacement> = Vec::new();
    for (replacement, file) in replacements.iter().zip(staged) {
        let outcome = match is_over() && done.is_empty() {
            true => Err(Unwritten::Interrupted(replacement.path.clone())),
            false => unchanged(replacement).and_then(|()| {
                file.commit()
                    .map_err(|error| Unwritten::Failed(replacement.path.clone(), error))
            }),
        };
        if let Err(error) = outcome {
            put_back(&done);
            return Err(error);
        }
        done.push(replacement);
    }
    Ok(())
}

/// Gives files their old texts again, where nobody else has written to them since.
fn put_back(done: &[&Replacement]) {
    for replacement in done {
        let is_ours = fs::read(&replacement.path).is_ok_and(|bytes| bytes == replacement.new.as_bytes());
        if is_ours && let Ok(old) = Staged::replacing(&replacement.path, replacement.old.as_bytes()) {
            // The file that could not be written is the error to tell.
            let _unrestored = old.commit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::recover, *};

    fn two(directory: &tempfile::TempDir) -> Vec<Replacement> {
        ["a.yaml", "b.yaml"]
            .map(|name| {
                let path = directory.path().join(name);
                fs::write(&path, "old").unwrap();
                Replacement {
                    path,
                    old: "old".to_owned(),
                    new: "new".to_owned(),
                }
            })
            .to_vec()
    }

    fn texts(replacements: &[Replacement]) -> Vec<String> {
        replacements
            .iter()
            .map(|replacement| fs::read_to_string(&replacement.path).unwrap())
            .collect()
    }

    #[test]
    fn all_change_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let both = two(&directory);
        fs::write(&both[1].path, "another").unwrap();
        let error = replace_together(&both, &|| false).unwrap_err();
        assert!(matches!(error, Unwritten::Changed(_)), "{error}");
        assert_eq!(texts(&both), ["old", "another"]);
        fs::write(&both[1].path, "old").unwrap();
        let error = replace_together(&both, &|| true).unwrap_err();
        assert!(matches!(error, Unwritten::Interrupted(_)), "{error}");
        assert_eq!(texts(&both), ["old", "old"]);
        replace_together(&both, &|| false).unwrap();
        assert_eq!(texts(&both), ["new", "new"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_a_kill_left_half_done_is_put_back() {
        let directory = tempfile::tempdir().unwrap();
        let both = two(&directory);
        let entries: Vec<Entry> = both
            .iter()
            .map(|replacement| Entry {
                path: replacement.path.clone(),
                old: replacement.old.clone(),
                new: replacement.new.clone(),
            })
            .collect();
        let journal = Journal::write(&entries).unwrap();
        fs::write(&both[0].path, "new").unwrap();
        let paths = || both.iter().map(|replacement| replacement.path.as_path());
        assert_eq!(recover(paths()), Vec::<String>::new(), "it is locked");
        drop(journal);
        let said = recover(paths());
        assert!(said[0].contains("put back as before"), "{said:?}");
        assert_eq!(texts(&both), ["old", "old"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
        assert_eq!(recover(paths()), Vec::<String>::new());
    }

    /// Killed at the very end: what somebody makes of the first file afterwards does not undo the last.
    #[test]
    fn what_was_all_written_stays() {
        let directory = tempfile::tempdir().unwrap();
        let both = two(&directory);
        let entries = both.iter().map(|replacement| Entry {
            path: replacement.path.clone(),
            old: replacement.old.clone(),
            new: replacement.new.clone(),
        });
        drop(Journal::write(&entries.collect::<Vec<_>>()).unwrap());
        fs::write(&both[0].path, "new and edited").unwrap();
        fs::write(&both[1].path, "new").unwrap();
        let said = recover(both.iter().map(|replacement| replacement.path.as_path()));
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(texts(&both), ["new and edited", "new"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
