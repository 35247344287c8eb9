//! YAML or JSON inside a string, such as the annotation `proxy.istio.io/config`.

use std::ops::Range;

use crate::{
    workload::Object,
    yaml::{self, Entry, Node, ScalarMap},
};

/// A setting inside a string.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// The innermost key.
    pub(crate) key: String,
    /// Its value.
    pub(crate) value: String,
    /// The bytes of the file from the key to the end of the value.
    pub(crate) span: Range<usize>,
}

/// All scalar settings inside a string, at any depth; nothing where it is no YAML mapping.
pub(crate) fn settings(node: Node<'_>) -> Vec<Setting> {
    let Some(text) = node.as_str() else {
        return Vec::new();
    };
    let Ok(stream) = yaml::parse(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut stack: Vec<Node<'_>> = stream.roots().map(|(_, root)| root).collect();
    let mut budget = 10_000_usize;
    let map = ScalarMap::new(node);
    while let Some(inner) = stack.pop() {
        budget = budget.saturating_sub(1);
        if budget == 0 {
            break;
        }
        for entry in inner.entries() {
            match (entry.key.as_str(), entry.value.as_str()) {
                (Some(key), Some(value)) => found.push(Setting {
                    key: key.to_owned(),
                    value: value.to_owned(),
                    span: map.raw_range(entry_span(entry)),
                }),
                _ => stack.push(entry.value),
            }
        }
        stack.extend(inner.items());
    }
    found.sort_by_key(|setting| setting.span.start);
    found
}

/// A setting of a mesh as a whole.
pub(crate) struct MeshSetting<'t> {
    /// The node it stands in.
    pub(crate) node: Node<'t>,
    /// Its value.
    pub(crate) value: String,
    /// The bytes from its key to the end of its value.
    pub(crate) span: Range<usize>,
}

/// The settings called one of `keys` in Istio's mesh configuration: an IstioOperator or Istio resource, the
/// ConfigMap `istio`, or Helm values that have `meshConfig`.
pub(crate) fn mesh_settings<'t>(object: &Object<'t>, keys: &[&str]) -> Vec<MeshSetting<'t>> {
    let root = match object.reference.kind.as_str() {
        "IstioOperator" | "Istio" | "ProxyConfig" => object.node.get("spec"),
        "ConfigMap" if object.reference.name.starts_with("istio") => object.node.get("data"),
        "" => object.node.get("meshConfig"),
        _ => None,
    };
    let mut found = Vec::new();
    let mut stack: Vec<Node<'t>> = root.into_iter().collect();
    let mut budget = 10_000_usize;
    while let Some(node) = stack.pop() {
        budget = budget.saturating_sub(1);
        if budget == 0 {
            break;
        }
        for entry in node.entries() {
            match (entry.key.as_str(), entry.value.as_str()) {
                (Some(key), Some(value)) if keys.contains(&key) => found.push(MeshSetting {
                    node: entry.value,
                    value: value.to_owned(),
                    span: entry_span(entry),
                }),
                (Some("mesh"), Some(_)) => {
                    found.extend(
                        settings(entry.value)
                            .into_iter()
                            .filter(|inner| keys.contains(&inner.key.as_str()))
                            .map(|inner| MeshSetting {
                                node: entry.value,
                                value: inner.value,
                                span: inner.span,
                            }),
                    );
                }
                (_, Some(_)) => {}
                _ => stack.push(entry.value),
            }
        }
        stack.extend(node.items());
    }
    found.sort_by_key(|setting| setting.span.start);
    found
}

/// The bytes that are marked for a key and its value.
pub(crate) fn entry_span(entry: Entry<'_>) -> Range<usize> {
    let (key, value) = (entry.key.span(), entry.value.span());
    // A value behind an alias stands elsewhere; a collection would mark many lines.
    if value.start >= key.end && !entry.value.is_mapping() && !entry.value.is_sequence() {
        key.start..value.end
    } else {
        key
    }
}
