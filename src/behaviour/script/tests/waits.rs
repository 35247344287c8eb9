use super::{at, with, without};
use crate::behaviour::{
    action::{Action, Host},
    script::{Wait, WaitForm},
};

fn probe(wait: &Wait) -> String {
    let shown = wait.probes.iter().map(|probe| match &probe.action {
        Action::Http(http) => format!(
            "{} {}{}",
            if http.url.host == Host::Local {
                "local"
            } else {
                "remote"
            },
            http.url.port.unwrap_or_default(),
            http.url.path.as_deref().unwrap_or("?")
        ),
        Action::Connect(connect) => format!(
            "{} {}",
            if connect.host == Host::Local {
                "local"
            } else {
                "remote"
            },
            connect.port.unwrap_or_default()
        ),
        Action::TestFile { path, .. } => path.path.clone().unwrap_or("?".to_owned()),
        Action::Tool { name } => name.clone(),
        Action::Signal { .. } => "process".to_owned(),
        other => format!("{other:?}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// `form probe flags`
fn summary(text: &str) -> String {
    with(text, |behaviour| {
        let waits = behaviour.waits();
        let shown = waits.iter().map(|wait| {
            let mut line = format!("{:?} {}", wait.form, probe(wait));
            for (holds, flag) in [
                (wait.has_side_effects, "side effects"),
                (!wait.only_waits, "busy"),
                (wait.inverted, "inverted"),
                (!wait.is_first, "later"),
                (wait.command_after.is_none(), "nothing after"),
                (wait.is_aside, "aside"),
                (wait.cut.is_none(), "inside"),
            ] {
                if holds {
                    line.push_str(&format!("; {flag}"));
                }
            }
            if let Some(limit) = wait.time_limit {
                line.push_str(&format!("; {limit}s"));
            }
            line
        });
        shown.collect::<Vec<_>>().join(" | ")
    })
}

#[test]
fn finds_loops_that_wait() {
    let ready = "Loop local 15021/healthz/ready";
    for (text, expected) in [
        (
            "until curl -fs localhost:15021/healthz/ready; do sleep 1; done; exec app",
            ready,
        ),
        (
            "until curl -fs localhost:15021/healthz/ready; do sleep 1; done && exec app",
            ready,
        ),
        (
            "while ! curl -fs localhost:15021/healthz/ready; do sleep 1; done; app",
            ready,
        ),
        (
            "set -e\nuntil curl -s localhost:15021/healthz/ready\ndo\n echo waiting\n sleep 3\ndone\n./app x\n",
            ready,
        ),
        (
            "echo start; until wget -q --spider http://$PROXY_HOST:15021/healthz/ready; do sleep 1; done; app",
            ready,
        ),
        (
            "while [ \"$(curl -s -o /dev/null -w '%{http_code}' localhost:15021/healthz/ready)\" != 200 ]; do sleep 1; done; app",
            ready,
        ),
        (
            "until [ $(curl -so /dev/null -w '%{http_code}' localhost:15021/healthz/ready) -eq 200 ]; do :; done; app",
            ready,
        ),
        (
            "until curl -s localhost:15000/ready | grep -q LIVE; do sleep 1; done; app",
            "Loop local 15000/ready",
        ),
        (
            "until nc -z 127.0.0.1 5432; do sleep 0.1; done; app",
            "Loop local 5432",
        ),
        (
            "until (echo >/dev/tcp/localhost/5432) 2>/dev/null; do sleep 1; done; app",
            "Loop local 5432",
        ),
        (
            "until timeout 1 bash -c '</dev/tcp/localhost/5432'; do sleep 1; done; app",
            "Loop local 5432",
        ),
        (
            "until pg_isready -h localhost -q; do sleep 1; done; app",
            "Loop local 5432",
        ),
        (
            "until docker info >/dev/null 2>&1; do sleep 1; done; docker build .",
            "Loop docker info",
        ),
        (
            "while [ ! -f /shared/ready ]; do sleep 1; done; app",
            "Loop /shared/ready",
        ),
        (
            "until [ -S /run/x.sock ]; do sleep 1; done; app",
            "Loop /run/x.sock",
        ),
        (
            "while ! test -e /shared/ready; do sleep 1; done; app",
            "Loop /shared/ready",
        ),
        (
            "until ls /shared/ready; do sleep 1; done; app",
            "Loop /shared/ready",
        ),
        (
            "while true; do curl -fs localhost:15021/healthz/ready && break; sleep 1; done; app",
            "EndlessLoop local 15021/healthz/ready",
        ),
        (
            "while :; do if nc -z localhost 1; then echo up; break; fi; echo waiting; sleep 1; done; app",
            "EndlessLoop local 1",
        ),
        (
            "for i in $(seq 1 30); do curl -fs localhost:1/x && break; sleep 2; done; app",
            "CountedLoop local 1/x; 60s",
        ),
        (
            "for i in 1 2 3; do nc -z localhost 1 && break || sleep 5; done; app",
            "CountedLoop local 1; 15s",
        ),
        (
            "for i in {1..10}; do nc -z localhost 1 && break; sleep 1; done; app",
            "CountedLoop local 1; 10s",
        ),
        (
            "n=0; until curl localhost:1/x || [ $n -ge 30 ]; do n=$((n+1)); sleep 1; done; app",
            "Loop local 1/x",
        ),
        (
            "until nc -z localhost 1; do ((n++)); [ $n -gt 9 ] && exit 1; sleep 1; done; app",
            "Loop local 1",
        ),
        (
            "timeout 60 sh -c 'until nc -z localhost 1; do sleep 1; done'; app",
            "Loop local 1; 60s",
        ),
        (
            "timeout 60 sh -c 'until nc -z localhost 1; do sleep 1; done' && app",
            "Loop local 1; 60s",
        ),
        (
            "ready() { until nc -z localhost 1; do sleep 1; done; }; ready; app",
            "Loop local 1",
        ),
        (
            "sh -c 'until nc -z localhost 1; do sleep 1; done; app'",
            "Loop local 1",
        ),
        (
            "{ until nc -z localhost 1; do sleep 1; done; }; app",
            "Loop local 1",
        ),
        (
            "until nc -z localhost 1; do sleep 1; done; main() { app; }; main \"$@\"",
            "Loop local 1",
        ),
        (
            "prepare; until nc -z localhost 1; do sleep 1; done; app",
            "Loop local 1; later",
        ),
        (
            "until nc -z localhost 1; do sleep 1; done",
            "Loop local 1; nothing after",
        ),
        (
            "until nc -z localhost 1; do sleep 1; done; echo up",
            "Loop local 1; nothing after",
        ),
        ("until nc -z db 5432; do sleep 1; done; app", "Loop remote 5432"),
        (
            "until curl localhost:1/x >/tmp/out; do sleep 1; done; app",
            "Loop local 1/x; side effects",
        ),
        (
            "until curl -o /tmp/out localhost:1/x; do sleep 1; done; app",
            "Loop local 1/x; side effects",
        ),
        (
            "until curl -XPOST localhost:1/x; do sleep 1; done; app",
            "Loop local 1/x; side effects",
        ),
        (
            "until mysql -h localhost -e 'create database x'; do sleep 1; done; app",
            "Loop local 3306; side effects",
        ),
        (
            "until prepare && nc -z localhost 1; do sleep 1; done; app",
            "Loop local 1; side effects",
        ),
        (
            "until nc -z localhost 1; do date >> /tmp/log; sleep 1; done; app",
            "Loop local 1; busy",
        ),
        (
            "while [ -f /shared/lock ]; do sleep 1; done; app",
            "Loop /shared/lock; inverted",
        ),
        (
            "while curl -s localhost:1/x; do sleep 1; done; app",
            "Loop local 1/x; inverted",
        ),
        ("until [ ! -f /x ]; do sleep 1; done; app", "Loop /x; inverted"),
        (
            "while pgrep app; do sleep 1; done; quit",
            "Loop process; inverted",
        ),
        (
            "while kill -0 $PID; do sleep 1; done; quit",
            "Loop process; inverted",
        ),
        (
            "while true; do if [[ ! -f /s/ready ]]; then sleep 5 & wait; continue; fi; break; done; app",
            "EndlessLoop /s/ready",
        ),
        (
            "apk add curl && until curl localhost:1/x; do sleep 1; done && app",
            "Loop local 1/x",
        ),
        (
            "apk add curl && until curl localhost:1/x; do sleep 1; done && curl -d a localhost:1/write",
            "Loop local 1/x",
        ),
        (
            "until curl localhost:1/x >& /tmp/out; do sleep 1; done; cat /tmp/out",
            "Loop local 1/x; side effects",
        ),
        (
            "app & until nc -z localhost 1; do sleep 1; done; wait",
            "Loop local 1; later; nothing after",
        ),
        (
            "(until [ -f /x ]; do sleep 1; done; kill $PID) & app",
            "Loop /x; aside; inside",
        ),
        (
            "if nc -z db 1; then until nc -z localhost 1; do sleep 1; done; fi; app",
            "Loop local 1",
        ),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn finds_commands_that_wait() {
    for (text, expected) in [
        (
            "curl --retry 30 --retry-connrefused --retry-delay 2 -f localhost:1/x; app",
            "Retry local 1/x; 60s",
        ),
        ("curl --retry 3 localhost:1/x; app", ""),
        (
            "wget -q --retry-connrefused --waitretry=1 -t 30 -O /dev/null localhost:1/x && app",
            "Retry local 1/x; 30s",
        ),
        ("wait-for-it.sh localhost:1 -t 30; app", "Tool local 1; 30s"),
        ("exec wait-for-it.sh localhost:1 -- app x", "Tool local 1; 15s"),
        ("dockerize -wait tcp://localhost:1 app x", "Tool local 1; 10s"),
        ("pilot-agent wait", "Tool pilot-agent wait; nothing after"),
        (
            "/usr/lib/linkerd/linkerd-await --timeout=2m",
            "Tool linkerd-await; nothing after",
        ),
        ("timeout 9 pilot-agent wait; app", "Tool pilot-agent wait; 9s"),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn other_loops_do_not_wait() {
    for text in [
        "while true; do app; sleep 60; done",
        "while true; do curl localhost:1/metrics; sleep 60; done",
        "for f in *; do process $f; done",
        "while read line; do curl \"localhost:1/$line\"; done",
        "while nc -l 80; do :; done",
        "for i in 1 2 3; do curl localhost:1/$i; done",
        "until work; do sleep 1; done",
        "while true; do if [ -f /x ]; then kill $PID; exit 0; fi; sleep 1; done",
        "while [ $# -gt 0 ]; do shift; done",
        "while true; do sleep 3600; done",
        "while [ -f /run ]; do serve; done",
    ] {
        assert_eq!(summary(text), "", "{text}");
    }
}

#[test]
fn removing_the_cut_leaves_the_command() {
    for (text, rest) in [
        (
            "until nc -z localhost 1; do sleep 1; done && exec app x",
            "exec app x",
        ),
        ("until nc -z localhost 1; do sleep 1; done; app", "; app"),
        (
            "echo a && until nc -z localhost 1; do sleep 1; done && app",
            "echo a && app",
        ),
        ("echo a && until nc -z localhost 1; do sleep 1; done", "echo a"),
        ("dockerize -wait tcp://localhost:1 app x", "app x"),
        ("exec wait-for-it localhost:1 -- app x", "app x"),
        (
            "timeout 9 sh -c 'until nc -z localhost 1; do sleep 1; done' && app",
            "app",
        ),
        (
            "w() { until nc -z localhost 1; do sleep 1; done; }\nw\napp",
            "w() { until nc -z localhost 1; do sleep 1; done; }\n\napp",
        ),
    ] {
        let read = with(text, |behaviour| {
            let wait = behaviour.waits().remove(0);
            assert!(!at(text, &wait.span).is_empty());
            without(text, &wait.cut.unwrap())
        });
        assert_eq!(read, rest, "{text}");
    }
}

#[test]
fn tells_interval_and_form() {
    with(
        "until nc -z localhost 1; do sleep 2; echo x; sleep 1; done; app",
        |behaviour| {
            let wait = behaviour.waits().remove(0);
            assert_eq!((wait.form, wait.interval), (WaitForm::Loop, Some(3.0)));
        },
    );
}

#[test]
fn knows_what_a_function_is_called_with() {
    for (text, expected) in [
        (
            "wait_for() { until nc -z $1 $2; do sleep 1; done; }; wait_for localhost 5432; app",
            "Loop local 5432",
        ),
        (
            "wait_for() { local host=$1; until nc -z $host $2; do sleep 1; done; }; wait_for localhost 5432; app",
            "Loop local 5432",
        ),
        (
            "wait_for() { until nc -z $1 $2; do sleep 1; done; }; wait_for localhost 1; wait_for db 2; app",
            "Loop remote 0",
        ),
        (
            "until busybox nc -z localhost 5432; do busybox sleep 1; done; app",
            "Loop local 5432",
        ),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn finds_loops_that_look_at_a_variable() {
    let asks = "curl -fs localhost:15021/healthz/ready";
    for (text, expected) in [
        (
            "while true; do ASK; if [ $? -eq 0 ]; then break; fi; sleep 1; done; app",
            "EndlessLoop local 15021/healthz/ready",
        ),
        (
            "while :; do ASK; [ $? -eq 0 ] && break; sleep 1; done; app",
            "EndlessLoop local 15021/healthz/ready",
        ),
        (
            "while true; do ASK; if [ $? -ne 0 ]; then break; fi; sleep 1; done; app",
            "EndlessLoop local 15021/healthz/ready; inverted",
        ),
        (
            "rc=1; while [ $rc -ne 0 ]; do ASK; rc=$?; sleep 1; done; app",
            "Loop local 15021/healthz/ready",
        ),
        (
            "rc=1; until [ $rc -eq 0 ]; do ASK; rc=$?; sleep 1; done; app",
            "Loop local 15021/healthz/ready",
        ),
        (
            "rc=1; while [ $rc -gt 0 ]; do ASK; rc=$?; sleep 1; done; app",
            "Loop local 15021/healthz/ready",
        ),
        (
            "n=0; until [ $n -ge 30 ]; do ASK && break; n=$((n+1)); sleep 1; done; app",
            "CountedLoop local 15021/healthz/ready",
        ),
        (
            "ready=no; while [ $ready != yes ]; do if ASK; then ready=yes; else sleep 1; fi; done; app",
            "CountedLoop local 15021/healthz/ready",
        ),
        (
            "until [ \"$ready\" = yes ]; do ASK && ready=yes; sleep 1; done; app",
            "CountedLoop local 15021/healthz/ready",
        ),
        ("while [ $n -lt 3 ]; do ASK; n=$((n+1)); done; app", ""),
        (
            "while [ $n -lt 3 ]; do if ! ASK; then n=$((n+1)); fi; done; app",
            "",
        ),
        (
            "while read host; do nc -z localhost $host && break; done; app",
            "",
        ),
        ("while [ $n -lt 3 ]; do work && break; ASK; done; app", ""),
    ] {
        assert_eq!(summary(&text.replace("ASK", asks)), expected, "{text}");
    }
}
