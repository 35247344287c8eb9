//! Takes the text of statements out of a script, with the lines and comments that are theirs.

use crate::shell::{List, Span};

use super::script::Kept;

/// The text with only what is kept: whole lines where statements have their own.
pub(super) fn write(text: &str, list: &List, kept: &[Kept<'_>]) -> String {
    let mut result = text.to_owned();
    for (index, statement) in list.statements.iter().enumerate().rev() {
        let own = kept.iter().find(|kept| std::ptr::eq(kept.statement, statement));
        match own {
            Some(kept) if kept.part == statement.span => {}
            Some(kept) => {
                let part = text.get(kept.part.clone()).unwrap_or_default();
                result.replace_range(statement.span.clone(), part);
            }
            None => {
                let next = list.statements.get(index + 1).map(|next| next.span.start);
                result.replace_range(extent(text, &statement.span, next), "");
            }
        }
    }
    let trailing = text.len() - text.trim_end_matches('\n').len();
    let mut body = result.trim_end().trim_end_matches(';').trim_end();
    if !text.starts_with('\n') {
        body = body.trim_start_matches('\n');
    }
    format!("{}{}", body, "\n".repeat(trailing))
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
        Some(next) if text.get(span.end..next).is_some_and(|gap| !gap.contains('\n')) => next,
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
