//! The command line of `trace`: its contract in JSON, its exit codes, and what needs no cluster.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code outside of test functions"
)]

#[path = "support/schema.rs"]
mod schema;
mod support;
#[path = "support/tell.rs"]
mod tell;

use std::path::{Path, PathBuf};

use kubectl_sidecar::trace::report;
use schema::fits;
use serde_json::json;
use support::{recordings, trace};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn scratch(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Set `UPDATE_SCHEMAS=1` to write the file anew.
#[test]
fn the_committed_schema_is_the_program_s() {
    let path = repository("schemas/trace.v1.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&report::schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        made,
        "run with UPDATE_SCHEMAS=1"
    );
}

#[test]
fn every_line_fits_the_schema() {
    let Some(recordings) = recordings() else {
        return;
    };
    let schema = serde_json::to_value(report::schema()).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for recording in recordings {
        let run = trace(
            &[
                "--attach",
                "--sidecar",
                "proxy",
                "--replay",
                recording.to_str().unwrap(),
            ],
            None,
        );
        for line in &run.lines {
            fits(&schema, line, &schema).unwrap_or_else(|error| panic!("{error}\n{line}"));
            assert_eq!(line["version"], 1);
            assert!(line["pod"]["uid"].as_str().is_some_and(|uid| !uid.is_empty()));
            kinds.insert(line["type"].as_str().unwrap().to_owned());
        }
    }
    assert!(
        kinds.contains("fact") && kinds.contains("verdict") && kinds.contains("pod"),
        "{kinds:?}"
    );
    let wrong = json!({"version": 1, "pod": {"namespace": "n", "name": "p", "uid": "u"}, "type": "fact"});
    assert!(
        fits(&schema, &wrong, &schema).is_err(),
        "the check itself can fail"
    );
}

#[test]
fn exit_codes() {
    let Some(recordings) = recordings() else {
        return;
    };
    let code = |scenario: &str, more: &[&str]| {
        let path = recordings.iter().find(|path| path.ends_with(scenario)).unwrap();
        let mut arguments = vec!["--replay", path.to_str().unwrap()];
        arguments.extend(more);
        trace(&arguments, None).code
    };
    assert_eq!(code("1.37/native-delete", &[]), Some(0));
    assert_eq!(
        code("1.37/plain-proxy-dies-first", &["--sidecar", "proxy"]),
        Some(1)
    );
    assert_eq!(code("1.37/image-missing", &[]), Some(4));
    assert_eq!(code("1.37/many-containers", &[]), Some(0));
    assert_eq!(code("1.37/many-containers", &["--strict"]), Some(4));
    assert_eq!(code("1.37/native-job", &["--for", "complete"]), Some(0));
    assert_eq!(code("1.37/native-job", &["--for", "deleted"]), Some(4));
    assert_eq!(code("1.37/native-delete", &["--for", "ready"]), Some(0));
    assert_eq!(trace(&["--replay", "/nowhere"], None).code, Some(3));
    assert_eq!(trace(&["a", "b"], None).code, Some(2));
    assert_eq!(trace(&["x/y/z"], None).code, Some(2));
    assert_eq!(trace(&["--for", "never"], None).code, Some(2));
}

#[test]
fn another_order_can_be_expected() {
    let Some(recordings) = recordings() else {
        return;
    };
    let path = |scenario: &str| {
        let found = recordings.iter().find(|path| path.ends_with(scenario)).unwrap();
        found.to_str().unwrap().to_owned()
    };
    // The app of this pod started before its sidecar was ready: native allows it, the first design does not.
    let ungated = path("1.37/native-ungated");
    assert_eq!(trace(&["--replay", &ungated], None).code, Some(0));
    assert_eq!(
        trace(&["--replay", &ungated, "--expect", "native"], None).code,
        Some(0)
    );
    assert_eq!(
        trace(&["--replay", &ungated, "--expect", "lifecycle"], None).code,
        Some(1)
    );
    let migrated = scratch(
        "migrated.yaml",
        "kind: Pod\nmetadata: {name: x}\nspec:\n  initContainers: [{name: proxy, restartPolicy: Always}]\n  containers: [{name: app}]\n",
    );
    let before = path("1.37/plain-proxy-dies-first");
    assert_eq!(
        trace(&["--replay", &before, "--expect", &migrated], None).code,
        Some(1)
    );
    assert_eq!(
        trace(&["--replay", &before, "--expect", "/nowhere.yaml"], None).code,
        Some(3)
    );
}

#[test]
fn damaged_lines_are_named_and_the_rest_is_judged() {
    let Some(recordings) = recordings() else {
        return;
    };
    let source = recordings
        .iter()
        .find(|path| path.ends_with("1.37/native-job"))
        .unwrap();
    let mut text = String::new();
    for kind in ["pods", "events"] {
        for line in std::fs::read_to_string(source.join(format!("{kind}.jsonl")))
            .unwrap()
            .lines()
        {
            text.push_str(&format!("{{\"kind\":\"{kind}\",{}\n", &line[1..]));
        }
    }
    let good = text.lines().count();
    text.insert_str(0, "not json\n{\"kind\":\"unheard-of\"}\n");
    text.push_str("{\"kind\":\"pods\",\"received\":1}\n");
    let path = scratch("damaged.jsonl", &text);
    let run = trace(&["--replay", &path], None);
    for line in [1, 2, good + 3] {
        assert!(
            run.notes.contains(&format!("damaged.jsonl:{line}:")),
            "{line}: {}",
            run.notes
        );
    }
    assert!(run.of_type("gap").count() == 3);
    assert_eq!(run.code, Some(0), "{}", run.notes);
}

/// The recording of one look at the pod of a Job whose app has ended, so many seconds before.
fn stuck_job(seconds: i64, timed_out: bool) -> String {
    let at = |second: i64| kubectl_sidecar::trace::Moment((1_795_464_000 + second) * 1_000_000_000);
    let looked = at(seconds + 1).plus(1);
    let status = |name: &str, state: serde_json::Value| json!({"name": name, "restartCount": 0, "containerID": format!("containerd://{name}"), "state": state});
    let pod = json!({"metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "9",
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "j", "controller": true}]},
        "spec": {"restartPolicy": "Never", "nodeName": "node",
            "containers": [{"name": "app", "image": "app"}, {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.24.0"}]},
        "status": {"phase": "Running", "containerStatuses": [
            status("app", json!({"terminated": {"exitCode": 0, "reason": "Completed", "containerID": "containerd://app",
                "startedAt": at(-5).rfc3339(0), "finishedAt": at(0).rfc3339(0)}})),
            status("istio-proxy", json!({"running": {"startedAt": at(-4).rfc3339(0)}}))]}});
    let event = json!({"metadata": {"name": format!("p.{:x}", at(-4).plus(5).0), "namespace": "n"},
        "involvedObject": {"kind": "Pod", "uid": "u", "name": "p", "fieldPath": "spec.containers{istio-proxy}"},
        "reason": "Started", "count": 1, "firstTimestamp": at(-4).rfc3339(0), "source": {"component": "kubelet"}});
    let listed = |kind: &str, object: &serde_json::Value| json!({"kind": kind, "received": looked.0, "event": {"type": "LISTED", "object": object}});
    let lines = [
        json!({"kind": "trace", "version": 1, "logs": false, "attach": false, "metrics": false, "sidecars": []}),
        listed("events", &event),
        listed("pods", &pod),
        json!({"kind": "listed"}),
        json!({"kind": "end", "received": looked.0, "timedOut": timed_out}),
    ];
    lines.map(|line| format!("{line}\n")).concat()
}

#[test]
fn a_stuck_job_is_known_as_long_as_it_is_stuck_and_not_as_long_as_it_is_watched() {
    for (seconds, timed_out, expected) in [
        (40, false, "violated"),
        (20, false, "not-applicable"),
        (20, true, "violated"),
    ] {
        let path = scratch("stuck.jsonl", &stuck_job(seconds, timed_out));
        let run = trace(&["--replay", &path], None);
        let verdict = run.of_type("verdict").find(|line| line["rule"] == "completes");
        let verdict = verdict.unwrap_or_else(|| panic!("{}", run.notes));
        assert_eq!(verdict["verdict"], expected, "{seconds}: {verdict}");
    }
}

#[test]
fn a_plan_needs_no_cluster() {
    let manifest = scratch(
        "plan.yaml",
        "kind: Job\nmetadata: {name: migrate}\nspec:\n  template:\n    spec:\n      initContainers:\n      - {name: setup}\n      - {name: proxy, restartPolicy: Always}\n      containers: [{name: app}]\n",
    );
    let run = trace(&["--plan", &manifest], None);
    assert_eq!(run.code, Some(0), "{}", run.notes);
    let promises: Vec<(&str, &str)> = run
        .lines
        .iter()
        .map(|line| {
            (
                line["design"].as_str().unwrap(),
                line["promise"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(promises.contains(&("native", "proxy starts after setup completed")));
    assert!(promises.contains(&("native", "proxy stops after app has ended")));
    assert!(promises.contains(&("lifecycle", "app starts after proxy started")));
}

#[test]
fn the_report_is_one_page_with_everything() {
    let Some(recordings) = recordings() else {
        return;
    };
    let source = recordings
        .iter()
        .find(|path| path.ends_with("1.37/native-job"))
        .unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    let run = trace(
        &[
            "--replay",
            source.to_str().unwrap(),
            "--report",
            path.to_str().unwrap(),
        ],
        None,
    );
    assert_eq!(run.code, Some(0));
    let page = std::fs::read_to_string(&path).unwrap();
    for part in [
        "<svg",
        "stop-order",
        "proved",
        "shipper",
        "KEP-753",
        "resourceVersion",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("src=") && !page.contains("href="),
        "nothing is loaded"
    );
}

/// What a container leaves as its last words, and names in a recording that somebody else made.
#[test]
fn nothing_of_a_recording_steers_the_terminal() {
    let hidden = "\u{202e}\u{e0041}\u{9b}31m\u{200b}";
    let directory = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(repository("examples/recordings/settle-accounts.jsonl")).unwrap();
    let text = text.replace("database-proxy", &format!("proxy{hidden}"));
    let text = text.replace("\"reason\":\"Unhealthy\"", &format!("\"reason\":\"Un{hidden}\""));
    let recording = directory.path().join("a.jsonl");
    std::fs::write(&recording, text).unwrap();
    let page = directory.path().join("page.html");
    for format in ["text", "json"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args(["trace", "-o", format, "--report"])
            .arg(&page)
            .arg("--replay")
            .arg(&recording)
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            said.contains("proxy\u{fffd}") || said.contains("proxy\\u202e"),
            "{said}"
        );
        let page = std::fs::read_to_string(&page).unwrap();
        for text in [said, page] {
            let found: Vec<char> = hidden
                .chars()
                .filter(|character| !character.is_ascii() && text.contains(*character))
                .collect();
            assert!(found.is_empty(), "{format}: {found:?}\n{text}");
        }
    }
}

/// Where standard output is no terminal, none is touched.
#[cfg(target_os = "linux")]
#[test]
fn a_screen_wants_a_terminal_to_draw_on() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!(
        "stty -a > before; '{}' trace --tui --replay '{}' > /dev/full 2> said; stty -a > after",
        env!("CARGO_BIN_EXE_kubectl-sidecar"),
        repository("examples/recordings/settle-accounts.jsonl").display()
    );
    let output = std::process::Command::new("script")
        .args(["-qec", &script, "/dev/null"])
        .current_dir(directory.path())
        .stdin(std::process::Stdio::null())
        .output();
    if output.is_err() {
        tell::skip("script", "there is no `script` to give the program a terminal");
        return;
    }
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert!(
        read("said").contains("standard output is not one"),
        "{}",
        read("said")
    );
    assert!(read("before").contains(" icanon"), "{}", read("before"));
    assert_eq!(read("before"), read("after"));
}

/// A terminal that takes no more output: nobody reads from it, and its program does not wait until somebody does. As
/// it is, it has room for the first that is drawn, since what is written to a raw one needs less; filled as a raw one,
/// it has none.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_as_before_where_its_output_fails() {
    use std::io::{ErrorKind, Write as _};

    use rustix::{
        fs::{Mode, OFlags, open},
        pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
        termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr},
    };

    for is_filled_raw in [false, true] {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let terminal = || {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK;
            std::fs::File::from(open(&*name, flags, Mode::empty()).unwrap())
        };
        let mut full = terminal();
        let before = tcgetattr(&full).unwrap();
        assert!(before.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO));
        if is_filled_raw {
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(&full, OptionalActions::Now, &raw).unwrap();
        }
        // The kernel carries on what it has taken, which makes room once more.
        let mut refusals = 0;
        while refusals < 20 {
            match full.write_all(b"x") {
                Ok(()) => refusals = 0,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    refusals += 1;
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            }
        }
        tcsetattr(&full, OptionalActions::Now, &before).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args(["trace", "--tui", "--replay"])
            .arg(repository("examples/recordings/settle-accounts.jsonl"))
            .stdin(terminal())
            .stdout(full)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{said}");
        assert!(said.contains("cannot write"), "{said}");
        let after = tcgetattr(terminal()).unwrap();
        assert_eq!(
            format!("{before:?}"),
            format!("{after:?}"),
            "{is_filled_raw}: {said}"
        );
    }
}
