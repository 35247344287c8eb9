//! How long to wait before a server is asked again, and when to give up.

use std::time::Duration;

use super::{Arrival, Watch};
use crate::cluster::{request::RequestError, resource::WatchedResource};

/// Pauses between attempts to reach the server: the first and the longest.
pub(super) const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Pauses before a watch that brought nothing is asked for again, as those of client-go's reflector: the first and
/// the longest.
const FRUITLESS_PAUSES: (Duration, Duration) = (Duration::from_millis(800), Duration::from_secs(30));
/// So many watches on end may bring nothing that can be read.
const FRUITLESS: u32 = 8;
/// So many requests on end may be refused because there are too many.
const REFUSALS: u32 = 12;
/// A server that was never reached is given up after so many failures: about three seconds.
const FIRST_ATTEMPTS: u32 = 5;

impl<T: WatchedResource> Watch<T> {
    /// Waits before a watch that brought nothing is asked for again, longer each time; gives up after a few.
    pub(super) async fn fruitless(&mut self, reason: &str) -> Result<(), RequestError> {
        self.fruitless += 1;
        if self.fruitless > FRUITLESS {
            return Err(RequestError::Answer {
                path: self.path(),
                message: format!("{FRUITLESS} watches on end have brought nothing: {reason}"),
            });
        }
        // That it happens once is nothing special.
        let Some(doublings) = self.fruitless.checked_sub(2) else {
            return Ok(());
        };
        let pause = (FRUITLESS_PAUSES.0 * 2_u32.pow(doublings)).min(FRUITLESS_PAUSES.1);
        let note = format!(
            "{}: {reason}; asking again in {:.1} s",
            T::KIND,
            pause.as_secs_f64()
        );
        let _ = self.sender.send(Arrival::Note(note)).await;
        self.sleep(pause).await;
        Ok(())
    }

    /// Sleeps, or until nobody listens any more.
    pub(super) async fn sleep(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.sender.closed() => {}
        }
    }

    /// Waits after an error that may pass; gives back one that will not.
    pub(super) async fn recover(&mut self, error: RequestError) -> Result<(), RequestError> {
        let passing = match error.code() {
            // 401: the client asks for a new token with the next request.
            Some(code) => matches!(code, 401 | 408 | 429 | 500..),
            None => self.listed || self.attempts < FIRST_ATTEMPTS,
        };
        self.attempts += 1;
        self.refusals = if error.code() == Some(429) {
            self.refusals + 1
        } else {
            0
        };
        if !self.lost {
            self.lost = true;
            let _ = self.sender.send(Arrival::Lost(T::KIND)).await;
        }
        if !passing || self.refusals > REFUSALS || self.sender.is_closed() {
            return Err(error);
        }
        if !self.complained {
            self.complained = true;
            let _ = self
                .sender
                .send(Arrival::Note(format!("{error}; trying again")))
                .await;
        }
        self.sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        Ok(())
    }

    /// The watch was not ended by the server in time.
    pub(super) async fn dead(&mut self, age: Duration) {
        if !self.lost {
            self.lost = true;
            let _ = self.sender.send(Arrival::Lost(T::KIND)).await;
        }
        if !self.complained {
            self.complained = true;
            let note = format!(
                "{}: the connection is dead, the server did not end its watch in {} seconds; trying again",
                self.path(),
                age.as_secs()
            );
            let _ = self.sender.send(Arrival::Note(note)).await;
        }
    }

    pub(super) async fn recovered(&mut self) {
        self.pause = PAUSES.0;
        self.found().await;
    }

    /// The server answers again.
    pub(super) async fn found(&mut self) {
        self.complained = false;
        if self.lost {
            self.lost = false;
            let _ = self.sender.send(Arrival::Found(T::KIND)).await;
        }
    }
}
