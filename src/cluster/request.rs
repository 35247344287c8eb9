//! Plain requests: what is read, and what is asked to be changed.

use std::{io, time::Duration};

use futures::{AsyncBufRead, TryStreamExt};
use http::{Method, Request};
use http_body_util::{BodyExt, BodyStream, LengthLimitError, Limited};
use kube::{Client, client::Body};
use serde::{Serialize, de::DeserializeOwned};

use super::connect::Unreachable;
use crate::trace::object::ErrorStatus;

/// The largest answer that is read, in bytes: several times what the largest page of a list holds.
const LARGEST_ANSWER: usize = 256 << 20;
/// How long an answer may take: as long as the API server gives itself for one (kube-apiserver, `--request-timeout`).
const PATIENCE: Duration = Duration::from_secs(60);
/// A change is sent so often where the server has too much to do.
const ATTEMPTS: u32 = 5;
/// The pause after the first attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

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
            kube::Error::Service(error) if error.is::<Unreachable>() => Self::Broken {
                path: path.to_owned(),
                message: error.to_string(),
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

/// A body as a whole, unless it has no end.
pub(super) async fn collect(path: &str, body: Body) -> Result<Vec<u8>, RequestError> {
    match Limited::new(body, LARGEST_ANSWER).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(RequestError::Answer {
            path: path.to_owned(),
            message: format!("the answer is larger than {} MiB", LARGEST_ANSWER >> 20),
        }),
        Err(error) => Err(RequestError::Broken {
            path: path.to_owned(),
            message: chain(error.as_ref()),
        }),
    }
}

/// Sends a GET and gives the body of an answer that is no refusal.
async fn open(client: &Client, path: &str) -> Result<Body, RequestError> {
    send(client, path, get(path)?).await
}

/// Sends a request that reads and gives the body of an answer that is no refusal.
pub(super) async fn send(
    client: &Client,
    path: &str,
    request: Request<Vec<u8>>,
) -> Result<Body, RequestError> {
    let response = client
        .send(request.map(Body::from))
        .await
        .map_err(|error| RequestError::new(path, &error))?;
    let (head, body) = response.into_parts();
    if head.status.is_success() {
        return Ok(body);
    }
    let said = collect(path, body).await?;
    let status: ErrorStatus = serde_json::from_slice(&said).unwrap_or_default();
    Err(RequestError::Refused {
        path: path.to_owned(),
        code: head.status.as_u16(),
        message: match status.message.as_str() {
            "" => head.status.canonical_reason().unwrap_or("refused").to_owned(),
            message => message.to_owned(),
        },
    })
}

/// The answer to a GET as a stream, for watches and logs.
pub(super) async fn get_stream(
    client: &Client,
    path: &str,
) -> Result<impl AsyncBufRead + Unpin + use<>, RequestError> {
    let frames = BodyStream::new(open(client, path).await?)
        .try_filter_map(async |frame| Ok(frame.into_data().ok()))
        .map_err(io::Error::other);
    Ok(Box::pin(frames).into_async_read())
}

/// An answer, where it comes in time.
async fn within<A>(
    path: &str,
    unknown: &str,
    answer: impl Future<Output = Result<A, RequestError>>,
) -> Result<A, RequestError> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| {
        Err(RequestError::Broken {
            path: path.to_owned(),
            message: format!("no answer within {} seconds{unknown}", PATIENCE.as_secs()),
        })
    })
}

/// The answer to a GET as text.
///
/// # Errors
/// Where the server cannot be reached or refuses, or does not come to an end.
pub async fn get_text(client: &Client, path: &str) -> Result<String, RequestError> {
    let body = within(path, "", async {
        let body = open(client, path).await?;
        collect(path, body).await
    });
    String::from_utf8(body.await?).map_err(|error| RequestError::Answer {
        path: path.to_owned(),
        message: error.to_string(),
    })
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
    body: &impl Serialize,
) -> Result<serde_json::Value, RequestError> {
    let broken = |message: String| RequestError::Broken {
        path: path.to_owned(),
        message,
    };
    let body = serde_json::to_vec(body).map_err(|error| broken(error.to_string()))?;
    let mut attempt = 1;
    loop {
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(http::header::CONTENT_TYPE, content_type)
            .body(body.clone())
            .map_err(|error| broken(error.to_string()))?;
        let unknown = "; whether the server did what was asked for is not known";
        let outcome = within(path, unknown, async {
            client
                .request(request)
                .await
                .map_err(|error| RequestError::new(path, &error))
        });
        match outcome.await {
            // Refused before anything was done.
            Err(error) if error.code() == Some(429) && attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
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
