//! JSON as kubectl accepts it.

use super::{Node, ScalarStyle, invariants, parse};

fn check(text: &str) {
    let stream = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    invariants::check(&stream).unwrap_or_else(|broken| panic!("{text:?}: {broken}"));
}

#[test]
fn all_kinds_of_values() {
    let text = "\t{ \"a\" : [1, -2.5e+3, true,\tfalse, null, \"\", {}, [ ]],\r\n\"b\":{\"c\":\"d\"} }\n";
    check(text);
    let stream = parse(text).unwrap();
    let root = stream.root(0).unwrap();
    let raws: Vec<_> = root.get("a").unwrap().items().map(Node::raw).collect();
    assert_eq!(
        raws,
        ["1", "-2.5e+3", "true", "false", "null", "\"\"", "{}", "[ ]"]
    );
    let items: Vec<_> = root.get("a").unwrap().items().collect();
    assert_eq!(items[0].as_i64(), Some(1));
    assert_eq!(items[2].as_bool(), Some(true));
    assert!(items[4].is_null() && !items[5].is_null());
    let d = root.path(&["b", "c"]).unwrap();
    assert_eq!(
        (d.as_str(), d.raw(), d.style()),
        (Some("d"), "\"d\"", Some(ScalarStyle::DoubleQuoted))
    );
    assert_eq!(root.raw(), text.trim());
}

#[test]
fn escapes_and_surrogates() {
    let text = r#"["\"\\\/\b\f\n\r\t", "\u00e9\ud83d\ude00", "\ud83d", "\ude00x"]"#;
    check(text);
    let stream = parse(text).unwrap();
    let values: Vec<_> = stream.root(0).unwrap().items().filter_map(Node::as_str).collect();
    assert_eq!(values, ["\"\\/\u{8}\u{c}\n\r\t", "é😀", "\u{fffd}", "\u{fffd}x"]);
}

#[test]
fn values_one_after_another_are_documents() {
    let text = "{\"a\": 1}\n{\"b\": 2}{}\n[3]\n";
    check(text);
    let stream = parse(text).unwrap();
    assert_eq!(stream.documents().len(), 4);
    assert_eq!(stream.root(1).unwrap().get("b").unwrap().as_i64(), Some(2));
    assert_eq!(stream.documents()[1].span, 9..17);
}

#[test]
fn of_duplicate_keys_the_last_counts() {
    let stream = parse("{\"a\": 1, \"a\": 2}").unwrap();
    let root = stream.root(0).unwrap();
    assert_eq!(root.written_entries().count(), 2);
    assert_eq!(root.entries().len(), 1);
    assert_eq!(root.get("a").unwrap().raw(), "2");
}

#[test]
fn what_is_not_json_is_read_as_yaml() {
    for (text, nodes) in [
        ("{a: 1}", 3),
        ("{\"a\": 1,}", 3),
        ("{\"a\": 1} # c\n", 3),
        ("[1,\n# c\n2]", 3),
        ("{\"a\": 'x'}", 3),
        ("{\"a\": 01}", 3),
        ("{\"a\": \"\\x41\"}", 3),
        ("{\"a\": truest}", 3),
        ("{\"a\": \"b\n  c\"}", 3),
        ("{\"a\": 1}\n---\n{\"b\": 2}\n", 6),
        ("[a]: b\n", 4),
        ("{\"a\"}", 3),
    ] {
        check(text);
        assert_eq!(parse(text).unwrap().node_count(), nodes, "{text:?}");
    }
    for text in ["{", "[1, 2", "{\"a\": }}", "[1 2", "{\"a\" 1}", "{\"a\": 1} x"] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}
