//! Sends a JSON patch.

use http::Method;
use serde_json::Value;

use crate::cluster::{RequestError, Server, send_json};

/// The query that makes the server do everything but keep the result.
pub const DRY_RUN: &str = "&dryRun=All";

/// Sends a JSON patch of the object at `path` and gives what the server makes of the object. Fields that the server
/// does not know are an error. `query` goes to the end of the request's own.
///
/// # Errors
/// Where the server refuses or cannot be reached. After an error that is no refusal the object may be changed.
pub async fn submit(server: &Server, path: &str, query: &str, patch: &Value) -> Result<Value, RequestError> {
    let path = format!("{path}?fieldManager=kubectl-sidecar&fieldValidation=Strict{query}");
    let content_type = "application/json-patch+json";
    send_json(&server.client(), Method::PATCH, &path, content_type, patch).await
}
