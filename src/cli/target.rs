//! Which form sidecars are declared in, and why.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{Error, arguments::TargetChoice};
use crate::{
    migrate::Form,
    rules::{KubernetesVersion, Target},
};

/// The first version whose sidecars stop in order by default (KEP-753, beta in 1.29).
pub(super) const NATIVE_SINCE: KubernetesVersion = (1, 29);

/// How long a cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

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

fn decision(form: Form, reason: &str) -> Decision {
    Decision {
        form,
        reason: reason.to_owned(),
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
    let openapi = kubectl(&["get", "--raw", "/openapi/v3/api/v1"])?;
    let openapi: serde_json::Value = serde_json::from_str(&openapi).map_err(unclear)?;
    let knows_type = openapi
        .pointer("/components/schemas/io.k8s.api.core.v1.Lifecycle/properties/type")
        .is_some();
    if knows_type {
        return Ok(decision(
            Form::Lifecycle,
            "the cluster's Lifecycle has a field `type`",
        ));
    }
    let nodes = kubectl(&["get", "nodes", "-o", "json"])?;
    let nodes: serde_json::Value = serde_json::from_str(&nodes).map_err(unclear)?;
    let oldest = nodes
        .pointer("/items")
        .and_then(|items| items.as_array())
        .and_then(|items| {
            let versions = items.iter().map(|node| {
                let version = node.pointer("/status/nodeInfo/kubeletVersion")?.as_str()?;
                super::arguments::parse_version(version).ok()
            });
            versions.collect::<Option<Vec<_>>>()?.into_iter().min()
        })
        .ok_or_else(|| {
            Error::Usage("the cluster does not say which kubelets it has; name a --target".to_owned())
        })?;
    native(
        Some(oldest),
        &format!(
            "every kubelet of the cluster is at {}.{} or later",
            oldest.0, oldest.1
        ),
    )
}

fn unclear(error: serde_json::Error) -> Error {
    Error::Usage(format!(
        "the cluster's answer is not understood ({error}); name a --target"
    ))
}

/// What `kubectl` prints, if it does so in time.
fn kubectl(arguments: &[&str]) -> Result<String, Error> {
    let fail = |reason: &str| Error::Usage(format!("--target auto: {reason}; name a --target instead"));
    let mut child = Command::new("kubectl")
        .args(arguments)
        .arg("--request-timeout=2s")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| fail(&format!("kubectl cannot be run: {error}")))?;
    let Some(mut stdout) = child.stdout.take() else {
        return Err(fail("kubectl cannot be read"));
    };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text).map(|_| text);
        // Nobody listens any more once the time is over.
        let _unheard = sender.send(read);
    });
    let answer = receiver.recv_timeout(PATIENCE);
    let ended = end(&mut child, answer.is_ok());
    match answer {
        Ok(Ok(text)) if ended => Ok(text),
        Err(_) => Err(fail("the cluster did not answer within 2 seconds")),
        _ => Err(fail("the cluster did not answer")),
    }
}

/// Whether the process ended well; one that has not is killed.
fn end(child: &mut Child, answered: bool) -> bool {
    if !answered {
        let _already_gone = child.kill();
    }
    child.wait().is_ok_and(|status| status.success())
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
        assert!(form(None, Some((1, 28)), None).is_err());
    }
}
