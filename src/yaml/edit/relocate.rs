//! Takes an entry or item along to another place.

use super::{
    super::{Kind, Node},
    Edit, EditError,
    child::Children,
    insert::insert_after,
    lines::dedented,
    remove::remove,
};

/// The text of an entry (named by its key) or item, as [`insert_after`] takes it: with its comments, without
/// its indentation, line breaks as LF. An item of a flow sequence comes without comments.
///
/// All lines lose the same indentation, so block scalars keep their content and quoted and flow lines their
/// shape.
///
/// # Errors
/// A node that is neither key nor item.
pub fn extract(child: Node<'_>) -> Result<String, EditError> {
    let child = Children::one(child)?;
    let (lines, text) = (child.lines, child.lines.text);
    if child.is_flow() {
        let raw = text.get(child.start..child.end).unwrap_or_default();
        return Ok(dedented(raw, lines.indentation(child.start)));
    }
    let column = child.column();
    let first = if lines.starts_line(child.start) {
        child.first_line() + column
    } else {
        child.start
    };
    let end = child.last_line()?;
    let raw = match child.unended_header()? {
        Some(header) => format!(
            "{}{}{}",
            text.get(first..header.span.start).unwrap_or_default(),
            header.text,
            text.get(header.span.end..end).unwrap_or_default()
        ),
        None => text.get(first..end).unwrap_or_default().to_owned(),
    };
    Ok(dedented(&raw, column))
}

/// Moves an item behind another one, usually of another sequence, with its comments and indented anew.
///
/// # Errors
/// Nodes that are not items, and an item in block style that would have to be written in flow style.
pub fn move_item(item: Node<'_>, after: Node<'_>) -> Result<Vec<Edit>, EditError> {
    let is_flow = |node: Node<'_>| match node.parent().map(Node::kind) {
        Some(Kind::Sequence { flow }) => Ok(flow),
        _ => Err(EditError::unsupported(
            node.stream().text(),
            node.written_span().start,
            "only an item of a sequence can be moved",
        )),
    };
    let text = match (is_flow(item)?, is_flow(after)?) {
        (false, true) => {
            return Err(EditError::unsupported(
                item.stream().text(),
                item.written_span().start,
                "an item in block style can't be moved into [ ]; write that sequence with dashes",
            ));
        }
        // Its lines have to be indented more than the dash.
        (true, false) => format!("- {}", extract(item)?.replace('\n', "\n  ")),
        _ => extract(item)?,
    };
    let mut edits = remove(&[item])?;
    edits.extend(insert_after(after, &text)?);
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            super::{Value, guard, parse},
            apply,
            testing::{at, edited},
        },
        extract, move_item,
    };

    #[track_caller]
    fn assert_moved(text: &str, item: &str, after: &str, expected: &str) {
        let new = edited(text, |stream| move_item(at(stream, item), at(stream, after)));
        assert_eq!(new, expected, "{text}");
    }

    const POD: &str = "spec:
  initContainers:
  - name: first
  containers:
    - name: app
      image: app
    # the proxy
    - name: proxy # 1
      command:
      - sh
      - |
        set -e
          indented

        done
      args: [\"a
        b\",
        c]
      text: \"x\\
        y
        z\"
      note: >-
        a
        b

         c
      # last comment of proxy

    - name: other
";

    #[test]
    fn an_item_moves_with_its_comments_and_is_indented_anew() {
        let expected = "spec:
  initContainers:
  - name: first
  # the proxy
  - name: proxy # 1
    command:
    - sh
    - |
      set -e
        indented

      done
    args: [\"a
      b\",
      c]
    text: \"x\\
      y
      z\"
    note: >-
      a
      b

       c
    # last comment of proxy
  containers:
    - name: app
      image: app

    - name: other
";
        assert_moved(POD, "spec/containers/1", "spec/initContainers/0", expected);
    }

    #[test]
    fn a_moved_item_is_the_same_value() {
        for (item, after) in [
            ("spec/containers/1", "spec/initContainers/0"),
            ("spec/initContainers/0", "spec/containers/1"),
            ("spec/containers/1", "spec/containers/2"),
            ("spec/containers/2", "spec/containers/0"),
        ] {
            let stream = parse(POD).unwrap();
            let mut intended = Value::documents(&stream).unwrap();
            let part = |path: &str| {
                let (list, index) = path.trim_start_matches("spec/").split_once('/').unwrap();
                (list.to_owned(), index.parse::<usize>().unwrap())
            };
            let ((from, index), (to, mut target)) = (part(item), part(after));
            let spec = intended[0]
                .as_mut()
                .and_then(|root| root.get_mut("spec"))
                .unwrap();
            let moved = spec
                .get_mut(&from)
                .and_then(Value::items_mut)
                .unwrap()
                .remove(index);
            if from == to && index < target {
                target -= 1;
            }
            spec.get_mut(&to)
                .and_then(Value::items_mut)
                .unwrap()
                .insert(target + 1, moved);
            let edits = move_item(at(&stream, item), at(&stream, after)).unwrap();
            let new = apply(POD, &edits).unwrap();
            assert_eq!(guard::check(POD, &new, &edits, &intended), Ok(()), "{new}");
        }
    }

    #[test]
    fn between_block_and_flow() {
        assert_moved(
            "a: [{n: 1,\n    m: 2}, b]\nc:\n- d\n",
            "a/0",
            "c/0",
            "a: [b]\nc:\n- d\n- {n: 1,\n      m: 2}\n",
        );
        assert_moved("a: [x, y]\nb: [z]\n", "a/1", "b/0", "a: [x]\nb: [z, y]\n");
        assert_moved("a:\n- x\nb:\n- y\n", "a/0", "b/0", "a: []\nb:\n- y\n- x\n");
        let stream = parse("a: [x]\nb:\n- y\n").unwrap();
        assert!(move_item(at(&stream, "b/0"), at(&stream, "a/0")).is_err());
        assert!(move_item(at(&stream, "b!"), at(&stream, "a/0")).is_err());
    }

    #[test]
    fn the_end_of_the_text_is_no_line_break() {
        assert_moved(
            "a:\n- x\nb:\n- y\n- |\n  z",
            "b/1",
            "a/0",
            "a:\n- x\n- |-\n  z\nb:\n- y\n",
        );
        assert_moved(
            "b:\n- y\n- x\na:\n- >2+ # c\n   z",
            "b/1",
            "a/0",
            "b:\n- y\na:\n- >2- # c\n   z\n- x",
        );
        for text in ["a:\n- x\nb:\n- y\n- |-\n  z", "a:\n- x\nb:\n- y\n- |\n  z\n  "] {
            let new = edited(text, |stream| move_item(at(stream, "b/1"), at(stream, "a/0")));
            assert_eq!(new.matches('-').count(), text.matches('-').count(), "{new}");
        }
        let stream = parse("a:\n- x\nb:\n- y\n- |+\n  z\n  ").unwrap();
        assert!(move_item(at(&stream, "b/1"), at(&stream, "a/0")).is_err());
    }

    #[test]
    fn entries_can_be_extracted() {
        let stream = parse("a:\r\n    # of b\r\n    b: |\r\n      x\r\n    c: 1\r\n").unwrap();
        assert_eq!(extract(at(&stream, "a/b!")).unwrap(), "# of b\nb: |\n  x");
    }
}
