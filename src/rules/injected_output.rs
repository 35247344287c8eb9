//! Injected output: a mesh's proxy that stands in the manifest as its injector wrote it.

use super::{Finding, Fix, FixClass, Location, Member, Pod};

impl Pod<'_> {
    /// Whether a container is what an injector with a switch of its own writes: `istioctl kube-inject`, `linkerd
    /// inject`.
    pub(crate) fn is_injected_output(&self, member: &Member<'_>) -> bool {
        self.catalogue.of(&member.container).is_some_and(|known| {
            known.injector.is_some() && known.switch.is_some() && known.name.ends_with("-proxy")
        })
    }
}

/// Injected output is injected anew and never edited: what concerns it is a person's to do.
pub(super) fn leave_to_a_person(pod: &Pod<'_>, findings: &mut [Finding]) {
    for member in pod.members.iter().filter(|member| pod.is_injected_output(member)) {
        let (name, span) = (member.container.name, member.container.node.span());
        let inside = |location: &Location| {
            std::ptr::eq(&*location.source, pod.sources.own())
                && span.start <= location.span.start
                && location.span.end <= span.end
        };
        for finding in findings.iter_mut() {
            let is_about = finding.container.as_deref() == Some(name) || finding.locations.iter().any(inside);
            if is_about && matches!(finding.fix.class, FixClass::Safe | FixClass::Review) {
                finding.fix = Fix {
                    class: FixClass::Manual,
                    reason: format!(
                        "{name} is injected output, which is injected anew with the injector's own switch, never edited"
                    ),
                };
            }
        }
    }
}
