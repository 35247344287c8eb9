//! The JSON contract, version 1: `schemas/lint.v1.json` is made of these types.
//!
//! Fields may be added to version 1; none is removed or changes its meaning. Lines and columns count from 1,
//! columns in characters, offsets in bytes from 0.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use crate::{
    roles::{Role, Strength},
    rules::{self, Confidence, Family, FixClass, Severity},
    source::{Position, Positions},
    workload::ObjectReference,
};

/// The version of the contract.
pub const VERSION: u32 = 1;

/// What `lint -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "kubectl sidecar lint, version 1")]
pub struct JsonReport<'a> {
    /// The version of the contract: 1.
    version: u32,
    /// What was found, in the order of the inputs.
    findings: Vec<JsonFinding<'a>>,
    /// Every workload that was looked at, in the order of the inputs.
    workloads: Vec<JsonWorkload<'a>>,
    /// What could not be read or understood. The rest was linted nevertheless.
    errors: Vec<JsonError<'a>>,
    /// What was not, or not wholly, looked at, though nothing is wrong with it.
    notes: Vec<JsonNote<'a>>,
    /// What the user silences: comments, annotations, ignores of the configuration, the baseline.
    suppressions: Vec<JsonSuppression<'a>>,
}

/// A workaround.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Finding")]
struct JsonFinding<'a> {
    /// The rule's name.
    rule: &'a str,
    /// The rule's family.
    family: Family,
    /// How much it matters.
    severity: Severity,
    /// How sure the rule is.
    confidence: Confidence,
    /// What was found, in one sentence.
    message: &'a str,
    /// What to do about it, in one sentence.
    help: &'a str,
    /// The rule's page.
    url: String,
    /// The file the object is in, as it was named; `<stdin>` for standard input; `namespace/kind/name` for an object
    /// of a cluster.
    file: &'a str,
    /// The context of the kubeconfig, where the object is a cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    /// Index of the document in the file, from 0.
    document: usize,
    /// The object.
    object: &'a ObjectReference,
    /// The container, where the finding is about one.
    container: Option<&'a str>,
    /// Where it stands. Exactly one is primary.
    locations: Vec<JsonLocation<'a>>,
    /// Whether it can be rewritten.
    fix: JsonFix<'a>,
    /// Present and true where the finding was made by text search in a source that is not YAML.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    text_level: bool,
}

/// A place that a finding points at.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Location")]
struct JsonLocation<'a> {
    /// The place the finding is about; the others are context.
    primary: bool,
    /// What stands there, in a few words.
    label: &'a str,
    /// Where it begins.
    start: JsonPosition,
    /// Where it ends: the first character that does not belong to it.
    end: JsonPosition,
    /// The file, where it is not the finding's.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Position")]
struct JsonPosition {
    /// Line, from 1.
    line: usize,
    /// Column in characters, from 1.
    column: usize,
    /// Offset in bytes, from 0.
    offset: usize,
}

impl From<Position> for JsonPosition {
    fn from(position: Position) -> Self {
        Self {
            line: position.line,
            column: position.column,
            offset: position.offset,
        }
    }
}

/// Whether a finding can be rewritten.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Fix")]
struct JsonFix<'a> {
    /// The class of the fix.
    class: FixClass,
    /// Why it is that class, in one sentence.
    reason: &'a str,
}

/// An object with pods.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Workload")]
struct JsonWorkload<'a> {
    /// The file it is in, or `namespace/kind/name` of an object of a cluster.
    file: &'a str,
    /// The context of the kubeconfig, where the object is a cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    /// Index of the document in the file, from 0.
    document: usize,
    /// The object.
    object: &'a ObjectReference,
    /// Its containers: init containers first.
    containers: Vec<JsonContainer<'a>>,
}

/// A container with its role.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Container")]
struct JsonContainer<'a> {
    /// Its name.
    name: &'a str,
    /// Its role.
    role: Role,
    /// The manifest declares it a sidecar.
    declared: bool,
    /// Why, the strongest sign first.
    evidence: Vec<JsonEvidence<'a>>,
}

/// A sign that a container is a sidecar.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Evidence")]
struct JsonEvidence<'a> {
    /// How strong it is.
    strength: Strength,
    /// The sign, in a few words.
    text: &'a str,
}

/// A source that could not be read or understood.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
struct JsonError<'a> {
    /// The file.
    file: &'a str,
    /// Line, from 1, where there is one to name.
    line: Option<usize>,
    /// Column in characters, from 1, where there is one to name.
    column: Option<usize>,
    /// What is wrong and what to do about it.
    message: &'a str,
}

/// A source that was not, or not wholly, looked at.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Note")]
struct JsonNote<'a> {
    /// The file; of `neighbours` the directory.
    file: &'a str,
    /// The line that shows why, from 1, where there is one.
    line: Option<usize>,
    /// Why: `template` (read without rendering it), `template-in-part`, `template-searched` (for known words only),
    /// `excluded`, `ignored`, `neighbours`, `dead-link`. There may be more in time.
    kind: &'a str,
    /// The same in one sentence.
    message: &'a str,
}

/// Something that silences findings.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Suppression")]
struct JsonSuppression<'a> {
    /// The file it stands in: a manifest, the configuration or the baseline.
    file: &'a str,
    /// Its line, from 1, where it is known.
    line: Option<usize>,
    /// The rule or family it silences.
    rule: &'a str,
    /// Why, where somebody said so.
    reason: Option<&'a str>,
    /// Whether it silenced anything.
    used: bool,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut positions = Positions::default();
    let report = JsonReport {
        version: VERSION,
        findings: report
            .findings
            .iter()
            .map(|finding| convert(report, finding, &mut positions))
            .collect(),
        workloads: report
            .workloads
            .iter()
            .map(|workload| JsonWorkload {
                file: &workload.source.name,
                context: context(report, &workload.source.name),
                document: workload.document,
                object: &workload.object,
                containers: workload
                    .containers
                    .iter()
                    .map(|container| JsonContainer {
                        name: &container.name,
                        role: container.role,
                        declared: container.declared,
                        evidence: container
                            .evidence
                            .iter()
                            .map(|evidence| JsonEvidence {
                                strength: evidence.strength,
                                text: &evidence.text,
                            })
                            .collect(),
                    })
                    .collect(),
            })
            .collect(),
        errors: report
            .errors
            .iter()
            .map(|error| JsonError {
                file: &error.file,
                line: error.line,
                column: error.column,
                message: &error.message,
            })
            .collect(),
        notes: report
            .notes
            .iter()
            .map(|note| JsonNote {
                file: &note.file,
                line: note.line,
                kind: note.kind.name(),
                message: &note.message,
            })
            .collect(),
        suppressions: report
            .suppressions
            .iter()
            .map(|suppression| JsonSuppression {
                file: &suppression.file,
                line: suppression.line,
                rule: &suppression.rule,
                reason: suppression.reason.as_deref(),
                used: suppression.used,
            })
            .collect(),
    };
    super::write_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn context<'a>(report: &Report<'a>, source: &str) -> Option<&'a str> {
    report.contexts?.get(source).map(String::as_str)
}

fn convert<'a>(
    report: &Report<'a>,
    finding: &'a rules::Finding,
    positions: &mut Positions<'a>,
) -> JsonFinding<'a> {
    let file = finding.primary().map_or("", |primary| &primary.source.name);
    JsonFinding {
        rule: finding.rule.name,
        family: finding.rule.family,
        severity: finding.severity,
        confidence: finding.confidence,
        message: &finding.message,
        help: &finding.help,
        url: finding.rule.url(),
        file,
        context: context(report, file),
        document: finding.document,
        object: &finding.object,
        container: finding.container.as_deref(),
        locations: finding
            .locations
            .iter()
            .map(|location| {
                let lines = positions.of(&location.source);
                JsonLocation {
                    primary: location.primary,
                    label: &location.label,
                    start: lines.position(location.span.start).into(),
                    end: lines.position(location.span.end).into(),
                    file: (location.source.name != file).then_some(location.source.name.as_str()),
                }
            })
            .collect(),
        fix: JsonFix {
            class: finding.fix.class,
            reason: &finding.fix.reason,
        },
        text_level: finding.text_level,
    }
}
