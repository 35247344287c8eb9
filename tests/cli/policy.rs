//! `policy`: what is printed, and what is refused before any server is asked.

use super::Project;

/// What a run prints, whatever version prints it.
fn printed(arguments: &[&str]) -> String {
    let version = concat!("kubectl-sidecar/version: ", env!("CARGO_PKG_VERSION"));
    let output = Project::new().run(arguments).to_string();
    assert!(output.contains(version));
    output.replace(version, "kubectl-sidecar/version: [VERSION]")
}

#[test]
fn help_says_what_each_does() {
    let project = Project::new();
    insta::assert_snapshot!("help_policy", project.run(&["policy", "-h"]));
    for command in ["promote", "guard", "check", "install", "remove"] {
        let name = format!("help_policy_{command}");
        insta::assert_snapshot!(name, project.run(&["policy", command, "-h"]));
    }
}

#[test]
fn promotion_by_annotation_is_printed_with_its_reasons() {
    insta::assert_snapshot!("policy_promote", printed(&["policy", "promote"]));
}

#[test]
fn promotion_by_name_is_printed_with_its_reasons() {
    let arguments = [
        "policy",
        "promote",
        "--policy-name",
        "shop-sidecars",
        "--names",
        "agent,shipper",
        "--known",
        "--gate",
        "daprd=readiness,shipper=none",
        "--namespace-selector",
        "team=shop,env in (test,stage),!legacy",
        "--include-kube-system",
        "--on-conflict",
        "deny",
    ];
    insta::assert_snapshot!("policy_promote_names", printed(&arguments));
}

#[test]
fn a_guard_is_printed_with_its_reasons() {
    let arguments = [
        "policy",
        "guard",
        "--select",
        "quit-endpoint,startup-sleep",
        "--action",
        "deny",
    ];
    insta::assert_snapshot!("policy_guard", printed(&arguments));
}

#[test]
fn rules_that_no_policy_can_express_are_named() {
    let output = Project::new().run(&["policy", "guard"]);
    insta::assert_snapshot!("policy_guard_left_out", output.stderr);
    let none = Project::new().run(&["policy", "guard", "--select", "startup-sleep"]);
    assert_eq!(none.code, Some(2), "{none}");
    assert!(
        none.stderr
            .ends_with("error: none of these rules can be expressed in a policy\n"),
        "{none}"
    );
    let unknown = Project::new().run(&["policy", "guard", "--select", "quit-endpiont"]);
    assert_eq!(unknown.code, Some(2), "{unknown}");
    assert!(unknown.stderr.contains("quit-endpoint"), "{unknown}");
}

#[test]
fn mistakes_are_explained() {
    let project = Project::new();
    let output = project.run(&["policy", "check", "--diff", "-o", "json"]);
    assert_eq!(output.code, Some(2), "{output}");
    assert_eq!(output.stderr, "error: --diff is for text, not for -o json\n");
    for (arguments, says) in [
        (
            &["--names", "Not_A_Name"][..],
            "error: \"Not_A_Name\" is no name that a container can have",
        ),
        (&["--gate", "a"], "a gate is NAME=readiness or NAME=none"),
        (
            &["--gate", "a=liveness"],
            "\"liveness\" is no gate; it is readiness or none",
        ),
        (
            &["--namespace-selector", "a in b"],
            "error: \"a in b\" is no label selector such as",
        ),
    ] {
        let mut all = vec!["policy", "promote"];
        all.extend(arguments);
        let output = project.run(&all);
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains(says), "{output}");
        assert_eq!(output.stdout, "");
    }
}
