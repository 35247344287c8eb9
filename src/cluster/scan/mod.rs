//! A scan: everything that has pods, each workload once, with what its pods show.
//!
//! First everything that may own pods is listed and remembered in a few bytes; then pods are listed, and each is
//! held against the template it was made of; then the workloads at the top are handed on. No more than a page of
//! pods is held, and no more than [`KEPT`] bytes of other objects: those that are more are listed once more.

mod hand_on;
mod kinds;
mod list;
mod owners;
mod pods;

use std::collections::{HashMap, HashSet};

use tokio::sync::{mpsc::Sender, watch};

use super::{
    discovery::Collection,
    page::{Filter, Listed},
    request::RequestError,
    server::Server,
};
use crate::{
    catalogue::injector::Meshes,
    live::{Holder, Injectors, LiveObject, ObjectGlance, Owners, Record, Uid},
};

pub use list::Unseen;
use list::{Lister, Page};

/// Bytes of objects that are kept until their pods are known.
const KEPT: usize = 32 << 20;
/// Objects that are handed on together.
const BATCH: usize = 64;
/// Pages that wait to be looked at.
const WAITING_PAGES: usize = 1;

/// What of a cluster is scanned.
#[derive(Debug, Clone, Default)]
pub struct ScanRequest {
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// Selectors, for every kind.
    pub filter: Filter,
    /// Types, and names where single objects are meant; nothing for everything that has pods.
    pub targets: Vec<(String, Option<String>)>,
    /// What stands before the names of sources: the context, where there are several.
    pub prefix: String,
}

/// What a scan tells while it goes on.
#[derive(Debug)]
pub enum ScanEvent {
    /// Workloads, each once.
    Workloads(Vec<LiveObject>),
    /// The injectors of sidecars that were met, before any workload is handed on.
    Injectors(Box<Meshes>),
    /// So many objects were looked at.
    Looked(usize),
    /// What was asked for means less than it may seem.
    Note(String),
    /// Something that was not seen.
    Unseen(Unseen),
}

/// Why there is nothing to scan.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// No such kind on this server.
    #[error("the server has no resource type {0:?}")]
    UnknownType(String),
    /// A kind without pods.
    #[error("{0} hold no pods, so there is nothing to lint in them")]
    NoPods(String),
    /// An object that was named is not there.
    #[error("{0} is not there")]
    NotFound(String),
    /// The server does not say what it has.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// An object that waits for its pods.
struct Kept {
    collection: usize,
    holder: Holder,
}

struct Scan<'s> {
    server: &'s Server,
    request: &'s ScanRequest,
    sender: Sender<ScanEvent>,
    stop: watch::Receiver<bool>,
    /// Every kind that has pods, pods left out.
    kinds: Vec<Collection>,
    pods: Option<Collection>,
    /// The kinds that are listed, by their index.
    listed: Vec<usize>,
    /// Of those, the ones that could be listed whole.
    whole: HashSet<usize>,
    /// Kinds without the fields of the selector.
    unselectable: Vec<Unseen>,
    owners: Owners,
    kept: HashMap<Uid, Kept>,
    kept_bytes: usize,
    /// Objects that were not kept, with their collection.
    passed: HashMap<Uid, usize>,
    records: HashMap<Uid, Record>,
    /// Injectors of sidecars among the Deployments.
    injectors: Injectors,
    /// One pod for each owner that cannot be had.
    orphans: HashMap<Uid, LiveObject>,
    /// Owners that are not known yet, and what was tried in vain.
    pending: HashMap<Uid, owners::Pending>,
    missing: HashSet<Uid>,
    /// What was named; `None` for everything.
    chosen: Option<HashSet<Uid>>,
    lists_pods: bool,
}

/// Scans a cluster. Nothing is changed, and no Secret is read.
///
/// # Errors
/// Where the server cannot be asked at all, or what was named is not there. What cannot be seen of the rest is an
/// event.
pub async fn scan(
    server: &Server,
    request: &ScanRequest,
    sender: Sender<ScanEvent>,
    stop: watch::Receiver<bool>,
) -> Result<(), ScanError> {
    let mut stopped = stop.clone();
    let asking = async {
        let discovery = super::discovery::discover(server).await?;
        let kinds = super::schema::workload_kinds(server, &discovery).await?;
        let mut scan = Scan::new(server, request, sender.clone(), stop, kinds.collections);
        scan.say_unread(&kinds.unread).await;
        scan.choose(&discovery).await?;
        Ok::<_, ScanError>(scan)
    };
    let mut scan = tokio::select! {
        scan = asking => scan?,
        () = list::until_stopped(&mut stopped) => {
            // Where nobody listens any more there is nobody to tell.
            let _unheard = sender.send(ScanEvent::Unseen(list::stopped("the cluster"))).await;
            return Ok(());
        }
    };
    scan.list_holders().await;
    scan.look_up_pending().await;
    if scan.lists_pods {
        scan.list_pods().await;
    }
    scan.say_unselectable().await;
    scan.hand_on().await;
    Ok(())
}

impl<'s> Scan<'s> {
    fn new(
        server: &'s Server,
        request: &'s ScanRequest,
        sender: Sender<ScanEvent>,
        stop: watch::Receiver<bool>,
        kinds: Vec<Collection>,
    ) -> Self {
        let (pods, kinds): (Vec<_>, Vec<_>) = kinds
            .into_iter()
            .partition(|kind| kind.group.is_empty() && kind.plural == "pods");
        Self {
            server,
            request,
            sender,
            stop,
            kinds,
            pods: pods.into_iter().next(),
            listed: Vec::new(),
            whole: HashSet::new(),
            unselectable: Vec::new(),
            owners: Owners::default(),
            kept: HashMap::new(),
            kept_bytes: 0,
            passed: HashMap::new(),
            records: HashMap::new(),
            injectors: Injectors::default(),
            orphans: HashMap::new(),
            pending: HashMap::new(),
            missing: HashSet::new(),
            chosen: None,
            lists_pods: true,
        }
    }

    async fn say(&self, event: ScanEvent) {
        // Where nobody listens any more there is nobody to tell.
        let _unheard = self.sender.send(event).await;
    }

    async fn unseen(&self, what: impl Into<String>, reason: impl Into<String>) {
        self.say(ScanEvent::Unseen(Unseen {
            what: what.into(),
            reason: reason.into(),
        }))
        .await;
    }

    async fn say_unread(&self, unread: &[super::discovery::Unavailable]) {
        for group in unread {
            self.unseen(&group.api_version, &group.reason).await;
        }
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    fn lister(&self) -> Lister<'s> {
        Lister {
            server: self.server,
            namespace: self.request.namespace.clone(),
            filter: self.request.filter.clone(),
            stop: self.stop.clone(),
        }
    }

    /// Lists everything that may own pods, but pods.
    async fn list_holders(&mut self) {
        let lister = self.lister();
        let wanted: Vec<(usize, Collection)> = self
            .listed
            .iter()
            .filter_map(|index| Some((*index, self.kinds.get(*index)?.clone())))
            .collect();
        let (sender, mut pages) = tokio::sync::mpsc::channel(WAITING_PAGES);
        let listing = lister.list::<ObjectGlance>(wanted, sender);
        let taking = async {
            while let Some(page) = pages.recv().await {
                match page {
                    Page::Items(index, items) => self.take_holders(index, items).await,
                    end => self.take_end(end).await,
                }
            }
        };
        tokio::join!(listing, taking);
        self.say(ScanEvent::Injectors(Box::new(self.injectors.meshes())))
            .await;
    }

    /// Remembers how a list ended.
    async fn take_end<T>(&mut self, end: Page<T>) {
        match end {
            Page::Items(..) => {}
            Page::Whole(index) => {
                self.whole.insert(index);
            }
            Page::Unselectable(index, unseen) => {
                // Single objects of the kind can be read.
                self.whole.insert(index);
                self.unselectable.push(unseen);
            }
            Page::Unseen(unseen) => self.say(ScanEvent::Unseen(unseen)).await,
        }
    }

    /// A field that no kind has is a mistake, and so is one that a kind has not that was asked for by its name. Where
    /// some kinds have it, the others hold nothing that is selected.
    async fn say_unselectable(&mut self) {
        let unselectable = std::mem::take(&mut self.unselectable);
        let fields = self.request.filter.fields.as_deref().unwrap_or_default();
        if !self.request.targets.is_empty() {
            for unseen in unselectable {
                self.say(ScanEvent::Unseen(unseen)).await;
            }
        } else if self.whole.len() == unselectable.len()
            && let Some(one) = unselectable.first()
        {
            self.unseen(format!("the objects of {fields}"), &one.reason).await;
        } else if !unselectable.is_empty() {
            let kinds = match unselectable.len() {
                1 => "1 kind does".to_owned(),
                several => format!("{several} kinds do"),
            };
            self.say(ScanEvent::Note(format!(
                "{kinds} not know the fields of {fields}: of their objects those were looked at that selected ones belong to"
            )))
            .await;
        }
    }

    async fn take_holders(&mut self, index: usize, items: Vec<Listed<ObjectGlance>>) {
        self.say(ScanEvent::Looked(items.len())).await;
        let is_chosen_type = self.is_chosen_type(index);
        for holder in self.read_holders(index, items).await {
            if is_chosen_type && let Some(chosen) = &mut self.chosen {
                chosen.insert(holder.uid);
            }
            self.look_for_injector(index, &holder);
            self.take_holder(index, holder);
        }
    }

    fn look_for_injector(&mut self, index: usize, holder: &Holder) {
        let is_deployment = self
            .kinds
            .get(index)
            .is_some_and(|kind| kind.group == "apps" && kind.plural == "deployments");
        if !is_deployment || !Injectors::may_run_in(&holder.name) {
            return;
        }
        let object = holder.text.as_deref().map(serde_json::from_str);
        if let Some(Ok(object)) = object {
            self.injectors.look_at(&holder.name, &object);
        }
    }

    async fn read_holders(&self, index: usize, items: Vec<Listed<ObjectGlance>>) -> Vec<Holder> {
        let Some(kind) = self.kinds.get(index).cloned() else {
            return Vec::new();
        };
        let read = tokio::task::spawn_blocking(move || owners::read_holders(&kind, &items));
        read.await.unwrap_or_default()
    }

    fn take_holder(&mut self, index: usize, mut holder: Holder) {
        self.owners
            .add(holder.uid, std::mem::take(&mut holder.remembered));
        self.pending.remove(&holder.uid);
        let mut is_made_by_a_listed_kind = false;
        if let Some(owner) = &holder.owner {
            is_made_by_a_listed_kind = self
                .listed
                .iter()
                .filter_map(|index| self.kinds.get(*index))
                .any(|kind| super::schema::is_built_in_workload(kind) && kind.kind == owner.kind);
            if self.owners.get(Uid::of(&owner.uid)).is_none() && !self.missing.contains(&Uid::of(&owner.uid))
            {
                self.pending.insert(
                    Uid::of(&owner.uid),
                    owners::Pending {
                        reference: owner.clone(),
                        namespace: holder.namespace.clone(),
                    },
                );
            }
        }
        let Some(text) = &holder.text else {
            return;
        };
        if is_made_by_a_listed_kind || self.kept_bytes + text.len() > KEPT {
            self.passed.insert(holder.uid, index);
            return;
        }
        self.kept_bytes += text.len();
        self.kept.insert(
            holder.uid,
            Kept {
                collection: index,
                holder,
            },
        );
    }

    /// `shop/deployment/web`
    fn source(&self, collection: &Collection, namespace: Option<&str>, name: &str) -> String {
        let kind = if super::schema::is_built_in_workload(collection) {
            collection.kind.to_lowercase()
        } else {
            collection.display_name()
        };
        let namespace = namespace
            .map(|namespace| format!("{namespace}/"))
            .unwrap_or_default();
        format!("{}{namespace}{kind}/{name}", self.request.prefix)
    }
}
