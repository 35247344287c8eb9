//! Finds the workarounds that stand in for Kubernetes sidecars and replaces them by a declared sidecar.
//!
//! `docs/architecture.md` shows how text becomes findings.

pub mod behaviour;
pub mod catalogue;
pub mod cli;
pub mod cluster;
pub mod diff;
pub mod edit;
pub mod lint;
pub mod live;
pub mod lsp;
pub mod migrate;
pub mod pod;
pub mod policy;
pub mod remedy;
pub mod report;
pub mod roles;
pub mod rules;
pub mod shell;
pub mod source;
pub mod suppress;
pub mod template;
pub mod trace;
pub mod tree;
pub mod workload;
pub mod yaml;
