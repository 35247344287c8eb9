//! How much of templates is seen without rendering them, on a chart that was written after structures of public ones.
//!
//! The share is printed. With helm on the `PATH`, what it renders is held against what was read.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

#[path = "support/programs.rs"]
mod programs;
#[macro_use]
#[path = "support/tell.rs"]
mod tell;

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates/chart")
}

/// The report on the chart; by file, the containers of its workloads.
fn seen() -> (Value, BTreeMap<String, BTreeSet<String>>) {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args([
            "lint",
            "-o",
            "json",
            "--fail-on",
            "never",
            "--render",
            "never",
            ".",
        ])
        .current_dir(chart())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for workload in report["workloads"].as_array().unwrap() {
        let file = workload["file"]
            .as_str()
            .unwrap()
            .trim_start_matches("./")
            .to_owned();
        let names = workload["containers"].as_array().unwrap().iter();
        seen.entry(file)
            .or_default()
            .extend(names.map(|container| container["name"].as_str().unwrap().to_owned()));
    }
    (report, seen)
}

#[test]
fn the_workloads_of_templates_are_seen() {
    let (report, seen) = seen();
    let mut templates: Vec<String> = fs::read_dir(chart().join("templates"))
        .unwrap()
        .map(|entry| format!("templates/{}", entry.unwrap().file_name().display()))
        .filter(|file| {
            let text = fs::read_to_string(chart().join(file)).unwrap();
            text.lines().any(|line| line.trim() == "containers:")
        })
        .collect();
    templates.sort();
    let missed: Vec<&String> = templates
        .iter()
        .filter(|file| !seen.contains_key(*file))
        .collect();
    tell!(
        "templates with containers whose workload is seen: {} of {}",
        templates.len() - missed.len(),
        templates.len()
    );
    assert!(missed.is_empty(), "{missed:?}");
    // What actions bring proves nothing.
    for finding in report["findings"].as_array().unwrap() {
        assert_ne!(finding["severity"], "error", "{finding}");
        assert_ne!(finding["confidence"], "high", "{finding}");
        assert_eq!(finding["fix"]["class"], "manual", "{finding}");
        assert!(!finding.to_string().contains("~~~~"), "{finding}");
    }
    assert!(report["errors"].as_array().unwrap().is_empty());
}

#[test]
fn branches_that_exclude_each_other_raise_nothing() {
    let (report, seen) = seen();
    let rules: BTreeSet<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert!(!rules.contains("duplicate-key"), "{report}");
    let names = |file: &str| seen[file].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(names("templates/native-by-condition.yaml"), ["db", "metrics"]);
}

#[test]
fn what_helm_renders_was_seen_in_its_template() {
    let Some(helm) = programs::find("helm") else {
        tell::skip("helm", "there is no helm");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(helm)
        .args(["template", "release"])
        .arg(chart())
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let rendered = String::from_utf8(output.stdout).unwrap();
    let (_, seen) = seen();
    let mut count = 0;
    for document in rendered.split("\n---\n") {
        let source = document
            .lines()
            .find_map(|line| line.strip_prefix("# Source: idioms/"));
        let (Some(source), true) = (source, document.contains(" containers:")) else {
            continue;
        };
        count += 1;
        let brought = source == "templates/included-pod.yaml";
        assert!(brought || seen.contains_key(source), "{source}\n{seen:?}");
    }
    assert!(count >= 8, "{rendered}");
}

/// The first line of each file says what is found in it above `info`, as in `tests/cases`.
#[test]
fn of_branches_either_may_be_rendered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates/branches");
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap().strip_prefix("# finds: ").unwrap();
        let expected: BTreeSet<&str> = first
            .split(", ")
            .filter(|finding| *finding != "nothing")
            .collect();
        let found: Vec<String> = findings(&path);
        assert_eq!(
            found.iter().map(String::as_str).collect::<BTreeSet<_>>(),
            expected,
            "{}",
            path.display()
        );
        assert_eq!(
            found.len(),
            expected.len(),
            "one of them is said twice: {}",
            path.display()
        );
    }
}

/// `rule@line` of each finding above `info`.
fn findings(path: &Path) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["lint", "-o", "json", "--fail-on", "never"])
        .arg(path)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["severity"] != "info")
        .map(|finding| {
            let places = finding["locations"].as_array().unwrap().iter();
            let primary = places.clone().find(|place| place["primary"] == true).unwrap();
            format!(
                "{}@{}",
                finding["rule"].as_str().unwrap(),
                primary["start"]["line"]
            )
        })
        .collect()
}

#[test]
fn definitions_of_script_parts_are_searched() {
    let folder = tempfile::tempdir().unwrap();
    let templates = folder.path().join("templates");
    fs::create_dir(&templates).unwrap();
    fs::write(
        folder.path().join("Chart.yaml"),
        "apiVersion: v2\nname: parts\nversion: 1.0.0\n",
    )
    .unwrap();
    let text = "{{/* once: curl localhost:15020/quitquitquit\n\ncurl localhost:15020/quitquitquit */}}\n\
                {{- define \"parts.end\" }}\nset -e\n# curl localhost:15000/quitquitquit\n\
                wget -qO- --post-data='' http://127.0.0.1:15020/quitquitquit\n{{- end }}\n\
                {{- define \"parts.name\" }}{{ .Chart.Name }}{{ end }}\n";
    fs::write(templates.join("_parts.tpl"), text).unwrap();
    assert_eq!(findings(folder.path()), ["quit-endpoint@7"]);
    fs::write(
        templates.join("_parts.tpl"),
        "{{- define \"parts.name\" }}{{ .Chart.Name }}{{ end }}\n",
    )
    .unwrap();
    assert!(findings(folder.path()).is_empty());
}

#[test]
fn a_helper_that_is_no_yaml_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let templates = folder.path().join("templates");
    fs::create_dir(&templates).unwrap();
    let chart = "apiVersion: v2\nname: parts\nversion: 1.0.0\n";
    fs::write(folder.path().join("Chart.yaml"), chart).unwrap();
    // Each has an `apiVersion` and a `kind`, as a manifest has: in a heredoc, between a template's statements, or in
    // the settings of a server.
    let helpers = [
        (
            "_restore.sh.tpl",
            "#!/bin/sh\nMODE=${1:-\"all\"}\n\ncat > /tmp/job.yaml <<EOT\napiVersion: batch/v1\nkind: Job\nEOT\n",
        ),
        (
            "account.tpl",
            "{% if account %}\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x}\n{% endif %}\n",
        ),
        (
            "_mirror.conf.tpl",
            "upstream up {\n  server {{ .Values.up }};\n}\n# apiVersion: v1\n# kind: none\nserver { listen 80; }\n",
        ),
    ];
    for (name, text) in helpers {
        fs::write(templates.join(name), text).unwrap();
    }
    assert_eq!(exit_code(folder.path()), Some(0));
    // What Helm renders has to be YAML once it is rendered.
    fs::write(
        templates.join("job.yaml.tpl"),
        "apiVersion: batch/v1\nkind: Job\n\"metadata\" {}\n",
    )
    .unwrap();
    assert_eq!(exit_code(folder.path()), Some(3));
}

fn exit_code(path: &Path) -> Option<i32> {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["lint", "--fail-on", "never"])
        .arg(path)
        .output();
    output.unwrap().status.code()
}

#[test]
fn the_branches_of_a_template_that_is_rendered_to_one_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let pod = |open: &str, otherwise: &str, close: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{{{ .Release.Name }}}}\nspec:\n  containers:\n    - name: a\n      {open}\n      image: b\n      {otherwise}\n      image: c\n      {close}\n"
        )
    };
    let path = folder.path().join("pod.yaml");
    for (open, otherwise, close) in [
        ("{{`{{- if .Mirror }}`}}", "{{`{{- else }}`}}", "{{`{{- end }}`}}"),
        (
            "{{ \"{{ if .Mirror }}\" }}",
            "{{ \"{{ else }}\" }}",
            "{{ \"{{ end }}\" }}",
        ),
    ] {
        fs::write(&path, pod(open, otherwise, close)).unwrap();
        assert!(findings(&path).is_empty(), "{open}");
    }
    fs::write(&path, pod("tty: {{ .Values.tty }}", "stdin: true", "")).unwrap();
    assert_eq!(findings(&path), ["duplicate-key@9"]);
}
