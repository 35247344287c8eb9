//! Arguments, names and exit codes.

use super::{BROKEN, CLEAN, Project, link};

#[test]
fn help_names_options_and_exit_codes() {
    let project = Project::new();
    insta::assert_snapshot!("help", project.run(&["--help"]));
    insta::assert_snapshot!("help_lint", project.run(&["lint", "-h"]));
}

#[test]
fn usage_says_what_the_user_called() {
    let project = Project::new();
    for (name, shown) in [
        ("kubectl-sidecar", "Usage: kubectl sidecar lint"),
        ("kubectl-native_sidecar", "Usage: kubectl native-sidecar lint"),
        ("sidecar-lint", "Usage: sidecar-lint lint"),
    ] {
        let program = link(&project, name);
        let output = project
            .command(&["lint", "--help"])
            .program(&program)
            .run(&project);
        assert!(output.stdout.contains(shown), "{output}");
    }
}

#[test]
fn kubectl_finds_the_plugin() {
    let project = Project::new().file("a.yaml", CLEAN);
    link(&project, "kubectl-sidecar");
    let path = std::env::var("PATH").unwrap_or_default();
    let has_kubectl = std::process::Command::new("kubectl").arg("help").output().is_ok();
    if !has_kubectl {
        crate::tell::skip("kubectl", "there is no kubectl");
        return;
    }
    let output = project
        .command(&["sidecar", "lint", "a.yaml"])
        .program("kubectl".as_ref())
        .env("PATH", format!("{}:{path}", project.path().display()))
        .run(&project);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stdout.starts_with("ok: "), "{output}");
}

#[test]
fn versions_are_printed() {
    let output = Project::new().run(&["--version"]);
    assert_eq!(output.code, Some(0));
    assert_eq!(
        output.stdout,
        concat!("kubectl-sidecar ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn a_version_says_what_it_knows() {
    let project = Project::new();
    let output = project.run(&["version", "-o", "json"]);
    assert_eq!(output.code, Some(0));
    let version = output.json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["kubernetes"]["oldest"], "1.29");
    assert_eq!(version["schemas"][0]["name"], "config");
    let text = project.run(&["version"]).stdout;
    assert!(text.starts_with("kubectl sidecar "), "{text}");
    for key in ["commit:", "Kubernetes: 1.29 to ", "schemas:", "config v1"] {
        assert!(text.contains(key), "{text}");
    }
}

#[test]
fn exit_codes_tell_what_happened() {
    let project = Project::new()
        .file("clean.yaml", CLEAN)
        .file("broken.yaml", BROKEN);
    for (arguments, code) in [
        (&["lint", "clean.yaml"][..], 0),
        (&["lint", "missing.yaml"], 2),
        (&["lint", "clean.yaml", "missing.yaml"], 2),
        (&["lint", "--kubeconfig", "missing.yaml"], 2),
        (&["lint", "--no-such-option"], 2),
        (&["lint", "broken.yaml"], 3),
        (&["lint", "broken.yaml", "clean.yaml", "--fail-on", "never"], 3),
        (&["explain"], 0),
        (&["explain", "no-such-rule"], 2),
    ] {
        let output = project.run(arguments);
        assert_eq!(output.code, Some(code), "{arguments:?}: {output}");
    }
}

#[test]
fn mistakes_are_answered_with_the_way_out() {
    let project = Project::new().file("clean.yaml", CLEAN);
    let mut answers = String::new();
    for arguments in [
        &["lint", "missing.yaml"][..],
        &["lint", "-f", "https://example.com/a.yaml"],
        &["lint", "-f", "*.json"],
        &["lint", "-k", "missing"],
        &["lint", "clean.yaml", "--select", "startpu"],
        &["lint", "clean.yaml", "--ignore", "nonsense"],
        &["lint", "clean.yaml", "--kubernetes-version", "latest"],
        &["lint", "clean.yaml", "--config", "missing.yaml"],
        &["lint", "clean.yaml", "--baseline", "missing.json"],
        &["lint", "clean.yaml", "--write-baseline"],
        &["lint", "clean.yaml", "-o", "jsn"],
        &["lnt"],
        &["explain", "xyz"],
    ] {
        let output = project.run(arguments);
        assert_eq!(output.code, Some(2), "{arguments:?}: {output}");
        assert_eq!(output.stdout, "");
        answers += &format!("$ {}\n{}\n", arguments.join(" "), output.stderr);
    }
    insta::assert_snapshot!(answers);
}

#[test]
fn one_decision_about_colour() {
    let project = Project::new()
        .file("clean.yaml", CLEAN)
        .file("broken.yaml", BROKEN);
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = project.command(&[&["lint", "clean.yaml", "broken.yaml"], arguments].concat());
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let output = command.run(&project);
        let found = (output.stdout.contains('\u{1b}'), output.stderr.contains('\u{1b}'));
        assert_eq!(found.0, found.1, "both or none: {output}");
        found.0
    };
    assert!(!colored(&[], &[]), "no terminal, no colour");
    let help = |arguments: &[&str]| project.run(&[&["lint", "--help"], arguments].concat()).stdout;
    assert!(!help(&[]).contains('\u{1b}'));
    assert!(help(&["--color", "always"]).contains('\u{1b}'));
    assert!(!help(&["--color=never"]).contains('\u{1b}'));
    assert!(colored(&["--color", "always"], &[]));
    assert!(
        colored(&["--color=always"], &[("NO_COLOR", "1")]),
        "the option decides"
    );
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["--color=never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn a_sidecar_that_nobody_has_is_a_mistake() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: load}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{name: app, image: a}, {name: logs, image: b}]\n";
    let project = Project::new().file("job.yaml", job);
    for wish in ["nobody", "elsewhere/proxy"] {
        let output = project.run(&["migrate", "--sidecar", wish, "job.yaml"]);
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains(&format!("--sidecar {wish}:")), "{output}");
        assert!(
            output.stderr.contains("there are load/app, load/logs"),
            "{output}"
        );
        assert!(output.stdout.is_empty(), "{output}");
    }
}
