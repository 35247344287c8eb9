//! What can be watched, and which of it.

use serde::de::DeserializeOwned;

use super::request::encode;
use crate::trace::{
    Evidence, Moment,
    evidence::{Change, EventSeen, PodSeen},
    object::{Event, Metadata, Pod},
};

/// Which pods to watch.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// `-l`
    pub labels: Option<String>,
    /// A single pod.
    pub pod: Option<String>,
}

/// A kind of object that can be watched.
pub trait WatchedResource: DeserializeOwned + Default {
    /// The plural, as in paths.
    const KIND: &'static str;

    /// Its metadata.
    fn metadata(&self) -> &Metadata;

    /// The evidence it is.
    fn evidence(self, received: Moment, change: Change) -> Option<Evidence>;

    /// The selectors as a query, after `&`.
    fn selectors(selection: &Selection) -> String;
}

impl WatchedResource for Pod {
    const KIND: &'static str = "pods";

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn evidence(self, received: Moment, change: Change) -> Option<Evidence> {
        Some(Evidence::Pod(Box::new(PodSeen {
            received,
            change,
            pod: self,
        })))
    }

    fn selectors(selection: &Selection) -> String {
        let mut query = String::new();
        if let Some(labels) = &selection.labels {
            query.push_str(&format!("&labelSelector={}", encode(labels)));
        }
        if let Some(pod) = &selection.pod {
            query.push_str(&format!(
                "&fieldSelector={}",
                encode(&format!("metadata.name={pod}"))
            ));
        }
        query
    }
}

impl WatchedResource for Event {
    const KIND: &'static str = "events";

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn evidence(self, received: Moment, change: Change) -> Option<Evidence> {
        (change != Change::Deleted && self.involved_object.kind == "Pod").then(|| {
            Evidence::Event(Box::new(EventSeen {
                received,
                change,
                event: self,
            }))
        })
    }

    fn selectors(selection: &Selection) -> String {
        let mut fields = "involvedObject.kind=Pod".to_owned();
        if let Some(pod) = &selection.pod {
            fields.push_str(&format!(",involvedObject.name={pod}"));
        }
        format!("&fieldSelector={}", encode(&fields))
    }
}
