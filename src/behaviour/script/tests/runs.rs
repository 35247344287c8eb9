use super::with;
use crate::behaviour::script::{Fault, MarkerUse};

/// What is wrong with all calls, signals and files of a script together.
fn fault(text: &str) -> &'static str {
    with(text, |behaviour| {
        let mut stops: Vec<usize> = behaviour.quits().iter().map(|quit| quit.span.start).collect();
        stops.extend(behaviour.kills().iter().map(|kill| kill.span.start));
        let markers = behaviour.markers();
        let written = markers
            .iter()
            .filter(|marker| !matches!(marker.usage, MarkerUse::Tested { .. }));
        stops.extend(written.map(|marker| marker.span.start));
        let quits = behaviour.quits().into_iter().map(|quit| quit.runs);
        let kills = behaviour.kills().into_iter().map(|kill| kill.runs);
        let written = behaviour
            .markers()
            .into_iter()
            .filter(|marker| !matches!(marker.usage, MarkerUse::Tested { .. }));
        let mut runs = quits.chain(kills).chain(written.map(|marker| marker.runs));
        match runs.next().flatten().map(|runs| runs.fault(&stops)) {
            None => "unknown",
            Some(None) => "none",
            Some(Some(Fault::SkippedOnFailure)) => "skipped on failure",
            Some(Some(Fault::SkippedOnSuccess)) => "skipped on success",
            Some(Some(Fault::Skipped)) => "skipped",
            Some(Some(Fault::FailureLost)) => "failure lost",
            Some(Some(Fault::SuccessLost)) => "success lost",
        }
    })
}

/// Each way to stop a sidecar, in each script.
fn cases(table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for stop in [
        "curl -XPOST localhost:15020/quitquitquit",
        "pkill envoy",
        "touch /shared/done",
        ": > /shared/done",
    ] {
        for (text, expected) in table {
            let text = text.replace("STOP", stop);
            let found = fault(&text);
            if found != *expected {
                wrong.push(format!("{text}: {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_lost_result_is_one_that_nobody_looked_at() {
    cases(&[
        ("app; STOP", "failure lost"),
        ("app; STOP || true", "failure lost"),
        ("app; STOP; exit 0", "failure lost"),
        ("app; STOP; exit $?", "failure lost"),
        ("app; echo done; rc=$?; STOP; exit $rc", "failure lost"),
        ("app; rc=$?; STOP; echo $rc", "failure lost"),
        ("app && echo fine; STOP", "failure lost"),
        (
            "for i in 1 2 3; do app && break; sleep 5; done; STOP",
            "failure lost",
        ),
        (
            "n=0; while [ $n -lt 5 ]; do if app; then break; fi; n=$((n+1)); done; STOP",
            "failure lost",
        ),
        ("if app; then echo ok; fi; STOP", "failure lost"),
        ("app & wait; STOP", "failure lost"),
        ("app & pid=$!; wait $pid; STOP", "failure lost"),
        ("trap 'STOP; exit 0' EXIT; app", "failure lost"),
        (
            "bye() { STOP; echo bye; exit 0; }; trap bye EXIT; set -e; app",
            "failure lost",
        ),
        ("app | tee /log; STOP; exit $?", "none"),
        ("app | tee /log; rc=$?; STOP; exit $rc", "none"),
        ("app; rc=$?; STOP; notify $rc; exit $rc", "none"),
        ("app; STOP; upload", "none"),
        ("app || true; STOP", "none"),
        ("app || echo failed; STOP", "none"),
        ("if app; then echo ok; else echo failed; fi; STOP", "none"),
        ("app; rc=$?; STOP; exit $rc", "none"),
        ("app; rc=$?; STOP; (exit $rc)", "none"),
        ("app; rc=$?; STOP; test $rc -eq 0", "none"),
        ("app; rc=$?; STOP; if [ \"$rc\" -gt 0 ]; then exit 1; fi", "none"),
        ("app; rc=$?; STOP; case $rc in 0) ;; *) exit 1;; esac", "none"),
        ("set -o pipefail; app | tee /log; rc=$?; STOP; exit $rc", "none"),
        ("app & pid=$!; wait $pid; rc=$?; STOP; exit $rc", "none"),
        ("ok=0; app && ok=1; STOP; [ $ok = 1 ]", "none"),
        (
            "failed=; app || failed=1; STOP; [ -z \"$failed\" ] || exit 1",
            "none",
        ),
        ("trap 'STOP' EXIT; app", "none"),
        ("trap 'rc=$?; STOP; exit $rc' EXIT; app", "none"),
        ("if app; then STOP; else STOP; exit 1; fi", "none"),
        ("app && STOP || { STOP; exit 1; }", "none"),
    ]);
}

#[test]
fn work_that_is_tried_again_has_no_result_to_lose() {
    cases(&[
        ("until app; do sleep 1; done; STOP", "none"),
        ("while ! app; do sleep 1; done; STOP", "none"),
        ("while true; do app && break; sleep 5; done; STOP", "none"),
        ("while :; do if app; then break; fi; sleep 5; done; STOP", "none"),
        (
            "n=0; until app; do n=$((n+1)); [ $n -ge 5 ] && exit 1; sleep 1; done; STOP",
            "skipped on failure",
        ),
        (
            "for i in $(seq 5); do app && STOP && exit 0; sleep 1; done; exit 1",
            "skipped on failure",
        ),
        (
            "for i in $(seq 5); do app && ok=1 && break; done; STOP; [ \"$ok\" = 1 ]",
            "none",
        ),
        (
            "ok=1; for i in 1 2; do if app; then ok=0; break; fi; done; STOP; exit $ok",
            "none",
        ),
    ]);
}

#[test]
fn a_stop_is_skipped_in_one_of_the_ways() {
    cases(&[
        ("app && STOP", "skipped on failure"),
        ("set -e; app; STOP", "skipped on failure"),
        ("set -e; app; rc=$?; STOP; exit $rc", "skipped on failure"),
        ("app || exit 1; STOP", "skipped on failure"),
        ("if app; then STOP; fi", "skipped on failure"),
        (
            "app; rc=$?; if [ $rc -eq 0 ]; then STOP; fi; exit $rc",
            "skipped on failure",
        ),
        ("app; rc=$?; [ $rc != 0 ] && exit $rc; STOP", "skipped on failure"),
        ("app || STOP", "skipped on success"),
        ("trap 'STOP' ERR; app", "skipped on success"),
        ("if ! app; then STOP; exit 1; fi", "skipped on success"),
        ("exec app; STOP", "skipped"),
        ("trap 'STOP' EXIT; exec app", "skipped"),
        ("trap 'STOP' TERM INT; app", "skipped"),
        ("app; rc=$?; STOP; [ $rc -ne 0 ] && exit $rc", "success lost"),
        ("app; STOP; exit 1", "success lost"),
        ("set -e; trap 'STOP' EXIT; app", "none"),
        ("app || { STOP; exit 1; }; STOP", "none"),
    ]);
}

/// In a compound command `-e` acts where it fails, and not on what it ends with (POSIX, `set`, `-e`).
#[test]
fn errexit_passes_over_what_a_compound_command_passed_over() {
    cases(&[
        ("set -e; { app && echo fine; }; STOP", "failure lost"),
        (
            "set -e; for i in 1 2 3; do app && break; done; STOP",
            "failure lost",
        ),
        ("set -e; if true; then app && echo fine; fi; STOP", "failure lost"),
        ("set -e; { app; }; STOP", "skipped on failure"),
        ("set -e; (app && echo fine); STOP", "skipped on failure"),
        ("set -e; f() { app && echo fine; }; f; STOP", "skipped on failure"),
    ]);
}

#[test]
fn what_the_walk_does_not_know_has_no_fault() {
    cases(&[
        (". /lib.sh; app; STOP", "unknown"),
        ("trap \"$CLEANUP\" EXIT; app; STOP", "unknown"),
        ("app; (sleep 5; STOP) &", "none"),
        ("app; STOP; exit $CODE", "none"),
        ("app; if [ -n \"$DEBUG\" ]; then exit 1; fi; STOP", "none"),
    ]);
}
