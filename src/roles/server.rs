//! Whether a container runs its image's server, or does one thing and ends.

mod answer;
mod ending_name;

pub use self::answer::{OneShot, RunsServer, ServerDoubt};
use self::ending_name::option_sounds_like_an_end;
pub(crate) use self::ending_name::sounds_like_an_end;

use crate::{
    catalogue::{
        Catalogue, KnownSidecar, is_false,
        program_end::is_finite,
        stream_tool::{Stream, does},
        wait_tool,
        wrapper::Wrapper,
    },
    shell::{
        Command, Connector, List, Piece, Script, Simple, Statement, Terminator, Word, command_index,
        limits_time,
    },
    workload::{Container, Program},
    yaml::Node,
};

/// Whether a container runs its image's server. `entrypoint` is what `command` and `args` say together.
#[must_use]
pub fn runs_its_server(
    container: &Container<'_>,
    entrypoint: Option<&Program<'_>>,
    catalogue: &Catalogue,
) -> RunsServer {
    let by_image = container.image().and_then(|image| catalogue.by_image(image));
    // Options alone are the image's program's, where it is known: its `-c` is no shell's.
    let runs_shell = entrypoint.is_some_and(|program| {
        let invocation = program.invocation.as_ref();
        program.is_shell() && invocation.is_none_or(|invocation| invocation.shell.is_some())
    });
    let replaces_command = runs_shell || !container.command().is_empty();
    // `hashicorp/vault` runs an agent as well as a server: the container's name says which.
    let by_name = || {
        let base = container.image()?.base_name();
        let named = catalogue.by_container_name(container.name)?;
        (!replaces_command && named.runs_program(base)).then_some(named)
    };
    let by_command = || {
        let first = base_name(container.command().first()?.as_str()?);
        catalogue.entries().find(|known| known.runs_program(first))
    };
    let settings = entrypoint.map_or(&[][..], |program| &program.settings);
    if let Some(known) = by_image
        .or_else(by_name)
        .or_else(by_command)
        .filter(|_| !settings.is_empty())
        && let Some(setting) = settings.iter().find_map(|text| ending_setting(text, known))
    {
        return RunsServer::Refuted(OneShot::Argument(setting.to_owned()));
    }
    let words = match entrypoint {
        None => Vec::new(),
        Some(_) if !replaces_command => container.arguments().into_iter().map(argument_word).collect(),
        Some(program) => match command_words(program) {
            Some(words) => words,
            None => {
                if let Some(one_shot) = by_image.and_then(|known| ends_with_its_input(program, known)) {
                    return RunsServer::Refuted(one_shot);
                }
                let starts_server = by_image.is_some_and(|known| starts_server(program, known));
                return RunsServer::Unknown(ServerDoubt::Script { starts_server });
            }
        },
    };
    let first = words.first().map(|word| base_name(&word.text));
    // A time limit ends what it runs.
    let limit = first.filter(|first| limits_time(first)).map(|_| "timeout");
    let wrapper = first.and_then(Wrapper::of_program).map(|wrapper| wrapper.name);
    if let Some(name) = wrapper.or(limit) {
        let is_its_program =
            |word: &CommandWord| by_image.is_some_and(|known| known.runs_program(base_name(&word.text)));
        return RunsServer::Unknown(ServerDoubt::Wrapper {
            name,
            starts_server: words.iter().any(is_its_program),
        });
    }
    // Another image may have the same program: `my/tools` with `command: [envoy, …]`.
    let is_its_program = |known: &KnownSidecar| first.is_some_and(|first| known.runs_program(first));
    let known = match by_image.or_else(by_name) {
        Some(known) if !replaces_command || is_its_program(known) => known,
        _ => {
            let by_program = replaces_command
                .then(|| catalogue.entries().find(|known| is_its_program(known)))
                .flatten();
            match (by_program, by_image, first) {
                (Some(known), ..) => known,
                // Its owner lists the image without the names of its programs.
                (None, Some(known), _) if known.is_configured && known.programs.is_empty() => known,
                (None, Some(_), Some(first)) => {
                    return RunsServer::Unknown(ServerDoubt::Command(first.to_owned()));
                }
                _ => return RunsServer::Unknown(ServerDoubt::Image),
            }
        }
    };
    if let Some(answer) = by_environment(container, known) {
        return answer;
    }
    let named = usize::from(first.is_some_and(|first| known.runs_program(first)));
    let arguments = words.get(named..).unwrap_or_default();
    by_arguments(known, arguments, named > 0 || replaces_command)
}

/// A word of a command.
struct CommandWord {
    text: String,
    /// All of it is written in the manifest.
    is_known: bool,
}

/// The words of the one command that a program comes down to, without what only prepares it; none where it does more.
fn command_words(program: &Program<'_>) -> Option<Vec<CommandWord>> {
    let script: &Script = program.script.as_ref()?;
    let (last, before) = script.list.statements.split_last()?;
    before.iter().all(prepares).then_some(())?;
    let simple = only_command(last)?;
    let at = command_index(&simple.words);
    // A time limit ends what it runs.
    let mut before = simple.words.get(..at)?.iter();
    let limit = before.position(|word| limits_time(&word.raw));
    let from = limit.unwrap_or(at);
    Some(simple.words.get(from..)?.iter().map(command_word).collect())
}

/// What makes a program end that a script feeds from commands which end: `cat /log/* | promtail --stdin`.
fn ends_with_its_input(program: &Program<'_>, known: &KnownSidecar) -> Option<OneShot> {
    let (last, before) = program.script.as_ref()?.list.statements.split_last()?;
    let is_alone = last.and_or.rest.is_empty() && last.terminator == Terminator::Sequence;
    let (fed, feeding) = last.and_or.first.commands.split_last()?;
    let words = |command: &Command| -> Option<Vec<CommandWord>> {
        let Command::Simple(simple) = command else {
            return None;
        };
        Some(
            simple
                .words
                .iter()
                .skip(command_index(&simple.words))
                .map(command_word)
                .collect(),
        )
    };
    let ends = |command: &Command| {
        words(command).is_some_and(|words| {
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            texts.split_first().is_some_and(|(call, rest)| {
                is_finite(call, rest) || does(base_name(call), Stream::ReadsFiles) && !rest.is_empty()
            })
        })
    };
    if !is_alone || feeding.is_empty() || !before.iter().all(prepares) || !feeding.iter().all(ends) {
        return None;
    }
    let words = words(fed)?;
    let (first, arguments) = words.split_first()?;
    let own = known
        .runs_program(base_name(&first.text))
        .then(|| by_arguments(known, arguments, true));
    match own? {
        RunsServer::Refuted(one_shot) => Some(one_shot),
        _ => None,
    }
}

/// Whether one of a script's commands is the server of an image.
fn starts_server(program: &Program<'_>, known: &KnownSidecar) -> bool {
    let Some(script) = &program.script else {
        return false;
    };
    script
        .list
        .commands()
        .filter_map(|visit| visit.simple())
        .any(|simple| {
            let from = command_index(&simple.words);
            let words: Vec<CommandWord> = simple.words.iter().skip(from).map(command_word).collect();
            words.split_first().is_some_and(|(first, arguments)| {
                known.runs_program(base_name(&first.text))
                    && !matches!(by_arguments(known, arguments, true), RunsServer::Refuted(_))
            })
        })
}

fn argument_word(node: Node<'_>) -> CommandWord {
    let text = node.as_str().unwrap_or_default();
    CommandWord {
        // `$(NAME)` is one word, whatever the kubelet puts there.
        is_known: !text.contains("$("),
        text: text.to_owned(),
    }
}

fn command_word(word: &Word) -> CommandWord {
    match word.literal() {
        Some(text) => CommandWord {
            is_known: !text.contains("$("),
            text: text.into_owned(),
        },
        None => CommandWord {
            text: word.raw.clone(),
            is_known: false,
        },
    }
}

/// The one command of a statement that runs in the foreground. `first && second` runs the second, where the first
/// only prepares it.
fn only_command(statement: &Statement) -> Option<&Simple> {
    let and_or = &statement.and_or;
    let mut pipelines = vec![&and_or.first];
    for (connector, pipeline) in &and_or.rest {
        (*connector == Connector::And).then(|| pipelines.push(pipeline))?;
    }
    let (last, before) = pipelines.split_last()?;
    let only_prepares = before
        .iter()
        .all(|pipeline| pipeline.commands.iter().all(command_prepares));
    let [Command::Simple(simple)] = last.commands.as_slice() else {
        return None;
    };
    let is_foreground = statement.terminator == Terminator::Sequence && !last.negated;
    (is_foreground && only_prepares && !simple.words.is_empty()).then_some(simple)
}

fn prepares(statement: &Statement) -> bool {
    let and_or = &statement.and_or;
    statement.terminator == Terminator::Sequence
        && std::iter::once(&and_or.first)
            .chain(and_or.rest.iter().map(|(_, pipeline)| pipeline))
            .all(|pipeline| pipeline.commands.iter().all(command_prepares))
}

/// Whether a command neither ends the script nor leaves anything behind that could.
fn command_prepares(command: &Command) -> bool {
    let simple = match command {
        Command::Simple(simple) => simple,
        Command::Loop {
            until,
            condition,
            body,
            ..
        } => return waits_for_an_answer(*until, condition, body),
        _ => return false,
    };
    let program = simple.words.first().map(|word| base_name(&word.raw));
    matches!(
        program,
        None | Some(
            "set"
                | "export"
                | "echo"
                | "printf"
                | "sleep"
                | "cd"
                | "umask"
                | "ulimit"
                | "mkdir"
                | "cp"
                | "mv"
                | "ln"
                | "chmod"
                | "chown"
                | "cat"
                | "sed"
                | "base64"
                | "envsubst"
                | "rm"
                | "touch"
                | "true"
                | ":"
        )
    ) && simple.words.iter().all(|word| {
        word.pieces
            .iter()
            .all(|piece| !matches!(piece, Piece::Substitution { .. }))
    })
}

/// `until nc -z localhost 5432; do sleep 1; done`: it goes on once something answers. A file, or the end of an answer,
/// may be the app's end.
fn waits_for_an_answer(until: bool, condition: &List, body: &List) -> bool {
    let [asks] = condition.statements.as_slice() else {
        return false;
    };
    let question = &asks.and_or.first;
    let is_alone = asks.and_or.rest.is_empty() && asks.terminator == Terminator::Sequence;
    let asks = |command: &Command| {
        let Command::Simple(simple) = command else {
            return false;
        };
        let called = simple.called();
        called.is_some_and(|(call, _)| wait_tool::by_program(base_name(&call.raw)).is_some())
    };
    let passes = |statement: &Statement| {
        let commands = &statement.and_or.first.commands;
        let is_pause = |command: &Command| {
            let Command::Simple(simple) = command else {
                return false;
            };
            let name = simple.words.first().map(|word| base_name(&word.raw));
            matches!(name, Some("sleep" | "echo" | "printf" | "true" | ":"))
        };
        statement.and_or.rest.is_empty()
            && statement.terminator == Terminator::Sequence
            && commands.iter().all(is_pause)
    };
    is_alone
        && until != question.negated
        && matches!(question.commands.as_slice(), [command] if asks(command))
        && body.statements.iter().all(passes)
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What the environment says: a one-shot mode, a wrapper in the image, a name that sounds like an end.
fn by_environment(container: &Container<'_>, known: &KnownSidecar) -> Option<RunsServer> {
    let mut doubt = None;
    for variable in container.environment() {
        let is_off = variable.value.is_some_and(is_false);
        let one_shot = known.one_shot_variables.iter().find(|mode| {
            let (name, wanted) = split_mode(mode);
            name == variable.name && wanted.is_none_or(|wanted| variable.value == Some(wanted))
        });
        let is_understood = known
            .keeps_running
            .iter()
            .chain(&known.drain)
            .any(|name| name == variable.name);
        match (one_shot, variable.value) {
            (Some(_), Some(_)) if is_off => {}
            (Some(mode), Some(value)) => {
                let shown = if mode.contains('=') {
                    mode.clone()
                } else {
                    format!("{mode}={value}")
                };
                return Some(RunsServer::Refuted(OneShot::Variable(shown)));
            }
            (Some(_), None) => doubt = Some(ServerDoubt::Variable(variable.name.to_owned())),
            (None, None)
                if known
                    .one_shot_variables
                    .iter()
                    .any(|mode| split_mode(mode).0 == variable.name) =>
            {
                doubt = Some(ServerDoubt::Variable(variable.name.to_owned()));
            }
            _ => {
                if let Some(wrapper) = Wrapper::of_setting(variable.name) {
                    doubt = Some(ServerDoubt::Wrapper {
                        name: wrapper.name,
                        starts_server: true,
                    });
                } else if sounds_like_an_end(variable.name) && !is_understood && !is_off {
                    doubt = Some(ServerDoubt::Variable(variable.name.to_owned()));
                }
            }
        }
    }
    let from_elsewhere = container.node.get("envFrom").is_some() && !known.one_shot_variables.is_empty();
    doubt
        .or_else(|| from_elsewhere.then_some(ServerDoubt::Environment))
        .map(RunsServer::Unknown)
}

/// The line of a configuration file that makes a program end, where one of its options does the same:
/// `exit_after_auth = true`.
fn ending_setting<'t>(text: &'t str, known: &KnownSidecar) -> Option<&'t str> {
    let names: Vec<String> = known
        .one_shot
        .iter()
        .map(|mode| mode.trim_start_matches('-').replace('-', "_"))
        .filter(|name| name.contains('_'))
        .collect();
    text.lines().map(str::trim).find(|line| {
        let end = line.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '"');
        let (name, value) = line.split_at(end.unwrap_or(line.len()));
        let value = value.trim_matches([' ', '=', ':', ',', '"', '\t']);
        let name = name.trim_matches('"').to_ascii_lowercase();
        names.contains(&name) && !is_false(value)
    })
}

/// What the words behind the program say; `is_named` where the program itself is written.
fn by_arguments(known: &KnownSidecar, words: &[CommandWord], is_named: bool) -> RunsServer {
    let mut doubt = None;
    let mut has_subcommand = false;
    // An option without `=`, whose value the next word may be.
    let mut open_option: Option<&str> = None;
    for (index, word) in words.iter().enumerate() {
        let text = word.text.as_str();
        if text == "--" {
            open_option = None;
            continue;
        }
        if let Some((name, value)) = option(text) {
            let next = words.get(index + 1).map(|next| next.text.as_str());
            let is_property = value.is_some_and(|value| known.is_one_shot_property(value));
            if is_property || known.is_one_shot_option(text, value.or(next)) {
                return RunsServer::Refuted(OneShot::Argument(text.to_owned()));
            }
            let is_understood = known
                .keeps_running
                .iter()
                .chain(&known.drain)
                .any(|own| own.trim_start_matches('-') == name);
            if option_sounds_like_an_end(name) && !is_understood && !value.is_some_and(is_false) {
                doubt.get_or_insert(ServerDoubt::Option(text.to_owned()));
            }
            open_option = value.is_none().then_some(name);
            continue;
        }
        let may_be_a_value = open_option.take().is_some();
        if known.is_one_shot_property(text) {
            return RunsServer::Refuted(OneShot::Argument(text.to_owned()));
        }
        if known.is_one_shot_word(text) {
            if may_be_a_value {
                doubt.get_or_insert(ServerDoubt::Subcommand(text.to_owned()));
                continue;
            }
            return RunsServer::Refuted(OneShot::Argument(text.to_owned()));
        }
        let is_subcommand = known.subcommands.iter().any(|own| own == text);
        if is_subcommand || may_be_a_value {
            has_subcommand |= is_subcommand;
            continue;
        }
        if !is_named && index == 0 && known.runs_arguments {
            return RunsServer::Unknown(ServerDoubt::Command(text.to_owned()));
        }
        if !word.is_known && !known.operands {
            doubt.get_or_insert(ServerDoubt::Word(text.to_owned()));
        } else if !known.operands && !known.is_configured {
            doubt.get_or_insert(ServerDoubt::Subcommand(text.to_owned()));
        }
    }
    if known.needs_subcommand && !has_subcommand && (is_named || !words.is_empty()) {
        doubt.get_or_insert(ServerDoubt::NoSubcommand);
    }
    doubt.map_or(RunsServer::Proved, RunsServer::Unknown)
}

/// The name of an option without its dashes, and its value behind `=`.
fn option(text: &str) -> Option<(&str, Option<&str>)> {
    let rest = text.strip_prefix('-').filter(|rest| !rest.is_empty())?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    Some(match rest.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (rest, None),
    })
}

/// `NAME=VALUE` or `NAME`.
fn split_mode(mode: &str) -> (&str, Option<&str>) {
    mode.split_once('=')
        .map_or((mode, None), |(name, value)| (name, Some(value)))
}

#[cfg(test)]
mod tests;
