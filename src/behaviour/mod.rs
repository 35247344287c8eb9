//! What commands do to other containers: wait for them, stop them, leave files for them.
//!
//! `action` classifies one command; `script` finds waits, stops and markers in a whole script; `links` says
//! which container each of them is about.

pub mod action;
mod answer;
mod end_word;
mod facts;
mod links;
mod ownership;
pub mod script;

pub use answer::Answer;
pub(crate) use end_word::{has_end, says_an_end};
pub use facts::ScriptFacts;
pub use links::{EndWatch, Link, LinkKind, Links, MarkerWrite, Party, links};
