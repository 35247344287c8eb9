//! A rewrite as what it changes: for editors, and for reports that others apply.

use std::{collections::HashSet, ops::Range, sync::Arc};

use super::{Migration, Options, carry_over, migrate_within};
use crate::{
    diff::{hunks, lines},
    pod::Subject,
    remedy::{Form, Plan, Surroundings},
    rules::Finding,
    source::SourceFile,
    workload::ObjectReference,
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

/// The rewrites of a source's findings, each with all that is done to its pod at the same time. `None`: there is none.
///
/// The source is rewritten once, whatever the number of findings, and what changes is shared out among its objects.
#[must_use]
pub fn propose_each(
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
    findings: &[&Finding],
) -> Vec<Option<Proposal>> {
    let chosen: HashSet<_> = findings.iter().map(|finding| subject_of(finding)).collect();
    let mut choose = |mut all: Vec<Finding>| {
        all.retain(|one| chosen.contains(&subject_of(one)));
        all
    };
    let Ok(migration) = migrate_within(source, surroundings, options, &mut choose) else {
        return vec![None; findings.len()];
    };
    let shares = Shares::of(&migration);
    let of_one = |finding: &&Finding| {
        let at = migration.plans.iter().position(|plan| treats(plan, finding))?;
        match shares.as_ref().and_then(|shares| shares.own(at)) {
            Some(replacements) => Some(Proposal {
                form: options.remedy.form,
                review: options.remedy.review,
                replacements,
            }),
            None => propose(source, surroundings, options, &[finding]),
        }
    };
    findings.iter().map(of_one).collect()
}

fn treats(plan: &Plan, finding: &Finding) -> bool {
    plan.document == finding.document
        && plan.object == finding.object
        && plan.action_on(&finding.subject).next().is_some()
}

/// What a finding is about, among all of a source.
fn subject_of(finding: &Finding) -> (usize, &ObjectReference, &Subject) {
    (finding.document, &finding.object, &finding.subject)
}

/// What changes in a source, by the plan that it belongs to.
struct Shares<'m> {
    plans: &'m [Plan],
    of_plan: Vec<Vec<Replacement>>,
}

impl<'m> Shares<'m> {
    /// Nothing where some change can't be told to be of one object.
    fn of(migration: &'m Migration) -> Option<Self> {
        let text = &*migration.source.text;
        let spans: Vec<Range<usize>> = migration
            .plans
            .iter()
            .map(|plan| whole_lines(text, &plan.span))
            .collect();
        let mut of_plan = vec![Vec::new(); spans.len()];
        for replacement in replacements(migration) {
            let holds = |span: &Range<usize>| {
                span.start <= replacement.span.start && replacement.span.end <= span.end
            };
            // Plans stand in the order of the text.
            let behind = spans.partition_point(|span| span.start <= replacement.span.start);
            let own = behind.checked_sub(1)?;
            let before = own.checked_sub(1).and_then(|before| spans.get(before));
            if !spans.get(own).is_some_and(holds) || before.is_some_and(holds) {
                return None;
            }
            of_plan.get_mut(own)?.push(replacement);
        }
        Some(Self {
            plans: &migration.plans,
            of_plan,
        })
    }

    /// What changes by a plan; nothing where other sources change with it.
    fn own(&self, plan: usize) -> Option<Vec<Replacement>> {
        let is_alone = self.plans.get(plan)?.elsewhere.is_empty();
        let own = self.of_plan.get(plan).filter(|own| is_alone && !own.is_empty())?;
        Some(own.clone())
    }
}

/// A span with the rest of its first and last line.
fn whole_lines(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.get(..span.start).and_then(|before| before.rfind('\n'));
    let last = span.end.saturating_sub(1).max(span.start);
    let end = text.get(last..).and_then(|rest| rest.find('\n'));
    start.map_or(0, |at| at + 1)..end.map_or(text.len(), |at| last + at + 1)
}

/// The rewrite of these findings in the form and of the class that the options say. `None`: there is none.
#[must_use]
pub fn propose(
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
    findings: &[&Finding],
) -> Option<Proposal> {
    let chosen: HashSet<_> = findings.iter().map(|finding| subject_of(finding)).collect();
    let mut choose = |mut all: Vec<Finding>| {
        all.retain(|one| chosen.contains(&subject_of(one)));
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
