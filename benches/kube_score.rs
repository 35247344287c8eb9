//! How long lint takes beside kube-score, its peer in Go, over the same files in the same run: `cargo bench --bench
//! kube_score`. It builds kube-score where there is a Go to build it with.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark talks to whoever runs it"
)]

#[path = "lint/mod.rs"]
mod shared;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use shared::{
    fill, manifests, name,
    process::{Took, median, run},
    small,
};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-sidecar");

/// What is built.
const PEER: &str = "github.com/zegl/kube-score/cmd/kube-score@v1.20.0";

/// Both are run that often, in turns, and the median counts.
const ROUNDS: usize = 7;

fn main() {
    let Some(peer) = built() else {
        println!("SKIPPED: kube-score is built with Go, and `go install {PEER}` did not");
        return;
    };
    println!(
        "{:<26} {:>12} {:>11} {:>11} {:>11}",
        "", "lint", "kube-score", "ratio", "wanted"
    );
    compare("small, two findings each", 10.0, &peer, small::manifest);
    compare("as in repositories", 20.0, &peer, manifests::manifest);
}

/// The path of kube-score, which is kept between runs.
fn built() -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kube-score");
    let binary = directory.join("kube-score");
    if binary.is_file() {
        return Some(binary);
    }
    let mut go = Command::new("go");
    let status = go.args(["install", PEER]).env("GOBIN", &directory).status();
    status.is_ok_and(|status| status.success()).then_some(binary)
}

fn compare(what: &str, wanted: f64, peer: &Path, manifest: fn(usize) -> String) {
    let directory = tempfile::tempdir().unwrap();
    let count = small::SMALL;
    let bytes = fill(directory.path(), count, manifest);
    let mut theirs = vec!["score".to_owned(), "-o".to_owned(), "json".to_owned()];
    // It takes files, not directories.
    theirs.extend((0..count).map(name));
    let ours = ["lint", "-q", "-o", "json", "."];
    let peer = peer.to_str().unwrap();
    // Once for the page cache.
    run(BINARY, &ours, directory.path());
    run(peer, &theirs, directory.path());
    let (mut own, mut its) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(run(BINARY, &ours, directory.path()));
        its.push(run(peer, &theirs, directory.path()));
    }
    println!(
        "{what}: {count} files of {:.2} kB",
        bytes as f64 / 1e3 / count as f64
    );
    let row = |figure: &str, wanted: &str, of: &dyn Fn(&Took) -> Option<u128>, unit: f64| {
        let figures = |all: &[Took]| all.iter().map(of).collect::<Option<Vec<_>>>().map(median);
        if let (Some(own), Some(its)) = (figures(&own), figures(&its)) {
            let (own, its) = (own as f64 / unit, its as f64 / unit);
            println!(
                "  {figure:<24} {own:>12.1} {its:>11.1} {:>11.2} {wanted:>11}",
                its / own
            );
        }
    };
    let per_file = 1e3 * count as f64;
    row(
        "wall time, µs a file",
        &format!("{wanted}"),
        &|took| Some(took.wall.as_nanos()),
        per_file,
    );
    row(
        "processor, µs a file",
        "",
        &|took| Some(took.cpu?.as_nanos()),
        per_file,
    );
    row(
        "peak memory, MB",
        "4",
        &|took| Some(u128::from(took.peak)).filter(|peak| *peak > 0),
        1e6,
    );
}
