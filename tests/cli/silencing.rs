//! Comments, annotations and baselines through the binary. What they silence is tested beside the code.

use super::{CLEAN, Project};

#[test]
fn comments_and_annotations_that_silence_nothing_are_mentioned() {
    let text = CLEAN.replace(
        "metadata:\n",
        "metadata:\n  annotations:\n    kubectl-sidecar/ignore: shutdown, wrappers\n",
    ) + "          # kubectl-sidecar: ignore[startup] waits for the vendor\n          args: [a]\n";
    let project = Project::new().file("job.yaml", text);
    let output = project.run(&["lint", "job.yaml"]);
    assert_eq!(output.code, Some(0), "{output}");
    insta::assert_snapshot!(output.stderr);
    assert_eq!(project.run(&["lint", "-q", "job.yaml"]).stderr, "");
}

#[test]
fn a_suppression_that_does_not_say_what_is_an_error() {
    let text = CLEAN.to_owned()
        + "          # kubectl-sidecar: ignore\n          args: [a]\n          # kubectl-sidecar: ignore[startpu]\n          env: []\n";
    let project = Project::new().file("job.yaml", text);
    let output = project.run(&["lint", "job.yaml"]);
    assert_eq!(output.code, Some(3), "{output}");
    insta::assert_snapshot!(output.stderr);
}

#[test]
fn a_baseline_is_written_and_read() {
    let project = Project::new().file("job.yaml", CLEAN);
    let output = project.run(&["lint", "job.yaml", "--baseline", "base.json", "--write-baseline"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(output.stderr, "0 findings written to base.json\n");
    assert_eq!(
        project.run(&["lint", "job.yaml", "--baseline", "base.json"]).code,
        Some(0)
    );
    let project = project.file("base.json", "{\"version\": 1}");
    let output = project.run(&["lint", "job.yaml", "--baseline", "base.json"]);
    assert_eq!(output.code, Some(2));
    assert_eq!(
        output.stderr,
        "error: base.json:1:14: this is no baseline: missing field `findings`; --write-baseline makes a new one\n"
    );
}
