//! Owners that no list gave, and the templates that pods were made of.

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use rayon::prelude::*;
use serde_json::value::RawValue;

use super::{Scan, Uid};
use crate::{
    cluster::{Collection, Glance, Listed, Server, request::RequestError, schema::is_built_in_workload},
    live::{Holder, ObjectGlance, Owners, PodGlance, Shape},
};

/// Owners that are asked for at the same time.
const AT_ONCE: usize = 8;

/// An owner that is known by a reference only.
pub(super) struct Pending {
    pub(super) reference: OwnerReference,
    pub(super) namespace: Option<String>,
}

impl Glance for ObjectGlance {
    fn uid(&self) -> &str {
        &self.metadata.uid
    }
}

impl Glance for PodGlance {
    fn uid(&self) -> &str {
        &self.metadata.uid
    }
}

/// Reads the objects of a page side by side.
pub(super) fn read_holders(kind: &Collection, items: &[Listed<ObjectGlance>]) -> Vec<Holder> {
    let (api_version, is_built_in) = (kind.api_version(), is_built_in_workload(kind));
    items
        .par_iter()
        .filter_map(|item| {
            Holder::read(
                &item.glance,
                item.raw.get(),
                &api_version,
                &kind.kind,
                is_built_in,
            )
        })
        .collect()
}

/// The template that a pod was made of, where it is the one that the workload at the top has now.
pub(super) fn template_of(owners: &Owners, owner: Uid, top: Uid, pod: &PodGlance) -> Option<Arc<Shape>> {
    let maker = owners.get(owner)?;
    let shape = maker.shape.as_ref()?;
    if let Some((label, value)) = &maker.revision
        && pod.metadata.labels.get(*label) != Some(value)
    {
        return None;
    }
    let present = owners.get(top)?.shape.as_ref()?;
    (present == shape).then(|| Arc::clone(shape))
}

impl Scan<'_> {
    /// Asks for owners that no list gave: selectors left them out, or they were made meanwhile.
    pub(super) async fn look_up_pending(&mut self) {
        while !self.pending.is_empty() && !self.is_stopped() {
            let pending = std::mem::take(&mut self.pending);
            let mut asked = Vec::new();
            for (uid, pending) in pending {
                match self.collection_of(&pending.reference) {
                    Some((index, collection)) => asked.push((uid, index, collection, pending)),
                    None => {
                        self.missing.insert(uid);
                    }
                }
            }
            let server = self.server;
            let answers: Vec<_> = stream::iter(asked)
                .map(|(uid, index, collection, pending)| async move {
                    let answer = object_at(server, &collection, &pending).await;
                    (uid, index, collection, answer)
                })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            let mut refused: HashMap<usize, String> = HashMap::new();
            for (uid, index, collection, answer) in answers {
                let read = answer.map(|item| {
                    let found = read_holders(&collection, &[item]).into_iter().next();
                    // Another object may have the name by now.
                    found.filter(|holder| holder.uid == uid)
                });
                match read {
                    Ok(Some(holder)) => self.take_holder(index, holder),
                    Ok(None) => {
                        self.missing.insert(uid);
                    }
                    Err(error) => {
                        self.missing.insert(uid);
                        if error.code() != Some(404) {
                            refused.insert(index, error.to_string());
                        }
                    }
                }
            }
            for (index, reason) in refused {
                if let Some(kind) = self.kinds.get(index) {
                    let what = format!("owners of kind {}", kind.kind);
                    self.unseen(what, reason).await;
                }
            }
        }
    }

    /// The collection of an owner, unless its objects hold no pods or could not be listed, which was said.
    fn collection_of(&self, reference: &OwnerReference) -> Option<(usize, Collection)> {
        let group = reference
            .api_version
            .rsplit_once('/')
            .map_or("", |(group, _)| group);
        let (index, collection) = self
            .kinds
            .iter()
            .enumerate()
            .find(|(_, kind)| kind.group == group && kind.kind == reference.kind)?;
        let has_failed = self.listed.contains(&index) && !self.whole.contains(&index);
        (!has_failed).then(|| (index, collection.clone()))
    }
}

/// `Kafka cluster (kafka.strimzi.io/v1)`
pub(super) fn described(owner: &OwnerReference) -> String {
    format!("{} {} ({})", owner.kind, owner.name, owner.api_version)
}

/// One object by its name.
pub(super) async fn object_at(
    server: &Server,
    collection: &Collection,
    pending: &Pending,
) -> Result<Listed<ObjectGlance>, RequestError> {
    let path = collection.object_path(pending.namespace.as_deref(), &pending.reference.name);
    let raw: Box<RawValue> = server.get(&path).await?;
    let glance = serde_json::from_str(raw.get()).map_err(|error| RequestError::Answer {
        path,
        message: error.to_string(),
    })?;
    Ok(Listed { glance, raw })
}
