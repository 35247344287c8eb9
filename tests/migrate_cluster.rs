//! Migrated workloads on a real cluster: the one of `KUBECONFIG`, with `kubectl` on the path.
//!
//! Without one the tests say that they are skipped. `SIDECAR_TEST_IMAGE` names the image with a shell, curl and
//! `stand-in` (`../shared/cluster/README.md`), `SIDECAR_TEST_OTHER_IMAGE` another name of the same.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::{
    thread,
    time::{Duration, Instant},
};

use cluster::{Namespace, image, sidecar, stderr};
use kubectl_sidecar::rules::RULES;

#[path = "support/tell.rs"]
mod tell;

#[path = "support/cluster.rs"]
mod cluster;

fn migrated(text: &str, arguments: &[&str]) -> String {
    let mut all = vec!["migrate", "-", "--quiet", "--no-config"];
    all.extend(arguments);
    let output = sidecar(&all, text);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn migrated_examples_are_accepted_by_a_strict_server() {
    let Some(namespace) = Namespace::create("migrate-dry-run") else {
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
            let answer = namespace.try_kubectl(
                &["create", "--dry-run=server", "--validate=strict", "-f", "-"],
                &text,
            );
            let error = String::from_utf8_lossy(&answer.stderr);
            assert!(answer.status.success(), "{}: {error}\n{text}", rule.name);
        }
    }
}

/// What became of the app of a pod.
#[derive(Debug, PartialEq)]
struct Ended {
    phase: String,
    exit_code: i64,
    said: bool,
}

/// How long a pod may take to its end.
const PATIENCE: Duration = Duration::from_secs(90);

impl Namespace {
    /// The one pod with this label, once it is what is waited for.
    fn pod(&self, label: &str, is_it: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let started = Instant::now();
        loop {
            let pods = self.try_kubectl(&["get", "pods", "-l", label, "-o", "json"], "");
            let pods: serde_json::Value = serde_json::from_slice(&pods.stdout).unwrap_or_default();
            let pod = &pods["items"][0];
            if pod.is_object() && is_it(pod) {
                return pod.clone();
            }
            assert!(started.elapsed() < PATIENCE, "{label}: {}", pod["status"]);
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// Runs a workload to its end.
    fn run(&self, label: &str, text: &str) -> (Ended, serde_json::Value) {
        self.kubectl(&["create", "-f", "-"], text);
        let pod = self.pod(label, |pod| {
            matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
        });
        let log = self.try_kubectl(&["logs", "-l", label, "-c", "app"], "");
        let ended = Ended {
            phase: pod["status"]["phase"].as_str().unwrap_or_default().to_owned(),
            exit_code: status(&pod, "app")["state"]["terminated"]["exitCode"]
                .as_i64()
                .unwrap(),
            said: String::from_utf8(log.stdout)
                .unwrap()
                .contains("the proxy is there"),
        };
        (ended, pod)
    }
}

/// The status of a container, in whichever list it is.
fn status<'p>(pod: &'p serde_json::Value, container: &str) -> &'p serde_json::Value {
    ["initContainerStatuses", "containerStatuses"]
        .iter()
        .filter_map(|list| pod["status"][list].as_array())
        .flatten()
        .find(|status| status["name"] == container)
        .unwrap()
}

/// The same image by another name, for what is not done to two containers of one image.
fn other_image() -> Option<String> {
    std::env::var("SIDECAR_TEST_OTHER_IMAGE").ok()
}

/// A proxy that is ready after three seconds.
const PROXY: &str = r#"    - name: proxy
      image: IMAGE
      command: [stand-in, --listen, ":8099", --ready-after, 3s, --ready, /ready, --quit, /quitquitquit]
      ports:
        - containerPort: 8099
      lifecycle:
        preStop:
          exec: {command: [sleep, "5"]}
"#;

/// A pod's spec whose app waits for its proxy, works, ends the proxy and keeps its own result.
fn waits_and_quits(work: &str) -> String {
    format!(
        r#"spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 20
  containers:
    - name: app
      image: IMAGE
      command: ["sh", "-c"]
      args:
        - |
          until curl -sf http://localhost:8099/ready; do sleep 1; done
          curl -sf http://localhost:8099/ready > /dev/null && echo the proxy is there
          {work}
          code=$?
          curl -s -X POST http://localhost:8099/quitquitquit
          exit $code
{PROXY}"#
    )
}

/// A pod's spec whose proxy looks for the file that the app leaves.
const MARKER: &str = r#"spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 20
  volumes: [{name: signal, emptyDir: {}}]
  containers:
    - name: app
      image: IMAGE
      command: ["sh", "-c"]
      args:
        - |
          trap 'touch /signal/done' EXIT
          until curl -sf http://localhost:8099/ready; do sleep 1; done
          curl -sf http://localhost:8099/ready > /dev/null && echo the proxy is there
      volumeMounts: [{name: signal, mountPath: /signal}]
    - name: proxy
      image: IMAGE
      command: ["sh", "-c"]
      args:
        - |
          stand-in --listen :8099 --ready-after 2s --ready /ready &
          pid=$!
          while [ ! -f /signal/done ]; do sleep 1; done
          kill $pid
      ports: [{containerPort: 8099}]
      volumeMounts: [{name: signal, mountPath: /signal}]
"#;

/// A pod's spec whose app ends its proxy by a signal.
const KILLS: &str = r#"spec:
  restartPolicy: Never
  shareProcessNamespace: true
  terminationGracePeriodSeconds: 20
  containers:
    - name: app
      image: IMAGE
      command: ["sh", "-c"]
      args:
        - |
          until curl -sf http://localhost:8099/ready; do sleep 1; done
          curl -sf http://localhost:8099/ready > /dev/null && echo the proxy is there
          grep -q nobody-here /proc/self/status
          code=$?
          pkill -TERM stand-in
          exit $code
    - name: proxy
      image: OTHER
      command: [stand-in, --listen, ":8099", --ready-after, 3s, --ready, /ready]
      ports: [{containerPort: 8099}]
"#;

/// A pod's spec whose containers mind each other by a wrapper.
const WRAPPED: &str = r#"spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 20
  volumes:
    - {name: graveyard, emptyDir: {medium: Memory}}
    - {name: wrapper, configMap: {name: wrapper, defaultMode: 0755}}
  containers:
    - name: app
      image: IMAGE
      command: [/wrapper/kubexit, sh, -c, "curl -sf http://localhost:8099/ready && echo the proxy is there; exit 3"]
      env:
        - {name: KUBEXIT_NAME, value: app}
        - {name: KUBEXIT_GRAVEYARD, value: /graveyard}
        - {name: KUBEXIT_BIRTH_DEPS, value: proxy}
      volumeMounts: [{name: graveyard, mountPath: /graveyard}, {name: wrapper, mountPath: /wrapper}]
    - name: proxy
      image: IMAGE
      command: [/wrapper/kubexit, stand-in, --listen, ":8099", --ready-after, 3s, --ready, /ready]
      env:
        - {name: KUBEXIT_NAME, value: proxy}
        - {name: KUBEXIT_GRAVEYARD, value: /graveyard}
        - {name: KUBEXIT_DEATH_DEPS, value: app}
      ports: [{containerPort: 8099}]
      readinessProbe: {httpGet: {path: /ready, port: 8099}, periodSeconds: 1}
      volumeMounts: [{name: graveyard, mountPath: /graveyard}, {name: wrapper, mountPath: /wrapper}]
"#;

/// Does what kubexit does (github.com/karlkfi/kubexit, README), of which the image has none. It asks the proxy itself
/// instead of the API server.
const WRAPPER: &str = r#"apiVersion: v1
kind: ConfigMap
metadata: {name: wrapper}
data:
  kubexit: |
    #!/bin/sh
    if [ -n "$KUBEXIT_BIRTH_DEPS" ]; then
      until curl -sf http://localhost:8099/ready > /dev/null; do sleep 1; done
    fi
    "$@" &
    pid=$!
    if [ -n "$KUBEXIT_DEATH_DEPS" ]; then
      (until [ -f "$KUBEXIT_GRAVEYARD/$KUBEXIT_DEATH_DEPS" ]; do sleep 1; done; kill $pid) &
    fi
    wait $pid
    code=$?
    touch "$KUBEXIT_GRAVEYARD/$KUBEXIT_NAME"
    exit $code
"#;

/// An app and a proxy that end when they are told to.
fn runs_on() -> String {
    format!(
        r#"spec:
  terminationGracePeriodSeconds: 15
  containers:
    - name: app
      image: IMAGE
      command: ["sh", "-c", "until curl -sf http://localhost:8099/ready; do sleep 1; done; exec stand-in --listen :8098 --ready-after 0s --ready /ready"]
      # A shell that still waits does not hear the SIGTERM.
      readinessProbe: {{httpGet: {{path: /ready, port: 8098}}, periodSeconds: 1}}
{PROXY}"#
    )
}

fn workload(kind: &str, name: &str, spec: &str) -> String {
    let spec = spec
        .replace("IMAGE", &image())
        .replace("OTHER", &other_image().unwrap_or_default());
    if kind == "Pod" {
        return format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  labels: {{run: {name}}}\n{spec}"
        );
    }
    let template = format!("metadata:\n  labels: {{run: {name}}}\n{spec}").replace('\n', "\n    ");
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\nspec:\n  backoffLimit: 0\n  template:\n    {}\n",
        template.trim_end()
    )
}

/// Runs a workload as it is and migrated, side by side.
fn assert_runs_as_before(namespace: &Namespace, kind: &str, name: &str, spec: &str, result: i64) {
    let before = workload(kind, name, spec);
    let new_name = format!("{name}-migrated");
    let after = migrated(
        &workload(kind, &new_name, spec),
        &["--target", "native", "--review"],
    );
    for gone in [
        "until",
        "while",
        "-X POST",
        "pkill",
        "kubexit",
        "graveyard",
        "preStop",
        "code=$?",
        "trap",
    ] {
        assert!(!after.contains(gone), "{gone} is still there:\n{after}");
    }
    let (old, (new, pod)) = thread::scope(|scope| {
        let old = scope.spawn(|| namespace.run(&format!("run={name}"), &before).0);
        let new = namespace.run(&format!("run={new_name}"), &after);
        (old.join().unwrap(), new)
    });
    assert_eq!(old, new);
    assert!(new.said && new.exit_code == result, "{new:?}");
    let (sidecar, app) = (status(&pod, "proxy"), status(&pod, "app"));
    assert_eq!(sidecar["restartCount"], 0, "{sidecar}");
    let time = |status: &serde_json::Value, which: &str| {
        let state = &status["state"]["terminated"][which];
        state.as_str().unwrap_or_default().to_owned()
    };
    assert!(
        time(sidecar, "startedAt") < time(app, "startedAt"),
        "the app started before its sidecar was ready: {}",
        pod["status"]
    );
    assert!(
        time(sidecar, "finishedAt") >= time(app, "finishedAt"),
        "{}",
        pod["status"]
    );
    if kind == "Job" && result == 0 {
        let condition = namespace.try_kubectl(
            &[
                "wait",
                "--for=condition=complete",
                "--timeout=20s",
                "job",
                &new_name,
            ],
            "",
        );
        assert!(condition.status.success());
    }
}

/// How a deleted pod ended.
struct Deletion {
    took: Duration,
    pod: serde_json::Value,
}

impl Deletion {
    fn ended(&self, container: &str) -> &serde_json::Value {
        &status(&self.pod, container)["state"]["terminated"]
    }
}

/// Deletes a running pod, which a finalizer keeps until it was looked at.
fn deletion(namespace: &Namespace, name: &str, text: &str) -> Deletion {
    let label = format!("run={name}");
    let text = text.replace("  labels:", "  finalizers: [test/look]\n  labels:");
    namespace.kubectl(&["create", "-f", "-"], &text);
    let running = namespace.pod(&label, |pod| {
        pod["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    for container in ["app", "proxy"] {
        assert_eq!(status(&running, container)["restartCount"], 0, "{container}");
    }
    let started = Instant::now();
    namespace.try_kubectl(&["delete", "pod", name, "--wait=false"], "");
    let pod = namespace.pod(&label, |pod| {
        ["app", "proxy"]
            .iter()
            .all(|container| status(pod, container)["state"]["terminated"].is_object())
    });
    let took = started.elapsed();
    let patch = r#"{"metadata": {"finalizers": null}}"#;
    namespace.try_kubectl(&["patch", "pod", name, "--type=merge", "-p", patch], "");
    Deletion { took, pod }
}

#[test]
fn workloads_run_as_before() {
    let Some(namespace) = Namespace::create("migrate-run") else {
        return;
    };
    let namespace = &namespace;
    let succeeds = waits_and_quits("grep -q Name /proc/self/status");
    let fails = waits_and_quits("grep -q nobody-here /proc/self/status");
    namespace.kubectl(&["create", "-f", "-"], WRAPPER);
    thread::scope(|scope| {
        scope.spawn(|| assert_runs_as_before(namespace, "Job", "succeeds", &succeeds, 0));
        scope.spawn(|| assert_runs_as_before(namespace, "Pod", "fails", &fails, 1));
        scope.spawn(|| assert_runs_as_before(namespace, "Job", "marker", MARKER, 0));
        scope.spawn(|| assert_runs_as_before(namespace, "Pod", "wrapped", WRAPPED, 3));
        if other_image().is_some() {
            scope.spawn(|| assert_runs_as_before(namespace, "Pod", "kills", KILLS, 1));
        } else {
            tell::skip("other-image", "the part with pkill: no SIDECAR_TEST_OTHER_IMAGE");
        }
    });
}

#[test]
fn a_deleted_pod_stops_as_before() {
    let Some(namespace) = Namespace::create("migrate-stop") else {
        return;
    };
    let namespace = &namespace;
    let after = migrated(
        &workload("Pod", "stops-migrated", &runs_on()),
        &["--target", "native"],
    );
    assert!(
        !after.contains("preStop") && after.contains("startupProbe"),
        "{after}"
    );
    let (old, new) = thread::scope(|scope| {
        let old = scope.spawn(|| deletion(namespace, "stops", &workload("Pod", "stops", &runs_on())));
        let new = deletion(namespace, "stops-migrated", &after);
        (old.join().unwrap(), new)
    });
    for container in ["app", "proxy"] {
        assert_eq!(
            old.ended(container)["exitCode"],
            new.ended(container)["exitCode"],
            "{container}"
        );
    }
    for pod in [&old, &new] {
        let finished = |container| pod.ended(container)["finishedAt"].as_str().unwrap_or_default();
        assert!(finished("app") <= finished("proxy"), "{}", pod.pod["status"]);
    }
    // The kubelet takes a moment of its own to say that containers are gone.
    let grace = Duration::from_secs(15 + 5);
    assert!(new.took < grace, "{:?}, before {:?}", new.took, old.took);
}
