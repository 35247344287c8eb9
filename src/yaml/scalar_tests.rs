//! Decoded ranges to raw ranges, for each style.

use super::{Node, ScalarMap, ScalarStyle, Stream, invariants, parse};

/// The scalar to look at: the last value of the text.
fn last<'t>(stream: &'t Stream<'t>) -> Node<'t> {
    stream
        .roots()
        .last()
        .and_then(|(_, root)| root.walk().last())
        .unwrap()
}

/// Each decoded character with the raw bytes it came from, `a` if they are the same, `a=raw` if not.
fn characters(text: &str) -> Vec<String> {
    let stream = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    invariants::check(&stream).unwrap_or_else(|broken| panic!("{text:?}: {broken}"));
    let node = last(&stream);
    let map = ScalarMap::new(node);
    assert!(map.is_exact(), "{text:?}");
    check_ranges(node, &map);
    let value = node.as_str().unwrap_or_default();
    value
        .char_indices()
        .map(|(at, character)| {
            let raw = map.raw_range(at..at + character.len_utf8());
            let raw = &text[raw];
            let character = visible(&character.to_string());
            match visible(raw) {
                raw if raw == character => raw,
                raw => format!("{character}={raw}"),
            }
        })
        .collect()
}

fn visible(text: &str) -> String {
    text.replace('\n', "⏎").replace('\r', "␍").replace('\t', "⇥")
}

/// What must hold for all ranges: a range runs from its first character's bytes to its last one's, and each
/// place is mapped back.
fn check_ranges(node: Node<'_>, map: &ScalarMap) {
    let value = node.as_str().unwrap_or_default();
    let bounds: Vec<usize> = value
        .char_indices()
        .map(|(at, _)| at)
        .chain([value.len()])
        .collect();
    for (index, start) in bounds.iter().enumerate() {
        assert_eq!(
            map.raw_range(*start..*start),
            map.raw_offset(*start)..map.raw_offset(*start)
        );
        // A line break that the end of the text stands for has no bytes to map back.
        if *start < value.len() && map.raw_offset(*start) < node.stream().text().len() {
            assert_eq!(map.decoded_offset(map.raw_offset(*start)), Some(*start));
        }
        for (last, end) in bounds.iter().enumerate().skip(index + 1) {
            let expected =
                map.raw_range(*start..bounds[index + 1]).start..map.raw_range(bounds[last - 1]..*end).end;
            assert_eq!(
                map.raw_range(*start..*end),
                expected,
                "{start}..{end} of {value:?}"
            );
        }
    }
}

/// Cutting `cut_range(a..b)` out of the text removes `a..b` from the value.
#[track_caller]
fn assert_cuts(text: &str) {
    let stream = parse(text).unwrap();
    let node = last(&stream);
    let value = node.as_str().unwrap();
    let map = ScalarMap::new(node);
    let bounds: Vec<usize> = value
        .char_indices()
        .map(|(at, _)| at)
        .chain([value.len()])
        .collect();
    for (index, start) in bounds.iter().enumerate() {
        for end in &bounds[index..] {
            let expected = format!("{}{}", &value[..*start], &value[*end..]);
            // Folding changes blanks and line breaks at the edges of a cut, and an empty line is not content.
            let is_edge =
                |part: &str| part.starts_with(char::is_whitespace) || part.ends_with(char::is_whitespace);
            let folded = node.style() != Some(ScalarStyle::Literal)
                && (is_edge(&value[*start..*end])
                    || is_edge(&value[..*start])
                    || is_edge(value[*end..].trim_end()));
            let chomped = value.ends_with('\n') != expected.ends_with('\n') || expected.ends_with("\n\n");
            if folded
                || chomped
                || expected.trim() != expected.trim_end_matches('\n')
                || expected.trim().is_empty()
            {
                continue;
            }
            let raw = map.cut_range(*start..*end);
            let cut = format!("{}{}", &text[..raw.start], &text[raw.end..]);
            let stream = parse(&cut).unwrap_or_else(|error| panic!("{cut:?}: {error}"));
            assert_eq!(
                last(&stream).as_str(),
                Some(expected.as_str()),
                "{start}..{end} of {value:?}: {cut:?}"
            );
        }
    }
}

#[track_caller]
fn assert_characters(text: &str, expected: &str) {
    assert_eq!(characters(text).join("|"), expected, "{text:?}");
}

#[test]
fn plain() {
    assert_characters("a: bé c # d\n", "b|é| |c");
    assert_characters("a: b\n  c\n\n\n  d\n", "b| =⏎|c|⏎=⏎⏎|⏎|d");
    assert_characters("a: b  \r\n  c\r\n \r\n  d\r\n", "b| =␍⏎|c|⏎=␍⏎ ␍⏎|d");
    assert_characters("[b\n\n  c d, e\n f]", "e| =⏎|f");
    assert_characters("a:", "");
    assert_cuts("a: b  c\n  d\n\n  e\n");
}

#[test]
fn single_quoted() {
    assert_characters("a: 'it''s'''", "i|t|'=''|s|'=''");
    assert_characters("a: ' b \\n \n c \n\n\n   d '", " |b| |\\|n| =⏎|c|⏎=⏎⏎|⏎|d| ");
    assert_characters("a: 'b\r\n\r\n  c'", "b|⏎=␍⏎␍⏎|c");
    assert_characters("a: ''", "");
    assert_characters("a: '\n '", " =⏎");
    assert_characters("a: &x !!str 'b'", "b");
    assert_cuts("a: 'b c\n  d\n\n  e''f'\n");
}

#[test]
fn double_quoted() {
    assert_characters(
        r#"a: "\0\a\b\t\n\v\f\r\e\ \"\/\\\N\_\L\P\x41\u00e9\U0001F600é""#,
        "\0=\\0|\u{7}=\\a|\u{8}=\\b|⇥=\\t|⏎=\\n|\u{b}=\\v|\u{c}=\\f|␍=\\r|\u{1b}=\\e| =\\ |\"=\\\"|/=\\/|\\=\\\\|\
         \u{85}=\\N|\u{a0}=\\_|\u{2028}=\\L|\u{2029}=\\P|A=\\x41|é=\\u00e9|😀=\\U0001F600|é",
    );
    assert_characters("a: \"b\\\n   c\\\r\n   \\  d \\\n e\"", "b|c| =\\ | |d| |e");
    assert_characters("a: \"b \n\n  c\n  d\\\n\n   e\"", "b|⏎=⏎⏎|c| =⏎|d|⏎|e");
    assert_characters("a: \"\\\t\"", "⇥=\\⇥");
    assert_characters(
        "{\"a\": \"\\ud83d\\ude00\\ud83dx\\/\"}",
        "😀=\\ud83d\\ude00|\u{fffd}=\\ud83d|x|/=\\/",
    );
    assert_cuts("a: \"b c\\n\\x41é \n  d\\\n  e\n\n  f\"\n");
}

#[test]
fn literal() {
    assert_characters("a: |\n  b\n   c\n\n  d\n", "b|⏎| |c|⏎|⏎|d|⏎");
    assert_characters("a: |\r\n  b\r\n\r\n  é\r\n", "b|⏎=␍⏎|⏎=␍⏎|é|⏎=␍⏎");
    assert_characters("a: |-\n  b\n\n", "b");
    assert_characters("a: |+ # c\n\n  b\n \n\n", "⏎|b|⏎|⏎|⏎");
    assert_characters("a: |2\n    b\n   c", " | |b|⏎| |c");
    assert_characters("a: &x\n  !!str # c\n  |1-\n   b\n", " | |b");
    assert_characters("|\nb\nc\n---\n", "b|⏎|c|⏎");
    assert_characters("|\nb\n...\n", "b|⏎");
    assert_characters("a: |\n  \tb \n  # c\n# d\n", "⇥|b| |⏎|#| |c|⏎");
    assert_characters("a: |+\n\n\n", "⏎|⏎");
    assert_characters("a: |\n", "");
    assert_characters("- |\n b\n-   |2\n    c\n", " | |c|⏎");
    assert_cuts("a: |\n  b\n   c\n\n  d\nz: |\n  e\n\n  f\n");
    assert_cuts("- |\r\n  b c\r\n  d\r\n");
}

#[test]
fn folded() {
    assert_characters("a: >\n  b\n  c\n\n  d\n\n\n  e\n", "b| =⏎|c|⏎=⏎⏎|d|⏎=⏎⏎|⏎|e|⏎");
    assert_characters("a: >\r\n  b\r\n  c\r\n", "b| =␍⏎|c|⏎=␍⏎");
    assert_characters(
        "a: >-\n  b\n   c\n  d\n\n   e\n\n  f\n",
        "b|⏎| |c|⏎|d|⏎|⏎| |e|⏎|⏎|f",
    );
    assert_characters("a: >+\n\n\n  b\n\n  c\n\n\n", "⏎|⏎|b|⏎=⏎⏎|c|⏎|⏎|⏎");
    assert_characters("a: >2\n   b\n  c\n  d\n", " |b|⏎|c| =⏎|d|⏎");
    assert_characters("a: >\n  b", "b");
    assert_characters(">\nb\nc\n---\n", "b| =⏎|c|⏎");
    assert_cuts("a: >\n  b c\n  d e\n");
}

#[test]
fn other_nodes_map_to_their_span() {
    let text = "a: [b, c]\n";
    let stream = parse(text).unwrap();
    let map = ScalarMap::new(stream.root(0).unwrap().get("a").unwrap());
    assert!(!map.is_exact());
    assert_eq!(map.raw_range(0..1), 3..9);
    assert_eq!(map.decoded_offset(4), None);
}

#[test]
fn aliases_map_to_their_anchor() {
    let text = "a: &x \"b\\n\"\nc: *x\n";
    let stream = parse(text).unwrap();
    let map = ScalarMap::new(stream.root(0).unwrap().get("c").unwrap());
    assert_eq!(&text[map.raw_range(1..2)], "\\n");
}
