//! `migrate --live`: what would become of a cluster's workloads, and with `--apply` what does.

mod apply;
mod backup;
mod change;
mod follow;
mod injected;
mod list;
mod proposal;
mod watchers;

use std::io::{self, Write};

use proposal::{Engine, Proposal};

use super::{
    MigrateArguments, MigrateOutput, colored_diff, explain, options, quoted, selection, skipped, tell,
};
use crate::{
    cli::promoters::PromotersOfNamespaces,
    cli::{
        Error, ExitStatus, complain,
        configuration::Configurations,
        lint::usage,
        target::{Decision, NATIVE_SINCE, TargetChoice, of_cluster},
        warn,
    },
    cluster::{Server, Versions, versions},
    pod::{PROMOTES_SINCE, Promoters},
    remedy::{Class, Form},
    report::{counted, printable},
    yaml::print_json,
};

/// Runs `migrate` on a cluster.
pub(super) fn run(arguments: &MigrateArguments, program: &str) -> Result<ExitStatus, Error> {
    refuse_what_is_for_files(arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(migrate(arguments, program));
    // A question that nobody answered is not waited for.
    runtime.shutdown_background();
    result
}

fn refuse_what_is_for_files(arguments: &MigrateArguments) -> Result<(), Error> {
    let wrong = if arguments.write {
        "--write changes files, and --apply a cluster's objects"
    } else if !arguments.filename.is_empty() {
        "-f names files: without --live and kubectl's flags they are migrated"
    } else if arguments.kubernetes_version.is_some() {
        "the cluster says which version it runs: --kubernetes-version is for files"
    } else {
        return Ok(());
    };
    Err(Error::Usage(wrong.to_owned()))
}

async fn migrate(arguments: &MigrateArguments, program: &str) -> Result<ExitStatus, Error> {
    let scope = arguments.live.scope(&arguments.paths)?;
    let connections = arguments.live.connections();
    let [connection] = connections.as_slice() else {
        return Err(Error::Usage(
            "a migration is of one cluster: name one --context".to_owned(),
        ));
    };
    let configurations =
        Configurations::new(arguments.config.as_deref(), !arguments.no_config).map_err(usage)?;
    let mut loaded = configurations.of_objects().map_err(usage)?;
    let server = Server::connect(connection).await.map_err(usage)?.telling(warn);
    let versions = versions(&server).await.map_err(usage)?;
    let decision = decide(arguments.target, &versions)?;
    let mut options = options(arguments, &loaded, decision.form)?;
    options.lint.settings.kubernetes_version = versions.oldest();
    // Admission is the API server's, however old its kubelets are.
    if versions.server.is_some_and(|server| server >= PROMOTES_SINCE) {
        options.lint.settings.promoters = Promoters::Possible;
    }
    let mut engine = Engine {
        server: &server,
        selection: selection(arguments, &loaded)?,
        options,
        loaded: &mut loaded,
        watchers: Vec::new(),
        promoters: (decision.form == Form::Annotation).then(|| PromotersOfNamespaces::new(&server, "", None)),
    };
    let found = list::proposals(&mut engine, &scope).await?;
    if let (Some(fields), 1..) = (&scope.filter.fields, found.unselectable.len()) {
        warn(&format!(
            "not looked at, for want of the fields of {fields}: {}",
            counted(found.unselectable.len(), "kind")
        ));
    }
    // What was not seen may have it.
    if found.errors.is_empty() && found.unselectable.is_empty() {
        found.containers.refuse_others(arguments)?;
    }
    let injected = injected::injected(&mut engine, &scope).await;
    let mut run = Run {
        arguments,
        program,
        unread: !found.errors.is_empty(),
        proposals: found.proposals,
        injected,
    };
    run.show()?;
    found.errors.iter().for_each(|error| complain(error));
    tell(&format!(
        "target: {} ({})",
        form_name(decision.form),
        decision.reason
    ));
    if decision.form == Form::Annotation {
        tell("only a policy of `policy promote` on the cluster makes sidecars of what the annotation names");
    }
    if arguments.apply {
        return run.apply(&mut engine).await;
    }
    Ok(run.exit())
}

fn form_name(form: Form) -> &'static str {
    match form {
        Form::Native => "native",
        Form::Lifecycle => "lifecycle",
        Form::Annotation => "annotation",
    }
}

/// The form that the cluster runs; what the user asks for besides must be one.
fn decide(asked: Option<TargetChoice>, versions: &Versions) -> Result<Decision, Error> {
    let says_so = |form| Decision {
        form,
        reason: match form {
            Form::Annotation => "--target says so".to_owned(),
            Form::Native | Form::Lifecycle => "--target says so, and the cluster knows it".to_owned(),
        },
    };
    match asked {
        None | Some(TargetChoice::Auto) => of_cluster(versions),
        Some(TargetChoice::Lifecycle) if versions.knows_lifecycle_type => Ok(says_so(Form::Lifecycle)),
        Some(TargetChoice::Lifecycle) => Err(Error::Usage(
            "this cluster's API has no lifecycle.type: what is written so would be refused or dropped"
                .to_owned(),
        )),
        Some(TargetChoice::Annotation) => match versions.server {
            Some(server) if server < PROMOTES_SINCE => Err(Error::Usage(format!(
                "the API server is at {}.{}, and admission policies that act on the annotation need {}.{}",
                server.0, server.1, PROMOTES_SINCE.0, PROMOTES_SINCE.1
            ))),
            _ => Ok(says_so(Form::Annotation)),
        },
        Some(TargetChoice::Native) => match versions.oldest() {
            Some(oldest) if oldest < NATIVE_SINCE => Err(Error::Usage(format!(
                "a part of this cluster is at {}.{}, and native sidecars need 1.29 everywhere",
                oldest.0, oldest.1
            ))),
            _ => Ok(says_so(Form::Native)),
        },
    }
}

/// What would become of which objects.
struct Run<'a> {
    arguments: &'a MigrateArguments,
    program: &'a str,
    proposals: Vec<Proposal>,
    injected: injected::Injected,
    unread: bool,
}

impl Run<'_> {
    /// Prints what would change, and says what was done and left.
    fn show(&mut self) -> io::Result<()> {
        for proposal in &self.proposals {
            for failure in &proposal.migration.failures {
                complain(&format!("{}: {failure}", proposal.name));
                self.unread = true;
            }
        }
        let mut out = io::stdout().lock();
        for proposal in self.proposals.iter().filter(|proposal| proposal.is_change()) {
            let text = match self.arguments.output {
                Some(MigrateOutput::Yaml) => document(proposal),
                _ => difference(proposal) + &recreation(proposal),
            };
            out.write_all(text.as_bytes())?;
        }
        out.flush()?;
        drop(out);
        if !self.arguments.quiet {
            for proposal in &self.proposals {
                self.say(proposal);
            }
            self.say_injected();
        }
        Ok(())
    }

    /// What is in the pods and in no template.
    fn say_injected(&self) {
        let mut object = "";
        for left in &self.injected.left {
            if object != left.object {
                tell(&format!("{}:", left.object));
                object = &left.object;
            }
            tell(&format!("  {}", skipped(&left.what, &left.reason)));
        }
        if let Some(unseen) = self.injected.unseen.as_ref().filter(|_| !self.unread) {
            warn(&format!(
                "whether sidecars are injected into the pods is not known: {unseen}"
            ));
        }
    }

    /// What is done to one object, what is left, and what stands against applying it.
    fn say(&self, proposal: &Proposal) {
        for plan in &proposal.migration.plans {
            explain(&proposal.migration, plan, "would do", self.arguments.verbose);
        }
        for note in &proposal.notes {
            tell(&format!("  note: {note}"));
        }
        if let Some(hindrance) = proposal.hindrance.as_ref().filter(|_| proposal.is_change()) {
            tell(&format!("  not applied: {}", hindrance.reason));
            if hindrance.recreates {
                tell(&format!("  to recreate it: {}", self.recreate_command(proposal)));
            }
        }
    }

    /// The command that deletes an object and makes it anew.
    fn recreate_command(&self, proposal: &Proposal) -> String {
        let namespace = proposal
            .target
            .namespace
            .as_deref()
            .map(|namespace| format!(" -n {namespace}"))
            .unwrap_or_default();
        let review = if self.arguments.review { " --review" } else { "" };
        let named = self.arguments.sidecar.iter();
        let sidecars: String = named.map(|name| format!(" --sidecar {}", quoted(name))).collect();
        format!(
            "{} migrate --live{namespace}{review}{sidecars} {}/{} -o yaml | kubectl replace --force -f -",
            self.program, proposal.target.plural, proposal.target.object
        )
    }

    fn exit(&self) -> ExitStatus {
        if self.unread {
            ExitStatus::Unread
        } else if self.arguments.check && self.proposals.iter().any(Proposal::is_change) {
            ExitStatus::Found
        } else {
            ExitStatus::Success
        }
    }
}

/// The diff of an object, as people would have written it.
fn difference(proposal: &Proposal) -> String {
    let (before, after) = proposal.shown();
    colored_diff(&before, &after, &proposal.name)
}

/// The notes as comments.
fn noted(proposal: &Proposal) -> String {
    let notes = proposal.notes.iter();
    notes.map(|note| format!("# {}\n", printable(note))).collect()
}

/// The manifest of an object that cannot be changed where it is.
fn recreation(proposal: &Proposal) -> String {
    match &proposal.hindrance {
        Some(hindrance) if hindrance.recreates => format!(
            "# {}: {}\n{}{}",
            printable(&proposal.name),
            printable(&hindrance.reason),
            noted(proposal),
            document(proposal)
        ),
        _ => String::new(),
    }
}

fn document(proposal: &Proposal) -> String {
    format!("---\n{}", print_json(&proposal.manifest()))
}

/// Whether something that was done needs a person's eyes.
fn needs_review(proposal: &Proposal) -> bool {
    let mut actions = proposal.migration.plans.iter().flat_map(|plan| &plan.actions);
    actions.any(|action| action.class != Class::Safe)
}
