//! An editor, as far as the language server can tell: a client that speaks to it over real pipes.

#![allow(dead_code, reason = "each test binary uses its part of this module")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// How long the server may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Editor {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    last_id: i32,
    /// What came while an answer was waited for.
    pending: Vec<Value>,
}

impl Editor {
    pub(crate) fn start() -> Self {
        Self::start_with(std::env::var_os("PATH").unwrap_or_default())
    }

    /// A server with these directories of programs.
    pub(crate) fn start_with(path: std::ffi::OsString) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args(["lsp", "--stdio"])
            .env("PATH", path)
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            while let Some(message) = read(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            stdin,
            messages,
            last_id: 0,
            pending: Vec::new(),
        }
    }

    /// A server that has been told what this client can do.
    pub(crate) fn ready(capabilities: Value) -> Self {
        Self::ready_with(json!({"processId": null, "capabilities": capabilities}))
    }

    /// A server that was initialized with these parameters.
    pub(crate) fn ready_with(parameters: Value) -> Self {
        Self::start().initialized(parameters)
    }

    pub(crate) fn initialized(self, parameters: Value) -> Self {
        let mut editor = self;
        let answer = editor.ask("initialize", parameters);
        assert_eq!(answer["result"]["serverInfo"]["name"], "kubectl-sidecar");
        editor.tell("initialized", json!({}));
        editor
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        // A server that has left closes the pipe.
        let _closed = self.stdin.as_mut().unwrap().write_all(bytes);
    }

    pub(crate) fn tell(&mut self, method: &str, params: Value) {
        self.write(&frame(
            &json!({"jsonrpc": "2.0", "method": method, "params": params}),
        ));
    }

    pub(crate) fn request(&mut self, method: &str, params: Value) -> (i32, Vec<u8>) {
        self.last_id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params});
        (self.last_id, frame(&request))
    }

    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let (id, bytes) = self.request(method, params);
        self.write(&bytes);
        self.wait(|message| message["id"] == id)
    }

    /// Answers a request of the server's.
    pub(crate) fn answer(&mut self, request: &Value, result: Value) {
        self.write(&frame(
            &json!({"jsonrpc": "2.0", "id": request["id"], "result": result}),
        ));
    }

    pub(crate) fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.pending.iter().position(&wanted) {
            return self.pending.remove(at);
        }
        loop {
            let message = self.messages.recv_timeout(PATIENCE).unwrap();
            if wanted(&message) {
                return message;
            }
            self.pending.push(message);
        }
    }

    /// The next diagnostics that are published for a document.
    pub(crate) fn diagnostics(&mut self, uri: &str) -> Value {
        let mut message = self.wait(|message| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri
        });
        message["params"].take()
    }

    pub(crate) fn open(&mut self, uri: &str, text: &str) -> Value {
        let item = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": item}));
        self.diagnostics(uri)
    }

    pub(crate) fn change(&mut self, uri: &str, version: i32, changes: Value) {
        let identifier = json!({"uri": uri, "version": version});
        let params = json!({"textDocument": identifier, "contentChanges": changes});
        self.tell("textDocument/didChange", params);
    }

    pub(crate) fn code_actions(&mut self, uri: &str, range: &Value, only: Option<&str>) -> Vec<Value> {
        let mut context = json!({"diagnostics": []});
        if let Some(only) = only {
            context["only"] = json!([only]);
        }
        let params = json!({"textDocument": {"uri": uri}, "range": range, "context": context});
        let mut answer = self.ask("textDocument/codeAction", params);
        serde_json::from_value(answer["result"].take()).unwrap()
    }

    /// Leaves, and gives the exit code and what was said on standard error.
    pub(crate) fn leave(mut self) -> (Option<i32>, String) {
        drop(self.stdin.take());
        let mut stderr = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        (self.child.wait().unwrap().code(), stderr)
    }
}

pub(crate) fn frame(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub(crate) fn read(input: &mut impl BufRead) -> Option<Value> {
    let mut header = String::new();
    input.read_line(&mut header).ok().filter(|length| *length > 0)?;
    let length = header.trim().strip_prefix("Content-Length: ")?.parse().ok()?;
    input.read_line(&mut header).ok()?;
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

pub(crate) fn codes(published: &Value) -> Vec<&str> {
    let diagnostics = published["diagnostics"].as_array().unwrap();
    diagnostics
        .iter()
        .map(|one| one["code"].as_str().unwrap_or("-"))
        .collect()
}

/// The diagnostic of a rule.
pub(crate) fn of_rule<'p>(published: &'p Value, rule: &str) -> &'p Value {
    let diagnostics = published["diagnostics"].as_array().unwrap();
    diagnostics
        .iter()
        .find(|one| one["code"] == rule)
        .unwrap_or_else(|| panic!("no {rule} in {published:#}"))
}

pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}
