//! Injected output: a container that stands in the manifest as its injector wrote it.

use super::{Member, Pod};
use crate::catalogue::injector::{InjectedOutput, injected_output};

impl<'a> Pod<'a> {
    /// Whose output a container is, by the injector's marks; nothing where its author put it there, whatever its image.
    pub(crate) fn injected_output(&self, member: &Member<'a>) -> Option<InjectedOutput<'a>> {
        injected_output(self.workload, &member.container)
    }
}
