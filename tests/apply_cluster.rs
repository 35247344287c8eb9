//! `migrate --live --apply` on a real cluster: the one of `KUBECONFIG`, with `kubectl` on the path.
//!
//! Without one the tests say that they are skipped. `SIDECAR_TEST_IMAGE` names the image with a shell, curl and
//! `stand-in` (`../shared/cluster/README.md`).

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::path::Path;

use cluster::{Namespace, image, sidecar, stderr};

#[path = "support/tell.rs"]
mod tell;

#[path = "support/cluster.rs"]
mod cluster;

impl Namespace {
    #[track_caller]
    fn apply_live(&self, arguments: &[&str], code: i32) -> String {
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

fn migrated_file(text: &str) -> String {
    let arguments = ["migrate", "-", "--quiet", "--no-config", "--target", "native"];
    let output = sidecar(&arguments, text);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
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
    let Some(namespace) = Namespace::create("apply-makers") else {
        return;
    };
    let file = workload("Deployment", "applied", "");
    namespace.kubectl(&["apply", "-f", "-"], &file);
    namespace.kubectl(&["create", "-f", "-"], &workload("Deployment", "created", ""));
    let arguments = ["apply", "--server-side", "--field-manager=other", "-f", "-"];
    namespace.kubectl(&arguments, &workload("Deployment", "server-side", ""));
    namespace.kubectl(
        &["create", "-f", "-"],
        &format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: nightly}}\nspec:\n  schedule: \"0 0 1 1 *\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: OnFailure\n{}",
            indented(&POD.replace("IMAGE", &image()), 10)
        ),
    );
    let backup = tempfile::tempdir().unwrap();
    // Nobody knows the image of the tests: the user says that it is a sidecar.
    let backed_up = ["--sidecar", "proxy", "--backup", backup.path().to_str().unwrap()];
    let said = namespace.apply_live(&backed_up, 0);
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
    let diff = namespace.try_kubectl(&["diff", "-f", "-"], &new_file);
    assert!(diff.status.success(), "{}", String::from_utf8_lossy(&diff.stdout));
    let applied = namespace.kubectl(&["apply", "-f", "-"], &new_file);
    assert!(applied.contains("unchanged"), "{applied}");
    // Whoever made the third one goes on with the migrated file.
    namespace.kubectl(
        &arguments,
        &migrated_file(&workload("Deployment", "server-side", "")),
    );
    // Nothing is left to do.
    let again = namespace.migrate(&["--check"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    // And there is a way back.
    let files = std::fs::read_dir(backup.path()).unwrap().count();
    assert_eq!(files, 4);
    let kept = format!("{}_deployment_created.yaml", namespace.name);
    let kept = backup.path().join(kept);
    namespace.kubectl(&["replace", "-f", kept.to_str().unwrap()], "");
    assert!(!namespace.is_migrated("deployment/created", TEMPLATE));
}

#[test]
fn stateful_sets_and_daemon_sets_are_followed() {
    let Some(namespace) = Namespace::create("apply-sets") else {
        return;
    };
    let partition = "replicas: 2\npodManagementPolicy: Parallel\nserviceName: db\nupdateStrategy:\n  rollingUpdate: {partition: 1}\n";
    namespace.kubectl(&["create", "-f", "-"], &workload("StatefulSet", "db", partition));
    namespace.kubectl(&["create", "-f", "-"], &workload("DaemonSet", "agent", ""));
    let on_delete = "serviceName: slow\nupdateStrategy: {type: OnDelete}\n";
    namespace.kubectl(
        &["create", "-f", "-"],
        &workload("StatefulSet", "slow", on_delete),
    );
    for object in ["statefulset/db", "statefulset/slow"] {
        let wanted = if object.ends_with("db") { 2 } else { 1 };
        namespace.wait(object, || {
            namespace.get(object)["status"]["readyReplicas"] == wanted
        });
    }
    let said = namespace.apply_live(&[], 0);
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
    let Some(namespace) = Namespace::create("apply-remade") else {
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
    namespace.kubectl(&["create", "-f", "-"], &pod);
    namespace.kubectl(&["create", "-f", "-"], &job);
    let said = namespace.apply_live(&["--sidecar", "proxy"], 1);
    assert!(said.contains("nothing to apply"), "{said}");
    assert!(said.contains("a Job's template cannot be changed"), "{said}");
    assert!(said.contains("a pod's containers cannot be changed"), "{said}");
    for (object, template) in [("job/once", TEMPLATE), ("pod/bare", "/spec")] {
        assert!(said.contains("| kubectl replace --force -f -"), "{said}");
        let manifest = namespace.migrate(&[object, "--sidecar", "proxy", "-o", "yaml"]);
        let manifest = String::from_utf8(manifest.stdout).unwrap();
        namespace.kubectl(&["replace", "--force", "--grace-period=1", "-f", "-"], &manifest);
        assert!(namespace.is_migrated(object, template), "{manifest}");
    }
}

#[test]
fn a_rollout_that_is_stuck_is_told_and_stops_the_rest() {
    let Some(namespace) = Namespace::create("apply-stuck") else {
        return;
    };
    // The gate asks a path that never answers well: the app never starts.
    let shut = workload("Deployment", "a-shut", "progressDeadlineSeconds: 45\n")
        .replace("/ready > /dev/null", "/never > /dev/null");
    namespace.kubectl(&["create", "-f", "-"], &shut);
    namespace.kubectl(&["create", "-f", "-"], &workload("Deployment", "z-open", ""));
    let said = namespace.apply_live(&[], 1);
    assert!(said.contains("deployment/a-shut: the rollout is stuck"), "{said}");
    assert!(said.contains("its progress deadline has passed"), "{said}");
    // Why is told before that, when nothing has changed for a while.
    assert!(
        said.contains("nothing has changed for 3")
            && said.contains("its last failed probe: proxy: Startup probe failed"),
        "{said}"
    );
    assert!(said.contains("kubectl rollout undo"), "{said}");
    assert!(said.contains("z-open: the rollout of"), "{said}");
    assert!(!namespace.is_migrated("deployment/z-open", TEMPLATE));
}

#[test]
fn an_image_that_is_not_there_is_stuck() {
    let Some(namespace) = Namespace::create("apply-image") else {
        return;
    };
    let text = workload("DaemonSet", "agent", "").replace(&image(), "cluster.local/not-there:1");
    namespace.kubectl(&["create", "-f", "-"], &text);
    let said = namespace.apply_live(&["ds/agent"], 1);
    assert!(said.contains("the rollout is stuck"), "{said}");
    assert!(said.contains("ImagePull"), "{said}");
}

#[test]
fn scripts_in_config_maps_are_left_to_a_person() {
    let Some(namespace) = Namespace::create("apply-scripts") else {
        return;
    };
    namespace.kubectl(
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
    namespace.kubectl(&["create", "-f", "-"], &text);
    let said = namespace.apply_live(&["--review"], 0);
    assert!(
        said.contains("a script of ConfigMap scripts, which is not rewritten"),
        "{said}"
    );
    let script = namespace.get("configmap/scripts")["data"]["run.sh"].clone();
    assert!(script.as_str().unwrap().contains("until"), "{script}");
}

#[test]
fn the_rights_of_the_documentation_are_enough() {
    let Some(namespace) = Namespace::create("apply-rights") else {
        return;
    };
    let documented = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rbac-apply.yaml");
    let documented = std::fs::read_to_string(documented).unwrap();
    // Cluster-scoped objects get names of this test's own.
    let own = documented
        .replace("name: kubectl-sidecar-", &format!("name: {}-", namespace.name))
        .replace("namespace: default", &format!("namespace: {}", namespace.name));
    namespace.kubectl(&["create", "-f", "-"], &own);
    namespace.kubectl(&["create", "-f", "-"], &workload("Deployment", "web", ""));
    let user = format!("system:serviceaccount:{0}:{0}-apply", namespace.name);
    let output = namespace.migrate(&["--apply", "--yes", "--as", &user]);
    let said = stderr(&output);
    let cleaned = namespace.try_kubectl(&["delete", "-f", "-"], &own);
    assert!(cleaned.status.success(), "{}", stderr(&cleaned));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(namespace.is_migrated("deployment/web", TEMPLATE), "{said}");
}
