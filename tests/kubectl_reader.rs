//! What kubectl reads, we read: generated and mutated texts are read by us and by Go's own reader (a small program in
//! `kubectl_reader/`, on k8s.io/apimachinery and sigs.k8s.io/yaml as kubectl has them). Both take a text or neither
//! does, both find the same objects in it, and a rewrite of it means what the rewrite of kubectl's JSON means.
//!
//! `KUBECTL_READER_TEXTS` says how many texts, `KUBECTL_READER_SEED` where to begin.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "support/migrated.rs"]
mod migrated;
#[macro_use]
#[path = "support/tell.rs"]
mod tell;
#[path = "kubectl_reader/differences.rs"]
mod differences;
#[path = "kubectl_reader/objects.rs"]
mod objects;
#[path = "kubectl_reader/texts.rs"]
mod texts;

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use kubectl_sidecar::migrate::Form;
use migrated::migrated;
use serde_json::Value as Json;

/// Go's reader, or nothing where there is no Go.
struct Kubectl {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Kubectl {
    fn start() -> Option<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl_reader");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kubectl_reader");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(directory)
            .env("GOFLAGS", "-buildvcs=false")
            .status();
        if !built.is_ok_and(|status| status.success()) {
            assert!(
                std::env::var_os("KUBECTL_READER_TEXTS").is_none(),
                "KUBECTL_READER_TEXTS is set, and Go cannot build kubectl's reader"
            );
            tell::skip(
                "go",
                "no Go, or no modules for it: kubectl's own reader is not compared with",
            );
            return None;
        }
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Some(Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        })
    }

    /// The objects that kubectl finds, or why it finds none.
    fn read(&mut self, text: &str) -> Result<Vec<Json>, String> {
        write!(self.input, "{}\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Json = serde_json::from_str(&line).unwrap();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["objects"].as_array().unwrap().clone()),
        }
    }
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// What was compared.
#[derive(Debug, Default)]
struct Counts {
    texts: u64,
    read_by_both: u64,
    read_by_neither: u64,
    rewritten_alike: u64,
    rewrites_refused: u64,
    /// Differences that stay, by their reason, with an example.
    known: BTreeMap<String, (u64, String)>,
}

#[test]
fn what_kubectl_reads_we_read() {
    let Some(mut kubectl) = Kubectl::start() else {
        return;
    };
    let mut counts = Counts::default();
    let mut unknown = Vec::new();
    let (count, seed) = (
        number("KUBECTL_READER_TEXTS", 20_000),
        number("KUBECTL_READER_SEED", 1),
    );
    for index in 0..count {
        let text = texts::generate(seed.wrapping_mul(1 << 40) + index);
        counts.texts += 1;
        if let Some(difference) = compare(&mut kubectl, &text, &mut counts) {
            match differences::reason(&difference, &mut kubectl) {
                Some(reason) => {
                    counts.known.entry(reason).or_insert((0, difference.text)).0 += 1;
                }
                None => unknown.push(difference.to_string()),
            }
        }
        if unknown.len() >= 40 {
            break;
        }
    }
    tell!("kubectl's reader and ours: {counts:#?}");
    assert!(
        unknown.is_empty(),
        "{} differences:\n{}",
        unknown.len(),
        unknown.join("\n----\n")
    );
    assert!(counts.read_by_both > count / 4, "the texts are too wild");
    let stays: u64 = counts.known.values().map(|(count, _)| count).sum();
    assert!(stays < count / 10, "{stays} differences of {count}");
    assert!(
        count < 10_000 || counts.rewritten_alike > count / 200,
        "too little was rewritten"
    );
}

/// A text that is read otherwise by kubectl.
struct Difference {
    text: String,
    /// Why we don't read it.
    our_error: Option<String>,
    /// Why kubectl doesn't.
    their_error: Option<String>,
    /// What each found.
    found: String,
}

impl Difference {
    fn new(text: &str, found: String) -> Self {
        Self {
            text: text.to_owned(),
            our_error: None,
            their_error: None,
            found,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:?}", self.text)?;
        let errors = [
            ("we do not", &self.our_error),
            ("kubectl does not", &self.their_error),
        ];
        for (who, error) in errors {
            if let Some(error) = error {
                writeln!(formatter, "{who} read it: {error}")?;
            }
        }
        write!(formatter, "{}\n{}", self.found, self.text)
    }
}

/// The first difference between the readers, or between the rewrites of what they read.
fn compare(kubectl: &mut Kubectl, text: &str, counts: &mut Counts) -> Option<Difference> {
    let (ours, theirs) = (objects::read(text), kubectl.read(text));
    let objects = match (ours, theirs) {
        (Err(_), Err(_)) => {
            counts.read_by_neither += 1;
            return None;
        }
        (Ok(ours), Ok(theirs)) => {
            if !objects::are_same(&ours, &theirs) {
                let (ours, theirs) = (Json::from(ours), Json::from(theirs));
                return Some(Difference::new(text, format!("ours   {ours}\ntheirs {theirs}")));
            }
            counts.read_by_both += 1;
            theirs
        }
        (ours, theirs) => {
            return Some(Difference {
                our_error: ours.err(),
                their_error: theirs.err(),
                ..Difference::new(text, String::new())
            });
        }
    };
    // What the work is worth it for: something to rewrite, in each third of the texts and one form of two.
    let form = match counts.texts % 6 {
        0 => Form::Native,
        3 => Form::Lifecycle,
        _ => return None,
    };
    if !text.contains("6432") {
        return None;
    }
    compare_rewrites(kubectl, text, form, &objects, counts)
}

fn compare_rewrites(
    kubectl: &mut Kubectl,
    text: &str,
    form: Form,
    objects: &[Json],
    counts: &mut Counts,
) -> Option<Difference> {
    let json: Vec<String> = objects.iter().map(Json::to_string).collect();
    // In YAML these would end lines.
    let escaped = [
        ('\u{85}', "\\u0085"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
        ('\u{feff}', "\\ufeff"),
    ];
    let json = escaped
        .iter()
        .fold(json.join("\n---\n"), |json, (character, escape)| {
            json.replace(*character, escape)
        });
    let (from_text, from_json) = (migrated(text, form, true), migrated(&json, form, true));
    if let Some(failure) = from_text.failures.first().or(from_json.failures.first()) {
        return Some(Difference::new(text, failure.to_string()));
    }
    if from_text.text == text {
        // Aliases and what stands twice are not edited; what kubectl makes of them has neither.
        counts.rewrites_refused += u64::from(from_json.text != json);
        return None;
    }
    let mut read = |text: &str| {
        kubectl.read(text).map(|objects| {
            objects
                .into_iter()
                .map(objects::without_shells)
                .collect::<Vec<_>>()
        })
    };
    let (one, other) = (read(&from_text.text), read(&from_json.text));
    match (&one, &other) {
        (Ok(one), Ok(other)) if objects::are_same(one, other) => {
            counts.rewritten_alike += 1;
            None
        }
        _ => {
            let found = format!(
                "rewritten {one:?}\nJSON's     {other:?}\nto\n{}\nfrom",
                from_text.text
            );
            Some(Difference::new(text, found))
        }
    }
}

/// What was found once, each by itself.
#[test]
fn what_was_read_otherwise_once_is_read_alike() {
    let Some(mut kubectl) = Kubectl::start() else {
        return;
    };
    for text in texts::FOUND {
        let mut counts = Counts::default();
        let difference = compare(&mut kubectl, text, &mut counts);
        if let Some(difference) = difference
            && differences::reason(&difference, &mut kubectl).is_none()
        {
            panic!("{difference}");
        }
    }
}
