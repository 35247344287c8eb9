//! Servers that no API server is: answers without an end, lines that say nothing, refusals for ever. The program keeps
//! its memory, asks with pauses, says what it waits for and ends with a clear error.

#![cfg(unix)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

/// A server that answers each request by its path.
struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counted, answer) = (Arc::clone(&counted), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream;
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    let Some(Ok(first)) = lines.next() else { return };
                    while lines
                        .next()
                        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
                    {}
                    counted.fetch_add(1, Ordering::SeqCst);
                    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                    answer(&path, &mut stream);
                });
            }
        });
        Self { address, requests }
    }

    fn kubeconfig(&self, name: &str) -> PathBuf {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "loopback",
            "clusters": [{"name": "loopback", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "somebody", "user": {}}],
            "contexts": [{"name": "loopback", "context": {
                "cluster": "loopback", "user": "somebody", "namespace": "shop"}}],
        });
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("endless-{name}-{}", std::process::id()));
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }
}

/// Runs the program with so many MiB of address space, and gives how long it took.
fn run(arguments: &[&str], kubeconfig: &Path, megabytes: u64) -> (Output, Duration) {
    let started = Instant::now();
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -v {}; exec timeout 100 \"$@\"", megabytes << 10),
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .output()
        .unwrap();
    (output, started.elapsed())
}

fn said(output: &Output) -> String {
    format!(
        "{:?}\n{}\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout)
            .chars()
            .take(2000)
            .collect::<String>(),
        String::from_utf8_lossy(&output.stderr)
    )
}

const LIST: &str = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}"#;

fn whole(stream: &mut TcpStream, status: &str, more: &str, body: &str) {
    let _closed = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn is_watch(path: &str) -> bool {
    path.contains("watch=1")
}

/// A head, and then blanks until nobody reads any more.
fn for_ever(stream: &mut TcpStream, status: &str, start: &str) {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{start}");
    let _closed = stream.write_all(head.as_bytes());
    let blanks = vec![b' '; 1 << 20];
    while stream.write_all(&blanks).is_ok() {}
}

#[test]
fn an_answer_without_an_end_is_an_error() {
    for (name, status) in [("answer", "200 OK"), ("refusal", "500 Internal Server Error")] {
        let server = Server::start(move |_, stream| for_ever(stream, status, "{"));
        for arguments in [
            ["lint", "--live", "--no-config"].as_slice(),
            &["trace", "--once", "pod/web"],
        ] {
            let (output, _) = run(arguments, &server.kubeconfig(name), 1024);
            let said = said(&output);
            assert!(
                matches!(output.status.code(), Some(2 | 3)),
                "{arguments:?}: {said}"
            );
            assert!(said.contains("larger than 256 MiB"), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn a_line_of_a_watch_without_an_end_is_an_error() {
    let server = Server::start(|path, stream| match is_watch(path) {
        true => for_ever(stream, "200 OK", "{\"type\":\"ADDED\","),
        false => whole(stream, "200 OK", "", LIST),
    });
    let arguments = ["trace", "--all-namespaces", "--timeout", "8s"];
    let (output, _) = run(&arguments, &server.kubeconfig("line"), 512);
    let said = said(&output);
    assert!(output.status.code().is_some_and(|code| code < 100), "{said}");
    assert!(
        said.contains("a line of the watch is longer than 32 MiB"),
        "{said}"
    );
}

/// In six seconds these were 5,172 and 133 requests once.
#[test]
fn a_watch_that_brings_nothing_is_asked_for_with_pauses() {
    for (name, line) in [
        ("garbage", "no JSON at all\n"),
        (
            "gone",
            "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}}\n",
        ),
    ] {
        let server = Server::start(move |path, stream| match is_watch(path) {
            true => whole(stream, "200 OK", "", line),
            false => whole(stream, "200 OK", "", LIST),
        });
        let arguments = ["trace", "--all-namespaces", "--timeout", "6s"];
        let (output, _) = run(&arguments, &server.kubeconfig(name), 512);
        let said = said(&output);
        let requests = server.requests.load(Ordering::SeqCst);
        // Two kinds of objects; each is listed, watched, and asked again after 0, 0.8, 1.6 and 3.2 seconds.
        assert!(requests < 40, "{name}: {requests} requests\n{said}");
        assert!(said.contains("asking again in 1.6 s"), "{name}: {said}");
    }
}

#[test]
fn refusals_for_ever_end_with_an_error() {
    let server = Server::start(|_, stream| {
        let status = r#"{"kind":"Status","code":429,"message":"too many requests"}"#;
        whole(
            stream,
            "429 Too Many Requests",
            "Retry-After: 999999999\r\n",
            status,
        );
    });
    for arguments in [
        ["lint", "--live", "--no-config"].as_slice(),
        &["trace", "--all-namespaces"],
    ] {
        let (output, took) = run(arguments, &server.kubeconfig("refusals"), 512);
        let said = said(&output);
        assert!(
            matches!(output.status.code(), Some(2 | 3)),
            "{arguments:?}: {said}"
        );
        assert!(said.contains("too many requests"), "{arguments:?}: {said}");
        // Two kinds of objects are watched; each says once that it is asked for again.
        let notes = said.matches("trying again").count();
        let expected = if arguments[0] == "trace" { 1..=2 } else { 0..=0 };
        assert!(expected.contains(&notes), "{arguments:?}: {notes} notes\n{said}");
        assert!(took < Duration::from_secs(90), "{arguments:?}: {took:?}");
    }
}

/// The laptop was closed, the VPN is gone: nothing comes, and nothing says so. kubectl notices after 45 seconds.
#[test]
fn a_frozen_connection_is_said() {
    let watches = AtomicUsize::new(0);
    let server = Server::start(move |path, stream| {
        // Two kinds of objects are watched.
        if is_watch(path) && watches.fetch_add(1, Ordering::SeqCst) < 2 {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            let _sent = stream.write_all(head.as_bytes());
        } else if !is_watch(path) {
            return whole(stream, "200 OK", "", LIST);
        }
        thread::sleep(Duration::from_secs(300));
    });
    let arguments = ["trace", "--all-namespaces", "--timeout", "45s"];
    let (output, _) = run(&arguments, &server.kubeconfig("frozen"), 512);
    let said = said(&output);
    assert!(said.contains("/api/v1/pods: the connection is dead"), "{said}");
}

/// What a scan waits for is no secret.
#[test]
fn a_scan_says_what_it_waits_for() {
    let refusals = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| {
        match refusals.fetch_add(1, Ordering::SeqCst) {
            0 => whole(
                stream,
                "429 Too Many Requests",
                "Retry-After: 2\r\n",
                r#"{"kind":"Status","code":429,"message":"too many requests"}"#,
            ),
            _ => thread::sleep(Duration::from_secs(300)),
        };
    });
    let arguments = ["lint", "--live", "--no-config", "--request-timeout", "25s"];
    let (output, _) = run(&arguments, &server.kubeconfig("waits"), 512);
    let said = said(&output);
    for expected in [
        "too many requests (429); asking again in 2 s",
        "no answer for 20 s, waiting for it",
        "no answer within 25 s",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

/// A recording holds what pods hold.
#[test]
fn a_recording_is_for_its_owner_and_no_symbolic_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let server = Server::start(|_, stream| whole(stream, "200 OK", "", LIST));
    let kubeconfig = server.kubeconfig("record");
    let directory = tempfile::tempdir().unwrap();
    let (file, link, other) = (
        directory.path().join("a.jsonl"),
        directory.path().join("link.jsonl"),
        directory.path().join("other"),
    );
    std::fs::write(&other, "precious").unwrap();
    symlink(&other, &link).unwrap();
    let record = |path: &Path| {
        let path = path.to_str().unwrap().to_owned();
        run(
            &["trace", "--all-namespaces", "--once", "--record", &path],
            &kubeconfig,
            512,
        )
        .0
    };
    let output = record(&file);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", said(&output));
    let output = record(&link);
    assert!(said(&output).contains("symbolic link"), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
    // Nor is a file made where a link points that leads nowhere.
    std::fs::remove_file(&other).unwrap();
    let output = record(&link);
    assert!(said(&output).contains("symbolic link"), "{}", said(&output));
    assert!(!other.exists());
}

/// Whatever ends the trace, what came before is in the recording: it is looked at while the trace runs, and after a kill.
#[test]
fn a_recording_is_complete_up_to_the_last_line() {
    let server = Server::start(|path, stream| {
        if !is_watch(path) {
            return whole(stream, "200 OK", "", LIST);
        }
        let pod = json!({"type": "ADDED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {
            "name": "web", "namespace": "shop", "uid": "u-1", "resourceVersion": "2"},
            "spec": {"containers": [{"name": "app", "image": "app"}]}, "status": {"phase": "Pending"}}});
        let body = if path.contains("/pods") {
            format!("{pod}\n")
        } else {
            String::new()
        };
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
        let _sent = stream.write_all(format!("{head}{body}").as_bytes());
        thread::sleep(Duration::from_secs(300));
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.jsonl");
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["trace", "--all-namespaces", "--timeout", "100s", "--record"])
        .arg(&file)
        .env("KUBECONFIG", server.kubeconfig("flushed"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The line of the pod says that its event has come.
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while !line.contains("web") && lines.read_line(&mut line).unwrap() > 0 {}
    thread::sleep(Duration::from_secs(1));
    let recorded = std::fs::read_to_string(&file).unwrap();
    let is_alive = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_alive, "{line}");
    assert!(recorded.contains(r#""uid":"u-1""#), "{recorded}");
    let left = std::fs::read_to_string(&file).unwrap();
    assert!(left.starts_with(&recorded) && left.ends_with('\n'), "{left}");
    for line in left.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}
