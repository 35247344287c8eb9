//! What `migrate` says of others that look at a container which becomes an init container.

#![allow(clippy::expect_used, reason = "test code outside of test functions")]

use std::{fs, path::PathBuf, process::Command};

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: billing, namespace: shop}
spec:
  selector: {matchLabels: {app: billing}}
  template:
    metadata: {labels: {app: billing}}
    spec:
      containers:
      - name: billing
        image: example.com/billing:1
        command: [sh, -c, 'until nc -z localhost 6432; do sleep 1; done; exec /billing']
      - {name: pgbouncer, image: 'edoburu/pgbouncer:v1.23.1', ports: [{containerPort: 6432}]}
";

const JOB: &str = "apiVersion: batch/v1
kind: Job
metadata: {name: report}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: report
        image: example.com/report:1
        command: [sh, -c, 'until nc -z localhost 6432; do sleep 1; done; until nc -z localhost 6379; do sleep 1; done; exec /report']
      - {name: pgbouncer, image: 'edoburu/pgbouncer:v1.23.1', ports: [{containerPort: 6432}]}
      - {name: redis, image: 'redis:7', ports: [{containerPort: 6379}]}
";

/// What is said of a folder with these files.
fn said(name: &str, files: &[(&str, &str)], arguments: &[&str]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("moved")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder");
    }
    fs::create_dir_all(&folder).expect("a folder");
    for (file, text) in files {
        fs::write(folder.join(file), text).expect("a file");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .current_dir(&folder)
        .args(["migrate", "."])
        .args(arguments)
        .output()
        .expect("the program");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn alerts_of_the_same_folder_are_named_one_by_one() {
    let object = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: pool}\nspec:\n  groups:\n  - name: g\n    rules:\n    - alert: Restarts\n      expr: kube_pod_container_status_restarts_total{container=\"pgbouncer\"} > 3\n    - alert: Others\n      expr: kube_pod_container_status_restarts_total{container=\"billing\"} > 3\n";
    let file = "groups:\n- name: g\n  rules:\n  - alert: Started\n    expr: kube_pod_container_state_started{container=~\"pgbouncer|other\"}\n";
    let files = [
        ("deploy.yaml", DEPLOYMENT),
        ("rule.yaml", object),
        ("rules.yml", file),
    ];
    for target in ["native", "annotation"] {
        let said = said(
            &format!("alerts-{target}"),
            &files,
            &["--target", target, "--review"],
        );
        assert!(
            said.contains("note: PrometheusRule pool, alert Restarts: ")
                && said.contains("kube_pod_init_container_status_restarts_total has it"),
            "{target}: {said}"
        );
        assert!(
            said.contains("rules.yml, alert Started: ") && said.contains("no such metric"),
            "{target}: {said}"
        );
        assert!(!said.contains("alert Others"), "{target}: {said}");
    }
    let lifecycle = said("alerts-lifecycle", &files, &["--target", "lifecycle"]);
    assert!(!lifecycle.contains("alert"), "{lifecycle}");
}

#[test]
fn autoscalers_of_the_workload_are_named() {
    let autoscalers = "apiVersion: autoscaling.k8s.io/v1\nkind: VerticalPodAutoscaler\nmetadata: {name: v, namespace: shop}\nspec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: billing}}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: other}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: billing}\n  metrics: [{type: ContainerResource, containerResource: {name: cpu, container: pgbouncer}}]\n";
    let files = [("deploy.yaml", DEPLOYMENT), ("scale.yaml", autoscalers)];
    let said = said("autoscalers", &files, &["--target", "native"]);
    assert!(
        said.contains("VerticalPodAutoscaler v leaves pgbouncer alone now"),
        "{said}"
    );
    assert!(
        !said.contains("HorizontalPodAutoscaler"),
        "of another namespace: {said}"
    );
}

#[test]
fn two_startup_probes_are_warned_of_where_kubelets_are_old() {
    let files = [("job.yaml", JOB)];
    for (version, is_warned) in [("1.30", true), ("1.32", true), ("1.33", false), ("1.36", false)] {
        let arguments = ["--target", "native", "--kubernetes-version", version];
        let said = said(&format!("probes-{version}"), &files, &arguments);
        assert_eq!(
            said.contains("kubelets before 1.33 never start the app"),
            is_warned,
            "{version}: {said}"
        );
    }
    let restarted = JOB.replace("Never", "OnFailure");
    let said = said(
        "probes-on-failure",
        &[("job.yaml", &restarted)],
        &["--target", "native"],
    );
    assert!(
        said.contains("startupProbe") && !said.contains("kubelets"),
        "{said}"
    );
}
