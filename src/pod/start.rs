//! What a container waits for before it counts as started.

use super::{Member, Pod};
use crate::{
    behaviour::{Link, LinkKind, script::Wait},
    workload::{ContainerList, HookKind, ProgramPlace},
};

impl<'a> Pod<'a> {
    /// Whether a hook waits for a file of which nobody knows who writes it: its own process may.
    pub(crate) fn may_wait_for_itself(&self, link: &Link) -> bool {
        let place = self
            .program(link.container, link.program)
            .map(|(_, program)| &program.place);
        matches!(link.kind, LinkKind::StartsOnFile(_, None))
            && place == Some(&ProgramPlace::Hook(HookKind::PostStart))
    }

    /// The ordinary container that a sidecar waits for before it counts as started, with the wait: a postStart hook holds
    /// back what stands behind it, and a gate does. The sidecar would start first, and then never.
    pub(crate) fn awaited_too_early<'p>(
        &'p self,
        link: &'p Link,
        is_gated: bool,
    ) -> Option<(&'p Member<'a>, &'p Wait)> {
        let (LinkKind::Waits(wait) | LinkKind::StartsOnFile(wait, Some(_))) = &link.kind else {
            return None;
        };
        let (_, program) = self.program(link.container, link.program)?;
        let is_hook = program.place == ProgramPlace::Hook(HookKind::PostStart);
        let other = self.party(&link.other)?;
        let starts_later = other.container.list == ContainerList::Regular && !other.role.declared;
        (starts_later && (is_hook || is_gated)).then_some((other, wait))
    }
}

impl Member<'_> {
    /// Whether it is a native sidecar that starts only when an entry of the same list before it has ended or started.
    pub(crate) fn starts_behind(&self, other: &Member<'_>) -> bool {
        let (own, other) = (&self.container, &other.container);
        other.list == ContainerList::Init && own.is_native_sidecar() && own.index > other.index
    }
}
