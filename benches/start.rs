//! `cargo bench --bench start`: how large the binary is, how soon it starts, and how soon it has linted one file,
//! beside a program that does nothing. It states limits; it does not fail.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark talks to whoever runs it"
)]

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-sidecar");

/// The largest that a release may be, in bytes.
const LARGEST: u64 = 12_000_000;

/// The longest that a start may take.
const LONGEST: Duration = Duration::from_millis(10);

const RUNS: usize = 41;

fn main() {
    let size = fs::metadata(BINARY).unwrap().len();
    println!(
        "size: {:.2} MB, {}",
        size as f64 / 1e6,
        verdict(size < LARGEST, "12 MB")
    );
    let nothing = median(&["true"]);
    for (name, command) in [
        ("--version", &[BINARY, "--version"][..]),
        (
            "lint of one file",
            &[BINARY, "lint", "--no-config", "examples/declared.yaml"],
        ),
    ] {
        let took = median(command);
        println!(
            "{name}: {:.2} ms, {:.1} times what `true` takes, {}",
            took.as_secs_f64() * 1e3,
            took.as_secs_f64() / nothing.as_secs_f64(),
            verdict(took < LONGEST, "10 ms")
        );
    }
}

fn verdict(kept: bool, limit: &str) -> String {
    format!("{} {limit}", if kept { "below" } else { "ABOVE" })
}

/// The median time of a process from its start to its end.
fn median(command: &[&str]) -> Duration {
    let (program, arguments) = command.split_first().unwrap();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            Command::new(program)
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(RUNS / 2).copied().unwrap_or_default()
}
