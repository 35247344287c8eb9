//! Takes the text of statements out of a script, with the lines and comments that are theirs.

use crate::remedy::script::kept::Kept;
use crate::shell::{List, Span};

/// The text with only what is kept: whole lines where statements have their own.
pub(crate) fn write(text: &str, list: &List, kept: &[Kept<'_>]) -> String {
    let mut changes: Vec<(Span, &str)> = Vec::new();
    for (index, statement) in list.statements.iter().enumerate() {
        let own = kept.iter().find(|kept| std::ptr::eq(kept.statement, statement));
        match own {
            Some(kept) if kept.part == statement.span => {}
            Some(kept) => {
                let part = text.get(kept.part.clone()).unwrap_or_default();
                changes.push((statement.span.clone(), part));
            }
            None => {
                let next = list.statements.get(index + 1).map(|next| next.span.start);
                let extent = extent(text, &statement.span, next);
                match changes.last_mut() {
                    Some((before, "")) if before.end == extent.start => before.end = extent.end,
                    _ => changes.push((extent, "")),
                }
            }
        }
    }
    let mut result = text.to_owned();
    for (span, part) in changes.into_iter().rev() {
        let span = if part.is_empty() {
            with_blank_line(text, span)
        } else {
            span
        };
        result.replace_range(span, part);
    }
    let trailing = text.len() - text.trim_end_matches('\n').len();
    let mut body = without_loose_end(&result);
    if !text.starts_with('\n') {
        body = body.trim_start_matches('\n');
    }
    format!("{}{}", body, "\n".repeat(trailing))
}

/// A text without the separators and the `\` at its end, which lead to nothing any more.
fn without_loose_end(text: &str) -> &str {
    let mut body = text;
    loop {
        let rest = body.trim_end().trim_end_matches(';').trim_end();
        let rest = match rest.strip_suffix('\\') {
            Some(before) if before.ends_with([' ', '\t', ';', '\n']) => before,
            _ => rest,
        };
        if rest.len() == body.len() {
            return body;
        }
        body = rest;
    }
}

/// Of the blank lines before and behind what goes one is enough.
fn with_blank_line(text: &str, span: Span) -> Span {
    let (before, after) = (text.get(..span.start), text.get(span.end..));
    let stands_apart = before.is_none_or(|before| before.is_empty() || before.ends_with("\n\n"));
    let is_line = before.is_some_and(|before| before.is_empty() || before.ends_with('\n'));
    match after {
        Some(after) if is_line && stands_apart && after.starts_with('\n') => span.start..span.end + 1,
        _ => span,
    }
}

/// The bytes that go with a statement: its line with the comment lines above, or up to the next statement.
fn extent(text: &str, span: &Span, next: Option<usize>) -> Span {
    let line_start = text
        .get(..span.start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let own_line = text
        .get(line_start..span.start)
        .is_some_and(|before| before.trim().is_empty());
    let after = text.get(span.end..).unwrap_or_default();
    let rest_of_line = after.split('\n').next().unwrap_or_default();
    let tail = rest_of_line.trim_start_matches([' ', '\t', ';', '&']);
    if own_line && (tail.is_empty() || tail.starts_with('#')) {
        let end = (span.end + rest_of_line.len() + 1).min(text.len());
        return with_comments_above(text, line_start)..end;
    }
    let end = match next {
        Some(next)
            if text
                .get(span.end..next)
                .is_some_and(|gap| !gap.replace("\\\n", "").contains('\n')) =>
        {
            next
        }
        _ => span.end + (rest_of_line.len() - tail.len()),
    };
    span.start..end
}

/// Comment lines directly above a line belong to it.
fn with_comments_above(text: &str, line_start: usize) -> usize {
    let mut first = line_start;
    while first > 0 {
        let above = text
            .get(..first - 1)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at + 1);
        let line = text.get(above..first - 1).unwrap_or_default().trim_start();
        if !line.starts_with('#') || line.starts_with("#!") {
            break;
        }
        first = above;
    }
    first
}
