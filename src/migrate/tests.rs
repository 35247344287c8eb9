//! Whole texts before and after.

use std::{fs, path::Path, sync::Arc};

use super::{Form, Migration, Options, migrate};
use crate::{
    lint,
    roles::Catalogue,
    rules::{RULES, Settings},
    source::SourceFile,
    yaml::{Value, parse},
};

fn options(form: Form, review: bool) -> Options {
    Options {
        lint: lint::Options {
            settings: Settings::default(),
            catalogue: Arc::new(Catalogue::built_in().clone()),
        },
        form,
        review,
        converts_native: false,
        sidecars: Vec::new(),
    }
}

fn source(text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        name: "a.yaml".into(),
        text: text.into(),
    })
}

fn migrated_with(text: &str, options: &Options) -> Migration {
    migrate(&source(text), &[], options, &mut |findings| findings).unwrap()
}

fn migrated(text: &str, form: Form, review: bool) -> Migration {
    migrated_with(text, &options(form, review))
}

/// Each way to migrate a text holds what is promised for all of them.
#[track_caller]
fn assert_sound(text: &str) {
    for form in [Form::Native, Form::Lifecycle] {
        for review in [false, true] {
            let once = migrated(text, form, review);
            assert_eq!(once.failures, [], "{form:?} {review}\n{text}");
            let twice = migrated(&once.text, form, review);
            assert_eq!(twice.text, once.text, "{form:?} {review}: not the same the second time\n{text}");
        }
    }
}

#[test]
fn the_rules_texts_are_migrated_soundly() {
    for rule in RULES {
        assert_sound(rule.before);
        assert_sound(rule.after);
    }
}

#[test]
fn the_corpus_is_migrated_soundly() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    for folder in ["positive", "negative"] {
        let Ok(files) = fs::read_dir(corpus.join(folder)) else {
            println!("skipped: no corpus");
            return;
        };
        for file in files {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            if parse(&text).is_ok() {
                assert_sound(&text);
                if std::env::var("SHOW").is_ok() {
                    let migration = migrated(&text, Form::Native, true);
                    println!("=== {}", path.display());
                    for plan in &migration.plans {
                        println!("{:#?}", (&plan.actions, &plan.refusals, &plan.notes));
                    }
                    if migration.is_changed() {
                        println!("{}", similar::TextDiff::from_lines(&text, &migration.text).unified_diff());
                    }
                }
            }
        }
    }
}

#[test]
fn show_differences_to_after() {
    for rule in RULES {
        let migration = migrated(rule.before, Form::Native, true);
        let value = |text: &str| Value::of(parse(text).unwrap().root(0).unwrap()).unwrap();
        if let Some(difference) = value(rule.after).difference(&value(&migration.text)) {
            println!("{}: {difference:?}", rule.name);
        }
    }
}
