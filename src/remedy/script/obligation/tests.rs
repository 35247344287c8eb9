use super::*;
use crate::{
    remedy::script::cut::{Environment, cut},
    shell::Dialect,
};

/// What a cut of `command`, up to its end in `text`, comes to.
fn answer_in(text: &str, command: &str, shell: &Shell) -> Answer<Hindrance> {
    let start = text.find(command).unwrap();
    let span = start..start + command.len();
    match cut(text, shell, std::slice::from_ref(&span)) {
        Ok(remains) => remains.doubt.map_or(Answer::Proved, Answer::Unknown),
        Err(hindrance) => Answer::Refuted(hindrance),
    }
}

fn shell() -> Shell {
    Shell {
        dialect: Dialect::Bash,
        exits_on_error: false,
        exits_on_unset: false,
        environment: Environment::new(["MODE".to_owned()].into_iter(), false),
    }
}

fn answer(text: &str, command: &str) -> Answer<Hindrance> {
    answer_in(text, command, &shell())
}

const WAIT: &str = "until curl x; do sleep 1; done";

/// A wait that also does this.
fn wait_that(does: &str) -> String {
    format!("until curl x; do {does}; sleep 1; done")
}

/// What remains of a script with such a wait, then the rest of it.
fn after(does: &str, rest: &str) -> Answer<Hindrance> {
    let wait = wait_that(does);
    answer(&format!("{wait}\n{rest}\n"), &wait)
}

#[track_caller]
fn assert_reads(does: &str, rest: &str, name: &str) {
    match after(does, rest) {
        Answer::Refuted(Hindrance::Variable { name: found, .. }) if found == name => {}
        other => panic!("{does} … {rest}: {other:?}"),
    }
}

#[test]
fn a_variable_that_is_read_keeps_the_wait_however_it_is_set_or_read() {
    for does in [
        "n=$((n+1))",
        "n+=x",
        "let n=n+1",
        "((n++))",
        "read -r n < /f",
        "read -p go -t 3 a n",
        "printf -v n %s x",
        "mapfile -t n",
        "export n=1",
        "declare -i n=1",
        "readonly n=1",
        "getopts ab n",
        "unset n",
        ": ${n:=1}",
        "echo $((n = 2))",
        "for n in 1 2; do break; done",
        "eval 'n=1'",
    ] {
        assert_reads(does, "/app \"$n\"", "n");
    }
    for rest in [
        "/app --tries ${n}",
        "/app ${n:-0} ${#n}",
        "/app $((n + 1))",
        "if [ $n -gt 3 ]; then /app; fi",
        "[[ n -gt 3 ]] && /app",
        "((n > 3)) && /app",
        "main() { /app $n; }; main",
        "trap 'save $n' EXIT; /app",
        "(cd /x; /app $n)",
        "/app <<END\n$n\nEND",
        "case $n in 3) /app;; *) /other;; esac",
        "case 3 in $n) /app;; esac",
        "eval '/app $n'",
        "sh -c \"/app $n\"",
        "x=$(echo $n); /app",
        "/app > /log.$n",
    ] {
        assert_reads("n=$((n+1))", rest, "n");
    }
}

#[test]
fn a_variable_that_is_set_anew_or_read_before_is_no_hindrance() {
    for rest in [
        "n=1; /app $n",
        "for n in 1 2; do /app $n; done",
        "/app '$n' \\$n",
        "n=2\nmain() { /app $n; }\nmain",
    ] {
        assert_eq!(after("n=$((n+1))", rest), Answer::Proved, "{rest}");
    }
    assert_eq!(
        answer(&format!("n=0; /setup $n; {WAIT}; /app"), WAIT),
        Answer::Proved
    );
    // Set on one way only.
    assert!(after("n=$((n+1))", "if /x; then n=1; fi; /app $n").is_refuted());
    assert!(after("n=$((n+1))", "/x && n=1; /app $n").is_refuted());
    assert!(after("n=$((n+1))", "(n=1); /app $n").is_refuted());
    assert!(after("n=$((n+1))", "for i in 1 2; do /app $n; n=1; done").is_refuted());
}

#[test]
fn what_a_subshell_sets_is_gone_with_it() {
    let wait = "(until curl x; do n=1; cd /x; sleep 1; done)";
    assert_eq!(answer(&format!("{wait}\n/app $n\n"), wait), Answer::Proved);
}

#[test]
fn the_environment_of_programs_is_no_other() {
    for does in ["MODE=one", "export n=1", "PATH=/x:$PATH"] {
        assert!(
            matches!(
                after(does, "/app"),
                Answer::Refuted(Hindrance::Environment { .. })
            ),
            "{does}: {:?}",
            after(does, "/app")
        );
    }
    assert!(matches!(
        after("n=1", "set -a; /app"),
        Answer::Refuted(Hindrance::Environment { .. })
    ));
    // The shell's own commands have none.
    assert_eq!(after("MODE=one", "echo done"), Answer::Proved);
    let open = Shell {
        environment: Environment::new(std::iter::empty(), true),
        ..shell()
    };
    let with = |name: &str| {
        let wait = wait_that(&format!("{name}=1"));
        answer_in(&format!("{wait}; /app"), &wait, &open)
    };
    assert_eq!(
        with("READY"),
        Answer::Unknown(Hindrance::MaybeEnvironment("READY".to_owned()))
    );
    assert_eq!(with("ready"), Answer::Proved);
}

#[test]
fn text_that_is_not_here_may_read_it() {
    for rest in [
        ". /lib.sh; /app",
        "source /lib.sh",
        "eval \"$@\"",
        "eval \"$work\"",
        "/app ${!name}",
    ] {
        assert!(
            matches!(after("n=1", rest), Answer::Unknown(Hindrance::Evaluated { .. })),
            "{rest}: {:?}",
            after("n=1", rest)
        );
        assert_eq!(
            answer(&format!("{WAIT}\n{rest}\n"), WAIT),
            Answer::Proved,
            "{rest}"
        );
    }
}

#[test]
fn directory_descriptors_options_parameters_and_traps_stay() {
    type Is = fn(&Hindrance) -> bool;
    let cases: [(&str, &str, Is); 9] = [
        ("cd /x", "./app", |found| matches!(found, Hindrance::Directory(_))),
        ("exec 3<>/f", "/app <&3", |found| {
            matches!(found, Hindrance::Descriptor(3))
        }),
        ("exec > /log", "/app", |found| {
            matches!(found, Hindrance::Descriptor(1))
        }),
        ("set +e", "/app", |found| matches!(found, Hindrance::Option(_))),
        ("set -o pipefail", "/app", |found| {
            matches!(found, Hindrance::Option(_))
        }),
        ("umask 077", "/app", |found| matches!(found, Hindrance::Option(_))),
        ("set -- a b", "/app \"$@\"", |found| {
            matches!(found, Hindrance::Parameters(_))
        }),
        ("shift", "/app $1", |found| {
            matches!(found, Hindrance::Parameters(_))
        }),
        ("trap 'exit 1' INT", "/app", |found| {
            matches!(found, Hindrance::Trap(_))
        }),
    ];
    for (does, rest, is) in cases {
        match after(does, rest) {
            Answer::Refuted(found) if is(&found) => {}
            other => panic!("{does} … {rest}: {other:?}"),
        }
    }
    assert_eq!(after("exec 3<>/f", "/app"), Answer::Proved);
    assert_eq!(after("set -- a b", "/app"), Answer::Proved);
    assert_eq!(after("cd /x", "cd /y; ./app").reason().map(|_| ()), Some(()));
}

#[test]
fn a_process_that_it_starts_is_nobodys() {
    for rest in ["wait $!", "kill %1", "echo $! > /pid", "wait -n"] {
        let wait = wait_that("watch & true");
        assert!(
            matches!(
                answer(&format!("{wait}\n{rest}\n"), &wait),
                Answer::Refuted(Hindrance::Child(_))
            ),
            "{rest}"
        );
    }
    let wait = wait_that("watch & true");
    assert_eq!(
        answer(&format!("{wait}\n/app & wait $!\n"), &wait),
        Answer::Proved
    );
}

#[test]
fn its_result_is_read_by_nobody() {
    for rest in ["rc=$?; /app; exit $rc", "if [ $? -eq 0 ]; then /app; fi", "exit"] {
        assert!(
            matches!(
                answer(&format!("/setup\n{WAIT}\n{rest}\n"), WAIT),
                Answer::Unknown(Hindrance::Status(_))
            ),
            "{rest}: {:?}",
            answer(&format!("/setup\n{WAIT}\n{rest}\n"), WAIT)
        );
        // Nothing came before it that could have failed.
        assert_eq!(
            answer(&format!("n=1\n{WAIT}\n{rest}; /app\n"), WAIT),
            Answer::Proved,
            "{rest}"
        );
    }
    assert!(matches!(
        answer("/app; curl x", "curl x"),
        Answer::Unknown(Hindrance::Result(_))
    ));
    assert_eq!(answer("/app && curl x", "curl x"), Answer::Proved);
    assert_eq!(answer("/app; rc=$?; curl x; exit $rc", "curl x"), Answer::Proved);
    assert!(matches!(
        answer("/app; curl x; rc=$?; exit $rc", "curl x"),
        Answer::Unknown(_)
    ));
    // In a function it counts where the function's result does.
    let function = |rest: &str| format!("work() {{ /app; curl x; }}\n{rest}\n");
    assert!(matches!(
        answer(&function("work || exit 1"), "curl x"),
        Answer::Unknown(Hindrance::Result(_))
    ));
    assert!(matches!(
        answer(&function("work"), "curl x"),
        Answer::Unknown(Hindrance::Result(_))
    ));
    assert_eq!(answer(&function("work; echo done"), "curl x"), Answer::Proved);
    // The result from before a trap is the script's.
    assert_eq!(
        answer("trap 'rm -r /tmp/x; curl x' EXIT; /app", "curl x"),
        Answer::Proved
    );
}

#[test]
fn an_exit_that_goes_kept_nothing_from_running() {
    let finish = "finish() { rc=$?; curl x; exit $rc; }\n";
    assert_eq!(
        answer(&format!("{finish}trap finish EXIT\n/app\n"), "curl x"),
        Answer::Proved
    );
    assert_eq!(
        answer(&format!("{finish}/app\nfinish\n"), "curl x"),
        Answer::Proved
    );
    // A function that is told the result ends with it.
    let told = "finish() { curl x; exit \"$1\"; }\n";
    assert_eq!(
        answer(&format!("{told}/app\nfinish $?\n"), "curl x"),
        Answer::Proved
    );
    assert_eq!(
        answer(&format!("{told}trap 'finish $?' EXIT\n/app\n"), "curl x"),
        Answer::Proved
    );
    for call in ["finish 0", "finish", "finish $rc"] {
        let answer = answer(&format!("{told}/app\n{call}\n"), "curl x");
        assert!(
            matches!(answer, Answer::Unknown(Hindrance::Result(_))),
            "{call}: {answer:?}"
        );
    }
    assert!(matches!(
        answer(&format!("{told}/app\nfinish $?\n/other\n"), "curl x"),
        Answer::Refuted(Hindrance::Exit(_))
    ));
    assert!(matches!(
        answer(&format!("{finish}/app\nfinish\n/other\n"), "curl x"),
        Answer::Refuted(Hindrance::Exit(_))
    ));
    assert!(matches!(
        answer(
            &format!("{finish}trap finish EXIT TERM\n/app\n/other\n"),
            "curl x"
        ),
        Answer::Unknown(Hindrance::Trap(_))
    ));
    assert!(matches!(
        answer("trap 'curl x; rc=$?; exit $rc' EXIT\n/app\n", "curl x"),
        Answer::Unknown(Hindrance::Result(_))
    ));
    let loops = "for i in 1 2; do curl x && return 0; sleep 1; done";
    assert!(matches!(
        answer(&format!("work() {{ {loops}; /app; }}\nwork; echo\n"), loops),
        Answer::Refuted(Hindrance::Exit(_))
    ));
}

#[test]
fn a_wait_that_gives_up_takes_its_message_with_it() {
    for exit in ["exit", "\\exit", "e\"x\"it", "command ex''it"] {
        let wait = wait_that(&format!("n=$((n+1)); [ $n -ge 60 ] && {exit} 1"));
        let answer = answer(&format!("n=0; {wait}; /app"), &wait);
        assert!(
            matches!(answer, Answer::Unknown(Hindrance::Bound(_))),
            "{exit}: {answer:?}"
        );
    }
    for (text, wait, rest) in [
        (
            "n=0\nuntil curl x || [ $n -ge 9 ]; do n=$((n+1)); done\nif [ $n -ge 9 ]; then echo no; exit 1; fi\n/app\n",
            "until curl x || [ $n -ge 9 ]; do n=$((n+1)); done",
            "/app\n",
        ),
        (
            "for i in 1 2; do curl x && break; done\n[ $i -lt 2 ] || exit 1\n/app\n",
            "for i in 1 2; do curl x && break; done",
            "/app\n",
        ),
        (
            "for i in 1 2; do curl x && ok=1 && break; done\nif [ \"$ok\" != 1 ]; then\n  echo no\n  exit 1\nfi\n/app\n",
            "for i in 1 2; do curl x && ok=1 && break; done",
            "/app\n",
        ),
        (
            "timeout 9 curl x\nrc=$?\nif [ $rc -ne 0 ]; then exit 1; fi\n/app\n",
            "timeout 9 curl x",
            "/app\n",
        ),
        (
            "timeout 9 curl x || { echo no; exit 1; }\n/app\n",
            "timeout 9 curl x",
            "/app\n",
        ),
        (
            "if ! timeout 9 curl x; then echo no; exit 1; fi\n/app\n",
            "timeout 9 curl x",
            "/app\n",
        ),
        (
            "up() { for i in 1 2; do curl x && return 0; done; return 1; }\nup\n/app\n",
            "for i in 1 2; do curl x && return 0; done",
            "/app\n",
        ),
        (
            "up() { for i in 1 2; do curl x && return 0; done; return 1; }\nup || exit 1\n/app\n",
            "for i in 1 2; do curl x && return 0; done",
            "/app\n",
        ),
        (
            "up() { local t=0; until curl x; do t=$((t+1)); [ $t -gt 3 ] && return 1; done; }\nup || { echo no; exit 1; }\n/app\n",
            "until curl x; do t=$((t+1)); [ $t -gt 3 ] && return 1; done",
            "/app\n",
        ),
    ] {
        let start = text.find(wait).unwrap();
        let span = start..start + wait.len();
        let remains = cut(text, &shell(), std::slice::from_ref(&span));
        let remains = remains.unwrap_or_else(|hindrance| panic!("{text}: {hindrance}"));
        assert_eq!(remains.text, rest, "{text}");
        assert!(
            matches!(remains.doubt, Some(Hindrance::Bound(_))),
            "{text}: {:?}",
            remains.doubt
        );
    }
}

#[test]
fn set_e_ends_the_script_where_it_did() {
    assert!(matches!(
        answer("set -e; /app && curl x; /two", "curl x"),
        Answer::Refuted(Hindrance::ErrorExit(_))
    ));
    assert_eq!(answer("/app && curl x; /two", "curl x"), Answer::Proved);
    assert_eq!(
        answer("set -eu -o pipefail; /app && curl x", "curl x"),
        Answer::Proved
    );
    assert!(answer("set -o errexit; /app && curl x; /two", "curl x").is_refuted());
}

#[test]
fn output_and_prints_stay() {
    assert!(
        answer(
            "(until curl x; do sleep 1; done) > /log\n/app\n",
            "until curl x; do sleep 1; done"
        )
        .is_refuted()
    );
    let wait = "until curl x; do sleep 1; done 2>> /log";
    assert!(matches!(
        answer(&format!("{wait}; /app"), wait),
        Answer::Refuted(Hindrance::Output(_))
    ));
    let wait = "until curl x; do echo no >> /dev/stderr; done > /dev/null 2>&1";
    assert_eq!(answer(&format!("{wait}; /app"), wait), Answer::Proved);
    // What is printed beside the call stays.
    let printed = |text: &str| {
        let start = text.find("curl x").unwrap();
        let span = start..start + 6;
        cut(text, &shell(), std::slice::from_ref(&span)).unwrap().text
    };
    assert_eq!(
        printed("/app; rc=$?; if [ $rc -eq 0 ]; then curl x; else echo failed; fi; exit $rc"),
        "/app; rc=$?; if [ $rc -eq 0 ]; then :; else echo failed; fi; exit $rc"
    );
    assert_eq!(
        printed("trap 'rc=$?; curl x; echo $rc; exit $rc' EXIT; /app"),
        "trap 'rc=$?; echo $rc; exit $rc' EXIT; /app"
    );
    assert_eq!(
        printed("for i in 1 2; do curl x && break; echo again; done; /app"),
        "/app"
    );
}

#[test]
fn what_fails_in_a_wait_under_set_e_is_not_known() {
    for does in [
        "((n++))",
        "let n++",
        "n=$(expr $n + 1)",
        "[ $n -gt 3 ]",
        "read -r n",
    ] {
        let wait = wait_that(does);
        let text = |options: &str| format!("{options}n=0; {wait}; /app");
        assert!(
            matches!(
                answer(&text("set -e; "), &wait),
                Answer::Unknown(Hindrance::Fails(_))
            ),
            "{does}: {:?}",
            answer(&text("set -e; "), &wait)
        );
        assert_eq!(answer(&text(""), &wait), Answer::Proved, "{does}");
    }
}

#[test]
fn a_directory_that_may_not_be_there_is_not_known_under_set_e() {
    let wait = "(until curl x; do cd sub; sleep 1; done)";
    let text = |options: &str| format!("{options}{wait}; /app");
    assert!(matches!(
        answer(&text("set -e; "), wait),
        Answer::Unknown(Hindrance::Fails(_))
    ));
    assert_eq!(answer(&text(""), wait), Answer::Proved);
}

#[test]
fn a_variable_that_was_never_set_is_not_known_under_set_u() {
    let wait = wait_that("n=$((n+1))");
    let text = |before: &str| format!("{before}{wait}; /app");
    assert!(matches!(
        answer(&text("set -u; "), &wait),
        Answer::Unknown(Hindrance::Unset(_))
    ));
    assert!(matches!(
        answer(&text("set -euo pipefail; "), &wait),
        Answer::Unknown(_)
    ));
    assert_eq!(answer(&text("set -u; n=0; "), &wait), Answer::Proved);
    assert!(matches!(
        answer(&format!("set -u; {wait}; n=0; /app"), &wait),
        Answer::Unknown(Hindrance::Unset(_))
    ));
    let wait = wait_that("echo ${n:-0} $MODE");
    assert_eq!(answer(&format!("set -u; {wait}; /app"), &wait), Answer::Proved);
}

#[test]
fn a_counter_that_may_be_no_number_is_not_known() {
    for (before, name) in [
        ("read -r n < /f", "n"),
        ("n=$(cat /f)", "n"),
        ("for n in a b; do :; done", "n"),
        (":", "MODE"),
    ] {
        let wait = wait_that(&format!("x=$(({name}+1))"));
        let answer = answer(&format!("{before}; {wait}; /app"), &wait);
        assert_eq!(
            answer,
            Answer::Unknown(Hindrance::NoNumber(name.to_owned())),
            "{before}"
        );
    }
    let wait = wait_that("n=$((n+1))");
    assert_eq!(answer(&format!("n=0; {wait}; /app"), &wait), Answer::Proved);
}

#[test]
fn what_shows_the_script_shows_another_one() {
    for shows in ["trap", "trap -p", "declare -f work", "set", "type work"] {
        let text = format!("trap 'rm /x; curl x' EXIT; {shows}; /app");
        assert!(
            matches!(answer(&text, "curl x"), Answer::Unknown(Hindrance::Shown(_))),
            "{shows}"
        );
    }
}

#[test]
fn a_trap_that_it_took_the_place_of_stays_so() {
    let text = "trap 'echo bye' EXIT; trap 'curl x' 0; /app";
    assert!(matches!(
        answer(text, "curl x"),
        Answer::Refuted(Hindrance::Trap(_))
    ));
    let text = "trap 'echo bye' TERM; trap 'curl x' EXIT; /app";
    assert_eq!(answer(text, "curl x"), Answer::Proved);
}

#[test]
fn a_function_that_is_named_elsewhere_stays() {
    for rest in ["export -f up; /app", "xargs up; /app"] {
        let text = format!("up() {{ {WAIT}; }}\nup\n{rest}\n");
        assert!(
            matches!(answer(&text, WAIT), Answer::Refuted(Hindrance::Function(_))),
            "{rest}: {:?}",
            answer(&text, WAIT)
        );
    }
}

#[test]
fn every_reason_names_what_it_is_about() {
    for (text, command, reason) in [
        (
            "until x=$(curl x); do sleep 1; done; /app \"$x\"",
            "until x=$(curl x); do sleep 1; done",
            "it sets x, which “/app \"$x\"” reads",
        ),
        (
            "if curl x || /other; then /app; fi",
            "curl x",
            "“if curl x || /other; then /app; fi” around it depends on it",
        ),
        ("curl x", "curl x", "nothing else would remain of the script"),
    ] {
        let answer = answer(text, command);
        assert_eq!(answer.reason().map(ToString::to_string).as_deref(), Some(reason));
    }
    let reasons: BTreeSet<String> = [
        Hindrance::NotUnderstood,
        Hindrance::NothingRemains,
        Hindrance::TooLong,
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    assert_eq!(reasons.len(), 3);
}

#[test]
fn the_clock_that_a_wait_moves_on_is_not_read() {
    for rest in [
        "/app --waited=$SECONDS",
        "export D=$SECONDS; /app",
        "f() { /app $SECONDS; }; f",
    ] {
        match answer(&format!("{WAIT}\n{rest}\n"), WAIT) {
            Answer::Unknown(Hindrance::Variable { name, .. }) if name == "SECONDS" => {}
            other => panic!("{rest}: {other:?}"),
        }
    }
    let restless = "until nc -z localhost 5432; do :; done";
    assert!(matches!(
        answer(&format!("{restless}\n/app $SECONDS\n"), restless),
        Answer::Unknown(Hindrance::Variable { .. })
    ));
    for text in [
        format!("/setup $SECONDS; {WAIT}; /app"),
        format!("{WAIT}; SECONDS=0; /app; echo $SECONDS"),
    ] {
        assert_eq!(answer(&text, WAIT), Answer::Proved, "{text}");
    }
}

#[test]
fn what_waits_for_an_answer_goes_with_the_question() {
    const ASKS: &str = "printf 'POST /quit HTTP/1.0' >&3";
    let around =
        |behind: &str| format!("/app; rc=$?\nexec 3<>/dev/tcp/localhost/9091\n{ASKS}\n{behind}exit $rc\n");
    for behind in [
        "",
        "cat <&3\n",
        "head -n1 <&3 >/dev/null\n",
        "cat <&3\nexec 3>&-\n",
    ] {
        let text = around(behind);
        let start = text.find(ASKS).unwrap();
        let span = start..start + ASKS.len();
        let remains = cut(&text, &shell(), std::slice::from_ref(&span)).unwrap();
        assert_eq!((remains.text.as_str(), remains.doubt), ("/app\n", None), "{text}");
    }
    let apart = format!(
        "/app\nif command -v curl; then\n  /other\nelse\n  ( exec 3<>/dev/tcp/x/1 && {ASKS} && cat <&3 || true )\nfi\n"
    );
    let start = apart.find(ASKS).unwrap();
    let span = start..start + ASKS.len();
    let remains = cut(&apart, &shell(), std::slice::from_ref(&span)).unwrap().text;
    assert_eq!(
        remains,
        "/app\nif command -v curl; then\n  /other\nelse\n  :\nfi\n"
    );
    for behind in ["read -r line <&3\n", "/app/check <&3\n", "cat <&3 >/answer\n"] {
        assert!(answer(&around(behind), ASKS).is_refuted(), "{behind}");
    }
}

#[test]
fn a_variable_with_a_value_of_its_own_is_set() {
    let with = |rest: &str| format!("set -u\n{rest}");
    for (text, what) in [
        (
            "end() { local rc=$?; curl x; exit \"$rc\"; }\ntrap end EXIT\n/app\n",
            "curl x",
        ),
        ("trap 'rc=$?; curl x; exit $rc' EXIT\n/app\n", "curl x"),
    ] {
        assert_eq!(answer(&with(text), what), Answer::Proved, "{text}");
    }
    for (text, what) in [
        // Another function's, and one that comes later.
        (
            "end() { local rc; curl \"$rc\"; }\ntrap end EXIT\n/app\n",
            "curl \"$rc\"",
        ),
        (
            "a() { local n=1; }\nend() { curl \"$n\"; }\na\n/app; end; echo\n",
            "curl \"$n\"",
        ),
        ("/app; curl $x; x=1; echo\n", "curl $x"),
    ] {
        let answer = answer(&with(text), what);
        assert!(
            matches!(answer, Answer::Unknown(Hindrance::Unset(_))),
            "{text}: {answer:?}"
        );
    }
}
