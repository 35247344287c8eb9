//! A call of a quit endpoint that is closed, or that is elsewhere: nobody answers it.

use super::{Member, Pod, quit_opened::sets};
use crate::{
    behaviour::{Link, LinkKind, Party},
    roles::{KnownSidecar, RunsServer},
    workload::Container,
    yaml::Node,
};

/// Why nobody answers a call that was to end a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClosedQuit {
    /// The flag that opens the endpoint is not set.
    Flag(String),
    /// It is at another port.
    Port {
        /// The port that is called.
        called: u16,
        /// The port where it is.
        answers: u16,
    },
}

/// Why nobody answers the call of a link, where nothing else ends the sidecar.
pub(crate) fn unanswered_quit(pod: &Pod<'_>, link: &Link) -> Option<ClosedQuit> {
    let closed = closed_quit(pod, link)?;
    let Party::Container(sidecar) = &link.other else {
        return None;
    };
    let mut others = pod.links.all.iter().filter(|other| !std::ptr::eq(*other, link));
    let is_ended = others.any(|other| pod.ends(other, *sidecar) && closed_quit(pod, other).is_none());
    (!is_ended).then_some(closed)
}

/// Why nobody answers the call of a link, where the sidecar's own words and variables prove it.
pub(crate) fn closed_quit(pod: &Pod<'_>, link: &Link) -> Option<ClosedQuit> {
    let (LinkKind::Quits(quit), Party::Container(index)) = (&link.kind, &link.other) else {
        return None;
    };
    let member = pod.members.get(*index)?;
    let known = pod.catalogue.of(&member.container)?;
    let flag = known.quit_flag.as_deref()?;
    let url = &quit.request.url;
    let path = url.path.as_deref()?.trim_end_matches('/');
    let endpoint = known.quit.iter().find(|own| own.path.as_deref() == Some(path))?;
    // What a template's action brings may be the flag.
    let is_template = || pod.sources.own().text.contains("{{");
    let is_shown = quit.request.further_urls.is_empty()
        && *pod.runs_server(member) == RunsServer::Proved
        && pod.workload.runs_to_completion()
        && !is_template();
    let words = is_shown.then(|| literal_words(member)).flatten()?;
    let settings = Settings::of(&member.container, known)?;
    let port_flag = known.quit_port_flag.as_deref();
    let is_given = |flag: &str| settings.names(flag) || value_of(&words, flag).is_some();
    if known.settings_flag.as_deref().is_some_and(is_given) || settings.names(flag) {
        return None;
    }
    if !words.iter().any(|word| sets(word, flag)) {
        return Some(ClosedQuit::Flag(format!("--{flag}")));
    }
    let given = match port_flag {
        Some(name) if settings.names(name) => return None,
        Some(name) => value_of(&words, name),
        None => None,
    };
    let answers = match given {
        Some(port) => port.parse().ok()?,
        None => endpoint.port,
    };
    let called = url.port?;
    (called != answers).then_some(ClosedQuit::Port { called, answers })
}

/// The words that start a container's program, where all of them are known and no shell reads them.
fn literal_words<'a>(member: &Member<'a>) -> Option<Vec<&'a str>> {
    let container = &member.container;
    let nodes = container.command().into_iter().chain(container.arguments());
    let words: Option<Vec<&str>> = nodes.map(Node::as_str).collect();
    let is_shell = Pod::entrypoint(member).is_some_and(|(_, program)| program.is_shell());
    words.filter(|words| !is_shell && !words.iter().any(|word| word.contains("$(")))
}

/// The value of a flag: `--admin-port=9092`, `--admin-port 9092`.
fn value_of<'w>(words: &[&'w str], flag: &str) -> Option<&'w str> {
    let behind = |word: &&'w str| {
        let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
        let rest = name.strip_prefix(flag)?;
        (rest.is_empty() || rest.starts_with('=')).then(|| rest.strip_prefix('='))
    };
    let (at, value) = words
        .iter()
        .enumerate()
        .find_map(|(at, word)| Some((at, behind(word)?)))?;
    value.or_else(|| words.get(at + 1).copied())
}

/// The variables that stand for a sidecar's flags.
struct Settings {
    names: Vec<String>,
}

impl Settings {
    /// None where there may be more of them than the manifest shows.
    fn of(container: &Container<'_>, known: &KnownSidecar) -> Option<Self> {
        let is_open = container.node.get("envFrom").is_some();
        let prefix = known.flag_variables.as_deref().unwrap_or_default();
        let names = container.environment();
        let names = names.filter_map(|variable| variable.name.strip_prefix(prefix).map(str::to_owned));
        (!is_open).then(|| Self {
            names: names.collect(),
        })
    }

    /// Whether a flag may be set by its variable.
    fn names(&self, flag: &str) -> bool {
        let name = flag.to_ascii_uppercase().replace('-', "_");
        self.names.contains(&name)
    }
}
