//! Workloads whose pod templates name sidecars in the annotation that a promotion acts on, whether pods of theirs run or
//! not.

use std::collections::BTreeSet;

use serde_json::Value;

use super::survey::Any;
use crate::{
    cluster::{Filter, Pages, RequestError, Server, discover, workload_kinds},
    live::{is_over, templates},
    roles::DECLARATION_ANNOTATION,
};

/// The workloads, as `kubectl get` takes them, and what could not be looked at.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// `shop/cronjob/nightly`
    pub(super) workloads: BTreeSet<String>,
    /// Why there may be more.
    pub(super) unread: Vec<String>,
}

/// Looks at all workloads of the cluster.
///
/// # Errors
/// Where the server does not say what it has.
pub(super) async fn declared(server: &Server) -> Result<Declared, RequestError> {
    let discovery = discover(server).await?;
    let kinds = workload_kinds(server, &discovery).await?;
    let mut declared = Declared::default();
    declared.unread.extend(
        kinds
            .unread
            .iter()
            .map(|group| format!("{}: {}", group.api_version, group.reason)),
    );
    for collection in kinds.collections.iter().filter(|kind| kind.namespaced) {
        let mut pages = Pages::new(server, collection.path(None), &Filter::default());
        loop {
            let page = match pages.next::<Any>().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => {
                    declared.unread.push(error.to_string());
                    break;
                }
            };
            let texts = page.iter().map(|listed| listed.raw.get());
            // Most name none.
            let texts = texts.filter(|text| text.contains(DECLARATION_ANNOTATION));
            let objects = texts.filter_map(|text| serde_json::from_str::<Value>(text).ok());
            for object in objects {
                if !is_over(&object) && !kinds.make(&object) && declares(&object) {
                    let text = |path| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
                    declared.workloads.insert(format!(
                        "{}/{}/{}",
                        text("/metadata/namespace"),
                        collection.kind.to_ascii_lowercase(),
                        text("/metadata/name")
                    ));
                }
            }
        }
    }
    Ok(declared)
}

/// Whether one of an object's pod templates has the annotation.
fn declares(object: &Value) -> bool {
    templates(object).iter().any(|path| {
        let template = path.rsplit_once('/').map_or("", |(template, _)| template);
        object
            .pointer(&format!("{template}/metadata/annotations"))
            .is_some_and(|annotations| annotations.get(DECLARATION_ANNOTATION).is_some())
    })
}
