//! A statement of a script that stays.

use crate::shell::{Span, Statement};

/// What is kept of a statement.
pub(crate) struct Kept<'s> {
    pub(crate) statement: &'s Statement,
    /// Its bytes of the text.
    pub(crate) part: Span,
}
