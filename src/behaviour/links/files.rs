//! Files by which containers tell each other something: who writes the one that another looks for.

use std::{collections::HashSet, sync::Arc};

use crate::{
    behaviour::{
        ScriptFacts,
        action::FileTestKind,
        script::{ExitStatus, Kill, Marker, MarkerUse, Reached, Wait},
    },
    catalogue::{
        injected_file,
        program_end::is_finite,
        stream_tool::{Stream, does},
        wait_tool::{self, Address},
    },
    shell::{Simple, Span, Word, command_index},
    workload::{ContainerList, HookKind, ProbeKind, Program, ProgramPlace, VolumeSource},
};

use super::{Finder, Link, LinkKind, MarkerWrite, Party};

impl Finder<'_, '_> {
    pub(super) fn markers(&self, container: usize, program: usize, own: &ScriptFacts, all: &mut Vec<Link>) {
        let mut seen = HashSet::new();
        for test in own.markers.iter().filter(
            |marker| matches!(marker.usage, MarkerUse::Tested { kind, .. } if kind != FileTestKind::Pipe),
        ) {
            let Some(path) = test.file.path.as_ref().or(test.file.by_variable.as_ref()) else {
                continue;
            };
            let wait = own.waits.iter().find(|wait| {
                !wait.inverted && wait.span.start <= test.span.start && test.span.end <= wait.span.end
            });
            // A hook comes to its end without its container doing so.
            let in_hook = self.owners.is_hook(container, program);
            let ends = ends(test, path, wait, own)
                && (!in_hook
                    || test.reached.contains(&Reached::Kill)
                    || !self.is_post_start(container, program));
            let watches = watches(test);
            // In a loop it takes the place of a sleep, or goes on with each change.
            if !seen.insert((path, ends)) || watches && test.is_in_loop {
                continue;
            }
            let shared = match &test.file.path {
                Some(path) => self.shared_file(container, (path, watches), own),
                None => self.named_by_variable(container, path),
            };
            if let Some((other, writers)) = shared {
                // A postStart hook that looks for a file of its own process is its gate. One that only another container
                // names may be that one's.
                let may_be_anothers = matches!(other, Party::Container(other) if self.owners.names_path(other, path))
                    && !self.owners.names_path(container, path);
                if writers.is_empty() && self.is_post_start(container, program) && !may_be_anothers {
                    continue;
                }
                // `envoy.ready`, written by an image, says when something starts.
                let says_a_start = writers.is_empty() && names_a_start(path);
                let is_no_end = |wait: &Wait| waits_for_input(wait, own) || has_worked(wait, own);
                if ends && (says_a_start || wait.is_some_and(is_no_end)) {
                    continue;
                }
                let kind = if ends {
                    // Asked once, it is a script's own memory: `[ -f initialized ] && exit 0`.
                    (test.is_in_loop || watches).then(|| LinkKind::EndsOnFile(test.clone(), writers))
                } else {
                    let is_shown = |wait: &Wait| self.shows((container, program), path, wait);
                    match self.is_post_start(container, program) {
                        // Whatever the file holds: the container counts as started only behind its hook.
                        true => {
                            wait.map(|wait| LinkKind::StartsOnFile(wait.clone(), writers.into_iter().next()))
                        }
                        false => {
                            let wait = wait.filter(|wait| !self.ends_behind(&writers) && !is_shown(wait));
                            starts(wait, writers, || self.reads((container, program), path, own))
                        }
                    }
                };
                all.extend(kind.map(|kind| Link {
                    container,
                    program,
                    kind,
                    other,
                }));
            }
        }
    }

    /// Whether all that a script does behind a wait for a file is to show that file: `exec tail -F FILE`. It serves who
    /// writes there.
    fn shows(&self, (container, program): (usize, usize), path: &str, wait: &Wait) -> bool {
        let Some(then) = &wait.command_after else {
            return false;
        };
        let programs = self.owners.programs.get(container);
        let script = programs
            .and_then(|programs| programs.get(program))
            .and_then(|program| program.script.as_ref());
        let mut commands = script
            .into_iter()
            .flat_map(|script| script.list.commands_around(then));
        commands.any(|visit| {
            visit.simple().is_some_and(|simple| {
                let words = simple
                    .words
                    .get(command_index(&simple.words)..)
                    .unwrap_or_default();
                let name = words.first().map_or("", |word| word.raw.as_str());
                let is_last = then.start <= simple.span.start && simple.span.end <= then.end;
                is_last
                    && does(name.rsplit('/').next().unwrap_or(name), Stream::Shows)
                    && words
                        .iter()
                        .any(|word| word.literal().is_some_and(|word| word == path))
            })
        })
    }

    /// Whether a script names a file elsewhere than where it looks whether it is there.
    fn reads(&self, (container, program): (usize, usize), path: &str, own: &ScriptFacts) -> bool {
        let programs = self.owners.programs.get(container);
        let text = programs
            .and_then(|programs| programs.get(program))
            .map_or("", |program| program.text.as_ref());
        let is_test = |marker: &&Marker| {
            let looks = match marker.usage {
                // `$(cat FILE)` behind the loop reads it.
                MarkerUse::Tested { kind, .. } => kind != FileTestKind::Read || marker.is_in_loop,
                _ => false,
            };
            looks && marker.file.path.as_deref() == Some(path)
        };
        let tests = own.markers.iter().filter(is_test).count();
        text.matches(path).count() > tests || !text.contains(path)
    }

    pub(super) fn is_post_start(&self, container: usize, program: usize) -> bool {
        let programs = self.owners.programs.get(container);
        programs
            .and_then(|programs| programs.get(program))
            .is_some_and(|program| program.place == ProgramPlace::Hook(HookKind::PostStart))
    }

    /// A liveness probe that fails once another container has written a file makes the kubelet end the container.
    pub(super) fn liveness(&self, container: usize, all: &mut Vec<Link>) {
        let Some(own) = self.owners.workload.containers.get(container) else {
            return;
        };
        let programs = self.owners.programs.get(container).into_iter().flatten();
        let values = own.values();
        for (program, probe) in programs.enumerate() {
            let is_liveness = probe.place == ProgramPlace::Probe(ProbeKind::Liveness);
            let Some(script) = probe.script.as_ref().filter(|_| is_liveness) else {
                continue;
            };
            let value_of = |name: &str| values.get(name);
            let facts = ScriptFacts::new(script, &value_of, false);
            for test in &facts.markers {
                let fails = match test.usage {
                    MarkerUse::Tested { negated, .. } => negated || test.reached.contains(&Reached::Exit),
                    _ => false,
                };
                let Some(path) = test.file.path.as_deref().filter(|_| fails) else {
                    continue;
                };
                let Some((other, writers)) = self.shared_file(container, (path, false), &facts) else {
                    continue;
                };
                if writers.iter().any(|writer| writer.marker.is_at_end()) {
                    all.push(Link {
                        container,
                        program,
                        kind: LinkKind::EndsOnFile(test.clone(), writers),
                        other,
                    });
                }
            }
        }
    }

    /// Whether a script writes the file last and ends: a step that hands its result over, and no server.
    fn ends_behind(&self, writers: &[MarkerWrite]) -> bool {
        writers.iter().any(|writer| {
            let programs = self.owners.programs.get(writer.container);
            let program = programs.and_then(|programs| programs.get(writer.program));
            let facts = self
                .facts
                .get(writer.container)
                .and_then(|facts| facts.get(writer.program));
            let (Some(program), Some(Some(facts))) = (program, facts) else {
                return false;
            };
            let written = writer.marker.span.end;
            let spans = |waits: &[Wait]| waits.iter().map(|wait| wait.span.end).max();
            // What is over at once behind it, a message or a request, is no server either.
            let works_on = facts
                .work
                .iter()
                .filter(|work| work.end > written && !is_over_at_once(program, work));
            let last = [
                works_on.map(|work| work.end).max(),
                facts.background.iter().map(|child| child.span.end).max(),
                facts.sleeps.iter().map(|sleep| sleep.span.end).max(),
                spans(&facts.waits),
            ];
            program.place == ProgramPlace::Entrypoint
                && facts.background.is_empty()
                && !facts.stays_idle
                && !writer.marker.is_in_loop
                && last.into_iter().flatten().all(|end| end <= written)
        })
    }

    /// Who writes the file of a path with variables that have the same value in both containers, though nobody here knows
    /// it: they take it from the same place, and share an empty volume.
    fn named_by_variable(&self, from: usize, path: &str) -> Option<(Party, Vec<MarkerWrite>)> {
        let workload = self.owners.workload;
        let own = workload.containers.get(from)?;
        let names: Vec<&str> = path
            .split("${")
            .skip(1)
            .filter_map(|behind| behind.split('}').next())
            .collect();
        let writer = self.owners.others(from).find_map(|(index, other)| {
            let is_same = names.iter().all(|name| {
                let mut variables = own.environment().filter(|own| own.name == *name);
                variables.any(|own| {
                    let mut theirs = other.environment().filter(|theirs| theirs.name == *name);
                    theirs.any(|theirs| own.is_from_where(&theirs))
                })
            });
            let shares = own.mounts().any(|mount| {
                let volume = workload.volume(mount.volume);
                volume.is_some_and(|volume| matches!(volume.source, VolumeSource::EmptyDirectory))
                    && other.mounts().any(|theirs| theirs.volume == mount.volume)
            });
            let programs = self.facts.get(index).filter(|_| is_same && shares)?;
            programs.iter().enumerate().find_map(|(program, facts)| {
                let writes = |marker: &&Marker| {
                    !matches!(marker.usage, MarkerUse::Tested { .. })
                        && marker.file.by_variable.as_deref() == Some(path)
                };
                let marker = facts.iter().flat_map(|facts| &facts.markers).find(writes)?;
                Some(MarkerWrite {
                    container: index,
                    program,
                    marker: marker.clone(),
                })
            })
        })?;
        Some((Party::Container(writer.container), vec![writer]))
    }

    /// Who else mounts the empty volume that a file lies on, and who of them writes the file, or what lies in it where it
    /// is watched. Nothing where the container writes it itself.
    pub(super) fn shared_file(
        &self,
        from: usize,
        (path, watches): (&str, bool),
        own: &ScriptFacts,
    ) -> Option<(Party, Vec<MarkerWrite>)> {
        let workload = self.owners.workload;
        let tester = workload.containers.get(from)?;
        if tester.list == ContainerList::Init && !tester.is_native_sidecar() {
            return None;
        }
        let injected = injected_file::writer_of(path)
            .and_then(|name| self.owners.injected.iter().find(|known| known.name == name));
        if let Some(injected) = injected {
            return Some((Party::Injected(Arc::clone(injected)), Vec::new()));
        }
        let (volume, relative) = workload.volume_of_file(tester, path)?;
        if !matches!(volume.source, VolumeSource::EmptyDirectory) {
            return None;
        }
        let mut writers = Vec::new();
        let mut party = None;
        for (index, other) in self.owners.others(from) {
            if !other.mounts().any(|mount| mount.volume == volume.name) {
                continue;
            }
            party = Some(if party.is_none() {
                Party::Container(index)
            } else {
                Party::Unknown
            });
            for (program, facts) in self.facts.get(index)?.iter().enumerate() {
                let same = facts.iter().flat_map(written).filter(|(_, path)| {
                    workload
                        .volume_of_file(other, path)
                        .is_some_and(|(theirs, path)| {
                            let below = || {
                                let rest = path.strip_prefix(relative.trim_end_matches('/'));
                                relative.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
                            };
                            theirs.name == volume.name && (path == relative || watches && below())
                        })
                });
                writers.extend(same.map(|(marker, _)| MarkerWrite {
                    container: index,
                    program,
                    marker: marker.clone(),
                }));
            }
        }
        let writes_itself = written(own).any(|(marker, own)| own == path && marker.trap.is_none());
        if writes_itself && writers.is_empty() {
            return None;
        }
        let party = writers
            .first()
            .map(|writer| Party::Container(writer.container))
            .or_else(|| self.is_told_of(from, path, volume.name))
            .or(party)?;
        Some((party, writers))
    }

    /// The only other container with that volume whose arguments name the file: `--token-file=/run/token`.
    fn is_told_of(&self, from: usize, path: &str, volume: &str) -> Option<Party> {
        let mut told = self.owners.others(from).filter(|(index, other)| {
            other.mounts().any(|mount| mount.volume == volume) && self.owners.names_path(*index, path)
        });
        match (told.next(), told.next()) {
            (Some((index, _)), None) => Some(Party::Container(index)),
            _ => None,
        }
    }
}

/// Whether all commands of a part of a script do one thing and end.
fn is_over_at_once(program: &Program<'_>, part: &Span) -> bool {
    let script = program.script.iter();
    let mut commands = script
        .flat_map(|script| script.list.commands_around(part))
        .filter_map(|visit| visit.simple())
        .filter(|simple| part.start <= simple.span.start && simple.span.end <= part.end)
        .peekable();
    let ends = |simple: &Simple| {
        let (call, words) = simple.called()?;
        let call = call.literal()?;
        let words: Vec<_> = words.iter().map(Word::literal).collect::<Option<_>>()?;
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let tool = wait_tool::by_program(call.rsplit('/').next().unwrap_or(&call));
        let requests = tool.is_some_and(|tool| matches!(tool.address, Address::Request));
        Some(requests || is_finite(&call, &words))
    };
    commands.peek().is_some() && commands.all(|simple| ends(simple) == Some(true))
}

/// Whether a file, or what lies in it, is watched for a change.
fn watches(test: &Marker) -> bool {
    let kind = match test.usage {
        MarkerUse::Tested { kind, .. } => Some(kind),
        _ => None,
    };
    kind == Some(FileTestKind::Watch)
}

/// The files a script writes or removes.
fn written(facts: &ScriptFacts) -> impl Iterator<Item = (&Marker, &str)> {
    facts
        .markers
        .iter()
        .filter(|marker| !matches!(marker.usage, MarkerUse::Tested { .. }))
        .filter_map(|marker| Some((marker, marker.file.path.as_deref()?)))
}

/// Whether a script has nothing to run until the wait is over: a worker that waits for its input, and may be told
/// that there is none, has nothing that could be ended.
fn waits_for_input(wait: &Wait, own: &ScriptFacts) -> bool {
    let runs_before = own.work.iter().any(|work| work.start < wait.span.end);
    wait.command_after.is_some() && own.background.is_empty() && !runs_before
}

/// Whether a script did its work before the wait, and runs nothing any more that could be ended.
fn has_worked(wait: &Wait, own: &ScriptFacts) -> bool {
    own.background.is_empty() && own.work.iter().any(|work| work.end <= wait.span.start)
}

/// Whether a file's name says that something is up.
fn names_a_start(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split(['.', '-', '_']).any(|word| {
        matches!(
            word,
            "ready" | "started" | "running" | "healthy" | "initialized" | "up"
        )
    })
}

/// Whether the script, or a process it kills, ends once the file is there.
fn ends(test: &Marker, path: &str, wait: Option<&Wait>, own: &ScriptFacts) -> bool {
    let kills = || {
        own.kills
            .iter()
            .filter(|kill| kill.behind_tests_of.iter().any(|tested| tested == path))
    };
    match test.reached.iter().find(|reached| **reached != Reached::Break) {
        Some(Reached::Kill) => kills().count() == 0 || kills().any(Kill::is_an_end),
        Some(Reached::Exit) => true,
        Some(_) => false,
        // Nothing comes behind the wait: the script is at its end.
        None => wait.is_some_and(|wait| wait.command_after.is_none()),
    }
}

/// A file that is written at the end carries a result to somebody who must outlive the writer: no sign of
/// readiness. Nor is a log that a program fills, where the other side reads it.
fn starts(wait: Option<&Wait>, writers: Vec<MarkerWrite>, reads: impl Fn() -> bool) -> Option<LinkKind> {
    let is_content = writers
        .iter()
        .any(|writer| writer.marker.is_at_end() || writer.marker.is_output && reads());
    let wait = wait.filter(|_| !is_content)?;
    Some(LinkKind::StartsOnFile(wait.clone(), writers.into_iter().next()))
}

impl Marker {
    /// Whether it is made when the script's work is done.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        let at_exit = self
            .trap
            .iter()
            .flatten()
            .any(|signal| matches!(signal.as_str(), "EXIT" | "0" | "exit"));
        at_exit || self.is_after_main
    }
}

impl MarkerWrite {
    /// Whether one container makes the file when it ends, of no contents, past the result of its work.
    #[must_use]
    pub fn is_signal_alone(writers: &[Self]) -> bool {
        let [writer] = writers else { return false };
        let marker = &writer.marker;
        marker.usage == MarkerUse::Written
            && marker.is_at_end()
            && marker.exit_status == ExitStatus::Preserved
            && !marker.is_in_loop
            && !marker.is_background
    }
}
