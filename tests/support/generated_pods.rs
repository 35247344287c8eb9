//! Workloads put together by chance: an app that waits for its sidecar, stops it, writes files for it or does
//! nothing about it, beside sidecars that are known, that are not, and helpers.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use serde_json::{Value, json};

use super::random::Random;

/// A sidecar: its name, and its container without the name.
fn sidecar(random: &mut Random) -> (&'static str, Value) {
    let all: [(&str, Value); 9] = [
        (
            "cloud-sql-proxy",
            json!({"image": "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0",
                "args": ["--port=5432", "--quitquitquit", "example:eu:one"]}),
        ),
        (
            "cloud-sql-proxy",
            json!({"image": "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0-alpine",
                "args": ["--health-check", "--http-address=0.0.0.0", "--port=5432", "example:eu:one"]}),
        ),
        (
            "pgbouncer",
            json!({"image": "bitnami/pgbouncer:1.23.1", "ports": [{"containerPort": 6432}]}),
        ),
        (
            "opa",
            json!({"image": "openpolicyagent/opa:0.62.0", "args": ["run", "--server", "--addr=:8181"],
                "ports": [{"containerPort": 8181}]}),
        ),
        (
            "envoy",
            json!({"image": "envoyproxy/envoy:v1.31.0", "args": ["-c", "/etc/envoy.yaml"],
                "ports": [{"name": "admin", "containerPort": 9901}]}),
        ),
        (
            "fluent-bit",
            json!({"image": "fluent/fluent-bit:3.1.4", "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}),
        ),
        (
            "istio-proxy",
            json!({"image": "docker.io/istio/proxyv2:1.22.0", "args": ["proxy", "sidecar"]}),
        ),
        (
            "agent",
            json!({"image": "registry.example.com/agent:3", "command": ["/agent", "--serve"],
                "ports": [{"containerPort": 8126}],
                "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}),
        ),
        (
            "uploader",
            json!({"image": "registry.example.com/uploader:3", "command": ["sh", "-c",
                "/upload & child=$!; while [ ! -f /shared/done ]; do sleep 1; done; kill $child; wait $child"],
                "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}),
        ),
    ];
    let chosen = random.below(all.len());
    all.into_iter().nth(chosen).unwrap()
}

fn script(random: &mut Random) -> String {
    let before = random.pick(&[
        "",
        "",
        "sleep 15; ",
        "until curl -sf localhost:9901/ready; do sleep 1; done; ",
        "until curl -sf http://127.0.0.1:8181/health; do sleep 2; done\n",
        "while ! nc -z localhost 5432; do sleep 1; done; ",
        "for i in $(seq 30); do pg_isready -h 127.0.0.1 && break; sleep 1; done; ",
        "wait-for-it localhost:6432 -t 0; ",
        "until [ -f /shared/ready ]; do sleep 1; done; ",
        "until curl -fsI http://localhost:15021/healthz/ready; do sleep 1; done && ",
        "trap 'touch /shared/done' EXIT; ",
    ]);
    let work = random.pick(&[
        "/app/run",
        "/app/run --all",
        "exec /app/run",
        "/app/one && /app/two",
    ]);
    let after = random.pick(&[
        "",
        "",
        "; rc=$?; curl -X POST localhost:9091/quitquitquit; exit $rc",
        "; rc=$?; curl -fsS -X POST http://127.0.0.1:15020/quitquitquit; exit $rc",
        "; touch /shared/done",
        "; rc=$?; pkill -TERM cloud-sql-proxy; exit $rc",
        "; rc=$?; pkill agent; exit $rc",
        " && curl -XPOST http://localhost:9901/quitquitquit",
        "; rc=$?; kill $(pidof pgbouncer); exit $rc",
    ]);
    format!("{before}{work}{after}")
}

fn app(random: &mut Random) -> Value {
    let mut app = json!({"name": "app", "image": "registry.example.com/app:1"});
    match random.below(8) {
        0 => {}
        1 => app["command"] = json!(["/app/run"]),
        _ => {
            let shell = random.pick(&["sh", "/bin/bash"]);
            let (flags, text) = (random.pick(&["-c", "-ec"]), script(random));
            if random.chance(1, 2) {
                app["command"] = json!([shell, flags, text]);
            } else {
                app["command"] = json!([shell, flags]);
                app["args"] = json!([text]);
            }
        }
    }
    app["volumeMounts"] = json!([{"name": "shared", "mountPath": "/shared"}]);
    if random.chance(1, 4) {
        app["env"] = json!([{"name": "DATABASE_URL", "value": "postgres://localhost:5432/app"}]);
    }
    app
}

fn pod(random: &mut Random, ends: bool) -> Value {
    let mut containers = vec![app(random)];
    for _ in 0..=random.below(2) {
        let (name, mut container) = sidecar(random);
        if containers.iter().any(|other| other["name"] == name) {
            continue;
        }
        container["name"] = json!(name);
        match random.below(10) {
            0 => container["lifecycle"] = json!({"preStop": {"exec": {"command": ["sleep", "20"]}}}),
            1 => {
                container["lifecycle"] = json!({"preStop": {"exec": {"command":
                    ["sh", "-c", "while [ -f /shared/busy ]; do sleep 1; done"]}}});
            }
            2 => container["restartPolicy"] = json!("Always"),
            3 => container["lifecycle"] = json!({"type": "Sidecar"}),
            4 => container["readinessProbe"] = json!({"tcpSocket": {"port": 5432}}),
            5 => {
                container["lifecycle"] = json!({"postStart": {"exec": {"command":
                    ["sh", "-c", "until nc -z localhost 5432; do sleep 1; done"]}}});
            }
            _ => {}
        }
        let place = if random.chance(1, 3) { 0 } else { containers.len() };
        containers.insert(place, container);
    }
    let mut spec = json!({"containers": containers, "volumes": [{"name": "shared", "emptyDir": {}}]});
    if ends {
        spec["restartPolicy"] = json!(random.pick(&["Never", "OnFailure"]));
    }
    if random.chance(1, 4) {
        spec["shareProcessNamespace"] = json!(true);
    }
    if random.chance(1, 6) {
        spec["initContainers"] = json!([{"name": "prepare", "image": "busybox:1.36",
            "command": ["sh", "-c", random.pick(&["cp -r /in /out", "until nc -z db.example.com 5432; do sleep 1; done"])]}]);
    }
    spec
}

/// A workload of some kind.
pub(crate) fn workload(random: &mut Random) -> Value {
    let kind = random.pick(&["Job", "Job", "CronJob", "Deployment", "StatefulSet", "Pod"]);
    let ends = matches!(kind, "Job" | "CronJob") || kind == "Pod" && random.chance(1, 2);
    let mut metadata = json!({"labels": {"app": "app"}});
    match random.below(8) {
        0 => metadata["annotations"] = json!({"sidecar.istio.io/inject": "true"}),
        1 => metadata["annotations"] = json!({"linkerd.io/inject": "enabled"}),
        _ => {}
    }
    let spec = pod(random, ends);
    let template = json!({"metadata": metadata, "spec": spec});
    match kind {
        "Pod" => {
            let mut metadata = template["metadata"].clone();
            metadata["name"] = json!("app");
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
        }
        "Job" => json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "app"},
            "spec": {"template": template}}),
        "CronJob" => json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "app"},
            "spec": {"schedule": "0 1 * * *", "jobTemplate": {"spec": {"template": template}}}}),
        _ => json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "app"},
            "spec": {"selector": {"matchLabels": {"app": "app"}}, "template": template}}),
    }
}
