//! Whole texts before and after.

use std::sync::Arc;

use super::{Form, Migration, Options, migrate};
use crate::{lint, roles::Catalogue, rules::{RULES, Settings}, source::SourceFile};

pub(super) fn migrated(text: &str, form: Form, review: bool) -> Migration {
    let source = Arc::new(SourceFile {
        name: "a.yaml".into(),
        text: text.into(),
    });
    let options = Options {
        lint: lint::Options {
            settings: Settings::default(),
            catalogue: Arc::new(Catalogue::built_in().clone()),
        },
        form,
        review,
        sidecars: Vec::new(),
    };
    migrate(&source, &[], &options, &mut |findings| findings).unwrap()
}

#[test]
fn rules_before_texts_print() {
    for rule in RULES {
        for review in [false, true] {
            let migration = migrated(rule.before, Form::Native, review);
            println!("=== {} review={review} failures={:?}", rule.name, migration.failures);
            for plan in &migration.plans {
                plan.actions.iter().for_each(|action| println!("  {:?}: {}", action.class, action.what));
                plan.refusals.iter().for_each(|left| println!("  left: {} ({}) review={}", left.what, left.reason, left.review));
                plan.notes.iter().for_each(|note| println!("  note: {note}"));
            }
            if migration.is_changed() && (review || rule.name == "x") {
                println!("{}", migration.text);
            }
        }
    }
}
