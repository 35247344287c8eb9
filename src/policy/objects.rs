//! The objects of a policy: what it matches, its variables, its binding.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Promotion, reach::NAMESPACE_LABEL, selector::SelectorError};
use crate::yaml::{NewDocument, Value};

/// The value of `app.kubernetes.io/managed-by` on everything that is installed.
pub const MANAGER: &str = "kubectl-sidecar";

/// The annotation that says which version made a policy.
pub const VERSION_ANNOTATION: &str = "kubectl-sidecar/version";

/// The annotation with the options a policy was made with, as JSON.
pub const OPTIONS_ANNOTATION: &str = "kubectl-sidecar/options";

/// The group and version of all admission policies.
const API: &str = "admissionregistration.k8s.io/v1";

/// One object of a policy, as it is printed and installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyObject {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its text, with comments.
    pub text: String,
}

impl PolicyObject {
    /// The resource of its kind, as it stands in the API's paths.
    #[must_use]
    pub fn resource(&self) -> String {
        plural(self.kind)
    }

    /// The object without comments, as a server takes it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        // It is made by the writer, whose texts are read again in tests.
        serde_yaml::from_str(&self.text).unwrap_or_default()
    }
}

/// The resource of a kind: `mutatingadmissionpolicies`.
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    }
}

/// A variable, condition or other part that a comment stands above.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its name.
    pub(super) name: &'static str,
    /// What it is for; empty where the name says it.
    pub(super) comment: String,
    /// The CEL expression.
    pub(super) expression: String,
}

impl Part {
    pub(super) fn new(name: &'static str, comment: &str, expression: impl Into<String>) -> Self {
        Self {
            name,
            comment: comment.to_owned(),
            expression: expression.into(),
        }
    }

    fn value(&self) -> Value {
        mapping([
            ("name", Value::string(self.name)),
            ("expression", Value::string(&self.expression)),
        ])
    }
}

pub(super) fn mapping<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Mapping(
        entries
            .into_iter()
            .map(|(key, value)| (Value::string(key), value))
            .collect(),
    )
}

pub(super) fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Value {
    Value::Sequence(words.into_iter().map(Value::string).collect())
}

/// An object that is being put together, with the comments on its parts.
#[derive(Debug)]
pub(super) struct Draft {
    kind: &'static str,
    name: String,
    options: Option<String>,
    spec: Vec<(Value, Value)>,
    comments: BTreeMap<String, String>,
}

impl Draft {
    /// An object of this kind and name.
    pub(super) fn new(kind: &'static str, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            options: None,
            spec: Vec::new(),
            comments: BTreeMap::new(),
        }
    }

    /// The options it was made with.
    pub(super) fn made_with(mut self, options: &impl Serialize) -> Self {
        self.options = serde_json::to_string(options).ok();
        self
    }

    /// A comment above the whole object.
    pub(super) fn about(mut self, comment: &str) -> Self {
        self.comments.insert(String::new(), comment.to_owned());
        self
    }

    /// A field of the spec.
    pub(super) fn field(mut self, key: &str, value: Value) -> Self {
        self.spec.push((Value::string(key), value));
        self
    }

    /// A field with a comment above it.
    pub(super) fn explained(mut self, key: &str, comment: &str, value: Value) -> Self {
        self.comments.insert(format!("spec.{key}"), comment.to_owned());
        self.field(key, value)
    }

    /// A field that is a list of named expressions.
    pub(super) fn parts(mut self, key: &str, parts: &[Part]) -> Self {
        for (index, part) in parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !part.comment.is_empty())
        {
            self.comments
                .insert(format!("spec.{key}[{index}]"), part.comment.clone());
        }
        let values = parts.iter().map(Part::value).collect();
        self.field(key, Value::Sequence(values))
    }

    pub(super) fn finish(self) -> PolicyObject {
        let version = Value::string(env!("CARGO_PKG_VERSION"));
        let mut annotations = vec![(Value::string(VERSION_ANNOTATION), version)];
        if let Some(options) = self.options {
            annotations.push((Value::string(OPTIONS_ANNOTATION), Value::string(options)));
        }
        let metadata = mapping([
            ("name", Value::string(&self.name)),
            (
                "labels",
                mapping([("app.kubernetes.io/managed-by", Value::string(MANAGER))]),
            ),
            ("annotations", Value::Mapping(annotations)),
        ]);
        let document = NewDocument {
            value: mapping([
                ("apiVersion", Value::string(API)),
                ("kind", Value::string(self.kind)),
                ("metadata", metadata),
                ("spec", Value::Mapping(self.spec)),
            ]),
            comments: self.comments,
        };
        PolicyObject {
            kind: self.kind,
            name: self.name,
            text: document.text(),
        }
    }
}

/// The pods' creation: no update, no ephemeral container, no other subresource.
pub(super) fn pod_creation() -> Value {
    let rule = mapping([
        ("apiGroups", words([""])),
        ("apiVersions", words(["v1"])),
        ("operations", words(["CREATE"])),
        ("resources", words(["pods"])),
    ]);
    mapping([("resourceRules", Value::Sequence(vec![rule]))])
}

/// The namespaces that a binding holds for, and why, where it is not all of them.
pub(super) fn namespaces(promotion: &Promotion) -> Result<Option<Value>, SelectorError> {
    let mut requirements: Vec<Value> = promotion
        .namespaces()?
        .iter()
        .map(super::selector::Requirement::value)
        .collect();
    if !promotion.include_kube_system {
        requirements.push(mapping([
            ("key", Value::string(NAMESPACE_LABEL)),
            ("operator", Value::string("NotIn")),
            ("values", words(["kube-system"])),
        ]));
    }
    if requirements.is_empty() {
        return Ok(None);
    }
    let selector = mapping([("matchExpressions", Value::Sequence(requirements))]);
    Ok(Some(mapping([("namespaceSelector", selector)])))
}

/// Whether a printed value is not there in what the server holds, which may say more.
pub(super) fn differs(printed: &serde_json::Value, held: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (printed, held) {
        (Json::Object(printed), Json::Object(held)) => printed
            .iter()
            .any(|(key, value)| held.get(key).is_none_or(|held| differs(value, held))),
        (Json::Array(printed), Json::Array(held)) => {
            printed.len() != held.len()
                || printed
                    .iter()
                    .zip(held)
                    .any(|(printed, held)| differs(printed, held))
        }
        _ => printed != held,
    }
}
