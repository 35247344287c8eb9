//! Sources that are no YAML as they stand.
//!
//! A template is read in each way it may be rendered; of a stream the documents that are broken are left out; what
//! cannot be read even so is searched for signs.

mod mend;

use std::{ops::Range, path::Path, sync::Arc};

use super::{Company, Options, Outcome, lint_stream};
use crate::{
    pod::Sources,
    roles::WorkloadSummary,
    rules::{Confidence, Finding, Fix, FixClass, Severity},
    source::{
        Note, NoteKind, SourceError, SourceErrorKind, SourceFile, first_statement_line, first_template_line,
        has_manifest_suffix,
    },
    template::{self, Reading},
    workload::{self, ObjectReference},
    yaml::{self, ParseError, Reason},
};
use mend::{has_action, line_around, mend};

/// Rules that claim something since nothing in the pod speaks against it.
pub(super) const CLAIMED_FROM_ABSENCE: [&str; 5] = [
    "app-started-first",
    "job-never-completes",
    "misdeclared-sidecar",
    "sidecar-stopped-first",
    "ungated-sidecar",
];

/// Lints a source that failed to parse.
pub(super) fn lint_text(source: &Arc<SourceFile>, error: ParseError, options: &Options) -> Outcome {
    let line = first_template_line(&source.text).filter(|_| template::is_go_template(&source.text));
    // The text as a whole is too much; to look for the part that is not would be more of it.
    let is_too_much = error.reason == Reason::Limit;
    if let Some(line) = line
        && !is_too_much
        && let Some(mut outcome) = lint_template(source, &error, line, options)
    {
        drop_repeated(&mut outcome);
        return outcome;
    }
    if is_part_of_others(source) {
        return Outcome {
            findings: template::signs(source),
            notes: vec![Note::about_template(
                &source.name,
                first_template_line(&source.text).unwrap_or(1),
                NoteKind::TemplateSearched,
            )],
            ..Outcome::default()
        };
    }
    let mut text = source.text.to_string();
    let (mut outcome, kind) = match mend(&mut text, None).filter(|_| !is_too_much) {
        Some(_) => (lint_part(source, text, options).0, NoteKind::TemplateInPart),
        None => {
            let outcome = Outcome {
                findings: template::signs(source),
                ..Outcome::default()
            };
            (outcome, NoteKind::TemplateSearched)
        }
    };
    match first_statement_line(&source.text) {
        Some(line) => outcome.notes.push(Note::about_template(&source.name, line, kind)),
        None => outcome.errors.push(
            SourceError::new(&source.name, SourceErrorKind::Syntax, error.message)
                .at(error.line, Some(error.column)),
        ),
    }
    outcome
}

/// `None`: what is wrong with the text has nothing to do with its actions.
fn lint_template(
    source: &Arc<SourceFile>,
    error: &ParseError,
    line: usize,
    options: &Options,
) -> Option<Outcome> {
    let mut all = Outcome::default();
    let mut kind = None;
    for mut reading in template::readings(&source.text) {
        if kind.is_none()
            && let Err(masked) = yaml::parse(&reading.text)
            && masked.offset == error.offset
            && !has_action(&source.text, &line_around(&source.text, error.offset))
        {
            return None;
        }
        let mut text = std::mem::take(&mut reading.text);
        let Some(left_out) = mend(&mut text, Some((&source.text, &reading))) else {
            kind = kind.max(Some(NoteKind::TemplateSearched));
            continue;
        };
        let is_whole = left_out.is_empty();
        reading.unknown.extend(left_out);
        kind = kind.max(Some(if is_whole {
            NoteKind::Template
        } else {
            NoteKind::TemplateInPart
        }));
        let (mut outcome, pods) = lint_part(source, text, options);
        outcome
            .findings
            .retain(|finding| is_believed(finding, &reading, &pods, &source.text));
        outcome
            .findings
            .iter_mut()
            .for_each(|finding| of_template(finding, &reading));
        add_workloads(&mut all.workloads, outcome.workloads);
        all.findings.extend(outcome.findings);
        all.errors.extend(outcome.errors);
        all.wanted.extend(outcome.wanted);
        all.run.extend(outcome.run);
    }
    let kind = kind?;
    drop_what_another_branch_ends(&mut all);
    if kind == NoteKind::TemplateSearched {
        all.findings = template::signs(source);
    } else if is_helper(source) {
        add_signs_of_helpers(source, &mut all);
    }
    for workload in &mut all.workloads {
        show_actions_of(&mut workload.object);
        for container in &mut workload.containers {
            container.name = template::unmasked(&container.name);
            for evidence in &mut container.evidence {
                evidence.text = template::unmasked(&evidence.text);
            }
        }
    }
    all.notes.push(Note::about_template(&source.name, line, kind));
    Some(all)
}

/// Whether it is a file of a chart that holds what others include.
fn is_helper(source: &SourceFile) -> bool {
    Path::new(source.name.as_str())
        .extension()
        .is_some_and(|suffix| suffix == "tpl")
}

/// Whether it is a helper that no tool takes for a manifest: `_script.sh.tpl` and `site.conf.tpl` are, `job.yaml.tpl`
/// is what Helm renders. What it holds need not be YAML.
fn is_part_of_others(source: &SourceFile) -> bool {
    let path = Path::new(source.name.as_str());
    let stem = path.file_stem().map(Path::new);
    let is_manifest = |stem: &Path| {
        let name = stem.as_os_str().to_string_lossy();
        has_manifest_suffix(stem) && !name.starts_with('_')
    };
    is_helper(source) && !stem.is_some_and(is_manifest)
}

/// A definition may be a part of a script, which is no pod to be read: its lines are searched for signs.
fn add_signs_of_helpers(source: &Arc<SourceFile>, outcome: &mut Outcome) {
    let line = |finding: &Finding| {
        let start = finding.primary().map_or(0, |primary| primary.span.start);
        (finding.rule.name, line_around(&source.text, start))
    };
    let known: Vec<_> = outcome.findings.iter().map(line).collect();
    let comments = template::comments(&source.text);
    let signs = template::signs(source).into_iter().filter(|sign| {
        let start = sign.primary().map_or(0, |primary| primary.span.start);
        !known.contains(&line(sign)) && !comments.iter().any(|comment| comment.contains(&start))
    });
    outcome.findings.extend(signs);
}

/// Adds the workloads of another reading. Of an object that is known it may show more.
fn add_workloads(known: &mut Vec<WorkloadSummary>, workloads: Vec<WorkloadSummary>) {
    let before = known.len();
    for workload in workloads {
        let mut earlier = known.iter_mut().take(before);
        let same =
            earlier.find(|known| known.document == workload.document && known.object == workload.object);
        match same {
            Some(known) if known.containers.len() < workload.containers.len() => *known = workload,
            Some(_) => {}
            None => known.push(workload),
        }
    }
}

/// Where a pod stands in a text; without metadata an empty range.
struct PodPlace {
    spec: Range<usize>,
    metadata: Range<usize>,
}

/// Whether what is found in a reading of a template can be said of the template.
fn is_believed(finding: &Finding, reading: &Reading, pods: &[PodPlace], text: &str) -> bool {
    if finding.rule.name == "duplicate-key" {
        return !reading.is_split(finding)
            && !reading.has_unknown_keys(finding, text)
            && !makes_a_template(text);
    }
    if !CLAIMED_FROM_ABSENCE.contains(&finding.rule.name) {
        return true;
    }
    let place = finding.primary().map_or(0, |primary| primary.span.start);
    // An injected sidecar is found at its annotation.
    let is_here = |pod: &&PodPlace| pod.spec.contains(&place) || pod.metadata.contains(&place);
    let names_a_wrapper = |pod: &PodPlace| text.get(pod.spec.clone()).is_some_and(template::names_a_wrapper);
    !pods
        .iter()
        .filter(is_here)
        .any(|pod| reading.may_bring(&pod.spec) || names_a_wrapper(pod))
}

/// Whether a template renders to another one: ``{{`{{ if .A }}`}}``. The branches of that one stand side by side in this.
fn makes_a_template(text: &str) -> bool {
    let opens = |rest: &str| {
        let action = rest.trim_start_matches('-').trim_start();
        action.starts_with(['`', '"'])
            && action
                .get(1..)
                .is_some_and(|raw| raw.trim_start().starts_with("{{"))
    };
    text.match_indices("{{")
        .any(|(at, braces)| text.get(at + braces.len()..).is_some_and(opens))
}

fn of_template(finding: &mut Finding, reading: &Reading) {
    for location in &mut finding.locations {
        location.span = reading.in_template(&location.span);
        location.label = template::unmasked(&location.label);
    }
    finding.message = template::unmasked(&finding.message);
    finding.help = template::unmasked(&finding.help);
    show_actions_of(&mut finding.object);
    finding.container = finding.container.as_deref().map(template::unmasked);
    finding.text_level = true;
    // What an action brings is not known, so nothing is proved.
    finding.severity = finding.severity.min(Severity::Warning);
    finding.confidence = finding.confidence.min(Confidence::Medium);
    finding.fix = Fix {
        class: FixClass::Manual,
        reason: "a template is rewritten by hand, or its rendered output by migrate".to_owned(),
    };
}

fn show_actions_of(object: &mut ObjectReference) {
    for text in [&mut object.api_version, &mut object.kind, &mut object.name] {
        *text = template::unmasked(text);
    }
    object.namespace = object.namespace.as_deref().map(template::unmasked);
}

/// Rules that find what ends a pod.
const ENDING: [&str; 6] = [
    "external-killer",
    "marker-file",
    "quit-endpoint",
    "shared-pid-kill",
    "wrapper-binary",
    "wrapper-script",
];

/// Rules that say that nothing ends a pod.
const ENDLESS: [&str; 2] = ["deadline-as-stopper", "job-never-completes"];

/// Of two branches either may be rendered: where one has what ends a pod, that the other lacks it does not say that
/// nothing ends it.
fn drop_what_another_branch_ends(outcome: &mut Outcome) {
    let ended: Vec<(usize, ObjectReference)> = outcome
        .findings
        .iter()
        .filter(|finding| ENDING.contains(&finding.rule.name))
        .map(|finding| (finding.document, finding.object.clone()))
        .collect();
    outcome.findings.retain(|finding| {
        let is_it = |(document, object): &(usize, ObjectReference)| {
            *document == finding.document && *object == finding.object
        };
        !(ENDLESS.contains(&finding.rule.name) && ended.iter().any(is_it))
    });
}

/// A finding of several readings is one finding.
fn drop_repeated(outcome: &mut Outcome) {
    let place = |finding: &Finding| finding.primary().map(|primary| primary.span.start);
    outcome
        .findings
        .sort_by_key(|finding| (place(finding), finding.rule.name, finding.container.clone()));
    outcome.findings.dedup_by(|one, other| {
        one.rule.name == other.rule.name && one.container == other.container && place(one) == place(other)
    });
    outcome.errors.dedup();
}

/// Lints a text that stands in for a source, byte for byte as long; with where its pods stand.
fn lint_part(source: &Arc<SourceFile>, text: String, options: &Options) -> (Outcome, Vec<PodPlace>) {
    let stand_in = Arc::new(SourceFile {
        name: source.name.clone(),
        text: text.into(),
    });
    let Ok(stream) = yaml::parse(&stand_in.text) else {
        return (Outcome::default(), Vec::new());
    };
    let sources = Sources::new(&stand_in, &[]);
    let company = Company {
        is_template: true,
        ..Company::default()
    };
    let mut outcome = lint_stream(&stream, company, sources, options, None);
    let pods = workload::objects_of(&stream)
        .flat_map(|object| workload::discover(&object))
        .map(|workload| PodPlace {
            spec: workload.pod_spec.span(),
            metadata: workload.pod_metadata.map_or(0..0, |metadata| metadata.span()),
        })
        .collect();
    for finding in &mut outcome.findings {
        // Byte for byte the same places, in the text that the user wrote.
        finding
            .locations
            .iter_mut()
            .for_each(|location| location.source = Arc::clone(source));
    }
    for workload in &mut outcome.workloads {
        workload.source = Arc::clone(source);
    }
    (outcome, pods)
}
