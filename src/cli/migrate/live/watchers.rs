//! What in the cluster looks at containers by their names: alerts and autoscalers, read once for all workloads.

use serde_json::Value;

use super::list::Item;
use crate::{
    cluster::{Collection, Discovery, Filter, Pages, Server},
    remedy::{Watcher, watchers},
    yaml,
};

/// The kinds, and whether their objects stand beside the workloads: rules may stand in any namespace.
const KINDS: [(&str, bool); 4] = [
    ("horizontalpodautoscalers.autoscaling", true),
    ("verticalpodautoscalers.autoscaling.k8s.io", true),
    ("prometheusrules.monitoring.coreos.com", false),
    ("vmrules.operator.victoriametrics.com", false),
];

/// What was read, and of what that could not be.
#[derive(Default)]
pub(super) struct Watchers {
    pub(super) all: Vec<Watcher>,
    /// Kinds that the server has and did not list, with the reason.
    pub(super) unseen: Vec<(String, String)>,
}

/// Reads them all. A kind that the server does not have holds none.
pub(super) async fn read(server: &Server, discovery: &Discovery, namespace: Option<&str>) -> Watchers {
    let mut found = Watchers::default();
    for (kind, is_beside) in KINDS {
        let Some(collection) = discovery.resolve(kind) else {
            continue;
        };
        let path = collection.path(namespace.filter(|_| is_beside));
        let mut pages = Pages::new(server, &path, &Filter::default());
        loop {
            match pages.next::<Item>().await {
                Ok(Some(page)) => {
                    let texts = page.iter().filter_map(|item| text(collection, item.raw.get()));
                    found.all.extend(texts.flat_map(|text| of(&text)));
                }
                Ok(None) => break,
                Err(error) => {
                    found.unseen.push((collection.plural.clone(), error.to_string()));
                    break;
                }
            }
        }
    }
    found
}

/// An object with its kind, which items of a list do not say.
fn text(collection: &Collection, raw: &str) -> Option<String> {
    let mut object: Value = serde_json::from_str(raw).ok()?;
    let fields = object.as_object_mut()?;
    fields.insert("kind".to_owned(), collection.kind.clone().into());
    Some(object.to_string())
}

fn of(text: &str) -> Vec<Watcher> {
    match yaml::parse(text) {
        Ok(stream) => watchers("", &stream),
        Err(_) => Vec::new(),
    }
}
