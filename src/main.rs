//! The `kubectl-sidecar` binary.

fn main() {}
