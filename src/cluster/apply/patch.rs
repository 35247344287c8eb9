//! From two states of an object to the JSON patch (RFC 6902) that makes one of the other.

use serde_json::{Map, Value, json};

/// The patch that makes of `live` what `after` has in other words than `before`. `before` is `live` without what
/// does not concern the change. The patch holds only for exactly this state of this object: its `test`s pin both
/// (server-side apply could not move a container that somebody else wrote: `docs/semantics.md`, "Changing what runs").
#[must_use]
pub fn patch(live: &Value, before: &Value, after: &Value) -> Value {
    let mut operations = Vec::new();
    for pinned in ["/metadata/uid", "/metadata/resourceVersion"] {
        let value = live.pointer(pinned).unwrap_or(&Value::Null);
        operations.push(json!({"op": "test", "path": pinned, "value": value}));
    }
    change(Some(live), before, after, "", &mut operations);
    Value::Array(operations)
}

fn change(live: Option<&Value>, before: &Value, after: &Value, path: &str, operations: &mut Vec<Value>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => change_entries(live, old, new, path, operations),
        _ => operations.push(json!({"op": "replace", "path": path, "value": after})),
    }
}

fn change_entries(
    live: Option<&Value>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    path: &str,
    operations: &mut Vec<Value>,
) {
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        operations.push(json!({"op": "remove", "path": format!("{path}/{}", escaped(key))}));
    }
    for (key, value) in after {
        let path = format!("{path}/{}", escaped(key));
        let there = live.and_then(|live| live.get(key));
        match (before.get(key), there) {
            (Some(old), _) => change(there, old, value, &path, operations),
            // What `before` leaves out of a mapping stays.
            (None, Some(Value::Object(_))) if value.is_object() => {
                change(there, &Value::Object(Map::new()), value, &path, operations);
            }
            (None, _) => operations.push(json!({"op": "add", "path": path, "value": value})),
        }
    }
}

/// A key as a part of a JSON pointer (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The first place at which an object does not have what a change of `before` to `after` asked for. What the change
/// leaves alone is no matter: the server counts generations there.
#[must_use]
pub fn not_kept(before: &Value, after: &Value, got: &Value) -> Option<String> {
    let (Value::Object(old), Value::Object(new), Value::Object(there)) = (before, after, got) else {
        return lost(after, got);
    };
    let changed = new.iter().filter(|(key, value)| old.get(*key) != Some(*value));
    changed.into_iter().find_map(|(key, value)| {
        let nothing = Value::Null;
        if is_empty(value) && !there.contains_key(key) {
            return None;
        }
        let inner = not_kept(
            old.get(key).unwrap_or(&nothing),
            value,
            there.get(key).unwrap_or(&nothing),
        )?;
        Some(match inner.as_str() {
            "" => key.clone(),
            inner if inner.starts_with('[') => format!("{key}{inner}"),
            inner => format!("{key}.{inner}"),
        })
    })
}

/// The first place at which an object does not have what was asked for; what it has besides, defaults for one, is
/// no matter.
#[must_use]
pub fn lost(asked: &Value, got: &Value) -> Option<String> {
    let mut path = String::new();
    lost_at(asked, got, &mut path).then_some(path)
}

/// Whether a value says nothing, as null and an empty mapping do.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

fn lost_at(asked: &Value, got: &Value, path: &mut String) -> bool {
    let length = path.len();
    let mut lost_in = |step: String, asked: &Value, got: Option<&Value>| {
        path.push_str(&step);
        let lost = match got {
            Some(got) => lost_at(asked, got, path),
            None => !is_empty(asked),
        };
        if !lost {
            path.truncate(length);
        }
        lost
    };
    match (asked, got) {
        (Value::Object(asked), Value::Object(got)) => asked.iter().any(|(key, value)| {
            let step = if length == 0 {
                key.clone()
            } else {
                format!(".{key}")
            };
            lost_in(step, value, got.get(key))
        }),
        (Value::Array(asked), Value::Array(got)) => {
            asked.len() != got.len()
                || asked
                    .iter()
                    .enumerate()
                    .any(|(index, value)| lost_in(format!("[{index}]"), value, got.get(index)))
        }
        _ => asked != got,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Carries out a patch as RFC 6902 says, for mappings.
    fn patched(object: &Value, patch: &Value) -> Value {
        let mut object = object.clone();
        for operation in patch.as_array().unwrap() {
            let path = operation["path"].as_str().unwrap();
            if operation["op"] == "test" {
                let found = object.pointer(path).cloned().unwrap_or_default();
                assert_eq!(found, operation["value"]);
                continue;
            }
            if path.is_empty() {
                object = operation["value"].clone();
                continue;
            }
            let (parent, key) = path.rsplit_once('/').unwrap();
            let key = key.replace("~1", "/").replace("~0", "~");
            let parent = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            match operation["op"].as_str().unwrap() {
                "remove" => drop(parent.remove(&key).unwrap()),
                "replace" => drop(parent.insert(key, operation["value"].clone()).unwrap()),
                "add" => drop(parent.insert(key, operation["value"].clone())),
                other => panic!("{other}"),
            }
        }
        object
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c/~]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c/~]{0,2}", inner, 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_patch_makes_the_other_object(before in values(), after in values()) {
            prop_assert_eq!(patched(&before, &patch(&before, &before, &after)), after);
        }

        #[test]
        fn nothing_is_lost_of_what_is_there(value in values(), other in values()) {
            prop_assert_eq!(lost(&value, &value), None);
            if lost(&value, &other).is_none() && lost(&other, &value).is_none() && !value.is_object() && !value.is_array() {
                prop_assert_eq!(value, other);
            }
        }
    }

    #[test]
    fn what_the_change_does_not_know_of_stays() {
        let live = json!({"metadata": {"uid": "u", "resourceVersion": "7", "annotations": {"kept": "x"}}, "status": 1});
        let before = json!({"metadata": {}});
        let after = json!({"metadata": {"annotations": {"new/one": "y"}}});
        let patch = patch(&live, &before, &after);
        assert_eq!(
            patch,
            json!([
                {"op": "test", "path": "/metadata/uid", "value": "u"},
                {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
                {"op": "add", "path": "/metadata/annotations/new~1one", "value": "y"},
            ])
        );
        let patched = patched(&live, &patch);
        assert_eq!(
            patched["metadata"]["annotations"],
            json!({"kept": "x", "new/one": "y"})
        );
        assert_eq!(patched["status"], 1);
    }

    #[test]
    fn only_what_was_changed_has_to_be_kept() {
        let before =
            json!({"metadata": {"annotations": {"generation": "1"}}, "spec": {"a": [{"b": 1}], "c": {}}});
        let after = json!({"metadata": {"annotations": {"generation": "1"}}, "spec": {"a": [{"b": 1, "d": 2}], "c": {}}});
        let mut got = after.clone();
        got["metadata"]["annotations"]["generation"] = json!("2");
        assert_eq!(not_kept(&before, &after, &got), None);
        assert_eq!(not_kept(&before, &after, &before).as_deref(), Some("spec.a[0].d"));
        assert_eq!(not_kept(&before, &after, &json!({})).as_deref(), Some("spec"));
    }

    #[test]
    fn the_place_of_a_loss_is_named() {
        let asked = json!({"spec": {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}]}});
        let dropped = json!({"spec": {"initContainers": [{"name": "proxy", "defaulted": 1}]}, "status": {}});
        assert_eq!(
            lost(&asked, &dropped).as_deref(),
            Some("spec.initContainers[0].restartPolicy")
        );
        assert_eq!(
            lost(&json!({"securityContext": {}, "nothing": null}), &json!({})),
            None
        );
    }
}
