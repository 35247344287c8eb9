//! What an app's script runs, asks or says that its text does not show may end its sidecar.

use kubectl_sidecar::rules::{Finding, FixClass, Severity};

/// Scripts behind whose work something is run, asked or said that nobody here can read.
const UNREAD: [&str; 46] = [
    "/app/report; rc=$?\neval \"$HOOK\"\nexit $rc",
    "eval \"$SETUP\" \"$MORE\"\n/app/report",
    "/app/report; rc=$?\nsh -c \"$HOOK\"\nexit $rc",
    "/app/report; rc=$?\nsh -c $HOOK\nexit $rc",
    "/app/report; rc=$?\n${AFTER:-$HOOK}\nexit $rc",
    "/app/report\n\"$AFTER\" --now",
    "trap \"$HOOK\" EXIT\n/app/report",
    "trap $HOOK EXIT\n/app/report",
    "finish() { $HOOK; }\ntrap finish EXIT\n/app/report",
    "/app/report\nbash -s <<< \"$HOOK\"",
    "/app/report\nbash < /hooks/after",
    "/app/report\ncat <<'END' | sh\ncurl -X POST localhost:9091/quitquitquit\nEND",
    "/app/report\necho 'kill 7' | bash",
    "/app/report\necho a2lsbCA3 | base64 -d | sh",
    "/app/report\ncurl -s https://example.com/after | bash -s -- --quiet",
    "source <(curl -s https://example.com/lib)\n/app/report",
    ". \"$LIBRARY\"\n/app/report",
    "/app/report\nbash -c \"$(printf 'curl -X POST localhost:9091/%s' quitquitquit)\"",
    "/app/report\nbash \"$AFTER\"",
    "/app/report\nprintf '%s\\n' \"$HOOKS\" | xargs -I{} sh -c '{}'",
    "/app/report\necho localhost:9091/quitquitquit | xargs curl -X POST",
    "cat > /tmp/after.sh <<'END'\ncurl -X POST localhost:9091/quitquitquit\nEND\n/app/report --after /tmp/after.sh",
    "printf '#!/bin/sh\\nwget -qO- localhost:9091/quitquitquit' > /tmp/after\n/app/report --after /tmp/after",
    "/app/report\ncurl -X POST \"$URL\"",
    "/app/report\ncurl -X POST \"$(cat /etc/url)\"",
    "/app/report\nwget -q --method=POST -O- \"http://$ADMIN/quitquitquit\"",
    "urls=(http://localhost:9091/quitquitquit)\n/app/report\nfor url in \"${urls[@]}\"; do curl -X POST \"$url\"; done",
    "read -r url <<< http://localhost:9091/quitquitquit\n/app/report\ncurl -X POST \"$url\"",
    "/app/report\ncurl --config /etc/after",
    "/app/report\ncurl https://example.com/done http://localhost:9091/off",
    "/app/report\ncurl -X POST localhost:9091/healthz -d off",
    "/app/report\ncurl --json '{}' localhost:9091/ready",
    "again() { \"$@\" || \"$@\"; }\nagain /app/report\nagain curl -X POST localhost:9091/quitquitquit",
    "/app/report\nexec 3<>/dev/tcp/localhost/9999; echo quit >&3",
    "/app/report\nnc localhost 9999 <<< quit",
    "/app/report\necho terminate | socat - TCP4:localhost:9999",
    "/app/report\nnc localhost 9999 < /etc/words",
    "/app/report\nmysql -h 127.0.0.1 <<< 'SHUTDOWN;'",
    "/app/report\npython3 -c 'import os; os.kill(7, 15)'",
    "(sleep 60; $LATER) &\n/app/report",
    "/app/report\nsu report -c \"curl -X POST $URL\"",
    "/app/report\nflock /tmp/lock -c \"$HOOK\"",
    "exec python3 -c 'import report; report.main()'",
    "source /dev/stdin <<< \"$LIBRARY\"\n/app/report",
    "/app/report\nbash /dev/stdin <<END\n$HOOK\nEND",
    "/app/report\nawk 'BEGIN { system(ENVIRON[\"AFTER\"]) }'",
];

/// Scripts of which all is known, or that run what is their own work.
const READ: [&str; 22] = [
    "exec \"$APP\"",
    "exec \"$@\"",
    "\"$APP\" --yesterday",
    "set -e\nmkdir -p /tmp/work\nexec \"$APP\"",
    "curl -fsS -o /tmp/in \"$INPUT\"\n/app/report /tmp/in",
    "curl -fsS -X POST \"$STARTED\"\n/app/report",
    "/app/report\ncurl -fsS https://hooks.example.com/done",
    "/app/report\ncurl -fsS -X POST -d \"rc=$?\" https://hooks.example.com/done",
    "/app/report\nurl=https://hooks.example.com/done\ncurl -X POST \"$url\"",
    "sh <<'END'\n/app/report --yesterday\nEND",
    "bash -s -- --full <<'END'\n/app/report \"$@\"\nEND",
    "echo '/app/report --yesterday' | sh",
    "cat > /tmp/report.yaml <<END\nday: $DAY\nEND\n/app/report --config /tmp/report.yaml",
    "cat > /tmp/step.sh <<'END'\n/app/report --step\nEND\n/app/report --steps /tmp/step.sh",
    "again() { \"$@\" || \"$@\"; }\nagain /app/report --a\nagain /app/report --b",
    "/app/report\necho \"report.seconds:$SECONDS|g\" | nc -u -w1 metrics.example.com 8125",
    "/app/report\npsql -h 127.0.0.1 <<< 'ANALYZE;'",
    "/app/report\ncurl -s localhost:5432/healthz",
    "run() { \"$APP\"; }\nrun",
    "/app/report\necho stop | socat - TCP:control.example.com:9999",
    "eval '/app/report --yesterday'",
    "/app/report > /tmp/out.sh.log",
];

fn job(script: &str) -> String {
    let lines: String = script.lines().map(|line| format!("          {line}\n")).collect();
    super::JOB.replace(
        "command: [/app/report, --yesterday]\n",
        &format!("command: [bash, -c]\n        args:\n        - |\n{lines}"),
    )
}

fn doubtless(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| {
        finding.rule.name == "job-never-completes"
            && finding.severity == Severity::Error
            && finding.fix.class == FixClass::Safe
    })
}

#[test]
fn what_is_not_read_may_end_the_sidecar() {
    let is_wrong =
        |finding: &Finding| finding.severity == Severity::Error || finding.fix.class == FixClass::Safe;
    let wrong: Vec<&str> = UNREAD
        .into_iter()
        .filter(|script| {
            let found = super::findings(&job(script));
            found.is_empty() || found.iter().any(is_wrong)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}

#[test]
fn what_is_read_raises_no_doubt() {
    let wrong: Vec<String> = READ
        .into_iter()
        .map(|script| (script, super::findings(&job(script))))
        .filter(|(_, found)| !doubtless(found))
        .map(|(script, found)| format!("{script}: {:?}", found.first().map(|finding| &finding.message)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}

/// A file that bash reads before each of its scripts, and one that an image's programs would read.
#[test]
fn a_shell_that_reads_a_file_first_may_end_the_sidecar() {
    let hooked = super::JOB.replace(
        "--yesterday]\n",
        "--yesterday]\n        env: [{name: BASH_ENV, value: /hooks/all.sh}]\n",
    );
    assert!(!doubtless(&super::findings(&hooked)));
    let other = hooked.replace("BASH_ENV", "ENV");
    assert!(doubtless(&super::findings(&other)));
}

/// A container beside the app that does nothing but call an address which the kubelet puts in.
#[test]
fn a_container_that_calls_an_address_of_a_variable_may_end_the_sidecar() {
    let calls = |address: &str| {
        let caller = format!(
            "      - name: after\n        image: curlimages/curl:8.7.1\n        command: [curl, -X, POST, $(ADDRESS)]\n        env: [{{name: ADDRESS, {address}}}]\n      - name: proxy\n"
        );
        super::findings(&super::JOB.replace("      - name: proxy\n", &caller))
    };
    let unknown = "valueFrom: {configMapKeyRef: {name: a, key: b}}";
    assert!(!doubtless(&calls(unknown)));
    assert!(!doubtless(&calls("value: 'http://localhost:9091/off'")));
    assert!(doubtless(&calls("value: 'https://hooks.example.com/done'")));
}

/// Servers of tests in a mode that ends.
#[test]
fn a_server_that_ends_at_once_never_keeps_a_job() {
    const PROXY: &str = "image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0\n        args: [--port=5432, example:eu:reports]";
    for (ends, server) in [
        (true, "image: redis:7\n        args: [--daemonize, 'yes']"),
        (false, "image: redis:7\n        args: [--daemonize, 'no']"),
        (
            true,
            "image: redis:7\n        command: [redis-server, /etc/redis.conf, --daemonize, 'yes']",
        ),
        (
            true,
            "image: mongo:7\n        command: [mongod, --fork, --logpath, /tmp/log]",
        ),
        (true, "image: mongo:7\n        args: [mongod, --shutdown]"),
        (false, "image: mongo:7\n        args: [mongod, --bind_ip_all]"),
        (true, "image: memcached:1.6\n        args: [-d, -m, '64']"),
        (
            true,
            "image: memcached:1.6\n        command: [memcached, --daemon]",
        ),
        (false, "image: memcached:1.6\n        args: [-m, '64']"),
        (
            true,
            "image: rabbitmq:3.13\n        command: [rabbitmq-server, -detached]",
        ),
        (
            true,
            "image: postgres:16\n        args: [postgres, --describe-config]",
        ),
        (
            true,
            "image: postgres:16\n        args: [postgres, -C, shared_buffers]",
        ),
        (
            false,
            "image: postgres:16\n        args: [postgres, -c, shared_buffers=1GB, -d, '1']",
        ),
        (true, "image: mysql:8\n        args: [mysqld, --daemonize]"),
        (true, "image: nats:2\n        args: [-t, -c, /etc/nats.conf]"),
    ] {
        let job = super::JOB.replace(PROXY, server);
        let found = super::findings(&job);
        assert_eq!(doubtless(&found), !ends, "{server}: {found:#?}");
    }
}
