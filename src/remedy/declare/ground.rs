//! Whether there is a reason to declare a container a sidecar.

use crate::remedy::declare::form::is_converted;
use crate::{
    remedy::{
        planner::{Planner, is_named},
        workaround::requirement::parts,
    },
    roles::Role,
    workload::ContainerList,
};

/// Rules whose findings are about a sidecar that is not declared.
const ABOUT_SIDECARS: [&str; 9] = [
    "job-never-completes",
    "sidecar-prestop-delay",
    "sigterm-trap",
    "blocking-poststart",
    "marker-file",
    "external-killer",
    "unsupported-sidecar-type",
    "leftover-workaround",
    "wrapper-binary",
];

/// Whether there is a reason to declare a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    None,
    /// What there is can't be done, or not without review.
    Insufficient,
    /// Only waits for it, which can't go without a gate.
    Waits,
    Sufficient,
}

impl<'a> Planner<'_, 'a> {
    /// Whether a workaround minds this container, or the user names it.
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
        let slept_for = self.options.review
            && self.wanted.any(&["startup-sleep"])
            && member.container.list == ContainerList::Regular;
        let is_marked = self.pod.namings.iter().any(|naming| {
            naming.names.iter().any(|own| own == name)
                && self
                    .wanted
                    .any(&["external-killer", "wrapper-binary", "unsupported-sidecar-type"])
        });
        let parts = parts(self.pod, index, self.wanted);
        if slept_for
            || is_marked
            || self.wanted.about_as(&ABOUT_SIDECARS, name, self.allowed())
            || parts
                .iter()
                .any(|part| part.wait.is_none() && part.is_allowed(self.allowed()))
        {
            return Ground::Sufficient;
        }
        if parts.iter().any(|part| part.is_allowed(self.allowed())) {
            return Ground::Waits;
        }
        match parts.is_empty() && self.wanted.about(&["ungated-sidecar"], name).is_none() {
            true => Ground::None,
            false => Ground::Insufficient,
        }
    }
}
