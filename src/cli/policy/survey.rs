//! What a promotion does to the workloads of a cluster, one after another.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::session::yaml_text;
use crate::{
    cli::Error,
    cluster::{Filter, Glance, Pages, RequestError, Server, created_pod, quotas},
    diff,
    policy::{
        OnConflict, Outcome, Promotion, deadlocked, exceeded, pod_of, pods_at_once, promoted, resources,
    },
    workload::{Amounts, write_amount},
};

/// The kinds that make pods, and pods: (path, kind).
const KINDS: [(&str, &str); 8] = [
    ("apps/v1/deployments", "Deployment"),
    ("apps/v1/statefulsets", "StatefulSet"),
    ("apps/v1/daemonsets", "DaemonSet"),
    ("apps/v1/replicasets", "ReplicaSet"),
    ("v1/replicationcontrollers", "ReplicationController"),
    ("batch/v1/cronjobs", "CronJob"),
    ("batch/v1/jobs", "Job"),
    ("v1/pods", "Pod"),
];

/// Where the policy says what it has promoted.
const PROMOTED: &str = "/metadata/annotations/kubectl-sidecar~1promoted";

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
#[derive(Debug)]
pub(super) struct Effect {
    /// `shop: Deployment web`
    pub(super) workload: String,
    /// What is done, a line each.
    pub(super) lines: Vec<String>,
    /// Its pod before and after.
    pub(super) diff: String,
    is_promoted: bool,
    is_trouble: bool,
}

impl Survey {
    pub(super) fn promoted(&self) -> usize {
        self.effects.iter().filter(|effect| effect.is_promoted).count()
    }

    pub(super) fn conflicts(&self) -> usize {
        self.effects.iter().filter(|effect| !effect.is_promoted).count()
    }

    /// Whether nothing would deadlock, be refused or exceed a quota.
    pub(super) fn is_fine(&self) -> bool {
        self.quotas.is_empty() && self.effects.iter().all(|effect| !effect.is_trouble)
    }
}

/// An object of any kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Any {
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
    let mut survey = Survey::default();
    let mut more: BTreeMap<String, Amounts> = BTreeMap::new();
    let look = Look {
        server,
        promotion,
        is_installed,
    };
    let namespaces = covered(server, promotion, namespace).await?;
    for (path, kind) in KINDS {
        let objects = match list(server, path, namespace).await {
            Ok(objects) => objects,
            Err(error) => {
                survey.unread.push(error.to_string());
                continue;
            }
        };
        for object in objects {
            let home = text(&object, "/metadata/namespace").to_owned();
            let is_out = is_going(&object) || is_made_by_another(&object) || is_over(kind, &object);
            if !namespaces.contains(&home) || is_out {
                continue;
            }
            let Some(pod) = pod_of(kind, &object) else {
                continue;
            };
            survey.seen += 1;
            let workload = format!("{home}: {kind} {}", text(&object, "/metadata/name"));
            match look.at(&home, &pod).await {
                Ok(None) => {}
                Ok(Some(found)) => {
                    let sum = more.entry(home).or_default();
                    for (key, amount) in &found.more {
                        *sum.entry(key.clone()).or_default() +=
                            amount * i128::from(pods_at_once(kind, &object));
                    }
                    survey.effects.push(found.effect(workload));
                }
                Err(error) => survey.unread.push(format!("{workload}: {error}")),
            }
        }
    }
    for (home, more) in more.iter().filter(|(_, more)| !more.is_empty()) {
        match quotas(server, home).await {
            Ok(quotas) => survey.quotas.extend(
                exceeded(&quotas, more)
                    .iter()
                    .map(|sentence| format!("{home}: {sentence}")),
            ),
            Err(error) => survey.unread.push(error.to_string()),
        }
    }
    Ok(survey)
}

/// The names of the namespaces whose pods the policy is for.
async fn covered(server: &Server, promotion: &Promotion, only: Option<&str>) -> Result<Vec<String>, Error> {
    let namespaces = match only {
        Some(name) => vec![server.get::<Value>(&format!("/api/v1/namespaces/{name}")).await?],
        None => list(server, "v1/namespaces", None).await?,
    };
    let mut covered = Vec::new();
    for namespace in namespaces {
        let name = text(&namespace, "/metadata/name");
        let labels = namespace.pointer("/metadata/labels").unwrap_or(&Value::Null);
        // Nothing can be created in a namespace that is going.
        if is_going(&namespace) {
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

async fn list(server: &Server, path: &str, namespace: Option<&str>) -> Result<Vec<Value>, RequestError> {
    let (base, resource) = path.rsplit_once('/').unwrap_or(("", path));
    let root = if base == "v1" {
        "/api/v1".to_owned()
    } else {
        format!("/apis/{base}")
    };
    let path = match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{resource}"),
        None => format!("{root}/{resource}"),
    };
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

/// It is being deleted.
fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// Its owner is looked at instead.
fn is_made_by_another(object: &Value) -> bool {
    object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .is_some_and(|owners| {
            owners
                .iter()
                .any(|owner| owner.get("controller") == Some(&Value::Bool(true)))
        })
}

/// It makes no pods any more.
fn is_over(kind: &str, object: &Value) -> bool {
    match kind {
        "Job" => object
            .pointer("/status/conditions")
            .and_then(Value::as_array)
            .is_some_and(|conditions| {
                conditions.iter().any(|condition| {
                    text(condition, "/status") == "True"
                        && matches!(text(condition, "/type"), "Complete" | "Failed")
                })
            }),
        "Pod" => matches!(text(object, "/status/phase"), "Succeeded" | "Failed"),
        _ => false,
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

struct Look<'s> {
    server: &'s Server,
    promotion: &'s Promotion,
    is_installed: bool,
}

/// What was found out about a workload's pod.
struct Found {
    lines: Vec<String>,
    diff: String,
    /// What it asks for beyond what it asked for before.
    more: Amounts,
    is_promoted: bool,
    is_trouble: bool,
}

impl Found {
    fn effect(self, workload: String) -> Effect {
        Effect {
            workload,
            lines: self.lines,
            diff: self.diff,
            is_promoted: self.is_promoted,
            is_trouble: self.is_trouble,
        }
    }
}

impl Look<'_> {
    /// What becomes of a pod; nothing where it stays as it is.
    async fn at(&self, namespace: &str, pod: &Value) -> Result<Option<Found>, RequestError> {
        let answer = created_pod(self.server, namespace, pod).await;
        // A quota that is used up by the workload itself refuses one more pod, and says nothing of promotion.
        let is_quota = |error: &RequestError| error.to_string().contains("exceeded quota");
        let stored = match answer {
            Ok(stored) => stored,
            Err(error) if is_quota(&error) => pod.clone(),
            Err(error) if self.is_installed && self.promotion.on_conflict == OnConflict::Deny => {
                return match promoted(pod, self.promotion) {
                    Outcome::Conflict(reasons) => Ok(Some(self.conflict(&reasons))),
                    _ => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        if self.is_installed && !text(&stored, PROMOTED).is_empty() {
            let names: Vec<String> = text(&stored, PROMOTED).split(',').map(str::to_owned).collect();
            return Ok(Some(self.promotion_of(pod, &stored, &names)));
        }
        // The pod with what webhooks add is what the policy sees.
        match promoted(&stored, self.promotion) {
            Outcome::Unchanged => Ok(None),
            Outcome::Conflict(reasons) => Ok(Some(self.conflict(&reasons))),
            Outcome::Promoted {
                pod: after, names, ..
            } => {
                let after = match created_pod(self.server, namespace, &after).await {
                    Ok(after) => after,
                    Err(error) if is_quota(&error) => after,
                    Err(error) => return Err(error),
                };
                Ok(Some(self.promotion_of(&stored, &after, &names)))
            }
        }
    }

    fn conflict(&self, reasons: &[String]) -> Found {
        let what = match self.promotion.on_conflict {
            OnConflict::Deny => "its pods would be refused",
            OnConflict::Ignore => "its pods stay as they are",
        };
        Found {
            lines: vec![format!("{what}: {}", reasons.join("; "))],
            diff: String::new(),
            more: Amounts::new(),
            is_promoted: false,
            is_trouble: self.promotion.on_conflict == OnConflict::Deny,
        }
    }

    fn promotion_of(&self, before: &Value, after: &Value, names: &[String]) -> Found {
        let mut lines = vec![format!(
            "initContainers: {} → {}",
            listed(before, "initContainers"),
            listed(after, "initContainers")
        )];
        lines.push(format!(
            "containers: {} → {}",
            listed(before, "containers"),
            listed(after, "containers")
        ));
        let waits: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| is_gate(after, name))
            .collect();
        if !waits.is_empty() {
            lines.push(format!("the app starts when {} is ready", waits.join(" and ")));
        }
        let deadlocks = deadlocked(before, self.promotion);
        for name in &deadlocks {
            lines.push(format!(
                "DEADLOCK: {name} is ready when the app is, and the app would start when {name} is ready; --gate {name}=none"
            ));
        }
        let (asked, asks) = (resources(before), resources(after));
        let more: Amounts = asks
            .iter()
            .map(|(key, amount)| (key.clone(), amount - asked.get(key).copied().unwrap_or_default()))
            .filter(|(_, more)| *more != 0)
            .collect();
        for key in more.keys() {
            let write = |amounts: &Amounts| write_amount(key, amounts.get(key).copied().unwrap_or_default());
            lines.push(format!("{key}: {} → {}", write(&asked), write(&asks)));
        }
        let shown = |pod: &Value| {
            ["initContainers", "containers"]
                .iter()
                .filter_map(|list| Some(yaml_text(&json!({ *list: pod.get("spec")?.get(*list)? }))))
                .collect::<String>()
        };
        Found {
            lines,
            diff: diff::unified(&shown(before), &shown(after), "before", "after"),
            more,
            is_promoted: true,
            is_trouble: !deadlocks.is_empty(),
        }
    }
}

fn containers<'p>(pod: &'p Value, list: &str) -> impl Iterator<Item = &'p Value> {
    pod.get("spec")
        .and_then(|spec| spec.get(list)?.as_array())
        .into_iter()
        .flatten()
}

fn listed(pod: &Value, list: &str) -> String {
    let names: Vec<&str> = containers(pod, list)
        .map(|container| text(container, "/name"))
        .collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

/// Whether the startupProbe of a container is the one that the policy makes.
fn is_gate(pod: &Value, name: &str) -> bool {
    containers(pod, "initContainers")
        .any(|container| text(container, "/name") == name && container.get("startupProbe").is_some())
}
