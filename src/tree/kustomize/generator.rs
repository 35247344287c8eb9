//! ConfigMaps that a kustomization generates.

use std::path::{Path, PathBuf};

use super::reference::{file_entry, items, normal};
use crate::{
    edit::Place,
    yaml::{Node, Stream},
};

/// Where the text behind a key of a generated ConfigMap is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Datum {
    /// The whole text of a file.
    File(PathBuf),
    /// Behind `key=` in a scalar of the kustomization.
    Literal {
        /// The scalar.
        place: Place,
        /// The bytes of its text before the value.
        prefix: usize,
    },
}

/// Finds what a generator puts behind a key. `kustomization` is the path of the kustomization's file.
pub(super) fn datum(
    stream: &Stream<'_>,
    generator: &Place,
    kustomization: &Path,
    key: &str,
) -> Option<Datum> {
    let generator = generator.node(stream)?;
    let directory = kustomization.parent().unwrap_or(Path::new(""));
    let file = items(generator, "files")
        .filter_map(Node::as_str)
        .find_map(|entry| {
            let (own, path) = file_entry(entry);
            (own == key).then(|| Datum::File(normal(&directory.join(path))))
        });
    file.or_else(|| {
        items(generator, "literals").find_map(|literal| {
            let rest = literal.as_str()?.strip_prefix(key)?;
            rest.starts_with('=').then_some(Datum::Literal {
                place: Place::of(literal)?,
                prefix: key.len() + 1,
            })
        })
    })
}
