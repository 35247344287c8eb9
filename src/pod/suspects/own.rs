//! What a container brings along that may end it: its livenessProbe, and what its postStart hook leaves running.

use super::{Suspect, names_of, normal};
use crate::{
    behaviour::{
        action::{Action, FilePath, FileTestKind, Host, Values, classify_visit},
        script::is_filter,
    },
    catalogue::{
        program_end::is_finite,
        program_reach::{Reach, is_called_a_script, reaches},
        tool,
    },
    pod::{Member, Pod, another_listens_on, listens_on},
    shell::{Simple, Visit, command_index},
    workload::{ContainerList, HookKind, Mount, ProbeKind, Program, ProgramPlace, VolumeSource},
    yaml::Node,
};

/// A program of a container's own that may end it, in a pod where nothing else is seen to do so. The kubelet ends a
/// container whose livenessProbe fails, and no container of a Job is started again once it ended well.
pub(super) fn own_end(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> Vec<Suspect> {
    let is_open = member.container.list == ContainerList::Regular
        && pod.workload.runs_to_completion()
        && !pod.is_ended(index);
    if !is_open {
        return Vec::new();
    }
    let own = Own { pod, member };
    let programs = member.programs.iter().filter_map(|program| match program.place {
        ProgramPlace::Probe(ProbeKind::Liveness) => own
            .says_more_than_health(program)
            .then(|| Suspect::Probe(shown(program))),
        ProgramPlace::Hook(HookKind::PostStart) => {
            own.leaves_an_end(program).then(|| Suspect::Hook(shown(program)))
        }
        _ => None,
    });
    programs.chain(own.asks_another().map(Suspect::Probe)).collect()
}

/// A container with its pod.
struct Own<'p, 'a> {
    pod: &'p Pod<'a>,
    member: &'p Member<'a>,
}

impl Own<'_, '_> {
    /// Whether a probe's command may fail for another reason than the health of its own container.
    fn says_more_than_health(&self, program: &Program<'_>) -> bool {
        self.some_command(program, |simple, _, action| match action {
            Action::Http(http) => {
                !http.only_asks() || http.urls().any(|url| self.is_of_another(&url.host, url.port))
            }
            Action::Connect(connect) => self.is_of_another(&connect.host, connect.port),
            // Who makes a socket listens on it.
            Action::TestFile { path, kind, .. } => *kind != FileTestKind::Socket && self.is_shared(path),
            Action::Signal { only_tests, .. } => !only_tests || self.pod.shares_processes(),
            Action::Other { program } => !self.is_known(program.as_deref(), simple),
            Action::Wrapper { .. } => true,
            _ => false,
        })
    }

    /// Whether a hook signals somebody, or runs something on that nobody here knows.
    fn leaves_an_end(&self, program: &Program<'_>) -> bool {
        self.some_command(program, |simple, visit, action| match action {
            Action::Signal { only_tests, .. } => !only_tests,
            Action::Http(http) => visit.context.background && !http.only_asks(),
            Action::Other { program } => {
                let may_go_on = visit.context.background || is_a_file(program.as_deref(), simple);
                may_go_on && !self.is_known(program.as_deref(), simple)
            }
            Action::Wrapper { .. } => visit.context.background,
            _ => false,
        })
    }

    /// Whether it is so of some command of a program; a program that is not understood may do anything.
    fn some_command(
        &self,
        program: &Program<'_>,
        is_it: impl Fn(&Simple, &Visit<'_>, &Action) -> bool,
    ) -> bool {
        let Some(script) = &program.script else {
            return true;
        };
        let environment = self.member.container.values();
        let value_of = |name: &str| environment.get(name);
        let values = Values::new(&value_of);
        let functions = script.functions();
        script.list.commands().any(|visit| {
            let Some(simple) = visit.simple() else {
                return false;
            };
            let name = simple.words.get(command_index(&simple.words));
            if name.is_some_and(|name| functions.contains_key(name.raw.as_str())) {
                return false;
            }
            classify_visit(&visit, &values).is_some_and(|command| is_it(simple, &visit, &command.action))
        })
    }

    /// The container's own program, and one that reads and prints and is told no file that others could write.
    fn is_known(&self, program: Option<&str>, simple: &Simple) -> bool {
        let Some(program) = program else {
            return false;
        };
        let base = program.rsplit('/').next().unwrap_or(program);
        let words = simple.words.iter().skip(command_index(&simple.words) + 1);
        let words: Vec<&str> = words.map(|word| word.raw.as_str()).collect();
        let is_plain = || {
            (is_filter(base) && base != "xargs" || is_finite(program, &words)) && {
                let mut files = words.iter().filter(|word| word.starts_with('/'));
                !files.any(|file| self.lies_shared(file))
            }
        };
        tool::by_program(base).is_some()
            || names_of(self.pod, self.member).contains(&normal(base))
            || is_plain()
    }

    /// Whether a port of the pod is another container's.
    fn is_of_another(&self, host: &Host, port: Option<u16>) -> bool {
        let is_anothers = |port| {
            !listens_on(self.pod, self.member, port) && another_listens_on(self.pod, self.member, port)
        };
        host.is_local() && port.is_some_and(|port| is_anothers(port) && !self.names(port))
    }

    /// Whether a container's own words or variables hold a number.
    fn names(&self, port: u16) -> bool {
        let container = &self.member.container;
        let words = container.command().into_iter().chain(container.arguments());
        let values = container.environment().filter_map(|variable| variable.value);
        let holds = |text: &str| {
            let mut parts = text.split(|letter: char| !letter.is_ascii_digit());
            parts.any(|part| part.parse() == Ok(port))
        };
        words.filter_map(Node::as_str).chain(values).any(holds)
    }

    /// The port of another container that the kubelet itself asks.
    fn asks_another(&self) -> Option<String> {
        let probe = self.member.container.probe(ProbeKind::Liveness)?;
        let port = probe.port()?.parse().ok()?;
        self.is_of_another(&Host::Local, Some(port))
            .then(|| format!("it asks port {port}"))
    }

    fn is_shared(&self, file: &FilePath) -> bool {
        // Which file a variable names is not known.
        file.path.as_deref().is_none_or(|path| self.lies_shared(path))
    }

    /// Whether another container could write a file.
    fn lies_shared(&self, path: &str) -> bool {
        let workload = self.pod.workload;
        let is_written = |name: &str| {
            let volume = workload.volume(name);
            volume.is_none_or(|volume| !matches!(volume.source, VolumeSource::ConfigMap { .. }))
        };
        let lies_there = |mount: &Mount<'_>| mount.relative(path).is_some() && is_written(mount.volume);
        let mut volumes = self.member.container.mounts().filter(lies_there);
        volumes.any(|own| {
            self.pod.members.iter().any(|other| {
                let mut mounts = other.container.mounts();
                !std::ptr::eq(other, self.member) && mounts.any(|mount| mount.volume == own.volume)
            })
        })
    }
}

/// Whether a command runs a file that nobody here reads: `/watch.sh`, `python3 watch.py`.
fn is_a_file(program: Option<&str>, simple: &Simple) -> bool {
    let Some(program) = program else {
        return true;
    };
    let base = program.rsplit('/').next().unwrap_or(program);
    reaches(base, Reach::File) && simple.words.len() > 1 || is_called_a_script(base)
}

/// The first line of a program.
fn shown(program: &Program<'_>) -> String {
    let mut lines = program
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.next() {
        Some(_) => format!("{first} …"),
        None => first.to_owned(),
    }
}
