//! The whole program against a loopback server that plays every recording over real HTTP, whole and broken.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code outside of test functions"
)]

mod support;
#[path = "support/tell.rs"]
mod tell;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use support::{ApiServer, Fault, Run, Script, recordings, trace};

/// Runs of the binary at a time.
const PARALLEL: usize = 6;

/// Does something with every recording, several at a time, and gives all complaints.
fn each_recording(check: impl Fn(&Path) -> Vec<String> + Sync) -> Vec<String> {
    let Some(recordings) = recordings() else {
        return Vec::new();
    };
    let queue: Arc<Mutex<Vec<PathBuf>>> = Arc::new(Mutex::new(recordings));
    let complaints = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                loop {
                    let Some(next) = queue.lock().unwrap().pop() else {
                        return;
                    };
                    let found = check(&next);
                    complaints.lock().unwrap().extend(
                        found
                            .into_iter()
                            .map(|text| format!("{}: {text}", next.display())),
                    );
                }
            });
        }
    });
    complaints.into_inner().unwrap()
}

fn live(script: Script, name: &str) -> Run {
    let goal = if script.deletes_all() {
        "deleted"
    } else {
        "complete"
    };
    let mut arguments = sidecar_of(&script);
    let server = ApiServer::start(script);
    let kubeconfig = server.kubeconfig(name);
    arguments.extend(["--for", goal, "--timeout", "60s"]);
    trace(&arguments, Some(&kubeconfig))
}

/// The proxy is a sidecar where there is one.
fn sidecar_of(script: &Script) -> Vec<&'static str> {
    let has_proxy = script.pods.iter().any(|event| {
        let containers = event["object"]["spec"]["containers"].as_array();
        containers.is_some_and(|containers| containers.iter().any(|one| one["name"] == "proxy"))
    });
    if has_proxy {
        vec!["--sidecar", "proxy"]
    } else {
        Vec::new()
    }
}

fn replayed(recording: &Path) -> Run {
    let mut arguments = sidecar_of(&Script::of(recording));
    arguments.extend(["--replay", recording.to_str().unwrap()]);
    trace(&arguments, None)
}

fn name_of(recording: &Path, kind: &str) -> String {
    let version = recording.parent().unwrap().file_name().unwrap().to_string_lossy();
    format!(
        "{kind}-{version}-{}",
        recording.file_name().unwrap().to_string_lossy()
    )
}

/// The live run must say exactly what the replay says: nothing lost, nothing twice.
fn same(live: &Run, replayed: &Run) -> Vec<String> {
    let mut complaints = Vec::new();
    let verdicts = |run: &Run| -> Vec<String> {
        run.verdicts()
            .iter()
            .map(|(pair, verdict)| format!("{pair} {verdict}"))
            .collect()
    };
    for (one, two, who) in [(live, replayed, "live"), (replayed, live, "replayed")] {
        for (of_one, of_two) in [(one.facts(), two.facts()), (verdicts(one), verdicts(two))] {
            let mut rest = of_two;
            for line in of_one {
                match rest.iter().position(|other| *other == line) {
                    Some(at) => drop(rest.remove(at)),
                    None => complaints.push(format!("only {who}: {line}")),
                }
            }
        }
    }
    if live.code != replayed.code {
        complaints.push(format!(
            "exit code {:?}, replayed {:?}: {}",
            live.code, replayed.code, live.notes
        ));
    }
    complaints
}

/// Verdicts that the runtime's own account contradicts.
fn wrong(run: &Run, recording: &Path) -> Vec<String> {
    let truth: Value =
        serde_json::from_str(&std::fs::read_to_string(recording.join("truth.json")).unwrap()).unwrap();
    let verdicts: BTreeMap<String, String> = run.verdicts();
    let mut complaints = Vec::new();
    for pod in truth["pods"].as_array().unwrap() {
        for rule in pod["rules"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let key = format!(
                "{} {} {} {}",
                text(&pod["pod"]),
                text(&rule["rule"]),
                text(&rule["before"]),
                text(&rule["after"])
            );
            let verdict = verdicts.get(&key).map_or("none", String::as_str);
            let held = rule["held"].as_bool();
            if (verdict == "proved" && held != Some(true)) || (verdict == "violated" && held != Some(false)) {
                complaints.push(format!("{key} is {verdict}, held {held:?}"));
            }
        }
    }
    complaints
}

fn faulty(kind: &str, change: impl Fn(&mut Script) + Sync) {
    let complaints = each_recording(|recording| {
        let mut script = Script::of(recording);
        change(&mut script);
        let live = live(script, &name_of(recording, kind));
        same(&live, &replayed(recording))
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn over_http_as_by_replay() {
    faulty("whole", |script| script.sends_bookmarks = true);
}

#[test]
fn a_cut_watch_is_resumed() {
    faulty("cut", |script| {
        script.faults = vec![(2, Fault::Cut), (4, Fault::CutInLine), (7, Fault::Cut)]
    });
}

#[test]
fn what_is_sent_again_is_not_told_again() {
    faulty("twice", |script| {
        script.faults = vec![(3, Fault::Duplicates), (3, Fault::Cut), (6, Fault::Duplicates)]
    });
}

#[test]
fn a_server_without_bookmarks_is_watched_without() {
    faulty("bookmarks", |script| script.refuses_bookmarks = true);
}

#[test]
fn a_restarted_server_and_an_expired_token_are_survived() {
    faulty("restart", |script| {
        script.faults = vec![(3, Fault::Restart), (5, Fault::Unauthorized), (6, Fault::Cut)]
    });
}

#[test]
fn after_410_the_gap_is_told_and_no_verdict_is_wrong() {
    for (kind, fault) in [
        ("gone", Fault::Gone { skipped: 3 }),
        ("gone-on-request", Fault::GoneOnRequest { skipped: 4 }),
    ] {
        let complaints = each_recording(|recording| {
            let mut script = Script::of(recording);
            script.faults = vec![(4, fault)];
            let live = live(script, &name_of(recording, kind));
            let mut complaints = wrong(&live, recording);
            if live.of_type("gap").next().is_none() {
                complaints.push("no gap is told".to_owned());
            }
            let mut facts = live.facts();
            facts.dedup();
            if facts.len() != live.facts().len() {
                complaints.push("a fact is told twice".to_owned());
            }
            complaints
        });
        assert!(complaints.is_empty(), "{kind}: {}", complaints.join("\n"));
    }
}

#[test]
fn a_pod_that_vanished_in_a_gap_is_unknown() {
    let Some(recordings) = recordings() else {
        return;
    };
    let recording = recordings
        .iter()
        .find(|path| path.ends_with("1.37/native-delete"))
        .unwrap();
    let mut script = Script::of(recording);
    let phase = |event: &Value| event["object"]["status"]["phase"].clone();
    let last_seen = script
        .pods
        .iter()
        .position(|event| phase(event) == "Succeeded")
        .unwrap();
    let skipped = script.pods.len() - last_seen;
    script.faults = vec![(last_seen, Fault::Gone { skipped })];
    let run = live(script, "vanished");
    let stops: Vec<&Value> = run
        .of_type("verdict")
        .filter(|line| line["rule"] == "stop-order")
        .collect();
    assert!(!stops.is_empty());
    for stop in stops {
        assert_eq!(stop["verdict"], "unknown", "{stop}");
        assert!(stop["reason"].as_str().unwrap().contains("gap"), "{stop}");
    }
    assert_eq!(run.code, Some(4), "{}", run.notes);
}

#[test]
fn it_starts_with_what_has_happened() {
    let Some(recordings) = recordings() else {
        return;
    };
    let recording = recordings
        .iter()
        .find(|path| path.ends_with("1.37/native-job"))
        .unwrap();
    let mut script = Script::of(recording);
    script.happened = script.pods.len();
    let server = ApiServer::start(script);
    let run = trace(&["--timeout", "2s"], Some(&server.kubeconfig("late")));
    assert_eq!(wrong(&run, recording), Vec::<String>::new());
    let stops: Vec<&Value> = run
        .of_type("verdict")
        .filter(|line| line["rule"] == "stop-order")
        .collect();
    assert_eq!(stops.len(), 3);
    assert!(stops.iter().all(|stop| stop["verdict"] == "proved"), "{stops:?}");
}

#[test]
fn pods_are_found_through_their_owners() {
    let Some(recordings) = recordings() else {
        return;
    };
    let recording = recordings
        .iter()
        .find(|path| path.ends_with("1.37/rollout"))
        .unwrap();
    let mut script = Script::of(recording);
    let namespace = script.namespace();
    let sets: BTreeMap<String, String> = script
        .pods
        .iter()
        .map(|event| {
            let owner = &event["object"]["metadata"]["ownerReferences"][0];
            (
                owner["name"].as_str().unwrap().to_owned(),
                owner["uid"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(sets.len(), 2);
    let base = format!("/apis/apps/v1/namespaces/{namespace}");
    script.objects.insert(
        format!("{base}/deployments/rollout"),
        json!({"metadata": {"uid": "the-deployment"}, "spec": {"replicas": 2}}),
    );
    script.objects.insert(
        "/apis/apps/v1".to_owned(),
        json!({"resources": [
            {"name": "replicasets", "kind": "ReplicaSet", "namespaced": true},
            {"name": "replicasets/scale", "kind": "Scale", "namespaced": true},
        ]}),
    );
    for (index, (name, uid)) in sets.iter().enumerate() {
        let owners = if index == 0 {
            json!([{"kind": "Deployment", "apiVersion": "apps/v1", "name": "rollout", "uid": "the-deployment"}])
        } else {
            json!([{"kind": "Deployment", "apiVersion": "apps/v1", "name": "other", "uid": "another"}])
        };
        script.objects.insert(
            format!("{base}/replicasets/{name}"),
            json!({"metadata": {"uid": uid, "ownerReferences": owners}}),
        );
    }
    script.objects.insert(
        format!("{base}/deployments/other"),
        json!({"metadata": {"uid": "another"}}),
    );
    let server = ApiServer::start(script);
    let run = trace(
        &["deploy/rollout", "--for", "deleted", "--timeout", "30s"],
        Some(&server.kubeconfig("owners")),
    );
    let mut pods: Vec<&str> = run
        .lines
        .iter()
        .filter_map(|line| line["pod"]["name"].as_str())
        .collect();
    pods.sort_unstable();
    pods.dedup();
    let (first, _) = sets.iter().next().unwrap();
    assert_eq!(pods.len(), 2, "{pods:?} {}", run.notes);
    assert!(pods.iter().all(|pod| pod.starts_with(first.as_str())), "{pods:?}");
    assert_eq!(run.code, Some(0), "{}", run.notes);
}

#[test]
fn what_is_recorded_replays_the_same() {
    let Some(recordings) = recordings() else {
        return;
    };
    let recording = recordings
        .iter()
        .find(|path| path.ends_with("1.34/native-delete"))
        .unwrap();
    let script = Script {
        faults: vec![(5, Fault::Gone { skipped: 2 })],
        pause: Duration::from_millis(5),
        ..Script::of(recording)
    };
    let server = ApiServer::start(script);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded.jsonl");
    let run = trace(
        &[
            "--for",
            "deleted",
            "--timeout",
            "30s",
            "--record",
            file.to_str().unwrap(),
        ],
        Some(&server.kubeconfig("record")),
    );
    let again = trace(&["--replay", file.to_str().unwrap()], None);
    assert!(run.of_type("gap").next().is_some());
    assert_eq!(run.lines, again.lines);
    assert_eq!(run.code, again.code);
}

#[test]
fn a_server_that_refuses_is_a_failure() {
    let Some(recordings) = recordings() else {
        return;
    };
    let server = ApiServer::start(Script::of(&recordings[0]));
    let run = trace(&["rollout/none"], Some(&server.kubeconfig("refuses")));
    assert_eq!(run.code, Some(3));
    assert!(run.notes.contains("404"), "{}", run.notes);
    let run = trace(&["job/none", "--once"], Some(&server.kubeconfig("refuses-job")));
    assert_eq!(run.code, Some(2));
    assert!(run.notes.contains("job.batch/none in namespace"), "{}", run.notes);
}

/// A server that is gone when the looking ends: what happened since is unknown, and that is said.
#[test]
fn what_a_lost_server_would_have_told_is_unknown() {
    let Some(recordings) = recordings() else {
        return;
    };
    let recording = recordings
        .iter()
        .find(|path| path.ends_with("1.37/native-delete"))
        .unwrap();
    let mut script = Script::of(recording);
    let is_asked = |event: &Value| !event["object"]["metadata"]["deletionTimestamp"].is_null();
    let asked = script.pods.iter().position(is_asked).unwrap();
    script.pods.truncate(asked + 1);
    let server = ApiServer::start(script);
    let kubeconfig = server.kubeconfig("lost-at-the-end");
    let run = thread::scope(|scope| {
        let run = scope.spawn(|| trace(&["--timeout", "5s"], Some(&kubeconfig)));
        thread::sleep(Duration::from_secs(2));
        drop(server);
        run.join().unwrap()
    });
    assert_eq!(run.code, Some(4), "{} {:?}", run.notes, run.verdicts());
    let mut stops = run.of_type("verdict").filter(|line| line["rule"] == "stop-order");
    assert!(
        stops.all(|line| line["verdict"] == "unknown"),
        "{:?}",
        run.verdicts()
    );
    let gaps: Vec<&Value> = run.of_type("gap").collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0]["reason"].as_str().unwrap().contains("cannot be reached"),
        "{gaps:?}"
    );
}
