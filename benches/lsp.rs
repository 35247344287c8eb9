//! How soon an editor hears of an edit: one document of 2,000 open ones is changed, and what is found in it is waited
//! for, beside the pause that the server makes so that nobody who types is interrupted. `cargo bench --bench lsp`.

#![allow(
    clippy::indexing_slicing,
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark talks to whoever runs it"
)]

#[path = "lint/mod.rs"]
mod shared;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use shared::{manifests, name};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-sidecar");

const DOCUMENTS: usize = 2000;

const ROUNDS: usize = 11;

/// What the server waits for after a change.
const PAUSE: Duration = Duration::from_millis(150);

/// The longest that an edit may take.
const LONGEST: Duration = Duration::from_millis(100);

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Command::new(BINARY)
        .arg("lsp")
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut editor = server.stdin.take().unwrap();
    let mut answers = BufReader::new(server.stdout.take().unwrap());
    let mut tell = |message: Value| {
        let body = message.to_string();
        write!(editor, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        editor.flush().unwrap();
    };
    tell(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}));
    let texts: Vec<String> = (0..DOCUMENTS).map(manifests::manifest).collect();
    let uris: Vec<String> = (0..DOCUMENTS)
        .map(|index| {
            let path = directory.path().join(name(index));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &texts[index]).unwrap();
            format!("file://{}", path.display())
        })
        .collect();
    let start = Instant::now();
    for (uri, text) in uris.iter().zip(&texts) {
        let item = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        tell(json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}));
    }
    // They come in the server's order.
    let mut awaited: BTreeSet<&str> = uris.iter().map(String::as_str).collect();
    while !awaited.is_empty() {
        awaited.remove(published(&mut answers)["uri"].as_str().unwrap());
    }
    println!("{DOCUMENTS} documents opened in {:.2?}", start.elapsed());

    // One with findings.
    let (uri, text) = (&uris[15], &texts[15]);
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let version = round as i64 + 2;
        let document = json!({"uri": uri, "version": version});
        let changes = json!([{"text": format!("# {round}\n{text}")}]);
        let start = Instant::now();
        tell(json!({"jsonrpc": "2.0", "method": "textDocument/didChange",
            "params": {"textDocument": document, "contentChanges": changes}}));
        let found = loop {
            let found = published(&mut answers);
            if found["uri"] == *uri && found["version"] == version {
                break found;
            }
        };
        times.push(start.elapsed().saturating_sub(PAUSE));
        assert_ne!(found["diagnostics"], json!([]));
    }
    times.sort();
    let median = times[ROUNDS / 2];
    println!(
        "an edit: {median:.2?} behind the pause, {} {LONGEST:?}",
        if median < LONGEST { "below" } else { "ABOVE" }
    );
    drop(editor);
    server.wait().unwrap();
}

/// The next diagnostics that the server publishes.
fn published(answers: &mut BufReader<ChildStdout>) -> Value {
    loop {
        let mut header = String::new();
        answers.read_line(&mut header).unwrap();
        let length: usize = header
            .trim()
            .strip_prefix("Content-Length: ")
            .unwrap()
            .parse()
            .unwrap();
        answers.read_line(&mut header).unwrap();
        let mut body = vec![0; length];
        answers.read_exact(&mut body).unwrap();
        let mut message: Value = serde_json::from_slice(&body).unwrap();
        if message["method"] == "textDocument/publishDiagnostics" {
            return message["params"].take();
        }
    }
}
