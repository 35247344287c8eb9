//! What the user does not want to hear of: comments, annotations, ignores of the configuration, the baseline.
//!
//! All of them are applied to all findings before rules are chosen, so that a suppression counts as used
//! whatever the run was asked to show.

mod annotation;
mod baseline;
mod change;
mod choice;
mod comment;
mod identity;
mod ignore;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    ops::Range,
    sync::Arc,
};

pub use baseline::{Baseline, BaselineError};
pub use change::{TextChange, ignore_here, without};
pub use choice::{Choice, UnknownName, suggestion};
pub(crate) use identity::Identity;
pub use ignore::{Ignore, IgnoreMatcher};

use crate::{
    rules::{Finding, RuleInfo},
    source::{SourceError, SourceFile},
    template,
    workload::ObjectReference,
    yaml,
};

/// Whether rules' names may stand behind this beginning of a line: in the list of a comment or an annotation that
/// silences.
pub(crate) fn takes_names(before: &str) -> bool {
    let comment = format!("{} {}[", comment::MARK, comment::VERB);
    let in_comment = before
        .rsplit_once(&comment)
        .is_some_and(|(_, list)| !list.contains(']'));
    in_comment || before.contains(&format!("{}:", annotation::KEY))
}

/// Something that silences findings of one rule or family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The file it stands in.
    pub file: String,
    /// Its line, from 1, where it is known.
    pub line: Option<usize>,
    /// The rule or family.
    pub rule: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// Whether it silenced anything.
    pub used: bool,
}

impl fmt::Display for Suppression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        let state = if self.used { "" } else { "unused " };
        write!(formatter, ": {state}suppression of {}", self.rule)?;
        match &self.reason {
            Some(reason) => write!(formatter, " ({reason})"),
            None => Ok(()),
        }
    }
}

/// A finding that is not reported, and what silences it.
#[derive(Debug, Clone, PartialEq)]
pub struct Silenced {
    /// The finding.
    pub finding: Finding,
    /// What silences it: the first of several.
    pub by: Suppression,
    /// Whether that stands in the source itself.
    pub in_source: bool,
}

/// Where a suppression of a source holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    /// Findings whose primary place begins in these bytes: some whole lines.
    Lines(Range<usize>),
    /// Findings about this object.
    Object {
        document: usize,
        object: ObjectReference,
    },
}

/// A suppression that stands in a source.
#[derive(Debug)]
struct Written {
    scope: Scope,
    choice: Choice,
    suppression: Suppression,
}

/// The suppressions that stand in the sources themselves.
#[derive(Debug, Default)]
pub struct InSources {
    sources: Vec<(Arc<SourceFile>, Vec<Written>)>,
    /// Where each source stands in that list, by its address.
    indices: HashMap<usize, usize>,
    /// What they have silenced.
    pub silenced: Vec<Silenced>,
    /// Suppressions that do not say what they silence.
    pub errors: Vec<SourceError>,
}

impl InSources {
    /// Collects the comments and annotations of `sources`. `rules` are all rules there are.
    #[must_use]
    pub fn collect(sources: &[Arc<SourceFile>], rules: &[&'static RuleInfo]) -> Self {
        let mut collected = Self::default();
        for source in sources {
            let has_comments = source.text.contains(comment::MARK);
            let has_annotations = source.text.contains(annotation::KEY);
            if !has_comments && !has_annotations {
                continue;
            }
            let masked;
            let stream = match yaml::parse(&source.text) {
                Ok(stream) => Some(stream),
                // A template has its lines where they were once it is masked.
                Err(_) => {
                    masked = template::readings(&source.text).into_iter().next();
                    masked.as_ref().and_then(|masked| yaml::parse(&masked.text).ok())
                }
            };
            let mut written = Vec::new();
            if has_comments {
                comment::collect(
                    source,
                    stream.as_ref(),
                    rules,
                    &mut written,
                    &mut collected.errors,
                );
            }
            if let Some(stream) = stream.as_ref().filter(|_| has_annotations) {
                annotation::collect(source, stream, rules, &mut written, &mut collected.errors);
            }
            written.sort_by_key(|written| written.suppression.line);
            if !written.is_empty() {
                collected.indices.insert(address(source), collected.sources.len());
                collected.sources.push((Arc::clone(source), written));
            }
        }
        collected
    }

    /// The findings that no suppression silences.
    #[must_use]
    pub fn apply(&mut self, findings: Vec<Finding>) -> Vec<Finding> {
        if self.sources.is_empty() {
            return findings;
        }
        let mut left = Vec::with_capacity(findings.len());
        for finding in findings {
            let mut by = None;
            let own: BTreeSet<usize> = finding
                .locations
                .iter()
                .filter_map(|location| self.indices.get(&address(&location.source)).copied())
                .collect();
            for index in own {
                if let Some((source, written)) = self.sources.get_mut(index) {
                    let first = silence(&finding, source, written);
                    by = by.or(first);
                }
            }
            match by {
                Some(by) => self.silenced.push(Silenced {
                    finding,
                    by,
                    in_source: true,
                }),
                None => left.push(finding),
            }
        }
        left
    }

    /// All suppressions, in the order of the sources.
    pub fn suppressions(&self) -> impl Iterator<Item = &Suppression> {
        self.sources
            .iter()
            .flat_map(|(_, written)| written)
            .map(|written| &written.suppression)
    }
}

fn address(source: &Arc<SourceFile>) -> usize {
    Arc::as_ptr(source).addr()
}

/// The first of the suppressions of a source that silences a finding that is partly in it. All that do count as used.
fn silence(finding: &Finding, source: &Arc<SourceFile>, written: &mut [Written]) -> Option<Suppression> {
    let start = finding
        .primary()
        .filter(|primary| Arc::ptr_eq(&primary.source, source))
        .map(|primary| primary.span.start);
    let mut first = None;
    for entry in written {
        let within = match &entry.scope {
            Scope::Lines(bytes) => start.is_some_and(|start| bytes.contains(&start)),
            Scope::Object { document, object } => *document == finding.document && *object == finding.object,
        };
        if within && entry.choice.covers(finding.rule) {
            entry.suppression.used = true;
            first.get_or_insert_with(|| entry.suppression.clone());
        }
    }
    first
}
