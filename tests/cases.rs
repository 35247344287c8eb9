//! Manifests of every family, and look-alikes: what is found above `info`, and on which line.
//!
//! The first line of each file in `tests/cases` says it: `# finds: rule@line, …` or `# finds: nothing`.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use kubectl_sidecar::{
    lint::{Options, lint_source},
    pod::Settings,
    roles::Catalogue,
    rules::{RULES, Severity, needs_a_cluster},
    source::SourceFile,
};

#[test]
fn every_case_is_found_where_it_stands() {
    let options = Options {
        settings: Settings::default(),
        catalogue: Arc::new(Catalogue::built_in().clone()),
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut rules = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in fs::read_dir(folder).expect("the cases") {
        let path = file.expect("a case").path();
        let text = fs::read_to_string(&path).expect("its text");
        let expected: BTreeSet<String> = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# finds: "))
            .unwrap_or_else(|| panic!("{} does not say what it finds", path.display()))
            .split(", ")
            .filter(|finding| *finding != "nothing")
            .map(str::to_owned)
            .collect();
        let source = Arc::new(SourceFile {
            name: path.display().to_string(),
            text: text.into(),
        });
        let outcome = lint_source(&source, &[], &options);
        assert!(
            outcome.errors.is_empty(),
            "{}: {:?}",
            path.display(),
            outcome.errors
        );
        let found: BTreeSet<String> = outcome
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Info)
            .inspect(|finding| {
                let is_placed = finding.locations.iter().any(|location| location.primary);
                assert!(
                    is_placed,
                    "{}: {} has no primary place",
                    path.display(),
                    finding.rule.name
                );
            })
            .map(|finding| {
                let start = finding.primary().expect("a place").span.start;
                let line = source.text[..start].matches('\n').count() + 1;
                format!("{}@{line}", finding.rule.name)
            })
            .collect();
        rules.extend(outcome.findings.iter().map(|finding| finding.rule.name));
        if found != expected {
            wrong.push(format!(
                "{}: found {found:?}, expected {expected:?}",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let missing: Vec<_> = RULES
        .iter()
        .filter(|rule| !needs_a_cluster(rule))
        .map(|rule| rule.name)
        .filter(|name| !rules.contains(name))
        .collect();
    assert!(missing.is_empty(), "no case finds {missing:?}");
}
