//! One row a workload: which containers are sidecars, what was found, can it be migrated.

use std::io;

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::{Appearance, DEFAULT_WIDTH, Report, object_name, printable, severity_name};
use crate::{
    roles::{Role, WorkloadSummary},
    rules::{Finding, FixClass, Severity},
    workload::ObjectReference,
};

/// Index of the column with the rules.
const FOUND: usize = 2;

pub(super) fn write(report: &Report<'_>, appearance: &Appearance, out: &mut dyn io::Write) -> io::Result<()> {
    let rows = rows(report);
    if rows.is_empty() {
        return if appearance.quiet {
            Ok(())
        } else {
            writeln!(out, "no workloads")
        };
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(appearance.width.unwrap_or(DEFAULT_WIDTH)).unwrap_or(u16::MAX));
    if appearance.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(
        ["WORKLOAD", "SIDECARS", "FOUND", "MIGRATION"]
            .map(|title| Cell::new(title).add_attribute(Attribute::Bold)),
    );
    for row in rows {
        table.add_row([
            Cell::new(name(&row)),
            Cell::new(sidecars(row.workload)),
            found(&row.findings),
            migration(&row.findings),
        ]);
    }
    // Names of rules are for copying: they are not broken, whatever the width.
    let widths = table.column_max_content_widths();
    if let (Some(width), Some(found)) = (widths.get(FOUND).copied(), table.column_mut(FOUND)) {
        let padding = 2;
        found.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(
            width.saturating_add(padding),
        )));
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    if appearance.quiet {
        return Ok(());
    }
    super::text::write_summary(report, out)
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
    match worst {
        None => Cell::new("nothing").fg(Color::Green),
        Some(Severity::Error) => Cell::new(text.join("\n")).fg(Color::Red),
        Some(Severity::Warning) => Cell::new(text.join("\n")).fg(Color::Yellow),
        Some(Severity::Info) => Cell::new(text.join("\n")).fg(Color::Cyan),
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
