//! The API server as a scan reads it: what fails and may pass is asked again, a bounded number of times, and
//! credentials that are no longer taken are fetched anew.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, header};
use kube::{Client, client::Body};
use serde::de::DeserializeOwned;

use super::{
    Connection,
    connect::{ConnectError, connect},
    request::{RequestError, collect},
};
use crate::trace::object::ErrorStatus;

/// What any resource is asked for as.
pub(super) const JSON: &str = "application/json";

/// A request is sent so often before its failure is final.
const ATTEMPTS: u32 = 4;
/// The pause after the first failure; it doubles.
const PAUSE: Duration = Duration::from_millis(250);
/// A server that asks for a longer pause (`Retry-After`) than this is taken for one that refuses.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long one request may take unless `--request-timeout` says otherwise: as long as the API server gives
/// itself for one (kube-apiserver, `--request-timeout`).
const PATIENCE: Duration = Duration::from_secs(60);
/// A request that has no answer for so long is named: nobody should have to guess what is waited for.
const QUIET: Duration = Duration::from_secs(20);
/// Pauses from this on are said.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// An API server and the credentials to ask it with.
pub struct Server {
    connection: Connection,
    client: Mutex<Client>,
    namespace: String,
    limit: Option<Duration>,
    /// Whether it ever answered: one that never did is not waited for.
    reached: AtomicBool,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

/// Why one attempt failed, and how long the server asked to wait.
struct Failure {
    error: RequestError,
    retry_after: Option<Duration>,
    /// The next attempt would end the same way: no answer came in time, or one that is no JSON.
    is_final: bool,
}

impl Server {
    /// Makes a client for the connection. Nothing is sent yet.
    ///
    /// # Errors
    /// Where the configuration is not there, or not usable.
    pub async fn connect(connection: &Connection) -> Result<Self, ConnectError> {
        let (client, namespace) = connect(connection).await?;
        let limit = match connection.request_timeout {
            // kubectl reads 0 as no limit.
            Some(limit) => Some(limit).filter(|limit| !limit.is_zero()),
            None => Some(PATIENCE),
        };
        Ok(Self {
            connection: connection.clone(),
            client: Mutex::new(client),
            namespace,
            limit,
            reached: AtomicBool::new(false),
            tell: Box::new(|_| ()),
        })
    }

    /// Has somebody told what is waited for.
    #[must_use]
    pub fn telling(mut self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.tell = Box::new(tell);
        self
    }

    /// The namespace of the context.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The client, with the credentials of the moment.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The answer to a GET, read as JSON.
    ///
    /// # Errors
    /// Where the server refuses, or cannot be reached in several attempts, or answers something else.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RequestError> {
        self.get_as(path, JSON, |text| serde_json::from_slice(text)).await
    }

    /// The answer to a GET in a representation (`Accept`), decoded by `decode`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_as<T>(
        &self,
        path: &str,
        accept: &str,
        decode: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, RequestError> {
        let mut renewed = false;
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(path, accept, &decode).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if failure.error.code() == Some(401) && !renewed {
                renewed = true;
                self.renew(path).await?;
                continue;
            }
            if attempt == ATTEMPTS || !self.may_pass(&failure) {
                return Err(failure.error);
            }
            let pause = failure.retry_after.unwrap_or(PAUSE * 2_u32.pow(attempt - 1));
            if pause > LONGEST_PAUSE {
                return Err(failure.error);
            }
            if pause >= LONG_PAUSE {
                (self.tell)(&format!(
                    "{}; asking again in {} s",
                    failure.error,
                    pause.as_secs_f64()
                ));
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn may_pass(&self, failure: &Failure) -> bool {
        match failure.error.code() {
            Some(code) => matches!(code, 408 | 429 | 500 | 502 | 503 | 504),
            None => !failure.is_final && self.reached.load(Ordering::Relaxed),
        }
    }

    /// Reads the configuration again: credential plugins run again, token files are read again.
    async fn renew(&self, path: &str) -> Result<(), RequestError> {
        let (client, _) = connect(&self.connection)
            .await
            .map_err(|error| RequestError::Broken {
                path: path.to_owned(),
                message: format!(
                    "the server no longer takes the credentials, and there are no others: {error}"
                ),
            })?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
        Ok(())
    }

    /// Waits for an answer, and says so where it takes long.
    async fn not_in_silence<A>(&self, path: &str, answered: impl Future<Output = A>) -> A {
        tokio::pin!(answered);
        if let Ok(answer) = tokio::time::timeout(QUIET, &mut answered).await {
            return answer;
        }
        (self.tell)(&format!(
            "{path}: no answer for {} s, waiting for it",
            QUIET.as_secs()
        ));
        answered.await
    }

    async fn attempt<T>(
        &self,
        path: &str,
        accept: &str,
        decode: &impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, Failure> {
        let request = Request::get(path)
            .header(header::ACCEPT, accept)
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Body::empty())
            .map_err(|error| Failure::broken(path, error.to_string()))?;
        let answered = async {
            let response = self.client().send(request).await;
            let response = response.map_err(|error| RequestError::new(path, &error))?;
            self.reached.store(true, Ordering::Relaxed);
            let (head, body) = response.into_parts();
            Ok((head, collect(path, body).await?))
        };
        let answered = self.not_in_silence(path, answered);
        let answer: Result<_, RequestError> = match self.limit {
            Some(limit) => tokio::time::timeout(limit, answered).await.map_err(|_| Failure {
                is_final: true,
                ..Failure::broken(path, format!("no answer within {} s", limit.as_secs_f64()))
            })?,
            None => answered.await,
        };
        let (head, body) = answer.map_err(|error| Failure {
            is_final: matches!(error, RequestError::Answer { .. }),
            ..Failure::from(error)
        })?;
        if !head.status.is_success() {
            let status: ErrorStatus = serde_json::from_slice(&body).unwrap_or_default();
            let message = match status.message.as_str() {
                "" => head.status.canonical_reason().unwrap_or("refused").to_owned(),
                message => message.to_owned(),
            };
            let retry_after = head.headers.get(header::RETRY_AFTER);
            return Err(Failure {
                // Kubernetes sends seconds, never a date.
                retry_after: retry_after
                    .and_then(|value| value.to_str().ok()?.trim().parse().ok())
                    .map(Duration::from_secs),
                ..Failure::from(RequestError::Refused {
                    path: path.to_owned(),
                    code: head.status.as_u16(),
                    message,
                })
            });
        }
        decode(&body).map_err(|error| {
            if error.is_eof() {
                // An answer without a length that was cut off.
                return Failure::broken(path, format!("the answer ends too early: {error}"));
            }
            Failure {
                is_final: true,
                ..Failure::from(RequestError::Answer {
                    path: path.to_owned(),
                    message: error.to_string(),
                })
            }
        })
    }
}

impl Failure {
    fn broken(path: &str, message: String) -> Self {
        Self::from(RequestError::Broken {
            path: path.to_owned(),
            message,
        })
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self {
            error,
            retry_after: None,
            is_final: false,
        }
    }
}
