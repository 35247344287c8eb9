//! Workloads beside a pod's own that may end its containers through the API server.

use std::{cell::OnceCell, collections::HashMap};

use memchr::memmem;

use crate::{
    catalogue::program_reach::{asks_the_cluster, names_a_cluster_client},
    workload::{self, Container, Workload},
    yaml::{Node, Stream},
};

/// The other workloads of a stream, once a pod has asked for them: hardly any does.
pub(crate) struct Outsiders<'a> {
    stream: Option<&'a Stream<'a>>,
    found: OnceCell<Found>,
}

/// Those that may, by the words that they are told. A stream may have thousands, and as many who ask.
#[derive(Default)]
struct Found {
    all: Vec<Outsider>,
    /// Who is told a word. What is no more than told may mean its own container of that name.
    told: HashMap<String, Vec<usize>>,
}

/// A workload that may end containers of others.
struct Outsider {
    /// Where its object stands.
    start: usize,
    /// `CronJob reaper`
    workload: String,
    /// The command by which it does: `kubectl delete`. None where it is told of sidecars by name.
    command: Option<String>,
    /// All that its container is told.
    text: String,
    /// The names of its containers.
    containers: Vec<String>,
}

/// How another workload may end a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    /// `CronJob reaper`
    workload: String,
    /// `kubectl delete`
    command: Option<String>,
    /// The name by which it is told of the container or its pod.
    word: String,
}

/// What ends a pod, or a process in it.
const ENDING: [&str; 6] = ["exec", "delete", "patch", "replace", "drain", "edit"];

impl std::fmt::Debug for Outsiders<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Outsiders").finish_non_exhaustive()
    }
}

impl<'a> Outsiders<'a> {
    /// Those of a stream.
    pub(crate) fn of(stream: &'a Stream<'a>) -> Self {
        Self {
            stream: Some(stream),
            found: OnceCell::new(),
        }
    }

    /// Who of them names a container in a way in which it may end it.
    pub(crate) fn may_end(&self, workload: &Workload<'_>, container: &Container<'_>) -> Option<Outside> {
        let own = workload.object.node.span().start;
        let of_pod: Vec<&str> = workload
            .pod_labels()
            .iter()
            .filter_map(|label| label.value.as_str())
            .chain([workload.object.reference.name.as_str()])
            .filter(|name| name.len() > 2)
            .collect();
        let found = self.found();
        // Who has a container of that name may mean its own.
        let may = |at: &usize| {
            let outsider = found.all.get(*at)?;
            let is_other =
                outsider.start != own && !outsider.containers.iter().any(|name| name == container.name);
            let mut words = outsider.words();
            let word = words.find(|word| {
                *word == container.name || outsider.command.is_some() && of_pod.contains(word)
            })?;
            is_other.then(|| Outside {
                workload: outsider.workload.clone(),
                command: outsider.command.clone(),
                word: word.to_owned(),
            })
        };
        let names = of_pod.iter().chain([&container.name]);
        let mut told: Vec<usize> = names
            .filter_map(|name| found.told.get(*name))
            .flatten()
            .copied()
            .collect();
        told.sort_unstable();
        told.dedup();
        told.iter().find_map(may)
    }

    fn found(&self) -> &Found {
        self.found.get_or_init(|| {
            let may_name_one = |text: &str| {
                names_a_cluster_client(text) || memmem::find(text.as_bytes(), b"sidecar").is_some()
            };
            let mut found = Found::default();
            let Some(stream) = self.stream.filter(|stream| may_name_one(stream.text())) else {
                return found;
            };
            for object in workload::objects_of(stream) {
                for workload in workload::discover(&object) {
                    let containers = workload.containers.iter();
                    containers
                        .filter_map(|container| outsider(&workload, container))
                        .for_each(|outsider| found.add(outsider));
                }
            }
            found
        })
    }
}

impl Found {
    fn add(&mut self, outsider: Outsider) {
        let at = self.all.len();
        for word in outsider.words() {
            let is_own = outsider.command.is_none() && outsider.containers.iter().any(|name| name == word);
            let told = self.told.entry(word.to_owned()).or_default();
            if !is_own && told.last() != Some(&at) {
                told.push(at);
            }
        }
        self.all.push(outsider);
    }
}

impl Outsider {
    /// The words of its text that may be names.
    fn words(&self) -> impl Iterator<Item = &str> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        self.text.split(move |letter| !is_part(letter))
    }
}

fn outsider(workload: &Workload<'_>, container: &Container<'_>) -> Option<Outsider> {
    let words = container.command().into_iter().chain(container.arguments());
    let values = container.environment().filter_map(|variable| variable.value);
    let words: Vec<&str> = words.filter_map(Node::as_str).chain(values).collect();
    let text = words.join("\n");
    let command = ending_command(&text);
    let reference = &workload.object.reference;
    let image = container.image().map_or("", |image| image.base_name());
    let is_of_sidecars = || {
        [image, &reference.name, &text]
            .iter()
            .any(|said| said.contains("sidecar"))
    };
    (command.is_some() || is_of_sidecars()).then(|| Outsider {
        start: workload.object.node.span().start,
        workload: format!("{} {}", reference.kind, reference.name),
        command,
        text,
        containers: workload
            .containers
            .iter()
            .map(|container| container.name.to_owned())
            .collect(),
    })
}

/// `kubectl -n jobs delete pod …`: the client and what it is told to do.
fn ending_command(text: &str) -> Option<String> {
    let mut words = text
        .split(|letter: char| letter.is_whitespace() || "'\"`();|&$".contains(letter))
        .filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if asks_the_cluster(word) {
            let mut behind = words.clone().take(6);
            if let Some(verb) = behind.find(|word| ENDING.contains(word)) {
                let client = word.rsplit('/').next().unwrap_or(word);
                return Some(format!("{client} {verb}"));
            }
        }
    }
    None
}

impl Outside {
    /// In words that go on from the container's name.
    pub(crate) fn describe(&self) -> String {
        let Self { workload, word, .. } = self;
        match &self.command {
            Some(command) => {
                format!("it may be ended by {workload}, which runs `{command}` and names {word}")
            }
            None => format!("it may be ended by {workload}, which has to do with sidecars and names {word}"),
        }
    }
}
