//! Migrate never panics, its check never fires, and the second time changes nothing.

#![no_main]

use std::sync::Arc;

use kubectl_sidecar::{
    lint,
    migrate::{Form, Options, migrate},
    pod::Settings,
    remedy,
    roles::Catalogue,
    source::SourceFile,
};
use libfuzzer_sys::fuzz_target;

fn source(text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        name: "fuzz.yaml".into(),
        text: text.into(),
    })
}

fuzz_target!(|text: &str| {
    for form in [Form::Native, Form::Lifecycle, Form::Annotation] {
        for review in [false, true] {
            let options = Options {
                lint: lint::Options {
                    settings: Settings::default(),
                    catalogue: Arc::new(Catalogue::built_in().clone()),
                },
                remedy: remedy::Options {
                    converts: review,
                    ..remedy::Options::of(form).reviewed(review)
                },
            };
            let Ok(once) = migrate(&source(text), &[], &options, &mut |findings| findings) else {
                return;
            };
            assert!(once.failures.is_empty(), "{:?}", once.failures);
            let twice = migrate(&source(&once.text), &[], &options, &mut |findings| findings)
                .expect("what was migrated is YAML");
            assert_eq!(twice.text, once.text);
        }
    }
});
