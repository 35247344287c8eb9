//! Charts: findings at their source, and edits that are proved by rendering again. helm is the real one.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

#[path = "support/programs.rs"]
mod programs;
#[path = "support/tell.rs"]
mod tell;

/// The charts, each with the files of values besides its own, the place of a finding, and the files that change.
const CHARTS: [(&str, &str, &str, &[&str]); 48] = [
    ("absent", "", "templates/job.yaml:32", &["templates/job.yaml"]),
    (
        "alias",
        "",
        "charts/task/templates/job.yaml:18",
        &["charts/task/templates/job.yaml"],
    ),
    (
        "beside",
        "",
        "templates/cronjob.yaml:22",
        &["templates/cronjob.yaml"],
    ),
    (
        "brought",
        "",
        "templates/statefulset.yaml:26",
        &["templates/_helpers.tpl", "templates/statefulset.yaml"],
    ),
    ("condition", "", "templates/job.yaml:21", &["templates/job.yaml"]),
    (
        "dash",
        "",
        "charts/worker/scripts/export.sh:4",
        &[
            "charts/worker/scripts/export.sh",
            "charts/worker/templates/job.yaml",
        ],
    ),
    ("empty", "", "templates/job.yaml:16", &["templates/job.yaml"]),
    (
        "environments",
        "environments/values-prod.yaml",
        "values-prod.yaml:7",
        &["values-prod.yaml"],
    ),
    (
        "files",
        "",
        "files/run.sh:4",
        &["files/run.sh", "templates/job.yaml"],
    ),
    ("frozen", "", "templates/job.yaml:12", &["templates/job.yaml"]),
    ("gained", "", "templates/job.yaml:17", &["templates/job.yaml"]),
    ("half", "", "templates/job.yaml:25", &["templates/job.yaml"]),
    (
        "held",
        "",
        "templates/sts.yaml:19",
        &["templates/sts.yaml", "values.yaml"],
    ),
    (
        "helper",
        "",
        "templates/job.yaml:16",
        &["templates/_helpers.tpl", "templates/job.yaml"],
    ),
    (
        "idle",
        "",
        "values.yaml:24",
        &["templates/init-job.yaml", "values.yaml"],
    ),
    (
        "included",
        "",
        "templates/deployment.yaml:20",
        &["templates/_helpers.tpl", "templates/deployment.yaml"],
    ),
    ("inline", "", "ci/gke-values.yaml:6", &["ci/gke-values.yaml"]),
    (
        "items",
        "",
        "templates/deployment.yaml:15",
        &["templates/deployment.yaml", "values.yaml"],
    ),
    (
        "library",
        "",
        "charts/common/templates/_job.tpl:19",
        &["charts/common/templates/_job.tpl"],
    ),
    ("lines", "", "templates/job.yaml:22", &["templates/job.yaml"]),
    (
        "list",
        "",
        "templates/server-deployment.yaml:24",
        &["templates/_helpers.tpl", "templates/server-deployment.yaml"],
    ),
    (
        "loop",
        "",
        "values.yaml:4",
        &["templates/job.yaml", "values.yaml"],
    ),
    (
        "map",
        "",
        "templates/job.yaml:27",
        &["templates/job.yaml", "values.yaml"],
    ),
    ("mesh", "", "templates/job.yaml:22", &["templates/job.yaml"]),
    (
        "migrations",
        "",
        "ci/cloudsql-values.yaml:8",
        &["ci/cloudsql-values.yaml"],
    ),
    (
        "otherwise",
        "",
        "templates/job.yaml:18",
        &["templates/_proxy.tpl", "templates/job.yaml"],
    ),
    (
        "outside",
        "",
        "templates/job.yaml:22",
        &["templates/_annotations.tpl", "templates/job.yaml"],
    ),
    ("podspec", "", "values.yaml:6", &["values.yaml"]),
    (
        "quoted",
        "",
        "values.yaml:6",
        &["templates/job.yaml", "values.yaml"],
    ),
    ("range", "", "templates/jobs.yaml:14", &["templates/jobs.yaml"]),
    ("rendered", "", "values.yaml:12", &["values.yaml"]),
    ("repeats", "", "templates/job.yaml:20", &["templates/job.yaml"]),
    (
        "result",
        "",
        "templates/cronjob.yaml:21",
        &["templates/cronjob.yaml"],
    ),
    ("shared", "", "templates/_common.tpl:2", &["templates/job.yaml"]),
    ("siblings", "", "templates/job.yaml:14", &["templates/job.yaml"]),
    (
        "snippet",
        "",
        "templates/_helpers.tpl:2",
        &[
            "templates/_helpers.tpl",
            "templates/cronjob.yaml",
            "templates/scripts.yaml",
        ],
    ),
    (
        "tail",
        "",
        "templates/_helpers.tpl:19",
        &["templates/_helpers.tpl"],
    ),
    (
        "text",
        "",
        "templates/job.yaml:21",
        &["templates/job.yaml", "values.yaml"],
    ),
    ("tpl", "", "values.yaml:3", &["templates/job.yaml", "values.yaml"]),
    ("twice", "", "templates/_pod.tpl:10", &["templates/_pod.tpl"]),
    ("two", "", "templates/job.yaml:14", &["templates/job.yaml"]),
    (
        "umbrella",
        "",
        "charts/worker/templates/job.yaml:16",
        &["charts/worker/templates/job.yaml"],
    ),
    (
        "values",
        "",
        "values.yaml:8",
        &["templates/job.yaml", "values.yaml"],
    ),
    (
        "variable",
        "",
        "charts/common/templates/_deployment.tpl:24",
        &[
            "charts/common/templates/_deployment.tpl",
            "charts/common/templates/_pgbouncer.tpl",
        ],
    ),
    ("version", "", "templates/job.yaml:19", &["templates/job.yaml"]),
    ("waits", "", "templates/_pool.tpl:8", &["templates/api.yaml"]),
    (
        "words",
        "",
        "values.yaml:10",
        &["charts/dump/templates/job.yaml", "values.yaml"],
    ),
    ("wrapper", "", "templates/job.yaml:17", &["templates/job.yaml"]),
];

fn charts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts")
}

/// A copy of a chart, alone in a directory.
fn copy(name: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    copy_tree(&charts().join(name), &directory.path().join(name));
    directory
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All files below a directory with their texts.
fn texts(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// Runs the tool in a directory, with helm on the path.
fn run(directory: &Path, arguments: &[&str]) -> Output {
    let helm = programs::find("helm").expect("helm, as .ci/run installs it");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(arguments)
        .env("PATH", format!("{}:{path}", helm.parent().unwrap().display()))
        .current_dir(directory)
        .output()
        .unwrap()
}

/// Arguments with the files of values, if there are any.
fn with<'a>(values: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    let option: &[&str] = if values.is_empty() {
        &[]
    } else {
        &["--values", values]
    };
    [arguments, option].concat()
}

/// Whether helm is there. Where it is not, the test says that it skips.
fn has_helm() -> bool {
    programs::find("helm").is_some()
}

#[test]
fn findings_stand_where_they_are_written() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for (name, values, place, _) in CHARTS {
        let directory = copy(name);
        let output = run(directory.path(), &with(values, &["lint", "-o", "concise", name]));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {text}");
        assert!(
            text.contains(&format!("{name}/{place}:")),
            "{name}: {place} is not in:\n{text}"
        );
    }
}

#[test]
fn charts_are_migrated_once_and_nothing_else_changes() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for (name, values, _, files) in CHARTS {
        let directory = copy(name);
        let before = texts(directory.path());
        let output = run(
            directory.path(),
            &with(
                values,
                &["migrate", "--target", "native", "--review", "--write", name],
            ),
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
        assert!(said.contains("proved by rendering it again"), "{name}: {said}");
        let after = texts(directory.path());
        let names: Vec<&String> = before.keys().collect();
        assert_eq!(after.keys().collect::<Vec<_>>(), names, "{name}");
        let changed: Vec<&str> = before
            .iter()
            .filter(|(file, text)| after[*file] != **text)
            .map(|(file, _)| file.split_once('/').unwrap().1)
            .collect();
        assert_eq!(changed, files, "{name}");
        let again = run(
            directory.path(),
            &with(
                values,
                &["migrate", "--target", "native", "--review", "--check", name],
            ),
        );
        assert_eq!(again.status.code(), Some(0), "{name}: {again:?}");
        assert_eq!(again.stdout, b"", "{name}");
        let left = run(
            directory.path(),
            &with(values, &["lint", "-q", "-o", "json", name]),
        );
        let report: Value = serde_json::from_slice(&left.stdout).unwrap();
        let rules: Vec<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["rule"])
            .collect();
        assert!(
            !rules.iter().any(|rule| *rule == "quit-endpoint"),
            "{name}: {rules:?}"
        );
    }
}

/// What goes is written in a way that only a function reads.
#[test]
fn an_edit_that_renders_to_something_else_is_refused() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = copy("encoded");
    let before = texts(directory.path());
    let output = run(
        directory.path(),
        &["migrate", "--target", "native", "--review", "--write", "encoded"],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("it would render to something else"), "{said}");
    assert_eq!(texts(directory.path()), before);
}

#[test]
fn a_clean_chart_ends_with_success() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = tempfile::tempdir().unwrap();
    let chart = directory.path().join("clean");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(
        chart.join("Chart.yaml"),
        "apiVersion: v2\nname: clean\nversion: 1.0.0\n",
    )
    .unwrap();
    let template = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: {{ .Values.image | default \"web:1\" }}\n";
    fs::write(chart.join("templates/deployment.yaml"), template).unwrap();
    let output = run(directory.path(), &["lint", "."]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
#[cfg(unix)]
fn a_hostile_chart_is_read_as_text_and_says_why() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = copy("wrapper");
    let outside = directory.path().join("outside.yaml");
    fs::write(&outside, "secret: here\n").unwrap();
    std::os::unix::fs::symlink(&outside, directory.path().join("wrapper/templates/out.yaml")).unwrap();
    let output = run(directory.path(), &["lint", "-v", "wrapper"]);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("leads out of the tree"), "{said}");

    let directory = copy("wrapper");
    let endless = "{{- define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}";
    fs::write(directory.path().join("wrapper/templates/endless.yaml"), endless).unwrap();
    let output = run(directory.path(), &["lint", "-v", "wrapper"]);
    let said = format!("{output:?}");
    assert!(
        said.contains("its templates are read without rendering them: helm says"),
        "{said}"
    );
}

/// What prints more than is read is an error of that chart, and the others are read.
#[test]
fn a_chart_that_prints_without_end_is_an_error_of_its_own() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = copy("wrapper");
    let chart = directory.path().join("long");
    copy_tree(&charts().join("range"), &chart);
    fs::write(
        chart.join("templates/long.yaml"),
        "a: |\n{{- range until 700 }}\n  {{ repeat 100000 \"x\" }}\n{{- end }}\n",
    )
    .unwrap();
    let output = run(directory.path(), &["lint", "-v", "."]);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("helm wrote more than 64 MiB"), "{said}");
    assert!(said.contains("wrapper/templates/job.yaml:17"), "{said}");
}

/// A chart in a directory of charts, beside a library that it needs, and one that is nowhere.
fn needy(directory: &Path) {
    copy_tree(&charts().join("library"), &directory.join("library"));
    fs::rename(directory.join("library/charts/common"), directory.join("common")).unwrap();
    fs::write(
        directory.join("library/Chart.yaml"),
        "apiVersion: v2\nname: library\nversion: 1.0.0\ndependencies:\n- name: common\n  version: 1.0.0\n  repository: file://../common\n- name: redis\n  version: 1.0.0\n  repository: https://charts.example.com\n",
    )
    .unwrap();
}

#[test]
fn a_chart_is_rendered_with_what_lies_beside_it_and_without_what_is_nowhere() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = tempfile::tempdir().unwrap();
    needy(directory.path());
    let said = |arguments: &[&str]| {
        let output = run(directory.path(), arguments);
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    let all = said(&["lint", "-v", "-o", "concise", "."]);
    assert!(all.contains("common/templates/_job.tpl:19"), "{all}");
    assert!(
        all.contains("rendered without what it needs: redis is not in charts/"),
        "{all}"
    );
    // What was not named is not read.
    let one = said(&["lint", "-v", "-o", "concise", "library"]);
    assert!(one.contains("common, redis are not in charts/"), "{one}");
    let outside = said(&["lint", "-o", "concise", "--allow-outside", "library"]);
    assert!(outside.contains("common/templates/_job.tpl:19"), "{outside}");
    // Other charts may need the library, too.
    let before = texts(directory.path());
    said(&["migrate", "--review", "--write", "."]);
    assert_eq!(texts(directory.path()), before);
}

/// Values of the environments of a chart, in a directory beside it.
fn deployed(directory: &Path) {
    copy_tree(&charts().join("environments"), &directory.join("shop"));
    fs::create_dir(directory.join("environments")).unwrap();
    fs::rename(
        directory.join("shop/values-prod.yaml"),
        directory.join("environments/prod.yaml"),
    )
    .unwrap();
}

#[test]
fn values_may_lie_beside_the_chart() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = tempfile::tempdir().unwrap();
    deployed(directory.path());
    let values = ["--values", "environments/prod.yaml"];
    let refused = run(directory.path(), &[&["lint", "shop"][..], &values].concat());
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--allow-outside"));
    let allowed = [&["lint", "-o", "concise", "--allow-outside", "shop"][..], &values].concat();
    let found = run(directory.path(), &allowed);
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(text.contains("environments/prod.yaml:7:"), "{text}");
    let write = [
        "migrate",
        "--target",
        "native",
        "--review",
        "--write",
        "--allow-outside",
        "shop",
    ];
    let output = run(directory.path(), &[&write[..], &values].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("its own values; environments/prod.yaml"), "{said}");
    let edited = fs::read_to_string(directory.path().join("environments/prod.yaml")).unwrap();
    assert!(edited.contains("restartPolicy: Always"), "{edited}");
}

/// The ways add up: the chart's own, those of ci/, those of the configuration and those of the options.
#[test]
fn values_of_the_configuration_and_of_options_add_up() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = tempfile::tempdir().unwrap();
    deployed(directory.path());
    fs::create_dir(directory.path().join("shop/ci")).unwrap();
    fs::write(directory.path().join("shop/ci/one-values.yaml"), "extra: 1\n").unwrap();
    fs::write(directory.path().join("shop/more.yaml"), "extra: 2\n").unwrap();
    fs::write(
        directory.path().join(".kubectl-sidecar.yaml"),
        "charts:\n- path: shop\n  values: [[../environments/prod.yaml]]\n",
    )
    .unwrap();
    let output = run(
        directory.path(),
        &["migrate", "--review", "shop", "--values", "shop/more.yaml"],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("with its own values; ci/one-values.yaml; more.yaml; environments/prod.yaml"),
        "{said}"
    );
}

#[test]
fn a_branch_that_no_rendering_took_is_named() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = copy("wrapper");
    let path = directory.path().join("wrapper/templates/job.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let condition = "      {{- if eq .Values.mode \"other\" }}\n      hostNetwork: true\n      {{- end }}\n";
    let edited = text.replace("      containers:\n", &format!("{condition}      containers:\n"));
    assert_ne!(text, edited);
    let line = edited
        .lines()
        .position(|line| line.contains("if eq .Values.mode"))
        .unwrap()
        + 1;
    fs::write(&path, &edited).unwrap();
    let output = run(directory.path(), &["migrate", "--review", "wrapper"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let named = format!(
        "wrapper/templates/job.yaml:{line}: {{{{- if eq .Values.mode \"other\" }}}}: no rendering reached its other branch (line {}); not edited",
        line + 1
    );
    assert!(said.contains(&named), "{said}");
}

fn write_file(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A part that several templates include is edited only where each of them was seen to come out right.
#[test]
fn a_part_that_is_included_where_no_rendering_came_by_is_not_edited() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| write_file(directory.path(), &format!("chart/{name}"), text);
    write("Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
    write(
        "templates/_parts.tpl",
        "{{- define \"pod\" }}
initContainers:
- name: proxy
  image: edoburu/pgbouncer:1
  restartPolicy: Always
  ports: [{containerPort: 6432}]
containers:
- name: api
  image: registry.example.com/api:1
  command: [sh, -c, 'until nc -z localhost 6432; do sleep 1; done; exec /api']
{{- end }}
",
    );
    let workload = |kind: &str| {
        format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: api}}\nspec:\n  selector: {{matchLabels: {{app: api}}}}\n  template:\n    metadata: {{labels: {{app: api}}}}\n    spec:\n      {{{{- include \"pod\" . | nindent 6 }}}}\n"
        )
    };
    write("templates/api.yaml", &workload("Deployment"));
    let migrated = |condition: &str| {
        let other = format!("{condition}\n{}{{{{- end }}}}\n", workload("StatefulSet"));
        write("templates/other.yaml", &other);
        let output = run(
            directory.path(),
            &["migrate", "--target", "native", "--review", "chart"],
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    write("values.yaml", "mode: api\nother: false\n");
    let (diff, said) = migrated("{{- if eq .Values.mode \"stateful\" }}");
    assert_eq!(diff, "", "{said}");
    assert!(
        said.contains("templates/other.yaml:10 includes too, and no rendering came by there"),
        "{said}"
    );
    // A switch is turned over by the proof itself.
    let (diff, said) = migrated("{{- if .Values.other }}");
    assert!(diff.contains("+  command: [/api]"), "{diff}{said}");
    write("values.yaml", "mode: stateful\nother: false\n");
    let (diff, said) = migrated("{{- if eq .Values.mode \"stateful\" }}");
    assert!(diff.contains("+  command: [/api]"), "{diff}{said}");
}

/// What reading the template finds with a branch that no rendering took is no less true for the lines that are rendered.
#[test]
fn a_finding_that_needs_a_branch_that_no_rendering_took_stays() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| write_file(directory.path(), &format!("chart/{name}"), text);
    write("Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
    write(
        "templates/job.yaml",
        "apiVersion: batch/v1
kind: Job
metadata: {name: prune}
spec:
  template:
    spec:
      restartPolicy: Never
      shareProcessNamespace: true
      containers:
      - name: prune
        image: registry.example.com/prune:1
        command: [/prune]
      - name: reaper
        image: registry.example.com/reaper:1
        command:
        - /reap
        {{- if .Values.database.enabled }}
        - cloud_sql_proxy
        {{- end }}
      {{- if .Values.database.enabled }}
      - name: cloud-sql-proxy
        image: gcr.io/cloudsql-docker/gce-proxy:1.33
        command: [/cloud_sql_proxy, -instances=a:b:c=tcp:5432]
      {{- end }}
",
    );
    let rules = || {
        let output = run(directory.path(), &["lint", "-o", "json", "chart"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().clone();
        let rules = findings
            .iter()
            .map(|finding| finding["rule"].as_str().unwrap().to_owned());
        rules.collect::<Vec<String>>()
    };
    write("values.yaml", "database: {enabled: false}\n");
    assert_eq!(rules(), ["external-killer"]);
    write("values.yaml", "database: {enabled: true}\n");
    assert_eq!(rules(), ["external-killer"]);
}

/// It is rendered by itself, and as a part of the chart that needs it.
#[test]
fn a_finding_in_a_chart_that_another_one_needs_is_told_once() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = tempfile::tempdir().unwrap();
    copy_tree(&charts().join("wrapper"), &directory.path().join("wrapper"));
    let name = fs::read_to_string(directory.path().join("wrapper/Chart.yaml")).unwrap();
    let version = name
        .lines()
        .find_map(|line| line.strip_prefix("version: "))
        .unwrap();
    let alone = run(directory.path(), &["lint", "-o", "json", "wrapper"]);
    write_file(
        directory.path(),
        "all/Chart.yaml",
        &format!(
            "apiVersion: v2\nname: all\nversion: 0.1.0\ndependencies:\n- {{name: wrapper, version: {version}, repository: 'file://../wrapper'}}\n"
        ),
    );
    let both = run(directory.path(), &["lint", "-o", "json", "."]);
    let count = |output: &Output| {
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["findings"].as_array().unwrap().len()
    };
    assert!(count(&alone) > 0);
    assert_eq!(count(&both), count(&alone));
}

/// Whoever has other values keeps what they say: a container of values does not become the text of a template.
#[test]
fn a_container_of_values_stays_one_of_values() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = copy("values");
    let output = run(
        directory.path(),
        &["migrate", "--target", "native", "--review", "--write", "values"],
    );
    assert!(output.status.success());
    let read = |path: &str| fs::read_to_string(directory.path().join("values").join(path)).unwrap();
    assert!(read("templates/job.yaml").contains("{{- with .Values.job.extraInitContainers }}"));
    assert!(!read("templates/job.yaml").contains("cloud-sql-proxy"));
    assert!(read("values.yaml").contains("  extraInitContainers:\n    - name: cloud-sql-proxy\n"));
}

/// Values may be empty where a condition holds the key of a list: written a second time it would take the place of the
/// first.
#[test]
fn a_key_that_a_condition_holds_is_written_once() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for name in ["empty", "gained"] {
        let directory = copy(name);
        let output = run(
            directory.path(),
            &["migrate", "--target", "native", "--review", "--write", name],
        );
        assert!(output.status.success(), "{output:?}");
        let template = fs::read_to_string(directory.path().join(name).join("templates/job.yaml")).unwrap();
        assert_eq!(template.matches("initContainers:\n").count(), 1, "{template}");
    }
}

/// With the values at hand the edit would do: only other values tell that it is wrong.
#[test]
fn an_edit_that_only_fits_the_values_at_hand_is_refused() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    // There may be none, or another one that the app does not wait for.
    let reason = "its own values and sidecars=";
    let directory = copy("items");
    let before = texts(directory.path());
    let output = run(
        directory.path(),
        // Each item of the loop would be called one.
        &["migrate", "--target", "lifecycle", "--review", "--write", "items"],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(reason), "{said}");
    assert_eq!(texts(directory.path()), before);
}

/// What is in the way is named: an object that has to stay as it is, or a loop that writes what would have to be apart.
#[test]
fn a_refusal_says_what_is_in_the_way() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for (name, reason) in [
        (
            "loop",
            "templates/job.yaml:11 writes several containers in a loop",
        ),
        (
            "both",
            "Job second is written in the same place, and is to stay as it is",
        ),
    ] {
        let directory = copy(name);
        if name == "loop" {
            // What the loop goes over is worked out.
            let path = directory.path().join("loop/templates/job.yaml");
            let text = fs::read_to_string(&path).unwrap();
            let edited = text.replace(":= .Values.containers", ":= (.Values.containers | default dict)");
            assert_ne!(text, edited);
            fs::write(
                path,
                edited.replace(".Values.containers |", "index .Values \"containers\" |"),
            )
            .unwrap();
        }
        let before = texts(directory.path());
        let output = run(
            directory.path(),
            &["migrate", "--target", "native", "--write", name],
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(reason), "{name}: {said}");
        assert_eq!(texts(directory.path()), before, "{name}");
    }
}

/// What helm makes of a chart with a value.
fn rendered(directory: &Path, name: &str, value: &str) -> String {
    let output = Command::new("helm")
        .args(["template", "r", name, "--set", value])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A template that other values leave without the sidecar is what it was for them.
#[test]
fn a_script_stays_as_it_is_where_there_is_no_sidecar() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for (name, with, without) in [
        ("absent", "fluentbit.enabled=true", "fluentbit.enabled=false"),
        ("switches", "proxy=true", "proxy=false"),
        ("otherwise", "proxy.enabled=true", "proxy.enabled=false"),
    ] {
        let directory = copy(name);
        let before = [with, without].map(|value| rendered(directory.path(), name, value));
        let output = run(
            directory.path(),
            &["migrate", "--target", "native", "--review", "--write", name],
        );
        assert!(output.status.success(), "{output:?}");
        let after = [with, without].map(|value| rendered(directory.path(), name, value));
        assert_ne!(after[0], before[0], "{name}");
        assert_eq!(after[1].trim(), before[1].trim(), "{name}");
    }
}

/// A value that goes into a template as text would have no effect any more.
#[test]
fn a_script_of_values_stays_one_of_values() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for options in [&[][..], &["--review"]] {
        let directory = copy("quoted");
        let output = run(
            directory.path(),
            &[&["migrate", "--target", "native", "--write", "quoted"], options].concat(),
        );
        assert!(output.status.success(), "{output:?}");
        let read = |path: &str| fs::read_to_string(directory.path().join("quoted").join(path)).unwrap();
        assert!(read("templates/job.yaml").contains("- {{ .Values.job.script | quote }}"));
        assert!(read("values.yaml").contains("    set -e\n    /opt/batcher run\nextraInitContainers:"));
    }
}

/// The words of a command that values bring stay theirs, in the form that they are written in.
#[test]
fn words_of_values_stay_words_of_values() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for target in ["native", "lifecycle", "annotation"] {
        let directory = copy("words");
        let output = run(
            directory.path(),
            &["migrate", "--target", target, "--review", "--write", "words"],
        );
        assert!(output.status.success(), "{output:?}");
        let after = texts(&directory.path().join("words"));
        let template = &after["charts/dump/templates/job.yaml"];
        assert!(!template.contains("exec /upload"), "{template}");
        assert!(
            after["values.yaml"].contains("/upload"),
            "{}",
            after["values.yaml"]
        );
        let own = rendered(directory.path(), "words", "dump.upload.command={/other,--port}");
        assert!(own.contains("- /other\n            - --port\n"), "{own}");
    }
}

/// A list of init containers that a part brings is that part's: the sidecar stands beside the action that includes it.
#[test]
fn a_sidecar_stands_beside_the_action_that_brings_the_other_init_containers() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = copy("included");
    let output = run(
        directory.path(),
        &["migrate", "--target", "native", "--review", "--write", "included"],
    );
    assert!(output.status.success(), "{output:?}");
    let text = &texts(&directory.path().join("included"))["templates/deployment.yaml"];
    let both = "{{- include \"included.init\" . | nindent 8 }}\n        {{- include \"included.envoy\" . | nindent 8 }}\n";
    assert!(
        text.contains(&format!("initContainers:\n        {both}")),
        "{text}"
    );
}

/// A part that other workloads include stays as it is: what one of them needs stands beside its action.
#[test]
fn a_part_of_others_stays_as_it_is() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for (name, part, target) in [
        ("beside", "templates/_helpers.tpl", "native"),
        ("beside", "templates/_helpers.tpl", "annotation"),
        ("waits", "templates/_pool.tpl", "native"),
    ] {
        let directory = copy(name);
        let before = texts(&directory.path().join(name));
        let output = run(
            directory.path(),
            &["migrate", "--target", target, "--review", "--write", name],
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("proved by rendering it again"),
            "{name} {target}: {said}"
        );
        let after = texts(&directory.path().join(name));
        assert_eq!(after[part], before[part], "{name} {target}");
    }
}

/// A condition that asks for a variable of its part goes nowhere else.
#[test]
fn a_variable_is_asked_for_in_its_own_part_alone() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = copy("variable");
    let output = run(
        directory.path(),
        &["migrate", "--target", "annotation", "--write", "variable"],
    );
    assert!(output.status.success(), "{output:?}");
    let read = |path: &str| {
        let path = directory
            .path()
            .join("variable/charts/common/templates")
            .join(path);
        fs::read_to_string(path).unwrap()
    };
    let condition = "      {{- if $root.Values.pgbouncer.enabled }}\n      annotations:\n";
    assert!(read("_deployment.tpl").contains(condition));
    assert!(read("_pgbouncer.tpl").ends_with(
        "  readinessProbe:\n    tcpSocket:\n      port: 6432\n    periodSeconds: 1\n{{- end -}}\n"
    ));
}

#[test]
fn line_ends_stay_what_they_are() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for name in ["tail", "quoted", "held"] {
        let directory = copy(name);
        for (path, text) in texts(directory.path()) {
            fs::write(directory.path().join(path), text.replace('\n', "\r\n")).unwrap();
        }
        let before = texts(directory.path());
        let output = run(
            directory.path(),
            &["migrate", "--target", "native", "--review", "--write", name],
        );
        assert!(output.status.success(), "{output:?}");
        let after = texts(directory.path());
        assert_ne!(after, before, "{name}");
        for (path, text) in after {
            assert!(
                !text.replace("\r\n", "").contains(['\r', '\n']),
                "{path}:\n{text:?}"
            );
        }
    }
}

/// How often lint runs helm for a chart in a directory, and how it ends.
#[cfg(unix)]
fn runs_of_helm(helm: &Path, directory: &Path, name: &str) -> (usize, Option<i32>) {
    let programs = tempfile::tempdir().unwrap();
    let log = programs.path().join("log");
    let script = format!(
        "#!/bin/sh\necho run >>{}\nexec {} \"$@\"\n",
        log.display(),
        helm.display()
    );
    let wrapper = programs.path().join("helm");
    fs::write(&wrapper, script).unwrap();
    fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["lint", name])
        .current_dir(directory)
        .env("PATH", format!("{}:/usr/bin:/bin", programs.path().display()))
        .output()
        .unwrap();
    let runs = fs::read_to_string(log).unwrap().lines().count();
    (runs, output.status.code())
}

/// One run of helm for each way, and one more for what it shows that no other one does.
#[cfg(unix)]
#[test]
fn lint_asks_for_the_way_back_once() {
    let Some(helm) = programs::find("helm") else {
        return tell::skip("helm", "there is no helm");
    };
    let directory = copy("tail");
    fs::create_dir(directory.path().join("tail/ci")).unwrap();
    for name in ["a", "b"] {
        let path = format!("tail/ci/{name}-values.yaml");
        fs::write(directory.path().join(path), "unused: 1\n").unwrap();
    }
    assert_eq!(runs_of_helm(&helm, directory.path(), "tail"), (4, Some(1)));
}

/// Nobody asks a clean chart for the way back.
#[cfg(unix)]
#[test]
fn a_clean_chart_is_rendered_once() {
    let Some(helm) = programs::find("helm") else {
        return tell::skip("helm", "there is no helm");
    };
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| write_file(directory.path(), name, text);
    write(
        "clean/Chart.yaml",
        "apiVersion: v2\nname: clean\nversion: 0.1.0\n",
    );
    write(
        "clean/templates/web.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - {name: web, image: nginx}\n",
    );
    assert_eq!(runs_of_helm(&helm, directory.path(), "clean"), (1, Some(0)));
}

/// The sidecar is one of values: so are the annotations of its pod, in the map that the chart has for them or in one that
/// its template prints then.
#[test]
fn annotations_stand_where_the_sidecar_is_named() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    for (name, file, words, template) in [
        (
            "rendered",
            "values.yaml",
            "podAnnotations:\n  kubectl-sidecar/sidecars: cloud-sql-proxy\n",
            None,
        ),
        (
            "migrations",
            "ci/cloudsql-values.yaml",
            "  podAnnotations:\n    kubectl-sidecar/sidecars: cloud-sql-proxy\n",
            Some("{{- with .Values.migrateDatabaseJob.podAnnotations }}"),
        ),
    ] {
        let directory = copy(name);
        let output = run(
            directory.path(),
            &["migrate", "--target", "annotation", "--review", "--write", name],
        );
        assert!(output.status.success(), "{output:?}");
        let after = texts(&directory.path().join(name));
        assert!(after[file].contains(words), "{}", after[file]);
        if let Some(template) = template {
            let text = &after["templates/jobs/migrate-database-job.yaml"];
            assert!(text.contains(template), "{text}");
        }
    }
}

/// What values say by an action is still said by it where the container goes.
#[test]
fn actions_in_values_stay_actions() {
    if !has_helm() {
        return tell::skip("helm", "there is no helm");
    }
    let directory = copy("rendered");
    let output = run(
        directory.path(),
        &["migrate", "--target", "native", "--write", "rendered"],
    );
    assert!(output.status.success(), "{output:?}");
    let values = fs::read_to_string(directory.path().join("rendered/values.yaml")).unwrap();
    let (_, moved) = values.split_once("initContainers:\n").unwrap();
    assert!(
        moved.contains("- project:region:{{ .Release.Name }}\n"),
        "{values}"
    );
    assert!(moved.contains("sidecars: []"), "{values}");
}
