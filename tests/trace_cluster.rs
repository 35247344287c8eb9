//! `trace` on a real cluster: what `KUBECONFIG` points to, with `cluster.local/tools:1` on its node
//! (`../shared/cluster`). Skipped, and says so, where `KUBECONFIG` is not set.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "test code outside of test functions"
)]

#[path = "support/forwarder.rs"]
mod forwarder;
mod support;
#[path = "support/tell.rs"]
mod tell;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use forwarder::Forwarder;
use support::{Run, trace};

/// A namespace of its own, removed at the end.
struct Namespace {
    name: String,
    kubeconfig: PathBuf,
}

impl Namespace {
    fn create(name: &str) -> Option<Self> {
        let Some(kubeconfig) = std::env::var_os("KUBECONFIG").map(PathBuf::from) else {
            tell::skip("cluster", "KUBECONFIG is not set");
            return None;
        };
        let namespace = Self {
            name: format!("trace-{name}-{}", std::process::id()),
            kubeconfig,
        };
        namespace.kubectl(&["create", "namespace", &namespace.name]);
        for _ in 0..100 {
            let account = Command::new("kubectl")
                .args(["-n", &namespace.name, "get", "serviceaccount", "default"])
                .stderr(Stdio::null())
                .output()
                .unwrap();
            if account.status.success() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        Some(namespace)
    }

    fn kubectl(&self, arguments: &[&str]) {
        let output = Command::new("kubectl").args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn apply(&self, manifest: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples/manifests")
            .join(manifest);
        self.kubectl(&["-n", &self.name, "apply", "-f", path.to_str().unwrap()]);
    }

    fn trace(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["-n", &self.name, "--timeout", "120s"];
        all.extend(arguments);
        trace(&all, Some(&self.kubeconfig))
    }

    /// Traces a pod from before it is made until it is gone.
    fn trace_life(&self, pod: &str, more: &[&str]) -> Run {
        let mut arguments = vec![pod, "--attach", "--for", "deleted"];
        arguments.extend(more);
        thread::scope(|scope| {
            let run = scope.spawn(|| self.trace(&arguments));
            thread::sleep(Duration::from_secs(1));
            self.apply(&format!("{pod}.yaml"));
            let name = format!("pod/{pod}");
            self.kubectl(&[
                "-n",
                &self.name,
                "wait",
                &name,
                "--for=condition=Ready",
                "--timeout=90s",
            ]);
            self.kubectl(&["-n", &self.name, "delete", &name, "--timeout=90s"]);
            run.join().unwrap()
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("kubectl")
            .args(["delete", "namespace", &self.name, "--wait=false"])
            .stdout(Stdio::null())
            .status();
    }
}

#[test]
fn a_job_with_native_sidecars_keeps_the_order() {
    let Some(namespace) = Namespace::create("job") else {
        return;
    };
    namespace.apply("settle-accounts.yaml");
    let run = namespace.trace(&[
        "job/settle-accounts",
        "--for",
        "complete",
        "--attach",
        "--logs",
        "--metrics",
    ]);
    assert_eq!(run.code, Some(0), "{}", run.notes);
    let proved = run
        .verdicts()
        .into_iter()
        .filter(|(rule, verdict)| rule.contains("-order ") && verdict == "proved")
        .count();
    assert_eq!(proved, 6, "{:?}", run.verdicts());
}

#[test]
fn native_sidecars_stop_in_order_and_plain_ones_do_not() {
    let Some(namespace) = Namespace::create("pods") else {
        return;
    };
    let good = namespace.trace_life("catalogue", &[]);
    assert_eq!(good.code, Some(0), "{} {:?}", good.notes, good.verdicts());
    let bad = namespace.trace_life("storefront", &["--sidecar", "mesh-proxy"]);
    assert_eq!(bad.code, Some(1), "{} {:?}", bad.notes, bad.verdicts());
    assert!(
        bad.verdicts().values().all(|verdict| verdict == "violated"),
        "{:?}",
        bad.verdicts()
    );
}

/// What is done while something is traced: after so long.
fn after(seconds: f32, act: impl FnOnce()) {
    thread::sleep(Duration::from_secs_f32(seconds));
    act();
}

impl Namespace {
    /// Creates objects from their text.
    fn create_objects(&self, text: &str) {
        use std::io::Write;
        let mut child = Command::new("kubectl")
            .args(["-n", &self.name, "apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{text}");
    }

    fn wait_ready(&self, name: &str) {
        self.kubectl(&[
            "-n",
            &self.name,
            "wait",
            name,
            "--for=condition=Ready",
            "--timeout=90s",
        ]);
    }

    /// Traces with a time limit of its own, over another connection.
    fn trace_over(&self, kubeconfig: &Path, arguments: &[&str]) -> Run {
        let mut all = vec!["-n", self.name.as_str()];
        all.extend(arguments);
        trace(&all, Some(kubeconfig))
    }
}

/// A Job whose proxy is an ordinary container, as many are, and of one name that lint knows.
fn job(name: &str, work: &str, proxy: &str) -> String {
    format!(
        r#"{{"apiVersion": "batch/v1", "kind": "Job", "metadata": {{"name": "{name}"}}, "spec": {{"backoffLimit": 0, "template": {{"spec": {{
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "containers": [
                {{"name": "work", "image": "cluster.local/tools:1", "command": ["sh", "-c", "{work}"]}},
                {{"name": "istio-proxy", "image": "cluster.local/tools:1", "command": [{proxy}]}}]}}}}}}}}"#
    )
}

/// A pod with a native sidecar.
fn pod(name: &str, stop_after: &str) -> String {
    format!(
        r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}"}}, "spec": {{"terminationGracePeriodSeconds": 20,
            "initContainers": [{{"name": "proxy", "image": "cluster.local/tools:1", "restartPolicy": "Always", "command": ["stand-in", "--stop-after", "1s"]}}],
            "containers": [{{"name": "app", "image": "cluster.local/tools:1", "command": ["stand-in", "--listen", ":8080", "--stop-after", "{stop_after}"]}}]}}}}"#
    )
}

#[test]
fn a_job_that_a_sidecar_keeps_from_completing_is_a_violation_and_the_wait_ends() {
    let Some(namespace) = Namespace::create("stuck") else {
        return;
    };
    namespace.create_objects(&job("stuck", "sleep 2", r#""stand-in""#));
    let started = Instant::now();
    let run = namespace.trace(&["job/stuck", "--for", "complete"]);
    assert_eq!(run.code, Some(1), "{}", run.notes);
    assert!(
        started.elapsed() < Duration::from_secs(80),
        "it ended by its timeout"
    );
    assert!(run.notes.contains("istio-proxy ran on"), "{}", run.notes);
    assert_eq!(verdict(&run, "completes"), "violated");
    let declared: Vec<bool> = run
        .of_type("fact")
        .filter(|fact| fact["container"] == "istio-proxy")
        .map(|fact| fact["role"] == "sidecar" && fact["declared"] == false)
        .collect();
    assert!(!declared.is_empty() && declared.iter().all(|one| *one));
    // A Job that completes is none.
    namespace.create_objects(&job("done", "sleep 2", r#""sh", "-c", "sleep 1""#));
    let run = namespace.trace(&["job/done", "--for", "complete"]);
    assert_eq!(verdict(&run, "completes"), "proved", "{:?}", run.verdicts());
}

/// The one verdict of that rule.
fn verdict(run: &Run, rule: &str) -> String {
    let mut found = run.of_type("verdict").filter(|line| line["rule"] == rule);
    let one = found.next().unwrap_or_else(|| panic!("no {rule}: {}", run.notes));
    one["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_not_seen_since_the_connection_was_lost_is_unknown() {
    let Some(namespace) = Namespace::create("lost") else {
        return;
    };
    for (way, name) in [("freeze", "frozen"), ("cut", "cut-off")] {
        let Some(forwarder) = Forwarder::start(&format!("lost-{way}")) else {
            return;
        };
        namespace.create_objects(&pod(name, "1s"));
        namespace.wait_ready(&format!("pod/{name}"));
        let run = thread::scope(|scope| {
            let run = scope.spawn(|| namespace.trace_over(&forwarder.kubeconfig, &[name, "--timeout", "7s"]));
            after(2.5, || {
                if way == "freeze" {
                    forwarder.freeze();
                } else {
                    forwarder.cut();
                }
            });
            namespace.kubectl(&["-n", &namespace.name, "delete", "pod", name, "--wait=false"]);
            run.join().unwrap()
        });
        assert_eq!(run.code, Some(4), "{way}: {} {:?}", run.notes, run.verdicts());
        assert_eq!(verdict(&run, "stop-order"), "unknown", "{way}: {}", run.notes);
        assert_eq!(run.of_type("gap").count(), 1, "{way}: {}", run.notes);
    }
}

#[test]
fn a_connection_that_comes_back_loses_nothing() {
    let Some(namespace) = Namespace::create("back") else {
        return;
    };
    for (way, name) in [("freeze", "thawed"), ("cut", "mended")] {
        let Some(forwarder) = Forwarder::start(&format!("back-{way}")) else {
            return;
        };
        namespace.create_objects(&pod(name, "2s"));
        namespace.wait_ready(&format!("pod/{name}"));
        let run = thread::scope(|scope| {
            let arguments = [name, "--for", "deleted", "--timeout", "60s"];
            let (namespace, forwarder) = (&namespace, &forwarder);
            let run = scope.spawn(move || namespace_trace(namespace, forwarder, &arguments, way));
            after(5.0, || {
                namespace.kubectl(&["-n", &namespace.name, "delete", "pod", name, "--wait=false"]);
            });
            run.join().unwrap()
        });
        assert_eq!(run.code, Some(0), "{way}: {} {:?}", run.notes, run.verdicts());
        assert_eq!(verdict(&run, "stop-order"), "proved", "{way}: {}", run.notes);
    }
}

/// Traces while the connection is away from the third to the eighth second.
fn namespace_trace(namespace: &Namespace, forwarder: &Forwarder, arguments: &[&str], way: &str) -> Run {
    thread::scope(|scope| {
        let run = scope.spawn(|| namespace.trace_over(&forwarder.kubeconfig, arguments));
        after(3.0, || {
            if way == "freeze" {
                forwarder.freeze()
            } else {
                forwarder.cut()
            }
        });
        after(5.0, || {
            if way == "freeze" {
                forwarder.thaw()
            } else {
                forwarder.mend()
            }
        });
        run.join().unwrap()
    })
}

#[test]
fn violations_are_told_at_once_and_the_first_can_end_the_trace() {
    let Some(namespace) = Namespace::create("alert") else {
        return;
    };
    let run = thread::scope(|scope| {
        let run = scope.spawn(|| namespace.trace(&["storefront", "--sidecar", "mesh-proxy", "--fail-fast"]));
        after(1.0, || namespace.apply("storefront.yaml"));
        run.join().unwrap()
    });
    // The pod runs on: only what was told while it did can have ended the trace.
    assert_eq!(run.code, Some(1), "{} {:?}", run.notes, run.lines);
    let alerts: Vec<&serde_json::Value> = run.of_type("alert").collect();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["rule"], "start-order");
}

#[test]
fn a_job_is_waited_for_and_followed_when_it_is_made_anew() {
    let Some(namespace) = Namespace::create("anew") else {
        return;
    };
    let text = job("late", "sleep 6", r#""sh", "-c", "sleep 5""#);
    let run = thread::scope(|scope| {
        let run = scope.spawn(|| namespace.trace(&["job/late", "--for", "complete"]));
        after(2.0, || namespace.create_objects(&text));
        after(4.0, || {
            namespace.kubectl(&[
                "-n",
                &namespace.name,
                "delete",
                "job",
                "late",
                "--cascade=foreground",
            ]);
        });
        namespace.create_objects(&text);
        run.join().unwrap()
    });
    assert!(run.notes.contains("waiting for it"), "{}", run.notes);
    assert!(run.notes.contains("made anew"), "{}", run.notes);
    let pods: std::collections::BTreeSet<&str> = run
        .of_type("pod")
        .map(|line| line["pod"]["uid"].as_str().unwrap())
        .collect();
    assert_eq!(pods.len(), 2, "{}", run.notes);
    let is_second_done = run.of_type("pod").any(|line| line["what"] == "succeeded");
    assert!(is_second_done, "{} {:?}", run.notes, run.lines);
}

#[test]
fn a_pod_of_a_stateful_set_is_gone_when_it_is_and_not_its_successor() {
    let Some(namespace) = Namespace::create("set") else {
        return;
    };
    namespace.create_objects(
        r#"{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"serviceName": "db",
            "selector": {"matchLabels": {"app": "db"}}, "template": {"metadata": {"labels": {"app": "db"}}, "spec": {
            "terminationGracePeriodSeconds": 5, "containers": [{"name": "db", "image": "cluster.local/tools:1", "command": ["stand-in"]}]}}}}"#,
    );
    thread::sleep(Duration::from_secs(2));
    namespace.wait_ready("pod/db-0");
    let run = thread::scope(|scope| {
        let run = scope.spawn(|| namespace.trace(&["db-0", "--for", "deleted"]));
        after(2.0, || {
            namespace.kubectl(&["-n", &namespace.name, "delete", "pod", "db-0", "--wait=false"]);
        });
        run.join().unwrap()
    });
    assert_eq!(run.code, Some(0), "{}", run.notes);
}

#[test]
fn trouble_is_told_and_names_what_holds_an_app() {
    let Some(namespace) = Namespace::create("trouble") else {
        return;
    };
    let broken = |name: &str, spec: &str, sidecar: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}"}}, "spec": {{"terminationGracePeriodSeconds": 1, {spec}
                "initContainers": [{{"name": "proxy", "image": "cluster.local/tools:1", "restartPolicy": "Always", "command": ["stand-in", "--ready-after", "1h"]{sidecar}}}],
                "containers": [{{"name": "app", "image": "cluster.local/tools:1", "command": ["stand-in", "--listen", ":8080"]}}]}}}}"#
        )
    };
    let probe = r#", "startupProbe": {"httpGet": {"path": "/healthz/ready", "port": 15021}, "periodSeconds": 1, "failureThreshold": 600}"#;
    namespace.create_objects(&broken("gate", "", probe));
    namespace.create_objects(&broken("nowhere", r#""nodeSelector": {"no": "node"},"#, ""));
    let volume = r#""volumes": [{"name": "s", "secret": {"secretName": "none"}}],"#;
    namespace.create_objects(&broken(
        "volume",
        volume,
        r#", "volumeMounts": [{"name": "s", "mountPath": "/s"}]"#,
    ));
    let hook = r#", "lifecycle": {"postStart": {"exec": {"command": ["sleep", "600"]}}}"#;
    namespace.create_objects(&broken("hook", "", hook));
    let run = namespace.trace_over(&namespace.kubeconfig, &["--for", "started", "--timeout", "10s"]);
    assert_eq!(run.code, Some(4), "{}", run.notes);
    let held = |pod: &str| {
        let mut starts = run
            .of_type("verdict")
            .filter(|line| line["rule"] == "start-order");
        let found = starts.find(|line| line["pod"]["name"] == pod);
        found.unwrap()["reason"].as_str().unwrap().to_owned()
    };
    assert!(
        held("gate").contains("did not pass its startup probe (Unhealthy: Startup probe failed"),
        "{}",
        held("gate")
    );
    assert!(
        held("nowhere").contains("FailedScheduling"),
        "{}",
        held("nowhere")
    );
    assert!(held("volume").contains("FailedMount"), "{}", held("volume"));
    assert!(
        held("hook").contains("postStart hook of proxy did not end"),
        "{}",
        held("hook")
    );
    for (pod, reason) in [
        ("gate", "Unhealthy"),
        ("nowhere", "FailedScheduling"),
        ("volume", "FailedMount"),
    ] {
        let found = run
            .of_type("trouble")
            .any(|line| line["pod"]["name"] == pod && line["reason"] == reason && line["time"].is_string());
        assert!(found, "{pod}: no {reason}");
    }
    for pod in ["gate", "nowhere", "volume", "hook"] {
        assert!(
            run.notes
                .contains(&format!("still waiting for pod {pod}: app (app)")),
            "{}",
            run.notes
        );
    }
}

#[test]
fn what_is_not_there_is_never_green() {
    let Some(namespace) = Namespace::create("typo") else {
        return;
    };
    let config = namespace.kubeconfig.clone();
    let run = trace(&["-n", "does-not-exist", "--timeout", "5s"], Some(&config));
    assert_eq!(run.code, Some(2), "{}", run.notes);
    assert!(
        run.notes.contains("there is no namespace does-not-exist"),
        "{}",
        run.notes
    );
    let run = namespace.trace_over(&config, &["deploy", "--timeout", "5s"]);
    assert_eq!(run.code, Some(2), "{}", run.notes);
    let run = namespace.trace_over(&config, &["nobody", "--timeout", "2s"]);
    assert_eq!(run.code, Some(4), "{}", run.notes);
    assert!(run.notes.contains("no pod nobody"), "{}", run.notes);
    namespace.create_objects(&pod("there", "1s"));
    namespace.wait_ready("pod/there");
    let run = namespace.trace_over(&config, &["there", "--once", "--sidecar", "nobody"]);
    assert_eq!(run.code, Some(2), "{}", run.notes);
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/manifests/storefront.yaml");
    let run = namespace.trace_over(
        &config,
        &[
            "there",
            "--once",
            "--expect",
            other.to_str().unwrap(),
            "--sidecar",
            "proxy",
        ],
    );
    assert_eq!(run.code, Some(4), "{} {:?}", run.notes, run.verdicts());
}

#[test]
fn pods_that_a_job_will_make_are_waited_for_where_only_its_labels_are_named() {
    let Some(namespace) = Namespace::create("makers") else {
        return;
    };
    namespace.create_objects(
        r#"{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "again"}, "spec": {"backoffLimit": 1, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "work", "image": "cluster.local/tools:1", "command": ["sh", "-c", "exit 3"]}]}}}}"#,
    );
    thread::sleep(Duration::from_secs(4));
    // The first pod has failed; the next comes after the Job's pause.
    let run = namespace.trace(&["-l", "job-name=again", "--for", "complete"]);
    let failed = run.of_type("pod").filter(|line| line["what"] == "failed").count();
    assert_eq!(failed, 2, "{} {:?}", run.notes, run.lines);
    assert_eq!(run.code, Some(0), "{}", run.notes);
}

#[test]
fn equal_names_in_two_namespaces_are_two_pods() {
    let (Some(one), Some(two)) = (Namespace::create("twin-a"), Namespace::create("twin-b")) else {
        return;
    };
    let label = format!("twin={}", std::process::id());
    let text = pod("web-0", "1s").replace(
        r#"{"name": "web-0"}"#,
        &format!(
            r#"{{"name": "web-0", "labels": {{"twin": "{}"}}}}"#,
            std::process::id()
        ),
    );
    for namespace in [&one, &two] {
        namespace.create_objects(&text);
        namespace.wait_ready("pod/web-0");
    }
    let recording = Path::new(env!("CARGO_TARGET_TMPDIR")).join("twins.jsonl");
    let recorded = recording.to_str().unwrap();
    let arguments = [
        "-A",
        "-l",
        &label,
        "--attach",
        "--metrics",
        "--logs",
        "--timeout",
        "12s",
        "--record",
        recorded,
    ];
    let run = thread::scope(|scope| {
        let run = scope.spawn(|| trace(&arguments, Some(&one.kubeconfig)));
        after(3.0, || {
            one.kubectl(&["-n", &one.name, "delete", "pod", "web-0", "--wait=false"]);
        });
        run.join().unwrap()
    });
    let stop = |run: &Run, namespace: &Namespace| {
        let mut orders = run.of_type("verdict").filter(|line| line["rule"] == "stop-order");
        let found = orders.find(|line| line["pod"]["namespace"] == namespace.name.as_str());
        found.unwrap()["verdict"].as_str().unwrap().to_owned()
    };
    let replayed = trace(&["--replay", recorded], None);
    for run in [&run, &replayed] {
        assert_eq!(stop(run, &one), "proved", "{}", run.notes);
        assert_eq!(stop(run, &two), "not-applicable", "{}", run.notes);
    }
    // In text each line says which of them it is about.
    let text = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["trace", "--replay", recorded])
        .output()
        .unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    let deletions: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("deletion requested ("))
        .collect();
    assert_eq!(deletions.len(), 1, "{text}");
    assert!(deletions[0].contains(&format!("{}/web-0", one.name)), "{text}");
}
