//! A bar on standard error for runs that take their time.

use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Runs that are over by then have no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Counts steps, and shows them after a while where standard error is a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to count up to `steps`.
    pub(super) fn start(steps: usize) -> Self {
        Self::with_template(
            Some(steps as u64),
            "linting {wide_bar} {pos}/{len} files {elapsed}",
        )
    }

    /// Begins to count up to so many renderings of charts and kustomizations.
    pub(super) fn renderings(count: usize) -> Self {
        Self::with_template(
            Some(count as u64),
            "rendering {wide_bar} {pos}/{len} charts and kustomizations {elapsed}",
        )
    }

    /// Begins to count up to so many charts and trees of kustomizations that are rewritten.
    pub(super) fn proofs(count: usize) -> Self {
        Self::with_template(
            Some(count as u64),
            "rewriting {wide_bar} {pos}/{len} charts and kustomizations {elapsed}",
        )
    }

    /// Begins to count the objects of a cluster, of which nobody knows how many there are.
    pub(super) fn scan() -> Self {
        Self::with_template(None, "scanning {spinner} {human_pos} objects {elapsed}")
    }

    fn with_template(steps: Option<u64>, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(steps, ProgressDrawTarget::hidden());
        if !io::stderr().is_terminal() {
            return Self { bar, waiting: None };
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let (sender, receiver) = mpsc::channel();
        let shown = bar.clone();
        let thread = thread::spawn(move || {
            if receiver.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self {
            bar,
            waiting: Some((sender, thread)),
        }
    }

    /// Something that prints lines, where a bar may be shown too.
    pub(super) fn printing(&self, print: fn(&str)) -> impl Fn(&str) + Send + Sync + 'static {
        let bar = self.bar.clone();
        move |line| bar.suspend(|| print(line))
    }

    /// One step is done.
    pub(super) fn step(&self) {
        self.steps(1);
    }

    /// So many steps are done.
    pub(super) fn steps(&self, count: usize) {
        self.bar.inc(count as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.waiting.take() {
            drop(sender);
            // It does nothing that could fail.
            let _ended = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
