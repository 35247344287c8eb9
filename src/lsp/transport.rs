//! Messages from the client, as they come in.
//!
//! lsp-server's own reader ends at the first message that it does not understand, and takes any length for a
//! promise. This one goes on after such a message, and ends where the framing itself is broken.

use std::{
    collections::HashSet,
    io::{self, BufRead, BufReader, Read},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Instant,
};

use lsp_server::{Message, RequestId};

use super::trees::RenderedTree;
use crate::source::MAXIMUM_SIZE;

/// A message holds a document at most, escaped as JSON.
const LONGEST_MESSAGE: u64 = 2 * MAXIMUM_SIZE;

/// More than any header needs.
const LONGEST_HEADER: u64 = 4096;

/// What has come in and is not handled yet. A thread of its own reads, so that a request can be cancelled while
/// another is handled.
pub(super) struct Inbox {
    receiver: Receiver<Incoming>,
    sender: Sender<Incoming>,
    cancelled: Arc<Mutex<HashSet<RequestId>>>,
}

/// What comes in.
pub(super) enum Incoming {
    /// From the client.
    Message(Box<Message>),
    /// The client is gone.
    End,
    /// From the thread that renders.
    Rendered(Vec<RenderedTree>),
}

/// What there is to do next.
pub(super) enum Next {
    /// A message is to be handled.
    Message(Message),
    /// Charts and kustomizations were rendered.
    Rendered(Vec<RenderedTree>),
    /// Nothing came until the deadline.
    Quiet,
    /// Nothing comes any more.
    Closed,
}

impl Inbox {
    /// Begins to read.
    pub(super) fn open(input: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let cancelled: Arc<Mutex<HashSet<RequestId>>> = Arc::default();
        let cancelling = Arc::clone(&cancelled);
        let own = sender.clone();
        thread::spawn(move || {
            let mut input = BufReader::new(input);
            // A broken frame ends the conversation as an end of the input does.
            while let Ok(Some(body)) = read_frame(&mut input) {
                let Ok(message) = serde_json::from_slice(&body) else {
                    continue;
                };
                if let Some(id) = cancels(&message) {
                    cancelling
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(id);
                } else if sender.send(Incoming::Message(Box::new(message))).is_err() {
                    return;
                }
            }
            // Nobody may be left to hear it.
            let _sent = sender.send(Incoming::End);
        });
        Self {
            receiver,
            sender: own,
            cancelled,
        }
    }

    /// Where something else that comes in is sent.
    pub(super) fn sender(&self) -> Sender<Incoming> {
        self.sender.clone()
    }

    /// The next message, or that none came until the deadline.
    pub(super) fn next(&self, deadline: Option<Instant>) -> Next {
        let received = match deadline {
            Some(deadline) => self
                .receiver
                .recv_timeout(deadline.saturating_duration_since(Instant::now())),
            None => self.receiver.recv().map_err(RecvTimeoutError::from),
        };
        match received {
            Ok(Incoming::Message(message)) => Next::Message(*message),
            Ok(Incoming::Rendered(trees)) => Next::Rendered(trees),
            Ok(Incoming::End) => Next::Closed,
            Err(RecvTimeoutError::Timeout) => Next::Quiet,
            Err(RecvTimeoutError::Disconnected) => Next::Closed,
        }
    }

    /// Whether a request was cancelled; asked once for each.
    pub(super) fn is_cancelled(&self, id: &RequestId) -> bool {
        self.cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id)
    }
}

/// The request that a message cancels.
fn cancels(message: &Message) -> Option<RequestId> {
    match message {
        Message::Notification(notification) if notification.method == "$/cancelRequest" => {
            serde_json::from_value(notification.params.get("id")?.clone()).ok()
        }
        _ => None,
    }
}

/// The body of the next message; `None` at the end of the input.
fn read_frame(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(LONGEST_HEADER).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = std::str::from_utf8(&line).map_err(|_| broken("a header is no text"))?;
        let line = line
            .strip_suffix('\n')
            .ok_or_else(|| broken("a header has no end"))?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| broken("a header has no name"))?;
        if name.eq_ignore_ascii_case("Content-Length") {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let length = length
        .filter(|length| *length <= LONGEST_MESSAGE)
        .ok_or_else(|| broken("a message has no length, or one that none has"))?;
    let mut body = Vec::new();
    input.by_ref().take(length).read_to_end(&mut body)?;
    if (body.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(mut input: &[u8]) -> Vec<Result<Vec<u8>, io::ErrorKind>> {
        let mut all = Vec::new();
        loop {
            match read_frame(&mut input) {
                Ok(Some(body)) => all.push(Ok(body)),
                Ok(None) => return all,
                Err(error) => {
                    all.push(Err(error.kind()));
                    return all;
                }
            }
        }
    }

    #[test]
    fn frames_follow_each_other() {
        let input = b"Content-Length: 2\r\n\r\n{}content-length:3\r\nContent-Type: x\r\n\r\n[1]";
        assert_eq!(frames(input), [Ok(b"{}".to_vec()), Ok(b"[1]".to_vec())]);
    }

    #[test]
    fn broken_frames_are_errors() {
        for input in [
            &b"\r\n\r\n"[..],
            b"Content-Length: 18446744073709551615\r\n\r\n",
            b"Content-Length: -1\r\n\r\n",
            b"Content-Length: 9999999999999\r\n\r\n{}",
            b"Content-Length: 5\r\n\r\n{}",
            b"hello\r\n",
            b"\xff\xfe\r\n",
            &[b'x'; 10_000],
        ] {
            assert!(
                frames(input).iter().any(Result::is_err),
                "{:?}",
                String::from_utf8_lossy(input)
            );
        }
    }
}
