//! `lint -A` on a cluster of 100,000 pods, from a loopback server: time and memory against bare paged listing of the
//! same objects in the same run.
//!
//! The rival is what a client of the field does to list pods: kube's `Api::list` with the same page size, each page
//! decoded into `k8s_openapi`'s pods and dropped. A second figure is the mere transfer: pages read and not decoded.
//!
//! `cargo bench --bench scan -- [PODS]`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where something is wrong"
)]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

const PODS: usize = 100_000;
/// Pods of one Deployment.
const REPLICAS: usize = 50;
/// Every so many pods one has no owner, and is a workload itself.
const ALONE: usize = 100;
const PAGE: usize = 500;
/// As many bytes of `managedFields` as a pod of a cluster has.
const MANAGED: usize = 2_500;
const ROUNDS: usize = 3;

fn containers() -> Value {
    let mounts = json!([{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}]);
    let environment: Vec<Value> = (0..12)
        .map(|index| json!({"name": format!("VARIABLE_{index}"), "value": format!("https://service-{index}.example.com")}))
        .collect();
    let resources = json!({"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}});
    json!([
        {"name": "app", "image": "registry.example.com/team/app:1.2.3", "command": ["/app/run", "--listen=:8080"],
            "env": environment, "resources": resources, "volumeMounts": mounts, "ports": [{"containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 10},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent"},
        {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.24.0", "args": ["proxy", "sidecar"], "env": environment,
            "resources": resources, "volumeMounts": mounts, "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent"},
    ])
}

fn pod(index: usize) -> Value {
    let deployment = index / REPLICAS;
    let owner = if index.is_multiple_of(ALONE) {
        json!([])
    } else {
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("web-{deployment}-5d4f8c7b9"),
            "uid": format!("rs-{deployment}"), "controller": true, "blockOwnerDeletion": true}])
    };
    let state = json!({"running": {"startedAt": "2026-11-27T10:00:00Z"}});
    let statuses: Vec<Value> = ["app", "istio-proxy"]
        .iter()
        .map(|name| {
            json!({"name": name, "ready": true, "started": true, "restartCount": 0, "state": state, "lastState": {},
                "image": "registry.example.com/x:1", "imageID": format!("registry.example.com/x@sha256:{:064x}", index),
                "containerID": format!("containerd://{:064x}", index)})
        })
        .collect();
    json!({
        "metadata": {"name": format!("web-{deployment}-5d4f8c7b9-{index}"), "namespace": format!("team-{}", deployment % 40),
            "uid": format!("00000000-0000-0000-0000-{index:012}"), "resourceVersion": index.to_string(),
            "creationTimestamp": "2026-11-27T09:59:58Z", "labels": {"app": format!("web-{deployment}"), "pod-template-hash": "5d4f8c7b9"},
            "annotations": {"sidecar.istio.io/status": "{\"containers\":[\"istio-proxy\"]}"}, "ownerReferences": owner,
            "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:padding": {"x".repeat(MANAGED): {}}}}]},
        "spec": {"restartPolicy": "Always", "nodeName": format!("node-{}", index % 200), "serviceAccountName": "default",
            "containers": containers(), "volumes": [{"name": "token", "projected": {"defaultMode": 420, "sources": []}}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "hostIP": "10.1.0.1", "startTime": "2026-11-27T09:59:59Z",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-27T10:00:05Z"}],
            "containerStatuses": statuses},
    })
}

/// Deployments, or the ReplicaSets between them and the pods, as one list.
fn owners(pods: usize, sets: bool) -> String {
    let items: Vec<Value> = (0..pods.div_ceil(REPLICAS))
        .map(|index| {
            let app = format!("web-{index}");
            let mut own = containers();
            own.as_array_mut().unwrap().truncate(1);
            let (uid, name, owner) = if sets {
                let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": app, "uid": format!("d-{index}"), "controller": true}]);
                (format!("rs-{index}"), format!("{app}-5d4f8c7b9"), owner)
            } else {
                (format!("d-{index}"), app.clone(), json!([]))
            };
            json!({"metadata": {"name": name, "namespace": format!("team-{}", index % 40), "uid": uid, "ownerReferences": owner},
                "spec": {"template": {"metadata": {"labels": {"app": app}}, "spec": {"containers": own}}}})
        })
        .collect();
    json!({"metadata": {"resourceVersion": "1"}, "items": items}).to_string()
}

/// What the server answers, made before anything is measured.
struct Cluster {
    pages: Vec<String>,
    deployments: String,
    sets: String,
    pods: usize,
}

impl Cluster {
    fn new(pods: usize) -> Self {
        let pages: Vec<String> = (0..pods.div_ceil(PAGE))
            .map(|page| {
                let (from, to) = (page * PAGE, ((page + 1) * PAGE).min(pods));
                let items: Vec<Value> = (from..to).map(pod).collect();
                let next = if to < pods { (page + 1).to_string() } else { String::new() };
                json!({"metadata": {"resourceVersion": "1", "continue": next, "remainingItemCount": pods - to},
                    "items": items, "kind": "PodList", "apiVersion": "v1"})
                .to_string()
            })
            .collect();
        Self {
            pages,
            deployments: owners(pods, false),
            sets: owners(pods, true),
            pods,
        }
    }

    fn answer(&self, target: &str) -> Option<&str> {
        let path = target.split('?').next()?;
        match path {
            "/api/v1/pods" => {
                let page = target
                    .split("continue=")
                    .nth(1)
                    .and_then(|rest| rest.split('&').next()?.parse().ok());
                self.pages.get(page.unwrap_or(0)).map(String::as_str)
            }
            "/apis/apps/v1/deployments" => Some(&self.deployments),
            "/apis/apps/v1/replicasets" => Some(&self.sets),
            "/version" => Some(r#"{"gitVersion": "v1.37.2"}"#),
            "/api/v1/nodes" => Some(
                r#"{"items": [{"metadata": {"uid": "n"}, "status": {"nodeInfo": {"kubeletVersion": "v1.37.2"}}}]}"#,
            ),
            "/api" => Some(
                r#"{"items": [{"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": [
                {"resource": "pods", "responseKind": {"kind": "Pod"}, "scope": "Namespaced", "verbs": ["list"]}]}]}]}"#,
            ),
            "/apis" => Some(
                r#"{"items": [{"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
                {"resource": "deployments", "responseKind": {"kind": "Deployment"}, "scope": "Namespaced", "verbs": ["list"]},
                {"resource": "replicasets", "responseKind": {"kind": "ReplicaSet"}, "scope": "Namespaced", "verbs": ["list"]}]}]}]}"#,
            ),
            _ => None,
        }
    }

    fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let cluster = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let cluster = Arc::clone(&cluster);
                thread::spawn(move || while cluster.answer_one(&stream).is_some() {});
            }
        });
        address
    }

    fn answer_one(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let target = line.split(' ').nth(1)?.to_owned();
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).ok()? == 0 || header == "\r\n" {
                break;
            }
        }
        let (code, body) = match self.answer(&target) {
            Some(body) => (200, body),
            None => (404, "{}"),
        };
        write!(
            stream,
            "HTTP/1.1 {code} Bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .ok()?;
        stream.write_all(body.as_bytes()).ok()
    }
}

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

/// Every pod decoded, a page at a time.
async fn bare_listing(kubeconfig: &Path) -> (Duration, usize) {
    let api: Api<Pod> = Api::all(client(kubeconfig).await);
    let started = Instant::now();
    let (mut seen, mut next) = (0, None);
    loop {
        let mut parameters = ListParams::default().limit(PAGE as u32);
        parameters.continue_token = next;
        let page = api.list(&parameters).await.unwrap();
        seen += page.items.len();
        next = page.metadata.continue_.filter(|token| !token.is_empty());
        if next.is_none() {
            return (started.elapsed(), seen);
        }
    }
}

/// Every page read, none decoded.
async fn transfer(kubeconfig: &Path, pages: usize) -> Duration {
    let client = client(kubeconfig).await;
    let started = Instant::now();
    for page in 0..pages {
        let request = http::Request::get(format!("/api/v1/pods?limit={PAGE}&continue={page}"))
            .body(Vec::new())
            .unwrap();
        client.request_text(request).await.unwrap();
    }
    started.elapsed()
}

/// The program's own time and peak memory in MiB.
fn scan(kubeconfig: &Path) -> (Duration, f64, String) {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args([
            "lint",
            "-A",
            "--no-config",
            "-o",
            "text",
            "--min-severity",
            "error",
        ])
        .env("KUBECONFIG", kubeconfig)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0.0_f64;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kib = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        peak = peak.max(kib.unwrap_or(0.0) / 1024.0);
        if child.try_wait().unwrap().is_some() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let elapsed = started.elapsed();
    let output = child.wait_with_output().unwrap();
    (elapsed, peak, String::from_utf8(output.stdout).unwrap())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn main() {
    let pods = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(PODS);
    let cluster = Arc::new(Cluster::new(pods));
    let bytes: usize = cluster.pages.iter().map(String::len).sum();
    println!(
        "{} pods, {:.0} MB, {:.1} kB a pod",
        cluster.pods,
        bytes as f64 / 1e6,
        bytes as f64 / 1e3 / pods as f64
    );
    let address = cluster.serve();
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("config");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "bench", "user": {}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}]});
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (mut own, mut bare, mut bytes_only, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..ROUNDS {
        let (elapsed, memory, out) = scan(&kubeconfig);
        println!(
            "scan     {:6.2} s, peak {memory:.0} MiB: {}",
            elapsed.as_secs_f64(),
            out.lines().last().unwrap_or_default()
        );
        own.push(elapsed);
        peak = peak.max(memory);
        let (elapsed, seen) = runtime.block_on(bare_listing(&kubeconfig));
        assert_eq!(seen, pods);
        println!("listing  {:6.2} s", elapsed.as_secs_f64());
        bare.push(elapsed);
        let elapsed = runtime.block_on(transfer(&kubeconfig, cluster.pages.len()));
        println!("transfer {:6.2} s", elapsed.as_secs_f64());
        bytes_only.push(elapsed);
    }
    let own = median(own);
    println!(
        "\nmedians: scan {own:.2} s, {:.2} times bare listing, {:.2} times mere transfer; peak {peak:.0} MiB",
        own / median(bare),
        own / median(bytes_only)
    );
}
