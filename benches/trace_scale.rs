//! `trace` at scale: 5,000 pods and 2,000 watch events a second from a loopback server.
//!
//! Measures the time from the moment the server has written an event to the moment the line it causes is read
//! from the program's output (an upper bound of "bytes received to line written"), memory, lost lines, and
//! processor time against a bare watch that only counts lines.
//!
//! `cargo bench --bench trace_scale -- [SECONDS]`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where something is wrong"
)]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

const PODS: u64 = 5_000;
const EVENTS_PER_SECOND: u64 = 2_000;
/// A pod is restarted so often; then it ends, is deleted and replaced.
const STEPS: u64 = 6;
const PAGE: u64 = 500;
/// Like a pod of a cluster, `managedFields` included: about six kilobytes.
const PADDING: usize = 4_000;
const ZERO: u64 = 1_795_464_000;

/// One pod of one generation with its containers in a state: `restarts` of the app.
fn pod(slot: u64, generation: u64, restarts: u64, ended: bool, version: u64) -> String {
    let time = |second: u64| {
        let second = (ZERO + second) % 86_400;
        format!(
            "2026-11-23T{:02}:{:02}:{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    };
    let base = 10 + restarts * 3;
    let app = if ended {
        json!({"name": "app", "restartCount": restarts, "containerID": format!("containerd://a-{slot}-{generation}-{restarts}"),
            "state": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": time(base), "finishedAt": time(base + 1)}}})
    } else {
        json!({"name": "app", "restartCount": restarts, "ready": true, "started": true,
            "containerID": format!("containerd://a-{slot}-{generation}-{restarts}"), "state": {"running": {"startedAt": time(base)}}})
    };
    let proxy = if ended {
        json!({"name": "proxy", "restartCount": 0, "containerID": format!("containerd://p-{slot}-{generation}"),
            "state": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": time(5), "finishedAt": time(base + 3)}}})
    } else {
        json!({"name": "proxy", "restartCount": 0, "ready": true, "started": true,
            "containerID": format!("containerd://p-{slot}-{generation}"), "state": {"running": {"startedAt": time(5)}}})
    };
    json!({"kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": format!("pod-{slot}"), "namespace": "bench", "uid": format!("u-{slot}-{generation}"),
            "resourceVersion": version.to_string(), "managedFields": [{"padding": "x".repeat(PADDING)}]},
        "spec": {"nodeName": "node-1", "restartPolicy": "Always",
            "initContainers": [{"name": "proxy", "image": "proxy", "restartPolicy": "Always"}],
            "containers": [{"name": "app", "image": "app"}]},
        "status": {"phase": if ended { "Succeeded" } else { "Running" },
            "initContainerStatuses": [proxy], "containerStatuses": [app]}})
    .to_string()
}

/// The event with that number: each pod in turn is restarted, and now and then replaced.
fn event(number: u64) -> (String, Option<(String, u64)>) {
    let (slot, turn) = (number % PODS, number / PODS + 1);
    let (generation, step) = (turn / (STEPS + 3), turn % (STEPS + 3));
    let version = 10_000 + number;
    let (kind, object, marker) = if step == 0 {
        let marker = Some((format!("u-{slot}-{generation}"), 0));
        ("ADDED", pod(slot, generation, 0, false, version), marker)
    } else if step <= STEPS {
        let marker = Some((format!("u-{slot}-{generation}"), step));
        ("MODIFIED", pod(slot, generation, step, false, version), marker)
    } else if step == STEPS + 1 {
        ("MODIFIED", pod(slot, generation, STEPS, true, version), None)
    } else {
        ("DELETED", pod(slot, generation, STEPS, true, version), None)
    };
    (format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n"), marker)
}

#[derive(Default)]
struct Server {
    sent: Mutex<HashMap<(String, u64), Instant>>,
    count: AtomicU64,
    markers: AtomicU64,
    late: AtomicU64,
    stop: AtomicBool,
}

impl Server {
    fn start(self: &Arc<Self>, seconds: u64) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                thread::spawn(move || server.serve(&stream, seconds));
            }
        });
        address
    }

    fn serve(&self, mut stream: &TcpStream, seconds: u64) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let target = line.split(' ').nth(1)?.to_owned();
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).ok()? == 0 || header == "\r\n" {
                break;
            }
        }
        let watch = target.contains("watch=1");
        if target.contains("/pods") && !watch {
            let from: u64 = target
                .split("continue=")
                .nth(1)
                .and_then(|rest| rest.split('&').next()?.parse().ok())
                .unwrap_or(0);
            let to = (from + PAGE).min(PODS);
            let items: Vec<String> = (from..to).map(|slot| pod(slot, 0, 0, false, 1 + slot)).collect();
            let next = if to < PODS {
                format!(",\"continue\":\"{to}\"")
            } else {
                String::new()
            };
            let body = format!(
                "{{\"metadata\":{{\"resourceVersion\":\"9999\"{next}}},\"items\":[{}]}}",
                items.join(",")
            );
            return answer(stream, &body);
        }
        if !watch {
            return answer(stream, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}");
        }
        stream
            .write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
            )
            .ok()?;
        if target.contains("/pods") {
            self.send_events(stream, seconds)?;
        }
        while !self.stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(50));
        }
        Some(())
    }

    fn send_events(&self, mut stream: &TcpStream, seconds: u64) -> Option<()> {
        let begin = Instant::now();
        for number in 0..seconds * EVENTS_PER_SECOND {
            let (text, marker) = event(number);
            let due = begin + Duration::from_nanos(number * 1_000_000_000 / EVENTS_PER_SECOND);
            match due.checked_duration_since(Instant::now()) {
                Some(early) => thread::sleep(early),
                None => {
                    self.late
                        .fetch_max(due.elapsed().as_millis() as u64, Ordering::Relaxed);
                }
            }
            let chunk = format!("{:x}\r\n{text}\r\n", text.len());
            if let Some(marker) = marker {
                self.markers.fetch_add(1, Ordering::Relaxed);
                self.sent.lock().unwrap().insert(marker, Instant::now());
            }
            stream.write_all(chunk.as_bytes()).ok()?;
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        Some(())
    }
}

fn answer(mut stream: &TcpStream, body: &str) -> Option<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}

/// Processor seconds and resident megabytes of a process.
fn usage(process: u32) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let pages: f64 = fields.get(21)?.parse().ok()?;
    Some((ticks / 100.0, pages * 4096.0 / 1e6))
}

fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
    let end = rest.find([',', '}'])?;
    Some(rest[..end].trim_matches('"'))
}

/// How long each line took, in milliseconds, and how many lines there were.
fn read_lines(mut child: Child, server: &Server, seconds: u64) -> (Vec<f64>, Vec<(f64, f64)>) {
    let process = child.id();
    let samples = Arc::new(Mutex::new(Vec::new()));
    let sampler = Arc::clone(&samples);
    thread::spawn(move || {
        while let Some(sample) = usage(process) {
            sampler.lock().unwrap().push(sample);
            thread::sleep(Duration::from_millis(500));
        }
    });
    let mut latencies = Vec::new();
    let reader = BufReader::new(child.stdout.take().unwrap());
    let begin = Instant::now();
    for line in reader.lines().map_while(Result::ok) {
        let now = Instant::now();
        if line.contains("\"what\":\"started\"") && line.contains("\"container\":\"app\"") {
            let (Some(uid), Some(restarts)) = (field(&line, "uid"), field(&line, "restarts")) else {
                continue;
            };
            let key = (uid.to_owned(), restarts.parse().unwrap_or(0));
            if let Some(sent) = server.sent.lock().unwrap().remove(&key) {
                latencies.push(now.duration_since(sent).as_secs_f64() * 1e3);
            }
        }
        assert!(begin.elapsed().as_secs() < seconds * 3 + 120, "it does not end");
    }
    child.wait().unwrap();
    let samples = samples.lock().unwrap().clone();
    (latencies, samples)
}

/// A watch that only counts its lines, in a process of its own.
fn count(address: &str, seconds: u64) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /api/v1/namespaces/bench/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let (mut lines, end) = (0_usize, Instant::now() + Duration::from_secs(seconds + 3));
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    while Instant::now() < end {
        let read = stream.read(&mut buffer).unwrap_or(0);
        lines += buffer[..read].windows(2).filter(|pair| *pair == b"}\n").count();
    }
    println!("{lines}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|one| one == "--count") {
        return count(&arguments[at + 1], arguments[at + 2].parse().unwrap());
    }
    let seconds: u64 = arguments
        .iter()
        .filter_map(|one| one.parse().ok())
        .next()
        .unwrap_or(30);
    let server = Arc::new(Server::default());
    let address = server.start(seconds);
    let config = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-kubeconfig");
    std::fs::write(
        &config,
        json!({"apiVersion": "v1", "kind": "Config", "current-context": "b",
            "clusters": [{"name": "b", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "b", "user": {}}],
            "contexts": [{"name": "b", "context": {"cluster": "b", "user": "b", "namespace": "bench"}}]})
        .to_string(),
    )
    .unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["trace", "-o", "json", "--timeout", &format!("{}s", seconds + 3)])
        .env("KUBECONFIG", &config)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut latencies, samples) = read_lines(child, &server, seconds);
    latencies.sort_by(f64::total_cmp);
    let (sent, markers) = (
        server.count.load(Ordering::SeqCst),
        server.markers.load(Ordering::SeqCst),
    );
    let share = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize];
    let (processor, _) = samples.last().copied().unwrap();
    let memory = |part: usize| samples[(samples.len() - 1) * part / 4].1;

    let bare = Arc::new(Server::default());
    let counted = bare.start(seconds);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--count", &counted, &seconds.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let process = child.id();
    let mut bare_processor = 0.0;
    let output = thread::spawn(move || child.wait_with_output().unwrap());
    while !output.is_finished() {
        if let Some((seconds, _)) = usage(process) {
            bare_processor = f64::max(bare_processor, seconds);
        }
        thread::sleep(Duration::from_millis(100));
    }
    let lines = String::from_utf8(output.join().unwrap().stdout).unwrap();

    println!(
        "pods {PODS}, events {sent} in {seconds} s, the server at most {} ms late",
        server.late.load(Ordering::Relaxed)
    );
    println!(
        "event written to line read: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        share(0.5),
        share(0.99),
        share(1.0)
    );
    println!(
        "lines expected {markers}, read {}, lost {}",
        latencies.len(),
        markers as usize - latencies.len()
    );
    println!(
        "memory: {:.0} MB after a quarter, {:.0} MB after a half, {:.0} MB at the end",
        memory(1),
        memory(2),
        memory(4)
    );
    println!(
        "processor: {processor:.2} s, a bare watch {bare_processor:.2} s ({} lines): {:.1} times",
        lines.trim(),
        processor / bare_processor.max(0.01)
    );
    assert_eq!(markers as usize, latencies.len(), "lines were lost");
}
