//! Policies on a real cluster: the one of `KUBECONFIG`, from Kubernetes 1.36 on, with `kubectl` on the path.
//!
//! Without one the tests say that they are skipped. `SIDECAR_TEST_IMAGE` names the image with a shell, curl and
//! `stand-in` (`../shared/cluster/README.md`). Every policy is bound to the namespaces of its test alone.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code outside of test functions"
)]

#[macro_use]
#[path = "support/tell.rs"]
mod tell;
#[path = "support/injector.rs"]
mod injector;
#[path = "support/schema.rs"]
mod schema;

#[path = "policy_cluster/check.rs"]
mod check;
#[path = "policy_cluster/conflicts.rs"]
mod conflicts;
#[path = "policy_cluster/generated.rs"]
mod generated;
#[path = "policy_cluster/guard.rs"]
mod guard;
#[path = "policy_cluster/injected.rs"]
mod injected;
#[path = "policy_cluster/kinds.rs"]
mod kinds;
#[path = "policy_cluster/lint.rs"]
mod lint;
#[path = "policy_cluster/migrated.rs"]
mod migrated;
#[path = "policy_cluster/order.rs"]
mod order;

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long a pod may take to what is waited for. The machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(180);

fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _unread = writer.join().unwrap();
    output
}

fn kubectl(arguments: &[&str], input: &str) -> Output {
    run("kubectl", arguments, input)
}

fn sidecar(arguments: &[&str]) -> Output {
    run(env!("CARGO_BIN_EXE_kubectl-sidecar"), arguments, "")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn succeeded(output: Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn image() -> String {
    std::env::var("SIDECAR_TEST_IMAGE").unwrap_or_else(|_| "cluster.local/tools:1".to_owned())
}

/// Whether the cluster has MutatingAdmissionPolicy in v1.
fn has_policies() -> bool {
    let resources = kubectl(&["get", "--raw", "/apis/admissionregistration.k8s.io/v1"], "");
    text(&resources.stdout).contains("\"MutatingAdmissionPolicy\"")
}

/// A namespace that goes with the test, and the policies that are bound to it alone.
struct Ground {
    name: String,
    policies: Vec<String>,
}

impl Ground {
    /// Where there is a cluster with policies; says so otherwise.
    fn new(name: &str) -> Option<Self> {
        if std::env::var_os("KUBECONFIG").is_none() {
            tell::skip("cluster", "KUBECONFIG is not set");
            return None;
        }
        if !has_policies() {
            tell::skip(
                "policies",
                "the cluster has no MutatingAdmissionPolicy (Kubernetes before 1.36)",
            );
            return None;
        }
        let name = format!("policy-{name}-{}", std::process::id());
        succeeded(kubectl(&["create", "namespace", &name], ""));
        let ground = Self {
            name,
            policies: Vec::new(),
        };
        // Pods need its service account, which a controller makes.
        ground.until("the service account", || {
            ground
                .kubectl(&["get", "serviceaccount", "default"], "")
                .status
                .success()
        });
        Some(ground)
    }

    /// A label selector for this namespace and no other.
    fn selector(&self) -> String {
        format!("kubernetes.io/metadata.name={}", self.name)
    }

    /// Installs a promotion under this name for this namespace, and waits until the server acts on it.
    fn promote(&mut self, name: &str, arguments: &[&str]) {
        let policy = format!("{name}-{}", self.name);
        let selector = self.selector();
        let mut all = vec!["policy", "promote", "--policy-name", &policy];
        if !arguments.contains(&"--namespace-selector") {
            all.extend(["--namespace-selector", &selector]);
        }
        all.extend(arguments);
        let policies = succeeded(sidecar(&all));
        self.policies.push(policy);
        succeeded(kubectl(&["apply", "-f", "-"], &policies));
        // The server reads policies a moment after they are stored.
        self.until("the policy", || {
            let names = arguments
                .iter()
                .position(|argument| *argument == "--names")
                .map(|at| arguments[at + 1].split(',').next().unwrap());
            let probe = pod(
                "probe",
                names.unwrap_or("probed"),
                &["app", names.unwrap_or("probed")],
            );
            let answer = self.kubectl(
                &["create", "--dry-run=server", "-o", "json", "-f", "-"],
                &probe.to_string(),
            );
            let answer: Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
            answer["spec"]["initContainers"][0]["restartPolicy"] == "Always"
        });
    }

    fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut all = vec!["-n", &self.name];
        all.extend(arguments);
        kubectl(&all, input)
    }

    fn create(&self, object: &Value) {
        succeeded(self.kubectl(&["create", "-f", "-"], &object.to_string()));
    }

    /// What the server would store.
    fn dry_run(&self, object: &Value) -> Value {
        let answer = self.kubectl(
            &["create", "--dry-run=server", "-o", "json", "-f", "-"],
            &object.to_string(),
        );
        serde_json::from_slice(&succeeded(answer).into_bytes()).unwrap()
    }

    fn get(&self, what: &[&str]) -> Value {
        let mut all = vec!["get", "-o", "json"];
        all.extend(what);
        let answer = self.kubectl(&all, "");
        serde_json::from_slice(&answer.stdout).unwrap_or_default()
    }

    /// The one object that is waited for.
    fn wait(&self, what: &[&str], is_it: impl Fn(&Value) -> bool) -> Value {
        let mut found = Value::Null;
        self.until(&what.join(" "), || {
            found = self.get(what);
            is_it(&found)
        });
        found
    }

    fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(
                started.elapsed() < PATIENCE,
                "{what}: {}",
                text(&self.kubectl(&["get", "pods,events"], "").stdout)
            );
            thread::sleep(Duration::from_millis(300));
        }
    }

    fn remove_policies(&mut self) {
        for policy in std::mem::take(&mut self.policies) {
            for kind in [
                "mutatingadmissionpolicybinding",
                "mutatingadmissionpolicy",
                "validatingadmissionpolicybinding",
                "validatingadmissionpolicy",
            ] {
                kubectl(&["delete", kind, &policy, "--ignore-not-found"], "");
            }
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.remove_policies();
        kubectl(&["delete", "namespace", &self.name, "--wait=false"], "");
    }
}

/// A pod whose containers sleep, and that declares these sidecars.
fn pod(name: &str, sidecars: &str, containers: &[&str]) -> Value {
    let containers: Vec<Value> = containers.iter().map(|name| sleeper(name)).collect();
    serde_json::json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "annotations": {"kubectl-sidecar/sidecars": sidecars}},
        "spec": {"containers": containers, "terminationGracePeriodSeconds": 1},
    })
}

fn sleeper(name: &str) -> Value {
    serde_json::json!({"name": name, "image": image(), "command": ["sleep", "3600"]})
}

/// The names of the containers in a list of a pod's spec.
fn names(pod: &Value, list: &str) -> Vec<String> {
    pod["spec"][list]
        .as_array()
        .into_iter()
        .flatten()
        .map(|container| container["name"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn assert_promoted(pod: &Value, sidecars: &[&str], apps: &[&str]) {
    assert_eq!(names(pod, "initContainers"), sidecars, "{}", pod["spec"]);
    assert_eq!(names(pod, "containers"), apps, "{}", pod["spec"]);
    assert_eq!(
        pod["metadata"]["annotations"]["kubectl-sidecar/promoted"],
        sidecars.join(",")
    );
    for container in pod["spec"]["initContainers"].as_array().unwrap() {
        assert_eq!(container["restartPolicy"], "Always");
    }
}
