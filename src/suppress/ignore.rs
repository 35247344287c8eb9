//! `ignores:` of the configuration.

use serde::{Deserialize, Serialize};

use super::Suppression;
use crate::{
    rules::{Finding, RuleInfo},
    source::{Pattern, PatternError},
};

/// Findings that are not reported: those that match every field that is given. One at least must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Ignore {
    /// A glob over the file's path, relative to the configuration's directory: `charts/**`, `*.test.yaml`.
    pub file: Option<String>,
    /// The object's kind: `Job`.
    pub kind: Option<String>,
    /// A glob over the object's name: `migrate-*`.
    pub name: Option<String>,
    /// A glob over the container's name: `istio-*`.
    pub container: Option<String>,
    /// The rules and families; all where none is given.
    pub rules: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}

impl Ignore {
    /// Whether it names nothing, and so would silence everything.
    #[must_use]
    pub fn is_boundless(&self) -> bool {
        let Self {
            file,
            kind,
            name,
            container,
            rules,
            reason: _,
        } = self;
        [file, kind, name, container].into_iter().all(Option::is_none) && rules.is_empty()
    }
}

/// An [`Ignore`] with its globs compiled.
#[derive(Debug)]
pub struct IgnoreMatcher {
    ignore: Ignore,
    file: Option<Pattern>,
    name: Option<Pattern>,
    container: Option<Pattern>,
    /// The configuration, and the line there.
    configuration: String,
    line: Option<usize>,
    /// Whether each of the rules (or all at once) silenced anything.
    used: Vec<bool>,
}

impl IgnoreMatcher {
    /// Compiles the globs of `ignore`, which stands in the file `configuration`.
    ///
    /// # Errors
    /// A glob that is malformed or too complex.
    pub fn new(ignore: Ignore, configuration: &str, line: Option<usize>) -> Result<Self, PatternError> {
        let compile = |glob: &Option<String>| -> Result<Option<Pattern>, PatternError> {
            glob.as_deref().map(|glob| Pattern::new(glob, false)).transpose()
        };
        // As in .gitignore: a pattern without a slash may match in any directory.
        let file = ignore.file.as_ref().map(|glob| {
            if glob.contains('/') {
                glob.clone()
            } else {
                format!("**/{glob}")
            }
        });
        Ok(Self {
            file: compile(&file)?,
            name: compile(&ignore.name)?,
            container: compile(&ignore.container)?,
            configuration: configuration.to_owned(),
            line,
            used: vec![false; ignore.rules.len().max(1)],
            ignore,
        })
    }

    /// Whether the finding, in a file of this path relative to the configuration, is not to be reported.
    pub fn silences(&mut self, finding: &Finding, file: &str) -> bool {
        let matches = |glob: &Option<Pattern>, text: Option<&str>| {
            glob.as_ref()
                .is_none_or(|glob| text.is_some_and(|text| glob.is_match(text)))
        };
        let within = matches(&self.file, Some(file.trim_start_matches("./")))
            && self
                .ignore
                .kind
                .as_ref()
                .is_none_or(|kind| kind.eq_ignore_ascii_case(&finding.object.kind))
            && matches(&self.name, Some(&finding.object.name))
            && matches(&self.container, finding.container.as_deref());
        if !within {
            return false;
        }
        if self.ignore.rules.is_empty() {
            self.used.fill(true);
            return true;
        }
        let mut silenced = false;
        for (rule, used) in self.ignore.rules.iter().zip(&mut self.used) {
            if rule == finding.rule.name || rule == finding.rule.family.name() {
                *used = true;
                silenced = true;
            }
        }
        silenced
    }

    /// Whether nothing is to be reported of a file of this path, not even that it could not be read.
    pub fn silences_file(&mut self, file: &str) -> bool {
        let Ignore {
            file: _,
            kind,
            name,
            container,
            rules,
            reason: _,
        } = &self.ignore;
        let is_about_files = [kind, name, container].into_iter().all(Option::is_none) && rules.is_empty();
        let silences = is_about_files
            && self
                .file
                .as_ref()
                .is_some_and(|glob| glob.is_match(file.trim_start_matches("./")));
        if silences {
            self.used.fill(true);
        }
        silences
    }

    /// The glob over files, if it has one.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.ignore.file.as_deref()
    }

    /// What silences a finding of this rule.
    #[must_use]
    pub fn suppression_of(&self, rule: &RuleInfo) -> Suppression {
        Suppression {
            file: self.configuration.clone(),
            line: self.line,
            rule: rule.name.to_owned(),
            reason: self.ignore.reason.clone(),
            used: true,
        }
    }

    /// One suppression for each of the rules.
    pub fn suppressions(&self) -> impl Iterator<Item = Suppression> {
        let all = ["*".to_owned()];
        let rules = if self.ignore.rules.is_empty() {
            all.to_vec()
        } else {
            self.ignore.rules.clone()
        };
        rules.into_iter().zip(&self.used).map(|(rule, used)| Suppression {
            file: self.configuration.clone(),
            line: self.line,
            rule,
            reason: self.ignore.reason.clone(),
            used: *used,
        })
    }
}
