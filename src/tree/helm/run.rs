//! One run of helm.

use super::super::{Probe, Program, ProgramError, Scratch, Way};

/// Runs helm for one way.
pub(super) fn template(scratch: &Scratch, way: &Way, version: &str) -> Result<String, ProgramError> {
    let values: Vec<String> = way.paths.iter().map(|path| path.display().to_string()).collect();
    let mut arguments = match way.probe {
        Some(Probe::Release) => vec!["template", "another-release", ".", "--namespace", "another"],
        _ => vec!["template", "release-name", "."],
    };
    for path in &values {
        arguments.extend(["--values", path]);
    }
    arguments.extend(["--kube-version", version]);
    if let Some(Probe::Value { set, .. }) = &way.probe {
        arguments.extend(["--set-json", set]);
    }
    let program = Program {
        name: "helm",
        arguments: &arguments,
    };
    program.run(scratch, &scratch.root())
}

/// Whether a chart is for other versions of Kubernetes.
pub(super) fn refuses_version(error: &ProgramError) -> bool {
    error.to_string().contains("chart requires kubeVersion")
}
