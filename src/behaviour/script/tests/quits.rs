use super::{at, with, without};
use crate::behaviour::script::{ExitStatus, QuitPosition};

/// `position verdict [plumbing]`
fn summary(text: &str) -> String {
    with(text, |behaviour| {
        let quits = behaviour.quits();
        let shown = quits.iter().map(|quit| {
            let position = match &quit.position {
                QuitPosition::BeforeMain => "before".to_owned(),
                QuitPosition::AfterMain { is_last: true } => "last".to_owned(),
                QuitPosition::AfterMain { is_last: false } => "after".to_owned(),
                QuitPosition::Trap { signals } => format!("trap {}", signals.join("+")),
                QuitPosition::Background => "background".to_owned(),
                QuitPosition::Unreachable => "unreachable".to_owned(),
                QuitPosition::Alone => "alone".to_owned(),
                QuitPosition::Elsewhere => "elsewhere".to_owned(),
            };
            let verdict = match quit.exit_status {
                ExitStatus::Preserved => "preserved",
                ExitStatus::Masked => "masked",
                ExitStatus::Lost => "lost",
                ExitStatus::Unaffected => "unaffected",
                ExitStatus::Unclear => "unclear",
            };
            let mut line = format!("{position} {verdict}");
            for span in &quit.plumbing {
                line.push_str(&format!(" [{}]", at(text, span)));
            }
            for (holds, flag) in [
                (!quit.stops, "other path"),
                (quit.tolerates_failure, "tolerant"),
                (quit.is_repeated, "repeated"),
            ] {
                if holds {
                    line.push_str(&format!("; {flag}"));
                }
            }
            line
        });
        shown.collect::<Vec<_>>().join(" | ")
    })
}

const QUIT: &str = "curl -XPOST localhost:15020/quitquitquit";

fn cases(table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in table {
        let text = text.replace("QUIT", QUIT);
        let found = summary(&text);
        if found != *expected {
            wrong.push(format!("{text}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tells_what_becomes_of_the_result() {
    cases(&[
        ("app; rc=$?; QUIT; exit $rc", "last preserved [rc=$?] [exit $rc]"),
        (
            "app\nrc=$?\nQUIT || true\nexit \"${rc}\"\n",
            "last preserved [rc=$?] [exit \"${rc}\"]; tolerant",
        ),
        (
            "rc=0; app || rc=$?; QUIT; exit $rc",
            "last preserved [rc=0] [rc=$?] [exit $rc]",
        ),
        (
            "set -e; rc=0; app || rc=$?; QUIT; exit $rc",
            "last preserved [rc=0] [rc=$?] [exit $rc]",
        ),
        (
            "set +e; app; rc=$?; set -e; QUIT; exit $rc",
            "last preserved [rc=$?] [exit $rc]",
        ),
        (
            "app & PID=$!; wait $PID; rc=$?; QUIT; exit $rc",
            "last preserved [rc=$?] [exit $rc]",
        ),
        (
            "sleep 5; app; rc=$(echo $?); QUIT; exit $rc",
            "last preserved [rc=$(echo $?)] [exit $rc]",
        ),
        (
            "main() { app; rc=$?; QUIT; exit $rc; }; main",
            "last preserved [rc=$?] [exit $rc]",
        ),
        (
            "sh -c 'app; rc=$?; QUIT; exit $rc'",
            "last preserved [rc=$?] [exit $rc]",
        ),
        ("app; rc=$?; QUIT; [ $rc -eq 0 ]", "after preserved [rc=$?]"),
        ("app; QUIT", "last masked"),
        ("app; QUIT || true", "last masked; tolerant"),
        ("app; QUIT; exit 0", "last lost"),
        ("app; QUIT; exit $?", "last masked"),
        ("app; echo done; rc=$?; QUIT; exit $rc", "last lost"),
        ("app; rc=$?; QUIT; exit $other", "last unclear [rc=$?]"),
        ("app; rc=$?; QUIT", "last masked [rc=$?]"),
        ("app || QUIT", "last unclear"),
        ("app && QUIT", "last preserved"),
        ("app && QUIT || true", "last unclear; tolerant"),
        (
            "app && rc=$(echo $?) && QUIT && exit $rc",
            "last unclear [rc=$(echo $?)] [exit $rc]",
        ),
        ("set -e; app; QUIT", "last preserved"),
        ("set -euo pipefail\napp\nQUIT\n", "last preserved"),
        ("set -o errexit; app; QUIT", "last preserved"),
        ("sh -ec 'app; QUIT'", "last preserved"),
        ("set -e; set +e; app; QUIT", "last masked"),
        ("exec app; QUIT", "unreachable preserved"),
        ("trap 'QUIT' EXIT; exec app", "unreachable preserved"),
        (
            "app; rc=$?; until QUIT; do sleep 1; done; exit $rc",
            "last preserved [rc=$?] [exit $rc]; repeated",
        ),
        (
            "app; rc=$?; { QUIT || echo no; } >/dev/null; exit $rc",
            "last preserved [rc=$?] [exit $rc]; tolerant",
        ),
        (
            "app | tee f; rc=${PIPESTATUS[0]}; QUIT; exit $rc",
            "last preserved",
        ),
        ("app | tee f; QUIT; rc=${PIPESTATUS[0]}; exit $rc", "last unclear"),
        ("app; echo $? >/rc; QUIT; exit $(cat /rc)", "last preserved"),
        ("app; x=$(next); QUIT; exit $x", "last preserved"),
        ("app; QUIT; rc=$?; x=$(next $rc); exit $x", "after unclear"),
        ("app && QUIT; sleep 2", "after unclear"),
        ("app || exit 1; QUIT", "last preserved"),
        ("app || { echo failed; exit 1; }; QUIT", "last preserved"),
        ("if ! app; then exit 1; fi; QUIT", "last preserved"),
        ("app; rc=$?; [ $rc -eq 0 ] || exit $rc; QUIT", "last preserved"),
        ("[ -f x ] || exit 1; app; QUIT", "last masked"),
        ("if [ -f x ]; then exit 0; fi; app; QUIT", "last masked"),
        ("app || true; QUIT", "last preserved"),
        ("app || failed=1; QUIT; [ -z \"$failed\" ]", "after preserved"),
        (
            "app; rc=$?; QUIT; [ $rc -eq 0 ] || exit 1",
            "after preserved [rc=$?]",
        ),
        (
            "app; rc=$?; QUIT; if [ $rc -ne 0 ]; then exit 1; fi",
            "last preserved [rc=$?]",
        ),
        (
            "app; rc=$?; QUIT && exit $rc",
            "last preserved [rc=$?] [exit $rc]",
        ),
        (
            "if app; then QUIT; else QUIT; exit 1; fi",
            "last preserved | last preserved",
        ),
        ("QUIT; app", "before unaffected"),
        ("QUIT", "alone unaffected"),
        ("until QUIT; do sleep 1; done", "alone unaffected; repeated"),
        ("app; while ! QUIT; do sleep 1; done", "last masked; repeated"),
        (
            "app; rc=$?; until QUIT; do sleep 1; done; exit $rc",
            "last preserved [rc=$?] [exit $rc]; repeated",
        ),
        (
            "(while kill -0 $P; do sleep 1; done; QUIT) & app",
            "background unclear",
        ),
        ("app; curl localhost:9000/report", "last masked; other path"),
        ("app; curl -XPOST http://web/quitquitquit", ""),
        ("app; curl $PROXY_HOST:8091/quitquitquit", "last masked"),
        ("app; QUIT; upload", "before unaffected"),
        ("unused() { QUIT; }; app", "elsewhere unclear"),
    ]);
}

#[test]
fn follows_traps() {
    cases(&[
        ("trap 'QUIT' EXIT; app", "trap EXIT preserved"),
        ("trap \"QUIT\" EXIT TERM\napp", "trap EXIT+TERM preserved"),
        ("quit() { QUIT; }; trap quit EXIT; app", "trap EXIT preserved"),
        (
            "quit() { rc=$?; QUIT; exit $rc; }; trap quit EXIT; app",
            "trap EXIT preserved [rc=$?] [exit $rc]",
        ),
        (
            "quit() { local rc=$?; QUIT; exit $rc; }; trap quit EXIT; app",
            "trap EXIT preserved [local rc=$?] [exit $rc]",
        ),
        (
            "trap 'rc=$?; QUIT; exit $rc' 0; app",
            "trap 0 preserved [rc=$?] [exit $rc]",
        ),
        ("trap 'QUIT; exit 0' EXIT; app", "trap EXIT lost"),
        (
            "quit() { QUIT; exit 0; }; trap quit ERR EXIT; app",
            "trap ERR+EXIT lost",
        ),
        ("trap 'QUIT; exit $?' EXIT; app", "trap EXIT masked"),
        ("trap 'QUIT; exit' EXIT; app", "trap EXIT preserved"),
        (
            "a() { QUIT; }; b() { a; }; trap b EXIT; app",
            "trap EXIT preserved",
        ),
        ("quit() { QUIT; }; app; quit", "last masked"),
        (
            "quit() { QUIT; }; app; rc=$?; quit; exit $rc",
            "last preserved [rc=$?] [exit $rc]",
        ),
    ]);
}

#[test]
fn removing_the_cut_leaves_the_rest() {
    for (text, rest) in [
        ("app; QUIT", "app; "),
        ("app && QUIT", "app"),
        ("app && QUIT || true", "app"),
        ("app && QUIT && echo x", "app && echo x"),
        ("app; QUIT || true; exit $rc", "app; ; exit $rc"),
        ("app\nQUIT || true\nexit $rc", "app\n\nexit $rc"),
        ("app; while ! QUIT; do sleep 1; done; x", "app; ; x"),
        ("trap 'QUIT' EXIT; app", "trap '' EXIT; app"),
        ("trap 'QUIT; rm x' EXIT; app", "trap '; rm x' EXIT; app"),
        ("f() { QUIT; }; app; f", "f() { ; }; app; f"),
    ] {
        let text = text.replace("QUIT", QUIT);
        let read = with(&text, |behaviour| {
            without(&text, &behaviour.quits().remove(0).cut.unwrap())
        });
        assert_eq!(read, rest, "{text}");
    }
}

#[test]
fn raw_requests_count() {
    for text in [
        "app; printf 'POST /quitquitquit HTTP/1.1\\r\\n\\r\\n' | nc localhost 15020",
        "app; exec 3<>/dev/tcp/localhost/4191; echo -e 'POST /shutdown HTTP/1.1\\n' >&3",
        "app; node -e \"fetch('http://localhost:9091/quitquitquit')\"",
    ] {
        assert_eq!(summary(text), "last masked", "{text}");
    }
}
