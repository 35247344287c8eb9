//! What only a running cluster shows, seen on the real one of `KUBECONFIG`: injected containers, pods that differ from
//! their template, custom resources, and what the kubelet writes into the status of pods.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code outside of test functions"
)]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/injector.rs"]
mod injector;
#[path = "support/tell.rs"]
mod tell;

use std::path::Path;

use cluster::{Namespace, image, kubectl};
use injector::Injector;
use kubectl_sidecar::rules::RULES;
use serde_json::{Value, json};

fn deployment(name: &str, metadata: &Value, spec: &Value) -> Value {
    let mut metadata = metadata.clone();
    metadata["labels"] = json!({"app": name});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "selector": {"matchLabels": {"app": name}}, "template": {"metadata": metadata, "spec": spec}}})
}

/// A container that runs a script.
fn script(name: &str, text: &str) -> Value {
    json!({"name": name, "image": image(), "command": ["sh", "-c", text]})
}

/// What `lint` finds where it saw all. A kind of another test that is taken away meanwhile is said to be gone.
#[track_caller]
fn lint_whole(namespace: &Namespace) -> (Value, Option<i32>) {
    let mut seen = namespace.lint(&[]);
    for _ in 0..5 {
        if seen.1 != Some(3) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(3));
        seen = namespace.lint(&[]);
    }
    assert_ne!(seen.1, Some(3), "{}", seen.0["errors"]);
    seen
}

/// The finding of a rule about an object of a namespace.
#[track_caller]
fn finding(namespace: &Namespace, report: &Value, object: &str, rule: &str) -> Value {
    let file = format!("{}/{object}", namespace.name);
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .find(|finding| finding["file"] == file && finding["rule"] == rule)
        .unwrap_or_else(|| panic!("{:?}", namespace.found(report)))
        .clone()
}

#[test]
fn a_webhooks_container_is_seen_and_whose_it_is() {
    let Some(namespace) = Namespace::create("signs-injected") else {
        return;
    };
    let Some(_injector) = Injector::up() else { return };
    let daprd = json!({"name": "daprd", "image": image(), "command": ["stand-in", "--listen", ":3500"]});
    let job = |name: &str, container: &Value| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": {
            "metadata": {"annotations": {"injector.test/container": container.to_string()}},
            "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
                "containers": [script("settle", "sleep 1")]}}}})
    };
    namespace.apply(&job("settle", &daprd));
    let mut native = daprd.clone();
    native["restartPolicy"] = json!("Always");
    namespace.apply(&job("native", &native));
    let containers = |name: &str, list: &str| {
        let path = format!("-o=jsonpath={{.items[*].spec.{list}[*].name}}");
        namespace.kubectl(&["get", "pods", "-l", &format!("job-name={name}"), &path], "")
    };
    namespace.wait("the injected pods", || {
        containers("settle", "containers") == "settle daprd"
            && containers("native", "initContainers") == "daprd"
    });
    let (report, code) = lint_whole(&namespace);
    assert_eq!(code, Some(1), "{report}");
    let found = finding(&namespace, &report, "job/settle", "job-never-completes");
    let message = found["message"].as_str().unwrap();
    assert!(
        message.contains("daprd is injected by") && message.contains("as pod settle-"),
        "{message}"
    );
    // Its manifest has no such container: a rewrite of it would change nothing.
    assert_eq!(found["fix"]["class"], "manual");
    let labels: Vec<&Value> = found["locations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| &place["label"])
        .collect();
    assert!(
        labels.contains(&&json!("injected: not in the template")),
        "{labels:?}"
    );
    // One that is injected as a sidecar ends with its app.
    assert!(
        !namespace
            .found(&report)
            .iter()
            .any(|found| found.starts_with("job/native job-never")),
        "{:?}",
        namespace.found(&report)
    );
    // A pod that nobody else makes is proposed as it is, with a word about what is not of its file.
    let mut bare = job("x", &daprd)["spec"]["template"].clone();
    bare["apiVersion"] = json!("v1");
    bare["kind"] = json!("Pod");
    bare["metadata"]["name"] = json!("bare");
    bare["spec"]["containers"] = json!([
        script("settle", "until curl -sf http://localhost:8099/ready; do sleep 1; done; sleep 600"),
        {"name": "db-proxy", "image": image(), "command": ["stand-in", "--listen", ":8099", "--ready", "/ready"]},
    ]);
    namespace.apply(&bare);
    let proposed = namespace.migrate(&["pod/bare", "--review"]);
    let printed = String::from_utf8_lossy(&proposed.stdout);
    assert!(
        printed.contains("# daprd came with the pod's admission, by all signs"),
        "{printed}\n{}",
        cluster::stderr(&proposed)
    );
    let manifest = &printed[printed.find("# daprd came").unwrap()..];
    for of_the_server in ["kube-api-access", "nodeName", "uid:", "status:", "last-applied"] {
        assert!(!manifest.contains(of_the_server), "{manifest}");
    }
    // And nothing is proposed for what is not in the manifest.
    let migrated = namespace.migrate(&["job/settle"]);
    assert!(
        migrated.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&migrated.stdout)
    );
}

#[test]
fn custom_resources_with_a_pod_template_are_found_by_their_schema() {
    let Some(mut namespace) = Namespace::create("signs-custom") else {
        return;
    };
    let group = format!("{}.example.com", namespace.name);
    namespace
        .beside
        .push(format!("customresourcedefinition/batches.{group}"));
    let strings = json!({"type": "array", "items": {"type": "string"}});
    let container = json!({"type": "object", "properties": {
        "name": {"type": "string"}, "image": {"type": "string"}, "command": strings, "args": strings}});
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"worker": {
        "type": "object", "properties": {"template": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "restartPolicy": {"type": "string"}, "containers": {"type": "array", "items": container}}}}}}}}}}});
    kubectl(
        &["apply", "-f", "-"],
        &json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("batches.{group}")},
            "spec": {"group": group, "scope": "Namespaced",
                "names": {"plural": "batches", "singular": "batch", "kind": "Batch", "shortNames": ["bt"]},
                "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
            .to_string(),
    );
    kubectl(
        &[
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            &namespace.beside[0],
        ],
        "",
    );
    let batch = json!({"apiVersion": format!("{group}/v1alpha1"), "kind": "Batch", "metadata": {"name": "nightly"},
        "spec": {"worker": {"template": {"spec": {"restartPolicy": "Never", "containers": [
            script("settle", "until curl -sf http://localhost:8099/ready; do sleep 1; done; /app/settle"),
            {"name": "db-proxy", "image": image(), "command": ["stand-in", "--listen", ":8099"]}]}}}}});
    namespace.wait("the kind", || {
        namespace
            .try_kubectl(&["apply", "-f", "-"], &batch.to_string())
            .status
            .success()
    });
    let object = format!("batch.{group}/nightly");
    for arguments in [&[][..], &["--live", "bt"], &["--live", "batch/nightly"]] {
        let (report, _) = namespace.lint(arguments);
        finding(&namespace, &report, &object, "startup-poll");
        let errors = report["errors"].as_array().unwrap();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

/// `name` of the containers of a pod that have ended, as its status says.
fn ended(pod: &Value) -> usize {
    let statuses = pod["status"]["containerStatuses"].as_array();
    let ended = |status: &&Value| status["state"]["terminated"].is_object();
    statuses.into_iter().flatten().filter(ended).count()
}

#[test]
fn a_sidecar_that_the_kubelet_stopped_before_the_app() {
    let Some(namespace) = Namespace::create("signs-stopped") else {
        return;
    };
    // Whoever holds a deleted pod, as a controller that collects logs does, lets its last status be seen.
    let hold = "example.com/hold";
    let app = "trap 'sleep 3; exit 0' TERM; while :; do sleep 0.2; done";
    namespace.apply(&deployment(
        "payments",
        &json!({"finalizers": [hold]}),
        &json!({"terminationGracePeriodSeconds": 20, "containers": [script("payments", app),
            {"name": "db-proxy", "image": image(), "command": ["stand-in"]}]}),
    ));
    namespace.kubectl(
        &["rollout", "status", "deployment/payments", "--timeout=180s"],
        "",
    );
    let (before, _) = lint_whole(&namespace);
    assert_eq!(namespace.found(&before), [""; 0], "nothing shows while it runs");
    let pod = namespace
        .kubectl(&["get", "pods", "-o", "name"], "")
        .trim()
        .to_owned();
    namespace.kubectl(&["delete", &pod, "--wait=false"], "");
    namespace.wait("the end of its containers", || ended(&namespace.get(&pod)) == 2);
    let (report, _) = lint_whole(&namespace);
    let object = namespace.get(&pod);
    let freed = namespace.try_kubectl(
        &[
            "patch",
            &pod,
            "--type=merge",
            "-p",
            r#"{"metadata": {"finalizers": null}}"#,
        ],
        "",
    );
    let template = r#"{"spec": {"template": {"metadata": {"finalizers": null}}}}"#;
    namespace.kubectl(
        &["patch", "deployment/payments", "--type=merge", "-p", template],
        "",
    );
    let others = namespace.kubectl(&["get", "pods", "-o", "name"], "");
    for other in others.split_whitespace() {
        namespace.try_kubectl(
            &[
                "patch",
                other,
                "--type=merge",
                "-p",
                r#"{"metadata": {"finalizers": null}}"#,
            ],
            "",
        );
    }
    assert!(freed.status.success());
    let found = finding(
        &namespace,
        &report,
        "deployment/payments",
        "sidecar-stopped-first",
    );
    let message = found["message"].as_str().unwrap();
    let finished = |container: &str| {
        let statuses = object["status"]["containerStatuses"].as_array().unwrap();
        let status = statuses
            .iter()
            .find(|status| status["name"] == container)
            .unwrap();
        status["state"]["terminated"]["finishedAt"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        message.starts_with(&format!("db-proxy ended at {} while pod ", finished("db-proxy")))
            && message.contains(&format!("payments ended at {}", finished("payments"))),
        "{message}"
    );
}

#[test]
fn a_sidecar_that_had_ended_by_itself_was_not_stopped_first() {
    let Some(namespace) = Namespace::create("signs-itself") else {
        return;
    };
    let app = "trap 'sleep 3; exit 0' TERM; while :; do sleep 0.2; done";
    // With OnFailure nothing starts it again.
    namespace.apply(
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "orders", "finalizers": ["example.com/hold"]},
        "spec": {"restartPolicy": "OnFailure", "terminationGracePeriodSeconds": 20, "containers": [
            script("orders", app), script("db-proxy", "sleep 2")]}}),
    );
    namespace.wait("the end of the proxy", || {
        ended(&namespace.get("pod/orders")) == 1
    });
    namespace.kubectl(&["delete", "pod/orders", "--wait=false"], "");
    namespace.wait("the end", || ended(&namespace.get("pod/orders")) == 2);
    let (report, _) = lint_whole(&namespace);
    let free = r#"{"metadata": {"finalizers": null}}"#;
    namespace.kubectl(&["patch", "pod/orders", "--type=merge", "-p", free], "");
    assert_eq!(namespace.found(&report), [""; 0]);
}

#[test]
fn an_app_that_failed_before_its_sidecar_had_started() {
    let Some(namespace) = Namespace::create("signs-started") else {
        return;
    };
    let app = "if [ -e /state/ran ]; then exec sleep 600; fi; touch /state/ran; sleep 1; exit 3";
    let mut search = script("search", app);
    search["volumeMounts"] = json!([{"name": "state", "mountPath": "/state"}]);
    namespace.apply(&deployment(
        "search",
        &json!({}),
        &json!({"terminationGracePeriodSeconds": 1, "volumes": [{"name": "state", "emptyDir": {}}],
            "containers": [search, {"name": "db-proxy", "image": image(), "command": ["stand-in"]}]}),
    ));
    let restarts = || {
        let path = "-o=jsonpath={.items[*].status.containerStatuses[?(@.name=='search')].restartCount}";
        namespace.kubectl(&["get", "pods", path], "")
    };
    namespace.wait("the second run", || restarts() == "1");
    let (report, _) = lint_whole(&namespace);
    let found = finding(&namespace, &report, "deployment/search", "app-started-first");
    let message = found["message"].as_str().unwrap();
    assert!(
        message.contains("(exit code 3), and db-proxy had started only after that start: pod search-"),
        "{message}"
    );
}

/// Everything that the examples and the rules show, on a cluster: found, migrated, and clean afterwards.
#[test]
fn what_is_shown_is_found_migrated_and_clean() {
    let Some(namespace) = Namespace::create("signs-round") else {
        return;
    };
    let mut texts: Vec<String> = RULES.iter().map(|rule| rule.before.to_owned()).collect();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for entry in std::fs::read_dir(examples).unwrap().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            texts.push(text.replace("  namespace: shop\n", ""));
        }
    }
    let created = namespace.try_kubectl(
        &["create", "--validate=strict", "-f", "-"],
        &texts.join("\n---\n"),
    );
    for line in cluster::stderr(&created).lines().filter(|line| !line.is_empty()) {
        // Fields of the first design, and what the rules show of a Job made by several texts.
        let may_be_refused = ["lifecycle.type", "already exists", "Forbidden", "unknown field"];
        assert!(
            may_be_refused.iter().any(|refused| line.contains(refused)),
            "{line}"
        );
    }
    let seeded = String::from_utf8_lossy(&created.stdout).lines().count();
    assert!(seeded >= 20, "{}", cluster::stderr(&created));
    // Their images are nowhere: no pod of what rolls out is to wait for one.
    for kind in ["deployment", "statefulset"] {
        namespace.try_kubectl(&["scale", kind, "--all", "--replicas=0"], "");
    }
    let (before, code) = lint_whole(&namespace);
    assert_eq!(code, Some(1), "{}", before["errors"]);

    let applied = namespace.migrate(&["--apply", "--yes", "--review"]);
    let said = cluster::stderr(&applied);
    // What cannot be changed where it is is made anew, from what is printed.
    for kind in ["jobs", "pods"] {
        let names = namespace.kubectl(&["get", kind, "-o", "name"], "");
        for name in names.split_whitespace() {
            let name = name.replace(".batch", "");
            let manifest = namespace.migrate(&[&name, "--review", "-o", "yaml"]);
            if !manifest.stdout.is_empty() {
                let text = String::from_utf8_lossy(&manifest.stdout);
                namespace.kubectl(&["replace", "--force", "--grace-period=0", "-f", "-"], &text);
            }
        }
    }
    let left = namespace.migrate(&["--check", "--review"]);
    assert_eq!(left.status.code(), Some(0), "{said}\n{}", cluster::stderr(&left));
    let (after, _) = lint_whole(&namespace);
    // What is left is a person's, and where a sidecar answers is a hint for one.
    let can_be_rewritten = |finding: &&Value| {
        finding["severity"] != "info" && matches!(finding["fix"]["class"].as_str(), Some("safe" | "review"))
    };
    let rest: Vec<String> = after["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(can_be_rewritten)
        .map(|finding| {
            format!(
                "{} {}: {}",
                finding["file"], finding["rule"], finding["fix"]["reason"]
            )
        })
        .collect();
    assert!(rest.is_empty(), "{rest:#?}\n{said}");
    let count = |report: &Value| report["findings"].as_array().unwrap().len();
    assert!(
        count(&after) < count(&before) / 2,
        "{:?}",
        namespace.found(&after)
    );
}
