//! What is asked for and can't be done: each message says what was meant, and the way out.

use std::process::{Command, Stdio};

use super::{CLEAN, Output, Project};

/// A Job with something to find.
const STUCK: &str = include_str!("../../examples/stuck-job.yaml");
/// A kubeconfig with two contexts of a server that nothing listens at.
const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
current-context: one
contexts:
  - {name: one, context: {cluster: closed, user: me}}
  - {name: two, context: {cluster: closed, user: me}}
clusters: [{name: closed, cluster: {server: \"http://127.0.0.1:1\"}}]
users: [{name: me, user: {token: none}}]
";

fn project() -> Project {
    Project::new()
        .file("job.yaml", STUCK)
        .file("clean.yaml", CLEAN)
        .file("kubeconfig", KUBECONFIG)
}

fn run(arguments: &[&str]) -> Output {
    let project = project();
    project
        .command(arguments)
        .env("KUBECONFIG", "kubeconfig")
        .run(&project)
}

/// The one line that is said, and the exit code.
fn refused(arguments: &[&str], code: i32, line: &str) {
    let output = run(arguments);
    assert_eq!(output.code, Some(code), "{output}");
    assert_eq!(output.stderr, format!("error: {line}\n"), "{output}");
}

#[test]
fn contexts_that_exist_are_named() {
    refused(
        &["lint", "-A", "--context", "tow"],
        2,
        "the kubeconfig has no context \"tow\"; it has one, two",
    );
    refused(
        &["lint", "-A", "--user", "you"],
        2,
        "the kubeconfig has no user \"you\"; it has me",
    );
    let output = run(&["trace", "pod/a", "--context", "tow"]);
    assert!(output.stderr.contains("it has one, two"), "{output}");
}

#[test]
fn a_server_that_refuses_is_named() {
    for arguments in [
        &["lint", "-A"][..],
        &["policy", "check"],
        &["migrate", "--live", "deploy/a"],
        &["trace", "pod/a"],
    ] {
        let output = run(arguments);
        assert!(
            output
                .stderr
                .contains("http://127.0.0.1:1 cannot be reached: Connection refused"),
            "{output}"
        );
        assert!(!output.stderr.contains("ServiceError"), "{output}");
    }
}

#[test]
fn without_a_kubeconfig_the_useful_half_comes_first() {
    let project = project();
    let lint = |arguments: &[&str]| project.command(arguments).env("KUBECONFIG", "none").run(&project);
    let absent =
        "no cluster is configured: there is no kubeconfig at none; name one with --kubeconfig or KUBECONFIG";
    let output = lint(&["lint"]);
    let files = "nothing to lint: name files, directories or - for standard input, as in `kubectl sidecar lint deploy.yaml`";
    assert_eq!(output.stderr, format!("error: {files}; {absent}\n"));
    assert_eq!(lint(&["lint", "-A"]).stderr, format!("error: {absent}\n"));
    assert!(lint(&["trace", "pod/a"]).stderr.contains(absent));
}

#[test]
fn types_and_files_are_not_taken_for_each_other() {
    refused(
        &["lint", "pod"],
        2,
        "pod: there is no such file; for the cluster's add --live: kubectl sidecar lint --live pod",
    );
    refused(
        &["migrate", "deploy", "web"],
        2,
        "deploy: there is no such file; for the cluster's add --live: kubectl sidecar migrate --live deploy web",
    );
    refused(
        &["lint", "clean.yaml", "-n", "shop"],
        2,
        "clean.yaml is a file, and flags for a cluster take TYPE or TYPE/NAME; to read it as a file of that namespace: \
         kubectl sidecar lint -f clean.yaml -n shop",
    );
    refused(
        &["lint", "clean.yaml", "-A"],
        2,
        "clean.yaml is a file, and flags for a cluster take TYPE or TYPE/NAME; to read it leave them out: \
         kubectl sidecar lint clean.yaml",
    );
}

#[test]
fn a_namespace_is_that_of_files_without_one() {
    let output = run(&["lint", "-f", "job.yaml", "-n", "shop", "-o", "json"]);
    assert_eq!(output.code, Some(1), "{output}");
    let report = output.json();
    assert_eq!(report["findings"][0]["object"]["namespace"], "shop");
    assert_eq!(report["workloads"][0]["object"]["namespace"], "shop");

    let placed = CLEAN.replace("name: clean", "name: clean\n  namespace: till");
    let project = project().file("placed.yaml", placed);
    let same = project.run(&["lint", "-f", "placed.yaml", "-n", "till"]);
    assert_eq!(same.code, Some(0), "{same}");
    let other = project.run(&["lint", "-f", "placed.yaml", "-n", "shop"]);
    assert_eq!(other.code, Some(2), "{other}");
    assert_eq!(
        other.stderr,
        "error: Job clean is of namespace till, and -n says shop: leave -n out\n"
    );
}

#[test]
fn an_option_of_other_commands_is_said_to_be_theirs() {
    let output = run(&["explain", "startup-poll", "--output", "json"]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(
        output
            .stderr
            .contains("tip: --output is for `lint`, `migrate`, `trace`, `policy check` and `version`"),
        "{output}"
    );
}

#[test]
fn a_file_that_is_no_recording_is_told_in_one_line() {
    let output = run(&["trace", "--replay", "job.yaml"]);
    assert_eq!(output.code, Some(4), "{output}");
    let said: Vec<&str> = output
        .stderr
        .lines()
        .filter(|line| line.contains("job.yaml"))
        .collect();
    let [line] = said.as_slice() else {
        panic!("{output}");
    };
    assert!(
        line.starts_with("trace: job.yaml is no recording of `trace --record`"),
        "{output}"
    );
    assert!(!output.stdout.contains("GAP"), "{output}");
}

#[test]
fn the_screen_needs_a_terminal() {
    refused(
        &["trace", "--tui", "pod/a"],
        3,
        "--tui needs a terminal, and standard output is not one; without --tui the trace is printed as lines",
    );
}

/// What is written to a reader that has gone away, on both streams, is nobody's error.
#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly() {
    let project = project().file("lines.jsonl", "no recording\n".repeat(2000));
    for arguments in [
        &["trace", "--replay", "lines.jsonl"][..],
        &["lint", "job.yaml", "--verbose"],
        &["explain"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args(arguments)
            .current_dir(project.path())
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        drop(reader);
        let code = child.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 1 | 4)), "{arguments:?}: {code:?}");
    }
}

#[test]
fn a_table_in_a_pipe_breaks_no_path() {
    let deep = "a/rather/long/path/of/directories/that/no/terminal/has/room/for/beside/the/other/columns/of/the/table/job.yaml";
    let project = project().file(deep, STUCK);
    for format in ["table", "wide"] {
        let output = project.run(&["lint", "a", "-o", format]);
        assert!(output.stdout.contains(deep), "{output}");
    }
    let names = project.run(&["lint", ".", "-o", "name"]);
    assert_eq!(names.code, Some(1), "{names}");
    assert!(
        names.stdout.lines().all(|line| line.starts_with("job.batch/")),
        "{names}"
    );
}
