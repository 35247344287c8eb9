//! What is said once about the tool: its rules, and what it may notify of.

use serde_json::{Value, json};

use crate::{
    rules::{Confidence, RULES, RuleInfo, Severity},
    source::SourceErrorKind,
};

/// What silences nothing, among the notifications.
pub(super) const UNUSED: &str = "unused-suppression";

/// What was not looked at, among the notifications.
pub(super) const NOT_LOOKED_AT: &str = "not-looked-at";

pub(super) fn driver() -> Value {
    let notification = |(id, text): (&str, &str)| json!({"id": id, "shortDescription": {"text": text}});
    let mut notifications: Vec<Value> = ERRORS
        .iter()
        .map(|(_, id, text)| notification((id, text)))
        .collect();
    notifications.push(notification((UNUSED, "A suppression silences nothing.")));
    notifications.push(notification((NOT_LOOKED_AT, "A source is not looked at.")));
    json!({
        "name": "kubectl-sidecar",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_REPOSITORY"),
        "rules": RULES.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
        "notifications": notifications,
    })
}

/// What is said once about a rule.
fn descriptor(rule: &RuleInfo) -> Value {
    let page = rule.page();
    json!({
        "id": rule.name,
        "name": rule.name.split('-').map(capitalized).collect::<String>(),
        "shortDescription": {"text": format!("{}.", rule.summary.trim_end_matches('.'))},
        "fullDescription": {"text": rule.what.trim()},
        // It is Markdown that reads well as it is.
        "help": {"text": page, "markdown": page},
        "helpUri": rule.url(),
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {
            "tags": ["kubernetes", "sidecar", rule.family.name()],
            // What GitHub sorts by.
            "problem.severity": match rule.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "recommendation",
            },
            "precision": confidence(rule.usual_confidence()),
        },
    })
}

pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// The notifications about sources.
pub(super) const ERRORS: [(SourceErrorKind, &str, &str); 8] = [
    (
        SourceErrorKind::Unreadable,
        "unreadable",
        "A source cannot be read.",
    ),
    (
        SourceErrorKind::NotAFile,
        "not-a-file",
        "A source is no regular file.",
    ),
    (SourceErrorKind::TooLarge, "too-large", "A source is too large."),
    (SourceErrorKind::Encoding, "encoding", "A source is not UTF-8."),
    (
        SourceErrorKind::Template,
        "template",
        "A source is a template, not YAML.",
    ),
    (SourceErrorKind::Syntax, "syntax", "A source is not YAML."),
    (
        SourceErrorKind::Rendering,
        "rendering",
        "A source cannot be rendered.",
    ),
    (
        SourceErrorKind::Suppression,
        "suppression",
        "A suppression does not say what it silences.",
    ),
];
