//! What reports say of their run: the time, the command, the commit or the clusters.

use std::{env, path::Path, process::Command};

use jiff::Timestamp;

use super::migrate::account::quoted;
use crate::{
    cluster::{Connection, cluster_name},
    report::{Base, ClusterName, Provenance, Revision},
};

/// Options whose values are secrets.
const SECRET: [&str; 1] = ["--token"];
/// What stands for a secret.
const MASK: &str = "***";

/// Gathers it; `clusters` are those that the run asked.
pub(super) fn provenance(base: Option<&Base>, clusters: Option<&[Connection]>, program: &str) -> Provenance {
    let arguments: Vec<String> = env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let revision = match clusters {
        Some(_) => None,
        None => base.and_then(|base| revision(&base.root)),
    };
    Provenance {
        made_at: made_at(env::var("SOURCE_DATE_EPOCH").ok().as_deref()),
        command: command(program, &arguments),
        revision,
        clusters: clusters.into_iter().flatten().map(named).collect(),
    }
}

/// The time of the run, or that which is asked for of builds that can be repeated
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn made_at(epoch: Option<&str>) -> String {
    let fixed = epoch
        .and_then(|epoch| epoch.parse().ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    format!("{:.0}", fixed.unwrap_or_else(Timestamp::now))
}

/// A command line that a shell would read back, without secrets.
fn command(program: &str, arguments: &[String]) -> String {
    let mut words = vec![program.to_owned()];
    let mut is_secret = false;
    for argument in arguments {
        let secret = SECRET.iter().find(|option| {
            argument
                .strip_prefix(**option)
                .is_some_and(|rest| rest.starts_with('='))
        });
        words.push(match secret {
            _ if is_secret => MASK.to_owned(),
            Some(option) => format!("{option}={MASK}"),
            None => quoted(&without_credentials(argument)),
        });
        is_secret = SECRET.contains(&argument.as_str());
    }
    words.join(" ")
}

/// A URL without the user and password that may stand in it.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

fn revision(root: &Path) -> Option<Revision> {
    Some(Revision {
        commit: git(root, &["rev-parse", "--verify", "HEAD"])?,
        repository: git(root, &["config", "--get", "remote.origin.url"]).map(|url| without_credentials(&url)),
    })
}

/// What git answers; `None` where it is not there or knows nothing. Neither command runs what a repository configures.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output();
    let output = output.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn named(connection: &Connection) -> ClusterName {
    let (context, cluster) = cluster_name(connection).unwrap_or_default();
    let known = |name: String, instead: &str| match name.is_empty() {
        true => instead.to_owned(),
        false => name,
    };
    ClusterName {
        context: known(context, "in-cluster"),
        cluster: known(cluster, "unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_no_part_of_a_command() {
        for (arguments, expected) in [
            (&["lint", "a b.yaml"][..], "kubectl sidecar lint 'a b.yaml'"),
            (
                &["lint", "--token", "abc", "-A"],
                "kubectl sidecar lint --token *** -A",
            ),
            (&["lint", "--token=abc"], "kubectl sidecar lint --token=***"),
            (
                &["lint", "-s", "https://me:secret@host:6443/x"],
                "kubectl sidecar lint -s https://host:6443/x",
            ),
            (
                &["lint", "--server=https://me@host"],
                "kubectl sidecar lint --server=https://host",
            ),
            (&["lint", "it's", ""], r"kubectl sidecar lint 'it'\''s' ''"),
        ] {
            let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(command("kubectl sidecar", &arguments), expected);
        }
    }

    #[test]
    fn the_time_is_to_the_second_and_may_be_given() {
        assert_eq!(made_at(Some("1796020668")), "2026-11-30T06:37:48Z");
        assert_eq!(made_at(None).len(), made_at(Some("0")).len());
    }
}
