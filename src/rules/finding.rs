//! What a rule reports.

use std::{ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{pod::Subject, remedy::Class, rules::RuleInfo, source::SourceFile, workload::ObjectReference};

/// How much a finding matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing has to change.
    Info,
    /// A workaround that a declared sidecar replaces.
    Warning,
    /// It does not work as written, or never ends.
    Error,
}

/// How sure the rule is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Names or weak signs only.
    Low,
    /// One half of the workaround is visible.
    Medium,
    /// The text proves it.
    High,
}

/// Whether the finding can be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FixClass {
    /// Provably keeps the meaning.
    Safe,
    /// Can be rewritten, but a person must look.
    Review,
    /// Only a person can do it.
    Manual,
    /// There is nothing to change.
    None,
}

/// The fix class of a finding and why it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The class.
    pub class: FixClass,
    /// Why, in one sentence.
    pub reason: String,
}

impl FixClass {
    /// Whether migrate rewrites it, by itself or for a person to look at.
    #[must_use]
    pub fn is_rewritten(self) -> bool {
        matches!(self, Self::Safe | Self::Review)
    }
}

impl From<Class> for FixClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Safe => Self::Safe,
            Class::Review => Self::Review,
            Class::Manual => Self::Manual,
        }
    }
}

/// A place in a source that a finding points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The source the place is in.
    pub source: Arc<SourceFile>,
    /// The bytes.
    pub span: Range<usize>,
    /// What stands there, in a few words.
    pub label: String,
    /// The place the finding is about; the others are context. Exactly one is primary.
    pub primary: bool,
}

/// One workaround found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static RuleInfo,
    /// How much it matters here.
    pub severity: Severity,
    /// How sure the rule is here.
    pub confidence: Confidence,
    /// What was found, in one sentence. Never holds values of environment variables.
    pub message: String,
    /// What to do about it, in one sentence.
    pub help: String,
    /// Index of the document in its source, from 0.
    pub document: usize,
    /// The object.
    pub object: ObjectReference,
    /// The container, where the finding is about one.
    pub container: Option<String>,
    /// Where it stands, the primary place first.
    pub locations: Vec<Location>,
    /// What it is about, in its pod.
    pub subject: Subject,
    /// Whether it can be rewritten.
    pub fix: Fix,
    /// Found by text search in a source that is not YAML.
    pub text_level: bool,
}

impl Finding {
    /// The place the finding is about.
    #[must_use]
    pub fn primary(&self) -> Option<&Location> {
        self.locations
            .iter()
            .find(|location| location.primary)
            .or_else(|| self.locations.first())
    }
}
