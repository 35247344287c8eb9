//! The lines of a source that move as a whole: containers, with the actions and conditions that are theirs.

use std::{
    cmp::Ordering,
    ops::{Range, RangeInclusive},
    path::Path,
};

use crate::diff::Hunk;

use super::{
    back::{Back, Side, behind_actions, content_column},
    edits::{Anchor, Edits, Move},
    held::indentation,
    lines::{Line, lines_of},
    marks::{SourceLine, is_template},
};

impl Back<'_> {
    /// The ranges of a hunk's new lines that are items from elsewhere, with what is new in them.
    pub(super) fn blocks(&self, placed: &[Option<usize>]) -> Vec<Range<usize>> {
        let starts: Vec<usize> = (0..placed.len())
            .filter(|index| placed.get(*index).copied().flatten().is_some())
            .collect();
        let mut blocks: Vec<Range<usize>> = Vec::new();
        for start in starts {
            let one = placed.get(start).copied().flatten().unwrap_or_default();
            let is_next = blocks.last().is_some_and(|block: &Range<usize>| {
                let last = placed.get(block.end - 1).copied().flatten().unwrap_or_default();
                one > last
            });
            match blocks.last_mut().filter(|_| is_next) {
                Some(block) => block.end = start + 1,
                None => blocks.push(start..start + 1),
            }
        }
        if let Some(last) = blocks.last_mut() {
            last.end = placed.len();
        }
        blocks
    }

    /// The source lines of a block that moves; what is new in it is inserted there.
    pub(super) fn block(
        &self,
        hunk: &Hunk,
        placed: &[Option<usize>],
        block: &Range<usize>,
        there: isize,
        edits: &mut Edits,
    ) -> Option<Move> {
        let own: Vec<usize> = placed.get(block.clone())?.iter().copied().flatten().collect();
        let (first, last) = (*own.first()?, *own.last()?);
        let (begin, shift) = self.shifts(first)?;
        let sources = own.iter().filter_map(|index| self.origins.own(*index));
        let numbers = sources
            .filter(|line| line.path == begin.path)
            .map(|line| line.line);
        let (start, end) = (numbers.clone().min()?, numbers.max()?);
        let start = SourceLine { line: start, ..begin };
        let text = self.files.text(&start.path)?;
        let lines = lines_of(text);
        let has_tail = self.origins.own(last).is_none_or(|line| line.path != start.path);
        let core = balanced(&lines, start.line..=end, has_tail)?;
        let core = self.with_hidden(&start.path, text, &lines, core);
        let call = self.call(first, last, &lines);
        let moved_by = self
            .new
            .get(hunk.after.start + block.start)
            .map_or(0, |line| content_column(line))
            - self.rendered.get(first).map_or(0, |line| content_column(line));
        match &call {
            // Others may include the same part, and it is not theirs to change.
            Some(call) if self.side == Side::Call => {
                let there = self.rendered.get(first).map_or(0, |line| content_column(line));
                let shift = self.column_behind(call)? - there;
                self.insert_new(hunk, placed, block, (&call.path, call.line, shift), edits);
            }
            _ => self.insert_new(hunk, placed, block, (&start.path, *core.end(), shift), edits),
        }
        let (path, core, indent) = match call {
            Some(call) => (call.path, call.line..=call.line, moved_by),
            None => (start.path, core, moved_by + there - shift),
        };
        let lines = lines_of(self.files.text(&path)?);
        Some(Move {
            lines: wrapped(&lines, &core),
            core,
            to: Anchor {
                line: SourceLine {
                    path: path.clone(),
                    line: 0,
                },
                after: false,
            },
            path,
            prefix: Vec::new(),
            indent,
            conditions: Vec::new(),
        })
    }

    /// Lines with those behind them that are part of the same item and that this rendering does not show.
    fn with_hidden(
        &self,
        path: &Path,
        text: &str,
        lines: &[Line],
        core: RangeInclusive<usize>,
    ) -> RangeInclusive<usize> {
        let texts: Vec<&str> = text.split('\n').collect();
        let indent = |number: usize| {
            texts
                .get(number)
                .map_or(0, |text| text.len() - text.trim_start().len())
        };
        let is_item = |number: &usize| {
            texts
                .get(*number)
                .is_some_and(|text| text.trim_start().starts_with("- "))
        };
        let Some(item) = core.clone().find(is_item).map(indent) else {
            return core;
        };
        let is_shown = |number: usize| {
            let mut own = self.origins.lines.iter().filter_map(|origin| origin.own.as_ref());
            own.any(|line| line.path == path && line.line == number)
        };
        let (start, mut end) = core.into_inner();
        let mut open = 0usize;
        for (number, line) in lines.iter().enumerate().skip(end + 1) {
            let is_blank = texts.get(number).is_none_or(|text| text.trim().is_empty());
            if !line.is_control() && !is_blank && (is_shown(number) || indent(number) <= item) {
                break;
            }
            let Some(left) = (open + line.opens).checked_sub(line.closes) else {
                break;
            };
            open = left;
            if open == 0 && !is_blank {
                end = number;
            }
        }
        start..=end
    }

    /// Where the entries of an item stand that an action brings: behind the dash, which may be the action's or stand
    /// before it.
    fn column_behind(&self, call: &SourceLine) -> Option<isize> {
        let margin = self.files.text(&call.path)?.split('\n').nth(call.line)?;
        let dash = if margin.trim_start().starts_with("- ") {
            0
        } else {
            2
        };
        Some(content_column(margin) + dash)
    }

    /// The action that brings all of a part of a template of which none of its lines is wanted, a rendered one among
    /// them: others may include the same part.
    pub(super) fn emptied_call(&self, index: usize, is_gone: impl Fn(usize) -> bool) -> Option<SourceLine> {
        let own = self.origins.own(index)?;
        let lines = lines_of(self.files.text(&own.path)?);
        let define = lines.get(own.line)?.define?;
        let is_same = |other: &usize| {
            self.origins.own(*other).is_some_and(|line| {
                line.path == own.path
                    && lines
                        .get(line.line)
                        .is_some_and(|line| line.define == Some(define))
            })
        };
        let first = (0..=index).rev().take_while(is_same).last()?;
        let last = (index..self.rendered.len()).take_while(is_same).last()?;
        let is_whole = (first..=last).all(is_gone);
        let call = self.call(first, last, &lines).filter(|_| is_whole)?;
        let known = lines_of(self.files.text(&call.path)?);
        known.get(call.line)?.is_call().then_some(call)
    }

    /// The action that brings all lines from the first to the last, where they are one `define`.
    fn call(&self, first: usize, last: usize, lines: &[Line]) -> Option<SourceLine> {
        let start = self.origins.own(first)?;
        let define = lines.get(start.line)?.define?;
        let is_own = |index: Option<usize>| {
            let line = index.and_then(|index| self.origins.own(index));
            line.is_some_and(|line| {
                line.path == start.path
                    && lines
                        .get(line.line)
                        .is_some_and(|line| line.define == Some(define))
            })
        };
        // What values brought above it is part of the same text.
        let mut above = lines.get(define + 1..start.line)?.iter();
        if is_own(first.checked_sub(1)) || above.any(|line| line.is_literal || line.has_output) {
            return None;
        }
        // What of it is no longer wanted stands behind what is.
        let end = (last..self.rendered.len()).find(|index| {
            self.origins
                .lines
                .get(*index)
                .is_some_and(|origin| !origin.calls.is_empty())
        })?;
        ((last + 1)..=end)
            .all(|index| is_own(Some(index)) || self.origins.own(index).is_none())
            .then_some(())?;
        let mut calls = self.origins.lines.get(end)?.calls.iter();
        let is_inside = |call: &&SourceLine| {
            call.path == start.path
                && lines
                    .get(call.line)
                    .is_some_and(|line| line.define == Some(define))
        };
        calls.find(|call| !is_inside(call)).cloned()
    }

    /// New lines of a block go behind the line that they follow.
    fn insert_new(
        &self,
        hunk: &Hunk,
        placed: &[Option<usize>],
        block: &Range<usize>,
        (path, end, shift): (&Path, usize, isize),
        edits: &mut Edits,
    ) {
        let text = self.files.text(path);
        let lines = text.map(|text| lines_of(text)).unwrap_or_default();
        let mut at: Option<usize> = None;
        let mut above: Option<usize> = None;
        let mut index = block.start;
        while index < block.end {
            if let Some(rendered) = placed.get(index).copied().flatten() {
                above = Some(rendered);
                let own = self.origins.own(rendered);
                let own = own.filter(|line| line.path == *path && self.side != Side::Call);
                at = own.map(|line| line.line).or(at);
                index += 1;
                continue;
            }
            let from = index;
            while index < block.end && placed.get(index).copied().flatten().is_none() {
                index += 1;
            }
            let new = hunk.after.start + from..hunk.after.start + index;
            if let Some((line, shift)) = above.and_then(|above| self.in_values(above, new.start)) {
                let texts = self.texts(new, shift, &line);
                edits.insert(Anchor { line, after: true }, texts);
                continue;
            }
            let is_last = index == block.end;
            let behind = match (is_last, at) {
                (true, _) | (_, None) => end,
                (false, Some(at)) => behind_actions(&lines, at),
            };
            let line = SourceLine {
                path: path.to_owned(),
                line: behind,
            };
            let texts = self.texts(new, shift, &line);
            edits.insert(Anchor { line, after: true }, texts);
        }
    }

    /// The line of values that a new line belongs behind: the one above it is an item of a list that values bring, and it
    /// is one more, or part of that item.
    fn in_values(&self, above: usize, new: usize) -> Option<(SourceLine, isize)> {
        let (old, new) = (self.rendered.get(above)?, self.new.get(new)?);
        let is_item = |line: &str| line.trim_start().starts_with("- ");
        let belongs = match indentation(new).cmp(&indentation(old)) {
            Ordering::Less => false,
            Ordering::Equal => is_item(old) && is_item(new),
            Ordering::Greater => is_item(old),
        };
        self.shifts(above)
            .filter(|(line, _)| belongs && !is_template(&line.path))
    }
}

/// Lines with as many as are needed for each action that is opened in them to be closed in them.
fn balanced(lines: &[Line], range: RangeInclusive<usize>, has_tail: bool) -> Option<RangeInclusive<usize>> {
    let (start, mut end) = range.into_inner();
    if has_tail {
        while lines.get(end + 1).is_some_and(|line| line.is_call()) {
            end += 1;
        }
    }
    let open = |end: usize| {
        let own = lines.get(start..=end).unwrap_or_default();
        own.iter()
            .try_fold(0usize, |open, line| (open + line.opens).checked_sub(line.closes))
    };
    while open(end)? > 0 {
        end += 1;
        if end >= lines.len() {
            return None;
        }
    }
    Some(start..=end)
}

/// Lines with the conditions around all of them.
fn wrapped(lines: &[Line], core: &RangeInclusive<usize>) -> RangeInclusive<usize> {
    let (mut start, mut end) = (*core.start(), *core.end());
    let is_open = |line: &Line| line.is_control() && (line.opens, line.closes) == (1, 0) && !line.has_else;
    let is_end = |line: &Line| line.is_control() && (line.opens, line.closes) == (0, 1);
    while let Some(before) = start.checked_sub(1)
        && let (Some(open), Some(close)) = (lines.get(before), lines.get(end + 1))
        && is_open(open)
        && is_end(close)
        // A `define` is no condition: its lines know it, and its own beginning does not.
        && lines.get(start).is_none_or(|line| line.define != Some(before))
    {
        start = before;
        end += 1;
    }
    start..=end
}
