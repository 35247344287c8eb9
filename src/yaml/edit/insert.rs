//! Puts entries and items in.

use super::{
    super::{Kind, Node, lex::Lexer},
    Edit, EditError,
    child::Children,
    lines::{Lines, indented},
};

/// Inserts an entry after the one whose key is `sibling`, or an item after the item `sibling`.
///
/// `lines` is the new entry (`key: value`) or item (`- value`; in a flow sequence without the dash), its first
/// line without indentation, line breaks as LF. It gets the indentation and the line breaks of the text, and in
/// flow collections its comma.
///
/// # Errors
/// A sibling that is neither key nor item.
pub fn insert_after(sibling: Node<'_>, lines: &str) -> Result<Vec<Edit>, EditError> {
    let child = Children::one(sibling)?;
    let text = child.lines;
    let line_break = text.line_break();
    let column = child.column();
    let new = indented(lines, column, line_break);
    if !child.is_flow() {
        let tail = child.last_line()?;
        let mut edits = vec![new_line(text, tail, &new)];
        edits.extend(child.unended_header()?);
        return Ok(edits);
    }
    // `{a:,` has a key that ends with a colon for go-yaml.
    let gap = match child.end.checked_sub(1).map(|before| text.lexer.at(before)) {
        Some(b':') => " ",
        _ => "",
    };
    if !child.has_own_lines() {
        return Ok(vec![Edit::insert(
            child.end,
            format!("{gap}, {}", new.trim_start_matches(' ')),
        )]);
    }
    Ok(vec![match child.comma() {
        Some(comma) => {
            let tail = text.tail(comma + 1).unwrap_or(comma + 1);
            new_line(text, tail, &format!("{new},"))
        }
        None => Edit::insert(child.end, format!("{gap},{line_break}{new}")),
    }])
}

/// Inserts an entry or item before another and before that one's comments; otherwise as [`insert_after`].
///
/// # Errors
/// A sibling that is neither key nor item.
pub fn insert_before(sibling: Node<'_>, lines: &str) -> Result<Edit, EditError> {
    let child = Children::one(sibling)?;
    let text = child.lines;
    let line_break = text.line_break();
    let column = child.column();
    let new = indented(lines, column, line_break);
    let comma = if child.is_flow() { "," } else { "" };
    if child.is_flow() && !child.has_own_lines() {
        return Ok(Edit::insert(
            child.start,
            format!("{}, ", new.trim_start_matches(' ')),
        ));
    }
    if text.starts_line(child.start) {
        return Ok(Edit::insert(
            child.first_line(),
            format!("{new}{comma}{line_break}"),
        ));
    }
    let new = new.trim_start_matches(' ');
    Ok(Edit::insert(
        child.start,
        format!("{new}{comma}{line_break}{}", " ".repeat(column)),
    ))
}

/// Inserts an entry or item as the last one of a collection, which may be empty (`{}`, `[]`) or a null that is
/// to become one; otherwise as [`insert_after`]. What was empty in a block becomes a block, indented by two.
///
/// # Errors
/// A scalar that is not null.
pub fn append(collection: Node<'_>, lines: &str) -> Result<Vec<Edit>, EditError> {
    let stream_text = collection.stream().text();
    let fail = |reason| EditError::unsupported(stream_text, collection.span().start, reason);
    let collection = collection.resolved();
    let last = match collection.kind() {
        Kind::Mapping { .. } => collection.written_entries().last().map(|entry| entry.key),
        Kind::Sequence { .. } => collection.children().last(),
        Kind::Scalar { .. } if collection.is_null() => None,
        _ => return Err(fail("only a collection can get another entry or item")),
    };
    if let Some(last) = last {
        return insert_after(last, lines);
    }
    let text = Lines::new(stream_text);
    let span = collection.span();
    let in_flow = collection.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true }
        )
    });
    if in_flow {
        return if collection.is_bracketed() {
            Ok(vec![Edit::insert(
                span.start + 1,
                lines.replace('\n', text.line_break()),
            )])
        } else {
            Err(fail(
                "a null inside of { } or [ ] can't become a collection; write {} or [] first",
            ))
        };
    }
    let Some(owner) = collection.parent() else {
        let new = indented(lines, 0, text.line_break());
        return Ok(vec![Edit { span, text: new }]);
    };
    let tail = text
        .tail(span.end)
        .ok_or_else(|| fail("something else stands on the same line; put it on a line of its own"))?;
    let owner_column = text.column(owner.span().start);
    let mut edits = Vec::new();
    if !span.is_empty() {
        let mut start = span.start;
        while text.lexer.is_blank(start - 1) {
            start -= 1;
        }
        edits.push(Edit::remove(start..span.end));
    }
    edits.push(new_line(
        text,
        tail,
        &indented(lines, owner_column + 2, text.line_break()),
    ));
    Ok(edits)
}

/// A new line below the one that ends at `line_end`.
fn new_line(text: Lines<'_>, line_end: usize, new: &str) -> Edit {
    let line_break = text.line_break();
    let next = text.lexer.after_break(line_end);
    if next == line_end {
        Edit::insert(line_end, format!("{line_break}{new}"))
    } else {
        Edit::insert(next, format!("{new}{line_break}"))
    }
}

impl Node<'_> {
    /// The byte behind what introduces the node: its properties, or its `:`, `-` or `?`. Nothing for a root
    /// without properties.
    pub(super) fn indicator_end(self) -> Option<usize> {
        let lexer = Lexer::new(self.stream().text());
        let properties = usize::from(self.is_anchored()) + usize::from(self.tag().is_some());
        let written = self.written_span().start;
        if properties > 0 {
            return Some(lexer.properties_end(written, properties));
        }
        let parent = self.parent()?;
        let before = super::child::previous_sibling(self).map_or(parent.span().start, |node| node.span().end);
        let indicator = lexer.skip_gap(before);
        Some(indicator + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{at, edited},
        append, insert_after, insert_before,
    };

    #[track_caller]
    fn assert_after(text: &str, path: &str, lines: &str, expected: &str) {
        let new = edited(text, |stream| insert_after(at(stream, path), lines));
        assert_eq!(new, expected, "{text}");
    }

    #[track_caller]
    fn assert_before(text: &str, path: &str, lines: &str, expected: &str) {
        let new = edited(text, |stream| Ok(vec![insert_before(at(stream, path), lines)?]));
        assert_eq!(new, expected, "{text}");
    }

    #[track_caller]
    fn assert_appended(text: &str, path: &str, lines: &str, expected: &str) {
        let new = edited(text, |stream| append(at(stream, path), lines));
        assert_eq!(new, expected, "{text}");
    }

    #[test]
    fn after_a_block_entry() {
        assert_after(
            "a:\n  b: 1 # c\n  d: 2\n",
            "a/b!",
            "x:\n  y: |\n    z\n\n    z",
            "a:\n  b: 1 # c\n  x:\n    y: |\n      z\n\n      z\n  d: 2\n",
        );
        assert_after(
            "a: |\n  x\n\n# of b\nb: 1\n",
            "a!",
            "c: 2",
            "a: |\n  x\nc: 2\n\n# of b\nb: 1\n",
        );
        assert_after(
            "a: |+\n  x\n\n\nb: 1\n",
            "a!",
            "c: 2",
            "a: |+\n  x\n\n\nc: 2\nb: 1\n",
        );
        assert_after("a:\n  b:\n  - 1", "a!", "c: 2", "a:\n  b:\n  - 1\nc: 2");
        assert_after("- a: 1\n  b: 2\n", "0/a!", "c: 3", "- a: 1\n  c: 3\n  b: 2\n");
        assert_after("? a\n: b\n", "a!", "c: 2", "? a\n: b\nc: 2\n");
    }

    #[test]
    fn after_an_item() {
        assert_after(
            "a:\n- b: 1\n  c: 2\n# of d\n- d\n",
            "a/0",
            "- x: 1\n  y: 2",
            "a:\n- b: 1\n  c: 2\n- x: 1\n  y: 2\n# of d\n- d\n",
        );
        assert_after("- - a\n", "0/0", "- b", "- - a\n  - b\n");
    }

    #[test]
    fn in_flow_collections() {
        assert_after("{a: 1, b: 2}", "a!", "c: 3", "{a: 1, c: 3, b: 2}");
        assert_after("[a, b,]", "1", "c", "[a, b, c,]");
        assert_after(
            "{\n  a: 1, # 1\n}\n",
            "a!",
            "b: {\n  c: 2,\n}",
            "{\n  a: 1, # 1\n  b: {\n    c: 2,\n  },\n}\n",
        );
        assert_after(
            "{\n  \"a\": 1\n}\n",
            "a!",
            "\"b\": 2",
            "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
        );
        assert_before("{a: 1, b: 2}", "b!", "c: 3", "{a: 1, c: 3, b: 2}");
        assert_before(
            "{\n  # of a\n  \"a\": 1\n}\n",
            "a!",
            "\"b\": 2",
            "{\n  \"b\": 2,\n  # of a\n  \"a\": 1\n}\n",
        );
    }

    #[test]
    fn before_a_block_entry() {
        assert_before(
            "a:\n  # of b\n  b: 1\n",
            "a/b!",
            "x:\n  y: 2",
            "a:\n  x:\n    y: 2\n  # of b\n  b: 1\n",
        );
        assert_before(
            "- a: 1\n  b: 2\n",
            "0/a!",
            "x:\n  y: 2",
            "- x:\n    y: 2\n  a: 1\n  b: 2\n",
        );
        assert_before("a:\n# of 1\n- 1\n", "a/0", "- 0", "a:\n- 0\n# of 1\n- 1\n");
    }

    #[test]
    fn into_what_is_empty() {
        assert_appended("a:\n- 1\nb: 2\n", "a", "- 2", "a:\n- 1\n- 2\nb: 2\n");
        assert_appended(
            "a: [] # c\nb: 2\n",
            "a",
            "- x: 1\n  y: 2",
            "a: # c\n  - x: 1\n    y: 2\nb: 2\n",
        );
        assert_appended("a:\nb: 2\n", "a", "c: 1", "a:\n  c: 1\nb: 2\n");
        assert_appended("a: &x {}", "a", "c: 1", "a: &x\n  c: 1");
        assert_appended("- {}\n", "0", "c: 1", "-\n  c: 1\n");
        assert_appended("{a: [], b: [1]}", "a", "1", "{a: [1], b: [1]}");
        assert_appended("{a: [], b: [1]}", "b", "2", "{a: [], b: [1, 2]}");
        assert_appended("{}\n", "", "a: 1", "a: 1\n");
    }
}
