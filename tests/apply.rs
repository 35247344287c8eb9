//! `migrate --live --apply` against a loopback server that holds one Deployment and fails where a test wants it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code outside of test functions"
)]

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

const PATH: &str = "/apis/apps/v1/namespaces/shop/deployments/web";

/// What happens to a PATCH that is no dry run.
enum Fault {
    /// It is answered with an error.
    Answer(u16, &'static str),
    /// Somebody else changes the image first: the tests of the patch fail.
    OvertakenBy(&'static str),
    /// The connection is closed before anything is done.
    Reset,
    /// It is carried out, and the connection is closed without an answer.
    ResetAfter,
}

/// Where an admission policy is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Nowhere,
    /// To the namespace of that name.
    To(&'static str),
}

#[derive(Default)]
struct State {
    deployment: Value,
    faults: VecDeque<Fault>,
    /// The server drops `restartPolicy`, as an old webhook does.
    drops_restart_policy: bool,
    /// No controller sees the change.
    never_ends: bool,
    /// The server runs a version that has admission policies, and none is installed.
    has_policies: bool,
    /// Where the only policy that acts on the annotation is bound, once it is installed.
    policy: Option<Bound>,
    /// The server has a rule of Prometheus.
    has_alerts: bool,
    /// Such rules may not be listed.
    hides_alerts: bool,
    /// Methods and paths, in order.
    requests: Vec<String>,
    /// Real changes that were carried out.
    changes: usize,
}

struct Server {
    state: Arc<Mutex<State>>,
    url: String,
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "resourceVersion": "10", "generation": 1},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
                {"name": "app", "image": "example.com/app:1", "env": [{"name": "TOKEN", "value": "geheim"}],
                    "command": ["sh", "-c"],
                    "args": ["until curl -sf http://localhost:8099/ready 2>&1 > /dev/null; do sleep 1; done\nexec /app\n"]},
                {"name": "proxy", "image": "example.com/proxy:1", "ports": [{"containerPort": 8099}],
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8099}}},
            ]}},
        },
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
    })
}

impl Server {
    fn start(faults: impl IntoIterator<Item = Fault>) -> Self {
        let state = Arc::new(Mutex::new(State {
            deployment: deployment(),
            faults: faults.into_iter().collect(),
            ..State::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A client that goes away is no failure of the server.
                thread::spawn(move || drop(serve(&stream, &state)));
            }
        });
        Self { state, url }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut all = vec!["migrate", "--live", "-n", "shop", "--no-config", "-s", &self.url];
        all.extend(arguments);
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"));
        command
            .args(all)
            .env_remove("KUBECONFIG")
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null());
        command
    }

    /// The containers' lists after a run, and how often the object was changed.
    fn outcome(&self) -> (bool, usize) {
        let state = self.state.lock().unwrap();
        let spec = &state.deployment["spec"]["template"]["spec"];
        let is_migrated = spec["initContainers"][0]["restartPolicy"] == "Always"
            && spec["containers"].as_array().unwrap().len() == 1;
        (is_migrated, state.changes)
    }

    fn writes(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state
            .requests
            .iter()
            .filter(|request| !request.starts_with("GET "))
            .cloned()
            .collect()
    }
}

fn serve(mut stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (method, rest) = first.split_once(' ').unwrap();
        let target = rest.split(' ').next().unwrap();
        let answer = {
            let mut state = state.lock().unwrap();
            state.requests.push(format!("{method} {target}"));
            match method {
                "GET" => Some(get(&state, target)),
                "PATCH" => patch(&mut state, target, &serde_json::from_slice(&body).unwrap()),
                _ => Some((405, json!({}))),
            }
        };
        let Some((code, body)) = answer else {
            return stream.shutdown(std::net::Shutdown::Both);
        };
        let body = body.to_string();
        write!(
            stream,
            "HTTP/1.1 {code} Test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

fn failure(code: u16, message: &str) -> (u16, Value) {
    (
        code,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": "Test", "code": code}),
    )
}

fn get(state: &State, target: &str) -> (u16, Value) {
    let resource = |name: &str, kind: &str| {
        json!({"name": name, "singularName": kind.to_lowercase(), "kind": kind, "namespaced": true,
        "shortNames": [if kind == "Deployment" { "deploy" } else { "po" }], "verbs": ["list", "get", "patch"]})
    };
    let body = match target.split('?').next().unwrap() {
        "/api" => json!({"versions": ["v1"]}),
        "/apis" => {
            let group = |name: &str| {
                let version = json!({"groupVersion": format!("{name}/v1")});
                json!({"name": name, "versions": [version], "preferredVersion": version})
            };
            match state.has_alerts {
                true => json!({"groups": [group("apps"), group("monitoring.coreos.com")]}),
                false => json!({"groups": [group("apps")]}),
            }
        }
        "/api/v1" => json!({"resources": [resource("pods", "Pod")]}),
        "/apis/apps/v1" => json!({"resources": [resource("deployments", "Deployment")]}),
        "/apis/monitoring.coreos.com/v1" => {
            json!({"resources": [resource("prometheusrules", "PrometheusRule")]})
        }
        "/apis/monitoring.coreos.com/v1/prometheusrules" if state.hides_alerts => {
            return failure(403, "prometheusrules is forbidden");
        }
        "/apis/monitoring.coreos.com/v1/prometheusrules" => json!({"items": [{
            "metadata": {"name": "alerts", "namespace": "monitoring", "uid": "u-9"},
            "spec": {"groups": [{"name": "g", "rules": [{"alert": "ProxyRestarts",
                "expr": "kube_pod_container_status_restarts_total{container=\"proxy\"} > 3"}]}]}}]}),
        "/apis/admissionregistration.k8s.io/v1" if state.policy.is_some() => json!({"resources": [
            resource("mutatingadmissionpolicies", "MutatingAdmissionPolicy"),
            resource("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding")]}),
        "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies" => json!({"items": [{
            "metadata": {"name": "promote"}, "spec": {"mutations": [{"jsonPatch": {
                "expression": "object.metadata.annotations['kubectl-sidecar/sidecars']"}}]}}]}),
        "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings" => match state.policy {
            Some(Bound::To(namespace)) => json!({"items": [{"metadata": {"name": "promote"}, "spec": {
                "policyName": "promote", "matchResources": {"namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": namespace}}}}}]}),
            _ => json!({"items": []}),
        },
        "/version" if state.has_policies => json!({"gitVersion": "v1.37.0"}),
        "/version" => json!({"gitVersion": "v1.34.1"}),
        "/openapi/v3" if state.has_alerts => json!({"paths": {"apis/monitoring.coreos.com/v1":
            {"serverRelativeURL": "/openapi/v3/apis/monitoring.coreos.com/v1"}}}),
        "/openapi/v3/apis/monitoring.coreos.com/v1" => json!({"components": {"schemas": {}}}),
        "/openapi/v3/api/v1" => {
            json!({"components": {"schemas": {"io.k8s.api.core.v1.Lifecycle": {"properties": {}}}}})
        }
        "/api/v1/nodes" => json!({"items": [{"metadata": {"name": "n", "uid": "n"},
            "status": {"nodeInfo": {"kubeletVersion": "v1.34.1"}}}]}),
        "/apis/apps/v1/namespaces/shop/deployments" => json!({"items": [state.deployment]}),
        "/api/v1/namespaces/shop/pods" => json!({"items": []}),
        PATH => state.deployment.clone(),
        other => return failure(404, &format!("{other} is not there")),
    };
    (200, body)
}

fn patch(state: &mut State, target: &str, operations: &Value) -> Option<(u16, Value)> {
    let is_dry = target.contains("dryRun=All");
    assert!(
        target.starts_with(PATH) && target.contains("fieldValidation=Strict"),
        "{target}"
    );
    let mut after_reset = false;
    if !is_dry {
        match state.faults.pop_front() {
            Some(Fault::Answer(code, message)) => return Some(failure(code, message)),
            Some(Fault::Reset) => return None,
            Some(Fault::ResetAfter) => after_reset = true,
            Some(Fault::OvertakenBy(image)) => {
                state.deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
                state.deployment["metadata"]["resourceVersion"] = json!("11");
            }
            None => {}
        }
    }
    let mut object = state.deployment.clone();
    for operation in operations.as_array().unwrap() {
        let path = operation["path"].as_str().unwrap();
        let value = operation["value"].clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/").replace("~0", "~");
        match operation["op"].as_str().unwrap() {
            "test" if object.pointer(path) == Some(&value) => {}
            "test" => {
                return Some(failure(
                    422,
                    "the server rejected our request due to an error in our request",
                ));
            }
            "remove" => drop(object.pointer_mut(parent)?.as_object_mut()?.remove(&key)),
            _ => drop(object.pointer_mut(parent)?.as_object_mut()?.insert(key, value)),
        }
    }
    if state.drops_restart_policy {
        let sidecar = &mut object["spec"]["template"]["spec"]["initContainers"][0];
        sidecar.as_object_mut()?.remove("restartPolicy");
    }
    if !is_dry {
        object["metadata"]["resourceVersion"] = json!("20");
        object["metadata"]["generation"] = json!(2);
        if !state.never_ends {
            object["status"]["observedGeneration"] = json!(2);
        }
        state.deployment = object.clone();
        state.changes += 1;
    }
    (!after_reset).then_some((200, object))
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn nothing_is_written_without_apply() {
    let server = Server::start([]);
    for arguments in [
        &[][..],
        &["deploy/web"],
        &["-o", "yaml"],
        &["--review", "--check"],
        &["--apply"],
    ] {
        let output = server.run(arguments);
        let expected = match arguments {
            // Nobody can be asked.
            ["--apply"] => 2,
            [.., "--check"] => 1,
            _ => 0,
        };
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{arguments:?}: {}",
            stderr(&output)
        );
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("restartPolicy: Always"), "{arguments:?}: {shown}");
        assert!(
            arguments.contains(&"yaml") || !shown.contains("geheim"),
            "{shown}"
        );
    }
    assert_eq!(server.writes(), Vec::<String>::new());
}

#[test]
fn an_alert_of_the_cluster_that_names_what_moves_is_named() {
    let server = Server::start([]);
    server.state.lock().unwrap().has_alerts = true;
    let said = stderr(&server.run(&["--target", "native"]));
    assert!(
        said.contains("PrometheusRule alerts, alert ProxyRestarts: kube_pod_container_status_restarts_total has nothing of proxy any more"),
        "{said}"
    );
    server.state.lock().unwrap().hides_alerts = true;
    let said = stderr(&server.run(&["--target", "native"]));
    assert!(!said.contains("alert ProxyRestarts"), "{said}");
    assert!(
        said.contains("prometheusrules were not looked at, which may name a container that moves"),
        "{said}"
    );
}

#[test]
fn the_server_is_asked_first() {
    let server = Server::start([]);
    let output = server.run(&["--apply", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.outcome(), (true, 1));
    let writes = server.writes();
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert!(
        writes[0].contains("dryRun=All") && !writes[1].contains("dryRun"),
        "{writes:?}"
    );
    let again = server.run(&["--apply", "--yes"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stderr(&again).contains("nothing to apply"), "{}", stderr(&again));
    assert_eq!(server.writes().len(), 2);
}

#[test]
fn what_passes_is_tried_again_and_done_once() {
    for faults in [
        vec![Fault::Answer(409, "the object has been modified")],
        vec![
            Fault::Answer(503, "shutting down"),
            Fault::Answer(429, "too many requests"),
        ],
        vec![Fault::Reset],
        vec![Fault::ResetAfter],
    ] {
        let server = Server::start(faults);
        let output = server.run(&["--apply", "--yes"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(server.outcome(), (true, 1), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("applied: shop/deployment/web"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn what_somebody_else_changes_is_read_anew_and_kept() {
    let server = Server::start([Fault::OvertakenBy("example.com/app:2")]);
    let output = server.run(&["--apply", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.outcome(), (true, 1));
    let said = stderr(&output);
    assert!(said.contains("somebody else has changed the object"), "{said}");
    assert!(
        said.contains("it was changed meanwhile; the change is now"),
        "{said}"
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("example.com/app:2"), "{shown}");
    let state = server.state.lock().unwrap();
    let app = &state.deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(app["image"], "example.com/app:2");
}

#[test]
fn a_conflict_that_does_not_end_is_given_up() {
    let server = Server::start((0..20).map(|_| Fault::Answer(409, "the object has been modified")));
    let output = server.run(&["--apply", "--yes"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(server.outcome(), (false, 0));
    assert!(
        stderr(&output).contains("given up after 5 attempts"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_the_server_refuses_is_said() {
    for (code, message) in [
        (403, "deployments.apps \"web\" is forbidden"),
        (422, "Deployment.apps \"web\" is invalid: spec.template: too long"),
        (400, "admission webhook \"x\" does not support dry run"),
    ] {
        let server = Server::start([Fault::Answer(code, message)]);
        let directory = tempfile::tempdir().unwrap();
        let backup = directory.path().join("backup");
        let output = server.run(&["--apply", "--yes", "--backup", backup.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert_eq!(server.outcome(), (false, 0));
        let said = stderr(&output);
        assert!(
            said.contains(message) && said.contains("applied: nothing"),
            "{said}"
        );
        // It was kept before anything was sent.
        assert_eq!(files(&backup), ["shop_deployment_web.yaml"]);
        let kept = std::fs::read_to_string(backup.join("shop_deployment_web.yaml")).unwrap();
        assert!(kept.contains("geheim") && !kept.contains("uid:"), "{kept}");
    }
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_webhook_that_drops_something_is_noticed_before() {
    let server = Server::start([]);
    server.state.lock().unwrap().drops_restart_policy = true;
    let output = server.run(&["--apply", "--yes"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(
        said.contains("spec.template.spec.initContainers[0].restartPolicy"),
        "{said}"
    );
    assert_eq!(server.writes().len(), 1, "{:?}", server.writes());
    assert_eq!(server.outcome().1, 0);
}

/// Without a policy the app would lose its wait and get no sidecar.
#[test]
fn the_annotation_is_not_applied_where_nothing_acts_on_it() {
    let server = Server::start([]);
    server.state.lock().unwrap().has_policies = true;
    let output = server.run(&["--target", "annotation", "--review", "--apply", "--yes"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no policy of the cluster acts on it"), "{said}");
    assert!(!said.contains("does not contradict"), "{said}");
    assert_eq!(server.writes(), Vec::<String>::new());
}

/// A policy that is there acts only where it is bound.
#[test]
fn the_annotation_is_applied_only_where_a_policy_is_bound() {
    for (bound, expected) in [
        (Bound::Nowhere, Some("the policy that acts on it has no binding")),
        (
            Bound::To("bank"),
            Some("no policy that acts on it is bound to this namespace"),
        ),
        (Bound::To("shop"), None),
    ] {
        let server = Server::start([]);
        {
            let mut state = server.state.lock().unwrap();
            state.has_policies = true;
            state.policy = Some(bound);
        }
        let output = server.run(&["--target", "annotation", "--review", "--apply", "--yes"]);
        let said = stderr(&output);
        let state = server.state.lock().unwrap();
        let template = &state.deployment["spec"]["template"];
        let app = &template["spec"]["containers"][0];
        match expected {
            Some(expected) => {
                assert_eq!(output.status.code(), Some(1), "{said}");
                assert!(said.contains(expected), "{said}");
                assert!(!said.contains("does not contradict"), "{said}");
                assert_eq!(
                    (state.changes, app),
                    (0, &deployment()["spec"]["template"]["spec"]["containers"][0])
                );
            }
            None => {
                assert_eq!((output.status.code(), state.changes), (Some(0), 1), "{said}");
                let sidecars = &template["metadata"]["annotations"]["kubectl-sidecar/sidecars"];
                assert_eq!(sidecars, "proxy", "{said}");
                assert!(!app.to_string().contains("until"), "{app}");
            }
        }
    }
}

#[test]
fn whoever_keeps_the_object_is_to_be_asked() {
    for (metadata, expected) in [
        (
            json!({"annotations": {"meta.helm.sh/release-name": "web"}}),
            "Helm (release web",
        ),
        (
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}}),
            "Argo CD (application shop)",
        ),
        (
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}),
            "Flux (Kustomization flux-system/apps)",
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "example.com/v1", "kind": "Shop", "name": "x", "controller": true}]}),
            "Shop x (example.com/v1)",
        ),
        (
            json!({"labels": {"olm.owner": "shop.v1"}}),
            "the Operator Lifecycle Manager (ClusterServiceVersion shop.v1)",
        ),
        (
            json!({"labels": {"crossplane.io/composite": "shop-x"}}),
            "Crossplane (composite shop-x)",
        ),
        (
            json!({"managedFields": [{"manager": "Terraform", "operation": "Apply"}]}),
            "Terraform keeps it",
        ),
    ] {
        let server = Server::start([]);
        {
            let mut state = server.state.lock().unwrap();
            let own = state.deployment["metadata"].as_object_mut().unwrap();
            own.extend(metadata.as_object().unwrap().clone());
        }
        let output = server.run(&["--apply", "--yes"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        assert_eq!(server.writes(), Vec::<String>::new());
    }
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let server = Server::start([]);
    for (arguments, expected) in [
        (&["--write"][..], "--write changes files"),
        (&["-f", "deploy.yaml"], "-f names files"),
        (
            &["--kubernetes-version", "1.30"],
            "--kubernetes-version is for files",
        ),
        (&["--target", "lifecycle"], "has no lifecycle.type"),
        (&["nonsense/web"], "has no resource type"),
        (&["deploy/other"], "is not there"),
    ] {
        let output = server.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(expected),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_run_and_says_what_was_done() {
    let server = Server::start([]);
    server.state.lock().unwrap().never_ends = true;
    let child = server
        .command(&["--apply", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if server.outcome().1 == 1 {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let interrupt = ["-INT".to_owned(), child.id().to_string()];
    // The answer to the change has to arrive first; an interrupt before that ends the run the same way.
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("interrupted"), "{said}");
    assert!(said.contains("applied: shop/deployment/web"), "{said}");
}
