//! `migrate --live --apply` on a real cluster: the one of `KUBECONFIG`, with `kubectl` on the path.
//!
//! Without one the tests say that they are skipped. `SIDECAR_TEST_IMAGE` names the image with a shell, curl and
//! `stand-in` (`../shared/cluster/README.md`).

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

#[macro_use]
#[path = "support/tell.rs"]
mod tell;

/// How long something of the cluster's may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A namespace that goes with the test.
struct Namespace(String);

impl Namespace {
    fn new(name: &str) -> Option<Self> {
        if std::env::var_os("KUBECONFIG").is_none() {
            tell!("skipped: no KUBECONFIG");
            return None;
        }
        let name = format!("apply-{name}-{}", std::process::id());
        let created = run("kubectl", &["create", "namespace", &name], "");
        assert!(created.status.success(), "{}", stderr(&created));
        let namespace = Self(name);
        // Pods need its service account, which a controller makes.
        namespace.wait("its service account", || {
            namespace
                .kubectl(&["get", "serviceaccount", "default"], "")
                .status
                .success()
        });
        Some(namespace)
    }

    fn wait(&self, what: &str, is_there: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_there() {
            assert!(started.elapsed() < PATIENCE, "{}: {what}", self.0);
            thread::sleep(Duration::from_millis(300));
        }
    }

    fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut all = vec!["-n", &self.0];
        all.extend(arguments);
        run("kubectl", &all, input)
    }

    #[track_caller]
    fn kubectl_well(&self, arguments: &[&str], input: &str) -> String {
        let output = self.kubectl(arguments, input);
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{input}",
            stderr(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn get(&self, object: &str) -> Value {
        serde_json::from_str(&self.kubectl_well(&["get", object, "-o", "json"], "")).unwrap()
    }

    fn migrate(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["migrate", "--live", "--no-config", "-n", &self.0];
        all.extend(arguments);
        run(env!("CARGO_BIN_EXE_kubectl-sidecar"), &all, "")
    }

    #[track_caller]
    fn apply(&self, arguments: &[&str], code: i32) -> String {
        let output = self.migrate(&[&["--apply", "--yes"], arguments].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    /// Whether the proxy of a workload is declared a sidecar.
    fn is_migrated(&self, object: &str, template: &str) -> bool {
        let object = self.get(object);
        let spec = object.pointer(template).unwrap();
        spec["initContainers"][0]["name"] == "proxy"
            && spec["initContainers"][0]["restartPolicy"] == "Always"
            && spec["containers"].as_array().unwrap().len() == 1
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.kubectl(&["delete", "namespace", &self.0, "--wait=false"], "");
    }
}

fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that needs no input may be gone already.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn migrated_file(text: &str) -> String {
    let arguments = ["migrate", "-", "--quiet", "--no-config", "--target", "native"];
    let output = run(env!("CARGO_BIN_EXE_kubectl-sidecar"), &arguments, text);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn image() -> String {
    std::env::var("SIDECAR_TEST_IMAGE").unwrap_or_else(|_| "cluster.local/tools:1".to_owned())
}

const TEMPLATE: &str = "/spec/template/spec";

/// A pod's spec whose app waits for its proxy, with characters that Go's JSON escapes.
const POD: &str = r#"terminationGracePeriodSeconds: 2
containers:
  - name: app
    image: IMAGE
    env: [{name: TOKEN, value: geheim}]
    command: ["sh", "-c"]
    args:
      - |
        until curl -sf http://localhost:8099/ready > /dev/null 2>&1; do sleep 1; done
        exec stand-in --listen :8098 --ready-after 0s --ready /ready
  - name: proxy
    image: IMAGE
    command: [stand-in, --listen, ":8099", --ready-after, 1s, --ready, /ready]
    ports: [{containerPort: 8099}]
"#;

fn indented(text: &str, column: usize) -> String {
    text.lines()
        .map(|line| format!("{}{line}\n", " ".repeat(column)))
        .collect()
}

fn workload(kind: &str, name: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{}  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n{}",
        indented(more, 2),
        indented(&POD.replace("IMAGE", &image()), 6)
    )
}

#[test]
fn over_whatever_made_the_object_and_in_step_with_its_file() {
    let Some(namespace) = Namespace::new("makers") else {
        return;
    };
    let file = workload("Deployment", "applied", "");
    namespace.kubectl_well(&["apply", "-f", "-"], &file);
    namespace.kubectl_well(&["create", "-f", "-"], &workload("Deployment", "created", ""));
    let arguments = ["apply", "--server-side", "--field-manager=other", "-f", "-"];
    namespace.kubectl_well(&arguments, &workload("Deployment", "server-side", ""));
    namespace.kubectl_well(
        &["create", "-f", "-"],
        &format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: nightly}}\nspec:\n  schedule: \"0 0 1 1 *\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: OnFailure\n{}",
            indented(&POD.replace("IMAGE", &image()), 10)
        ),
    );
    let backup = tempfile::tempdir().unwrap();
    let said = namespace.apply(&["--backup", backup.path().to_str().unwrap()], 0);
    for name in ["applied", "created", "server-side"] {
        assert!(
            namespace.is_migrated(&format!("deployment/{name}"), TEMPLATE),
            "{name}: {said}"
        );
    }
    assert!(
        namespace.is_migrated("cronjob/nightly", "/spec/jobTemplate/spec/template/spec"),
        "{said}"
    );
    assert!(
        said.contains("all 1 pods are of the new template and available"),
        "{said}"
    );
    assert!(said.contains("its next Job"), "{said}");
    // The migrated file has nothing to change.
    let new_file = migrated_file(&file);
    let diff = namespace.kubectl(&["diff", "-f", "-"], &new_file);
    assert!(diff.status.success(), "{}", String::from_utf8_lossy(&diff.stdout));
    let applied = namespace.kubectl_well(&["apply", "-f", "-"], &new_file);
    assert!(applied.contains("unchanged"), "{applied}");
    // Whoever made the third one goes on with the migrated file.
    namespace.kubectl_well(
        &arguments,
        &migrated_file(&workload("Deployment", "server-side", "")),
    );
    // Nothing is left to do.
    let again = namespace.migrate(&["--check"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    // And there is a way back.
    let files = std::fs::read_dir(backup.path()).unwrap().count();
    assert_eq!(files, 4);
    let kept = format!("{}_deployment_created.yaml", namespace.0);
    let kept = backup.path().join(kept);
    namespace.kubectl_well(&["replace", "-f", kept.to_str().unwrap()], "");
    assert!(!namespace.is_migrated("deployment/created", TEMPLATE));
}

#[test]
fn stateful_sets_and_daemon_sets_are_followed() {
    let Some(namespace) = Namespace::new("sets") else {
        return;
    };
    let partition = "replicas: 2\npodManagementPolicy: Parallel\nserviceName: db\nupdateStrategy:\n  rollingUpdate: {partition: 1}\n";
    namespace.kubectl_well(&["create", "-f", "-"], &workload("StatefulSet", "db", partition));
    namespace.kubectl_well(&["create", "-f", "-"], &workload("DaemonSet", "agent", ""));
    let on_delete = "serviceName: slow\nupdateStrategy: {type: OnDelete}\n";
    namespace.kubectl_well(
        &["create", "-f", "-"],
        &workload("StatefulSet", "slow", on_delete),
    );
    for object in ["statefulset/db", "statefulset/slow"] {
        let wanted = if object.ends_with("db") { 2 } else { 1 };
        namespace.wait(object, || {
            namespace.get(object)["status"]["readyReplicas"] == wanted
        });
    }
    let said = namespace.apply(&[], 0);
    assert!(
        said.contains("1 of 2 pods are of the new template; its partition 1"),
        "{said}"
    );
    assert!(said.contains("have a pod of the new template"), "{said}");
    assert!(said.contains("its strategy is OnDelete"), "{said}");
    let pods: Vec<bool> = ["pod/db-0", "pod/db-1"]
        .iter()
        .map(|pod| namespace.get(pod)["spec"]["initContainers"][0]["name"] == "proxy")
        .collect();
    assert_eq!(pods, [false, true]);
}

#[test]
fn jobs_and_pods_are_left_with_their_manifests() {
    let Some(namespace) = Namespace::new("remade") else {
        return;
    };
    let spec = POD.replace("IMAGE", &image());
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: bare}}\nspec:\n{}",
        indented(&spec, 2)
    );
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: once}}\nspec:\n  template:\n    spec:\n      restartPolicy: OnFailure\n{}",
        indented(&spec, 6)
    );
    namespace.kubectl_well(&["create", "-f", "-"], &pod);
    namespace.kubectl_well(&["create", "-f", "-"], &job);
    let said = namespace.apply(&[], 1);
    assert!(said.contains("nothing to apply"), "{said}");
    assert!(said.contains("a Job's template cannot be changed"), "{said}");
    assert!(said.contains("a pod's containers cannot be changed"), "{said}");
    for (object, template) in [("job/once", TEMPLATE), ("pod/bare", "/spec")] {
        assert!(said.contains("| kubectl replace --force -f -"), "{said}");
        let manifest = namespace.migrate(&[object, "-o", "yaml"]);
        let manifest = String::from_utf8(manifest.stdout).unwrap();
        namespace.kubectl_well(&["replace", "--force", "--grace-period=1", "-f", "-"], &manifest);
        assert!(namespace.is_migrated(object, template), "{manifest}");
    }
}

#[test]
fn a_rollout_that_is_stuck_is_told_and_stops_the_rest() {
    let Some(namespace) = Namespace::new("stuck") else {
        return;
    };
    // The gate asks a path that never answers well: the app never starts.
    let shut = workload("Deployment", "a-shut", "progressDeadlineSeconds: 20\n")
        .replace("/ready > /dev/null", "/never > /dev/null");
    namespace.kubectl_well(&["create", "-f", "-"], &shut);
    namespace.kubectl_well(&["create", "-f", "-"], &workload("Deployment", "z-open", ""));
    let said = namespace.apply(&[], 1);
    assert!(said.contains("deployment/a-shut: the rollout is stuck"), "{said}");
    assert!(said.contains("its progress deadline has passed"), "{said}");
    assert!(said.contains("kubectl rollout undo"), "{said}");
    assert!(said.contains("z-open: the rollout of"), "{said}");
    assert!(!namespace.is_migrated("deployment/z-open", TEMPLATE));
}

#[test]
fn an_image_that_is_not_there_is_stuck() {
    let Some(namespace) = Namespace::new("image") else {
        return;
    };
    let text = workload("DaemonSet", "agent", "").replace(&image(), "cluster.local/not-there:1");
    namespace.kubectl_well(&["create", "-f", "-"], &text);
    let said = namespace.apply(&["ds/agent"], 1);
    assert!(said.contains("the rollout is stuck"), "{said}");
    assert!(said.contains("ImagePull"), "{said}");
}

#[test]
fn scripts_in_config_maps_are_left_to_a_person() {
    let Some(namespace) = Namespace::new("scripts") else {
        return;
    };
    namespace.kubectl_well(
        &["create", "-f", "-"],
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata:\n  run.sh: |\n    until curl -sf http://localhost:8099/ready; do sleep 1; done\n    exec stand-in --listen :8098 --ready-after 0s --ready /ready\n",
    );
    let pod = POD.replace("IMAGE", &image());
    let (_, proxy) = pod.split_once("  - name: proxy").unwrap();
    let spec = format!(
        "terminationGracePeriodSeconds: 2\nvolumes: [{{name: scripts, configMap: {{name: scripts}}}}]\ncontainers:\n  - name: app\n    image: {}\n    command: [sh, /scripts/run.sh]\n    volumeMounts: [{{name: scripts, mountPath: /scripts}}]\n  - name: proxy{proxy}",
        image()
    );
    let text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: scripted}}\nspec:\n  selector: {{matchLabels: {{app: x}}}}\n  template:\n    metadata: {{labels: {{app: x}}}}\n    spec:\n{}",
        indented(&spec, 6)
    );
    namespace.kubectl_well(&["create", "-f", "-"], &text);
    let said = namespace.apply(&["--review"], 0);
    assert!(
        said.contains("a script of ConfigMap scripts, which is not rewritten"),
        "{said}"
    );
    let script = namespace.get("configmap/scripts")["data"]["run.sh"].clone();
    assert!(script.as_str().unwrap().contains("until"), "{script}");
}

#[test]
fn the_rights_of_the_documentation_are_enough() {
    let Some(namespace) = Namespace::new("rights") else {
        return;
    };
    let documented = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rbac-apply.yaml");
    let documented = std::fs::read_to_string(documented).unwrap();
    // Cluster-scoped objects get names of this test's own.
    let own = documented
        .replace("name: kubectl-sidecar-", &format!("name: {}-", namespace.0))
        .replace("namespace: default", &format!("namespace: {}", namespace.0));
    namespace.kubectl_well(&["create", "-f", "-"], &own);
    namespace.kubectl_well(&["create", "-f", "-"], &workload("Deployment", "web", ""));
    let user = format!("system:serviceaccount:{0}:{0}-apply", namespace.0);
    let output = namespace.migrate(&["--apply", "--yes", "--as", &user]);
    let said = stderr(&output);
    let cleaned = namespace.kubectl(&["delete", "-f", "-"], &own);
    assert!(cleaned.status.success(), "{}", stderr(&cleaned));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(namespace.is_migrated("deployment/web", TEMPLATE), "{said}");
}
