//! Whether a container's program ends by itself, as far as its manifest tells.

use crate::{
    behaviour::action::{Values, classify_visit},
    catalogue::program_end::{becomes_a_daemon, is_finite, is_server, is_server_image},
    roles::{RunsServer, sounds_like_an_end},
    shell::{Simple, Span, Variable, command_index, limits_time},
    workload::{ContainerList, Program, ProgramPlace},
    yaml::Node,
};

use super::{Member, Pod};

/// How long a container's program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// It does one thing and ends, for this reason.
    Ends(String),
    /// It runs until it is stopped.
    RunsOn,
    /// The manifest does not tell.
    Unknown,
}

/// What is said of a program that [`Pod::may_end_by_configuration`].
pub(crate) const MAY_BE_CONFIGURED_TO_END: &str =
    "its own configuration, which is not read, may say that it ends";

impl<'a> Pod<'a> {
    /// How long the program of a container runs: index among the members.
    pub(crate) fn lifetime(&self, index: usize) -> &Lifetime {
        match self.members.get(index) {
            Some(member) => {
                let lifetime = &member.answers.lifetime;
                lifetime.get_or_init(|| self.lifetime_of_member(index, member))
            }
            None => &Lifetime::Unknown,
        }
    }

    fn lifetime_of_member(&self, index: usize, member: &Member<'_>) -> Lifetime {
        let entrypoint = Pod::entrypoint(member);
        if entrypoint.is_some_and(|(_, program)| leaves_a_daemon(program)) {
            return Lifetime::Unknown;
        }
        match self.runs_server(member) {
            RunsServer::Refuted(one_shot) => return Lifetime::Ends(one_shot.to_string()),
            RunsServer::Proved if self.may_end_by_configuration(member) => return Lifetime::Unknown,
            RunsServer::Proved => return Lifetime::RunsOn,
            RunsServer::Unknown(_) => {}
        }
        let Some((at, program)) = entrypoint else {
            let runs_server = member
                .container
                .image()
                .is_some_and(|image| is_server_image(image.base_name()));
            return match runs_server {
                true => Lifetime::RunsOn,
                false => Lifetime::Unknown,
            };
        };
        if self.runs_for_ever(index).is_some() {
            return Lifetime::RunsOn;
        }
        // Arguments alone are for a program that the image names.
        if member.container.command().is_empty() && !program.is_shell() {
            return match arguments_run_a_server(member) {
                true => Lifetime::RunsOn,
                false => Lifetime::Unknown,
            };
        }
        match runs_a_server_last(program) {
            true => Lifetime::RunsOn,
            false => self.lifetime_of(index, at, program),
        }
    }

    /// Whether a known program's own configuration, which nobody here reads, may say that it ends.
    pub(crate) fn may_end_by_configuration(&self, member: &Member<'_>) -> bool {
        let known = self.catalogue.of(&member.container);
        known.is_some_and(|known| known.ends_by_configuration)
    }

    /// What a container's own script never comes back from: an endless loop, `sleep infinity`.
    pub(crate) fn runs_for_ever(&self, index: usize) -> Option<(&Program<'_>, Span)> {
        let member = self.members.get(index)?;
        let (at, program) = Pod::entrypoint(member)?;
        if member.container.command().is_empty() && !program.is_shell() {
            return None;
        }
        let span = self.links.facts(index, at)?.runs_for_ever.clone()?;
        Some((program, span))
    }

    /// Whether a container's own words, or its image without any, are those of a program that is known to run until it is
    /// stopped.
    pub(crate) fn never_ends(&self, index: usize) -> bool {
        let Some(member) = self.members.get(index) else {
            return false;
        };
        let Some((at, program)) = Pod::entrypoint(member) else {
            return *self.lifetime(index) == Lifetime::RunsOn;
        };
        let serves = || {
            let facts = self.links.facts(index, at);
            facts.is_some_and(|facts| facts.serves_for_ever.is_some())
        };
        let is_shown = !member.container.command().is_empty() || program.is_shell();
        self.runs_for_ever(index).is_some() || is_shown && serves() && !leaves_a_daemon(program)
    }

    /// The ordinary init container that does once what a sidecar of the same image goes on doing on the same volume.
    pub(crate) fn twin(&self, sidecar: &Member<'a>) -> Option<&Member<'a>> {
        let repository = |member: &Member<'a>| member.container.image().map(|image| image.repository);
        let shares = |other: &Member<'a>| {
            let mut own = sidecar.container.mounts();
            other.container.mounts().next().is_none() && own.next().is_none()
                || own.any(|own| other.container.mounts().any(|theirs| theirs.volume == own.volume))
        };
        let runs_once = |other: &Member<'a>| {
            matches!(self.runs_server(other), RunsServer::Refuted(_)) || adds_an_end(other, sidecar)
        };
        self.members.iter().find(|other| {
            other.container.list == ContainerList::Init
                && !other.container.is_native_sidecar()
                && repository(other).is_some()
                && repository(other) == repository(sidecar)
                && shares(other)
                && runs_once(other)
        })
    }

    fn lifetime_of(&self, index: usize, at: usize, program: &Program<'_>) -> Lifetime {
        let is_entrypoint = program.place == ProgramPlace::Entrypoint;
        let Some((script, facts)) = program.script.as_ref().zip(self.links.facts(index, at)) else {
            return Lifetime::Unknown;
        };
        let nothing = |_: &str| Variable::Unset;
        let values = Values::new(&nothing);
        let commands: Vec<&Simple> = script
            .list
            .commands()
            .filter(|visit| visit.context.trap.is_none())
            .filter_map(|visit| visit.simple())
            .collect();
        let mut loops = script
            .list
            .constructs()
            .filter(|visit| matches!(visit.command, crate::shell::Command::Loop { .. }));
        let only_finite = || {
            commands.iter().all(|simple| {
                let (program, words) = program_and_words(simple);
                let at = command_index(&simple.words);
                let call = simple.words.get(at).map_or("", |word| word.raw.as_str());
                program.is_empty() || is_finite(call, &words) || SHELL_WORDS.contains(&program)
            })
        };
        // A loop may be endless by its condition.
        let is_seen = is_entrypoint && loops.next().is_none() && facts.background.is_empty();
        let does_something = || {
            script
                .list
                .commands()
                .any(|visit| classify_visit(&visit, &values).is_some_and(|action| !action.is_noise()))
        };
        let last = commands
            .iter()
            .rev()
            .map(|simple| program_and_words(simple).0)
            .find(|program| !program.is_empty() && !SHELL_WORDS.contains(program));
        match last.filter(|_| is_seen && only_finite() && does_something()) {
            Some(last) => Lifetime::Ends(format!("`{last}` does one thing and ends")),
            None => Lifetime::Unknown,
        }
    }
}

/// Whether a container has the words of another one and an option more that sounds like an end: `-exit-after-auth`.
fn adds_an_end(twin: &Member<'_>, sidecar: &Member<'_>) -> bool {
    let words = |member: &Member<'_>| -> Vec<String> {
        let nodes = member
            .container
            .command()
            .into_iter()
            .chain(member.container.arguments());
        nodes
            .filter_map(|node| node.as_str().map(str::to_owned))
            .collect()
    };
    let (own, theirs) = (words(twin), words(sidecar));
    let mut added = own.iter().filter(|word| !theirs.contains(word)).peekable();
    let is_same = theirs.iter().all(|word| own.contains(word));
    is_same && added.peek().is_some() && added.all(|word| word.starts_with('-') && sounds_like_an_end(word))
}

/// What a shell does itself, and ends with.
const SHELL_WORDS: [&str; 14] = [
    "set", "export", "cd", "exit", "return", ":", "true", "false", "umask", "shift", "read", "unset",
    "local", "echo",
];

/// Whether a program goes into the background by itself: what it was started by ends.
fn leaves_a_daemon(program: &Program<'_>) -> bool {
    let mut commands = program.script.iter().flat_map(|script| script.list.commands());
    commands.any(|visit| {
        visit.simple().is_some_and(|simple| {
            let (name, words) = program_and_words(simple);
            becomes_a_daemon(name, &words)
        })
    })
}

/// Whether an image's own program, which has the image's name, is a server with these arguments: `vault` with
/// `args: [server]`.
fn arguments_run_a_server(member: &Member<'_>) -> bool {
    let nodes = member.container.arguments();
    let words: Vec<&str> = nodes.into_iter().filter_map(Node::as_str).collect();
    let image = member.container.image();
    image.is_some_and(|image| is_server(image.base_name(), &words))
}

/// Whether the last command of a script, or the command itself, is a server.
fn runs_a_server_last(program: &Program<'_>) -> bool {
    let Some(script) = &program.script else {
        return false;
    };
    let Some(statement) = script.list.statements.last() else {
        return false;
    };
    let is_foreground = statement.terminator == crate::shell::Terminator::Sequence;
    let pipeline = statement.and_or.pipelines().last();
    let Some([crate::shell::Command::Simple(simple)]) = pipeline.map(|pipeline| pipeline.commands.as_slice())
    else {
        return false;
    };
    let (name, words) = program_and_words(simple);
    let is_limited = simple.words.first().is_some_and(|word| limits_time(&word.raw));
    is_foreground && !is_limited && is_server(name, &words)
}

/// The name of a command's program and the words behind it, as they are written.
fn program_and_words(simple: &Simple) -> (&str, Vec<&str>) {
    let Some((call, words)) = simple.called() else {
        return ("", Vec::new());
    };
    let name = call.raw.rsplit('/').next().unwrap_or(&call.raw);
    (name, words.iter().map(|word| word.raw.as_str()).collect())
}
