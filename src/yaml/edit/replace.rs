//! Writes strings as scalars.

use super::{
    super::{
        Kind, Node, ScalarStyle,
        decode::block_start,
        quote::{double_quoted, is_plain_string, single_quoted},
    },
    Edit, EditError,
    lines::Lines,
};

/// A string as a scalar on one line: plain where every reader of YAML 1.1 and 1.2 takes it for this string,
/// else in quotes. `flow` says whether it stands inside of `[ ]` or `{ }`.
#[must_use]
pub fn write_scalar(value: &str, flow: bool) -> String {
    if is_plain_string(value, flow) {
        value.to_owned()
    } else {
        double_quoted(value)
    }
}

/// Replaces a scalar (or alias) by a string. The style stays if it can express the string; a plain scalar
/// becomes a quoted one where needed, and a block scalar a quoted one if the string has no text, starts with
/// a blank or holds control characters.
///
/// Properties (`&anchor`, `!tag`) stay; so does a comment behind a block scalar's header.
///
/// # Errors
/// A collection.
pub fn replace_scalar(node: Node<'_>, value: &str) -> Result<Vec<Edit>, EditError> {
    let text = node.stream().text();
    let style = match node.kind() {
        Kind::Scalar { style, .. } => style,
        Kind::Alias(_) => ScalarStyle::Plain,
        _ => {
            return Err(EditError::unsupported(
                text,
                node.span().start,
                "a collection can't be replaced by a string here",
            ));
        }
    };
    let flow = node.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true }
        )
    });
    if style.is_block() {
        return Ok(replace_block(node, style, value));
    }
    let mut new = match style {
        ScalarStyle::SingleQuoted => single_quoted(value).unwrap_or_else(|| double_quoted(value)),
        ScalarStyle::DoubleQuoted => double_quoted(value),
        _ => write_scalar(value, flow),
    };
    let span = node.span();
    if span.is_empty() {
        // It stands directly behind its indicator.
        new.insert(0, ' ');
    }
    Ok(vec![Edit { span, text: new }])
}

fn replace_block(node: Node<'_>, style: ScalarStyle, value: &str) -> Vec<Edit> {
    let lines = Lines::new(node.stream().text());
    let lexer = lines.lexer;
    let header = node.content_start();
    let header_end = lexer.header_end(header);
    let header_line = lexer.line_end(header);
    let old = node.as_str().unwrap_or_default();
    // Up to the last line, and the blank lines behind it, which chomping may count as content.
    let mut end = if node.span().is_empty() {
        header_line
    } else {
        node.span().end
    };
    let after = lines.blank_lines_end(end);
    let body = value.trim_end_matches('\n');
    let trailing = value.len() - body.len();
    if trailing > 1 || old.ends_with("\n\n") {
        end = after;
    }
    // Lines that start with a blank need the indicator that the old text had, as in `|2`.
    let starts_with_blank = body.trim_start_matches('\n').starts_with([' ', '\t']);
    let indicated = node
        .stream()
        .text()
        .get(header..header_end)
        .and_then(|header| header.chars().find(char::is_ascii_digit))
        .filter(|_| starts_with_blank);
    let is_text = match indicated {
        Some(_) => is_block_text(body.trim_start_matches(['\n', ' ', '\t'])),
        None => is_block_text(body),
    };
    if !is_text {
        return vec![
            Edit {
                span: header..header_end,
                text: double_quoted(value),
            },
            Edit::remove(header_line..end),
        ];
    }
    let indentation = if node.span().is_empty() {
        let owner = node
            .parent()
            .map_or(0, |parent| lines.column(parent.span().start));
        owner + 2
    } else {
        block_start(lexer, header, old).1.max(1)
    };
    let raw = lines.text.get(header_line..end).unwrap_or_default();
    let folded = match style {
        ScalarStyle::Folded => fold(body, raw),
        _ => None,
    };
    let indicator = if folded.is_some() { '>' } else { '|' };
    let chomping = match trailing {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let line_break = lines.line_break();
    let mut new = String::new();
    let written = folded.unwrap_or_else(|| body.split('\n').collect());
    for line in written {
        new += line_break;
        if !line.is_empty() {
            new += &" ".repeat(indentation);
            new += line;
        }
    }
    new += &line_break.repeat(trailing.saturating_sub(1));
    if end == lines.text.len() && trailing > 0 {
        // The line break that the string ends with is not there yet.
        new += line_break;
    }
    vec![
        Edit {
            span: header..header_end,
            text: match indicated {
                Some(digit) => format!("{indicator}{digit}{chomping}"),
                None => format!("{indicator}{chomping}"),
            },
        },
        Edit {
            span: header_line..end,
            text: new,
        },
    ]
}

/// The lines that a folded block scalar reads as this text, broken where `old` was; nothing where no lines do.
fn fold<'b>(body: &'b str, old: &str) -> Option<Vec<&'b str>> {
    // Lines that begin with a blank are not folded.
    if body.split('\n').any(|line| line.starts_with([' ', '\t'])) {
        return None;
    }
    let mut breaks = old
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .peekable();
    let mut lines = Vec::new();
    for (index, paragraph) in body.split('\n').enumerate() {
        // A line break of the text is a blank line.
        if index > 0 {
            lines.push("");
        }
        if !paragraph.is_empty() {
            lines.extend(broken(paragraph, &mut breaks));
        }
    }
    (unfolded(&lines) == body).then_some(lines)
}

/// A paragraph, broken in front of what began a line before, and behind what ended one.
fn broken<'b, 'o>(paragraph: &'b str, old: &mut (impl Iterator<Item = &'o str> + Clone)) -> Vec<&'b str> {
    let mut lines = Vec::new();
    let mut rest = paragraph;
    while !rest.is_empty() {
        let mut ahead = old.clone();
        let next = std::iter::from_fn(|| ahead.next().map(|line| (line, ahead.clone())))
            .take(LINES_AHEAD)
            .filter_map(|(line, behind)| Some((starts_at(rest, line)?, line, behind)))
            .min_by_key(|(at, _, _)| *at);
        match next {
            Some((0, line, behind)) => {
                *old = behind;
                lines.push(rest.get(..line.len()).unwrap_or_default());
                rest = rest.get(line.len() + 1..).unwrap_or_default();
            }
            Some((at, _, _)) => {
                lines.push(rest.get(..at - 1).unwrap_or_default());
                rest = rest.get(at..).unwrap_or_default();
            }
            None => {
                lines.push(rest);
                rest = "";
            }
        }
    }
    lines
}

/// How many lines may have gone before one that stays is looked for no more, and how many bytes may have come.
const LINES_AHEAD: usize = 32;
const BYTES_AHEAD: usize = 4096;

/// Where a line stands in a text between single blanks.
fn starts_at(text: &str, line: &str) -> Option<usize> {
    let is_single = |at: usize| {
        let around = text
            .get(at.saturating_sub(1)..(at + 2).min(text.len()))
            .unwrap_or_default();
        text.as_bytes().get(at) == Some(&b' ') && around.matches(' ').count() == 1
    };
    let ahead = (BYTES_AHEAD..text.len())
        .find_map(|end| text.get(..end))
        .unwrap_or(text);
    ahead.match_indices(line).map(|(at, _)| at).find(|at| {
        let end = at + line.len();
        (*at == 0 || is_single(at - 1)) && (end == text.len() || is_single(end))
    })
}

/// What a reader makes of the lines of a folded block scalar of which none begins with a blank.
fn unfolded(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut breaks = 0;
    for (index, line) in lines.iter().enumerate() {
        if line.is_empty() {
            breaks += 1;
            continue;
        }
        match (index, breaks) {
            (0, _) => {}
            (_, 0) => text.push(' '),
            (_, breaks) => text.push_str(&"\n".repeat(breaks)),
        }
        breaks = 0;
        text.push_str(line);
    }
    text
}

/// Whether a block scalar without indentation indicator can hold these lines.
pub(in crate::yaml) fn is_block_text(body: &str) -> bool {
    let printable = |character: char| {
        matches!(character, '\n' | '\t')
            || !(character.is_control() || "\u{2028}\u{2029}\u{feff}".contains(character))
    };
    let first = body.trim_start_matches('\n');
    !first.is_empty() && !first.starts_with([' ', '\t']) && body.chars().all(printable)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            super::parse,
            testing::{at, edited},
        },
        replace_scalar,
    };

    #[track_caller]
    fn assert_replaced(text: &str, value: &str, expected: &str) {
        let new = edited(text, |stream| replace_scalar(at(stream, "a"), value));
        assert_eq!(new, expected, "{text}");
        let stream = parse(&new).unwrap();
        assert_eq!(at(&stream, "a").as_str(), Some(value), "{new}");
        // Whatever the value, it is read back; also where the text goes on, and where it ends.
        for value in [
            "x",
            "8080",
            "a: b",
            "",
            " x",
            "x\n",
            "x\ny",
            "\nx\n",
            "x\n\n",
            "\n",
            "x \n\ty\n",
            "é\u{85}",
            "# x",
            "x\n---\n",
        ] {
            for text in [
                text.to_owned(),
                text.trim_end().to_owned(),
                format!("{text}\n\nz: 1\n"),
            ] {
                if parse(&text).is_err()
                    || parse(&text)
                        .unwrap()
                        .root(0)
                        .is_none_or(|root| root.get("a").is_none())
                {
                    continue;
                }
                let new = edited(&text, |stream| replace_scalar(at(stream, "a"), value));
                let stream = parse(&new).unwrap();
                assert_eq!(at(&stream, "a").as_str(), Some(value), "{text:?} {new:?}");
            }
        }
    }

    #[test]
    fn styles_stay_where_they_can() {
        assert_replaced("a: b # c\n", "d e", "a: d e # c\n");
        assert_replaced("a: b # c\n", "8080", "a: \"8080\" # c\n");
        assert_replaced("a: 'b'\n", "it's", "a: 'it''s'\n");
        assert_replaced("a: 'b'\n", "x\ny", "a: \"x\\ny\"\n");
        assert_replaced("a: \"b\"\n", "d", "a: \"d\"\n");
        assert_replaced("a: b\n  c\n", "d", "a: d\n");
        assert_replaced("a: &x !!str b\n", "yes", "a: &x !!str \"yes\"\n");
        assert_replaced("x: &x 1\na: *x\n", "d", "x: &x 1\na: d\n");
    }

    #[test]
    fn empty_values_get_a_blank() {
        assert_replaced("a:\n", "b", "a: b\n");
        assert_replaced("a: # c\n", "b", "a: b # c\n");
        assert_replaced("a: &x\n", "b", "a: &x b\n");
    }

    #[test]
    fn flow_values_are_quoted_for_it() {
        assert_replaced("{a: b, c: d}\n", "x, y", "{a: \"x, y\", c: d}\n");
        assert_replaced("{\"a\": 1}\n", "\u{85}", "{\"a\": \"\\u0085\"}\n");
    }

    #[test]
    fn block_scalars_keep_their_indentation() {
        assert_replaced(
            "a: | # c\n    x\n    y\n",
            "d\n\n  e\n",
            "a: | # c\n    d\n\n      e\n",
        );
        assert_replaced("a: |-\n  x\n\n\n", "y\n", "a: |\n  y\n\n\n");
        assert_replaced("a: |\n  x\n", "y", "a: |-\n  y\n");
        assert_replaced("a: |\n  x\n", "y\n\n", "a: |+\n  y\n\n");
        assert_replaced("a: |+\n  x\n\n\n", "y\n", "a: |\n  y\n");
        assert_replaced("a: >\n  x\n  y\n", "z\n", "a: >\n  z\n");
        assert_replaced("a: >\n  x\n  y\n", "z\nw\n", "a: >\n  z\n\n  w\n");
        // Lines stay where they were broken, but for what goes.
        assert_replaced(
            "a: >-\n  one\n  two three\n  four\n",
            "one four",
            "a: >-\n  one\n  four\n",
        );
        assert_replaced(
            "a: >-\n  one\n  two three\n\n  four\n  five\n",
            "one two\nfour five",
            "a: >-\n  one\n  two\n\n  four\n  five\n",
        );
        assert_replaced("a: >\n  x\n  y\n", "x\n  z\n", "a: |\n  x\n    z\n");
        assert_replaced("a: >\n  x\n  y\n", "x  y\n", "a: >\n  x  y\n");
        assert_replaced("a: &x |2-\n    x\n", "y", "a: &x |-\n  y\n");
        assert_replaced("a: |\n", "y", "a: |-\n  y\n");
        assert_replaced("a: |\n  x\n", " y", "a: \" y\"\n");
        assert_replaced("a: |2\n    x\n    y\n", "  y\n", "a: |2\n    y\n");
        assert_replaced("a: |2-\n    x\n  y\n", " y\n z\n", "a: |2\n   y\n   z\n");
    }
}
