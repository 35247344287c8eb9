//! From what is wanted of a rendering to edits of the lines it came from.

mod anchor;
mod print;

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use crate::diff::Hunk;

use super::{
    super::{Files, Wanted},
    actions::{Brought, brought, with_actions},
    changed::Changed,
    changes::changes,
    edits::{Edits, Move},
    items::{Item, without},
    lines::{Line, lines_of},
    marks::{SourceLine, is_template, may_bring},
    origins::Origins,
    scope::Scope,
    values::values_of,
    within::{Swap, shortest, swapped, swaps, whole_lines},
};

/// As many lines that values have brought may stand above a change.
const NEAR: usize = 60;

/// Words that are shorter stand anywhere.
const SHORTEST: usize = 12;

/// On which side of a change its place is looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Before the line that follows.
    Before,
    /// Behind the line that it follows.
    Behind,
    /// The same, in the condition that the line is in.
    Inside,
    /// Behind the line that it follows, and be it one of values.
    Values,
    /// Before the line that follows, and what is new in an included item behind the action that includes it.
    Call,
    /// Before the condition that what goes stands in.
    Outside,
}

/// Adds the edits that may make one rendering what is wanted of it.
pub(super) fn add_edits(
    (wanted, changed): (&Wanted<'_>, &Changed),
    origins: &Origins,
    files: &Files,
    (side, items): (Side, &[Item]),
    edits: &mut Edits,
) {
    let rendered: Vec<&str> = wanted.rendering.source.text.split('\n').collect();
    let new: Vec<&str> = wanted.text.split('\n').collect();
    let all = &changed.hunks;
    let hunks = without(all.clone(), items);
    let mut back = Back {
        taken: vec![false; rendered.len()],
        removed: hunks.iter().flat_map(|hunk| hunk.before.clone()).collect(),
        known: Vec::new(),
        rendered,
        new,
        origins,
        files,
        side,
        values: values_of(&wanted.rendering.way),
    };
    back.known = back.actions();
    let placed: Vec<Vec<Option<usize>>> = hunks.iter().map(|hunk| back.matched(&hunk.after)).collect();
    for (hunk, placed) in hunks.iter().zip(&placed) {
        back.hunk(hunk, placed, edits);
    }
    for item in items.iter().filter(|item| item.needs_printing()) {
        let hunk = all.iter().find(|hunk| item.is_new(hunk.after.start));
        if let Some(hunk) = hunk {
            back.print(item, hunk, edits);
        }
    }
    let by_value = items.iter().filter(|item| item.asks_for_values());
    // What a variable stands for is not tried with other values.
    let mut asked = by_value.flat_map(|item| &item.printings);
    let asked = asked.find(|printing| printing.words.contains(".Values."));
    edits.asked = asked.cloned().or(edits.asked.take());
    let named = changed.named.iter();
    edits
        .sidecars
        .extend(named.filter_map(|index| origins.own(*index).cloned()));
    for item in items {
        back.print_annotations(item, all, edits);
    }
    for index in back.removed.clone() {
        if !back.taken.get(index).copied().unwrap_or_default()
            && let Some(line) = back.origins.own(index)
        {
            let call = (side == Side::Call).then(|| back.emptied_call(index, |own| back.is_gone(own)));
            edits
                .deleted
                .insert(call.flatten().unwrap_or_else(|| line.clone()));
        }
    }
}

/// The line of a template that writes a container which moves and another one of the same object that stays.
pub(super) fn shared_line(wanted: &Wanted<'_>, origins: &Origins) -> Option<SourceLine> {
    let text = &wanted.rendering.source.text;
    let rendered: Vec<&str> = text.split('\n').collect();
    let removed: Vec<usize> = changes(text, &wanted.text)
        .into_iter()
        .flat_map(|hunk| hunk.before)
        .collect();
    let is_item = |index: &usize| {
        rendered
            .get(*index)
            .is_some_and(|line| line.trim_start().starts_with("- name:"))
    };
    let document = |index: usize| {
        let before = rendered.get(..index).unwrap_or_default();
        before.iter().filter(|line| **line == "---").count()
    };
    removed.iter().copied().filter(is_item).find_map(|index| {
        let line = origins.own(index).filter(|line| is_template(&line.path))?;
        let mut others = (0..rendered.len())
            .filter(|other| !removed.contains(other))
            .filter(is_item);
        let is_shared =
            others.any(|other| origins.own(other) == Some(line) && document(other) == document(index));
        is_shared.then(|| line.clone())
    })
}

pub(super) struct Back<'b> {
    pub(super) rendered: Vec<&'b str>,
    pub(super) new: Vec<&'b str>,
    /// The rendered lines that are not wanted where they are.
    removed: Vec<usize>,
    /// Those of them that are wanted elsewhere.
    taken: Vec<bool>,
    /// What actions brought to removed lines.
    known: Vec<(SourceLine, Vec<Brought>)>,
    pub(super) origins: &'b Origins,
    pub(super) files: &'b Files,
    pub(super) side: Side,
    /// The files of values that are merged, the one that counts most last.
    values: Vec<PathBuf>,
}

impl Back<'_> {
    /// Whether a rendered line is wanted nowhere.
    fn is_gone(&self, index: usize) -> bool {
        self.removed.contains(&index) && !self.taken.get(index).copied().unwrap_or_default()
    }

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
            let starts = text == "-"
                || text.starts_with("# ")
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
        if placed.iter().all(Option::is_none) && self.within(hunk, edits) {
            return;
        }
        let Some((anchor, shift)) = self.anchor(hunk) else {
            return;
        };
        let blocks = self.blocks(placed);
        let mut at = 0;
        for block in blocks {
            let prefix = self.texts(
                hunk.after.start + at..hunk.after.start + block.start,
                shift,
                &anchor.line,
            );
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
        let rest = self.texts(hunk.after.start + at..hunk.after.end, shift, &anchor.line);
        edits.insert(anchor, rest);
    }

    /// Makes changes of lines that stay word by word, where what goes is written with actions: these stay, too. Whether
    /// that is all of the hunk.
    fn within(&mut self, hunk: &Hunk, edits: &mut Edits) -> bool {
        let mut from = hunk.before.start;
        let mut found: Vec<(usize, Within)> = Vec::new();
        for after in hunk.after.clone() {
            let next = (from..hunk.before.end).find_map(|before| Some((before, self.stays(before, after)?)));
            let Some(next) = next else { return false };
            from = next.0 + 1;
            found.push(next);
        }
        for (index, change) in &found {
            match change {
                Within::Words(line, swaps) => edits.swap(line.clone(), swaps.clone()),
                Within::Lines(lines) => edits.deleted.extend(lines.iter().cloned()),
            }
            if let Some(taken) = self.taken.get_mut(*index) {
                *taken = true;
            }
        }
        !found.is_empty()
    }

    /// What changes within a rendered line so that it is a new one, and where it is written.
    fn stays(&self, before: usize, after: usize) -> Option<Within> {
        let (old, new) = (self.rendered.get(before)?, self.new.get(after)?);
        let is_taken = self.taken.get(before).copied().unwrap_or_default();
        if is_taken || content_column(old) != content_column(new) || key_of(old) != key_of(new) {
            return None;
        }
        let ways = swaps(old, new);
        let words = ways.iter().find_map(|swaps| {
            let line = self.holder(before, swaps)?;
            Some(Within::Words(line, swaps.clone()))
        });
        words.or_else(|| ways.iter().find_map(|swaps| self.written_lines(swaps)))
    }

    /// The lines of a script of values, or of a file, that a quoted rendering of it loses.
    fn written_lines(&self, swaps: &[Swap]) -> Option<Within> {
        let gone = whole_lines(swaps)?;
        let in_file = |path: &Path| {
            let texts: Vec<&str> = self.files.text(path)?.split('\n').map(str::trim).collect();
            let mut lines = Vec::new();
            for gone in &gone {
                let is_it = |start: &usize| {
                    let own = texts.get(*start..start + gone.len());
                    own.is_some_and(|own| own.iter().zip(gone).all(|(own, gone)| own == gone))
                };
                let mut all = (0..texts.len()).filter(is_it);
                let start = all.next().filter(|_| all.next().is_none())?;
                lines.extend((start..start + gone.len()).map(|line| SourceLine {
                    path: path.to_owned(),
                    line,
                }));
            }
            Some(Within::Lines(lines))
        };
        self.values.iter().rev().find_map(|path| in_file(path))
    }

    /// The line that holds the words which go from a rendered one: the one that it was written in, or the only one of
    /// a file that is no template.
    fn holder(&self, index: usize, swaps: &[Swap]) -> Option<SourceLine> {
        let origin = self.origins.lines.get(index)?;
        let holds = |line: &&SourceLine| {
            let written = self.files.text(&line.path);
            let written = written.and_then(|text| text.split('\n').nth(line.line));
            written.is_some_and(|written| swapped(written, swaps).is_some())
        };
        let own = origin.own.iter().chain(&origin.inner).find(holds);
        if own.is_some() || shortest(swaps) < SHORTEST {
            return own.cloned();
        }
        let in_file = |path: &Path| {
            let text = self.files.text(path)?;
            let mut lines = text.split('\n').enumerate();
            let mut holds = || {
                let found = lines.find(|(_, line)| swapped(line, swaps).is_some());
                found.map(|(line, _)| line)
            };
            let line = holds()?;
            holds().is_none().then(|| SourceLine {
                path: path.to_owned(),
                line,
            })
        };
        // What stands in a later file of values counts.
        let mut own = self.values.iter().rev();
        own.find_map(|path| in_file(path)).or_else(|| {
            let is_other = |path: &&Path| may_bring(path) && !self.values.iter().any(|own| own == path);
            let mut others = self.files.texts().map(|(path, _)| path).filter(is_other);
            let mut found = others.by_ref().filter_map(in_file);
            let only = found.next()?;
            found.next().is_none().then_some(only)
        })
    }

    /// The source of a rendered line, and how much further in it stands there.
    pub(super) fn shifts(&self, index: usize) -> Option<(SourceLine, isize)> {
        let line = self.origins.own(index)?;
        let written = self.files.text(&line.path)?.split('\n').nth(line.line)?;
        let rendered = self.rendered.get(index)?;
        Some((line.clone(), content_column(written) - content_column(rendered)))
    }

    /// New lines as they are to be written beside a line.
    pub(super) fn texts(&self, range: Range<usize>, shift: isize, beside: &SourceLine) -> Vec<String> {
        let lines = self.new.get(range).unwrap_or_default();
        let known = self.known_at(beside);
        let shifted = |line: &&str| {
            let indent = (line.len() - line.trim_start().len()).saturating_add_signed(shift);
            let text = with_actions(line.trim_start(), &known);
            if text.is_empty() {
                text
            } else {
                format!("{}{text}", " ".repeat(indent))
            }
        };
        lines.iter().map(shifted).collect()
    }

    /// What actions brought to lines that go.
    fn actions(&self) -> Vec<(SourceLine, Vec<Brought>)> {
        let removed = self.removed.iter();
        removed.filter_map(|index| self.brought_to(*index)).collect()
    }

    fn brought_to(&self, index: usize) -> Option<(SourceLine, Vec<Brought>)> {
        let line = self.origins.own(index)?;
        let written = self.files.text(&line.path)?.split('\n').nth(line.line)?;
        Some((line.clone(), brought(written, self.rendered.get(index)?)))
    }

    /// The same as they can be written beside a line: each part of a template has names of its own. Of the part that the
    /// line is in, the ports count too that stay.
    fn known_at(&self, beside: &SourceLine) -> Vec<Brought> {
        if !is_template(&beside.path) {
            return self.known.iter().flat_map(|(_, all)| all.clone()).collect();
        }
        let Some(here) = Scope::of(beside, self.files) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for (line, brought) in &self.known {
            let there = Scope::of(line, self.files);
            all.extend(brought.iter().filter_map(|own| {
                let action = there.as_ref()?.action_in(&own.action, &here)?;
                Some(Brought {
                    action,
                    text: own.text.clone(),
                })
            }));
        }
        let is_port = |own: &Brought| {
            let is_number = own.text.bytes().all(|sign| sign.is_ascii_digit());
            own.text.len() >= 4 && is_number && own.action.contains(".Values.")
        };
        let lines = self
            .files
            .text(&beside.path)
            .map(|text| lines_of(text))
            .unwrap_or_default();
        let in_scope = |index: &usize| {
            let own = self.origins.own(*index).filter(|own| own.path == beside.path);
            let line = own.and_then(|own| lines.get(own.line));
            line.is_some_and(|line| line.define == here.define)
        };
        let beside = (0..self.rendered.len()).filter(in_scope);
        let ports = beside.filter_map(|index| self.brought_to(index));
        all.extend(ports.flat_map(|(_, brought)| brought).filter(is_port));
        all
    }
}

/// What changes of a line that stays.
enum Within {
    /// Words of the line that it is written in.
    Words(SourceLine, Vec<Swap>),
    /// Lines of the script that it is made of.
    Lines(Vec<SourceLine>),
}

/// The key of an entry; nothing for an item and a line of a script.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start().split_once(':')?;
    (!key.contains([' ', '"'])).then_some(key)
}

/// Where the content of a line begins, behind the dashes of lists.
pub(super) fn content_column(line: &str) -> isize {
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    // A dash alone has its content in the next line.
    let dash = if rest == "-" { 2 } else { 0 };
    (line.len() - rest.len()).cast_signed() + dash
}

/// The line after which something stands behind all that belongs to a line: the actions that end what it is in, but for
/// a `define`, whose text ends there.
pub(super) fn behind_actions(lines: &[Line], line: usize) -> usize {
    let define = lines.get(line).and_then(|line| line.define);
    let stays = |number: usize| {
        let next = lines.get(number + 1).map(|line| line.define);
        next.unwrap_or_default() == define
    };
    let belongs = |line: &Line| (line.is_control() && line.opens == 0 && !line.has_else) || line.is_call();
    let behind = lines.iter().enumerate().skip(line + 1);
    line + behind
        .take_while(|(number, line)| belongs(line) && stays(*number))
        .count()
}
