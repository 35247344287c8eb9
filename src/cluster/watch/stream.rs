//! One watch request, line by line.

use std::time::{Duration, Instant};

use futures::{AsyncBufReadExt, AsyncReadExt, io::BufReader};

use super::{Watch, answered, patience::PAUSES};
use crate::{
    cluster::{
        request::{RequestError, encode, get_stream},
        resource::WatchedResource,
    },
    trace::{
        Moment,
        evidence::Change,
        object::{ErrorStatus, WatchEvent},
    },
};

/// The server ends a watch after this many seconds; a new one goes on where it ended. A connection that is dead and
/// does not know it (a laptop was closed, a VPN is gone) shows by that: a watch may be silent for hours otherwise, and
/// HTTP/1.1 has no ping. kubectl notices after 45 seconds.
const WATCH_SECONDS: u64 = 30;
/// A watch that says nothing for this long after it should have ended is taken for dead.
const GRACE: Duration = Duration::from_secs(5);
/// A watch that lived this long needs no pause before the next.
const LONG: Duration = Duration::from_secs(10);
/// The longest line of a watch, in bytes. etcd holds no object of more than 1.5 MiB unless it is told to.
const LONGEST_LINE: u64 = 32 << 20;

/// Why a watch stream ended.
pub(super) enum End {
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

impl<T: WatchedResource> Watch<T> {
    /// One watch request, to its end.
    pub(super) async fn watch(&mut self) -> End {
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
