//! From what is wanted of a rendering to edits of the lines it came from.

use std::ops::Range;

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

pub(super) struct Back<'b> {
    pub(super) rendered: Vec<&'b str>,
    pub(super) new: Vec<&'b str>,
    /// The rendered lines that are not wanted where they are.
    removed: Vec<usize>,
    /// Those of them that are wanted elsewhere.
    taken: Vec<bool>,
    /// What actions brought to removed lines.
    known: Vec<Brought>,
    pub(super) origins: &'b Origins,
    pub(super) files: &'b Files,
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
    pub(super) fn shifts(&self, index: usize) -> Option<(SourceLine, isize)> {
        let line = self.origins.own(index)?;
        let written = self.files.text(&line.path)?.split('\n').nth(line.line)?;
        let rendered = self.rendered.get(index)?;
        Some((line.clone(), content_column(written) - content_column(rendered)))
    }

    /// New lines as they are to be written.
    pub(super) fn texts(&self, range: Range<usize>, shift: isize) -> Vec<String> {
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
pub(super) fn content_column(line: &str) -> isize {
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    (line.len() - rest.len()).cast_signed()
}

/// The line after which something stands behind all that belongs to a line: the actions that end what it is in.
pub(super) fn behind_actions(lines: &[Line], line: usize) -> usize {
    let belongs = |line: &&Line| (line.is_control() && line.opens == 0 && !line.has_else) || line.is_call();
    line + lines.iter().skip(line + 1).take_while(belongs).count()
}
