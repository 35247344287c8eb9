//! What a run hands out: reports, or a baseline.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use super::{LintArguments, Run, usage};
use crate::{
    cli::{
        Error, ExitStatus, complain,
        diffs::Diffs,
        output::{self, Output, Verbosity},
        proposals::{Way, proposals},
        provenance::provenance,
    },
    report::{MigrationDiffs, Report, counted},
    source::SourceFile,
    suppress::{Baseline, Suppression},
};

impl Run {
    /// Reports objects that name no namespace as those of `namespace`.
    ///
    /// # Errors
    /// An object names another one: kubectl refuses it, too.
    pub(super) fn place_in(&mut self, namespace: &str) -> Result<(), Error> {
        let of_workloads = self.workloads.iter_mut().map(|workload| &mut workload.object);
        let of_findings = self.findings.iter_mut().map(|finding| &mut finding.object);
        for object in of_workloads.chain(of_findings) {
            let own = object.namespace.get_or_insert_with(|| namespace.to_owned());
            if own != namespace {
                let (kind, name) = (&object.kind, &object.name);
                return Err(Error::Usage(format!(
                    "{kind} {name} is of namespace {own}, and -n says {namespace}: leave -n out"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn write_baseline(&self, file: &Path, quiet: bool) -> Result<ExitStatus, Error> {
        Baseline::write(file, &self.findings).map_err(usage)?;
        self.errors.iter().for_each(|error| complain(&error.to_string()));
        if !quiet {
            let count = counted(self.findings.len(), "finding");
            writeln!(io::stderr(), "{count} written to {}", file.display())?;
        }
        Ok(if self.errors.is_empty() {
            ExitStatus::Success
        } else {
            ExitStatus::Unread
        })
    }

    pub(super) fn report(
        &self,
        suppressions: &[Suppression],
        arguments: &LintArguments,
        program: &str,
    ) -> Result<(), Error> {
        let base = output::base();
        let proposals = match arguments.outputs.iter().any(Output::offers_rewrites) {
            true => proposals(&self.findings, &self.ways_of_sources(), &self.neighbours),
            false => Vec::new(),
        };
        let files = self.all_sources();
        let shows_diffs = arguments.outputs.iter().any(Output::shows_diffs);
        let diffs = shows_diffs.then(|| Diffs::new(&self.findings, &self.ways_of_sources(), &files));
        let clusters = self.contexts.as_ref().map(|_| arguments.live.connections());
        let provenance = arguments
            .outputs
            .iter()
            .any(Output::holds_provenance)
            .then(|| provenance(base.as_ref(), clusters.as_deref(), program));
        let report = Report {
            findings: &self.findings,
            workloads: &self.workloads,
            errors: &self.errors,
            notes: &self.notes,
            suppressions,
            silenced: &self.silenced,
            files: self.sources.len(),
            base: base.as_ref(),
            proposals: &proposals,
            diffs: diffs.as_ref().map(|diffs| diffs as &dyn MigrationDiffs),
            contexts: self.contexts.as_ref(),
            provenance: provenance.as_ref(),
        };
        let verbosity = match (arguments.quiet, arguments.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Usual,
        };
        output::deliver(&report, &arguments.outputs, verbosity, program)
    }

    /// The sources, each with how it is rewritten.
    fn ways_of_sources(&self) -> Vec<(&Arc<SourceFile>, &Way)> {
        let sources = self.sources.iter().zip(&self.groups);
        sources
            .filter_map(|(source, group)| Some((source, self.ways.get(*group)?)))
            .collect()
    }
}
