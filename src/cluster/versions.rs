//! Which Kubernetes a cluster runs: the API server, every kubelet, and what the API's schema knows.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::{api::core::v1::Node, apimachinery::pkg::version::Info};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    page::{Filter, Glance, Pages},
    request::RequestError,
    schema::OpenApi,
    server::Server,
};
use crate::pod::{KubernetesVersion, parse_kubernetes_version};

/// What runs in a cluster.
#[derive(Debug)]
pub struct Versions {
    /// The API server's.
    pub server: Option<KubernetesVersion>,
    /// How many nodes have a kubelet of which version; the error where nodes may not be listed.
    pub kubelets: Result<Kubelets, RequestError>,
    /// Whether a container's `lifecycle` has the field `type` of KEP-753's first design. No released Kubernetes has it.
    pub knows_lifecycle_type: bool,
}

/// The kubelets of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kubelets {
    /// How many nodes have which version.
    pub nodes: BTreeMap<KubernetesVersion, usize>,
    /// Nodes whose version cannot be read: virtual kubelets call themselves what they like.
    pub unclear: Vec<String>,
}

impl Kubelets {
    /// The oldest version of any node; `None` without nodes, or where one does not say.
    #[must_use]
    pub fn oldest(&self) -> Option<KubernetesVersion> {
        if !self.unclear.is_empty() {
            return None;
        }
        self.nodes.keys().next().copied()
    }
}

impl Versions {
    /// The oldest version that a pod of this cluster can meet, as far as it is known.
    #[must_use]
    pub fn oldest(&self) -> Option<KubernetesVersion> {
        let kubelets = self.kubelets.as_ref().ok();
        let kubelet = kubelets.and_then(|kubelets| kubelets.nodes.keys().next().copied());
        [self.server, kubelet].into_iter().flatten().min()
    }
}

impl Glance for Node {
    fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }
}

/// Only what is asked of the schemas: the rest of their megabytes is skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Schemas {
    #[serde(rename = "io.k8s.api.core.v1.Lifecycle")]
    lifecycle: Lifecycle,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lifecycle {
    properties: HashMap<String, IgnoredAny>,
}

/// Asks a cluster what it runs.
///
/// # Errors
/// Where the server does not say its version or its schema. Nodes that may not be listed are no error here.
pub async fn versions(server: &Server) -> Result<Versions, RequestError> {
    let (version, lifecycle, kubelets) = tokio::join!(
        server.get::<Info>("/version"),
        lifecycle(server),
        kubelets(server),
    );
    Ok(Versions {
        server: parse_kubernetes_version(&version?.git_version),
        kubelets,
        knows_lifecycle_type: lifecycle?.properties.contains_key("type"),
    })
}

/// The schema of a container's `lifecycle`; an empty one from servers before 1.24, which have no OpenAPI v3.
async fn lifecycle(server: &Server) -> Result<Lifecycle, RequestError> {
    match server.get::<OpenApi<Schemas>>("/openapi/v3/api/v1").await {
        Ok(openapi) => Ok(openapi.components.schemas.lifecycle),
        Err(error) if error.code() == Some(404) => Ok(Lifecycle::default()),
        Err(error) => Err(error),
    }
}

async fn kubelets(server: &Server) -> Result<Kubelets, RequestError> {
    let mut kubelets = Kubelets::default();
    let mut pages = Pages::new(server, "/api/v1/nodes", &Filter::default());
    while let Some(nodes) = pages.next::<Node>().await? {
        for node in nodes {
            let Node { metadata, status, .. } = node.glance;
            let info = status.and_then(|status| status.node_info);
            match info.and_then(|info| parse_kubernetes_version(&info.kubelet_version)) {
                Some(version) => *kubelets.nodes.entry(version).or_default() += 1,
                None => kubelets.unclear.extend(metadata.name),
            }
        }
    }
    Ok(kubelets)
}
