//! What an object is after a patch, as far as the places of its list items need it.

use super::{
    leg::{Leg, value_at_mut, value_leg},
    pointer::last_index,
};
use crate::yaml::Value;

/// A strategic merge patch: mappings are merged, and lists whose items have an identity. The patch's items come first, as
/// kustomize puts them (kyaml, `MergeOptionsListPrepend`).
pub(super) fn merge(object: &mut Value, patch: &Value) {
    let Value::Mapping(entries) = patch else {
        *object = patch.clone();
        return;
    };
    if !matches!(object, Value::Mapping(_)) {
        *object = Value::Mapping(Vec::new());
    }
    for (key, value) in entries {
        let Value::String(name) = key else { continue };
        if name.starts_with('$') {
            continue;
        }
        if *value == Value::Null {
            object.remove(name);
        } else if let Some(own) = object.get_mut(name) {
            merge_entry(name, own, value);
        } else if let Some(own) = object.entries_mut() {
            own.push((key.clone(), value.clone()));
        }
    }
}

fn merge_entry(name: &str, own: &mut Value, patch: &Value) {
    match (own, patch) {
        (own @ Value::Mapping(_), Value::Mapping(_)) => merge(own, patch),
        (Value::Sequence(own), Value::Sequence(items)) => merge_items(name, own, items),
        (own, patch) => *own = patch.clone(),
    }
}

fn merge_items(list: &str, own: &mut Vec<Value>, items: &[Value]) {
    let identified = items
        .iter()
        .all(|item| matches!(value_leg(list, 0, item), Leg::Item { .. }));
    if !identified || items.is_empty() {
        *own = items.to_vec();
        return;
    }
    let mut first = Vec::new();
    for item in items {
        let leg = value_leg(list, 0, item);
        let index = own.iter().position(|other| value_leg(list, 0, other) == leg);
        let mut merged = index.map(|index| own.remove(index));
        if item.get("$patch").is_some_and(|patch| patch.is_string("delete")) {
            continue;
        }
        match &mut merged {
            Some(merged) => merge(merged, item),
            None => merged = Some(item.clone()),
        }
        first.extend(merged);
    }
    own.splice(0..0, first);
}

/// What an operation of a JSON patch does to the object (RFC 6902). What `move` and `copy` take, they add.
pub(super) fn operate(
    object: &mut Value,
    operation: &str,
    parent: &[Leg],
    token: &str,
    value: Option<Value>,
) {
    let Some(parent) = value_at_mut(object, parent) else {
        return;
    };
    match parent {
        Value::Sequence(items) => {
            let Some(index) = last_index(token, items.len()) else {
                return;
            };
            match (operation, value) {
                ("add" | "move" | "copy", Some(value)) if index <= items.len() => items.insert(index, value),
                ("replace", Some(value)) => {
                    if let Some(item) = items.get_mut(index) {
                        *item = value;
                    }
                }
                ("remove", _) if index < items.len() => drop(items.remove(index)),
                _ => {}
            }
        }
        Value::Mapping(_) => match (operation, value) {
            ("add" | "replace" | "move" | "copy", Some(value)) => {
                parent.remove(token);
                if let Some(entries) = parent.entries_mut() {
                    entries.push((Value::string(token), value));
                }
            }
            ("remove", _) => drop(parent.remove(token)),
            _ => {}
        },
        _ => {}
    }
}
