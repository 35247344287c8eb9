//! Plain requests: what is read, and what is asked to be changed.

use http::{Method, Request};
use kube::Client;
use serde::de::DeserializeOwned;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The server refused it.
    #[error("{path}: {message} ({code})")]
    Refused {
        /// What was asked for.
        path: String,
        /// The HTTP status.
        code: u16,
        /// What the server said.
        message: String,
    },
    /// The server could not be reached, or the connection broke.
    #[error("{path}: {message}")]
    Broken {
        /// What was asked for.
        path: String,
        /// What happened.
        message: String,
    },
    /// The answer is not what it should be.
    #[error("{path}: {message}")]
    Answer {
        /// What was asked for.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

impl RequestError {
    /// Sorts kube's errors by what can be done about them.
    #[must_use]
    pub fn new(path: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused {
                path: path.to_owned(),
                code: status.code,
                message: status.message.clone(),
            },
            other => Self::Broken {
                path: path.to_owned(),
                message: chain(other),
            },
        }
    }

    /// What was asked for.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Refused { path, .. } | Self::Broken { path, .. } | Self::Answer { path, .. } => path,
        }
    }

    /// The HTTP status the server refused with.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Broken { .. } | Self::Answer { .. } => None,
        }
    }
}

/// An error with its causes: hyper's own says only "client error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = next.source();
    }
    text
}

/// A GET request for `path`. Compression is refused: it delays the lines of a watch.
pub(super) fn get(path: &str) -> Result<Request<Vec<u8>>, RequestError> {
    Request::get(path)
        .header(http::header::ACCEPT_ENCODING, "identity")
        .body(Vec::new())
        .map_err(|error| RequestError::Broken {
            path: path.to_owned(),
            message: error.to_string(),
        })
}

/// The answer to a GET as text.
///
/// # Errors
/// Where the server cannot be reached or refuses.
pub async fn get_text(client: &Client, path: &str) -> Result<String, RequestError> {
    client
        .request_text(get(path)?)
        .await
        .map_err(|error| RequestError::new(path, &error))
}

/// The answer to a GET, read as JSON.
///
/// # Errors
/// Where the server cannot be reached or refuses, or answers something else.
pub async fn get_json<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, RequestError> {
    let text = get_text(client, path).await?;
    serde_json::from_str(&text).map_err(|error| RequestError::Answer {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

/// Sends a value with a request that changes something, or would (`dryRun=All` in the path's query), and gives the
/// server's answer.
///
/// # Errors
/// Where the server cannot be reached or refuses.
pub async fn send_json(
    client: &Client,
    method: Method,
    path: &str,
    content_type: &str,
    body: &serde_json::Value,
) -> Result<serde_json::Value, RequestError> {
    let broken = |message: String| RequestError::Broken {
        path: path.to_owned(),
        message,
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, content_type)
        .body(serde_json::to_vec(body).map_err(|error| broken(error.to_string()))?)
        .map_err(|error| broken(error.to_string()))?;
    client
        .request(request)
        .await
        .map_err(|error| RequestError::new(path, &error))
}

/// A value as a part of a query.
pub(super) fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
