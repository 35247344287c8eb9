//! The language server: findings in an editor while somebody types, what they mean, and their rewrites.
//!
//! [`serve`] speaks the protocol. What it says is worked out without it: [`check`](mod@check) lints the open
//! documents together with the manifests beside them, `diagnostic`, `hover` and `fix` translate the result, and
//! `workspace` answers what is asked about a document from it. `trees` has charts and kustomizations rendered beside it.

mod check;
mod client;
mod diagnostic;
mod document;
mod fix;
mod hover;
mod kept;
mod names;
mod position;
mod server;
mod transport;
mod trees;
mod uri;
mod workspace;

pub(crate) use check::{Configured, Failure};
pub(crate) use client::Preferences;
pub(crate) use server::{Ending, serve};
pub(crate) use trees::{Around, Render, RenderedTree, RewrittenFile, TreeRewrite};
