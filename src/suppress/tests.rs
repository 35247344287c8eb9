//! What comments, annotations, ignores and baselines silence, with findings made by hand.

use std::sync::Arc;

use super::*;
use crate::rules::{Confidence, Family, Fix, FixClass, Location, Severity};

static SLEEP: RuleInfo = rule("startup-sleep", Family::Startup);
static QUIT: RuleInfo = rule("quit-endpoint", Family::Completion);
static RULES: [&RuleInfo; 2] = [&SLEEP, &QUIT];

const fn rule(name: &'static str, family: Family) -> RuleInfo {
    RuleInfo {
        name,
        family,
        severity: Severity::Warning,
        summary: "",
        what: "",
        why: "",
        before: "",
        after: "",
        migrate: "",
        rests_on: &[],
        sources: &[],
    }
}

fn source(name: &str, text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        name: name.to_owned(),
        text: text.into(),
    })
}

fn finding(rule: &'static RuleInfo, source: &Arc<SourceFile>, words: &str) -> Finding {
    let start = source.text.find(words).unwrap();
    Finding {
        rule,
        severity: Severity::Warning,
        confidence: Confidence::High,
        message: String::new(),
        help: String::new(),
        document: 0,
        object: ObjectReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: None,
            name: "web".to_owned(),
        },
        container: Some("app".to_owned()),
        locations: vec![Location {
            source: Arc::clone(source),
            span: start..start + words.len(),
            label: String::new(),
            primary: true,
        }],
        subject: crate::pod::Subject::ByHand("".into()),
        fix: Fix {
            class: FixClass::None,
            reason: String::new(),
        },
        text_level: false,
    }
}

/// Whether a finding at `sleep 5` in this text is silenced, and how many suppressions and errors there are.
fn silenced(text: &str) -> (bool, usize, usize) {
    let source = source("a.yaml", text);
    let mut collected = InSources::collect(&[Arc::clone(&source)], &RULES);
    let left = collected.apply(vec![finding(&SLEEP, &source, "sleep 5")]);
    let used = collected
        .suppressions()
        .filter(|suppression| suppression.used)
        .count();
    assert_eq!(left.is_empty(), used > 0);
    (
        left.is_empty(),
        collected.suppressions().count(),
        collected.errors.len(),
    )
}

#[test]
fn comments_silence_their_line_or_the_next() {
    for (text, expected) in [
        (
            "args: sleep 5 # kubectl-sidecar: ignore[startup-sleep] because",
            (true, 1, 0),
        ),
        (
            "# kubectl-sidecar: ignore[startup-sleep]\nargs: sleep 5",
            (true, 1, 0),
        ),
        (
            "#kubectl-sidecar:ignore[startup]\r\nargs: sleep 5\r\n",
            (true, 1, 0),
        ),
        (
            "\u{feff}# kubectl-sidecar: ignore[startup-sleep]\nargs: sleep 5",
            (true, 1, 0),
        ),
        (
            "# kubectl-sidecar: ignore[startup-sleep]\n# and more words\nargs: sleep 5",
            (true, 1, 0),
        ),
        (
            "# kubectl-sidecar: ignore[quit-endpoint, startup-sleep]\nargs: sleep 5",
            (true, 2, 0),
        ),
        (
            "# kubectl-sidecar: ignore[quit-endpoint]\nargs: sleep 5",
            (false, 1, 0),
        ),
        (
            "# kubectl-sidecar: ignore[startup-sleep]\n\nargs: sleep 5",
            (false, 1, 0),
        ),
        (
            "a: b # kubectl-sidecar: ignore[startup-sleep]\nargs: sleep 5",
            (false, 1, 0),
        ),
        (
            "args: sleep 5\n# kubectl-sidecar: ignore[startup-sleep]\n",
            (false, 1, 0),
        ),
        ("args: sleep 5 # kubectl-sidecar: ignore", (false, 0, 1)),
        ("args: sleep 5 # kubectl-sidecar: ignore[]", (false, 0, 1)),
        (
            "args: sleep 5 # kubectl-sidecar: ignore[startup-slep]",
            (false, 0, 1),
        ),
        (
            "args: sleep 5 # see kubectl-sidecar: ignore[startup-sleep]",
            (false, 0, 0),
        ),
        ("args: sleep 5 # kubectl-sidecar: is a tool", (false, 0, 0)),
    ] {
        assert_eq!(silenced(text), expected, "{text:?}");
    }
}

#[test]
fn scalars_hold_no_comments() {
    for text in [
        "args: 'sleep 5 # kubectl-sidecar: ignore[startup-sleep]'",
        "args: \"sleep 5 # kubectl-sidecar: ignore[startup-sleep]\"",
        "args: sleep 5#kubectl-sidecar: ignore[startup-sleep]",
    ] {
        assert!(!silenced(text).0, "{text:?}");
    }
}

#[test]
fn block_scalars_are_silenced_from_outside_and_inside() {
    for (text, expected) in [
        (
            "# kubectl-sidecar: ignore[startup-sleep]\nargs: |\n  set -e\n  sleep 5\nb: 1\n",
            true,
        ),
        (
            "args: | # kubectl-sidecar: ignore[startup-sleep]\n\n  set -e\n  sleep 5\nb: 1\n",
            true,
        ),
        (
            "args:\n  # kubectl-sidecar: ignore[startup-sleep]\n  - >-\n    set -e\n    sleep 5\n",
            true,
        ),
        (
            "args: |\n  set -e\n  # kubectl-sidecar: ignore[startup-sleep]\n  sleep 5\n",
            true,
        ),
        (
            "args: |\n  set -e\n  sleep 5 # kubectl-sidecar: ignore[startup-sleep]\n",
            true,
        ),
        (
            "args: |\n  # kubectl-sidecar: ignore[startup-sleep]\n  set -e\n  sleep 5\n",
            false,
        ),
        (
            "# kubectl-sidecar: ignore[startup-sleep]\na: |\n  x\nb: |\n  sleep 5\n",
            false,
        ),
    ] {
        assert_eq!(silenced(text).0, expected, "{text:?}");
    }
}

#[test]
fn comments_work_where_the_text_is_no_yaml() {
    assert!(silenced("a: [\n# kubectl-sidecar: ignore[startup-sleep]\nargs: sleep 5\n").0);
    assert!(silenced("{{- if .x }}\n# kubectl-sidecar: ignore[startup-sleep]\nargs: sleep 5\n{{ end }}").0);
}

#[test]
fn annotations_silence_their_object() {
    let pod = |metadata: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n{metadata}spec:\n  template:\n    metadata:\n      annotations: {{x: y}}\n    args: sleep 5\n"
        )
    };
    for (text, expected) in [
        (
            pod("  annotations:\n    kubectl-sidecar/ignore: quit-endpoint, startup-sleep\n"),
            (true, 2, 0),
        ),
        (
            pod("  annotations: {kubectl-sidecar/ignore: startup}\n"),
            (true, 1, 0),
        ),
        (
            pod("").replace("x: y", "kubectl-sidecar/ignore: startup-sleep"),
            (true, 1, 0),
        ),
        (
            pod("  annotations: {kubectl-sidecar/ignore: ''}\n"),
            (false, 0, 1),
        ),
        (
            pod("  annotations: {kubectl-sidecar/ignore: all}\n"),
            (false, 0, 1),
        ),
        (
            pod("  annotations: {kubectl-sidecar/ignore: startup}\n").replace("name: web", "name: other"),
            (false, 1, 0),
        ),
        (
            pod("  labels: {kubectl-sidecar/ignore: startup}\n"),
            (false, 0, 0),
        ),
    ] {
        assert_eq!(silenced(&text), expected, "{text}");
    }
}

#[test]
fn annotations_silence_in_templates() {
    let text = "{{- if .x }}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    kubectl-sidecar/ignore: startup\nspec:\n  args: sleep 5\n{{- end }}\n";
    assert_eq!(silenced(text), (true, 1, 0));
}

#[test]
fn ignores_match_what_they_name() {
    let source = source("charts/a.yaml", "sleep 5");
    let finding = finding(&SLEEP, &source, "sleep 5");
    let text = |text: &str| Some(text.to_owned());
    for (ignore, expected) in [
        (Ignore::default(), true),
        (
            Ignore {
                file: text("charts/**"),
                ..Ignore::default()
            },
            true,
        ),
        (
            Ignore {
                file: text("*.yaml"),
                ..Ignore::default()
            },
            true,
        ),
        (
            Ignore {
                file: text("*.yml"),
                ..Ignore::default()
            },
            false,
        ),
        (
            Ignore {
                kind: text("pod"),
                name: text("w*"),
                ..Ignore::default()
            },
            true,
        ),
        (
            Ignore {
                kind: text("Pod"),
                name: text("x*"),
                ..Ignore::default()
            },
            false,
        ),
        (
            Ignore {
                container: text("app"),
                ..Ignore::default()
            },
            true,
        ),
        (
            Ignore {
                container: text("proxy"),
                ..Ignore::default()
            },
            false,
        ),
        (
            Ignore {
                rules: vec!["startup".to_owned()],
                ..Ignore::default()
            },
            true,
        ),
        (
            Ignore {
                rules: vec!["quit-endpoint".to_owned()],
                ..Ignore::default()
            },
            false,
        ),
    ] {
        let mut matcher = IgnoreMatcher::new(ignore.clone(), "c.yaml", Some(1)).unwrap();
        assert_eq!(
            matcher.silences(&finding, "charts/a.yaml"),
            expected,
            "{ignore:?}"
        );
        assert_eq!(
            matcher.suppressions().any(|suppression| suppression.used),
            expected
        );
    }
}

#[test]
fn a_baseline_survives_edits_and_counts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("baseline.json");
    let before = source("a.yaml", "sleep 5");
    let after = source("a.yaml", "# new lines\n\n\nsleep 5\n");
    Baseline::write(&path, &[finding(&SLEEP, &before, "sleep 5")]).unwrap();
    insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap());

    let mut baseline = Baseline::read(&path).unwrap();
    let found = |rule| finding(rule, &after, "sleep 5");
    let left = baseline.apply(vec![found(&SLEEP), found(&SLEEP), found(&QUIT)]);
    let left: Vec<&str> = left.iter().map(|finding| finding.rule.name).collect();
    assert_eq!(
        left,
        ["startup-sleep", "quit-endpoint"],
        "the second of its kind is new"
    );
    assert!(
        baseline
            .suppressions(&|_| true)
            .iter()
            .all(|suppression| suppression.used)
    );

    let mut baseline = Baseline::read(&path).unwrap();
    let mut elsewhere = found(&SLEEP);
    elsewhere.container = Some("other".to_owned());
    assert_eq!(baseline.apply(vec![elsewhere]).len(), 1);
    let unused: Vec<String> = baseline
        .suppressions(&|_| true)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        unused,
        [format!(
            "{}: unused suppression of startup-sleep (in the baseline: Pod web, container app in a.yaml)",
            path.display()
        )]
    );
}
