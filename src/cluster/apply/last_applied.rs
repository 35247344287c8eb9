//! What kubectl's client-side apply remembers of the file that was applied.

use serde_json::{Map, Value};

/// The annotation (k8s.io/api/core/v1, `LastAppliedConfigAnnotation`).
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The file that was applied last; `None` where the object was not made by client-side apply.
#[must_use]
pub fn last_applied(object: &Value) -> Option<Value> {
    let annotations = object.pointer("/metadata/annotations")?;
    let text = annotations.get(LAST_APPLIED)?.as_str()?;
    serde_json::from_str(text).ok()
}

/// The object with another file remembered.
#[must_use]
pub fn with_last_applied(object: &Value, file: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata
            .entry("annotations")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(LAST_APPLIED.to_owned(), Value::String(written(file)));
        }
    }
    object
}

/// JSON as kubectl writes it, so that an apply of the same file finds nothing to change: Go's encoder sorts keys,
/// escapes what HTML would read and ends the line.
fn written(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let mut keys: Vec<&String> = entries.keys().collect();
            keys.sort();
            text.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                write(entries.get(key).unwrap_or(&Value::Null), text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::String(string) => write_string(string, text),
        other => text.push_str(&other.to_string()),
    }
}

fn write_string(string: &str, text: &mut String) {
    for character in Value::from(string).to_string().chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_written_as_kubectl_writes_it() {
        let file = json!({"kind": "Pod", "args": ["a && b > \"c\"", 1, true, null], "a": {}});
        assert_eq!(
            written(&file),
            "{\"a\":{},\"args\":[\"a \\u0026\\u0026 b \\u003e \\\"c\\\"\",1,true,null],\"kind\":\"Pod\"}\n"
        );
    }

    #[test]
    fn what_was_applied_is_read_and_replaced() {
        let object =
            json!({"metadata": {"annotations": {LAST_APPLIED: "{\"kind\":\"Pod\"}\n", "other": "x"}}});
        assert_eq!(last_applied(&object), Some(json!({"kind": "Pod"})));
        let changed = with_last_applied(&object, &json!({"kind": "Job"}));
        assert_eq!(last_applied(&changed), Some(json!({"kind": "Job"})));
        assert_eq!(changed["metadata"]["annotations"]["other"], "x");
        assert_eq!(last_applied(&json!({"metadata": {}})), None);
    }
}
