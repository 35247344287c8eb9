//! Finds the workarounds that stand in for Kubernetes sidecars and replaces them by a declared sidecar.
//!
//! `docs/architecture.md` shows how text becomes findings.

pub mod cli;
pub mod cluster;
pub mod roles;
pub mod rules;
pub mod shell;
pub mod source;
pub mod trace;
pub mod yaml;
