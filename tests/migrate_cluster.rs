//! Migrated workloads on a real cluster: the one of `KUBECONFIG`, with `kubectl` on the path.
//!
//! Without one the tests say that they are skipped. `SIDECAR_TEST_IMAGE` names the image with a shell, curl and
//! `stand-in` (`../shared/cluster/README.md`).

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use kubectl_sidecar::rules::RULES;

/// A namespace that goes with the test.
struct Namespace(String);

impl Namespace {
    fn new(name: &str) -> Option<Self> {
        if std::env::var_os("KUBECONFIG").is_none() {
            println!("skipped: no KUBECONFIG");
            return None;
        }
        let name = format!("migrate-{name}-{}", std::process::id());
        let created = kubectl(&["create", "namespace", &name], "");
        if !created.status.success() {
            println!("skipped: {}", String::from_utf8_lossy(&created.stderr));
            return None;
        }
        // Pods need its service account, which a controller makes.
        for _ in 0..100 {
            if kubectl(&["get", "serviceaccount", "default", "-n", &name], "")
                .status
                .success()
            {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        Some(Self(name))
    }

    fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut all = vec!["-n", &self.0];
        all.extend(arguments);
        kubectl(&all, input)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        kubectl(&["delete", "namespace", &self.0, "--wait=false"], "");
    }
}

fn kubectl(arguments: &[&str], input: &str) -> Output {
    run("kubectl", arguments, input)
}

fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn migrated(text: &str, arguments: &[&str]) -> String {
    let mut all = vec!["migrate", "-", "--quiet", "--no-config"];
    all.extend(arguments);
    let output = run(env!("CARGO_BIN_EXE_kubectl-sidecar"), &all, text);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn migrated_examples_are_accepted_by_a_strict_server() {
    let Some(namespace) = Namespace::new("dry-run") else {
        return;
    };
    for rule in RULES {
        for arguments in [&["--target", "native"][..], &["--target", "native", "--review"]] {
            let text = migrated(rule.before, arguments);
            if text == rule.before
                || rule.name == "unsupported-sidecar-type" && text.contains("type: Sidecar")
            {
                continue;
            }
            let answer = namespace.kubectl(
                &["create", "--dry-run=server", "--validate=strict", "-f", "-"],
                &text,
            );
            let error = String::from_utf8_lossy(&answer.stderr);
            assert!(answer.status.success(), "{}: {error}\n{text}", rule.name);
        }
    }
}

/// What became of a pod.
#[derive(Debug, PartialEq)]
struct Ended {
    phase: String,
    exit_code: i64,
    output: String,
}

/// Runs a pod to its end.
fn run_pod(namespace: &Namespace, text: &str, grace: Duration) -> (Ended, serde_json::Value) {
    let created = namespace.kubectl(&["create", "-f", "-"], text);
    assert!(
        created.status.success(),
        "{}",
        String::from_utf8_lossy(&created.stderr)
    );
    let started = Instant::now();
    loop {
        let pod = namespace.kubectl(&["get", "pod", "probe", "-o", "json"], "");
        let pod: serde_json::Value = serde_json::from_slice(&pod.stdout).unwrap();
        let phase = pod["status"]["phase"].as_str().unwrap_or_default().to_owned();
        if matches!(phase.as_str(), "Succeeded" | "Failed") {
            let log = namespace.kubectl(&["logs", "probe", "-c", "app"], "");
            let app = pod["status"]["containerStatuses"]
                .as_array()
                .unwrap()
                .iter()
                .find(|status| status["name"] == "app")
                .unwrap();
            let ended = Ended {
                phase,
                exit_code: app["state"]["terminated"]["exitCode"].as_i64().unwrap(),
                output: String::from_utf8(log.stdout).unwrap(),
            };
            namespace.kubectl(&["delete", "pod", "probe", "--now"], "");
            return (ended, pod);
        }
        assert!(
            started.elapsed() < grace,
            "the pod did not end: {}",
            pod["status"]
        );
        thread::sleep(Duration::from_millis(500));
    }
}

/// An app that waits for its proxy, works, ends the proxy and keeps its own result.
fn pod_with_workarounds(work: &str) -> String {
    let image = std::env::var("SIDECAR_TEST_IMAGE").unwrap_or_else(|_| "cluster.local/tools:1".to_owned());
    format!(
        r#"apiVersion: v1
kind: Pod
metadata:
  name: probe
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 20
  containers:
    - name: app
      image: {image}
      command: ["sh", "-c"]
      args:
        - |
          until curl -sf http://localhost:8099/ready; do sleep 1; done
          curl -sf http://localhost:8099/ready > /dev/null && echo the proxy is there
          {work}
          code=$?
          curl -s -X POST http://localhost:8099/quitquitquit
          exit $code
    - name: proxy
      image: {image}
      command: [stand-in, --listen, ":8099", --ready-after, 3s, --ready, /ready, --quit, /quitquitquit]
      ports:
        - containerPort: 8099
      lifecycle:
        preStop:
          exec: {{command: [sleep, "5"]}}
"#
    )
}

#[test]
fn a_workload_runs_as_before() {
    let Some(namespace) = Namespace::new("run") else {
        return;
    };
    for (work, result) in [
        ("grep -q Name /proc/self/status", 0),
        ("grep -q nobody-here /proc/self/status", 1),
    ] {
        let before = pod_with_workarounds(work);
        let after = migrated(&before, &["--target", "native"]);
        for gone in ["until", "-X POST", "preStop", "code=$?"] {
            assert!(!after.contains(gone), "{gone} is still there:\n{after}");
        }
        let limit = Duration::from_secs(90);
        let (old, _) = run_pod(&namespace, &before, limit);
        let (new, pod) = run_pod(&namespace, &after, limit);
        let said = |ended: &Ended| ended.output.contains("the proxy is there");
        assert_eq!(
            (&old.phase, old.exit_code, said(&old)),
            (&new.phase, new.exit_code, said(&new))
        );
        assert!(said(&new), "{}", new.output);
        assert_eq!(new.exit_code, result);
        let sidecar = &pod["status"]["initContainerStatuses"][0];
        assert_eq!(sidecar["restartCount"], 0, "{sidecar}");
        let started = |status: &serde_json::Value| {
            let state = &status["state"]["terminated"]["startedAt"];
            state.as_str().unwrap_or_default().to_owned()
        };
        assert!(
            started(sidecar) < started(&pod["status"]["containerStatuses"][0]),
            "the app started before its sidecar was ready: {}",
            pod["status"]
        );
    }
}
