//! Which kinds of a server have pods: the built-in ones, and custom resources whose schema holds a pod template.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    discovery::{Collection, Discovery, Unavailable},
    request::RequestError,
    server::Server,
};

/// The kinds that Kubernetes itself makes pods from, and pods: (group, plural).
const BUILT_IN: [(&str, &str); 8] = [
    ("", "pods"),
    ("", "replicationcontrollers"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
];

/// The groups of Kubernetes itself, none of whose other kinds hold a pod template. Custom resources may end in
/// `k8s.io` too (`jobset.x-k8s.io`), so they are named one by one.
const OWN_GROUPS: [&str; 24] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "metrics.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Groups whose pods are written in other words: Argo's `container` and `script`, Tekton's `steps`. Their schemas
/// are often empty.
const OTHER_WORDS: [&str; 2] = ["argoproj.io", "tekton.dev"];

/// Schemas that are read at the same time; each may be megabytes.
const AT_ONCE: usize = 4;

/// How deep a pod template may lie in a schema.
const DEPTH: usize = 24;

/// The kinds that have pods.
#[derive(Debug, Clone, Default)]
pub struct WorkloadKinds {
    /// Pods, the built-in kinds, and custom resources.
    pub collections: Vec<Collection>,
    /// Groups that the server could not tell, or whose schema could not be read: whether they hold pods is not known.
    pub unread: Vec<Unavailable>,
}

impl WorkloadKinds {
    /// Whether these make an object: its controller is one of them, and is looked at itself; or a kubelet, whose picture
    /// of a static pod it is.
    #[must_use]
    pub fn make(&self, object: &serde_json::Value) -> bool {
        let owners = object
            .pointer("/metadata/ownerReferences")
            .and_then(serde_json::Value::as_array);
        owners.into_iter().flatten().any(|owner| {
            let kind = owner
                .get("kind")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default();
            owner.get("controller").and_then(serde_json::Value::as_bool) == Some(true)
                && (kind == "Node" || self.collections.iter().any(|collection| collection.kind == kind))
        })
    }
}

/// Whether objects of this collection are a part of Kubernetes itself that has pods.
#[must_use]
pub fn is_built_in_workload(collection: &Collection) -> bool {
    BUILT_IN.contains(&(collection.group.as_str(), collection.plural.as_str()))
}

/// Whether a group version is one of Kubernetes' own groups, or serves metrics: no workloads.
#[must_use]
fn is_own_group(api_version: &str) -> bool {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    OWN_GROUPS.contains(&group) || group.ends_with("metrics.k8s.io")
}

/// Finds the kinds that have pods. A schema that cannot be read is said, and the rest is found.
///
/// # Errors
/// Where the server does not list its schemas for another reason than that it has none.
pub async fn workload_kinds(server: &Server, discovery: &Discovery) -> Result<WorkloadKinds, RequestError> {
    let mut kinds = WorkloadKinds {
        collections: discovery
            .collections
            .iter()
            .filter(|collection| is_built_in_workload(collection))
            .cloned()
            .collect(),
        unread: discovery
            .unavailable
            .iter()
            .filter(|group| !is_own_group(&group.api_version))
            .cloned()
            .collect(),
    };
    let mut versions: Vec<String> = discovery
        .collections
        .iter()
        .filter(|collection| !OWN_GROUPS.contains(&collection.group.as_str()))
        .map(Collection::api_version)
        .collect();
    versions.dedup();
    if versions.is_empty() {
        return Ok(kinds);
    }
    let index: Index = server.get("/openapi/v3").await?;
    let schemas: Vec<_> = stream::iter(versions)
        .map(|api_version| {
            let path = index.paths.get(&format!("apis/{api_version}"));
            let path = path.map_or_else(
                || format!("/openapi/v3/apis/{api_version}"),
                |found| found.url.clone(),
            );
            async move {
                let holders = server
                    .get::<OpenApi<BTreeMap<String, Schema>>>(&path)
                    .await
                    .map(|openapi| openapi.holders());
                (api_version, holders)
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    for (api_version, holders) in schemas {
        match holders {
            Ok(holders) => {
                let found = discovery.collections.iter().filter(|collection| {
                    collection.api_version() == api_version && holders.contains(&collection.kind)
                });
                kinds.collections.extend(found.cloned());
            }
            Err(error) => kinds.unread.push(Unavailable {
                api_version,
                reason: error.to_string(),
            }),
        }
    }
    Ok(kinds)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Index {
    paths: BTreeMap<String, IndexEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IndexEntry {
    #[serde(rename = "serverRelativeURL")]
    url: String,
}

/// A document of OpenAPI, with as much of its schemas as is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "S: Default + Deserialize<'de>")]
pub(super) struct OpenApi<S> {
    pub(super) components: Components<S>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "S: Default + Deserialize<'de>")]
pub(super) struct Components<S> {
    pub(super) schemas: S,
}

/// The few words of a schema that tell where a pod template is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Schema {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    properties: BTreeMap<String, Schema>,
    items: Option<Box<Schema>>,
    additional_properties: Option<Additional>,
    all_of: Vec<Schema>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    is_open: bool,
    #[serde(rename = "x-kubernetes-group-version-kind")]
    kinds: Option<Kinds>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Additional {
    Schema(Box<Schema>),
    Other(IgnoredAny),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Kinds {
    Some(Vec<GroupVersionKind>),
    Other(IgnoredAny),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GroupVersionKind {
    group: String,
    kind: String,
}

impl OpenApi<BTreeMap<String, Schema>> {
    /// The kinds whose schema holds a pod template, or may hold one where it does not say.
    fn holders(&self) -> Vec<String> {
        let schemas = &self.components.schemas;
        let mut found = Vec::new();
        for schema in schemas.values() {
            let Some(Kinds::Some(kinds)) = &schema.kinds else {
                continue;
            };
            for kind in kinds {
                let search = Search {
                    schemas,
                    other_words: OTHER_WORDS.contains(&kind.group.as_str()),
                };
                if search.holds(schema, "", DEPTH) {
                    found.push(kind.kind.clone());
                }
            }
        }
        found
    }
}

struct Search<'a> {
    schemas: &'a BTreeMap<String, Schema>,
    other_words: bool,
}

impl Search<'_> {
    fn holds(&self, schema: &Schema, key: &str, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        if let Some(target) = self.target(schema) {
            return self.holds(target, key, depth);
        }
        let has = |name: &str| {
            schema
                .properties
                .get(name)
                .is_some_and(|property| self.has_images(property, depth))
        };
        if has("containers") || self.other_words && ["container", "script", "steps"].into_iter().any(has) {
            return true;
        }
        let says_nothing = schema.is_open && schema.properties.is_empty();
        if says_nothing && (is_template(key) || self.other_words && key == "spec") {
            return true;
        }
        let further = schema.all_of.iter().chain(&schema.any_of).chain(&schema.one_of);
        let additional = match &schema.additional_properties {
            Some(Additional::Schema(schema)) => Some(&**schema),
            _ => None,
        };
        schema
            .properties
            .iter()
            // No status holds what is to run.
            .any(|(name, property)| name != "status" && self.holds(property, name, depth))
            || further
                .chain(schema.items.as_deref())
                .chain(additional)
                .any(|inner| self.holds(inner, key, depth))
    }

    /// Whether a schema is that of a container, or of a list of containers.
    fn has_images(&self, schema: &Schema, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        if let Some(target) = self.target(schema) {
            return self.has_images(target, depth);
        }
        schema.properties.contains_key("image")
            || schema
                .items
                .as_deref()
                .is_some_and(|items| items.is_open || self.has_images(items, depth))
            || schema.all_of.iter().any(|inner| self.has_images(inner, depth))
    }

    /// What `$ref: #/components/schemas/NAME` stands for.
    fn target(&self, schema: &Schema) -> Option<&Schema> {
        let name = schema.reference.as_deref()?.rsplit('/').next()?;
        self.schemas.get(name)
    }
}

/// `template`, `podTemplate`, `workerPodTemplateSpec`, `podSpec`
fn is_template(key: &str) -> bool {
    let lower = key.to_lowercase();
    lower == "podspec" || lower.ends_with("template") || lower.ends_with("podtemplatespec")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holders(group: &str, spec: serde_json::Value) -> Vec<String> {
        let openapi: OpenApi<BTreeMap<String, Schema>> = serde_json::from_value(serde_json::json!({"components": {"schemas": {
            "io.example.Thing": {
                "x-kubernetes-group-version-kind": [{"group": group, "version": "v1", "kind": "Thing"}],
                "properties": {"spec": spec, "status": {"properties": {"containers": {"items": {"properties": {"image": {}}}}}}},
            },
            "Template": {"properties": {"spec": {"properties": {"containers": {"type": "array",
                "items": {"allOf": [{"$ref": "#/components/schemas/Container"}]}}}}}},
            "Container": {"properties": {"image": {"type": "string"}, "name": {"type": "string"}}},
            "Loop": {"properties": {"next": {"$ref": "#/components/schemas/Loop"}}},
        }}}))
        .unwrap();
        openapi.holders()
    }

    #[test]
    fn pod_templates_are_found_by_their_shape() {
        let held = serde_json::json!({"properties": {"replicas": {"additionalProperties": {"properties": {
            "template": {"properties": {"spec": {"properties": {"containers": {"items": {"properties": {"image": {}}}}}}}}}}}}});
        assert_eq!(holders("example.com", held), ["Thing"]);
        let referred =
            serde_json::json!({"properties": {"template": {"$ref": "#/components/schemas/Template"}}});
        assert_eq!(holders("example.com", referred), ["Thing"]);
        let open =
            serde_json::json!({"properties": {"template": {"x-kubernetes-preserve-unknown-fields": true}}});
        assert_eq!(holders("example.com", open), ["Thing"]);
    }

    #[test]
    fn other_schemas_hold_none() {
        for none in [
            serde_json::json!({"properties": {"containers": {"type": "integer"}}}),
            serde_json::json!({"properties": {"image": {"type": "string"}}, "additionalProperties": true}),
            serde_json::json!({"$ref": "#/components/schemas/Loop"}),
            serde_json::json!({"x-kubernetes-preserve-unknown-fields": true}),
        ] {
            assert!(holders("example.com", none.clone()).is_empty(), "{none}");
        }
    }

    #[test]
    fn argo_and_tekton_have_words_of_their_own() {
        let step = serde_json::json!({"properties": {"steps": {"items": {"properties": {"image": {}}}}}});
        assert_eq!(holders("tekton.dev", step.clone()), ["Thing"]);
        assert!(holders("example.com", step).is_empty());
        let open = serde_json::json!({"x-kubernetes-preserve-unknown-fields": true});
        assert_eq!(holders("argoproj.io", open), ["Thing"]);
    }
}
