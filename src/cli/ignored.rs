//! What the configuration wants to hear nothing of.

use super::configuration::Loaded;
use crate::{
    rules::Finding,
    suppress::{Silenced, Suppression},
};

/// The findings that the configuration does not ignore, and those that it does.
pub(super) fn without_ignored(findings: Vec<Finding>, loaded: &mut Loaded) -> (Vec<Finding>, Vec<Silenced>) {
    let mut left = Vec::with_capacity(findings.len());
    let mut ignored = Vec::new();
    for finding in findings {
        match ignored_by(&finding, loaded) {
            Some(by) => ignored.push(Silenced {
                finding,
                by,
                in_source: false,
            }),
            None => left.push(finding),
        }
    }
    (left, ignored)
}

/// Whether the configuration ignores the finding.
pub(super) fn is_ignored(finding: &Finding, loaded: &mut Loaded) -> bool {
    ignored_by(finding, loaded).is_some()
}

/// The first ignore of the configuration that silences the finding.
fn ignored_by(finding: &Finding, loaded: &mut Loaded) -> Option<Suppression> {
    if loaded.ignores.is_empty() {
        return None;
    }
    let file = loaded.relative(
        finding
            .primary()
            .map_or("", |primary| primary.source.name.as_str()),
    );
    // Every ignore that matches counts as used, so none may be skipped.
    let mut first = None;
    for ignore in &mut loaded.ignores {
        if ignore.silences(finding, &file) {
            first.get_or_insert_with(|| ignore.suppression_of(finding.rule));
        }
    }
    first
}

/// Whether the configuration wants to hear nothing of a file, not even that it can't be read. Every ignore that
/// matches counts as used.
pub(super) fn ignores_file(name: &str, loaded: &mut Loaded) -> bool {
    if loaded.ignores.is_empty() {
        return false;
    }
    let file = loaded.relative(name);
    let mut is_ignored = false;
    for ignore in &mut loaded.ignores {
        is_ignored |= ignore.silences_file(&file);
    }
    is_ignored
}
