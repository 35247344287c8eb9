//! Which rules and severities are reported.

use crate::{
    rules::{Finding, RuleInfo, Severity},
    suppress::{Choice, UnknownName},
};

/// What of the findings the user asked for.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    select: Vec<Choice>,
    ignore: Vec<Choice>,
    least: Severity,
}

impl Selection {
    /// Rules and families by name; no name in `select` selects all.
    ///
    /// # Errors
    /// A name that no rule or family has.
    pub(super) fn new(
        select: &[String],
        ignore: &[String],
        least: Severity,
        rules: &[&'static RuleInfo],
    ) -> Result<Self, UnknownName> {
        let parse = |names: &[String]| -> Result<Vec<Choice>, UnknownName> {
            names
                .iter()
                .map(|name| Choice::parse(name.trim(), rules))
                .collect()
        };
        Ok(Self {
            select: parse(select)?,
            ignore: parse(ignore)?,
            least,
        })
    }

    /// Whether the finding is to be reported. A rule that was selected by name stays where its family is
    /// ignored.
    pub(super) fn includes(&self, finding: &Finding) -> bool {
        let named = |choices: &[Choice]| {
            choices
                .iter()
                .any(|choice| matches!(choice, Choice::Rule(rule) if rule.name == finding.rule.name))
        };
        let covered = |choices: &[Choice]| choices.iter().any(|choice| choice.covers(finding.rule));
        let selected = self.select.is_empty() || covered(&self.select);
        let ignored = named(&self.ignore) || (covered(&self.ignore) && !named(&self.select));
        selected && !ignored && finding.severity >= self.least
    }
}
