//! Recordings: raw evidence as JSON lines, one piece a line.
//!
//! `{"kind":"pods","received":NS,"event":{"type":"MODIFIED","object":{…}}}` is a line of a pod watch with the
//! nanosecond it arrived at; `events` likewise. `LISTED` stands for an object of a list. The other kinds are
//! `logs`, `attach`, `metrics`, `node`, `template`, `kubelet`, `gap`,
//! `unseen`, `vanished`, `listed` (the first lists
//! were complete), `end` (when the recorder stopped looking), and `trace`, the header. A directory with
//! `pods.jsonl`, `events.jsonl`, `logs.jsonl` and `attach.jsonl` is read as well: there the file names are
//! the kinds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Evidence, Moment,
    evidence::{
        AttachEnd, Change, ContainerAddress, CreationTime, EventSeen, Gap, KubeletSeen, LogLine, NodeSeen,
        PodSeen, ScriptsSeen, TemplateSeen, Unseen, Vanished,
    },
    object::{ErrorStatus, Event, Pod, WatchEvent},
};

/// The first line of a recording: with which evidence it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// The version of the format.
    pub version: u32,
    /// Log lines were read.
    pub logs: bool,
    /// Attach streams were opened.
    pub attach: bool,
    /// Creation times were read.
    pub metrics: bool,
    /// Regular containers that counted as sidecars.
    pub sidecars: Vec<String>,
}

/// The version of the format this program writes.
pub const FORMAT_VERSION: u32 = 1;

/// The kinds of the files in a directory of recordings.
const FILES: [&str; 4] = ["pods", "events", "logs", "attach"];

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A file could not be opened or read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The directory has none of the files.
    #[error("{0}: neither a recording nor a directory with pods.jsonl")]
    NoRecording(String),
}

/// What one line holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// Evidence.
    Evidence(Evidence),
    /// The header.
    Header(Header),
    /// Nothing to judge by: a bookmark.
    Nothing,
    /// The first lists were complete: what came until then was known together.
    Listed,
    /// The recorder stopped looking.
    End {
        /// When.
        at: Moment,
        /// Because its time was over: nobody waits any longer.
        timed_out: bool,
    },
}

/// A line that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The file.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// One line of a recording.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it happened to the recorder: what `--realtime` waits for.
    pub at: Option<Moment>,
    /// What it holds, or why it cannot be read.
    pub content: Result<Content, BadLine>,
    /// The line, of a state of a pod: its object says more than evidence keeps.
    pub line: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawLine {
    kind: Option<String>,
    received: Option<i64>,
    event: Option<WatchEvent<Value>>,
    time: Option<i64>,
    namespace: Option<String>,
    pod: Option<String>,
    container: Option<String>,
    id: Option<String>,
    opened: Option<i64>,
    closed: Option<i64>,
    error: Option<String>,
    resource: Option<String>,
    reason: Option<String>,
    uid: Option<String>,
    node: Option<String>,
    owner: Option<String>,
    away: Option<bool>,
    since: Option<i64>,
    containers: Option<BTreeSet<String>>,
    signs: Option<BTreeMap<String, String>>,
    #[serde(rename = "timedOut")]
    timed_out: Option<bool>,
    #[serde(rename = "kubeletVersion")]
    kubelet_version: Option<String>,
}

impl RawLine {
    fn address(&self) -> Result<ContainerAddress, String> {
        Ok(ContainerAddress {
            namespace: self.namespace.clone(),
            pod: self.pod.clone().ok_or("pod is missing")?,
            container: self.container.clone().ok_or("container is missing")?,
        })
    }
}

fn moment(value: Option<i64>, field: &str) -> Result<Moment, String> {
    value.map(Moment).ok_or_else(|| format!("{field} is missing"))
}

/// The kind of a watch's line that does not say it: its object does.
fn kind_of(raw: &RawLine) -> Option<&'static str> {
    match raw.event.as_ref()?.object.get("kind")?.as_str()? {
        "Pod" => Some("pods"),
        "Event" => Some("events"),
        _ => None,
    }
}

/// Reads one line. `kind` is given by the file's name where the line does not carry it.
///
/// # Errors
/// What is wrong with the line.
pub fn parse_line(kind: Option<&str>, text: &str) -> Result<Content, String> {
    let raw: RawLine = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let named = raw.kind.clone();
    let kind = named
        .as_deref()
        .or(kind)
        .or_else(|| kind_of(&raw))
        .ok_or("kind is missing")?;
    let evidence = match kind {
        "trace" => {
            let header: Header = serde_json::from_str(text).map_err(|error| error.to_string())?;
            if header.version > FORMAT_VERSION {
                return Err(format!("version {} is newer than this program", header.version));
            }
            return Ok(Content::Header(header));
        }
        "pods" | "events" => return parse_watch(kind, raw),
        "logs" => Evidence::Log(LogLine {
            address: raw.address()?,
            time: moment(raw.time, "time")?,
        }),
        "attach" => Evidence::Attach(AttachEnd {
            address: raw.address()?,
            id: raw.id.clone().ok_or("id is missing")?,
            opened: moment(raw.opened, "opened")?,
            closed: moment(raw.closed, "closed")?,
            error: raw.error,
        }),
        "metrics" => Evidence::Creation(CreationTime {
            address: raw.address()?,
            time: moment(raw.time, "time")?,
        }),
        "node" => Evidence::Node(NodeSeen {
            name: raw.node.ok_or("node is missing")?,
            kubelet_version: raw.kubelet_version.ok_or("kubeletVersion is missing")?,
        }),
        "template" => Evidence::Template(TemplateSeen {
            owner: raw.owner.ok_or("owner is missing")?,
            containers: raw.containers.ok_or("containers is missing")?,
        }),
        "scripts" => Evidence::Scripts(ScriptsSeen {
            owner: raw.owner.ok_or("owner is missing")?,
            signs: raw.signs.ok_or("signs is missing")?,
        }),
        "kubelet" => Evidence::Kubelet(KubeletSeen {
            noticed: moment(raw.received, "received")?,
            node: raw.node.ok_or("node is missing")?,
            away: raw.away.ok_or("away is missing")?,
            since: raw.since.map(Moment),
        }),
        "unseen" => Evidence::Unseen(Unseen {
            noticed: moment(raw.received, "received")?,
            reason: raw.reason.ok_or("reason is missing")?,
        }),
        "listed" => return Ok(Content::Listed),
        "end" => {
            return Ok(Content::End {
                at: moment(raw.received, "received")?,
                timed_out: raw.timed_out.unwrap_or(false),
            });
        }
        "gap" => Evidence::Gap(Gap {
            noticed: moment(raw.received, "received")?,
            resource: raw.resource.ok_or("resource is missing")?,
            namespace: raw.namespace,
            reason: raw.reason.ok_or("reason is missing")?,
        }),
        "vanished" => Evidence::Vanished(Vanished {
            noticed: moment(raw.received, "received")?,
            uid: raw.uid.ok_or("uid is missing")?,
        }),
        other => return Err(format!("unknown kind {other:?}")),
    };
    Ok(Content::Evidence(evidence))
}

fn parse_watch(kind: &str, raw: RawLine) -> Result<Content, String> {
    let received = moment(raw.received, "received")?;
    let event = raw.event.ok_or("event is missing")?;
    let object = event.object;
    let change = match event.kind.as_str() {
        "LISTED" => Change::Listed,
        "ADDED" => Change::Added,
        "MODIFIED" => Change::Modified,
        "DELETED" => Change::Deleted,
        "BOOKMARK" => return Ok(Content::Nothing),
        "ERROR" => {
            let status: ErrorStatus = serde_json::from_value(object).map_err(|error| error.to_string())?;
            return Ok(Content::Evidence(Evidence::Gap(Gap {
                noticed: received,
                resource: kind.to_owned(),
                namespace: None,
                reason: format!("the server ended the watch: {} {}", status.code, status.message),
            })));
        }
        other => return Err(format!("unknown event type {other:?}")),
    };
    let evidence = if kind == "pods" {
        let pod: Pod = serde_json::from_value(object).map_err(|error| error.to_string())?;
        if pod.metadata.uid.is_empty() {
            return Err("the pod has no uid".to_owned());
        }
        Evidence::Pod(Box::new(PodSeen {
            received,
            change,
            pod,
        }))
    } else if change == Change::Deleted {
        return Ok(Content::Nothing);
    } else {
        let event: Event = serde_json::from_value(object).map_err(|error| error.to_string())?;
        Evidence::Event(Box::new(EventSeen {
            received,
            change,
            event,
        }))
    };
    Ok(Content::Evidence(evidence))
}

/// When a line happened to the recorder.
fn order_of(content: &Content) -> Option<Moment> {
    match content {
        Content::Evidence(Evidence::Log(line)) => Some(line.time),
        Content::Evidence(evidence) => evidence.received(),
        Content::End { at, .. } => Some(*at),
        Content::Header(_) | Content::Nothing | Content::Listed => None,
    }
}

/// The lines of one text, read as they are asked for.
pub struct Lines<R> {
    path: String,
    kind: Option<&'static str>,
    reader: R,
    line: usize,
    failed: bool,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`; `path` is its name in messages.
    pub fn new(path: &str, kind: Option<&'static str>, reader: R) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            reader,
            line: 0,
            failed: false,
        }
    }

    fn bad(&self, message: String) -> BadLine {
        BadLine {
            path: self.path.clone(),
            line: self.line,
            message,
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            if self.failed {
                return None;
            }
            let mut bytes = Vec::new();
            self.line += 1;
            match self.reader.read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    self.failed = true;
                    let content = Err(self.bad(error.to_string()));
                    return Some(Entry {
                        at: None,
                        content,
                        line: None,
                    });
                }
            }
            let (content, line) = match String::from_utf8(bytes) {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => (parse_line(self.kind, &text), Some(text)),
                Err(error) => (Err(error.to_string()), None),
            };
            let line = line.filter(|_| matches!(content, Ok(Content::Evidence(Evidence::Pod(_)))));
            let content = content.map_err(|message| self.bad(message));
            let at = content.as_ref().ok().and_then(order_of);
            return Some(Entry { at, content, line });
        }
    }
}

fn open(path: &Path) -> Result<BufReader<File>, RecordingError> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|source| RecordingError::Unreadable {
            path: path.display().to_string(),
            source,
        })
}

/// The entries of a recording: a file, `-` for standard input, or a directory.
///
/// # Errors
/// Where it cannot be opened. Lines that cannot be read are entries.
pub fn entries(path: &Path) -> Result<Box<dyn Iterator<Item = Entry>>, RecordingError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(Lines::new("<stdin>", None, BufReader::new(io::stdin()))));
    }
    if !path.is_dir() {
        let name = path.display().to_string();
        return Ok(Box::new(Lines::new(&name, None, open(path)?)));
    }
    let files: Vec<(&'static str, PathBuf)> = FILES
        .iter()
        .map(|kind| (*kind, path.join(format!("{kind}.jsonl"))))
        .filter(|(_, file)| file.is_file())
        .collect();
    if !files.iter().any(|(kind, _)| *kind == "pods") {
        return Err(RecordingError::NoRecording(path.display().to_string()));
    }
    let mut entries = Vec::new();
    for (kind, file) in files {
        let name = file.display().to_string();
        entries.extend(Lines::new(&name, Some(kind), open(&file)?));
    }
    entries.sort_by_key(|entry| entry.at);
    Ok(Box::new(entries.into_iter()))
}
