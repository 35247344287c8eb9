//! Entries and items that go, and the collections that would be empty without them.

use std::collections::BTreeMap;

use crate::edit::{
    change::Change,
    place::{Place, stands_twice},
};
use crate::{
    edit::place::{SHARED, TWICE, is_used_elsewhere, place},
    yaml::{Entry, Kind, Node, NodeId},
};

/// Keys whose collection goes when nothing is left in it.
const PRUNED: [&str; 9] = [
    "lifecycle",
    "env",
    "volumeMounts",
    "volumes",
    "annotations",
    "labels",
    "metadata",
    "initContainers",
    "args",
];

/// Items, and keys that stand for their entries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Removals<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Removals<'a> {
    pub(crate) fn add(&mut self, node: Node<'a>) {
        if !self.nodes.contains(&node) {
            self.nodes.push(node);
        }
    }

    /// Takes an item off the list.
    pub(crate) fn leave(&mut self, node: Node<'a>) {
        self.nodes.retain(|own| *own != node);
    }

    pub(crate) fn contains(&self, node: Node<'a>) -> bool {
        self.nodes.contains(&node)
    }

    /// Whether something goes that is an entry, or part of it.
    pub(crate) fn reach(&self, entry: Entry<'a>) -> bool {
        self.nodes
            .iter()
            .any(|node| *node == entry.key || entry.value.walk().any(|part| part == *node))
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        other.nodes.iter().for_each(|node| self.add(*node));
    }

    /// The removals as changes. Collections that would be empty go whole, but for those at `kept`, which get
    /// new entries.
    pub(crate) fn changes(&self, kept: &[Place]) -> Result<Vec<Change>, String> {
        let mut nodes = self.nodes.clone();
        while let Some((emptied, children)) = emptied(&nodes, kept) {
            nodes.retain(|node| !children.contains(node));
            nodes.push(emptied);
        }
        nodes
            .iter()
            .map(|node| removal_place(*node).map(Change::Remove))
            .collect()
    }
}

/// The key of a collection of which all children go, with these children.
fn emptied<'a>(nodes: &[Node<'a>], kept: &[Place]) -> Option<(Node<'a>, Vec<Node<'a>>)> {
    let mut by_parent: BTreeMap<NodeId, (Node<'a>, Vec<Node<'a>>)> = BTreeMap::new();
    for node in nodes {
        let parent = node.parent()?;
        by_parent
            .entry(parent.id())
            .or_insert_with(|| (parent, Vec::new()))
            .1
            .push(*node);
    }
    by_parent.into_values().find_map(|(parent, children)| {
        let count = match parent.kind() {
            Kind::Mapping { .. } => parent.written_entries().count(),
            _ => parent.children().count(),
        };
        if count != children.len() {
            return None;
        }
        let key = key_of(parent)?;
        let pruned = key.as_str().is_some_and(|key| PRUNED.contains(&key));
        let keeps = || Place::of(parent).is_some_and(|place| kept.contains(&place));
        (pruned && !keeps()).then_some((key, children))
    })
}

/// The key whose value a collection is.
fn key_of(node: Node<'_>) -> Option<Node<'_>> {
    let parent = node.parent()?;
    parent
        .written_entries()
        .find(|entry| entry.written_value() == node)
        .map(|entry| entry.key)
}

fn removal_place(node: Node<'_>) -> Result<Place, String> {
    let parent = node.parent().ok_or(SHARED)?;
    let value = match parent.kind() {
        Kind::Mapping { .. } => node.next_sibling().unwrap_or(node),
        _ => node,
    };
    if is_used_elsewhere(node) || is_used_elsewhere(value) {
        return Err(SHARED.to_owned());
    }
    match parent.kind() {
        Kind::Mapping { .. } if stands_twice(node, parent) => Err(TWICE.to_owned()),
        Kind::Mapping { .. } => Ok(place(parent)?.key(node.as_str().ok_or(SHARED)?)),
        _ => {
            let index = parent.children().position(|child| child == node).ok_or(SHARED)?;
            Ok(place(parent)?.index(index))
        }
    }
}
