//! `policy remove`: takes policies out of the cluster, after a dry-run and a question.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use super::{
    super::{ConnectionArguments, Error, ExitStatus, confirm::confirm},
    session::{Session, converse},
};
use crate::cluster::delete_policy;

/// Remove installed policies
///
/// Running pods stay as they are; pods that are made afterwards are plain.
#[derive(Debug, Args)]
pub(super) struct RemoveArguments {
    /// Only the policy of this name [default: all that this program made]
    #[arg(long, value_name = "NAME")]
    policy_name: Option<String>,
    /// Remove without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Runs `policy remove`.
pub(super) fn run(arguments: &RemoveArguments, program: &str) -> Result<ExitStatus, Error> {
    converse(async {
        let session = Session::open(&arguments.connection, program).await?;
        session.needs_validating()?;
        let installed = session.installed().await?;
        let found: Vec<(&str, String)> = super::session::RESOURCES
            .iter()
            .flat_map(|resource| {
                let names = installed.get(resource).into_iter().flatten().filter_map(|held| {
                    let name = held.pointer("/metadata/name").and_then(Value::as_str)?;
                    let is_meant = arguments.policy_name.as_deref().is_none_or(|wanted| {
                        // The rules of a guard are policies of their own.
                        name == wanted
                            || name
                                .strip_prefix(wanted)
                                .is_some_and(|rest| rest.starts_with('-'))
                    });
                    is_meant.then(|| name.to_owned())
                });
                names.map(|name| (*resource, name))
            })
            .collect();
        let mut out = io::stdout().lock();
        if found.is_empty() {
            writeln!(
                out,
                "nothing to do: no policy of this program's is installed{}",
                named(arguments)
            )?;
            return Ok(ExitStatus::Success);
        }
        for (resource, name) in &found {
            delete_policy(&session.server, resource, name, true).await?;
            writeln!(out, "- {resource}/{name}")?;
        }
        let question = format!(
            "Remove {} admission policies and bindings from the cluster?",
            found.len()
        );
        if !confirm(&question, arguments.yes)? {
            writeln!(out, "nothing was changed")?;
            return Ok(ExitStatus::Success);
        }
        for (resource, name) in &found {
            delete_policy(&session.server, resource, name, false).await?;
        }
        writeln!(
            out,
            "removed. Running pods stay as they are; new ones are created as their templates say."
        )?;
        Ok(ExitStatus::Success)
    })
}

fn named(arguments: &RemoveArguments) -> String {
    match &arguments.policy_name {
        Some(name) => format!(" under the name {name}"),
        None => String::new(),
    }
}
