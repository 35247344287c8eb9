//! A look at the pods there are now, to find what a watch has not told. Hardly any pod has changed when a trace ends:
//! all are asked for by their metadata alone, and only those that differ from what is known as a whole.

use std::collections::HashSet;

use http::{HeaderValue, header::ACCEPT};
use kube::Client;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    page::List,
    request::{RequestError, collect, encode, get, send},
    resource::{Selection, WatchedResource},
    watch::collection_path,
};
use crate::trace::object::Pod;

/// Objects a page of a list holds.
const PAGE: usize = 500;
/// So many pods are asked for one by one; more are looked for in a list of all.
const FEW: usize = 16;
/// Metadata alone, from servers that can tell it so; others tell everything.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const WHOLE: &str = "application/json";

/// A pod that is there now.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodNow {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its newest state.
    pub resource_version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Glance {
    metadata: PodNow,
}

/// The pods there are now.
///
/// # Errors
/// Where the server cannot be reached or refuses.
pub async fn pods_now(client: &Client, selection: &Selection) -> Result<Vec<PodNow>, RequestError> {
    let mut found = Vec::new();
    let query = Pod::selectors(selection);
    each(
        client,
        &collection_path::<Pod>(selection),
        &query,
        METADATA,
        |one: Glance| found.push(one.metadata),
    )
    .await?;
    Ok(found)
}

/// The newest states of some pods, each as the line of a watch. A pod that is gone meanwhile has none.
///
/// # Errors
/// Where the server cannot be reached or refuses.
pub async fn states_now(
    client: &Client,
    selection: &Selection,
    wanted: &[PodNow],
) -> Result<Vec<Vec<u8>>, RequestError> {
    let uids: HashSet<&str> = wanted.iter().map(|pod| pod.uid.as_str()).collect();
    let mut found = Vec::new();
    let mut take = |object: Box<RawValue>| {
        let glance: Glance = serde_json::from_str(object.get()).unwrap_or_default();
        if uids.contains(glance.metadata.uid.as_str()) {
            found.push(format!(r#"{{"type":"LISTED","object":{}}}"#, object.get()).into_bytes());
        }
    };
    if wanted.len() > FEW {
        let query = Pod::selectors(selection);
        each(
            client,
            &collection_path::<Pod>(selection),
            &query,
            WHOLE,
            &mut take,
        )
        .await?;
        return Ok(found);
    }
    for pod in wanted {
        let path = format!("/api/v1/namespaces/{}/{}", pod.namespace, Pod::KIND);
        let query = format!(
            "&fieldSelector={}",
            encode(&format!("metadata.name={}", pod.name))
        );
        each(client, &path, &query, WHOLE, &mut take).await?;
    }
    Ok(found)
}

/// Does something with each object of a list, page by page.
async fn each<I: DeserializeOwned>(
    client: &Client,
    base: &str,
    query: &str,
    accept: &'static str,
    mut take: impl FnMut(I),
) -> Result<(), RequestError> {
    let mut next: Option<String> = None;
    loop {
        let mut path = format!("{base}?limit={PAGE}{query}");
        if let Some(token) = &next {
            path.push_str(&format!("&continue={}", encode(token)));
        }
        let mut request = get(&path)?;
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static(accept));
        let body = collect(&path, send(client, &path, request).await?).await?;
        let page: List<I> = serde_json::from_slice(&body).map_err(|error| RequestError::Answer {
            path: path.clone(),
            message: error.to_string(),
        })?;
        next = page.next();
        page.into_items().into_iter().for_each(&mut take);
        if next.is_none() {
            return Ok(());
        }
    }
}
