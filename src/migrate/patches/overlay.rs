//! Strategic-merge overlays: objects that name containers and give some of their fields.

use std::sync::Arc;

use crate::{rules::ObjectReference, yaml::Node};

use super::{super::place::Place, Patch, Reach, Target, read::Holder};

/// Whether an object by itself can only be an overlay: it has containers with names and without images.
pub(in crate::migrate) fn is_overlay(root: Node<'_>) -> bool {
    lists(root)
        .flat_map(|(_, list)| list.items())
        .any(|container| container.get("image").is_none() && container.get("name").is_some())
}

/// The containers that an overlay names.
pub(super) fn overlay(root: Node<'_>, target: Option<&Target>, holder: &Holder, found: &mut Vec<Patch>) {
    let text = |keys: &[&str]| {
        root.path(keys)
            .and_then(Node::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let own = ObjectReference {
        kind: text(&["kind"]),
        name: text(&["metadata", "name"]),
        ..ObjectReference::default()
    };
    let target = target.cloned().unwrap_or_else(|| Target {
        kind: Some(own.kind.clone()),
        name: Some(own.name.clone()),
        selects: false,
    });
    for (list, node) in lists(root) {
        // `$setElementOrder/containers`, `$patch`
        let directives = node
            .parent()
            .into_iter()
            .flat_map(Node::written_entries)
            .any(|entry| entry.key.as_str().is_some_and(|key| key.starts_with('$')));
        for container in node.items() {
            let Some(name) = container.get("name").and_then(Node::as_str) else {
                continue;
            };
            let mut fields: Vec<String> = container
                .entries()
                .iter()
                .filter_map(|entry| entry.key.as_str())
                .filter(|key| *key != "name")
                .map(str::to_owned)
                .collect();
            if directives {
                fields.push("$patch".to_owned());
            }
            found.push(Patch {
                name: format!("the overlay of {} {}", own.kind, own.name),
                target: target.clone(),
                reach: Reach::Entry {
                    container: name.to_owned(),
                    list: list.to_owned(),
                    fields,
                    place: Place::of(container),
                },
                source: Arc::clone(&holder.source),
                inline: holder.inline.clone(),
            });
        }
    }
}

/// The lists of containers in an object.
fn lists<'t>(root: Node<'t>) -> impl Iterator<Item = (&'static str, Node<'t>)> {
    root.walk().filter(|node| node.is_mapping()).flat_map(|node| {
        ["containers", "initContainers"]
            .into_iter()
            .filter_map(move |list| Some((list, node.entry(list)?.value)))
    })
}
