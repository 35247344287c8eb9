//! Addresses of the pod itself that a container names: `127.0.0.1:5432` among its arguments, variables and commands;
//! and the containers that listen there.

mod listening;
mod text;

use std::cell::OnceCell;

use crate::{
    behaviour::action::{Action, Values, classify_visit},
    catalogue::{KnownSidecar, service_port},
    shell::Span,
    workload::{Container, EnvironmentValues, Program},
    yaml::Node,
};

use super::{Member, Pod, embedded::entry_span};
use listening::set_ports;
use text::{is_local_host, local_ports};

/// An address of the pod itself that a container names.
#[derive(Debug, Clone)]
pub(crate) struct NamedAddress<'a> {
    /// The word, variable or script that names it.
    pub(crate) node: Node<'a>,
    /// Where in the file.
    pub(crate) span: Span,
}

/// What the containers of a pod name and where they listen, found out once.
#[derive(Debug, Default)]
pub struct Addresses(OnceCell<Vec<Known>>);

/// What is known of one container.
#[derive(Debug)]
struct Known {
    named: Vec<Named>,
    set_ports: Vec<u16>,
}

/// A named address without the tree it stands in.
#[derive(Debug)]
struct Named {
    port: Option<u16>,
    place: Place,
}

/// Where an address is named.
#[derive(Debug, Clone)]
enum Place {
    /// A variable: its index.
    Variable(usize),
    /// A word of the entrypoint: its index.
    Word(usize),
    /// A command of the entrypoint's script.
    Command(Span),
}

impl Addresses {
    fn of<'p>(pod: &'p Pod<'_>, member: &Member<'_>) -> Option<&'p Known> {
        let all = pod.addresses.0.get_or_init(|| {
            pod.members
                .iter()
                .map(|member| Known {
                    named: named(member),
                    set_ports: set_ports(pod.catalogue, member),
                })
                .collect()
        });
        let is_it = |other: &Member<'_>| {
            other.container.list == member.container.list && other.container.index == member.container.index
        };
        all.get(pod.members.iter().position(is_it)?)
    }
}

impl Named {
    fn locate<'a>(&self, member: &Member<'a>) -> Option<NamedAddress<'a>> {
        let entrypoint = || Pod::entrypoint(member).map(|(_, program)| program);
        let (node, span) = match &self.place {
            Place::Variable(index) => {
                let variable = member.container.environment().nth(*index)?;
                let value = variable.node.entry("value");
                let span = value.map_or_else(|| variable.node.span(), entry_span);
                (variable.node, span)
            }
            Place::Word(index) => {
                let node = *entrypoint()?.words.get(*index)?;
                (node, node.span())
            }
            Place::Command(span) => entrypoint()?.locate(span.clone())?,
        };
        Some(NamedAddress { node, span })
    }
}

/// Parts of the names of settings about traces, metrics and logs: who sends those goes on without a listener.
const TELEMETRY: [&str; 26] = [
    "otel",
    "otlp",
    "statsd",
    "dogstatsd",
    "metric",
    "metrics",
    "trace",
    "traces",
    "tracing",
    "jaeger",
    "zipkin",
    "sentry",
    "log",
    "logs",
    "logging",
    "logger",
    "fluentd",
    "fluentbit",
    "datadog",
    "dd",
    "telemetry",
    "prometheus",
    "pushgateway",
    "profiling",
    "apm",
    "collector",
];

/// Parts of the names of settings that say where a program itself listens, or whom it lets in.
const OWN: [&str; 12] = [
    "listen",
    "listener",
    "bind",
    "advertise",
    "allowed",
    "allow",
    "origin",
    "origins",
    "cors",
    "noproxy",
    "callback",
    "redirect",
];

/// Ports that traces, metrics and logs are sent to: OTLP, StatsD, Datadog, Jaeger, Zipkin, Fluentd.
const TELEMETRY_PORTS: [u16; 14] = [
    4317, 4318, 8125, 8126, 9125, 6831, 6832, 14268, 14250, 9411, 24224, 24225, 2020, 55680,
];

/// Programs that only print what they are given.
const PRINTING: [&str; 4] = ["echo", "printf", "logger", ":"];

/// The first address of the pod itself that a container names for its work and whose port fits. Those it listens on, and
/// those it sends its traces, metrics and logs to, are none.
pub(crate) fn find_address<'a>(
    pod: &Pod<'_>,
    member: &Member<'a>,
    fits: impl Fn(Option<u16>) -> bool,
) -> Option<NamedAddress<'a>> {
    let known = Addresses::of(pod, member)?;
    known.named.iter().find(|named| fits(named.port))?.locate(member)
}

/// The first of a container's addresses at which another one listens; a host alone stands for the only port that a
/// known sidecar serves.
pub(crate) fn names_listener<'a>(
    pod: &Pod<'_>,
    from: &Member<'a>,
    listener: &Member<'_>,
) -> Option<NamedAddress<'a>> {
    let is_it = |other: &Member<'_>| {
        other.container.list == listener.container.list && other.container.index == listener.container.index
    };
    let known = pod.catalogue.of(&listener.container);
    let others_serve = || {
        pod.members.iter().any(|other| {
            !is_it(other)
                && other.role.declared
                && pod
                    .catalogue
                    .of(&other.container)
                    .is_some_and(|known| !known.serves.is_empty())
        })
    };
    find_address(pod, from, |port| match port {
        Some(port) => {
            listens_on(pod, listener, port)
                && !pod.members.iter().any(|other| {
                    !is_it(other)
                        && !other.role.declared
                        && other.container.ports().any(|own| own.number == port)
                })
        }
        None => known.is_some_and(|known| known.certain && !known.serves.is_empty()) && !others_serve(),
    })
}

/// All addresses that a container names.
fn named(member: &Member<'_>) -> Vec<Named> {
    let mut found = of_environment(&member.container);
    if let Some((_, program)) = Pod::entrypoint(member) {
        match program.is_shell() {
            true => of_script(&member.container, program, &mut found),
            false => of_words(&member.container, program, &mut found),
        }
    }
    found.retain(|address| address.port.is_none_or(|port| !TELEMETRY_PORTS.contains(&port)));
    found
}

/// Whether a container listens on a port, and no other one of its pod.
pub(crate) fn listens_alone(pod: &Pod<'_>, member: &Member<'_>, port: u16) -> bool {
    listens_on(pod, member, port) && !another_listens_on(pod, member, port)
}

/// Whether another container of its pod listens on a port.
pub(crate) fn another_listens_on(pod: &Pod<'_>, member: &Member<'_>, port: u16) -> bool {
    let mut others = pod.members.iter().filter(|other| !std::ptr::eq(*other, member));
    others.any(|other| listens_on(pod, other, port))
}

/// Whether a container listens on a port: by its `ports`, by the option that says so, or as the known program that it
/// runs does.
pub(crate) fn listens_on(pod: &Pod<'_>, member: &Member<'_>, port: u16) -> bool {
    let container = &member.container;
    if container.ports().any(|declared| declared.number == port) {
        return true;
    }
    let set = Addresses::of(pod, member).map_or(&[][..], |address| &address.set_ports);
    if set.contains(&port) {
        return true;
    }
    // An option that sets another port leaves the usual one unserved.
    let serves = |known: &KnownSidecar| {
        known.serves.contains(&port)
            || known
                .ready
                .iter()
                .chain(&known.quit)
                .any(|endpoint| endpoint.port == port)
    };
    let usual = || {
        let runs_the_image = container.command().is_empty();
        container
            .image()
            .filter(|_| runs_the_image)
            .and_then(|image| service_port::of_image(image.base_name()))
    };
    let is_usual = pod.catalogue.of(container).is_some_and(|known| serves(known)) || usual() == Some(port);
    set.is_empty() && container.ports().next().is_none() && is_usual
}

/// The parts of a setting's name, in small letters: `DB_ADDR`, `--db-addr`, `db.addr`.
fn words_of(name: &str) -> impl Iterator<Item = String> + '_ {
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .filter(|part| !part.is_empty())
}

/// Whether a setting says where its program listens, or where it sends what nobody waits for.
fn is_no_need(name: &str) -> bool {
    words_of(name).any(|part| OWN.contains(&part.as_str()) || TELEMETRY.contains(&part.as_str()))
        || name.to_ascii_lowercase().replace('_', "").contains("noproxy")
}

/// A host without a port, in a setting whose name says that it is one.
fn is_host_setting(name: &str) -> bool {
    words_of(name).any(|part| {
        matches!(
            part.as_str(),
            "host" | "hostname" | "server" | "addr" | "address" | "endpoint"
        ) || part.ends_with("host")
    })
}

/// The name of the port that goes with a host: `DB_HOST` and `DB_PORT`.
fn port_names(host: &str) -> Vec<String> {
    [
        "HOSTNAME", "HOST", "ADDRESS", "ADDR", "SERVER", "hostname", "host", "address", "addr", "server",
    ]
    .iter()
    .filter_map(|end| {
        let start = host.strip_suffix(end)?;
        let port = if end.starts_with(char::is_uppercase) {
            "PORT"
        } else {
            "port"
        };
        Some(format!("{start}{port}"))
    })
    .collect()
}

fn of_environment(container: &Container<'_>) -> Vec<Named> {
    let values = container.values();
    let mut found = Vec::new();
    for (index, variable) in container.environment().enumerate() {
        let Some(value) = variable.value.filter(|_| !is_no_need(variable.name)) else {
            continue;
        };
        let value = with_references(value, &values);
        let mut ports = local_ports(&value);
        if ports.is_empty() && is_local_host(&value) && is_host_setting(variable.name) {
            let port = port_names(variable.name)
                .iter()
                .find_map(|name| values.get(name).value()?.parse().ok());
            ports.push(port);
        }
        found.extend(ports.into_iter().map(|port| Named {
            port,
            place: Place::Variable(index),
        }));
    }
    found
}

/// `$(NAME)` as the kubelet replaces it.
fn with_references(text: &str, values: &EnvironmentValues<'_>) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("$(") {
        replaced.push_str(before);
        match behind.split_once(')') {
            Some((name, after)) => {
                if let Some(value) = values.get(name).value() {
                    replaced.push_str(&value);
                }
                rest = after;
            }
            None => {
                rest = behind;
                break;
            }
        }
    }
    replaced.push_str(rest);
    replaced
}

/// Addresses in words that no shell reads: `--db=127.0.0.1:5432`, `--host localhost --port 5432`.
fn of_words(container: &Container<'_>, program: &Program<'_>, found: &mut Vec<Named>) {
    let values = container.values();
    let texts: Vec<String> = program
        .words
        .iter()
        .map(|word| with_references(word.as_str().unwrap_or_default(), &values))
        .collect();
    for (index, text) in texts.iter().enumerate() {
        let behind = index.checked_sub(1).and_then(|before| texts.get(before));
        let (name, value) = match (text.strip_prefix('-'), behind) {
            (Some(option), _) => option.split_once('=').unwrap_or((option, "")),
            (None, Some(option)) if option.starts_with('-') && !option.contains('=') => {
                (option.as_str(), text.as_str())
            }
            _ => ("", text.as_str()),
        };
        if is_no_need(name) {
            continue;
        }
        let mut ports = local_ports(value);
        if ports.is_empty()
            && is_local_host(value)
            && (is_host_setting(name) || name.trim_matches('-') == "h")
        {
            ports.push(port_option(&texts, name));
        }
        found.extend(ports.into_iter().map(|port| Named {
            port,
            place: Place::Word(index),
        }));
    }
}

/// The port that an option names beside the one that names the host.
fn port_option(texts: &[String], host: &str) -> Option<u16> {
    let host = host.trim_start_matches('-');
    let names: Vec<String> = match host {
        "h" => vec!["p".to_owned(), "P".to_owned(), "port".to_owned()],
        _ => port_names(host),
    };
    texts.iter().enumerate().find_map(|(index, text)| {
        let option = text.trim_start_matches('-');
        if option.len() == text.len() {
            return None;
        }
        match option.split_once('=') {
            Some((name, value)) => names.iter().any(|own| own == name).then(|| value.parse().ok())?,
            None => names
                .iter()
                .any(|own| own == option)
                .then(|| texts.get(index + 1)?.parse().ok())?,
        }
    })
}

/// Addresses in the commands of a script that it runs in its own time: not in a trap, not beside it.
fn of_script(container: &Container<'_>, program: &Program<'_>, found: &mut Vec<Named>) {
    let Some(script) = &program.script else { return };
    let environment = container.values();
    let value_of = |name: &str| environment.get(name);
    let values = Values::of_script(script, &value_of);
    for visit in script.list.commands() {
        if visit.context.trap.is_some() || visit.context.background {
            continue;
        }
        let Some(simple) = visit.simple() else { continue };
        let at = crate::shell::command_index(&simple.words);
        let name = simple.words.get(at).and_then(|word| word.literal());
        if name.is_some_and(|name| PRINTING.contains(&name.as_ref())) {
            continue;
        }
        let asked = classify_visit(&visit, &values).and_then(|action| match action.action {
            Action::Connect(connect) if connect.host.is_local() => connect.port,
            _ => None,
        });
        let mut ports: Vec<Option<u16>> = asked.into_iter().map(Some).collect();
        for word in simple
            .words
            .iter()
            .chain(simple.assignments.iter().map(|assignment| &assignment.value))
        {
            let text = values.expand(word);
            let option = text
                .strip_prefix('-')
                .map(|option| option.split('=').next().unwrap_or(option));
            if !option.is_some_and(is_no_need) {
                ports.extend(local_ports(&text));
            }
        }
        found.extend(ports.into_iter().map(|port| Named {
            port,
            place: Place::Command(simple.span.clone()),
        }));
    }
}
