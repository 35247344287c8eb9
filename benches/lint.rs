//! How long linting takes beside the bare events of saphyr-parser, over the same 10,000 manifests in the same
//! run, and what the binary takes in time and memory: `cargo bench --bench lint`.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

#[path = "lint/mod.rs"]
mod shared;

use std::{
    fs,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use kubectl_sidecar::{
    lint::{Options, lint},
    pod::Settings,
    roles::Catalogue,
    source::SourceFile,
};
use rayon::prelude::*;
use saphyr_parser::Parser;
use shared::{manifests, name, process::run};

const MANIFESTS: usize = 10_000;
/// Each measurement is repeated that often, in turns, and the median of all counts.
const ROUNDS: usize = 7;
const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-sidecar");

fn main() {
    let texts: Vec<String> = (0..MANIFESTS).map(manifests::manifest).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let sources: Vec<Arc<SourceFile>> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            Arc::new(SourceFile {
                name: name(index),
                text: text.as_str().into(),
            })
        })
        .collect();
    let options = Options {
        settings: Settings::default(),
        catalogue: Arc::new(Catalogue::built_in().clone()),
    };
    let outcome = lint(&sources, &[], &options, &|| ());
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors.first());
    println!(
        "{MANIFESTS} manifests, {:.1} MB, {:.1} kB each; {} workloads, {} findings; {} threads",
        bytes as f64 / 1e6,
        bytes as f64 / 1e3 / MANIFESTS as f64,
        outcome.workloads.len(),
        outcome.findings.len(),
        rayon::current_num_threads(),
    );

    let directory = tempfile::tempdir().unwrap();
    for source in &sources {
        let path = directory.path().join(&source.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source.text.as_bytes()).unwrap();
    }

    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut memory = 0;
    let [parse_one, lint_one, parse_all, lint_all, whole] = medians([
        &mut || single.install(|| sources.iter().for_each(parse)),
        &mut || single.install(|| drop(black_box(lint(&sources, &[], &options, &|| ())))),
        &mut || sources.par_iter().for_each(parse),
        &mut || drop(black_box(lint(&sources, &[], &options, &|| ()))),
        &mut || memory = memory.max(run(BINARY, &["lint", "-q", "."], directory.path()).peak),
    ]);
    let report = |name: &str, time: Duration, bare: Option<Duration>| {
        let seconds = time.as_secs_f64();
        let ratio = bare.map_or(String::new(), |bare| {
            format!(", {:.2} times the bare parse", seconds / bare.as_secs_f64())
        });
        println!(
            "{name:32} {:7.1} ms, {:5.1} µs a manifest, {:6.1} MB/s{ratio}",
            seconds * 1e3,
            seconds * 1e6 / MANIFESTS as f64,
            bytes as f64 / 1e6 / seconds,
        );
    };
    report("one thread: bare parse", parse_one, None);
    report("one thread: lint", lint_one, Some(parse_one));
    report("all threads: bare parse", parse_all, None);
    report("all threads: lint", lint_all, Some(parse_all));
    report("kubectl-sidecar lint -q DIR", whole, Some(parse_all));
    println!("its peak memory: {:.1} MB", memory as f64 / 1e6);

    let file = name(0);
    let [version, small] = medians([
        &mut || {
            run(BINARY, &["--version"], directory.path());
        },
        &mut || {
            run(BINARY, &["lint", &file], directory.path());
        },
    ]);
    println!("kubectl-sidecar --version: {version:.1?}");
    println!("kubectl-sidecar lint of one file: {small:.1?}");
}

/// What nobody can do without.
fn parse(source: &Arc<SourceFile>) {
    let mut parser = Parser::new_from_str(&source.text);
    while let Some(event) = parser.next_event() {
        black_box(event.unwrap());
    }
}

/// The median time of each, measured in turns, so that a busy machine is unfair to all alike.
fn medians<const COUNT: usize>(mut runs: [&mut dyn FnMut(); COUNT]) -> [Duration; COUNT] {
    let mut times = [(); COUNT].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            run();
            times.push(start.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort();
        times[ROUNDS / 2]
    })
}
