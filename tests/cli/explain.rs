//! `explain`, for whatever rules there are.

use kubectl_sidecar::rules::RULES;

use super::Project;

#[test]
fn alone_it_lists_every_rule_in_a_line() {
    let output = Project::new().run(&["explain"]);
    assert_eq!(output.code, Some(0));
    for rule in RULES {
        let line = output
            .stdout
            .lines()
            .find(|line| line.starts_with(&format!("{} ", rule.name)));
        let line = line.unwrap_or_else(|| panic!("{} is not listed: {output}", rule.name));
        assert!(
            line.contains(rule.family.name()) && line.ends_with(rule.summary),
            "{line}"
        );
    }
}

#[test]
fn every_rule_is_explained_in_lines_that_fit() {
    let project = Project::new();
    for rule in RULES {
        let output = project.run(&["explain", rule.name]);
        assert_eq!(output.code, Some(0), "{output}");
        for heading in [
            "What it finds",
            "Why it matters",
            "Before",
            "What migrate does with it",
            "Sources",
        ] {
            assert!(
                output.stdout.lines().any(|line| line == heading),
                "no {heading}: {output}"
            );
        }
        assert!(output.stdout.contains(rule.before.trim().lines().next().unwrap()));
        assert!(output.stdout.ends_with(&format!("{}\n", rule.url())));
        let explanation = output.stdout.split("\nBefore\n").next().unwrap();
        for line in explanation.lines().skip(1) {
            assert!(line.chars().count() <= 100, "{}: {line}", rule.name);
        }
    }
}

#[test]
fn a_slip_of_the_finger_is_answered() {
    let rule = RULES.first().expect("a rule");
    let (wrong, _) = rule.name.split_at(rule.name.len() - 1);
    let output = Project::new().run(&["explain", wrong]);
    assert_eq!(output.code, Some(2));
    assert_eq!(
        output.stderr,
        format!(
            "error: there is no rule `{wrong}`; did you mean `{}`?\n",
            rule.name
        )
    );
}
