//! Names of findings that stay when their files are edited.

use std::collections::HashMap;

use sha1::{Digest, Sha1};

use super::{Report, base::Place};
use crate::{rules::Finding, suppress::Identity};

/// The fingerprints of all findings of a report, silenced ones included. No two are the same.
pub(super) struct Fingerprints {
    known: HashMap<*const Finding, String>,
}

impl Fingerprints {
    /// Of the baseline's identity. Where several findings have the same, they are numbered in the order of the text.
    pub(super) fn new(report: &Report<'_>) -> Self {
        let silenced = report.silenced.iter().map(|silenced| &silenced.finding);
        let mut alike: HashMap<Identity, Vec<&Finding>> = HashMap::new();
        for finding in report.findings.iter().chain(silenced) {
            let identity = Identity::of(finding, file(report, finding));
            alike.entry(identity).or_default().push(finding);
        }
        let mut known = HashMap::new();
        for (identity, mut findings) in alike {
            findings.sort_by_key(|finding| finding.primary().map_or(0, |primary| primary.span.start));
            for (index, finding) in findings.into_iter().enumerate() {
                known.insert(std::ptr::from_ref(finding), hash(&identity, index));
            }
        }
        Self { known }
    }

    /// Of a finding of the report.
    pub(super) fn of(&self, finding: &Finding) -> &str {
        self.known
            .get(&std::ptr::from_ref(finding))
            .map_or("", String::as_str)
    }
}

/// The file as it is named wherever the run starts; for an object of a cluster, its context and name.
fn file(report: &Report<'_>, finding: &Finding) -> String {
    let name = finding
        .primary()
        .map_or("", |primary| primary.source.name.as_str());
    match report.place(name) {
        Place::Within(path) | Place::Outside(path) => path,
        Place::Nowhere => match report.context(name) {
            Some(context) => format!("{context}:{name}"),
            None => name.to_owned(),
        },
    }
}

// It tells findings apart, and keeps nobody out: what kube's WebSockets bring along is good enough.
fn hash(identity: &Identity, index: usize) -> String {
    let text = serde_json::json!([identity, index]).to_string();
    let sum = Sha1::digest(text.as_bytes());
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}
