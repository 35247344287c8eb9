//! `lint --live` and `trace` say the same of the containers of one pod, against a scripted API server.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code outside of test functions"
)]

#[path = "support/listing.rs"]
mod listing;

use std::collections::BTreeMap;

use listing::{Fault, Listing, Script, run};
use serde_json::{Value, json};

fn app(script: &str) -> Value {
    json!({"name": "app", "image": "registry.example.com/app:1", "command": ["sh", "-c", script]})
}

fn container(name: &str, image: &str) -> Value {
    json!({"name": name, "image": image, "ports": [{"containerPort": 9090}]})
}

/// A workload, and the pod that is made of it with these containers.
struct Case {
    plural: &'static str,
    name: &'static str,
    template: Vec<Value>,
    pod: Vec<Value>,
    /// ConfigMap and file of the app's script.
    script: Option<(&'static str, &'static str)>,
}

impl Case {
    fn of(plural: &'static str, name: &'static str, containers: &[Value]) -> Self {
        Self {
            plural,
            name,
            template: containers.to_vec(),
            pod: containers.to_vec(),
            script: None,
        }
    }

    fn spec(&self, containers: &[Value]) -> Value {
        let mut spec = json!({"containers": containers});
        if self.plural == "jobs" {
            spec["restartPolicy"] = json!("Never");
        }
        if let Some((map, _)) = self.script {
            spec["volumes"] = json!([{"name": "scripts", "configMap": {"name": map}}]);
            spec["containers"][0]["volumeMounts"] = json!([{"name": "scripts", "mountPath": "/scripts"}]);
        }
        spec
    }

    fn object(&self) -> Value {
        json!({"metadata": {"name": self.name}, "spec": {"selector": {"matchLabels": {"app": self.name}},
            "template": {"metadata": {"labels": {"app": self.name}}, "spec": self.spec(&self.template)}}})
    }

    fn running_pod(&self) -> Value {
        let (kind, api_version) = match self.plural {
            "jobs" => ("Job", "batch/v1"),
            "daemonsets" => ("DaemonSet", "apps/v1"),
            _ => ("StatefulSet", "apps/v1"),
        };
        let statuses: Vec<Value> = self
            .pod
            .iter()
            .map(|one| {
                json!({"name": one["name"], "restartCount": 0, "ready": true, "started": true,
                    "containerID": format!("containerd://{}-{}", self.name, one["name"]),
                    "state": {"running": {"startedAt": "2026-01-02T03:00:00Z"}}})
            })
            .collect();
        json!({"metadata": {"name": format!("{}-0", self.name), "labels": {"app": self.name},
                "ownerReferences": [{"apiVersion": api_version, "kind": kind, "name": self.name,
                    "uid": format!("{}-{}", self.plural, self.name), "controller": true}]},
            "spec": self.spec(&self.pod), "status": {"phase": "Running", "containerStatuses": statuses}})
    }
}

fn cases() -> Vec<Case> {
    let proxy = container(
        "cloud-sql-proxy",
        "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0",
    );
    let agent = container("fluent-bit", "fluent/fluent-bit:3.2.2");
    let unknown = container("helper", "registry.example.com/helper:1");
    let mut scripted = app("");
    scripted["command"] = json!(["sh", "/scripts/run.sh"]);
    let mut injected = Case::of("statefulsets", "injected", &[app("exec /app/run")]);
    injected
        .pod
        .push(container("mesh", "registry.example.com/mesh:1"));
    let mut by_script = Case::of("jobs", "by-script", &[scripted.clone(), unknown.clone()]);
    by_script.script = Some(("run", "run.sh"));
    let mut of_set = Case::of("statefulsets", "by-wait", &[scripted, unknown.clone()]);
    of_set.script = Some(("wait", "run.sh"));
    vec![
        Case::of("jobs", "known", &[app("/app/run"), proxy]),
        Case::of("jobs", "unknown", &[app("/app/run"), unknown.clone()]),
        Case::of(
            "jobs",
            "by-quit",
            &[
                app("/app/run; curl -X POST http://127.0.0.1:9090/quitquitquit"),
                unknown.clone(),
            ],
        ),
        Case::of("daemonsets", "agent", &[agent, unknown]),
        injected,
        by_script,
        of_set,
    ]
}

fn cluster() -> Script {
    let mut script = Script::default().with(
        "configmaps",
        [
            json!({"metadata": {"name": "run"}, "data": {"run.sh":
                "until nc -z 127.0.0.1 9090; do sleep 1; done\n/app/run\ncurl -X POST http://127.0.0.1:9090/quitquitquit\n"}}),
            json!({"metadata": {"name": "wait"}, "data": {"run.sh":
                "until curl -sf http://127.0.0.1:9090/ready; do sleep 1; done\nexec /app/run\n"}}),
        ],
    );
    for plural in ["jobs", "daemonsets", "statefulsets"] {
        let objects = cases().into_iter().filter(|case| case.plural == plural);
        script = script.with(plural, objects.map(|case| case.object()).collect::<Vec<_>>());
    }
    script.with("pods", cases().iter().map(Case::running_pod).collect::<Vec<_>>())
}

/// The sidecars of each workload that nothing declares, as lint sees them.
fn of_lint(server: &Listing) -> BTreeMap<String, Vec<String>> {
    let report = server.lint("one-mind", &["-o", "json"]).json();
    let workloads = report["workloads"].as_array().unwrap();
    workloads
        .iter()
        .map(|workload| {
            let containers = workload["containers"].as_array().unwrap().iter();
            let sidecars = containers.filter(|one| one["role"] == "sidecar" && one["declared"] == false);
            let names = sidecars.map(|one| one["name"].as_str().unwrap().to_owned());
            (
                workload["object"]["name"].as_str().unwrap().to_owned(),
                names.collect(),
            )
        })
        .collect()
}

/// And as trace does.
fn of_trace(server: &Listing, name: &str) -> (BTreeMap<String, Vec<String>>, String) {
    let kubeconfig = server.kubeconfig(name, "http", &json!({"token": "none"}));
    let traced = run(&["trace", "--once", "-o", "json"], &kubeconfig);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in traced.out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let pod = line["pod"]["name"].as_str().unwrap_or_default();
        let Some(workload) = pod.strip_suffix("-0") else {
            continue;
        };
        let sidecars = found.entry(workload.to_owned()).or_default();
        if line["type"] == "fact" && line["role"] == "sidecar" && line["declared"] == false {
            sidecars.push(line["container"].as_str().unwrap().to_owned());
        }
    }
    for sidecars in found.values_mut() {
        sidecars.sort();
        sidecars.dedup();
    }
    (found, traced.notes)
}

#[test]
fn the_sidecars_of_a_workload_are_those_of_its_pod() {
    let server = Listing::start(cluster());
    let linted = of_lint(&server);
    let (traced, notes) = of_trace(&server, "one-mind-traced");
    assert_eq!(linted, traced, "{notes}");
    assert_eq!(linted.len(), cases().len());
    for (name, sidecar) in [
        ("known", "cloud-sql-proxy"),
        ("by-quit", "helper"),
        ("by-script", "helper"),
        ("by-wait", "helper"),
        ("injected", "mesh"),
    ] {
        assert_eq!(traced[name], [sidecar], "{name}");
    }
    assert!(
        traced["unknown"].is_empty() && traced["agent"].is_empty(),
        "{traced:?}"
    );
}

#[test]
fn scripts_that_may_not_be_read_are_said() {
    let server = Listing::start(cluster().fault("configmaps", Fault::Status(403, None), 99));
    let (traced, notes) = of_trace(&server, "one-mind-refused");
    assert!(traced["by-script"].is_empty());
    assert!(
        notes.contains("a sidecar that only its scripts show may be taken for an app"),
        "{notes}"
    );
}

#[test]
fn what_is_named_is_found_by_all_or_by_none() {
    let server = Listing::start(cluster());
    let kubeconfig = server.kubeconfig("one-mind-named", "http", &json!({"token": "none"}));
    let answers = |name: &str| {
        let commands: [&[&str]; 3] = [
            &["lint", "--no-config", "--live", name],
            &["migrate", "--no-config", "--live", "--target", "native", name],
            &["trace", "--once", name],
        ];
        commands.map(|command| {
            let run = run(command, &kubeconfig);
            let errors = run.notes.lines().filter(|line| line.starts_with("error: "));
            (run.code, errors.map(str::to_owned).collect::<Vec<_>>())
        })
    };
    for (name, message) in [
        ("gadget/x", "the server has no resource type \"gadget\""),
        (
            "gadgets.example.com/x",
            "the server has no resource type \"gadgets.example.com\"",
        ),
        ("job/none", "job.batch/none in namespace shop is not there"),
        ("Jobs.batch/none", "job.batch/none in namespace shop is not there"),
        (
            "deploy.v1.apps/none",
            "deployment.apps/none in namespace shop is not there",
        ),
        ("ds/none", "daemonset.apps/none in namespace shop is not there"),
    ] {
        for answer in answers(name) {
            assert_eq!(answer, (Some(2), vec![format!("error: {message}")]), "{name}");
        }
    }
    for name in ["job/known", "jobs.batch/known", "Job/known"] {
        for (code, errors) in answers(name) {
            assert!(
                errors.is_empty() && code != Some(2),
                "{name}: {code:?} {errors:?}"
            );
        }
    }
}

#[test]
fn a_run_that_only_the_last_state_tells_of_counts_for_both() {
    let proxy = container(
        "cloud-sql-proxy",
        "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0",
    );
    let case = Case::of("statefulsets", "late", &[app("exec /app/run"), proxy]);
    let mut pod = case.running_pod();
    let statuses = &mut pod["status"]["containerStatuses"];
    statuses[0]["restartCount"] = json!(4);
    statuses[0]["state"]["running"]["startedAt"] = json!("2026-01-02T03:01:00Z");
    statuses[0]["lastState"] = json!({"terminated": {"exitCode": 1, "containerID": "containerd://before",
        "startedAt": "2026-01-02T03:00:00Z", "finishedAt": "2026-01-02T03:00:03Z"}});
    statuses[1]["state"]["running"]["startedAt"] = json!("2026-01-02T03:00:10Z");
    let script = Script::default()
        .with("statefulsets", [case.object()])
        .with("pods", [pod]);
    let server = Listing::start(script);
    let findings = server.lint("last-state", &["-o", "json"]).findings();
    assert_eq!(findings, ["shop/statefulset/late app-started-first"]);
    let kubeconfig = server.kubeconfig("last-state-traced", "http", &json!({"token": "none"}));
    let traced = run(&["trace", "--once", "-o", "json"], &kubeconfig);
    let verdicts = traced
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let starts: Vec<Value> = verdicts
        .filter(|line| line["type"] == "verdict" && line["rule"] == "start-order")
        .collect();
    assert_eq!(starts.len(), 1, "{}", traced.out);
    assert_eq!(starts[0]["verdict"], "violated", "{}", starts[0]);
    assert_eq!(traced.code, Some(1));
}
