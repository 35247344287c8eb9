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

/// Adds what is found in the manifests that values of ConfigMaps hold, at their places in the source.
pub(super) fn add_manifests(
    stream: &Stream<'_>,
    company: &Company<'_>,
    sources: Sources<'_>,
    options: &Options,
    outcome: &mut Outcome,
) {
    for object in objects_of(stream).filter(|object| object.reference.kind == "ConfigMap") {
        let Some(source) = sources.of(object.node) else {
            continue;
        };
        for text in manifests(&object, &source.text) {
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

/// Texts as long as the whole one, in which only a manifest that a value of the ConfigMap holds is left.
fn manifests(object: &Object<'_>, text: &str) -> Vec<String> {
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

/// Each document of a part of a text, with blanks in the place of all the rest.
fn documents(text: &str, body: Range<usize>) -> Vec<String> {
    let mut spans = vec![body.start..body.start];
    let mut at = body.start;
    for line in text.get(body).unwrap_or_default().split_inclusive('\n') {
        let next = at + line.len();
        match (line.trim() == "---", spans.last_mut()) {
            (false, Some(last)) => last.end = next,
            _ => spans.push(next..next),
        }
        at = next;
    }
    let is_manifest = |span: &Range<usize>| {
        text.get(span.clone())
            .is_some_and(|document| looks_like_manifest(document.as_bytes()) && document.contains("image"))
    };
    let blank = |part: &str| -> String {
        let signs = part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' });
        signs.collect()
    };
    let alone = |span: Range<usize>| {
        let (before, document, behind) = (
            text.get(..span.start)?,
            text.get(span.clone())?,
            text.get(span.end..)?,
        );
        Some([&blank(before), document, &blank(behind)].concat())
    };
    spans.into_iter().filter(is_manifest).filter_map(alone).collect()
}
