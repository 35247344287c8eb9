//! Servers among the init containers at which the pod's start hangs: one that nothing declares, and one that stands behind
//! who waits for it.

use crate::{
    behaviour::{LinkKind, Party},
    edit::{change::Change, place::place},
    pod::{Member, Subject},
    remedy::{
        declare::declaration::{Form, declare},
        gate::startup::{Gate, gate},
        obligation::{Obligation, Proof},
        plan::{Action, Class},
        planner::Planner,
    },
    workload::{ContainerList, ProbeKind},
};

impl<'a> Planner<'_, 'a> {
    /// Plans them, for review: the pod never started so far, so that nothing shows what its author meant.
    pub(crate) fn late_sidecars(&mut self) {
        for (index, member) in self.pod.members.iter().enumerate() {
            let subject = Subject::Late(index);
            if !self.wanted.has(&subject) {
                continue;
            }
            let name = member.container.name;
            let (what, doubt) = match member.container.is_native_sidecar() {
                true => (
                    format!("{name} starts before the init container that waits for it"),
                    "it may need what the init containers before it prepare",
                ),
                false => (
                    format!("{name} is declared a sidecar: {}", Form::Native.describe()),
                    "whether it is there for the containers behind it has to be looked at",
                ),
            };
            let proofs = vec![Proof::unknown(Obligation::NeedsAreMet, doubt)];
            let changed = match self.options.review {
                true => self.change_late(index, member),
                false => Err(doubt.to_owned()),
            };
            match changed {
                Ok(()) => self.plan.add_action(Action {
                    class: Class::Review,
                    what,
                    subjects: vec![subject],
                    proofs,
                }),
                Err(reason) => {
                    let hindrance = (reason, !self.options.review);
                    self.plan
                        .left_unproved(format!("not done: {what}"), hindrance, &proofs, vec![subject]);
                }
            }
        }
    }

    fn change_late(&mut self, index: usize, member: &Member<'a>) -> Result<(), String> {
        if !self.declared.is_empty() || !self.patches.is_empty() {
            return Err("other changes of the same containers come first".to_owned());
        }
        if !member.container.is_native_sidecar() {
            let gate = match gate(self.pod, member, ProbeKind::Startup, &[]) {
                Gate::None(_) => Gate::Unasked,
                gate => gate,
            };
            let changes = declare(member, Form::Native, ProbeKind::Startup, &gate)?;
            self.changes.extend(changes);
            return Ok(());
        }
        let waits = |at: usize| {
            let mut links = self.pod.links.all.iter();
            links.any(|link| {
                link.container == at
                    && link.other == Party::Container(index)
                    && matches!(link.kind, LinkKind::Waits(_))
            })
        };
        let members = self.pod.members.iter().enumerate();
        let first = members
            .filter(|(at, other)| other.container.list == ContainerList::Init && waits(*at))
            .map(|(_, other)| other.container.index)
            .min()
            .ok_or("who waits for it was not found")?;
        self.plan.add_move(Change::Move {
            mapping: place(self.pod.workload.pod_spec)?,
            from: "initContainers",
            index: member.container.index,
            to: "initContainers",
            at: first,
        });
        Ok(())
    }
}
