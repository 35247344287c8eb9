//! `lint`: from what the user named to a report and an exit code.

mod arguments;
mod excluded;
mod live;
mod report;
mod trees;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Error, ExitStatus,
    configuration::{Configurations, Loaded},
    coverage::Coverage,
    ignored::{ignores_file, without_ignored},
    live::refuse_targets,
    mesh::meshes,
    neighbours::neighbours,
    output,
    progress::Progress,
    proposals::Way,
    selection::Selection,
    severity::Threshold,
    target::forms,
};
use crate::{
    lint::{Options, lint},
    pod::Settings,
    roles::Catalogue,
    rules::{Finding, RULES, Severity},
    source::{Input, Note, NoteKind, Request, STANDARD_INPUT, SourceError, SourceFile, discover, read_all},
    suppress::{Baseline, InSources, Silenced, Suppression},
};

pub(super) use arguments::{EXIT_CODES, LintArguments};
pub(super) use excluded::without_excluded;

use excluded::{Chosen, configuration_of};

/// Runs `lint`.
pub(super) fn run(arguments: &LintArguments, program: &str) -> Result<ExitStatus, Error> {
    output::check(&arguments.outputs)?;
    let requests = requests(arguments);
    let names_files = !arguments.filename.is_empty() || arguments.kustomize.is_some();
    // As for kubectl, -n says of which namespace the objects of files are that name none.
    let namespace = arguments.live.namespace_alone().filter(|_| names_files);
    if (arguments.live.is_asked_for() && namespace.is_none()) || requests.is_empty() {
        if names_files {
            return Err(Error::Usage(
                "-f and -k name files, and the other flags a cluster: leave one of them out".to_owned(),
            ));
        }
        arguments.live.refuse_files(&arguments.paths, "lint", program)?;
        return live::run(arguments, program);
    }
    refuse_targets(&arguments.paths, "lint", program)?;
    let discovery = discover(&requests).map_err(usage)?;
    let mut configurations =
        Configurations::new(arguments.config.as_deref(), !arguments.no_config).map_err(usage)?;
    let mut baseline = match &arguments.baseline {
        Some(file) if !arguments.write_baseline => Some(Baseline::read(file).map_err(usage)?),
        _ => None,
    };
    let mut run = Run {
        errors: discovery.errors,
        ..Run::default()
    };
    let dead = discovery.dead_links.into_iter();
    run.notes.extend(dead.map(|name| {
        Note::new(
            name,
            NoteKind::DeadLink,
            "a symbolic link to nothing: there is nothing to read",
        )
    }));
    let (inputs, groups) = run.select(discovery.inputs, &mut configurations)?;
    let selections = configurations
        .loaded
        .iter()
        .map(|loaded| selection(arguments, loaded))
        .collect::<Result<Vec<_>, _>>()?;

    let trees = Run::render(
        (&inputs, &groups),
        &discovery.directories,
        arguments,
        &configurations,
    )?;
    let progress = Progress::start(inputs.len());
    let spoken_for = |(input, _): &(Input, usize)| !trees.speak_for(input);
    let (inputs, groups): (Vec<Input>, Vec<usize>) =
        inputs.into_iter().zip(groups).filter(spoken_for).unzip();
    run.read(&inputs, &groups, &progress);
    // What was to fill the pipe has failed, most likely: silence would look like a clean result.
    if let [only] = run.sources.as_slice()
        && only.name == STANDARD_INPUT
        && only.text.trim().is_empty()
    {
        return Err(Error::Usage(
            "standard input is empty: nothing to lint".to_owned(),
        ));
    }
    let beside = neighbours(&inputs, run.sources.iter());
    run.neighbours = beside.sources;
    run.notes.extend(beside.notes);
    let mut of_trees = Vec::new();
    for (index, loaded) in configurations.loaded.iter().enumerate() {
        of_trees.push(run.lint_trees(index, &trees, &options(arguments, loaded)?));
    }
    let mut in_sources = InSources::collect(&run.all_sources(), RULES);
    run.errors.append(&mut in_sources.errors);
    for (index, (loaded, selection)) in configurations.loaded.iter_mut().zip(&selections).enumerate() {
        let options = options(arguments, loaded)?;
        let mut findings = run.lint(index, &options, &progress);
        let of_trees = of_trees.get_mut(index).map(std::mem::take).unwrap_or_default();
        run.drop_rendered(&trees, &of_trees, &mut findings);
        findings.extend(of_trees);
        run.ways.push(Way {
            forms: forms(loaded.configuration.target, options.settings.kubernetes_version),
            lint: options,
        });
        let threshold = threshold(arguments, loaded);
        run.keep(
            findings,
            &mut in_sources,
            loaded,
            baseline.as_mut(),
            selection,
            threshold,
        );
    }
    drop(progress);
    run.notes.extend(trees.notes.iter().cloned());
    run.drop_ignored(&mut configurations)?;
    let coverage = Coverage::of(&requests, &run.sources);
    let mut suppressions: Vec<Suppression> = in_sources
        .suppressions()
        .filter(|suppression| !run.is_neighbour(&suppression.file))
        .cloned()
        .collect();
    for loaded in &configurations.loaded {
        let of_ignores = loaded
            .ignores
            .iter()
            .flat_map(|ignore| coverage.of_ignore(ignore, loaded));
        suppressions.extend(of_ignores);
    }
    let of_baseline = baseline
        .iter()
        .flat_map(|baseline| baseline.suppressions(&|file| coverage.holds(file)));
    suppressions.extend(of_baseline);
    run.sort();

    if let Some(file) = arguments.baseline.as_deref().filter(|_| arguments.write_baseline) {
        return run.write_baseline(file, arguments.quiet);
    }
    if let Some(namespace) = namespace {
        run.place_in(namespace)?;
    }
    run.report(&suppressions, arguments, program)?;
    let exit = run.exit();
    // The process ends here: the system takes back all at once what would be freed piece by piece.
    std::mem::forget(run);
    Ok(exit)
}

fn requests(arguments: &LintArguments) -> Vec<Request> {
    let paths = arguments.paths.iter().cloned().map(Request::Path);
    let filenames = arguments.filename.iter().cloned().map(|path| Request::Filename {
        path,
        recursive: arguments.recursive,
    });
    let kustomization = arguments.kustomize.iter().cloned().map(Request::Kustomization);
    paths.chain(filenames).chain(kustomization).collect()
}

/// What the command line says goes before what the configuration says; ignored rules add up.
fn selection(arguments: &LintArguments, loaded: &Loaded) -> Result<Selection, Error> {
    let configuration = &loaded.configuration;
    let select = if arguments.select.is_empty() {
        &configuration.select
    } else {
        &arguments.select
    };
    let ignore = [arguments.ignore.as_slice(), configuration.ignore.as_slice()].concat();
    let least = arguments
        .min_severity
        .map(Severity::from)
        .or(configuration.min_severity)
        .unwrap_or(Severity::Info);
    Selection::new(select, &ignore, least, RULES).map_err(usage)
}

fn options(arguments: &LintArguments, loaded: &Loaded) -> Result<Options, Error> {
    Ok(Options {
        settings: Settings {
            kubernetes_version: arguments.kubernetes_version.or(loaded.kubernetes_version),
            meshes: meshes(&arguments.meshes, loaded.meshes),
            target: loaded.configuration.target,
            ..Settings::default()
        },
        catalogue: Arc::new(Catalogue::extended(loaded.configuration.sidecars.clone()).map_err(usage)?),
    })
}

fn threshold(arguments: &LintArguments, loaded: &Loaded) -> Threshold {
    arguments
        .fail_on
        .or(loaded.configuration.fail_on)
        .unwrap_or(Threshold::Warning)
}

pub(super) fn usage(error: impl std::fmt::Display) -> Error {
    Error::Usage(error.to_string())
}

/// What a run has gathered.
#[derive(Default)]
struct Run {
    sources: Vec<Arc<SourceFile>>,
    /// The index of each source's configuration.
    groups: Vec<usize>,
    findings: Vec<Finding>,
    workloads: Vec<crate::roles::WorkloadSummary>,
    errors: Vec<SourceError>,
    notes: Vec<Note>,
    /// What stands beside files that were named.
    neighbours: Vec<Arc<SourceFile>>,
    silenced: Vec<Silenced>,
    /// How the sources of each configuration are rewritten.
    ways: Vec<Way>,
    /// Names of templates that came out of a renderer.
    rendered: HashSet<String>,
    /// Names of sources that are read for the findings of renderings in them alone.
    of_trees: HashSet<String>,
    failed: bool,
    /// The contexts of objects of clusters, by the names of their sources.
    contexts: Option<HashMap<String, String>>,
}

impl Run {
    /// Leaves out what a configuration excludes.
    fn select(
        &mut self,
        inputs: Vec<Input>,
        configurations: &mut Configurations,
    ) -> Result<(Vec<Input>, Vec<usize>), Error> {
        let Chosen { inputs, excluded } = without_excluded(inputs, configurations)?;
        let message = "the configuration excludes it";
        self.notes.extend(
            excluded
                .into_iter()
                .map(|name| Note::new(name, NoteKind::Excluded, message)),
        );
        Ok(inputs.into_iter().unzip())
    }

    /// Takes out what a configuration does not want to hear: that a file can't be read, or is a template.
    fn drop_ignored(&mut self, configurations: &mut Configurations) -> Result<(), Error> {
        let mut ignores = |name: &str| -> Result<bool, Error> {
            let index = configuration_of(name, configurations)?;
            let loaded = configurations.loaded.get_mut(index);
            Ok(loaded
                .is_some_and(|loaded| loaded.excludes(&loaded.relative(name)) || ignores_file(name, loaded)))
        };
        let mut errors = Vec::new();
        for error in std::mem::take(&mut self.errors) {
            if ignores(&error.file)? {
                self.notes
                    .push(Note::new(error.file, NoteKind::Ignored, error.message));
            } else {
                errors.push(error);
            }
        }
        // What is wrong beside the named files is for another run.
        errors.retain(|error| !self.is_neighbour(&error.file));
        self.errors = errors;
        let mut notes = Vec::new();
        for note in std::mem::take(&mut self.notes) {
            if !note.kind.is_template() || !ignores(&note.file)? {
                notes.push(note);
            }
        }
        self.notes = notes;
        Ok(())
    }

    fn read(&mut self, inputs: &[Input], groups: &[usize], progress: &Progress) {
        for (text, group) in read_all(inputs).into_iter().zip(groups) {
            match text {
                Ok(Some(source)) => {
                    self.sources.push(Arc::new(source));
                    self.groups.push(*group);
                    continue;
                }
                Ok(None) => {}
                Err(error) => self.errors.push(error),
            }
            progress.step();
        }
    }

    /// Lints the sources of one configuration.
    fn lint(&mut self, group: usize, options: &Options, progress: &Progress) -> Vec<Finding> {
        let sources: Vec<Arc<SourceFile>> = self
            .sources
            .iter()
            .zip(&self.groups)
            .filter(|(source, own)| **own == group && !self.of_trees.contains(&source.name))
            .map(|(source, _)| Arc::clone(source))
            .collect();
        if sources.is_empty() {
            return Vec::new();
        }
        let outcome = lint(&sources, &self.neighbours, options, &|| progress.step());
        let text_level = outcome.workloads.into_iter();
        let rendered = &self.rendered;
        self.workloads
            .extend(text_level.filter(|workload| !rendered.contains(&workload.source.name)));
        self.errors.extend(outcome.errors);
        self.notes.extend(outcome.notes);
        let mut findings = outcome.findings;
        findings.extend(self.findings_of_neighbours(&sources, options));
        findings
    }

    /// What stands in the named sources and is found of workloads beside them: they run scripts of these sources.
    fn findings_of_neighbours(&self, named: &[Arc<SourceFile>], options: &Options) -> Vec<Finding> {
        let holds_scripts = named.iter().any(|source| source.text.contains("ConfigMap"));
        if self.neighbours.is_empty() || !holds_scripts {
            return Vec::new();
        }
        let mut findings = lint(&self.neighbours, named, options, &|| {}).findings;
        findings.retain(|finding| {
            finding
                .primary()
                .is_some_and(|primary| named.iter().any(|source| Arc::ptr_eq(source, &primary.source)))
        });
        findings
    }

    /// The sources, and what stands beside them.
    fn all_sources(&self) -> Vec<Arc<SourceFile>> {
        self.sources
            .iter()
            .chain(&self.neighbours)
            .map(Arc::clone)
            .collect()
    }

    fn is_neighbour(&self, name: &str) -> bool {
        self.neighbours.iter().any(|source| source.name == name)
    }

    /// Keeps the findings that nobody has silenced, and knows those that somebody has.
    fn keep(
        &mut self,
        findings: Vec<Finding>,
        in_sources: &mut InSources,
        loaded: &mut Loaded,
        mut baseline: Option<&mut Baseline>,
        selection: &Selection,
        threshold: Threshold,
    ) {
        let (mut findings, ignored) = without_ignored(in_sources.apply(findings), loaded);
        if let Some(baseline) = &mut baseline {
            findings = baseline.apply(findings);
        }
        findings.retain(|finding| selection.includes(finding));
        let in_baseline = baseline
            .into_iter()
            .flat_map(|baseline| baseline.silenced.drain(..));
        let silenced = in_sources.silenced.drain(..).chain(ignored).chain(in_baseline);
        self.silenced
            .extend(silenced.filter(|silenced| selection.includes(&silenced.finding)));
        self.failed |= findings
            .iter()
            .any(|finding| threshold.is_reached(finding.severity));
        self.findings.extend(findings);
    }

    /// Brings what came from several configurations into the order of the inputs.
    fn sort(&mut self) {
        let order: HashMap<&str, usize> = self
            .sources
            .iter()
            .enumerate()
            .map(|(index, source)| (source.name.as_str(), index))
            .collect();
        let place = |name: &str| order.get(name).copied().unwrap_or(usize::MAX);
        self.findings.sort_by_key(|finding| {
            finding
                .primary()
                .map_or(usize::MAX, |primary| place(&primary.source.name))
        });
        self.workloads
            .sort_by_key(|workload| place(&workload.source.name));
    }

    fn exit(&self) -> ExitStatus {
        if !self.errors.is_empty() {
            ExitStatus::Unread
        } else if self.failed {
            ExitStatus::Found
        } else {
            ExitStatus::Success
        }
    }
}
