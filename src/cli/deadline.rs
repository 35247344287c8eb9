//! Questions to a cluster that somebody waits for.

use std::{sync::mpsc, thread, time::Duration};

/// What `ask` answers in time. It is asked on a thread of its own, which is left behind where it takes too long: a
/// credential plugin can't be interrupted otherwise.
pub(super) fn within<T, F>(patience: Duration, ask: impl FnOnce() -> F + Send + 'static) -> Option<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            // Nobody listens any more once the time is over.
            let _unheard = sender.send(runtime.block_on(ask()));
        }
    });
    receiver.recv_timeout(patience).ok()
}
