//! The engine: texts to findings. No files, no terminal, no network.

use std::sync::Arc;

use rayon::prelude::*;

use crate::{
    roles::{self, Catalogue, WorkloadSummary},
    rules::{self, Confidence, Finding, Fix, FixClass, Member, Pod, Settings, Sources},
    source::{SourceError, SourceErrorKind, SourceFile, first_template_line},
    template,
    workload::{self, ConfigMaps, Object, Workload, programs},
    yaml::{self, ParseError, Stream},
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
    /// Sources that are no YAML, or not yet.
    pub errors: Vec<SourceError>,
    /// Scripts come from ConfigMaps that are not in the same source.
    wants_config_maps: bool,
}

/// Lints sources in parallel; what comes out stands in their order. `done` is called once for each of them.
#[must_use]
pub fn lint(sources: &[Arc<SourceFile>], options: &Options, done: &(dyn Fn() + Sync)) -> Outcome {
    let config_maps: Vec<Arc<SourceFile>> = sources
        .iter()
        .filter(|source| source.text.contains("ConfigMap"))
        .cloned()
        .collect();
    let outcomes: Vec<Outcome> = sources
        .par_iter()
        .map(|source| {
            let mut outcome = lint_source(source, &[], options);
            if outcome.wants_config_maps && config_maps.iter().any(|other| other.name != source.name) {
                outcome = lint_source(source, &config_maps, options);
            }
            done();
            outcome
        })
        .collect();
    let mut all = Outcome::default();
    for outcome in outcomes {
        all.findings.extend(outcome.findings);
        all.workloads.extend(outcome.workloads);
        all.errors.extend(outcome.errors);
    }
    all
}

/// Lints one source; the ConfigMaps in `others` serve its workloads too.
#[must_use]
pub fn lint_source(source: &Arc<SourceFile>, others: &[Arc<SourceFile>], options: &Options) -> Outcome {
    match yaml::parse(&source.text) {
        Ok(stream) => {
            // A source that fails to parse holds no ConfigMap; its own lint says so.
            let other_streams: Vec<Stream<'_>> = others
                .iter()
                .filter(|other| other.name != source.name)
                .filter_map(|other| yaml::parse(&other.text).ok())
                .collect();
            let mut files = vec![Arc::clone(source)];
            files.extend(others.iter().cloned());
            lint_streams(&stream, &other_streams, Sources::new(&files), options)
        }
        Err(error) => lint_text(source, error, options),
    }
}

fn lint_streams<'a>(
    stream: &'a Stream<'a>,
    others: &'a [Stream<'a>],
    sources: Sources<'a>,
    options: &'a Options,
) -> Outcome {
    let objects: Vec<Object<'a>> = objects_of(stream).collect();
    let mut config_maps = ConfigMaps::default();
    objects.iter().for_each(|object| config_maps.add(object));
    others
        .iter()
        .flat_map(objects_of)
        .for_each(|object| config_maps.add(&object));
    let mut outcome = Outcome::default();
    for object in &objects {
        outcome.findings.extend(rules::check_object(object, sources));
        for workload in workload::discover(object) {
            lint_workload(&workload, &config_maps, sources, options, &mut outcome);
        }
    }
    outcome.findings.sort_by_key(|finding| {
        (
            finding.primary().map_or(0, |location| location.span.start),
            finding.rule.name,
        )
    });
    outcome
}

pub(crate) fn objects_of<'a>(stream: &'a Stream<'a>) -> impl Iterator<Item = Object<'a>> {
    stream
        .roots()
        .flat_map(|(document, root)| workload::objects(root, document))
}

fn lint_workload<'a>(
    workload: &Workload<'a>,
    config_maps: &ConfigMaps<'a>,
    sources: Sources<'a>,
    options: &'a Options,
    outcome: &mut Outcome,
) {
    outcome.wants_config_maps |= config_maps.misses_script(workload);
    let Some(source) = sources.of(workload.pod_spec) else {
        return;
    };
    let pod = pod(workload, config_maps, sources, options);
    outcome.workloads.push(WorkloadSummary {
        source,
        document: workload.object.document,
        object: workload.object.reference.clone(),
        containers: pod.members.iter().map(|member| member.role.clone()).collect(),
    });
    outcome.findings.extend(rules::check_pod(&pod));
}

/// Everything that is known of a workload's pod.
pub(crate) fn pod<'a>(
    workload: &'a Workload<'a>,
    config_maps: &ConfigMaps<'a>,
    sources: Sources<'a>,
    options: &'a Options,
) -> Pod<'a> {
    let catalogue = &options.catalogue;
    let programs: Vec<_> = workload
        .containers
        .iter()
        .map(|container| programs(workload, container, config_maps))
        .collect();
    let namings = roles::namings(workload);
    let injected = roles::injected(workload, catalogue);
    let links = crate::behaviour::links(workload, &programs, &injected, catalogue);
    let roles = roles::assign(workload, catalogue, &namings, &links.relations());
    let members = workload
        .containers
        .iter()
        .zip(roles)
        .zip(programs)
        .map(|((container, role), programs)| Member {
            container: container.clone(),
            role,
            programs,
        })
        .collect();
    Pod {
        workload,
        members,
        injected,
        namings,
        links,
        catalogue,
        settings: options.settings,
        sources,
    }
}

/// How many documents of one source may be broken before the rest is left alone.
const BROKEN_DOCUMENTS: usize = 16;

/// A source that is no YAML as it stands: a template is masked; of a stream the documents that are broken are
/// left out; what remains is searched for signs.
fn lint_text(source: &Arc<SourceFile>, error: ParseError, options: &Options) -> Outcome {
    let is_template = template::is_go_template(&source.text);
    let masked = if is_template {
        template::mask(&source.text)
    } else {
        source.text.to_string()
    };
    let mut outcome = match readable_part(masked) {
        Some(readable) => lint_readable_part(source, readable, is_template, options),
        None => Outcome {
            findings: template::signs(source),
            ..Outcome::default()
        },
    };
    outcome.errors.push(match first_template_line(&source.text) {
        Some(line) => SourceError::template(&source.name, line),
        None => SourceError::new(&source.name, SourceErrorKind::Syntax, error.message)
            .at(error.line, Some(error.column)),
    });
    outcome
}

fn lint_readable_part(
    source: &Arc<SourceFile>,
    readable: String,
    masked: bool,
    options: &Options,
) -> Outcome {
    let stand_in = Arc::new(SourceFile {
        name: source.name.clone(),
        text: readable.into(),
    });
    let mut outcome = match yaml::parse(&stand_in.text) {
        Ok(stream) => lint_streams(&stream, &[], Sources::new(&[Arc::clone(&stand_in)]), options),
        Err(_) => Outcome::default(),
    };
    for finding in &mut outcome.findings {
        // Byte for byte the same places, in the text that the user wrote.
        finding
            .locations
            .iter_mut()
            .for_each(|location| location.source = Arc::clone(source));
        if masked {
            show_actions(finding);
            finding.text_level = true;
            finding.confidence = finding.confidence.min(Confidence::Medium);
            finding.fix = Fix {
                class: FixClass::Manual,
                reason: "a template is rewritten by hand, or its rendered output by migrate".to_owned(),
            };
        }
    }
    for workload in &mut outcome.workloads {
        workload.source = Arc::clone(source);
        workload.object.name = template::unmasked(&workload.object.name);
    }
    outcome
}

fn show_actions(finding: &mut Finding) {
    finding.message = template::unmasked(&finding.message);
    finding.help = template::unmasked(&finding.help);
    finding.object.name = template::unmasked(&finding.object.name);
    finding.container = finding.container.as_deref().map(template::unmasked);
    for location in &mut finding.locations {
        location.label = template::unmasked(&location.label);
    }
}

/// The text with its broken documents blanked; `None` where nothing can be read.
fn readable_part(mut text: String) -> Option<String> {
    for _ in 0..BROKEN_DOCUMENTS {
        let Err(error) = yaml::parse(&text) else {
            return Some(text);
        };
        let broken = document_around(&text, error.offset);
        if broken.is_empty() || broken.len() == text.len() {
            return None;
        }
        let blank: String = text
            .get(broken.clone())?
            .bytes()
            .map(|byte| {
                if matches!(byte, b'\n' | b'\r') {
                    char::from(byte)
                } else {
                    ' '
                }
            })
            .collect();
        text.replace_range(broken, &blank);
    }
    None
}

/// The bytes between the `---` lines around `offset`.
fn document_around(text: &str, offset: usize) -> std::ops::Range<usize> {
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            if at >= offset && at > start {
                return start..at;
            }
            start = at + line.len();
        }
        at += line.len();
    }
    start..text.len()
}
