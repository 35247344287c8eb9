//! Beside which line of the sources something new goes.

use crate::diff::Hunk;

use super::{Back, NEAR, Side, behind_actions, content_column};
use crate::tree::helm::{
    conditions::around,
    edits::Anchor,
    held::indentation,
    lines::lines_of,
    marks::{SourceLine, is_template},
};

impl Back<'_> {
    /// Where what is new in a hunk goes, and how much further in its lines stand there than in the rendering.
    pub(super) fn anchor(&self, hunk: &Hunk) -> Option<(Anchor, isize)> {
        let at = |index: usize, after: bool| {
            let (line, shift) = self.shifts(index)?;
            let text = self.files.text(&line.path)?;
            let line = match after {
                true if !is_template(&line.path) => SourceLine {
                    line: self.behind_item(text, line.line, hunk, shift),
                    ..line
                },
                true if self.side != Side::Inside => SourceLine {
                    line: behind_actions(&lines_of(text), line.line),
                    ..line
                },
                _ => line,
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
        let own = own.map(|(anchor, shift)| match self.side {
            Side::Outside => (self.before_condition(anchor), shift),
            _ => (anchor, shift),
        });
        let next = || at(hunk.before.end, false).filter(|_| fits(hunk.before.end));
        let previous = || {
            let mut above = (0..hunk.before.start).rev().take(NEAR);
            at(above.find(|index| fits(*index))?, true)
        };
        let new = self.new.get(hunk.after.start);
        let is_item = new.is_some_and(|line| line.trim_start().starts_with("- "));
        own.or_else(|| match self.side {
            // An item stands beside the action that brings the others: these may be others' too.
            Side::Before | Side::Call if self.ends_part(hunk) && !is_item => previous().or_else(next),
            Side::Before | Side::Call => next().or_else(previous),
            Side::Behind | Side::Inside | Side::Outside => previous().or_else(next),
            Side::Values => before.and_then(|index| at(index, true)).or_else(next),
        })
    }

    /// The place before the condition around it, where there is one.
    fn before_condition(&self, anchor: Anchor) -> Anchor {
        let text = self.files.text(&anchor.line.path);
        let own = text.and_then(|text| around(&lines_of(text), anchor.line.line).pop());
        let line = own.map_or(anchor.line.line, |condition| condition.line);
        Anchor {
            line: SourceLine { line, ..anchor.line },
            ..anchor
        }
    }

    /// Whether what is new in a hunk stands beside lines of the part of a template that ends before it.
    fn ends_part(&self, hunk: &Hunk) -> bool {
        let part = |index: usize| {
            let line = self.origins.own(index)?;
            let lines = lines_of(self.files.text(&line.path)?);
            Some((&line.path, lines.get(line.line)?.define))
        };
        let column = |index: usize| self.rendered.get(index).map_or(0, |line| content_column(line));
        let Some(new) = self.new.get(hunk.after.start).map(|line| content_column(line)) else {
            return false;
        };
        let Some(last) = hunk.before.start.checked_sub(1) else {
            return false;
        };
        let mut above = (0..=last).rev();
        let beside = above
            .find(|index| column(*index) <= new)
            .filter(|index| column(*index) == new);
        let own = part(last);
        own.is_some() && beside.is_some_and(|beside| part(beside) == own) && part(hunk.before.end) != own
    }

    /// The last line of the item of values that a line is part of, where another item follows: values may say in another
    /// order what a rendering says.
    fn behind_item(&self, text: &str, line: usize, hunk: &Hunk, shift: isize) -> usize {
        let Some(new) = self
            .new
            .get(hunk.after.start)
            .filter(|new| new.trim_start().starts_with("- "))
        else {
            return line;
        };
        let column = indentation(new).saturating_add_signed(shift);
        let texts = text.split('\n').enumerate().skip(line + 1);
        let own = texts.take_while(|(_, text)| text.trim().is_empty() || indentation(text) > column);
        let last = own.filter(|(_, text)| !text.trim().is_empty()).last();
        last.map_or(line, |(number, _)| number)
    }
}
