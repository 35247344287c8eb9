//! Admission policies on a server: whether it has them, who may change them, which are there; and what it makes of a
//! pod.

use http::Method;
use k8s_openapi::{
    api::{
        authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
        core::v1::ResourceQuota,
    },
    apimachinery::pkg::{apis::meta::v1::APIResourceList, version::Info},
};
use serde_json::{Value, json};

use super::{
    page::List,
    request::{RequestError, encode, send_json},
    server::Server,
};
use crate::pod::{KubernetesVersion, parse_kubernetes_version};

/// Where all admission policies are.
const BASE: &str = "/apis/admissionregistration.k8s.io/v1";

/// Whose fields the server takes the applied ones for.
const FIELD_MANAGER: &str = "kubectl-sidecar";

/// What a server knows of admission policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyApi {
    /// The server's version.
    pub version: Option<KubernetesVersion>,
    /// Whether it has MutatingAdmissionPolicy in v1.
    pub mutating: bool,
    /// Whether it has ValidatingAdmissionPolicy in v1.
    pub validating: bool,
}

/// What the server knows of admission policies.
///
/// # Errors
/// Where it cannot be asked.
pub async fn policy_api(server: &Server) -> Result<PolicyApi, RequestError> {
    let version: Info = server.get("/version").await?;
    let known = match server.get::<APIResourceList>(BASE).await {
        Ok(known) => known,
        Err(error) if error.code() == Some(404) => APIResourceList::default(),
        Err(error) => return Err(error),
    };
    let has = |name: &str| known.resources.iter().any(|resource| resource.name == name);
    Ok(PolicyApi {
        version: parse_kubernetes_version(&version.git_version),
        mutating: has("mutatingadmissionpolicies"),
        validating: has("validatingadmissionpolicies"),
    })
}

/// Whether whoever asks may do this to admission policies or their bindings.
///
/// # Errors
/// Where the server cannot be asked.
pub async fn may(server: &Server, verb: &str, resource: &str) -> Result<bool, RequestError> {
    let attributes = ResourceAttributes {
        group: Some("admissionregistration.k8s.io".to_owned()),
        resource: Some(resource.to_owned()),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = send_json(&server.client(), Method::POST, path, "application/json", &review).await?;
    Ok(answer.pointer("/status/allowed") == Some(&Value::Bool(true)))
}

/// The policies or bindings of a resource that have this label; all of them where none is asked for. They are values,
/// since what is compared and shown is all that the server holds of them.
///
/// # Errors
/// Where the server cannot be asked, or refuses.
pub async fn policies(
    server: &Server,
    resource: &str,
    label: Option<&str>,
) -> Result<Vec<Value>, RequestError> {
    let query = label.map_or_else(String::new, |label| format!("?labelSelector={}", encode(label)));
    let path = format!("{BASE}/{resource}{query}");
    Ok(server.get::<List<Value>>(&path).await?.into_items())
}

/// A policy or binding, where it is there.
///
/// # Errors
/// Where the server cannot be asked, or refuses.
pub async fn policy_object(
    server: &Server,
    resource: &str,
    name: &str,
) -> Result<Option<Value>, RequestError> {
    match server.get(&format!("{BASE}/{resource}/{name}")).await {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.code() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Applies a policy or binding (server-side apply, strict), or says what would be stored.
///
/// # Errors
/// Where the server cannot be asked, or refuses.
pub async fn apply_policy(
    server: &Server,
    resource: &str,
    object: &Value,
    dry_run: bool,
) -> Result<Value, RequestError> {
    let name = object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let dry_run = if dry_run { "&dryRun=All" } else { "" };
    let path = format!(
        "{BASE}/{resource}/{name}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict&force=true{dry_run}"
    );
    let media = "application/apply-patch+yaml";
    send_json(&server.client(), Method::PATCH, &path, media, object).await
}

/// Gives a policy or binding that is there the spec, labels and annotations of another one (strict), or says what would
/// be stored. What others have put into its metadata stays; what they have put into its spec does not, as it would if
/// it were applied.
///
/// # Errors
/// Where the server cannot be asked, or refuses: the object has changed since it was read, for one.
pub async fn replace_policy(
    server: &Server,
    resource: &str,
    held: &Value,
    object: &Value,
    dry_run: bool,
) -> Result<Value, RequestError> {
    let mut new = held.clone();
    if let (Some(fields), Some(spec)) = (new.as_object_mut(), object.get("spec")) {
        fields.insert("spec".to_owned(), spec.clone());
    }
    if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["labels", "annotations"] {
            let own = object
                .pointer(&format!("/metadata/{field}"))
                .and_then(Value::as_object);
            let held = metadata.entry(field).or_insert_with(|| json!({}));
            if let (Some(own), Some(held)) = (own, held.as_object_mut()) {
                held.extend(own.clone());
            }
        }
    }
    let name = object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let dry_run = if dry_run { "&dryRun=All" } else { "" };
    let path =
        format!("{BASE}/{resource}/{name}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict{dry_run}");
    send_json(&server.client(), Method::PUT, &path, "application/json", &new).await
}

/// Deletes a policy or binding, or asks whether it could be.
///
/// # Errors
/// Where the server cannot be asked, or refuses.
pub async fn delete_policy(
    server: &Server,
    resource: &str,
    name: &str,
    dry_run: bool,
) -> Result<(), RequestError> {
    // A body outweighs the query: `?dryRun=All` beside one deletes.
    let dry_run = if dry_run { json!(["All"]) } else { json!([]) };
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": dry_run});
    let path = format!("{BASE}/{resource}/{name}");
    send_json(
        &server.client(),
        Method::DELETE,
        &path,
        "application/json",
        &options,
    )
    .await?;
    Ok(())
}

/// What the server would store of a pod, after all admission. Nothing is created.
///
/// # Errors
/// Where the server cannot be asked, or refuses the pod.
pub async fn created_pod(server: &Server, namespace: &str, pod: &Value) -> Result<Value, RequestError> {
    let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
    send_json(&server.client(), Method::POST, &path, "application/json", pod).await
}

/// The ResourceQuotas of a namespace.
///
/// # Errors
/// Where the server cannot be asked, or refuses.
pub async fn quotas(server: &Server, namespace: &str) -> Result<Vec<ResourceQuota>, RequestError> {
    let path = format!("/api/v1/namespaces/{namespace}/resourcequotas");
    Ok(server.get::<List<ResourceQuota>>(&path).await?.into_items())
}
