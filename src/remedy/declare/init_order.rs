//! Sidecars that an init container needs, and which would have to start before it.

use crate::remedy::declare::{
    annotation,
    declaration::Form,
    position::{Position, position},
};
use crate::{
    pod::{Member, Subject},
    remedy::{plan::Class, planner::Planner},
    roles::{FIRST, POSITION_ANNOTATION},
    workload::ContainerList,
};

impl<'a> Planner<'_, 'a> {
    /// Says of a sidecar that would have to start before an init container that this is for review: today the
    /// init container runs without it.
    pub(crate) fn is_needed_earlier(&mut self, index: usize, name: &str, subjects: &[Subject]) -> bool {
        let Position::Before(at) = position(self.pod, index) else {
            return false;
        };
        let init = self
            .pod
            .members
            .get(at)
            .map_or("", |member| member.container.name);
        match self.options.form {
            Form::Lifecycle => {
                self.plan.note(format!(
                    "the init container {init} needs {name}, which the first design can't express"
                ));
                false
            }
            Form::Annotation => self.is_needed_first(at, name, init, subjects),
            Form::Native if self.options.review => {
                self.plan.done(
                    Class::Review,
                    format!("{name} starts before the init container {init}, which needs it"),
                    subjects.iter().cloned(),
                );
                false
            }
            Form::Native => {
                self.plan.left(
                    format!("{name} is not declared a sidecar"),
                    format!("the init container {init} names its address: it would start before that one"),
                    true,
                    subjects.iter().cloned(),
                );
                true
            }
        }
    }

    /// The annotation can only say of all its sidecars that they start before all init containers.
    fn is_needed_first(&mut self, at: usize, name: &str, init: &str, subjects: &[Subject]) -> bool {
        let left = format!("{name} is not declared a sidecar");
        let others = |member: &&Member<'_>| member.container.list == ContainerList::Init;
        if let Some(earlier) = self.pod.members.iter().take(at).find(others) {
            let reason = format!(
                "the init container {init} names its address, and {} comes before that one: the annotation can only put it before all of them",
                earlier.container.name
            );
            self.plan.left(left, reason, false, subjects.iter().cloned());
            return true;
        }
        if !self.options.review {
            let reason =
                format!("the init container {init} names its address: it would start before that one");
            self.plan.left(left, reason, true, subjects.iter().cloned());
            return true;
        }
        if let Err(reason) = annotation::put_first(self.pod, &mut self.changes) {
            self.plan.left(left, reason, false, subjects.iter().cloned());
            return true;
        }
        self.plan.done(
            Class::Review,
            format!(
                "{POSITION_ANNOTATION}: {FIRST}: the sidecars that the annotation names start before the init container {init}, which needs {name}"
            ),
            subjects.iter().cloned(),
        );
        false
    }
}
