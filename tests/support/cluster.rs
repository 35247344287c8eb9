//! A real cluster: the one of `KUBECONFIG`, with `kubectl` on the path. `SIDECAR_TEST_IMAGE` names an image on it with
//! a shell, curl and `stand-in` (`../shared/cluster/README.md`).

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its part of this module"
)]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long something of the cluster's may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A namespace that goes with the test, with what is not in it.
pub struct Namespace {
    pub name: String,
    /// `clusterrole/NAME` of objects beside it.
    pub beside: Vec<String>,
}

impl Namespace {
    /// `None`, and the word that the test is skipped, without a cluster.
    pub fn create(name: &str) -> Option<Self> {
        if std::env::var_os("KUBECONFIG").is_none() {
            crate::tell::skip("cluster", "KUBECONFIG is not set");
            return None;
        }
        let namespace = Self {
            name: format!("{name}-{}", std::process::id()),
            beside: Vec::new(),
        };
        kubectl(&["create", "namespace", &namespace.name], "");
        // Pods need its service account, which a controller makes.
        namespace.wait("its service account", || {
            namespace
                .try_kubectl(&["get", "serviceaccount", "default"], "")
                .status
                .success()
        });
        Some(namespace)
    }

    #[track_caller]
    pub fn wait(&self, what: &str, is_there: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_there() {
            let pods = || kubectl(&["-n", &self.name, "get", "pods", "-o", "wide"], "");
            assert!(started.elapsed() < PATIENCE, "{}: {what}\n{}", self.name, pods());
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// Runs kubectl here, which must succeed, and gives what it prints.
    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> String {
        kubectl(&[&["-n", &self.name], arguments].concat(), input)
    }

    /// Runs kubectl here.
    pub fn try_kubectl(&self, arguments: &[&str], input: &str) -> Output {
        run(
            "kubectl",
            &[&["-n", &self.name], arguments].concat(),
            input.as_bytes(),
        )
    }

    #[track_caller]
    pub fn apply(&self, manifest: &Value) {
        self.kubectl(&["apply", "-f", "-"], &manifest.to_string());
    }

    #[track_caller]
    pub fn get(&self, object: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", object, "-o", "json"], "")).unwrap()
    }

    /// What `lint` finds here: its JSON and exit code.
    #[track_caller]
    pub fn lint(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let all = [
            &["lint", "--no-config", "-o", "json", "-n", &self.name],
            arguments,
        ]
        .concat();
        let output = sidecar(&all, "");
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
        (report, output.status.code())
    }

    /// Runs `migrate --live` here.
    pub fn migrate(&self, arguments: &[&str]) -> Output {
        let all = [&["migrate", "--live", "--no-config", "-n", &self.name], arguments].concat();
        sidecar(&all, "")
    }

    /// `source rule` of each finding of a report, sorted, without the namespace.
    pub fn found(&self, report: &Value) -> Vec<String> {
        let own = format!("{}/", self.name);
        let mut found: Vec<String> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                let file = finding["file"].as_str().unwrap();
                let file = file.strip_prefix(&own).unwrap_or(file);
                format!("{file} {}", finding["rule"].as_str().unwrap())
            })
            .collect();
        found.sort();
        found
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        for object in &self.beside {
            run(
                "kubectl",
                &["delete", object, "--ignore-not-found", "--wait=false"],
                b"",
            );
        }
        run(
            "kubectl",
            &["delete", "namespace", &self.name, "--wait=false"],
            b"",
        );
    }
}

/// Runs kubectl, which must succeed, and gives what it prints.
#[track_caller]
pub fn kubectl(arguments: &[&str], input: &str) -> String {
    let output = run("kubectl", arguments, input.as_bytes());
    assert!(
        output.status.success(),
        "kubectl {arguments:?}: {}\n{input}",
        stderr(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the binary.
pub fn sidecar(arguments: &[&str], input: &str) -> Output {
    run(env!("CARGO_BIN_EXE_kubectl-sidecar"), arguments, input.as_bytes())
}

pub fn run(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that needs no input may be gone already.
    let _unread = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The image that pods of tests run.
pub fn image() -> String {
    std::env::var("SIDECAR_TEST_IMAGE").unwrap_or_else(|_| "cluster.local/tools:1".to_owned())
}
