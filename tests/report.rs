//! How findings look in each format. The findings are made by hand: rules have tests of their own.

#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use kubectl_sidecar::{
    report::{Appearance, Base, Format, MigrationDiff, MigrationDiffs, Report, Rewritten},
    roles::{ContainerRole, Evidence, Role, Strength, WorkloadSummary},
    rules::{Confidence, Family, Finding, Fix, FixClass, Location, RuleInfo, Severity},
    source::{SourceError, SourceErrorKind, SourceFile},
    suppress::Suppression,
    workload::ObjectReference,
};

static QUIT: RuleInfo = RuleInfo {
    name: "quit-endpoint",
    family: Family::Completion,
    severity: Severity::Warning,
    summary: "a sidecar is told to quit over HTTP",
    what: "",
    why: "",
    before: "",
    after: "",
    migrate: "",
    rests_on: &[],
    sources: &[],
};

static POLL: RuleInfo = RuleInfo {
    name: "startup-poll",
    family: Family::Startup,
    severity: Severity::Warning,
    summary: "a container polls its sidecar",
    what: "",
    why: "",
    before: "",
    after: "",
    migrate: "",
    rests_on: &[],
    sources: &[],
};

fn source(name: &str, text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        name: name.to_owned(),
        text: text.into(),
    })
}

fn location(source: &Arc<SourceFile>, words: &str, label: &str, primary: bool) -> Location {
    let start = source.text.find(words).unwrap();
    Location {
        source: Arc::clone(source),
        span: start..start + words.len(),
        label: label.to_owned(),
        primary,
    }
}

fn job(name: &str) -> ObjectReference {
    ObjectReference {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
    }
}

fn finding(rule: &'static RuleInfo, locations: Vec<Location>) -> Finding {
    Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::High,
        message: "the app waits until its sidecar `istio-proxy` answers".to_owned(),
        help: "declare `istio-proxy` a sidecar with a startup probe, and remove the loop".to_owned(),
        document: 0,
        object: job("migrate"),
        container: Some("app".to_owned()),
        locations,
        subject: kubectl_sidecar::pod::Subject::ByHand("".into()),
        fix: Fix {
            class: FixClass::Safe,
            reason: "the loop stands alone before the app's command".to_owned(),
        },
        text_level: false,
    }
}

fn render(format: Format, findings: &[Finding], appearance: &Appearance) -> String {
    render_report(
        format,
        &Report {
            findings,
            workloads: &[],
            errors: &[],
            suppressions: &[],
            files: 1,
            ..Report::default()
        },
        appearance,
    )
}

fn render_report(format: Format, report: &Report<'_>, appearance: &Appearance) -> String {
    colored::control::set_override(false);
    let mut out = Vec::new();
    report.write(format, appearance, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain() -> Appearance {
    Appearance {
        color: false,
        width: Some(100),
        quiet: false,
        program: "kubectl sidecar".to_owned(),
    }
}

const MANIFEST: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: app
          image: example.com/app
          command: [sh, -c]
          args:
            - |
              until curl -fs localhost:15021/healthz/ready; do sleep 1; done
              ./migrate
              echo 1
              echo 2
              echo 3
              echo 4
              echo 5
              echo 6
              curl -X POST localhost:15020/quitquitquit
        - name: istio-proxy
          image: istio/proxyv2:1.24.0
";

fn two_findings() -> (Arc<SourceFile>, Vec<Finding>) {
    let file = source("deploy/job.yaml", MANIFEST);
    let poll = finding(
        &POLL,
        vec![
            location(
                &file,
                "until curl -fs localhost:15021/healthz/ready; do sleep 1; done",
                "waits for `istio-proxy`",
                true,
            ),
            location(&file, "istio-proxy", "the sidecar", false),
        ],
    );
    let quit = Finding {
        severity: Severity::Error,
        confidence: Confidence::Medium,
        message: "the app ends its sidecar `istio-proxy` by HTTP".to_owned(),
        help: "declare `istio-proxy` a sidecar, and remove the call".to_owned(),
        subject: kubectl_sidecar::pod::Subject::ByHand("".into()),
        fix: Fix {
            class: FixClass::Review,
            reason: "the exit code of the script changes".to_owned(),
        },
        ..finding(
            &QUIT,
            vec![location(
                &file,
                "curl -X POST localhost:15020/quitquitquit",
                "ends `istio-proxy`",
                true,
            )],
        )
    };
    (file, vec![poll, quit])
}

fn workload(source: &Arc<SourceFile>) -> WorkloadSummary {
    WorkloadSummary {
        source: Arc::clone(source),
        document: 0,
        object: job("migrate"),
        containers: vec![
            ContainerRole {
                name: "app".to_owned(),
                role: Role::App,
                declared: false,
                evidence: Vec::new(),
            },
            ContainerRole {
                name: "istio-proxy".to_owned(),
                role: Role::Sidecar,
                declared: false,
                evidence: vec![Evidence {
                    strength: Strength::Strong,
                    text: "image istio/proxyv2".to_owned(),
                }],
            },
        ],
    }
}

#[test]
fn text_shows_the_source() {
    let (_, findings) = two_findings();
    insta::assert_snapshot!(render(Format::Text, &findings, &plain()));
}

#[test]
fn text_in_colour_says_the_same() {
    let (_, findings) = two_findings();
    let color = Appearance {
        color: true,
        width: None,
        quiet: true,
        ..plain()
    };
    let colored = render(Format::Text, &findings, &color);
    assert!(colored.contains("\u{1b}[1m"));
    let mut plain_again = String::new();
    let mut rest = colored.as_str();
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        plain_again.push_str(before);
        rest = escape.split_once('m').unwrap().1;
    }
    plain_again.push_str(rest);
    let quiet = Appearance {
        width: None,
        quiet: true,
        ..plain()
    };
    assert_eq!(plain_again, render(Format::Text, &findings, &quiet));
}

#[test]
fn concise_is_one_line_a_finding() {
    let (_, findings) = two_findings();
    insta::assert_snapshot!(render(Format::Concise, &findings, &plain()));
}

#[test]
fn table_is_one_row_a_workload() {
    let (file, findings) = two_findings();
    let declared = WorkloadSummary {
        object: ObjectReference {
            kind: "Deployment".to_owned(),
            name: "web".to_owned(),
            ..ObjectReference::default()
        },
        containers: vec![ContainerRole {
            name: "log-shipper".to_owned(),
            role: Role::Sidecar,
            declared: true,
            evidence: Vec::new(),
        }],
        ..workload(&file)
    };
    let report = Report {
        findings: &findings,
        workloads: &[workload(&file), declared],
        errors: &[],
        suppressions: &[],
        files: 1,
        ..Report::default()
    };
    insta::assert_snapshot!(render_report(Format::Table, &report, &plain()));
}

#[test]
fn json_is_the_contract() {
    let (file, findings) = two_findings();
    let report = Report {
        findings: &findings[..1],
        workloads: &[workload(&file)],
        errors: &[SourceError::new("b.yaml", SourceErrorKind::Syntax, "not YAML").at(3, Some(7))],
        suppressions: &[Suppression {
            file: "deploy/job.yaml".to_owned(),
            line: Some(4),
            rule: "quit-endpoint".to_owned(),
            reason: Some("waits for the vendor".to_owned()),
            used: true,
        }],
        files: 2,
        ..Report::default()
    };
    insta::assert_snapshot!(render_report(Format::Json, &report, &plain()));
}

#[test]
fn nothing_found_is_said() {
    insta::assert_snapshot!(render(Format::Text, &[], &plain()));
    assert_eq!(
        render(
            Format::Text,
            &[],
            &Appearance {
                quiet: true,
                ..plain()
            }
        ),
        ""
    );
}

#[test]
fn errors_are_mentioned() {
    let report = Report {
        findings: &[],
        workloads: &[],
        errors: &[SourceError::template("b.yaml", 1)],
        suppressions: &[],
        files: 2,
        ..Report::default()
    };
    insta::assert_snapshot!(render_report(Format::Text, &report, &plain()));
}

#[test]
fn places_in_other_files_are_shown_there() {
    let (_, mut findings) = two_findings();
    findings.truncate(1);
    let scripts = source(
        "deploy/scripts.yaml",
        "kind: ConfigMap\ndata:\n  wait.sh: |\n    ./wait\n",
    );
    findings[0].locations[1] = location(&scripts, "./wait", "the script that runs", false);
    insta::assert_snapshot!("other_file_text", render(Format::Text, &findings, &plain()));
    let json: serde_json::Value = serde_json::from_str(&render(Format::Json, &findings, &plain())).unwrap();
    let locations = &json["findings"][0]["locations"];
    assert_eq!(locations[0]["file"], serde_json::Value::Null);
    assert_eq!(locations[1]["file"], "deploy/scripts.yaml");
}

#[test]
fn text_level_findings_are_marked() {
    let chart = source(
        "chart/job.yaml",
        "{{- if .Values.on }}\ncommand: [sh, -c, \"app; curl localhost:15020/quitquitquit\"]\n{{- end }}\n",
    );
    let found = Finding {
        object: ObjectReference::default(),
        container: None,
        text_level: true,
        subject: kubectl_sidecar::pod::Subject::ByHand("".into()),
        fix: Fix {
            class: FixClass::Manual,
            reason: "the file must be rendered first".to_owned(),
        },
        ..finding(
            &QUIT,
            vec![location(
                &chart,
                "curl localhost:15020/quitquitquit",
                "quits",
                true,
            )],
        )
    };
    insta::assert_snapshot!(render(Format::Text, &[found], &plain()));
}

#[test]
fn tabs_carriage_returns_and_wide_characters_keep_marks_in_place() {
    let file = source(
        "a.yaml",
        "# größe 🦀\r\ncommand: [\"sh\",\t\"-c\", \"日本; quit\"]\r\n",
    );
    let found = finding(&QUIT, vec![location(&file, "quit", "here", true)]);
    insta::assert_snapshot!(render(Format::Text, std::slice::from_ref(&found), &plain()));
    assert_eq!(
        render(Format::Concise, &[found], &plain()),
        "a.yaml:2:28: warning[quit-endpoint] the app waits until its sidecar `istio-proxy` answers\n"
    );
}

#[test]
fn a_megabyte_in_one_line_is_cut() {
    let text = format!(
        r#"{{"pad":"{}","command":"curl localhost:15020/quitquitquit","more":"{}"}}"#,
        "x".repeat(500_000),
        "y".repeat(500_000)
    );
    let file = source("one-line.json", &text);
    let found = finding(
        &QUIT,
        vec![location(
            &file,
            "curl localhost:15020/quitquitquit",
            "quits",
            true,
        )],
    );
    let rendered = render(Format::Text, &[found], &plain());
    assert!(rendered.len() < 2000, "{} bytes", rendered.len());
    insta::assert_snapshot!(rendered);
}

#[test]
fn nothing_of_a_manifest_steers_the_terminal() {
    let file = source(
        "evil\u{1b}[2J.yaml",
        "command: \u{1b}]0;title\u{7} \u{9b}31m quit \u{202e}\u{e0041}\u{2066}\u{200b}\n",
    );
    let mut found = finding(&QUIT, vec![location(&file, "quit", "label \u{1b}[31m", true)]);
    let hidden = "\u{1b}[31m\u{202e}\u{e0041}\u{2066}\u{200b}";
    found.message = format!("message {hidden}\nsecond line");
    found.help = format!("help {hidden}");
    found.container = Some(format!("name{hidden}"));
    found.object.name = format!("object{hidden}");
    found.fix.reason = format!("reason{hidden}");
    for format in [
        Format::Text,
        Format::Concise,
        Format::Table,
        Format::Json,
        Format::Sarif,
        Format::Github,
        Format::Gitlab,
        Format::Junit,
        Format::Markdown,
        Format::Html,
    ] {
        let rendered = render(format, std::slice::from_ref(&found), &plain());
        let raw: Vec<char> = rendered
            .chars()
            .filter(|character| character.is_control() && *character != '\n' || hidden.contains(*character))
            .filter(|character| !"[31m".contains(*character))
            .collect();
        // JSON has them as escapes, so that programs find what is there.
        assert!(raw.is_empty(), "{raw:?} in {rendered}");
    }
}

#[test]
fn long_blocks_are_folded() {
    let script: String = (1..=200).map(|line| format!("  step {line}\n")).collect();
    let file = source("a.yaml", &format!("args: |\n{script}end: 1\n"));
    let found = finding(&QUIT, vec![location(&file, &script, "the whole script", true)]);
    let rendered = render(Format::Text, &[found], &plain());
    assert!(rendered.lines().count() < 30, "{rendered}");
    insta::assert_snapshot!(rendered);
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

#[test]
fn whatever_the_text_and_the_places_it_is_shown() {
    let pieces = [
        "a: b",
        "é",
        "🦀",
        "\t",
        "\n",
        "\r\n",
        "\n\n\n",
        "\r",
        "\u{feff}",
        "\0",
        "\u{1b}[0m",
        "日本",
        " ",
        "\u{200d}",
        "e\u{301}",
        "\u{202e}",
    ];
    let mut numbers = Numbers(7);
    for round in 0..1500 {
        let mut text = String::new();
        for _ in 0..numbers.below(60) {
            text.push_str(pieces[numbers.below(pieces.len())]);
            if numbers.below(40) == 0 {
                text.push_str(&"é".repeat(numbers.below(1500)));
            }
        }
        let file = source("a.yaml", &text);
        let locations = (0..=numbers.below(4))
            .map(|index| {
                // Not even on character boundaries, and beyond the end.
                let start = numbers.below(text.len() + 4);
                let length = if numbers.below(2) == 0 { 5 } else { text.len() + 4 };
                Location {
                    source: Arc::clone(&file),
                    span: start..start + numbers.below(length),
                    label: if numbers.below(3) == 0 {
                        String::new()
                    } else {
                        "label".to_owned()
                    },
                    primary: index == 0,
                }
            })
            .collect();
        let found = finding(&QUIT, locations);
        let formats = [
            Format::Text,
            Format::Concise,
            Format::Json,
            Format::Github,
            Format::Gitlab,
            Format::Junit,
            Format::Markdown,
            Format::Html,
            Format::Sarif,
        ];
        // The last one describes all rules each time.
        for format in formats.into_iter().take(if round % 100 == 0 { 9 } else { 8 }) {
            let rendered = render(format, std::slice::from_ref(&found), &plain());
            assert!(rendered.contains("quit-endpoint"), "round {round}");
            assert!(!rendered.contains('\u{1b}'), "round {round}");
        }
    }
}

/// Two clusters with an object of the same name each.
fn live() -> (Vec<Finding>, Vec<WorkloadSummary>, HashMap<String, String>) {
    let (mut findings, mut workloads, mut contexts) = (Vec::new(), Vec::new(), HashMap::new());
    for context in ["production", "staging"] {
        let object = source(&format!("{context}/job/migrate"), MANIFEST);
        contexts.insert(object.name.clone(), context.to_owned());
        findings.push(finding(
            &POLL,
            vec![location(&object, "until", "waits for `istio-proxy`", true)],
        ));
        workloads.push(workload(&object));
    }
    (findings, workloads, contexts)
}

#[test]
fn objects_of_clusters_are_no_files() {
    let (findings, workloads, contexts) = live();
    let base = Base {
        current: "/repository".into(),
        root: "/repository".into(),
    };
    let errors = [SourceError::new(
        "production",
        SourceErrorKind::Unreadable,
        "jobs are forbidden",
    )];
    let report = Report {
        findings: &findings,
        workloads: &workloads,
        errors: &errors,
        files: 2,
        contexts: Some(&contexts),
        base: Some(&base),
        ..Report::default()
    };
    let sarif: serde_json::Value =
        serde_json::from_str(&render_report(Format::Sarif, &report, &plain())).unwrap();
    let notification = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(notification["locations"], serde_json::Value::Null);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let prints: Vec<&serde_json::Value> = results
        .iter()
        .map(|result| &result["partialFingerprints"])
        .collect();
    assert_ne!(prints[0], prints[1]);
    for (result, context) in results.iter().zip(["production", "staging"]) {
        let location = &result["locations"][0];
        assert_eq!(location["physicalLocation"], serde_json::Value::Null);
        assert_eq!(
            location["logicalLocations"][0]["fullyQualifiedName"],
            format!("{context}/shop/Job/migrate/app")
        );
    }
    let github = render_report(Format::Github, &report, &plain());
    assert!(!github.contains("file="), "{github}");
    assert!(
        github.contains("::Job shop/migrate, container app%0A"),
        "{github}"
    );
    let page = render_report(Format::Html, &report, &plain());
    assert!(page.contains("2 workloads in 2 clusters."), "{page}");
    for context in ["production", "staging"] {
        let heading = format!("<h3>{context} <span class=\"soft\">/</span> shop</h3>");
        assert_eq!(page.matches(&heading).count(), 1, "{page}");
    }
}

/// Counts the diffs that it makes, each of so many characters.
struct Counted(AtomicUsize, usize);

impl MigrationDiffs for Counted {
    fn of(&self, objects: &[Rewritten<'_>]) -> Vec<Option<MigrationDiff>> {
        self.0.fetch_add(objects.len(), Ordering::Relaxed);
        let diff = MigrationDiff {
            form: "a native sidecar",
            plain: format!("-{}\n", "x".repeat(self.1)),
            reviewed: String::new(),
        };
        vec![Some(diff); objects.len()]
    }
}

/// Each diff takes a migration.
#[test]
fn no_diff_is_made_that_is_not_shown() {
    let file = source("job.yaml", MANIFEST);
    let of_jobs = |count: usize| -> Vec<Finding> {
        let one = finding(&POLL, vec![location(&file, "until", "waits", true)]);
        let jobs = (0..count).map(|number| Finding {
            object: job(&format!("migrate-{number}")),
            ..one.clone()
        });
        jobs.collect()
    };
    let shown = |format, count: usize, length: usize| {
        let findings = of_jobs(count);
        let diffs = Counted(AtomicUsize::new(0), length);
        let report = Report {
            findings: &findings,
            files: 1,
            diffs: Some(&diffs),
            ..Report::default()
        };
        let text = render_report(format, &report, &plain());
        let shown = text.matches("What migrate changes").count();
        (shown, diffs.0.into_inner(), text)
    };
    // All fit, not all fit, and the findings alone fill the comment.
    assert!(matches!(shown(Format::Markdown, 40, 100), (40, 40, _)));
    let (some, made, text) = shown(Format::Markdown, 60, 1500);
    assert!((2..60).contains(&some) && made <= some + 32, "{some} of {made}");
    assert!(
        text.contains(&format!("The diffs of {} workloads more did not fit", 60 - some)),
        "{text}"
    );
    let (none, made, text) = shown(Format::Markdown, 1000, 100);
    assert!(none == 0 && made <= 10, "{none} of {made}");
    assert!(
        text.contains("The diffs of 1000 workloads more did not fit"),
        "{text}"
    );
    // A page shows 3,000 findings.
    assert!(matches!(shown(Format::Html, 2000, 100), (2000, 2000, _)));
    assert!(matches!(shown(Format::Html, 3100, 100), (3000, 3000, _)));
}

#[test]
fn code_scanning_is_told_how_sure_the_findings_of_a_rule_usually_are() {
    let options = kubectl_sidecar::lint::Options {
        settings: kubectl_sidecar::pod::Settings::default(),
        catalogue: std::sync::Arc::new(kubectl_sidecar::roles::Catalogue::built_in().clone()),
    };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut seen: std::collections::HashMap<&str, Vec<Confidence>> = std::collections::HashMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let source = Arc::new(SourceFile {
            name: path.display().to_string(),
            text: std::fs::read_to_string(&path).unwrap().into(),
        });
        for finding in kubectl_sidecar::lint::lint_source(&source, &[], &options).findings {
            seen.entry(finding.rule.name)
                .or_default()
                .push(finding.confidence);
        }
    }
    for rule in kubectl_sidecar::rules::RULES {
        let Some(seen) = seen.get_mut(rule.name) else {
            assert!(kubectl_sidecar::rules::needs_a_cluster(rule), "{}", rule.name);
            continue;
        };
        seen.sort();
        // The middle of them: half of the findings are no surer.
        let usual = seen[(seen.len() - 1) / 2];
        assert_eq!(rule.usual_confidence(), usual, "{}: {seen:?}", rule.name);
    }
}
