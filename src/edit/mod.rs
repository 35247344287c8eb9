//! Changes to a tree, told without their spelling, and carried out on the text and on plain values, which are then
//! compared.

pub(crate) mod change;
pub(crate) mod place;
pub(crate) mod removal;
mod rewrite;
mod spelling;

pub use change::{Change, ChangeError, Position};
pub use place::{Place, Step};
pub use rewrite::{RewriteError, rewrite};
pub use spelling::block;
