//! The workloads at the top, with what was seen of their pods.

use std::collections::{HashMap, HashSet};

use super::{BATCH, Kept, Scan, ScanEvent, Uid, WAITING_PAGES, list::Page, owners};
use crate::live::{Holder, LiveObject, ObjectGlance, Owners};

impl Scan<'_> {
    /// Hands the workloads on, each with what its pods show.
    pub(super) async fn hand_on(&mut self) {
        let completed: Vec<Uid> = self.owners.completed().map(|uid| self.owners.top(uid)).collect();
        for top in completed {
            self.records.entry(top).or_default().completed();
        }
        let tops: Option<HashSet<Uid>> = self
            .chosen
            .as_ref()
            .map(|chosen| chosen.iter().map(|uid| self.owners.top(*uid)).collect());
        let is_handed_on = |owners: &Owners, uid: Uid| {
            owners.top(uid) == uid && tops.as_ref().is_none_or(|tops| tops.contains(&uid))
        };
        let mut kept: Vec<(Uid, Kept)> = std::mem::take(&mut self.kept)
            .into_iter()
            .filter(|(uid, _)| is_handed_on(&self.owners, *uid))
            .collect();
        // Pages of several kinds arrive in any order.
        kept.sort_by(|(_, one), (_, other)| {
            let key = |kept: &Kept| {
                (
                    kept.holder.namespace.clone(),
                    kept.collection,
                    kept.holder.name.clone(),
                )
            };
            key(one).cmp(&key(other))
        });
        let mut batch = Vec::new();
        for (_, one) in kept {
            batch.extend(self.object(one.collection, one.holder));
            if batch.len() >= BATCH {
                self.say(ScanEvent::Workloads(std::mem::take(&mut batch))).await;
            }
        }
        batch.extend(std::mem::take(&mut self.orphans).into_values());
        if !batch.is_empty() {
            self.say(ScanEvent::Workloads(batch)).await;
        }
        let passed: HashMap<Uid, usize> = std::mem::take(&mut self.passed)
            .into_iter()
            .filter(|(uid, _)| is_handed_on(&self.owners, *uid))
            .collect();
        if !passed.is_empty() && !self.is_stopped() {
            self.list_again(passed).await;
        }
    }

    /// Lists the kinds again whose workloads were too many to be kept.
    async fn list_again(&mut self, wanted: HashMap<Uid, usize>) {
        let collections: HashSet<usize> = wanted.values().copied().collect();
        let collections = collections
            .into_iter()
            .filter_map(|index| Some((index, self.kinds.get(index)?.clone())))
            .collect();
        let lister = self.lister();
        let (sender, mut pages) = tokio::sync::mpsc::channel(WAITING_PAGES);
        let listing = lister.list::<ObjectGlance>(collections, sender);
        let taking = async {
            while let Some(page) = pages.recv().await {
                match page {
                    Page::Items(index, mut items) => {
                        items.retain(|item| wanted.contains_key(&Uid::of(&item.glance.metadata.uid)));
                        let holders = self.read_holders(index, items).await;
                        let objects: Vec<LiveObject> = holders
                            .into_iter()
                            .filter_map(|holder| self.object(index, holder))
                            .collect();
                        if !objects.is_empty() {
                            self.say(ScanEvent::Workloads(objects)).await;
                        }
                    }
                    // The first list has told what is to tell of it.
                    Page::Whole(_) | Page::Unselectable(..) => {}
                    Page::Unseen(unseen) => self.say(ScanEvent::Unseen(unseen)).await,
                }
            }
        };
        tokio::join!(listing, taking);
    }

    fn object(&mut self, index: usize, holder: Holder) -> Option<LiveObject> {
        let collection = self.kinds.get(index)?;
        let mut record = self.records.remove(&holder.uid).unwrap_or_default();
        record.owner = holder.owner.as_ref().map(owners::described);
        Some(LiveObject {
            source: self.source(collection, holder.namespace.as_deref(), &holder.name),
            api_version: collection.api_version(),
            kind: collection.kind.clone(),
            namespace: holder.namespace.clone(),
            text: holder.text?,
            record,
        })
    }
}
