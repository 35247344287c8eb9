//! `.kubectl-sidecar.yaml`.

use super::{CLEAN, Project};

const WRONG: &str = "minSeverty: error\n";

#[test]
fn it_is_found_upwards_to_the_root_of_the_repository() {
    let project = Project::new()
        .file("repository/.git/HEAD", "")
        .file("repository/a/b/job.yaml", CLEAN)
        .file(".kubectl-sidecar.yaml", WRONG);
    assert_eq!(
        project.run(&["lint", "repository"]).code,
        Some(0),
        "the repository ends above"
    );
    let project = project.file("repository/.kubectl-sidecar.yaml", WRONG);
    let output = project.run(&["lint", "repository/a/b/job.yaml"]);
    assert_eq!(output.code, Some(2));
    insta::assert_snapshot!(output.stderr);
    assert_eq!(
        project
            .run(&["lint", "--no-config", "repository/a/b/job.yaml"])
            .code,
        Some(0)
    );
    let project = project.file("other.yaml", "failOn: error\n");
    assert_eq!(
        project
            .run(&["lint", "--config", "other.yaml", "repository"])
            .code,
        Some(0)
    );
}

#[test]
fn standard_input_has_the_one_of_the_current_directory() {
    let project = Project::new().file(".kubectl-sidecar.yaml", WRONG);
    let output = project.command(&["lint", "-"]).stdin(CLEAN).run(&project);
    assert_eq!(output.code, Some(2), "{output}");
}

#[test]
fn ignores_that_silence_nothing_are_mentioned() {
    let project = Project::new().file("job.yaml", CLEAN).file(
        ".kubectl-sidecar.yaml",
        "ignores:\n  - file: job.yaml\n    rules: [startup]\n    reason: not ours\n",
    );
    let output = project.run(&["lint", "job.yaml"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(
        output.stderr,
        "warning: .kubectl-sidecar.yaml:2: unused suppression of startup (not ours)\n"
    );
    let json = project.run(&["lint", "job.yaml", "-o", "json"]).json();
    assert_eq!(json["suppressions"][0]["used"], false);
    assert_eq!(json["suppressions"][0]["line"], 2);
}
