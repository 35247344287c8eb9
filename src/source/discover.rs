//! From what the user named to the inputs it stands for.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;

use super::{Pattern, SourceError, SourceErrorKind};

/// What the user named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A file, a directory to be searched through and through, or `-`.
    Path(PathBuf),
    /// As kubectl's `-f`: a directory is searched flat unless `recursive`, and `.gitignore` means nothing.
    Filename {
        /// The file, the directory, the glob or `-`.
        path: PathBuf,
        /// `-R`
        recursive: bool,
    },
    /// As kubectl's `-k`: a directory that kustomize renders.
    Kustomization(PathBuf),
}

/// One text to lint, not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The name as the user would write it.
    pub name: String,
    /// Where the text is.
    pub origin: Origin,
}

/// Where the text of an [`Input`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file that the user named.
    File(PathBuf),
    /// In a file that was met in a directory: it may be no manifest at all.
    Found(PathBuf),
    /// In standard input.
    StandardInput,
    /// In what kustomize makes of a directory.
    Kustomization(PathBuf),
}

impl Input {
    /// The file or directory that the text comes from.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) | Origin::Found(path) | Origin::Kustomization(path) => Some(path),
            Origin::StandardInput => None,
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The inputs: in the order of the requests, sorted by name within a directory, each once.
    pub inputs: Vec<Input>,
    /// The directories that were searched, as they were named.
    pub directories: Vec<PathBuf>,
    /// Links with a manifest's suffix in them that lead to nothing.
    pub dead_links: Vec<String>,
    /// Directories and files that could not be looked at.
    pub errors: Vec<SourceError>,
}

/// A request that stands for nothing: linting the rest would hide the mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NothingThere {
    /// There is no such path.
    #[error("{0}: no such file or directory")]
    Missing(String),
    /// The directory holds no file with a manifest's suffix.
    #[error("{0}: no .yaml, .yml or .json file in this directory{1}")]
    Empty(String, &'static str),
    /// A glob without a match.
    #[error("{0}: the pattern matches no file")]
    Unmatched(String),
    /// kubectl would fetch it.
    #[error("{0}: URLs are not fetched; pipe the manifest in: curl -fsSL {0} | kubectl sidecar lint -")]
    Url(String),
}

/// The suffixes that files in a directory must have, as kubectl wants them.
const SUFFIXES: [&str; 3] = ["yaml", "yml", "json"];

/// Directories of version control, which hold no manifests of anybody.
const VERSION_CONTROL: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// What standard input is called.
pub const STANDARD_INPUT: &str = "<stdin>";

/// The name of the tool's own configuration, which is no manifest.
pub(crate) const CONFIGURATION: &str = ".kubectl-sidecar.yaml";

/// Finds the inputs that `requests` stand for.
///
/// # Errors
/// The first request that stands for nothing.
pub fn discover(requests: &[Request]) -> Result<Discovery, NothingThere> {
    let mut search = Search::default();
    for request in requests {
        match request {
            Request::Path(path) => search.path(path, Manner::Repository)?,
            Request::Filename {
                path,
                recursive: true,
            } => search.path(path, Manner::Deep)?,
            Request::Filename { path, .. } => search.path(path, Manner::Flat)?,
            Request::Kustomization(path) => search.kustomization(path)?,
        }
    }
    Ok(search.found)
}

/// How a directory is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Through and through, without what git ignores.
    Repository,
    /// Through and through.
    Deep,
    /// The files in it alone.
    Flat,
}

#[derive(Default)]
struct Search {
    found: Discovery,
    seen: HashSet<PathBuf>,
    /// The directory of the last file, and its canonical path.
    directory: Option<(PathBuf, PathBuf)>,
}

impl Search {
    fn path(&mut self, path: &Path, manner: Manner) -> Result<(), NothingThere> {
        let name = path.display().to_string();
        if path == Path::new("-") || path == Path::new("/dev/stdin") {
            self.add(
                STANDARD_INPUT.to_owned(),
                Origin::StandardInput,
                PathBuf::from(STANDARD_INPUT),
            );
            return Ok(());
        }
        if name.starts_with("http://") || name.starts_with("https://") {
            return Err(NothingThere::Url(name));
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.directory(path, manner),
            Ok(_) => {
                self.add(name, Origin::File(path.to_owned()), canonical(path));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    self.fail(name, "is a symbolic link to nothing");
                    Ok(())
                } else if manner == Manner::Repository {
                    Err(NothingThere::Missing(name))
                } else {
                    self.pattern(&name, manner)
                }
            }
            Err(error) => {
                self.fail(name, format!("cannot be read: {}", plain(&error)));
                Ok(())
            }
        }
    }

    fn directory(&mut self, directory: &Path, manner: Manner) -> Result<(), NothingThere> {
        self.found.directories.push(directory.to_owned());
        let before = (self.found.inputs.len(), self.found.errors.len());
        let mut any = false;
        let mut walk = WalkBuilder::new(directory);
        walk.standard_filters(false)
            // As kubectl does, links to files are read and links to directories are not entered, which also
            // rules out loops.
            .follow_links(false)
            .sort_by_file_name(OsStr::cmp);
        match manner {
            Manner::Repository => {
                walk.filter_entry(|entry| !is_version_control(entry.file_name()))
                    .parents(true)
                    .git_ignore(true)
                    .git_exclude(true)
                    .git_global(true)
                    .require_git(false);
            }
            Manner::Deep => {}
            Manner::Flat => {
                walk.max_depth(Some(1));
            }
        }
        for entry in walk.build() {
            match entry {
                Ok(entry) => {
                    let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                    let is_wanted = has_manifest_suffix(entry.path())
                        || (manner == Manner::Repository && is_partial(entry.path()));
                    let may_be_link = entry.depth() == 0 || entry.path_is_symlink();
                    if is_directory || !is_wanted || may_be_link && leads_to_directory(entry.path()) {
                        continue;
                    }
                    any = true;
                    // kubectl would stop at one in a directory that is to be applied.
                    if manner == Manner::Repository && may_be_link && leads_to_nothing(entry.path()) {
                        self.found.dead_links.push(entry.path().display().to_string());
                        continue;
                    }
                    let path = entry.into_path();
                    let identity = match may_be_link {
                        true => canonical(&path),
                        false => self.canonical_beside(&path),
                    };
                    self.add(path.display().to_string(), Origin::Found(path), identity);
                }
                Err(error) => {
                    let name = path_of(&error).unwrap_or(directory).display().to_string();
                    let reason = error.io_error().map_or_else(|| error.to_string(), plain);
                    self.fail(name, format!("cannot be read: {reason}"));
                }
            }
        }
        if any || before != (self.found.inputs.len(), self.found.errors.len()) {
            return Ok(());
        }
        Err(NothingThere::Empty(
            directory.display().to_string(),
            match manner {
                Manner::Repository => " or below it that git does not ignore",
                Manner::Deep => " or below it",
                Manner::Flat => "; -R searches below it too",
            },
        ))
    }

    /// kubectl expands globs that the shell left alone.
    fn pattern(&mut self, pattern: &str, manner: Manner) -> Result<(), NothingThere> {
        if !pattern.contains(['*', '?', '[']) {
            return Err(NothingThere::Missing(pattern.to_owned()));
        }
        let Ok(matcher) = Pattern::new(pattern, true) else {
            return Err(NothingThere::Unmatched(pattern.to_owned()));
        };
        let fixed: PathBuf = Path::new(pattern)
            .components()
            .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
            .collect();
        let depth = Path::new(pattern).components().count() - fixed.components().count();
        let start = if fixed.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &fixed
        };
        let mut any = false;
        for entry in WalkBuilder::new(start)
            .standard_filters(false)
            .max_depth(Some(depth))
            .sort_by_file_name(OsStr::cmp)
            .build()
            .flatten()
        {
            let path = entry.path().strip_prefix("./").unwrap_or(entry.path());
            if matcher.is_match(path) {
                any = true;
                self.path(path, manner)?;
            }
        }
        if any {
            Ok(())
        } else {
            Err(NothingThere::Unmatched(pattern.to_owned()))
        }
    }

    fn kustomization(&mut self, directory: &Path) -> Result<(), NothingThere> {
        let name = directory.display().to_string();
        // kustomize also takes a repository's URL; it says itself what is wrong with that.
        if !name.contains("://") && !directory.exists() {
            return Err(NothingThere::Missing(name));
        }
        let name = format!("<kustomize {name}>");
        let identity = PathBuf::from(&name);
        self.add(name, Origin::Kustomization(directory.to_owned()), identity);
        Ok(())
    }

    /// The canonical path of a file that is no link. Files come by directory, each of which is asked about once.
    fn canonical_beside(&mut self, file: &Path) -> PathBuf {
        let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else {
            return canonical(file);
        };
        match &self.directory {
            Some((known, canonical)) if known == directory => canonical.join(name),
            _ => {
                let found = match directory.as_os_str().is_empty() {
                    true => canonical(Path::new(".")),
                    false => canonical(directory),
                };
                let own = found.join(name);
                self.directory = Some((directory.to_owned(), found));
                own
            }
        }
    }

    /// Adds an input unless it is there already, under whatever name.
    fn add(&mut self, name: String, origin: Origin, identity: PathBuf) {
        if self.seen.insert(identity) {
            self.found.inputs.push(Input { name, origin });
        }
    }

    fn fail(&mut self, name: String, message: impl Into<String>) {
        self.found
            .errors
            .push(SourceError::new(name, SourceErrorKind::Unreadable, message));
    }
}

fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn is_version_control(name: &OsStr) -> bool {
    VERSION_CONTROL.iter().any(|known| name == OsStr::new(known))
}

/// Whether it is a chart's `templates/_….tpl`, which holds what other templates include.
fn is_partial(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("tpl"))
        && path
            .components()
            .any(|part| part.as_os_str() == OsStr::new("templates"))
}

pub(crate) fn has_manifest_suffix(path: &Path) -> bool {
    path.file_name() != Some(OsStr::new(CONFIGURATION))
        && path
            .extension()
            .is_some_and(|suffix| SUFFIXES.iter().any(|known| suffix.eq_ignore_ascii_case(known)))
}

/// A link with a manifest's suffix may still lead to a directory.
fn leads_to_directory(path: &Path) -> bool {
    path.is_symlink() && path.is_dir()
}

fn leads_to_nothing(path: &Path) -> bool {
    path.is_symlink() && fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

/// The words of an operating system's error without its number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text
        .split_once(" (os error")
        .map_or(text.as_str(), |(words, _)| words);
    let mut characters = words.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}
