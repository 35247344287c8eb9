use super::{outline, script};
use crate::shell::{Command, Dialect, Redirect, RedirectKind, parse};

#[test]
fn reads_lists_pipelines_and_their_ends() {
    for (text, expected) in [
        ("", ""),
        ("\n # nothing\n\n", ""),
        ("a", "a"),
        ("a; b\nc & d", "a; b; c &; d"),
        ("a && b || c", "a && b || c"),
        ("a &&\n  # why\n\n b", "a && b"),
        ("a | b |\n c", "a | b | c"),
        ("a |& b", "a | b"),
        ("! a | b", "! a | b"),
        ("! ! a", "a"),
        ("a \\\n  b", "a b"),
        ("a#b #c", "a#b"),
        ("a;#c\nb", "a; b"),
        ("time a", "time a"),
        ("a&b", "a &; b"),
        ("{{ .Values.command }} x", "{{ .Values.command }} x"),
    ] {
        assert_eq!(outline(text), expected, "{text}");
    }
}

#[test]
fn reads_compound_commands() {
    for (text, expected) in [
        ("{ a; b; } >f", "{ a; b } Write<>f>"),
        ("(a; b) 2>&1 | c", "( a; b ) Duplicate<2>&1> | c"),
        ("((a; b); c)", "( ( a; b ); c )"),
        ("until a; do b; done", "until [a] do [b]"),
        (
            "while ! a\ndo\n b\n c\ndone </dev/null &",
            "while [! a] do [b; c] Read<</dev/null> &",
        ),
        ("while :; do a; done; b", "while [:] do [a]; b"),
        (
            "for i in 1 2 $(seq 3); do a; done",
            "for i in (1 2 $(seq 3)) do [a]",
        ),
        ("for i; do a; done", "for i in () do [a]"),
        ("for i\nin 1\ndo a\ndone", "for i in (1) do [a]"),
        ("for ((i=0; i<3; i++)); do a; done", "for  in () do [a]"),
        ("if a; then b; fi", "if [a] [b] fi"),
        (
            "if a\nthen b\nelif c; then d; else e; fi >>log",
            "if [a] [b] if [c] [d] else [e] fi Append<>>log>",
        ),
        ("case $1 in a|b) c;; (d) e ;; *) ;; esac", "case $1 [c] [e] []"),
        ("case x in\n x)\n  a\n  b\nesac", "case x [a; b]"),
        ("case \"$x\" in '') a;& b) c;;& esac", "case $x [a] [c]"),
        ("f() { a; }; f", "f() [a]; f"),
        ("f ()\n(a)", "f() [( a )]"),
        ("function f { a; }", "f() [a]"),
        ("function f() { a; } 2>&1", "f() [{ a } Duplicate<2>&1>]"),
        ("function a", "function a"),
        ("[[ -f /x && ! $a == b* ]]", "[[ -f /x && ! $a == b* ]]"),
        ("[[ $a =~ ^(a|b)+$ ]] && c", "[[ $a =~ ^(a|b)+$ ]] && c"),
        ("[[ -f /x ]] || exit 1", "[[ -f /x ]] || exit 1"),
        ("((i++)); a", "arithmetic<((i++))>; a"),
        ("time { a; }", "{ a }"),
        ("echo if then } done", "echo if then } done"),
        ("echo {a,b} }", "echo {a,b} }"),
    ] {
        let read = parse(text, Dialect::Posix).is_some();
        assert!(read, "{text}");
        assert_eq!(outline(text), expected, "{text}");
    }
}

#[test]
fn reads_simple_commands() {
    for (text, expected) in [
        ("A=1 B= c d=e", "A=1 B= c d=e"),
        ("A+=x", "A+=x"),
        ("a[1]=x", "a=x$((…))"),
        ("a=(1 2) b", "a=$(?) b"),
        ("local -a x=(1 '2' $3) y", "local -a $(?) y"),
        (">f", " Write<>f>"),
        (": > /tmp/x 2>&1", ": Write<> /tmp/x> Duplicate<2>&1>"),
        (
            "a 2>/dev/null >&2 <&- b",
            "a b Write<2>/dev/null> Duplicate<>&2> Duplicate<<&->",
        ),
        (
            "a &>f; b >&f; c &>>f",
            "a Write<&>f>; b Write<>&f>; c Append<&>>f>",
        ),
        ("exec 3<>/dev/tcp/h/1", "exec ReadWrite<3<>/dev/tcp/h/1>"),
        ("a >|f <<<word", "a Write<>|f> Here<<<<word>"),
        ("a 2 >f", "a 2 Write<>f>"),
        ("a 5&>f", "a 5 Write<&>f>"),
        ("diff <(a) <(b; c)", "diff $(a) $(b; c)"),
        (
            "while read x; do a; done < <(b)",
            "while [read x] do [a] Read<< <(b)>",
        ),
        ("a@(b|c) d", "a@(b|c) d"),
    ] {
        assert_eq!(outline(text), expected, "{text}");
    }
}

#[test]
fn reads_here_documents() {
    for (text, expected, bodies) in [
        ("cat <<E\na $b\nE\nc", "cat Here<<<E>; c", &["a $b\n"][..]),
        (
            "cat <<'E' >f\na $b\nE\n",
            "cat Here<<<'E'> Write<>f>",
            &["'a $b\n'"],
        ),
        ("cat <<-E\n\ta\n\tE\nb", "cat Here<<<-E>; b", &["a\n"]),
        (
            "a <<A; b <<B\n1\nA\n2\nB\nc",
            "a Here<<<A>; b Here<<<B>; c",
            &["1\n", "2\n"],
        ),
        ("a <<E && b\nx\nE\n", "a Here<<<E> && b", &["x\n"]),
        ("x=$(cat <<E\ny\nE\n)\nz", "x=$(cat Here<<<E>); z", &["y\n"]),
        ("a <<E \"b\nc\"\nx\nE", "a 'b\nc' Here<<<E>", &["x\n"]),
        ("a <<E\nE\nb", "a Here<<<E>; b", &[""]),
    ] {
        let read = outline(text).replace("''", "'");
        assert_eq!(read, expected.replace("''", "'"), "{text}");
        let script = script(text);
        let mut found = Vec::new();
        for (simple, _) in super::words::simple_commands(&script.list) {
            let here = |redirect: &&Redirect| redirect.kind == RedirectKind::Here;
            for target in simple
                .redirects
                .iter()
                .filter(here)
                .filter_map(|here| here.target.as_ref())
            {
                found.push(super::Outline { text }.word(target));
                assert_eq!(text.get(target.span.clone()), Some(target.raw.as_str()));
            }
        }
        let shown: Vec<_> = found.iter().map(|body| body.replace('\'', "")).collect();
        let bodies: Vec<_> = bodies.iter().map(|body| body.replace('\'', "")).collect();
        assert_eq!(shown, bodies, "{text}");
    }
}

#[test]
fn reads_scripts_in_words() {
    for (text, expected) in [
        (
            "trap 'a; b' EXIT TERM",
            r#"trap 'a; b' EXIT TERM <<Trap { signals: ["EXIT", "TERM"] }: a; b>>"#,
        ),
        (
            "trap cleanup 0",
            r#"trap cleanup 0 <<Trap { signals: ["0"] }: cleanup>>"#,
        ),
        ("trap - EXIT", "trap - EXIT"),
        (
            r#"trap "kill $P" INT"#,
            r#"trap 'kill '$P INT <<Trap { signals: ["INT"] }: kill $P>>"#,
        ),
        (
            r#"trap "kill \$P" INT"#,
            r#"trap 'kill $P' INT <<Trap { signals: ["INT"] }: kill $P>>"#,
        ),
        ("trap '' TERM", r#"trap '' TERM <<Trap { signals: ["TERM"] }: >>"#),
        (
            "sh -c 'a && b'",
            "sh -c 'a && b' <<Shell { exits_on_error: false }: a && b>>",
        ),
        (
            "timeout 60 bash -euo pipefail -c 'a'",
            "timeout 60 bash -euo pipefail -c 'a' <<Shell { exits_on_error: true }: a>>",
        ),
        (
            "exec env A=b /bin/sh -ec \"a\" x",
            "exec env A=b /bin/sh -ec 'a' x <<Shell { exits_on_error: true }: a>>",
        ),
        ("eval 'a b'", "eval 'a b' <<Eval: a b>>"),
        ("sh -c 'if'", "sh -c 'if' <<Shell { exits_on_error: false }: ?>>"),
        ("kubectl exec p -- sh -c 'a'", "kubectl exec p -- sh -c 'a'"),
        ("sh run.sh -c x", "sh run.sh -c x"),
    ] {
        assert_eq!(outline(text), expected, "{text}");
    }
}

#[test]
fn spans_cover_whole_constructs() {
    for text in [
        "{ a; } >f",
        "( a )",
        "until a; do b; done >/dev/null 2>&1",
        "for i in 1 2; do a; done",
        "if a; then b; else c; fi >f",
        "case x in x) a;; esac",
        "f() { a; }",
        "function f { a; }",
        "[[ -f x ]]",
        "(( 1 + 2 ))",
        "A=1 a 'b c' >f",
        "a \"$(b)\"",
        "2>f a",
    ] {
        let outer = format!("é; {text} # tail\n; z").replace("\n; z", "\nz");
        let script = script(&outer);
        let [_, statement, _] = script.list.statements.as_slice() else {
            panic!("{outer}");
        };
        let command: &Command = statement.and_or.first.commands.first().unwrap();
        for span in [&statement.span, &statement.and_or.first.span, &command.span()] {
            assert_eq!(outer.get(span.clone()), Some(text), "{outer}");
        }
    }
    let text = "x; ! a | b >f && c ; d";
    let script = script(text);
    let statement = &script.list.statements[1];
    assert_eq!(text.get(statement.span.clone()), Some("! a | b >f && c"));
    assert_eq!(text.get(statement.and_or.first.span.clone()), Some("! a | b >f"));
}

#[test]
fn refuses_what_no_shell_reads() {
    for text in [
        "if a; then b",
        "if a; b; fi",
        "if; then a; fi",
        "fi",
        "a; done",
        "do a; done",
        "a ;; b",
        "; a",
        "a && && b",
        "a &&",
        "| a",
        "a |",
        "(a",
        "a)",
        "()",
        "{ a",
        "{ }",
        "'a",
        "\"a",
        "`a",
        "$(a",
        "${a",
        "${}",
        "a <<E\nb",
        "a >",
        "a > ; b",
        "case x in x) a",
        "for i in 1; a; done",
        "f() a",
        "a b(c)",
        "a b=(c)",
        "$a() { b; }",
        "while a; do done",
        "99999999999>x",
        "!",
    ] {
        assert_eq!(parse(text, Dialect::Posix), None, "{text}");
        assert_eq!(parse(text, Dialect::Bash), None, "{text}");
    }
    // To a POSIX shell this is a program, to bash something that isn't modelled.
    assert!(parse("coproc a", Dialect::Posix).is_some());
    assert_eq!(parse("coproc a", Dialect::Bash), None);
}
