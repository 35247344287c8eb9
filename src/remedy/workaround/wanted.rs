//! The findings that are to go.

use crate::{remedy::plan::Class, rules::Finding, shell::Span, workload::Program};

/// The findings of a pod that the user wants to see gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'f>(pub(crate) &'f [Finding]);

impl<'f> Wanted<'f> {
    /// A finding of one of these rules at a place of a program.
    pub(crate) fn at(self, rules: &[&str], program: &Program<'_>, span: &Span) -> Option<&'f Finding> {
        let (_, bytes) = program.locate(span.clone())?;
        self.0.iter().find(|finding| {
            rules.contains(&finding.rule.name)
                && finding.primary().is_some_and(|primary| primary.span == bytes)
        })
    }

    /// A finding of one of these rules about a container.
    pub(crate) fn about(self, rules: &[&str], container: &str) -> Option<&'f Finding> {
        self.0.iter().find(|finding| {
            rules.contains(&finding.rule.name) && finding.container.as_deref() == Some(container)
        })
    }

    /// Whether there is a finding of one of these rules about a container that may be rewritten at this class.
    pub(crate) fn about_as(self, rules: &[&str], container: &str, allowed: Class) -> bool {
        self.0.iter().any(|finding| {
            rules.contains(&finding.rule.name)
                && finding.container.as_deref() == Some(container)
                && Class::from(finding.fix.class) <= allowed
        })
    }

    /// A finding of one of these rules.
    pub(crate) fn any(self, rules: &[&str]) -> bool {
        self.0.iter().any(|finding| rules.contains(&finding.rule.name))
    }
}
