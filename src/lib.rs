//! Finds the workarounds that stand in for Kubernetes sidecars and replaces them by a declared sidecar.
//!
//! `docs/architecture.md` shows how text becomes findings. A library for the program, its tests, benchmarks and fuzz
//! targets only: none of its interface is promised to anybody else, and none of it is shown in its documentation.

#[doc(hidden)]
pub mod behaviour;
#[doc(hidden)]
pub mod catalogue;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cluster;
pub(crate) mod diff;
pub(crate) mod edit;
#[doc(hidden)]
pub mod lint;
pub(crate) mod live;
pub(crate) mod lsp;
#[doc(hidden)]
pub mod migrate;
#[doc(hidden)]
pub mod pod;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod remedy;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod roles;
#[doc(hidden)]
pub mod rules;
#[doc(hidden)]
pub mod shell;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod suppress;
pub(crate) mod template;
#[doc(hidden)]
pub mod trace;
pub(crate) mod tree;
#[doc(hidden)]
pub mod workload;
#[doc(hidden)]
pub mod yaml;
