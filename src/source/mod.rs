//! Where text comes from: files, directories, standard input, what kustomize renders.
//!
//! [`discover`] turns what the user named into [`Input`]s without opening any of them; [`read`] opens one.
//! Nothing here prints, and nothing here parses YAML.

mod chart;
mod discover;
mod error;
mod kustomize;
mod nature;
mod note;
mod pattern;
mod position;
mod read;

use std::sync::Arc;

pub use chart::chart_of;
pub(crate) use discover::{CONFIGURATION, has_manifest_suffix, plain};
pub use discover::{Discovery, Input, NothingThere, Origin, Request, STANDARD_INPUT, discover};
pub use error::{SourceError, SourceErrorKind};
pub(crate) use kustomize::RENDERERS as KUSTOMIZE_RENDERERS;
pub use nature::{
    first_statement_line, first_template_comment_line, first_template_line, looks_like_manifest,
};
pub use note::{Note, NoteKind};
pub use pattern::{Pattern, PatternError};
pub(crate) use position::character_start;
pub use position::{Lines, Position, Positions};
pub use read::{MAXIMUM_SIZE, read, read_all};

/// A text that was read: a file, standard input or a rendered object.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The name as the user would write it: a path, `-` as `<stdin>`.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}
