//! What becomes of one pod.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Amount, Change, Names, text};
use crate::{
    cli::policy::session::yaml_text,
    cluster::{RequestError, Server, created_pod},
    diff,
    policy::{OnConflict, Outcome, Promotion, deadlocked, promoted, resources},
    workload::{Amounts, write_amount},
};

/// Where the policy says what it has promoted.
const PROMOTED: &str = "/metadata/annotations/kubectl-sidecar~1promoted";

/// What pods are looked at with.
pub(super) struct Look<'s> {
    pub(super) server: &'s Server,
    pub(super) promotion: &'s Promotion,
    pub(super) is_installed: bool,
}

/// What was found out about a workload's pod.
pub(super) struct Found {
    pub(super) change: Change,
    /// The pod before and after.
    pub(super) diff: String,
    /// What it asks for beyond what it asked for before.
    pub(super) more: Amounts,
}

impl Look<'_> {
    /// What becomes of a pod; nothing where it stays as it is.
    pub(super) async fn at(&self, namespace: &str, pod: &Value) -> Result<Option<Found>, RequestError> {
        let answer = created_pod(self.server, namespace, pod).await;
        // A quota that is used up by the workload itself refuses one more pod, and says nothing of promotion.
        let is_quota = |error: &RequestError| error.to_string().contains("exceeded quota");
        let stored = match answer {
            Ok(stored) => stored,
            Err(error) if is_quota(&error) => pod.clone(),
            Err(error) if self.is_installed && self.promotion.on_conflict == OnConflict::Deny => {
                return match promoted(pod, self.promotion) {
                    Outcome::Conflict(reasons) => Ok(Some(self.conflict(reasons))),
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
            Outcome::Conflict(reasons) => Ok(Some(self.conflict(reasons))),
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

    fn conflict(&self, reasons: Vec<String>) -> Found {
        Found {
            change: match self.promotion.on_conflict {
                OnConflict::Deny => Change::Refused { reasons },
                OnConflict::Ignore => Change::Left { reasons },
            },
            diff: String::new(),
            more: Amounts::new(),
        }
    }

    fn promotion_of(&self, before: &Value, after: &Value, names: &[String]) -> Found {
        let (asked, asks) = (resources(before), resources(after));
        let more: Amounts = asks
            .iter()
            .map(|(key, amount)| (key.clone(), amount - asked.get(key).copied().unwrap_or_default()))
            .filter(|(_, more)| *more != 0)
            .collect();
        let amount = |key: &String| {
            let write = |amounts: &Amounts| write_amount(key, amounts.get(key).copied().unwrap_or_default());
            let amount = Amount {
                before: write(&asked),
                after: write(&asks),
            };
            (key.clone(), amount)
        };
        let names_of = |list: &str| Names {
            before: listed(before, list),
            after: listed(after, list),
        };
        let shown = |pod: &Value| {
            ["initContainers", "containers"]
                .iter()
                .filter_map(|list| Some(yaml_text(&json!({ *list: pod.get("spec")?.get(*list)? }))))
                .collect::<String>()
        };
        Found {
            change: Change::Promoted {
                init_containers: names_of("initContainers"),
                containers: names_of("containers"),
                gates: names
                    .iter()
                    .filter(|name| is_gate(after, name))
                    .cloned()
                    .collect(),
                deadlocks: deadlocked(before, self.promotion),
                resources: more.keys().map(amount).collect::<BTreeMap<_, _>>(),
            },
            diff: diff::unified(&shown(before), &shown(after), "before", "after"),
            more,
        }
    }
}

fn containers<'p>(pod: &'p Value, list: &str) -> impl Iterator<Item = &'p Value> {
    pod.get("spec")
        .and_then(|spec| spec.get(list)?.as_array())
        .into_iter()
        .flatten()
}

fn listed(pod: &Value, list: &str) -> Vec<String> {
    containers(pod, list)
        .map(|container| text(container, "/name").to_owned())
        .collect()
}

/// Whether the startupProbe of a container is the one that the policy makes.
fn is_gate(pod: &Value, name: &str) -> bool {
    containers(pod, "initContainers")
        .any(|container| text(container, "/name") == name && container.get("startupProbe").is_some())
}
