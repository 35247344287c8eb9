//! Signals that end a trace or a scan, or come while files are written.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Ctrl-C, and where there are signals SIGTERM and SIGHUP: the run ends with what it has. They are listened
/// for from the beginning, so that none is lost.
pub(super) struct Interrupts {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

impl Interrupts {
    pub(super) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                signals: [
                    signal(SignalKind::interrupt())?,
                    signal(SignalKind::terminate())?,
                    signal(SignalKind::hangup())?,
                ],
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate, hangup] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Notes the signals of [`Interrupts`] from now on, so that they end nothing in the middle.
#[derive(Debug, Default)]
pub(super) struct Interruption {
    has_come: Arc<AtomicBool>,
}

impl Interruption {
    /// Listens on a thread of its own. Where that can't be, signals end the process as they always do.
    pub(super) fn listen() -> Self {
        let interruption = Self::default();
        let has_come = Arc::clone(&interruption.has_come);
        let (ready, listening) = std::sync::mpsc::channel();
        let listen = async move {
            let interrupts = Interrupts::new();
            // Whoever started this waits for it.
            let _unheard = ready.send(());
            if let Ok(mut interrupts) = interrupts {
                interrupts.next().await;
                has_come.store(true, Ordering::Relaxed);
            }
        };
        let started = thread::Builder::new().spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(listen);
            }
        });
        if started.is_ok() {
            // An error is a thread that has ended.
            let _ended = listening.recv();
        }
        interruption
    }

    /// Whether a signal has come.
    pub(super) fn has_come(&self) -> bool {
        self.has_come.load(Ordering::Relaxed)
    }
}
