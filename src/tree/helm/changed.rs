//! What changes of a rendering.

use crate::diff::Hunk;

use super::{super::Wanted, changes::changes, items::named_containers};

/// What changes of a rendering, wherever its places are looked for. To find it both texts are parsed, so it is asked once.
pub(super) struct Changed {
    /// The lines that differ.
    pub(super) hunks: Vec<Hunk>,
    /// The lines in which containers begin that new annotations of their pods name.
    pub(super) named: Vec<usize>,
}

impl Changed {
    pub(super) fn of(wanted: &Wanted<'_>) -> Self {
        Self {
            hunks: changes(&wanted.rendering.source.text, &wanted.text),
            named: named_containers(wanted),
        }
    }
}
