//! `# kubectl-sidecar: ignore[rule, rule] reason`
//!
//! A comment behind something silences its line; comments on lines of their own silence the next line. Where
//! that line opens a block scalar, in which no YAML comment can stand, the whole scalar is meant. A script in
//! a block scalar may hold the same text as a comment of its own.

use std::{ops::Range, sync::Arc};

use memchr::memmem;

use super::{Choice, Scope, Suppression, Written};
use crate::{
    rules::RuleInfo,
    source::{Lines, SourceError, SourceErrorKind, SourceFile},
    yaml::Stream,
};

/// What every such comment holds.
pub(super) const MARK: &str = "kubectl-sidecar:";

/// What some editors put before the first line.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// The one thing that it may ask for.
pub(super) const VERB: &str = "ignore";

pub(super) fn collect(
    source: &Arc<SourceFile>,
    stream: Option<&Stream<'_>>,
    rules: &[&'static RuleInfo],
    written: &mut Vec<Written>,
    errors: &mut Vec<SourceError>,
) {
    let lines = Lines::new(&source.text);
    let scalars = stream.map(Scalars::of);
    let mut targets = Targets::new(&lines);
    for mark in memmem::find_iter(source.text.as_bytes(), MARK) {
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
        let target = targets.of(position.line, start);
        let last = scalars
            .as_ref()
            .and_then(|scalars| scalars.block_opened_on(&lines, target))
            .unwrap_or(target);
        let scope = Scope::Lines(lines.line(target).start..end_of(&lines, last));
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

/// The end of a line with its line break; behind the text where there is none.
fn end_of(lines: &Lines<'_>, line: usize) -> usize {
    let length = lines.text().len();
    match lines.line(line + 1).start {
        // A finding may stand at the very end of the text.
        start if start >= length => length + 1,
        start => start,
    }
}

/// The lines that comments are about.
struct Targets<'l> {
    lines: &'l Lines<'l>,
    /// The last comment on a line of its own that was asked about, and the line behind it and the comments below.
    run: Option<(usize, usize)>,
}

impl<'l> Targets<'l> {
    fn new(lines: &'l Lines<'l>) -> Self {
        Self { lines, run: None }
    }

    /// The line that the comment at `start` is about, which stands on `line`. Comments are asked about in their
    /// order, so that a run of them is walked through once.
    fn of(&mut self, line: usize, start: usize) -> usize {
        let text = self.lines.text();
        let own_line = text
            .get(self.lines.line(line).start..start)
            .is_some_and(|before| before.trim_start_matches(BYTE_ORDER_MARK).trim().is_empty());
        if !own_line {
            return line;
        }
        if let Some((first, target)) = self.run
            && (first..target).contains(&line)
        {
            return target;
        }
        let is_comment = |line: usize| {
            let content = text.get(self.lines.line(line)).unwrap_or_default();
            content.trim_start().starts_with('#')
        };
        let mut target = line + 1;
        while is_comment(target) {
            target += 1;
        }
        self.run = Some((line, target));
        target
    }
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
