//! GitLab's [code quality report](https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format).

use std::io;

use serde::Serialize;

use super::{Report, fingerprint::Fingerprints, printable};
use crate::{rules::Severity, source::Positions};

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let fingerprints = Fingerprints::new(report);
    let mut positions = Positions::default();
    let mut places = Vec::with_capacity(report.findings.len());
    for finding in report.findings {
        if let Some(primary) = finding.primary() {
            let place = report.place(&primary.source.name);
            // GitLab drops what has no path; a live object's name is one that is nobody's.
            let path = place.path().unwrap_or(&primary.source.name).to_owned();
            places.push((
                finding,
                path,
                super::ends(positions.of(&primary.source), &primary.span),
            ));
        }
    }
    let issues: Vec<Issue<'_>> = places
        .iter()
        .map(|(finding, path, (start, end))| Issue {
            description: printable(&match finding.help.as_str() {
                "" => format!("{}: {}", super::subject(finding), finding.message),
                help => format!("{}: {}; {help}", super::subject(finding), finding.message),
            })
            .into_owned(),
            check_name: finding.rule.name,
            fingerprint: fingerprints.of(finding),
            severity: match finding.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Info => "info",
            },
            location: Location {
                path,
                lines: Lines {
                    begin: start.line,
                    end: end.line,
                },
            },
        })
        .collect();
    super::write_pretty(&mut *out, &issues)?;
    writeln!(out)
}
