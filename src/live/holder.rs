//! An object that may hold a pod template and own others, as a scan meets it.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::Value;

use super::{
    ObjectGlance, Owner, Uid,
    object::prune,
    template::{Shape, templates},
};

/// What a scan keeps of an object that is no pod.
#[derive(Debug)]
pub(crate) struct Holder {
    /// Its key.
    pub uid: Uid,
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: Option<String>,
    /// Who manages it.
    pub owner: Option<OwnerReference>,
    /// What is remembered of it.
    pub remembered: Owner,
    /// Its JSON, where it holds pods.
    pub text: Option<String>,
}

impl Holder {
    /// Reads an object. `None` for what is none.
    #[must_use]
    pub(crate) fn read(
        glance: &ObjectGlance,
        text: &str,
        api_version: &str,
        kind: &str,
        is_built_in: bool,
    ) -> Option<Self> {
        let mut object: Value = serde_json::from_str(text).ok()?;
        let has_completed = kind == "Job" && is_complete(&object);
        let revision = revision(&object, kind);
        prune(&mut object, api_version, kind)?;
        let templates = templates(&object);
        let shape = match templates.as_slice() {
            [only] => object.pointer(only).map(Shape::of_spec).map(Arc::new),
            _ => None,
        };
        let owner = glance.controller().cloned();
        Some(Self {
            uid: Uid::of(&glance.metadata.uid),
            name: glance.metadata.name.clone(),
            namespace: glance.metadata.namespace.clone(),
            remembered: Owner {
                owner: owner.as_ref().map(|owner| Uid::of(&owner.uid)),
                shape,
                revision,
                is_transparent: is_built_in,
                has_completed,
            },
            owner,
            // Argo's and Tekton's templates have other words for containers, and pods are found by the rules.
            text: (!templates.is_empty() || !is_built_in).then(|| object.to_string()),
        })
    }
}

/// A Job's condition `Complete`, or `SuccessCriteriaMet` just before it.
fn is_complete(object: &Value) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let text =
        |condition: &Value, field: &str| condition.get(field).and_then(Value::as_str).map(str::to_owned);
    conditions.into_iter().flatten().any(|condition| {
        text(condition, "status").as_deref() == Some("True")
            && matches!(
                text(condition, "type").as_deref(),
                Some("Complete" | "SuccessCriteriaMet")
            )
    })
}

/// The label that tells the pods of the present template from those of an earlier one, with its value.
fn revision(object: &Value, kind: &str) -> Option<(&'static str, String)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    match kind {
        "StatefulSet" => Some(("controller-revision-hash", text("/status/updateRevision")?)),
        "DaemonSet" => Some((
            "pod-template-generation",
            text("/metadata/annotations/deprecated.daemonset.template.generation")?,
        )),
        _ => None,
    }
}
