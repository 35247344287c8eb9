//! How a container delays its own end: preStop hooks that wait, traps that hold SIGTERM back.

use crate::{
    behaviour::{
        ScriptFacts,
        action::{Action, ExitCode},
        script::{MarkerUse, Trap, Wait},
    },
    catalogue::stop_command,
    shell::{Span, command_index},
    workload::{HookKind, Program, ProgramPlace},
    yaml::Entry,
};

use crate::pod::{Member, Pod, shown_path};

/// A preStop hook that waits.
pub(crate) struct Delay<'p, 'a> {
    /// It does nothing else.
    pub(crate) only: bool,
    /// What it looks at, where that may be the container's own work and not the app's.
    pub(crate) own: Option<String>,
    pub(crate) place: DelayPlace<'p, 'a>,
}

/// Where it stands.
pub(crate) enum DelayPlace<'p, 'a> {
    Text(&'p Program<'a>, Span),
    Entry(Entry<'a>),
}

/// Whether the preStop hook of a container waits: `sleep`, the sleep action, or a loop that sleeps.
pub(crate) fn prestop_delay<'p, 'a>(
    pod: &'p Pod<'a>,
    index: usize,
    member: &'p Member<'a>,
) -> Option<Delay<'p, 'a>> {
    let hook = member.container.hook(HookKind::PreStop)?;
    if hook.sleep_seconds().is_some_and(|seconds| seconds > 0) {
        return Some(Delay {
            only: true,
            own: None,
            place: DelayPlace::Entry(hook.entry.value.entry("sleep")?),
        });
    }
    let (at, program) = member
        .programs
        .iter()
        .enumerate()
        .find(|(_, program)| program.place == ProgramPlace::Hook(HookKind::PreStop))?;
    let facts = pod.links.facts(index, at)?;
    let script = program.script.as_ref()?;
    let sleep = script.list.commands().find_map(|visit| {
        let simple = visit.simple()?;
        let name = simple.words.get(command_index(&simple.words))?.literal()?;
        (name.rsplit('/').next() == Some("sleep")).then(|| simple.span.clone())
    })?;
    if ends_its_process_before(program, facts, sleep.start) {
        return None;
    }
    // The whole loop, where the sleep is part of one.
    let sleeps = script
        .list
        .statements
        .iter()
        .map(|statement| statement.span.clone())
        .find(|span| span.start <= sleep.start && sleep.end <= span.end)
        .unwrap_or(sleep);
    let writes = facts
        .markers
        .iter()
        .any(|marker| !matches!(marker.usage, MarkerUse::Tested { .. }));
    let only_waits = facts.waits.iter().all(|wait| wait.besides().is_none());
    let only =
        facts.work.is_empty() && facts.quits.is_empty() && facts.kills.is_empty() && !writes && only_waits;
    Some(Delay {
        only,
        own: facts
            .waits
            .iter()
            .find_map(|wait| own_work(pod, index, program, wait)),
        place: DelayPlace::Text(program, sleeps),
    })
}

/// The file or the address that a wait looks at, unless another container has to do with it.
fn own_work(pod: &Pod<'_>, index: usize, program: &Program<'_>, wait: &Wait) -> Option<String> {
    let own = &pod.members.get(index)?.container;
    let is_shared = |path: &str| {
        let volume = pod.workload.volume_of_file(own, path);
        let others = pod
            .members
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        volume.is_some_and(|(volume, _)| {
            others
                .flat_map(|(_, other)| other.container.mounts())
                .any(|mount| mount.volume == volume.name)
        })
    };
    let is_of_another = |port: u16| {
        let others = pod
            .members
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        others
            .map(|(_, other)| &other.container)
            .any(|other| other.ports().any(|declared| declared.number == port))
    };
    wait.probes.iter().find_map(|probe| match &probe.action {
        Action::TestFile { path, .. } => {
            let shared = path.path.as_deref().is_some_and(is_shared);
            (!shared).then(|| shown_path(program, path).to_owned())
        }
        Action::Http(http) => http
            .urls()
            .find(|url| url.host.is_local() && !url.port.is_some_and(is_of_another))
            .map(|_| "an address of the pod".to_owned()),
        Action::Connect(connect) => (connect.host.is_local() && !connect.port.is_some_and(is_of_another))
            .then(|| "an address of the pod".to_owned()),
        _ => None,
    })
}

/// Whether a hook has told its own process to end before it waits: it waits for that, and not for the app.
fn ends_its_process_before(program: &Program<'_>, facts: &ScriptFacts, wait: usize) -> bool {
    let signals = facts.kills.iter().any(|kill| kill.span.end <= wait);
    let calls = facts.quits.iter().any(|quit| quit.stops && quit.span.end <= wait);
    signals || calls || stop_commands(program).any(|stop| stop.end <= wait)
}

/// Where a program runs a command that ends the server of its own container: `cloud-sql-proxy shutdown`,
/// `nginx -s quit`.
pub(crate) fn stop_commands(program: &Program<'_>) -> impl Iterator<Item = Span> {
    let commands = program.script.iter().flat_map(|script| script.list.commands());
    commands.filter_map(|visit| {
        let simple = visit.simple()?;
        let words: Vec<_> = simple
            .words
            .iter()
            .skip(command_index(&simple.words))
            .map(|word| word.literal().unwrap_or_else(|| word.raw.as_str().into()))
            .collect();
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let (name, arguments) = words.split_first()?;
        stop_command::of_command(name, arguments).map(|_| simple.span.clone())
    })
}

/// What a trap makes of SIGTERM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrapEffect {
    /// `trap '' TERM`
    Ignores,
    /// It sleeps or waits first.
    Delays,
    /// It ends with success, which its process would not.
    Succeeds,
}

impl TrapEffect {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Ignores => "ignores SIGTERM so that it outlives the app",
            Self::Delays => "delays its end on SIGTERM so that it outlives the app",
            Self::Succeeds => "turns its end by a signal into a success",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ignores => "ignores it",
            Self::Delays => "waits before it ends",
            Self::Succeeds => "exits 0",
        }
    }
}

/// The traps of a container's entrypoint that delay or disguise its end. One that only passes the signal on
/// to its child is good practice.
pub(crate) fn delaying_traps<'p, 'a>(
    pod: &'p Pod<'a>,
    index: usize,
    member: &'p Member<'a>,
) -> Vec<(usize, &'p Program<'a>, &'p Trap, TrapEffect)> {
    let Some((at, program)) = Pod::entrypoint(member) else {
        return Vec::new();
    };
    let Some(facts) = pod.links.facts(index, at) else {
        return Vec::new();
    };
    facts
        .traps
        .iter()
        .filter(|trap| trap.is_on_termination())
        .filter_map(|trap| Some((at, program, trap, trap_effect(trap)?)))
        // Without its trap a shell's endless loop would hear no signal at all.
        .filter(|(.., effect)| *effect != TrapEffect::Succeeds || facts.runs_for_ever.is_none())
        .collect()
}

fn trap_effect(trap: &Trap) -> Option<TrapEffect> {
    if trap.ignores {
        return Some(TrapEffect::Ignores);
    }
    if !trap.is_understood {
        return None;
    }
    let actions = || trap.actions.iter().map(|action| &action.action);
    if actions().any(|action| matches!(action, Action::Sleep { .. })) {
        return Some(TrapEffect::Delays);
    }
    if trap.actions.iter().all(|action| action.is_noise()) {
        return Some(TrapEffect::Ignores);
    }
    let ends = |action: &Action| {
        matches!(
            action,
            Action::Exit {
                code: Some(ExitCode::Number(0)),
                ..
            }
        )
    };
    let only_ends = trap
        .actions
        .iter()
        .all(|action| action.is_noise() || ends(&action.action));
    only_ends.then_some(TrapEffect::Succeeds)
}
