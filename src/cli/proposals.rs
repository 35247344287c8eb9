//! The rewrites that a report offers with its findings.

use std::{collections::HashMap, sync::Arc};

use rayon::prelude::*;

use crate::{
    lint,
    migrate::{Options, Proposal, propose_each},
    remedy::{Form, Holders, Surroundings},
    rules::Finding,
    source::SourceFile,
};

/// How sources with one configuration are rewritten.
pub(super) struct Way {
    pub(super) lint: lint::Options,
    /// The preferred form first.
    pub(super) forms: Vec<Form>,
}

/// The rewrites of each finding, in the order of the findings. `sources` are those of the run, each with its way;
/// `neighbours` stand beside them.
pub(super) fn proposals(
    findings: &[Finding],
    sources: &[(&Arc<SourceFile>, &Way)],
    neighbours: &[Arc<SourceFile>],
) -> Vec<Vec<Proposal>> {
    let own = sources.iter().map(|(source, _)| *source);
    let files: Vec<Arc<SourceFile>> = own.chain(neighbours).map(Arc::clone).collect();
    let holders = Holders::read(&files);
    let surroundings = Surroundings::of(&holders);
    let mut of_source: HashMap<&str, Vec<(usize, &Finding)>> = HashMap::new();
    for (at, finding) in findings.iter().enumerate() {
        if let Some(primary) = finding.primary() {
            let own = of_source.entry(&primary.source.name).or_default();
            own.push((at, finding));
        }
    }
    let found: Vec<(usize, Vec<Proposal>)> = sources
        .par_iter()
        .filter_map(|(source, way)| Some((source, way, of_source.get(source.name.as_str())?)))
        .flat_map_iter(|(source, way, own)| {
            let alone: Vec<&Finding> = own.iter().map(|(_, finding)| *finding).collect();
            let rewrites = of_findings(&alone, source, &surroundings, way);
            own.iter().map(|(at, _)| *at).zip(rewrites)
        })
        .collect();
    let mut all = vec![Vec::new(); findings.len()];
    for (at, proposals) in found {
        if let Some(own) = all.get_mut(at) {
            *own = proposals;
        }
    }
    all
}

/// One in each form for each finding: the safe one, or else the one that a person has to look at.
fn of_findings(
    findings: &[&Finding],
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    way: &Way,
) -> Vec<Vec<Proposal>> {
    let of_form = |form: Form, review: bool| {
        let options = Options::of(&way.lint, form, review);
        propose_each(source, surroundings, &options, findings)
    };
    let mut all = vec![Vec::new(); findings.len()];
    if !findings.iter().any(|finding| finding.fix.class.is_rewritten()) {
        return all;
    }
    for form in &way.forms {
        let plain = of_form(*form, false);
        let is_left = |(finding, plain): (&&Finding, &Option<Proposal>)| {
            finding.fix.class.is_rewritten() && plain.is_none()
        };
        let reviewed = match findings.iter().zip(&plain).any(is_left) {
            true => of_form(*form, true),
            false => Vec::new(),
        };
        let mut reviewed = reviewed.into_iter();
        for ((own, finding), plain) in all.iter_mut().zip(findings).zip(plain) {
            let look_at_it = reviewed.next().flatten();
            own.extend(plain.or(look_at_it).filter(|_| finding.fix.class.is_rewritten()));
        }
    }
    all
}
