//! The `kubectl-sidecar` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_sidecar::cli::main()
}
