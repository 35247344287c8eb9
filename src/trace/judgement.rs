//! All verdicts of a run together: what the exit code says.

use super::verdict::{Outcome, Verdict};

/// How many verdicts that decide there were of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Pods that were judged.
    pub pods: usize,
    /// Proved.
    pub proved: usize,
    /// Consistent.
    pub consistent: usize,
    /// Unknown or in conflict.
    pub unknown: usize,
    /// Violated.
    pub violated: usize,
    /// Not applicable.
    pub not_applicable: usize,
}

/// What a run as a whole came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// The order held.
    Held,
    /// It did not.
    Violated,
    /// There is not enough evidence.
    NotEnough,
}

impl Judgement {
    /// Counts the verdicts on one pod.
    pub fn add(&mut self, verdicts: &[Verdict]) {
        self.pods += 1;
        for verdict in verdicts.iter().filter(|verdict| verdict.decides()) {
            let count = match verdict.outcome {
                Outcome::Proved => &mut self.proved,
                Outcome::Consistent => &mut self.consistent,
                Outcome::Unknown | Outcome::Conflict => &mut self.unknown,
                Outcome::Violated => &mut self.violated,
                Outcome::NotApplicable => &mut self.not_applicable,
            };
            *count += 1;
        }
    }

    /// The conclusion; under `strict`, what is only consistent is not enough.
    ///
    /// A run in which pairs were declared and none of them could be judged has not shown that an order held.
    #[must_use]
    pub fn conclusion(&self, strict: bool) -> Conclusion {
        let nothing_judged = self.proved + self.consistent == 0 && self.not_applicable > 0;
        if self.violated > 0 {
            Conclusion::Violated
        } else if self.unknown > 0 || self.pods == 0 || nothing_judged || (strict && self.consistent > 0) {
            Conclusion::NotEnough
        } else {
            Conclusion::Held
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_outweighs_everything_and_nothing_seen_is_not_enough() {
        let held = Judgement {
            pods: 1,
            proved: 2,
            ..Judgement::default()
        };
        assert_eq!(held.conclusion(true), Conclusion::Held);
        assert_eq!(Judgement::default().conclusion(false), Conclusion::NotEnough);
        let weak = Judgement {
            consistent: 1,
            ..held
        };
        assert_eq!(weak.conclusion(false), Conclusion::Held);
        assert_eq!(weak.conclusion(true), Conclusion::NotEnough);
        let broken = Judgement {
            violated: 1,
            unknown: 1,
            ..held
        };
        assert_eq!(broken.conclusion(false), Conclusion::Violated);
        let void = Judgement {
            pods: 1,
            not_applicable: 2,
            ..Judgement::default()
        };
        assert_eq!(void.conclusion(false), Conclusion::NotEnough);
    }
}
