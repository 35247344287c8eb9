//! What is read, what is not, and how that is said.

use std::fs;

use serde_json::Value;

use super::{BROKEN, CLEAN, Project, complained};

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";

const TEMPLATE: &str = "\
{{- if .Values.job }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}
  labels: {{- include \"shop.labels\" . | nindent 4 }}
    app: job
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: app
          image: example.com/app
{{- end }}
";

const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: report}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: app
          image: example.com/app
          command: [sh, /scripts/run.sh]
          volumeMounts: [{name: scripts, mountPath: /scripts}]
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.1
          args: [--quitquitquit]
      volumes: [{name: scripts, configMap: {name: scripts}}]
";

const SCRIPTS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data:
  run.sh: |
    /report
    code=$?
    curl -fsS -X POST http://127.0.0.1:9091/quitquitquit
    exit $code
";

fn repository() -> Project {
    Project::new()
        .file("deploy/job.yaml", CLEAN)
        .file("charts/shop/Chart.yaml", CHART)
        .file("charts/shop/values.yaml", "job: true\n")
        .file("charts/shop/templates/job.yaml", TEMPLATE)
        .file("charts/shop/templates/NOTES.txt", "{{ .Release.Name }}\n")
        .file("charts/shop/templates/other.yaml", TEMPLATE)
}

fn rules(report: &Value) -> Vec<(String, String)> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let mut rules: Vec<_> = findings
        .map(|finding| {
            (
                text(finding, "rule"),
                text(finding, "file").trim_start_matches("./").to_owned(),
            )
        })
        .collect();
    rules.sort();
    rules
}

#[test]
fn a_repository_with_a_chart_is_green() {
    let project = repository();
    let output = project.run(&["lint", "."]);
    assert_eq!(output.code, Some(0), "{output}");
    insta::assert_snapshot!(output.stdout, @r"
    nothing found in what could be read: 3 workloads in 3 files
    2 files are templates that need rendering: 2 read as text
    ");
    let read_as_text = "note: ./charts/shop: 2 templates were read as text; to lint what helm renders: helm template ./charts/shop | kubectl sidecar lint -";
    let unrendered = "note: ./charts/shop: its templates are read without rendering them: helm ";
    let said: Vec<&str> = output.stderr.lines().collect();
    assert!(
        matches!(said[..], [first, second] if first == read_as_text && second.starts_with(unrendered)),
        "{output}"
    );
    assert_eq!(project.run(&["lint", "-q", "."]).stderr, "");
    let verbose = project.run(&["lint", "-v", "."]);
    let said: Vec<&str> = verbose.stderr.lines().collect();
    assert_eq!(
        said[..2],
        [
            "note: ./charts/shop/templates/job.yaml:1: a template that was read without rendering it",
            "note: ./charts/shop/templates/other.yaml:1: a template that was read without rendering it",
        ]
    );
    assert!(said[2].starts_with(unrendered), "{verbose}");
    let report = project.run(&["lint", "-o", "json", "."]).json();
    assert_eq!(report["errors"].as_array().unwrap().len(), 0);
    assert_eq!(report["notes"][0]["kind"], "template");
    assert_eq!(report["notes"][0]["line"], 1);
    let sarif = project.run(&["lint", "-o", "sarif", "."]).json();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], true);
    assert_eq!(invocation["toolExecutionNotifications"][0]["level"], "note");
    let named = project.run(&["lint", "charts/shop/templates/job.yaml"]);
    assert_eq!(named.code, Some(0), "{named}");
}

#[test]
fn what_should_be_readable_and_is_not_is_an_error() {
    let project = repository().file("deploy/broken.yaml", BROKEN);
    let output = project.run(&["lint", "."]);
    assert_eq!(output.code, Some(3), "{output}");
    assert_eq!(complained(&output), ["./deploy/broken.yaml"]);
    assert!(
        output
            .stdout
            .starts_with("nothing found in what could be read: 3 workloads in 4 files; 1 error, see below\n"),
        "{output}"
    );
    // Actions in a text that is broken without them make no template of it.
    let alert =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: \"{{ $labels.job }}\"\n  b: [\n";
    let project = Project::new().file("a.yaml", alert);
    assert_eq!(project.run(&["lint", "."]).code, Some(3));
}

#[test]
fn ignores_reach_what_cannot_be_read() {
    let project = repository().file("legacy/broken.yaml", BROKEN).file(
        ".kubectl-sidecar.yaml",
        "ignores:\n  - file: legacy/**\n    reason: goes away\n",
    );
    let output = project.run(&["lint", "."]);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(
        output
            .stdout
            .ends_with("1 file could not be read, which the configuration ignores\n"),
        "{output}"
    );
    // One that is about a rule says nothing of files that can't be read.
    let project = project.file(
        ".kubectl-sidecar.yaml",
        "ignores:\n  - file: legacy/**\n    rules: [startup]\n",
    );
    assert_eq!(project.run(&["lint", "."]).code, Some(3));
}

#[test]
fn what_is_excluded_is_counted_and_not_opened() {
    let project = repository()
        .file("legacy/broken.yaml", BROKEN)
        .file(".kubectl-sidecar.yaml", "exclude: [charts/, legacy]\n");
    let output = project.run(&["lint", "."]);
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output}");
    assert_eq!(
        output.stdout,
        "ok: no sidecar workaround found in 1 workload in 1 file\n5 files are excluded by the configuration\n"
    );
    // A hook names the files that a commit changes.
    let named = project.run(&["lint", "legacy/broken.yaml", "deploy/job.yaml"]);
    assert_eq!(named.code, Some(0), "{named}");
    let verbose = project.run(&["lint", "-v", "legacy"]);
    assert_eq!(
        verbose.stderr,
        "note: legacy/broken.yaml: the configuration excludes it\n"
    );
    assert_eq!(project.run(&["migrate", "."]).code, Some(0));
}

#[test]
fn directories_that_begin_with_a_dot_are_searched() {
    let project = Project::new()
        .file("a.yaml", CLEAN)
        .file(".nais/job.yaml", CLEAN)
        .file(".github/workflows/ci.yaml", "on: push\n")
        .file(".git/b.yaml", BROKEN)
        .file(".gitignore", ".cache/\n")
        .file(".cache/c.yaml", BROKEN);
    let output = project.run(&["lint", "."]);
    assert_eq!(
        output.stdout, "ok: no sidecar workaround found in 2 workloads in 2 files\n",
        "{output}"
    );
}

#[test]
fn one_file_is_judged_as_its_directory_is() {
    let project = Project::new()
        .file("job.yaml", JOB)
        .file("scripts.yaml", SCRIPTS)
        .file("broken.yaml", BROKEN);
    let all = rules(&project.run(&["lint", "-o", "json", "."]).json());
    assert!(
        all.contains(&("quit-endpoint".to_owned(), "scripts.yaml".to_owned())),
        "{all:?}"
    );
    let output = project.run(&["lint", "-o", "json", "job.yaml"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(rules(&output.json()), all);
    let output = project.run(&["lint", "-o", "json", "scripts.yaml"]);
    let own: Vec<_> = all
        .iter()
        .filter(|(_, file)| file == "scripts.yaml")
        .cloned()
        .collect();
    assert_eq!(rules(&output.json()), own);
    assert_eq!(output.json()["workloads"].as_array().unwrap().len(), 0);
    // A suppression counts where it stands.
    let project = project.file(
        "scripts.yaml",
        SCRIPTS.replace("data:", "# kubectl-sidecar: ignore[startup]\ndata:"),
    );
    let output = project.run(&["lint", "job.yaml"]);
    assert!(!output.stderr.contains("unused"), "{output}");
    let output = project.run(&["lint", "scripts.yaml"]);
    assert!(output.stderr.contains("unused"), "{output}");
}

#[test]
fn files_that_were_not_named_are_not_changed() {
    let project = Project::new().file("job.yaml", JOB).file("scripts.yaml", SCRIPTS);
    let alone = project.run(&["migrate", "--review", "--write", "job.yaml"]);
    assert_eq!(alone.code, Some(0), "{alone}");
    assert!(alone.stderr.contains("scripts.yaml"), "{alone}");
    let read = |file: &str| fs::read_to_string(project.path().join(file)).unwrap();
    assert_eq!(
        (read("job.yaml"), read("scripts.yaml")),
        (JOB.to_owned(), SCRIPTS.to_owned())
    );
}

#[test]
fn a_kustomization_names_more_files_and_none_outside() {
    let project = Project::new()
        .file("repository/.git/HEAD", "ref: refs/heads/main\n")
        .file(
            "repository/app/kustomization.yaml",
            "resources: [job.yaml, ../base, ../../outside/scripts.yaml]\n",
        )
        .file("repository/app/job.yaml", JOB)
        .file(
            "repository/base/kustomization.yaml",
            "resources: [scripts.yaml]\n",
        )
        .file("repository/base/scripts.yaml", SCRIPTS)
        .file("outside/scripts.yaml", SCRIPTS);
    let found = rules(
        &project
            .run(&["lint", "-o", "json", "repository/app/job.yaml"])
            .json(),
    );
    assert!(
        found
            .iter()
            .any(|(rule, file)| rule == "quit-endpoint" && file.ends_with("base/scripts.yaml")),
        "{found:?}"
    );
    let project = project.file("repository/base/kustomization.yaml", "resources: []\n");
    let found = rules(
        &project
            .run(&["lint", "-o", "json", "repository/app/job.yaml"])
            .json(),
    );
    assert!(
        !found.iter().any(|(rule, _)| rule == "quit-endpoint"),
        "{found:?}"
    );
}

#[test]
fn many_neighbours_are_not_all_read() {
    let mut project = Project::new().file("job.yaml", CLEAN);
    for index in 0..300 {
        project = project.file(&format!("many-{index}.yaml"), CLEAN);
    }
    let output = project.run(&["lint", "job.yaml"]);
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output}");
    let output = project.run(&["lint", "-v", "job.yaml"]);
    assert!(
        output.stderr.contains("44 files of this directory were not read"),
        "{output}"
    );
}

#[test]
fn what_silences_something_elsewhere_is_not_unused() {
    let project = Project::new()
        .file("a/job.yaml", JOB)
        .file("a/scripts.yaml", SCRIPTS)
        .file("b/clean.yaml", CLEAN)
        .file(
            ".kubectl-sidecar.yaml",
            "ignores:\n  - file: a/**\n    rules: [wrappers]\n  - file: b/clean.yaml\n    rules: [startup]\n",
        );
    project.run(&["lint", ".", "--baseline", "base.json", "--write-baseline"]);
    let output = project.run(&["lint", "b/clean.yaml", "--baseline", "base.json"]);
    assert_eq!(
        output.stderr, "warning: .kubectl-sidecar.yaml:4: unused suppression of startup\n",
        "{output}"
    );
    fs::remove_file(project.path().join("a/scripts.yaml")).unwrap();
    let output = project.run(&["lint", ".", "--baseline", "base.json"]);
    assert!(
        output.stderr.contains("unused suppression of quit-endpoint"),
        "{output}"
    );
}
