//! `policy install`: puts a policy into the cluster, after a diff, a dry-run and a question.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    super::{ConnectionArguments, Error, ExitStatus, confirm::confirm},
    guard::GuardArguments,
    promote::PromoteArguments,
    session::{Session, called, converse, readable},
};
use crate::{
    cluster::{RequestError, apply_policy, policy_object, replace_policy},
    diff,
    policy::{MANAGER, PolicyObject},
};

/// Install a policy that `policy promote` or `policy guard` prints
///
/// Shows what would change, lets the server try it (strict, without storing), and asks. Running pods stay as they are.
#[derive(Debug, Args)]
pub(super) struct InstallArguments {
    #[command(subcommand)]
    what: InstallCommand,
}

#[derive(Debug, Subcommand)]
enum InstallCommand {
    /// The policy by which declared sidecars become native ones
    Promote {
        #[command(flatten)]
        policy: PromoteArguments,
        #[command(flatten)]
        options: InstallOptions,
    },
    /// The policies that warn of new workarounds, or refuse them
    Guard {
        #[command(flatten)]
        policies: GuardArguments,
        #[command(flatten)]
        options: InstallOptions,
    },
}

#[derive(Debug, Args)]
struct InstallOptions {
    /// Install without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Runs `policy install`.
pub(super) fn run(arguments: &InstallArguments, program: &str) -> Result<ExitStatus, Error> {
    let (objects, options, promotes) = match &arguments.what {
        InstallCommand::Promote { policy, options } => (policy.objects(program)?, options, true),
        InstallCommand::Guard { policies, options } => (policies.objects(program)?, options, false),
    };
    converse(async {
        let session = Session::open(&options.connection, program).await?;
        match promotes {
            true => session.needs_mutating()?,
            false => session.needs_validating()?,
        }
        let changed = tried(&session, &objects).await?;
        if changed.is_empty() {
            say("nothing to do: it is installed as this version prints it\n")?;
            return Ok(ExitStatus::Success);
        }
        let question = format!(
            "Change {} admission policies and bindings of the cluster?",
            changed.len()
        );
        if !confirm(&question, options.yes)? {
            say("nothing was changed\n")?;
            return Ok(ExitStatus::Success);
        }
        for (object, held) in changed {
            put(&session, object, held.as_ref(), false).await?;
            say(&format!("{}: installed\n", called(object)))?;
        }
        if promotes {
            say(
                "New pods are promoted from now on. Running pods stay as they are until they are made anew, by `kubectl rollout restart` for instance.\n",
            )?;
        }
        Ok(ExitStatus::Success)
    })
}

/// Puts an object into the place of the one that is held, or makes it.
async fn put(
    session: &Session,
    object: &PolicyObject,
    held: Option<&Value>,
    dry_run: bool,
) -> Result<Value, RequestError> {
    let (server, resource, new) = (&session.server, object.resource(), object.json());
    match held {
        Some(held) => replace_policy(server, &resource, held, &new, dry_run).await,
        None => apply_policy(server, &resource, &new, dry_run).await,
    }
}

/// Lets the server try all objects, prints what would change, and gives the objects that would, with what is in their
/// place.
async fn tried<'o>(
    session: &Session,
    objects: &'o [PolicyObject],
) -> Result<Vec<(&'o PolicyObject, Option<Value>)>, Error> {
    let mut changed = Vec::new();
    for object in objects {
        let resource = object.resource();
        let held = policy_object(&session.server, &resource, &object.name).await?;
        let is_ours = |held: &Value| {
            held.pointer("/metadata/labels/app.kubernetes.io~1managed-by") == Some(&Value::from(MANAGER))
        };
        if held.as_ref().is_some_and(|held| !is_ours(held)) {
            return Err(Error::Cluster(format!(
                "{} is there already, and was not made by {MANAGER}: name another with --policy-name",
                called(object)
            )));
        }
        let after = put(session, object, held.as_ref(), true).await?;
        let name = format!("{resource}/{}", object.name);
        let before = held.as_ref().map(readable).unwrap_or_default();
        let difference = diff::unified(&before, &readable(&after), &name, &name);
        if !difference.is_empty() {
            say(&difference)?;
            changed.push((object, held));
        }
    }
    Ok(changed)
}

fn say(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}
