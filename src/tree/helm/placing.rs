//! What new and moved lines need around them where they go: the conditions that they stood in, and a key for all that
//! may be in its list.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    super::Files,
    conditions::{around, expression, expression_within, is_loop, opening},
    edits::{Anchor, Edits, Join, Move, name_of_define},
    held::{Held, held_at, indentation},
    kept::{only_call, opposite},
    lines::{Line, lines_of},
    marks::{SourceLine, is_template},
};

/// Parts of templates include each other no deeper than this.
pub(super) const MOST_CALLS: usize = 8;

/// The forms in which edits come into question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Arrangement {
    /// What joins a list that a condition holds stands before it.
    pub(super) first: bool,
    /// What is new stands in the condition that what goes has stood in.
    pub(super) conditional: bool,
    /// What goes from outside of that condition stays where it does not hold.
    pub(super) kept: bool,
}

impl Arrangement {
    pub(super) const fn of(first: bool, conditional: bool, kept: bool) -> Self {
        Self {
            first,
            conditional,
            kept,
        }
    }
}

/// What a condition asks, and the part of a template in which it does.
pub(super) struct Asked {
    pub(super) expression: String,
    path: PathBuf,
    define: Option<usize>,
}

impl Asked {
    /// Whether the same can be asked at a line of a file: a variable is known in its own part alone.
    pub(super) fn is_known_at(&self, path: &Path, lines: &[Line], line: usize) -> bool {
        let define = lines.get(line).and_then(|line| line.define);
        !names_variable(&self.expression) || (self.path == path && self.define == define)
    }
}

/// A key that goes out of its condition, with what is asked for each of its new contents; nothing for one that is always
/// there.
type Keys = BTreeMap<(PathBuf, Held), Vec<Option<String>>>;

impl Edits {
    /// Gives moved and new lines what they need where they go. Nothing where that is not known.
    pub(super) fn arrange(&mut self, files: &Files, arrangement: Arrangement) -> Option<()> {
        let mut keys = Keys::new();
        let condition = arrangement.conditional.then(|| self.condition(files)).flatten();
        for index in 0..self.moves.len() {
            let mut block = self.moves.get(index)?.clone();
            if is_template(&block.path) {
                let text = files.text(&block.path)?;
                block.conditions = left_behind(&block, text)?;
                if arrangement.conditional {
                    block.conditions.extend(asked_of_include(&block, files, text));
                }
                self.join(&mut block, text, arrangement, &mut keys);
                *self.moves.get_mut(index)? = block;
            }
        }
        self.give_keys(files)?;
        self.arrange_new(files, arrangement, condition.as_ref(), &mut keys);
        for Join { path, held, lines } in std::mem::take(&mut self.joins) {
            let asked = lines.first().and_then(|line| expression(line)).map(str::to_owned);
            let line = SourceLine {
                path: path.clone(),
                line: if arrangement.first { held.open } else { held.end },
            };
            let lines = lines.into_iter().filter(|line| !is_key(line)).collect();
            let after = !arrangement.first;
            self.insert(Anchor { line, after }, lines);
            keys.entry((path, held)).or_default().push(asked);
        }
        for ((path, held), asked) in keys {
            self.take_out(&path, files.text(&path)?, &held, asked)?;
        }
        Some(())
    }

    /// Lets a moved block join a key that a condition holds.
    fn join(&self, block: &mut Move, text: &str, arrangement: Arrangement, keys: &mut Keys) {
        let texts: Vec<&str> = text.split('\n').collect();
        let first = block.prefix.iter().find(|line| is_key(line)).cloned();
        let first = first.or_else(|| {
            let own = texts.get(*block.core.start())?;
            let column = indentation(own).saturating_add_signed(block.indent);
            Some(format!("{}{}", " ".repeat(column), own.trim_start()))
        });
        let to = &block.to;
        let Some(held) = first.and_then(|first| held_at(text, to.line.line, to.after, &first)) else {
            return;
        };
        let at = |line: usize, after: bool| Anchor {
            line: SourceLine {
                path: block.path.clone(),
                line,
            },
            after,
        };
        let asked = asked_for(block, &texts);
        block.prefix.retain(|line| !is_key(line));
        if asked.as_deref() == held.condition(&texts) {
            block.to = at(held.end, false);
            block.lines = block.core.clone();
            block.conditions.clear();
            return;
        }
        block.to = match arrangement.first {
            true => at(held.open, false),
            false => at(held.end, true),
        };
        keys.entry((block.path.clone(), held)).or_default().push(asked);
    }

    /// A new key stands before all that is moved below it, and where each of them is conditional, so is the key.
    fn give_keys(&mut self, files: &Files) -> Option<()> {
        for index in 0..self.moves.len() {
            let block = self.moves.get(index)?.clone();
            let Some(key) = block.prefix.iter().find(|line| is_key(line)).cloned() else {
                continue;
            };
            let text = files.text(&block.path)?;
            let texts: Vec<&str> = text.split('\n').collect();
            let together: Vec<&Move> = self.moves.iter().filter(|other| other.to == block.to).collect();
            let loops = openers(&block, &texts).iter().any(|line| is_loop(line));
            if together.len() < 2 && !loops {
                continue;
            }
            let asked: Option<BTreeSet<String>> =
                together.iter().map(|other| asked_for(other, &texts)).collect();
            let Some(asked) = asked.map(|asked| asked.into_iter().collect::<Vec<_>>()) else {
                if together.iter().position(|other| **other == block) != Some(0)
                    || asked_for(&block, &texts).is_some()
                {
                    self.insert_first(block.to.clone(), vec![key.clone()]);
                    self.moves.get_mut(index)?.prefix.retain(|line| *line != key);
                }
                continue;
            };
            let margin = indentation(&key);
            let lines = vec![opening(margin, &asked), key.clone(), ending(margin)];
            self.insert_first(block.to.clone(), lines);
            self.moves.get_mut(index)?.prefix.retain(|line| *line != key);
        }
        Some(())
    }

    /// New lines that are no part of what moves: in a condition, or below a key that one holds.
    fn arrange_new(
        &mut self,
        files: &Files,
        arrangement: Arrangement,
        condition: Option<&Asked>,
        keys: &mut Keys,
    ) {
        let moved: Vec<Anchor> = self.moves.iter().map(|block| block.to.clone()).collect();
        for (anchor, groups) in std::mem::take(&mut self.inserted) {
            let path = anchor.line.path.clone();
            let text = files.text(&path).filter(|_| is_template(&path));
            let is_within = self
                .moves
                .iter()
                .any(|block| block.path == path && block.lines.contains(&anchor.line.line));
            for mut lines in groups {
                let Some(text) = text.filter(|_| !is_within && !moved.contains(&anchor)) else {
                    self.insert(anchor.clone(), lines);
                    continue;
                };
                let texts: Vec<&str> = text.split('\n').collect();
                let outside = |condition: &&str| {
                    let mut own = around(&lines_of(text), anchor.line.line).into_iter();
                    !own.any(|own| texts.get(own.line).and_then(|line| expression(line)) == Some(*condition))
                };
                let condition = condition
                    .filter(|asked| asked.is_known_at(&path, &lines_of(text), anchor.line.line))
                    .map(|asked| asked.expression.as_str())
                    .filter(outside);
                let Some(first) = lines.first().cloned() else {
                    continue;
                };
                let held = held_at(text, anchor.line.line, anchor.after, &first);
                let mut to = anchor.clone();
                if let Some(held) = held {
                    if is_key(&first) {
                        lines.remove(0);
                    }
                    to.line.line = if arrangement.first { held.open } else { held.end };
                    to.after = !arrangement.first;
                    let asked = condition.map(str::to_owned);
                    keys.entry((path.clone(), held)).or_default().push(asked);
                }
                if let Some(condition) = condition {
                    let margin = lines.first().map_or(0, |line| indentation(line));
                    lines.insert(0, opening(margin, &[condition.to_owned()]));
                    lines.push(ending(margin));
                }
                self.insert(to, lines);
            }
        }
    }

    /// A key that a condition holds stands before it instead, for what joins it.
    fn take_out(&mut self, path: &Path, text: &str, held: &Held, asked: Vec<Option<String>>) -> Option<()> {
        let texts: Vec<&str> = text.split('\n').collect();
        let (key, rest) = held.key_and_rest(&texts)?;
        let margin = indentation(key);
        let at = |line: usize| SourceLine {
            path: path.to_owned(),
            line,
        };
        let all: Option<BTreeSet<String>> = asked.into_iter().collect();
        let lines = match all {
            None => vec![key.to_owned()],
            Some(asked) => {
                let mut all = vec![held.condition(&texts)?.to_owned()];
                all.extend(asked);
                match all.iter().any(|one| all.contains(&opposite(one))) {
                    true => vec![key.to_owned()],
                    false => vec![opening(margin, &all), key.to_owned(), ending(margin)],
                }
            }
        };
        let before = Anchor {
            line: at(held.open),
            after: false,
        };
        self.insert_first(before, lines);
        if !rest.trim().is_empty() {
            let behind = Anchor {
                line: at(held.key),
                after: true,
            };
            let rest = format!("{}{}", " ".repeat(margin + 2), rest.trim());
            self.insert_first(behind, vec![rest]);
        }
        self.deleted.insert(at(held.key));
        Some(())
    }

    /// The condition that all that moves or goes stands in, where there is one.
    pub(super) fn condition(&self, files: &Files) -> Option<Asked> {
        if self.asked.is_some() {
            return self.asked_of_values(files);
        }
        let moved = self.moves.iter().map(|block| (&block.path, *block.core.start()));
        let gone = self.deleted.iter().map(|line| (&line.path, line.line));
        let changed = self.swaps.keys().map(|line| (&line.path, line.line));
        only_one(files, moved.chain(gone).chain(changed)).or_else(|| {
            let own = self.sidecars.iter().map(|line| (&line.path, line.line));
            only_one(files, own)
        })
    }

    /// Whether there are the values that the sidecar is one of.
    fn asked_of_values(&self, files: &Files) -> Option<Asked> {
        let printing = self.asked.as_ref()?;
        let lines = lines_of(files.text(&printing.path)?);
        Some(Asked {
            expression: printing.words.clone(),
            path: printing.path.clone(),
            define: lines.get(printing.lines.start)?.define,
        })
    }

    /// The condition that all that moves or is new stands in, where there is one: the sidecar's.
    pub(super) fn condition_of_sidecar(&self, files: &Files) -> Option<Asked> {
        if self.asked.is_some() {
            return self.asked_of_values(files);
        }
        let moved = self.moves.iter().map(|block| (&block.path, *block.core.start()));
        let new = self
            .inserted
            .keys()
            .map(|anchor| (&anchor.line.path, anchor.line.line));
        // What is new beside a sidecar may stand in a condition of its object.
        let own = self.sidecars.iter().map(|line| (&line.path, line.line));
        only_one(files, moved.clone())
            .or_else(|| only_one(files, own))
            .or_else(|| only_one(files, moved.chain(new)))
    }

    /// Puts lines before others that are inserted at the same place.
    pub(super) fn insert_first(&mut self, at: Anchor, lines: Vec<String>) {
        let groups = self.inserted.entry(at).or_default();
        if !groups.contains(&lines) {
            groups.insert(0, lines);
        }
    }
}

/// What is asked where lines stand, where that is one thing.
fn only_one<'l>(files: &Files, lines: impl Iterator<Item = (&'l PathBuf, usize)>) -> Option<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    for (path, line) in lines {
        let asked = asked_at(files, path, line, MOST_CALLS)
            .filter(|asked| all.iter().all(|other| other.expression != asked.expression));
        all.extend(asked);
    }
    let mut all = all.into_iter();
    all.next().filter(|_| all.next().is_none())
}

/// What is asked where a line of a template stands, or else where the part that it is in is included.
fn asked_at(files: &Files, path: &Path, line: usize, calls: usize) -> Option<Asked> {
    let text = files.text(path).filter(|_| is_template(path))?;
    let lines = lines_of(text);
    let at = |line: usize| text.split('\n').nth(line);
    let define = lines.get(line).and_then(|line| line.define);
    if let Some(expression) = at(line).and_then(|own| asked_inside(files, own)) {
        return Some(Asked {
            expression,
            path: path.to_owned(),
            define,
        });
    }
    let asked = match around(&lines, line).into_iter().next_back() {
        Some(own) => Some(at(own.line).and_then(expression).filter(|_| !own.is_else)?),
        None => at(line).and_then(expression_within),
    };
    let Some(asked) = asked else {
        let call = only_call(files, path, line)?;
        return asked_at(files, &call.path, call.line, calls.checked_sub(1)?);
    };
    Some(Asked {
        expression: asked.to_owned(),
        path: path.to_owned(),
        define,
    })
}

/// What is asked for a part of a template that a line includes to bring anything at all, as that line would say it.
fn asked_inside(files: &Files, line: &str) -> Option<String> {
    let (name, rest) = line.split_once("include \"")?.1.split_once('"')?;
    let given = rest.split([' ', ')', '|', '}']).find(|word| !word.is_empty())?;
    let mut templates = files.texts().filter(|(path, _)| is_template(path));
    let (text, start) = templates.find_map(|(_, text)| {
        let mut lines = text.split('\n');
        let start = lines.position(|line| name_of_define(line).is_some_and(|own| own == name))?;
        Some((text, start))
    })?;
    let lines = lines_of(text);
    let texts: Vec<&str> = text.split('\n').collect();
    let own = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.define == Some(start) && (line.is_literal || line.has_output));
    let mut outermost = own.map(|(number, _)| around(&lines, number).first().copied());
    let first = outermost.next()??;
    let is_whole = !first.is_else && outermost.all(|other| other == Some(first));
    let opener = texts.get(first.line).filter(|line| is_whole && !is_loop(line))?;
    let asked = expression(opener).filter(|asked| !asked.contains('$'))?;
    match given {
        "." => Some(asked.to_owned()),
        "$" => Some(asked.replace(".Values.", "$.Values.")),
        _ => None,
    }
}

/// The line that opens the condition in which all that a moved block includes stands, for the key that is new before it.
fn asked_of_include(block: &Move, files: &Files, text: &str) -> Option<String> {
    let texts: Vec<&str> = text.split('\n').collect();
    let own = texts.get(*block.core.start())?;
    let is_one = block.core.start() == block.core.end() && block.prefix.iter().any(|line| is_key(line));
    let asked = asked_inside(files, own).filter(|_| is_one && openers(block, &texts).is_empty())?;
    Some(opening(indentation(own), &[asked]))
}

fn is_key(line: &str) -> bool {
    line.trim_end().ends_with(':')
}

/// Whether an expression names a variable, and not only what `$` is everywhere.
fn names_variable(expression: &str) -> bool {
    let behind = expression.split('$').skip(1);
    behind
        .map(|rest| rest.chars().next())
        .any(|sign| sign.is_some_and(char::is_alphanumeric))
}

pub(super) fn ending(margin: usize) -> String {
    format!("{}{{{{- end }}}}", " ".repeat(margin))
}

/// The lines that open the conditions which a moved block takes along or gets again.
fn openers<'t>(block: &'t Move, texts: &[&'t str]) -> Vec<&'t str> {
    let own = texts.get(*block.lines.start()..*block.core.start());
    let again = block.conditions.iter().map(String::as_str);
    again.chain(own.unwrap_or_default().iter().copied()).collect()
}

/// What is asked for a moved block to be there; nothing where it always is.
fn asked_for(block: &Move, texts: &[&str]) -> Option<String> {
    let asked: Vec<&str> = openers(block, texts).into_iter().filter_map(expression).collect();
    match asked.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        all => {
            let all: Vec<String> = all.iter().map(|one| format!("({one})")).collect();
            Some(format!("and {}", all.join(" ")))
        }
    }
}

/// The lines that open the conditions around a block which it would leave. Nothing where it can't be told of them.
fn left_behind(block: &Move, text: &str) -> Option<Vec<String>> {
    let lines = lines_of(text);
    let there: Vec<usize> = around(&lines, block.to.line.line + usize::from(block.to.after))
        .iter()
        .map(|condition| condition.line)
        .collect();
    let texts: Vec<&str> = text.split('\n').collect();
    let define = |line: usize| lines.get(line).and_then(|line| line.define);
    if block.to.line.path != block.path || define(block.to.line.line) != define(*block.core.start()) {
        return Some(Vec::new());
    }
    let own = around(&lines, *block.lines.start()).into_iter();
    own.filter(|condition| !there.contains(&condition.line))
        .map(|condition| {
            let line = texts.get(condition.line)?;
            expression(line)
                .filter(|_| !condition.is_else)
                .map(|_| (*line).to_owned())
        })
        .collect()
}
