//! Completion, as real shells and the real kubectl ask for it. What is not installed is skipped, and says so.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod support;
#[path = "support/tell.rs"]
mod tell;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;
use support::{ApiServer, Script};

/// A directory with the binary under a plugin's name, and manifests.
struct Desk {
    directory: tempfile::TempDir,
    kubeconfig: PathBuf,
}

impl Desk {
    fn new() -> Self {
        Self::with("kubectl-sidecar")
    }

    fn with(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::create_dir_all(path.join("bin")).unwrap();
        fs::create_dir_all(path.join("deploy")).unwrap();
        for file in ["job.yaml", "notes.txt", "deploy/app.yml"] {
            fs::write(path.join(file), "").unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_kubectl-sidecar"), path.join("bin").join(name)).unwrap();
        Self {
            kubeconfig: path.join("no-kubeconfig"),
            directory,
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let bin = self.directory.path().join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .current_dir(self.directory.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// What a program prints, or nothing where it is not installed.
    fn ask(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let Ok(output) = self.command(program).args(arguments).output() else {
            tell::skip(program, &format!("there is no {program}"));
            return None;
        };
        assert!(output.status.success(), "{output:?}");
        Some(String::from_utf8(output.stdout).unwrap())
    }

    fn install_for_kubectl(&self, plugin: &str) {
        let script = self
            .ask(&format!("kubectl-{plugin}"), &["completion", "kubectl"])
            .unwrap();
        let path = self
            .directory
            .path()
            .join(format!("bin/kubectl_complete-{plugin}"));
        fs::write(&path, script).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The lines that kubectl gets for words, without the help behind them.
    fn kubectl(&self, words: &[&str]) -> Option<Vec<String>> {
        let printed = self.ask("kubectl", &[&["__complete"], words].concat())?;
        let lines = printed
            .lines()
            .map(|line| line.split('\t').next().unwrap().to_owned());
        Some(lines.collect())
    }

    /// The candidates that bash gets for the last of some words.
    fn bash(&self, words: &[&str]) -> Option<Vec<String>> {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source <(kubectl-sidecar completion bash)
             complete -p kubectl-sidecar >/dev/null || exit 1
             COMP_WORDS=({}) COMP_CWORD={} COMP_TYPE=9
             _clap_complete_kubectl_sidecar kubectl-sidecar '{}' ''
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len() - 1,
            words.last().unwrap(),
        );
        let printed = self.ask("bash", &["-c", &script])?;
        Some(printed.lines().map(str::to_owned).collect())
    }
}

/// A cluster with a few names in it.
fn cluster() -> ApiServer {
    let list = |names: &[&str]| {
        let items: Vec<_> = names
            .iter()
            .map(|name| json!({"metadata": {"name": name}}))
            .collect();
        json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "items": items})
    };
    let pod = json!({"type": "ADDED", "object": {"metadata": {
        "name": "checkout-7d9f", "namespace": "shop", "uid": "1", "resourceVersion": "1"}}});
    ApiServer::start(Script {
        pods: vec![pod],
        happened: 1,
        objects: [
            ("/api/v1/namespaces", list(&["default", "shop", "shop-staging"])),
            (
                "/apis/apps/v1/namespaces/shop/deployments",
                list(&["checkout", "cart"]),
            ),
            (
                "/apis/apps/v1/namespaces/shop-staging/deployments",
                list(&["preview"]),
            ),
        ]
        .map(|(path, object)| (path.to_owned(), object))
        .into(),
        ..Script::default()
    })
}

#[test]
fn kubectl_completes_the_plugin() {
    let desk = Desk::new();
    desk.install_for_kubectl("sidecar");
    let Some(files) = desk.kubectl(&["sidecar", "lint", ""]) else {
        return;
    };
    assert_eq!(files, ["job.yaml", "bin/", "deploy/", "-", ":4"]);
    let kubectl = |words: &[&str]| desk.kubectl(words).unwrap();
    let commands = kubectl(&["sidecar", ""]);
    for command in [
        "lint",
        "migrate",
        "explain",
        "trace",
        "completion",
        "version",
        ":4",
    ] {
        assert!(commands.iter().any(|line| line == command), "{commands:?}");
    }
    assert_eq!(
        kubectl(&["sidecar", "lint", "--select", "startup-p"]),
        ["startup-poll", ":4"]
    );
    assert_eq!(
        kubectl(&["sidecar", "lint", "--select", "completion,startup-p"]),
        ["completion,startup-poll", ":4"]
    );
    assert_eq!(kubectl(&["sidecar", "explain", "quit"]), ["quit-endpoint", ":4"]);
    assert_eq!(kubectl(&["sidecar", "lint", "-o", "js"]), ["json", ":4"]);
    assert_eq!(
        kubectl(&["sidecar", "lint", "--kubernetes-version", "1.29"]),
        ["1.29", ":4"]
    );
    assert_eq!(
        kubectl(&["sidecar", "lint", "--min"]),
        ["--min-severity", ":4"],
        "options after a dash"
    );
    assert_eq!(
        kubectl(&["sidecar", "lint", "dep"]),
        ["deploy/", ":6"],
        "more of a directory is to come"
    );
}

#[test]
fn names_come_from_the_cluster_and_the_kubeconfig() {
    let server = cluster();
    let mut desk = Desk::new();
    desk.kubeconfig = server.kubeconfig("completion");
    desk.install_for_kubectl("sidecar");
    let Some(namespaces) = desk.kubectl(&["sidecar", "trace", "-n", "s"]) else {
        return;
    };
    assert_eq!(namespaces, ["shop", "shop-staging", ":4"]);
    let kubectl = |words: &[&str]| desk.kubectl(words).unwrap();
    assert_eq!(
        kubectl(&["sidecar", "trace", "--context", ""]),
        ["loopback", ":4"]
    );
    assert_eq!(kubectl(&["sidecar", "trace", "--user", ""]), ["nobody", ":4"]);
    assert_eq!(kubectl(&["sidecar", "trace", "che"]), ["checkout-7d9f", ":4"]);
    assert_eq!(kubectl(&["sidecar", "trace", "deplo"]), ["deployment/", ":6"]);
    assert_eq!(
        kubectl(&["sidecar", "trace", "deploy/c"]),
        ["deploy/checkout", "deploy/cart", ":4"],
        "in the namespace of the context"
    );
    assert_eq!(
        kubectl(&["sidecar", "trace", "-n", "shop-staging", "deploy/"]),
        ["deploy/preview", ":4"],
        "in the namespace that was typed"
    );
    assert_eq!(
        kubectl(&["sidecar", "lint", "--live", "cronj"]),
        ["cronjob/", ":6"]
    );
    assert_eq!(
        kubectl(&["sidecar", "lint", "-n", "shop-staging", "deploy/"]),
        ["deploy/preview", ":4"]
    );
}

#[test]
fn a_cluster_that_does_not_answer_has_no_names() {
    // A socket that takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    let desk = Desk::new();
    let started = Instant::now();
    let output = desk
        .command("kubectl-sidecar")
        .env("KUBECTL_SIDECAR_COMPLETE", "kubectl")
        .args(["--", "kubectl-sidecar", "trace", "--server", &server, "-n", ""])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), ":4\n");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn bash_completes_the_binary() {
    let server = cluster();
    let mut desk = Desk::new();
    desk.kubeconfig = server.kubeconfig("completion-bash");
    let Some(rules) = desk.bash(&["kubectl-sidecar", "lint", "--select", "startup-p"]) else {
        return;
    };
    assert_eq!(rules, ["startup-poll"]);
    let bash = |words: &[&str]| desk.bash(words).unwrap();
    assert_eq!(bash(&["kubectl-sidecar", "ver"]), ["version"]);
    assert_eq!(
        bash(&["kubectl-sidecar", "trace", "-n", "shop-"]),
        ["shop-staging"]
    );
    assert_eq!(bash(&["kubectl-sidecar", "lint", "j"]), ["job.yaml"]);
}

#[test]
fn zsh_and_fish_take_their_scripts() {
    let desk = Desk::new();
    for (shell, check) in [
        (
            "zsh",
            "autoload -U compinit; compinit -u; source <(kubectl-sidecar completion zsh); print ${_comps[kubectl-sidecar]}",
        ),
        (
            "fish",
            "kubectl-sidecar completion fish | source; complete --do-complete 'kubectl-sidecar lint --select startup-p'",
        ),
    ] {
        let Some(printed) = desk.ask(shell, &["-c", check]) else {
            continue;
        };
        let expected = if shell == "zsh" {
            "_clap_dynamic_completer_kubectl_sidecar"
        } else {
            "startup-poll"
        };
        assert!(printed.contains(expected), "{shell}: {printed}");
    }
}

#[test]
fn a_plugin_of_another_name_completes_too() {
    let desk = Desk::with("kubectl-native_sidecar");
    desk.install_for_kubectl("native_sidecar");
    if let Some(rules) = desk.kubectl(&["native-sidecar", "explain", "quit"]) {
        assert_eq!(rules, ["quit-endpoint", ":4"]);
    }
}
