//! Sources that are linted again and again, of which hardly any is another one than the last time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use rayon::prelude::*;

use super::{Options, Outcome, await_turn, joined, lint_alone};
use crate::{
    pod::{ServicesBeside, services_of},
    source::SourceFile,
    workload::Services,
};

/// What came of sources the last time.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    options: Option<Options>,
    /// By the address of the source, which is kept.
    known: HashMap<usize, Known>,
    services: ServicesBeside,
}

/// What came of a source by itself. It depends on its text, the options and the Services beside it alone.
#[derive(Debug)]
struct Known {
    source: Arc<SourceFile>,
    own: Services,
    beside: Arc<Services>,
    outcome: Outcome,
}

fn address(source: &Arc<SourceFile>) -> usize {
    Arc::as_ptr(source).addr()
}

/// Lints sources as [`super::lint`] does. Those that the memory knows are not read again; it then knows these sources
/// and no other ones.
pub(crate) fn lint_again(sources: &[Arc<SourceFile>], options: &Options, memory: &mut Memory) -> Outcome {
    if memory
        .options
        .as_ref()
        .is_none_or(|known| !known.is_like(options))
    {
        *memory = Memory {
            options: Some(options.clone()),
            ..Memory::default()
        };
    }
    let known = |source: &Arc<SourceFile>| {
        let known = memory.known.get(&address(source))?;
        Arc::ptr_eq(&known.source, source).then_some(known)
    };
    let own: Vec<Services> = sources
        .par_iter()
        .map(|source| known(source).map_or_else(|| services_of(source), |known| known.own.clone()))
        .collect();
    let names = sources.iter().map(|source| source.name.as_str());
    let services = ServicesBeside::of_named(names.zip(own.iter().cloned())).or_as(&memory.services);
    let turn = Mutex::new(());
    let outcomes: Vec<Outcome> = sources
        .par_iter()
        .map(|source| {
            let beside = services.beside(source);
            match known(source).filter(|known| known.beside == beside) {
                Some(known) => known.outcome.clone(),
                None => {
                    let _turn = await_turn(source, &turn);
                    lint_alone(source, &beside, options)
                }
            }
        })
        .collect();
    let now = sources
        .iter()
        .zip(own)
        .zip(&outcomes)
        .map(|((source, own), outcome)| {
            let known = Known {
                source: Arc::clone(source),
                own,
                beside: services.beside(source),
                outcome: outcome.clone(),
            };
            (address(source), known)
        });
    memory.known = now.collect();
    memory.services = services;
    joined(sources, &[], &memory.services, outcomes, options, &turn)
}

impl Options {
    /// Whether findings are the same with these.
    fn is_like(&self, other: &Self) -> bool {
        self.settings == other.settings && self.catalogue.entries().eq(other.catalogue.entries())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lint::lint,
        pod::Settings,
        roles::{Catalogue, KnownSidecar},
    };

    const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers:\n      - {name: app, image: app, command: [sh, -c, 'work; pkill proxy']}\n      - {name: proxy, image: proxy, ports: [{containerPort: 80}]}\n      shareProcessNamespace: true\n";
    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n";
    const SCRIPT: &str =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata: {run.sh: 'work; pkill proxy'}\n";
    const RUNS_IT: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: b}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: app, image: app, command: [sh, /scripts/run.sh], volumeMounts: [{name: s, mountPath: /scripts}]}\n      - {name: proxy, image: proxy}\n      shareProcessNamespace: true\n      volumes: [{name: s, configMap: {name: scripts}}]\n";

    fn source(name: &str, text: &str) -> Arc<SourceFile> {
        Arc::new(SourceFile {
            name: name.to_owned(),
            text: text.into(),
        })
    }

    #[test]
    fn what_is_remembered_is_what_would_be_found() {
        let options = Options {
            settings: Settings::default(),
            catalogue: Arc::new(Catalogue::built_in().clone()),
        };
        let (job, runs_it) = (source("d/job.yaml", JOB), source("d/runs-it.yaml", RUNS_IT));
        let service = source("d/service.yaml", SERVICE);
        let script = source("d/script.yaml", SCRIPT);
        let changed = source("d/job.yaml", &JOB.replace("pkill proxy", "true"));
        let harmless = source("d/script.yaml", &SCRIPT.replace("pkill proxy", "true"));
        let mut memory = Memory::default();
        let mut counts = Vec::new();
        // Something comes, something goes, something changes, and something is as it was.
        for sources in [
            vec![&job],
            vec![&job, &service],
            vec![&job, &service, &runs_it],
            vec![&job, &service, &runs_it, &script],
            vec![&changed, &service, &runs_it, &script],
            vec![&changed, &runs_it, &harmless],
            vec![&job, &runs_it],
        ] {
            let sources: Vec<_> = sources.into_iter().cloned().collect();
            let again = lint_again(&sources, &options, &mut memory);
            let anew = lint(&sources, &[], &options, &|| ());
            assert_eq!(again.findings, anew.findings);
            assert_eq!(again.errors, anew.errors);
            assert_eq!(again.workloads, anew.workloads);
            assert_eq!(again.notes, anew.notes);
            counts.push(again.findings.len());
        }
        counts.dedup();
        assert!(counts.len() > 3, "the sources make a difference: {counts:?}");
    }

    #[test]
    fn nothing_is_remembered_for_other_options() {
        let built_in = || Catalogue::built_in().clone();
        let known = KnownSidecar {
            name: "the proxy".to_owned(),
            images: vec!["proxy".to_owned()],
            one_shot: vec!["--once".to_owned()],
            ..KnownSidecar::default()
        };
        let extended = || Catalogue::extended(vec![known.clone()]).unwrap();
        let settings = Settings::default();
        let older = Settings {
            kubernetes_version: Some((1, 27)),
            ..settings
        };
        let native = "apiVersion: v1\nkind: Pod\nmetadata: {name: n}\nspec:\n  initContainers:\n  - {name: proxy, image: proxy, restartPolicy: Always}\n  containers:\n  - {name: app, image: app}\n";
        let sources = [
            source(
                "d/job.yaml",
                &JOB.replace("image: proxy", "image: proxy, args: [--once]"),
            ),
            source("d/native.yaml", native),
        ];
        let mut memory = Memory::default();
        let mut seen = Vec::new();
        for (settings, catalogue) in [
            (settings, built_in()),
            (settings, extended()),
            (settings, built_in()),
            (older, built_in()),
            (older, extended()),
        ] {
            let options = Options {
                settings,
                catalogue: Arc::new(catalogue),
            };
            let again = lint_again(&sources, &options, &mut memory);
            let anew = lint(&sources, &[], &options, &|| ());
            assert_eq!(again.findings, anew.findings);
            assert_eq!(again.workloads, anew.workloads);
            seen.push(again.findings);
        }
        let makes_a_difference = seen.windows(2).map(|pair| pair[0] != pair[1]);
        assert_eq!(makes_a_difference.collect::<Vec<_>>(), [true; 4]);
    }
}
