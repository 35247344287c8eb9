//! The engine against recordings of real kubelets, judged by what the container runtime saw.
//!
//! `truth.json` only judges: nothing of it reaches the engine. Runs where `../shared/recordings` is there, or
//! where `SIDECAR_RECORDINGS` says, and says so where not.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code outside of test functions"
)]

#[macro_use]
#[path = "support/tell.rs"]
mod tell;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use kubectl_sidecar::trace::{
    Engine, Evidence, MILLISECOND, SECOND, Settings,
    declared::Reading,
    evidence::Change,
    recording::{self, Content},
    report::{draw, svg, verdict_table},
    timeline::timeline,
    verdict::{Outcome, Verdict},
};
use serde_json::Value;

/// The margin that the recordings are judged with; the default of `--attach-margin`.
const MARGIN: i64 = 250 * MILLISECOND;

#[derive(Debug, Clone, Copy)]
struct Uses {
    logs: bool,
    attach: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Score {
    pairs: usize,
    decided: usize,
    wrong: usize,
    open: usize,
    not_applicable: usize,
    /// Pairs that the evidence separates, yet which were left open.
    missed: usize,
}

impl Score {
    fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.decided += other.decided;
        self.wrong += other.wrong;
        self.open += other.open;
        self.not_applicable += other.not_applicable;
        self.missed += other.missed;
    }
}

fn root() -> Option<PathBuf> {
    let root = std::env::var_os("SIDECAR_RECORDINGS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings"),
        PathBuf::from,
    );
    if !root.is_dir() {
        tell::skip("recordings", &format!("no recordings at {}", root.display()));
        return None;
    }
    Some(root)
}

fn scenarios(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for version in std::fs::read_dir(root).unwrap().flatten() {
        if version.path().is_dir() {
            for scenario in std::fs::read_dir(version.path()).unwrap().flatten() {
                if scenario.path().join("truth.json").is_file() {
                    found.push(scenario.path());
                }
            }
        }
    }
    found.sort();
    found
}

/// The verdicts of all pods in a recording, by pod name.
fn replay(path: &Path, uses: Uses) -> BTreeMap<String, Vec<Verdict>> {
    let mut engine = Engine::new(Settings {
        reading: Reading {
            sidecars: BTreeSet::from(["proxy".to_owned()]),
            ..Reading::default()
        },
        attach_margin: MARGIN,
        attach: uses.attach,
        logs: uses.logs,
        metrics: false,
    });
    for entry in recording::entries(path).unwrap() {
        if let Content::Evidence(evidence) = entry.content.unwrap() {
            engine.push(evidence);
        }
    }
    engine
        .pods()
        .map(|pod| (pod.name.name.clone(), engine.verdicts(pod)))
        .collect()
}

fn last_exit(pod: &Value, container: &str) -> Option<(i64, String)> {
    pod["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["container"] == container && step["what"] == "exited")
        .map(|step| {
            (
                step["time"].as_i64().unwrap(),
                step["id"].as_str().unwrap().to_owned(),
            )
        })
        .next_back()
}

/// Whether a pair must be decided: every start order, and stops in different seconds, and with attach those
/// whose streams ended further apart than the margin in the second they should.
fn must_decide(pod: &Value, ends: &BTreeMap<String, i64>, rule: &str, before: &str, after: &str) -> bool {
    if rule == "start-order" {
        return true;
    }
    let (Some((first, one)), Some((second, two))) = (last_exit(pod, before), last_exit(pod, after)) else {
        return false;
    };
    let streams_apart = match (ends.get(&one), ends.get(&two)) {
        (Some(one), Some(two)) => (one - two).abs() > MARGIN,
        _ => false,
    };
    first / SECOND != second / SECOND || streams_apart
}

/// When the attach streams of the runs ended, by container ID.
fn stream_ends(path: &Path) -> BTreeMap<String, i64> {
    let text = std::fs::read_to_string(path.join("attach.jsonl")).unwrap_or_default();
    let rows = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row.get("error").is_none())
        .map(|row| {
            (
                row["id"].as_str().unwrap().to_owned(),
                row["closed"].as_i64().unwrap(),
            )
        })
        .collect()
}

/// In these scenarios the stop order is not promised: the grace ran out, or deletion was forced.
fn is_void(scenario: &str, rule: &str) -> bool {
    rule == "stop-order" && matches!(scenario, "native-grace-exceeded" | "force-delete")
}

fn judge(path: &Path, uses: Uses, complaints: &mut Vec<String>) -> Score {
    let truth: Value =
        serde_json::from_str(&std::fs::read_to_string(path.join("truth.json")).unwrap()).unwrap();
    let scenario = path.file_name().unwrap().to_string_lossy();
    let verdicts = replay(path, uses);
    let ends = if uses.attach {
        stream_ends(path)
    } else {
        BTreeMap::new()
    };
    let mut score = Score::default();
    for pod in truth["pods"].as_array().unwrap() {
        let name = pod["pod"].as_str().unwrap();
        for rule in pod["rules"].as_array().unwrap() {
            let text = |field: &str| rule[field].as_str().unwrap();
            let (kind, before, after) = (text("rule"), text("before"), text("after"));
            let place = format!("{} {name} {kind} {before} -> {after}", path.display());
            let found = verdicts.get(name).and_then(|verdicts| {
                verdicts.iter().find(|verdict| {
                    verdict.rule == kind
                        && verdict.before.as_deref() == Some(before)
                        && verdict.after.as_deref() == Some(after)
                })
            });
            let Some(verdict) = found else {
                complaints.push(format!("{place}: no verdict"));
                continue;
            };
            let held = rule["held"].as_bool();
            score.add(rate(verdict, held, (pod, &ends), &scenario, &place, complaints));
        }
    }
    score
}

fn rate(
    verdict: &Verdict,
    held: Option<bool>,
    (pod, ends): (&Value, &BTreeMap<String, i64>),
    scenario: &str,
    place: &str,
    complaints: &mut Vec<String>,
) -> Score {
    let (before, after) = (
        verdict.before.as_deref().unwrap(),
        verdict.after.as_deref().unwrap(),
    );
    let mut score = Score {
        pairs: 1,
        ..Score::default()
    };
    let shown = format!(
        "{place}: {} ({}), held {held:?}",
        verdict.outcome.name(),
        verdict.reason
    );
    match (verdict.outcome, held) {
        (Outcome::Proved, Some(true)) | (Outcome::Violated, Some(false)) => score.decided = 1,
        (Outcome::Proved | Outcome::Violated, _) => {
            score.wrong = 1;
            complaints.push(format!("WRONG {shown}"));
        }
        (Outcome::NotApplicable, _) => score.not_applicable = 1,
        (Outcome::Consistent | Outcome::Unknown | Outcome::Conflict, _) => {
            score.open = 1;
            if held.is_some() && must_decide(pod, ends, verdict.rule, before, after) {
                score.missed = 1;
                complaints.push(format!("OPEN {shown}"));
            }
        }
    }
    let void = is_void(scenario, verdict.rule);
    if void && verdict.outcome != Outcome::NotApplicable {
        complaints.push(format!("NOT VOID {shown}"));
    }
    if !void && held.is_some() && verdict.outcome == Outcome::NotApplicable {
        complaints.push(format!("VOID {shown}"));
    }
    score
}

#[test]
fn no_verdict_is_wrong_and_what_the_evidence_separates_is_decided() {
    let Some(root) = root() else {
        return;
    };
    let scenarios = scenarios(&root);
    assert!(!scenarios.is_empty(), "no recording in {}", root.display());
    let mut complaints = Vec::new();
    tell!(
        "{:<22}{:>7}{:>9}{:>7}{:>7}{:>6}",
        "evidence",
        "pairs",
        "decided",
        "wrong",
        "open",
        "n/a"
    );
    let mut decided = Vec::new();
    for (name, logs, attach) in [
        ("pods and events", false, false),
        ("and logs", true, false),
        ("and attach", false, true),
        ("and logs and attach", true, true),
    ] {
        let mut total = Score::default();
        for scenario in &scenarios {
            total.add(judge(scenario, Uses { logs, attach }, &mut complaints));
        }
        tell!(
            "{name:<22}{:>7}{:>9}{:>7}{:>7}{:>6}",
            total.pairs,
            total.decided,
            total.wrong,
            total.open,
            total.not_applicable
        );
        decided.push(total.decided);
    }
    for complaint in &complaints {
        tell!("{complaint}");
    }
    assert!(complaints.is_empty(), "{} complaints", complaints.len());
    assert!(decided[2] > decided[0], "attach streams decide more pairs");
}

/// A small generator of numbers that repeat from run to run (Knuth's MMIX constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Verdicts from part of a recording: states that the kubelet merged away, lost events, events that came
/// late or early.
fn thinned(path: &Path, seed: u64) -> BTreeMap<String, Vec<Verdict>> {
    let mut numbers = Numbers(seed);
    let mut engine = Engine::new(Settings {
        reading: Reading {
            sidecars: BTreeSet::from(["proxy".to_owned()]),
            ..Reading::default()
        },
        attach_margin: MARGIN,
        attach: false,
        logs: true,
        metrics: false,
    });
    let mut evidence = Vec::new();
    for entry in recording::entries(path).unwrap() {
        let Content::Evidence(one) = entry.content.unwrap() else {
            continue;
        };
        let (lost, shift) = match &one {
            Evidence::Pod(seen) if seen.change == Change::Deleted => (false, 0),
            Evidence::Pod(_) => (numbers.below(10) < 5, 0),
            _ => (
                numbers.below(10) < 3,
                numbers.below(4) as i64 * SECOND - 2 * SECOND,
            ),
        };
        if !lost {
            evidence.push((entry.at.unwrap().plus(shift), one));
        }
    }
    evidence.sort_by_key(|(at, _)| *at);
    for (_, one) in evidence {
        engine.push(one);
    }
    engine
        .pods()
        .map(|pod| (pod.name.name.clone(), engine.verdicts(pod)))
        .collect()
}

#[test]
fn evidence_that_is_lost_or_late_makes_no_verdict_wrong() {
    let Some(root) = root() else {
        return;
    };
    let mut wrong = Vec::new();
    let mut judged = 0;
    for path in scenarios(&root) {
        let truth: Value =
            serde_json::from_str(&std::fs::read_to_string(path.join("truth.json")).unwrap()).unwrap();
        for seed in 0..12 {
            let verdicts = thinned(&path, seed);
            for pod in truth["pods"].as_array().unwrap() {
                let name = pod["pod"].as_str().unwrap();
                for verdict in verdicts.get(name).into_iter().flatten() {
                    let rule = pod["rules"].as_array().unwrap().iter().find(|rule| {
                        rule["rule"] == verdict.rule
                            && rule["before"].as_str() == verdict.before.as_deref()
                            && rule["after"].as_str() == verdict.after.as_deref()
                    });
                    let Some(held) = rule.map(|rule| rule["held"].as_bool()) else {
                        continue;
                    };
                    judged += 1;
                    let fits = match verdict.outcome {
                        Outcome::Proved => held == Some(true),
                        Outcome::Violated => held == Some(false),
                        Outcome::Conflict => false,
                        _ => true,
                    };
                    if !fits {
                        wrong.push(format!(
                            "{} {seed} {name} {verdict:?} held {held:?}",
                            path.display()
                        ));
                    }
                }
            }
        }
    }
    tell!("{judged} verdicts on thinned recordings, {} wrong", wrong.len());
    assert!(judged > 1000);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Damages a recording in every way a file gets damaged: lines cut, doubled, swapped; bytes changed; numbers
/// and texts replaced by extreme ones.
fn damaged(text: &str, numbers: &mut Numbers) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
    for _ in 0..8 {
        let at = numbers.below(lines.len() as u64) as usize;
        match numbers.below(6) {
            0 => {
                let line = lines[at].clone();
                lines.insert(at, line);
            }
            1 => {
                let other = numbers.below(lines.len() as u64) as usize;
                lines.swap(at, other);
            }
            2 => {
                let keep = numbers.below(lines[at].len() as u64 + 1) as usize;
                lines[at].truncate(keep);
            }
            3 if !lines[at].is_empty() => {
                let byte = numbers.below(lines[at].len() as u64) as usize;
                lines[at][byte] = numbers.below(256) as u8;
            }
            4 => {
                let line = String::from_utf8_lossy(&lines[at]).into_owned();
                let extreme = [
                    "-9223372036854775808",
                    "9223372036854775807",
                    "null",
                    "\"\"",
                    "[]",
                ];
                let with = extreme[numbers.below(extreme.len() as u64) as usize];
                let fields = [
                    "restartCount",
                    "exitCode",
                    "deletionGracePeriodSeconds",
                    "received",
                    "closed",
                    "name",
                ];
                let field = format!("\"{}\":", fields[numbers.below(fields.len() as u64) as usize]);
                if let Some((before, after)) = line.split_once(&field) {
                    let rest = after.find([',', '}']).map_or("", |end| &after[end..]);
                    lines[at] = format!("{before}{field}{with}{rest}").into_bytes();
                }
            }
            _ => {
                let line = String::from_utf8_lossy(&lines[at]).into_owned();
                let times = [
                    "0001-01-01T00:00:00Z",
                    "9999-12-31T23:59:59Z",
                    "1970-01-01T00:00:00Z",
                    "soon",
                ];
                let with = times[numbers.below(times.len() as u64) as usize];
                if let Some((before, after)) = line.split_once("At\":\"") {
                    let rest = after.find('"').map_or("", |end| &after[end..]);
                    lines[at] = format!("{before}At\":\"{with}{rest}").into_bytes();
                }
            }
        }
    }
    lines.join(&b'\n')
}

#[test]
fn damaged_recordings_never_panic_and_bad_lines_are_named() {
    let mut bad_lines = 0;
    for name in ["settle-accounts", "storefront", "catalogue"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/recordings/{name}.jsonl"));
        let text = std::fs::read_to_string(path).unwrap();
        for seed in 0..60 {
            let bytes = damaged(&text, &mut Numbers(seed));
            let mut engine = Engine::new(Settings {
                attach_margin: MARGIN,
                attach: true,
                logs: true,
                metrics: true,
                ..Settings::default()
            });
            let count = bytes.split(|byte| *byte == b'\n').count();
            let mut last = 0;
            for entry in recording::Lines::new("damaged", None, bytes.as_slice()) {
                match entry.content {
                    Ok(Content::Evidence(evidence)) => drop(engine.push(evidence)),
                    Ok(_) => {}
                    Err(bad) => {
                        assert!(
                            bad.line > last && bad.line <= count && !bad.message.is_empty(),
                            "{bad:?}"
                        );
                        last = bad.line;
                        bad_lines += 1;
                    }
                }
            }
            for pod in engine.take_all() {
                let verdicts = engine.verdicts(&pod);
                let bars = timeline(&pod, pod.received.1);
                assert!(!draw(&bars, 80).is_empty() && svg(&bars).ends_with("</svg>\n"));
                assert!(!verdict_table(&verdicts, 80).is_empty());
            }
        }
    }
    assert!(bad_lines > 50, "{bad_lines}: the damage is damage");
}
