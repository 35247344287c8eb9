//! Strategic-merge overlays: objects that name containers and give some of their fields.

use std::sync::Arc;

use crate::remedy::surroundings::patches::{Patch, Reach, Target, read::Holder};
use crate::{edit::place::Place, roles::DECLARATION_ANNOTATION, workload::ObjectReference, yaml::Node};

/// Whether an object by itself can only be an overlay: it has containers with names and without images, or none and
/// changes how its pod declares sidecars.
pub(crate) fn is_overlay(root: Node<'_>) -> bool {
    lists(root)
        .flat_map(|(_, list)| list.items())
        .any(|container| container.get("image").is_none() && container.get("name").is_some())
        || (lists(root).next().is_none() && annotations(root).is_some())
}

/// Where an overlay gives a pod template another declaration of its sidecars: a value of its own, or `null`, which
/// takes the annotation, all annotations or all metadata away (strategic merge; `$patch` replaces or deletes).
fn annotations<'t>(root: Node<'t>) -> Option<Node<'t>> {
    let is_pod = root.get("kind").and_then(Node::as_str) == Some("Pod");
    let templates = root.walk().filter(|node| node.is_mapping());
    let mut templates = templates
        .filter_map(|node| node.get("template"))
        .chain(is_pod.then_some(root));
    templates.find_map(|template| {
        let metadata = template.get("metadata")?;
        let is_replaced = |node: Node<'_>| node.is_null() || node.get("$patch").is_some();
        if is_replaced(metadata) {
            return Some(metadata);
        }
        let annotations = metadata.get("annotations")?;
        if is_replaced(annotations) {
            return Some(annotations);
        }
        annotations.get(DECLARATION_ANNOTATION)
    })
}

/// What an overlay changes: the containers that it names, and the annotation that declares sidecars.
pub(crate) fn overlay(root: Node<'_>, target: Option<&Target>, holder: &Holder, found: &mut Vec<Patch>) {
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
    if let Some(node) = annotations(root) {
        found.push(Patch {
            name: format!("the overlay of {} {}", own.kind, own.name),
            target: target.clone(),
            reach: Reach::Annotations(Place::of(node)),
            source: Arc::clone(&holder.source),
            inline: holder.inline.clone(),
        });
    }
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
