use super::*;

#[track_caller]
fn assert_cut(text: &str, commands: &[&str], expected: Option<&str>) {
    let spans: Vec<Span> = commands
        .iter()
        .map(|command| {
            let start = text.find(command).unwrap();
            start..start + command.len()
        })
        .collect();
    let shell = Shell {
        dialect: Dialect::Bash,
        exits_on_error: false,
        exits_on_unset: false,
        environment: Environment::default(),
    };
    let remains = cut(text, &shell, &spans);
    let text_of = remains.as_ref().ok().map(|remains| remains.text.as_str());
    assert_eq!(text_of, expected, "{text}: {remains:?}");
}

#[test]
fn statements_go_with_what_belongs_to_them() {
    assert_cut("sleep 5; exec /app --x", &["sleep 5"], Some("exec /app --x"));
    assert_cut("sleep 5 && /app", &["sleep 5"], Some("/app"));
    assert_cut(
        "# wait\nuntil nc -z localhost 1; do sleep 1; done\n# run\n/app\n",
        &["until nc -z localhost 1; do sleep 1; done"],
        Some("# run\n/app\n"),
    );
    assert_cut(
        "/app up\ncode=$?\ncurl -X POST localhost:1/quit\nexit $code\n",
        &["curl -X POST localhost:1/quit"],
        Some("/app up\n"),
    );
    assert_cut(
        "/app; rc=$?; echo done; curl x || true; exit $rc",
        &["curl x"],
        Some("/app; rc=$?; echo done; exit $rc"),
    );
    assert_cut("/app && curl x", &["curl x"], Some("/app"));
    assert_cut(
        "/app\nif curl x; then /report; fi\n",
        &["curl x"],
        Some("/app\n/report\n"),
    );
    assert_cut(
        "/app\nrc=$?\n{ curl x || echo gone; } >/dev/null 2>&1\nexit $rc\n",
        &["curl x"],
        Some("/app\n"),
    );
    assert_cut(
        "/app\n{ curl x; /report; }\n",
        &["curl x"],
        Some("/app\n{ /report; }\n"),
    );
    assert_cut(
        "/app && x=$(echo $?) && curl x && exit $x",
        &["curl x"],
        Some("/app"),
    );
    assert_cut("trap 'touch /d' EXIT\n/app\n", &["touch /d"], Some("/app\n"));
    assert_cut(
        "/app\nif curl -sf localhost:15021/healthz/ready -o /dev/null; then\n  curl x\nfi\n",
        &["curl x"],
        Some("/app\n"),
    );
    assert_cut(
        "finish() {\n  rc=$?\n  curl x\n  exit $rc\n}\ntrap finish EXIT\n/app\n",
        &["curl x"],
        Some("/app\n"),
    );
}

#[test]
fn a_part_of_a_block_goes_alone() {
    for (text, expected) in [
        (
            "if /app; then curl x; else exit 1; fi",
            "if /app; then :; else exit 1; fi",
        ),
        ("main() { curl x; /app; }\nmain", "main() { /app; }\nmain"),
        (
            "main() {\n  /app\n  curl x\n}\nmain; echo",
            "main() {\n  /app\n}\nmain; echo",
        ),
        (
            "trap 'rm -r /tmp/x; curl x' EXIT; /app",
            "trap 'rm -r /tmp/x' EXIT; /app",
        ),
        (
            "trap 'curl x; rm -r /tmp/x' EXIT; /app",
            "trap 'rm -r /tmp/x' EXIT; /app",
        ),
        (
            "/app; if curl -sf web/ready; then curl x; fi",
            "/app; if curl -sf web/ready; then :; fi",
        ),
        (
            "/app; if curl -s localhost:1 -o /out; then curl x; fi",
            "/app; if curl -s localhost:1 -o /out; then :; fi",
        ),
        ("(curl x; exec /app)", "(exec /app)"),
        ("{ /setup && curl x && /app; }", "{ /setup && /app; }"),
        ("/setup && curl x || /app", "/setup || /app"),
        (
            "case $1 in a) /app; curl x;; b) curl x;; esac",
            "case $1 in a) /app;; b) curl x;; esac",
        ),
        ("sh -c 'curl x; /app'", "sh -c '/app'"),
    ] {
        assert_cut(text, &["curl x"], Some(expected));
    }
    // Text that had to be unescaped has no places of its own.
    assert_cut(
        "trap \"save \\\"x\\\"; curl x\" EXIT; /app",
        &["\"save \\\"x\\\"; curl x\""],
        None,
    );
}

#[test]
fn the_text_of_a_here_document_goes_with_its_command() {
    assert_cut(
        "/app; rc=$?\nnc localhost 1 <<END\nPOST /quit HTTP/1.0\n\nEND\nexit $rc\n",
        &["nc localhost 1 <<END"],
        Some("/app\n"),
    );
    assert_cut(
        "cat <<A; nc localhost 1 <<-B; /app\nkept\nA\n\tPOST /quit\n\tB\n/last\n",
        &["nc localhost 1 <<-B"],
        Some("cat <<A; /app\nkept\nA\n/last\n"),
    );
    assert_cut(
        "if [ -n \"$Q\" ]; then\n  nc localhost 1 <<'END'\nPOST /quit\nEND\nfi\n/app\n",
        &["nc localhost 1 <<'END'"],
        Some("/app\n"),
    );
}

#[test]
fn of_a_choice_the_branch_stays_that_would_run() {
    for (text, expected) in [
        (
            "/app; if curl x; then echo done; fi; /more",
            "/app; echo done; /more",
        ),
        (
            "/app\nif curl x; then\n  echo done\nelse\n  echo no >&2; exit 1\nfi\n/more\n",
            "/app\necho done\n/more\n",
        ),
        (
            "/app; if ! curl x; then exit 1; else echo done; fi; /more",
            "/app; echo done; /more",
        ),
    ] {
        assert_cut(text, &["curl x"], Some(expected));
    }
    for text in [
        "/app; if curl x; then echo done; else /undo; fi; /more",
        "/app; if curl x; then echo done; elif /other; then echo; fi; /more",
        "/app; if curl x; then echo done; fi > /log; /more",
        "/app; if curl x && /other; then echo done; fi; /more",
        "/app; if curl x; then /report & fi; /more",
        // More than one command would stand before the sign.
        "/app; if curl x; then echo one; echo two; fi & /more",
        "/app; if curl x; then echo one; echo two; fi || true; /more",
        "/app; if curl x; then echo one; echo two; fi | cat; /more",
        "/app; if curl x; then cat <<END; fi\ndone\nEND\n/more\n",
    ] {
        assert_cut(text, &["curl x"], None);
    }
}

#[test]
fn what_is_not_certain_is_left() {
    assert_cut("if curl x; then /app; else curl x; exit 1; fi", &["curl x"], None);
    assert_cut("/app || curl x", &["curl x"], None);
    let here = "curl x -d @- <<END\n$(date)\nEND\n/app\n";
    assert_cut(here, &["curl x -d @- <<END"], None);
    assert_cut(
        "curl x <<<y; /app <<END\ncurl x\nEND\n",
        &["curl x <<<y"],
        Some("/app <<END\ncurl x\nEND\n"),
    );
    assert_cut("set -e; { /one; /two; } && curl x", &["curl x"], None);
    assert_cut("set -e; /app && curl x; /two", &["curl x"], None);
    assert_cut("/app && curl x; /two", &["curl x"], Some("/app; /two"));
    assert_cut("set -e; /app && curl x", &["curl x"], Some("set -e; /app"));
    assert_cut("curl x", &["curl x"], None);
}

#[test]
fn a_function_goes_with_all_its_calls_or_stays() {
    let ready = "until curl x; do sleep 1; done";
    let with = |rest: &str| format!("ready() {{ {ready}; }}\n{rest}\n");
    for rest in ["ready && /app", "ready; /app", "ready\n/app"] {
        assert_cut(&with(rest), &[ready], Some("/app\n"));
    }
    assert_cut(&with("if ready; then /app; fi"), &[ready], Some("/app\n"));
    assert_cut(&with("export -f ready\n/app"), &[ready], None);
}

#[test]
fn what_a_wait_leaves_behind_keeps_it() {
    for (text, wait) in [
        (
            "until found=$(curl x); do sleep 1; done\n/app \"$found\"\n",
            "until found=$(curl x); do sleep 1; done",
        ),
        (
            "tries=0\nuntil curl x; do tries=$((tries+1)); sleep 1; done\n/app --tries ${tries}\n",
            "until curl x; do tries=$((tries+1)); sleep 1; done",
        ),
        (
            "(until curl x; do sleep 1; done) > /log\n/app\n",
            "until curl x; do sleep 1; done",
        ),
        (
            "until curl x; do sleep 1; done 2>> /log\n/app\n",
            "until curl x; do sleep 1; done 2>> /log",
        ),
    ] {
        assert_cut(text, &[wait], None);
    }
    assert_cut(
        "until curl x; do sleep 1; done > /dev/null 2>&1\n/app\n",
        &["until curl x; do sleep 1; done > /dev/null 2>&1"],
        Some("/app\n"),
    );
}

#[test]
fn a_counter_goes_with_its_wait() {
    let wait = "until curl x; do n=$((n+1)); sleep 1; done";
    let with = |before: &str, rest: &str| format!("{before}{wait}; {rest}");
    assert_cut(&with("n=0; ", "/app"), &[wait], Some("/app"));
    assert_cut(&with("n=0; ", "/app n"), &[wait], Some("n=0; /app n"));
    assert_cut(&with("n=0; ", "eval \"$x\""), &[wait], Some("n=0; eval \"$x\""));
    assert_cut(&with("n=$(/first); ", "/app"), &[wait], Some("n=$(/first); /app"));
}
