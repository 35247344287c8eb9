//! Annotated source, as rustc prints it.

use std::{io, sync::Arc};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DEFAULT_TERM_WIDTH};
use colored::Colorize;

use super::{Appearance, DEFAULT_WIDTH, Report, counted, excerpt::Excerpt, object_name, printable};
use crate::{
    rules::{Confidence, Finding, FixClass, Location, Severity},
    source::{Positions, SourceFile},
};

// annotate-snippets has the same idea of a terminal that nobody can ask.
const _: () = assert!(DEFAULT_WIDTH == DEFAULT_TERM_WIDTH);

pub(super) fn write(report: &Report<'_>, appearance: &Appearance, out: &mut dyn io::Write) -> io::Result<()> {
    let renderer = if appearance.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer
        .term_width(appearance.width.unwrap_or(DEFAULT_WIDTH))
        // Logs that show colours still show links as rubbish.
        .hyperlink(appearance.color && appearance.width.is_some());
    let mut positions = Positions::default();
    for finding in report.findings {
        write_finding(finding, &renderer, &mut positions, out)?;
    }
    if appearance.quiet {
        return Ok(());
    }
    write_summary(report, out)?;
    write_hint(report, &appearance.program, out)
}

fn write_finding<'a>(
    finding: &'a Finding,
    renderer: &Renderer,
    positions: &mut Positions<'a>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level
        .primary_title(printable(&finding.message))
        .id(finding.rule.name)
        .id_url(finding.rule.url());
    let notes = notes(finding);
    let primary = finding.primary();
    match primary {
        Some(primary) => {
            let here: Vec<&Location> = finding
                .locations
                .iter()
                .filter(|location| Arc::ptr_eq(&location.source, &primary.source))
                .collect();
            let part = Part {
                source: &primary.source,
                start: primary.span.start,
                locations: &here,
                notes: &notes,
            };
            part.write(Group::with_title(title), renderer, positions, out)?;
        }
        None => writeln!(out, "{}", renderer.render(&[Group::with_title(title)]))?,
    }
    let elsewhere = finding
        .locations
        .iter()
        .filter(|location| primary.is_none_or(|primary| !Arc::ptr_eq(&location.source, &primary.source)));
    for location in elsewhere {
        let title = Level::NOTE.secondary_title(printable(&location.label));
        let part = Part {
            source: &location.source,
            start: location.span.start,
            locations: &[location],
            notes: &[],
        };
        part.write(Group::with_title(title), renderer, positions, out)?;
    }
    if !finding.help.is_empty() {
        let help = Level::HELP.secondary_title(printable(&finding.help));
        writeln!(out, "{}", renderer.render(&[Group::with_title(help)]))?;
    }
    writeln!(out)
}

/// What is shown of one source.
struct Part<'a, 'f> {
    source: &'a Arc<SourceFile>,
    start: usize,
    locations: &'f [&'a Location],
    notes: &'f [String],
}

impl<'a> Part<'a, '_> {
    fn write(
        &self,
        group: Group<'_>,
        renderer: &Renderer,
        positions: &mut Positions<'a>,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        let lines = positions.of(self.source);
        let excerpt = Excerpt::new(lines, self.locations.iter().map(|location| location.span.clone()));
        // A single place in another file has its label as the title.
        let repeated = self.notes.is_empty() && self.locations.len() == 1;
        let snippet = Snippet::source(excerpt.text.as_str())
            .line_start(excerpt.first_line)
            .annotations(self.locations.iter().zip(&excerpt.spans).map(|(location, span)| {
                let kind = if location.primary {
                    AnnotationKind::Primary
                } else {
                    AnnotationKind::Context
                };
                let label = (!location.label.is_empty() && !repeated).then(|| printable(&location.label));
                kind.span(span.clone()).label(label)
            }));
        let group = group
            .element(snippet)
            .elements(self.notes.iter().map(|note| Level::NOTE.message(note)));
        let rendered = renderer.render(&[group]);
        // The renderer would count the column in the excerpt; it is told no path, and the line that names the
        // place goes where it would be.
        let position = lines.position(self.start);
        let (title, rest) = rendered.split_once('\n').unwrap_or((&rendered, ""));
        let margin = rest.len() - rest.trim_start_matches(' ').len();
        writeln!(
            out,
            "{title}\n{:width$}{} {}:{}:{}\n{rest}",
            "",
            "-->".bright_blue().bold(),
            printable(&self.source.name),
            position.line,
            position.column,
            width = margin.saturating_sub(1),
        )
    }
}

/// What else is to be said about a finding, a line each.
fn notes(finding: &Finding) -> Vec<String> {
    let mut notes = Vec::new();
    if finding.text_level {
        notes.push("found by text search: this file is not YAML until it is rendered".to_owned());
    }
    let object = object_name(&finding.object);
    match &finding.container {
        Some(container) => notes.push(format!("container `{}` of {object}", printable(container))),
        None if !finding.object.kind.is_empty() => notes.push(format!("in {object}")),
        None => {}
    }
    match finding.confidence {
        Confidence::High => {}
        Confidence::Medium => {
            notes.push("medium confidence: one half of the workaround is visible".to_owned())
        }
        Confidence::Low => notes.push("low confidence: names or weak signs only".to_owned()),
    }
    let class = match finding.fix.class {
        FixClass::Safe => "can be rewritten safely",
        FixClass::Review => "can be rewritten, with a review",
        FixClass::Manual => "must be changed by hand",
        FixClass::None => return notes,
    };
    notes.push(match finding.fix.reason.as_str() {
        "" => class.to_owned(),
        reason => format!("{class}: {}", printable(reason)),
    });
    notes
}

pub(super) fn write_summary(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let looked_at = format!(
        "{} in {}",
        counted(report.workloads.len(), "workload"),
        report.whereabouts()
    );
    let severities = [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .into_iter()
        .filter_map(|(severity, noun)| match report.count(severity) {
            0 => None,
            count => Some(counted(count, noun)),
        })
        .chain(match report.count(Severity::Info) {
            0 => None,
            count => Some(format!("{count} info")),
        });
    let severities: Vec<String> = severities.collect();
    let unread = match report.errors.len() {
        0 => String::new(),
        count => format!("; {}, see below", counted(count, "error")),
    };
    if severities.is_empty() {
        if report.is_complete() && report.workloads.is_empty() && report.files == 0 {
            let verdict = "nothing to look at:".yellow().bold();
            writeln!(out, "{verdict} none of the files is a manifest")?;
        } else if report.is_complete() && report.workloads.is_empty() {
            writeln!(
                out,
                "{} no workload in {}",
                "nothing to look at:".yellow().bold(),
                report.whereabouts()
            )?;
        } else if report.is_complete() {
            writeln!(
                out,
                "{} no sidecar workaround found in {looked_at}",
                "ok:".green().bold()
            )?;
        } else {
            let verdict = "nothing found in what could be read:".yellow().bold();
            writeln!(out, "{verdict} {looked_at}{unread}")?;
        }
        return write_unread(report, out);
    }
    let fixable: Vec<String> = [
        (FixClass::Safe, "can be rewritten safely"),
        (FixClass::Review, "with a review"),
        (FixClass::Manual, "by hand"),
    ]
    .into_iter()
    .filter_map(|(class, words)| match report.fixable(class) {
        0 => None,
        count => Some(format!("{count} {words}")),
    })
    .collect();
    write!(
        out,
        "{} {} in {looked_at}",
        "found".bold(),
        severities.join(", ").bold()
    )?;
    if !fixable.is_empty() {
        write!(out, "; to fix: {}", fixable.join(", "))?;
    }
    writeln!(out, "{unread}")?;
    write_unread(report, out)
}

fn write_unread(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    report
        .unread()
        .iter()
        .try_for_each(|line| writeln!(out, "{line}"))
}

fn write_hint(report: &Report<'_>, program: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let Some(first) = report.findings.first() else {
        return Ok(());
    };
    let others = report.findings.iter().any(|finding| finding.rule != first.rule);
    let which = if others { "a rule" } else { "this rule" };
    writeln!(
        out,
        "For more about {which}, try `{program} explain {}`.",
        first.rule.name
    )
}
