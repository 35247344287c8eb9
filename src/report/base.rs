//! How files are named in reports that leave this machine: from the root of the repository.

use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a path in a URI may hold as it is (RFC 3986, `unreserved`), and the slash.
const KEPT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The directories that paths are relative to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The working directory, from where sources are named. Absolute.
    pub current: PathBuf,
    /// The root of the repository, or the working directory where there is none. Absolute.
    pub root: PathBuf,
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A file below the root, by its path from there, with slashes.
    Within(String),
    /// A file elsewhere, by its absolute path.
    Outside(String),
    /// No file: standard input, what kustomize renders, an object of a cluster.
    Nowhere,
}

impl Place {
    /// The path as services that know the repository take it.
    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Self::Within(path) | Self::Outside(path) => Some(path),
            Self::Nowhere => None,
        }
    }
}

/// The place of a source of that name. `contexts` has the names of what is no file.
pub(super) fn place(name: &str, base: Option<&Base>, contexts: Option<&HashMap<String, String>>) -> Place {
    let is_object = contexts.is_some_and(|contexts| contexts.contains_key(name));
    // `<stdin>`, `<kustomize DIR>`
    if is_object || (name.starts_with('<') && name.ends_with('>')) {
        return Place::Nowhere;
    }
    let Some(base) = base else {
        return Place::Within(slashed(Path::new(name)));
    };
    let path = without_dots(&base.current.join(name));
    match path.strip_prefix(&base.root) {
        Ok(inner) => Place::Within(slashed(inner)),
        Err(_) => Place::Outside(slashed(&path)),
    }
}

/// The path without `.` and `..`, by its words alone: a symbolic link stays as it was named.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

fn slashed(path: &Path) -> String {
    let text = path.to_string_lossy();
    if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text.into_owned()
    }
}

/// A relative path as a URI reference.
pub(super) fn relative_uri(path: &str) -> String {
    utf8_percent_encode(path, &KEPT).to_string()
}

/// An absolute path as a `file:` URI.
pub(crate) fn file_uri(path: &str) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("file://{slash}{}", relative_uri(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root() {
        let base = Base {
            current: PathBuf::from("/repository/deploy"),
            root: PathBuf::from("/repository"),
        };
        let place = |name: &str| place(name, Some(&base), None);
        for (name, path) in [
            ("a.yaml", "deploy/a.yaml"),
            ("./b/../a.yaml", "deploy/a.yaml"),
            ("../charts/a.yaml", "charts/a.yaml"),
            ("/repository/x/a.yaml", "x/a.yaml"),
            ("<x>.yaml", "deploy/<x>.yaml"),
        ] {
            assert_eq!(place(name), Place::Within(path.to_owned()));
        }
        assert_eq!(place("../../a.yaml"), Place::Outside("/a.yaml".to_owned()));
        assert_eq!(place("<stdin>"), Place::Nowhere);
    }

    #[test]
    fn objects_of_a_cluster_are_no_files() {
        let contexts = HashMap::from([("deployment/web".to_owned(), "kind".to_owned())]);
        assert_eq!(place("deployment/web", None, Some(&contexts)), Place::Nowhere);
        assert_eq!(
            place("deployment/api", None, Some(&contexts)),
            Place::Within("deployment/api".to_owned())
        );
    }

    #[test]
    fn uris_hold_what_uris_may() {
        assert_eq!(relative_uri("a b/ü#?%:.yaml"), "a%20b/%C3%BC%23%3F%25%3A.yaml");
        assert_eq!(file_uri("/a b"), "file:///a%20b");
        assert_eq!(file_uri("C:/a"), "file:///C%3A/a");
    }
}
