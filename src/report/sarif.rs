//! SARIF 2.1.0, for code scanning and editors: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

mod driver;
mod invocation;

use std::{io, ops::Range, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    ClusterName, Provenance, Report,
    base::{Place, file_uri, relative_uri},
    fingerprint::Fingerprints,
    printable, subject,
};
use crate::{
    migrate::{Proposal, Replacement},
    rules::{Finding, FixClass, Location, RULES},
    source::{Lines, Positions, SourceFile},
    suppress::Silenced,
};
use driver::{confidence, driver, level};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The name of the root directory that URIs are relative to.
const ROOT: &str = "%SRCROOT%";

/// The identity that the baseline knows findings by, and a number where several have the same.
const FINGERPRINT: &str = "kubectlSidecarIdentity/v1";

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = Writer {
        report,
        positions: Positions::default(),
        fingerprints: Fingerprints::new(report),
    };
    let found = report.findings.iter().enumerate().map(|(index, finding)| {
        let proposals = report.proposals.get(index).map_or(&[][..], Vec::as_slice);
        writer.result(finding, proposals, None)
    });
    let mut results: Vec<Value> = found.collect();
    results.extend(
        report
            .silenced
            .iter()
            .map(|silenced| writer.result(&silenced.finding, &[], Some(silenced))),
    );
    let mut run = json!({
        "tool": {"driver": driver()},
        "columnKind": "utf16CodeUnits",
        "invocations": [writer.invocation()],
        "results": results,
    });
    if let (Some(base), Some(run)) = (report.base, run.as_object_mut()) {
        let root = file_uri(&base.root.to_string_lossy().replace('\\', "/"));
        let root = format!("{}/", root.trim_end_matches('/'));
        run.insert("originalUriBaseIds".to_owned(), json!({ROOT: {"uri": root}}));
    }
    if let (Some(provenance), Some(run)) = (report.provenance, run.as_object_mut()) {
        run.extend(said_of_the_run(provenance));
    }
    let log = json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]});
    super::write_pretty(&mut *out, &log)?;
    writeln!(out)
}

/// What the run was about: the commit, where SARIF has a place for it, or the clusters.
fn said_of_the_run(provenance: &Provenance) -> Map<String, Value> {
    let mut said = Map::new();
    if let Some(revision) = &provenance.revision {
        // SARIF knows no commit without the URI of its repository (3.23.3).
        match &revision.repository {
            Some(uri) if uri.contains("://") => {
                let details = json!([{"repositoryUri": uri, "revisionId": revision.commit}]);
                said.insert("versionControlProvenance".to_owned(), details);
            }
            _ => {
                said.insert("properties".to_owned(), json!({"revisionId": revision.commit}));
            }
        }
    }
    if !provenance.clusters.is_empty() {
        let cluster = |name: &ClusterName| json!({"context": name.context, "cluster": name.cluster});
        let clusters: Vec<Value> = provenance.clusters.iter().map(cluster).collect();
        said.insert("properties".to_owned(), json!({"clusters": clusters}));
    }
    said
}

struct Writer<'a> {
    report: &'a Report<'a>,
    positions: Positions<'a>,
    fingerprints: Fingerprints,
}

impl<'a> Writer<'a> {
    fn result(
        &mut self,
        finding: &'a Finding,
        proposals: &'a [Proposal],
        silenced: Option<&Silenced>,
    ) -> Value {
        let mut result = json!({
            "ruleId": finding.rule.name,
            "level": level(finding.severity),
            "message": {"text": message(finding)},
            "locations": [self.location(finding)],
            "partialFingerprints": {FINGERPRINT: self.fingerprints.of(finding)},
            "properties": {
                "confidence": confidence(finding.confidence),
                "fix": {"class": finding.fix.class, "reason": finding.fix.reason},
                "textLevel": finding.text_level,
            },
        });
        let Some(fields) = result.as_object_mut() else {
            return result;
        };
        if let Some(index) = RULES.iter().position(|rule| rule.name == finding.rule.name) {
            fields.insert("ruleIndex".to_owned(), json!(index));
        }
        let related = self.related(finding);
        if !related.is_empty() {
            fields.insert("relatedLocations".to_owned(), Value::from(related));
        }
        let fixes: Vec<Value> = proposals
            .iter()
            .filter_map(|proposal| self.fix(finding, proposal))
            .collect();
        if !fixes.is_empty() {
            fields.insert("fixes".to_owned(), Value::from(fixes));
        }
        if let Some(silenced) = silenced {
            fields.insert("suppressions".to_owned(), json!([self.suppression(silenced)]));
        }
        result
    }

    fn location(&mut self, finding: &'a Finding) -> Value {
        let mut location = Map::new();
        if let Some(primary) = finding.primary() {
            if let Some(physical) = self.physical(&primary.source, &primary.span) {
                location.insert("physicalLocation".to_owned(), physical);
            }
            if !primary.label.is_empty() {
                location.insert("message".to_owned(), json!({"text": plain(&primary.label)}));
            }
        }
        if !finding.object.kind.is_empty() || !finding.object.name.is_empty() {
            location.insert("logicalLocations".to_owned(), json!([self.logical(finding)]));
        }
        Value::Object(location)
    }

    /// The object and container, as `shop/Deployment/web/app`, below the context where they are in a cluster.
    fn logical(&self, finding: &Finding) -> Value {
        let object = &finding.object;
        let context = finding
            .primary()
            .and_then(|primary| self.report.context(&primary.source.name));
        let parts = [
            context,
            object.namespace.as_deref(),
            Some(object.kind.as_str()),
            Some(object.name.as_str()),
            finding.container.as_deref(),
        ];
        let parts: Vec<&str> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        let name = finding.container.as_deref().unwrap_or(&object.name);
        json!({"name": name, "fullyQualifiedName": parts.join("/"), "kind": "resource"})
    }

    fn related(&mut self, finding: &'a Finding) -> Vec<Value> {
        let primary = finding.primary();
        let others: Vec<&Location> = finding
            .locations
            .iter()
            .filter(|location| primary.is_none_or(|primary| !std::ptr::eq(primary, *location)))
            .collect();
        let mut related = Vec::new();
        for location in others {
            if let Some(physical) = self.physical(&location.source, &location.span) {
                related.push(json!({
                    "id": related.len() + 1,
                    "physicalLocation": physical,
                    "message": {"text": plain(&location.label)},
                }));
            }
        }
        related
    }

    /// `None`: the source is no file that anybody could open.
    fn physical(&mut self, source: &'a Arc<SourceFile>, span: &Range<usize>) -> Option<Value> {
        let artifact = self.artifact(&self.report.place(&source.name))?;
        let lines = self.positions.of(source);
        let span = super::excerpt::within(lines.text(), span.clone());
        Some(json!({"artifactLocation": artifact, "region": region(lines, &span)}))
    }

    fn artifact(&self, place: &Place) -> Option<Value> {
        match place {
            Place::Within(path) if self.report.base.is_some() => {
                Some(json!({"uri": relative_uri(path), "uriBaseId": ROOT}))
            }
            Place::Within(path) if path.starts_with('/') => Some(json!({"uri": file_uri(path)})),
            Place::Within(path) => Some(json!({"uri": relative_uri(path)})),
            Place::Outside(path) => Some(json!({"uri": file_uri(path)})),
            Place::Nowhere => None,
        }
    }

    /// `None`: it would change what is no file.
    fn fix(&mut self, finding: &Finding, proposal: &'a Proposal) -> Option<Value> {
        let mut changes = Vec::new();
        for replacements in proposal
            .replacements
            .chunk_by(|one, next| Arc::ptr_eq(&one.source, &next.source))
        {
            changes.push(self.change(replacements)?);
        }
        let look = match proposal.review {
            true => "; look at it before you take it",
            false => "",
        };
        let description = format!(
            "Replace {} by {}{look}.",
            finding.rule.name,
            proposal.form.offer()
        );
        Some(json!({"description": {"text": description}, "artifactChanges": changes}))
    }

    fn change(&mut self, replacements: &'a [Replacement]) -> Option<Value> {
        let source = &replacements.first()?.source;
        let artifact = self.artifact(&self.report.place(&source.name))?;
        let lines = self.positions.of(source);
        let replacements: Vec<Value> = replacements
            .iter()
            .map(|replacement| {
                let mut change = json!({"deletedRegion": region(lines, &replacement.span)});
                if let (false, Some(change)) = (replacement.text.is_empty(), change.as_object_mut()) {
                    change.insert("insertedContent".to_owned(), json!({"text": replacement.text}));
                }
                change
            })
            .collect();
        Some(json!({"artifactLocation": artifact, "replacements": replacements}))
    }

    fn suppression(&self, silenced: &Silenced) -> Value {
        let mut suppression = json!({
            "kind": if silenced.in_source { "inSource" } else { "external" },
            "status": "accepted",
        });
        if let Some(fields) = suppression.as_object_mut() {
            if let Some(reason) = &silenced.by.reason {
                fields.insert("justification".to_owned(), json!(reason));
            }
            if let Some(location) = self.line(&self.report.place(&silenced.by.file), silenced.by.line) {
                fields.insert("location".to_owned(), location);
            }
        }
        suppression
    }

    /// A line of a file, or the whole of it.
    fn line(&self, place: &Place, line: Option<usize>) -> Option<Value> {
        let mut physical = json!({"artifactLocation": self.artifact(place)?});
        if let (Some(line), Some(physical)) = (line, physical.as_object_mut()) {
            physical.insert("region".to_owned(), json!({"startLine": line}));
        }
        Some(json!({"physicalLocation": physical}))
    }
}

fn region(lines: &Lines<'_>, span: &Range<usize>) -> Value {
    let (start, end) = (lines.position(span.start), lines.position(span.end));
    json!({
        "startLine": start.line,
        "startColumn": lines.utf16_column(span.start),
        "endLine": end.line,
        "endColumn": lines.utf16_column(span.end),
    })
}

/// What was found where, and what to do about it.
fn message(finding: &Finding) -> String {
    let fix = match finding.fix.class {
        FixClass::Safe => " It can be rewritten safely.",
        FixClass::Review => " It can be rewritten, with a review.",
        FixClass::Manual => " It must be changed by hand.",
        FixClass::None => "",
    };
    let help = match finding.help.as_str() {
        "" => String::new(),
        help => format!(" To do: {help}."),
    };
    plain(&format!("{}: {}.{help}{fix}", subject(finding), finding.message))
}

/// A message is plain text but for links, `[text](target)`.
fn plain(text: &str) -> String {
    let text = printable(text);
    if text.contains("](") {
        text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
    } else {
        text.into_owned()
    }
}
