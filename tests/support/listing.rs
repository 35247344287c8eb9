//! An API server on the loopback interface that lists what a test gives it, with faults where a test wants them.

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
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A status, with `Retry-After` where there is one.
    Status(u16, Option<u32>),
    /// The connection is closed before a byte is sent.
    Reset,
    /// The body ends before its length.
    CutBody,
    /// A body without a length ends in its middle.
    CutStream,
    /// The answer takes its time.
    Slow(Duration),
}

/// A fault that strikes requests whose target contains a text, so many times.
#[derive(Debug, Clone)]
pub struct Planned {
    pub target: String,
    pub fault: Fault,
    pub times: usize,
}

/// A kind that the server has.
#[derive(Debug, Clone)]
struct Kind {
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    short: &'static str,
}

const ADMISSION: &str = "admissionregistration.k8s.io";

const KINDS: [Kind; 11] = [
    kind("", "v1", "pods", "Pod", "po"),
    kind("", "v1", "secrets", "Secret", ""),
    kind("", "v1", "replicationcontrollers", "ReplicationController", "rc"),
    kind("apps", "v1", "deployments", "Deployment", "deploy"),
    kind("apps", "v1", "replicasets", "ReplicaSet", "rs"),
    kind("apps", "v1", "statefulsets", "StatefulSet", "sts"),
    kind("apps", "v1", "daemonsets", "DaemonSet", "ds"),
    kind("batch", "v1", "jobs", "Job", ""),
    kind("batch", "v1", "cronjobs", "CronJob", "cj"),
    kind(
        ADMISSION,
        "v1",
        "mutatingadmissionpolicies",
        "MutatingAdmissionPolicy",
        "",
    ),
    kind(
        ADMISSION,
        "v1",
        "mutatingadmissionpolicybindings",
        "MutatingAdmissionPolicyBinding",
        "",
    ),
];

const fn kind(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    short: &'static str,
) -> Kind {
    Kind {
        group,
        version,
        plural,
        kind,
        short,
    }
}

/// What has no namespace and no pods.
const POLICIES: [&str; 4] = [
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
];

/// What a server serves.
#[derive(Debug, Clone)]
pub struct Script {
    /// Objects by the plural of their kind.
    pub objects: BTreeMap<String, Vec<Value>>,
    /// `/openapi/v3/apis/…` of custom groups: (group, plural, kind), and the schema of the spec.
    pub custom: Vec<(&'static str, &'static str, &'static str, Value)>,
    /// Groups whose server does not answer.
    pub stale: Vec<&'static str>,
    /// The server knows no aggregated discovery.
    pub old_discovery: bool,
    /// `1.37.2`
    pub version: &'static str,
    /// The kubelets' versions.
    pub kubelets: Vec<&'static str>,
    /// Objects a page holds at most.
    pub page: usize,
    /// The token that is taken; any where there is none.
    pub token: Option<String>,
    pub faults: Vec<Planned>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            custom: Vec::new(),
            stale: Vec::new(),
            old_discovery: false,
            version: "v1.37.2",
            kubelets: vec!["v1.37.2"],
            page: usize::MAX,
            token: None,
            faults: Vec::new(),
        }
    }
}

impl Script {
    /// Adds objects, which are given uids.
    pub fn with(mut self, plural: &str, objects: impl IntoIterator<Item = Value>) -> Self {
        let list = self.objects.entry(plural.to_owned()).or_default();
        for mut object in objects {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            object["metadata"]["uid"] = json!(format!("{plural}-{name}"));
            if object["metadata"]["namespace"].is_null() {
                object["metadata"]["namespace"] = json!("shop");
            }
            list.push(object);
        }
        self
    }

    /// Requests whose target contains `target` go wrong so many times.
    pub fn fault(mut self, target: &str, fault: Fault, times: usize) -> Self {
        self.faults.push(Planned {
            target: target.to_owned(),
            fault,
            times,
        });
        self
    }
}

struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<String>>,
    stop: AtomicBool,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// A running server.
pub struct Listing {
    shared: Arc<Shared>,
    pub address: String,
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
    }
}

/// What a run of the binary said.
#[derive(Debug)]
pub struct Run {
    pub out: String,
    pub notes: String,
    pub code: Option<i32>,
}

impl Run {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `source rule` of each finding, sorted.
    pub fn findings(&self) -> Vec<String> {
        let report = self.json();
        let mut found: Vec<String> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                format!(
                    "{} {}",
                    finding["file"].as_str().unwrap(),
                    finding["rule"].as_str().unwrap()
                )
            })
            .collect();
        found.sort();
        found
    }

    /// The sources of all workloads, sorted.
    pub fn workloads(&self) -> Vec<String> {
        let mut files: Vec<String> = self.json()["workloads"]
            .as_array()
            .unwrap()
            .iter()
            .map(|workload| workload["file"].as_str().unwrap().to_owned())
            .collect();
        files.sort();
        files
    }

    /// `what: why` of what was not seen.
    pub fn unseen(&self) -> Vec<String> {
        self.json()["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| {
                format!(
                    "{}: {}",
                    error["file"].as_str().unwrap(),
                    error["message"].as_str().unwrap()
                )
            })
            .collect()
    }
}

impl Listing {
    pub fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            requests: Mutex::new(Vec::new()),
            stop: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || {
                    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
                    shared.most_open.fetch_max(open, Ordering::SeqCst);
                    let _ = shared.serve(&stream);
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { shared, address }
    }

    /// The targets that were asked for.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many requests were answered at the same time at most.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// A kubeconfig with a context for this server, and its path.
    pub fn kubeconfig(&self, name: &str, scheme: &str, user: &Value) -> PathBuf {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kubeconfig-{name}-{}", std::process::id()));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "loopback",
            "clusters": [{"name": "loopback", "cluster": {"server": format!("{scheme}://{}", self.address)}}],
            "users": [{"name": "somebody", "user": user}],
            "contexts": [{"name": "loopback", "context": {
                "cluster": "loopback", "user": "somebody", "namespace": "shop",
            }}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Lints this cluster.
    pub fn lint(&self, name: &str, arguments: &[&str]) -> Run {
        let kubeconfig = self.kubeconfig(name, "http", &json!({"token": "none"}));
        let mut all = vec!["lint", "--no-config"];
        all.extend(arguments);
        run(&all, &kubeconfig)
    }
}

/// Runs the binary.
pub fn run(arguments: &[&str], kubeconfig: &Path) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    Run {
        out: String::from_utf8(output.stdout).unwrap(),
        notes: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut token, mut accept) = (String::new(), String::new());
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header)? == 0 || header == "\r\n" {
                break;
            }
            if let Some((name, value)) = header.split_once(':') {
                match name.to_lowercase().as_str() {
                    "authorization" => value.trim().trim_start_matches("Bearer ").clone_into(&mut token),
                    "accept" => value.trim().clone_into(&mut accept),
                    _ => {}
                }
            }
        }
        if target.is_empty() {
            return Ok(());
        }
        self.requests.lock().unwrap().push(target.clone());
        let (fault, answer) = {
            let mut script = self.script.lock().unwrap();
            if script.token.as_ref().is_some_and(|wanted| *wanted != token) {
                (Some(Fault::Status(401, None)), None)
            } else {
                let planned = script
                    .faults
                    .iter_mut()
                    .find(|planned| planned.times > 0 && target.contains(&planned.target));
                let fault = planned.map(|planned| {
                    planned.times = planned.times.saturating_sub(1);
                    planned.fault.clone()
                });
                (fault, script.answer(&target, &accept))
            }
        };
        let body = answer
            .clone()
            .unwrap_or_else(|| status(404, "not found"))
            .to_string();
        let code = if answer.is_some() { 200 } else { 404 };
        match fault {
            None => send(stream, code, "", &body, body.len()),
            Some(Fault::Status(code, retry)) => {
                let retry = retry.map_or_else(String::new, |after| format!("Retry-After: {after}\r\n"));
                let body = status(code, "refused by the test").to_string();
                send(stream, code, &retry, &body, body.len())
            }
            Some(Fault::Reset) => Ok(()),
            Some(Fault::CutBody) => send(stream, code, "", &body[..body.len() / 2], body.len()),
            Some(Fault::CutStream) => {
                let mut stream = stream;
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}",
                    &body[..body.len() / 2]
                )
            }
            Some(Fault::Slow(time)) => {
                thread::sleep(time);
                send(stream, code, "", &body, body.len())
            }
        }
    }
}

fn send(mut stream: &TcpStream, code: u16, headers: &str, body: &str, length: usize) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {code} Test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
    )
}

fn status(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": "Test", "code": code})
}

impl Script {
    fn kinds(&self) -> Vec<Kind> {
        let custom = self
            .custom
            .iter()
            .map(|(group, plural, name, _)| kind(group, "v1", plural, name, ""));
        KINDS.into_iter().chain(custom).collect()
    }

    fn answer(&self, target: &str, accept: &str) -> Option<Value> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match path {
            "/version" => return Some(json!({"gitVersion": self.version})),
            "/openapi/v3/api/v1" => {
                return Some(json!({"components": {"schemas": {"io.k8s.api.core.v1.Lifecycle":
                    {"properties": {"preStop": {}}}}}}));
            }
            "/openapi/v3" => return Some(json!({"paths": {}})),
            "/api" | "/apis" if accept.contains("APIGroupDiscoveryList") && !self.old_discovery => {
                return Some(self.aggregated(path == "/api"));
            }
            "/api" => return Some(json!({"versions": ["v1"]})),
            "/apis" => return Some(self.groups()),
            "/apis/admissionregistration.k8s.io/v1" => {
                let resources = POLICIES.map(|name| json!({"name": name}));
                return Some(json!({"kind": "APIResourceList", "resources": resources}));
            }
            _ => {}
        }
        if let Some(group) = path.strip_prefix("/openapi/v3/apis/") {
            return self.schema(group.split('/').next()?);
        }
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let rest = match parts.as_slice() {
            ["api", "v1", rest @ ..] => rest,
            ["apis", _, _, rest @ ..] => rest,
            _ => return None,
        };
        match rest {
            [] => Some(self.resources(parts.get(1).filter(|_| parts[0] == "apis").copied().unwrap_or(""))),
            ["nodes"] => Some(self.nodes()),
            ["namespaces"] => Some(self.list("namespaces", None, query)),
            ["namespaces", name] => {
                let mut all = self.objects.get("namespaces")?.iter();
                all.find(|namespace| namespace["metadata"]["name"] == *name)
                    .cloned()
            }
            ["namespaces", namespace, plural] => Some(self.list(plural, Some(namespace), query)),
            ["namespaces", namespace, plural, name] => self.objects.get(*plural)?.iter().find_map(|object| {
                let own = &object["metadata"];
                (own["name"] == *name && own["namespace"] == *namespace).then(|| object.clone())
            }),
            [plural] => Some(self.list(plural, None, query)),
            [plural, name] if POLICIES.contains(plural) => {
                let mut all = self.objects.get(*plural)?.iter();
                all.find(|object| object["metadata"]["name"] == *name).cloned()
            }
            _ => None,
        }
    }

    fn list(&self, plural: &str, namespace: Option<&str>, query: &str) -> Value {
        let parameter = |name: &str| {
            query
                .split('&')
                .find_map(|part| part.strip_prefix(&format!("{name}=")))
                .map(str::to_owned)
        };
        let all: Vec<&Value> = self
            .objects
            .get(plural)
            .into_iter()
            .flatten()
            .filter(|object| namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace))
            .filter(|object| {
                // Only `name%3Dvalue` is understood.
                parameter("labelSelector").is_none_or(|selector| {
                    selector.split_once("%3D").is_some_and(|(name, value)| {
                        object["metadata"]["labels"][name.replace("%2F", "/")] == value
                    })
                })
            })
            .collect();
        let limit: usize = parameter("limit")
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(usize::MAX);
        let from: usize = parameter("continue")
            .and_then(|from| from.parse().ok())
            .unwrap_or(0);
        let to = (from.saturating_add(limit.min(self.page))).min(all.len());
        let next = if to < all.len() {
            to.to_string()
        } else {
            String::new()
        };
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1", "continue": next},
            "items": all.get(from..to).unwrap_or_default()})
    }

    fn nodes(&self) -> Value {
        let nodes: Vec<Value> = self
            .kubelets
            .iter()
            .enumerate()
            .map(|(index, version)| {
                json!({"metadata": {"name": format!("node-{index}"), "uid": format!("node-{index}")},
                    "status": {"nodeInfo": {"kubeletVersion": version}}})
            })
            .collect();
        json!({"metadata": {}, "items": nodes})
    }

    fn aggregated(&self, core: bool) -> Value {
        let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for kind in self.kinds() {
            if kind.group.is_empty() == core {
                groups.entry(kind.group).or_default().push(json!({
                    "resource": kind.plural, "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
                    "scope": "Namespaced", "singularResource": kind.kind.to_lowercase(),
                    "shortNames": [kind.short], "verbs": ["get", "list"],
                }));
            }
        }
        let mut items: Vec<Value> = groups
            .into_iter()
            .map(|(group, resources)| {
                json!({"metadata": {"name": group},
                    "versions": [{"version": "v1", "freshness": "Current", "resources": resources}]})
            })
            .collect();
        if !core {
            items.extend(self.stale.iter().map(|group| {
                json!({"metadata": {"name": group}, "versions": [{"version": "v1", "freshness": "Stale"}]})
            }));
        }
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
    }

    fn groups(&self) -> Value {
        let mut names: Vec<&str> = self.kinds().iter().map(|kind| kind.group).collect();
        names.extend(&self.stale);
        names.retain(|name| !name.is_empty());
        names.dedup();
        let groups: Vec<Value> = names
            .into_iter()
            .map(|name| {
                let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
                json!({"name": name, "versions": [version], "preferredVersion": version})
            })
            .collect();
        json!({"kind": "APIGroupList", "groups": groups})
    }

    fn resources(&self, group: &str) -> Value {
        let resources: Vec<Value> = self
            .kinds()
            .into_iter()
            .filter(|kind| kind.group == group)
            .map(|kind| {
                json!({"name": kind.plural, "singularName": kind.kind.to_lowercase(), "kind": kind.kind,
                    "namespaced": true, "shortNames": [kind.short], "verbs": ["get", "list"]})
            })
            .collect();
        json!({"kind": "APIResourceList", "resources": resources})
    }

    fn schema(&self, group: &str) -> Option<Value> {
        let mut schemas = serde_json::Map::new();
        for (own, _, kind, spec) in self.custom.iter().filter(|(own, ..)| *own == group) {
            schemas.insert(
                format!("{own}.v1.{kind}"),
                json!({"x-kubernetes-group-version-kind": [{"group": own, "version": "v1", "kind": kind}],
                    "properties": {"spec": spec}}),
            );
        }
        (!schemas.is_empty()).then(|| json!({"components": {"schemas": schemas}}))
    }
}
