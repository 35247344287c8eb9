//! Shell scripts as a small tree with spans.
//!
//! The grammar is brush-parser's; what rules and rewrites need of it is kept in types of our own, so that
//! the parser can be replaced. All offsets are bytes of the script text. Nothing here knows Kubernetes.

mod ast;
mod parse;

pub use ast::{
    AndOr, Assignment, Command, Connector, IfBranch, List, Piece, Pipeline, Redirect, RedirectKind, Script,
    Simple, Span, Statement, Terminator, Word,
};
pub use parse::{Dialect, parse};
