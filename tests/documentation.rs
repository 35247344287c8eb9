//! Everything that is written from the code is as the code has it: schemas, rule pages, tables, pictures.
//!
//! `UPDATE_DOCS=1 cargo test --test documentation` writes it anew.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/formats.rs"]
mod formats;
#[path = "documentation/reference.rs"]
mod reference;

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use kubectl_sidecar::{
    cli::{Configuration, PolicyCheck},
    report::JsonReport,
    rules::{Family, RULES, RuleInfo, Severity},
};

const REGENERATE: &str = "UPDATE_DOCS=1 cargo test --test documentation";

/// What README.md and .ci/run both run.
const TEST_COMMAND: &str = "cargo fmt --check && cargo clippy --all-targets -- -D warnings && cargo test";

/// The pictures of the README, each with the command that it shows.
const PICTURES: [(&str, &str); 2] = [
    ("lint", "lint examples/deployment-with-delays.yaml"),
    (
        "migrate",
        "migrate --target native examples/cronjob-with-marker.yaml",
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a file with what it should hold, or writes it.
fn check(path: &str, expected: &str) {
    let file = root().join(path);
    let found = fs::read_to_string(&file).unwrap_or_default();
    if found == expected {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_DOCS").is_some(),
        "{path} is not what the code makes of it; run: {REGENERATE}"
    );
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, expected).unwrap();
}

fn schema<T: schemars::JsonSchema>() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(T)).unwrap() + "\n"
}

#[test]
fn the_schema_of_the_json_output() {
    check("schemas/lint.v1.json", &schema::<JsonReport<'static>>());
}

#[test]
fn the_schema_of_the_policy_check() {
    check("schemas/policy-check.v1.json", &schema::<PolicyCheck>());
}

#[test]
fn the_schema_of_the_configuration() {
    check("schemas/config.v1.json", &schema::<Configuration>());
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// All rules, family by family.
fn in_order() -> Vec<&'static RuleInfo> {
    Family::ALL
        .into_iter()
        .flat_map(|family| RULES.iter().copied().filter(move |rule| rule.family == family))
        .collect()
}

fn page(rule: &RuleInfo) -> String {
    format!(
        "<!-- Made from the rule's source by `{REGENERATE}`. -->\n\n# {}\n\n{}\n\nFamily: {}. Severity: {}.\n\n{}",
        rule.name,
        sentence(rule.summary),
        rule.family.name(),
        severity(rule.severity),
        rule.page()
    )
}

fn sentence(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

/// The table of all rules, beside their pages.
fn table() -> String {
    let mut table = "| rule | family | severity | what it finds |\n| --- | --- | --- | --- |\n".to_owned();
    for rule in in_order() {
        writeln!(
            table,
            "| [{name}]({name}.md) | {} | {} | {} |",
            rule.family.name(),
            severity(rule.severity),
            rule.summary.replace('|', "\\|"),
            name = rule.name,
        )
        .unwrap();
    }
    table
}

#[test]
fn a_page_for_each_rule_and_no_other() {
    let mut pages: BTreeMap<PathBuf, String> = RULES
        .iter()
        .map(|rule| (PathBuf::from(format!("{}.md", rule.name)), page(rule)))
        .collect();
    pages.insert(
        PathBuf::from("README.md"),
        format!(
            "<!-- Made from the rules' sources by `{REGENERATE}`. -->\n\n# Rules\n\n{}",
            table()
        ),
    );
    for (name, page) in &pages {
        check(&format!("docs/rules/{}", name.display()), page);
    }
    for entry in fs::read_dir(root().join("docs/rules")).unwrap() {
        let name = PathBuf::from(entry.unwrap().file_name());
        assert!(
            pages.contains_key(&name),
            "docs/rules/{} belongs to no rule; remove it",
            name.display()
        );
    }
}

#[test]
fn every_rule_says_what_its_page_needs() {
    for rule in RULES {
        for (field, text) in [
            ("summary", rule.summary),
            ("what", rule.what),
            ("why", rule.why),
            ("before", rule.before),
            ("migrate", rule.migrate),
        ] {
            assert!(!text.trim().is_empty(), "{} has no {field}", rule.name);
        }
        assert!(!rule.sources.is_empty(), "{} has no sources", rule.name);
        assert!(
            !rule.summary.contains('\n'),
            "the summary of {} is not one line",
            rule.name
        );
    }
}

/// The rules below their entry in the book's table of contents.
#[test]
fn the_rules_in_the_table_of_contents() {
    const ABOVE: &str = "- [Rules](rules/README.md)\n";
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let (before, rest) = summary.split_once(ABOVE).unwrap();
    let after: String = rest
        .split_inclusive('\n')
        .skip_while(|line| line.starts_with("  - "))
        .collect();
    let rules: String = in_order()
        .iter()
        .map(|rule| format!("  - [{name}](rules/{name}.md)\n", name = rule.name))
        .collect();
    check("docs/SUMMARY.md", &format!("{before}{ABOVE}{rules}{after}"));
}

#[test]
fn a_reference_of_every_command_and_option() {
    let page = reference::page(&kubectl_sidecar::cli::command());
    check(
        "docs/reference.md",
        &format!("<!-- Made from the program's arguments by `{REGENERATE}`. -->\n\n{page}"),
    );
}

/// The formats of `lint -o`, as its help describes them.
fn table_of_formats() -> String {
    let mut table = "| format | what it is |\n| --- | --- |\n".to_owned();
    for format in formats::formats() {
        writeln!(
            table,
            "| `{}` | {} |",
            format.get_name(),
            format.get_help().unwrap()
        )
        .unwrap();
    }
    table
}

#[test]
fn the_table_of_formats() {
    const START: &str = "<!-- formats -->\n";
    const END: &str = "<!-- end of formats -->";
    let file = "docs/reports.md";
    let text = fs::read_to_string(root().join(file)).unwrap();
    let (before, rest) = text.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    check(
        file,
        &format!("{before}{START}{}{END}{after}", table_of_formats()),
    );
}

#[test]
fn the_test_command_is_the_same_everywhere() {
    for file in ["README.md", ".ci/run"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(TEST_COMMAND), "{file} does not run: {TEST_COMMAND}");
    }
}

#[test]
fn the_configuration_of_its_page_is_one() {
    let page = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let configuration = page
        .split("```yaml\n")
        .filter_map(|block| block.split("```").next())
        .find(|block| block.contains("kubernetesVersion"))
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("configuration.yaml");
    fs::write(&file, configuration).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["lint", "--fail-on", "never", "examples", "--config"])
        .arg(file)
        .current_dir(root())
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn pictures_show_real_output() {
    for (name, command) in PICTURES {
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args(command.split(' '))
            .args(["--no-config", "--color", "always"])
            .current_dir(root())
            .output()
            .unwrap();
        let printed = format!(
            "$ kubectl sidecar {command}\n{}{}",
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap()
        );
        check(
            &format!("docs/images/{name}.svg"),
            &anstyle_svg::Term::new()
                .palette(anstyle_svg::WIN10_CONSOLE)
                .render_svg(&printed),
        );
    }
}
