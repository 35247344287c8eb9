//! YAML text and its tree.
//!
//! One parse gives one tree ([`Stream`]) in which every node knows the bytes it was written with, so that
//! rules can point at them and edits can replace them. Nothing here knows Kubernetes.

mod parse;
mod scalar;
mod tree;

pub use parse::{ParseError, parse};
pub use scalar::ScalarMap;
pub use tree::{Document, Entry, Kind, Node, NodeId, ScalarStyle, Stream};
