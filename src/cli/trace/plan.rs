//! `trace --plan`: what a manifest promises.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::{TraceArguments, TraceError, arguments::Format, read_file};
use crate::{
    cli::ExitStatus,
    trace::{
        declared::Design,
        plan::{self, PlannedWorkload, Promise},
    },
};

/// Prints the promises of every workload in the manifest.
pub(super) fn run(arguments: &TraceArguments, path: &Path) -> Result<ExitStatus, TraceError> {
    let text = read_file(&PathBuf::from(path))?;
    let workloads = plan::workloads(&text).map_err(|source| TraceError::Plan {
        path: path.display().to_string(),
        source,
    })?;
    let reading = arguments.reading()?;
    let mut output = std::io::stdout().lock();
    for workload in &workloads {
        let promises = plan::promises(workload, &reading);
        match arguments.output {
            Format::Text => write_text(&mut output, workload, &promises)?,
            Format::Json => write_json(&mut output, workload, &promises)?,
        }
    }
    Ok(ExitStatus::Success)
}

fn title(design: Design) -> &'static str {
    match design {
        Design::Native => {
            "native sidecars (initContainers with restartPolicy: Always; Kubernetes 1.29 and later)"
        }
        Design::Lifecycle => "first design (lifecycle.type: Sidecar; no released Kubernetes honours it)",
        Design::Annotation => {
            "promoted by an admission policy (annotation kubectl-sidecar/sidecars; Kubernetes 1.36 and later with policy promote)"
        }
        Design::Plain => {
            "no sidecar is declared: regular containers start in list order, nothing orders their stop"
        }
    }
}

fn write_text(
    output: &mut impl Write,
    workload: &PlannedWorkload,
    promises: &[Promise],
) -> Result<(), TraceError> {
    writeln!(output, "{}", workload.name)?;
    for promise in promises {
        writeln!(output, "  {}", title(promise.design))?;
        for pair in &promise.declared.pairs {
            writeln!(output, "    {:<12} {}", pair.rule.name(), plan::sentence(pair))?;
        }
    }
    Ok(())
}

fn write_json(
    output: &mut impl Write,
    workload: &PlannedWorkload,
    promises: &[Promise],
) -> Result<(), TraceError> {
    for promise in promises {
        let design = match promise.design {
            Design::Native => "native",
            Design::Lifecycle => "lifecycle",
            Design::Annotation => "annotation",
            Design::Plain => "plain",
        };
        for pair in &promise.declared.pairs {
            let line = serde_json::json!({
                "version": 1,
                "type": "plan",
                "workload": workload.name,
                "design": design,
                "rule": pair.rule.name(),
                "before": pair.before,
                "after": pair.after,
                "promise": plan::sentence(pair),
            });
            writeln!(output, "{line}")?;
        }
    }
    Ok(())
}
