//! `lint --live` against a scripted API server over real HTTP: what is found, and what happens when the server
//! misbehaves. No fault may give a partial result that looks whole.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code outside of test functions"
)]

#[path = "lint_live/injectors.rs"]
mod injectors;
#[path = "support/listing.rs"]
mod listing;
#[path = "lint_live/promotion.rs"]
mod promotion;
#[path = "support/tell.rs"]
mod tell;

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use listing::{Fault, Listing, Run, Script, run};
use serde_json::{Value, json};

const PROXY: &str = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0";

fn app() -> Value {
    json!({"name": "app", "image": "registry.example.com/app:1", "command": ["/app/run", "--token=hunter2-hunter2"],
        "env": [{"name": "PASSWORD", "value": "hunter2-hunter2"}]})
}

fn proxy() -> Value {
    json!({"name": "cloud-sql-proxy", "image": PROXY, "args": ["--port=5432", "a:b:c"]})
}

fn owned_by(kind: &str, name: &str) -> Value {
    let (plural, api_version) = match kind {
        "Job" | "CronJob" => (format!("{}s", kind.to_lowercase()), "batch/v1"),
        "Rollout" => ("rollouts".to_owned(), "argoproj.io/v1"),
        "Kafka" => ("kafkas".to_owned(), "kafka.strimzi.io/v1"),
        _ => (format!("{}s", kind.to_lowercase()), "apps/v1"),
    };
    json!([{"apiVersion": api_version, "kind": kind, "name": name, "uid": format!("{plural}-{name}"), "controller": true}])
}

fn template(containers: &[Value]) -> Value {
    json!({"metadata": {"labels": {"app": "x"}}, "spec": {"restartPolicy": "Never", "containers": containers}})
}

fn job(name: &str, containers: &[Value]) -> Value {
    json!({"metadata": {"name": name}, "spec": {"template": template(containers)}})
}

fn pod(name: &str, containers: &[Value]) -> Value {
    json!({"metadata": {"name": name}, "spec": {"restartPolicy": "Never", "containers": containers}})
}

/// A Job that never completes, and one that does.
fn two_jobs() -> Script {
    Script::default().with("jobs", [job("hangs", &[app(), proxy()]), job("ends", &[app()])])
}

fn lint(script: Script, name: &str, arguments: &[&str]) -> Run {
    let mut all = vec!["-o", "json"];
    all.extend(arguments);
    Listing::start(script).lint(name, &all)
}

const HANGS: &str = "shop/job/hangs job-never-completes";

#[test]
fn a_workload_is_reported_once_at_the_top() {
    let mut of_cron = job("nightly-1", &[app(), proxy()]);
    of_cron["metadata"]["ownerReferences"] = owned_by("CronJob", "nightly");
    let mut of_job = pod("nightly-1-abc", &[app(), proxy()]);
    of_job["metadata"]["ownerReferences"] = owned_by("Job", "nightly-1");
    let cron = json!({"metadata": {"name": "nightly"},
        "spec": {"jobTemplate": {"spec": {"template": template(&[app(), proxy()])}}}});
    let script = Script::default()
        .with("cronjobs", [cron])
        .with("jobs", [of_cron])
        .with("pods", [of_job, pod("alone", &[app(), proxy()])]);
    let run = lint(script, "top", &[]);
    assert_eq!(
        run.findings(),
        [
            "shop/cronjob/nightly job-never-completes",
            "shop/pod/alone job-never-completes"
        ]
    );
    assert_eq!(run.workloads(), ["shop/cronjob/nightly", "shop/pod/alone"]);
    assert_eq!(run.code, Some(1), "{}", run.notes);
    assert!(!run.out.contains("hunter2") && !run.notes.contains("hunter2"));
}

#[test]
fn text_shows_the_object_without_values_of_variables() {
    let text = json!({"name": "app", "image": "registry.example.com/app:1",
        "command": ["sh", "-c", "/app/run; curl -X POST http://127.0.0.1:9091/quitquitquit"],
        "env": [{"name": "PASSWORD", "value": "hunter2-hunter2"}]});
    let script = Script::default().with("jobs", [job("quits", &[text, proxy()])]);
    let run = Listing::start(script).lint("text", &[]);
    assert!(run.out.contains("--> shop/job/quits:"), "{}", run.out);
    assert!(run.out.contains("in 1 workload in the cluster"), "{}", run.out);
    assert!(!run.out.contains("hunter2"), "{}", run.out);
    for (format, name) in [("concise", "shop/job/hangs"), ("table", "Job shop/hangs ")] {
        let other = lint_as(format);
        assert!(other.out.contains(name), "{}", other.out);
    }
}

fn lint_as(format: &str) -> Run {
    Listing::start(two_jobs()).lint(format, &["-o", format])
}

#[test]
fn injected_containers_are_seen_and_their_injector_named() {
    let istio = json!({"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.24.0", "args": ["proxy", "sidecar"]});
    let mut injected = pod("batch-1-x", &[app(), istio]);
    injected["metadata"]["ownerReferences"] = owned_by("Job", "batch-1");
    injected["metadata"]["annotations"] =
        json!({"sidecar.istio.io/status": "{\"containers\":[\"istio-proxy\"]}"});
    let script = Script::default()
        .with("jobs", [job("batch-1", &[app()])])
        .with("pods", [injected]);
    let run = lint(script, "injected", &[]);
    assert_eq!(run.findings(), ["shop/job/batch-1 job-never-completes"]);
    let finding = &run.json()["findings"][0];
    let message = finding["message"].as_str().unwrap();
    assert!(
        message.ends_with("istio-proxy is injected by Istio, as pod batch-1-x shows"),
        "{message}"
    );
    assert_eq!(finding["fix"]["class"], "manual");
}

#[test]
fn a_job_that_completed_although_nothing_shows_why_is_left_alone() {
    let mut done = job("done", &[app(), proxy()]);
    done["status"] = json!({"conditions": [{"type": "Complete", "status": "True"}]});
    let run = lint(Script::default().with("jobs", [done]), "done", &[]);
    assert!(run.findings().is_empty(), "{:?}", run.findings());
    assert_eq!(run.workloads(), ["shop/job/done"]);
    assert_eq!(run.code, Some(0));
}

fn status(name: &str, state: &Value, last: &Value, restarts: u32) -> Value {
    json!({"name": name, "state": state, "lastState": last, "restartCount": restarts})
}

fn running(since: &str) -> Value {
    json!({"running": {"startedAt": since}})
}

fn ended(from: &str, to: &str, code: i32) -> Value {
    json!({"terminated": {"startedAt": from, "finishedAt": to, "exitCode": code}})
}

#[test]
fn a_job_whose_app_ended_while_its_proxy_runs_on() {
    let tools = |name: &str| json!({"name": name, "image": "registry.example.com/tools:1"});
    let mut seen = pod("hangs-1", &[tools("app"), tools("proxy")]);
    seen["metadata"]["ownerReferences"] = owned_by("Job", "hangs");
    seen["status"] = json!({"phase": "Running", "containerStatuses": [
        status("app", &ended("2026-01-02T03:00:00Z", "2026-01-02T03:04:05Z", 0), &json!({}), 0),
        status("proxy", &running("2026-01-02T03:00:01Z"), &json!({}), 0),
    ]});
    let script = Script::default()
        .with("jobs", [job("hangs", &[tools("app"), tools("proxy")])])
        .with("pods", [seen]);
    let run = lint(script, "hangs", &[]);
    let finding = &run.json()["findings"][0];
    assert_eq!(
        finding["message"],
        "proxy still runs although the app ended at 2026-01-02T03:04:05Z: Job hangs does not complete"
    );
    assert_eq!(
        finding["locations"][0]["label"],
        "still runs, says the status of pod hangs-1"
    );
    // A name is not proof that it is a sidecar.
    assert_eq!(finding["confidence"], "medium");
    assert_eq!(finding["fix"]["class"], "manual");
}

#[test]
fn a_sidecar_that_stopped_first_and_an_app_that_started_first() {
    let deployment = json!({"metadata": {"name": "web"}, "spec": {"template": template(&[app(), proxy()])}});
    let mut set = json!({"metadata": {"name": "web-1"}, "spec": {"template": template(&[app(), proxy()])}});
    set["metadata"]["ownerReferences"] = owned_by("Deployment", "web");
    let mut going = pod("web-1-a", &[app(), proxy()]);
    going["metadata"]["ownerReferences"] = owned_by("ReplicaSet", "web-1");
    going["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:05:30Z");
    going["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    going["status"] = json!({"containerStatuses": [
        status("app", &running("2026-01-02T03:00:00Z"), &json!({}), 0),
        status("cloud-sql-proxy", &ended("2026-01-02T03:00:00Z", "2026-01-02T03:05:01Z", 0), &json!({}), 0),
    ]});
    let mut restarted = pod("web-1-b", &[app(), proxy()]);
    restarted["metadata"]["ownerReferences"] = owned_by("ReplicaSet", "web-1");
    restarted["status"] = json!({"containerStatuses": [
        status("app", &running("2026-01-02T03:00:09Z"), &ended("2026-01-02T03:00:00Z", "2026-01-02T03:00:02Z", 1), 1),
        status("cloud-sql-proxy", &running("2026-01-02T03:00:03Z"), &json!({}), 0),
    ]});
    let script = |pods: Vec<Value>| {
        Script::default()
            .with("deployments", [deployment.clone()])
            .with("replicasets", [set.clone()])
            .with("pods", pods)
    };
    let run = lint(script(vec![going.clone(), restarted.clone()]), "signs", &[]);
    assert_eq!(
        run.findings(),
        [
            "shop/deployment/web app-started-first",
            "shop/deployment/web sidecar-stopped-first"
        ]
    );
    // The other way round, and without an order in the times, nothing is said.
    going["status"]["containerStatuses"] = json!([
        status(
            "app",
            &ended("2026-01-02T03:00:00Z", "2026-01-02T03:05:01Z", 0),
            &json!({}),
            0
        ),
        status(
            "cloud-sql-proxy",
            &ended("2026-01-02T03:00:00Z", "2026-01-02T03:05:01Z", 0),
            &json!({}),
            0
        ),
    ]);
    restarted["status"]["containerStatuses"][1] =
        status("cloud-sql-proxy", &running("2026-01-02T02:59:59Z"), &json!({}), 0);
    let silent = lint(script(vec![going, restarted]), "no-signs", &[]);
    assert!(silent.findings().is_empty(), "{:?}", silent.findings());
}

#[test]
fn a_webhook_that_dropped_the_restart_policy() {
    let sidecar = |policy: bool| {
        let mut proxy = proxy();
        proxy["startupProbe"] = json!({"tcpSocket": {"port": 5432}});
        if policy {
            proxy["restartPolicy"] = json!("Always");
        }
        proxy
    };
    let mut owner = job("imports", &[app()]);
    owner["spec"]["template"]["spec"]["initContainers"] = json!([sidecar(true)]);
    let mut changed = pod("imports-1", &[app()]);
    changed["metadata"]["ownerReferences"] = owned_by("Job", "imports");
    changed["spec"]["initContainers"] = json!([sidecar(false)]);
    let script = Script::default().with("jobs", [owner]).with("pods", [changed]);
    let run = lint(script, "dropped", &["--select", "dropped-restart-policy"]);
    assert_eq!(run.findings(), ["shop/job/imports dropped-restart-policy"]);
    assert!(
        run.out.contains("ordinary init container in pod imports-1"),
        "{}",
        run.out
    );
}

#[test]
fn custom_resources_with_a_template_and_owners_nobody_knows() {
    let schema = json!({"properties": {"template": {"properties": {"spec": {"properties": {"containers":
        {"type": "array", "items": {"properties": {"image": {"type": "string"}}}}}}}}}});
    let rollout = json!({"metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": [app(), proxy()],
        "restartPolicy": "Never"}}}});
    let mut set = json!({"metadata": {"name": "web-1"}, "spec": {"template": template(&[app(), proxy()])}});
    set["metadata"]["ownerReferences"] = owned_by("Rollout", "web");
    let mut of_kafka = pod("kafka-0", &[app(), proxy()]);
    of_kafka["metadata"]["ownerReferences"] = owned_by("Kafka", "main");
    let mut another = of_kafka.clone();
    another["metadata"]["name"] = json!("kafka-1");
    let mut script = Script::default()
        .with("rollouts", [rollout])
        .with("replicasets", [set])
        .with("pods", [of_kafka, another]);
    script.custom = vec![
        ("argoproj.io", "rollouts", "Rollout", schema),
        (
            "kafka.strimzi.io",
            "kafkas",
            "Kafka",
            json!({"properties": {"replicas": {}}}),
        ),
    ];
    let run = lint(script, "custom", &[]);
    // Two pods of one owner are one workload.
    assert_eq!(
        run.workloads(),
        ["shop/pod/kafka-0", "shop/rollout.argoproj.io/web"]
    );
    let report = run.json();
    let findings = report["findings"].as_array().unwrap();
    let of_pod = findings
        .iter()
        .find(|finding| finding["file"] == "shop/pod/kafka-0")
        .unwrap();
    assert!(
        of_pod["help"]
            .as_str()
            .unwrap()
            .contains("Kafka main (kafka.strimzi.io/v1)"),
        "{of_pod}"
    );
}

#[test]
fn scripts_come_from_config_maps_by_name() {
    let mut app = app();
    app["command"] = json!(["sh", "/scripts/run.sh"]);
    app["volumeMounts"] = json!([{"name": "scripts", "mountPath": "/scripts"}]);
    let mut proxy = proxy();
    proxy["args"] = json!(["--quitquitquit", "--port=5432", "a:b:c"]);
    let mut waits = job("waits", &[app, proxy]);
    waits["spec"]["template"]["spec"]["volumes"] = json!([{"name": "scripts", "configMap": {"name": "run"}}]);
    let script = Script::default()
        .with("jobs", [waits])
        .with("configmaps", [json!({"metadata": {"name": "run"}, "data": {"run.sh":
            "until nc -z 127.0.0.1 5432; do sleep 1; done\n/app/run\ncurl -X POST http://127.0.0.1:9091/quitquitquit\n"}})]);
    let server = Listing::start(script.clone());
    let run = server.lint("scripts", &["-o", "json"]);
    let found = run.findings();
    assert!(
        found.iter().any(|found| found.contains("startup-poll")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|found| found.contains("quit-endpoint")),
        "{found:?}"
    );
    let asked = server.requests();
    let asked: Vec<&String> = asked
        .iter()
        .filter(|target| target.contains("configmaps"))
        .collect();
    assert_eq!(asked, ["/api/v1/namespaces/shop/configmaps/run"]);
    assert!(!server.requests().iter().any(|target| target.contains("secrets")));
    let refused = lint(
        script.fault("configmaps", Fault::Status(403, None), 99),
        "no-scripts",
        &[],
    );
    assert_eq!(refused.code, Some(3));
    assert!(
        refused.unseen()[0].starts_with("shop/configmap/run: "),
        "{:?}",
        refused.unseen()
    );
}

#[test]
fn what_is_named_is_what_is_looked_at() {
    let mut labelled = job("labelled", &[app(), proxy()]);
    labelled["metadata"]["labels"] = json!({"tier": "batch"});
    let mut elsewhere = job("elsewhere", &[app(), proxy()]);
    elsewhere["metadata"]["namespace"] = json!("other");
    let script = two_jobs()
        .with("jobs", [labelled, elsewhere])
        .with("pods", [pod("alone", &[app(), proxy()])])
        .with(
            "deployments",
            [json!({"metadata": {"name": "web"}, "spec": {"template": template(&[app()])}})],
        );
    let server = Listing::start(script);
    let workloads = |arguments: &[&str]| {
        let mut all = vec!["-o", "json"];
        all.extend(arguments);
        server.lint("named", &all).workloads().join(" ")
    };
    assert_eq!(workloads(&["--live", "job/hangs"]), "shop/job/hangs");
    assert_eq!(
        workloads(&["--live", "jobs", "ends", "hangs"]),
        "shop/job/ends shop/job/hangs"
    );
    assert_eq!(workloads(&["--live", "deploy"]), "shop/deployment/web");
    assert_eq!(
        workloads(&["--live", "deployments.apps,po"]),
        "shop/deployment/web shop/pod/alone"
    );
    assert_eq!(workloads(&["-l", "tier=batch"]), "shop/job/labelled");
    assert_eq!(workloads(&["-n", "other"]), "other/job/elsewhere");
    assert!(workloads(&["-A"]).contains("other/job/elsewhere shop/deployment/web"));

    for (arguments, said) in [
        (
            &["--live", "job/missing"][..],
            "job.batch/missing in namespace shop is not there",
        ),
        (
            &["--live", "gadgets"],
            "the server has no resource type \"gadgets\"",
        ),
        (&["--live", "secrets"], "secrets hold no pods"),
        (&["--live", "job/hangs", "-A"], "name it with -n instead of -A"),
        (&["job/hangs"], "lint --live job/hangs"),
        (&["-f", "x.yaml", "-A"], "leave one of them out"),
    ] {
        let run = server.lint("mistakes", arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.notes.contains(said), "{run:?}");
    }
    assert!(!server.requests().iter().any(|target| target.contains("/secrets")));
}

#[test]
fn several_contexts_are_told_apart() {
    let (one, other) = (
        Listing::start(two_jobs()),
        Listing::start(Script::default().with("jobs", [job("x", &[app()])])),
    );
    let path = one.kubeconfig("contexts", "http", &json!({"token": "none"}));
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let cluster = json!({"name": "other", "cluster": {"server": format!("http://{}", other.address)}});
    config["clusters"].as_array_mut().unwrap().push(cluster);
    let context =
        json!({"name": "other", "context": {"cluster": "other", "user": "somebody", "namespace": "shop"}});
    config["contexts"].as_array_mut().unwrap().push(context);
    std::fs::write(&path, config.to_string()).unwrap();
    let arguments = [
        "lint",
        "--no-config",
        "-o",
        "json",
        "--context",
        "loopback",
        "--context",
        "other",
    ];
    let both = run(&arguments, &path);
    assert_eq!(
        both.workloads(),
        [
            "loopback:shop/job/ends",
            "loopback:shop/job/hangs",
            "other:shop/job/x"
        ]
    );
    drop(other);
    let half = run(&arguments, &path);
    assert_eq!(half.code, Some(3));
    assert_eq!(
        half.workloads(),
        ["loopback:shop/job/ends", "loopback:shop/job/hangs"]
    );
    assert!(half.unseen()[0].starts_with("other: "), "{:?}", half.unseen());
}

#[test]
fn the_oldest_version_decides() {
    let mut native = job("native", &[app()]);
    let mut proxy = proxy();
    proxy["restartPolicy"] = json!("Always");
    proxy["startupProbe"] = json!({"tcpSocket": {"port": 5432}});
    native["spec"]["template"]["spec"]["initContainers"] = json!([proxy]);
    let script = |kubelets: Vec<&'static str>| Script {
        kubelets,
        ..Script::default().with("jobs", [native.clone()])
    };
    let unsupported = |run: &Run| {
        run.findings()
            .iter()
            .any(|found| found.contains("unsupported-sidecar-type"))
    };
    assert!(!unsupported(&lint(script(vec!["v1.37.2"]), "new", &[])));
    assert!(unsupported(&lint(
        script(vec!["v1.37.2", "v1.28.9"]),
        "skew",
        &[]
    )));
    // Kubelets of 1.37 may be refused: no supported one is too old. Those of 1.30 may not.
    let refused = script(vec![]).fault("/nodes", Fault::Status(403, None), 99);
    let unclear = lint(refused.clone(), "no-nodes", &[]);
    assert!(unclear.unseen().is_empty(), "{:?}", unclear.unseen());
    let old = Script {
        version: "v1.30.1",
        ..refused
    };
    let run = lint(old, "old-no-nodes", &[]);
    assert_eq!(run.code, Some(3));
    assert!(
        run.unseen()[0].starts_with("kubelet versions: "),
        "{:?}",
        run.unseen()
    );
}

// Faults. Each is followed by the whole result, or by exit code 3 and a word about what is missing.

fn whole(run: &Run) {
    assert_eq!(run.findings(), [HANGS], "{}", run.notes);
    assert_eq!(run.workloads(), ["shop/job/ends", "shop/job/hangs"]);
    assert!(run.unseen().is_empty(), "{:?}", run.unseen());
    assert_eq!(run.code, Some(1));
}

/// Most of what a fault takes is waiting for the next try.
fn side_by_side<T: Send>(cases: impl IntoIterator<Item = T>, check: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| check(case));
        }
    });
}

#[test]
fn faults_that_pass_do_not_show() {
    let faults = [
        ("429", Fault::Status(429, Some(1))),
        ("500", Fault::Status(500, None)),
        ("503", Fault::Status(503, None)),
        ("reset", Fault::Reset),
        ("cut-body", Fault::CutBody),
        ("cut-stream", Fault::CutStream),
    ];
    side_by_side(faults, |(name, fault)| {
        let started = Instant::now();
        whole(&lint(two_jobs().fault("/jobs?", fault, 2), name, &[]));
        if name == "429" {
            assert!(
                started.elapsed() >= Duration::from_secs(2),
                "Retry-After is honoured"
            );
        }
    });
}

#[test]
fn faults_that_stay_are_said_and_the_rest_is_found() {
    let faults = [
        ("stay-429", Fault::Status(429, Some(1))),
        ("stay-500", Fault::Status(500, None)),
        ("stay-503", Fault::Status(503, None)),
        ("stay-reset", Fault::Reset),
        ("stay-cut-body", Fault::CutBody),
        ("stay-cut-stream", Fault::CutStream),
        ("stay-403", Fault::Status(403, None)),
        ("stay-404", Fault::Status(404, None)),
    ];
    side_by_side(faults, |(name, fault)| {
        let run = lint(two_jobs().fault("/cronjobs?", fault, 99), name, &[]);
        assert_eq!(run.findings(), [HANGS], "{name}: {}", run.notes);
        assert_eq!(run.code, Some(3), "{name}");
        let unseen = run.unseen();
        assert!(
            unseen.len() == 1 && unseen[0].starts_with("cronjobs.batch in namespace shop: "),
            "{name}: {unseen:?}"
        );
    });
}

#[test]
fn a_page_that_fails_is_no_whole_list() {
    let pods: Vec<Value> = (0..7)
        .map(|index| pod(&format!("p{index}"), &[app(), proxy()]))
        .collect();
    let script = Script {
        page: 2,
        ..Script::default().with("pods", pods)
    };
    // The token has expired: the list starts again, and no pod is given twice.
    let again = lint(
        script.clone().fault("continue=4", Fault::Status(410, None), 1),
        "expired",
        &[],
    );
    assert_eq!(again.workloads().len(), 7);
    assert_eq!(again.findings().len(), 7);
    assert_eq!(again.code, Some(1), "{:?}", again.unseen());
    // It expires for ever: what was seen is reported, and that it is not all.
    let never = lint(
        script.clone().fault("continue=4", Fault::Status(410, None), 99),
        "expires",
        &[],
    );
    assert_eq!(never.workloads().len(), 4);
    assert_eq!(never.code, Some(3));
    assert!(
        never.unseen()[0].starts_with("pods in namespace shop: "),
        "{:?}",
        never.unseen()
    );
    let refused = lint(
        script.fault("continue=4", Fault::Status(500, None), 99),
        "fails-later",
        &[],
    );
    assert_eq!((refused.workloads().len(), refused.code), (4, Some(3)));
}

#[test]
fn kinds_without_a_field_hold_nothing_that_is_selected() {
    let mut of_job = pod("hangs-1", &[app(), proxy()]);
    of_job["metadata"]["ownerReferences"] = owned_by("Job", "hangs");
    let script = two_jobs().with("pods", [of_job, pod("alone", &[app(), proxy()])]);
    let unknown = |script: Script, plurals: &[&str]| {
        plurals.iter().fold(script, |script, plural| {
            script.fault(&format!("/{plural}?"), Fault::Status(400, None), 99)
        })
    };
    let kinds = [
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
        "jobs",
        "cronjobs",
        "replicationcontrollers",
    ];
    let fields = ["--field-selector", "spec.nodeName=a"];
    let pods_have_it = unknown(script.clone(), &kinds);
    let run = lint(pods_have_it.clone(), "fields", &fields);
    // The Job is one that a selected pod belongs to; the other one is not.
    assert_eq!(run.workloads(), ["shop/job/hangs", "shop/pod/alone"]);
    assert_eq!(run.findings(), [HANGS, "shop/pod/alone job-never-completes"]);
    assert!(run.unseen().is_empty(), "{:?}", run.unseen());
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.notes,
        "warning: 7 kinds do not know the fields of spec.nodeName=a: of their objects those were looked at that \
         selected ones belong to\n"
    );
    // Who names a kind is told that it has no such field, and so is who names a field that no kind has.
    let named = lint(
        pods_have_it,
        "field-of-jobs",
        &["--live", "jobs,pods", "--field-selector", "spec.nodeName=a"],
    );
    assert_eq!(named.code, Some(3));
    assert!(
        named.unseen().len() == 1 && named.unseen()[0].starts_with("jobs.batch in namespace shop: "),
        "{:?}",
        named.unseen()
    );
    let nobody = unknown(unknown(script, &kinds), &["pods"]);
    let nobody = lint(nobody, "field-of-nobody", &fields);
    assert_eq!(nobody.code, Some(3));
    assert!(
        nobody.unseen().len() == 1 && nobody.unseen()[0].starts_with("the objects of spec.nodeName=a: "),
        "{:?}",
        nobody.unseen()
    );
}

#[test]
fn some_namespaces_may_be_refused() {
    let namespace = |name: &str| json!({"metadata": {"name": name, "namespace": ""}});
    let mut elsewhere = job("elsewhere", &[app(), proxy()]);
    elsewhere["metadata"]["namespace"] = json!("dark");
    let script = two_jobs()
        .with("namespaces", [namespace("shop"), namespace("dark")])
        .with("jobs", [elsewhere])
        .fault("/apis/batch/v1/jobs?", Fault::Status(403, None), 99)
        .fault("/namespaces/dark/jobs?", Fault::Status(403, None), 99);
    let run = lint(script, "dark", &["-A"]);
    assert_eq!(run.findings(), [HANGS]);
    assert_eq!(run.code, Some(3));
    assert!(
        run.unseen()[0].starts_with("jobs.batch in 1 of 2 namespaces (dark): "),
        "{:?}",
        run.unseen()
    );
}

#[test]
fn a_slow_server_is_given_up() {
    let script = two_jobs().fault("/cronjobs?", Fault::Slow(Duration::from_secs(20)), 99);
    let started = Instant::now();
    let run = lint(script, "slow", &["--request-timeout", "2s"]);
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(run.findings(), [HANGS]);
    assert_eq!(run.code, Some(3));
    assert!(
        run.unseen()[0].contains("no answer within 2 s"),
        "{:?}",
        run.unseen()
    );
}

#[test]
fn an_aggregated_api_that_is_down_does_not_stop_the_rest() {
    for old_discovery in [false, true] {
        let script = Script {
            stale: vec!["stale.example.com", "metrics.k8s.io"],
            old_discovery,
            ..two_jobs()
        };
        let script = script
            .fault("/apis/stale.example.com", Fault::Status(503, None), 99)
            .fault("/apis/metrics.k8s.io", Fault::Status(503, None), 99);
        let run = lint(script, "stale", &[]);
        assert_eq!(run.findings(), [HANGS]);
        assert_eq!(run.code, Some(3));
        let unseen = run.unseen();
        // Metrics are no workloads.
        assert!(
            unseen.len() == 1 && unseen[0].starts_with("stale.example.com/v1: "),
            "{unseen:?}"
        );
    }
}

#[test]
fn credentials_that_are_refused_are_fetched_again() {
    let server = Listing::start(Script {
        token: Some("second".to_owned()),
        ..two_jobs()
    });
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (script, state) = (
        directory.join("credentials.sh"),
        directory.join("credentials.state"),
    );
    let _ = std::fs::remove_file(&state);
    let text = format!(
        "if [ -e {state} ]; then token=second; else token=first; : > {state}; fi\n\
         echo '{{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {{\"token\": \"'$token'\"}}}}'\n",
        state = state.display()
    );
    std::fs::write(&script, text).unwrap();
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
        "args": [script], "interactiveMode": "Never"}});
    let kubeconfig = server.kubeconfig("exec", "http", &user);
    whole(&run(&["lint", "--no-config", "-o", "json"], &kubeconfig));
    // A token that stays wrong is an error, not an empty cluster.
    let wrong = server.lint("wrong", &["-o", "json"]);
    assert_eq!(wrong.code, Some(3));
    assert!(wrong.unseen()[0].contains("(401)"), "{:?}", wrong.unseen());
}

#[test]
fn a_server_that_speaks_no_tls_is_an_error() {
    let server = Listing::start(two_jobs());
    let kubeconfig = server.kubeconfig("tls", "https", &json!({"token": "none"}));
    let run = run(&["lint", "--no-config", "-o", "json"], &kubeconfig);
    assert_eq!(run.code, Some(3));
    assert!(run.workloads().is_empty());
    assert!(run.unseen()[0].starts_with("the cluster: "), "{:?}", run.unseen());
}

#[test]
fn few_requests_are_open_at_the_same_time() {
    let server =
        Listing::start(two_jobs().fault("namespaces/shop", Fault::Slow(Duration::from_millis(100)), 99));
    whole(&server.lint("bounded", &["-o", "json"]));
    assert!(server.most_open() <= 5, "{}", server.most_open());
}

/// `script` of util-linux runs it in a terminal of its own, whose screen is what is read here.
#[cfg(target_os = "linux")]
#[test]
fn a_long_scan_has_a_bar_in_a_terminal_and_leaves_nothing_of_it() {
    if Command::new("script").arg("--version").output().is_err() {
        tell::skip("script", "there is no script");
        return;
    }
    let server = Listing::start(two_jobs().fault("/pods?", Fault::Slow(Duration::from_secs(3)), 1));
    let kubeconfig = server.kubeconfig("bar", "http", &json!({"token": "none"}));
    let command = format!(
        "{} lint --no-config -o concise",
        env!("CARGO_BIN_EXE_kubectl-sidecar")
    );
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("KUBECONFIG", &kubeconfig)
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let screen = String::from_utf8(output.stdout).unwrap();
    // The line is cleared before the result is printed.
    let (before, result) = screen.rsplit_once("\u{1b}[2K").unwrap();
    assert!(
        before.contains("scanning") && before.contains("objects") && !before.contains("job-never-completes"),
        "{screen:?}"
    );
    assert!(
        result.contains("job-never-completes") && !result.contains("scanning"),
        "{screen:?}"
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_scan_tells_what_it_has() {
    let server = Listing::start(two_jobs().fault("/pods?", Fault::Slow(Duration::from_secs(30)), 99));
    let kubeconfig = server.kubeconfig("interrupted", "http", &json!({"token": "none"}));
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["lint", "--no-config", "-o", "json"])
        .env("KUBECONFIG", &kubeconfig)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = || server.requests().iter().any(|target| target.contains("/pods?"));
    let started = Instant::now();
    while !asked() && started.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(50));
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let code = child.wait().unwrap().code();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    let run = Run {
        out,
        notes: String::new(),
        code,
    };
    assert!(started.elapsed() < Duration::from_secs(25));
    assert_eq!(run.findings(), [HANGS]);
    assert_eq!(run.code, Some(3));
    let unseen = run.unseen().join("\n");
    assert!(unseen.contains("pods in namespace shop: interrupted"), "{unseen}");
}
