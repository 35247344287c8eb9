//! The language server: findings in an editor while somebody types, what they mean, and their rewrites.
//!
//! [`serve`] speaks the protocol. What it says is worked out without it: [`check`](mod@check) lints the open
//! documents together with the manifests beside them, `diagnostic`, `hover` and `fix` translate the result.

mod check;
mod diagnostic;
mod document;
mod fix;
mod hover;
mod position;
mod server;
mod transport;
mod uri;

pub use check::Configured;
pub use server::{Ending, serve};
