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
    let map = ScalarMap::new(node);
    let mut found = settings_in(text);
    for setting in &mut found {
        setting.span = map.raw_range(setting.span.clone());
    }
    found.sort_by_key(|setting| setting.span.start);
    found
}

/// The settings of a text, with their places in it.
pub(crate) fn settings_in(text: &str) -> Vec<Setting> {
    let Ok(stream) = yaml::parse(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut stack: Vec<Node<'_>> = stream.roots().map(|(_, root)| root).collect();
    let mut budget = 10_000_usize;
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
                    span: entry_span(entry),
                }),
                _ => stack.push(entry.value),
            }
        }
        stack.extend(inner.items());
    }
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
/// ConfigMap `istio`, or Helm values that have `meshConfig`, in a file of their own or in the object that hands them to
/// a chart.
pub(crate) fn mesh_settings<'t>(object: &Object<'t>, keys: &[&str]) -> Vec<MeshSetting<'t>> {
    let roots = match object.reference.kind.as_str() {
        "IstioOperator" | "Istio" | "ProxyConfig" => object.node.get("spec").into_iter().collect(),
        "ConfigMap" if object.reference.name.starts_with("istio") => {
            object.node.get("data").into_iter().collect()
        }
        "" => mesh_configs(object.node),
        "HelmRelease" => values(object.node, &["spec", "values"]),
        "Application" => values(object.node, &["spec", "source", "helm", "valuesObject"]),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    let mut stack: Vec<Node<'t>> = roots;
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

fn values<'t>(object: Node<'t>, path: &[&str]) -> Vec<Node<'t>> {
    object.path(path).map(mesh_configs).unwrap_or_default()
}

/// The `meshConfig` of Helm values, and `global.proxy`, where its settings stood before: of the chart itself, and of the
/// charts below it, whose values stand under their names.
fn mesh_configs(values: Node<'_>) -> Vec<Node<'_>> {
    let below = values.entries().into_iter().map(|entry| entry.value);
    std::iter::once(values)
        .chain(below)
        .flat_map(|values| [values.get("meshConfig"), values.path(&["global", "proxy"])])
        .flatten()
        .collect()
}

/// An entry of a patch in a kustomization that may be an annotation.
pub(crate) struct Patched<'t> {
    /// The scalar that holds the patch.
    pub(crate) node: Node<'t>,
    /// The entry's key.
    pub(crate) key: String,
    /// Its value.
    pub(crate) value: String,
    /// The bytes from its key to the end of its value.
    pub(crate) span: Range<usize>,
}

/// The fields of a kustomization that list patches (kustomize's `types.Kustomization`).
const PATCHES: [&str; 3] = ["patches", "patchesStrategicMerge", "patchesJson6902"];

/// What the inline patches of a kustomization set: entries of strategic merge patches and of the values of JSON
/// patches at any depth, and the single keys that the paths of JSON patches name.
pub(crate) fn patched<'t>(object: &Object<'t>) -> Vec<Patched<'t>> {
    if !["Kustomization", "Component"].contains(&object.reference.kind.as_str()) {
        return Vec::new();
    }
    let lists = PATCHES.iter().filter_map(|field| object.node.get(field));
    let texts = lists
        .flat_map(Node::items)
        .filter_map(|item| item.get("patch").or(Some(item)))
        .filter(|text| text.as_str().is_some_and(|text| text.contains(':')));
    texts.flat_map(patched_by).collect()
}

fn patched_by(patch: Node<'_>) -> Vec<Patched<'_>> {
    let Ok(stream) = yaml::parse(patch.as_str().unwrap_or_default()) else {
        return Vec::new();
    };
    let map = ScalarMap::new(patch);
    let mut found = Vec::new();
    let mut stack: Vec<Node<'_>> = stream.roots().map(|(_, root)| root).collect();
    let mut budget = 10_000_usize;
    let mut add = |key: String, value: &str, span: Range<usize>| {
        found.push(Patched {
            node: patch,
            key,
            value: value.to_owned(),
            span: map.raw_range(span),
        });
    };
    while let Some(inner) = stack.pop() {
        budget = budget.saturating_sub(1);
        if budget == 0 {
            break;
        }
        let operation = inner.get("op").and_then(Node::as_str);
        let sets = matches!(operation, Some("add" | "replace"));
        if let (Some(path), Some(value), true) = (
            inner.get("path").and_then(Node::as_str),
            inner.entry("value"),
            sets,
        ) && let (Some(text), Some(last)) = (value.value.as_str(), path.rsplit('/').next())
        {
            // A slash in a key of a JSON pointer (RFC 6901, section 3).
            add(
                last.replace("~1", "/").replace("~0", "~"),
                text,
                entry_span(value),
            );
        }
        for entry in inner.entries() {
            match (entry.key.as_str(), entry.value.as_str()) {
                (Some(key), Some(value)) => add(key.to_owned(), value, entry_span(entry)),
                _ => stack.push(entry.value),
            }
        }
        stack.extend(inner.items());
    }
    found.sort_by_key(|patched| patched.span.start);
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
