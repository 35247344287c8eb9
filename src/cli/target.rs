//! Which form sidecars are declared in, and why.

use std::time::Duration;

use clap::ValueEnum;

use super::{Error, deadline::within};
use crate::{
    catalogue::kubernetes::NATIVE_SIDECARS,
    cluster::{Connection, Server, Versions, versions},
    pod::{KubernetesVersion, PROMOTES_SINCE, Target},
    remedy::Form,
};

/// The first version whose sidecars stop in order by default (KEP-753, beta in 1.29).
pub(super) const NATIVE_SINCE: KubernetesVersion = (1, NATIVE_SIDECARS.since);

/// How long a cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TargetChoice {
    /// lifecycle.type: Sidecar, the first design of KEP-753
    Lifecycle,
    /// An init container with restartPolicy: Always, Kubernetes since 1.29
    Native,
    /// The annotation kubectl-sidecar/sidecars, which `policy promote` acts on, Kubernetes since 1.36
    Annotation,
    /// What the current cluster runs
    Auto,
}

impl From<TargetChoice> for Target {
    fn from(choice: TargetChoice) -> Self {
        match choice {
            TargetChoice::Lifecycle => Self::Lifecycle,
            TargetChoice::Native => Self::Native,
            TargetChoice::Annotation => Self::Annotation,
            TargetChoice::Auto => Self::Auto,
        }
    }
}

/// The form, with the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) form: Form,
    pub(super) reason: String,
}

/// Decides by what the user said, then the configuration, then the default.
pub(super) fn decide(
    asked: Option<TargetChoice>,
    version: Option<KubernetesVersion>,
    configured: Option<Target>,
    configured_version: Option<KubernetesVersion>,
) -> Result<Decision, Error> {
    let of = |target: Target, reason: &str| match target {
        Target::Annotation => annotation(version.or(configured_version), reason),
        Target::Lifecycle => Ok(decision(Form::Lifecycle, reason)),
        Target::Native => native(version.or(configured_version), reason),
        Target::Auto => ask_cluster(),
    };
    match (asked, version, configured) {
        (Some(choice), ..) => of(choice.into(), "--target says so"),
        (None, Some(version), _) => native(
            Some(version),
            &format!("--kubernetes-version {}.{} runs it", version.0, version.1),
        ),
        (None, None, Some(target)) => of(target, "the configuration says so"),
        (None, None, None) => Ok(decision(Form::Lifecycle, "the default for files")),
    }
}

/// The forms that a rewrite may be offered in where no cluster is asked, the preferred one first.
pub(super) fn forms(configured: Option<Target>, version: Option<KubernetesVersion>) -> Vec<Form> {
    let too_old = version.is_some_and(|version| version < NATIVE_SINCE);
    match configured {
        Some(Target::Native) => vec![Form::Native],
        Some(Target::Lifecycle) => vec![Form::Lifecycle],
        Some(Target::Annotation) => vec![Form::Annotation],
        Some(Target::Auto) | None if too_old => vec![Form::Lifecycle],
        Some(Target::Auto) | None => vec![Form::Native, Form::Lifecycle],
    }
}

fn decision(form: Form, reason: &str) -> Decision {
    Decision {
        form,
        reason: reason.to_owned(),
    }
}

fn annotation(version: Option<KubernetesVersion>, reason: &str) -> Result<Decision, Error> {
    match version {
        Some(version) if version < PROMOTES_SINCE => Err(Error::Usage(format!(
            "Kubernetes {}.{} has no stable admission policies that could act on the annotation: they need {}.{}; --target native does the same since {}.{}",
            version.0, version.1, PROMOTES_SINCE.0, PROMOTES_SINCE.1, NATIVE_SINCE.0, NATIVE_SINCE.1
        ))),
        _ => Ok(decision(Form::Annotation, reason)),
    }
}

fn native(version: Option<KubernetesVersion>, reason: &str) -> Result<Decision, Error> {
    match version {
        Some(version) if version < NATIVE_SINCE => Err(Error::Usage(format!(
            "Kubernetes {}.{} runs no sidecars: they need 1.29 on every node",
            version.0, version.1
        ))),
        _ => Ok(decision(Form::Native, reason)),
    }
}

/// Asks the current cluster. No answer is an error, not a guess.
fn ask_cluster() -> Result<Decision, Error> {
    let fail = |reason: &str| Error::Usage(format!("--target auto: {reason}; name a --target instead"));
    let answer = within(PATIENCE, || async {
        let server = Server::connect(&Connection::default())
            .await
            .map_err(|error| error.to_string())?;
        versions(&server).await.map_err(|error| error.to_string())
    });
    match answer {
        None => Err(fail("the cluster did not answer within 2 seconds")),
        Some(Err(reason)) => Err(fail(&reason)),
        Some(Ok(versions)) => of_cluster(&versions),
    }
}

/// The form that a cluster runs.
pub(super) fn of_cluster(versions: &Versions) -> Result<Decision, Error> {
    let unknown = |reason: String| Error::Usage(format!("{reason}; name a --target"));
    if versions.knows_lifecycle_type {
        return Ok(decision(
            Form::Lifecycle,
            "the cluster's Lifecycle has a field `type`",
        ));
    }
    let kubelets = versions
        .kubelets
        .as_ref()
        .map_err(|error| unknown(format!("the cluster does not say which kubelets it has: {error}")))?;
    let Some(oldest) = kubelets.oldest() else {
        return Err(unknown(match kubelets.unclear.first() {
            Some(node) => format!("node {node} does not say its kubelet's version"),
            None => "the cluster has no nodes, so no kubelets to ask".to_owned(),
        }));
    };
    native(
        Some(oldest),
        &format!(
            "every kubelet of the cluster is at {}.{} or later",
            oldest.0, oldest.1
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_goes_before_what_is_configured() {
        let form = |asked, version, configured| {
            decide(asked, version, configured, None).map(|decision| decision.form)
        };
        assert_eq!(form(None, None, None).unwrap(), Form::Lifecycle);
        assert_eq!(form(None, None, Some(Target::Native)).unwrap(), Form::Native);
        assert_eq!(
            form(None, Some((1, 31)), Some(Target::Lifecycle)).unwrap(),
            Form::Native
        );
        assert_eq!(
            form(Some(TargetChoice::Lifecycle), Some((1, 31)), None).unwrap(),
            Form::Lifecycle
        );
        assert!(form(Some(TargetChoice::Native), Some((1, 28)), None).is_err());
        assert_eq!(
            form(Some(TargetChoice::Annotation), Some((1, 36)), None).unwrap(),
            Form::Annotation
        );
        assert!(form(Some(TargetChoice::Annotation), Some((1, 35)), None).is_err());
        assert!(form(None, Some((1, 28)), None).is_err());
    }
}
