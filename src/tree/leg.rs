//! The way to a field of an object, with the items of lists by what identifies them.

use crate::yaml::{Node, Value};

/// A step of a way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leg {
    /// The value of a key.
    Key(String),
    /// The item of a list that has this value behind this key.
    Item {
        /// `name`, `mountPath`, …
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// An item of a list whose items have no identity.
    Index(usize),
}

/// What identifies the items of a list (Kubernetes, `patchMergeKey` in the types of `core/v1`).
fn identities(list: &str) -> &'static [&'static str] {
    match list {
        "containers" | "initContainers" | "ephemeralContainers" | "volumes" | "env" | "imagePullSecrets" => {
            &["name"]
        }
        "volumeMounts" => &["mountPath"],
        "volumeDevices" => &["devicePath"],
        "ports" => &["containerPort", "port"],
        "hostAliases" => &["ip"],
        _ => &[],
    }
}

/// The leg to an item of the list behind `list`.
pub(super) fn item_leg(list: &str, index: usize, text: impl Fn(&str) -> Option<String>) -> Leg {
    identities(list)
        .iter()
        .find_map(|key| {
            Some(Leg::Item {
                key,
                value: text(key)?,
            })
        })
        .unwrap_or(Leg::Index(index))
}

/// The text of a scalar that may identify an item.
pub(super) fn identity(value: &Value) -> Option<String> {
    match value {
        Value::String(text) | Value::Integer(text) => Some(text.clone()),
        _ => None,
    }
}

/// The leg to an item that is a plain value.
pub(super) fn value_leg(list: &str, index: usize, item: &Value) -> Leg {
    item_leg(list, index, |key| item.get(key).and_then(identity))
}

/// The key of the list that the last of `legs` leads to.
pub(super) fn list_of(legs: &[Leg]) -> &str {
    match legs.last() {
        Some(Leg::Key(key)) => key,
        _ => "",
    }
}

/// The way from an object to a node in it.
pub(super) fn legs_to(object: Node<'_>, node: Node<'_>) -> Option<Vec<Leg>> {
    let mut nodes = vec![node];
    let mut at = node;
    while at != object {
        at = at.parent()?;
        nodes.push(at);
    }
    nodes.reverse();
    let mut legs = Vec::new();
    for pair in nodes.windows(2) {
        let [parent, child] = pair else { continue };
        if parent.is_sequence() {
            let index = parent.children().position(|item| item == *child)?;
            let text = |key: &str| child.get(key).and_then(Node::as_str).map(str::to_owned);
            legs.push(item_leg(list_of(&legs), index, text));
        } else {
            let entry = parent
                .written_entries()
                .find(|entry| entry.written_value() == *child || entry.key == *child)?;
            legs.push(Leg::Key(entry.key.as_str()?.to_owned()));
        }
    }
    Some(legs)
}

/// The node that `legs` lead to, as written.
pub(super) fn node_at<'t>(from: Node<'t>, legs: &[Leg]) -> Option<Node<'t>> {
    legs.iter().try_fold(from, |node, leg| match leg {
        Leg::Key(name) => node
            .written_entries()
            .find(|entry| entry.key.as_str() == Some(name))
            .map(|entry| entry.written_value()),
        Leg::Item { key, value } => node
            .children()
            .find(|item| item.get(key).and_then(Node::as_str) == Some(value)),
        Leg::Index(index) => node.is_sequence().then(|| node.children().nth(*index))?,
    })
}

/// The plain value that `legs` lead to.
pub(super) fn value_at<'v>(from: &'v Value, legs: &[Leg]) -> Option<&'v Value> {
    legs.iter().try_fold(from, |value, leg| match (leg, value) {
        (Leg::Key(key), _) => value.get(key),
        (Leg::Item { key, value }, Value::Sequence(items)) => items
            .iter()
            .find(|item| item.get(key).and_then(identity).as_ref() == Some(value)),
        (Leg::Index(index), Value::Sequence(items)) => items.get(*index),
        _ => None,
    })
}

/// The plain value that `legs` lead to, to be changed.
pub(super) fn value_at_mut<'v>(from: &'v mut Value, legs: &[Leg]) -> Option<&'v mut Value> {
    legs.iter().try_fold(from, |at, leg| match leg {
        Leg::Key(key) => at.get_mut(key),
        Leg::Item { key, value } => at
            .items_mut()?
            .iter_mut()
            .find(|item| item.get(key).and_then(identity).as_ref() == Some(value)),
        Leg::Index(index) => at.items_mut()?.get_mut(*index),
    })
}
