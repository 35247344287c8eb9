//! Commands of which the text does not show what they do: what they run, whom they ask, what they say.

use super::Suspect;
use crate::{
    behaviour::script::UnreadKind,
    pod::{Member, Pod},
    roles::Role,
    workload::{ContainerList, Program, ProgramPlace},
};

/// The longest part of a command that a message shows, in characters.
const SHOWN: usize = 70;

/// What a program does beside its own work that nobody can see: of the container `at`, which may end the one of `index`.
pub(super) fn unread(
    pod: &Pod<'_>,
    (at, program_at): (usize, usize),
    index: usize,
    program: &Program<'_>,
) -> Vec<Suspect> {
    if matches!(program.place, ProgramPlace::Probe(_)) {
        return Vec::new();
    }
    let Some(facts) = pod.links.facts(at, program_at) else {
        return vec![Suspect::Script(at)];
    };
    // One request is all that some containers beside the app are for.
    let mut members = pod.members.iter().enumerate();
    let has_another_app = members.any(|(other, member)| {
        let is_app = member.container.list == ContainerList::Regular && member.role.role == Role::App;
        is_app && other != at && other != index
    });
    facts
        .unread
        .iter()
        .filter(|unread| !unread.is_own_work || has_another_app)
        .map(|unread| Suspect::Unread {
            container: at,
            kind: unread.kind,
            holds_quit: unread.holds_quit,
            command: shown(program.text.get(unread.span.clone()).unwrap_or_default()),
        })
        .collect()
}

/// The variable that names a file which bash reads before any script of its container (the bash manual, "Bash Startup
/// Files"). What a program's own entrypoint starts nobody knows; another shell reads no such file.
pub(super) fn hooked_shell(at: usize, member: &Member<'_>) -> Option<Suspect> {
    let hook = member
        .container
        .variable("BASH_ENV")
        .filter(|hook| hook.value != Some(""))?;
    let entrypoint = Pod::entrypoint(member).map(|(_, program)| program);
    let shell = entrypoint.and_then(|program| {
        let at = program.invocation.as_ref()?.shell?;
        program.words.get(at)?.as_str()
    });
    if shell.is_some_and(|shell| shell.rsplit('/').next() != Some("bash")) {
        return None;
    }
    Some(Suspect::Variable {
        container: at,
        name: hook.name.to_owned(),
    })
}

/// The words behind the other container's name.
pub(super) fn describe(name: &str, kind: UnreadKind, command: &str) -> String {
    match kind {
        UnreadKind::Text => {
            format!("it may be ended by what {name} runs and the manifest does not show: `{command}`")
        }
        UnreadKind::Request => {
            format!("it may be ended by a request of {name} whose address is not known: `{command}`")
        }
        UnreadKind::Message => format!("it may be ended by what {name} says to a server: `{command}`"),
        UnreadKind::File => {
            format!("it may be ended by a script that {name} writes for others to run: `{command}`")
        }
    }
}

/// The first line of a command.
fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
