//! Files of a tree that are not edited.

use std::path::{Path, PathBuf};

/// Why a file is not edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lock {
    /// This kustomization uses it too and is not rendered, so that no edit is proved for it.
    NotRendered(PathBuf),
    /// It lies outside of what was named.
    Outside,
    /// This is a link to it, or on the way to it.
    Linked(PathBuf),
}

impl Lock {
    /// The reason in a clause.
    pub(super) fn reason(&self, file: &Path) -> String {
        let file = file.display();
        match self {
            Self::NotRendered(by) => {
                format!("{file} is part of {} too, which is not rendered", by.display())
            }
            Self::Outside => format!("{file} lies outside of what was named, where nothing is written"),
            Self::Linked(link) => {
                format!(
                    "{file} is reached through a link, {}: name the file itself",
                    link.display()
                )
            }
        }
    }
}
