use super::{Outline, script};
use crate::shell::{Command, List, Simple, Variable, Word};

/// The simple commands of the list itself and of its substitutions' first words.
pub(super) fn simple_commands(list: &List) -> Vec<(&Simple, usize)> {
    let mut found = Vec::new();
    for statement in &list.statements {
        for pipeline in statement.and_or.pipelines() {
            for command in &pipeline.commands {
                if let Command::Simple(simple) = command {
                    found.push((simple, found.len()));
                    for assignment in &simple.assignments {
                        for piece in &assignment.value.pieces {
                            if let crate::shell::Piece::Substitution {
                                script: Some(list), ..
                            } = piece
                            {
                                found.extend(simple_commands(list));
                            }
                        }
                    }
                }
            }
        }
    }
    found
}

fn second_word(text: &str) -> Word {
    let text = format!("a {text}");
    let script = script(&text);
    let commands = simple_commands(&script.list);
    let word = commands[0].0.words[1].clone();
    assert_eq!(text.get(word.span.clone()), Some(word.raw.as_str()));
    word
}

#[test]
fn takes_words_apart() {
    for (word, expected) in [
        ("b", "b"),
        ("'b c'", "'b c'"),
        (r#""b c""#, "'b c'"),
        (r#""""#, "''"),
        ("''", "''"),
        (r#"b'c'"d""#, "b'cd'"),
        (r"b\ c\;", "b' 'c';'"),
        ("b\\\nc", "bc"),
        ("\"b\\\nc\"", "'bc'"),
        (r#""\$b \" \\ \n""#, r#"'$b " \ \n'"#),
        (r"$'a\nb\'c\\'", "'a\nb'c\\'"),
        ("$\"b\"", "'b'"),
        ("$b", "$b"),
        ("${b}", "$b"),
        ("\"$b c\"", "$b' c'"),
        ("$1$?$!$$$@$#$-$*", "$1$?$!$$$@$#$-$*"),
        ("$12", "$12"),
        ("${12}", "$12"),
        ("${#}", "$#"),
        ("${!}", "$!"),
        ("${b:-c}", "${b-c}"),
        ("${b-}", "${b-}"),
        ("${b:-'c d'}", "${b-c d}"),
        ("${b:-$c}", "${b…}"),
        ("${b:-$(c)}", "${b…}$(c)"),
        ("${b:=c}", "${b…}"),
        ("${b:?gone}", "${b…}"),
        ("${b%%/*}", "${b…}"),
        ("${b/\\//x}", "${b…}"),
        ("${b[0]}", "${b…}"),
        ("${#b}", "${b…}"),
        ("${!b}", "${b…}"),
        ("$(b c)", "$(b c)"),
        ("$(b \"$(c)\")", "$(b $(c))"),
        ("$( )", "$()"),
        ("$(b # it's\n)", "$(b)"),
        ("$(case x in x) b;; esac)", "$(case x [b])"),
        ("\"$(b \"c d\")\"", "$(b 'c d')"),
        ("`b c`", "$(b c)"),
        ("`b \\`c\\``", "$(b $(c))"),
        ("`if`", "$(?)"),
        ("$((1 + (2)))", "$((…))"),
        ("$((b); (c))", "$(( b ); ( c ))"),
        ("$", "$"),
        ("b$", "b$"),
        ("$.b", "$.b"),
        ("~/b", "~/b"),
        ("~", "~"),
        ("~99999999999999999999999", "~"),
        ("b~c", "b~c"),
        ("\"~\"", "'~'"),
        ("*.b", "*.b"),
        ("{b,c}", "{b,c}"),
        ("é\"ü\"", "é'ü'"),
        ("b=c", "b=c"),
    ] {
        assert_eq!(
            Outline { text: word }.word(&second_word(word)),
            expected,
            "{word}"
        );
    }
}

#[test]
fn spans_inside_of_substitutions_are_the_scripts() {
    for text in [
        "é \"x $(b c) y\"",
        "é x$(a; b c)",
        "é `b c`",
        "é \"`b c`\"",
        "é \"${x:-$(b c)}\"",
        "sh -c 'é; b c'",
        "trap \"é $x; b c\" EXIT",
        "eval \"$(b c)\"",
        "sh -c 'a $(b c)'",
    ] {
        let script = script(text);
        let mut seen = Vec::new();
        for visit in script.list.commands() {
            seen.push(text.get(visit.command.span()).unwrap());
        }
        assert!(seen.contains(&"b c"), "{text}: {seen:?}");
    }
}

#[test]
fn a_word_with_escapes_gives_its_own_span() {
    let text = r#"trap "b \$c" EXIT"#;
    let script = script(text);
    let inner: Vec<_> = script.list.commands().map(|visit| visit.command.span()).collect();
    assert_eq!(text.get(inner[1].clone()), Some(r#""b \$c""#));
}

#[test]
fn resolves_what_is_known() {
    let value_of = |name: &str| match name {
        "HOST" => Variable::Known("localhost".to_owned()),
        "EMPTY" => Variable::Known(String::new()),
        "GIVEN" => Variable::Unknown,
        _ => Variable::Unset,
    };
    for (word, expected) in [
        ("b", Some("b")),
        ("http://$HOST:1", Some("http://localhost:1")),
        ("${HOST:-x}", Some("localhost")),
        ("${EMPTY:-x}", Some("x")),
        ("${EMPTY}", Some("")),
        ("${GONE:-x}", Some("x")),
        ("$GONE", None),
        ("${GIVEN:-x}", None),
        ("${HOST%x}", None),
        ("$(a)", None),
        ("~", None),
    ] {
        assert_eq!(second_word(word).resolve(value_of).as_deref(), expected, "{word}");
    }
}

#[test]
fn words_are_scripts_on_request() {
    for (word, expected) in [
        ("'b; c'", Some("b; c")),
        ("\"b $c\"", Some("b $c")),
        ("b", Some("b")),
        ("'if'", None),
        ("$b", None),
        ("\"b\"'c'", Some("bc")),
    ] {
        let read = second_word(word).as_script();
        let text = format!("a {word}");
        let read = read.map(|script| Outline { text: &text }.list(&script.list));
        assert_eq!(read.as_deref(), expected, "{word}");
    }
    let text = "a 'b; c'";
    let script = second_word("'b; c'").as_script().unwrap();
    assert_eq!(text.get(script.list.statements[1].span.clone()), Some("c"));
}
