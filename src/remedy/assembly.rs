//! From what was gathered about a pod to rounds of changes.

use crate::edit::{change::Change, place::Place};
use crate::{
    edit::place::place,
    pod::Member,
    remedy::{
        declare::{
            annotation::{drop_names, kept},
            arrangement::{Arrangement, arrange, out_of_order},
            declaration::Form,
        },
        plan::{Class, Round},
        planner::Planner,
        script::entrypoint,
        surroundings::patches::{Rewrites, follow},
    },
    workload::ContainerList,
};

impl Planner<'_, '_> {
    /// Turns what was gathered into rounds of changes.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        let mut kept = Vec::new();
        for (index, entrypoint) in &self.entrypoints {
            if let Some(member) = self.pod.members.get(*index) {
                let changes = entrypoint::change(
                    self.pod,
                    member,
                    entrypoint,
                    self.options.keeps_script,
                    &mut self.removals,
                )?;
                self.changes.extend(changes);
            }
        }
        if let Some(doubt) = self.changes.doubt.take() {
            self.plan.doubt_together(&doubt);
        }
        kept.extend(self.annotations()?);
        if self.options.form == Form::Lifecycle {
            for (index, _) in &self.declared {
                if let Some(member) = self.pod.members.get(*index) {
                    kept.push(place(member.container.node)?.key("lifecycle"));
                }
            }
        }
        let helpers = self.helpers();
        let changes = std::mem::take(&mut self.changes);
        for change in changes.cuts.into_iter().chain(self.removals.changes(&kept)?) {
            self.plan.add(Round::Cut, change);
        }
        for change in changes.additions {
            self.plan.add(Round::Add, change);
        }
        self.plan.elsewhere.extend(changes.elsewhere);
        self.plan.annotations.extend(changes.annotations);
        let mut arrangement = self.arrangement()?;
        let mut gone: Vec<usize> = Vec::new();
        for helper in helpers {
            gone.extend(arrangement.regular.iter().position(|index| *index == helper));
        }
        gone.sort_unstable();
        for at in gone.iter().rev() {
            arrangement.regular.remove(*at);
        }
        self.follow(&arrangement)?;
        for change in arrangement.moves {
            self.plan.add_move(change);
        }
        // Last of all: until then the others' places are counted with them.
        let containers = place(self.pod.workload.pod_spec)?.key("containers");
        for at in gone.into_iter().rev() {
            self.plan.add_move(Change::Remove(containers.clone().index(at)));
        }
        self.plan.directories = std::mem::take(&mut self.directories);
        Ok(())
    }

    /// Lets the annotation name what is declared by it, and no more what is declared otherwise. Gives the place of
    /// annotations that must stay, even when all go that are there.
    fn annotations(&mut self) -> Result<Option<Place>, String> {
        let declared: Vec<&Member<'_>> = self
            .declared
            .iter()
            .filter_map(|(index, _)| self.pod.members.get(*index))
            .collect();
        let names: Vec<&str> = declared.iter().map(|member| member.container.name).collect();
        if self.options.form == Form::Annotation {
            self.in_order()?;
            self.plan
                .named
                .extend(names.iter().map(|name| (*name).to_owned()));
            return kept(self.pod);
        }
        drop_names(self.pod, &names, &mut self.changes, &mut self.removals)?;
        // An injector's switch may be set too.
        match self.annotates {
            false => Ok(None),
            true => kept(self.pod),
        }
    }

    /// The policy keeps the order of the containers.
    fn in_order(&self) -> Result<(), String> {
        let is_declared = |index: usize| self.declared.iter().any(|(own, _)| *own == index);
        let members = self.pod.members.iter().enumerate();
        let promoted: Vec<usize> = members
            .filter(|(index, member)| is_declared(*index) || self.pod.is_annotated(member))
            .map(|(index, _)| index)
            .collect();
        let name = |index: usize| {
            self.pod
                .members
                .get(index)
                .map_or("", |member| member.container.name)
        };
        match out_of_order(self.pod, &promoted) {
            Some((one, other)) if is_declared(one) || is_declared(other) => Err(format!(
                "{} waits for {}, and the annotation keeps the order of the containers, in which it would start before it: change their order",
                name(one),
                name(other)
            )),
            _ => Ok(()),
        }
    }

    /// The regular containers that go as a whole, which are taken out of the other removals.
    fn helpers(&mut self) -> Vec<usize> {
        let members = self.pod.members.iter().enumerate();
        let helpers: Vec<usize> = members
            .filter(|(_, member)| {
                member.container.list == ContainerList::Regular
                    && self.removals.contains(member.container.node)
            })
            .map(|(index, _)| index)
            .collect();
        for member in helpers.iter().filter_map(|index| self.pod.members.get(*index)) {
            self.removals.leave(member.container.node);
        }
        helpers
    }

    /// Where the containers stand afterwards.
    fn arrangement(&self) -> Result<Arrangement, String> {
        let moved: Vec<usize> = match self.options.form {
            Form::Lifecycle | Form::Annotation => Vec::new(),
            Form::Native => self.declared.iter().map(|(index, _)| *index).collect(),
        };
        let goes = |index: usize| {
            let member = self.pod.members.get(index);
            member.is_some_and(|member| self.removals.contains(member.container.node))
        };
        arrange(self.pod, &moved, &goes)
    }

    /// Lets the input's patches follow.
    fn follow(&mut self, arrangement: &Arrangement) -> Result<(), String> {
        if self.plan.is_empty() && arrangement.moves.is_empty() && self.plan.named.is_empty() {
            return Ok(());
        }
        let touches = |index: usize, field: &str| self.touches(index, field);
        let rewrites = Rewrites {
            init: &arrangement.init,
            regular: &arrangement.regular,
            annotates: !self.plan.named.is_empty() || self.keeps_the_annotation(),
            touches: &touches,
        };
        let changes = follow(self.pod, self.patches, &rewrites)?;
        for elsewhere in changes {
            self.plan.done(
                Class::Safe,
                format!("the patch in {} follows", elsewhere.source.name),
                [],
            );
            if elsewhere.source.name == self.pod.sources.own().name {
                self.plan.rounds.extend(elsewhere.rounds);
            } else {
                self.plan.elsewhere.push(elsewhere);
            }
        }
        Ok(())
    }

    /// Whether a sidecar goes on being declared by the annotation alone.
    fn keeps_the_annotation(&self) -> bool {
        let mut members = self.pod.members.iter().enumerate();
        members.any(|(index, member)| {
            self.pod.is_annotated(member) && self.declared.iter().all(|(own, _)| *own != index)
        })
    }

    /// Whether a field of a container is rewritten.
    fn touches(&self, index: usize, field: &str) -> bool {
        let is_declared = self.declared.iter().any(|(own, _)| *own == index);
        let is_part_of_declaration = matches!(
            field,
            "name" | "lifecycle" | "restartPolicy" | "startupProbe" | "readinessProbe" | "livenessProbe"
        );
        let is_entrypoint = matches!(field, "command" | "args");
        let removed = self
            .pod
            .members
            .get(index)
            .and_then(|member| member.container.node.entry(field))
            .is_some_and(|entry| self.removals.reach(entry));
        removed
            || (is_declared && is_part_of_declaration)
            || (is_entrypoint && self.entrypoints.contains_key(&index))
    }
}
