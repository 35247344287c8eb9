//! `# kubectl-sidecar: ignore[rule, rule] reason`
//!
//! A comment behind something silences its line; comments on lines of their own silence the next line. Where
//! that line opens a block scalar, in which no YAML comment can stand, the whole scalar is meant. A script in
//! a block scalar may hold the same text as a comment of its own.

use std::{ops::Range, sync::Arc};

use super::{Choice, Scope, Suppression, Written};
use crate::{
    rules::RuleInfo,
    source::{Lines, SourceError, SourceErrorKind, SourceFile},
    yaml::Stream,
};

/// What every such comment holds.
pub(super) const MARK: &str = "kubectl-sidecar:";

/// What some editors put before the first line.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The one thing that it may ask for.
const VERB: &str = "ignore";

pub(super) fn collect(
    source: &Arc<SourceFile>,
    stream: Option<&Stream<'_>>,
    rules: &[&'static RuleInfo],
    written: &mut Vec<Written>,
    errors: &mut Vec<SourceError>,
) {
    let lines = Lines::new(&source.text);
    let scalars = stream.map(Scalars::of);
    for (mark, _) in source.text.match_indices(MARK) {
        let Some(start) = comment_start(&source.text, mark) else {
            continue;
        };
        if scalars
            .as_ref()
            .is_some_and(|scalars| !scalars.allow_comment(start))
        {
            continue;
        }
        let position = lines.position(start);
        let line_span = lines.line(position.line);
        let Some(text) = source.text.get(mark + MARK.len()..line_span.end) else {
            continue;
        };
        let Some(directive) = text.trim_start().strip_prefix(VERB) else {
            continue;
        };
        let mut fail = |message: String| {
            errors.push(
                SourceError::new(&source.name, SourceErrorKind::Suppression, message)
                    .at(position.line, Some(position.column)),
            );
        };
        let Some((names, reason)) = directive
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
            .filter(|(names, _)| !names.trim().is_empty())
        else {
            fail(format!(
                "the comment does not say which rules to ignore: # {MARK} {VERB}[RULE,RULE] reason"
            ));
            continue;
        };
        let target = target_line(&lines, position.line, start);
        let scope = Scope::Lines {
            first: target,
            last: scalars
                .as_ref()
                .and_then(|scalars| scalars.block_opened_on(&lines, target))
                .unwrap_or(target),
        };
        let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match Choice::parse(name, rules) {
                Ok(choice) => written.push(Written {
                    scope: scope.clone(),
                    choice,
                    suppression: Suppression {
                        file: source.name.clone(),
                        line: Some(position.line),
                        rule: choice.name().to_owned(),
                        reason: reason.map(str::to_owned),
                        used: false,
                    },
                }),
                Err(unknown) => fail(unknown.to_string()),
            }
        }
    }
}

/// The `#` before the mark, if it begins a comment.
fn comment_start(text: &str, mark: usize) -> Option<usize> {
    let before = text.get(..mark)?.trim_end_matches([' ', '\t']);
    let start = before.len().checked_sub(1)?;
    let outside = before.strip_suffix('#')?;
    (outside.is_empty() || outside.ends_with([' ', '\t', '\n', BYTE_ORDER_MARK])).then_some(start)
}

/// The line that a comment is about.
fn target_line(lines: &Lines<'_>, line: usize, start: usize) -> usize {
    let content = |line: usize| {
        lines
            .text()
            .get(lines.line(line))
            .unwrap_or_default()
            .trim_start()
    };
    let own_line = lines
        .text()
        .get(lines.line(line).start..start)
        .is_some_and(|before| before.trim_start_matches(BYTE_ORDER_MARK).trim().is_empty());
    if !own_line {
        return line;
    }
    let mut target = line + 1;
    while content(target).starts_with('#') {
        target += 1;
    }
    target
}

/// The scalars of a stream: what looks like a comment in them is none.
struct Scalars {
    /// Their bytes, in order.
    spans: Vec<(Range<usize>, bool)>,
}

impl Scalars {
    fn of(stream: &Stream<'_>) -> Self {
        let mut spans: Vec<(Range<usize>, bool)> = stream
            .roots()
            .flat_map(|(_, root)| root.walk())
            .filter_map(|node| Some((node.span(), node.style()?.is_block())))
            .collect();
        spans.sort_by_key(|(span, _)| span.start);
        Self { spans }
    }

    /// Whether a comment may start at this byte: outside scalars, or in a script.
    fn allow_comment(&self, at: usize) -> bool {
        let index = self.spans.partition_point(|(span, _)| span.start <= at);
        match index.checked_sub(1).and_then(|index| self.spans.get(index)) {
            Some((span, block)) => *block || !span.contains(&at),
            None => true,
        }
    }

    /// The last line of the block scalar whose header is on `line`.
    fn block_opened_on(&self, lines: &Lines<'_>, line: usize) -> Option<usize> {
        let header_end = lines.line(line).end;
        let index = self.spans.partition_point(|(span, _)| span.start < header_end);
        let (span, _) = self.spans.get(index).filter(|(_, block)| *block)?;
        // The header is the last thing before the content.
        let before = lines.text().get(..span.start)?.trim_end();
        if lines.position(before.len().saturating_sub(1)).line != line {
            return None;
        }
        let content = lines.text().get(span.clone())?.trim_end();
        Some(lines.position(span.start + content.len()).line)
    }
}
