//! Pods, a page at a time: each tells something of the workload that it belongs to, or is one itself.

use super::{BATCH, Scan, ScanEvent, Uid, WAITING_PAGES, list::Page, owners};
use crate::{
    cluster::{Collection, Listed},
    live::{LiveObject, PodGlance, Record},
};

impl Scan<'_> {
    /// Lists pods, and holds each against the template it was made of.
    pub(super) async fn list_pods(&mut self) {
        let Some(pods) = self.pods.clone() else {
            return;
        };
        let lister = self.lister();
        let (sender, mut pages) = tokio::sync::mpsc::channel(WAITING_PAGES);
        let listing = lister.list::<PodGlance>(vec![(usize::MAX, pods.clone())], sender);
        let taking = async {
            while let Some(page) = pages.recv().await {
                match page {
                    Page::Items(_, items) => self.take_pods(&pods, items).await,
                    end => self.take_end(end).await,
                }
            }
        };
        tokio::join!(listing, taking);
    }

    pub(super) async fn take_pods(&mut self, pods: &Collection, items: Vec<Listed<PodGlance>>) {
        self.say(ScanEvent::Looked(items.len())).await;
        for pod in &items {
            let Some(owner) = pod.glance.controller() else {
                continue;
            };
            let key = Uid::of(&owner.uid);
            if self.owners.get(key).is_none() && !self.missing.contains(&key) {
                self.pending.entry(key).or_insert_with(|| owners::Pending {
                    reference: owner.clone(),
                    namespace: pod.glance.metadata.namespace.clone(),
                });
            }
        }
        self.look_up_pending().await;
        let mut alone = Vec::new();
        for pod in items {
            if let Some(object) = self.take_pod(pods, pod) {
                alone.push(object);
            }
            if alone.len() >= BATCH {
                self.say(ScanEvent::Workloads(std::mem::take(&mut alone))).await;
            }
        }
        if !alone.is_empty() {
            self.say(ScanEvent::Workloads(alone)).await;
        }
    }

    /// Gives back a pod that is a workload itself.
    fn take_pod(&mut self, pods: &Collection, pod: Listed<PodGlance>) -> Option<LiveObject> {
        let is_chosen_type = self.is_chosen_type(usize::MAX);
        let own = Uid::of(&pod.glance.metadata.uid);
        let is_chosen =
            |scan: &Self| is_chosen_type || scan.chosen.as_ref().is_none_or(|chosen| chosen.contains(&own));
        let Some(owner) = pod.glance.controller() else {
            return is_chosen(self).then(|| self.pod_object(pods, &pod, None));
        };
        let key = Uid::of(&owner.uid);
        if self.owners.get(key).is_none() {
            if is_chosen(self) {
                if let Some(known) = self.orphans.get_mut(&key) {
                    known.record.take_status(&pod.glance);
                } else {
                    let object = self.pod_object(pods, &pod, Some(owners::described(owner)));
                    self.orphans.insert(key, object);
                }
            }
            return None;
        }
        let top = self.owners.top(key);
        if is_chosen_type && let Some(chosen) = &mut self.chosen {
            chosen.insert(top);
        }
        let record = self.records.entry(top).or_default();
        record.take_status(&pod.glance);
        if let Some(template) = owners::template_of(&self.owners, key, top, &pod.glance) {
            record.compare(&template, &pod.glance, pod.raw.get());
        }
        None
    }

    fn pod_object(&self, pods: &Collection, pod: &Listed<PodGlance>, owner: Option<String>) -> LiveObject {
        let mut record = Record::of_owner(owner);
        record.take_status(&pod.glance);
        LiveObject {
            source: self.source(
                pods,
                pod.glance.metadata.namespace.as_deref(),
                &pod.glance.metadata.name,
            ),
            api_version: pods.api_version(),
            kind: pods.kind.clone(),
            namespace: pod.glance.metadata.namespace.clone(),
            text: pod.raw.get().to_owned(),
            record,
        }
    }
}
