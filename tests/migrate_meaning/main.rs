//! A script and what migrate makes of it do the same: both are run, with programs of the test's own in the place of
//! those that they call, and their results and calls compared.

#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used
)]

mod grammar;
#[path = "../support/migrated.rs"]
mod migrated;
mod random;
mod stage;
#[path = "../support/tell.rs"]
mod tell;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use kubectl_sidecar::migrate::Form;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What comes before the work.
const WAITS: [&str; 19] = [
    "",
    "until curl -fsS http://localhost:9901/ready; do sleep 1; done; ",
    "while ! nc -z 127.0.0.1 9901; do echo waiting; sleep 1; done && ",
    "set -e\n# wait\nuntil [ \"$(curl -s localhost:9901/ready)\" = LIVE ]; do\n  sleep 1\ndone\n",
    "ready() { until curl -s localhost:9901/ready; do sleep 1; done; }; ready && ",
    "ready() { until curl -s localhost:9901/ready; do sleep 1; done; }\nready\n",
    "(until curl -s localhost:9901/ready > /dev/null 2>&1; do sleep 1; done); ",
    "export MODE=two; while true; do if curl -sf localhost:9901/ready; then break; fi; sleep 1; done; ",
    "until MODE=$(curl -s localhost:9901/ready); do sleep 1; done; ",
    "until curl -s localhost:9901/ready && nc -z db.example.com 5432; do sleep 1; done; ",
    "until curl -s localhost:9901/ready; do sleep 1; done; sleep 2; ",
    "timeout 60 sh -c 'until nc -z localhost 9901; do sleep 1; done' && ",
    "for i in 1 2 3; do nc -z localhost 9901 && break; sleep 1; done\n",
    "until nc -z localhost 9901; do sleep 1; done || exit 1; ",
    "CHECK=\"nc -z localhost 9901\"; until $CHECK; do sleep 1; done; ",
    "for h in localhost 127.0.0.1; do until nc -z $h 9901; do sleep 1; done; done; ",
    "until nc -z localhost 9901; do sleep 1; done & wait; ",
    "KIND=one; case $KIND in one|two) until nc -z localhost 9901; do sleep 1; done;; esac; ",
    "retry() { n=$1; shift; until \"$@\"; do n=$((n-1)); [ $n -le 0 ] && exit 1; sleep 1; done; }\nretry 9 nc -z localhost 9901\n",
];

/// The work; `app` says how it was called.
const WORKS: [&str; 22] = [
    "app run",
    "exec app run",
    "app \"$NAME\"",
    "app $NAME",
    "app \"$MODE\"",
    "app 'it'\\''s' \"a  b\" a\\ b ''",
    "app on no 0755 1e3 null 0x1F 1:30 -- '~' '- x' 'k: v' '#'",
    "app '$(NAME)' '$$'",
    "app \"a$(echo b)\"",
    "app $'a\\tb'",
    "MODE=three app run",
    "exec -a name app",
    "time app run",
    "app one && app two",
    "app one || app two",
    "app one | cat",
    "cd / && app run",
    "app run > /dev/null",
    "if app one; then app two; fi",
    "for i in 1 2; do app $i; done",
    "app \"$NAME\" \\\n  --flag",
    "./run.sh",
];

/// What is around the work; `{q}` ends the sidecar.
const FRAMES: [&str; 29] = [
    "{w}",
    "{w}; rc=$?; {q}; exit $rc",
    "{w}\nrc=$?\n{q} || true\nexit \"${rc}\"\n",
    "rc=0; {w} || rc=$?; {q}; exit $rc",
    "trap '{q}' EXIT; {w}",
    "trap 'rc=$?; {q}; exit $rc' EXIT\n{w}\n",
    "finish() { rc=$?; {q}; exit $rc; }; trap finish EXIT; {w}",
    "finish() {\n  {q}\n}\ntrap finish EXIT INT TERM\n{w}\n",
    "quit() { {q}; }; {w}; rc=$?; quit; exit $rc",
    "{w}; rc=$?; {q}; app report $rc; exit $rc",
    "{w}; rc=$?; echo \"$rc\"; {q}; exit $rc",
    "{w}; rc=$?; {q}; if [ $rc -ne 0 ]; then exit $rc; fi",
    "set +e; {w}; rc=$?; set -e; {q}; exit $rc",
    "trap 'app clean; {q}' EXIT; {w}",
    "{w}; rc=$?; for i in 1 2 3; do {q} && break; done; exit $rc",
    "set -e\n{w}\n{q}\n",
    "{w}; {q}",
    "{w} && {q}",
    "{w}; {q}; sleep 5",
    "{w}\nrc=$?\n# let it go\n{q}\nsleep 5\n\nexit $rc\n",
    "{w}\n{q}\nexit 0\n",
    "{w}; rc=$?; if [ $rc -eq 0 ]; then {q}; else echo failed; fi; exit $rc",
    "{w}\nif curl -sf localhost:9901/ready -o /dev/null; then\n  {q}\nfi\n",
    "trap '{q}; sleep 3' EXIT INT TERM\n{w}\n",
    "#!/bin/sh\n\n{w}; \\\n  {q}\n",
    "{w}; rc=$?; {q}; exit $((rc > 1))",
    "{w}\nrc=$?\n{q} || true\nexit $(( rc ? 1 : 0 ))\n",
    "{w}\nrc=$?\ncase $rc in\n  0) {q}; exit 0 ;;\n  *) {q}; exit $rc ;;\nesac\n",
    "{w} || exit 2; {q} || exit 3",
];

const SHELLS: [&[&str]; 4] = [
    &["sh", "-c"],
    &["/bin/sh", "-ec"],
    &["bash", "-c"],
    &["bash", "-euo", "pipefail", "-c"],
];

const QUIT: &str = "curl -fsS -X POST http://localhost:9901/quitquitquit";

fn job(command: &[String]) -> String {
    let containers = json!([
        {
            "name": "main",
            "image": "example.com/app:1",
            "command": command,
            "env": [{"name": "NAME", "value": "two words"}, {"name": "MODE", "value": "one"}],
        },
        {
            "name": "envoy",
            "image": "envoyproxy/envoy:v1.30.1",
            "ports": [{"containerPort": 9901}],
        },
    ]);
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": containers}}},
    });
    serde_json::to_string_pretty(&job).unwrap()
}

/// The app's command line after migrate, and whether it is said that its script ended with another result.
fn migrated(command: &[String], review: bool) -> (Vec<String>, bool) {
    let migration = migrated::migrated(&job(command), Form::Native, review);
    assert_eq!(migration.failures, []);
    let job: Value = serde_json::from_str(&migration.text).unwrap();
    let words = job
        .pointer("/spec/template/spec/containers/0/command")
        .unwrap()
        .clone();
    let mut notes = migration.plans.iter().flat_map(|plan| &plan.notes);
    let shows = notes.any(|note| {
        note.starts_with("main now ends with the result of its own work")
            || note.contains("the script would end with the result of")
    });
    (serde_json::from_value(words).unwrap(), shows)
}

/// What the kubelet makes of `$(NAME)`, as far as the scripts here hold it.
fn expanded(word: &str) -> String {
    word.replace("$(NAME)", "two words")
        .replace("$(MODE)", "one")
        .replace("$$", "$")
}

/// The result of a command line and the calls of `app` that it made.
fn run(directory: &Path, command: &[String], result: &str) -> (Option<i32>, String) {
    let log = directory.join("log");
    fs::write(&log, "").unwrap();
    let words: Vec<String> = command.iter().map(|word| expanded(word)).collect();
    let (program, arguments) = words.split_first().unwrap();
    let path = format!("{}:/usr/bin:/bin", directory.join("bin").display());
    let program = match directory.join("bin").join(program) {
        own if own.exists() => own.display().to_string(),
        _ => program.clone(),
    };
    let status = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .envs([("PATH", path.as_str()), ("NAME", "two words"), ("MODE", "one")])
        .env("LOG", &log)
        .env("RESULT", result)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let code = status.map_or(Some(127), |status| status.code());
    (code, fs::read_to_string(log).unwrap())
}

/// Programs that answer at once, in the place of those that scripts call.
fn programs(directory: &Path) {
    let app =
        "{ printf 'app'; printf ' <%s>' \"$@\"; echo \" $MODE $PWD\"; } >> \"$LOG\"\nexit \"$RESULT\"\n";
    let bin = directory.join("bin");
    fs::create_dir(&bin).unwrap();
    let write = |path: &Path, text: &str| {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write(&bin.join("app"), &format!("#!/bin/sh\n{app}"));
    write(&bin.join("curl"), "#!/bin/sh\nprintf LIVE\n");
    write(
        &bin.join("nc"),
        "#!/bin/sh\necho \"$*\" | grep -q -v db || echo waited >> \"$LOG\"\n",
    );
    write(&bin.join("sleep"), "#!/bin/sh\n");
    write(&bin.join("timeout"), "#!/bin/sh\nshift\nexec \"$@\"\n");
    // A script without `#!`, which only a shell can run.
    write(&directory.join("run.sh"), app);
}

/// One of the framed scripts: a wait, a work, what is around it, a shell, and whether the edit is reviewed.
fn framed(mut index: usize) -> (Vec<String>, bool) {
    let mut take = |length: usize| {
        let at = index % length;
        index /= length;
        at
    };
    let (frame, shell) = (FRAMES[take(FRAMES.len())], SHELLS[take(SHELLS.len())]);
    let (work, wait) = (WORKS[take(WORKS.len())], WAITS[take(WAITS.len())]);
    let mut command: Vec<String> = shell.iter().map(|word| (*word).to_owned()).collect();
    command.push(format!(
        "{wait}{}",
        frame.replace("{w}", work).replace("{q}", QUIT)
    ));
    (command, take(2) == 1)
}

/// What a framed script does that its rewrite does not, or the other way round.
fn framed_difference(directory: &Path, index: usize) -> Option<String> {
    let (before, review) = framed(index);
    let (after, shows) = migrated(&before, review);
    if before == after {
        return None;
    }
    ["0", "3"].into_iter().find_map(|result| {
        let (code, calls) = run(directory, &before, result);
        let (code_after, calls_after) = run(directory, &after, result);
        // Reviewed, a result may show that the script hid; that has to be said.
        let is_same = calls == calls_after && (code == code_after || review && shows);
        (!is_same)
            .then(|| format!("{code:?} {code_after:?}\n{before:?}\n{after:?}\n{calls}---\n{calls_after}"))
    })
}

/// `MEANING_FRAMED=all` tries every one of them, where CI takes some from everywhere.
#[test]
fn a_framed_script_keeps_its_meaning() {
    let bash_is_here = !shells(true).is_empty();
    let total = FRAMES.len() * SHELLS.len() * WORKS.len() * WAITS.len() * 2;
    let count = match std::env::var("MEANING_FRAMED").as_deref() {
        Ok("all") => total,
        _ => 256,
    };
    // A step that shares no divisor with the total meets each script once.
    let chosen = (0..count).map(|index| index * 7919 % total);
    let chosen: Vec<usize> = chosen
        .filter(|index| bash_is_here || framed(*index).0[0] != "bash")
        .collect();
    let differences: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = chosen
            .chunks(chosen.len().div_ceil(2))
            .map(|part| {
                scope.spawn(move || {
                    let directory = tempfile::tempdir().unwrap();
                    programs(directory.path());
                    let differences = part
                        .iter()
                        .filter_map(|index| framed_difference(directory.path(), *index));
                    differences.collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    println!("{} framed scripts, {} differ", chosen.len(), differences.len());
    assert!(
        differences.is_empty(),
        "{}",
        differences
            .iter()
            .take(12)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
}

/// What a sidecar's script does before its process.
const SETUPS: [&str; 7] = [
    "",
    "MODE=two; ",
    "export MODE=two\n",
    "echo starting\nmkdir -p out && cd out\n",
    "#!/bin/sh\n# the process\n",
    "app prepare; ",
    "rm -f {f}\n",
];

/// The process.
const PROCESSES: [&str; 5] = [
    "app serve",
    "app \"$NAME\" $MODE",
    "app serve \\\n  --all",
    "MODE=three app serve",
    "app serve 2>&1",
];

/// What minds it; `{p}` is the process, `{f}` the file.
const WATCHDOGS: [&str; 5] = [
    "{p} & pid=$!; while [ ! -f {f} ]; do sleep 1; done; kill $pid",
    "{p} &\nCHILD=$!\n(while true; do if [ -f \"{f}\" ]; then kill $CHILD; break; fi; sleep 1; done) &\nwait $CHILD\nif [ -f \"{f}\" ]; then exit 0; fi\n",
    "{p} & p=$!; until test -e {f}; do sleep 1; done; kill -TERM $p; wait $p; exit 0",
    "{p} &\nwhile ! [ -e {f} ]; do sleep 1; done\nkill %1\n",
    "trap 'kill $p' TERM\n{p} & p=$!\nwhile [ ! -f {f} ]; do sleep 1; done\nkill $p\n",
];

/// A Job whose app writes a file when it is done, and whose sidecar looks for it.
fn watched(script: &str, directory: &str) -> String {
    let mounts = json!([{"name": "signal", "mountPath": directory}]);
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "main",
                    "image": "example.com/app:1",
                    "command": ["sh", "-c", format!("trap 'touch {directory}/done' EXIT; /work")],
                    "volumeMounts": mounts,
                },
                {
                    "name": "shipper",
                    "image": "example.com/shipper:1",
                    "command": ["sh", "-c", script],
                    "env": [{"name": "NAME", "value": "two words"}, {"name": "MODE", "value": "one"}],
                    "volumeMounts": mounts,
                },
            ],
            "volumes": [{"name": "signal", "emptyDir": {}}],
        }}},
    });
    serde_json::to_string_pretty(&job).unwrap()
}

/// The calls of a sidecar's script, which ends once the file is there.
fn run_watched(directory: &Path, command: &[String], file: &Path) -> String {
    let log = directory.join("log");
    fs::write(&log, "").unwrap();
    let _ = fs::remove_file(file);
    let words: Vec<String> = command.iter().map(|word| expanded(word)).collect();
    let program = match directory.join("bin").join(&words[0]) {
        own if own.exists() => own.display().to_string(),
        _ => words[0].clone(),
    };
    let path = format!("{}:/usr/bin:/bin", directory.join("bin").display());
    let mut child = Command::new(program)
        .args(&words[1..])
        .current_dir(directory)
        .env_clear()
        .envs([
            ("PATH", path.as_str()),
            ("NAME", "two words"),
            ("MODE", "one"),
            ("RESULT", "0"),
        ])
        .env("LOG", &log)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A line is written piece by piece.
    let is_whole = |line: &str| line.ends_with('\n') && !line.contains("prepare");
    let serves = |text: &str| text.split_inclusive('\n').any(is_whole);
    for _ in 0..600 {
        if serves(&fs::read_to_string(&log).unwrap()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    fs::write(file, "").unwrap();
    child.wait().unwrap();
    fs::read_to_string(log).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_process_runs_without_its_watchdog_as_before(
        setup in proptest::sample::select(&SETUPS[..]),
        process in proptest::sample::select(&PROCESSES[..]),
        watchdog in proptest::sample::select(&WATCHDOGS[..]),
    ) {
        let directory = tempfile::tempdir().unwrap();
        programs(directory.path());
        let signal = directory.path().join("signal");
        fs::create_dir(&signal).unwrap();
        let file = signal.join("done");
        let script = format!("{setup}{watchdog}")
            .replace("{p}", process)
            .replace("{f}", &file.display().to_string());
        let text = watched(&script, &signal.display().to_string());
        let migration = migrated::migrated(&text, Form::Native, false);
        prop_assert_eq!(&migration.failures, &[]);
        let job: Value = serde_json::from_str(&migration.text).unwrap();
        let after = job.pointer("/spec/template/spec/initContainers/0/command").cloned();
        prop_assert!(after.is_some(), "not rewritten: {}", script);
        let after: Vec<String> = serde_json::from_value(after.unwrap()).unwrap();
        let before = ["sh", "-c", script.as_str()].map(str::to_owned);
        let calls = run_watched(directory.path(), &before, &file);
        let _ = fs::remove_dir_all(directory.path().join("out"));
        prop_assert_eq!(calls, run_watched(directory.path(), &after, &file), "{:?}\n{:?}", before, after);
    }
}

/// The shells in the place of `sh`, and of `bash`, as far as they are here.
fn shells(of_bash: bool) -> Vec<&'static [&'static str]> {
    let known: &[&'static [&'static str]] = match of_bash {
        true => &[&["bash"]],
        false => &[&["dash"], &["busybox", "ash"], &["bash"]],
    };
    let is_here = |shell: &&&[&str]| {
        let (program, rest) = shell.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(rest).args(["-c", ":"]).stdin(Stdio::null());
        let is_here = command.status().is_ok_and(|status| status.success());
        if !is_here {
            tell::skip(program, &format!("there is no {program} to run scripts in"));
        }
        is_here
    };
    known.iter().filter(is_here).copied().collect()
}

/// What became of scripts.
#[derive(Debug, Default)]
struct Tally {
    safe: usize,
    review: usize,
    refused: usize,
    runs: usize,
    announced: usize,
    endless: usize,
    differences: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.safe += other.safe;
        self.review += other.review;
        self.refused += other.refused;
        self.runs += other.runs;
        self.announced += other.announced;
        self.endless += other.endless;
        self.differences.extend(other.differences);
    }
}

/// A Job of an app with this command line and a Cloud SQL proxy that nothing declares.
fn proxied(command: &[String]) -> String {
    let containers = json!([
        {
            "name": "main",
            "image": "example.com/app:1",
            "command": command,
            "env": [{"name": "NAME", "value": "two words"}, {"name": "MODE", "value": "one"}],
        },
        {
            "name": "csql",
            "image": "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0",
            "args": ["--port=5432", "--quitquitquit", "--health-check", "--http-address=0.0.0.0", "a:b:c"],
        },
    ]);
    // Processes that are shared for no visible reason would be a doubt of their own.
    let shares = command.iter().any(|word| word.contains("kill"));
    let spec = json!({"restartPolicy": "Never", "shareProcessNamespace": shares, "containers": containers});
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": spec}},
    });
    serde_json::to_string_pretty(&job).unwrap()
}

/// The app's command line after migrate where it is another one, and what is said of it.
fn rewritten(command: &[String], review: bool) -> (Option<Vec<String>>, Vec<String>) {
    let migration = migrated::migrated(&proxied(command), Form::Native, review);
    assert_eq!(migration.failures, [], "{command:?}");
    let job: Value = serde_json::from_str(&migration.text).unwrap();
    let words = job.pointer("/spec/template/spec/containers/0/command").cloned();
    let words: Vec<String> = serde_json::from_value(words.unwrap()).unwrap();
    let notes = migration.plans.iter().flat_map(|plan| plan.notes.iter().cloned());
    let left = migration
        .plans
        .iter()
        .flat_map(|plan| plan.refusals.iter().map(|refusal| refusal.reason.clone()));
    let said = notes.chain(left).collect();
    ((words != command).then_some(words), said)
}

/// Whether it was said beforehand that something may be another way.
fn is_announced(said: &[String], said_before: &[String]) -> bool {
    let announces = |note: &String| {
        note.starts_with("main now ends with the result of its own work")
            || note.starts_with("compare the script before and after: ")
    };
    said.iter().any(announces)
        || said_before
            .iter()
            .any(|reason| reason.starts_with("it has to be looked at: "))
}

fn try_one(
    stage: &stage::Stage,
    random: &mut random::Random,
    all: &[Vec<&'static [&'static str]>; 2],
    tally: &mut Tally,
) {
    let sample = grammar::sample(random);
    let mut before = sample.shell.clone();
    before.push(sample.text.clone());
    let (safely, said_before) = rewritten(&before, false);
    let is_safe = safely.is_some();
    let (after, said) = match safely {
        Some(after) => (after, Vec::new()),
        None => match rewritten(&before, true) {
            (Some(after), said) => (after, said),
            (None, _) => {
                tally.refused += 1;
                return;
            }
        },
    };
    match is_safe {
        true => tally.safe += 1,
        false => tally.review += 1,
    }
    let is_bash = sample.shell.first().is_some_and(|shell| shell.ends_with("bash"));
    let shells = &all[usize::from(is_bash)];
    if shells.is_empty() {
        return;
    }
    let shell = shells[random.below(shells.len())];
    let world = stage::World {
        shell,
        result: random.pick(&["0", "0", "3", "3", "TERM", "KILL"]),
        answers: 1 + random.below(3),
    };
    let (Some(old), Some(new)) = (stage.run(&before, world), stage.run(&after, world)) else {
        tally.endless += 1;
        return;
    };
    tally.runs += 1;
    if old == new {
        return;
    }
    if !is_safe && is_announced(&said, &said_before) {
        tally.announced += 1;
        return;
    }
    tally.differences.push(format!(
            "{} {world:?}\n--- before\n{}\n--- after {:?}\n{}\n--- {said_before:?} {said:?}\n{old:#?}\n{new:#?}\n",
            if is_safe { "safe" } else { "review" },
            sample.text,
            after.split_last().unwrap().1,
            after.last().unwrap(),
        ));
}

fn number_in(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

/// `MEANING_SCRIPTS` and `MEANING_SEED` make it longer, and another one.
#[test]
fn scripts_of_a_grammar_keep_their_meaning() {
    let (count, seed) = (number_in("MEANING_SCRIPTS", 2000), number_in("MEANING_SEED", 15));
    let all = [shells(false), shells(true)];
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let all = &all;
                scope.spawn(move || {
                    let stage = stage::Stage::new();
                    let mut own = Tally::default();
                    for index in (0..count).filter(|index| index % threads as u64 == worker as u64) {
                        let mut random =
                            random::Random::new(seed.wrapping_mul(0x0100_0000).wrapping_add(index));
                        try_one(&stage, &mut random, all, &mut own);
                    }
                    own
                })
            })
            .collect();
        workers
            .into_iter()
            .for_each(|worker| tally.add(worker.join().unwrap()));
    });
    println!(
        "{count} scripts (seed {seed}): {} rewritten safely, {} with review, {} refused; {} runs each way, {} announced to differ, {} without an end, {} differ",
        tally.safe,
        tally.review,
        tally.refused,
        tally.runs,
        tally.announced,
        tally.endless,
        tally.differences.len()
    );
    for difference in tally.differences.iter().take(12) {
        println!("{difference}");
    }
    assert!(
        tally.differences.is_empty(),
        "{} scripts differ",
        tally.differences.len()
    );
    assert!(
        tally.safe * 10 > usize::try_from(count).unwrap(),
        "hardly anything is rewritten"
    );
}
