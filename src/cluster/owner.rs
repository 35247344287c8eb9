//! Which pods belong to an object: found through owner references, whatever the kind.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::{Client, core::Selector};
use serde::Deserialize;

use super::{
    discovery::{Collection, Discovery, built_in, discover},
    names::object_names,
    request::{RequestError, get_json},
    server::Server,
};
use crate::trace::object::{Pod, controller};

/// Owners own owners (CronJob, Job, Pod); no further than this.
const DEPTH: usize = 6;

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
    /// In words: `deployment.apps/web in namespace shop`.
    pub description: String,
    /// Its kind's plural.
    pub resource: String,
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
    kind: String,
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
        self.name == reference.name && self.group == group && self.kind == reference.kind
    }
}

/// What is read of an owner of any kind, one of a custom resource too.
#[derive(Debug, Deserialize)]
struct Owner {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: OwnerSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnerSpec {
    manual_selector: bool,
    replicas: Option<usize>,
    /// A LabelSelector, of most kinds.
    selector: serde_json::Value,
}

/// Looks up owners and remembers them.
pub struct Owners {
    server: Arc<Server>,
    targets: Vec<Wanted>,
    /// What the server has, once that was asked.
    discovery: Option<Discovery>,
    /// Whether an owner, by uid, belongs to a target.
    belongs: HashMap<String, bool>,
    /// Complaints for the user, each once.
    pub notes: Vec<String>,
}

/// Whether a word is the name of a type that every server has.
#[must_use]
pub fn is_type(word: &str) -> bool {
    built_in().any(|collection| collection.answers_to(word))
}

/// The types that have pods on every server, in the singular.
pub fn pod_owners() -> impl Iterator<Item = String> {
    built_in().map(|collection| collection.singular)
}

impl Owners {
    /// Knows no owner yet.
    #[must_use]
    pub fn new(server: Arc<Server>) -> Self {
        Self {
            server,
            targets: Vec::new(),
            discovery: None,
            belongs: HashMap::new(),
            notes: Vec::new(),
        }
    }

    /// Finds `TYPE/NAME` and traces its pods from now on.
    ///
    /// # Errors
    /// Where the type or the object is not there, or may not be read.
    pub async fn add(&mut self, kind: &str, name: &str, namespace: &str) -> Result<Target, OwnerError> {
        let collection = self.resolve(kind).await?;
        let path = collection.object_path(Some(namespace), name);
        let owner: Option<Owner> = match get_json(&self.server.client(), &path).await {
            Ok(owner) => Some(owner),
            Err(error) if error.code() == Some(404) => None,
            Err(error) => return Err(error.into()),
        };
        self.targets.push(Wanted {
            group: collection.group.clone(),
            kind: collection.kind.clone(),
            name: name.to_owned(),
            uid: owner
                .as_ref()
                .and_then(|owner| owner.metadata.uid.clone())
                .unwrap_or_default(),
        });
        let labels = owner.as_ref().and_then(|owner| match collection.plural.as_str() {
            // A Job's own selector names its uid, and the Job may be replaced.
            "jobs" if !owner.spec.manual_selector => Some(format!("job-name={name}")),
            _ => match_labels(&owner.spec.selector),
        });
        Ok(Target {
            description: collection.describe(Some(namespace), name),
            resource: collection.plural,
            path,
            is_there: owner.is_some(),
            replicas: owner.and_then(|owner| owner.spec.replicas),
            labels,
        })
    }

    /// The names of the objects of a type.
    ///
    /// # Errors
    /// Where the type is not there, or its objects may not be listed.
    pub async fn names(&mut self, kind: &str, namespace: &str) -> Result<Vec<String>, OwnerError> {
        let path = self.resolve(kind).await?.path(Some(namespace));
        Ok(object_names(&self.server.client(), &path).await?)
    }

    /// The type that a user means: `deploy`, `rollouts.argoproj.io`.
    async fn resolve(&mut self, typed: &str) -> Result<Collection, OwnerError> {
        if let Some(known) = built_in().find(|collection| collection.answers_to(typed)) {
            return Ok(known);
        }
        let found = self.discovery().await?.resolve(typed).cloned();
        found.ok_or_else(|| OwnerError::UnknownType(typed.to_owned()))
    }

    async fn discovery(&mut self) -> Result<&Discovery, RequestError> {
        let known = match self.discovery.take() {
            Some(known) => known,
            None => discover(&self.server).await?,
        };
        Ok(self.discovery.insert(known))
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
        let (api_version, kind) = (&reference.api_version, &reference.kind);
        let known = built_in().find(|one| one.kind == *kind && one.api_version() == *api_version);
        let collection = match known {
            Some(known) => Some(known),
            None => self.discovery().await?.of_kind(api_version, kind).cloned(),
        };
        let Some(collection) = collection else {
            return Ok(Vec::new());
        };
        let path = collection.object_path(Some(namespace), &reference.name);
        let owner: Owner = get_json(&self.server.client(), &path).await?;
        Ok(owner.metadata.owner_references.unwrap_or_default())
    }
}

/// The kind's plural and the path of a pod's controller; `None` for one whose kind is not Kubernetes' own.
#[must_use]
pub fn controller_path(pod: &Pod) -> Option<(String, String)> {
    let controller = controller(&pod.metadata.owner_references)?;
    let is_its =
        |one: &Collection| one.kind == controller.kind && one.api_version() == controller.api_version;
    let collection = built_in().find(is_its)?;
    let path = collection.object_path(Some(&pod.metadata.namespace), &controller.name);
    Some((collection.plural, path))
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
    let is_its =
        |one: &Collection| one.kind == controller.kind && one.api_version() == controller.api_version;
    let Some(collection) = built_in().find(is_its) else {
        return Ok(None);
    };
    let path = collection.object_path(Some(namespace), &controller.name);
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
    let selector = LabelSelector::deserialize(selector).ok()?;
    if selector
        .match_expressions
        .is_some_and(|expressions| !expressions.is_empty())
    {
        return None;
    }
    let labels = selector.match_labels.filter(|labels| !labels.is_empty())?;
    Some(Selector::from_iter(labels).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_selectors_are_used() {
        let plain = serde_json::json!({"matchLabels": {"app": "web", "tier": "front"}});
        assert_eq!(match_labels(&plain).as_deref(), Some("app=web,tier=front"));
        let rich = serde_json::json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]});
        assert_eq!(match_labels(&rich), None);
        assert_eq!(match_labels(&serde_json::Value::Null), None);
    }
}
