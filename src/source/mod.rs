//! Where text comes from.

use std::sync::Arc;

/// A text that was read: a file, standard input or a rendered object.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The name as the user would write it: a path, `-` as `<stdin>`.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}
