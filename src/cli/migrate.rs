//! `migrate`: from what the user named to a diff, new files or a stream.

pub(super) mod account;
mod arguments;
mod live;
mod named;
mod written;

use std::{
    io::{self, BufWriter, Write},
    sync::Arc,
};

use super::{
    Error, ExitStatus, complain,
    configuration::{Configurations, Loaded},
    ignored::{ignores_file, is_ignored},
    lint::{usage, without_excluded},
    live::refuse_targets,
    mesh::meshes,
    neighbours::neighbours,
    note,
    progress::Progress,
    selection::Selection,
    target::{Decision, decide},
    trees::{Migrated, Trees},
    write::recover,
};
use crate::{
    catalogue::kubernetes::POD_METRICS,
    lint,
    migrate::{Migration, Options, carry_over, describe_results, migrate_within},
    pod::Settings,
    remedy,
    remedy::{Form, Holders, Surroundings},
    report::counted,
    roles::Catalogue,
    rules::{Finding, RULES, Severity},
    source::{
        Input, Origin, Request, STANDARD_INPUT, SourceError, SourceErrorKind, SourceFile, discover,
        first_statement_line, first_template_line, read,
    },
    suppress::InSources,
    yaml,
};

use account::{announce, colored_diff, explain, quoted, skipped, tell};
use arguments::MigrateOutput;
pub(super) use arguments::{EXIT_CODES, MigrateArguments};
use named::Containers;

/// Runs `migrate`.
pub(super) fn run(arguments: &MigrateArguments, program: &str) -> Result<ExitStatus, Error> {
    if arguments.live.is_asked_for() {
        return live::run(arguments, program);
    }
    if arguments.apply {
        return Err(Error::Usage(
            "--apply changes a cluster's objects: add --live, or change files by --write".to_owned(),
        ));
    }
    let requests = requests(arguments);
    if requests.is_empty() {
        return Err(Error::Usage(format!(
            "nothing to migrate: name files, directories or - for standard input, as in `{program} migrate deploy.yaml`"
        )));
    }
    refuse_targets(&arguments.paths, "migrate", program)?;
    let discovery = discover(&requests).map_err(usage)?;
    if arguments.write {
        let files = discovery.inputs.iter().filter_map(Input::path);
        recover(files).iter().for_each(|said| complain(said));
    }
    let mut configurations =
        Configurations::new(arguments.config.as_deref(), !arguments.no_config).map_err(usage)?;
    let mut run = Run {
        errors: discovery.errors,
        ..Run::default()
    };
    let chosen = without_excluded(discovery.inputs, &mut configurations)?;
    run.passed_over = chosen.excluded.len();
    let trees = Trees::render(
        &chosen.inputs,
        &discovery.directories,
        &arguments.trees,
        &configurations,
        arguments.quiet,
    )?;
    for (input, group) in chosen.inputs {
        if trees.speak_for(&input) || trees.all.iter().any(|tree| tree.renders(&input)) {
            continue;
        }
        match read(&input) {
            Ok(Some(source)) => run.sources.push((input, Arc::new(source), group)),
            Ok(None) => {
                if let Some(patches) = patches(&input) {
                    run.sources.push((input, Arc::new(patches), group));
                }
            }
            Err(error) => run.errors.push(error),
        }
    }
    if let [(_, only, _)] = run.sources.as_slice()
        && only.name == STANDARD_INPUT
        && only.text.trim().is_empty()
    {
        return Err(Error::Usage(
            "standard input is empty: nothing to migrate".to_owned(),
        ));
    }
    let inputs: Vec<Input> = run.sources.iter().map(|(input, ..)| input.clone()).collect();
    run.neighbours = neighbours(&inputs, run.sources.iter().map(|(_, source, _)| source)).sources;
    let decisions = run.migrate(arguments, &mut configurations, &trees)?;
    let mut migrations: Vec<&mut Migration> = run
        .migrations
        .iter_mut()
        .map(|(_, migration)| migration)
        .collect();
    carry_over(&mut migrations);
    run.refuse_unknown_sidecars(arguments, &trees)?;
    run.deliver(arguments)?;
    for (index, decision) in decisions.iter().enumerate() {
        if decisions.iter().position(|other| other == decision) == Some(index) {
            announce(decision, arguments, program);
        }
    }
    if !arguments.quiet {
        run.tell_unread();
        trees.notes.iter().for_each(|said| note(&said.to_string()));
    }
    run.errors.iter().for_each(|error| complain(&error.to_string()));
    Ok(run.exit(arguments))
}

/// A file met in a directory that is no manifest, but may hold patches of one: a kustomization, which needs
/// neither `apiVersion` nor `kind`, or a JSON patch. A file of alerts may name the containers of one.
fn patches(input: &Input) -> Option<SourceFile> {
    let path = input.path()?;
    let is_kustomization = path.file_stem().is_some_and(|stem| stem == "kustomization");
    let named = Input {
        name: input.name.clone(),
        origin: Origin::File(path.to_owned()),
    };
    let source = read(&named).ok()??;
    let may_patch = is_kustomization
        || source.text.to_ascii_lowercase().contains("containers/")
        || source.text.contains(POD_METRICS);
    (may_patch && yaml::parse(&source.text).is_ok()).then_some(source)
}

fn requests(arguments: &MigrateArguments) -> Vec<Request> {
    let paths = arguments.paths.iter().cloned().map(Request::Path);
    let filenames = arguments.filename.iter().cloned().map(|path| Request::Filename {
        path,
        recursive: arguments.recursive,
    });
    paths.chain(filenames).collect()
}

/// What a run has gathered.
#[derive(Default)]
struct Run {
    sources: Vec<(Input, Arc<SourceFile>, usize)>,
    migrations: Vec<(Input, Migration)>,
    /// What became of charts and kustomizations, with their names.
    trees: Vec<(String, Migrated)>,
    /// What stands beside files that were named: it is read and not changed.
    neighbours: Vec<Arc<SourceFile>>,
    errors: Vec<SourceError>,
    /// Templates that were met in directories.
    templates: usize,
    /// How many files a configuration excludes.
    passed_over: usize,
    bugs: bool,
}

impl Run {
    fn migrate(
        &mut self,
        arguments: &MigrateArguments,
        configurations: &mut Configurations,
        trees: &Trees,
    ) -> Result<Vec<Decision>, Error> {
        let files: Vec<Arc<SourceFile>> = self
            .sources
            .iter()
            .map(|(_, source, _)| Arc::clone(source))
            .collect();
        let all: Vec<Arc<SourceFile>> = files.iter().chain(&self.neighbours).map(Arc::clone).collect();
        let holders = Holders::read(&all);
        let surroundings = Surroundings::of(&holders);
        let mut in_sources = InSources::collect(&files, RULES);
        self.errors.append(&mut in_sources.errors);
        let mut decisions = Vec::new();
        let bar = Progress::proofs(trees.all.len());
        let of_trees = trees.all.iter().map(|tree| tree.group);
        let used: Vec<usize> = self
            .sources
            .iter()
            .map(|(_, _, group)| *group)
            .chain(of_trees)
            .collect();
        for (group, loaded) in configurations.loaded.iter_mut().enumerate() {
            if !used.contains(&group) {
                continue;
            }
            let decision = decide(
                arguments.target,
                arguments.kubernetes_version,
                loaded.configuration.target,
                loaded.kubernetes_version,
            )?;
            let options = options(arguments, loaded, decision.form)?;
            let selection = selection(arguments, loaded)?;
            decisions.push(decision);
            for tree in trees.all.iter().filter(|tree| tree.group == group) {
                let migrated = tree.migrate(&options, &mut |mut findings| {
                    findings.retain(|finding| !is_ignored(finding, loaded) && selection.includes(finding));
                    findings
                });
                self.trees.push((tree.renderer.name().to_owned(), migrated));
                bar.step();
            }
            for (input, source, _) in self.sources.iter().filter(|(_, _, own)| *own == group) {
                let mut choose = |findings: Vec<Finding>| {
                    let mut findings = in_sources.apply(findings);
                    findings.retain(|finding| !is_ignored(finding, loaded) && selection.includes(finding));
                    findings
                };
                match migrate_within(source, &surroundings, &options, &mut choose) {
                    Ok(migration) => self.migrations.push((input.clone(), migration)),
                    // What was met in a directory of a chart needs no mending.
                    Err(_)
                        if matches!(input.origin, Origin::Found(_))
                            && (first_template_line(&source.text).is_some()
                                || first_statement_line(&source.text).is_some()) =>
                    {
                        self.templates += 1;
                    }
                    Err(_) if ignores_file(&source.name, loaded) => {}
                    Err(error) => self.errors.push(match first_template_line(&source.text) {
                        Some(line) => SourceError::template(&source.name, line),
                        None => SourceError::new(&source.name, SourceErrorKind::Syntax, error.message)
                            .at(error.line, Some(error.column)),
                    }),
                }
            }
        }
        Ok(decisions)
    }

    /// A name that no container has, where all was read.
    fn refuse_unknown_sidecars(&self, arguments: &MigrateArguments, trees: &Trees) -> Result<(), Error> {
        if arguments.sidecar.is_empty() || !self.errors.is_empty() || self.templates > 0 {
            return Ok(());
        }
        let mut containers = Containers::default();
        for (_, source, _) in &self.sources {
            containers.add(&source.text);
        }
        for rendering in trees.all.iter().flat_map(|tree| &tree.renderings) {
            containers.add(&rendering.source.text);
        }
        containers.refuse_others(arguments)
    }

    /// Says what was not looked at.
    fn tell_unread(&self) {
        if self.templates > 0 {
            let what = if self.templates == 1 {
                "is a template, which is"
            } else {
                "are templates, which are"
            };
            note(&format!(
                "{} {what} not rewritten; migrate what helm renders: helm template CHART | kubectl sidecar migrate -",
                counted(self.templates, "file")
            ));
        }
        if self.passed_over > 0 {
            let verb = if self.passed_over == 1 { "is" } else { "are" };
            note(&format!(
                "{} {verb} excluded by the configuration",
                counted(self.passed_over, "file")
            ));
        }
    }

    /// Prints or writes the results.
    fn deliver(&mut self, arguments: &MigrateArguments) -> Result<(), Error> {
        let mut out = BufWriter::new(io::stdout().lock());
        let mut first = true;
        for (input, migration) in &self.migrations {
            for failure in &migration.failures {
                complain(&format!("{}: {failure}", migration.source.name));
                self.bugs = true;
            }
            let is_stream = matches!(input.origin, Origin::StandardInput);
            if arguments.write && !is_stream {
                continue;
            }
            if arguments.output == Some(MigrateOutput::Yaml) || (is_stream && arguments.output.is_none()) {
                if !first && !migration.text.starts_with("---") {
                    out.write_all(b"---\n")?;
                }
                first = false;
                let text = describe_results(migration);
                out.write_all(text.as_bytes())?;
                if !text.ends_with('\n') && self.migrations.len() > 1 {
                    out.write_all(b"\n")?;
                }
            } else if migration.is_changed() {
                out.write_all(diff(migration).as_bytes())?;
            }
        }
        for (_, tree) in self.trees.iter().filter(|_| !arguments.write) {
            let is_stream = arguments.output == Some(MigrateOutput::Yaml);
            out.write_all(tree.shown(is_stream).as_bytes())?;
        }
        match out.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            other => other?,
        }
        if arguments.write {
            self.write_files();
        }
        if !arguments.quiet {
            for (_, migration) in &self.migrations {
                migration
                    .plans
                    .iter()
                    .for_each(|plan| explain(migration, plan, "done", arguments.verbose));
            }
            self.trees
                .iter()
                .for_each(|(name, tree)| tree.tell(name, arguments.verbose));
        }
        Ok(())
    }

    fn exit(&self, arguments: &MigrateArguments) -> ExitStatus {
        let changes = self
            .migrations
            .iter()
            .any(|(_, migration)| migration.is_changed())
            || self.trees.iter().any(|(_, tree)| !tree.edited.is_empty());
        if !self.errors.is_empty() || self.bugs {
            ExitStatus::Unread
        } else if arguments.check && changes {
            ExitStatus::Found
        } else {
            ExitStatus::Success
        }
    }
}

fn options(arguments: &MigrateArguments, loaded: &Loaded, form: Form) -> Result<Options, Error> {
    Ok(Options {
        lint: lint::Options {
            settings: Settings {
                kubernetes_version: arguments.kubernetes_version.or(loaded.kubernetes_version),
                meshes: meshes(&arguments.meshes, loaded.meshes),
                target: Some(form.into()),
                ..Settings::default()
            },
            catalogue: Arc::new(Catalogue::extended(loaded.configuration.sidecars.clone()).map_err(usage)?),
        },
        remedy: remedy::Options {
            form,
            review: arguments.review,
            // The other two are not what every cluster runs.
            converts: arguments.target.is_some(),
            sidecars: arguments.sidecar.clone(),
            keeps_script: false,
        },
    })
}

fn selection(arguments: &MigrateArguments, loaded: &Loaded) -> Result<Selection, Error> {
    let configuration = &loaded.configuration;
    let select = if arguments.select.is_empty() {
        &configuration.select
    } else {
        &arguments.select
    };
    let ignore = [arguments.ignore.as_slice(), configuration.ignore.as_slice()].concat();
    Selection::new(select, &ignore, Severity::Info, RULES).map_err(usage)
}

/// What a migration changes.
fn diff(migration: &Migration) -> String {
    colored_diff(&migration.source.text, &migration.text, &migration.source.name)
}
