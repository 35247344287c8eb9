//! `lint` on a real cluster: what `KUBECONFIG` points to, with `cluster.local/tools:1` on its node
//! (`../shared/cluster`). Skipped, and says so, where `KUBECONFIG` is not set.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code outside of test functions"
)]

#[path = "support/tell.rs"]
mod tell;

use std::path::Path;

use cluster::{Namespace, kubectl, run};

use serde_json::{Value, json};

#[path = "support/cluster.rs"]
mod cluster;

impl Namespace {
    /// Makes a service account of the namespace's name, with the rights of docs/rbac.yaml and no others.
    fn grant_rights(&mut self) {
        let rights =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rbac.yaml")).unwrap();
        let own = rights
            .replace("name: kubectl-sidecar-lint", &format!("name: {}", self.name))
            .replace("namespace: default", &format!("namespace: {}", self.name));
        self.beside = vec![
            format!("clusterrole/{}", self.name),
            format!("clusterrolebinding/{}", self.name),
        ];
        kubectl(&["apply", "-f", "-"], &own);
        self.kubectl(&["create", "serviceaccount", &self.name], "");
    }
}

const TOOLS: &str = "cluster.local/tools:1";

fn deployment(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": spec}}})
}

/// An app that polls its proxy and ends it, in a CronJob whose Jobs have pods.
fn cron_job() -> Value {
    json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": {
    "schedule": "0 3 * * *", "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 2,
        "containers": [
            {"name": "app", "image": TOOLS, "command": ["sh", "-c",
                "until curl -fs http://127.0.0.1:9090/ready; do sleep 1; done; sleep 600; curl -X POST http://127.0.0.1:9090/quitquitquit"]},
            {"name": "proxy", "image": TOOLS, "command": ["stand-in", "--listen", ":9090", "--ready", "/ready", "--quit", "/quitquitquit"]},
        ]}}}}}})
}

#[test]
fn each_workload_is_found_once_with_exactly_these_rights() {
    let Some(mut namespace) = Namespace::create("scan-rights") else {
        return;
    };
    namespace.apply(&cron_job());
    namespace.kubectl(&["create", "job", "--from=cronjob/nightly", "nightly-now"], "");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/manifests");
    for example in ["storefront.yaml", "catalogue.yaml", "settle-accounts.yaml"] {
        namespace.kubectl(&["apply", "-f", examples.join(example).to_str().unwrap()], "");
    }
    // What acts on it is read, too.
    let mut declared = deployment(
        "declared",
        &json!({"containers": [{"name": "app", "image": TOOLS}, {"name": "proxy", "image": TOOLS}]}),
    );
    declared["spec"]["replicas"] = json!(0);
    declared["spec"]["template"]["metadata"]["annotations"] = json!({"kubectl-sidecar/sidecars": "proxy"});
    namespace.apply(&declared);
    let has_pod = || {
        !namespace
            .kubectl(&["get", "pods", "-l", "job-name=nightly-now", "-o", "name"], "")
            .is_empty()
    };
    namespace.wait("its pod", has_pod);

    let (report, code) = namespace.lint(&[]);
    assert_eq!(report["errors"], json!([]));
    let found = namespace.found(&report);
    let of_rule: Vec<&String> = found
        .iter()
        .filter(|found| found.ends_with("quit-endpoint"))
        .collect();
    assert_eq!(of_rule, ["cronjob/nightly quit-endpoint"], "{found:?}");
    assert!(
        !found.iter().any(|found| found.contains("job/nightly-now")),
        "{found:?}"
    );
    assert_eq!(code, Some(1));

    // The same with the rights of docs/rbac.yaml and no others: by impersonation, and by a token.
    namespace.grant_rights();
    let user = format!("system:serviceaccount:{0}:{0}", namespace.name);
    let (impersonated, code) = namespace.lint(&["--as", &user]);
    assert_eq!((impersonated["errors"].clone(), code), (json!([]), Some(1)));
    assert_eq!(namespace.found(&impersonated), found);
    let token = namespace.kubectl(&["create", "token", &namespace.name], "");
    let config: Value = serde_json::from_str(&kubectl(
        &["config", "view", "--raw", "--minify", "-o", "json"],
        "",
    ))
    .unwrap();
    let with_token = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kubeconfig-{}", namespace.name));
    let mut own = config.clone();
    own["users"][0]["user"] = json!({"token": token.trim()});
    std::fs::write(&with_token, own.to_string()).unwrap();
    let (by_token, code) = namespace.lint(&["--kubeconfig", with_token.to_str().unwrap()]);
    assert_eq!((by_token["errors"].clone(), code), (json!([]), Some(1)));
    assert_eq!(namespace.found(&by_token), found);

    // Somebody without rights is told of every kind that was not seen, once.
    let (nothing, code) = namespace.lint(&["--as", "nobody"]);
    assert_eq!(code, Some(3));
    let errors = nothing["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let unseen = errors[0]["file"].as_str().unwrap();
    for kind in [
        "cronjobs.batch",
        "daemonsets.apps",
        "deployments.apps",
        "jobs.batch",
        "pods",
        "replicasets.apps",
        "replicationcontrollers",
        "statefulsets.apps",
    ] {
        assert!(unseen.contains(kind), "{unseen}");
    }
    // A certificate that nobody vouches for is an error.
    let mut unknown = config;
    unknown["clusters"][0]["cluster"] = json!({"server": unknown["clusters"][0]["cluster"]["server"]});
    std::fs::write(&with_token, unknown.to_string()).unwrap();
    let (untrusted, code) = namespace.lint(&["--kubeconfig", with_token.to_str().unwrap()]);
    assert_eq!(code, Some(3));
    let message = untrusted["errors"][0]["message"].as_str().unwrap();
    assert!(message.to_lowercase().contains("certificate"), "{message}");
    std::fs::remove_file(&with_token).unwrap();
}

#[test]
fn a_job_whose_app_has_ended_while_its_proxy_runs_on() {
    let Some(namespace) = Namespace::create("scan-hanging") else {
        return;
    };
    namespace.apply(&json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "report"}, "spec": {
        "backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "containers": [
            {"name": "report", "image": TOOLS, "command": ["sh", "-c", "sleep 1; echo done"]},
            {"name": "db-proxy", "image": TOOLS, "command": ["stand-in"]},
        ]}}}}));
    let ended = || {
        let path = "-o=jsonpath={.items[*].status.containerStatuses[*].state.terminated.finishedAt}";
        !namespace.kubectl(&["get", "pods", path], "").is_empty()
    };
    namespace.wait("the app's end", ended);
    namespace.wait("what is said of it", || {
        let (report, _) = namespace.lint(&["--live", "job/report"]);
        let message = report["findings"][0]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        message.starts_with("db-proxy still runs although the app ended at 20")
    });
}

#[test]
fn a_pod_that_differs_from_its_template() {
    let Some(namespace) = Namespace::create("scan-differs") else {
        return;
    };
    // It makes no pod itself: the one there is was made by hand, as a webhook would have changed it.
    let mut owner = deployment(
        "shop",
        &json!({"containers": [{"name": "shop", "image": TOOLS, "command": ["stand-in"]}],
            "initContainers": [{"name": "db-proxy", "image": TOOLS, "command": ["stand-in"], "restartPolicy": "Always"}]}),
    );
    owner["spec"]["paused"] = json!(true);
    owner["spec"]["replicas"] = json!(0);
    namespace.apply(&owner);
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "shop-set", "labels": {"app": "shop"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "shop-set"}},
            "template": {"metadata": {"labels": {"app": "shop-set"}}, "spec": owner["spec"]["template"]["spec"]}}});
    // The Deployment adopts the ReplicaSet, and that adopts a pod before it makes one of its own.
    namespace.apply(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "changed", "labels": {"app": "shop-set"}},
        "spec": {"terminationGracePeriodSeconds": 2,
            "initContainers": [{"name": "db-proxy", "image": TOOLS, "command": ["stand-in"]}],
            "containers": [{"name": "shop", "image": TOOLS, "command": ["stand-in"]},
                {"name": "linkerd-proxy", "image": "cr.l5d.io/linkerd/proxy:stable", "imagePullPolicy": "Never"}]}}));
    namespace.apply(&set);
    let owner_of = |object: &str| {
        let path = "-o=jsonpath={.metadata.ownerReferences[*].name}";
        namespace.kubectl(&["get", object, path], "")
    };
    let adopted = || owner_of("pod/changed") == "shop-set" && owner_of("replicaset/shop-set") == "shop";
    namespace.wait("their adoption", adopted);
    let (report, _) = namespace.lint(&[]);
    let found = namespace.found(&report);
    assert!(
        found.contains(&"deployment/shop dropped-restart-policy".to_owned()),
        "{found:?}"
    );
    assert!(!found.iter().any(|found| found.starts_with("pod/")), "{found:?}");
    let workloads = report["workloads"].as_array().unwrap();
    let own = workloads
        .iter()
        .find(|workload| workload["object"]["name"] == "shop")
        .unwrap();
    let names: Vec<&str> = own["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|container| container["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["db-proxy", "shop", "linkerd-proxy"],
        "the injected one is seen"
    );
}

#[test]
fn the_oldest_kubelet_decides() {
    let Some(mut namespace) = Namespace::create("scan-skew") else {
        return;
    };
    namespace.apply(&deployment(
        "web",
        &json!({"containers": [{"name": "web", "image": TOOLS, "command": ["stand-in"]}],
            "initContainers": [{"name": "db-proxy", "image": TOOLS, "command": ["stand-in"], "restartPolicy": "Always",
                "startupProbe": {"exec": {"command": ["true"]}}}]}),
    ));
    let unsupported = |report: &Value| {
        namespace
            .found(report)
            .contains(&"deployment/web unsupported-sidecar-type".to_owned())
    };
    let (before, _) = namespace.lint(&[]);
    let node = format!("{}-old", namespace.name);
    kubectl(
        &["create", "-f", "-"],
        &json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node},
            "spec": {"unschedulable": true}, "status": {"nodeInfo": {"kubeletVersion": "v1.28.3"}}})
        .to_string(),
    );
    let (with_old, _) = namespace.lint(&[]);
    kubectl(&["delete", "node", &node, "--wait=false"], "");
    let (was, is) = (unsupported(&before), unsupported(&with_old));
    namespace.beside = vec![format!("node/{node}")];
    assert_eq!((was, is), (false, true));
}

/// The binary in a pod, with nothing but its service account and the rights of `docs/rbac.yaml`.
#[test]
fn in_a_pod_the_service_account_is_enough() {
    let Some(mut namespace) = Namespace::create("scan-inside") else {
        return;
    };
    namespace.grant_rights();
    namespace.apply(&cron_job());
    // Where nothing routes to the API server's Service, pods of the node's network reach it as we do.
    let routed = run(
        "kubectl",
        &["get", "-n", "default", "endpoints", "kubernetes"],
        b"",
    )
    .status
    .success();
    let address = kubectl(
        &[
            "config",
            "view",
            "--minify",
            "-o=jsonpath={.clusters[0].cluster.server}",
        ],
        "",
    );
    let (host, port) = address.trim_start_matches("https://").split_once(':').unwrap();
    let variables = json!([{"name": "KUBERNETES_SERVICE_HOST", "value": host}, {"name": "KUBERNETES_SERVICE_PORT", "value": port}]);
    namespace.apply(
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "inside"}, "spec": {
            "serviceAccountName": namespace.name, "hostNetwork": !routed, "terminationGracePeriodSeconds": 0, "containers": [
                {"name": "scan", "image": TOOLS, "command": ["sleep", "600"], "env": if routed { json!([]) } else { variables }}]}}),
    );
    namespace.kubectl(
        &["wait", "--for=condition=Ready", "pod/inside", "--timeout=180s"],
        "",
    );
    let binary = env!("CARGO_BIN_EXE_kubectl-sidecar");
    let linked = String::from_utf8(run("ldd", &[binary], b"").stdout).unwrap();
    // A build that is not static needs libraries that an image may not have.
    let libraries = linked.lines().filter_map(|line| {
        let (name, path) = line.trim().split_once(" => ")?;
        Some((path.split(' ').next()?, name))
    });
    for (from, to) in std::iter::once((binary, "scan")).chain(libraries) {
        let write = format!("cat > /tmp/{to} && chmod +x /tmp/{to}");
        let arguments = [
            "-n",
            &namespace.name,
            "exec",
            "-i",
            "inside",
            "--",
            "sh",
            "-c",
            &write,
        ];
        let copied = run("kubectl", &arguments, &std::fs::read(from).unwrap());
        assert!(
            copied.status.success(),
            "{}",
            String::from_utf8_lossy(&copied.stderr)
        );
    }
    let command = "LD_LIBRARY_PATH=/tmp exec /tmp/scan lint --no-config -o json";
    let scan = ["-n", &namespace.name, "exec", "inside", "--", "sh", "-c", command];
    let output = run("kubectl", &scan, b"");
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["errors"], json!([]));
    // The namespace of the service account is the current one.
    let found = namespace.found(&report);
    assert!(
        found.contains(&"cronjob/nightly quit-endpoint".to_owned()),
        "{found:?}"
    );
    assert_eq!(output.status.code(), Some(1));
}
