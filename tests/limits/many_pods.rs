//! `trace --once` of a large cluster: a pod that is judged is no longer held.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

const PODS: usize = 50_000;
const PAGE: usize = 500;
/// In MB. It was 730 once.
const MEMORY: f64 = 300.0;
/// With as many bytes of `managedFields` a pod is as large as a pod of a cluster: about six kilobytes.
const MANAGED: usize = 400;

/// A pod with a declared sidecar, whose number stands where `@` does.
fn template() -> String {
    let time = "2026-11-27T10:00:05Z";
    let running = |name: &str| {
        json!({"name": name, "ready": true, "started": true, "restartCount": 0, "lastState": {},
            "state": {"running": {"startedAt": time}}, "image": "registry.example.com/x:1",
            "containerID": format!("containerd://{name}-@")})
    };
    json!({"metadata": {"name": "web-5d4f8c7b9-@", "namespace": "shop", "uid": "00000000-@", "resourceVersion": "1",
            "creationTimestamp": "2026-11-27T09:59:58Z", "labels": {"app": "web"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4f8c7b9", "uid": "rs",
                "controller": true}],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"x".repeat(MANAGED): {}}}]},
        "spec": {"nodeName": "node-1", "restartPolicy": "Always",
            "initContainers": [{"name": "proxy", "image": "proxy", "restartPolicy": "Always"}],
            "containers": [{"name": "app", "image": "app", "command": ["/app/run", "--listen=:8080"]}]},
        "status": {"phase": "Running", "startTime": "2026-11-27T09:59:59Z",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": time}],
            "initContainerStatuses": [running("proxy")], "containerStatuses": [running("app")]}})
    .to_string()
}

/// Answers lists of pods page by page, and lists of anything else with nothing.
fn serve(mut stream: TcpStream, template: &str) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    while lines.next()?.ok().is_some_and(|line| !line.is_empty()) {}
    let target = first.split(' ').nth(1)?;
    let from: usize = target
        .split("continue=")
        .nth(1)
        .map_or(Some(0), |rest| rest.split('&').next()?.parse().ok())?;
    let to = (from + PAGE).min(PODS);
    let items: Vec<String> = match target.starts_with("/api/v1/pods") {
        true => (from..to)
            .map(|number| template.replace('@', &number.to_string()))
            .collect(),
        false => Vec::new(),
    };
    let next = if !items.is_empty() && to < PODS {
        to.to_string()
    } else {
        String::new()
    };
    let body = format!(
        r#"{{"metadata":{{"resourceVersion":"1","continue":"{next}"}},"items":[{}]}}"#,
        items.join(",")
    );
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok()
}

fn kubeconfig(directory: &Path) -> PathBuf {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let template = template();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let template = template.clone();
            thread::spawn(move || serve(stream, &template));
        }
    });
    let path = directory.join("config");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": server}}], "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]});
    fs::write(&path, config.to_string()).unwrap();
    path
}

/// The most memory that a process has held until it ended, in MB, as Linux counts it.
fn peak(process: &mut Child) -> f64 {
    let path = format!("/proc/{}/status", process.id());
    let mut peak = 0.0;
    while process.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kibibytes) =
            line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok())
        {
            peak = kibibytes * 1024.0 / 1e6;
        }
        thread::sleep(Duration::from_millis(20));
    }
    peak
}

#[test]
fn fifty_thousand_pods_are_traced_within_300_megabytes() {
    let directory = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["trace", "--once", "--all-namespaces", "-o", "json"])
        .env("KUBECONFIG", kubeconfig(directory.path()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let read = thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        text
    });
    let peak = peak(&mut child);
    let text = read.join().unwrap();
    let pods = text.matches("\"what\":\"started\"").count();
    tell!(
        "{PODS} pods: {peak:.0} MB, {:?}, {pods} starts",
        started.elapsed()
    );
    assert!(pods >= PODS, "{text:.2000}");
    assert!(peak > 0.0 && peak < MEMORY, "{peak:.0} MB");
}
