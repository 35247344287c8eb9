//! Shell scripts as a small tree with spans.
//!
//! All offsets are bytes of the script text. Nothing here knows Kubernetes.
//!
//! The grammar is that of POSIX shells and the part of bash that scripts in manifests use. It is read in one
//! pass: brush-parser, which is the tests' second opinion, goes back and tries again, so that 40 bytes of
//! nested `$((` keep it busy for seconds, and its spans are those of its tokens, not of the text.

mod ast;
mod compound;
mod cursor;
mod embedded;
mod expansion;
mod parse;
mod prefix;
mod simple;
mod state;
#[cfg(test)]
mod tests;
mod visit;
mod word;

pub use ast::{
    AndOr, Assignment, Command, Connector, Embedded, EmbeddedKind, IfBranch, List, Piece, Pipeline, Redirect,
    RedirectKind, Script, Simple, Span, Statement, Terminator, Variable, Word,
};
pub use embedded::reads_script_from_input;
pub use parse::{Dialect, SIZE_LIMIT, parse};
pub use prefix::{command_index, limits_time, prefix_length, prefix_length_of_texts};
pub use state::{Names, State, StateAccess, names_in, state_access};
pub use visit::{Context, Part, Parts, Visit};
