//! Changes to a tree, and how their text looks.

pub(super) mod assembly;
pub(super) mod change;
pub(super) mod place;
pub(super) mod removal;
pub(super) mod spelling;
