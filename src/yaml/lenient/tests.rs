use super::super::{Value, invariants, parse};

/// The text is read as the other one, which saphyr-parser reads.
#[track_caller]
fn assert_same(text: &str, strict: &str) {
    for (text, strict) in [
        (text.to_owned(), strict.to_owned()),
        (text.replace('\n', "\r\n"), strict.to_owned()),
        (
            format!("é: [\n]\n--- # ü\nb: c\n---\n{text}---\nd:\te\n...\n---\nf"),
            format!("é: []\n---\nb: c\n---\n{strict}---\nd: e\n---\nf"),
        ),
    ] {
        let stream = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        invariants::check(&stream).unwrap_or_else(|broken| panic!("{text}: {broken}"));
        let expected = Value::documents(&parse(&strict).unwrap());
        assert_eq!(Value::documents(&stream), expected, "{text}");
    }
}

#[test]
fn brackets_may_stand_below_their_key() {
    assert_same("a: [\n]\n", "a: []\n");
    assert_same(
        "a:\n  b: [\n    \"x\", # c\n    # d\n\n  ]\n  c: 1\n",
        "a: {b: [x], c: 1}\n",
    );
    assert_same("- {\n  \"a\": [ 1\n  ]\n}\n- b\n", "- {a: [1]}\n- b\n");
    assert_same(
        "a: [\n  'it''s # no', \"x \\\" # y\" # yes\n]\n",
        "a: [\"it's # no\", 'x \" # y']\n",
    );
}

#[test]
fn flow_lines_need_no_indentation() {
    assert_same(
        "a:\n  b: {\n\"c\": 1, # x\nd: [2,\n3],\n}\n  e: f\n",
        "a: {b: {c: 1, d: [2, 3]}, e: f}\n",
    );
}

#[test]
fn scripts_with_such_lines_stay_as_they_are() {
    assert_same(
        "a: [\n]\ns: |\n  f() {\n    x # y\n  }\n  z\nt: \"{\n  }\"\nu: [\n  \"v\"\n]\nw: >\n  x\n  ]\n",
        "a: []\ns: \"f() {\\n  x # y\\n}\\nz\\n\"\nt: \"{ }\"\nu: [v]\nw: \"x ]\\n\"\n",
    );
}

#[test]
fn quoted_lines_need_no_indentation() {
    assert_same(
        "a:\n  b: \"x\n  y \\\n\n  é\\n\"\n  c: 'd\n\nit''s'\n",
        "a:\n  b: \"x y \\né\\n\"\n  c: \"d\\nit's\"\n",
    );
    assert_same("a: \"x\n]\n\" \nb: [\n]\n", "a: \"x ] \"\nb: []\n");
}

#[test]
fn a_dash_may_stand_before_a_comma_or_bracket() {
    assert_same(
        "a: [tar, -, -xf, x -, \"-\", z -\n]\nb: {c: -}\n",
        "a: [tar, '-', -xf, x -, '-', z -]\nb: {c: '-'}\n"
            .replace("x -", "'x -'")
            .replace("z -", "'z -'")
            .as_str(),
    );
}

#[test]
fn comments_need_no_blank_before_them() {
    assert_same(
        "a: \"x\"#c\nb: [d]# e ]\nf: 'g'#\nh: {i: j}#k\n",
        "a: x\nb: [d]\nf: g\nh: {i: j}\n",
    );
}

#[test]
fn tabs_may_follow_a_colon() {
    assert_same("a:\tb\nc: {d:\te}\n", "a: b\nc: {d: e}\n");
}

#[test]
fn flow_lines_are_read_as_libyaml_reads_them_at_any_column() {
    let flows = [
        "{q: 1,\n@r: 2}",
        "{q: 1\n@, r: 2}",
        "[x,\n@z]",
        "{\n@q: 1,\n@r: [x,\n@z]}",
        "[{q: 1,\n@r: 2},\n@{s: 3}]",
        "{\"q\": 1,\n@\"r]\": 2}",
        "{q: 1, # c ]\n@r: 2}",
        "[\n@x, z]",
        "{q: {o: 1,\n@s: 2}, r: 3}",
        "{q:\n@1, r: 2}",
        "[x, q:\n@1]",
    ];
    let surroundings = [
        "a:\n- x\nb:\n- m: 1\n  p: $\n  s: [3]\n- m: 2\n",
        "a:\n  b:\n    p: $\n    s: 1\n  c: 2\nd: 3\n",
        "a:\n    b:\n      - p: $\n      - s: 1\n    c: 2\nd: 3\n",
        "- - $\n  - w\n- z\n",
        "a: {b: $, c: 2}\nd: 3\n",
    ];
    let mut compared = 0;
    for (flow, around) in flows
        .iter()
        .flat_map(|flow| surroundings.map(|around| (flow, around)))
    {
        for column in 0..9 {
            let text = around.replace('$', &flow.replace('@', &" ".repeat(column)));
            let Ok(theirs) = serde_yaml::from_str::<serde_json::Value>(&text) else {
                continue;
            };
            let theirs = theirs.to_string();
            let stream = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let expected = Value::documents(&parse(&theirs).unwrap());
            assert_eq!(Value::documents(&stream), expected, "{text}");
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared}");
}

/// Others read `c d`; saphyr-parser another key or item.
#[test]
fn entries_need_a_comma_between_them() {
    for (text, line) in [
        ("a:\n  - {b: c\nd, e: f}\n", 3),
        ("a: {b: {c: d\n}\ne: f}\n", 3),
        ("a:\n  b: {c\nd: {e: f}}\n  g: {\n}\n", 3),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
    }
    assert_same("a: [b\nc]\n", "a: [b c]\n");
}

#[test]
fn what_is_wrong_stays_wrong() {
    for text in [
        "a: [\n",
        "a: [\n]]\n",
        "a: {\n}\n  b: c\n",
        "a: \"\nb\\q\"\n",
        "a: [\n]\nb: [\n---\nc: ]\n",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn the_work_is_bounded() {
    let text = "a: {\nb: \"\nc\",\n".repeat(2_000);
    assert!(parse(&text).is_err());
    let text = format!("a: [\n]\n{}", "b: [\n  \"c\"\n]\nd: |\n  }\n".repeat(1_000));
    assert_eq!(parse(&text).unwrap().documents().len(), 1);
}
