//! Whether a container is there for the others.

use super::{Confidence, Member};
use crate::{roles::Role, workload::ContainerList};

/// How sure it is that an undeclared regular container is there for the others: by its role, or by a name that
/// many sidecars have. `None` where nothing says so.
pub(crate) fn serves(member: &Member<'_>) -> Option<Confidence> {
    if member.container.list != ContainerList::Regular || member.role.declared {
        None
    } else if member.role.role == Role::Sidecar {
        Some(Confidence::High)
    } else {
        (!member.role.evidence.is_empty()).then_some(Confidence::Medium)
    }
}
