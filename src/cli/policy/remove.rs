//! `policy remove`: takes policies out of the cluster, after a dry-run and a question.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use clap::Args;
use serde_json::Value;

use super::{
    super::{ConnectionArguments, Error, ExitStatus, confirm::confirm},
    declared::declared,
    session::{Session, converse},
};
use crate::{
    cluster::{Filter, Pages, RequestError, Server, delete_policy},
    live::{PodGlance, PodMetadata},
    report::{counted, printable},
    roles::PROMOTED_ANNOTATION,
};

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
        if found
            .iter()
            .any(|(resource, _)| *resource == "mutatingadmissionpolicies")
        {
            tell_who_relies(&session.server, &mut out).await?;
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

/// Names the workloads that have sidecars by a promotion, or will when they run next.
async fn tell_who_relies(server: &Server, out: &mut impl Write) -> Result<(), Error> {
    let mut workloads = BTreeSet::new();
    let mut unread = Vec::new();
    match promoted(server).await {
        Ok(found) => workloads.extend(found),
        Err(error) => unread.push(error.to_string()),
    }
    match declared(server).await {
        Ok(found) => {
            workloads.extend(found.workloads);
            unread.extend(found.unread);
        }
        Err(error) => unread.push(error.to_string()),
    }
    warn_of(&workloads, out)?;
    unread.dedup();
    for reason in unread {
        let reason = printable(&reason);
        writeln!(
            out,
            "which workloads rely on it could not be seen as a whole: {reason}"
        )?;
    }
    Ok(())
}

/// The workloads whose pods a policy has given sidecars.
async fn promoted(server: &Server) -> Result<BTreeSet<String>, RequestError> {
    let mut pages = Pages::new(server, "/api/v1/pods".to_owned(), &Filter::default());
    let mut workloads = BTreeSet::new();
    while let Some(pods) = pages.next::<PodGlance>().await? {
        let promoted = pods
            .iter()
            .map(|pod| &pod.glance.metadata)
            .filter(|metadata| metadata.annotations.contains_key(PROMOTED_ANNOTATION));
        workloads.extend(promoted.map(workload_of));
    }
    Ok(workloads)
}

/// What made a pod, as `kubectl get` takes it: `shop/deployment/web`. Of a ReplicaSet it is the Deployment of the name
/// without the hash.
fn workload_of(metadata: &PodMetadata) -> String {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let Some(owner) = metadata.owner_references.first() else {
        return format!("{namespace}/pod/{}", metadata.name);
    };
    let deployment = metadata
        .labels
        .get("pod-template-hash")
        .and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
    match deployment {
        Some(name) if owner.kind == "ReplicaSet" => format!("{namespace}/deployment/{name}"),
        _ => format!("{namespace}/{}/{}", owner.kind.to_ascii_lowercase(), owner.name),
    }
}

/// More workloads than these are counted.
const NAMED: usize = 20;

fn warn_of(workloads: &BTreeSet<String>, out: &mut impl Write) -> io::Result<()> {
    if workloads.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = workloads.iter().take(NAMED).map(String::as_str).collect();
    let more = match workloads.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    writeln!(
        out,
        "{} {} on it, and new pods of theirs will have ordinary containers: {}{more}",
        counted(workloads.len(), "workload"),
        if workloads.len() == 1 { "relies" } else { "rely" },
        printable(&names.join(", "))
    )
}

fn named(arguments: &RemoveArguments) -> String {
    match &arguments.policy_name {
        Some(name) => format!(" under the name {name}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn workloads_that_rely_on_a_policy_are_named_as_kubectl_takes_them() {
        let pod = |metadata: Value| workload_of(&serde_json::from_value::<PodMetadata>(metadata).unwrap());
        let owned =
            |kind: &str, name: &str| json!([{"apiVersion": "v1", "kind": kind, "name": name, "uid": "u"}]);
        let names: BTreeSet<String> = [
            pod(
                json!({"name": "web-5d-x", "namespace": "shop", "labels": {"pod-template-hash": "5d"},
                "ownerReferences": owned("ReplicaSet", "web-5d")}),
            ),
            pod(
                json!({"name": "nightly-x", "namespace": "shop", "ownerReferences": owned("Job", "nightly")}),
            ),
            pod(json!({"name": "alone", "namespace": "shop"})),
        ]
        .into();
        let mut out = Vec::new();
        warn_of(&names, &mut out).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert!(said.starts_with("3 workloads rely on it"), "{said}");
        assert!(
            said.ends_with("shop/deployment/web, shop/job/nightly, shop/pod/alone\n"),
            "{said}"
        );
    }
}
