//! The engine: texts to findings. No files, no terminal, no network.

mod again;
mod gather;
mod text;

use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rayon::prelude::*;

pub(crate) use again::{Memory, lint_again};
pub(crate) use gather::pod;

use gather::{MAX_CONTAINERS, mark_injected, too_many_containers};

use crate::{
    pod::{Live, Pod, ServicesBeside, Settings, Sources},
    remedy::script::shared::{self, ConfigMapUse},
    roles::{Catalogue, ContainerRole, WorkloadSummary},
    rules::{self, Confidence, Finding, Severity},
    source::{Note, NoteKind, SourceError, SourceFile, first_template_comment_line},
    workload::{self, ConfigMapIndex, ConfigMaps, ObjectReference, Services},
    yaml::{self, Stream},
};

/// What decides about findings besides the text.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster and the wished form.
    pub settings: Settings,
    /// The known sidecars, those of a configuration included.
    pub catalogue: Arc<Catalogue>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The findings, in the order of the sources and their text.
    pub findings: Vec<Finding>,
    /// Every pod with its containers' roles, in the order of the sources and their text.
    pub workloads: Vec<WorkloadSummary>,
    /// Sources that are no YAML.
    pub errors: Vec<SourceError>,
    /// Templates, which are YAML only once they are rendered.
    pub notes: Vec<Note>,
    /// The names of ConfigMaps that hold scripts and are not in the same source.
    wanted: Vec<String>,
    /// The names of ConfigMaps whose scripts are run.
    run: Vec<String>,
}

impl Outcome {
    /// The names of ConfigMaps that hold scripts and were in none of the sources.
    pub(crate) fn wanted(&self) -> &[String] {
        &self.wanted
    }
}

/// Lints sources in parallel; what comes out stands in their order. `done` is called once for each of them.
///
/// `neighbours` are not linted: they are read for what they say about the sources, as if they were linted together.
#[must_use]
pub fn lint(
    sources: &[Arc<SourceFile>],
    neighbours: &[Arc<SourceFile>],
    options: &Options,
    done: &(dyn Fn() + Sync),
) -> Outcome {
    let turn = Mutex::new(());
    let services = services_beside(sources, neighbours);
    let outcomes: Vec<Outcome> = sources
        .par_iter()
        .map(|source| {
            let _turn = await_turn(source, &turn);
            let outcome = lint_alone(source, &services.beside(source), options);
            done();
            outcome
        })
        .collect();
    joined(sources, neighbours, &services, outcomes, options, &turn)
}

/// What came of each source by itself, with what the sources say about one another.
fn joined(
    sources: &[Arc<SourceFile>],
    neighbours: &[Arc<SourceFile>],
    services: &ServicesBeside,
    mut outcomes: Vec<Outcome>,
    options: &Options,
    turn: &Mutex<()>,
) -> Outcome {
    add_shared_scripts(sources, neighbours, services, &mut outcomes, options, turn);
    let mut all = Outcome::default();
    for outcome in outcomes {
        all.findings.extend(outcome.findings);
        all.workloads.extend(outcome.workloads);
        all.errors.extend(outcome.errors);
        all.notes.extend(outcome.notes);
    }
    all
}

fn services_beside(sources: &[Arc<SourceFile>], neighbours: &[Arc<SourceFile>]) -> ServicesBeside {
    match (sources, neighbours) {
        // Its own are read with it.
        ([_], []) => ServicesBeside::default(),
        _ => ServicesBeside::of(sources.par_iter().chain(neighbours)),
    }
}

/// Sources from this size on are linted one after the other: their trees take several times their size.
const LARGE: usize = 4 << 20;

fn await_turn<'m>(source: &SourceFile, turn: &'m Mutex<()>) -> Option<MutexGuard<'m, ()>> {
    (source.text.len() >= LARGE).then(|| turn.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether a letter stands in no object's name (RFC 1123).
fn is_no_part_of_a_name(letter: char) -> bool {
    !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.'))
}

/// Lints those sources again whose workloads run scripts from ConfigMaps of other sources. Each source that
/// may hold one is parsed once for all of them, and its tree is kept only if it does.
fn add_shared_scripts(
    sources: &[Arc<SourceFile>],
    neighbours: &[Arc<SourceFile>],
    services: &ServicesBeside,
    outcomes: &mut [Outcome],
    options: &Options,
    turn: &Mutex<()>,
) {
    let is_alone = sources.len() + neighbours.len() == 1;
    let names = |outcome: &Outcome| {
        let run = outcome.run.iter().filter(|_| !is_alone);
        outcome.wanted.iter().chain(run).cloned().collect::<Vec<_>>()
    };
    let wanted: HashSet<String> = outcomes.iter().flat_map(names).collect();
    if wanted.is_empty() {
        return;
    }
    // Who else uses a ConfigMap matters where its text is run.
    let run: HashSet<&str> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.run)
        .map(String::as_str)
        .collect();
    let may_matter = |source: &SourceFile| {
        let is_named = |is_it: &dyn Fn(&str) -> bool| source.text.split(is_no_part_of_a_name).any(is_it);
        source.text.contains("ConfigMap") && is_named(&|word| wanted.contains(word))
            || !run.is_empty() && is_named(&|word| run.contains(word))
    };
    let read: Vec<(Arc<SourceFile>, Stream<'_>)> = sources
        .par_iter()
        .chain(neighbours)
        .filter(|source| may_matter(source))
        .filter_map(|source| {
            let _turn = await_turn(source, turn);
            // A source that fails to parse holds no ConfigMap; its own lint says so.
            let stream = yaml::parse(&source.text).ok()?;
            Some((Arc::clone(source), stream))
        })
        .collect();
    let mut shared = ConfigMapIndex::default();
    let mut uses = Vec::new();
    for (source, stream) in &read {
        shared.merge(workload::config_maps(stream, |name| wanted.contains(name)));
        uses.extend(shared::uses(&source.name, stream));
    }
    let mut files: Vec<Arc<SourceFile>> = read.iter().map(|(source, _)| Arc::clone(source)).collect();
    files.sort_by_key(|file| file.text.as_ptr().addr());
    outcomes
        .par_iter_mut()
        .zip(sources)
        .filter(|(outcome, _)| names(outcome).iter().any(|name| shared.has(name)))
        .for_each(|(outcome, source)| {
            let _turn = await_turn(source, turn);
            if let Ok(stream) = yaml::parse(&source.text) {
                let services = services.beside(source);
                *outcome = lint_stream(
                    &stream,
                    Company {
                        config_maps: Some(&shared),
                        uses: &uses,
                        services: Some(&services),
                        ..Company::default()
                    },
                    Sources::new(source, &files),
                    options,
                    None,
                );
            }
        });
}

/// Lints one source; the ConfigMaps in `others` serve its workloads too.
#[must_use]
pub fn lint_source(source: &Arc<SourceFile>, others: &[Arc<SourceFile>], options: &Options) -> Outcome {
    let own = [Arc::clone(source)];
    let services = services_beside(&own, others);
    let mut outcomes = [lint_alone(source, &services.beside(source), options)];
    add_shared_scripts(&own, others, &services, &mut outcomes, options, &Mutex::default());
    let [outcome] = outcomes;
    outcome
}

/// Lints a text that is an object of a cluster, with what its pods show. The ConfigMaps in `others` serve it too.
#[must_use]
pub(crate) fn lint_live_source(
    source: &Arc<SourceFile>,
    others: &[Arc<SourceFile>],
    options: &Options,
    live: &Live,
) -> Outcome {
    let streams = readable(others);
    let shared = config_maps_of(&streams);
    let files = by_address(others);
    match yaml::parse(&source.text) {
        Ok(stream) => lint_stream(
            &stream,
            Company {
                config_maps: Some(&shared),
                ..Company::default()
            },
            Sources::new(source, &files),
            options,
            Some(live),
        ),
        Err(error) => text::lint_text(source, error, options),
    }
}

/// The trees of those sources that can be read.
fn readable(sources: &[Arc<SourceFile>]) -> Vec<Stream<'_>> {
    let trees = sources.iter().map(|source| yaml::parse(&source.text));
    trees.filter_map(Result::ok).collect()
}

fn config_maps_of<'a>(streams: &'a [Stream<'a>]) -> ConfigMapIndex<'a> {
    let mut index = ConfigMapIndex::default();
    streams
        .iter()
        .for_each(|stream| index.merge(workload::config_maps(stream, |_| true)));
    index
}

/// Sources by where their texts lie, as [`Sources`] looks them up.
fn by_address(sources: &[Arc<SourceFile>]) -> Vec<Arc<SourceFile>> {
    let mut sources = sources.to_vec();
    sources.sort_by_key(|source| source.text.as_ptr().addr());
    sources
}

/// The roles of the containers of every pod in a text, without any finding, and the names of the ConfigMaps that hold
/// scripts of them and are not among `others`.
#[must_use]
pub(crate) fn roles_of(
    source: &Arc<SourceFile>,
    others: &[Arc<SourceFile>],
    options: &Options,
) -> (Vec<ContainerRole>, Vec<String>) {
    let Ok(stream) = yaml::parse(&source.text) else {
        return (Vec::new(), Vec::new());
    };
    let streams = readable(others);
    let shared = config_maps_of(&streams);
    let files = by_address(others);
    let config_maps = ConfigMaps::new(ConfigMapIndex::default(), Some(&shared));
    let services = workload::services(&stream);
    let mut found = Vec::new();
    for object in workload::objects_of(&stream) {
        for workload in workload::discover(&object) {
            if workload.containers.len() <= MAX_CONTAINERS {
                let pod = pod(
                    &workload,
                    &config_maps,
                    &[&services],
                    Sources::new(source, &files),
                    options,
                );
                found.extend(pod.members.into_iter().map(|member| member.role));
            }
        }
    }
    let wanted = config_maps.into_missed().into_iter().map(str::to_owned).collect();
    (found, wanted)
}

/// What the other sources of an input have to do with the workloads of one.
#[derive(Clone, Copy, Default)]
struct Company<'a> {
    /// Their ConfigMaps.
    config_maps: Option<&'a ConfigMapIndex<'a>>,
    /// Their references to ConfigMaps.
    uses: &'a [ConfigMapUse],
    /// The Services beside it.
    services: Option<&'a Services>,
    /// It is a reading of a template: an action may bring the image that a container lacks.
    is_template: bool,
}

fn lint_alone(source: &Arc<SourceFile>, services: &Services, options: &Options) -> Outcome {
    match yaml::parse(&source.text) {
        Ok(stream) => lint_stream(
            &stream,
            Company {
                services: Some(services),
                ..Company::default()
            },
            Sources::new(source, &[]),
            options,
            None,
        ),
        Err(error) => text::lint_text(source, error, options),
    }
}

fn lint_stream<'a>(
    stream: &'a Stream<'a>,
    company: Company<'a>,
    sources: Sources<'a>,
    options: &'a Options,
    live: Option<&'a Live>,
) -> Outcome {
    let config_maps = ConfigMaps::new(workload::config_maps(stream, |_| true), company.config_maps);
    // Hardly any pod runs a script from a ConfigMap: only then the whole stream is walked for references to one.
    let uses = OnceCell::new();
    let all_uses = || {
        let own = &sources.own().name;
        let others = company.uses.iter().filter(|other| !other.stands_in(own));
        others.cloned().chain(shared::uses(own, stream)).collect()
    };
    let own_services = workload::services(stream);
    let services: Vec<&Services> = [&own_services].into_iter().chain(company.services).collect();
    let mut outcome = Outcome::default();
    for object in workload::objects_of(stream) {
        outcome.findings.extend(rules::check_object(&object, sources));
        for workload in workload::discover(&object)
            .into_iter()
            .filter(|workload| company.is_template || !workload.is_patch())
        {
            if workload.containers.len() > MAX_CONTAINERS {
                outcome.errors.push(too_many_containers(&workload, sources));
                continue;
            }
            let mut pod = Pod {
                live,
                ..pod(&workload, &config_maps, &services, sources, options)
            };
            if shared::runs_shared_scripts(&pod) {
                let uses: &Vec<ConfigMapUse> = uses.get_or_init(all_uses);
                shared::settle(&mut pod, uses, live.is_some());
            }
            mark_injected(&mut pod);
            lint_pod(&pod, &mut outcome);
        }
    }
    let is_text = live.is_none() && !company.is_template;
    if let Some(line) = is_text.then(|| template_comment(&outcome, sources)).flatten() {
        outcome.notes.push(Note::about_template(
            &sources.own().name,
            line,
            NoteKind::Template,
        ));
        for finding in &mut outcome.findings {
            // Each line may be one that is not there in the end.
            finding.severity = finding.severity.min(Severity::Warning);
            finding.confidence = finding.confidence.min(Confidence::Medium);
        }
    }
    one_for_each_place(&mut outcome.findings);
    outcome.wanted = config_maps.into_missed().into_iter().map(str::to_owned).collect();
    outcome.findings.sort_by_key(|finding| {
        (
            finding.primary().map_or(0, |location| location.span.start),
            finding.rule.name,
        )
    });
    outcome
}

/// Objects that an anchor gives the same text have the same findings: the first one says it.
fn one_for_each_place(findings: &mut Vec<Finding>) {
    let mut seen: HashMap<_, (usize, ObjectReference)> = HashMap::new();
    findings.retain(|finding| {
        let places = finding.locations.iter();
        let places: Vec<_> = places
            .map(|location| (location.source.name.clone(), location.span.clone()))
            .collect();
        let own = (finding.document, finding.object.clone());
        let first = seen
            .entry((finding.rule.name, places))
            .or_insert_with(|| own.clone());
        *first == own
    });
}

/// The line of the first comment that a text template reads, where anything is said about the source.
fn template_comment(outcome: &Outcome, sources: Sources<'_>) -> Option<usize> {
    let says_something = !outcome.workloads.is_empty() || !outcome.findings.is_empty();
    says_something
        .then(|| first_template_comment_line(&sources.own().text))
        .flatten()
}

fn lint_pod(pod: &Pod<'_>, outcome: &mut Outcome) {
    let Some(source) = pod.sources.of(pod.workload.pod_spec) else {
        return;
    };
    let programs = pod.members.iter().flat_map(|member| &member.programs);
    outcome.run.extend(
        programs
            .filter_map(|program| program.config_map)
            .map(str::to_owned),
    );
    outcome.workloads.push(WorkloadSummary {
        source,
        document: pod.workload.object.document,
        object: pod.workload.object.reference.clone(),
        containers: pod.members.iter().map(|member| member.role.clone()).collect(),
    });
    outcome.findings.extend(rules::check_pod(pod));
}
