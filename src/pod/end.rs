//! What ends a container, as far as it is understood.

use super::{Member, Pod, shown_path};
use crate::{
    behaviour::{
        Link, LinkKind, Party,
        script::{MarkerUse, Reached},
    },
    shell::{command_index, limits_time, prefix_length_of_texts},
    workload::{HookKind, ProgramPlace},
    yaml::Node,
};

impl Pod<'_> {
    /// Whether the containers see one another's processes.
    pub(crate) fn shares_processes(&self) -> bool {
        ["shareProcessNamespace", "hostPID"].iter().any(|field| {
            let shares = self.workload.pod_spec.get(field);
            shares.and_then(Node::as_bool) == Some(true)
        })
    }

    /// Whether a container's script runs its program for a while and ends it then: `proxy & sleep 30; kill $!`,
    /// `timeout 600 proxy`.
    pub(crate) fn is_time_boxed(&self, member: &Member<'_>) -> bool {
        let Some((at, program)) = Pod::entrypoint(member) else {
            return false;
        };
        let index = self.members.iter().position(|other| std::ptr::eq(other, member));
        let Some(facts) = index.and_then(|index| self.links.facts(index, at)) else {
            return false;
        };
        let words: Vec<&str> = program.words.iter().filter_map(|word| word.as_str()).collect();
        let limited = words.first().is_some_and(|word| limits_time(word))
            || program.is_shell()
                && program
                    .script
                    .iter()
                    .flat_map(|script| script.list.commands())
                    .any(|visit| {
                        visit.simple().is_some_and(|simple| {
                            // `exec timeout 600 /proxy`
                            let before = command_index(&simple.words);
                            simple
                                .words
                                .iter()
                                .take(before.max(1))
                                .any(|word| limits_time(&word.raw))
                        })
                    });
        // What it starts in the background is not waited for, or is ended by its own script.
        let background = !facts.background.is_empty();
        // `wait -n` comes back with the first of them that ends: one that only sleeps is the limit.
        let sleeps_beside = facts.background.iter().any(|child| {
            let text = program.text.get(child.span.clone()).unwrap_or_default();
            text.trim_start_matches(['(', '{', ' ']).starts_with("sleep ")
        });
        let waits = program
            .text
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .any(|word| word == "wait")
            && !(sleeps_beside && program.text.contains("wait -n"));
        let kills_own = facts
            .kills
            .iter()
            .any(|kill| kill.only_own_children && kill.trap.is_none());
        let watches_file = facts
            .markers
            .iter()
            .any(|marker| matches!(marker.usage, MarkerUse::Tested { .. }));
        limited || background && (kills_own || !waits) && !watches_file && facts.work.is_empty()
    }

    /// The file at which a container's own script ends its program, where nothing treats that as the app's sign: index
    /// among the members.
    pub(crate) fn ends_at_a_file(&self, index: usize) -> Option<&str> {
        let (at, program) = Pod::entrypoint(self.members.get(index)?)?;
        let facts = self.links.facts(index, at)?;
        let mut links = self.links.all.iter();
        let is_treated =
            links.any(|link| link.container == index && matches!(link.kind, LinkKind::EndsOnFile(..)));
        let ends_it = facts
            .kills
            .iter()
            .any(|kill| kill.only_own_children && kill.trap.is_none());
        if is_treated || !ends_it || !self.workload.runs_to_completion() {
            return None;
        }
        let mut markers = facts.markers.iter();
        let looked_for = markers.find(|marker| {
            matches!(marker.usage, MarkerUse::Tested { .. })
                && marker.is_in_loop
                && marker.reached.contains(&Reached::Kill)
        })?;
        Some(shown_path(program, &looked_for.file))
    }

    /// Whether something that is understood ends a container when the app is done, or was to end it and cannot, as
    /// broken-workaround says: index among the members.
    pub(crate) fn is_ended(&self, index: usize) -> bool {
        let mut links = self.links.all.iter();
        let is_meant = |link: &Link| {
            matches!(link.kind, LinkKind::Quits(_) | LinkKind::Kills(_))
                && [Party::Container(index), Party::Unknown].contains(&link.other)
        };
        links.any(|link| self.ends(link, index) || is_meant(link))
            || self.members.get(index).is_some_and(super::ends_with_another)
            || self
                .members
                .iter()
                .any(|member| super::quits(self, member, index))
    }

    /// Whether a link ends a container: index among the members.
    pub(crate) fn ends(&self, link: &Link, index: usize) -> bool {
        let is_in_prestop = || {
            self.program(link.container, link.program)
                .is_some_and(|(_, program)| program.place == ProgramPlace::Hook(HookKind::PreStop))
        };
        match link.kind {
            LinkKind::Quits(_) => link.other == Party::Container(index),
            LinkKind::Kills(_) => link.other == Party::Container(index) && self.shares_processes(),
            // A preStop hook that looks for a file only delays the end.
            LinkKind::EndsOnFile(..) => link.container == index && !is_in_prestop(),
            LinkKind::EndsWithApp(_) => link.container == index,
            LinkKind::Waits(_) | LinkKind::StartsOnFile(..) => false,
        }
    }
}

/// How many words of a container's command are a limit on its time, where they stand in front of the program:
/// `timeout -k 5 600 /proxy`.
pub(crate) fn time_limit_of(member: &Member<'_>) -> Option<usize> {
    let (_, program) = Pod::entrypoint(member).filter(|(_, program)| !program.is_shell())?;
    let words: Vec<&str> = program
        .words
        .iter()
        .map(|word| word.as_str())
        .collect::<Option<_>>()?;
    prefix_length_of_texts(&words).filter(|_| words.first().is_some_and(|word| limits_time(word)))
}
