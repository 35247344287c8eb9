//! What migrate would change of each workload, as the diffs that a report shows.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use rayon::prelude::*;

use super::proposals::Way;
use crate::{
    diff::unified,
    lint,
    migrate::{Options, Proposal, Replacement, propose_each},
    pod::Settings,
    remedy,
    remedy::{Form, Holders, Surroundings},
    report::MigrationDiff,
    rules::{Finding, FixClass},
    source::SourceFile,
    workload::ObjectReference,
    yaml,
};

/// What stands in a diff for the value of a variable.
const HIDDEN: &str = "\"***\"";

/// The diffs of all workloads with a rewrite, in the order of the findings and in the preferred form. `sources` are
/// those of the run, each with its way; `neighbours` stand beside them.
pub(super) fn diffs(
    findings: &[Finding],
    sources: &[(&Arc<SourceFile>, &Way)],
    neighbours: &[Arc<SourceFile>],
) -> Vec<MigrationDiff> {
    let own = sources.iter().map(|(source, _)| *source);
    let files: Vec<Arc<SourceFile>> = own.chain(neighbours).map(Arc::clone).collect();
    let holders = Holders::read(&files);
    let surroundings = Surroundings::of(&holders);
    let mut of_source: HashMap<&str, Vec<&Finding>> = HashMap::new();
    for finding in findings.iter().filter(|finding| may_be_rewritten(finding)) {
        if let Some(primary) = finding.primary() {
            of_source.entry(&primary.source.name).or_default().push(finding);
        }
    }
    sources
        .par_iter()
        .filter_map(|(source, way)| Some((source, way, of_source.get(source.name.as_str())?)))
        .flat_map_iter(|(source, way, own)| of_findings(own, source, &surroundings, way))
        .collect()
}

fn may_be_rewritten(finding: &Finding) -> bool {
    matches!(finding.fix.class, FixClass::Safe | FixClass::Review)
}

/// The diffs of one source's workloads.
fn of_findings(
    findings: &[&Finding],
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    way: &Way,
) -> Vec<MigrationDiff> {
    let Some(form) = way.forms.first() else {
        return Vec::new();
    };
    let plain = rewrites(findings, source, surroundings, way, *form, false);
    let reviewed = rewrites(findings, source, surroundings, way, *form, true);
    let mut known: HashSet<(usize, &ObjectReference)> = HashSet::new();
    let objects = findings.iter().map(|finding| (finding.document, &finding.object));
    let objects = objects.filter(|object| known.insert(*object));
    let diffs = objects.map(|object| {
        let plain = plain.get(&object).map(|all| diff(all)).unwrap_or_default();
        let reviewed = reviewed.get(&object).map(|all| diff(all)).unwrap_or_default();
        MigrationDiff {
            source: source.name.clone(),
            document: object.0,
            object: object.1.clone(),
            form: form.offer(),
            reviewed: if reviewed == plain {
                String::new()
            } else {
                reviewed
            },
            plain,
        }
    });
    diffs
        .filter(|diff| !diff.plain.is_empty() || !diff.reviewed.is_empty())
        .collect()
}

/// An object by its document, and what takes the place of what in it and wherever it reaches.
type OfObjects<'f> = HashMap<(usize, &'f ObjectReference), Vec<Replacement>>;

fn rewrites<'f>(
    findings: &[&'f Finding],
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    way: &Way,
    form: Form,
    review: bool,
) -> OfObjects<'f> {
    let options = Options {
        lint: lint::Options {
            settings: Settings {
                target: Some(form.into()),
                ..way.lint.settings
            },
            catalogue: Arc::clone(&way.lint.catalogue),
        },
        remedy: remedy::Options::of(form).reviewed(review),
    };
    let mut of_objects = OfObjects::new();
    let proposals = propose_each(source, surroundings, &options, findings);
    for (finding, proposal) in findings.iter().zip(proposals) {
        let Some(Proposal { replacements, .. }) = proposal else {
            continue;
        };
        let own = of_objects.entry((finding.document, &finding.object)).or_default();
        for replacement in replacements {
            if !own.contains(&replacement) {
                own.push(replacement);
            }
        }
    }
    of_objects
}

/// The unified diff of some replacements, a file after the other.
fn diff(replacements: &[Replacement]) -> String {
    let mut of_files: BTreeMap<&str, Vec<&Replacement>> = BTreeMap::new();
    for replacement in replacements {
        of_files
            .entry(&replacement.source.name)
            .or_default()
            .push(replacement);
    }
    let of_files = of_files.into_iter().map(|(name, mut own)| {
        own.sort_by_key(|replacement| replacement.span.start);
        of_file(name, &own)
    });
    of_files.collect()
}

/// The diff of one file. Nothing where its values can't be hidden, as in a template.
fn of_file(name: &str, replacements: &[&Replacement]) -> String {
    let (Some(first), Some(last)) = (replacements.first(), replacements.last()) else {
        return String::new();
    };
    let text = &first.source.text;
    let part = documents_around(text, first.span.start..last.span.end);
    let Some(before) = text.get(part.clone()) else {
        return String::new();
    };
    let mut after = before.to_owned();
    for replacement in replacements.iter().rev() {
        let span = replacement.span.start - part.start..replacement.span.end - part.start;
        if after.get(span.clone()).is_none() {
            return String::new();
        }
        after.replace_range(span, &replacement.text);
    }
    let (Some(before), Some(after)) = (without_values(before), without_values(&after)) else {
        return String::new();
    };
    let lines_above = text
        .get(..part.start)
        .map_or(0, |above| above.matches('\n').count());
    let path = name.trim_start_matches("./").trim_start_matches('/');
    let diff = unified(&before, &after, &format!("a/{path}"), &format!("b/{path}"));
    moved(&diff, lines_above)
}

/// The bytes of the documents that a span is in: from the line `---` before it to the one behind it.
fn documents_around(text: &str, span: Range<usize>) -> Range<usize> {
    let start = text
        .get(..span.start)
        .and_then(|before| before.rfind("\n---"))
        .map_or(0, |at| at + 1);
    let end = text
        .get(span.end..)
        .and_then(|behind| behind.find("\n---"))
        .map_or(text.len(), |at| span.end + at + 1);
    start..end
}

/// The text with the values of all variables of containers hidden: reports are read by more people than manifests.
fn without_values(text: &str) -> Option<String> {
    let stream = yaml::parse(text).ok()?;
    let mut spans: Vec<Range<usize>> = stream
        .roots()
        .flat_map(|(_, root)| root.walk())
        .filter_map(|node| node.get("env"))
        .flat_map(yaml::Node::items)
        .filter_map(|variable| variable.get("value"))
        .map(yaml::Node::span)
        .collect();
    spans.sort_by_key(|span| span.start);
    spans.dedup();
    let mut hidden = text.to_owned();
    for span in spans.into_iter().rev() {
        // A value of several lines keeps its first and the last one's break, so that its lines stay lines.
        let value = text.get(span.clone())?;
        let kept: String = value
            .split_inclusive('\n')
            .map(|line| {
                let content = line.trim();
                let shown = if content.is_empty() { "" } else { HIDDEN };
                line.replacen(content, shown, usize::from(!content.is_empty()))
            })
            .collect();
        hidden.replace_range(span, &kept);
    }
    Some(hidden)
}

/// A diff of a part of a text, with the line numbers of the whole.
fn moved(diff: &str, lines: usize) -> String {
    let number = |word: &str| -> Option<String> {
        let (sign, rest) = word.split_at_checked(1)?;
        let (start, length) = rest
            .split_once(',')
            .map_or((rest, None), |(start, length)| (start, Some(length)));
        let start = start.parse::<usize>().ok()? + lines;
        Some(match length {
            Some(length) => format!("{sign}{start},{length}"),
            None => format!("{sign}{start}"),
        })
    };
    let header = |line: &str| -> Option<String> {
        let (ranges, rest) = line.strip_prefix("@@ ")?.split_once(" @@")?;
        let (before, after) = ranges.split_once(' ')?;
        Some(format!("@@ {} {} @@{rest}", number(before)?, number(after)?))
    };
    diff.split_inclusive('\n')
        .map(|line| header(line).unwrap_or_else(|| line.to_owned()))
        .collect()
}
