//! Where the time of lint goes, phase by phase, over small manifests with findings in each and over manifests as
//! repositories hold them: `cargo bench --bench phases`.

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
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use kubectl_sidecar::{
    lint::{Options, lint},
    pod::Settings,
    report::{Appearance, Format, Report},
    roles::Catalogue,
    source::{Request, SourceFile, discover, read_all},
    yaml,
};
use saphyr_parser::Parser;
use shared::{
    fill, manifests,
    process::{median, run},
    small,
};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-sidecar");

/// Each phase is measured that often, in turns, and the median counts.
const ROUNDS: usize = 9;

/// The phases, and on how many threads they run in the program.
const PHASES: [(&str, &str); 9] = [
    ("start of the process", ""),
    ("discovery", "one thread"),
    ("reading", "all threads"),
    ("the YAML parser's bare events", "one thread, alone"),
    ("trees", "one thread, alone"),
    ("lint", "one thread, alone"),
    ("lint", "all threads"),
    ("JSON", "all threads"),
    ("the whole process", ""),
];

fn main() {
    let small = phases(small::manifest);
    let usual = phases(manifests::manifest);
    println!(
        "{} files in each set; milliseconds, and % of the whole process",
        small::SMALL
    );
    println!("{:50} {:>14} {:>14}", "", "small", "as usual");
    for (at, (phase, threads)) in PHASES.iter().enumerate() {
        let cell = |times: &[Duration]| {
            let milliseconds = |time: &Duration| time.as_secs_f64() * 1e3;
            let share = milliseconds(&times[at]) / milliseconds(times.last().unwrap()) * 100.0;
            format!("{:7.1} {share:4.0} %", milliseconds(&times[at]))
        };
        println!(
            "{:50} {:>14} {:>14}",
            format!("{phase}, {threads}").trim_end_matches(", "),
            cell(&small),
            cell(&usual)
        );
    }
}

fn phases(manifest: fn(usize) -> String) -> Vec<Duration> {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path(), small::SMALL, manifest);
    let mut rounds = vec![Vec::new(); PHASES.len()];
    for _ in 0..ROUNDS {
        for (times, time) in rounds.iter_mut().zip(once(directory.path())) {
            times.push(time);
        }
    }
    rounds.into_iter().map(median).collect()
}

fn once(directory: &Path) -> [Duration; PHASES.len()] {
    let options = Options {
        settings: Settings::default(),
        catalogue: Arc::new(Catalogue::built_in().clone()),
    };
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (discovery, found) = timed(|| discover(&[Request::Path(directory.to_owned())]).unwrap());
    let (reading, texts) = timed(|| read_all(&found.inputs));
    let sources: Vec<Arc<SourceFile>> = texts
        .into_iter()
        .map(|text| Arc::new(text.unwrap().unwrap()))
        .collect();
    let (bare, ()) = timed(|| sources.iter().for_each(parse));
    let (trees, ()) = timed(|| {
        sources
            .iter()
            .for_each(|source| drop(black_box(yaml::parse(&source.text))))
    });
    let (alone, _) = timed(|| single.install(|| lint(&sources, &[], &options, &|| ())));
    let (all, outcome) = timed(|| lint(&sources, &[], &options, &|| ()));
    let report = Report {
        findings: &outcome.findings,
        workloads: &outcome.workloads,
        files: sources.len(),
        ..Report::default()
    };
    let appearance = Appearance {
        color: false,
        width: None,
        quiet: true,
        program: "kubectl sidecar".to_owned(),
    };
    let (json, _) = timed(|| {
        let mut out = Vec::new();
        report.write(Format::Json, &appearance, &mut out).unwrap();
        out
    });
    let start = run(BINARY, &["--version"], directory).wall;
    let whole = run(BINARY, &["lint", "-q", "-o", "json", "."], directory).wall;
    [start, discovery, reading, bare, trees, alone, all, json, whole]
}

fn timed<T>(phase: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = phase();
    (start.elapsed(), result)
}

/// What nobody can do without.
fn parse(source: &Arc<SourceFile>) {
    let mut parser = Parser::new_from_str(&source.text);
    while let Some(event) = parser.next_event() {
        black_box(event.unwrap());
    }
}
