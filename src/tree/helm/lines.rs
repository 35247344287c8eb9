//! A template's lines: what is literal in them, and which actions open and close what.

use std::{cell::RefCell, collections::HashMap};

use crate::template::action::{Action, Kind, actions};

/// What a line of a template holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Text outside of actions.
    pub(super) is_literal: bool,
    /// An action that brings text.
    pub(super) has_output: bool,
    /// The line ends inside an action, or the next one's white space is trimmed away with its end.
    pub(super) is_unmarkable: bool,
    /// `if`, `with`, `range`, `define`, `block`
    pub(super) opens: usize,
    /// `end`
    pub(super) closes: usize,
    /// `else`
    pub(super) has_else: bool,
    /// What it opens is a `define` or a `block`: a text of its own, and no condition.
    pub(super) is_define: bool,
    /// The first action trims what stands before it.
    pub(super) trims_before: bool,
    /// Where the first output of several lines begins, in bytes of the line.
    pub(super) block_output: Option<usize>,
    /// Whether the line stands in a `define`, by the line of its beginning.
    pub(super) define: Option<usize>,
}

impl Line {
    /// Whether the line says nothing but which lines there are.
    pub(super) fn is_control(self) -> bool {
        !self.is_literal && !self.has_output && (self.opens + self.closes > 0 || self.has_else)
    }

    /// Whether an action brings all of the line.
    pub(super) fn is_call(self) -> bool {
        !self.is_literal && self.has_output
    }
}

/// Templates whose lines are kept, in bytes of their text. A chart's templates have less together, but for few.
const KEPT: usize = 4 << 20;

/// The lines of templates that were asked for before.
#[derive(Default)]
struct Known {
    lines: HashMap<Box<str>, Vec<Line>>,
    bytes: usize,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// The lines of a template. Each place of an edit is looked for in the same templates, again and again.
pub(super) fn lines_of(text: &str) -> Vec<Line> {
    KNOWN.with_borrow_mut(|known| {
        if let Some(lines) = known.lines.get(text) {
            return lines.clone();
        }
        if known.bytes + text.len() > KEPT {
            *known = Known::default();
        }
        known.bytes += text.len();
        let lines = read(text);
        known.lines.insert(text.into(), lines.clone());
        lines
    })
}

fn read(text: &str) -> Vec<Line> {
    let all = actions(text);
    let mut lines = Vec::new();
    let mut open: Vec<Option<usize>> = Vec::new();
    let (mut next, mut start) = (0, 0);
    for (number, content) in text.split('\n').enumerate() {
        let end = start + content.len();
        let own = all.get(next..).unwrap_or_default();
        let ending = own.iter().take_while(|action| action.span.end <= end).count();
        let touching = own.iter().take_while(|action| action.span.start < end).count();
        let mut line = of_line(text, start..end, own.get(..touching).unwrap_or_default());
        line.define = open.iter().rev().find_map(|define| *define);
        for action in own.get(..ending).unwrap_or_default() {
            take(action, number, text, start, &mut open, &mut line);
        }
        lines.push(line);
        next += ending;
        start = end + 1;
    }
    lines
}

/// The literal text of a line, beside the actions that touch it.
fn of_line(text: &str, span: std::ops::Range<usize>, touching: &[Action]) -> Line {
    let mut line = Line::default();
    let is_text = |from: usize, to: usize| {
        let own = text.get(from.max(span.start)..to.min(span.end));
        own.is_some_and(|own| !own.trim().is_empty())
    };
    let mut from = span.start;
    for (index, action) in touching.iter().enumerate() {
        line.is_literal |= is_text(from, action.span.start);
        if index == 0 && !line.is_literal && action.span.start >= span.start {
            line.trims_before = words(text, action).starts_with("{{-");
        }
        from = action.span.end;
    }
    let has_tail = is_text(from, span.end);
    line.is_literal |= has_tail;
    let last = touching.last();
    line.is_unmarkable = last.is_some_and(|action| {
        action.span.end > span.end || (!has_tail && words(text, action).ends_with("-}}"))
    });
    line
}

fn words<'t>(text: &'t str, action: &Action) -> &'t str {
    text.get(action.span.clone()).unwrap_or_default()
}

/// What an action that ends in a line says of it.
fn take(
    action: &Action,
    number: usize,
    text: &str,
    start: usize,
    open: &mut Vec<Option<usize>>,
    line: &mut Line,
) {
    match action.kind {
        Kind::Open(_) => {
            line.opens += 1;
            open.push(None);
        }
        Kind::Define => {
            line.opens += 1;
            line.is_define = true;
            open.push(Some(number));
        }
        Kind::End => {
            line.closes += 1;
            open.pop();
        }
        Kind::Else(_) => line.has_else = true,
        Kind::Silent => {}
        Kind::Output => {
            line.has_output = true;
            let words = words(text, action);
            if words.contains("nindent") || (!line.is_literal && words.contains("indent ")) {
                line.block_output
                    .get_or_insert(action.span.start.saturating_sub(start));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_told_from_text() {
        let text = "a: {{ .b }}\n{{- if eq .x \"}}\" }}\n  {{- include \"y\" . | nindent 4 }}\n{{/* a\n b */}}\nb: {{ .c -}}\n{{- end }}\n{{- $x := 1 }}\n";
        let lines = lines_of(text);
        assert!(lines[0].is_literal && lines[0].has_output && !lines[0].is_unmarkable);
        assert!(lines[1].is_control() && lines[1].opens == 1);
        assert!(lines[2].is_call() && lines[2].block_output == Some(2));
        assert!(lines[3].is_unmarkable && !lines[4].is_literal);
        assert!(lines[5].is_unmarkable);
        assert!(lines[6].is_control() && lines[6].closes == 1);
        assert_eq!(
            lines[7],
            Line {
                trims_before: true,
                ..Line::default()
            }
        );
    }

    #[test]
    fn lines_know_their_define() {
        let lines = lines_of("x\n{{- define \"a\" }}\n{{- if .x }}\ny\n{{- end }}\n{{- end }}\nz");
        let defines: Vec<_> = lines.iter().map(|line| line.define).collect();
        assert_eq!(defines, [None, None, Some(1), Some(1), Some(1), Some(1), None]);
    }
}
