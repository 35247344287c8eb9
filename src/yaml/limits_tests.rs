//! Hostile texts: an error or a tree, in bounded time and memory.

use super::{MAX_DEPTH, MAX_NODES, MAX_TEXT, ParseError, Reason, invariants, parse};

const MEGABYTE: usize = 1 << 20;
/// A reader that is worse than quadratic does not come back from this.
const LONG: usize = 1 << 15;

fn nodes(text: &str) -> Result<usize, ParseError> {
    parse(text).map(|stream| stream.node_count())
}

fn repeat(piece: &str) -> String {
    piece.repeat(LONG / piece.len())
}

#[test]
fn long_texts_of_one_thing_end() {
    for piece in [
        "[",
        "{",
        "{a: ",
        "{\"a\":",
        "[[],",
        "- ",
        "? ",
        ": ",
        "-\n",
        "?\n",
        "&a ",
        "!a ",
        "*a ",
        "a: ",
        "a:\n",
        "\"",
        "'",
        "|\n",
        ">",
        "#",
        "# \n",
        "---\n",
        "--- ",
        "...\n",
        "%a\n",
        "a ",
        "a\n",
        "é",
        " ",
        "\n",
        "\r",
        "\t",
        "a: b\n",
        "- a\n",
        ",",
        "]",
        "[]",
        "[\"\"\n",
        "&a\n",
        "!!str ",
        "\u{feff}",
        "\\",
        "\u{85}",
        "a:\n  - b\n",
        "<<: ",
    ] {
        let _ = nodes(&repeat(piece));
        let _ = nodes(&format!("a: {}", repeat(piece)));
        let _ = nodes(&format!("[{}", repeat(piece)));
        let _ = nodes(&format!("a: |\n  {}", repeat(piece)));
        let _ = nodes(&format!("\"{}", repeat(piece)));
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let block: String = (0..10_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    for text in [
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        "{\"a\": ".repeat(10_000),
        "- ".repeat(10_000),
        "? ".repeat(10_000),
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("a: {}{}", "[".repeat(300), "]".repeat(300)),
        block,
    ] {
        let error = nodes(&text).unwrap_err();
        assert_eq!(error.reason, Reason::Limit, "{error}");
    }
    let json = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert_eq!(parse(&json).unwrap().node_count(), MAX_DEPTH);
    assert_eq!(
        parse(&"- ".repeat(MAX_DEPTH)).unwrap().node_count(),
        MAX_DEPTH + 1
    );
}

#[test]
fn control_characters_are_named() {
    for (text, place, code) in [
        ("a: \0b\n", (1, 4), "U+0000"),
        ("a: b\n# é\u{1b}[31m\n", (2, 4), "U+001B"),
        ("a: \u{7f}\n", (1, 4), "U+007F"),
        ("a: é\u{9f}\n", (1, 5), "U+009F"),
        ("{\"a\": \"\u{1}\"}", (1, 8), "U+0001"),
        ("a: \u{ffff}\n", (1, 4), "U+FFFF"),
        ("a: \"é\u{85}\"\n", (1, 6), "U+0085"),
        ("a: b\n# é\u{2028}c: d\n", (2, 4), "U+2028"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(
            (error.reason, (error.line, error.column)),
            (Reason::Character, place),
            "{text:?}"
        );
        assert!(error.message.contains(code), "{error}");
    }
    assert!(parse("{\"a\": \"\u{7f}\"}").is_ok());
    assert!(parse("{\"a\": \"\u{2028}\"}").is_ok());
}

#[test]
fn too_long_a_text_is_an_error() {
    let text = " ".repeat(MAX_TEXT + 1);
    let error = parse(&text).unwrap_err();
    assert_eq!(error.reason, Reason::Limit);
    assert!(error.message.contains("64 MiB"), "{error}");
}

#[test]
fn too_many_values_are_an_error() {
    let values = "1,".repeat(MAX_NODES + MAX_NODES / 8);
    let json = format!("[{values}1]");
    let yaml = format!("x: [{values}1]");
    for text in [json, yaml] {
        let error = parse(&text).unwrap_err();
        assert_eq!(error.reason, Reason::Limit);
        assert!(error.message.contains("more than 1 million"), "{error}");
    }
}

#[test]
fn alias_bombs_stay_small() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..60 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let stream = parse(&text).unwrap();
    invariants::check(&stream).unwrap();
    assert_eq!(stream.root(0).unwrap().walk().count(), stream.node_count());
}

#[test]
fn a_huge_line_is_read() {
    let text = format!(
        "a: \"{}\"\nb: é{}\nc: 1\n",
        "x".repeat(4 * MEGABYTE),
        "y ".repeat(MEGABYTE)
    );
    let stream = parse(&text).unwrap();
    assert_eq!(
        stream.root(0).unwrap().get("c").unwrap().span(),
        text.len() - 2..text.len() - 1
    );
}
