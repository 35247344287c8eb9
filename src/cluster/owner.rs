//! Which pods belong to an object: found through owner references, whatever the kind.

use std::collections::{BTreeSet, HashMap};

use kube::Client;
use serde::Deserialize;

use super::{
    names::object_names,
    request::{RequestError, get_json},
};
use crate::trace::object::{OwnerReference, Pod};

/// Owners own owners (CronJob, Job, Pod); no further than this.
const DEPTH: usize = 6;

/// Short names that need no discovery: (name as typed, group and version, plural).
const KNOWN: [(&[&str], &str, &str); 9] = [
    (&["deploy", "deployment", "deployments"], "apps/v1", "deployments"),
    (&["rs", "replicaset", "replicasets"], "apps/v1", "replicasets"),
    (&["sts", "statefulset", "statefulsets"], "apps/v1", "statefulsets"),
    (&["ds", "daemonset", "daemonsets"], "apps/v1", "daemonsets"),
    (&["job", "jobs"], "batch/v1", "jobs"),
    (&["cj", "cronjob", "cronjobs"], "batch/v1", "cronjobs"),
    (
        &["rc", "replicationcontroller", "replicationcontrollers"],
        "v1",
        "replicationcontrollers",
    ),
    (&["po", "pod", "pods"], "v1", "pods"),
    (&["no", "node", "nodes"], "v1", "nodes"),
];

/// Why an owner could not be found.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// No such kind on this server.
    #[error("the server has no resource type {0:?}")]
    UnknownType(String),
    /// The object could not be read.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// An object whose pods are traced.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Its kind's plural.
    pub resource: String,
    /// Its name.
    pub name: String,
    /// Its path on the server.
    pub path: String,
    /// Whether it is there.
    pub is_there: bool,
    /// How many pods it wants.
    pub replicas: Option<usize>,
    /// A label selector all its pods match.
    pub labels: Option<String>,
}

/// A target as the references of what it owns name it: an object that takes its place has the same name.
#[derive(Debug, Clone)]
struct Wanted {
    group: String,
    /// The kind's names in lower case: `deployment`, `deployments`.
    kinds: Vec<String>,
    name: String,
    /// The object that was seen last.
    uid: String,
}

impl Wanted {
    fn is(&self, reference: &OwnerReference) -> bool {
        let group = reference
            .api_version
            .split_once('/')
            .map_or("", |(group, _)| group);
        self.name == reference.name
            && self.group == group
            && self.kinds.contains(&reference.kind.to_lowercase())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Owner {
    metadata: OwnerMetadata,
    spec: OwnerSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnerMetadata {
    uid: String,
    owner_references: Vec<OwnerReference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnerSpec {
    manual_selector: bool,
    replicas: Option<usize>,
    selector: serde_json::Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Resource {
    name: String,
    singular_name: String,
    kind: String,
    namespaced: bool,
    short_names: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Group {
    name: String,
    preferred_version: GroupVersion,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupVersion {
    group_version: String,
}

/// Looks up owners and remembers them.
pub struct Owners {
    client: Client,
    targets: Vec<Wanted>,
    resources: HashMap<String, Vec<Resource>>,
    /// Whether an owner, by uid, belongs to a target.
    belongs: HashMap<String, bool>,
    /// Complaints for the user, each once.
    pub notes: Vec<String>,
}

fn base(group_version: &str) -> String {
    if group_version.contains('/') {
        format!("/apis/{group_version}")
    } else {
        format!("/api/{group_version}")
    }
}

/// The path of all objects of a type, in one namespace where it is of one.
fn collection(group_version: &str, plural: &str, namespace: Option<&str>) -> String {
    let base = base(group_version);
    match namespace {
        Some(namespace) => format!("{base}/namespaces/{namespace}/{plural}"),
        None => format!("{base}/{plural}"),
    }
}

/// Whether a word is the name of a type that every server has.
#[must_use]
pub fn is_type(word: &str) -> bool {
    let lower = word.to_lowercase();
    KNOWN.iter().any(|(names, ..)| names.contains(&lower.as_str()))
}

/// The types that have pods on every server, in the singular.
pub fn pod_owners() -> impl Iterator<Item = &'static str> {
    KNOWN
        .iter()
        .filter_map(|(names, ..)| names.iter().rev().nth(1).copied())
}

impl Owners {
    /// Knows no owner yet.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            targets: Vec::new(),
            resources: HashMap::new(),
            belongs: HashMap::new(),
            notes: Vec::new(),
        }
    }

    /// Finds `TYPE/NAME` and traces its pods from now on.
    ///
    /// # Errors
    /// Where the type or the object is not there, or may not be read.
    pub async fn add(&mut self, kind: &str, name: &str, namespace: &str) -> Result<Target, OwnerError> {
        let (group_version, resource, namespaced) = self.resource(kind).await?;
        let path = format!(
            "{}/{name}",
            collection(&group_version, &resource, namespaced.then_some(namespace))
        );
        let owner: Option<Owner> = match get_json(&self.client, &path).await {
            Ok(owner) => Some(owner),
            Err(error) if error.code() == Some(404) => None,
            Err(error) => return Err(error.into()),
        };
        let kinds = self.kinds(&group_version, &resource);
        self.targets.push(Wanted {
            group: group_version
                .split_once('/')
                .map_or("", |(group, _)| group)
                .to_owned(),
            kinds,
            name: name.to_owned(),
            uid: owner
                .as_ref()
                .map(|owner| owner.metadata.uid.clone())
                .unwrap_or_default(),
        });
        let labels = owner.as_ref().and_then(|owner| match resource.as_str() {
            // A Job's own selector names its uid, and the Job may be replaced.
            "jobs" if !owner.spec.manual_selector => Some(format!("job-name={name}")),
            _ => match_labels(&owner.spec.selector),
        });
        Ok(Target {
            resource,
            name: name.to_owned(),
            path,
            is_there: owner.is_some(),
            replicas: owner.and_then(|owner| owner.spec.replicas),
            labels,
        })
    }

    /// The names of a kind in lower case, as references and users write it.
    fn kinds(&self, group_version: &str, plural: &str) -> Vec<String> {
        let known = KNOWN
            .iter()
            .find(|(_, version, name)| *version == group_version && *name == plural);
        if let Some((names, ..)) = known {
            return names.iter().map(|name| (*name).to_owned()).collect();
        }
        let resources = self.resources.get(group_version).into_iter().flatten();
        resources
            .filter(|resource| resource.name == plural)
            .map(|resource| resource.kind.to_lowercase())
            .collect()
    }

    /// The names of the objects of a type.
    ///
    /// # Errors
    /// Where the type is not there, or its objects may not be listed.
    pub async fn names(&mut self, kind: &str, namespace: &str) -> Result<Vec<String>, OwnerError> {
        let (group_version, resource, namespaced) = self.resource(kind).await?;
        let path = collection(&group_version, &resource, namespaced.then_some(namespace));
        Ok(object_names(&self.client, &path).await?)
    }

    /// The group and version, plural and scope of a type as the user wrote it: `deploy`, `rollouts.argoproj.io`.
    async fn resource(&mut self, typed: &str) -> Result<(String, String, bool), OwnerError> {
        let lower = typed.to_lowercase();
        if let Some((_, group_version, plural)) =
            KNOWN.iter().find(|(names, ..)| names.contains(&lower.as_str()))
        {
            return Ok((
                (*group_version).to_owned(),
                (*plural).to_owned(),
                *plural != "nodes",
            ));
        }
        let (name, group) = lower
            .split_once('.')
            .map_or((lower.as_str(), None), |(name, group)| (name, Some(group)));
        let groups: Groups = get_json(&self.client, "/apis").await?;
        for one in groups.groups {
            if group.is_some_and(|group| group != one.name) {
                continue;
            }
            let version = one.preferred_version.group_version;
            let Ok(resources) = self.resources_of(&version).await else {
                continue;
            };
            let matches = |resource: &&Resource| {
                resource.name == name
                    || resource.singular_name == name
                    || resource.kind.to_lowercase() == name
                    || resource.short_names.iter().any(|short| short == name)
            };
            let found = resources
                .iter()
                .filter(|resource| !resource.name.contains('/'))
                .find(matches);
            if let Some(found) = found {
                return Ok((version, found.name.clone(), found.namespaced));
            }
        }
        Err(OwnerError::UnknownType(typed.to_owned()))
    }

    async fn resources_of(&mut self, group_version: &str) -> Result<Vec<Resource>, RequestError> {
        if let Some(known) = self.resources.get(group_version) {
            return Ok(known.clone());
        }
        let list: Resources = get_json(&self.client, &base(group_version)).await?;
        self.resources
            .insert(group_version.to_owned(), list.resources.clone());
        Ok(list.resources)
    }

    /// Whether a pod belongs to a target, through however many owners.
    pub async fn owns(&mut self, pod: &Pod) -> bool {
        let mut open: Vec<(OwnerReference, Vec<String>)> = pod
            .metadata
            .owner_references
            .iter()
            .map(|reference| (reference.clone(), Vec::new()))
            .collect();
        let mut asked: Vec<String> = Vec::new();
        let mut found = false;
        while let Some((reference, mut chain)) = open.pop() {
            chain.push(reference.uid.clone());
            asked.push(reference.uid.clone());
            let is_target = self.is_target(&reference);
            if is_target || self.belongs.get(&reference.uid) == Some(&true) {
                for uid in chain {
                    self.belongs.insert(uid, true);
                }
                found = true;
                break;
            }
            if self.belongs.contains_key(&reference.uid) || chain.len() >= DEPTH {
                continue;
            }
            match self.owners_of(&reference, &pod.metadata.namespace).await {
                Ok(owners) => open.extend(owners.into_iter().map(|owner| (owner, chain.clone()))),
                Err(error) => {
                    let note = format!(
                        "{}/{} could not be read, so its pods may be missing: {error}",
                        reference.kind, reference.name
                    );
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
            }
        }
        if !found {
            for uid in asked {
                self.belongs.entry(uid).or_insert(false);
            }
        }
        found
    }

    /// Whether an owner is what was asked for, by its name. Says so where it is another object than before.
    fn is_target(&mut self, reference: &OwnerReference) -> bool {
        let Some(target) = self.targets.iter_mut().find(|target| target.is(reference)) else {
            return false;
        };
        if !target.uid.is_empty() && target.uid != reference.uid && !self.belongs.contains_key(&reference.uid)
        {
            self.notes.push(format!(
                "{}/{} was made anew (uid {}): its pods are traced as well",
                reference.kind, reference.name, reference.uid
            ));
        }
        target.uid.clone_from(&reference.uid);
        true
    }

    async fn owners_of(
        &mut self,
        reference: &OwnerReference,
        namespace: &str,
    ) -> Result<Vec<OwnerReference>, RequestError> {
        let resources = self.resources_of(&reference.api_version).await?;
        let Some(resource) = resources
            .iter()
            .find(|resource| resource.kind == reference.kind && !resource.name.contains('/'))
        else {
            return Ok(Vec::new());
        };
        let place = if resource.namespaced {
            format!("namespaces/{namespace}/")
        } else {
            String::new()
        };
        let path = format!(
            "{}/{place}{}/{}",
            base(&reference.api_version),
            resource.name,
            reference.name
        );
        let owner: Owner = get_json(&self.client, &path).await?;
        Ok(owner.metadata.owner_references)
    }
}

/// The names of the containers in the template of a pod's controller; `None` for one whose kind is not Kubernetes' own.
///
/// # Errors
/// Where it may not be read, or is not there.
pub async fn template_containers(
    client: &Client,
    controller: &OwnerReference,
    namespace: &str,
) -> Result<Option<BTreeSet<String>>, RequestError> {
    let kind = controller.kind.to_lowercase();
    let Some((_, group_version, plural)) = KNOWN.iter().find(|(names, group_version, _)| {
        names.contains(&kind.as_str()) && *group_version == controller.api_version
    }) else {
        return Ok(None);
    };
    let path = format!(
        "{}/{}",
        collection(group_version, plural, Some(namespace)),
        controller.name
    );
    let object: serde_json::Value = get_json(client, &path).await?;
    let names = |list: &str| {
        let containers = object.pointer(&format!("/spec/template/spec/{list}"));
        containers.and_then(serde_json::Value::as_array).cloned()
    };
    // Containers of an owner of that name that is another object say nothing of these pods.
    let uid = object
        .pointer("/metadata/uid")
        .and_then(serde_json::Value::as_str);
    let (Some(regular), true) = (names("containers"), uid == Some(controller.uid.as_str())) else {
        return Ok(None);
    };
    let all = regular
        .into_iter()
        .chain(names("initContainers").into_iter().flatten());
    let names = all.filter_map(|container| Some(container.get("name")?.as_str()?.to_owned()));
    Ok(Some(names.collect()))
}

/// `spec.selector` as a label selector, where it says no more than which labels must be equal.
fn match_labels(selector: &serde_json::Value) -> Option<String> {
    let expressions = selector
        .get("matchExpressions")
        .and_then(serde_json::Value::as_array);
    if expressions.is_some_and(|expressions| !expressions.is_empty()) {
        return None;
    }
    let labels = selector.get("matchLabels")?.as_object()?;
    let pairs: Option<Vec<String>> = labels
        .iter()
        .map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
        .collect();
    pairs
        .filter(|pairs| !pairs.is_empty())
        .map(|pairs| pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_selectors_are_used() {
        let plain = serde_json::json!({"matchLabels": {"app": "web", "tier": "front"}});
        assert_eq!(match_labels(&plain).as_deref(), Some("app=web,tier=front"));
        let rich = serde_json::json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x"}]});
        assert_eq!(match_labels(&rich), None);
        assert_eq!(match_labels(&serde_json::Value::Null), None);
    }
}
