//! docs/ci.md and the files it tells of: the action's steps and the GitLab job are run with a release that the release
//! script packs, the hook by the real pre-commit, and all YAML is held against its public schema.
//!
//! check-jsonschema, pre-commit and zizmor (`.ci/requirements.txt`) are run where they are installed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_yaml::Value;

use crate::{
    markdown::{Block, Page, pages, root},
    programs,
    workshop::Workshop,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn page() -> Page {
    pages()
        .into_iter()
        .find(|page| page.path == Path::new("docs/ci.md"))
        .unwrap()
}

fn read(path: &str) -> Value {
    serde_yaml::from_str(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    text(&output.stdout) + &text(&output.stderr)
}

/// A program of the field, or the word that its test is skipped.
fn program(name: &str) -> Option<Command> {
    let found = programs::find(name);
    if found.is_none() {
        crate::tell::skip(name, &format!("there is no {name}"));
    }
    found.map(Command::new)
}

/// A release as GitHub serves it, in a directory: `vVERSION/ARCHIVE` and `vVERSION/SHA256SUMS`.
fn release(directory: &Path) -> Option<String> {
    let mut python = program("python3")?;
    program("curl")?;
    let documents = directory.join("documents");
    fs::create_dir_all(&documents).unwrap();
    let releases = directory.join("releases");
    let target = if cfg!(target_arch = "aarch64") {
        "aarch64-unknown-linux-musl"
    } else {
        "x86_64-unknown-linux-musl"
    };
    succeed(
        python
            .arg(root().join("release/build"))
            .args(["--binary", env!("CARGO_BIN_EXE_kubectl-sidecar"), "--documents"])
            .arg(documents)
            .arg("--directory")
            .arg(releases.join(format!("v{VERSION}")))
            .arg(target),
    );
    Some(format!("file://{}", releases.display()))
}

/// The action on a runner of GitHub's.
struct Runner {
    workshop: Workshop,
    releases: String,
    action: Value,
}

impl Runner {
    fn new() -> Option<Self> {
        let workshop = Workshop::new();
        let releases = release(workshop.path())?;
        Some(Self {
            workshop,
            releases,
            action: read("action.yml"),
        })
    }

    fn temporary(&self) -> PathBuf {
        self.workshop.path().join("temporary")
    }

    /// Runs a step with these inputs; the others have their defaults.
    fn step(&self, index: usize, inputs: &[(&str, &str)]) -> Output {
        let step = &self.action["runs"]["steps"][index];
        assert_eq!(step["shell"], "bash");
        let script = step["run"].as_str().unwrap();
        // Whatever is put into a script in this way is run by it.
        assert!(!script.contains("${{"), "{script}");
        let mut values: BTreeMap<String, String> = BTreeMap::from([
            ("github.action_path".to_owned(), root().display().to_string()),
            (
                "steps.install.outputs.program".to_owned(),
                self.temporary()
                    .join("kubectl-sidecar/bin/kubectl-sidecar")
                    .display()
                    .to_string(),
            ),
        ]);
        for (name, input) in self.action["inputs"].as_mapping().unwrap() {
            let name = name.as_str().unwrap();
            let given = inputs.iter().find(|(given, _)| *given == name);
            let value = given.map_or_else(|| input["default"].as_str().unwrap(), |(_, value)| value);
            values.insert(format!("inputs.{name}"), value.to_owned());
        }
        let environment = step["env"].as_mapping().unwrap().iter().map(|(name, value)| {
            let value = value.as_str().unwrap();
            let expression = value
                .strip_prefix("${{ ")
                .and_then(|value| value.strip_suffix(" }}"));
            let value = expression.map_or(value, |expression| values[expression].as_str());
            (name.as_str().unwrap().to_owned(), value.to_owned())
        });
        fs::create_dir_all(self.temporary()).unwrap();
        Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.workshop.path())
            .envs(environment)
            .env("RELEASES", &self.releases)
            .env("RUNNER_TEMP", self.temporary())
            .env("RUNNER_OS", "Linux")
            .env(
                "RUNNER_ARCH",
                if cfg!(target_arch = "aarch64") {
                    "ARM64"
                } else {
                    "X64"
                },
            )
            .env("GITHUB_OUTPUT", self.temporary().join("output"))
            .output()
            .unwrap()
    }
}

#[test]
fn the_action_installs_its_release_and_lints() {
    let Some(runner) = Runner::new() else { return };
    let installed = runner.step(0, &[]);
    assert!(installed.status.success(), "{installed:?}");
    let output = fs::read_to_string(runner.temporary().join("output")).unwrap();
    let program = output.trim().strip_prefix("program=").unwrap();
    let version = succeed(Command::new(program).arg("--version"));
    assert_eq!(version.trim(), format!("kubectl-sidecar {VERSION}"));

    let linted = runner.step(
        1,
        &[
            ("format", "concise\njson=found.json"),
            ("paths", "deploy\nexamples/declared.yaml"),
        ],
    );
    let printed = text(&linted.stdout);
    assert_eq!(linted.status.code(), Some(1), "{linted:?}");
    assert!(
        printed.contains("deploy/job.yaml:") && printed.contains("warning[quit-endpoint]"),
        "{printed}"
    );
    assert!(runner.workshop.path().join("found.json").is_file());
    let annotated = text(&runner.step(1, &[("paths", "deploy")]).stdout);
    assert!(
        annotated.contains("::warning file=deploy/job.yaml,line="),
        "{annotated}"
    );
    let passed = runner.step(
        1,
        &[
            ("format", "concise"),
            ("fail-on", "error"),
            ("args", "--select\nstartup"),
            ("paths", "deploy"),
        ],
    );
    assert_eq!(passed.status.code(), Some(0), "{passed:?}");
    assert!(!text(&passed.stdout).contains("quit-endpoint"), "{passed:?}");
}

/// The steps of a repository that has a chart too: the action never fails, and what it wrote is there to be uploaded.
#[test]
fn the_action_passes_on_a_repository_with_a_chart() {
    let Some(runner) = Runner::new() else { return };
    assert!(runner.step(0, &[]).status.success());
    let directory = runner.workshop.path();
    let chart = directory.join("charts/shop");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(
        chart.join("Chart.yaml"),
        "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    )
    .unwrap();
    let template = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n  labels: {{- include \
                    \"l\" . | nindent 4 }}\nspec:\n  template:\n    spec:\n      containers:\n        {{- toYaml .c | \
                    nindent 8 }}\n";
    fs::write(chart.join("templates/web.yaml"), template).unwrap();
    fs::write(
        chart.join("templates/_x.tpl"),
        "{{ define \"l\" }}a: {{ .b }}{{ end }}\n",
    )
    .unwrap();
    let linted = runner.step(
        1,
        &[
            ("format", "sarif=sidecars.sarif"),
            ("fail-on", "never"),
            ("paths", "deploy\ncharts"),
        ],
    );
    assert_eq!(linted.status.code(), Some(0), "{linted:?}");
    let sarif = fs::read_to_string(directory.join("sidecars.sarif")).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    assert!(!run["results"].as_array().unwrap().is_empty());
    let alone = runner.step(1, &[("paths", "charts")]);
    assert_eq!(alone.status.code(), Some(0), "{alone:?}");
}

/// Half of the workaround stands in the base, and half in the overlay.
fn with_a_kustomization(directory: &Path) {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: load}\nspec:\n  template:\n    spec:\n      \
               restartPolicy: Never\n      containers:\n      - name: load\n        image: \
               registry.example.com/load:1\n        command: [sh, -c, \"load; curl -X POST \
               http://localhost:9091/quitquitquit\"]\n";
    let overlay = "resources: [../base]\npatches:\n- target: {kind: Job}\n  patch: |-\n    - op: add\n      path: \
                   /spec/template/spec/containers/-\n      value:\n        name: proxy\n        image: \
                   gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0\n        args: [--quitquitquit, p:r:i]\n";
    for (file, text) in [
        ("base/kustomization.yaml", "resources: [job.yaml]\n"),
        ("base/job.yaml", job),
        ("prod/kustomization.yaml", overlay),
    ] {
        let file = directory.join("trees").join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// As on GitHub's runners, kubectl or kustomize is on the path.
#[test]
fn the_action_renders_kustomizations() {
    let Some(runner) = Runner::new() else { return };
    assert!(runner.step(0, &[]).status.success());
    with_a_kustomization(runner.workshop.path());
    let linted = runner.step(1, &[("format", "concise"), ("paths", "trees")]);
    let printed = text(&linted.stdout);
    assert_eq!(linted.status.code(), Some(1), "{linted:?}");
    assert!(
        printed.contains("trees/base/job.yaml:11:") && printed.contains("load stops proxy by a call"),
        "{printed}"
    );
}

#[test]
fn the_actions_inputs_are_never_run() {
    let Some(runner) = Runner::new() else { return };
    assert!(runner.step(0, &[]).status.success());
    let evil = "$(touch ran); touch ran\n`touch ran`\n--write-baseline";
    for inputs in [
        [("paths", evil), ("format", "concise")],
        [("args", evil), ("format", "concise")],
        [("format", evil), ("paths", "deploy")],
        [("fail-on", evil), ("format", "concise")],
    ] {
        let linted = runner.step(1, &inputs);
        assert_eq!(linted.status.code(), Some(2), "{linted:?}");
    }
    let installed = runner.step(0, &[("version", "$(touch ran)")]);
    assert!(!installed.status.success(), "{installed:?}");
    assert!(!runner.workshop.path().join("ran").exists());
    assert!(!runner.temporary().join("kubectl-sidecar/ran").exists());
}

#[test]
fn the_action_refuses_an_archive_with_another_sum() {
    let Some(runner) = Runner::new() else { return };
    let directory = runner.workshop.path().join(format!("releases/v{VERSION}"));
    let archive = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .unwrap();
    fs::write(&archive, [fs::read(&archive).unwrap(), vec![0]].concat()).unwrap();
    let installed = runner.step(0, &[]);
    assert!(!installed.status.success(), "{installed:?}");
    assert!(
        !runner
            .temporary()
            .join("kubectl-sidecar/bin/kubectl-sidecar")
            .exists()
    );
}

#[test]
fn the_gitlab_job_installs_a_release_and_lints() {
    let workshop = Workshop::new();
    let Some(releases) = release(workshop.path()) else {
        return;
    };
    let job = &read("ci/gitlab.yml")["kubectl-sidecar"];
    let lines = |key: &str| {
        job[key]
            .as_sequence()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap())
    };
    let script: Vec<&str> = lines("before_script").chain(lines("script")).collect();
    let variables = job["variables"].as_mapping().unwrap();
    let linted = Command::new("bash")
        .args(["-eo", "pipefail", "-c", &script.join("\n")])
        .current_dir(workshop.path())
        .envs(
            variables
                .iter()
                .map(|(name, value)| (name.as_str().unwrap(), value.as_str().unwrap())),
        )
        .env("SIDECAR_RELEASES", releases)
        .env("SIDECAR_DIRECTORY", workshop.path().join("installed"))
        .env("SIDECAR_PATHS", "deploy/job.yaml deploy/web.yaml")
        .output()
        .unwrap();
    assert_eq!(linted.status.code(), Some(1), "{linted:?}");
    assert!(text(&linted.stdout).contains("deploy/job.yaml:"), "{linted:?}");
    let report = job["artifacts"]["reports"]["codequality"].as_str().unwrap();
    let report = fs::read_to_string(workshop.path().join(report)).unwrap();
    let report: Vec<serde_json::Value> = serde_json::from_str(&report).unwrap();
    assert!(
        report.iter().any(|one| one["check_name"] == "quit-endpoint"),
        "{report:?}"
    );
}

#[test]
fn what_names_a_release_names_this_one() {
    let job = &read("ci/gitlab.yml")["kubectl-sidecar"];
    assert_eq!(job["variables"]["SIDECAR_VERSION"], VERSION);
    let page = page().text;
    for named in [
        "kubectl-sidecar/kubectl-sidecar@v",
        "kubectl-sidecar/kubectl-sidecar/v",
        "rev: v",
    ] {
        assert!(page.contains(named));
        for (_, rest) in page
            .match_indices(named)
            .map(|(start, _)| page.split_at(start + named.len()))
        {
            assert!(
                rest.starts_with(VERSION),
                "{named}{}",
                rest.lines().next().unwrap()
            );
        }
    }
}

/// Holds a file against a public schema.
fn validate(schema: &str, file: &Path) {
    let command = match schema {
        "pre-commit" => program("pre-commit").map(|mut command| {
            command.arg("validate-config");
            command
        }),
        "pre-commit-hooks" => program("pre-commit").map(|mut command| {
            command.arg("validate-manifest");
            command
        }),
        schema => program("check-jsonschema").map(|mut command| {
            command.args(["--builtin-schema", &format!("vendor.{schema}")]);
            command
        }),
    };
    if let Some(mut command) = command {
        succeed(command.arg(file));
    }
}

#[test]
fn the_files_keep_to_their_schemas() {
    for (schema, file) in [
        ("github-actions", "action.yml"),
        ("github-workflows", ".github/workflows/ci.yml"),
        ("github-workflows", ".github/workflows/release.yml"),
        ("dependabot", ".github/dependabot.yml"),
        ("gitlab-ci", "ci/gitlab.yml"),
        ("pre-commit-hooks", ".pre-commit-hooks.yaml"),
    ] {
        validate(schema, &root().join(file));
    }
}

#[test]
fn the_examples_keep_to_their_schemas() {
    let examples: Vec<(String, Block)> = page()
        .blocks()
        .into_iter()
        .filter_map(|block| Some((block.comment.strip_prefix("schema: ")?.to_owned(), block)))
        .collect();
    assert!(examples.len() >= 4, "{examples:?}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("example.yaml");
    for (schema, block) in examples {
        fs::write(&file, block.text).unwrap();
        validate(&schema, &file);
    }
}

/// The examples use the action as it is.
#[test]
fn the_examples_give_inputs_that_the_action_has() {
    let action = read("action.yml");
    let mut count = 0;
    for block in page()
        .blocks()
        .iter()
        .filter(|block| block.comment == "schema: github-workflows")
    {
        let workflow: Value = serde_yaml::from_str(&block.text).unwrap();
        for step in workflow["jobs"]["lint"]["steps"].as_sequence().unwrap() {
            if !step["uses"].as_str().unwrap().starts_with("kubectl-sidecar/") {
                continue;
            }
            for (name, _) in step["with"].as_mapping().unwrap() {
                assert!(action["inputs"].get(name).is_some(), "{}: {name:?}", block.at);
                count += 1;
            }
        }
    }
    assert!(count >= 4);
}

#[test]
fn zizmor_finds_nothing_in_the_workflows_and_the_action() {
    let Some(mut zizmor) = program("zizmor") else {
        return;
    };
    succeed(
        zizmor
            .args(["--offline", ".github", "action.yml"])
            .current_dir(root()),
    );
}

/// pre-commit, where it and git are there.
fn pre_commit() -> Option<PathBuf> {
    if programs::find("git").is_none() {
        crate::tell::skip("git", "there is no git");
        return None;
    }
    let found = programs::find("pre-commit");
    if found.is_none() {
        crate::tell::skip("pre-commit", "there is no pre-commit");
    }
    found
}

#[test]
fn pre_commit_runs_the_hook() {
    let Some(pre_commit) = pre_commit() else { return };
    let workshop = Workshop::new();
    let git = |arguments: &str| workshop.run(&format!("git {arguments}"), None);
    assert!(git("init -q").status.success());
    assert!(git("add deploy examples/declared.yaml").status.success());
    let run = |more: &str| {
        let command = format!(
            "PRE_COMMIT_HOME=$PWD/.cache '{}' try-repo '{}' kubectl-sidecar-system --color never --verbose {more}",
            pre_commit.display(),
            root().display()
        );
        let output = workshop.run(&command, None);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, said) = run("--all-files");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("deploy/job.yaml:") && said.contains("Failed"),
        "{said}"
    );
    let (code, said) = run("--files examples/declared.yaml");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Passed"), "{said}");
}

/// The hook of a file judges it by itself; the one of the repository renders.
#[test]
fn pre_commit_runs_the_hook_of_the_repository() {
    let Some(pre_commit) = pre_commit() else { return };
    let workshop = Workshop::new();
    with_a_kustomization(workshop.path());
    assert!(
        workshop
            .run("git init -q && git add trees", None)
            .status
            .success()
    );
    let command = format!(
        "PRE_COMMIT_HOME=$PWD/.cache '{}' try-repo '{}' kubectl-sidecar-repository --color never --verbose --files \
         trees/prod/kustomization.yaml",
        pre_commit.display(),
        root().display()
    );
    let output = workshop.run(&command, None);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("trees/base/job.yaml:11:"), "{said}");
}

#[test]
fn the_plugin_of_argo_cd_renders_native_sidecars() {
    let blocks = page().blocks();
    let plugin = blocks.iter().find(|block| block.comment == "plugin").unwrap();
    let plugin: Value = serde_yaml::from_str(&plugin.text).unwrap();
    let generate = &plugin["spec"]["generate"];
    assert_eq!(
        generate["command"],
        serde_yaml::from_str::<Value>("[sh, -c]").unwrap()
    );
    let command = generate["args"][0].as_str().unwrap();
    if program("kubectl").is_none() {
        return;
    }
    let workshop = Workshop::new();
    let rendered = workshop.run(&format!("cd overlays/production && sh -c '{command}'"), None);
    assert!(rendered.status.success(), "{rendered:?}");
    let rendered = text(&rendered.stdout);
    let (_, report) = rendered.split_once("nightly-report").unwrap();
    assert!(
        report.contains("initContainers:") && report.contains("restartPolicy: Always"),
        "{rendered}"
    );
    let broken = workshop.run(&format!("cd deploy && sh -c '{command}'"), None);
    assert!(!broken.status.success(), "{broken:?}");
}
