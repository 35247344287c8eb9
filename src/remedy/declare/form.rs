//! In which form a sidecar is declared, and whether that will do.

use crate::remedy::declare::declaration::Form;
use crate::{
    pod::{Member, Pod, Subject},
    remedy::Options,
    remedy::planner::Planner,
};

/// Whether a sidecar that the annotation declares is to be a native one instead.
pub(crate) fn is_converted(pod: &Pod<'_>, member: &Member<'_>, options: &Options) -> bool {
    options.converts && options.form == Form::Native && pod.is_annotated(member)
}

impl<'a> Planner<'_, 'a> {
    /// The form in which a sidecar is declared, or is going to be.
    pub(crate) fn form_of(&self, member: &Member<'a>) -> Form {
        if !self.is_declared(member) {
            self.options.form
        } else if member.container.is_native_sidecar() {
            Form::Native
        } else if self.pod.is_annotated(member) {
            Form::Annotation
        } else {
            Form::Lifecycle
        }
    }

    pub(crate) fn is_declared(&self, member: &Member<'_>) -> bool {
        let container = &member.container;
        let is_annotated = || self.pod.is_annotated(member);
        match self.options.form {
            Form::Native => {
                container.is_native_sidecar() || (is_annotated() && !self.is_to_be_native(member))
            }
            Form::Lifecycle => {
                container.is_lifecycle_sidecar() || container.is_native_sidecar() || is_annotated()
            }
            Form::Annotation => container.is_native_sidecar() || is_annotated(),
        }
    }

    /// Whether a sidecar that the annotation declares has to be a native one: by the user's wish, or because the
    /// cluster does not act on the annotation.
    fn is_to_be_native(&self, member: &Member<'_>) -> bool {
        is_converted(self.pod, member, self.options)
            || (self.pod.ignores_annotation().is_some() && self.wanted.has(&Subject::Declaration))
    }
}
