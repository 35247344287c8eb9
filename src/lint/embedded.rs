//! Manifests that stand as text in a ConfigMap, for a program of somebody's that applies them.

use std::{ops::Range, sync::Arc};

use super::{Company, Options, Outcome, lint_stream, text::CLAIMED_FROM_ABSENCE};
use crate::{
    pod::Sources,
    rules::{Fix, FixClass, Severity},
    source::{SourceFile, looks_like_manifest},
    workload::{Object, objects_of},
    yaml::{self, ScalarStyle, Stream},
};

/// As many bytes are read for the manifests of a source, each as long as the source: more than a cluster's ConfigMap
/// holds (1 MiB), however many manifests it has.
const MOST: usize = 16 << 20;

/// Adds what is found in the manifests that values of ConfigMaps hold, at their places in the source.
pub(super) fn add_manifests(
    stream: &Stream<'_>,
    company: &Company<'_>,
    sources: Sources<'_>,
    options: &Options,
    outcome: &mut Outcome,
) {
    let mut left = MOST;
    for object in objects_of(stream).filter(|object| object.reference.kind == "ConfigMap") {
        let Some(source) = sources.of(object.node) else {
            continue;
        };
        for span in manifests(&object, &source.text) {
            let Some(text) = alone(&source.text, span).filter(|text| text.len() <= left) else {
                break;
            };
            left -= text.len();
            let stand_in = Arc::new(SourceFile {
                name: source.name.clone(),
                text: text.into(),
            });
            add(&stand_in, &object, company, options, &source, outcome);
        }
    }
}

fn add(
    stand_in: &Arc<SourceFile>,
    object: &Object<'_>,
    company: &Company<'_>,
    options: &Options,
    source: &Arc<SourceFile>,
    outcome: &mut Outcome,
) {
    // What only whoever applies it makes YAML of is no manifest yet.
    let Ok(stream) = yaml::parse(&stand_in.text) else {
        return;
    };
    let own = Company {
        is_template: company.is_template,
        is_embedded: true,
        ..Company::default()
    };
    let mut inner = lint_stream(&stream, own, Sources::new(stand_in, &[]), options, None);
    // Actions in it may bring what nothing else shows.
    let is_believed = |rule: &str| !company.is_template || !CLAIMED_FROM_ABSENCE.contains(&rule);
    inner.findings.retain(|finding| is_believed(finding.rule.name));
    for finding in &mut inner.findings {
        let places = finding.locations.iter_mut();
        places.for_each(|location| location.source = Arc::clone(source));
        finding.document = object.document;
        // Whoever applies it may change it before.
        finding.severity = finding.severity.min(Severity::Warning);
        finding.fix = Fix {
            class: FixClass::Manual,
            reason: format!(
                "the manifest stands as text in ConfigMap {}, and is rewritten by hand",
                object.reference.name
            ),
        };
    }
    for workload in &mut inner.workloads {
        workload.source = Arc::clone(source);
        workload.document = object.document;
    }
    outcome.findings.extend(inner.findings);
    outcome.workloads.extend(inner.workloads);
}

/// Where the manifests stand that values of a ConfigMap hold.
fn manifests(object: &Object<'_>, text: &str) -> Vec<Range<usize>> {
    let data = object.node.get("data");
    let entries = data.into_iter().flat_map(yaml::Node::written_entries);
    let values = entries.map(|entry| entry.value);
    let literal = values.filter(|value| value.style() == Some(ScalarStyle::Literal));
    let bodies = literal.filter_map(|value| {
        let span = value.span();
        let line_break = text.get(span.clone())?.find('\n')?;
        let body = span.start + line_break + 1..span.end;
        looks_like_manifest(text.get(body.clone())?.as_bytes()).then_some(body)
    });
    bodies.flat_map(|body| documents(text, body)).collect()
}

/// The documents of a part of a text that may be manifests.
fn documents(text: &str, body: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = body.start;
    let mut at = body.start;
    for line in text.get(body).unwrap_or_default().split_inclusive('\n') {
        let next = at + line.len();
        if line.trim() == "---" {
            found.push(start..at);
            start = next;
        }
        at = next;
    }
    found.push(start..at);
    found.retain(|span| {
        text.get(span.clone())
            .is_some_and(|document| looks_like_manifest(document.as_bytes()) && document.contains("image"))
    });
    found
}

/// A text as long as the whole one, with blanks in the place of all but a part.
fn alone(text: &str, span: Range<usize>) -> Option<String> {
    let blank = |part: &str| -> String {
        let signs = part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' });
        signs.collect()
    };
    let (before, behind) = (text.get(..span.start)?, text.get(span.end..)?);
    Some([&blank(before), text.get(span)?, &blank(behind)].concat())
}
