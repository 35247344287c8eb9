//! Whether a cluster acts on the annotation that declares sidecars, asked only where a workload has it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{
    cluster::{RequestError, Server, policies, policy_api},
    live::LiveObject,
    pod::{KubernetesVersion, PROMOTES_SINCE, Promoters},
    policy::{NAMESPACE_LABEL, Reach},
    roles::DECLARATION_ANNOTATION,
};

/// What is said of policies and namespaces that could not be read.
const NOT_SEEN: &str = "whether a policy acts on kubectl-sidecar/sidecars was not seen";

/// The policies of a cluster that act on the annotation, and the namespaces that they select.
pub(super) struct PromotersOfNamespaces<'s> {
    server: &'s Server,
    prefix: &'s str,
    /// The version that somebody wants to be judged by, whatever the cluster runs.
    asked_version: Option<KubernetesVersion>,
    policies: Option<Policies>,
    namespaces: HashMap<String, Promoters>,
    /// What could not be read, and why.
    pub(super) refused: Vec<(String, String)>,
}

/// What is known of a cluster's policies.
enum Policies {
    /// The server is older than they are: its version says so.
    TooOld,
    /// They could not be read.
    NotSeen,
    Reach(Reach),
}

impl<'s> PromotersOfNamespaces<'s> {
    pub(super) fn new(server: &'s Server, prefix: &'s str, asked_version: Option<KubernetesVersion>) -> Self {
        Self {
            server,
            prefix,
            asked_version,
            policies: None,
            namespaces: HashMap::new(),
            refused: Vec::new(),
        }
    }

    /// Why the annotation would be without effect in a namespace; nothing where a bound policy acts on it.
    pub(super) async fn missing_in(&mut self, namespace: &str) -> Option<String> {
        let found = self.in_namespace(namespace).await;
        let reason = match (found, self.refused.last()) {
            (Promoters::Possible, None) => return None,
            (Promoters::Possible, Some((_, reason))) => reason.clone(),
            (Promoters::Unbound, _) => "the policy that acts on it has no binding".to_owned(),
            (Promoters::Elsewhere, _) => "no policy that acts on it is bound to this namespace".to_owned(),
            (Promoters::Missing | Promoters::Unasked, _) => "no policy of the cluster acts on it".to_owned(),
        };
        Some(format!(
            "{DECLARATION_ANNOTATION} would be without effect: {reason}; `policy promote` makes one"
        ))
    }

    /// What acts on the annotation where an object is.
    pub(super) async fn of(&mut self, object: &LiveObject) -> Promoters {
        let is_judged_by_version = self.asked_version.is_some_and(|version| version < PROMOTES_SINCE);
        if is_judged_by_version || !object.text.contains(DECLARATION_ANNOTATION) {
            return Promoters::Unasked;
        }
        let namespace = object.namespace.as_deref().unwrap_or_default();
        if let Some(known) = self.namespaces.get(namespace) {
            return *known;
        }
        let found = self.in_namespace(namespace).await;
        self.namespaces.insert(namespace.to_owned(), found);
        found
    }

    async fn in_namespace(&mut self, namespace: &str) -> Promoters {
        let policies = match self.policies.take() {
            Some(known) => known,
            None => self.read_policies().await,
        };
        let found = match &policies {
            Policies::TooOld => Promoters::Unasked,
            Policies::NotSeen => Promoters::Possible,
            Policies::Reach(reach) => match self.labels(namespace, reach).await {
                Some(labels) => reach.in_namespace(&labels),
                None => Promoters::Possible,
            },
        };
        self.policies = Some(policies);
        found
    }

    async fn read_policies(&mut self) -> Policies {
        match reach(self.server).await {
            Ok(known) => known,
            Err(error) => {
                self.refused.push((
                    format!("{}mutatingadmissionpolicies", self.prefix),
                    format!("{error}; {NOT_SEEN}"),
                ));
                Policies::NotSeen
            }
        }
    }

    /// The labels of a namespace, as far as the policies ask for them; nothing where they cannot be read.
    async fn labels(&mut self, namespace: &str, reach: &Reach) -> Option<Value> {
        if !reach.asks_for_labels() {
            return Some(json!({NAMESPACE_LABEL: namespace}));
        }
        let path = format!("/api/v1/namespaces/{namespace}");
        match self.server.get::<Value>(&path).await {
            Ok(mut object) => Some(
                object
                    .pointer_mut("/metadata/labels")
                    .map_or(Value::Null, Value::take),
            ),
            Err(error) => {
                let what = format!("{}namespace/{namespace}", self.prefix);
                self.refused.push((what, format!("{error}; {NOT_SEEN}")));
                None
            }
        }
    }
}

/// Where the policies of a server reach.
async fn reach(server: &Server) -> Result<Policies, RequestError> {
    let api = policy_api(server).await?;
    if api.mutating {
        let (policies, bindings) = tokio::try_join!(
            policies(server, "mutatingadmissionpolicies", None),
            policies(server, "mutatingadmissionpolicybindings", None),
        )?;
        return Ok(Policies::Reach(Reach::of(&policies, &bindings)));
    }
    match api.version {
        Some(version) if version < PROMOTES_SINCE => Ok(Policies::TooOld),
        // The API can be switched off.
        _ => Ok(Policies::Reach(Reach::default())),
    }
}
