//! Injected output: a mesh's proxy that stands in the manifest as its injector wrote it.

use super::{Member, Pod};

impl Pod<'_> {
    /// Whether a container is what an injector with a switch of its own writes: `istioctl kube-inject`, `linkerd
    /// inject`.
    pub(crate) fn is_injected_output(&self, member: &Member<'_>) -> bool {
        self.catalogue.of(&member.container).is_some_and(|known| {
            known.injector.is_some() && known.switch.is_some() && known.name.ends_with("-proxy")
        })
    }
}
