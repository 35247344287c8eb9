//! Annotated source, as the text report shows it: the lines that something points at, and no others.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use crate::{
    report::{
        Report, escape,
        excerpt::{Excerpt, printable},
    },
    rules::{Finding, Location},
    source::{Positions, SourceFile},
};

/// A span of more lines than this is shown by its first and last ones.
const MOST_LINES: usize = 8;
const FIRST_LINES: usize = 4;
const LAST_LINES: usize = 2;

/// What a finding points at, source by source.
pub(super) fn annotated<'a>(
    finding: &'a Finding,
    report: &Report<'_>,
    positions: &mut Positions<'a>,
) -> String {
    let mut sources: Vec<&Arc<SourceFile>> = Vec::new();
    for location in finding.primary().into_iter().chain(&finding.locations) {
        if !sources.iter().any(|known| Arc::ptr_eq(known, &location.source)) {
            sources.push(&location.source);
        }
    }
    let mut html = String::new();
    for source in sources {
        let locations: Vec<&Location> = finding
            .locations
            .iter()
            .filter(|location| Arc::ptr_eq(&location.source, source))
            .collect();
        let lines = positions.of(source);
        // The primary place stands for its source, the first one for another.
        let chief = locations
            .iter()
            .min_by_key(|location| (!location.primary, location.span.start));
        let place = lines.position(chief.map_or(0, |location| location.span.start));
        let named = report.place(&source.name);
        let excerpt = Excerpt::new(lines, locations.iter().map(|location| location.span.clone()));
        html.push_str(&format!(
            "<p class=\"soft\"><code>{}:{}:{}</code></p>\n<pre class=\"source\" tabindex=\"0\">{}</pre>\n",
            escape(&printable(named.path().unwrap_or(&source.name))),
            place.line,
            place.column,
            rows(&excerpt, &locations)
        ));
    }
    html
}

fn rows(excerpt: &Excerpt, locations: &[&Location]) -> String {
    let mut starts = vec![0];
    starts.extend(excerpt.text.match_indices('\n').map(|(at, _)| at + 1));
    let line_of = |at: usize| starts.partition_point(|start| *start <= at).saturating_sub(1);
    let mut shown = BTreeSet::new();
    for span in &excerpt.spans {
        let (first, last) = (line_of(span.start), line_of(span.end));
        if last - first < MOST_LINES {
            shown.extend(first..=last);
        } else {
            shown.extend(first..first + FIRST_LINES);
            shown.extend(last + 1 - LAST_LINES..=last);
        }
    }
    let mut html = String::new();
    let mut next = None;
    for line in shown {
        match next {
            // The mark of a gap would take as much room as the line.
            Some(next) if line == next + 1 => html.push_str(&row(excerpt, locations, &starts, next)),
            Some(next) if line > next => {
                html.push_str("<span class=\"row\"><span class=\"number\">⋮</span></span>")
            }
            _ => {}
        }
        html.push_str(&row(excerpt, locations, &starts, line));
        next = Some(line + 1);
    }
    html
}

/// A line with its marks, and below it the labels of the spans that begin in it.
fn row(excerpt: &Excerpt, locations: &[&Location], starts: &[usize], line: usize) -> String {
    let start = starts.get(line).copied().unwrap_or_default();
    let end = starts
        .get(line + 1)
        .map_or(excerpt.text.len(), |next| next.saturating_sub(1));
    let text = excerpt.text.get(start..end).unwrap_or_default();
    let spans: Vec<(Range<usize>, &Location)> = excerpt
        .spans
        .iter()
        .zip(locations)
        .map(|(span, location)| {
            let within = |at: usize| at.clamp(start, end) - start;
            let mut from = within(span.start);
            // The indentation of the lines that follow is nobody's.
            if span.start < start {
                from = (text.len() - text.trim_start().len()).min(within(span.end));
            }
            (from..within(span.end), *location)
        })
        .collect();
    let mut html = format!(
        "<span class=\"row\"><span class=\"number\">{}</span>{}</span>",
        excerpt.first_line + line,
        marked(text, &spans)
    );
    for ((span, location), whole) in spans.iter().zip(&excerpt.spans) {
        if (start..=end).contains(&whole.start) && !location.label.is_empty() {
            let before = text.get(..span.start).unwrap_or_default();
            let indent: String = before
                .chars()
                .map(|character| if character == '\t' { '\t' } else { ' ' })
                .collect();
            let class = if location.primary {
                "label primary"
            } else {
                "label"
            };
            html.push_str(&format!(
                "<span class=\"row\"><span class=\"number\"></span>{indent}<span class=\"{class}\">↑ {}</span></span>",
                escape(&printable(&location.label))
            ));
        }
    }
    html
}

/// The text with its spans marked; where they overlap the primary one wins.
fn marked(text: &str, spans: &[(Range<usize>, &Location)]) -> String {
    let mut cuts: BTreeSet<usize> = [0, text.len()].into();
    cuts.extend(spans.iter().flat_map(|(span, _)| [span.start, span.end]));
    let cuts: Vec<usize> = cuts.into_iter().collect();
    let mut html = String::new();
    for (from, to) in cuts.iter().zip(cuts.iter().skip(1)) {
        let part = escape(text.get(*from..*to).unwrap_or_default());
        let over = spans
            .iter()
            .filter(|(span, _)| span.start <= *from && *to <= span.end)
            .map(|(_, location)| location.primary)
            .max();
        match over {
            Some(true) => html.push_str(&format!("<mark>{part}</mark>")),
            Some(false) => html.push_str(&format!("<mark class=\"context\">{part}</mark>")),
            None => html.push_str(&part),
        }
    }
    html
}
