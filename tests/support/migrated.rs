//! What the library makes of a text.

use std::sync::Arc;

use kubectl_sidecar::{
    lint,
    migrate::{Form, Migration, Options, migrate},
    pod::Settings,
    remedy,
    roles::Catalogue,
    source::SourceFile,
};

/// A text migrated by itself, with the built-in catalogue.
pub(crate) fn migrated(text: &str, form: Form, review: bool) -> Migration {
    let source = Arc::new(SourceFile {
        name: "a.yaml".into(),
        text: text.into(),
    });
    let options = Options {
        lint: lint::Options {
            settings: Settings::default(),
            catalogue: Arc::new(Catalogue::built_in().clone()),
        },
        remedy: remedy::Options::of(form).reviewed(review),
    };
    migrate(&source, &[], &options, &mut |findings| findings).unwrap()
}
