//! Who may end a container without the text saying so: what is not known of its end, by name.

mod ending;
mod hidden;
mod own;
mod unread;

use super::{Member, Outside, Pod, quit_opened::opened_quit};
use crate::{
    behaviour::{
        LinkKind, ScriptFacts,
        script::{QuitPosition, UnreadKind},
    },
    catalogue::{
        injector::INJECTORS,
        program_reach::{Reach, is_harmless, reaches},
        wrapper::Wrapper,
    },
    roles::{KnownSidecar, RunsServer, sounds_like_an_end},
    shell::{Span, command_index},
    workload::{ContainerList, Program},
    yaml::Node,
};
use ending::{ending_command, ending_option, socket_call};
use hidden::hidden;
use own::own_end;
use unread::{hooked_shell, unread};

/// Something that may end a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Suspect {
    /// A container that runs beside the app and names the other's program among its words.
    Helper {
        /// The helper: index among the members.
        container: usize,
        /// The word.
        word: String,
    },
    /// A script that signals processes in a way that is not understood: index among the members.
    KillingScript(usize),
    /// A call to a local address that does not only read.
    Call {
        /// Who calls: index among the members.
        container: usize,
        /// What is called: `127.0.0.1:8080/kill`.
        address: String,
    },
    /// A variable whose name sounds like an end.
    Variable {
        /// Whose it is: index among the members.
        container: usize,
        /// Its name.
        name: String,
    },
    /// An option of a program that says that somebody else is ended.
    Option {
        /// Whose program it is: index among the members.
        container: usize,
        /// The option, as written.
        option: String,
    },
    /// A script or program file that was not read.
    File {
        /// Who runs it: index among the members.
        container: usize,
        /// Its path, as written.
        file: String,
    },
    /// A program that may reach other containers: `kubectl`, `nsenter`.
    Program {
        /// Who runs it: index among the members.
        container: usize,
        /// Its name.
        name: String,
    },
    /// A command of which the text does not show what it does.
    Unread {
        /// Whose it is: index among the members.
        container: usize,
        /// What is not shown.
        kind: UnreadKind,
        /// The text holds a call that ends a sidecar.
        holds_quit: bool,
        /// The command, as written.
        command: String,
    },
    /// A script that is not understood at all: index among the members.
    Script(usize),
    /// What a container runs is its image's own: index among the members.
    Image(usize),
    /// A switch of its own that lets others end it by a call, where nobody is seen to make one: as written.
    OpenedQuit(String),
    /// Its own livenessProbe, which may look at more than its own health: the command.
    Probe(String),
    /// Its own postStart hook, which may leave running what ends it: the command.
    Hook(String),
    /// The containers see one another's processes, and nothing in the manifest says what for.
    SharedProcesses,
    /// Another workload of the source, through the API server.
    Outside(Outside),
}

/// Words of the names of scripts that end something: `job_killer.sh`, `stop-proxy.sh`.
const ENDING: [&str; 9] = [
    "kill",
    "killer",
    "stop",
    "quit",
    "exit",
    "shutdown",
    "terminate",
    "end",
    "cleanup",
];

/// Whether a file's name says that it ends something.
pub(crate) fn names_an_end(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|word| ENDING.contains(&word))
}

/// Whatever may end a container, the surest first.
pub(crate) fn suspects<'p>(pod: &'p Pod<'_>, index: usize) -> &'p [Suspect] {
    let Some(own) = pod.members.get(index) else {
        return &[];
    };
    own.answers.suspects.get_or_init(|| look_for(pod, index, own))
}

fn look_for(pod: &Pod<'_>, index: usize, own: &Member<'_>) -> Vec<Suspect> {
    let names = names_of(pod, own);
    let mut found = own_end(pod, index, own);
    for (at, other) in pod.members.iter().enumerate() {
        if at == index || !may_act(pod, other) {
            continue;
        }
        for (program_at, program) in other.programs.iter().enumerate() {
            found.extend(script(pod, at, program_at, program));
            found.extend(unread(pod, (at, program_at), index, program));
        }
        if !found.contains(&Suspect::KillingScript(at)) {
            found.extend(helper(pod, at, other, &names));
        }
        found.extend(variable(pod, at, other));
        found.extend(hooked_shell(at, other));
        found.extend(ending_option(other).map(|option| Suspect::Option {
            container: at,
            option,
        }));
        found.extend(hidden(pod, at, other));
    }
    found.extend(opened_quit(pod, index, own).map(Suspect::OpenedQuit));
    found.extend(shared_processes(pod));
    let outside = pod.outsiders.may_end(pod.workload, &own.container);
    found.extend(outside.map(Suspect::Outside));
    found.sort_by_key(|suspect| !matches!(suspect, Suspect::Helper { .. } | Suspect::KillingScript(_)));
    found
}

/// Processes that are shared for no reason that the manifest shows.
fn shared_processes(pod: &Pod<'_>) -> Option<Suspect> {
    let mut links = pod.links.all.iter();
    let is_used = links.any(|link| matches!(link.kind, LinkKind::Kills(_) | LinkKind::EndsWithApp(_)));
    (pod.shares_processes() && !is_used).then_some(Suspect::SharedProcesses)
}

/// Whether nothing is known of a container that would exclude that it ends others: a known sidecar that runs its server
/// does not.
fn may_act(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    let is_server = || *pod.runs_server(member) == RunsServer::Proved;
    member.container.list == ContainerList::Regular && !is_server()
}

/// What a container's process may be called.
fn names_of(pod: &Pod<'_>, member: &Member<'_>) -> Vec<String> {
    let container = &member.container;
    let first = Pod::entrypoint(member)
        .and_then(|(_, program)| program.words.first())
        .and_then(|word| word.as_str())
        .map(|word| word.rsplit('/').next().unwrap_or(word).to_owned())
        .filter(|word| !reaches(word, Reach::File));
    let known = pod.catalogue.of(container);
    let programs = known.into_iter().flat_map(|known| known.programs.iter().cloned());
    let image = container.image().map(|image| image.base_name().to_owned());
    programs
        .chain(first)
        .chain(image)
        .chain([container.name.to_owned()])
        .filter(|name| name.len() > 2)
        .map(|name| normal(&name))
        .collect()
}

/// Whether a pattern is the whole name of a container's process, and no part of a command line.
pub(crate) fn is_called(pod: &Pod<'_>, member: &Member<'_>, pattern: &str) -> bool {
    let base = pattern.rsplit('/').next().unwrap_or(pattern);
    names_of(pod, member).contains(&normal(base))
}

fn normal(name: &str) -> String {
    name.replace('_', "-").to_ascii_lowercase()
}

/// A container beside the app that is given the name of the other's program.
fn helper(pod: &Pod<'_>, at: usize, member: &Member<'_>, names: &[String]) -> Option<Suspect> {
    let words = member
        .container
        .command()
        .into_iter()
        .chain(member.container.arguments())
        .filter_map(Node::as_str);
    let mut said = words
        .flat_map(|text| text.split(|letter: char| letter.is_whitespace() || "'\"`();,=|&".contains(letter)));
    let word = said.find(|word| {
        let base = word.rsplit('/').next().unwrap_or(word);
        names.contains(&normal(base))
    })?;
    let links = pod.links.all.iter().any(|link| {
        link.container == at
            && matches!(
                link.kind,
                LinkKind::Kills(_) | LinkKind::Quits(_) | LinkKind::Waits(_)
            )
    });
    let reaches = pod.shares_processes() || runs_reaching(member).is_some();
    (reaches && !links).then(|| Suspect::Helper {
        container: at,
        word: word.to_owned(),
    })
}

/// A program of a container that reaches into others. The image of such a program says so, unless the container's own
/// words show what it is called for.
fn runs_reaching<'m>(member: &'m Member<'_>) -> Option<&'m str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let mut harmless = Vec::new();
    for program in &member.programs {
        let words = program.text.split(|letter| !is_part(letter));
        let mut words = words.filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            if !reaches(word, Reach::Containers) {
                continue;
            }
            match words.peek().is_some_and(|next| is_harmless(word, next)) {
                true => harmless.push(word),
                false => return Some(word),
            }
        }
    }
    let image = member.container.image().map(|image| image.base_name());
    image.filter(|image| reaches(image, Reach::Containers) && !harmless.contains(image))
}

/// A program that a script gives another command, and whose own name says that it minds a sidecar: `with-proxy /app`.
fn named_after_a_sidecar<'p>(pod: &Pod<'_>, program: &'p Program<'_>) -> Option<&'p str> {
    let commands = program.script.as_ref()?.list.commands();
    commands.filter_map(|visit| visit.simple()).find_map(|simple| {
        let at = command_index(&simple.words);
        let name = simple.words.get(at)?.raw.as_str();
        let runs_another = simple
            .words
            .get(at + 1..)?
            .iter()
            .any(|word| word.raw.starts_with(['/', '.']));
        let base = name.rsplit('/').next().unwrap_or(name);
        let minds = base
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .any(|word| is_of_a_sidecar(pod, word));
        let is_its_program = pod.catalogue.entries().any(|known| known.runs_program(base));
        (runs_another && minds && !is_its_program && Wrapper::of_program(base).is_none()).then_some(base)
    })
}

/// Whether a word is what sidecars, an injector or a known sidecar's program are called.
fn is_of_a_sidecar(pod: &Pod<'_>, word: &str) -> bool {
    let is_program = |known: &KnownSidecar| known.certain && known.programs.iter().any(|own| own == word);
    matches!(word, "proxy" | "sidecar" | "mesh")
        || INJECTORS
            .iter()
            .any(|injector| injector.name.eq_ignore_ascii_case(word))
        || pod.catalogue.entries().any(|known| is_program(known))
}

/// What a program does that is not understood.
fn script(pod: &Pod<'_>, at: usize, program_at: usize, program: &Program<'_>) -> Vec<Suspect> {
    let mut found = Vec::new();
    let Some(facts) = pod.links.facts(at, program_at) else {
        return found;
    };
    if pod.shares_processes() && signals_unseen(pod, (at, program_at), program, facts) {
        found.push(Suspect::KillingScript(at));
    }
    found.extend(calls(pod, (at, program_at), facts).map(|address| Suspect::Call {
        container: at,
        address,
    }));
    let reaching = pod
        .members
        .get(at)
        .and_then(runs_reaching)
        .or_else(|| named_after_a_sidecar(pod, program));
    let is_stop = |span: &Span| {
        let mut links = pod.links.all.iter();
        links.any(|link| {
            (link.container, link.program) == (at, program_at)
                && match &link.kind {
                    LinkKind::Quits(quit) => quit.span == *span,
                    LinkKind::Kills(kill) => kill.span == *span,
                    _ => false,
                }
        })
    };
    let ending = || ending_command(program, is_stop);
    let named = reaching.map(str::to_owned).or_else(ending);
    found.extend(named.map(|name| Suspect::Program { container: at, name }));
    found.extend(socket_call(program).then(|| Suspect::Call {
        container: at,
        address: "a socket".to_owned(),
    }));
    found
}

/// Whether a script has words that signal processes, and no signal of it was understood.
fn signals_unseen(
    pod: &Pod<'_>,
    (at, program_at): (usize, usize),
    program: &Program<'_>,
    facts: &ScriptFacts,
) -> bool {
    let is_linked = pod.links.all.iter().any(|link| {
        (link.container, link.program) == (at, program_at)
            && matches!(link.kind, LinkKind::Kills(_) | LinkKind::EndsWithApp(_))
    });
    let has_word = || {
        let mut words = program
            .text
            .split(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')));
        program.text.contains("/proc/")
            || program.text.contains("os.kill")
            || words.any(|word| reaches(word, Reach::Processes))
    };
    let only_children = !facts.kills.is_empty() && facts.kills.iter().all(|kill| kill.only_own_children);
    !is_linked && !only_children && has_word()
}

/// Local addresses that are called when the work is done, and are known neither for an end nor for a state.
fn calls(
    pod: &Pod<'_>,
    (at, program_at): (usize, usize),
    facts: &ScriptFacts,
) -> impl Iterator<Item = String> {
    let is_linked = |start: usize| {
        pod.links.all.iter().any(|link| {
            (link.container, link.program) == (at, program_at)
                && matches!(&link.kind, LinkKind::Quits(quit) if quit.span.start == start)
        })
    };
    let asked: Vec<String> = facts
        .quits
        .iter()
        .filter(|quit| !is_linked(quit.span.start))
        .filter(|quit| !matches!(quit.position, QuitPosition::BeforeMain))
        .filter_map(|quit| {
            let url = quit.request.urls().find(|url| url.host.is_local())?;
            Some((quit.request.only_asks(), url))
        })
        .filter(|(only_asks, url)| {
            let path = url.path.as_deref().unwrap_or("/");
            let asks_state = ["health", "ready", "live", "metrics", "status", "ping", "startup"]
                .iter()
                .any(|word| path.contains(word));
            // What is sent there may be an order: `{"action": "kill"}`.
            !asks_state || !only_asks
        })
        .map(|(_, url)| {
            let port = url.port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("localhost{port}{}", url.path.as_deref().unwrap_or_default())
        })
        .collect();
    asked.into_iter()
}

/// A variable that tells a container to end, or to end another one.
fn variable(pod: &Pod<'_>, at: usize, member: &Member<'_>) -> Option<Suspect> {
    let links = pod.links.all.iter().any(|link| link.container == at);
    let name = member
        .container
        .environment()
        .filter(|variable| !is_address_of_another(member, variable.name))
        .map(|variable| variable.name)
        .find(|name| sounds_like_an_end(name) || Wrapper::of_setting(name).is_some())?;
    (!links).then(|| Suspect::Variable {
        container: at,
        name: name.to_owned(),
    })
}

/// Whether a setting is of a wrapper that ends sidecars by calling addresses, all of which are known: it calls nobody
/// else.
fn is_address_of_another(member: &Member<'_>, setting: &str) -> bool {
    Wrapper::of_setting(setting).is_some_and(|wrapper| {
        let mut set = wrapper
            .quit_settings
            .iter()
            .filter(|(name, _)| member.container.variable(name).is_some())
            .peekable();
        set.peek().is_some() && set.all(|(name, _)| member.container.value_of(name).is_some())
    })
}

impl Suspect {
    /// What may end the other container, in words that go on from its name.
    pub(crate) fn describe(&self, pod: &Pod<'_>) -> String {
        let name = |at: &usize| pod.members.get(*at).map_or("", |member| member.container.name);
        match self {
            Self::Helper { container, word } => format!(
                "it may be ended by the helper container `{}`, whose arguments name {word}",
                name(container)
            ),
            Self::KillingScript(at) => format!(
                "the script of {} signals processes in a way that is not understood",
                name(at)
            ),
            Self::Call { container, address } => {
                format!("it may be ended by {}'s call of {address}", name(container))
            }
            Self::Variable {
                container,
                name: variable,
            } => {
                format!(
                    "it may be ended by what the variable {variable} of {} sets",
                    name(container)
                )
            }
            Self::Option { container, option } => {
                format!("it may be ended by {}, whose option {option} says so", name(container))
            }
            Self::File { container, file } => {
                format!(
                    "it may be ended by {file}, which {} runs and the manifest does not show",
                    name(container)
                )
            }
            Self::Program {
                container,
                name: program,
            } => {
                format!("it may be ended by {}'s {program}", name(container))
            }
            Self::Unread {
                container,
                kind,
                holds_quit,
                command,
            } => {
                let described = unread::describe(name(container), *kind, command);
                match holds_quit {
                    true => format!("{described}; the quit call in it has to go first, by hand"),
                    false => described,
                }
            }
            Self::Script(at) => format!(
                "it may be ended by the script of {}, which is not understood",
                name(at)
            ),
            Self::OpenedQuit(switch) => {
                format!("it may be ended by a call, which its {switch} is for and the manifest does not show")
            }
            Self::Probe(command) => format!("its livenessProbe may end it: {command}"),
            Self::Hook(command) => format!("its postStart hook may end it: {command}"),
            Self::SharedProcesses => {
                "it may be ended by a signal: the pod shares its processes, and nothing in the manifest says what for"
                    .to_owned()
            }
            Self::Outside(outside) => outside.describe(),
            Self::Image(at) => format!(
                "it may be ended by the image of {}, whose command is not in the manifest",
                name(at)
            ),
        }
    }
}
