//! What installs the program without a compiler: the wheel, by pip and by pre-commit, and cargo-binstall's metadata.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

#[path = "support/programs.rs"]
mod programs;
#[path = "support/tell.rs"]
mod tell;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Builds the wheel of the binary that these tests run, which takes no second compilation.
fn wheel(directory: &Path) -> Option<()> {
    let Some(maturin) = programs::find("maturin") else {
        tell::skip("maturin", "the wheel is not built");
        return None;
    };
    let mut command = Command::new(maturin);
    command
        .args(["build", "--profile", "dev", "--offline", "--out"])
        .arg(directory)
        .current_dir(ROOT);
    // What cargo says to a test of the package it is of would have dependencies be built anew.
    for (name, _) in std::env::vars_os() {
        let is_of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        let text = name.to_string_lossy();
        if is_of_package.iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    succeed(&mut command);
    Some(())
}

#[test]
fn pip_and_pre_commit_install_the_wheel() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let wheels = directory.join("wheels");
    if wheel(&wheels).is_none() {
        return;
    }
    let python = directory.join("python");
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&python));
    succeed(
        Command::new(python.join("bin/pip"))
            .args(["install", "--quiet", "--no-index", "--find-links"])
            .arg(&wheels)
            .arg("kubectl-sidecar"),
    );
    let program = python.join("bin/kubectl-sidecar");
    let version: Value =
        serde_json::from_str(&succeed(Command::new(&program).args(["version", "-o", "json"]))).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));

    let Some(pre_commit) = programs::find("pre-commit") else {
        tell::skip("pre-commit", "the hook is not installed");
        return;
    };
    let (code, said) = commit_hook(&pre_commit, &wheels, directory);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("job.yaml:") && said.contains("job-never-completes"),
        "{said}"
    );
}

/// Runs the hook of the CI page over a stuck Job, with the wheels of a directory beside the index: pre-commit builds a package around them.
fn commit_hook(pre_commit: &Path, wheels: &Path, directory: &Path) -> (Option<i32>, String) {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/ci.md")).unwrap();
    let configuration = page
        .split("```")
        .find_map(|block| {
            block
                .strip_prefix("yaml\n")
                .filter(|yaml| yaml.contains("repo: local"))
        })
        .unwrap();
    let project = directory.join("project");
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join(".pre-commit-config.yaml"), configuration).unwrap();
    fs::copy(
        Path::new(ROOT).join("examples/stuck-job.yaml"),
        project.join("job.yaml"),
    )
    .unwrap();
    for arguments in [&["init", "--quiet"][..], &["add", "."]] {
        succeed(Command::new("git").args(arguments).current_dir(&project));
    }
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(pre_commit)
        .args(["run", "--all-files", "--verbose"])
        .current_dir(&project)
        .env("PRE_COMMIT_HOME", directory.join("cache"))
        .env("PIP_FIND_LINKS", wheels)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code(), said)
}

/// cargo-binstall finds the archive of each target under the name that krew's manifest has for it.
#[test]
fn binstall_takes_the_archives_of_krew_s_manifest() {
    let read = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&read.stdout).unwrap();
    let package = &metadata["packages"][0];
    let binstall = &package["metadata"]["binstall"];
    assert_eq!(binstall["bin-dir"], "{ bin }{ binary-ext }");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut taken: Vec<String> = binstall["overrides"]
        .as_object()
        .unwrap()
        .values()
        .map(|target| {
            text(&target["pkg-url"])
                .replace("{ repo }", &text(&package["repository"]))
                .replace("{ version }", &text(&package["version"]))
        })
        .collect();
    let manifest = fs::read_to_string(Path::new(ROOT).join("krew-manifest.yaml")).unwrap();
    let uris = manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("uri: "));
    let mut offered: Vec<String> = uris.map(str::to_owned).collect();
    taken.sort();
    offered.sort();
    assert_eq!(taken, offered);
}
