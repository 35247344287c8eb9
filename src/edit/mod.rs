//! Changes to a tree, told without their spelling, and carried out on the text and on plain values, which are then
//! compared.

pub(crate) mod change;
pub(crate) mod intention;
pub(crate) mod place;
pub(crate) mod removal;
mod rewrite;
mod spelling;

pub(crate) use change::{Change, Position};
pub(crate) use place::{Place, Step};
pub use rewrite::RewriteError;
pub(crate) use rewrite::rewrite;
pub(crate) use spelling::block;
