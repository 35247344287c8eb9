//! `lint` on clusters: the same rules on what really runs.

mod config_maps;

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use rayon::prelude::*;
use tokio::sync::{mpsc::channel, watch};

use super::super::promoters::PromotersOfNamespaces;

use config_maps::ConfigMaps;

use super::{LintArguments, Run, options, selection, threshold, usage};
use crate::{
    cli::{
        Error, ExitStatus,
        alike::joined,
        configuration::{Configurations, Loaded},
        interrupts::Interrupts,
        live::LiveScope,
        progress::Progress,
        selection::Selection,
        warn,
    },
    cluster::{
        Connection, ScanError, ScanEvent, ScanRequest, Server, Unseen, Versions, current_context,
        is_missing_namespace, scan, versions,
    },
    lint::Options,
    live::{LiveObject, LiveOutcome, lint_live},
    pod::KubernetesVersion,
    rules::{Finding, RULES},
    source::{SourceError, SourceErrorKind},
    suppress::{Baseline, InSources, Suppression},
};

/// Batches of workloads that wait to be linted.
const WAITING: usize = 2;
/// From this server version on no kubelet that Kubernetes supports beside it is older than native sidecars: a
/// kubelet may be three minor versions older (kubernetes.io/releases/version-skew-policy).
const NO_OLD_KUBELETS_SINCE: KubernetesVersion = (1, 32);

/// Lints what the clusters hold.
pub(super) fn run(arguments: &LintArguments, program: &str) -> Result<ExitStatus, Error> {
    let scope = arguments.live.scope(&arguments.paths)?;
    let configurations =
        Configurations::new(arguments.config.as_deref(), !arguments.no_config).map_err(usage)?;
    let mut loaded = configurations.of_objects().map_err(usage)?;
    let baseline = match &arguments.baseline {
        Some(file) if !arguments.write_baseline => Some(Baseline::read(file).map_err(usage)?),
        _ => None,
    };
    let selection = selection(arguments, &loaded)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut live = Live {
        scope,
        options: options(arguments, &loaded)?,
        seen_at: Timestamp::now(),
        progress: Progress::scan(),
        notes: Vec::new(),
        unseen: Vec::new(),
        run: Run {
            contexts: Some(HashMap::new()),
            ..Run::default()
        },
    };
    let looked = runtime.block_on(live.look(arguments.live.connections()));
    if let Err(Error::Usage(reason)) = &looked
        && !arguments.live.is_asked_for()
    {
        return Err(Error::Usage(format!(
            "nothing to lint: name files, directories or - for standard input, as in `{program} lint deploy.yaml`; \
             {reason}"
        )));
    }
    looked?;
    // Lookups that hang are not waited for.
    runtime.shutdown_background();
    let Live {
        mut run,
        progress,
        notes,
        unseen,
        ..
    } = live;
    drop(progress);
    run.errors.extend(
        joined(unseen)
            .into_iter()
            .map(|(what, reason)| SourceError::new(&what, SourceErrorKind::Unreadable, reason)),
    );
    notes.iter().for_each(|note| warn(note));
    finish(run, arguments, &mut loaded, &selection, baseline, program)
}

/// Reports what was found, without what somebody has silenced.
fn finish(
    mut run: Run,
    arguments: &LintArguments,
    loaded: &mut Loaded,
    selection: &Selection,
    mut baseline: Option<Baseline>,
    program: &str,
) -> Result<ExitStatus, Error> {
    let mut in_sources = InSources::collect(&run.sources, RULES);
    run.errors.append(&mut in_sources.errors);
    let findings = std::mem::take(&mut run.findings);
    let threshold = threshold(arguments, loaded);
    run.keep(
        findings,
        &mut in_sources,
        loaded,
        baseline.as_mut(),
        selection,
        threshold,
    );
    // Lists of several kinds arrive in any order.
    let name = |finding: &Finding| finding.primary().map(|primary| primary.source.name.clone());
    run.findings.sort_by_cached_key(name);
    run.workloads
        .sort_by(|one, other| one.source.name.cmp(&other.source.name));
    if let Some(file) = arguments.baseline.as_deref().filter(|_| arguments.write_baseline) {
        return run.write_baseline(file, arguments.quiet);
    }
    // Ignores of a configuration are for files too: one that silences nothing here may do so there.
    let suppressions: Vec<Suppression> = in_sources
        .suppressions()
        .cloned()
        .chain(
            baseline
                .iter()
                .flat_map(|baseline| baseline.suppressions(&|_| true)),
        )
        .collect();
    run.report(&suppressions, arguments, program)?;
    Ok(run.exit())
}

/// What is looked at, and what was found so far.
struct Live {
    scope: LiveScope,
    options: Options,
    seen_at: Timestamp,
    progress: Progress,
    /// What is said once the bar is gone.
    notes: Vec<String>,
    /// What could not be looked at, and why.
    unseen: Vec<(String, String)>,
    run: Run,
}

/// Whether the clusters that follow are to be looked at.
enum Next {
    Go,
    Stop,
}

impl Live {
    async fn look(&mut self, connections: Vec<Connection>) -> Result<(), Error> {
        let mut interrupts = Interrupts::new()?;
        let several = connections.len() > 1;
        for connection in connections {
            let context = connection.context.clone().filter(|_| several);
            let next = {
                let (stop, stopped) = watch::channel(false);
                let looking = self.look_at(&connection, context.as_deref(), stopped);
                tokio::pin!(looking);
                tokio::select! {
                    next = &mut looking => next,
                    () = interrupts.next() => {
                        stop.send_replace(true);
                        tokio::select! {
                            next = &mut looking => next.map(|_| Next::Stop),
                            // Somebody is in a hurry.
                            () = interrupts.next() => Ok(Next::Stop),
                        }
                    }
                }
            };
            if matches!(next?, Next::Stop) {
                let name =
                    context.map_or_else(|| "the scan".to_owned(), |context| format!("{context}: the scan"));
                self.unseen(&name, "interrupted: this is what was found until then");
                break;
            }
        }
        Ok(())
    }

    fn unseen(&mut self, what: &str, reason: &str) {
        self.unseen.push((what.to_owned(), reason.to_owned()));
    }

    /// Looks at one cluster. What cannot be seen of it is said, and the others are looked at.
    async fn look_at(
        &mut self,
        connection: &Connection,
        context: Option<&str>,
        stop: watch::Receiver<bool>,
    ) -> Result<Next, Error> {
        let prefix = context.map(|context| format!("{context}:")).unwrap_or_default();
        let cluster = context.unwrap_or("the cluster");
        let server = match Server::connect(connection).await {
            Ok(server) => server.telling(self.progress.printing(warn)),
            Err(error) if context.is_none() => return Err(usage(error)),
            Err(error) => {
                self.unseen(cluster, &error.to_string());
                return Ok(Next::Go);
            }
        };
        let mut interrupted = stop.clone();
        let known = tokio::select! {
            known = versions(&server) => known,
            _ = interrupted.wait_for(|stopped| *stopped) => return Ok(Next::Stop),
        };
        let version = match known {
            Ok(versions) => self.judge(&versions, &prefix),
            Err(error) if matches!(error.code(), Some(403 | 404 | 429 | 500..)) => {
                self.unseen(&format!("{prefix}versions"), &error.to_string());
                None
            }
            Err(error) => {
                self.unseen(cluster, &error.to_string());
                return Ok(Next::Go);
            }
        };
        let name = current_context(connection).unwrap_or_else(|| "in-cluster".to_owned());
        let mut options = self.options.clone();
        let asked_version = options.settings.kubernetes_version;
        options.settings.kubernetes_version = options.settings.kubernetes_version.or(version);
        let request = ScanRequest {
            namespace: (!self.scope.all_namespaces).then(|| {
                let named = self.scope.namespace.clone();
                named.unwrap_or_else(|| server.namespace().to_owned())
            }),
            filter: self.scope.filter.clone(),
            targets: self
                .scope
                .targets
                .iter()
                .map(|target| (target.kind.clone(), target.name.clone()))
                .collect(),
            prefix,
        };
        let (sender, mut events) = channel(WAITING);
        let scanning = scan(&server, &request, sender, stop);
        let mut config_maps = ConfigMaps::new(&server, &request.prefix);
        let mut promoters = PromotersOfNamespaces::new(&server, &request.prefix, asked_version);
        let workloads_before = self.run.workloads.len();
        let linting = async {
            while let Some(event) = events.recv().await {
                match event {
                    ScanEvent::Looked(count) => self.progress.steps(count),
                    // What the user says goes before what the cluster shows.
                    ScanEvent::Injectors(meshes) => {
                        options.settings.meshes = options.settings.meshes.or(*meshes);
                    }
                    ScanEvent::Note(note) => self.notes.push(format!("{}{note}", request.prefix)),
                    ScanEvent::Unseen(Unseen { what, reason }) => {
                        self.unseen(&format!("{}{what}", request.prefix), &reason);
                    }
                    ScanEvent::Workloads(objects) => {
                        let mut with_options = Vec::new();
                        for object in objects {
                            let mut options = options.clone();
                            options.settings.promoters = promoters.of(&object).await;
                            with_options.push((object, options));
                        }
                        self.lint(with_options, &name, &mut config_maps).await;
                    }
                }
            }
        };
        let (scanned, ()) = tokio::join!(scanning, linting);
        let found_nothing = self.run.workloads.len() == workloads_before;
        if let Some(namespace) = request.namespace.as_deref().filter(|_| found_nothing)
            && is_missing_namespace(&server, namespace).await
        {
            let reason = format!("there is no namespace {namespace}");
            if context.is_none() {
                return Err(usage(reason));
            }
            self.unseen(cluster, &reason);
        }
        for (what, reason) in config_maps.refused.into_iter().chain(promoters.refused) {
            self.unseen(&what, &reason);
        }
        match scanned {
            Ok(()) => {}
            Err(ScanError::Request(error)) => self.unseen(cluster, &error.to_string()),
            Err(error) if context.is_none() => return Err(usage(error)),
            Err(error) => self.unseen(cluster, &error.to_string()),
        }
        Ok(Next::Go)
    }

    /// The version that manifests of this cluster are judged by: that of its oldest part.
    fn judge(&mut self, versions: &Versions, prefix: &str) -> Option<KubernetesVersion> {
        if let Err(error) = &versions.kubelets
            && versions
                .server
                .is_none_or(|server| server < NO_OLD_KUBELETS_SINCE)
        {
            self.unseen(
                &format!("{prefix}kubelet versions"),
                &format!("{error}; one of them may be older than native sidecars"),
            );
        }
        versions.oldest()
    }

    async fn lint(
        &mut self,
        objects: Vec<(LiveObject, Options)>,
        context: &str,
        config_maps: &mut ConfigMaps<'_>,
    ) {
        let seen_at = self.seen_at;
        let linted = tokio::task::spawn_blocking(move || {
            let lint = |(object, options): (LiveObject, Options)| {
                let outcome = lint_live(&object, &[], &options, seen_at);
                (object, options, outcome)
            };
            objects.into_par_iter().map(lint).collect::<Vec<_>>()
        });
        for (object, options, mut outcome) in linted.await.unwrap_or_default() {
            if !outcome.wanted.is_empty() {
                let held = config_maps.of(&object, &outcome.wanted).await;
                if !held.is_empty() {
                    outcome = lint_live(&object, &held, &options, seen_at);
                }
            }
            self.take(outcome, context);
        }
    }

    fn take(&mut self, outcome: LiveOutcome, context: &str) {
        for finding in &outcome.findings {
            if let Some(source) = finding.primary().map(|primary| &primary.source)
                && self
                    .run
                    .sources
                    .last()
                    .is_none_or(|last| !Arc::ptr_eq(last, source))
            {
                self.run.sources.push(Arc::clone(source));
            }
        }
        if let Some(contexts) = &mut self.run.contexts {
            // Scripts of ConfigMaps are no files either.
            let places = outcome.findings.iter().flat_map(|finding| &finding.locations);
            let sources = outcome.workloads.iter().map(|workload| &workload.source);
            for source in sources.chain(places.map(|place| &place.source)) {
                if !contexts.contains_key(&source.name) {
                    contexts.insert(source.name.clone(), context.to_owned());
                }
            }
        }
        self.run.findings.extend(outcome.findings);
        self.run.workloads.extend(outcome.workloads);
        self.run.errors.extend(outcome.errors);
    }
}
