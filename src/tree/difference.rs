//! What `migrate` made of an object, as deeds at its fields.

use super::leg::{Leg, value_leg};
use crate::{
    edit::{Change, Place, Position},
    yaml::{Node, Value},
};

/// The lists between which containers move.
pub(super) const LISTS: [&str; 2] = ["containers", "initContainers"];

/// Something that is done at a place of an object as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    /// The way to the field.
    pub(super) legs: Vec<Leg>,
    pub(super) kind: DeedKind,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeedKind {
    /// It goes.
    Remove,
    /// It gets another value.
    Replace {
        /// The value that it had.
        old: Value,
        /// The value that it has now.
        new: Value,
    },
    /// It is new.
    Insert {
        /// The key before it, where there is one.
        after: Option<String>,
        value: Value,
    },
    /// A container goes to another list.
    Move {
        to: &'static str,
        /// The containers that stand before it there.
        before: Vec<String>,
    },
}

/// What was done to an object; nothing where it can't be told as deeds.
pub(super) fn deeds(before: &Value, after: &Value) -> Option<Vec<Deed>> {
    let mut deeds = Vec::new();
    compare(before, after, &mut Vec::new(), &mut deeds).then_some(deeds)
}

/// Whether all differences could be told.
fn compare(before: &Value, after: &Value, legs: &mut Vec<Leg>, deeds: &mut Vec<Deed>) -> bool {
    match (before, after) {
        _ if before == after => true,
        (Value::Mapping(_), Value::Mapping(_)) => compare_mappings(before, after, legs, deeds),
        (Value::Sequence(one), Value::Sequence(other)) => compare_lists(one, other, legs, deeds),
        _ => {
            deeds.push(replaced(before, after, legs));
            true
        }
    }
}

fn replaced(before: &Value, after: &Value, legs: &[Leg]) -> Deed {
    Deed {
        legs: legs.to_vec(),
        kind: DeedKind::Replace {
            old: before.clone(),
            new: after.clone(),
        },
    }
}

fn compare_mappings(before: &Value, after: &Value, legs: &mut Vec<Leg>, deeds: &mut Vec<Deed>) -> bool {
    let (Value::Mapping(one), Value::Mapping(other)) = (before, after) else {
        return false;
    };
    let is_pod = moves_between(before, after);
    let is_list = |key: &str| is_pod && LISTS.contains(&key);
    let mut told = !is_pod || compare_containers(before, after, legs, deeds);
    for (key, value) in one {
        let Value::String(name) = key else { continue };
        if is_list(name) {
            continue;
        }
        legs.push(Leg::Key(name.clone()));
        match after.get(name) {
            Some(new) => told &= compare(value, new, legs, deeds),
            None => deeds.push(Deed {
                legs: legs.clone(),
                kind: DeedKind::Remove,
            }),
        }
        legs.pop();
    }
    let mut previous = None;
    for (key, value) in other {
        let Value::String(name) = key else { continue };
        if before.get(name).is_none() && !is_list(name) {
            legs.push(Leg::Key(name.clone()));
            deeds.push(Deed {
                legs: legs.clone(),
                kind: DeedKind::Insert {
                    after: previous,
                    value: value.clone(),
                },
            });
            legs.pop();
        }
        previous = Some(name.clone());
    }
    told
}

/// Whether a mapping is a pod's `spec` whose containers are others.
fn moves_between(before: &Value, after: &Value) -> bool {
    let names = |value: &Value, list: &str| names(value.get(list));
    LISTS.iter().any(|list| before.get(list).is_some())
        && LISTS.iter().any(|list| names(before, list) != names(after, list))
}

fn names(list: Option<&Value>) -> Vec<String> {
    let items = match list {
        Some(Value::Sequence(items)) => items.as_slice(),
        _ => &[],
    };
    let name = |item: &Value| item.get("name").and_then(super::leg::identity);
    items.iter().map(|item| name(item).unwrap_or_default()).collect()
}

/// Containers that move, go or change. Those that stay in their list have to keep their order.
fn compare_containers(before: &Value, after: &Value, legs: &mut Vec<Leg>, deeds: &mut Vec<Deed>) -> bool {
    let mut told = true;
    for (own, other) in [(LISTS[0], LISTS[1]), (LISTS[1], LISTS[0])] {
        let (old_names, new_names) = (names(before.get(own)), names(after.get(own)));
        let moved_to = names(after.get(other));
        let Some(Value::Sequence(items)) = before.get(own) else {
            continue;
        };
        legs.push(Leg::Key(own.to_owned()));
        for (index, item) in items.iter().enumerate() {
            let Some(name) = old_names.get(index) else {
                continue;
            };
            legs.push(value_leg(own, index, item));
            let stays = new_names.contains(name);
            if let Some(at) = moved_to.iter().position(|moved| moved == name).filter(|_| !stays) {
                deeds.push(Deed {
                    legs: legs.clone(),
                    kind: DeedKind::Move {
                        to: other,
                        before: moved_to.get(..at).unwrap_or_default().to_vec(),
                    },
                });
            }
            let new = item_named(after, if stays { own } else { other }, name);
            match new {
                Some(new) => told &= compare(item, new, legs, deeds),
                None => deeds.push(Deed {
                    legs: legs.clone(),
                    kind: DeedKind::Remove,
                }),
            }
            legs.pop();
        }
        legs.pop();
        let came: Vec<&String> = new_names
            .iter()
            .filter(|name| !old_names.contains(name))
            .collect();
        told &= came.iter().all(|name| names(before.get(other)).contains(name));
        let stayed = |list: &[String], among: &[String]| -> Vec<String> {
            list.iter().filter(|name| among.contains(name)).cloned().collect()
        };
        told &= stayed(&old_names, &new_names) == stayed(&new_names, &old_names);
    }
    told
}

fn item_named<'v>(spec: &'v Value, list: &str, name: &str) -> Option<&'v Value> {
    let Some(Value::Sequence(items)) = spec.get(list) else {
        return None;
    };
    items
        .iter()
        .find(|item| item.get("name").is_some_and(|own| own.is_string(name)))
}

/// Lists with identities lose items and keep the others; lists of texts have others.
fn compare_lists(before: &[Value], after: &[Value], legs: &mut Vec<Leg>, deeds: &mut Vec<Deed>) -> bool {
    let list = super::leg::list_of(legs).to_owned();
    let identified = |items: &[Value]| -> Vec<Leg> {
        items
            .iter()
            .enumerate()
            .map(|(index, item)| value_leg(&list, index, item))
            .collect()
    };
    let (old, new) = (identified(before), identified(after));
    let has_identities = old.iter().chain(&new).all(|leg| matches!(leg, Leg::Item { .. }));
    if !has_identities {
        if before.len() == after.len() {
            return before.iter().zip(after).enumerate().all(|(index, (one, other))| {
                legs.push(Leg::Index(index));
                let told = compare(one, other, legs, deeds);
                legs.pop();
                told
            });
        }
        deeds.push(replaced(
            &Value::Sequence(before.to_vec()),
            &Value::Sequence(after.to_vec()),
            legs,
        ));
        return true;
    }
    let mut told = new.iter().all(|leg| old.contains(leg));
    for (leg, item) in old.iter().zip(before) {
        legs.push(leg.clone());
        match new
            .iter()
            .position(|other| other == leg)
            .and_then(|index| after.get(index))
        {
            Some(other) => told &= compare(item, other, legs, deeds),
            None => deeds.push(Deed {
                legs: legs.clone(),
                kind: DeedKind::Remove,
            }),
        }
        legs.pop();
    }
    told
}

/// The change that adds an entry at the end of `legs`, where `at` tells which node a way leads to; nothing where there is
/// no mapping for it.
pub(super) fn insertion_at<'t>(
    at: impl Fn(&[Leg]) -> Option<Node<'t>>,
    legs: &[Leg],
    (after, value): (Option<&str>, &Value),
) -> Option<Change> {
    let (mapping, rest) = (0..legs.len()).rev().find_map(|length| {
        let (to, rest) = legs.split_at_checked(length)?;
        Some((at(to)?, rest))
    })?;
    let mut keys = rest.iter().map(|leg| match leg {
        Leg::Key(key) => Some(key.clone()),
        _ => None,
    });
    let keys: Vec<String> = keys.by_ref().collect::<Option<_>>()?;
    let (first, inner) = keys.split_first()?;
    if !mapping.is_mapping() || LISTS.contains(&first.as_str()) {
        return None;
    }
    let value = inner.iter().rev().fold(value.clone(), |value, key| {
        Value::Mapping(vec![(Value::string(key.clone()), value)])
    });
    let has = |key: &str| {
        let mut entries = mapping.written_entries();
        entries.any(|entry| entry.key.as_str() == Some(key))
    };
    let sibling = after.filter(|key| inner.is_empty() && has(key));
    // kustomize sorts keys; people write the image behind the name.
    let sibling = match sibling {
        Some("name") if has("image") => Some("image"),
        other => other,
    };
    Some(Change::Insert {
        mapping: Place::of(mapping)?,
        key: first.clone(),
        value,
        position: sibling.map_or(Position::Last, |key| Position::After(key.to_owned())),
    })
}
