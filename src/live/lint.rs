//! The rules on one object of a cluster.

use std::{ops::Range, sync::Arc};

use jiff::Timestamp;

use super::{
    LiveObject,
    object::{pruned, readable, source, without_values},
    templates,
};
use crate::{
    lint::{Options, Outcome, lint_live_source},
    pod::Live,
    roles::WorkloadSummary,
    rules::{Finding, Fix, FixClass, Location},
    source::{SourceError, SourceFile},
    workload::{discover, objects_of},
    yaml,
};

/// What was found in an object.
#[derive(Debug, Default)]
pub(crate) struct LiveOutcome {
    /// The findings. Their source is the object as YAML, without the values of environment variables.
    pub findings: Vec<Finding>,
    /// The pods in it. Without findings their source has no text.
    pub workloads: Vec<WorkloadSummary>,
    /// Why something of it was left out.
    pub errors: Vec<SourceError>,
    /// ConfigMaps that hold scripts of it and were not given.
    pub wanted: Vec<String>,
}

/// Lints an object with what its pods show. `config_maps` are those of its namespace that hold its scripts.
#[must_use]
pub(crate) fn lint_live(
    object: &LiveObject,
    config_maps: &[Arc<SourceFile>],
    options: &Options,
    seen_at: Timestamp,
) -> LiveOutcome {
    let Some(mut value) = pruned(&object.text, &object.api_version, &object.kind) else {
        return LiveOutcome::default();
    };
    if let [only] = templates(&value).as_slice()
        && let Some(spec) = value.pointer_mut(only)
    {
        object.record.complete(spec, options.settings.promoters);
    }
    let live = object.record.live(seen_at);
    let json = source(&object.source, value.to_string());
    let outcome = lint_live_source(&json, config_maps, options, &live);
    if outcome.findings.is_empty() {
        return nothing_found(outcome, &object.source);
    }
    // What people are shown is rendered for them; it is the same object, so the same is found.
    let rendered = readable(&object.source, &value);
    let (shown, outcome) = match rendered {
        Some(yaml) => {
            let again = lint_live_source(&yaml, config_maps, options, &live);
            if again.findings.len() == outcome.findings.len() {
                (yaml, again)
            } else {
                (json, outcome)
            }
        }
        None => (json, outcome),
    };
    let injected = injected_containers(&shown, &live, options);
    let mut found = LiveOutcome {
        wanted: outcome.wanted().to_vec(),
        findings: outcome.findings,
        workloads: outcome.workloads,
        errors: outcome.errors,
    };
    for finding in &mut found.findings {
        injected
            .iter()
            .for_each(|injected| injected.explain(finding, &shown));
        if let Some(owner) = &live.owner {
            explain_owner(finding, owner);
        }
    }
    show_instead(&mut found, &shown, &without_values(&shown));
    found
}

fn nothing_found(outcome: Outcome, name: &str) -> LiveOutcome {
    let without_text = source(name, String::new());
    LiveOutcome {
        wanted: outcome.wanted().to_vec(),
        findings: Vec::new(),
        workloads: outcome
            .workloads
            .into_iter()
            .map(|workload| WorkloadSummary {
                source: Arc::clone(&without_text),
                ..workload
            })
            .collect(),
        errors: outcome.errors,
    }
}

/// A container that is in the pods only, and where it stands in the text.
struct Injected {
    name: String,
    by: String,
    span: Range<usize>,
    name_span: Range<usize>,
}

fn injected_containers(shown: &SourceFile, live: &Live, options: &Options) -> Vec<Injected> {
    let Ok(stream) = yaml::parse(&shown.text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for object in objects_of(&stream) {
        for workload in discover(&object) {
            for container in &workload.containers {
                let Some(seen) = live.injection(container.name) else {
                    continue;
                };
                let injector = options
                    .catalogue
                    .of(container)
                    .and_then(|known| known.injector.as_deref());
                let by = match (injector, seen.annotations.first()) {
                    (Some(injector), _) => injector.to_owned(),
                    (None, Some(annotation)) => {
                        format!("an admission webhook or policy (the pod's annotation {annotation} names it)")
                    }
                    (None, None) => "an admission webhook or policy".to_owned(),
                };
                found.push(Injected {
                    name: container.name.to_owned(),
                    by: format!("{by}, as pod {} shows", seen.pod),
                    span: container.node.span(),
                    name_span: container
                        .node
                        .entry("name")
                        .map_or_else(|| container.node.span(), |entry| entry.value.span()),
                });
            }
        }
    }
    found
}

impl Injected {
    /// Says of a finding that is about the container who added it, and that a template cannot change it.
    fn explain(&self, finding: &mut Finding, shown: &Arc<SourceFile>) {
        let inside = |location: &Location| {
            Arc::ptr_eq(&location.source, shown)
                && self.span.start <= location.span.start
                && location.span.end <= self.span.end
        };
        let is_about = finding.container.as_deref() == Some(&self.name);
        if !is_about && !finding.locations.iter().any(inside) {
            return;
        }
        if is_about {
            finding.message = format!("{}; {} is injected by {}", finding.message, self.name, self.by);
        }
        if finding.fix.class != FixClass::None {
            finding.fix = Fix {
                class: FixClass::Manual,
                reason: format!(
                    "{} is in no template: who injects it has to declare it a sidecar",
                    self.name
                ),
            };
        }
        finding.locations.push(Location {
            source: Arc::clone(shown),
            span: self.name_span.clone(),
            label: "injected: not in the template".to_owned(),
            primary: false,
        });
    }
}

/// Says of a finding that the object belongs to another one.
fn explain_owner(finding: &mut Finding, owner: &str) {
    finding.help = format!(
        "{} (at its owner, {owner}, which may undo a change here)",
        finding.help
    );
    if finding.fix.class == FixClass::Safe {
        finding.fix = Fix {
            class: FixClass::Review,
            reason: format!("{owner} owns the object and may undo the change"),
        };
    }
}

/// Puts a text of the same length in the place of another one.
fn show_instead(found: &mut LiveOutcome, of: &Arc<SourceFile>, instead: &Arc<SourceFile>) {
    let locations = found
        .findings
        .iter_mut()
        .flat_map(|finding| &mut finding.locations);
    for location in locations.filter(|location| Arc::ptr_eq(&location.source, of)) {
        location.source = Arc::clone(instead);
    }
    for workload in &mut found.workloads {
        workload.source = Arc::clone(instead);
    }
}
