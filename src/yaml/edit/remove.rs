//! Takes entries and items out.

use super::{
    super::{Kind, Node},
    Edit, EditError,
    child::{Children, previous_sibling},
};

/// Removes entries of mappings (each named by its key as written) and items of sequences.
///
/// In block style whole lines go, with the comment at their end, and with the comment lines directly above
/// that have the same indentation; a blank line between parts them. Comments of neighbours stay. In flow style
/// a comma goes too. A collection of which everything is removed becomes `{}` or `[]`.
///
/// # Errors
/// Nodes that are neither keys nor items, and pairs without braces in flow sequences.
pub fn remove(children: &[Node<'_>]) -> Result<Vec<Edit>, EditError> {
    let mut edits = Vec::new();
    for Run { whole, single } in outermost(runs(children)?) {
        let covers_all = !whole.has_previous && !whole.has_next;
        if whole.is_flow() {
            remove_flow(&whole, &single, covers_all, &mut edits);
        } else if covers_all {
            empty_block(&whole, &mut edits)?;
        } else if whole.lines.starts_line(whole.start) {
            // One by one, because comments between them may be nobody's.
            for child in &single {
                edits.push(remove_block(child)?);
            }
        } else {
            edits.push(remove_block(&whole)?);
        }
    }
    Ok(edits)
}

/// Children that stand beside one another, together and one by one.
struct Run<'t> {
    whole: Children<'t>,
    single: Vec<Children<'t>>,
}

/// Joins children that stand beside one another.
fn runs<'t>(children: &[Node<'t>]) -> Result<Vec<Run<'t>>, EditError> {
    let mut nodes = children.to_vec();
    nodes.sort_by_key(|node| node.id());
    nodes.dedup();
    let mut runs: Vec<Vec<Node<'t>>> = Vec::new();
    for node in nodes {
        let before = previous_sibling(node);
        let previous = match node.parent().map(Node::kind) {
            Some(Kind::Mapping { .. }) => before.and_then(previous_sibling),
            _ => before,
        };
        // Descendants of a removed sibling may come between the two.
        let run = runs
            .iter_mut()
            .find(|run| previous.is_some() && run.last().copied() == previous);
        match run {
            Some(run) => run.push(node),
            None => runs.push(vec![node]),
        }
    }
    runs.iter()
        .filter_map(|run| Some((run, *run.first()?, *run.last()?)))
        .map(|(run, first, last)| {
            Ok(Run {
                whole: Children::run(first, last)?,
                single: run
                    .iter()
                    .map(|node| Children::one(*node))
                    .collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// Leaves out what stands inside of something else that is removed.
fn outermost(runs: Vec<Run<'_>>) -> Vec<Run<'_>> {
    let spans: Vec<_> = runs.iter().map(|run| run.whole.start..run.whole.end).collect();
    let inside = |Run { whole, .. }: &Run<'_>| {
        let length = whole.end - whole.start;
        spans
            .iter()
            .any(|span| span.start <= whole.start && whole.end <= span.end && span.len() > length)
    };
    runs.into_iter().filter(|run| !inside(run)).collect()
}

fn remove_block(run: &Children<'_>) -> Result<Edit, EditError> {
    let lines = run.lines;
    let end = lines.lexer.after_break(run.last_line()?);
    if lines.starts_line(run.start) {
        return Ok(Edit::remove(run.first_line()..end));
    }
    // The first ones, behind the dash of the item they stand in: what follows, be it a comment, moves up.
    let mut next = end;
    while lines.lexer.at(next) == b' ' || lines.lexer.is_break(next) {
        next += 1;
    }
    Ok(Edit::remove(run.start..next))
}

/// Removes all there is in a block collection.
fn empty_block(run: &Children<'_>, edits: &mut Vec<Edit>) -> Result<(), EditError> {
    let lines = run.lines;
    let empty = match run.parent.kind() {
        Kind::Mapping { .. } => "{}",
        _ => "[]",
    };
    let indicator = run.parent.indicator_end();
    let same_line = indicator.is_none_or(|at| lines.start(at) == lines.start(run.start));
    match indicator {
        Some(at) if !same_line => {
            edits.push(Edit::insert(at, format!(" {empty}")));
            edits.push(Edit::remove(
                run.first_line()..lines.lexer.after_break(run.last_line()?),
            ));
        }
        _ => edits.push(Edit {
            span: run.start..run.end,
            text: empty.to_owned(),
        }),
    }
    Ok(())
}

fn remove_flow(run: &Children<'_>, single: &[Children<'_>], covers_all: bool, edits: &mut Vec<Edit>) {
    let (lines, lexer) = (run.lines, run.lines.lexer);
    let comma = run.comma();
    let end = comma.map_or(run.end, |comma| comma + 1);
    let has_comment = |from: usize, to: usize| lines.text.get(from..to).is_some_and(|gap| gap.contains('#'));
    if covers_all {
        let (open, close) = (run.parent.span().start + 1, run.parent.span().end - 1);
        if has_comment(open, run.start) || has_comment(run.end, close) {
            edits.push(Edit::remove(run.start..end));
        } else {
            edits.push(Edit::remove(open..close));
        }
        return;
    }
    let comma_before = lexer.skip_gap(run.bound);
    if single.iter().all(Children::has_own_lines) {
        for child in single {
            let end = child.comma().map_or(child.end, |comma| comma + 1);
            let tail = lines.tail(end).unwrap_or(end);
            edits.push(Edit::remove(child.first_line()..lexer.after_break(tail)));
        }
        if comma.is_none() {
            edits.push(Edit::remove(comma_before..comma_before + 1));
        }
    } else if comma.is_some() {
        let mut next = end;
        while lexer.is_blank(next) {
            next += 1;
        }
        let mut start = run.start;
        while lexer.is_line_end(next) && start > run.bound && lexer.is_blank(start - 1) {
            start -= 1;
        }
        edits.push(Edit::remove(start..next));
    } else if has_comment(comma_before, run.start) {
        edits.push(Edit::remove(comma_before..comma_before + 1));
        edits.push(Edit::remove(run.start..run.end));
    } else {
        edits.push(Edit::remove(comma_before..run.end));
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{at, edited},
        remove,
    };

    #[track_caller]
    fn assert_removed(text: &str, paths: &[&str], expected: &str) {
        let new = edited(text, |stream| {
            let nodes: Vec<_> = paths.iter().map(|path| at(stream, path)).collect();
            remove(&nodes)
        });
        assert_eq!(new, expected, "{text}");
    }

    #[test]
    fn entries_go_with_their_own_comments() {
        let text = "# file\n\n# of a\na: 1 # 1\n# of b\n# also\nb:\n  c: |\n    x\n  # in b\n\n  # blank above\n# of d\nd: 2\n";
        assert_removed(text, &["b!"], "# file\n\n# of a\na: 1 # 1\n# of d\nd: 2\n");
        assert_removed(
            text,
            &["a!"],
            "# file\n\n# of b\n# also\nb:\n  c: |\n    x\n  # in b\n\n  # blank above\n# of d\nd: 2\n",
        );
        assert_removed(
            text,
            &["d!", "a!"],
            "# file\n\n# of b\n# also\nb:\n  c: |\n    x\n  # in b\n\n  # blank above\n",
        );
        assert_removed("a: 1\n\n# of b\n\nb: 2", &["b!"], "a: 1\n\n# of b\n\n");
        assert_removed("a: 1\nb: 2", &["a!"], "b: 2");
    }

    /// Left there, they would be the last lines of the script above.
    #[test]
    fn comments_inside_go_too() {
        assert_removed(
            "a:\n  - |\n    x\nb:\n  c:\n    # d: 1\n\n      # e: 1\n",
            &["b!"],
            "a:\n  - |\n    x\n",
        );
    }

    #[test]
    fn content_that_looks_like_a_comment_stays() {
        assert_removed("a: [\n  'x\n  # y',\n  z]\n", &["a/1"], "a: [\n  'x\n  # y']\n");
        assert_removed(
            "a:\n  - |\n    x\n    # y\n  - z\n",
            &["a/1"],
            "a:\n  - |\n    x\n    # y\n",
        );
    }

    #[test]
    fn items_go_with_their_dash() {
        let text = "a:\n- name: x # x\n  v: 1\n# of y\n- name: y\n-   - p\n    # of q\n    - q\n";
        assert_removed(
            text,
            &["a/0"],
            "a:\n# of y\n- name: y\n-   - p\n    # of q\n    - q\n",
        );
        assert_removed(
            text,
            &["a/1"],
            "a:\n- name: x # x\n  v: 1\n-   - p\n    # of q\n    - q\n",
        );
        assert_removed(
            text,
            &["a/2/0"],
            "a:\n- name: x # x\n  v: 1\n# of y\n- name: y\n-   # of q\n    - q\n",
        );
        assert_removed(
            text,
            &["a/2/1"],
            "a:\n- name: x # x\n  v: 1\n# of y\n- name: y\n-   - p\n",
        );
    }

    #[test]
    fn the_first_entry_of_an_item_leaves_the_dash() {
        let text = "- a: 1 # 1\n  b: 2\n\n  # of c\n  c: 3\n";
        assert_removed(text, &["0/a!"], "- b: 2\n\n  # of c\n  c: 3\n");
        assert_removed(text, &["0/a!", "0/b!"], "- # of c\n  c: 3\n");
        assert_removed(text, &["0/c!", "0/b!"], "- a: 1 # 1\n\n");
        assert_removed(
            "a: 1\n\n# nobody's\n\nb: 2\nc: 3\n",
            &["a!", "b!"],
            "\n# nobody's\n\nc: 3\n",
        );
    }

    #[test]
    fn what_is_emptied_says_so() {
        assert_removed(
            "a: # c\n  # of b\n  b: 1 # d\ne: 2\n",
            &["a/b!"],
            "a: {} # c\ne: 2\n",
        );
        assert_removed("a:\n- 1\n- 2\nb: 3\n", &["a/0", "a/1"], "a: []\nb: 3\n");
        assert_removed("a: &x !t\n  b: 1\n", &["a/b!"], "a: &x !t {}\n");
        assert_removed("- b: 1 # c\n- d\n", &["0/b!"], "- {} # c\n- d\n");
        assert_removed("# c\na: 1\n", &["a!"], "# c\n{}\n");
        assert_removed(
            "a: [1, 2]\nb: {c: 1}\nd: [ 1 ] \n",
            &["a/0", "a/1", "b/c!", "d/0"],
            "a: []\nb: {}\nd: [] \n",
        );
        assert_removed(
            "a: [\n  # c\n  1, # d\n ]\n",
            &["a/0"],
            "a: [\n  # c\n   # d\n ]\n",
        );
    }

    #[test]
    fn flow_entries_go_with_a_comma() {
        assert_removed("{a: 1, b: 2, c: 3}", &["a!"], "{b: 2, c: 3}");
        assert_removed("{a: 1, b: 2, c: 3}", &["b!"], "{a: 1, c: 3}");
        assert_removed("{a: 1, b: 2, c: 3}", &["c!"], "{a: 1, b: 2}");
        assert_removed("{a: 1, b: 2, c: 3}", &["c!", "b!"], "{a: 1}");
        assert_removed("{a: 1, b: 2, c: 3}", &["c!", "a!"], "{b: 2}");
        assert_removed("[a, b, ]", &["1"], "[a, ]");
        assert_removed("[a, b, # c\n d]", &["1"], "[a, # c\n d]");
        assert_removed("{x: 1, y: 2,\n z: 3}", &["y!"], "{x: 1,\n z: 3}");
        assert_removed("[a, # c\n b]", &["1"], "[a # c\n ]");
        assert_removed("[a: b, c]", &["0"], "[c]");
    }

    #[test]
    fn flow_lines_go_whole() {
        let text = "---\n{\n  # of a\n  a: 1, # 1\n  # of b\n  b: {\n    c: 2,\n  }, # 2\n}\n";
        assert_removed(
            text,
            &["a!"],
            "---\n{\n  # of b\n  b: {\n    c: 2,\n  }, # 2\n}\n",
        );
        assert_removed(text, &["b!"], "---\n{\n  # of a\n  a: 1, # 1\n}\n");
        let json = "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n";
        assert_removed(json, &["c!"], "{\n  \"a\": 1,\n  \"b\": 2\n}\n");
        assert_removed(json, &["b!", "c!"], "{\n  \"a\": 1\n}\n");
        assert_removed(json, &["a!"], "{\n  \"b\": 2,\n  \"c\": 3\n}\n");
        assert_removed(json, &["a!", "b!", "c!"], "{}\n");
    }

    #[test]
    fn special_entries() {
        assert_removed("? a\n: b\n? c\n", &["a!"], "? c\n");
        assert_removed("a: |+\n  x\n\n\nb: 1\n", &["a!"], "b: 1\n");
        assert_removed("b: 1\na: |+\n  x\n\n", &["a!"], "b: 1\n");
        assert_removed("a:\nb: &x 1\nc: 2\n", &["b!"], "a:\nc: 2\n");
        assert_removed(
            "a:\n  - b: 1\n    c: 2\n  - d\n",
            &["a/0/b!", "a/0"],
            "a:\n  - d\n",
        );
        assert_removed("\u{feff}# c\na: 1\nb: 2\n", &["a!"], "\u{feff}b: 2\n");
    }

    #[test]
    fn what_cannot_be_removed() {
        let stream = super::super::super::parse("a: [b: c]\n").unwrap();
        for path in ["", "a", "a/0/b!"] {
            assert!(remove(&[at(&stream, path)]).is_err(), "{path}");
        }
    }
}
