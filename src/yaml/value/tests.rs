use super::{super::parse, Value, ValueError};

fn value(text: &str) -> Value {
    Value::of(parse(text).unwrap().root(0).unwrap()).unwrap()
}

#[test]
fn spelling_makes_no_difference() {
    let block = "a: &x\n  - 1 # c\n  - 'b c'\nd: *x\ne: |-\n  f\n  g\nh: yes\n";
    let flow = "{\"a\": [1, \"b c\"], 'd': [1, b c], e: \"f\\ng\", h: true}";
    assert_eq!(value(block), value(flow));
    assert_eq!(value(block).difference(&value(flow)), None);
}

#[test]
fn types_make_a_difference() {
    let texts = [
        "8080", "'8080'", "8080.0", "true", "'true'", "~", "''", "[]", "{}", "!x a", "a",
    ];
    for (index, left) in texts.iter().enumerate() {
        for (other, right) in texts.iter().enumerate() {
            assert_eq!(value(left) == value(right), index == other, "{left} {right}");
        }
    }
    assert_eq!(value("!!str 1"), value("'1'"));
    assert_eq!(value("!!int '1'"), value("1"));
    assert_eq!(value("! 1"), value("'1'"));
}

#[test]
fn the_first_difference_is_named() {
    let difference = |left: &str, right: &str| {
        let difference = value(left).difference(&value(right)).unwrap();
        (difference.path, difference.expected, difference.found)
    };
    let expect =
        |path: &str, expected: &str, found: &str| (path.to_owned(), expected.to_owned(), found.to_owned());
    assert_eq!(
        difference("a: [b, {c: 1}]", "a: [b, {c: '1'}]"),
        expect("a[1].c", "1", "\"1\"")
    );
    assert_eq!(
        difference("a: 1\nb: 2", "b: 2\na: 1"),
        expect("", "the key \"a\"", "the key \"b\"")
    );
    assert_eq!(
        difference("a: [1, 2]", "a: [1]"),
        expect("a", "a sequence of 2", "a sequence of 1")
    );
    assert_eq!(
        difference("a: 1", "[]"),
        expect("", "a mapping of 1", "a sequence of 0")
    );
}

#[test]
fn what_counts_of_a_value_is_what_kubectl_reads() {
    let text = "m: &m {x: 1, z: 1}\na: {x: 0, <<: *m, z: 2}\nb: [{c: 1, c: 2}]\n";
    let expected = "a: {x: 1, z: 2}\nb: [{c: 2}]\nm: {x: 1, z: 1}\n";
    assert_eq!(value(text).effective(), value(expected));
}

#[test]
fn bombs_and_circles_are_errors() {
    let mut bomb = String::from("- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("- &a{level} [{aliases}]\n");
    }
    let error = |text: &str| Value::of(parse(text).unwrap().root(0).unwrap()).unwrap_err();
    assert!(matches!(error(&bomb), ValueError::TooLarge { .. }));
    assert!(matches!(error("&a [b, *a]"), ValueError::TooDeep { line: 1, .. }));
}

#[test]
fn values_can_be_changed() {
    let mut spec = value("a: {b: 1, c: 2}\nd: [1]");
    assert_eq!(
        spec.get_mut("a").and_then(|a| a.remove("b")),
        Some(Value::Integer("1".into()))
    );
    spec.get_mut("d")
        .and_then(Value::items_mut)
        .unwrap()
        .push(Value::string("x"));
    spec.entries_mut()
        .unwrap()
        .push((Value::string("e"), Value::Null));
    assert_eq!(spec, value("a: {c: 2}\nd: [1, x]\ne:"));
    assert_eq!(
        spec.get("a").and_then(|a| a.get("c")),
        Some(&Value::Integer("2".into()))
    );
}
