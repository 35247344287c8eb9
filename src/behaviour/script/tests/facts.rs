use super::{at, with, without};
use crate::behaviour::{
    action::Target,
    script::{MarkerUse, Reached},
};

#[test]
fn finds_sleeps_before_a_command() {
    for (text, expected) in [
        ("sleep 20 && exec app", "20 first exec app"),
        ("sleep 5; app", "5 first app"),
        ("echo waiting; sleep 5\napp", "5 first app"),
        ("prepare; sleep 5; app", "5 later app"),
        ("sleep $DELAY; app", "? first app"),
        ("sleep 20", "20 first -"),
        ("app; sleep 15", "15 later -"),
        ("sleep infinity", "inf first -"),
        ("while true; do sleep 1; done", ""),
        ("until nc -z localhost 1; do sleep 1; done; app", ""),
        ("sleep 5 & app", ""),
        ("trap 'sleep 5' TERM; app", ""),
        ("f() { sleep 5; }; app", ""),
    ] {
        let found = with(text, |behaviour| {
            let sleeps = behaviour.sleeps();
            let shown = sleeps.iter().map(|sleep| {
                let seconds = sleep
                    .seconds
                    .map_or("?".to_owned(), |seconds| seconds.to_string());
                let place = if sleep.is_first { "first" } else { "later" };
                let after = sleep.command_after.as_ref().map_or("-", |span| at(text, span));
                format!("{seconds} {place} {after}")
            });
            shown.collect::<Vec<_>>().join(" | ")
        });
        assert_eq!(found, expected, "{text}");
    }
    let text = "sleep 20 && exec app";
    let cut = with(text, |behaviour| behaviour.sleeps().remove(0).cut);
    assert_eq!(without(text, &cut), "exec app");
}

#[test]
fn finds_kills() {
    for (text, expected) in [
        ("app; pkill -INT cloud_sql_proxy", "INT process after"),
        (
            "app & PID=$!; trap 'kill -TERM $PID' TERM; wait $PID",
            "TERM own trap TERM",
        ),
        ("app & wait; kill $!", "- own after"),
        ("kill 1", "- pid"),
        (
            "proxy & P=$!; (while true; do if [ -f /m ]; then kill $P; exit 0; fi; sleep 1; done) & wait $P",
            "- own aside tests /m",
        ),
        (
            "proxy & P=$!; while [ ! -f /m ]; do sleep 1; done; kill $P",
            "- own after tests /m",
        ),
        (
            "until test -f /m; do sleep 1; done; pkill proxy",
            "- process tests /m",
        ),
        ("[ -f /m ] && kill $(pidof proxy)", "- process tests /m"),
        (
            "stop() { killall proxy; }; trap stop EXIT; app",
            "- process trap EXIT",
        ),
        ("kill -0 $P", ""),
        ("pgrep x", ""),
        ("for p in $PIDS; do kill $p; done", "- variable"),
    ] {
        let found = with(text, |behaviour| {
            let kills = behaviour.kills();
            let shown = kills.iter().map(|kill| {
                let target = match kill.targets.first() {
                    _ if kill.only_own_children => "own",
                    Some(Target::Process { .. }) => "process",
                    Some(Target::Pid(_)) => "pid",
                    Some(Target::Variable(_)) => "variable",
                    _ => "?",
                };
                let mut line = format!("{} {target}", kill.signal.as_deref().unwrap_or("-"));
                if let Some(signals) = &kill.trap {
                    line.push_str(&format!(" trap {}", signals.join("+")));
                }
                for (holds, flag) in [(kill.is_after_main, " after"), (kill.is_background, " aside")] {
                    if holds {
                        line.push_str(flag);
                    }
                }
                if !kill.behind_tests_of.is_empty() {
                    line.push_str(&format!(" tests {}", kill.behind_tests_of.join("+")));
                }
                line
            });
            shown.collect::<Vec<_>>().join(" | ")
        });
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn finds_markers() {
    for (text, expected) in [
        ("trap 'touch /pod/done' EXIT; app", "/pod/done written trap EXIT"),
        (
            "trap \"touch /pod/done\" EXIT\napp",
            "/pod/done written trap EXIT",
        ),
        ("app; touch /pod/done", "/pod/done written after"),
        ("app && echo ok > /pod/done", "/pod/done written after"),
        ("app; : > /pod/done; exit 0", "/pod/done written after"),
        (
            "done_() { > /pod/done; }; trap done_ EXIT; app",
            "/pod/done written trap EXIT",
        ),
        ("rm -f /pod/done; app", "/pod/done removed"),
        ("app > /tmp/log", "/tmp/log filled"),
        (
            "while [ ! -f /pod/done ]; do sleep 1; done; kill $P",
            "/pod/done absent loop Kill",
        ),
        (
            "until [ -f /pod/done ]; do sleep 1; done; exit 0",
            "/pod/done present loop Exit",
        ),
        (
            "(while true; do if [[ -f /pod/done ]]; then kill $P; fi; sleep 1; done) & app",
            "/pod/done present loop aside Kill",
        ),
        (
            "if [ -f /pod/done ]; then exit 0; fi; app",
            "/pod/done present Exit",
        ),
        ("[ -f /pod/done ] && exit 0; app", "/pod/done present Exit"),
        ("! test -f /pod/ready || app", "/pod/ready absent Work"),
        (
            "while :; do [ -f /r ] && break; sleep 1; done; app",
            "/r present loop Break",
        ),
        ("app; curl -o /tmp/x localhost:1/x", "/tmp/x filled after"),
    ] {
        let found = with(text, |behaviour| {
            let markers = behaviour.markers();
            let shown = markers.iter().map(|marker| {
                let usage = match marker.usage {
                    MarkerUse::Written => "written",
                    MarkerUse::Filled => "filled",
                    MarkerUse::Removed => "removed",
                    MarkerUse::Tested { negated: true, .. } => "absent",
                    MarkerUse::Tested { negated: false, .. } => "present",
                };
                let mut line = format!("{} {usage}", marker.file.path.as_deref().unwrap_or("?"));
                for (holds, flag) in [
                    (marker.is_after_main, " after"),
                    (marker.is_in_loop, " loop"),
                    (marker.is_background, " aside"),
                ] {
                    if holds {
                        line.push_str(flag);
                    }
                }
                if let Some(signals) = &marker.trap {
                    line.push_str(&format!(" trap {}", signals.join("+")));
                }
                for reached in &marker.reached {
                    line.push_str(match reached {
                        Reached::Kill => " Kill",
                        Reached::Exit => " Exit",
                        Reached::Break => " Break",
                        Reached::Work => " Work",
                    });
                }
                line
            });
            shown.collect::<Vec<_>>().join(" | ")
        });
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn finds_traps() {
    for (text, signals, expected) in [
        ("trap '' TERM; app", "TERM", "ignores delays termination"),
        ("trap 'sleep 30' TERM; app", "TERM", "delays termination"),
        (
            "trap 'echo bye; sleep 30; exit 0' SIGTERM INT; app",
            "SIGTERM+INT",
            "delays termination",
        ),
        ("t() { sleep 5; }; trap t TERM; app", "TERM", "delays termination"),
        (
            "t() { sleep 5; kill $P; }; trap t TERM; app",
            "TERM",
            "termination",
        ),
        ("trap 'exit 0' TERM; app", "TERM", "termination"),
        ("trap 'touch /x' EXIT; app", "EXIT", "exit"),
        ("trap 'rm x' 0 15; app", "0+15", "exit termination"),
        (
            "a() { b; }; b() { a; sleep 1; }; trap a EXIT; app",
            "EXIT",
            "delays exit",
        ),
    ] {
        let found = with(text, |behaviour| {
            let trap = behaviour.traps().remove(0);
            let flags = [
                (trap.ignores, "ignores"),
                (trap.only_delays(), "delays"),
                (trap.is_on_exit(), "exit"),
                (trap.is_on_termination(), "termination"),
            ];
            let flags: Vec<_> = flags
                .into_iter()
                .filter(|(holds, _)| *holds)
                .map(|(_, flag)| flag)
                .collect();
            (trap.signals.join("+"), flags.join(" "))
        });
        assert_eq!(found, (signals.to_owned(), expected.to_owned()), "{text}");
    }
    with("trap - EXIT; app", |behaviour| {
        assert!(behaviour.traps().is_empty())
    });
}

#[test]
fn finds_background_processes() {
    let text = "proxy --x & PID=$!\nother & trap 'kill $PID' TERM; app; wait $PID";
    with(text, |behaviour| {
        let found = behaviour.background();
        assert_eq!(found.len(), 2);
        assert_eq!(at(text, &found[0].span), "proxy --x");
        assert_eq!(found[0].variable.as_deref(), Some("PID"));
        assert!(found[0].is_waited_for && found[0].is_signalled);
        assert!(!found[1].is_waited_for && !found[1].is_signalled);
    });
    with("helper & app & wait $!", |behaviour| {
        let waited: Vec<_> = behaviour
            .background()
            .iter()
            .map(|found| found.is_waited_for)
            .collect();
        assert_eq!(waited, [false, true]);
    });
}

#[test]
fn finds_swallowed_requests() {
    for (text, expected) in [
        (
            "my-job --a curl http://localhost:9091/quitquitquit",
            "curl http://localhost:9091/quitquitquit",
        ),
        (
            "/job\\\n wget --post-data '' -O- localhost:1/shutdown",
            "wget --post-data '' -O- localhost:1/shutdown",
        ),
        (
            "my-job --user=<USER> --name=<NAME> curl http://localhost:1/quitquitquit",
            "curl http://localhost:1/quitquitquit",
        ),
        ("my-job --a curl http://web/x", ""),
        ("my-job; curl http://localhost:1/x", ""),
        ("xargs curl http://localhost:1/x", ""),
        ("find . -exec curl http://localhost:1/x \\;", ""),
        ("timeout 5 curl localhost:1/x", ""),
        ("kubexit curl localhost:1/x", ""),
        ("echo curl localhost:1/x", ""),
        ("apk add curl", ""),
        ("my-job curl", ""),
    ] {
        let found = with(text, |behaviour| {
            let swallowed = behaviour.swallowed();
            swallowed
                .first()
                .map_or("", |swallowed| at(text, &swallowed.span))
                .to_owned()
        });
        assert_eq!(found, expected, "{text}");
    }
}
