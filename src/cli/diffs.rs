//! What migrate would change of each workload, as the diffs that a report shows.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{Arc, OnceLock},
};

use rayon::prelude::*;

use super::proposals::Way;
use crate::{
    diff::unified,
    migrate::{Options, Proposal, Replacement, propose_each},
    remedy::{Holders, Surroundings},
    report::{MigrationDiff, MigrationDiffs, Rewritten},
    rules::{Finding, FixClass},
    source::SourceFile,
    yaml,
};

/// What stands in a diff for the value of a variable.
const HIDDEN: &str = "\"***\"";

/// Makes the diffs of workloads, in the preferred form.
pub(super) struct Diffs<'r> {
    /// The findings that may be rewritten, of each object.
    findings: HashMap<Rewritten<'r>, Vec<&'r Finding>>,
    /// Each source of the run, with its way.
    sources: HashMap<&'r str, (&'r Arc<SourceFile>, &'r Way)>,
    /// These, and what stands beside them.
    files: &'r [Arc<SourceFile>],
    holders: OnceLock<Holders<'r>>,
}

impl<'r> Diffs<'r> {
    /// `sources` are those of the run, each with its way; `files` are these and what stands beside them.
    pub(super) fn new(
        findings: &'r [Finding],
        sources: &[(&'r Arc<SourceFile>, &'r Way)],
        files: &'r [Arc<SourceFile>],
    ) -> Self {
        let mut of_objects: HashMap<_, Vec<&Finding>> = HashMap::new();
        for finding in findings.iter().filter(|finding| finding.fix.class.is_rewritten()) {
            if let Some(object) = Rewritten::of(finding) {
                of_objects.entry(object).or_default().push(finding);
            }
        }
        let named = sources
            .iter()
            .map(|(source, way)| (source.name.as_str(), (*source, *way)));
        Self {
            findings: of_objects,
            sources: named.collect(),
            files,
            holders: OnceLock::new(),
        }
    }

    fn findings_of<'s>(&'s self, object: &Rewritten<'s>) -> &'s [&'r Finding] {
        self.findings.get(object).map_or(&[], Vec::as_slice)
    }

    /// The diffs of objects of one source.
    fn of_source(
        &self,
        source: &str,
        objects: &[&Rewritten<'_>],
        surroundings: &Surroundings<'_>,
    ) -> Vec<Option<MigrationDiff>> {
        let findings: Vec<&Finding> = objects
            .iter()
            .flat_map(|object| self.findings_of(object))
            .copied()
            .collect();
        let known = self.sources.get(source);
        let Some((source, way, form)) =
            known.and_then(|(source, way)| Some((source, way, way.forms.first()?)))
        else {
            return vec![None; objects.len()];
        };
        let options = |review| Options::of(&way.lint, *form, review);
        let plain = rewrites(&findings, source, surroundings, &options(false));
        // What is safe throughout is no other one with a review.
        let is_more = |object: &&&Rewritten<'_>| {
            let is_safe = |finding: &&Finding| finding.fix.class == FixClass::Safe;
            !(plain.contains_key(**object) && self.findings_of(object).iter().all(is_safe))
        };
        let open: Vec<&Finding> = objects
            .iter()
            .filter(is_more)
            .flat_map(|object| self.findings_of(object))
            .copied()
            .collect();
        let reviewed = match open.is_empty() {
            true => OfObjects::new(),
            false => rewrites(&open, source, surroundings, &options(true)),
        };
        let diffs = objects.iter().map(|object| {
            let plain = plain.get(*object).map(|all| diff(all)).unwrap_or_default();
            let reviewed = reviewed.get(*object).map(|all| diff(all)).unwrap_or_default();
            let diff = MigrationDiff {
                form: form.offer(),
                reviewed: match reviewed == plain {
                    true => String::new(),
                    false => reviewed,
                },
                plain,
            };
            (!diff.plain.is_empty() || !diff.reviewed.is_empty()).then_some(diff)
        });
        diffs.collect()
    }
}

impl MigrationDiffs for Diffs<'_> {
    fn of(&self, objects: &[Rewritten<'_>]) -> Vec<Option<MigrationDiff>> {
        if objects.is_empty() {
            return Vec::new();
        }
        let surroundings = Surroundings::of(self.holders.get_or_init(|| Holders::read(self.files)));
        let mut of_sources: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, object) in objects.iter().enumerate() {
            of_sources.entry(object.source).or_default().push(at);
        }
        let mut found: HashMap<usize, MigrationDiff> = of_sources
            .into_par_iter()
            .flat_map_iter(|(source, places)| {
                let own: Vec<_> = places.iter().filter_map(|at| objects.get(*at)).collect();
                let diffs = self.of_source(source, &own, &surroundings);
                places
                    .into_iter()
                    .zip(diffs)
                    .filter_map(|(at, diff)| Some((at, diff?)))
            })
            .collect();
        (0..objects.len()).map(|at| found.remove(&at)).collect()
    }
}

/// An object, and what takes the place of what in it and wherever it reaches.
type OfObjects<'f> = HashMap<Rewritten<'f>, Vec<Replacement>>;

fn rewrites<'f>(
    findings: &[&'f Finding],
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
) -> OfObjects<'f> {
    let mut of_objects = OfObjects::new();
    let proposals = propose_each(source, surroundings, options, findings);
    for (finding, proposal) in findings.iter().zip(proposals) {
        let (Some(object), Some(Proposal { replacements, .. })) = (Rewritten::of(finding), proposal) else {
            continue;
        };
        let own = of_objects.entry(object).or_default();
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
