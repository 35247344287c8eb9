//! What a rule says, where one of its findings is pointed at.

use gen_lsp_types::{Contents, Hover, MarkupContent, MarkupKind, Range};

use crate::{report::printable, rules::Finding};

/// Several findings of one place, one after the other.
pub(super) fn of_findings(findings: &[&Finding], range: Range, markdown: bool) -> Option<Hover> {
    if findings.is_empty() {
        return None;
    }
    let texts: Vec<String> = findings.iter().map(|finding| text(finding)).collect();
    Some(of_text(texts.join("\n\n---\n\n"), range, markdown))
}

/// A Markdown text that reads well as it is, for clients that take no Markdown.
pub(super) fn of_text(text: String, range: Range, markdown: bool) -> Hover {
    Hover {
        contents: Contents::MarkupContent(MarkupContent {
            kind: match markdown {
                true => MarkupKind::Markdown,
                false => MarkupKind::PlainText,
            },
            value: text,
        }),
        range: Some(range),
    }
}

fn text(finding: &Finding) -> String {
    let rule = finding.rule;
    format!(
        "**{}**: {}\n\n{}\n\n{}\n\n**Why it matters**\n\n{}\n\n**What migrate does with it**\n\n{}\n\n{}",
        rule.name,
        rule.summary,
        printable(&finding.message),
        printable(&finding.help),
        rule.why.trim(),
        rule.migrate.trim(),
        rule.url()
    )
}
