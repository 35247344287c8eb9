//! What a run has looked at: only there a suppression can be called unused.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::configuration::Loaded;
use crate::{
    source::{Request, SourceFile},
    suppress::{IgnoreMatcher, Suppression},
};

/// The directories that were searched through and through, and the files that were read.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    directories: Vec<PathBuf>,
    files: HashSet<PathBuf>,
    /// What is no file: standard input, a kustomization.
    others: HashSet<String>,
}

impl Coverage {
    pub(super) fn of(requests: &[Request], sources: &[Arc<SourceFile>]) -> Self {
        let searched = requests.iter().filter_map(|request| match request {
            Request::Path(path)
            | Request::Filename {
                path,
                recursive: true,
            } => Some(path),
            _ => None,
        });
        let mut coverage = Self {
            directories: searched
                .filter(|path| path.is_dir())
                .filter_map(|path| fs::canonicalize(path).ok())
                .collect(),
            ..Self::default()
        };
        for source in sources {
            match fs::canonicalize(&source.name) {
                Ok(file) => coverage.files.insert(file),
                Err(_) => coverage.others.insert(source.name.clone()),
            };
        }
        coverage
    }

    /// Whether a file (or all of a directory) was looked at, or would have been if it were there.
    pub(super) fn holds(&self, path: &Path) -> bool {
        self.files.contains(path)
            || self
                .directories
                .iter()
                .any(|directory| path.starts_with(directory))
            || path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| self.others.contains(name))
    }

    /// The suppressions of an ignore of a configuration. What else it may be for was not looked at perhaps: then only
    /// those that were used are known.
    pub(super) fn of_ignore(&self, ignore: &IgnoreMatcher, loaded: &Loaded) -> Vec<Suppression> {
        let directory = fs::canonicalize(&loaded.directory).unwrap_or_else(|_| loaded.directory.clone());
        let is_judged = match ignore.file() {
            Some(name) if self.files.contains(&directory.join(name)) => true,
            Some(glob) => self.holds(&directory.join(fixed_part(glob))),
            None => self.holds(&directory),
        };
        let all = ignore.suppressions();
        all.filter(|suppression| suppression.used || is_judged).collect()
    }
}

/// The path that a glob begins with, up to its first sign that stands for several.
fn fixed_part(glob: &str) -> PathBuf {
    if !glob.contains('/') {
        return PathBuf::new();
    }
    Path::new(glob.trim_start_matches("./"))
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']))
        .collect()
}
