//! One rule, one file; this file is their registry.

mod finding;
mod info;

pub use finding::{Confidence, Finding, Fix, FixClass, Location, ObjectReference, Severity};
pub use info::{Family, RuleInfo};

/// Every rule, in the order of the documentation.
pub const RULES: &[&RuleInfo] = &[];

/// The rule of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static RuleInfo> {
    RULES.iter().copied().find(|rule| rule.name == name)
}
