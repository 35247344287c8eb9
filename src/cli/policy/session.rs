//! A conversation with a cluster about its policies.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{ConnectionArguments, Error, warn};
use crate::{
    cluster::{PolicyApi, RequestError, Server, policies, policy_api},
    pod::KubernetesVersion,
    policy::{GUARDING_SINCE, MANAGER, MUTATING_SINCE, PolicyObject},
    yaml,
};

/// The resources of policies and bindings, in the order in which they are removed.
pub(super) const RESOURCES: [&str; 4] = [
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "mutatingadmissionpolicies",
];

/// A server that can be asked, and what it knows of policies.
pub(super) struct Session {
    pub(super) server: Server,
    pub(super) api: PolicyApi,
    program: String,
}

/// Runs a conversation to its end.
pub(super) fn converse<T>(talk: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Cluster(format!("cannot start: {error}")))?
        .block_on(talk)
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Self::Cluster(error.to_string())
    }
}

impl Session {
    /// Connects, and asks what the server has.
    pub(super) async fn open(connection: &ConnectionArguments, program: &str) -> Result<Self, Error> {
        let server = Server::connect(&connection.connection())
            .await
            .map_err(|error| Error::Cluster(error.to_string()))?
            .telling(warn);
        let api = policy_api(&server).await?;
        Ok(Self {
            server,
            api,
            program: program.to_owned(),
        })
    }

    /// The cluster's version in a sentence.
    pub(super) fn version(&self) -> String {
        match self.api.version {
            Some((major, minor)) => format!("Kubernetes {major}.{minor}"),
            None => "a Kubernetes of unknown version".to_owned(),
        }
    }

    /// Refuses where the server cannot promote, and says what can.
    pub(super) fn needs_mutating(&self) -> Result<(), Error> {
        if self.api.mutating {
            return Ok(());
        }
        Err(Error::Cluster(missing(
            &self.version(),
            "MutatingAdmissionPolicy",
            MUTATING_SINCE,
            &self.program,
        )))
    }

    /// Refuses where the server cannot guard, and says what can.
    pub(super) fn needs_validating(&self) -> Result<(), Error> {
        if self.api.validating {
            return Ok(());
        }
        Err(Error::Cluster(missing(
            &self.version(),
            "ValidatingAdmissionPolicy",
            GUARDING_SINCE,
            &self.program,
        )))
    }

    /// Everything of this program's on the server, by resource; resources that it does not have are left out.
    pub(super) async fn installed(&self) -> Result<BTreeMap<&'static str, Vec<Value>>, Error> {
        let label = format!("app.kubernetes.io/managed-by={MANAGER}");
        let mut installed = BTreeMap::new();
        for resource in RESOURCES {
            let is_known = match resource.starts_with("mutating") {
                true => self.api.mutating,
                false => self.api.validating,
            };
            if is_known {
                installed.insert(resource, policies(&self.server, resource, Some(&label)).await?);
            }
        }
        Ok(installed)
    }
}

/// What is missing, and which migration does the same.
pub(super) fn missing(place: &str, kind: &str, since: KubernetesVersion, program: &str) -> String {
    let instead = match kind {
        "MutatingAdmissionPolicy" => {
            format!("`{program} migrate --target native` writes the same into manifests")
        }
        _ => format!("`{program} lint` finds the same in manifests and in the cluster"),
    };
    format!(
        "{place} has no {kind} in admissionregistration.k8s.io/v1, which came with {}.{}; {instead}",
        since.0, since.1
    )
}

/// An object of the server's as text, without what the server notes for itself.
pub(super) fn readable(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in [
            "managedFields",
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
        ] {
            metadata.remove(field);
        }
    }
    yaml_text(&object)
}

/// A JSON value as YAML in block style.
pub(super) fn yaml_text(value: &Value) -> String {
    let text = value.to_string();
    let written = yaml::parse(&text).ok().and_then(|stream| {
        let value = yaml::Value::of(stream.root(0)?).ok()?;
        let comments = BTreeMap::new();
        Some(yaml::NewDocument { value, comments }.text())
    });
    written.unwrap_or(text)
}

/// How an object is called in messages.
pub(super) fn called(object: &PolicyObject) -> String {
    format!("{} {}", object.kind, object.name)
}
