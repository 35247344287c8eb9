//! How long migrating takes beside linting the same files in the same run: `cargo bench --bench migrate`.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

#[path = "lint/mod.rs"]
mod shared;

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use shared::{fill, manifests};

const MANIFESTS: usize = 10_000;
/// Each measurement is repeated that often, in turns, and the median of all counts.
const ROUNDS: usize = 5;
const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-sidecar");

fn main() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path(), MANIFESTS, manifests::manifest);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (arguments, times) in [
            &["lint", "-q", "."][..],
            &["migrate", "-q", "--target", "native", "."],
            &["migrate", "-q", "--target", "native", "--review", "."],
        ]
        .iter()
        .zip(&mut times)
        {
            times.push(time(arguments, directory.path()));
        }
    }
    let [lint, migrate, review] = times.map(|mut times| {
        times.sort();
        times[ROUNDS / 2]
    });
    println!("{MANIFESTS} manifests: lint {lint:.0?}");
    for (name, time) in [("migrate", migrate), ("migrate --review", review)] {
        println!(
            "{name}: {time:.0?}, {:.2} times lint",
            time.as_secs_f64() / lint.as_secs_f64()
        );
    }
}

fn time(arguments: &[&str], directory: &Path) -> Duration {
    let start = Instant::now();
    let status = Command::new(BINARY)
        .args(arguments)
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(
        status.code().is_some_and(|code| code < 2),
        "{arguments:?}: {status}"
    );
    start.elapsed()
}
