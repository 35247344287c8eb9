//! One row per workload: which containers are sidecars, what was found, can it be migrated.

use std::io;

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::{Appearance, Report, object_name, printable, severity_name};
use crate::{
    roles::{Role, WorkloadSummary},
    rules::{Finding, FixClass, Severity},
    source::Lines,
    workload::ObjectReference,
};

/// Index of the column with the rules.
const FOUND: usize = 2;

/// Which columns a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    Usual,
    Wide,
}

/// As wide as the terminal; where there is none, as wide as it needs to be, so that nothing is broken for programs.
pub(super) fn write(report: &Report<'_>, appearance: &Appearance, out: &mut dyn io::Write) -> io::Result<()> {
    write_columns(report, appearance, Columns::Usual, out)
}

/// With files, other containers and the lines of findings, as wide as it needs to be.
pub(super) fn write_wide(
    report: &Report<'_>,
    appearance: &Appearance,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    write_columns(report, appearance, Columns::Wide, out)
}

fn write_columns(
    report: &Report<'_>,
    appearance: &Appearance,
    columns: Columns,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let rows = rows(report);
    if rows.is_empty() {
        return if appearance.quiet {
            Ok(())
        } else {
            writeln!(out, "no workloads")
        };
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let width = appearance.width.filter(|_| columns == Columns::Usual);
    match width {
        Some(width) => table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width).unwrap_or(u16::MAX)),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    if appearance.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let titles: &[&str] = match columns {
        Columns::Usual => &["WORKLOAD", "SIDECARS", "FOUND", "MIGRATION"],
        Columns::Wide => &[
            "WORKLOAD",
            "FILE",
            "SIDECARS",
            "OTHER CONTAINERS",
            "FOUND",
            "MIGRATION",
        ],
    };
    table.set_header(
        titles
            .iter()
            .map(|title| Cell::new(title).add_attribute(Attribute::Bold)),
    );
    for row in rows {
        let (sidecars, migration) = (Cell::new(sidecars(row.workload)), migration(&row.findings));
        table.add_row(match columns {
            Columns::Usual => vec![Cell::new(name(&row)), sidecars, found(&row.findings), migration],
            Columns::Wide => vec![
                Cell::new(object_name(row.object)),
                Cell::new(printable(row.file)),
                sidecars,
                Cell::new(others(row.workload)),
                found_at(&row.findings),
                migration,
            ],
        });
    }
    if width.is_some() {
        keep_rules_whole(&mut table);
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    if appearance.quiet {
        return Ok(());
    }
    super::text::write_summary(report, out)
}

/// Names of rules are for copying: they are not broken, whatever the width.
fn keep_rules_whole(table: &mut Table) {
    let widths = table.column_max_content_widths();
    if let (Some(width), Some(found)) = (widths.get(FOUND).copied(), table.column_mut(FOUND)) {
        let padding = 2;
        found.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(
            width.saturating_add(padding),
        )));
    }
}

/// The object, and the file it stands in; of an object of a cluster the source says no more.
fn name(row: &Row<'_>) -> String {
    let object = object_name(row.object);
    let namespace = row
        .object
        .namespace
        .as_deref()
        .map(|namespace| format!("{namespace}/"));
    let live = format!(
        "{}{}/{}",
        namespace.unwrap_or_default(),
        row.object.kind.to_lowercase(),
        row.object.name
    );
    if row.file == live {
        object
    } else {
        format!("{object}\n{}", printable(row.file))
    }
}

struct Row<'a> {
    file: &'a str,
    document: usize,
    object: &'a ObjectReference,
    /// Absent where findings were made in what is no workload, such as a template's text.
    workload: Option<&'a WorkloadSummary>,
    findings: Vec<&'a Finding>,
}

fn rows<'a>(report: &Report<'a>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = report
        .workloads
        .iter()
        .map(|workload| Row {
            file: &workload.source.name,
            document: workload.document,
            object: &workload.object,
            workload: Some(workload),
            findings: Vec::new(),
        })
        .collect();
    let mut index: std::collections::HashMap<(&str, usize, &ObjectReference), usize> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| ((row.file, row.document, row.object), at))
        .collect();
    for finding in report.findings {
        let file = finding
            .primary()
            .map_or("", |primary| primary.source.name.as_str());
        let key = (file, finding.document, &finding.object);
        let at = *index.entry(key).or_insert_with(|| {
            rows.push(Row {
                file,
                document: finding.document,
                object: &finding.object,
                workload: None,
                findings: Vec::new(),
            });
            rows.len() - 1
        });
        if let Some(row) = rows.get_mut(at) {
            row.findings.push(finding);
        }
    }
    rows
}

fn sidecars(workload: Option<&WorkloadSummary>) -> String {
    let lines: Vec<String> = workload
        .into_iter()
        .flat_map(|workload| &workload.containers)
        .filter(|container| container.role == Role::Sidecar)
        .map(|container| {
            let name = printable(&container.name);
            match container.evidence.first() {
                _ if container.declared => format!("{name} (declared)"),
                Some(evidence) => format!("{name} (found: {})", printable(&evidence.text)),
                None => format!("{name} (found)"),
            }
        })
        .collect();
    if lines.is_empty() {
        "none".to_owned()
    } else {
        lines.join("\n")
    }
}

/// The containers that are no sidecars.
fn others(workload: Option<&WorkloadSummary>) -> String {
    let names: Vec<_> = workload
        .into_iter()
        .flat_map(|workload| &workload.containers)
        .filter(|container| container.role != Role::Sidecar)
        .map(|container| printable(&container.name).into_owned())
        .collect();
    names.join("\n")
}

/// Each finding with its line, in the order of the file.
fn found_at(findings: &[&Finding]) -> Cell {
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| {
            let place = finding.primary().map_or_else(String::new, |primary| {
                let lines = Lines::new(&primary.source.text);
                format!(" line {}", lines.position(primary.span.start).line)
            });
            format!(
                "{}[{}]{place}",
                severity_name(finding.severity),
                finding.rule.name
            )
        })
        .collect();
    let worst = findings.iter().map(|finding| finding.severity).max();
    coloured(worst, &lines)
}

fn found(findings: &[&Finding]) -> Cell {
    let mut lines: Vec<(Severity, &str, usize)> = Vec::new();
    for finding in findings {
        let same = lines
            .iter_mut()
            .find(|(severity, rule, _)| *severity == finding.severity && *rule == finding.rule.name);
        match same {
            Some((_, _, count)) => *count += 1,
            None => lines.push((finding.severity, finding.rule.name, 1)),
        }
    }
    lines.sort_by_key(|(severity, _, _)| std::cmp::Reverse(*severity));
    let worst = lines.first().map(|(severity, _, _)| *severity);
    let text: Vec<String> = lines
        .into_iter()
        .map(|(severity, rule, count)| match count {
            1 => format!("{}[{rule}]", severity_name(severity)),
            _ => format!("{}[{rule}] ×{count}", severity_name(severity)),
        })
        .collect();
    coloured(worst, &text)
}

/// In the colour of the worst finding.
fn coloured(worst: Option<Severity>, lines: &[String]) -> Cell {
    let text = lines.join("\n");
    match worst {
        None => Cell::new("nothing").fg(Color::Green),
        Some(Severity::Error) => Cell::new(text).fg(Color::Red),
        Some(Severity::Warning) => Cell::new(text).fg(Color::Yellow),
        Some(Severity::Info) => Cell::new(text).fg(Color::Cyan),
    }
}

/// In the colour of the work that is left.
fn migration(findings: &[&Finding]) -> Cell {
    let classes: Vec<FixClass> = findings.iter().map(|finding| finding.fix.class).collect();
    let has = |class| classes.contains(&class);
    let cell = Cell::new(super::migration(&classes));
    if has(FixClass::Manual) && !has(FixClass::Safe) && !has(FixClass::Review) {
        cell.fg(Color::Red)
    } else if has(FixClass::Manual) || has(FixClass::Review) {
        cell.fg(Color::Yellow)
    } else if has(FixClass::Safe) {
        cell.fg(Color::Green)
    } else {
        cell
    }
}
