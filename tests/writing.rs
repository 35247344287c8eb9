//! `migrate --write` beside others: somebody edits in between, a file can't be written, the process is killed.

#![cfg(unix)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[macro_use]
#[path = "support/tell.rs"]
mod tell;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A ConfigMap whose script a Job runs.
fn scripts(number: usize) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: scripts-{number}}}\ndata:\n  run.sh: |\n    #!/bin/sh\n    \
         until nc -z localhost 6432; do\n      sleep 1\n    done\n    exec ./job \"$@\"\n"
    )
}

fn job(number: usize) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: nightly-{number}}}\nspec:\n  template:\n    spec:\n      \
         restartPolicy: Never\n      volumes:\n      - name: scripts\n        configMap: {{name: scripts-{number}, defaultMode: 0755}}\n      \
         containers:\n      - name: app\n        image: app\n        command: [/scripts/run.sh]\n        volumeMounts:\n        \
         - {{name: scripts, mountPath: /scripts}}\n      - name: pgbouncer\n        image: edoburu/pgbouncer\n        \
         ports: [{{containerPort: 6432}}]\n"
    )
}

/// So many Jobs with their ConfigMaps.
fn pairs(count: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..count {
        fs::write(
            directory.path().join(format!("{number:03}-job.yaml")),
            job(number),
        )
        .unwrap();
        fs::write(
            directory.path().join(format!("{number:03}-scripts.yaml")),
            scripts(number),
        )
        .unwrap();
    }
    directory
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"));
    command
        .args(["migrate", "--no-config", "--write", "--target", "native"])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn read(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap()
}

fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Ends a run that waits for standard input, and gives what it said and its code.
fn end(mut child: Child) -> (String, Option<i32>) {
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

/// Starts a run that has read the files and waits for standard input.
fn waiting(directory: &TempDir, arguments: &[&str]) -> Child {
    let mut child = command(directory.path())
        .args(arguments)
        .arg("-")
        .spawn()
        .unwrap();
    // It reads what stands first, first; a pipe that is full shows that it has come to standard input.
    let filler = vec![b'#'; 1 << 20];
    child.stdin.as_mut().unwrap().write_all(&filler).unwrap();
    child
}

#[test]
fn what_somebody_else_writes_in_between_stays() {
    let directory = pairs(2);
    let child = waiting(&directory, &["."]);
    let edited = format!("{}# edited\n", scripts(0));
    fs::write(directory.path().join("000-scripts.yaml"), &edited).unwrap();
    let (said, code) = end(child);
    assert_eq!(read(&directory, "000-scripts.yaml"), edited, "{said}");
    assert_eq!(
        read(&directory, "000-job.yaml"),
        job(0),
        "they change together: {said}"
    );
    assert!(
        said.contains("000-scripts.yaml: was changed while it was being rewritten"),
        "{said}"
    );
    assert!(said.contains("000-job.yaml"), "{said}");
    assert_eq!(code, Some(3), "{said}");
    // The others have nothing to do with it.
    assert!(
        read(&directory, "001-job.yaml").contains("restartPolicy: Always"),
        "{said}"
    );
    assert!(!read(&directory, "001-scripts.yaml").contains("until"), "{said}");
    assert_eq!(names(&directory).len(), 4);
}

/// A limit of the system on the size of files stands for a disk that is full.
#[test]
fn where_one_file_cannot_be_written_those_of_its_plan_stay() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("000-job.yaml"), job(0)).unwrap();
    let large = format!("{}  other: {}\n", scripts(0), "x".repeat(8192));
    fs::write(directory.path().join("000-scripts.yaml"), &large).unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["migrate", "--no-config", "--write", "--target", "native", "."])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(read(&directory, "000-job.yaml"), job(0), "{said}");
    assert_eq!(read(&directory, "000-scripts.yaml"), large, "{said}");
    assert!(said.contains("cannot be written"), "{said}");
    assert_eq!(names(&directory), ["000-job.yaml", "000-scripts.yaml"]);
}

/// A file's other names keep the old text, and that is said.
#[test]
fn hard_links_are_named() {
    let directory = pairs(1);
    fs::hard_link(
        directory.path().join("000-job.yaml"),
        directory.path().join("other.txt"),
    )
    .unwrap();
    let (said, code) = end(command(directory.path()).arg(".").spawn().unwrap());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("000-job.yaml: it had other names (hard links)"),
        "{said}"
    );
    assert_eq!(read(&directory, "other.txt"), job(0));
}

/// What a pair of files is.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Old,
    New,
    Half,
}

fn state(directory: &TempDir, number: usize) -> State {
    let job = read(directory, &format!("{number:03}-job.yaml"));
    let scripts = read(directory, &format!("{number:03}-scripts.yaml"));
    match (job == self::job(number), scripts == self::scripts(number)) {
        (true, true) => State::Old,
        (false, false) => State::New,
        _ => State::Half,
    }
}

/// Kills a run that writes linked files at any moment: each pair is old or new, or the next run says that it was put
/// back. `WRITING_KILLS` says how often.
#[test]
fn a_kill_leaves_nothing_half() {
    const PAIRS: usize = 24;
    let kills: usize = std::env::var("WRITING_KILLS").map_or(12, |count| count.parse().unwrap());
    let (mut in_writing, mut half) = (0, 0);
    for round in 0..kills {
        let directory = pairs(PAIRS);
        let mut child = command(directory.path()).arg(".").spawn().unwrap();
        drop(child.stdin.take());
        // From the first sign of writing on, a little later each time.
        let limit = Instant::now() + Duration::from_secs(60);
        while names(&directory).len() == 2 * PAIRS
            && child.try_wait().unwrap().is_none()
            && Instant::now() < limit
        {
            thread::sleep(Duration::from_micros(200));
        }
        thread::sleep(Duration::from_micros(((round * 7919) % 40_000) as u64));
        let was_running = child.try_wait().unwrap().is_none();
        let _gone = child.kill();
        child.wait().unwrap();
        in_writing += usize::from(was_running);
        let before: Vec<State> = (0..PAIRS).map(|number| state(&directory, number)).collect();
        let mixed = before.iter().filter(|state| **state == State::Half).count();
        half += mixed;
        // Nothing else starts than what puts it right: there is nothing to select.
        let mut next = command(directory.path());
        let (said, code) = end(next.args(["--select", "hold-annotation", "."]).spawn().unwrap());
        for (number, before) in before.iter().enumerate() {
            let after = state(&directory, number);
            match before {
                State::Half => {
                    assert_eq!(after, State::Old, "{said}");
                    assert!(said.contains("put back as before"), "{said}");
                    assert!(said.contains(&format!("{number:03}-")), "{said}");
                }
                before => assert_eq!(after, *before, "{said}"),
            }
        }
        assert_eq!(code, Some(0), "{said}");
        assert!(
            !names(&directory).iter().any(|name| name.ends_with(".journal")),
            "{said}"
        );
    }
    tell!("{kills} kills, {in_writing} while it wrote, {half} pairs half written and put back");
    assert!(in_writing * 2 > kills, "too few kills hit the writing");
}

/// SIGTERM ends the run between two groups of files and leaves no temporary file.
#[test]
fn a_signal_leaves_no_temporary_files() {
    const PAIRS: usize = 60;
    let directory = pairs(PAIRS);
    let mut child = command(directory.path()).arg(".").spawn().unwrap();
    drop(child.stdin.take());
    while names(&directory).len() == 2 * PAIRS && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_micros(200));
    }
    let sent = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
    let (said, code) = end(child);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(names(&directory).len(), 2 * PAIRS);
    let states: Vec<State> = (0..PAIRS).map(|number| state(&directory, number)).collect();
    assert!(
        states.contains(&State::Old) && !states.contains(&State::Half),
        "{states:?}"
    );
}

/// A manifest whose app waits, and runs this afterwards.
fn waiting_for(command: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      containers:\n      - name: app\n        image: app\n        \
         command: [sh, -c, \"until nc -z localhost 6432; do sleep 1; done; exec {command}\"]\n      - name: pool\n        \
         image: edoburu/pgbouncer\n        ports: [{{containerPort: 6432}}]\n"
    )
}

/// Migrates one file in place; gives its new text, what was said and the code.
fn written(text: &str) -> (String, String, Option<i32>) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yaml"), text).unwrap();
    let (said, code) = end(command(directory.path()).arg("a.yaml").spawn().unwrap());
    (read(&directory, "a.yaml"), said, code)
}

/// `[srv, :8098]` is no list for kubectl, and `[?x]` is one of a mapping.
#[test]
fn words_that_kubectl_takes_for_indicators_are_quoted() {
    for word in [":8098", "::1", "?x", "http://app/?ready"] {
        let (text, said, code) = written(&waiting_for(&format!("srv --listen {word}")));
        assert_eq!(code, Some(0), "{said}");
        let list = text.lines().find(|line| line.contains("--listen")).unwrap();
        assert!(
            // A glob stays in the shell's words, which are in quotes as a whole.
            list.contains(&format!("\"{word}\""))
                || list.contains(&format!("'{word}'"))
                || list.contains("\"exec srv"),
            "{word}: {list}\n{said}"
        );
    }
}

/// Tags that kubectl does not know, byte order marks where a document begins, JSON with a line break before a colon.
#[test]
fn what_kubectl_reads_past_is_no_hindrance() {
    let plain = waiting_for("srv");
    let json: serde_json::Value = serde_yaml::from_str(&plain).unwrap();
    let json = json.to_string();
    for (text, expected) in [
        (
            plain.replace("command: [", "command: !words ["),
            "command: !words [srv]",
        ),
        (
            plain.replace("containers:", "containers: !list"),
            "command: [srv]",
        ),
        (format!("\u{feff}{plain}"), "command: [srv]"),
        (format!("a: b\n--- # c\n\u{feff}{plain}"), "command: [srv]"),
        (json.replace("\"command\":", "\"command\"\r\n:"), "[\"srv\"]"),
        // An anchor that nothing refers to, carriage returns alone, a second document behind `...`.
        (
            plain.replace("image: app", "image: &unused app"),
            "command: [srv]",
        ),
        (plain.replace('\n', "\r"), "command: [srv]"),
        (format!("a: b\n...\n---\n{plain}"), "command: [srv]"),
        (waiting_for("tar x - z.tar"), "command: [tar, x, \"-\", z.tar]"),
    ] {
        let (new, said, code) = written(&text);
        assert_eq!(code, Some(0), "{said}\n{text}");
        assert!(new.contains(expected), "{said}\n{new}");
        let marks = |text: &str| text.matches('\u{feff}').count();
        assert_eq!(marks(&new), marks(&text), "{new}");
    }
    // What kubectl can't read is not rewritten.
    for text in [
        format!("{plain}\u{feff}---\n{plain}"),
        format!("{plain}x: a\u{2028}b\n"),
        format!("{plain}x: a\u{85}b\n"),
        plain.replace("{name: web}", "{name: web, annotations: {a:}}"),
    ] {
        let (new, said, code) = written(&text);
        assert_eq!((new, code), (text, Some(3)), "{said}");
    }
}

/// kubectl runs the second image, which nothing is known of.
#[test]
fn an_object_with_a_doubled_key_is_reported_and_left() {
    let plain = waiting_for("srv");
    let json: serde_json::Value = serde_yaml::from_str(&plain).unwrap();
    let json = json.to_string();
    for doubled in [
        plain.replace(
            "image: edoburu/pgbouncer",
            "image: edoburu/pgbouncer\n        image: other",
        ),
        plain.replace("        command:", "        command: [srv]\n        command:"),
        json.replace("\"command\":", "\"command\": [\"srv\"], \"command\":"),
    ] {
        let (text, said, _) = written(&doubled);
        assert_eq!(text, doubled, "{said}");
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.yaml"), &doubled).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args(["lint", "--no-config", "-o", "concise", "a.yaml"])
            .current_dir(directory.path())
            .output()
            .unwrap();
        let found = String::from_utf8(output.stdout).unwrap();
        assert!(found.contains("duplicate-key"), "{found}");
        // A harmless `command:` in front is no way round the linter.
        assert!(
            found.contains("startup-poll") || doubled.contains("image: other"),
            "{found}"
        );
    }
}

/// kubectl overwrites what stands before a merge key, so the words behind it are not the app's.
#[test]
fn a_merge_key_behind_own_keys_decides() {
    let merged = waiting_for("srv").replace(
        "      - name: pool",
        "        <<: {command: [other], args: [one]}\n      - name: pool",
    );
    let (text, said, _) = written(&merged);
    assert_eq!(text, merged, "the wait is not what runs: {said}");
    // Of two the last one wins.
    let wait = "until nc -z localhost 6432; do sleep 1; done; exec srv";
    let twice = merged.replace(
        "      - name: pool",
        &format!("        <<: {{command: [sh, -c, \"{wait}\"]}}\n      - name: pool"),
    );
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yaml"), &twice).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["lint", "--no-config", "-o", "concise"])
        .arg(directory.path())
        .output()
        .unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(found.contains("a.yaml:14:"), "{found}");
    let (text, said, _) = written(&twice);
    assert_eq!(text, twice, "{said}");
}
