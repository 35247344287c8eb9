//! Charts and kustomizations of a run: their findings in the place of those of their files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{LintArguments, Run};
use crate::{
    cli::{
        Error,
        configuration::Configurations,
        trees::{Tree, Trees},
    },
    lint::Options,
    rules::{Finding, Location},
    source::{Input, Lines, SourceFile},
};

impl Run {
    /// Renders the charts and kustomizations among the inputs.
    pub(super) fn render(
        (inputs, groups): (&[Input], &[usize]),
        directories: &[PathBuf],
        arguments: &LintArguments,
        configurations: &Configurations,
    ) -> Result<Trees, Error> {
        let inputs: Vec<(Input, usize)> = inputs.iter().cloned().zip(groups.iter().copied()).collect();
        Trees::render(
            &inputs,
            directories,
            &arguments.trees,
            configurations,
            arguments.quiet,
        )
    }

    /// Lints the trees of one configuration. The files that findings stand in are sources of the run then. A chart may be
    /// rendered by itself and as a part of another one: what is found in its files is told once.
    pub(super) fn lint_trees(&mut self, group: usize, trees: &Trees, options: &Options) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for tree in trees.all.iter().filter(|tree| tree.group == group) {
            for (name, text) in tree.manifests() {
                self.source(name, text, group);
            }
            let linted = tree.lint(options, &mut |name, text| self.source(name, text, group));
            let told: BTreeSet<_> = findings.iter().map(what_and_where).collect();
            let mut new = linted.findings;
            new.retain(|finding| !told.contains(&what_and_where(finding)));
            findings.extend(new);
            self.workloads.extend(linted.workloads);
            self.rendered.extend(linted.rendered);
        }
        findings
    }

    /// The source of a name; a new one where there is none.
    fn source(&mut self, name: &str, text: &Arc<str>, group: usize) -> Arc<SourceFile> {
        if let Some(known) = self.sources.iter().find(|source| source.name == name) {
            return Arc::clone(known);
        }
        let source = Arc::new(SourceFile {
            name: name.to_owned(),
            text: Arc::clone(text),
        });
        self.of_trees.insert(name.to_owned());
        self.sources.push(Arc::clone(&source));
        self.groups.push(group);
        source
    }

    /// What was found by reading templates as text stays only where a part of it stands in what no rendering comes from,
    /// and the renderings have nothing like it in that place.
    pub(super) fn drop_rendered(&mut self, trees: &Trees, of_trees: &[Finding], findings: &mut Vec<Finding>) {
        if trees.all.is_empty() {
            return;
        }
        let mut reaches: Vec<_> = trees.all.iter().map(Tree::reach).collect();
        let mut is_rendered = |place: &Location| {
            let mut all = reaches.iter_mut();
            all.any(|reach| reach.contains(&place.source.name, line_of(place)))
        };
        let known: BTreeSet<(&str, &str, usize)> = of_trees.iter().filter_map(rule_and_place).collect();
        findings.retain(|finding| {
            let is_known = rule_and_place(finding).is_some_and(|place| known.contains(&place));
            !is_known && !finding.locations.iter().all(&mut is_rendered)
        });
        let of_tree = |name: &str| trees.all.iter().any(|tree| tree.holds(name));
        self.errors
            .retain(|error| !error.is_about_template() || !of_tree(&error.file));
        let rendered = &self.rendered;
        self.notes.retain(|note| {
            let is_part = Path::new(&note.file)
                .extension()
                .is_some_and(|suffix| suffix == "tpl");
            !note.kind.is_template() || !(rendered.contains(&note.file) || (is_part && of_tree(&note.file)))
        });
    }
}

/// The line that a place begins on, from 0.
fn line_of(place: &Location) -> usize {
    Lines::new(&place.source.text).position(place.span.start).line - 1
}

/// The rule of a finding, and the file and line that it is about.
fn rule_and_place(finding: &Finding) -> Option<(&str, &str, usize)> {
    let place = finding.primary()?;
    Some((finding.rule.name, &place.source.name, line_of(place)))
}

/// What a finding says, and the bytes that it is about.
fn what_and_where(finding: &Finding) -> (&str, &str, Option<(&str, usize)>) {
    let place = finding
        .primary()
        .map(|place| (&*place.source.name, place.span.start));
    (finding.rule.name, &finding.message, place)
}
