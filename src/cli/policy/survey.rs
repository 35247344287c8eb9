//! What a promotion does to the workloads of a cluster, one after another.

mod look;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cli::Error,
    cluster::{
        Collection, Filter, Glance, Pages, RequestError, Server, WorkloadKinds, discover, quotas,
        workload_kinds,
    },
    live::{is_over, templates},
    policy::{Promotion, exceeded, pod_of, pods_at_once},
    workload::Amounts,
};

use look::Look;

/// What a promotion does to all workloads.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// How many workloads were looked at.
    pub(super) seen: usize,
    /// Those whose pods are concerned.
    pub(super) effects: Vec<Effect>,
    /// Quotas that would be exceeded.
    pub(super) quotas: Vec<String>,
    /// What could not be looked at, and why.
    pub(super) unread: Vec<String>,
}

/// What a promotion does to the pods of one workload.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Effect {
    /// The workload's namespace.
    namespace: String,
    /// Its API version, such as `apps/v1`.
    api_version: String,
    /// Its kind.
    kind: String,
    /// Its name.
    name: String,
    /// Which of its pod templates, such as `spec.workerGroupSpecs[0].template.spec`; absent where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    #[serde(flatten)]
    pub(super) change: Change,
    /// Its pod before and after.
    #[serde(skip)]
    pub(super) diff: String,
}

/// What is done to a pod.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(super) enum Change {
    /// Sidecars among its regular containers become native ones.
    Promoted {
        /// The init containers.
        init_containers: Names,
        /// The regular containers.
        containers: Names,
        /// The sidecars whose readiness the app waits for.
        gates: Vec<String>,
        /// Those of them that wait for the app: the pod would never start.
        deadlocks: Vec<String>,
        /// What the pod asks for otherwise than before, by `requests.memory` and the like.
        resources: BTreeMap<String, Amount>,
    },
    /// It cannot be treated rightly, and would not be created.
    Refused {
        /// Why.
        reasons: Vec<String>,
    },
    /// It cannot be treated rightly, and stays as it is.
    Left {
        /// Why.
        reasons: Vec<String>,
    },
}

/// The names of containers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Names {
    /// As the template has them, with what webhooks add.
    pub(super) before: Vec<String>,
    /// As the pod has them.
    pub(super) after: Vec<String>,
}

/// An amount of a resource, such as `50Mi`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Amount {
    /// Without promotion.
    pub(super) before: String,
    /// With it.
    pub(super) after: String,
}

impl Effect {
    /// What tells its workload from others.
    pub(super) fn identity(&self) -> (&str, &str, &str, &str) {
        (&self.namespace, &self.api_version, &self.kind, &self.name)
    }

    /// `shop: Deployment web`
    pub(super) fn workload(&self) -> String {
        let template = self
            .template
            .as_ref()
            .map_or_else(String::new, |template| format!(" ({template})"));
        format!("{}: {} {}{template}", self.namespace, self.kind, self.name)
    }
}

impl Change {
    /// Whether pods would not start, or not be created.
    fn is_trouble(&self) -> bool {
        match self {
            Self::Promoted { deadlocks, .. } => !deadlocks.is_empty(),
            Self::Refused { .. } => true,
            Self::Left { .. } => false,
        }
    }
}

impl Survey {
    /// Whether nothing would deadlock, be refused or exceed a quota.
    pub(super) fn is_fine(&self) -> bool {
        self.quotas.is_empty() && self.effects.iter().all(|effect| !effect.change.is_trouble())
    }
}

/// An object of any kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Any {
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    uid: String,
}

impl Glance for Any {
    fn uid(&self) -> &str {
        &self.metadata.uid
    }
}

/// Looks at all workloads in namespaces that the promotion is for.
pub(super) async fn survey(
    server: &Server,
    promotion: &Promotion,
    is_installed: bool,
    namespace: Option<&str>,
) -> Result<Survey, Error> {
    let discovery = discover(server).await?;
    let kinds = workload_kinds(server, &discovery).await?;
    let unread = kinds.unread.iter();
    let mut surveyor = Surveyor {
        namespaces: covered(server, promotion, namespace).await?,
        kinds: &kinds,
        look: Look {
            server,
            promotion,
            is_installed,
        },
        more: BTreeMap::new(),
        survey: Survey {
            unread: unread
                .map(|group| format!("{}: {}", group.api_version, group.reason))
                .collect(),
            ..Survey::default()
        },
    };
    for collection in kinds
        .collections
        .iter()
        .filter(|collection| collection.namespaced)
    {
        match list(server, &collection.path(namespace)).await {
            Ok(objects) => {
                for object in objects {
                    surveyor.take(collection, &object).await;
                }
            }
            Err(error) => surveyor.survey.unread.push(error.to_string()),
        }
    }
    surveyor.add_quotas().await;
    Ok(surveyor.survey)
}

/// A survey in the making.
struct Surveyor<'s> {
    /// Those whose pods the policy is for.
    namespaces: Vec<String>,
    kinds: &'s WorkloadKinds,
    look: Look<'s>,
    /// What promotion adds to what is asked for, by namespace.
    more: BTreeMap<String, Amounts>,
    survey: Survey,
}

impl Surveyor<'_> {
    /// Looks at one workload.
    async fn take(&mut self, collection: &Collection, object: &Value) {
        let home = text(object, "/metadata/namespace");
        let is_out = is_over(object) || self.kinds.make(object);
        if !self.namespaces.iter().any(|name| name == home) || is_out {
            return;
        }
        let templates: Vec<String> = templates(object)
            .into_iter()
            .filter(|path| is_pod_spec(path))
            .collect();
        self.survey.seen += usize::from(!templates.is_empty());
        for path in &templates {
            let effect = |change, diff| Effect {
                namespace: home.to_owned(),
                api_version: collection.api_version(),
                kind: collection.kind.clone(),
                name: text(object, "/metadata/name").to_owned(),
                template: (templates.len() > 1).then(|| dotted(path)),
                change,
                diff,
            };
            let Some(pod) = pod_of(object, path) else {
                continue;
            };
            match self.look.at(home, &pod).await {
                Ok(None) => {}
                Ok(Some(found)) => {
                    let sum = self.more.entry(home.to_owned()).or_default();
                    for (key, amount) in &found.more {
                        *sum.entry(key.clone()).or_default() +=
                            amount * i128::from(pods_at_once(&collection.kind, object, path));
                    }
                    self.survey.effects.push(effect(found.change, found.diff));
                }
                Err(error) => self.survey.unread.push(format!(
                    "{home}: {} {}: {error}",
                    collection.kind,
                    text(object, "/metadata/name")
                )),
            }
        }
    }

    /// Compares what promotion adds with the quotas.
    async fn add_quotas(&mut self) {
        for (home, more) in self.more.iter().filter(|(_, more)| !more.is_empty()) {
            match quotas(self.look.server, home).await {
                Ok(quotas) => self.survey.quotas.extend(
                    exceeded(&quotas, more)
                        .iter()
                        .map(|sentence| format!("{home}: {sentence}")),
                ),
                Err(error) => self.survey.unread.push(error.to_string()),
            }
        }
    }
}

/// The names of the namespaces whose pods the policy is for.
async fn covered(server: &Server, promotion: &Promotion, only: Option<&str>) -> Result<Vec<String>, Error> {
    let namespaces = match only {
        Some(name) => vec![server.get::<Value>(&format!("/api/v1/namespaces/{name}")).await?],
        None => list(server, "/api/v1/namespaces").await?,
    };
    let mut covered = Vec::new();
    for namespace in namespaces {
        let name = text(&namespace, "/metadata/name");
        let labels = namespace.pointer("/metadata/labels").unwrap_or(&Value::Null);
        // Nothing can be created in a namespace that is going.
        if is_over(&namespace) {
            continue;
        }
        if promotion
            .covers(name, labels)
            .map_err(|error| Error::Usage(error.to_string()))?
        {
            covered.push(name.to_owned());
        }
    }
    Ok(covered)
}

async fn list(server: &Server, path: &str) -> Result<Vec<Value>, RequestError> {
    let mut pages = Pages::new(server, path, &Filter::default());
    let mut all = Vec::new();
    while let Some(page) = pages.next::<Any>().await? {
        all.extend(
            page.iter()
                .filter_map(|listed| serde_json::from_str(listed.raw.get()).ok()),
        );
    }
    Ok(all)
}

/// Whether containers at a path are those of a pod, and not a controller's own list.
fn is_pod_spec(path: &str) -> bool {
    let field = path.rsplit('/').next().unwrap_or_default();
    field == "spec" || field.to_lowercase().ends_with("podspec")
}

/// A JSON pointer as people write it: `spec.workerGroupSpecs[0].template.spec`.
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        let is_index = part.bytes().all(|byte| byte.is_ascii_digit());
        if is_index {
            path += &format!("[{part}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path += &part.replace("~1", "/").replace("~0", "~");
        }
    }
    path
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
