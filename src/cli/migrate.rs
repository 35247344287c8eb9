//! `migrate`: from what the user named to a diff, new files or a stream.

mod live;

use std::{
    io::{self, BufWriter, Write},
    sync::Arc,
};

use colored::Colorize;

use super::{
    Error, ExitStatus,
    arguments::{MigrateArguments, MigrateOutput},
    complain,
    configuration::{Configurations, Loaded},
    lint::{is_ignored, usage},
    live::looks_like_target,
    selection::Selection,
    target::{Decision, decide},
    write::replace,
};
use crate::{
    diff::unified,
    lint,
    migrate::{
        Class, Form, Holders, Migration, Options, Plan, Surroundings, carry_over, describe_results,
        migrate_within,
    },
    report::printable,
    roles::Catalogue,
    rules::{Finding, RULES, Settings, Severity},
    source::{
        Input, Origin, Request, STANDARD_INPUT, SourceError, SourceErrorKind, SourceFile, discover, read,
    },
    suppress::InSources,
    yaml,
};

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
    if let Some(target) = arguments
        .paths
        .iter()
        .find(|path| looks_like_target(path) && !path.exists())
    {
        return Err(Error::Usage(format!(
            "{0}: there is no such file; for the cluster's add --live: {program} migrate --live {0}",
            target.display()
        )));
    }
    let discovery = discover(&requests).map_err(usage)?;
    let mut configurations =
        Configurations::new(arguments.config.as_deref(), !arguments.no_config).map_err(usage)?;
    let mut run = Run {
        errors: discovery.errors,
        ..Run::default()
    };
    for input in discovery.inputs {
        let group = configurations.of(&input).map_err(usage)?;
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
    let decisions = run.migrate(arguments, &mut configurations)?;
    let mut migrations: Vec<&mut Migration> = run
        .migrations
        .iter_mut()
        .map(|(_, migration)| migration)
        .collect();
    carry_over(&mut migrations);
    run.deliver(arguments)?;
    for (index, decision) in decisions.iter().enumerate() {
        if decisions.iter().position(|other| other == decision) == Some(index) {
            announce(decision, arguments, program);
        }
    }
    run.errors.iter().for_each(|error| complain(&error.to_string()));
    Ok(run.exit(arguments))
}

/// A file met in a directory that is no manifest, but may hold patches of one: a kustomization, which needs
/// neither `apiVersion` nor `kind`, or a JSON patch.
fn patches(input: &Input) -> Option<SourceFile> {
    let path = input.path()?;
    let is_kustomization = path.file_stem().is_some_and(|stem| stem == "kustomization");
    let named = Input {
        name: input.name.clone(),
        origin: Origin::File(path.to_owned()),
    };
    let source = read(&named).ok()??;
    let may_patch = is_kustomization || source.text.to_ascii_lowercase().contains("containers/");
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

/// One line about the form, and for the one that nothing runs, the way to the one that does.
fn announce(decision: &Decision, arguments: &MigrateArguments, program: &str) {
    let line = match decision.form {
        Form::Native => format!("target: native ({})", decision.reason),
        Form::Lifecycle => format!(
            "target: lifecycle ({}). No released Kubernetes knows lifecycle.type: a strict server refuses it, a lenient one drops it silently. What clusters since 1.29 run: {}",
            decision.reason,
            native_command(arguments, program)
        ),
        Form::Annotation => format!(
            "target: annotation ({}). It does what the policy of `{program} policy promote` does with it, on clusters since 1.36; where that is not installed the containers stay ordinary ones. What clusters since 1.29 run without a policy: {}",
            decision.reason,
            native_command(arguments, program)
        ),
    };
    tell(&line);
}

/// The command that does the same for clusters since 1.29.
fn native_command(arguments: &MigrateArguments, program: &str) -> String {
    let mut words = vec![program.to_owned(), "migrate --target native".to_owned()];
    if arguments.review {
        words.push("--review".to_owned());
    }
    words.extend(
        arguments
            .sidecar
            .iter()
            .map(|name| format!("--sidecar {}", quoted(name))),
    );
    if arguments.write {
        words.push("--write".to_owned());
    } else {
        words.push("-o yaml".to_owned());
    }
    words.extend(
        arguments
            .filename
            .iter()
            .map(|path| format!("-f {}", quoted(&path.display().to_string()))),
    );
    if arguments.recursive {
        words.push("-R".to_owned());
    }
    words.extend(
        arguments
            .paths
            .iter()
            .map(|path| quoted(&path.display().to_string())),
    );
    words.join(" ")
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_./,:=@%+".contains(letter));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn tell(line: &str) {
    let line = format!("{}\n", printable(line));
    // Where standard error is closed there is nobody to tell.
    let _unprinted = io::stderr().write_all(line.as_bytes());
}

/// What a run has gathered.
#[derive(Default)]
struct Run {
    sources: Vec<(Input, Arc<SourceFile>, usize)>,
    migrations: Vec<(Input, Migration)>,
    errors: Vec<SourceError>,
    bugs: bool,
}

impl Run {
    fn migrate(
        &mut self,
        arguments: &MigrateArguments,
        configurations: &mut Configurations,
    ) -> Result<Vec<Decision>, Error> {
        let files: Vec<Arc<SourceFile>> = self
            .sources
            .iter()
            .map(|(_, source, _)| Arc::clone(source))
            .collect();
        let holders = Holders::read(&files);
        let surroundings = Surroundings::of(&holders);
        let mut in_sources = InSources::collect(&files, RULES);
        self.errors.append(&mut in_sources.errors);
        let mut decisions = Vec::new();
        let used: Vec<usize> = self.sources.iter().map(|(_, _, group)| *group).collect();
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
            for (input, source, _) in self.sources.iter().filter(|(_, _, own)| *own == group) {
                let mut choose = |findings: Vec<Finding>| {
                    let mut findings = in_sources.apply(findings);
                    findings.retain(|finding| !is_ignored(finding, loaded) && selection.includes(finding));
                    findings
                };
                match migrate_within(source, &surroundings, &options, &mut choose) {
                    Ok(migration) => self.migrations.push((input.clone(), migration)),
                    Err(error) => self
                        .errors
                        .push(match crate::source::first_template_line(&source.text) {
                            Some(line) => SourceError::template(&source.name, line),
                            None => SourceError::new(&source.name, SourceErrorKind::Syntax, error.message)
                                .at(error.line, Some(error.column)),
                        }),
                }
            }
        }
        Ok(decisions)
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
                if migration.is_changed()
                    && let Some(path) = input.path()
                    && let Err(error) = replace(path, migration.text.as_bytes())
                {
                    let message = format!("cannot be written: {error}");
                    self.errors.push(SourceError::new(
                        &input.name,
                        SourceErrorKind::Unreadable,
                        message,
                    ));
                }
            } else if arguments.output == Some(MigrateOutput::Yaml)
                || (is_stream && arguments.output.is_none())
            {
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
        match out.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            other => other?,
        }
        if !arguments.quiet {
            for (_, migration) in &self.migrations {
                migration.plans.iter().for_each(|plan| explain(migration, plan));
            }
        }
        Ok(())
    }

    fn exit(&self, arguments: &MigrateArguments) -> ExitStatus {
        let changes = self
            .migrations
            .iter()
            .any(|(_, migration)| migration.is_changed());
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
                target: Some(form.into()),
                ..Settings::default()
            },
            catalogue: Arc::new(Catalogue::extended(loaded.configuration.sidecars.clone()).map_err(usage)?),
        },
        form,
        review: arguments.review,
        // The other two are not what every cluster runs.
        converts: arguments.target.is_some(),
        sidecars: arguments.sidecar.clone(),
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

/// A unified diff of two texts, coloured where colour is on.
fn colored_diff(before: &str, after: &str, name: &str) -> String {
    let name = printable(name);
    let name = name.trim_start_matches('/');
    let text = unified(before, after, &format!("a/{name}"), &format!("b/{name}"));
    if !super::color::is_on() {
        return text;
    }
    text.split_inclusive('\n')
        .map(|line| {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            let line = match line.chars().next() {
                _ if line.starts_with("---") || line.starts_with("+++") => line.bold().to_string(),
                Some('+') => line.green().to_string(),
                Some('-') => line.red().to_string(),
                Some('@') => line.cyan().to_string(),
                _ => line.to_owned(),
            };
            line + end
        })
        .collect()
}

/// What was done to a workload, what was left and why.
fn explain(migration: &Migration, plan: &Plan) {
    let object = format!("{} {}", plan.object.kind, plan.object.name);
    tell(&format!("{}: {}", migration.source.name, object.trim()));
    for action in &plan.actions {
        let review = if action.class == Class::Safe {
            ""
        } else {
            " (reviewed by --review: look at it)"
        };
        tell(&format!("  done: {}{review}", action.what));
    }
    for refusal in &plan.refusals {
        let review = if refusal.review { "; --review does it" } else { "" };
        tell(&format!("  left: {}: {}{review}", refusal.what, refusal.reason));
    }
    for note in &plan.notes {
        tell(&format!("  note: {note}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a/b.yaml"), "a/b.yaml");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
    }
}
