//! Words by which a command or an option says that somebody is ended, in a way that no rule understands.

use crate::{
    behaviour::{
        action::{Action, Host, Url, Values, classify_simple, classify_visit},
        has_end, says_an_end,
    },
    catalogue::stream_tool::{leads_to_socket, may_connect},
    pod::Member,
    roles::sounds_like_an_end,
    shell::{RedirectKind, Simple, Span, Variable, Visit, Word, command_index},
    workload::Program,
    yaml::Node,
};

/// The program of a command beside a script's work that says that somebody is ended: `grpcurl … Control/Shutdown`,
/// `redis-cli shutdown`, `stop-proxy`, `echo stop | nc localhost 9000`.
///
/// What is understood as a stop is left out: `is_stop` says so of a command's place.
pub(super) fn ending_command(program: &Program<'_>, is_stop: impl Fn(&Span) -> bool) -> Option<String> {
    let script = program.script.as_ref()?;
    let functions = script.functions();
    let visits: Vec<_> = script.list.commands().collect();
    // Few scripts say so at all, and what their commands do takes longer to see.
    let has_some_end = |text: &str| has_end(text, |letter| !letter.is_ascii_alphanumeric());
    // A word without these signs is what it says.
    let is_quoted = |word: &Word| word.raw.contains(['"', '\'', '\\', '$']);
    let may_say_so =
        |word: &Word| has_some_end(&word.raw) || is_quoted(word) && literally(word, has_some_end);
    let mut words = visits
        .iter()
        .filter_map(|visit| visit.simple())
        .flat_map(|simple| &simple.words);
    if !words.any(may_say_so) {
        return None;
    }
    let mut works = 0;
    visits.iter().find_map(|visit| {
        let simple = visit.simple()?;
        let (first, words) = simple.words.get(command_index(&simple.words)..)?.split_first()?;
        if is_stop(&simple.span) {
            return None;
        }
        let in_trap = visit.context.trap.is_some();
        // A pipe may make a signal of it: `… | xargs kill`.
        match classify_visit(visit, &Values::new(&|_| Variable::Unset))?.action {
            Action::Other { .. } | Action::Connect(_) => {}
            // What is said to a connection.
            Action::Echo if visit.context.pipeline_length > 1 => {
                let span = &visit.statement.span;
                let tool = visits.iter().find_map(|other| {
                    let other = other.simple()?;
                    let is_beside = span.start <= other.span.start && other.span.end <= span.end;
                    (is_beside && matches!(action(other), Action::Connect(_))).then(|| program_of(other))?
                });
                return tool.filter(|_| words.iter().any(|word| literally(word, says_an_end)));
            }
            _ => return None,
        }
        if functions.contains_key(first.raw.as_str()) {
            return None;
        }
        works += usize::from(!in_trap);
        // The first work is the app's own.
        let is_beside = in_trap || works > 1;
        let name = base_of(&first.raw);
        let is_named_so = || has_end(name, |letter| !letter.is_ascii_alphanumeric());
        let is_told = || {
            words
                .iter()
                .any(|word| literally(word, |word| !word.starts_with('-') && says_an_end(word)))
        };
        (is_beside && (is_named_so() || is_told())).then(|| name.to_owned())
    })
}

/// Whether a script sends something to a socket of the pod that does not only read.
pub(super) fn socket_call(program: &Program<'_>) -> bool {
    // curl's options for one, `--unix-socket` and `--abstract-unix-socket`.
    let may_ask = program.text.contains("socket");
    if !may_ask && !may_connect(&program.text) {
        return false;
    }
    let mut commands = program.script.iter().flat_map(|script| script.list.commands());
    commands.any(|visit| {
        let Some(simple) = visit.simple() else {
            return false;
        };
        let asks = || matches!(action(simple), Action::Http(http) if http.over_socket && !http.only_asks());
        is_written_to(&visit, simple) || may_ask && asks()
    })
}

/// `echo quit | socat - UNIX-CONNECT:/run/admin.sock`, `nc -U /run/admin.sock <<EOF`: what is said there may be an end.
fn is_written_to(visit: &Visit<'_>, simple: &Simple) -> bool {
    let is_fed = visit.context.pipeline_index > 0
        || simple
            .redirects
            .iter()
            .any(|redirect| matches!(redirect.kind, RedirectKind::Here | RedirectKind::Read));
    let words = simple.words.iter().map(|word| word.raw.as_str());
    is_fed && program_of(simple).is_some_and(|program| leads_to_socket(&program, words))
}

/// The option of a container's program that is about another one's end: `--stop-sidecar`, `--quit-proxy=true`,
/// `--on-exit=http://localhost:9091/…`. An end alone is the program's own: `--exit-on-error`.
pub(super) fn ending_option(member: &Member<'_>) -> Option<String> {
    let words = member
        .container
        .command()
        .into_iter()
        .chain(member.container.arguments());
    words.filter_map(Node::as_str).find_map(|word| {
        let option = word.strip_prefix('-')?.trim_start_matches('-');
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let is_about_another = || {
            name.split(['-', '_', '.']).any(|part| {
                matches!(
                    part,
                    "sidecar" | "sidecars" | "proxy" | "mesh" | "envoy" | "istio"
                )
            })
        };
        let calls = || value.contains("://") && Url::parse(value, 0..0).host == Host::Local;
        let is_an_end = sounds_like_an_end(name) || has_end(name, |letter| !letter.is_ascii_alphanumeric());
        (is_an_end && (is_about_another() || calls())).then(|| format!("--{name}"))
    })
}

fn literally(word: &Word, says: impl Fn(&str) -> bool) -> bool {
    word.literal().is_some_and(|word| says(&word))
}

fn program_of(simple: &Simple) -> Option<String> {
    let first = simple.words.get(command_index(&simple.words))?;
    Some(base_of(&first.raw).to_owned())
}

/// What a command does, whatever its variables hold.
fn action(simple: &Simple) -> Action {
    classify_simple(simple, &Values::new(&|_| Variable::Unset)).action
}

fn base_of(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}
