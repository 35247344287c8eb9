//! The names of what is there, for completion.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use serde::Deserialize;

use super::{
    Connection, kubeconfig,
    page::{Filter, Glance, List, Pages},
    request::{RequestError, get},
    server::Server,
};

/// Nobody reads more candidates than these.
const LIMIT: usize = 500;

/// The server leaves out everything but the metadata.
const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// What a kubeconfig has names for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KubeconfigNames {
    /// Its contexts.
    pub contexts: Vec<String>,
    /// Its clusters.
    pub clusters: Vec<String>,
    /// Its users.
    pub users: Vec<String>,
}

/// An object's metadata, of whatever kind it is.
#[derive(Debug, Deserialize)]
struct Item {
    metadata: ObjectMeta,
}

impl Item {
    fn name(self) -> String {
        self.metadata.name.unwrap_or_default()
    }
}

impl Glance for Item {
    fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }
}

/// The names in the kubeconfig that the connection would use.
///
/// # Errors
/// Where it cannot be read.
pub fn kubeconfig_names(connection: &Connection) -> Result<KubeconfigNames, kube::config::KubeconfigError> {
    let kubeconfig = kubeconfig::read(connection.kubeconfig.as_deref())?;
    Ok(KubeconfigNames {
        contexts: kubeconfig.contexts.into_iter().map(|one| one.name).collect(),
        clusters: kubeconfig.clusters.into_iter().map(|one| one.name).collect(),
        users: kubeconfig.auth_infos.into_iter().map(|one| one.name).collect(),
    })
}

/// The context that the connection uses; `None` where there is no kubeconfig, as in a pod.
#[must_use]
pub fn current_context(connection: &Connection) -> Option<String> {
    connection.context.clone().or_else(|| {
        let kubeconfig = kubeconfig::read(connection.kubeconfig.as_deref());
        kubeconfig.ok()?.current_context
    })
}

/// The context that the connection uses, and the name of its cluster; `None` where there is no kubeconfig, as in a pod.
#[must_use]
pub fn cluster_name(connection: &Connection) -> Option<(String, String)> {
    let kubeconfig = kubeconfig::read(connection.kubeconfig.as_deref()).ok()?;
    let name = connection.context.clone().or(kubeconfig.current_context)?;
    let context = kubeconfig
        .contexts
        .into_iter()
        .find(|context| context.name == name);
    let of_context = context
        .and_then(|context| context.context)
        .map(|context| context.cluster);
    Some((name, connection.cluster.clone().or(of_context)?))
}

/// The names of all namespaces.
///
/// # Errors
/// Where they may not be listed, or nobody answers.
pub async fn namespaces(client: &Client) -> Result<Vec<String>, RequestError> {
    object_names(client, "/api/v1/namespaces").await
}

/// Whether the server says that a namespace is not there. One that may not be read may be there.
pub async fn is_missing_namespace(server: &Server, name: &str) -> bool {
    let path = format!("/api/v1/namespaces/{name}");
    let answer: Result<serde_json::Value, RequestError> = server.get(&path).await;
    // The server names what it has not found; another 404 is about the path.
    answer.is_err_and(|error| error.code() == Some(404) && error.to_string().contains(&format!("{name:?}")))
}

/// The names of all namespaces, however many there are.
pub(super) async fn namespaces_of(server: &Server) -> Result<Vec<String>, RequestError> {
    let mut names = Vec::new();
    let mut pages = Pages::new(server, "/api/v1/namespaces", &Filter::default());
    while let Some(page) = pages.next::<Item>().await? {
        names.extend(page.into_iter().map(|item| item.glance.name()));
    }
    Ok(names)
}

/// The names of the first objects of a collection.
pub(super) async fn object_names(client: &Client, path: &str) -> Result<Vec<String>, RequestError> {
    let mut request = get(&format!("{path}?limit={LIMIT}"))?;
    request.headers_mut().insert(
        http::header::ACCEPT,
        http::HeaderValue::from_static(METADATA_ONLY),
    );
    let list: List<Item> = client
        .request(request)
        .await
        .map_err(|error| RequestError::new(path, &error))?;
    Ok(list.into_items().into_iter().map(Item::name).collect())
}
