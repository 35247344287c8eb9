//! Any text is linted without a panic; every finding has one primary place, and all places are in the text.
#![no_main]

use std::sync::{Arc, LazyLock};

use kubectl_sidecar::{
    lint::{Options, lint_source},
    roles::Catalogue,
    pod::Settings,
    source::SourceFile,
};
use libfuzzer_sys::fuzz_target;

static OPTIONS: LazyLock<Options> = LazyLock::new(|| Options {
    settings: Settings::default(),
    catalogue: Arc::new(Catalogue::built_in().clone()),
});

fuzz_target!(|text: &str| {
    let source = Arc::new(SourceFile {
        name: "fuzz.yaml".to_owned(),
        text: text.into(),
    });
    let outcome = lint_source(&source, &[], &OPTIONS);
    for finding in &outcome.findings {
        let primaries = finding.locations.iter().filter(|location| location.primary).count();
        assert_eq!(primaries, 1, "{}: {}", finding.rule.name, finding.message);
        for location in &finding.locations {
            assert!(Arc::ptr_eq(&location.source, &source), "{}", finding.rule.name);
            let span = location.span.clone();
            assert!(text.get(span.clone()).is_some(), "{}: {span:?}", finding.rule.name);
        }
    }
    for error in &outcome.errors {
        assert!(!error.message.contains('\n'), "{error}");
    }
});
