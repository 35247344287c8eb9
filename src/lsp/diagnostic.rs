//! From findings to what editors underline.

use std::sync::Arc;

use gen_lsp_types::{
    Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag,
    Message, Range, Uri,
};

use super::{
    check::Failure,
    position::{Encoding, Places},
};
use crate::{
    report::printable,
    rules::{Finding, Location, Severity},
    source::{SourceError, SourceFile},
    suppress::Suppression,
};

/// Who says so.
const SOURCE: &str = "kubectl-sidecar";

/// The place of a finding in a source: the one it is about, or else the first that is there.
pub(super) fn place<'f>(finding: &'f Finding, source: &SourceFile) -> Option<&'f Location> {
    let is_own = |location: &&Location| location.source.name == source.name;
    finding
        .primary()
        .filter(is_own)
        .or_else(|| finding.locations.iter().find(is_own))
}

/// A finding as it is underlined in a source. `uri_of` tells the URI of a source by its name.
pub(super) fn of_finding(
    finding: &Finding,
    source: &Arc<SourceFile>,
    encoding: Encoding,
    uri_of: &dyn Fn(&str) -> Uri,
) -> Option<Diagnostic> {
    let own = place(finding, source)?;
    let related = finding
        .locations
        .iter()
        .filter(|location| *location != own)
        .map(|location| DiagnosticRelatedInformation {
            location: gen_lsp_types::Location {
                uri: uri_of(&location.source.name),
                range: Places::new(&location.source.text, encoding).range(&location.span),
            },
            message: printable(&location.label).into_owned(),
        });
    let message = if finding.help.is_empty() {
        finding.message.clone()
    } else {
        format!("{}\n{}", finding.message, finding.help)
    };
    Some(Diagnostic {
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
            Severity::Info => DiagnosticSeverity::Information,
        }),
        code: Some(Code::String(finding.rule.name.to_owned())),
        code_description: Some(CodeDescription {
            href: Uri(finding.rule.url()),
        }),
        related_information: Some(related.collect()),
        ..plain(Places::new(&source.text, encoding).range(&own.span), message)
    })
}

/// What could not be read. Somebody may be in the middle of a line, so it is no more than a remark.
pub(super) fn of_error(error: &SourceError, source: &SourceFile, encoding: Encoding) -> Diagnostic {
    Diagnostic {
        severity: Some(DiagnosticSeverity::Information),
        ..plain(
            line(source, error.line, encoding),
            format!("not checked as a whole: {}", error.message),
        )
    }
}

/// A suppression that silences nothing.
pub(super) fn of_unused(suppression: &Suppression, source: &SourceFile, encoding: Encoding) -> Diagnostic {
    Diagnostic {
        severity: Some(DiagnosticSeverity::Information),
        tags: Some(vec![DiagnosticTag::Unnecessary]),
        ..plain(
            line(source, suppression.line, encoding),
            format!("this suppression of {} silences nothing", suppression.rule),
        )
    }
}

/// What is wrong with a configuration, in its text.
pub(super) fn of_failure(failure: &Failure, text: &str, encoding: Encoding) -> Diagnostic {
    let bytes = crate::source::Lines::new(text).line(failure.line);
    let line = text.get(bytes.clone()).unwrap_or_default();
    let before: usize = line
        .chars()
        .take(failure.column.saturating_sub(1))
        .map(char::len_utf8)
        .sum();
    let end = bytes.start + line.trim_end().len();
    let start = (bytes.start + before).min(end);
    Diagnostic {
        severity: Some(DiagnosticSeverity::Error),
        ..plain(
            Places::new(text, encoding).range(&(start..end)),
            format!("{}; until it is mended this file has no effect", failure.message),
        )
    }
}

/// A line without the blanks around it; the first where none is named.
fn line(source: &SourceFile, line: Option<usize>, encoding: Encoding) -> Range {
    let lines = crate::source::Lines::new(&source.text);
    let bytes = lines.line(line.unwrap_or(1));
    let text = source.text.get(bytes.clone()).unwrap_or_default();
    let start = bytes.start + (text.len() - text.trim_start().len());
    let end = bytes.start + text.trim_end().len();
    Places::new(&source.text, encoding).range(&(start..end.max(start)))
}

fn plain(range: Range, message: String) -> Diagnostic {
    Diagnostic {
        range,
        severity: None,
        code: None,
        code_description: None,
        source: Some(SOURCE.to_owned()),
        message: Message::String(message.lines().map(printable).collect::<Vec<_>>().join("\n")),
        tags: None,
        related_information: None,
        data: None,
    }
}
