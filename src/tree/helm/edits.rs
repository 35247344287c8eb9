//! Edits of lines, gathered over several renderings and made at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use super::{
    super::Files,
    held::{Held, indentation},
    lines::{Line, lines_of},
    marks::{SourceLine, is_template},
    placing::{Arrangement, ending},
    printings::Printing,
    within::{Swap, swapped},
};

/// Beside which line something goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Anchor {
    pub(super) line: SourceLine,
    pub(super) after: bool,
}

/// Lines that go elsewhere, together with the actions among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) path: PathBuf,
    pub(super) lines: RangeInclusive<usize>,
    /// The lines without the condition around them.
    pub(super) core: RangeInclusive<usize>,
    pub(super) to: Anchor,
    /// What goes before them: the key of a new list.
    pub(super) prefix: Vec<String>,
    /// How much further in they stand there.
    pub(super) indent: isize,
    /// The lines that open the conditions which they stand in again there, the outermost first.
    pub(super) conditions: Vec<String>,
}

/// Edits of lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Edits {
    pub(super) deleted: BTreeSet<SourceLine>,
    pub(super) inserted: BTreeMap<Anchor, Vec<Vec<String>>>,
    pub(super) moves: Vec<Move>,
    /// What changes within lines that stay.
    pub(super) swaps: BTreeMap<SourceLine, Vec<Vec<Swap>>>,
    /// Lines, with a condition around them, that join a key which another condition holds.
    pub(super) joins: Vec<Join>,
    /// The values that the sidecar is one of, where it stays there: without them there is none.
    pub(super) asked: Option<Printing>,
    /// Lines in which sidecars begin that stay where they are.
    pub(super) sidecars: BTreeSet<SourceLine>,
}

/// Lines that join a key which a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Join {
    pub(super) path: PathBuf,
    pub(super) held: Held,
    pub(super) lines: Vec<String>,
}

impl Edits {
    pub(super) fn insert(&mut self, at: Anchor, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let groups = self.inserted.entry(at).or_default();
        if !groups.contains(&lines) {
            groups.push(lines);
        }
    }

    /// Lets lines that begin with a condition of their own join a key that another one holds.
    pub(super) fn join_held(&mut self, path: &Path, held: Held, lines: Vec<String>) {
        let join = Join {
            path: path.to_owned(),
            held,
            lines,
        };
        if !self.joins.contains(&join) {
            self.joins.push(join);
        }
    }

    pub(super) fn swap(&mut self, line: SourceLine, swaps: Vec<Swap>) {
        let known = self.swaps.entry(line).or_default();
        if !known.contains(&swaps) {
            known.push(swaps);
        }
    }

    pub(super) fn shift(&mut self, block: Move) {
        if !self.moves.contains(&block) {
            self.moves.push(block);
        }
    }

    /// Makes the edits. Nothing where two of them are about the same lines.
    pub(super) fn apply(mut self, files: &Files, arrangement: Arrangement) -> Option<Files> {
        let kept = match arrangement.kept {
            true => self.take_kept(files)?,
            false => Vec::new(),
        };
        self.drop_emptied_parts(files);
        self.arrange(files, arrangement)?;
        self.keep(kept);
        let overlap = |one: &Move, other: &Move| {
            one.path == other.path
                && one.lines.start() <= other.lines.end()
                && other.lines.start() <= one.lines.end()
        };
        for (index, one) in self.moves.iter().enumerate() {
            let mut others = self.moves.iter().skip(index + 1);
            if others.any(|other| overlap(one, other)) {
                return None;
            }
        }
        let blocks: Vec<Vec<String>> = self
            .moves
            .iter()
            .map(|block| self.block(block, files))
            .collect::<Option<_>>()?;
        for (block, lines) in self.moves.clone().iter().zip(blocks) {
            self.insert(block.to.clone(), lines);
        }
        let paths: BTreeSet<PathBuf> = self
            .deleted
            .iter()
            .map(|line| line.path.clone())
            .chain(self.inserted.keys().map(|anchor| anchor.line.path.clone()))
            .chain(self.moves.iter().map(|block| block.path.clone()))
            .chain(self.swaps.keys().map(|line| line.path.clone()))
            .collect();
        let mut edited = files.clone();
        for path in paths {
            edited.put(path.clone(), self.file(&path, files)?);
        }
        Some(edited)
    }

    /// The new text of a moved block.
    fn block(&self, block: &Move, files: &Files) -> Option<Vec<String>> {
        let text = files.text(&block.path)?;
        let kept = self.kept(&block.path, text, |line| block.lines.contains(&line));
        // A condition around a new key stands as far in as that key.
        let key = block.prefix.iter().find(|line| line.trim_end().ends_with(':'));
        let around = |line: &str| match key {
            Some(key) => format!("{}{}", " ".repeat(indentation(key)), line.trim_start()),
            None => indented(line, block.indent),
        };
        let mut lines: Vec<String> = block.conditions.iter().map(|line| around(line)).collect();
        for (number, own) in kept {
            if number == *block.core.start() {
                lines.extend(block.prefix.iter().cloned());
            }
            let is_inside = block.core.contains(&number);
            lines.extend(own.into_iter().map(|line| match is_inside {
                true => indented(&line, block.indent),
                false => around(&line),
            }));
        }
        let ends = block.conditions.iter().rev();
        lines.extend(ends.map(|line| ending(indentation(&around(line)))));
        Some(lines)
    }

    fn file(&self, path: &Path, files: &Files) -> Option<String> {
        let text = files.text(path)?;
        let is_moved = |line| {
            let mut own = self.moves.iter().filter(|block| block.path == path);
            own.any(|block| block.lines.contains(&line))
        };
        let kept = self.kept(path, text, |line| !is_moved(line));
        let mut lines: Vec<String> = kept.into_iter().flat_map(|(_, own)| own).collect();
        if !is_template(path) {
            close_empty_lists(text, &mut lines);
        }
        Some(lines.join("\n"))
    }

    /// Lines of a file with what is inserted beside them, without those that go and conditions that are empty then.
    fn kept(&self, path: &Path, text: &str, holds: impl Fn(usize) -> bool) -> Vec<(usize, Vec<String>)> {
        let at = |line| SourceLine {
            path: path.to_owned(),
            line,
        };
        let beside = |line: usize, after: bool| {
            let groups = self.inserted.get(&Anchor {
                line: at(line),
                after,
            });
            let all = groups.into_iter().flatten().flatten();
            all.cloned().collect::<Vec<_>>()
        };
        let known = lines_of(text);
        let mut kept: Vec<(usize, Vec<String>)> = Vec::new();
        let mut is_cut = Vec::new();
        for (number, line) in text.split('\n').enumerate() {
            let mut own = beside(number, false);
            let stays = holds(number) && !self.deleted.contains(&at(number));
            if stays {
                own.push(self.swapped(&at(number), line));
            } else if !holds(number) {
                // What stands beside a line that moves goes with it.
                own = Vec::new();
            }
            if holds(number) {
                own.extend(beside(number, true));
            }
            is_cut.push(!stays);
            kept.push((number, own));
        }
        drop_empty_conditions(&mut kept, &known, &is_cut);
        kept.retain(|(_, own)| !own.is_empty());
        kept
    }

    /// A line with what changes within it. What one rendering has changed, another one need not find any more.
    fn swapped(&self, at: &SourceLine, line: &str) -> String {
        let all = self.swaps.get(at).into_iter().flatten();
        all.fold(line.to_owned(), |line, swaps| {
            swapped(&line, swaps).unwrap_or(line)
        })
    }

    /// A part of a template that brings nothing any more goes with the actions that include it.
    fn drop_emptied_parts(&mut self, files: &Files) {
        let mut names = Vec::new();
        for (path, text) in files.texts().filter(|(path, _)| is_template(path)) {
            let lines = lines_of(text);
            let texts: Vec<&str> = text.split('\n').collect();
            let at = |line| SourceLine {
                path: path.to_owned(),
                line,
            };
            for (start, line) in lines.iter().enumerate().filter(|(_, line)| line.opens == 1) {
                let Some(name) = texts.get(start).and_then(|text| name_of_define(text)) else {
                    continue;
                };
                let own = |(_, line): &(usize, &Line)| {
                    line.define == Some(start) && (line.is_literal || line.has_output)
                };
                let mut contents = lines.iter().enumerate().filter(own).map(|(number, _)| number);
                let is_emptied = !line.is_literal
                    && contents.clone().next().is_some()
                    && contents.all(|number| self.deleted.contains(&at(number)))
                    && !self.inserted.keys().any(|anchor| {
                        anchor.line.path == path
                            && lines
                                .get(anchor.line.line)
                                .is_some_and(|line| line.define == Some(start))
                    });
                if is_emptied && is_only_included(&name, files) {
                    names.push(name);
                    let whole = lines
                        .iter()
                        .enumerate()
                        .filter(|(_, line)| line.define == Some(start));
                    self.deleted
                        .extend(whole.map(|(number, _)| at(number)).chain([at(start)]));
                }
            }
        }
        for (path, text) in files.texts().filter(|(path, _)| is_template(path)) {
            let lines = lines_of(text);
            for (number, (text, line)) in text.split('\n').zip(&lines).enumerate() {
                let includes = |name: &String| {
                    text.contains(&format!("include \"{name}\""))
                        || text.contains(&format!("template \"{name}\""))
                };
                if line.is_call() && names.iter().any(includes) {
                    self.deleted.insert(SourceLine {
                        path: path.to_owned(),
                        line: number,
                    });
                }
            }
        }
    }
}

/// Whether nothing names a part of a template but lines that include it and say nothing else: it may be named where no
/// rendering comes, or by a name that is worked out.
fn is_only_included(name: &str, files: &Files) -> bool {
    let quoted = format!("\"{name}\"");
    files.texts().all(|(path, text)| {
        let known = lines_of(text);
        let mut lines = text.split('\n').zip(known);
        lines.all(|(text, line)| {
            let is_its_own = name_of_define(text).is_some_and(|own| own == name);
            let is_worked_out = ["include (", "include $", "include ."]
                .iter()
                .any(|words| text.contains(words));
            let names_it = text.contains(&quoted);
            let is_call = is_template(path) && line.is_call();
            !(is_template(path) && is_worked_out) && (!names_it || is_its_own || is_call)
        })
    })
}

pub(super) fn name_of_define(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("define \"")?;
    Some(rest.split('"').next()?.to_owned())
}

/// Takes out conditions around nothing, where something stood.
fn drop_empty_conditions(kept: &mut [(usize, Vec<String>)], known: &[Line], is_cut: &[bool]) {
    // An empty part of a template may be included all the same.
    let is_control = |number: usize| {
        known
            .get(number)
            .is_some_and(|line| line.is_control() && !line.is_define)
    };
    let counts = |number: usize| known.get(number).map_or((0, 0), |line| (line.opens, line.closes));
    loop {
        let left: Vec<usize> = (0..kept.len())
            .filter(|index| kept.get(*index).is_some_and(|(_, own)| !own.is_empty()))
            .collect();
        let empty = left.windows(2).find_map(|pair| {
            let &[start, end] = pair else { return None };
            let (from, to) = (kept.get(start)?.0, kept.get(end)?.0);
            let is_pair =
                is_control(from) && is_control(to) && counts(from) == (1, 0) && counts(to) == (0, 1);
            let something_went = is_cut
                .get(from + 1..to)
                .is_some_and(|cut| cut.iter().any(|cut| *cut));
            let is_alone = kept.get(start)?.1.len() == 1 && kept.get(end)?.1.len() == 1;
            (is_pair && something_went && is_alone).then_some((start, end))
        });
        let Some((start, end)) = empty else { return };
        for index in [start, end] {
            if let Some((_, own)) = kept.get_mut(index) {
                own.clear();
            }
        }
    }
}

/// A key whose list has lost all its items has an empty one.
fn close_empty_lists(before: &str, lines: &mut [String]) {
    let had = |key: &str| before.split('\n').filter(|line| *line == key).count();
    let indent = |line: &str| line.len() - line.trim_start().len();
    for index in 0..lines.len() {
        let rest = lines.get(index + 1..).unwrap_or_default();
        let Some(key) = lines
            .get(index)
            .filter(|line| line.trim_end().ends_with(':') && had(line) > 0)
        else {
            continue;
        };
        let next = rest
            .iter()
            .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
        let is_empty = next.is_none_or(|next| {
            indent(next) < indent(key) || (indent(next) == indent(key) && !next.trim_start().starts_with('-'))
        });
        let was_empty = {
            let mut old = before.split('\n').skip_while(|line| line != key).skip(1);
            let next = old.find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
            next.is_none_or(|next| indent(next) <= indent(key) && !next.trim_start().starts_with('-'))
        };
        if is_empty
            && !was_empty
            && let Some(line) = lines.get_mut(index)
        {
            line.insert_str(line.trim_end().len(), " []");
        }
    }
}

/// Edited files whose new lines end as the others of their file do, where these all end in one way.
pub(super) fn with_line_ends(before: &Files, mut edited: Files) -> Files {
    let paths: Vec<PathBuf> = edited.changed(before).map(Path::to_owned).collect();
    for path in paths {
        let (Some(old), Some(new)) = (before.text(&path), edited.text(&path)) else {
            continue;
        };
        let (ends, returns) = (old.matches('\n').count(), old.matches("\r\n").count());
        let plain = || new.replace("\r\n", "\n");
        let text = match returns {
            0 => plain(),
            all if all == ends => plain().replace('\n', "\r\n"),
            _ => continue,
        };
        edited.put(path, text);
    }
    edited
}

/// A line that stands further in or out; an action that indents what it brings does the same.
pub(super) fn indented(line: &str, by: isize) -> String {
    if by == 0 || line.trim().is_empty() {
        return line.to_owned();
    }
    let shifted = if by > 0 {
        format!("{}{line}", " ".repeat(by.unsigned_abs()))
    } else {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        line.get(spaces.min(by.unsigned_abs())..)
            .unwrap_or_default()
            .to_owned()
    };
    let Some(at) = shifted.find("indent ").map(|at| at + "indent ".len()) else {
        return shifted;
    };
    let (before, rest) = shifted.split_at_checked(at).unwrap_or((&shifted, ""));
    let digits = rest.len() - rest.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
    let (number, after) = rest.split_at_checked(digits).unwrap_or(("", rest));
    match number.parse::<isize>() {
        Ok(number) => format!("{before}{}{after}", (number + by).max(0)),
        Err(_) => shifted.clone(),
    }
}
