//! LIST and WATCH, as raw as the server sends them.
//!
//! kube's own watcher merges ADDED and MODIFIED and hides when it listed again; trace must tell these apart.
//! A watch is resumed at the last resourceVersion that was seen, so that nothing is lost or sent twice; where
//! the server no longer has it (410), everything is listed anew and the gap is said.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures::{AsyncBufReadExt, AsyncReadExt, io::BufReader};
use kube::Client;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;

use super::{
    page::List,
    request::{RequestError, encode, get_json, get_stream},
    resource::{Selection, WatchedResource},
};
use crate::trace::{
    Evidence, Moment,
    evidence::{Change, Gap, Vanished},
    object::{ErrorStatus, WatchEvent},
};

/// Objects a page of a list holds.
const PAGE: usize = 500;
/// The server ends a watch after this many seconds; a new one goes on where it ended. A connection that is dead and
/// does not know it (a laptop was closed, a VPN is gone) shows by that: a watch may be silent for hours otherwise, and
/// HTTP/1.1 has no ping. kubectl notices after 45 seconds.
const WATCH_SECONDS: u64 = 30;
/// A watch that says nothing for this long after it should have ended is taken for dead.
const GRACE: Duration = Duration::from_secs(5);
/// A request is answered within this time, or not at all.
const ANSWER: Duration = Duration::from_secs(20);
/// A watch that lived this long needs no pause before the next.
const LONG: Duration = Duration::from_secs(10);
/// Pauses between attempts to reach the server: the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Pauses before a watch that brought nothing is asked for again, as those of client-go's reflector: the first and
/// the longest.
const FRUITLESS_PAUSES: (Duration, Duration) = (Duration::from_millis(800), Duration::from_secs(30));
/// So many watches on end may bring nothing that can be read.
const FRUITLESS: u32 = 8;
/// So many requests on end may be refused because there are too many.
const REFUSALS: u32 = 12;
/// The longest line of a watch, in bytes. etcd holds no object of more than 1.5 MiB unless it is told to.
const LONGEST_LINE: u64 = 32 << 20;

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

/// A server that was never reached is given up after so many failures: about three seconds.
const FIRST_ATTEMPTS: u32 = 5;

/// Why a watch stream ended.
enum End {
    /// It can be resumed.
    Resume,
    /// The resourceVersion is too old.
    Expired(String),
    /// A line can't be read.
    Unreadable(String),
    /// The server does not do bookmarks.
    NoBookmarks,
    /// Nobody listens any more.
    Closed,
    /// It cannot go on.
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

    /// Waits before a watch that brought nothing is asked for again, longer each time; gives up after a few.
    async fn fruitless(&mut self, reason: &str) -> Result<(), RequestError> {
        self.fruitless += 1;
        if self.fruitless > FRUITLESS {
            return Err(RequestError::Answer {
                path: self.path(),
                message: format!("{FRUITLESS} watches on end have brought nothing: {reason}"),
            });
        }
        // That it happens once is nothing special.
        let Some(doublings) = self.fruitless.checked_sub(2) else {
            return Ok(());
        };
        let pause = (FRUITLESS_PAUSES.0 * 2_u32.pow(doublings)).min(FRUITLESS_PAUSES.1);
        let note = format!(
            "{}: {reason}; asking again in {:.1} s",
            T::KIND,
            pause.as_secs_f64()
        );
        let _ = self.sender.send(Arrival::Note(note)).await;
        self.sleep(pause).await;
        Ok(())
    }

    /// Sleeps, or until nobody listens any more.
    async fn sleep(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.sender.closed() => {}
        }
    }

    /// Waits after an error that may pass; gives back one that will not.
    async fn recover(&mut self, error: RequestError) -> Result<(), RequestError> {
        let passing = match error.code() {
            // 401: the client asks for a new token with the next request.
            Some(code) => matches!(code, 401 | 408 | 429 | 500..),
            None => self.listed || self.attempts < FIRST_ATTEMPTS,
        };
        self.attempts += 1;
        self.refusals = if error.code() == Some(429) {
            self.refusals + 1
        } else {
            0
        };
        if !self.lost {
            self.lost = true;
            let _ = self.sender.send(Arrival::Lost(T::KIND)).await;
        }
        if !passing || self.refusals > REFUSALS || self.sender.is_closed() {
            return Err(error);
        }
        if !self.complained {
            self.complained = true;
            let _ = self
                .sender
                .send(Arrival::Note(format!("{error}; trying again")))
                .await;
        }
        self.sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        Ok(())
    }

    /// The watch was not ended by the server in time.
    async fn dead(&mut self, age: Duration) {
        if !self.lost {
            self.lost = true;
            let _ = self.sender.send(Arrival::Lost(T::KIND)).await;
        }
        if !self.complained {
            self.complained = true;
            let note = format!(
                "{}: the connection is dead, the server did not end its watch in {} seconds; trying again",
                self.path(),
                age.as_secs()
            );
            let _ = self.sender.send(Arrival::Note(note)).await;
        }
    }

    async fn recovered(&mut self) {
        self.pause = PAUSES.0;
        self.found().await;
    }

    /// The server answers again.
    async fn found(&mut self) {
        self.complained = false;
        if self.lost {
            self.lost = false;
            let _ = self.sender.send(Arrival::Found(T::KIND)).await;
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

    /// One watch request, to its end.
    async fn watch(&mut self) -> End {
        let bookmarks = if self.bookmarks {
            "&allowWatchBookmarks=true"
        } else {
            ""
        };
        let path = format!(
            "{}?watch=1&resourceVersion={}&timeoutSeconds={WATCH_SECONDS}{bookmarks}{}",
            self.path(),
            encode(&self.version),
            T::selectors(&self.selection),
        );
        let stream = match answered(&path, get_stream(&self.client, &path)).await {
            Ok(stream) => stream,
            Err(error) => {
                return match error.code() {
                    Some(410) => End::Expired(error.to_string()),
                    _ => End::Failed(error),
                };
            }
        };
        self.found().await;
        let opened = Instant::now();
        let mut reader = BufReader::with_capacity(64 * 1024, stream);
        let mut line = Vec::new();
        let mut first = true;
        loop {
            line.clear();
            let mut bounded = (&mut reader).take(LONGEST_LINE);
            let end = opened + Duration::from_secs(WATCH_SECONDS);
            let patience = GRACE + end.saturating_duration_since(Instant::now());
            let read = tokio::select! {
                read = tokio::time::timeout(patience, bounded.read_until(b'\n', &mut line)) => read,
                () = self.sender.closed() => return End::Closed,
            };
            if line.len() as u64 >= LONGEST_LINE {
                return End::Unreadable(format!(
                    "a line of the watch is longer than {} MiB",
                    LONGEST_LINE >> 20
                ));
            }
            // A line without its end was cut off; resuming sends it again.
            let whole = matches!(read, Ok(Ok(_))) && line.last() == Some(&b'\n');
            if !whole {
                if read.is_err() {
                    self.dead(opened.elapsed()).await;
                }
                if first && opened.elapsed() < LONG {
                    self.sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(PAUSES.1);
                }
                return End::Resume;
            }
            if let Some(end) = self.line(&line, first).await {
                return end;
            }
            first = false;
        }
    }

    async fn line(&mut self, line: &[u8], first: bool) -> Option<End> {
        let received = Moment::now();
        let event: WatchEvent<T> = match serde_json::from_slice(line) {
            Ok(event) => event,
            Err(error) => return Some(self.error_line(line, first, &error)),
        };
        let version = &event.object.metadata().resource_version;
        if event.kind == "ERROR" {
            return Some(self.error_line(line, first, &"an error"));
        }
        if !version.is_empty() {
            self.version.clone_from(version);
        }
        self.fruitless = 0;
        self.refusals = 0;
        let change = match event.kind.as_str() {
            "ADDED" => Change::Added,
            "MODIFIED" => Change::Modified,
            "DELETED" => Change::Deleted,
            _ => return None,
        };
        self.recovered().await;
        let uid = &event.object.metadata().uid;
        if T::KIND == "pods" {
            if change == Change::Deleted {
                self.known.remove(uid);
            } else if !self.known.contains(uid) {
                self.known.insert(uid.clone());
            }
        }
        if let Some(evidence) = event.object.evidence(received, change) {
            let raw = Some(line.trim_ascii_end().to_vec());
            if !self.hand_on(received, raw, evidence).await {
                return Some(End::Closed);
            }
        }
        None
    }

    /// `ERROR`: too old, or a server that cannot do bookmarks, or something that passes.
    fn error_line(&self, line: &[u8], first: bool, problem: &dyn std::fmt::Display) -> End {
        let Ok(error) = serde_json::from_slice::<WatchEvent<ErrorStatus>>(line) else {
            return End::Unreadable(format!("a line of the watch could not be read: {problem}"));
        };
        let status = error.object;
        match status.code {
            410 => End::Expired(format!("410 {}", status.message)),
            500 if self.bookmarks && first => End::NoBookmarks,
            code => End::Failed(RequestError::Refused {
                path: self.path(),
                code: u16::try_from(code).unwrap_or(500).max(500),
                message: status.message,
            }),
        }
    }
}
