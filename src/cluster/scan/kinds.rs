//! Which kinds are listed for what was named.

use std::collections::HashSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::{
    Scan, ScanError, Uid,
    owners::{Pending, object_at},
};
use crate::cluster::{Collection, Discovery, schema::is_built_in_workload};

impl Scan<'_> {
    /// Chooses the kinds to list, and reads the objects that were named.
    pub(super) async fn choose(&mut self, discovery: &Discovery) -> Result<(), ScanError> {
        if self.request.targets.is_empty() {
            let everywhere = self.request.namespace.is_none();
            self.listed = self
                .kinds
                .iter()
                .enumerate()
                .filter(|(_, kind)| kind.namespaced || everywhere)
                .map(|(index, _)| index)
                .collect();
            return Ok(());
        }
        self.chosen = Some(HashSet::new());
        let mut types: Vec<usize> = Vec::new();
        let mut named: Vec<(usize, Collection, &str)> = Vec::new();
        for (typed, name) in &self.request.targets {
            let collection = discovery
                .resolve(typed)
                .ok_or_else(|| ScanError::UnknownType(typed.clone()))?;
            let index = self
                .index_of(collection)
                .ok_or_else(|| ScanError::NoPods(collection.plural.clone()))?;
            match name {
                Some(name) => named.push((index, collection.clone(), name)),
                None => types.push(index),
            }
        }
        let all: HashSet<usize> = types
            .iter()
            .copied()
            .chain(named.iter().map(|(index, ..)| *index))
            .collect();
        self.listed = self.lists_for(&types, &all);
        self.lists_pods = all.iter().any(|index| *index != usize::MAX) || types.contains(&usize::MAX);
        for (index, collection, name) in named {
            self.read_named(index, &collection, name).await?;
        }
        Ok(())
    }

    /// Pods have no index: they are listed last.
    fn index_of(&self, collection: &Collection) -> Option<usize> {
        if self.pods.as_ref() == Some(collection) {
            return Some(usize::MAX);
        }
        self.kinds.iter().position(|kind| kind == collection)
    }

    /// Beside the types themselves, what stands between them and their pods.
    fn lists_for(&self, types: &[usize], all: &HashSet<usize>) -> Vec<usize> {
        let is_among = |group: &str, plural: &str| {
            all.iter().any(|index| {
                self.kinds
                    .get(*index)
                    .is_some_and(|kind| kind.group == group && kind.plural == plural)
            })
        };
        let some_custom = all
            .iter()
            .filter_map(|index| self.kinds.get(*index))
            .any(|kind| !is_built_in_workload(kind));
        let wanted = |index: usize, kind: &Collection| {
            types.contains(&index)
                || match (kind.group.as_str(), kind.plural.as_str()) {
                    ("apps", "replicasets") => some_custom || is_among("apps", "deployments"),
                    ("batch", "jobs") => some_custom || is_among("batch", "cronjobs"),
                    ("apps", _) => some_custom,
                    _ => false,
                }
        };
        self.kinds
            .iter()
            .enumerate()
            .filter(|(index, kind)| wanted(*index, kind))
            .map(|(index, _)| index)
            .collect()
    }

    /// Whether all objects of a kind were asked for.
    pub(super) fn is_chosen_type(&self, index: usize) -> bool {
        self.request.targets.iter().any(|(typed, name)| {
            let kind = if index == usize::MAX {
                self.pods.as_ref()
            } else {
                self.kinds.get(index)
            };
            name.is_none() && kind.is_some_and(|kind| kind.answers_to(typed))
        })
    }

    async fn read_named(
        &mut self,
        index: usize,
        collection: &Collection,
        name: &str,
    ) -> Result<(), ScanError> {
        let pending = Pending {
            reference: OwnerReference {
                name: name.to_owned(),
                ..OwnerReference::default()
            },
            namespace: self.request.namespace.clone(),
        };
        let item = object_at(self.server, collection, &pending)
            .await
            .map_err(|error| match error.code() {
                Some(404) => {
                    ScanError::NotFound(collection.describe(self.request.namespace.as_deref(), name))
                }
                _ => error.into(),
            })?;
        let uid = Uid::of(&item.glance.metadata.uid);
        if index == usize::MAX {
            if let Ok(glance) = serde_json::from_str(item.raw.get()) {
                let pod = crate::cluster::Listed {
                    glance,
                    raw: item.raw,
                };
                self.named_pod(collection, uid, pod).await;
            }
            return Ok(());
        }
        if let Some(chosen) = &mut self.chosen {
            chosen.insert(uid);
        }
        for holder in super::owners::read_holders(collection, &[item]) {
            self.take_holder(index, holder);
        }
        Ok(())
    }

    /// A pod that was named stands for the workload it belongs to.
    async fn named_pod(
        &mut self,
        pods: &Collection,
        uid: Uid,
        pod: crate::cluster::Listed<crate::live::PodGlance>,
    ) {
        let owner = pod.glance.controller().map(|owner| Uid::of(&owner.uid));
        if let Some(chosen) = &mut self.chosen {
            chosen.insert(uid);
        }
        self.take_pods(pods, vec![pod]).await;
        if let (Some(chosen), Some(owner)) = (&mut self.chosen, owner) {
            chosen.insert(owner);
        }
    }
}
