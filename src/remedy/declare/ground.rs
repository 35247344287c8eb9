//! Whether there is a reason to declare a container a sidecar.

use super::form::is_converted;
use crate::{
    pod::Subject,
    remedy::planner::{Planner, is_named},
    roles::Role,
};

/// Whether there is a reason to declare a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    None,
    /// What there is can't be done, or not without review.
    Insufficient,
    /// Only waits for it, which can't go without a gate.
    Waits,
    /// Only a sleep that a gate may take the place of.
    Slept,
    Sufficient,
}

impl<'a> Planner<'_, 'a> {
    /// Whether a workaround manages this container, or the user names it.
    pub(crate) fn ground(&self, index: usize) -> Ground {
        let Some(member) = self.pod.members.get(index) else {
            return Ground::None;
        };
        let name = member.container.name;
        if is_named(self.pod, member, self.options) || is_converted(self.pod, member, self.options) {
            return Ground::Sufficient;
        }
        if member.role.role != Role::Sidecar {
            return Ground::None;
        }
        let slept_for = self.is_slept_for(member);
        let is_marked = self.pod.namings.iter().enumerate().any(|(at, naming)| {
            naming.names.iter().any(|own| own == name)
                && self
                    .wanted
                    .any(|subject| *subject == Subject::Naming(at) || matches!(subject, Subject::Wrapper(_)))
        });
        let is_wanted = [
            Subject::Sidecar(index),
            Subject::PostStart(index),
            Subject::LifecycleType(index),
            Subject::Wrapper(index),
        ]
        .iter()
        .any(|subject| self.wanted.has(subject))
            || self.pod.is_annotated(member) && self.wanted.has(&Subject::Declaration);
        let parts = self.managing.of(index);
        // What can't go and does no harm beside a declared sidecar is no reason for one.
        let ends = parts.iter().any(|part| {
            let counts = part.harmful || part.is_allowed(self.allowed());
            part.wait.is_none() && !part.subjects.is_empty() && counts
        });
        if is_marked || is_wanted || ends {
            return Ground::Sufficient;
        }
        if slept_for {
            return Ground::Slept;
        }
        if parts.iter().any(|part| part.is_allowed(self.allowed())) {
            return Ground::Waits;
        }
        let is_missed = self.wanted.has(&Subject::Gate(index));
        match parts.iter().all(|part| part.subjects.is_empty()) && !is_missed {
            true => Ground::None,
            false => Ground::Insufficient,
        }
    }
}
