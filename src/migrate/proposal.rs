//! A rewrite as what it changes: for editors, and for reports that others apply.

use std::{ops::Range, sync::Arc};

use super::{Migration, Options, carry_over, migrate_within};
use crate::remedy::{Form, Surroundings};
use crate::{
    diff::{hunks, lines},
    rules::Finding,
    source::SourceFile,
};

/// What takes the place of bytes of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The source.
    pub source: Arc<SourceFile>,
    /// The bytes that go: whole lines.
    pub span: Range<usize>,
    /// What comes.
    pub text: String,
}

/// A rewrite that somebody may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// How sidecars are declared then.
    pub form: Form,
    /// Whether a person has to look at it.
    pub review: bool,
    /// What changes, in the order of the text, a source after the other. All of it does, or nothing.
    pub replacements: Vec<Replacement>,
}

/// The rewrite of these findings in the form and of the class that the options say. `None`: there is none.
#[must_use]
pub fn propose(
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
    findings: &[&Finding],
) -> Option<Proposal> {
    let mut choose = |mut all: Vec<Finding>| {
        all.retain(|one| findings.iter().any(|chosen| is_same(one, chosen)));
        all
    };
    let migration = migrate_within(source, surroundings, options, &mut choose).ok()?;
    let mut migrations = vec![migration];
    for elsewhere in migrations
        .iter()
        .flat_map(|migration| &migration.plans)
        .flat_map(|plan| &plan.elsewhere)
        .map(|elsewhere| Arc::clone(&elsewhere.source))
        .collect::<Vec<_>>()
    {
        if !migrations.iter().any(|known| known.source.name == elsewhere.name) {
            migrations.push(Migration {
                text: elsewhere.text.to_string(),
                source: elsewhere,
                plans: Vec::new(),
                failures: Vec::new(),
            });
        }
    }
    carry_over(&mut migrations.iter_mut().collect::<Vec<_>>());
    let replacements: Vec<Replacement> = migrations.iter().flat_map(replacements).collect();
    (!replacements.is_empty()).then_some(Proposal {
        form: options.remedy.form,
        review: options.remedy.review,
        replacements,
    })
}

/// Whether two runs over one text found the same. The wished form is part of some messages.
fn is_same(one: &Finding, other: &Finding) -> bool {
    let place = |finding: &Finding| {
        finding
            .primary()
            .map(|primary| (primary.source.name.clone(), primary.span.clone()))
    };
    one.rule.name == other.rule.name
        && one.document == other.document
        && one.container == other.container
        && place(one) == place(other)
}

/// The lines that differ.
fn replacements(migration: &Migration) -> Vec<Replacement> {
    let (old, new) = (&*migration.source.text, migration.text.as_str());
    edits(old, new)
        .into_iter()
        .map(|(span, text)| Replacement {
            source: Arc::clone(&migration.source),
            span,
            text,
        })
        .collect()
}

/// The lines that differ, as bytes of the old text and what takes their place.
fn edits(old: &str, new: &str) -> Vec<(Range<usize>, String)> {
    if old == new {
        return Vec::new();
    }
    let (old_lines, new_lines) = (lines(old), lines(new));
    let length = |range: Range<usize>| -> usize {
        let lines = old_lines.get(range).unwrap_or_default();
        lines.iter().map(|line| line.len()).sum()
    };
    hunks(old, new)
        .into_iter()
        .map(|hunk| {
            let start = length(0..hunk.before.start);
            let end = start + length(hunk.before);
            let lines = new_lines.get(hunk.after).unwrap_or_default();
            (start..end, lines.concat())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn edits_make_the_new_text(old in "([ab]{0,2}(\\r)?\\n){0,9}[ab]?", new in "([abc]{0,2}\\n){0,9}[ab]?") {
            let mut text = old.clone();
            for (span, replacement) in edits(&old, &new).into_iter().rev() {
                text.replace_range(span, &replacement);
            }
            prop_assert_eq!(text, new);
        }
    }

    #[test]
    fn what_stays_is_not_touched() {
        assert_eq!(edits("a\r\nb\nc", "a\r\nx\nc"), [(3..5, "x\n".to_owned())]);
        assert_eq!(edits("same\n", "same\n"), []);
    }
}
