//! Which probe holds the app back, of sidecars that are declared and of those that are going to be.

use crate::remedy::gate::startup::{Gate, readiness_is_known};
use crate::{
    behaviour::{Link, LinkKind, Party, script::Wait},
    pod::{Member, Subject},
    remedy::{
        declare::declaration::{Form, gate_entry},
        plan::Class,
        planner::{Planner, is_named},
    },
    workload::ProbeKind,
};

impl<'a> Planner<'_, 'a> {
    /// The probe that holds the app back in the form in which the sidecar is declared, or is going to be.
    pub(crate) fn gate_kind(&self, member: &Member<'a>) -> ProbeKind {
        match self.form_of(member) {
            Form::Annotation if self.readiness_is_no_gate(member) => ProbeKind::Startup,
            form => form.gate(),
        }
    }

    /// Whether the policy makes no gate of a container's readiness.
    fn readiness_is_no_gate(&self, member: &Member<'a>) -> bool {
        let has_readiness = member.container.probe(ProbeKind::Readiness).is_some();
        self.pod.readiness_needs_app(member)
            || (has_readiness && self.pod.gate_when_promoted(member) != Ok("readinessProbe"))
    }

    /// Says of a sidecar whose readinessProbe becomes its gate at promotion that this is for review, where nothing
    /// tells that its readiness does not depend on the app.
    pub(crate) fn would_gate_unseen(
        &mut self,
        member: &Member<'a>,
        waits: &[&Wait],
        subjects: &[Subject],
    ) -> bool {
        let name = member.container.name;
        if self.options.form != Form::Annotation
            || self.pod.gate_when_promoted(member) != Ok("readinessProbe")
            || readiness_is_known(self.pod, member, waits)
        {
            return false;
        }
        if self.options.review {
            self.plan.done(
                Class::Review,
                format!(
                    "{name}'s readinessProbe becomes its gate at promotion: it must not depend on the app"
                ),
                subjects.iter().cloned(),
            );
            return false;
        }
        self.plan.left(
            format!("{name} is not declared a sidecar"),
            "its readinessProbe becomes its gate at promotion, and may depend on the app, which its image does not tell",
            true,
            subjects.iter().cloned(),
        );
        true
    }

    /// Gives a sidecar that is declared already the gate that takes a wait's place, or that lint misses.
    pub(crate) fn gate_of_declared(
        &mut self,
        index: usize,
        member: &Member<'a>,
        kind: ProbeKind,
        gate: &Gate,
        replaces_wait: bool,
    ) {
        let name = member.container.name;
        let is_missed = self.wanted.has(&Subject::Gate(index));
        if !replaces_wait && !is_missed {
            return;
        }
        let what = format!("{}: a {}", crate::pod::quoted(name), kind.field());
        match gate {
            Gate::Present(_) | Gate::Unasked => {}
            Gate::None(reason) => self.plan.left(
                format!("not done: {what}"),
                reason.clone(),
                false,
                [Subject::Gate(index)],
            ),
            Gate::Probe { origin, .. } if !replaces_wait && !is_named(self.pod, member, self.options) => {
                let waits = |link: &Link| {
                    matches!(link.kind, LinkKind::Waits(_)) && link.other == Party::Container(index)
                };
                if self.pod.links.all.iter().any(waits) {
                    let reason = "the app's own wait stays, and holds it back";
                    self.plan
                        .left(format!("not done: {what}"), reason, false, [Subject::Gate(index)]);
                    return;
                }
                let reason = format!(
                    "no wait shows that the app needs it at its start; `--review --sidecar {name}` asks for the probe from {origin}"
                );
                self.plan
                    .left(format!("not done: {what}"), reason, false, [Subject::Gate(index)]);
            }
            Gate::Probe { .. } if !replaces_wait && !self.options.review => {
                let reason = "whether the address tells that it is ready has to be looked at";
                self.plan
                    .left(format!("not done: {what}"), reason, true, [Subject::Gate(index)]);
            }
            Gate::Probe { origin, .. } => match gate_entry(member, kind, gate) {
                Ok(changes) => {
                    self.changes.extend(changes);
                    let class = if replaces_wait { Class::Safe } else { Class::Review };
                    self.plan
                        .done(class, format!("{what} from {origin}"), [Subject::Gate(index)]);
                }
                Err(reason) => {
                    self.plan
                        .left(format!("not done: {what}"), reason, false, [Subject::Gate(index)])
                }
            },
        }
    }
}
