//! An API server on the loopback interface that plays recordings over real HTTP, with faults where a test
//! wants them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its part of this module"
)]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// What goes wrong on a watch, once, after so many of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed between two events.
    Cut,
    /// The connection is closed in the middle of an event.
    CutInLine,
    /// `ERROR` 410, and the next list is this many events further.
    Gone { skipped: usize },
    /// The watch request itself is answered with 410 after a cut.
    GoneOnRequest { skipped: usize },
    /// Everything the server sent in the last watch is sent again after a cut.
    Duplicates,
    /// Nobody answers for a moment.
    Restart,
    /// The next request is answered with 401.
    Unauthorized,
}

/// What a server plays.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Watch events of pods, in order.
    pub pods: Vec<Value>,
    /// Watch events of events, in order.
    pub events: Vec<Value>,
    /// Answers to other requests, by path.
    pub objects: BTreeMap<String, Value>,
    /// After how many events of a watch which fault strikes.
    pub faults: Vec<(usize, Fault)>,
    /// A watch with bookmarks is answered with `ERROR` 500, as by an etcd without progress notifications.
    pub refuses_bookmarks: bool,
    /// Bookmarks are sent between events.
    pub sends_bookmarks: bool,
    /// How long to wait before each event.
    pub pause: Duration,
    /// How many pod events have happened when the first list is asked for.
    pub happened: usize,
}

impl Script {
    /// The watches of a recording.
    pub fn of(recording: &Path) -> Self {
        let read = |file: &str| -> Vec<Value> {
            let text = std::fs::read_to_string(recording.join(file)).unwrap();
            text.lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take())
                .filter(|event| matches!(event["type"].as_str(), Some("ADDED" | "MODIFIED" | "DELETED")))
                .collect()
        };
        Self {
            pods: read("pods.jsonl"),
            events: read("events.jsonl"),
            ..Self::default()
        }
    }

    /// The namespace of what is played.
    pub fn namespace(&self) -> String {
        self.pods[0]["object"]["metadata"]["namespace"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Whether every pod is deleted at the end.
    pub fn deletes_all(&self) -> bool {
        state(&self.pods).is_empty()
    }
}

fn version(event: &Value) -> u64 {
    event["object"]["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// The objects that are there after these events.
fn state(events: &[Value]) -> Vec<Value> {
    let mut objects: BTreeMap<String, Value> = BTreeMap::new();
    for event in events {
        let uid = event["object"]["metadata"]["uid"].as_str().unwrap().to_owned();
        if event["type"] == "DELETED" {
            objects.remove(&uid);
        } else {
            objects.insert(uid, event["object"].clone());
        }
    }
    objects.into_values().collect()
}

#[derive(Debug)]
struct Shared {
    script: Script,
    faults: Mutex<Vec<(usize, Fault)>>,
    /// Events that a list must at least contain: a 410 lies before them.
    compacted: AtomicU64,
    repeat_from: Mutex<Option<u64>>,
    gone_next: AtomicBool,
    unauthorized_next: AtomicBool,
    down: AtomicBool,
    stop: AtomicBool,
    requests: Mutex<Vec<String>>,
}

/// A running server.
pub struct ApiServer {
    shared: Arc<Shared>,
    address: String,
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
    }
}

impl ApiServer {
    pub fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let compacted = script.happened;
        let shared = Arc::new(Shared {
            faults: Mutex::new(script.faults.clone()),
            script,
            compacted: AtomicU64::new(compacted as u64),
            repeat_from: Mutex::new(None),
            gone_next: AtomicBool::new(false),
            unauthorized_next: AtomicBool::new(false),
            down: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            requests: Mutex::new(Vec::new()),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || {
                    let _ = shared.serve(&stream);
                });
            }
        });
        Self { shared, address }
    }

    /// The paths that were asked for.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Writes a kubeconfig for this server and gives its path.
    pub fn kubeconfig(&self, name: &str) -> PathBuf {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kubeconfig-{name}-{}", std::process::id()));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "loopback",
            "clusters": [{"name": "loopback", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "nobody", "user": {"token": "none"}}],
            "contexts": [{"name": "loopback", "context": {
                "cluster": "loopback", "user": "nobody", "namespace": self.shared.script.namespace(),
            }}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        if self.down.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header)? == 0 || header == "\r\n" {
                break;
            }
        }
        self.requests.lock().unwrap().push(target.clone());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        if self.unauthorized_next.swap(false, Ordering::SeqCst) {
            return answer(stream, 401, &status(401, "Unauthorized"));
        }
        let watched = if path.ends_with("/pods") {
            &self.script.pods
        } else if path.ends_with("/events") {
            &self.script.events
        } else {
            return match self.script.objects.get(path) {
                Some(object) => answer(stream, 200, object),
                None => answer(stream, 404, &status(404, "not found")),
            };
        };
        let is_pods = path.ends_with("/pods");
        if query.contains("watch=1") {
            self.watch(stream, watched, query, is_pods)
        } else {
            self.list(stream, watched, is_pods)
        }
    }

    fn list(&self, stream: &TcpStream, events: &[Value], is_pods: bool) -> std::io::Result<()> {
        let happened = if is_pods {
            self.compacted.load(Ordering::SeqCst) as usize
        } else {
            0
        };
        let happened = happened.min(events.len());
        let items = state(&events[..happened]);
        let version = events[..happened].last().map_or(1, version);
        let list = json!({"kind": "List", "apiVersion": "v1",
            "metadata": {"resourceVersion": version.to_string()}, "items": items});
        answer(stream, 200, &list)
    }

    fn watch(
        &self,
        mut stream: &TcpStream,
        events: &[Value],
        query: &str,
        is_pods: bool,
    ) -> std::io::Result<()> {
        if is_pods && self.gone_next.swap(false, Ordering::SeqCst) {
            return answer(stream, 410, &status(410, "too old resource version"));
        }
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        )?;
        if self.script.refuses_bookmarks && query.contains("allowWatchBookmarks=true") {
            let error = json!({"type": "ERROR", "object": status(500, "etcd does not support bookmarks")});
            chunk(stream, &error)?;
            return stream.write_all(b"0\r\n\r\n");
        }
        let from: u64 = query
            .split('&')
            .find_map(|part| part.strip_prefix("resourceVersion="))
            .and_then(|version| version.parse().ok())
            .unwrap_or(0);
        let from = self
            .repeat_from
            .lock()
            .unwrap()
            .take()
            .filter(|_| is_pods)
            .unwrap_or(from);
        let started = from;
        for (index, event) in events.iter().enumerate() {
            if version(event) <= from {
                continue;
            }
            if self.stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            let fault = if is_pods { self.fault_at(index) } else { None };
            if let Some(fault) = fault {
                return self.strike(stream, fault, index, event, started);
            }
            thread::sleep(self.script.pause);
            chunk(stream, event)?;
            if self.script.sends_bookmarks {
                let bookmark = json!({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1",
                    "metadata": {"resourceVersion": version(event).to_string()},
                    "spec": {"containers": null}, "status": {}}});
                chunk(stream, &bookmark)?;
            }
        }
        while !self.stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn fault_at(&self, index: usize) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let at = faults.iter().position(|(after, _)| *after == index)?;
        Some(faults.remove(at).1)
    }

    fn strike(
        &self,
        mut stream: &TcpStream,
        fault: Fault,
        index: usize,
        event: &Value,
        started: u64,
    ) -> std::io::Result<()> {
        match fault {
            Fault::Cut => {}
            Fault::CutInLine => {
                let text = format!("{event}\n");
                let half = &text.as_bytes()[..text.len() / 2];
                write!(stream, "{:x}\r\n", half.len())?;
                stream.write_all(half)?;
                stream.write_all(b"\r\n")?;
            }
            Fault::Gone { skipped } => {
                self.compacted.store((index + skipped) as u64, Ordering::SeqCst);
                chunk(
                    stream,
                    &json!({"type": "ERROR", "object": status(410, "too old resource version")}),
                )?;
                stream.write_all(b"0\r\n\r\n")?;
            }
            Fault::GoneOnRequest { skipped } => {
                self.compacted.store((index + skipped) as u64, Ordering::SeqCst);
                self.gone_next.store(true, Ordering::SeqCst);
            }
            Fault::Duplicates => *self.repeat_from.lock().unwrap() = Some(started),
            Fault::Restart => {
                self.down.store(true, Ordering::SeqCst);
                stream.shutdown(std::net::Shutdown::Both)?;
                thread::sleep(Duration::from_millis(600));
                self.down.store(false, Ordering::SeqCst);
            }
            Fault::Unauthorized => self.unauthorized_next.store(true, Ordering::SeqCst),
        }
        Ok(())
    }
}

fn status(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": "Test", "code": code})
}

fn chunk(mut stream: &TcpStream, event: &Value) -> std::io::Result<()> {
    let text = format!("{event}\n");
    write!(stream, "{:x}\r\n{text}\r\n", text.len())
}

fn answer(mut stream: &TcpStream, code: u16, body: &Value) -> std::io::Result<()> {
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {code} Test\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// What a run of the binary said.
#[derive(Debug)]
pub struct Run {
    /// The JSON lines of standard output.
    pub lines: Vec<Value>,
    /// Standard error.
    pub notes: String,
    /// The exit code.
    pub code: Option<i32>,
}

impl Run {
    /// Lines of that type.
    pub fn of_type(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(move |line| line["type"] == kind)
    }

    /// Facts without what differs between a recorded and a live arrival.
    pub fn facts(&self) -> Vec<String> {
        let mut facts: Vec<String> = self
            .of_type("fact")
            .map(|fact| {
                format!(
                    "{} {} {} {} {}",
                    fact["pod"]["name"], fact["container"], fact["restarts"], fact["what"], fact["exitCode"]
                )
            })
            .collect();
        facts.sort();
        facts
    }

    /// Order verdicts: pod, rule, before, after, and the verdict.
    pub fn verdicts(&self) -> BTreeMap<String, String> {
        self.of_type("verdict")
            .map(|line| {
                let text = |field: &str| line[field].as_str().unwrap_or("-");
                let key = format!(
                    "{} {} {} {}",
                    line["pod"]["name"].as_str().unwrap(),
                    text("rule"),
                    text("before"),
                    text("after")
                );
                (key, text("verdict").to_owned())
            })
            .collect()
    }
}

/// Runs the binary with `-o json`.
pub fn trace(arguments: &[&str], kubeconfig: Option<&Path>) -> Run {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"));
    command.arg("trace").args(arguments).args(["-o", "json"]);
    match kubeconfig {
        Some(path) => command.env("KUBECONFIG", path),
        None => command.env_remove("KUBECONFIG"),
    };
    let output = command.output().unwrap();
    Run {
        lines: String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        notes: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

/// The recordings, where they are there; otherwise says that the test is skipped.
pub fn recordings() -> Option<Vec<PathBuf>> {
    let root = std::env::var_os("SIDECAR_RECORDINGS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings"),
        PathBuf::from,
    );
    if !root.is_dir() {
        crate::tell::skip("recordings", &format!("no recordings at {}", root.display()));
        return None;
    }
    let mut found: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap()
        .flatten()
        .filter(|version| version.path().is_dir())
        .flat_map(|version| std::fs::read_dir(version.path()).unwrap().flatten())
        .map(|scenario| scenario.path())
        .filter(|scenario| scenario.join("truth.json").is_file())
        .collect();
    assert!(!found.is_empty(), "no recording at {}", root.display());
    found.sort();
    Some(found)
}
