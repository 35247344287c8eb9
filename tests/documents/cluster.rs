//! The cluster of `KUBECONFIG` as the pages suppose one: contexts, a namespace, a Deployment and a Job.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// The contexts that the pages name, beside the current one.
const CONTEXTS: [&str; 2] = ["staging", "production"];

/// What the pages look at: a Deployment with a workaround, and a Job with a declared sidecar that takes a moment.
const OBJECTS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: app
          image: IMAGE
          command: [sh, -c, "sleep 2; exec sleep infinity"]
        - {name: filebeat, image: IMAGE, command: [sleep, infinity]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: proxy
          image: IMAGE
          restartPolicy: Always
          command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.2; done"]
      containers:
        - {name: app, image: IMAGE, command: [sleep, "2"]}
"#;

/// A namespace of its own, removed at the end, and a kubeconfig whose contexts are all in it.
pub(crate) struct Cluster {
    namespace: String,
    directory: tempfile::TempDir,
}

impl Cluster {
    /// `None`, and the word that tests are skipped, without `KUBECONFIG`.
    pub(crate) fn new(name: &str) -> Option<Self> {
        if env::var_os("KUBECONFIG").is_none() {
            crate::tell::skip("cluster", "KUBECONFIG is not set");
            return None;
        }
        let cluster = Self {
            namespace: format!("{name}-{}", std::process::id()),
            directory: tempfile::tempdir().unwrap(),
        };
        let kubeconfig = kubectl(&["config", "view", "--raw", "--flatten", "--minify"], None, "");
        fs::write(cluster.kubeconfig(), kubeconfig).unwrap();
        cluster.kubectl(&["create", "namespace", &cluster.namespace], "");
        let field = |field: &str| {
            let path = format!("jsonpath={{.contexts[0].context.{field}}}");
            cluster.kubectl(&["config", "view", "-o", &path], "")
        };
        let (of_cluster, user) = (field("cluster"), field("user"));
        for context in CONTEXTS {
            cluster.kubectl(
                &[
                    "config",
                    "set-context",
                    context,
                    "--cluster",
                    &of_cluster,
                    "--user",
                    &user,
                ],
                "",
            );
        }
        let current = cluster.kubectl(&["config", "current-context"], "");
        for context in CONTEXTS.into_iter().chain([current.trim()]) {
            cluster.kubectl(
                &[
                    "config",
                    "set-context",
                    context,
                    "--namespace",
                    &cluster.namespace,
                ],
                "",
            );
        }
        let image = env::var("SIDECAR_TEST_IMAGE").unwrap_or_else(|_| "cluster.local/tools:1".to_owned());
        cluster.create(&OBJECTS.replace("IMAGE", &image));
        cluster.kubectl(
            &[
                "wait",
                "deploy/web",
                "--for=condition=Available",
                "--timeout=180s",
            ],
            "",
        );
        Some(cluster)
    }

    /// The namespace's service account is made a moment after it.
    fn create(&self, objects: &str) {
        for _ in 0..100 {
            let account = Command::new("kubectl")
                .args(["get", "serviceaccount", "default"])
                .env("KUBECONFIG", self.kubeconfig())
                .output()
                .unwrap();
            if account.status.success() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        self.kubectl(&["apply", "-f", "-"], objects);
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    fn kubectl(&self, arguments: &[&str], input: &str) -> String {
        kubectl(arguments, Some(&self.kubeconfig()), input)
    }

    /// A command of a page, for this namespace. What it applies is tried by the server and not kept.
    pub(crate) fn adapt(&self, command: &str) -> String {
        let mut adapted = String::new();
        let mut is_namespace = false;
        for word in command.split_inclusive(' ') {
            if is_namespace {
                adapted.push_str(&word.replace(word.trim(), &self.namespace));
            } else {
                adapted.push_str(word);
            }
            is_namespace = matches!(word.trim(), "-n" | "--namespace");
        }
        // The Job that the quick start applies is therefore not there; the other one stands for it.
        adapted
            .replace("kubectl apply ", "kubectl apply --dry-run=server ")
            .replace("job/nightly-report", "job/migrate")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _unremoved = Command::new("kubectl")
            .args(["delete", "namespace", &self.namespace, "--wait=false"])
            .env("KUBECONFIG", self.kubeconfig())
            .output();
    }
}

fn kubectl(arguments: &[&str], kubeconfig: Option<&Path>, input: &str) -> String {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .envs(kubeconfig.map(|path| ("KUBECONFIG", path)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "kubectl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
