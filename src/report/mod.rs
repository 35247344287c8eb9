//! Findings into text for people and programs: one format, one file.

mod base;
mod concise;
mod excerpt;
mod fingerprint;
mod github;
mod gitlab;
mod html;
mod json;
mod json_text;
mod junit;
mod markdown;
mod markup;
mod migration;
mod name;
mod notes;
mod provenance;
mod sarif;
mod table;
mod text;

use std::{
    collections::{BTreeSet, HashMap},
    io,
    ops::Range,
};

pub use json::{JsonReport, VERSION};

pub use base::Base;
pub(crate) use base::file_uri;
pub(crate) use excerpt::{printable, visible};
pub(crate) use json_text::{write_line, write_pretty};
pub(crate) use markup::escape;
pub use migration::{MigrationDiff, MigrationDiffs, Rewritten};
pub use provenance::{ClusterName, Provenance, Revision};

use base::Place;

use crate::{
    migrate::Proposal,
    roles::WorkloadSummary,
    rules::{Finding, FixClass, Severity},
    source::{Lines, Note, Position, SourceError},
    suppress::{Silenced, Suppression},
    workload::ObjectReference,
};

/// What there is to report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Report<'a> {
    /// What was found, in order.
    pub findings: &'a [Finding],
    /// Every workload that was looked at, in order.
    pub workloads: &'a [WorkloadSummary],
    /// What could not be read.
    pub errors: &'a [SourceError],
    /// What was not, or not wholly, looked at, without a fault of the input.
    pub notes: &'a [Note],
    /// What the user has silenced, and what silences nothing.
    pub suppressions: &'a [Suppression],
    /// The findings that are silenced.
    pub silenced: &'a [Silenced],
    /// How many texts were linted.
    pub files: usize,
    /// The contexts of sources that are objects of clusters, by the sources' names; `None` where all are texts of
    /// the user's.
    pub contexts: Option<&'a HashMap<String, String>>,
    /// From where reports for others name files; as the user did without one.
    pub base: Option<&'a Base>,
    /// The rewrites of each finding, in the order of the findings; empty where nobody asked for them.
    pub proposals: &'a [Vec<Proposal>],
    /// Makes the diffs of the workloads that can be migrated; `None` where nobody asked for them.
    pub diffs: Option<&'a dyn MigrationDiffs>,
    /// When it was made, of what and how; `None` where no report says it.
    pub provenance: Option<&'a Provenance>,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Annotated source.
    Text,
    /// One line per finding.
    Concise,
    /// One row per workload.
    Table,
    /// The table with more columns, as wide as it needs to be.
    Wide,
    /// One line per workload with findings, as kubectl names objects.
    Name,
    /// The documented contract.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit XML.
    Junit,
    /// A comment on a pull or merge request.
    Markdown,
    /// One self-contained page.
    Html,
}

impl Format {
    /// Whether a report says itself what could not be read and what silences nothing.
    #[must_use]
    pub fn holds_errors(self) -> bool {
        matches!(self, Self::Json | Self::Sarif)
    }

    /// Whether a report says when it was made, of what and how: it is kept, or read elsewhere.
    #[must_use]
    pub fn holds_provenance(self) -> bool {
        matches!(self, Self::Sarif | Self::Junit | Self::Markdown | Self::Html)
    }
}

/// How a report for people looks.
#[derive(Debug, Clone)]
pub struct Appearance {
    /// With colour. `colored` must have been told the same.
    pub color: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
    /// Findings alone, without a summary.
    pub quiet: bool,
    /// What the user calls this program.
    pub program: String,
}

/// Columns where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 140;

impl Report<'_> {
    /// Where the workloads are.
    fn whereabouts(&self) -> String {
        let Some(contexts) = self.contexts else {
            return counted(self.files, "file");
        };
        let several = contexts.values().collect::<BTreeSet<_>>().len();
        if several > 1 {
            counted(several, "cluster")
        } else {
            "the cluster".to_owned()
        }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// `out` does not take it.
    pub fn write(&self, format: Format, appearance: &Appearance, out: &mut dyn io::Write) -> io::Result<()> {
        match format {
            Format::Text => text::write(self, appearance, out),
            Format::Concise => concise::write(self, out),
            Format::Table => table::write(self, appearance, out),
            Format::Wide => table::write_wide(self, appearance, out),
            Format::Name => name::write(self, out),
            Format::Json => json::write(self, out),
            Format::Sarif => sarif::write(self, out),
            Format::Github => github::write(self, out),
            Format::Gitlab => gitlab::write(self, out),
            Format::Junit => junit::write(self, out),
            Format::Html => html::write(self, out),
            Format::Markdown => markdown::write(self, &appearance.program, out),
        }
    }

    fn place(&self, source: &str) -> Place {
        base::place(source, self.base, self.contexts)
    }

    /// The place of what could not be read. A scan of clusters reads no file.
    fn place_of_error(&self, error: &SourceError) -> Place {
        match self.contexts {
            Some(_) => Place::Nowhere,
            None => self.place(&error.file),
        }
    }

    /// The context of the cluster that a source is an object of.
    fn context(&self, source: &str) -> Option<&str> {
        self.contexts?.get(source).map(String::as_str)
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    fn fixable(&self, class: FixClass) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.fix.class == class)
            .count()
    }
}

/// The name of a severity, as the contract has it.
pub(crate) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// `Deployment shop/web`
fn object_name(object: &ObjectReference) -> String {
    let kind = if object.kind.is_empty() {
        "object"
    } else {
        &object.kind
    };
    let name = match (&object.namespace, object.name.as_str()) {
        (_, "") => String::new(),
        (Some(namespace), name) => format!(" {namespace}/{name}"),
        (None, name) => format!(" {name}"),
    };
    printable(&format!("{kind}{name}")).into_owned()
}

/// `Deployment shop/web, container app`
fn subject(finding: &Finding) -> String {
    let object = object_name(&finding.object);
    match &finding.container {
        Some(container) => format!("{object}, container {}", printable(container)),
        None => object,
    }
}

/// Where a span begins and ends, without the white space at its end, which may reach into the next line.
fn ends(lines: &Lines<'_>, span: &Range<usize>) -> (Position, Position) {
    let span = excerpt::within(lines.text(), span.clone());
    (lines.position(span.start), lines.position(span.end))
}

/// Whether a workload with fixes of these classes can be migrated: the hardest decides.
fn migration(classes: &[FixClass]) -> &'static str {
    let has = |class| classes.contains(&class);
    match (
        classes.iter().any(|class| class.is_rewritten()),
        has(FixClass::Manual),
    ) {
        (true, true) => "in part, the rest by hand",
        (false, true) => "by hand",
        _ if has(FixClass::Review) => "yes, with a review",
        _ if has(FixClass::Safe) => "yes",
        _ => "nothing to do",
    }
}

/// `1 file`, `2 files`
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
