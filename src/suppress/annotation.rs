//! `kubectl-sidecar/ignore: rule,rule` on an object or its pod template.

use std::{collections::HashSet, sync::Arc};

use super::{Choice, Scope, Suppression, Written};
use crate::{
    rules::RuleInfo,
    source::{Lines, SourceError, SourceErrorKind, SourceFile},
    workload::{Object, objects},
    yaml::{Entry, NodeId, Stream},
};

/// The annotation.
pub(super) const KEY: &str = "kubectl-sidecar/ignore";

pub(super) fn collect(
    source: &Arc<SourceFile>,
    stream: &Stream<'_>,
    rules: &[&'static RuleInfo],
    written: &mut Vec<Written>,
    errors: &mut Vec<SourceError>,
) {
    let lines = Lines::new(&source.text);
    let mut seen = HashSet::new();
    for object in stream
        .roots()
        .flat_map(|(document, root)| objects(root, document))
    {
        for entry in annotations(&object, &mut seen) {
            let position = lines.position(entry.key.span().start);
            let mut fail = |message: String| {
                errors.push(
                    SourceError::new(&source.name, SourceErrorKind::Suppression, message)
                        .at(position.line, Some(position.column)),
                );
            };
            let names: Vec<&str> = entry
                .value
                .as_str()
                .unwrap_or_default()
                .split(|character: char| character == ',' || character.is_whitespace())
                .filter(|name| !name.is_empty())
                .collect();
            if names.is_empty() {
                fail(format!(
                    "the annotation does not say which rules to ignore: {KEY}: RULE,RULE"
                ));
            }
            for name in names {
                match Choice::parse(name, rules) {
                    Ok(choice) => written.push(Written {
                        scope: Scope::Object {
                            document: object.document,
                            object: object.reference.clone(),
                        },
                        choice,
                        suppression: Suppression {
                            file: source.name.clone(),
                            line: Some(position.line),
                            rule: choice.name().to_owned(),
                            reason: None,
                            used: false,
                        },
                    }),
                    Err(unknown) => fail(unknown.to_string()),
                }
            }
        }
    }
}

/// The annotations of that name in the `metadata` of the object and of whatever templates it holds.
fn annotations<'t>(object: &Object<'t>, seen: &mut HashSet<NodeId>) -> Vec<Entry<'t>> {
    object
        .node
        .walk()
        .filter_map(|node| node.get("metadata")?.get("annotations")?.entry(KEY))
        // Two objects may share their metadata by an alias.
        .filter(|entry| seen.insert(entry.key.id()))
        .collect()
}
