//! The engine: texts to findings. No files, no terminal, no network.

use std::sync::Arc;

use rayon::prelude::*;

use crate::{
    roles::{self, Catalogue, WorkloadSummary},
    rules::{self, Confidence, Finding, Fix, FixClass, Member, Pod, Settings, Sources},
    source::SourceFile,
    template,
    workload::{self, ConfigMaps, Object, Workload, programs},
    yaml::{self, ParseError, Stream},
};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster and the wished form.
    pub settings: Settings,
    /// The known sidecars, those of a config file included.
    pub catalogue: Arc<Catalogue>,
}

/// A source that could not be read as YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unparsed {
    /// The source.
    pub source: Arc<SourceFile>,
    /// Where and why.
    pub error: ParseError,
    /// It looks like a Helm or other Go template, which is YAML only once it is rendered.
    pub template: bool,
}

/// What was found in one source.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The findings, in the order of the text.
    pub findings: Vec<Finding>,
    /// Every pod and its containers' roles, in the order of the text.
    pub workloads: Vec<WorkloadSummary>,
    /// Why the source is not YAML, where it is not.
    pub unparsed: Option<Unparsed>,
    /// Scripts come from ConfigMaps that are not in this source.
    wants_config_maps: bool,
}

/// Lints sources in parallel. The outcomes stand in the order of `inputs`, each with what `read` made of it.
///
/// Texts are read, linted and dropped one by one; only those that hold ConfigMaps with scripts of other
/// sources' workloads are read again.
pub fn lint<I, E, R>(inputs: &[I], read: R, options: &Options) -> Vec<Result<Outcome, E>>
where
    I: Sync,
    E: Send,
    R: Fn(&I) -> Result<Arc<SourceFile>, E> + Sync,
{
    let mut outcomes: Vec<(Result<Outcome, E>, bool)> = inputs
        .par_iter()
        .map(|input| match read(input) {
            Ok(source) => (
                Ok(lint_source(&source, &[], options)),
                holds_config_map(&source.text),
            ),
            Err(error) => (Err(error), false),
        })
        .collect();
    let wanted = outcomes
        .iter()
        .any(|(outcome, _)| outcome.as_ref().is_ok_and(|outcome| outcome.wants_config_maps));
    let held: Vec<usize> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, (_, holds))| *holds)
        .map(|(index, _)| index)
        .collect();
    if wanted && !held.is_empty() {
        let config_maps: Vec<Arc<SourceFile>> = held
            .iter()
            .filter_map(|index| read(inputs.get(*index)?).ok())
            .collect();
        outcomes
            .par_iter_mut()
            .zip(inputs)
            .for_each(|((outcome, _), input)| {
                if outcome.as_ref().is_ok_and(|outcome| outcome.wants_config_maps)
                    && let Ok(source) = read(input)
                {
                    *outcome = Ok(lint_source(&source, &config_maps, options));
                }
            });
    }
    outcomes.into_iter().map(|(outcome, _)| outcome).collect()
}

fn holds_config_map(text: &str) -> bool {
    text.contains("ConfigMap")
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

fn objects_of<'a>(stream: &'a Stream<'a>) -> impl Iterator<Item = Object<'a>> {
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
    let catalogue = &options.catalogue;
    outcome.wants_config_maps |= config_maps.misses_script(workload);
    let programs: Vec<_> = workload
        .containers
        .iter()
        .map(|container| programs(workload, container, config_maps))
        .collect();
    let namings = roles::namings(workload);
    let injected = roles::injected(workload, catalogue);
    let links = crate::behaviour::links(workload, &programs, &injected, catalogue);
    let roles = roles::assign(workload, catalogue, &namings, &links.relations());
    let source = workload.pod_spec;
    outcome.workloads.push(WorkloadSummary {
        source: match sources.of(source) {
            Some(source) => source,
            None => return,
        },
        document: workload.object.document,
        object: workload.object.reference.clone(),
        containers: roles.clone(),
    });
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
    let pod = Pod {
        workload,
        members,
        injected,
        namings,
        links,
        catalogue,
        settings: options.settings,
        sources,
    };
    outcome.findings.extend(rules::check_pod(&pod));
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
    outcome.unparsed = Some(Unparsed {
        source: Arc::clone(source),
        error,
        template: is_template,
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
    }
    outcome
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
            if at > offset {
                return start..at;
            }
            start = at + line.len();
        }
        at += line.len();
    }
    start..text.len()
}
