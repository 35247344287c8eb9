//! Where a container's own words and variables say that it listens.

use super::{with_references, words_of};
use crate::{
    catalogue::Catalogue,
    pod::{Member, Pod},
    workload::Container,
};

/// The ports that a container's own options and variables say it listens on: `--port=5432`, `--listen 0.0.0.0:5432`.
pub(super) fn set_ports(catalogue: &Catalogue, member: &Member<'_>) -> Vec<u16> {
    let Some((_, program)) = Pod::entrypoint(member) else {
        return variable_ports(catalogue, &member.container).collect();
    };
    let words: Vec<String> = match program.script.as_ref().filter(|_| program.is_shell()) {
        Some(script) => script
            .list
            .commands()
            .filter_map(|visit| visit.simple())
            .flat_map(|simple| &simple.words)
            .map(|word| word.raw.clone())
            .collect(),
        None => program
            .words
            .iter()
            .filter_map(|word| word.as_str())
            .map(|word| with_references(word, &member.container.values()))
            .collect(),
    };
    let mut ports: Vec<u16> = variable_ports(catalogue, &member.container).collect();
    for (index, word) in words.iter().enumerate() {
        let Some(option) = word.strip_prefix('-') else {
            // The port of an instance of cloud-sql-proxy v1: `p:r:i=tcp:0.0.0.0:5432`.
            ports.extend(instance_ports(word));
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, words.get(index + 1).map(String::as_str)),
        };
        let name = name.trim_start_matches('-');
        let is_listener = name == "p"
            || words_of(name).any(|part| {
                matches!(
                    part.as_str(),
                    "port" | "listen" | "bind" | "addr" | "address" | "instances"
                )
            });
        let is_others = words_of(name).any(|part| {
            matches!(
                part.as_str(),
                "app" | "upstream" | "target" | "backend" | "remote" | "forward" | "to" | "server" | "db"
            )
        });
        if is_listener && !is_others {
            match value.map(|value| instance_ports(value).collect::<Vec<_>>()) {
                Some(instances) if !instances.is_empty() => ports.extend(instances),
                _ => ports.extend(value.and_then(last_port)),
            }
        }
    }
    ports
}

fn variable_ports<'a>(catalogue: &Catalogue, container: &Container<'a>) -> impl Iterator<Item = u16> {
    let stands_for_a_flag = |name: &str| {
        let mut prefixes = catalogue
            .entries()
            .filter_map(|known| known.flag_variables.as_deref());
        name.ends_with("_PORT") && prefixes.any(|prefix| name.starts_with(prefix))
    };
    container
        .environment()
        .filter(move |variable| {
            let name = variable.name.to_ascii_uppercase();
            matches!(
                name.as_str(),
                "PORT" | "LISTEN_PORT" | "LISTEN_ADDR" | "LISTEN_ADDRESS" | "BIND_ADDR"
            ) || name.ends_with("_LISTEN_PORT")
                || stands_for_a_flag(&name)
        })
        .filter_map(|variable| last_port(variable.value?))
}

/// The ports of instances of cloud-sql-proxy v1: `p:r:i=tcp:5432,p:r:j=tcp:0.0.0.0:3306`.
fn instance_ports(text: &str) -> impl Iterator<Item = u16> {
    let instances = text.split(',');
    instances.filter_map(|instance| last_port(instance.split_once("=tcp:")?.1))
}

/// `5432`, `:5432`, `0.0.0.0:5432`, `tcp://0.0.0.0:5432`
fn last_port(text: &str) -> Option<u16> {
    text.rsplit(':').next()?.trim_end_matches('/').parse().ok()
}
