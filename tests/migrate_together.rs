//! Sources that belong together are migrated together: scripts in ConfigMaps, patches of kustomizations.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

#[path = "support/programs.rs"]
mod programs;
#[path = "support/tell.rs"]
mod tell;

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// Migrates all files in place and gives what was said.
fn migrate(directory: &Path, target: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["migrate", "--no-config", "--write", "--target", target])
        .arg(directory)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

fn read(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap()
}

const SCRIPTS: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data:
  run.sh: |
    #!/bin/sh
    # The pool first.
    until nc -z localhost 6432; do
      sleep 1
    done
    exec ./job \"$@\"
";

const JOB: &str = "apiVersion: batch/v1
kind: Job
metadata: {name: nightly}
spec:
  template:
    spec:
      restartPolicy: Never
      volumes:
      - name: scripts
        configMap: {name: scripts, defaultMode: 0755}
      containers:
      - name: app
        image: app
        command: [/scripts/run.sh]
        volumeMounts:
        - {name: scripts, mountPath: /scripts}
      - name: pgbouncer
        image: edoburu/pgbouncer
        ports: [{containerPort: 6432}]
";

#[test]
fn a_script_in_a_config_map_is_rewritten_with_the_workload_that_runs_it() {
    let both = directory(&[("job.yaml", JOB), ("scripts.yaml", SCRIPTS)]);
    let said = migrate(both.path(), "native");
    assert!(said.contains("from the script of ConfigMap scripts"), "{said}");
    assert!(read(&both, "scripts.yaml").ends_with("  run.sh: |\n    #!/bin/sh\n    exec ./job \"$@\"\n"));
    assert!(read(&both, "job.yaml").contains("startupProbe:"));
    // In one file, too.
    let one = directory(&[("all.yaml", &format!("{JOB}---\n{SCRIPTS}"))]);
    migrate(one.path(), "native");
    assert_eq!(
        read(&one, "all.yaml"),
        format!("{}---\n{}", read(&both, "job.yaml"), read(&both, "scripts.yaml"))
    );
}

#[test]
fn a_script_that_something_else_may_use_stays() {
    let other_job = JOB.replace("nightly", "weekly");
    let two_files = SCRIPTS.to_owned() + "  other.sh: . /scripts/run.sh\n";
    let environment = JOB.replace(
        "        volumeMounts",
        "        envFrom: [{configMapRef: {name: scripts}}]\n        volumeMounts",
    );
    let probed = JOB.replace(
        "        volumeMounts",
        "        readinessProbe: {exec: {command: [/scripts/run.sh]}}\n        volumeMounts",
    );
    let generator = "kind: Kustomization\nconfigMapGenerator: [{name: scripts, behavior: merge}]\n";
    let immutable = SCRIPTS.replace("\ndata:", "\nimmutable: true\ndata:");
    let template = SCRIPTS.replace("exec ./job", "exec {{ .Values.job }}");
    for (reason, files) in [
        ("it is immutable", vec![("a.yaml", JOB), ("b.yaml", &immutable)]),
        (
            "it is made from a template",
            vec![("a.yaml", JOB), ("b.yaml", &template)],
        ),
        (
            "Job weekly uses it too",
            vec![("a.yaml", JOB), ("b.yaml", SCRIPTS), ("c.yaml", &other_job)],
        ),
        (
            "Kustomization  uses it too",
            vec![
                ("a.yaml", JOB),
                ("b.yaml", SCRIPTS),
                ("kustomization.yaml", generator),
            ],
        ),
        (
            "the pod uses it in several places",
            vec![("a.yaml", &environment), ("b.yaml", SCRIPTS)],
        ),
        (
            "run.sh is named in several places",
            vec![("a.yaml", &probed), ("b.yaml", SCRIPTS)],
        ),
        (
            "another of its files names run.sh",
            vec![("a.yaml", JOB), ("b.yaml", &two_files)],
        ),
    ] {
        let directory = directory(&files);
        let said = migrate(directory.path(), "native");
        assert!(said.contains(reason), "{reason}: {said}");
        assert_eq!(read(&directory, "b.yaml"), files[1].1, "{reason}");
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: setup, image: setup}
      containers:
      - name: filebeat
        image: elastic/filebeat
        ports: [{containerPort: 5066}]
        lifecycle: {preStop: {exec: {command: [sleep, '15']}}}
      - name: app
        image: app
        command: [/app]
";

const OVERLAY: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      # More of it.
      - name: filebeat
        resources: {requests: {cpu: 100m}}
      - name: app
        env: [{name: A, value: b}]
";

fn kustomization(patches: &str) -> String {
    format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [deployment.yaml]\npatches:\n{patches}"
    )
}

#[test]
fn patches_follow_their_containers() {
    let json = kustomization(
        "- target: {kind: Deployment, name: web}\n  patch: |-\n    # The proxy.\n    - {op: replace, path: /spec/template/spec/containers/0/image, value: 'elastic/filebeat:2'}\n    - op: add\n      path: /spec/template/spec/containers/1/env\n      value: [{name: A, value: b}]\n    - {op: replace, path: /spec/template/spec/initContainers/0/image, value: setup:2}\n    - {op: add, path: /spec/template/spec/containers/-, value: {name: more, image: more}}\n- path: patch.json\n  target: {kind: Deployment, name: web}\n",
    );
    let file = "[{\"op\": \"add\", \"path\": \"/spec/template/spec/containers/0/resources\", \"value\": {\"limits\": {\"cpu\": 1}}}]\n";
    let overlays = kustomization(&format!(
        "- path: overlay.yaml\n- patch: |\n    {}\n",
        OVERLAY.replace("100m", "200m").replace('\n', "\n    ").trim_end()
    ));
    let json = directory(&[
        ("deployment.yaml", DEPLOYMENT),
        ("kustomization.yaml", &json),
        ("patch.json", file),
    ]);
    let overlays = directory(&[
        ("deployment.yaml", DEPLOYMENT),
        ("kustomization.yaml", &overlays),
        ("overlay.yaml", OVERLAY),
    ]);
    for (directory, named) in [(&json, "patch.json"), (&overlays, "overlay.yaml")] {
        let before = built(directory.path());
        let file = directory.path().join(named);
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args([
                "migrate",
                "--no-config",
                "--write",
                "--target",
                "native",
                "--render",
                "never",
            ])
            .args([directory.path(), &file])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("the patch in"), "{said}");
        // To patch and then to migrate is to migrate and then to patch.
        if let (Some(before), Some(after)) = (before, built(directory.path())) {
            let migrated = migrated_stream(&before);
            assert_eq!(values(&migrated), values(&after), "{migrated}\n{after}");
        }
    }
    let said = read(&json, "kustomization.yaml");
    assert!(
        said.contains(
            "    # The proxy.\n    - {op: replace, path: /spec/template/spec/initContainers/1/image"
        )
    );
    assert!(said.contains("path: /spec/template/spec/containers/0/env\n"));
    assert!(said.contains("initContainers/0/image, value: setup:2") && said.contains("containers/-"));
    assert!(read(&json, "patch.json").contains("\"/spec/template/spec/initContainers/1/resources\""));
    assert_eq!(
        read(&overlays, "overlay.yaml"),
        OVERLAY
            .replace(
                "      containers:\n      # More of it.\n      - name: filebeat\n        resources: {requests: {cpu: 100m}}\n",
                "      initContainers:\n      - name: setup\n      # More of it.\n      - name: filebeat\n        resources: {requests: {cpu: 100m}}\n      containers:\n"
            )
    );
}

#[test]
fn a_patch_that_cannot_follow_stops_the_rewrite() {
    let operation = |target: &str, operation: &str| {
        kustomization(&format!(
            "- target: {{{target}}}\n  patch: |\n    - {{{operation}}}\n"
        ))
    };
    let exactly = "kind: Deployment, name: web";
    let image = "op: replace, path: /spec/template/spec/containers/0/image, value: x";
    let hook = OVERLAY.replace("resources: {requests: {cpu: 100m}}", "lifecycle: {preStop: null}");
    let order = OVERLAY.replace(
        "      containers:",
        "      initContainers: [{name: more, image: more}]\n      containers:",
    );
    let directive = OVERLAY.replace("resources: {requests: {cpu: 100m}}", "$patch: delete");
    let anchored = OVERLAY.replace("- name: filebeat", "- &x\n        name: filebeat") + "other: *x\n";
    let replacement = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nreplacements:\n- source: {kind: A}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.[name=filebeat].image']\n";
    for (reason, patch) in [
        (
            "may be applied to other objects",
            operation("kind: Deployment", image),
        ),
        (
            "may be applied to other objects",
            operation("kind: Deployment, name: w.*", image),
        ),
        (
            "may be applied to other objects",
            operation("kind: Deployment, name: web, labelSelector: a=b", image),
        ),
        (
            "it changes the list itself",
            operation(exactly, "op: remove, path: /spec/template/spec/containers/0"),
        ),
        (
            "it changes the list itself",
            operation(
                exactly,
                "op: add, path: /spec/template/spec/initContainers, value: []",
            ),
        ),
        (
            "lifecycle is rewritten",
            operation(
                exactly,
                "op: remove, path: /spec/template/spec/containers/0/lifecycle/preStop",
            ),
        ),
        (
            "its file is not in the input",
            kustomization("- {path: far.json, target: {kind: Deployment}}\n"),
        ),
        ("lifecycle of filebeat is rewritten", hook),
        ("the order of the init containers", order),
        ("it has directives", directive),
        ("anchor", anchored),
        ("its path names the list", replacement.to_owned()),
    ] {
        let directory = directory(&[("deployment.yaml", DEPLOYMENT), ("patch.yaml", &patch)]);
        let said = migrate(directory.path(), "native");
        assert!(said.contains(reason), "{reason}: {said}\n{patch}");
        assert_eq!(read(&directory, "deployment.yaml"), DEPLOYMENT, "{reason}");
        assert_eq!(read(&directory, "patch.yaml"), patch, "{reason}");
    }
    // What is for others, or reaches nothing that is rewritten, stops nothing.
    for patch in [
        operation("kind: Job", image),
        operation("kind: Deployment, name: other", image),
        operation(exactly, "op: replace, path: /spec/replicas, value: 2"),
        kustomization("- {path: far.json, target: {kind: Job}}\n"),
        replacement.replace("filebeat", "app"),
    ] {
        let directory = directory(&[("deployment.yaml", DEPLOYMENT), ("patch.yaml", &patch)]);
        migrate(directory.path(), "native");
        assert!(
            read(&directory, "deployment.yaml").contains("restartPolicy: Always"),
            "{patch}"
        );
        assert_eq!(read(&directory, "patch.yaml"), patch);
    }
}

/// What kustomize makes of a directory; nothing without kustomize.
fn built(directory: &Path) -> Option<String> {
    let Some(kustomize) = programs::find("kustomize") else {
        tell::skip("kustomize", "no kustomize on PATH or in ~/go/bin");
        return None;
    };
    let output = Command::new(kustomize)
        .arg("build")
        .arg(directory)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

fn migrated_stream(text: &str) -> String {
    let file = directory(&[("a.yaml", text)]);
    migrate(file.path(), "native");
    read(&file, "a.yaml")
}

fn values(text: &str) -> Vec<kubectl_sidecar::yaml::Value> {
    let stream = kubectl_sidecar::yaml::parse(text).unwrap();
    stream
        .roots()
        .map(|(_, root)| sorted(kubectl_sidecar::yaml::Value::of(root).unwrap()))
        .collect()
}

/// Mappings in the order of their keys: kustomize writes them in one of its own.
fn sorted(value: kubectl_sidecar::yaml::Value) -> kubectl_sidecar::yaml::Value {
    use kubectl_sidecar::yaml::Value;
    match value {
        Value::Mapping(entries) => {
            let mut entries: Vec<_> = entries
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            entries.sort_by_key(|(key, _)| format!("{key:?}"));
            Value::Mapping(entries)
        }
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
