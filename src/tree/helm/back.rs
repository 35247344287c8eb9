//! From what is wanted of a rendering to edits of the lines it came from.

use std::ops::{Range, RangeInclusive};
use std::path::Path;

use crate::diff::Hunk;

use super::{
    super::{Files, Wanted},
    actions::{Brought, brought, with_actions},
    changes::changes,
    edits::{Anchor, Edits, Move},
    lines::{Line, lines_of},
    marks::{SourceLine, is_template},
    origins::Origins,
};

/// As many lines that values have brought may stand above a change.
const NEAR: usize = 60;

/// On which side of a change its place is looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Before the line that follows.
    Before,
    /// Behind the line that it follows.
    Behind,
    /// Behind the line that it follows, and be it one of values.
    Values,
}

/// Adds the edits that may make one rendering what is wanted of it.
pub(super) fn add_edits(
    wanted: &Wanted<'_>,
    origins: &Origins,
    files: &Files,
    side: Side,
    edits: &mut Edits,
) {
    let rendered: Vec<&str> = wanted.rendering.source.text.split('\n').collect();
    let new: Vec<&str> = wanted.text.split('\n').collect();
    let hunks = changes(&wanted.rendering.source.text, &wanted.text);
    let mut back = Back {
        taken: vec![false; rendered.len()],
        removed: hunks.iter().flat_map(|hunk| hunk.before.clone()).collect(),
        known: Vec::new(),
        rendered,
        new,
        origins,
        files,
        side,
    };
    back.known = back.actions();
    let placed: Vec<Vec<Option<usize>>> = hunks.iter().map(|hunk| back.matched(&hunk.after)).collect();
    for (hunk, placed) in hunks.iter().zip(&placed) {
        back.hunk(hunk, placed, edits);
    }
    for index in back.removed.clone() {
        if !back.taken.get(index).copied().unwrap_or_default()
            && let Some(line) = back.origins.own(index)
        {
            edits.deleted.insert(line.clone());
        }
    }
}

struct Back<'b> {
    rendered: Vec<&'b str>,
    new: Vec<&'b str>,
    /// The rendered lines that are not wanted where they are.
    removed: Vec<usize>,
    /// Those of them that are wanted elsewhere.
    taken: Vec<bool>,
    /// What actions brought to removed lines.
    known: Vec<Brought>,
    origins: &'b Origins,
    files: &'b Files,
    side: Side,
}

impl Back<'_> {
    /// For each new line the removed one that it is: lists' items that stand elsewhere now.
    fn matched(&mut self, after: &Range<usize>) -> Vec<Option<usize>> {
        let mut found: Vec<Option<usize>> = Vec::new();
        let mut expected: Option<usize> = None;
        for index in after.clone() {
            let text = self.new.get(index).map_or("", |line| line.trim());
            let is_same = |other: usize| self.rendered.get(other).is_some_and(|line| line.trim() == text);
            let free = |other: &usize| !self.taken.get(*other).copied().unwrap_or(true);
            let next = expected.and_then(|from| {
                // What a workaround was is left out of what moves.
                let mut near = self
                    .removed
                    .iter()
                    .copied()
                    .filter(|other| (from..from + 60).contains(other));
                near.find(|other| free(other) && is_same(*other))
            });
            let starts = text.starts_with("# ")
                || text.starts_with("- ") && (text.contains(": ") || text.ends_with(':'));
            let chosen = next.or_else(|| {
                let mut all = self
                    .removed
                    .iter()
                    .copied()
                    .filter(|other| !after.is_empty() && is_same(*other));
                all.find(free).filter(|_| starts)
            });
            if let Some(chosen) = chosen {
                expected = Some(chosen + 1);
                if let Some(taken) = self.taken.get_mut(chosen) {
                    *taken = true;
                }
            }
            found.push(chosen);
        }
        found
    }

    fn hunk(&mut self, hunk: &Hunk, placed: &[Option<usize>], edits: &mut Edits) {
        let Some((anchor, shift)) = self.anchor(hunk) else {
            return;
        };
        let blocks = self.blocks(placed);
        let mut at = 0;
        for block in blocks {
            let prefix = self.texts(hunk.after.start + at..hunk.after.start + block.start, shift);
            at = block.end;
            let Some(moved) = self.block(hunk, placed, &block, shift, edits) else {
                edits.insert(anchor.clone(), prefix);
                continue;
            };
            edits.shift(Move {
                to: anchor.clone(),
                prefix,
                ..moved
            });
        }
        let rest = self.texts(hunk.after.start + at..hunk.after.end, shift);
        edits.insert(anchor, rest);
    }

    /// The ranges of a hunk's new lines that are items from elsewhere, with what is new in them.
    fn blocks(&self, placed: &[Option<usize>]) -> Vec<Range<usize>> {
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
    fn block(
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
        self.insert_new(hunk, placed, block, (&start.path, *core.end(), shift), edits);
        let moved_by = self
            .new
            .get(hunk.after.start + block.start)
            .map_or(0, |line| content_column(line))
            - self.rendered.get(first).map_or(0, |line| content_column(line));
        let (path, core, indent) = match self.call(first, last, &lines) {
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
        if is_own(first.checked_sub(1)) {
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
        let mut index = block.start;
        while index < block.end {
            if let Some(rendered) = placed.get(index).copied().flatten() {
                let own = self.origins.own(rendered).filter(|line| line.path == *path);
                at = own.map(|line| line.line).or(at);
                index += 1;
                continue;
            }
            let from = index;
            while index < block.end && placed.get(index).copied().flatten().is_none() {
                index += 1;
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
            let texts = self.texts(hunk.after.start + from..hunk.after.start + index, shift);
            edits.insert(Anchor { line, after: true }, texts);
        }
    }

    /// Where what is new in a hunk goes, and how much further in its lines stand there than in the rendering.
    fn anchor(&self, hunk: &Hunk) -> Option<(Anchor, isize)> {
        let at = |index: usize, after: bool| {
            let (line, shift) = self.shifts(index)?;
            let text = self.files.text(&line.path)?;
            let line = match after {
                true => SourceLine {
                    line: behind_actions(&lines_of(text), line.line),
                    ..line
                },
                false => line,
            };
            Some((Anchor { line, after }, shift))
        };
        let path = |index: usize| self.origins.own(index).map(|line| line.path.as_path());
        let before = hunk.before.start.checked_sub(1);
        let in_values = before
            .and_then(path)
            .is_some_and(|own| !is_template(own) && path(hunk.before.end) == Some(own));
        // Beside what values bring, a template is edited, unless both neighbours are the values'.
        let fits = |index: usize| path(index).is_some_and(|path| in_values || is_template(path));
        let own = hunk.before.clone().find_map(|index| at(index, false));
        let next = || at(hunk.before.end, false).filter(|_| fits(hunk.before.end));
        let previous = || {
            let mut above = (0..hunk.before.start).rev().take(NEAR);
            at(above.find(|index| fits(*index))?, true)
        };
        own.or_else(|| match self.side {
            Side::Before => next().or_else(previous),
            Side::Behind => previous().or_else(next),
            Side::Values => before.and_then(|index| at(index, true)).or_else(next),
        })
    }

    /// The source of a rendered line, and how much further in it stands there.
    fn shifts(&self, index: usize) -> Option<(SourceLine, isize)> {
        let line = self.origins.own(index)?;
        let written = self.files.text(&line.path)?.split('\n').nth(line.line)?;
        let rendered = self.rendered.get(index)?;
        Some((line.clone(), content_column(written) - content_column(rendered)))
    }

    /// New lines as they are to be written.
    fn texts(&self, range: Range<usize>, shift: isize) -> Vec<String> {
        let lines = self.new.get(range).unwrap_or_default();
        let shifted = |line: &&str| {
            let indent = (line.len() - line.trim_start().len()).saturating_add_signed(shift);
            let text = with_actions(line.trim_start(), &self.known);
            if text.is_empty() {
                text
            } else {
                format!("{}{text}", " ".repeat(indent))
            }
        };
        lines.iter().map(shifted).collect()
    }

    /// What actions brought to lines that go.
    fn actions(&self) -> Vec<Brought> {
        let of_line = |index: &usize| {
            let line = self.origins.own(*index)?;
            let written = self.files.text(&line.path)?.split('\n').nth(line.line)?;
            Some(brought(written, self.rendered.get(*index)?))
        };
        self.removed.iter().filter_map(of_line).flatten().collect()
    }
}

/// Where the content of a line begins, behind the dashes of lists.
fn content_column(line: &str) -> isize {
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    (line.len() - rest.len()).cast_signed()
}

/// The line after which something stands behind all that belongs to a line: the actions that end what it is in.
fn behind_actions(lines: &[Line], line: usize) -> usize {
    let belongs = |line: &&Line| (line.is_control() && line.opens == 0 && !line.has_else) || line.is_call();
    line + lines.iter().skip(line + 1).take_while(belongs).count()
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
