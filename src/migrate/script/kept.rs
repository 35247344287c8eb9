//! A statement of a script that stays.

use crate::shell::{Span, Statement};

/// What is kept of a statement.
pub(in crate::migrate) struct Kept<'s> {
    pub(in crate::migrate) statement: &'s Statement,
    /// Its bytes of the text.
    pub(in crate::migrate) part: Span,
}
