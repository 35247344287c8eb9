//! Each obligation broken alone, in each target, as the program itself is run. The rows stand in `alone.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
};

use serde::Deserialize;

use kubectl_sidecar::{remedy::Obligation, rules::RULES};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "pods")]
    _pods: BTreeMap<String, String>,
    rows: Vec<Row>,
}

/// An obligation, a pod in which all of them hold, and a change that breaks this one alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    obligation: String,
    /// Of `script-is-whole`: the check that it breaks.
    check: Option<String>,
    holds: String,
    #[serde(default)]
    options: Vec<String>,
    broken_options: Option<Vec<String>>,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    native: Becomes,
    lifecycle: Becomes,
    annotation: Becomes,
    reason: String,
    because: Option<String>,
}

/// What becomes of the rewrite once the obligation is broken.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Becomes {
    /// It is done with `--review` alone.
    Review,
    /// It is never done.
    Refused,
    /// It is done as before: this target does not rest on the obligation.
    Rewritten,
}

fn rows() -> Vec<Row> {
    let file: File = serde_yaml::from_str(include_str!("alone.yaml")).unwrap();
    file.rows
}

/// What `migrate -v` made of a text and said about it.
struct Run {
    is_changed: bool,
    said: String,
}

impl Run {
    fn of(text: &str, target: &str, review: bool, options: &[String]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"));
        command.args(["migrate", "-", "--no-config", "-v", "--target", target]);
        if review {
            command.arg("--review");
        }
        let mut child = command
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        Self {
            is_changed: output.stdout != text.as_bytes(),
            said,
        }
    }

    /// The obligations with such an answer: `proved`, `not known`, `not so`.
    fn obligations(&self, answer: &str) -> BTreeSet<&str> {
        let lines = self.said.lines().map(str::trim);
        lines
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, rest)| {
                Obligation::ALL
                    .iter()
                    .any(|obligation| obligation.name() == *name)
                    && rest.starts_with(answer)
            })
            .map(|(name, _)| name)
            .collect()
    }

    fn unproved(&self) -> BTreeSet<&str> {
        let mut unproved = self.obligations("not known");
        unproved.extend(self.obligations("not so"));
        unproved
    }
}

/// What is wrong about a row in one target.
fn faults(row: &Row, target: &str, becomes: Becomes) -> Vec<String> {
    let own = BTreeSet::from([row.obligation.as_str()]);
    let mut faults = Vec::new();
    let mut check = |text: &str, which: &str, is_done: [bool; 2], is_broken: bool| {
        for (review, is_done) in [false, true].into_iter().zip(is_done) {
            let options = row.broken_options.as_ref().filter(|_| which == "broken");
            let run = Run::of(text, target, review, options.unwrap_or(&row.options));
            let is_right = match is_broken {
                true => run.unproved() == own && run.said.contains(&row.reason),
                false => run.unproved().is_empty() && run.obligations("proved").is_superset(&own),
            };
            if !is_right || run.is_changed != is_done {
                faults.push(format!(
                    "{} ({}), {target}, {which}, review {review}: changed {}\n{}",
                    row.obligation, row.reason, run.is_changed, run.said
                ));
            }
        }
    };
    check(&row.holds, "holds", [true; 2], false);
    let broken = row.holds.replacen(&row.from, &row.to, 1);
    match becomes {
        Becomes::Review => check(&broken, "broken", [false, true], true),
        Becomes::Refused => check(&broken, "broken", [false; 2], true),
        Becomes::Rewritten => check(&broken, "broken", [true; 2], false),
    }
    faults
}

#[test]
fn each_is_broken_alone_in_each_target() {
    let mut wrong = Vec::new();
    for row in rows() {
        let changes = match row.broken_options {
            Some(_) => usize::from(!row.from.is_empty()),
            None => row.holds.matches(&row.from).count(),
        };
        let expected = usize::from(row.broken_options.is_none());
        assert_eq!(changes, expected, "{}: {}", row.obligation, row.from);
        let targets = [
            ("native", row.native),
            ("lifecycle", row.lifecycle),
            ("annotation", row.annotation),
        ];
        let has_other = targets.iter().any(|(_, becomes)| *becomes == Becomes::Rewritten);
        assert_eq!(row.because.is_some(), has_other, "{}: because", row.obligation);
        for (target, becomes) in targets {
            wrong.extend(faults(&row, target, becomes));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All obligations of the code, and those that `explain` names.
#[test]
fn each_has_a_row() {
    let rows = rows();
    let have: BTreeSet<&str> = rows.iter().map(|row| row.obligation.as_str()).collect();
    let all: BTreeSet<&str> = Obligation::ALL
        .iter()
        .map(|obligation| obligation.name())
        .collect();
    assert_eq!(have, all);
    let rests = RULES
        .iter()
        .flat_map(|rule| rule.rests_on.iter().copied().flatten());
    let explained: BTreeSet<&str> = rests.map(|obligation| obligation.name()).collect();
    assert_eq!(
        explained, all,
        "an obligation that no rule names, or the other way round"
    );
}

/// Each check of what is cut out of a script is a function that the code lists.
#[test]
fn each_check_of_a_cut_has_a_row() {
    let rows = rows();
    let have: BTreeSet<&str> = rows.iter().filter_map(|row| row.check.as_deref()).collect();
    let source = include_str!("../../src/remedy/script/obligation.rs");
    let (_, list) = source.split_once("const OBLIGATIONS").unwrap();
    let (_, list) = list.split_once("= [").unwrap();
    let (list, _) = list.split_once("];").unwrap();
    let all: BTreeSet<&str> = list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    assert!(all.len() > 5, "{all:?}");
    assert_eq!(have, all);
}
