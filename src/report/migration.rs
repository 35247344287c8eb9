//! What migrate would change of each workload, for reports that show it.

use std::collections::HashSet;

use super::Report;
use crate::{rules::Finding, workload::ObjectReference};

/// Makes the diffs of a report's workloads. Each takes as long as migrating it, so that a report asks for those alone
/// that it has room for.
pub trait MigrationDiffs: Sync {
    /// The diff of each of these objects; none of one that migrate leaves as it is.
    fn of(&self, objects: &[Rewritten<'_>]) -> Vec<Option<MigrationDiff>>;
}

impl std::fmt::Debug for dyn MigrationDiffs + '_ {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MigrationDiffs")
    }
}

/// An object that migrate rewrites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rewritten<'a> {
    /// The name of its source.
    pub source: &'a str,
    /// Its document in that, from 0.
    pub document: usize,
    /// The object.
    pub object: &'a ObjectReference,
}

/// What migrate would change of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationDiff {
    /// How sidecars are declared then.
    pub form: &'static str,
    /// What is safe, as a unified diff; empty where nothing is.
    pub plain: String,
    /// What `--review` does, where that is more.
    pub reviewed: String,
}

impl MigrationDiff {
    /// The diffs that there are, each with what it is.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, String)> {
        [
            (&self.plain, "What migrate changes"),
            (&self.reviewed, "What migrate --review changes"),
        ]
        .into_iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, words)| (text.as_str(), format!("{words}, to {}", self.form)))
    }
}

impl<'a> Rewritten<'a> {
    /// The object of a finding; `None` where the finding has no place.
    #[must_use]
    pub fn of(finding: &'a Finding) -> Option<Self> {
        Some(Self {
            source: &finding.primary()?.source.name,
            document: finding.document,
            object: &finding.object,
        })
    }
}

impl<'a> Report<'a> {
    /// The objects that migrate rewrites, each once, in the order of the findings.
    pub(super) fn rewritten(&self) -> Vec<Rewritten<'a>> {
        let findings = self.findings.iter();
        let rewritten = findings.filter(|finding| finding.fix.class.is_rewritten());
        let objects = rewritten.filter_map(Rewritten::of);
        let mut known = HashSet::new();
        objects.filter(|object| known.insert(*object)).collect()
    }
}
