//! Who waits for another container's end, or looks for it behind what ends it.

use crate::{
    behaviour::{
        ScriptFacts,
        action::{Action, CommandAction, FilePath, Host},
        script::{Answer, Wait},
    },
    shell::{Command, Script, Span},
};

use super::{Finder, Link, LinkKind, Party};

/// A program that looks at another container which has ended by then, or is to end.
#[derive(Debug, Clone)]
pub struct EndWatch {
    /// The container that does it: index in the workload's containers.
    pub container: usize,
    /// The program: index among the container's programs.
    pub program: usize,
    /// Whom it looks at.
    pub other: Party,
    /// The wait for its end; absent where it only asks once.
    pub wait: Option<Wait>,
    /// The wait, or the command that asks.
    pub span: Span,
    /// The text shows that it does not go on, or goes on otherwise, while the other one runs.
    pub is_certain: bool,
}

impl Finder<'_, '_> {
    /// The waits of a program for another container's end, and what it asks behind a call or a signal that ends it.
    pub(super) fn end_watches(&self, container: usize, program: usize, links: &[Link]) -> Vec<EndWatch> {
        let facts = self
            .facts
            .get(container)
            .and_then(|programs| programs.get(program));
        let text = self
            .owners
            .programs
            .get(container)
            .and_then(|programs| programs.get(program));
        let (Some(Some(facts)), Some(Some(script))) = (facts, text.map(|program| program.script.as_ref()))
        else {
            return Vec::new();
        };
        let stops = Stops::of(script, (container, program), links);
        if stops.all.is_empty()
            && !facts
                .waits
                .iter()
                .any(|wait| wait.inverted || asked_file(wait).is_some())
        {
            return Vec::new();
        }
        let watch = |other, wait: Option<&Wait>, span: &Span, is_certain| EndWatch {
            container,
            program,
            other,
            wait: wait.cloned(),
            span: span.clone(),
            is_certain,
        };
        let mut found = Vec::new();
        for wait in &facts.waits {
            for (other, is_certain) in self.whose_end((container, program), facts, wait, &stops) {
                found.push(watch(other, Some(wait), &wait.span, is_certain));
            }
        }
        for asked in &facts.questions {
            let other = self.asked_of((container, program), asked);
            if let Some(other) = other.filter(|other| stops.stand_before(other, &asked.span))
                && !stops.belongs_to_another(&other, &asked.span)
            {
                found.push(watch(other, None, &asked.span, true));
            }
        }
        for (other, span) in stops.unread_loops(facts) {
            found.push(watch(other, None, &span, false));
        }
        found
    }

    /// Whose end a wait waits for, and whether that is certain.
    fn whose_end(
        &self,
        (container, program): (usize, usize),
        facts: &ScriptFacts,
        wait: &Wait,
        stops: &Stops<'_>,
    ) -> Vec<(Party, bool)> {
        if let Some(file) = asked_file(wait) {
            return self.whose_sign(container, facts, (file, wait), stops);
        }
        if !wait.inverted {
            return Vec::new();
        }
        let is_plain = wait.answer != Answer::Text && wait.unknown_option.is_none() && !wait.in_background;
        let mut asked = wait.probes.iter();
        let other = asked.find_map(|probe| self.asked_of((container, program), probe));
        other
            .filter(|other| !stops.come_only_behind(other, &wait.span))
            .map(|other| (other, is_plain))
            .into_iter()
            .collect()
    }

    /// Who makes a file when it ends, or removes it.
    fn whose_sign(
        &self,
        container: usize,
        facts: &ScriptFacts,
        (file, wait): (&FilePath, &Wait),
        stops: &Stops<'_>,
    ) -> Vec<(Party, bool)> {
        let Some(path) = file.path.as_deref() else {
            return Vec::new();
        };
        let Some((_, writers)) = self.shared_file(container, (path, false), facts) else {
            return Vec::new();
        };
        let at_end = writers.iter().filter(|writer| writer.marker.is_at_end());
        let mut found: Vec<(Party, bool)> = at_end
            .map(|writer| (Party::Container(writer.container), !wait.inverted))
            .collect();
        if writers.is_empty() {
            let behind = stops
                .all
                .iter()
                .filter(|stop| stops.stand_before(stop.other, &wait.span));
            let reaches = |index: usize| self.mounts_volume_of(index, container, path);
            let reached = behind.filter_map(|stop| match stop.other {
                Party::Container(index) if reaches(*index) => Some((stop.other.clone(), false)),
                _ => None,
            });
            for own in reached {
                if !found.contains(&own) {
                    found.push(own);
                }
            }
        }
        found
    }

    fn mounts_volume_of(&self, index: usize, from: usize, path: &str) -> bool {
        let workload = self.owners.workload;
        let own = workload.containers.get(from);
        let volume = own.and_then(|own| workload.volume_of_file(own, path));
        let other = workload.containers.get(index);
        volume
            .zip(other)
            .is_some_and(|((volume, _), other)| other.mounts().any(|mount| mount.volume == volume.name))
    }

    /// Whom a question is about: an address, a process, a tool.
    fn asked_of(&self, (container, program): (usize, usize), asked: &CommandAction) -> Option<Party> {
        let other = match &asked.action {
            Action::Signal { targets, .. } if self.shares_processes() => targets
                .iter()
                .find_map(|target| self.owners.of_process(container, target, true)),
            Action::Connect(connect) if matches!(connect.host, Host::Remote(_)) => None,
            Action::Http(_) | Action::Connect(_) | Action::Tool { .. } => {
                self.awaited((container, program), asked)
            }
            _ => None,
        };
        other.filter(|other| *other != Party::Unknown)
    }
}

/// The file that a wait looks for.
fn asked_file(wait: &Wait) -> Option<&FilePath> {
    wait.probes.iter().find_map(|probe| match &probe.action {
        Action::TestFile { path, .. } => Some(path),
        _ => None,
    })
}

/// A call or a signal of a script that ends another container.
struct Stop<'l> {
    other: &'l Party,
    span: &'l Span,
    place: Place,
}

/// All of a script's.
struct Stops<'l> {
    script: &'l Script,
    all: Vec<Stop<'l>>,
}

impl<'l> Stops<'l> {
    fn of(script: &'l Script, own: (usize, usize), links: &'l [Link]) -> Self {
        let all = links
            .iter()
            .filter(|link| (link.container, link.program) == own)
            .filter_map(|link| {
                let span = match &link.kind {
                    LinkKind::Quits(quit) => &quit.span,
                    LinkKind::Kills(kill) => &kill.span,
                    _ => return None,
                };
                Some(Stop {
                    other: &link.other,
                    span,
                    place: Place::of(script, span)?,
                })
            })
            .collect();
        Self { script, all }
    }

    fn are_before(&self, other: &Party, span: &Span) -> Option<(bool, bool)> {
        let place = Place::of(self.script, span)?;
        let mut own = self.all.iter().filter(|stop| stop.other == other).peekable();
        own.peek()?;
        let (mut before, mut behind) = (false, false);
        for stop in own {
            match stop.place.is_before(&place) {
                true => before = true,
                false => behind = true,
            }
        }
        Some((before, behind))
    }

    /// Whether one of those that end a container comes before a place.
    fn stand_before(&self, other: &Party, span: &Span) -> bool {
        self.are_before(other, span).is_some_and(|(before, _)| before)
    }

    /// Whether those that end a container come behind a place, which then can't wait for what they do.
    fn come_only_behind(&self, other: &Party, span: &Span) -> bool {
        self.are_before(other, span) == Some((false, true))
    }

    /// The loops behind a call or a signal of which nobody knows what they wait for: `while ss -ltn | grep -q :5432`.
    fn unread_loops(&self, facts: &ScriptFacts) -> Vec<(Party, Span)> {
        let mut found = Vec::new();
        for visit in self.script.list.constructs() {
            let Command::Loop { condition, span, .. } = visit.command else {
                continue;
            };
            let reads = condition.commands().any(|visit| {
                let words = visit.simple().map(|simple| simple.words.as_slice());
                words.is_some_and(|words| words.first().is_some_and(|word| word.raw == "read"))
            });
            let is_known = facts
                .waits
                .iter()
                .any(|wait| holds(span, &wait.span) || holds(&wait.span, span))
                || self.all.iter().any(|stop| holds(span, stop.span));
            if reads || is_known {
                continue;
            }
            let Some(place) = Place::of(self.script, span) else {
                continue;
            };
            let mut ended: Vec<&Party> = Vec::new();
            for stop in self.all.iter().filter(|stop| stop.place.is_before(&place)) {
                if !ended.contains(&stop.other) {
                    ended.push(stop.other);
                }
            }
            found.extend(ended.into_iter().map(|other| (other.clone(), span.clone())));
        }
        found
    }

    /// Whether a question decides about another call or signal to the same container: `pgrep x && pkill -9 x`.
    fn belongs_to_another(&self, other: &Party, asked: &Span) -> bool {
        let own = self.script.list.constructs().filter_map(|visit| {
            let statement = &visit.statement;
            match visit.command {
                Command::If { span, branches, .. } => {
                    let mut conditions = branches.iter().flat_map(|branch| &branch.condition.statements);
                    conditions
                        .any(|condition| holds(&condition.span, asked))
                        .then_some(span)
                }
                command if command.span() == *asked && !statement.and_or.rest.is_empty() => {
                    Some(&statement.span)
                }
                _ => None,
            }
        });
        let mut own = own.map(|around| asked.end..around.end);
        own.any(|behind| {
            let mut stops = self.all.iter().filter(|stop| stop.other == other);
            stops.any(|stop| holds(&behind, stop.span))
        })
    }
}

fn holds(around: &Span, inside: &Span) -> bool {
    around.start <= inside.start && inside.end <= around.end
}

/// When a command runs: the calls of functions that lead to it, and itself.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    in_trap: bool,
    path: Vec<usize>,
}

/// How many calls of functions are followed.
const DEPTH_LIMIT: usize = 4;

impl Place {
    fn of(script: &Script, span: &Span) -> Option<Self> {
        let at = script
            .list
            .constructs()
            .filter(|visit| {
                let own = visit.command.span();
                own.start <= span.start && span.end <= own.end
            })
            .last()?;
        let mut context = at.context;
        let mut path = vec![span.start];
        for _ in 0..DEPTH_LIMIT {
            let Some(name) = context.function else { break };
            let calls = script.list.commands().filter(|visit| {
                let words = visit.simple().map(|simple| simple.words.as_slice());
                words.is_some_and(|words| words.first().is_some_and(|word| word.raw == name))
                    && visit.context.function != Some(name)
            });
            let Some(call) = calls.min_by_key(|call| call.context.trap.is_some()) else {
                break;
            };
            path.insert(0, call.command.span().start);
            context = call.context;
        }
        Some(Self {
            in_trap: context.trap.is_some(),
            path,
        })
    }

    /// What stands in a trap runs behind the rest.
    fn is_before(&self, other: &Self) -> bool {
        match (self.in_trap, other.in_trap) {
            (false, true) => true,
            (true, false) => false,
            _ => self.path < other.path,
        }
    }
}
