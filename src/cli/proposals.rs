//! The rewrites that a report offers with its findings.

use std::{collections::HashMap, sync::Arc};

use rayon::prelude::*;

use crate::{
    lint,
    migrate::{Options, Proposal, propose},
    pod::Settings,
    remedy,
    remedy::{Form, Holders, Surroundings},
    rules::{Finding, FixClass},
    source::SourceFile,
};

/// How sources with one configuration are rewritten.
pub(super) struct Way {
    pub(super) lint: lint::Options,
    /// The preferred form first.
    pub(super) forms: Vec<Form>,
}

/// Each finding of a source has it read anew. With more bytes to read than this, none of them has a rewrite: who
/// wants to rewrite so much uses `migrate`.
const MOST_WORK: usize = 16 << 20;

/// The rewrites of each finding, in the order of the findings. `sources` are those of the run, each with its way.
pub(super) fn proposals(findings: &[Finding], sources: &[(&Arc<SourceFile>, &Way)]) -> Vec<Vec<Proposal>> {
    let files: Vec<Arc<SourceFile>> = sources.iter().map(|(source, _)| Arc::clone(source)).collect();
    let holders = Holders::read(&files);
    let surroundings = Surroundings::of(&holders);
    let mut work: HashMap<&str, usize> = HashMap::new();
    for primary in findings.iter().filter_map(Finding::primary) {
        *work.entry(&primary.source.name).or_default() += primary.source.text.len();
    }
    let ways: HashMap<&str, &Way> = sources
        .iter()
        .filter(|(source, _)| {
            let work = work.get(source.name.as_str()).copied();
            work.is_some_and(|work| work <= MOST_WORK)
        })
        .map(|(source, way)| (source.name.as_str(), *way))
        .collect();
    let of_one = |finding: &Finding| {
        let source = &finding.primary()?.source;
        let way = ways.get(source.name.as_str())?;
        Some(of_finding(finding, source, &surroundings, way))
    };
    findings
        .par_iter()
        .map(|finding| of_one(finding).unwrap_or_default())
        .collect()
}

/// One in each form: the safe one, or else the one that a person has to look at.
fn of_finding(
    finding: &Finding,
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    way: &Way,
) -> Vec<Proposal> {
    if !matches!(finding.fix.class, FixClass::Safe | FixClass::Review) {
        return Vec::new();
    }
    let of_form = |form: &Form, review: bool| {
        let options = Options {
            lint: lint::Options {
                settings: Settings {
                    target: Some((*form).into()),
                    ..way.lint.settings
                },
                catalogue: Arc::clone(&way.lint.catalogue),
            },
            remedy: remedy::Options::of(*form).reviewed(review),
        };
        propose(source, surroundings, &options, &[finding])
    };
    let forms = way.forms.iter();
    forms
        .filter_map(|form| of_form(form, false).or_else(|| of_form(form, true)))
        .collect()
}
