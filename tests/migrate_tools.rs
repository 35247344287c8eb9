//! `migrate` as the field's tools run it: the invocations of the README and of `docs/migrating.md`, with the real
//! kustomize, kpt and helm where the machine has them.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

#[path = "support/programs.rs"]
mod programs;
#[path = "support/tell.rs"]
mod tell;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: app
        command: [sh, -c, \"until nc -z localhost 6432; do sleep 1; done; exec /app\"]
      # The pool.
      - name: pgbouncer
        image: edoburu/pgbouncer
        ports: [{containerPort: 6432}]
";

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The block behind a comment.
fn block(text: &str, comment: &str) -> String {
    let (_, rest) = text.split_once(&format!("<!-- {comment} -->\n```")).unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// A program of the field, or the word that its test is skipped.
fn program(name: &str) -> Option<PathBuf> {
    let found = programs::find(name);
    if found.is_none() {
        tell::skip(name, &format!("no {name} on PATH or in ~/go/bin"));
    }
    found
}

/// Runs a command of the documentation in a directory, with our binary and the field's programs on the path.
fn run(command: &str, directory: &Path) -> Output {
    let own = Path::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .parent()
        .unwrap()
        .to_owned();
    let installed = env::var_os("HOME").map(|home| PathBuf::from(home).join("go/bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([own].into_iter().chain(installed).chain(env::split_paths(&path))).unwrap();
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", command])
        .current_dir(directory)
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

#[track_caller]
fn assert_native(text: &str) {
    let (_, init) = text
        .split_once("initContainers:")
        .unwrap_or_else(|| panic!("{text}"));
    assert!(
        init.contains("restartPolicy: Always") && init.contains("startupProbe:"),
        "{text}"
    );
    assert!(!text.contains("until"), "{text}");
}

#[test]
fn the_source_form_becomes_what_runs() {
    let page = document("docs/migrating.md");
    let example = block(&page, "source form");
    let (_, rest) = page.split_once("<!-- source form -->").unwrap();
    let command = rest
        .lines()
        .find(|line| line.starts_with("kubectl sidecar migrate"))
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("deploy")).unwrap();
    fs::write(directory.path().join("deploy/job.yaml"), &example).unwrap();
    let (migrate, apply) = command.split_once(" | ").unwrap();
    assert_eq!(apply, "kubectl apply -f -");
    let made = run(
        &migrate.replace("kubectl sidecar", "kubectl-sidecar"),
        directory.path(),
    );
    let made = String::from_utf8(made.stdout).unwrap();
    assert!(
        made.contains("initContainers:") && made.contains("restartPolicy: Always"),
        "{made}"
    );
    assert!(!made.contains("lifecycle"), "{made}");
    assert_eq!(
        fs::read_to_string(directory.path().join("deploy/job.yaml")).unwrap(),
        example
    );
    if env::var_os("KUBECONFIG").is_none() {
        tell::skip("cluster", "no KUBECONFIG to apply the README's example to");
        return;
    }
    let command = command
        .replace("kubectl sidecar", "kubectl-sidecar")
        .replace("apply", "apply --dry-run=server --validate=strict");
    let applied = run(&command, directory.path());
    assert!(String::from_utf8_lossy(&applied.stdout).contains("settle"));
    // As it stands, a strict server refuses it.
    let refused = Command::new("kubectl")
        .args(["create", "--dry-run=server", "--validate=strict", "-f", "deploy"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("lifecycle.type"));
}

#[test]
fn a_kustomize_function() {
    if program("kustomize").is_none() {
        return;
    }
    let guide = document("docs/migrating.md");
    let directory = tempfile::tempdir().unwrap();
    for file in ["kustomization.yaml", "sidecars.yaml"] {
        fs::write(
            directory.path().join(file),
            block(&guide, &format!("file: {file}")),
        )
        .unwrap();
    }
    fs::write(directory.path().join("deployment.yaml"), DEPLOYMENT).unwrap();
    let command = "kustomize build --enable-alpha-plugins --enable-exec";
    assert!(guide.contains(&format!("`{command}`")));
    let built = run(&format!("{command} ."), directory.path());
    assert_native(&String::from_utf8(built.stdout).unwrap());
    // Versions that pass no arguments run a script.
    let script = directory.path().join("native-sidecars.sh");
    fs::write(&script, block(&guide, "file: native-sidecars.sh")).unwrap();
    run("chmod +x native-sidecars.sh", directory.path());
    let function = block(&guide, "file: sidecars.yaml");
    let (head, _) = function.split_once("        path:").unwrap();
    fs::write(
        directory.path().join("sidecars.yaml"),
        format!("{head}        path: ./native-sidecars.sh\n"),
    )
    .unwrap();
    let built = run(&format!("{command} ."), directory.path());
    assert_native(&String::from_utf8(built.stdout).unwrap());
}

#[test]
fn a_kpt_function() {
    if program("kpt").is_none() {
        return;
    }
    let command = block(&document("docs/migrating.md"), "run: kpt");
    let directory = tempfile::tempdir().unwrap();
    let package = directory.path().join("package");
    fs::create_dir(&package).unwrap();
    fs::write(
        package.join("Kptfile"),
        "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: shop\n",
    )
    .unwrap();
    fs::write(package.join("deployment.yaml"), DEPLOYMENT).unwrap();
    let output = run(&command, directory.path());
    let text = fs::read_to_string(package.join("deployment.yaml")).unwrap();
    assert_native(&text);
    assert!(text.contains("# The pool.\n      - name: pgbouncer"), "{text}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("[info] apps/v1/Deployment/web: app: its wait for pgbouncer is removed"),
        "{said}"
    );
}

/// A directory with a chart of a Deployment that waits for its sidecar, and a Service.
fn with_chart() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let templates = directory.path().join("chart/templates");
    fs::create_dir_all(&templates).unwrap();
    fs::write(
        directory.path().join("chart/Chart.yaml"),
        "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    )
    .unwrap();
    let template = DEPLOYMENT.replace("  name: web\nspec", "  name: {{ .Release.Name }}-web\nspec");
    fs::write(templates.join("deployment.yaml"), template).unwrap();
    fs::write(
        templates.join("service.yaml"),
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n",
    )
    .unwrap();
    directory
}

#[test]
fn a_helm_post_renderer() {
    if program("helm").is_none() {
        return;
    }
    let guide = document("docs/migrating.md");
    let directory = with_chart();
    // Without a cluster `install` is rendered by `template`, which runs the same post-renderer.
    let install = block(&guide, "run: helm").replace("helm install", "helm template");
    let piped = block(&guide, "run: helm template");
    let texts = [install, piped].map(|command| {
        let text = String::from_utf8(run(&command, directory.path()).stdout).unwrap();
        assert_native(&text);
        assert!(
            text.contains("name: shop-web") && text.contains("kind: Service"),
            "{text}"
        );
        text
    });
    assert_eq!(texts[0].trim(), texts[1].trim());
}

/// Helm 4 runs the plugin as an archive of a release holds it: `plugin.yaml` and the program in one directory.
#[test]
#[cfg(unix)]
fn a_plugin_of_helm_4() {
    let Some(helm) = program("helm4") else {
        return;
    };
    let directory = with_chart();
    let archive = directory.path().join("kubectl-sidecar");
    fs::create_dir(&archive).unwrap();
    fs::write(archive.join("plugin.yaml"), document("plugin.yaml")).unwrap();
    let binary = env!("CARGO_BIN_EXE_kubectl-sidecar");
    std::os::unix::fs::symlink(binary, archive.join("kubectl-sidecar")).unwrap();
    let bin = directory.path().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(helm, bin.join("helm")).unwrap();
    // Without a cluster `install` is rendered by `template`, which runs the same post-renderer.
    let commands = block(&document("docs/migrating.md"), "run: helm 4")
        .replace("helm install shop", "helm template shop");
    let own = "export PATH=$PWD/bin:$PATH HELM_DATA_HOME=$PWD/data HELM_CONFIG_HOME=$PWD/config HELM_CACHE_HOME=$PWD/cache";
    let text =
        String::from_utf8(run(&format!("{own}; set -e; {commands}"), directory.path()).stdout).unwrap();
    assert_native(&text);
    assert!(
        text.contains("name: shop-web") && text.contains("kind: Service"),
        "{text}"
    );
}

#[test]
fn the_plugin_is_of_this_version() {
    let plugin: serde_yaml::Value = serde_yaml::from_str(&document("plugin.yaml")).unwrap();
    assert_eq!(plugin["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        document("release/build").contains("\"plugin.yaml\""),
        "archives hold it"
    );
}
