//! Where the lines of a rendering come from.

use std::path::{Path, PathBuf};

use crate::diff::hunks;

use super::{
    super::Files,
    marks::{Mark, SourceLine, unmarked},
    values,
};

/// Where a line of a rendering comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// The line it was written in, and before it those whose text was put into this one.
    pub(super) own: Option<SourceLine>,
    /// Lines of templates whose text was put into this one.
    pub(super) inner: Vec<SourceLine>,
    /// Actions whose last line it is.
    pub(super) calls: Vec<SourceLine>,
}

/// Where all lines of a rendering come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origins {
    pub(super) lines: Vec<Origin>,
    /// The lines of templates that are found wherever they are rendered.
    pub(super) marked: Vec<SourceLine>,
}

impl Origins {
    /// Reads the marks of `marked`, the same as `plain` but for them, and looks for the rest in the files of values.
    pub(super) fn of(plain: &str, marked: &str, marks: &[Mark], files: &Files, values: &[PathBuf]) -> Self {
        let (texts, found): (Vec<String>, Vec<Vec<usize>>) = marked.split('\n').map(unmarked).unzip();
        let mut lines = vec![Origin::default(); plain.split('\n').count()];
        for (to, from) in same_lines(plain, &texts.join("\n")) {
            if let (Some(line), Some(found)) = (lines.get_mut(to), found.get(from)) {
                *line = Origin::from_marks(found, marks);
            }
        }
        let mut origins = Self {
            lines,
            marked: marks.iter().map(|mark| mark.at.clone()).collect(),
        };
        values::find(plain, files, values, &mut origins);
        values::find_lines(plain, files, values, &mut origins);
        origins
    }

    /// Where a line comes from.
    pub(super) fn own(&self, line: usize) -> Option<&SourceLine> {
        self.lines.get(line)?.own.as_ref()
    }
}

impl Origin {
    /// All lines that something in it comes from.
    pub(super) fn sources(&self) -> impl Iterator<Item = &SourceLine> {
        self.own.iter().chain(&self.inner).chain(&self.calls)
    }

    fn from_marks(found: &[usize], marks: &[Mark]) -> Self {
        let mut origin = Self::default();
        for mark in found.iter().filter_map(|index| marks.get(*index)) {
            if mark.is_call {
                origin.calls.push(mark.at.clone());
            } else if let Some(inner) = origin.own.replace(mark.at.clone()) {
                origin.inner.push(inner);
            }
        }
        origin
    }
}

/// The lines that two texts have in common, by their numbers from 0.
fn same_lines(one: &str, other: &str) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut from, mut to) = (0, 0);
    let last = one.split('\n').count();
    for hunk in hunks(one, other) {
        pairs.extend((from..hunk.before.start).zip(to..hunk.after.start));
        (from, to) = (hunk.before.end, hunk.after.end);
    }
    let rest = last.saturating_sub(from);
    pairs.extend((from..last).zip(to..to + rest));
    pairs
}

/// The file that a line of a rendering was made of, as helm says before each document.
pub(super) fn template_of(plain: &str, offset: usize) -> Option<PathBuf> {
    let before = plain.get(..offset)?;
    let line = before
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("# Source: "))?;
    let mut parts = Path::new(line).components();
    parts.next();
    Some(parts.as_path().to_owned())
}
