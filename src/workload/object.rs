//! The objects of a document: one, or those in a List or an OpenShift Template.

use serde::{Deserialize, Serialize};

use crate::yaml::{Node, Stream};

/// What an object is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReference {
    /// `apps/v1`, `batch/v1`, …; empty where the text does not say.
    pub api_version: String,
    /// `Deployment`, `Job`, …; empty where the text does not say.
    pub kind: String,
    /// The namespace, where it is written.
    pub namespace: Option<String>,
    /// The name or generateName; empty where the text does not say.
    pub name: String,
}

/// An object of a document.
#[derive(Debug, Clone)]
pub struct Object<'t> {
    /// Its mapping.
    pub node: Node<'t>,
    /// Index of the document it stands in, from 0.
    pub document: usize,
    /// Its identity.
    pub reference: ObjectReference,
}

/// Lists nest no deeper than this.
const LIST_DEPTH: usize = 4;

/// All objects of a document. `kind: List`, `…List` and OpenShift's `kind: Template` give what they hold.
#[must_use]
pub fn objects(root: Node<'_>, document: usize) -> Vec<Object<'_>> {
    let mut found = Vec::new();
    collect(root, document, LIST_DEPTH, &mut found);
    found
}

/// All objects of a stream.
pub fn objects_of<'t>(stream: &'t Stream<'t>) -> impl Iterator<Item = Object<'t>> {
    stream
        .roots()
        .flat_map(|(document, root)| objects(root, document))
}

fn collect<'t>(node: Node<'t>, document: usize, depth: usize, found: &mut Vec<Object<'t>>) {
    let node = node.resolved();
    if node.is_sequence() {
        // A bare list of objects, as some generators write.
        if depth > 0 {
            node.items()
                .for_each(|item| collect(item, document, depth - 1, found));
        }
        return;
    }
    if !node.is_mapping() {
        return;
    }
    let reference = reference(node);
    let held = match reference.kind.as_str() {
        "Template" => node.get("objects"),
        kind if kind.ends_with("List") => node.get("items"),
        _ => None,
    };
    match held {
        Some(held) if held.is_sequence() && depth > 0 => {
            held.items()
                .for_each(|item| collect(item, document, depth - 1, found));
        }
        _ => found.push(Object {
            node,
            document,
            reference,
        }),
    }
}

fn reference(node: Node<'_>) -> ObjectReference {
    let text = |keys: &[&str]| node.path(keys).and_then(Node::as_str).map(str::to_owned);
    ObjectReference {
        api_version: text(&["apiVersion"]).unwrap_or_default(),
        kind: text(&["kind"]).unwrap_or_default(),
        namespace: text(&["metadata", "namespace"]),
        name: text(&["metadata", "name"])
            .or_else(|| text(&["metadata", "generateName"]))
            .unwrap_or_default(),
    }
}

/// The kinds that Kubernetes itself makes pods from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkloadKind {
    /// `v1/Pod`
    Pod,
    /// `apps/Deployment`
    Deployment,
    /// `apps/ReplicaSet`
    ReplicaSet,
    /// `v1/ReplicationController`
    ReplicationController,
    /// `apps/StatefulSet`
    StatefulSet,
    /// `apps/DaemonSet`
    DaemonSet,
    /// `batch/Job`
    Job,
    /// `batch/CronJob`
    CronJob,
    /// `v1/PodTemplate`
    PodTemplate,
    /// Any other object that holds a pod template.
    Custom,
}

impl WorkloadKind {
    /// The kind of an object by its `kind` and API group.
    #[must_use]
    pub fn of(reference: &ObjectReference) -> Self {
        let group = reference
            .api_version
            .rsplit_once('/')
            .map_or("", |(group, _)| group);
        // `extensions` served Deployment, DaemonSet and ReplicaSet until 1.16.
        match (group, reference.kind.as_str()) {
            ("", "Pod") => Self::Pod,
            ("", "ReplicationController") => Self::ReplicationController,
            ("", "PodTemplate") => Self::PodTemplate,
            ("apps" | "extensions" | "", "Deployment") => Self::Deployment,
            ("apps" | "extensions" | "", "ReplicaSet") => Self::ReplicaSet,
            ("apps" | "", "StatefulSet") => Self::StatefulSet,
            ("apps" | "extensions" | "", "DaemonSet") => Self::DaemonSet,
            ("batch" | "", "Job") => Self::Job,
            ("batch" | "", "CronJob") => Self::CronJob,
            _ => Self::Custom,
        }
    }
}
