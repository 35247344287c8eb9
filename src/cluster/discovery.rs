//! What kinds of objects a server has, and how kubectl's users call them.

use futures::{StreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use kube::core::discovery::v2::APIGroupDiscovery;
use serde::Deserialize;

use super::{request::RequestError, server::Server};

/// One answer for all groups (KEP-3352, stable in 1.30); servers that do not know it answer with the group list.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Group versions that are asked for at the same time where there is no aggregated answer.
const AT_ONCE: usize = 8;

/// The objects of one kind on a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collection {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version the server prefers.
    pub version: String,
    /// The plural, as in paths.
    pub plural: String,
    /// The singular; may be empty.
    pub singular: String,
    /// The kind.
    pub kind: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// `deploy`, `sts`, …
    pub short_names: Vec<String>,
}

impl Collection {
    /// `apps/v1`, `v1`
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The path of its objects: of one namespace, or of all.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        let base = base(&self.api_version());
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{base}/namespaces/{namespace}/{}", self.plural),
            None => format!("{base}/{}", self.plural),
        }
    }

    /// The path of one object.
    #[must_use]
    pub fn object_path(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{name}", self.path(namespace))
    }

    /// As kubectl prints it: `deployment.apps`, `pod`.
    #[must_use]
    pub fn display_name(&self) -> String {
        let name = match self.singular.as_str() {
            "" => self.kind.to_lowercase(),
            singular => singular.to_owned(),
        };
        if self.group.is_empty() {
            name
        } else {
            format!("{name}.{}", self.group)
        }
    }

    /// One object in words: `deployment.apps/web in namespace shop`.
    #[must_use]
    pub fn describe(&self, namespace: Option<&str>, name: &str) -> String {
        let object = format!("{}/{name}", self.display_name());
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{object} in namespace {namespace}"),
            None => object,
        }
    }

    /// Whether a user who types this may mean the collection.
    #[must_use]
    pub fn answers_to(&self, typed: &str) -> bool {
        let lower = typed.to_lowercase();
        let (name, group) = match lower.split_once('.') {
            Some((name, group)) => (name, Some(group)),
            None => (lower.as_str(), None),
        };
        let is_called = self.plural == name
            || self.singular == name
            || self.kind.to_lowercase() == name
            || self.short_names.iter().any(|short| short == name);
        is_called
            && group.is_none_or(|group| {
                group == self.group
                    // `deployments.v1.apps` names a version too.
                    || group == format!("{}.{}", self.version, self.group)
                    // `ingresses.networking` is enough for `networking.k8s.io`.
                    || self.group.starts_with(&format!("{group}."))
            })
    }
}

fn base(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

/// The kinds that every server has and that pods belong to: for these nothing has to be asked.
const BUILT_IN: [(&str, &str, &str, &str, &str); 9] = [
    ("apps", "v1", "deployments", "Deployment", "deploy"),
    ("apps", "v1", "replicasets", "ReplicaSet", "rs"),
    ("apps", "v1", "statefulsets", "StatefulSet", "sts"),
    ("apps", "v1", "daemonsets", "DaemonSet", "ds"),
    ("batch", "v1", "jobs", "Job", ""),
    ("batch", "v1", "cronjobs", "CronJob", "cj"),
    ("", "v1", "replicationcontrollers", "ReplicationController", "rc"),
    ("", "v1", "pods", "Pod", "po"),
    ("", "v1", "nodes", "Node", "no"),
];

/// The collections that every server has and that pods belong to.
pub fn built_in() -> impl Iterator<Item = Collection> {
    BUILT_IN
        .into_iter()
        .map(|(group, version, plural, kind, short)| Collection {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            kind: kind.to_owned(),
            namespaced: kind != "Node",
            short_names: Some(short)
                .filter(|short| !short.is_empty())
                .map(str::to_owned)
                .into_iter()
                .collect(),
        })
}

/// A group version whose resources the server could not tell: an aggregated API that is down, mostly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// `metrics.k8s.io/v1beta1`
    pub api_version: String,
    /// What the server said.
    pub reason: String,
}

/// What a server has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Every collection that can be listed, each in the version that its group prefers, the core group first.
    pub collections: Vec<Collection>,
    /// What the server could not tell.
    pub unavailable: Vec<Unavailable>,
}

impl Discovery {
    /// The collection that a user means: `deploy`, `deployments`, `deployments.apps`, `deployments.v1.apps`,
    /// `Deployment`. Where several are called so, the first group of the server's order wins, as in kubectl.
    #[must_use]
    pub fn resolve(&self, typed: &str) -> Option<&Collection> {
        self.collections
            .iter()
            .find(|collection| collection.answers_to(typed))
    }

    /// The collection of an owner reference. The version is not compared: objects of one are those of another.
    #[must_use]
    pub fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Collection> {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        self.collections
            .iter()
            .find(|collection| collection.group == group && collection.kind == kind)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    /// Of an aggregated answer.
    items: Vec<APIGroupDiscovery>,
    /// Of an old answer to `/apis`.
    groups: Vec<APIGroup>,
    /// Of an old answer to `/api`.
    versions: Vec<String>,
}

/// Asks a server what it has. An aggregated API that is down is left out, and said.
///
/// # Errors
/// Where the server tells neither its core kinds nor its groups.
pub async fn discover(server: &Server) -> Result<Discovery, RequestError> {
    let mut discovery = Discovery::default();
    let mut asked_alone = Vec::new();
    for path in ["/api", "/apis"] {
        let answer: Answer = server
            .get_as(path, AGGREGATED, |text| serde_json::from_slice(text))
            .await?;
        asked_alone.extend(answer.versions);
        for group in answer.groups {
            let preferred = group.preferred_version;
            let versions = group.versions.into_iter();
            let others = versions.filter(|version| Some(version) != preferred.as_ref());
            asked_alone.extend(
                preferred
                    .iter()
                    .cloned()
                    .chain(others)
                    .map(|version| version.group_version),
            );
        }
        for group in answer.items {
            add_group(group, &mut discovery);
        }
    }
    let answers: Vec<_> = stream::iter(asked_alone)
        .map(|api_version| async move {
            let answer = server.get::<APIResourceList>(&base(&api_version)).await;
            (api_version, answer)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    for (api_version, answer) in answers {
        match answer {
            Ok(resources) => add_resources(&api_version, resources, &mut discovery),
            Err(error) => discovery.unavailable.push(Unavailable {
                api_version,
                reason: error.to_string(),
            }),
        }
    }
    Ok(discovery)
}

fn add_group(group: APIGroupDiscovery, discovery: &mut Discovery) {
    let name = group
        .metadata
        .and_then(|metadata| metadata.name)
        .unwrap_or_default();
    for served in group.versions {
        let version = served.version.unwrap_or_default();
        // `Stale` where the aggregated API did not answer the server.
        if served.freshness.as_deref() == Some("Stale") {
            let api_version = if name.is_empty() {
                version.clone()
            } else {
                format!("{name}/{version}")
            };
            discovery.unavailable.push(Unavailable {
                api_version,
                reason: "the server that serves it does not answer".to_owned(),
            });
        }
        for resource in served.resources {
            let Some(kind) = resource.response_kind else {
                continue;
            };
            let collection = Collection {
                group: name.clone(),
                version: version.clone(),
                plural: resource.resource.unwrap_or_default(),
                singular: resource.singular_resource.unwrap_or_default(),
                kind: kind.kind.unwrap_or_default(),
                namespaced: resource.scope.as_deref() == Some("Namespaced"),
                short_names: resource.short_names,
            };
            add(collection, &resource.verbs, discovery);
        }
    }
}

fn add_resources(api_version: &str, resources: APIResourceList, discovery: &mut Discovery) {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    for resource in resources.resources {
        // `pods/log`
        if resource.name.contains('/') {
            continue;
        }
        let collection = Collection {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: resource.name,
            singular: resource.singular_name,
            kind: resource.kind,
            namespaced: resource.namespaced,
            short_names: resource.short_names.unwrap_or_default(),
        };
        add(collection, &resource.verbs, discovery);
    }
}

/// Versions come in the order of preference: the first one that has a resource stays.
fn add(collection: Collection, verbs: &[String], discovery: &mut Discovery) {
    let known = discovery
        .collections
        .iter()
        .any(|other| other.group == collection.group && other.plural == collection.plural);
    if !known && verbs.iter().any(|verb| verb == "list") {
        discovery.collections.push(collection);
    }
}
