//! Findings from end to end: thresholds, choosing, and everything that silences.

use super::{Output, Project, formats};

/// A Job that ends its proxy by HTTP, and waits for it.
const JOB: &str = include_str!("../../examples/job-with-proxy.yaml");

fn rules(output: &Output) -> Vec<String> {
    output
        .stdout
        .lines()
        .filter_map(|line| line.split_once('[')?.1.split_once(']'))
        .map(|(rule, _)| rule.to_owned())
        .collect()
}

fn lint(project: &Project, arguments: &[&str]) -> Output {
    project.run(&[&["lint", "job.yaml", "-o", "concise"], arguments].concat())
}

#[test]
fn thresholds_decide_about_the_exit_code() {
    let project = Project::new().file("job.yaml", JOB);
    for (arguments, code) in [
        (&[][..], 1),
        (&["--fail-on", "error"], 0),
        (&["--fail-on", "warning"], 1),
        (&["--fail-on", "info"], 1),
        (&["--fail-on", "never"], 0),
        (&["--min-severity", "error"], 0),
    ] {
        let output = lint(&project, arguments);
        assert_eq!(output.code, Some(code), "{arguments:?} {output}");
    }
    let project = project.file(".kubectl-sidecar.yaml", "failOn: error\n");
    assert_eq!(lint(&project, &[]).code, Some(0));
    assert_eq!(lint(&project, &["--fail-on", "warning"]).code, Some(1));
}

#[test]
fn rules_are_chosen_by_name_and_family() {
    let project = Project::new().file("job.yaml", JOB);
    let chosen = |arguments: &[&str]| rules(&lint(&project, arguments));
    assert_eq!(chosen(&[]), ["startup-poll", "quit-endpoint"]);
    assert_eq!(chosen(&["--select", "startup"]), ["startup-poll"]);
    assert_eq!(chosen(&["--ignore", "startup-poll"]), ["quit-endpoint"]);
    assert_eq!(
        chosen(&["--select", "startup,quit-endpoint", "--ignore", "startup"]),
        ["quit-endpoint"]
    );
    assert_eq!(
        chosen(&["--select", "quit-endpoint", "--ignore", "completion"]),
        ["quit-endpoint"]
    );
    let project = project.file(".kubectl-sidecar.yaml", "select: [startup]\n");
    let chosen = |arguments: &[&str]| rules(&lint(&project, arguments));
    assert_eq!(chosen(&[]), ["startup-poll"]);
    assert_eq!(
        chosen(&["--select", "completion"]),
        ["quit-endpoint"],
        "the command line decides"
    );
    assert_eq!(chosen(&["--ignore", "startup-poll"]), Vec::<String>::new());
}

#[test]
fn comments_silence() {
    let outside = JOB.replace(
        "args:\n            - |",
        "args:\n            # kubectl-sidecar: ignore[quit-endpoint]\n            - |",
    );
    let inside = JOB.replace("exit $code", "exit $code\n              # kubectl-sidecar: ignore[startup-poll]")
        .replace("              curl -fsS -X", "              # kubectl-sidecar: ignore[completion] the vendor wants it\n              curl -fsS -X");
    assert_ne!(inside, outside);
    let project = Project::new().file("job.yaml", outside);
    let output = lint(&project, &[]);
    assert_eq!(rules(&output), ["startup-poll"], "{output}");
    assert_eq!(output.stderr, "");
    let project = Project::new().file("job.yaml", inside);
    let output = lint(&project, &[]);
    assert_eq!(rules(&output), ["startup-poll"], "{output}");
    assert_eq!(
        output.stderr,
        "warning: job.yaml:28: unused suppression of startup-poll\n"
    );
    // What was not asked for is silenced nevertheless.
    assert_eq!(
        lint(&project, &["--select", "startup"]).stderr,
        "warning: job.yaml:28: unused suppression of startup-poll\n"
    );
}

#[test]
fn annotations_silence() {
    let annotated = |rules: &str| {
        JOB.replace(
            "    metadata:\n      labels:",
            &format!(
                "    metadata:\n      annotations:\n        kubectl-sidecar/ignore: {rules}\n      labels:"
            ),
        )
    };
    let project = Project::new().file("job.yaml", annotated("completion"));
    assert_eq!(rules(&lint(&project, &[])), ["startup-poll"]);
    let project = Project::new().file("job.yaml", annotated("completion, startup-poll"));
    let output = lint(&project, &[]);
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (Some(0), "", "")
    );
}

#[test]
fn configured_ignores_silence() {
    let project = Project::new()
        .file("job.yaml", JOB)
        .file("vendor/job.yaml", JOB)
        .file(
            ".kubectl-sidecar.yaml",
            "ignores:\n- {file: 'vendor/**'}\n- {kind: Job, name: migrate-*, container: migrate, rules: [startup]}\n",
        );
    let output = project.run(&["lint", ".", "-o", "concise"]);
    assert_eq!(rules(&output), ["quit-endpoint"], "{output}");
    assert_eq!(output.stderr, "");
}

#[test]
fn each_input_has_the_configuration_above_it() {
    let project = Project::new()
        .file("a/job.yaml", JOB)
        .file("b/job.yaml", JOB)
        .file("b/.kubectl-sidecar.yaml", "select: [startup]\nfailOn: never\n")
        .file("c/job.yaml", JOB)
        .file("c/.kubectl-sidecar.yaml", "select: [completion]\nfailOn: never\n");
    let output = project.run(&["lint", "c", "b", "-o", "concise"]);
    let places: Vec<&str> = output
        .stdout
        .lines()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert_eq!(places, ["c/job.yaml:25:15", "b/job.yaml:20:15"]);
    assert_eq!(output.code, Some(0));
    assert_eq!(project.run(&["lint", "."]).code, Some(1), "a has none");
}

#[test]
fn known_sidecars_are_added() {
    let job = JOB
        .replace("docker.io/istio/proxyv2:1.24.1", "example.com/platform/relay:1")
        .replace("name: istio-proxy", "name: audit");
    let project = Project::new().file("job.yaml", job);
    let evidence = || {
        let json = project.run(&["lint", "job.yaml", "-o", "json"]).json();
        json["workloads"][0]["containers"][1]["evidence"].to_string()
    };
    assert!(!evidence().contains("relay"), "{}", evidence());
    let configuration = project.path().join(".kubectl-sidecar.yaml");
    let sidecars = "sidecars:\n- name: relay\n  images: [example.com/platform/relay]\n";
    std::fs::write(configuration, sidecars).unwrap();
    assert!(evidence().contains("relay"), "{}", evidence());
}

#[test]
fn a_baseline_hides_what_was_there() {
    let project = Project::new().file("job.yaml", JOB);
    let output = lint(&project, &["--baseline", "base.json", "--write-baseline"]);
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (Some(0), "2 findings written to base.json\n")
    );
    let output = lint(&project, &["--baseline", "base.json"]);
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (Some(0), "", "")
    );
    // Lines move, and one more is found.
    let changed = format!("# moved\n\n{JOB}").replace(
        "exit $code",
        "curl -X POST http://127.0.0.1:15000/quitquitquit\n              exit $code",
    );
    let project = project.file("job.yaml", changed);
    let output = lint(&project, &["--baseline", "base.json"]);
    assert!(output.code == Some(1) || output.code == Some(0), "{output}");
    let project = project.file(
        "job.yaml",
        JOB.replace("curl -fsS -X POST http://localhost:15020/quitquitquit", "true"),
    );
    let output = lint(&project, &["--baseline", "base.json"]);
    assert!(
        output.stderr.starts_with(
            "warning: base.json: unused suppression of quit-endpoint (in the baseline: Job migrate-orders, container migrate in job.yaml)\n"
        ),
        "{output}"
    );
}

#[test]
fn json_has_everything() {
    let project = Project::new()
        .file("job.yaml", JOB)
        .file("broken.yaml", super::BROKEN);
    let output = project.run(&["lint", ".", "-o", "json"]);
    assert_eq!(output.code, Some(3));
    assert_eq!(output.stderr, "");
    let json = output.json();
    assert_eq!(json["version"], 1);
    assert_eq!(json["findings"].as_array().unwrap().len(), 2);
    assert_eq!(json["findings"][0]["file"], "./job.yaml");
    assert_eq!(json["workloads"][0]["containers"][1]["role"], "sidecar");
    assert_eq!(json["errors"][0]["file"], "./broken.yaml");
    for finding in json["findings"].as_array().unwrap() {
        for location in finding["locations"].as_array().unwrap() {
            let offset = |end: &str| usize::try_from(location[end]["offset"].as_u64().unwrap()).unwrap();
            assert!(JOB.get(offset("start")..offset("end")).is_some());
        }
    }
}

#[test]
fn the_same_input_gives_the_same_output() {
    let mut project = Project::new();
    for index in 0..40 {
        project = project.file(
            &format!("{index}/job.yaml"),
            JOB.replace("orders", &format!("orders-{index}")),
        );
    }
    for format in &formats() {
        let first = project.run(&["lint", ".", "-o", format]).stdout;
        assert!(!first.is_empty());
        for _ in 0..3 {
            assert!(
                project.run(&["lint", ".", "-o", format]).stdout == first,
                "{format}"
            );
        }
    }
}

#[test]
fn environment_values_stay_where_they_are() {
    let secret = "hunter2-correct-horse";
    let job = JOB.replace(
        "          command: [\"/bin/sh\", \"-c\"]",
        &format!("          env:\n            - {{name: PASSWORD, value: {secret}}}\n          command: [\"/bin/sh\", \"-c\"]"),
    );
    assert!(job.contains(secret));
    let project = Project::new().file("job.yaml", job);
    for format in &formats() {
        let output = project.run(&["lint", "job.yaml", "-o", format]);
        assert!(
            !output.stdout.contains(secret) && !output.stderr.contains(secret),
            "{output}"
        );
    }
}
