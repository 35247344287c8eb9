//! How sure a rule's findings are, as a whole: what code scanning sorts and filters rules by.

use super::{Confidence, RuleInfo};

/// Rules most findings of which are not of high confidence. `tests/report.rs` holds it to the cases.
const LESS_SURE: [(&str, Confidence); 6] = [
    ("startup-sleep", Confidence::Low),
    ("deadline-as-stopper", Confidence::Medium),
    ("app-started-first", Confidence::Medium),
    ("sidecar-stopped-first", Confidence::Medium),
    ("injection-opt-out", Confidence::Medium),
    ("ungated-sidecar", Confidence::Medium),
];

impl RuleInfo {
    /// The confidence that most of its findings have.
    #[must_use]
    pub fn usual_confidence(&self) -> Confidence {
        LESS_SURE
            .iter()
            .find(|(name, _)| *name == self.name)
            .map_or(Confidence::High, |(_, confidence)| *confidence)
    }
}
