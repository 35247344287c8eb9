//! `file:line:column: severity[rule] message`, one line a finding, for editors and `grep`.

use std::io;

use colored::Colorize;

use super::{Report, printable, severity_name};
use crate::{rules::Severity, source::Positions};

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut positions = Positions::default();
    for finding in report.findings {
        if let Some(location) = finding.primary() {
            let position = positions.of(&location.source).position(location.span.start);
            write!(
                out,
                "{}:{}:{}: ",
                printable(&location.source.name).bold(),
                position.line,
                position.column
            )?;
        }
        let severity = format!("{}[{}]", severity_name(finding.severity), finding.rule.name);
        let severity = match finding.severity {
            Severity::Error => severity.red().bold(),
            Severity::Warning => severity.yellow().bold(),
            Severity::Info => severity.cyan().bold(),
        };
        writeln!(out, "{severity} {}", printable(&finding.message))?;
    }
    Ok(())
}
