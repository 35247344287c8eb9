//! The places of all kinds of nodes, first those that saphyr-parser's spans get wrong.

use super::{Kind, Node, invariants, parse};

/// Every node in written order: the bytes of its content, before it in brackets those written before it that
/// belong to it; of an empty node its offset.
fn nodes(text: &str) -> Vec<String> {
    let stream = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    invariants::check(&stream).unwrap_or_else(|broken| panic!("{text:?}: {broken}"));
    let mut lines = Vec::new();
    for (index, root) in stream.roots() {
        if stream.documents().len() > 1 {
            lines.push(format!("#{index}"));
        }
        lines.extend(root.walk().map(describe));
    }
    lines
}

fn describe(node: Node<'_>) -> String {
    let depth = std::iter::successors(node.parent(), |node| node.parent()).count();
    let kind = match node.kind() {
        Kind::Scalar { .. } => "",
        Kind::Sequence { flow: false } => "seq ",
        Kind::Sequence { flow: true } => "flow-seq ",
        Kind::Mapping { flow: false } => "map ",
        Kind::Mapping { flow: true } => "flow-map ",
        Kind::Alias(_) => "alias ",
    };
    let (written, span) = (node.written_span(), node.span());
    let before = match &node.stream().text()[written.start..span.start] {
        "" => String::new(),
        before => format!("({before}) "),
    };
    let content = if span.is_empty() {
        format!("@{}", span.start)
    } else {
        node.raw().to_owned()
    };
    format!("{}{kind}{before}{content}", "  ".repeat(depth)).replace('\n', "⏎")
}

#[track_caller]
fn assert_nodes(text: &str, expected: &[&str]) {
    let actual = nodes(text);
    assert_eq!(actual, expected, "{text:?}:\n{}", actual.join("\n"));
}

/// The document spans' texts.
fn documents(text: &str) -> Vec<String> {
    let stream = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    invariants::check(&stream).unwrap_or_else(|broken| panic!("{text:?}: {broken}"));
    let documents = stream.documents().iter();
    documents
        .map(|document| text[document.span.clone()].to_owned())
        .collect()
}

#[test]
fn characters_are_not_bytes() {
    assert_nodes(
        "ä: 'ö€' # ü\n😀: [é, \"ñ\"]\n",
        &[
            r#"map ä: 'ö€' # ü⏎😀: [é, "ñ"]"#,
            "  ä",
            "  'ö€'",
            "  😀",
            r#"  flow-seq [é, "ñ"]"#,
            "    é",
            r#"    "ñ""#,
        ],
    );
}

#[test]
fn block_collections_end_with_their_last_leaf() {
    assert_nodes(
        "a:\n  b: 1 # c\n\n# d\ne:\n  - 2 # f\n\n  # g\n",
        &[
            "map a:⏎  b: 1 # c⏎⏎# d⏎e:⏎  - 2",
            "  a",
            "  map b: 1",
            "    b",
            "    1",
            "  e",
            "  seq - 2",
            "    2",
        ],
    );
}

#[test]
fn block_scalars_span_their_content_lines() {
    assert_nodes(
        "a: |\n  x\n   y \n\n  z\n\n# c\nb: >- # d\n\n  w\n  v\n\n",
        &[
            "map a: |⏎  x⏎   y ⏎⏎  z⏎⏎# c⏎b: >- # d⏎⏎  w⏎  v",
            "  a",
            "  (|⏎  ) x⏎   y ⏎⏎  z",
            "  b",
            "  (>- # d⏎⏎  ) w⏎  v",
        ],
    );
}

#[test]
fn block_scalars_of_all_headers() {
    for (text, expected) in [
        ("a: |+\n  x\n\n\nb: 1\n", "(|+⏎  ) x"),
        ("a: |2\n    x\n   y\n", "(|2⏎  )   x⏎   y"),
        ("a: !!str &s |2-\n    x\n", "(!!str &s |2-⏎  )   x"),
        (
            "a: &s\n  !!str # c | d\n  >-\n  x\n",
            "(&s⏎  !!str # c | d⏎  >-⏎  ) x",
        ),
        ("a: |\nb: 1\n", "(|) @4"),
        ("a: |", "(|) @4"),
        ("a: |- # none\n\n\nb: 1\n", "(|-) @5"),
        ("a: |\n\n  x", "(|⏎⏎  ) x"),
        ("a: |\r\n  x\r\n  y\r\n\r\nb: 1\r\n", "(|\r⏎  ) x\r⏎  y"),
        ("a:\n  |\n  x\n", "(|⏎  ) x"),
        ("a: |\n  \tx\n", "(|⏎  ) \tx"),
        ("a: |\n  x\n# y\nb: 1\n", "(|⏎  ) x"),
        ("a: |2\n     \n  x\n", "(|2⏎  )    ⏎  x"),
    ] {
        assert_eq!(nodes(text)[2].trim_start(), expected, "{text:?}");
    }
    assert_eq!(nodes("|\nx\ny\n---\n")[1], "(|⏎) x⏎y");
    assert_eq!(nodes(">2\n   x\n"), ["(>2⏎  )  x"]);
    assert_eq!(nodes("- |1\n  x\n- b\n")[1], "  (|1⏎ )  x");
    assert_nodes(
        "? |\n  k\n: |\n  v\n",
        &["map ? |⏎  k⏎: |⏎  v", "  (|⏎  ) k", "  (|⏎  ) v"],
    );
}

#[test]
fn block_scalars_at_the_end_of_the_text_get_no_line_break() {
    for (text, value) in [
        ("a: |\n  x", "x"),
        ("a: >\n  x\n", "x\n"),
        ("a: |+\n  x", "x"),
        ("a: |-\n  x", "x"),
        ("a: |\n  x\n  ", "x\n"),
        ("a: |\n  x\n ", "x\n"),
        ("a: |+\n  x\n\n ", "x\n\n"),
        ("a: |+\n  ", ""),
        ("a: |+\n\n  ", "\n"),
        ("a: |+\n", ""),
        ("a: |2\n    ", "  "),
    ] {
        let stream = parse(text).unwrap();
        invariants::check(&stream).unwrap();
        let node = stream.root(0).unwrap().get("a").unwrap();
        assert_eq!(node.as_str(), Some(value), "{text:?}");
        assert!(super::ScalarMap::new(node).is_exact(), "{text:?}");
    }
}

#[test]
fn many_quoted_scalars_may_go_on_at_the_column_of_their_keys() {
    let mut text = String::from("a:\n");
    for number in 0..300 {
        text.push_str(&format!(
            "  k{number}:\n    description: 'it''s {number}\n    [Default: x]'\n  # don't: 'x\n"
        ));
    }
    // What only looks like a value in quotes stays what it is.
    text.push_str("  script: |\n    say: 'it\n    and it'\n\n    more: \"x\n  plain: y\n");
    let stream = parse(&text).unwrap();
    invariants::check(&stream).unwrap();
    let map = stream.root(0).unwrap().get("a").unwrap();
    let description = |key: &str| map.get(key).unwrap().get("description").unwrap().as_str();
    assert_eq!(description("k0"), Some("it's 0 [Default: x]"));
    assert_eq!(description("k299"), Some("it's 299 [Default: x]"));
    let script = map.get("script").unwrap().as_str();
    assert_eq!(script, Some("say: 'it\nand it'\n\nmore: \"x\n"));
    assert_eq!(map.get("plain").unwrap().as_str(), Some("y"));
}

#[test]
fn quoted_scalars_end_with_their_quote() {
    assert_nodes(
        "a: \"b\" # \"c\"\nd: 'it''s' # 'e'\nf: {\"g\" : \"\\\"\" , 'h':'i' }\n\"k\\L\\L\\L\" : \"\" #\"\n",
        &[
            r#"map a: "b" # "c"⏎d: 'it''s' # 'e'⏎f: {"g" : "\"" , 'h':'i' }⏎"k\L\L\L" : """#,
            "  a",
            r#"  "b""#,
            "  d",
            "  'it''s'",
            "  f",
            r#"  flow-map {"g" : "\"" , 'h':'i' }"#,
            r#"    "g""#,
            r#"    "\"""#,
            "    'h'",
            "    'i'",
            r#"  "k\L\L\L""#,
            r#"  """#,
        ],
    );
    assert_eq!(nodes("a: \"\\L\\L\\L\" #\"\n")[2], r#"  "\L\L\L""#);
}

#[test]
fn plain_scalars_of_several_lines() {
    assert_nodes(
        "a: b\n  c # d\ne: f\n\n   g\n",
        &[
            "map a: b⏎  c # d⏎e: f⏎⏎   g",
            "  a",
            "  b⏎  c",
            "  e",
            "  f⏎⏎   g",
        ],
    );
}

#[test]
fn properties_stand_before_the_content() {
    assert_nodes(
        "a: &x !!str b\nc: !t &y # c\n  d: e\nf: &z\n- *x\ng: &q [1]\n&k h: !<tag:x,[]> {i: *k}\n",
        &[
            "map a: &x !!str b⏎c: !t &y # c⏎  d: e⏎f: &z⏎- *x⏎g: &q [1]⏎&k h: !<tag:x,[]> {i: *k}",
            "  a",
            "  (&x !!str ) b",
            "  c",
            "  map (!t &y # c⏎  ) d: e",
            "    d",
            "    e",
            "  f",
            "  seq (&z⏎) - *x",
            "    alias *x",
            "  g",
            "  flow-seq (&q ) [1]",
            "    1",
            "  (&k ) h",
            "  flow-map (!<tag:x,[]> ) {i: *k}",
            "    i",
            "    alias *k",
        ],
    );
    assert_nodes(
        "- &a\n- !t\n- &b !u # c\n",
        &["seq - &a⏎- !t⏎- &b !u", "  (&a) @4", "  (!t) @9", "  (&b !u) @17"],
    );
    assert_nodes("&m\n&k a: b\n", &["map (&m⏎) &k a: b", "  (&k ) a", "  b"]);
    assert_nodes(
        "&m\n{a: b}: c\n",
        &[
            "map (&m⏎) {a: b}: c",
            "  flow-map {a: b}",
            "    a",
            "    b",
            "  c",
        ],
    );
    assert_nodes(
        "a: &x\n!t b: c\n",
        &["map a: &x⏎!t b: c", "  a", "  (&x) @5", "  (!t ) b", "  c"],
    );
}

#[test]
fn empty_values_stand_behind_their_indicator() {
    assert_nodes(
        "a:\nb: # c\n\nc:",
        &["map a:⏎b: # c⏎⏎c:", "  a", "  @2", "  b", "  @5", "  c", "  @13"],
    );
    assert_nodes(
        "- # c\n-\n- - \n  -\n",
        &[
            "seq - # c⏎-⏎- - ⏎  -",
            "  @1",
            "  @7",
            "  seq - ⏎  -",
            "    @11",
            "    @16",
        ],
    );
    assert_nodes("? a\n? b\n: \n", &["map ? a⏎? b⏎:", "  a", "  @3", "  b", "  @9"]);
    assert_nodes(
        "? a\n:::: b\n",
        &["map ? a⏎:::: b", "  a", "  @3", "  :::", "  b"],
    );
    assert_nodes(
        "? ? a\n: b\n",
        &["map ? ? a⏎: b", "  map ? a", "    a", "    @5", "  b"],
    );
    assert_nodes("? # k\n: v\n", &["map ? # k⏎: v", "  @1", "  v"]);
    assert_nodes(": v\n", &["map : v", "  @0", "  v"]);
    assert_nodes(
        "{a, b: , c: , ? d, ? : e, : f}",
        &[
            "flow-map {a, b: , c: , ? d, ? : e, : f}",
            "  a",
            "  @2",
            "  b",
            "  @6",
            "  c",
            "  @11",
            "  d",
            "  @17",
            "  @20",
            "  e",
            "  @27",
            "  f",
        ]
        .map(|line| line.replace("@27", "@26"))
        .each_ref()
        .map(String::as_str),
    );
    assert_nodes(
        "k:\n- a\n-\nl: 1\n",
        &[
            "map k:⏎- a⏎-⏎l: 1",
            "  k",
            "  seq - a⏎-",
            "    a",
            "    @8",
            "  l",
            "  1",
        ],
    );
}

#[test]
fn indentless_and_nested_sequences_start_with_their_dash() {
    assert_nodes(
        "a: # c\n# - d\n- - b\n  - c\n-   d: 1\n    e: 2\nf:\n- g\n",
        &[
            "map a: # c⏎# - d⏎- - b⏎  - c⏎-   d: 1⏎    e: 2⏎f:⏎- g",
            "  a",
            "  seq - - b⏎  - c⏎-   d: 1⏎    e: 2",
            "    seq - b⏎  - c",
            "      b",
            "      c",
            "    map d: 1⏎    e: 2",
            "      d",
            "      1",
            "      e",
            "      2",
            "  f",
            "  seq - g",
            "    g",
        ],
    );
}

#[test]
fn flow_collections_include_their_brackets() {
    assert_nodes(
        "a: [ b , {c: d}, [] ] # ]\ne: {f: [\n  g,\n  ], # }\n  }\n",
        &[
            "map a: [ b , {c: d}, [] ] # ]⏎e: {f: [⏎  g,⏎  ], # }⏎  }",
            "  a",
            "  flow-seq [ b , {c: d}, [] ]",
            "    b",
            "    flow-map {c: d}",
            "      c",
            "      d",
            "    flow-seq []",
            "  e",
            "  flow-map {f: [⏎  g,⏎  ], # }⏎  }",
            "    f",
            "    flow-seq [⏎  g,⏎  ]",
            "      g",
        ],
    );
}

#[test]
fn pairs_in_flow_sequences_have_no_braces() {
    assert_nodes(
        "[a: b, {c: d}: e, ? f : g, h: ]",
        &[
            "flow-seq [a: b, {c: d}: e, ? f : g, h: ]",
            "  flow-map a: b",
            "    a",
            "    b",
            "  flow-map {c: d}: e",
            "    flow-map {c: d}",
            "      c",
            "      d",
            "    e",
            "  flow-map ? f : g",
            "    f",
            "    g",
            "  flow-map h:",
            "    h",
            "    @29",
        ],
    );
    let stream = parse("[{a: b}: {c: d}]").unwrap();
    let pair = stream.root(0).unwrap().items().next().unwrap();
    assert!(!pair.is_bracketed() && pair.children().all(Node::is_bracketed));
}

#[test]
fn documents_tile_the_text() {
    assert_eq!(documents(""), Vec::<String>::new());
    assert_eq!(documents("# only a comment\n"), Vec::<String>::new());
    assert_eq!(documents("a: 1"), ["a: 1"]);
    assert_eq!(
        documents("# c\n---\na: 1\n--- # d\nb\n"),
        ["# c\n---\na: 1\n", "--- # d\nb\n"]
    );
    assert_eq!(documents("a: 1\n---\n"), ["a: 1\n", "---\n"]);
    assert_eq!(documents("---\na: 1\n---"), ["---\na: 1\n", "---"]);
    assert_eq!(
        documents("---\n---\n# c\n---\na\n"),
        ["---\n", "---\n# c\n", "---\na\n"]
    );
    assert_eq!(
        documents("%YAML 1.2\n---\na\n... # e\n%TAG ! !x\n# c\n---\nb\n...\n---\nc\n"),
        [
            "%YAML 1.2\n---\na\n... # e\n",
            "%TAG ! !x\n# c\n---\nb\n...\n",
            "---\nc\n"
        ]
    );
    assert_eq!(documents("a\n...\n# end\n"), ["a\n...\n# end\n"]);
}

#[test]
fn empty_documents_count_and_have_no_root() {
    let stream = parse("---\n---\n# c\n---\na\n---\n~\n---\n").unwrap();
    assert_eq!(stream.documents().len(), 5);
    let roots: Vec<usize> = stream.roots().map(|(index, _)| index).collect();
    assert_eq!(roots, [2, 3]);
    assert!(stream.root(3).unwrap().is_null());
    assert_eq!(nodes("---\n&a\n---\nb\n")[..2], ["#0", "(&a) @6"]);
}

#[test]
fn byte_order_marks_shift_nothing() {
    assert_nodes("\u{feff}a: b\n", &["map a: b", "  a", "  b"]);
    assert_nodes("\u{feff}# c\n- é\n", &["seq - é", "  é"]);
    assert_nodes("\u{feff}---\na: b\n", &["map a: b", "  a", "  b"]);
    // kubectl takes a text apart before it looks for marks.
    assert_nodes(
        "a\n---\n\u{feff}b: é\nc: d\n",
        &["#0", "a", "#1", "map b: é⏎c: d", "  b", "  é", "  c", "  d"],
    );
    assert!(parse("a\n...\n\u{feff}---\nb\n").is_err());
    assert_nodes("\u{feff}{\"a\": 1}", &["flow-map {\"a\": 1}", "  \"a\"", "  1"]);
}

#[test]
fn directives_with_many_bytes_shift_nothing() {
    assert_nodes(
        "%ü äöü\n%x €\n---\nä: b\nc: é\n",
        &["map ä: b⏎c: é", "  ä", "  b", "  c", "  é"],
    );
}

#[test]
fn line_breaks_of_windows_and_none_at_the_end() {
    assert_nodes(
        "a: 1\r\nb:\r\n  - x # c\r\n  - 'y\r\n    z'",
        &[
            "map a: 1\r⏎b:\r⏎  - x # c\r⏎  - 'y\r⏎    z'",
            "  a",
            "  1",
            "  b",
            "  seq - x # c\r⏎  - 'y\r⏎    z'",
            "    x",
            "    'y\r⏎    z'",
        ],
    );
}

#[test]
fn anchors_bind_the_last_definition_before_the_alias() {
    let stream = parse("- &a 1\n- *a\n- &a 2\n- *a\n- &b [*b, *a]\n").unwrap();
    let items: Vec<_> = stream.root(0).unwrap().items().collect();
    assert_eq!(items[1].as_str(), Some("1"));
    assert_eq!(items[3].as_str(), Some("2"));
    let circle: Vec<_> = items[4].items().collect();
    assert_eq!(circle[0], items[4]);
    assert_eq!(circle[1].as_str(), Some("2"));
    assert_eq!(items[4].walk().count(), 3);
}

#[test]
fn tags_are_given_in_full() {
    let stream = parse("%TAG !e! tag:e,1:\n---\n[!!str 1, !l 2, !e!x 3, !<v> 4, ! 5, 6]").unwrap();
    let root = stream.root(0).unwrap();
    let tags: Vec<_> = root.items().map(Node::tag).collect();
    let expected = ["tag:yaml.org,2002:str", "!l", "tag:e,1:x", "v", "!"].map(Some);
    assert_eq!(tags[..5], expected);
    assert_eq!(tags[5], None);
    assert!(root.items().take(5).all(|item| item.as_i64().is_none()));
}

#[test]
fn kyaml_is_read() {
    let text = "---\n{\n  # comment\n  apiVersion: \"v1\",\n  data: {\n    script: \"\\\n      #!/bin/sh\\n\\\n      \\  exit 0\\n\\\n      \",\n    \"no\": true,\n  },\n}\n";
    let stream = parse(text).unwrap();
    invariants::check(&stream).unwrap();
    let root = stream.root(0).unwrap();
    let script = root.path(&["data", "script"]).unwrap();
    assert_eq!(script.as_str(), Some("#!/bin/sh\n  exit 0\n"));
    assert_eq!(root.path(&["data", "no"]).unwrap().as_bool(), Some(true));
}
