//! An object of a cluster as text that rules can read and people too.

use std::sync::Arc;

use serde_json::Value;

use super::Record;
use super::secrets::{is_secret_option, secrets};
use crate::{source::SourceFile, workload::discover, workload::objects_of, yaml};

/// kubectl keeps a copy of what was applied here: everything would be found twice.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object that holds pods.
#[derive(Debug)]
pub struct LiveObject {
    /// What reports call it: `shop/deployment/web`.
    pub source: String,
    /// `apps/v1`; items of a list do not say it.
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    /// The namespace.
    pub namespace: Option<String>,
    /// Its JSON.
    pub text: String,
    /// What its pods show.
    pub record: Record,
}

/// The object without what says nothing of the workload. `None` for what is no object.
#[must_use]
pub(crate) fn pruned(text: &str, api_version: &str, kind: &str) -> Option<Value> {
    let mut object: Value = serde_json::from_str(text).ok()?;
    prune(&mut object, api_version, kind)?;
    Some(object)
}

/// Whether an object has run to its end, or is on its way out.
#[must_use]
pub(crate) fn is_over(object: &Value) -> bool {
    let phase = object.pointer("/status/phase").and_then(Value::as_str);
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let has_ended = |condition: &Value| {
        let text = |key: &str| condition.get(key).and_then(Value::as_str);
        matches!(text("type"), Some("Complete" | "Failed")) && text("status") == Some("True")
    };
    object.pointer("/metadata/deletionTimestamp").is_some()
        || matches!(phase, Some("Succeeded" | "Failed"))
        || conditions.into_iter().flatten().any(has_ended)
}

/// Takes out what says nothing of the workload: `managedFields`, `status` and kubectl's copy.
pub(super) fn prune(object: &mut Value, api_version: &str, kind: &str) -> Option<()> {
    let fields = object.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), api_version.into());
    fields.insert("kind".to_owned(), kind.into());
    fields.remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    Some(())
}

/// The text of an object as YAML, as people write it.
pub(super) fn readable(name: &str, object: &Value) -> Option<Arc<SourceFile>> {
    let text = serde_yaml::to_string(object).ok()?;
    Some(source(name, text))
}

pub(super) fn source(name: &str, text: String) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        name: name.to_owned(),
        text: text.into(),
    })
}

/// A ConfigMap as a source of scripts. `None` for what is none.
#[must_use]
pub(crate) fn config_map(name: &str, text: &str) -> Option<Arc<SourceFile>> {
    let mut object = pruned(text, "v1", "ConfigMap")?;
    let fields = object.as_object_mut()?;
    fields.remove("binaryData");
    readable(name, &object)
}

/// The same text, byte for byte as long, without the values of environment variables, and without what looks like a
/// secret among arguments and in scripts: a report shows what stands around a finding.
pub(super) fn without_values(source: &SourceFile) -> Arc<SourceFile> {
    let mut text = source.text.to_string();
    for span in secrets(&source.text) {
        mask(&mut text, span);
    }
    if let Ok(stream) = yaml::parse(&source.text) {
        for object in objects_of(&stream) {
            for workload in discover(&object) {
                let variables = workload
                    .containers
                    .iter()
                    .flat_map(|container| container.environment());
                for variable in variables {
                    if let Some(value) = variable.node.get("value") {
                        mask(&mut text, value.span());
                    }
                }
            }
        }
        let words = stream.roots().flat_map(|(_, root)| root.walk());
        for option in words.filter(|word| word.as_str().is_some_and(is_secret_option)) {
            if let Some(value) = option.next_sibling() {
                mask(&mut text, value.span());
            }
        }
    }
    self::source(&source.name, text)
}

fn mask(text: &mut String, span: std::ops::Range<usize>) {
    let Some(value) = text.get(span.clone()) else {
        return;
    };
    let masked: String = value
        .chars()
        .flat_map(|character| {
            let shown = if matches!(character, '\n' | '\r') {
                character
            } else {
                '*'
            };
            std::iter::repeat_n(shown, character.len_utf8())
        })
        .collect();
    text.replace_range(span, &masked);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_says_nothing_is_left_out() {
        let text = r#"{"metadata": {"name": "a", "managedFields": [1], "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"}}, "status": {}, "spec": {}}"#;
        let object = pruned(text, "v1", "Pod").unwrap();
        assert_eq!(
            object,
            serde_json::json!({"apiVersion": "v1", "kind": "Pod", "spec": {},
                "metadata": {"name": "a", "annotations": {"kept": "yes"}}})
        );
        assert_eq!(pruned("[]", "v1", "Pod"), None);
    }

    #[test]
    fn values_of_variables_are_masked_in_place() {
        let text = "kind: Pod\nspec:\n  containers:\n  - image: a\n    name: a\n    env:\n    - {name: A, value: 'geheim, ö'}\n    - name: B\n      value: |\n        two\n        lines\n";
        let masked = without_values(&source("x", text.to_owned()));
        assert_eq!(masked.text.len(), text.len());
        for hidden in ["geheim", "ö", "two", "lines"] {
            assert!(!masked.text.contains(hidden), "{}", masked.text);
        }
        assert!(masked.text.contains("name: A, value: ***"), "{}", masked.text);
    }

    #[test]
    fn arguments_that_look_like_secrets_are_masked_in_place() {
        let text = "kind: Pod\nspec:\n  containers:\n  - name: a\n    args: [--password=hunter2, --token, geheim, --port=80]\n    command:\n    - sh\n    - -c\n    - |\n      API_TOKEN=abc psql postgres://u:pw1@db/x\n";
        let masked = without_values(&source("x", text.to_owned()));
        assert_eq!(masked.text.len(), text.len());
        for hidden in ["hunter2", "geheim", "abc", "pw1"] {
            assert!(!masked.text.contains(hidden), "{}", masked.text);
        }
        assert!(masked.text.contains("--port=80"), "{}", masked.text);
    }

    #[test]
    fn what_has_ended_is_over() {
        for (object, expected) in [
            (json!({"status": {"phase": "Running"}}), false),
            (json!({"status": {"phase": "Succeeded"}}), true),
            (
                json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}),
                true,
            ),
            (
                json!({"status": {"conditions": [{"type": "Available", "status": "True"}]}}),
                false,
            ),
            (json!({"metadata": {"deletionTimestamp": "t"}}), true),
        ] {
            assert_eq!(is_over(&object), expected, "{object}");
        }
    }
}
