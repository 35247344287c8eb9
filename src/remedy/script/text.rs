//! Takes the text of statements out of a script, with the lines and comments that are theirs.

use super::kept::Kept;
use crate::shell::{List, Span};

/// A range of the script and what takes its place.
pub(super) type Replaced = (Span, String);

/// The text with only what is kept: whole lines where statements have their own.
pub(crate) fn write(text: &str, list: &List, kept: &[Kept<'_>]) -> String {
    let mut remaining = kept.iter().peekable();
    let stays: Vec<bool> = list
        .statements
        .iter()
        .map(|statement| {
            remaining
                .next_if(|kept| std::ptr::eq(kept.statement, statement))
                .is_some()
        })
        .collect();
    assemble(text, removals(text, list, &stays, true))
}

/// What goes of the text when only these statements of a list stay. In a list that is not the whole script what stands
/// behind the last one closes it.
pub(super) fn removals(text: &str, list: &List, stays: &[bool], is_whole: bool) -> Vec<Replaced> {
    let mut changes: Vec<Replaced> = Vec::new();
    let mut last_kept: Option<usize> = None;
    for (index, (statement, stays)) in list.statements.iter().zip(stays).enumerate() {
        if *stays {
            last_kept = Some(statement.span.end);
            continue;
        }
        let next = list.statements.get(index + 1).map(|next| next.span.start);
        let mut extent = extent(text, &statement.span, next);
        let is_tail = !is_whole && list.statements.len() == index + 1;
        if let Some(before) = last_kept.filter(|_| is_tail && !ends_line(text, extent.end)) {
            // `{ app; quit; }`: what stood between the two goes, and what closes the list stays.
            extent = before..statement.span.end;
            changes.retain(|(span, _)| span.start < before);
        }
        match changes.last_mut() {
            Some((before, _)) if before.end == extent.start => before.end = extent.end,
            _ => changes.push((extent, String::new())),
        }
    }
    for (span, _) in &mut changes {
        *span = with_blank_line(text, span.clone());
    }
    changes
}

fn ends_line(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.ends_with('\n'))
}

/// The text after all changes, which must not overlap.
pub(super) fn assemble(text: &str, mut changes: Vec<Replaced>) -> String {
    changes.sort_by_key(|(span, _)| span.start);
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (span, part) in changes {
        result.push_str(text.get(at..span.start.max(at)).unwrap_or_default());
        result.push_str(&part);
        at = span.end.max(at);
    }
    result.push_str(text.get(at..).unwrap_or_default());
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
