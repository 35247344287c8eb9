//! The workloads with findings as kubectl's `-o name` has them: `job.batch/settle`, for other commands to take.

use std::{collections::HashSet, io};

use super::{Report, printable};
use crate::workload::ObjectReference;

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut written = HashSet::new();
    for finding in report.findings {
        let object = &finding.object;
        if !object.name.is_empty() && written.insert(object) {
            writeln!(out, "{}", printable(&name(object)))?;
        }
    }
    Ok(())
}

/// `TYPE.GROUP/NAME`; the core group has no name.
fn name(object: &ObjectReference) -> String {
    let kind = object.kind.to_lowercase();
    match object.api_version.split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{}", object.name),
        None => format!("{kind}/{}", object.name),
    }
}
