use super::script;
use crate::shell::{Connector, Part, Visit};

/// The commands with what stands around them.
fn summary(text: &str) -> String {
    let script = script(text);
    let shown = script
        .list
        .commands()
        .map(|visit| format!("{}{}", &text[visit.command.span()], around(&visit)));
    shown.collect::<Vec<_>>().join(" | ")
}

fn around(visit: &Visit) -> String {
    let context = &visit.context;
    let mut flags: Vec<String> = Vec::new();
    flags.extend(context.function.map(|name| format!("in {name}")));
    flags.extend(context.trap.map(|signals| format!("on {}", signals.join("+"))));
    for (part, name) in [
        (Part::LoopCondition, "loop?"),
        (Part::LoopBody, "loop"),
        (Part::IfCondition, "if?"),
        (Part::IfBody, "if"),
        (Part::CaseArm, "case"),
    ] {
        if context.is_in(part) {
            flags.push(name.to_owned());
        }
    }
    for (holds, name) in [
        (context.subshell, "subshell"),
        (context.substitution, "substitution"),
        (context.background, "&"),
        (context.negated, "!"),
        (context.connector == Some(Connector::And), "behind &&"),
        (context.connector == Some(Connector::Or), "behind ||"),
    ] {
        if holds {
            flags.push(name.to_owned());
        }
    }
    if context.pipeline_length > 1 {
        flags.push(format!(
            "{}/{}",
            context.pipeline_index + 1,
            context.pipeline_length
        ));
    }
    if flags.is_empty() {
        String::new()
    } else {
        format!(" <{}>", flags.join(" "))
    }
}

#[test]
fn visits_all_commands_with_their_context() {
    for (text, expected) in [
        (
            "a; b & c && d || e",
            "a | b <&> | c | d <behind &&> | e <behind ||>",
        ),
        ("! a | b", "a <subshell ! 1/2> | b <subshell ! 2/2>"),
        ("until a; do b; done", "a <loop?> | b <loop>"),
        (
            "for i in $(a); do b; done &",
            "a <subshell substitution &> | b <loop &>",
        ),
        (
            "if a; then b; elif c; then d; else e; fi",
            "a <if?> | b <if> | c <if?> | d <if> | e <if>",
        ),
        ("case x in x) a;; esac", "a <case>"),
        ("f() { while a; do b; done; }", "a <in f loop?> | b <in f loop>"),
        ("(a; { b; })", "a <subshell> | b <subshell>"),
        ("trap 'a' EXIT TERM", "trap 'a' EXIT TERM | a <on EXIT+TERM>"),
        ("f() { trap a INT; }", "trap a INT <in f> | a <in f on INT>"),
        (
            "sh -c 'a' && eval b",
            "sh -c 'a' | a <subshell> | eval b <behind &&> | b",
        ),
        (
            "x=$(a) b \"`c`\" >$(d)",
            "x=$(a) b \"`c`\" >$(d) | a <subshell substitution> | c <subshell substitution> | d <subshell substitution>",
        ),
        ("[[ -f x ]] && ((1))", "[[ -f x ]] | ((1)) <behind &&>"),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn finds_functions_by_name() {
    let script = script("f() { a; }; if x; then g() { b; }; fi; f() { c; }");
    let body = |name: &str| script.functions().get(name).map(|list| list.commands().count());
    assert_eq!((body("f"), body("g"), body("h")), (Some(1), Some(1), None));
    assert_eq!(script.functions()["f"].statements[0].span, 45..46);
}

#[test]
fn constructs_hold_the_compound_commands_too() {
    let script = script("if a; then (b); fi");
    assert_eq!(script.list.constructs().count(), 4);
    assert_eq!(script.list.commands().count(), 2);
}
