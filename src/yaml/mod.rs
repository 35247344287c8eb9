//! YAML text and its tree.
//!
//! One parse gives one tree ([`Stream`]) in which every node knows the bytes it was written with, so that
//! rules can point at them and edits can replace them. Nothing here knows Kubernetes.

mod builder;
mod decode;
mod dialect;
pub mod edit;
mod error;
mod events;
pub mod guard;
mod json;
mod lenient;
mod lex;
mod limits;
mod merge;
mod node;
mod offsets;
mod parse;
mod places;
mod print;
mod quote;
mod scalar;
mod second_reader;
mod tree;
mod value;
mod write;

#[cfg(any(test, feature = "fuzzing"))]
pub mod invariants;
#[cfg(test)]
mod json_tests;
#[cfg(test)]
mod limits_tests;
#[cfg(test)]
mod parse_tests;
#[cfg(test)]
mod scalar_tests;

pub use error::{ParseError, Reason};
pub use limits::{MAX_DEPTH, MAX_NODES, MAX_TEXT};
pub use merge::Entry;
pub use node::{Children, Node};
pub use parse::parse;
pub use print::print_json;
pub use quote::PlainType;
pub(crate) use quote::single_quoted;
pub use scalar::ScalarMap;
pub use tree::{Document, Kind, NodeId, ScalarStyle, Stream};
pub use value::{Difference, Value, ValueError};
pub(crate) use write::is_scalar;
pub use write::{NewDocument, Quoting, write_flow, write_quoted};
