//! Rules and families by name.

use std::fmt;

use crate::rules::{Family, RuleInfo};

/// A rule, or all rules of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// One rule.
    Rule(&'static RuleInfo),
    /// A family.
    Family(Family),
}

impl Choice {
    /// The rule or family of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(name: &str, rules: &[&'static RuleInfo]) -> Result<Self, UnknownName> {
        let family = Family::ALL.into_iter().find(|family| family.name() == name);
        let rule = rules.iter().find(|rule| rule.name == name);
        match (rule, family) {
            (Some(rule), _) => Ok(Self::Rule(rule)),
            (None, Some(family)) => Ok(Self::Family(family)),
            (None, None) => {
                let names = rules
                    .iter()
                    .map(|rule| rule.name)
                    .chain(Family::ALL.into_iter().map(Family::name));
                Err(UnknownName {
                    name: name.to_owned(),
                    meant: suggestion(name, names).map(str::to_owned),
                })
            }
        }
    }

    /// Whether the rule is meant.
    #[must_use]
    pub fn covers(&self, rule: &RuleInfo) -> bool {
        match self {
            Self::Rule(own) => own.name == rule.name,
            Self::Family(family) => *family == rule.family,
        }
    }

    /// The name, as it was written.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.name,
            Self::Family(family) => family.name(),
        }
    }
}

/// No rule or family has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct UnknownName {
    name: String,
    meant: Option<String>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "there is no rule or family `{}`",
            self.name.escape_debug()
        )?;
        match &self.meant {
            Some(meant) => write!(formatter, "; did you mean `{meant}`?"),
            None => Ok(()),
        }
    }
}

/// The one of `names` that was probably meant by `written`.
#[must_use]
pub fn suggestion<'n>(written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // As clap does it: near enough to be a slip of the finger.
    const NEAR: f64 = 0.7;
    // The letters of a short word stand in any long one.
    let is_as_long = |name: &str| 2 * written.len() >= name.len() || name.contains(written);
    names
        .into_iter()
        .map(|name| (strsim::jaro(written, name), name))
        .filter(|(likeness, name)| *likeness > NEAR && is_as_long(name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let names = ["startup-sleep", "startup-poll", "quit-endpoint"];
        assert_eq!(suggestion("startup-slep", names), Some("startup-sleep"));
        assert_eq!(suggestion("quitendpoint", names), Some("quit-endpoint"));
        assert_eq!(suggestion("quit", names), Some("quit-endpoint"));
        assert_eq!(suggestion("xyz", names), None);
        assert_eq!(suggestion("foo", ["leftover-workaround"]), None);
    }

    #[test]
    fn families_are_choices_too() {
        assert_eq!(Choice::parse("startup", &[]), Ok(Choice::Family(Family::Startup)));
        assert_eq!(
            Choice::parse("shutdwon", &[]).unwrap_err().to_string(),
            "there is no rule or family `shutdwon`; did you mean `shutdown`?"
        );
    }
}
