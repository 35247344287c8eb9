//! What points at a container by its place or list (`semantics.md`, 3.4).
//!
//! Patches that stand in the same input and reach the moved containers stop the rewrite: carried out on the new
//! form they would change another container, or make the old one anew.

use crate::{
    rules::{Member, ObjectReference, Pod},
    workload::{ContainerList, Object, WorkloadKind},
    yaml::{self, Node},
};

/// A patch that reaches into containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patch {
    /// Where it stands, for the message.
    name: String,
    /// The kind and name of its target, where they are told.
    target: (Option<String>, Option<String>),
    reach: Reach,
}

/// What a patch names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// An index of `containers`.
    Index(usize),
    /// A container by its name.
    Container(String),
}

/// All patches among some objects: kustomizations with JSON patches, and overlays without images.
pub(super) fn patches(objects: &[Object<'_>]) -> Vec<Patch> {
    let mut found = Vec::new();
    for object in objects {
        let is_kustomization = matches!(object.reference.kind.as_str(), "Kustomization" | "Component");
        if is_kustomization {
            for list in ["patches", "patchesJson6902", "patchesStrategicMerge"] {
                let items = object.node.get(list).into_iter().flat_map(Node::items);
                items.for_each(|item| kustomization_patch(item, &mut found));
            }
        } else if WorkloadKind::of(&object.reference) != WorkloadKind::Custom {
            overlay(object.node, &object.reference, &mut found);
        }
    }
    found
}

/// An item of `patches`: a target and the patch in a string.
fn kustomization_patch(item: Node<'_>, found: &mut Vec<Patch>) {
    let text = match item.as_str() {
        Some(text) => Some(text),
        None => item.get("patch").and_then(Node::as_str),
    };
    let Some(stream) = text.and_then(|text| yaml::parse(text).ok()) else {
        return;
    };
    let of_target = |key: &str| {
        item.path(&["target", key])
            .and_then(Node::as_str)
            .map(str::to_owned)
    };
    let target = (of_target("kind"), of_target("name"));
    for (_, root) in stream.roots() {
        if root.is_sequence() {
            for operation in root.items() {
                let path = operation.get("path").and_then(Node::as_str).unwrap_or_default();
                if let Some(index) = container_index(path) {
                    found.push(Patch {
                        name: format!("the JSON patch {path}"),
                        target: target.clone(),
                        reach: Reach::Index(index),
                    });
                }
            }
        } else {
            let text = |keys: &[&str]| {
                root.path(keys)
                    .and_then(Node::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let reference = ObjectReference {
                kind: text(&["kind"]),
                name: text(&["metadata", "name"]),
                ..ObjectReference::default()
            };
            overlay(root, &reference, found);
        }
    }
}

/// The index in `/spec/template/spec/containers/1/…`.
fn container_index(path: &str) -> Option<usize> {
    let mut parts = path.split('/').skip_while(|part| *part != "containers").skip(1);
    parts.next()?.parse().ok()
}

/// A strategic-merge overlay: a pod template whose containers have names and no image.
fn overlay(root: Node<'_>, reference: &ObjectReference, found: &mut Vec<Patch>) {
    let lists = root
        .walk()
        .filter(|node| node.is_mapping())
        .filter_map(|node| node.entry("containers"))
        .map(|entry| entry.value);
    let containers: Vec<Node<'_>> = lists.flat_map(Node::items).collect();
    let is_overlay = containers
        .iter()
        .any(|container| container.get("image").is_none() && container.get("name").is_some());
    if !is_overlay {
        return;
    }
    for name in containers
        .iter()
        .filter_map(|container| container.get("name").and_then(Node::as_str))
    {
        found.push(Patch {
            name: format!("the overlay of {} {}", reference.kind, reference.name),
            target: (Some(reference.kind.clone()), Some(reference.name.clone())),
            reach: Reach::Container(name.to_owned()),
        });
    }
}

/// Why a container can't leave its list: a patch in the same input reaches it, or one behind it.
pub(super) fn hindrance(pod: &Pod<'_>, member: &Member<'_>, patches: &[Patch]) -> Option<String> {
    let own = &pod.workload.object.reference;
    let hit = patches.iter().find(|patch| {
        let (kind, name) = &patch.target;
        let is_target = kind.as_ref().is_none_or(|kind| *kind == own.kind)
            && name.as_ref().is_none_or(|name| *name == own.name);
        let reaches = match &patch.reach {
            Reach::Index(index) => *index >= member.container.index,
            Reach::Container(name) => name == member.container.name,
        };
        let is_itself = member.container.node.get("image").is_none();
        is_target && reaches && member.container.list == ContainerList::Regular && !is_itself
    })?;
    Some(format!(
        "{} in the same input reaches it in its old place; change the two together",
        hit.name
    ))
}

/// What a person should know of references that go on working, or not quite.
pub(super) fn notes(pod: &Pod<'_>, member: &Member<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let name = member.container.name;
    let spec = pod.workload.object.node.get("spec");
    let policy = spec.and_then(|spec| {
        spec.get("podFailurePolicy")
            .or_else(|| spec.path(&["jobTemplate", "spec", "podFailurePolicy"]))
    });
    let rules = policy
        .and_then(|policy| policy.get("rules"))
        .into_iter()
        .flat_map(Node::items);
    let unnamed = rules
        .filter_map(|rule| rule.get("onExitCodes"))
        .any(|codes| codes.get("containerName").is_none());
    if unnamed {
        notes.push(format!(
            "podFailurePolicy.onExitCodes without containerName also looks at {name}'s exit code: name the app there"
        ));
    }
    if member.container.ports().any(|port| port.name.is_some()) {
        notes.push(format!(
            "{name}'s named ports are an init container's now: Services find them, other readers of port names may not"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint;

    #[test]
    fn patches_are_found_by_index_and_name() {
        let text = "kind: Kustomization\npatches:\n- target: {kind: Deployment, name: web}\n  patch: |\n    - {op: replace, path: /spec/template/spec/containers/1/image, value: x}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: proxy, resources: {}}\n";
        let stream = yaml::parse(text).unwrap();
        let objects: Vec<_> = lint::objects_of(&stream).collect();
        let found = patches(&objects);
        assert_eq!(
            found.iter().map(|patch| patch.reach.clone()).collect::<Vec<_>>(),
            [Reach::Index(1), Reach::Container("proxy".to_owned())]
        );
    }
}
