//! LIST and WATCH, as raw as the server sends them.
//!
//! kube's own watcher merges ADDED and MODIFIED and hides when it listed again; trace must tell these apart.
//! A watch is resumed at the last resourceVersion that was seen, so that nothing is lost or sent twice; where
//! the server no longer has it (410), everything is listed anew and the gap is said.

mod patience;
mod stream;

use std::{collections::HashSet, time::Duration};

use kube::Client;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;

use self::{patience::PAUSES, stream::End};
use super::{
    page::List,
    request::{RequestError, encode, get_json},
    resource::{Selection, WatchedResource},
};
use crate::trace::{
    Evidence, Moment,
    evidence::{Change, Gap, Vanished},
};

/// Objects a page of a list holds.
const PAGE: usize = 500;
/// A request is answered within this time, or not at all.
const ANSWER: Duration = Duration::from_secs(20);

/// What a watch delivers.
#[derive(Debug)]
pub enum Arrival {
    /// A line, and what it means.
    Evidence {
        /// `pods` or `events`.
        kind: &'static str,
        /// When it arrived.
        received: Moment,
        /// The raw watch event, to be recorded; `None` for what the server did not send.
        raw: Option<Vec<u8>>,
        /// What it means.
        evidence: Evidence,
    },
    /// The first list is complete.
    Listed(&'static str),
    /// The connection of a watch is lost.
    Lost(&'static str),
    /// It is there again.
    Found(&'static str),
    /// Something the user should know.
    Note(String),
    /// The watch cannot go on.
    Failed(RequestError),
}

/// Lists and watches one kind of object until nobody listens. With `once` it lists only.
pub async fn watch_resource<T: WatchedResource>(
    client: Client,
    selection: Selection,
    once: bool,
    sender: Sender<Arrival>,
) {
    let mut watch = Watch::<T> {
        client,
        selection,
        sender,
        version: String::new(),
        known: HashSet::new(),
        bookmarks: true,
        listed: false,
        pause: PAUSES.0,
        attempts: 0,
        fruitless: 0,
        refusals: 0,
        complained: false,
        lost: false,
        resource: std::marker::PhantomData,
    };
    let outcome = watch.run(once).await;
    if let Err(error) = outcome {
        let _ = watch.sender.send(Arrival::Failed(error)).await;
    }
}

/// The answer to a request, within the time that an answer may take.
async fn answered<A>(
    path: &str,
    asked: impl Future<Output = Result<A, RequestError>>,
) -> Result<A, RequestError> {
    tokio::time::timeout(ANSWER, asked).await.unwrap_or_else(|_| {
        Err(RequestError::Broken {
            path: path.to_owned(),
            message: format!("no answer within {} seconds", ANSWER.as_secs()),
        })
    })
}

/// An object of a list as the line of a watch.
fn listed_line(item: &RawValue) -> Vec<u8> {
    // A server may write a list over several lines.
    let object = item.get().replace(['\n', '\r'], " ");
    format!("{{\"object\":{object},\"type\":\"LISTED\"}}").into_bytes()
}

/// The path of the objects that are watched.
pub(super) fn collection_path<T: WatchedResource>(selection: &Selection) -> String {
    match &selection.namespace {
        Some(namespace) => format!("/api/v1/namespaces/{namespace}/{}", T::KIND),
        None => format!("/api/v1/{}", T::KIND),
    }
}

struct Watch<T> {
    client: Client,
    selection: Selection,
    sender: Sender<Arrival>,
    version: String,
    known: HashSet<String>,
    bookmarks: bool,
    listed: bool,
    pause: Duration,
    attempts: u32,
    /// Watches on end that have brought nothing.
    fruitless: u32,
    /// Requests on end that were refused as too many.
    refusals: u32,
    complained: bool,
    lost: bool,
    resource: std::marker::PhantomData<T>,
}

impl<T: WatchedResource> Watch<T> {
    fn path(&self) -> String {
        collection_path::<T>(&self.selection)
    }

    async fn run(&mut self, once: bool) -> Result<(), RequestError> {
        loop {
            if let Err(error) = self.list().await {
                self.recover(error).await?;
                continue;
            }
            if once {
                return Ok(());
            }
            loop {
                match self.watch().await {
                    End::Resume => {}
                    End::NoBookmarks => self.bookmarks = false,
                    End::Closed => return Ok(()),
                    End::Expired(reason) => {
                        self.fruitless(&reason).await?;
                        self.gap(format!(
                            "{reason}; listed again, changes in between may be missing"
                        ))
                        .await;
                        break;
                    }
                    End::Unreadable(reason) => {
                        self.fruitless(&reason).await?;
                        self.gap(reason).await;
                    }
                    End::Failed(error) => self.recover(error).await?,
                }
                if self.sender.is_closed() {
                    return Ok(());
                }
            }
        }
    }

    /// Everything there is. What was known and is not there any more has vanished.
    async fn list(&mut self) -> Result<(), RequestError> {
        let mut seen = HashSet::new();
        let mut next: Option<String> = None;
        loop {
            let mut path = format!("{}?limit={PAGE}{}", self.path(), T::selectors(&self.selection));
            if let Some(token) = &next {
                path.push_str(&format!("&continue={}", encode(token)));
            }
            let mut list: List<Box<RawValue>> = answered(&path, get_json(&self.client, &path)).await?;
            let received = Moment::now();
            next = list.next();
            self.version = list.metadata.resource_version.take().unwrap_or_default();
            for item in list.into_items() {
                self.listed_item(&item, received, &mut seen).await;
            }
            if next.is_none() {
                break;
            }
        }
        for uid in self.known.difference(&seen) {
            let noticed = Moment::now();
            let vanished = Vanished {
                noticed,
                uid: uid.clone(),
            };
            if T::KIND == "pods" {
                self.hand_on(noticed, None, Evidence::Vanished(vanished)).await;
            }
        }
        self.known = seen;
        self.recovered().await;
        if !self.listed {
            self.listed = true;
            let _ = self.sender.send(Arrival::Listed(T::KIND)).await;
        }
        Ok(())
    }

    async fn listed_item(&self, item: &RawValue, received: Moment, seen: &mut HashSet<String>) {
        let Ok(object) = serde_json::from_str::<T>(item.get()) else {
            return;
        };
        if T::KIND == "pods" {
            seen.insert(object.metadata().uid.clone());
        }
        if let Some(evidence) = object.evidence(received, Change::Listed) {
            self.hand_on(received, Some(listed_line(item)), evidence).await;
        }
    }

    /// Whether anybody takes it.
    async fn hand_on(&self, received: Moment, raw: Option<Vec<u8>>, evidence: Evidence) -> bool {
        let arrival = Arrival::Evidence {
            kind: T::KIND,
            received,
            raw,
            evidence,
        };
        self.sender.send(arrival).await.is_ok()
    }

    /// Changes may be missing from here on.
    async fn gap(&self, reason: String) {
        let noticed = Moment::now();
        let gap = Gap {
            noticed,
            resource: T::KIND.to_owned(),
            namespace: self.selection.namespace.clone(),
            reason,
        };
        self.hand_on(noticed, None, Evidence::Gap(gap)).await;
    }
}
