//! JUnit XML: a test suite for each file or object, a test case for each finding, and one that passes for each
//! workload without any.

use std::{
    collections::{BTreeMap, HashSet},
    io,
};

use super::{Provenance, Report, counted, markup::escape, object_name, printable, severity_name, subject};
use crate::{
    rules::{Finding, Severity},
    source::Positions,
};

/// What became of a test case.
enum Outcome {
    Passed,
    /// Passed, with something to say.
    Noted(String),
    Skipped(String),
    Failed {
        kind: String,
        message: String,
        body: String,
    },
    Broken {
        message: String,
    },
}

struct Case {
    name: String,
    outcome: Outcome,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let suites = suites(report);
    let all: Vec<&Case> = suites.values().flatten().collect();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"kubectl-sidecar\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        all.len(),
        count(&all, |outcome| matches!(outcome, Outcome::Failed { .. })),
        count(&all, |outcome| matches!(outcome, Outcome::Broken { .. })),
    )?;
    for (name, cases) in &suites {
        let cases: Vec<&Case> = cases.iter().collect();
        let name = escape(name);
        writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"0\"{}>",
            cases.len(),
            count(&cases, |outcome| matches!(outcome, Outcome::Failed { .. })),
            count(&cases, |outcome| matches!(outcome, Outcome::Broken { .. })),
            count(&cases, |outcome| matches!(outcome, Outcome::Skipped(_))),
            report.provenance.map(timestamp).unwrap_or_default(),
        )?;
        if let Some(provenance) = report.provenance {
            write_properties(provenance, out)?;
        }
        for case in cases {
            write_case(case, &name, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// JUnit's time has no zone (`ISO8601_DATETIME_PATTERN` of its schema): it is UTC.
fn timestamp(provenance: &Provenance) -> String {
    format!(
        " timestamp=\"{}\"",
        escape(provenance.made_at.trim_end_matches('Z'))
    )
}

/// How the suite was made, and of what.
fn write_properties(provenance: &Provenance, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "    <properties>")?;
    for (name, value) in [
        ("command", provenance.command.as_str()),
        ("of", &provenance.subject()),
    ] {
        if !value.is_empty() {
            let value = escape(&printable(value));
            writeln!(out, "      <property name=\"{name}\" value=\"{value}\"/>")?;
        }
    }
    writeln!(out, "    </properties>")
}

fn count(cases: &[&Case], is: impl Fn(&Outcome) -> bool) -> usize {
    cases.iter().filter(|case| is(&case.outcome)).count()
}

fn write_case(case: &Case, suite: &str, out: &mut dyn io::Write) -> io::Result<()> {
    write!(
        out,
        "    <testcase classname=\"{suite}\" name=\"{}\" time=\"0\"",
        escape(&case.name)
    )?;
    match &case.outcome {
        Outcome::Passed => return writeln!(out, "/>"),
        Outcome::Noted(text) => write!(out, ">\n      <system-out>{}</system-out>", escape(text))?,
        Outcome::Skipped(reason) => write!(out, ">\n      <skipped message=\"{}\"/>", escape(reason))?,
        Outcome::Failed { kind, message, body } => write!(
            out,
            ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>",
            escape(kind),
            escape(message),
            escape(body)
        )?,
        Outcome::Broken { message } => write!(
            out,
            ">\n      <error type=\"unreadable\" message=\"{}\"/>",
            escape(message)
        )?,
    }
    writeln!(out, "\n    </testcase>")
}

/// The cases of each file or object, by name.
fn suites(report: &Report<'_>) -> BTreeMap<String, Vec<Case>> {
    let mut suites: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    let mut positions = Positions::default();
    let mut add = |file: &str, case: Case| {
        let name = report.place(file).path().unwrap_or(file).to_owned();
        suites.entry(name).or_default().push(case);
    };
    for error in report.errors {
        let outcome = Outcome::Broken {
            message: error.to_string(),
        };
        let name = "can be read".to_owned();
        add(&error.file, Case { name, outcome });
    }
    for finding in report.findings {
        let Some(primary) = finding.primary() else {
            continue;
        };
        let position = super::ends(positions.of(&primary.source), &primary.span).0;
        let place = format!("{}:{}:{}", primary.source.name, position.line, position.column);
        let body = format!(
            "{place}: {}[{}] {}\n{}\n{}",
            severity_name(finding.severity),
            finding.rule.name,
            finding.message,
            finding.help,
            finding.rule.url()
        );
        let outcome = match finding.severity {
            // Nothing has to change.
            Severity::Info => Outcome::Noted(body),
            Severity::Warning | Severity::Error => Outcome::Failed {
                kind: finding.rule.name.to_owned(),
                message: printable(&finding.message).into_owned(),
                body,
            },
        };
        add(&primary.source.name, case(finding, position.line, outcome));
    }
    for silenced in report.silenced {
        let Some(primary) = silenced.finding.primary() else {
            continue;
        };
        let line = super::ends(positions.of(&primary.source), &primary.span).0.line;
        let outcome = Outcome::Skipped(silenced.by.to_string());
        add(&primary.source.name, case(&silenced.finding, line, outcome));
    }
    let silenced = report.silenced.iter().map(|silenced| &silenced.finding);
    let found: HashSet<_> = report
        .findings
        .iter()
        .chain(silenced)
        .flat_map(|finding| finding.locations.iter().map(move |location| (finding, location)))
        .map(|(finding, location)| (&location.source.name, finding.document, &finding.object))
        .collect();
    for workload in report.workloads {
        if !found.contains(&(&workload.source.name, workload.document, &workload.object)) {
            let containers = counted(workload.containers.len(), "container");
            let name = format!("{} ({containers})", object_name(&workload.object));
            let outcome = Outcome::Passed;
            add(&workload.source.name, Case { name, outcome });
        }
    }
    suites
}

/// Its name tells it from others of the same rule, or services would show one of them only.
fn case(finding: &Finding, line: usize, outcome: Outcome) -> Case {
    Case {
        name: format!("{}: {}, line {line}", finding.rule.name, subject(finding)),
        outcome,
    }
}
