//! Streams to single containers: attach, whose end dates the exit, and logs.

use std::time::Duration;

use futures::{AsyncBufReadExt, AsyncReadExt, StreamExt, io::BufReader};
use kube::Client;
use serde::Deserialize;
use tokio::sync::mpsc::Sender;

use super::request::{RequestError, encode, get, get_json, get_stream, get_text};
use crate::trace::{
    Evidence, Moment,
    evidence::{AttachEnd, ContainerAddress, KubeletSeen, LogLine},
};

/// One run of a container to be followed.
#[derive(Debug, Clone)]
pub struct Follower {
    /// The namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The run's container ID.
    pub id: String,
}

/// What a follower tells.
#[derive(Debug)]
pub enum Followed {
    /// Evidence.
    Evidence(Evidence),
    /// It may not, or cannot, be followed.
    Refused(String),
}

impl Follower {
    fn address(&self) -> ContainerAddress {
        ContainerAddress {
            namespace: Some(self.namespace.clone()),
            pod: self.pod.clone(),
            container: self.container.clone(),
        }
    }

    fn path(&self, subresource: &str, query: &str) -> String {
        format!(
            "/api/v1/namespaces/{}/pods/{}/{subresource}?container={}&{query}",
            self.namespace,
            self.pod,
            encode(&self.container)
        )
    }
}

/// The channel on which the server says how a stream ended (remotecommand protocol).
const ERROR_CHANNEL: u8 = 3;

#[derive(Debug, Deserialize)]
struct StreamStatus {
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
}

/// Attaches to a run, discards what it prints, and tells when the stream ended.
pub async fn follow_attach(client: Client, follower: Follower, sender: Sender<Followed>) {
    let path = follower.path("attach", "stdout=true");
    let opened = Moment::now();
    let outcome = match get(&path) {
        Ok(request) => attach_until_end(&client, request).await,
        Err(error) => Err(error.to_string()),
    };
    let (closed, error) = match outcome {
        Ok(closed) => (closed, None),
        Err(error) => (Moment::now(), Some(error)),
    };
    let refused = error.clone();
    let end = AttachEnd {
        address: follower.address(),
        id: follower.id,
        opened,
        closed,
        error,
    };
    let _ = sender.send(Followed::Evidence(Evidence::Attach(end))).await;
    if let Some(error) = refused {
        let _ = sender
            .send(Followed::Refused(format!(
                "attach {}/{}: {error}",
                follower.pod, follower.container
            )))
            .await;
    }
}

/// The moment at which the server said that the process had ended.
async fn attach_until_end(client: &Client, request: http::Request<Vec<u8>>) -> Result<Moment, String> {
    let connection = client
        .connect(request)
        .await
        .map_err(|error| RequestError::new("attach", &error).to_string())?;
    let mut stream = connection.into_stream();
    while let Some(message) = stream.next().await {
        let now = Moment::now();
        let data = message.map_err(|error| format!("cut: {error}"))?.into_data();
        if data.first() == Some(&ERROR_CHANNEL) {
            let status: StreamStatus = serde_json::from_slice(data.get(1..).unwrap_or_default())
                .map_err(|error| error.to_string())?;
            return if status.status == "Success" {
                Ok(now)
            } else {
                Err(status.message)
            };
        }
    }
    Err("cut: the stream ended without a status".to_owned())
}

/// The longest line of a log that is read at once, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// Bytes that hold at least the first line's time.
const FIRST_LINE_BYTES: usize = 256;

/// Reads when a run printed its first line, and follows it to its last.
pub async fn follow_log(client: Client, follower: Follower, sender: Sender<Followed>) {
    let send = async |line: &str| {
        let time = line.split_once(' ').and_then(|(time, _)| Moment::parse(time));
        if let Some(time) = time {
            let line = LogLine {
                address: follower.address(),
                time,
            };
            let _ = sender.send(Followed::Evidence(Evidence::Log(line))).await;
        }
    };
    let path = follower.path("log", "follow=true&timestamps=true&tailLines=1");
    let first = follower.path("log", &format!("timestamps=true&limitBytes={FIRST_LINE_BYTES}"));
    if let Ok(text) = get_text(&client, &first).await {
        send(&text).await;
    }
    let stream = match get_stream(&client, &path).await {
        Ok(stream) => stream,
        Err(error) => {
            let _ = sender.send(Followed::Refused(error.to_string())).await;
            return;
        }
    };
    let mut reader = BufReader::new(stream);
    let (mut line, mut last) = (Vec::new(), None);
    let mut alone = true;
    // What is behind so much of a line is read as another one, which has no time.
    while (&mut reader)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|read| read > 0)
    {
        let text = String::from_utf8_lossy(&line).into_owned();
        if alone {
            send(&text).await;
            alone = false;
        }
        last = Some(text);
        line.clear();
    }
    if let Some(last) = last {
        send(&last).await;
    }
}

/// How often a node is asked whether its kubelet is back.
const NODE_PAUSE: Duration = Duration::from_secs(2);

/// Follows a node whose kubelet went away until it is back, or nobody listens, or the node may not be read.
pub async fn follow_absence(client: Client, node: String, sender: Sender<Followed>) {
    let mut was_away = false;
    loop {
        let answer: Result<serde_json::Value, _> = get_json(&client, &format!("/api/v1/nodes/{node}")).await;
        let value = match answer {
            Ok(value) => value,
            Err(error) if matches!(error.code(), Some(403 | 404)) => return,
            Err(_) => serde_json::Value::Null,
        };
        let conditions = value
            .pointer("/status/conditions")
            .and_then(serde_json::Value::as_array);
        let text = |condition: &serde_json::Value, field: &str| {
            condition
                .get(field)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|condition| text(condition, "type").as_deref() == Some("Ready"));
        if let Some(ready) = ready {
            let away = text(ready, "status").as_deref() != Some("True");
            if away != was_away {
                let since = text(ready, "lastTransitionTime");
                let seen = KubeletSeen {
                    noticed: Moment::now(),
                    node: node.clone(),
                    away,
                    since: since.as_deref().and_then(Moment::parse),
                };
                let _ = sender.send(Followed::Evidence(Evidence::Kubelet(seen))).await;
            }
            was_away = away;
            if !away {
                return;
            }
        }
        if sender.is_closed() {
            return;
        }
        tokio::time::sleep(NODE_PAUSE).await;
    }
}
