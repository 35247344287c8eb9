//! A container of values that would become the text of a template: it moves to values of its own instead, so that
//! whoever has other values keeps what they say.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{diff::hunks, tree::Files};

use super::is_template;

/// More containers than this are not moved in one chart.
const MOST: usize = 8;
/// Lines that are shorter stand anywhere.
const SHORTEST: usize = 12;
/// So many lines around `initContainers` may say which values are printed there.
const NEAR: usize = 3;

/// A container that stood in values and would stand in a template.
struct Literal {
    template: PathBuf,
    /// The lines of the new template that are the container, with the key of a list that is new.
    lines: Range<usize>,
    has_key: bool,
    values: PathBuf,
    /// The keys that led to the container in the old values, the outermost first.
    keys: Vec<String>,
    /// The list is a text that the template reads: `tpl .Values.list .`
    is_text: bool,
}

impl Literal {
    /// What stands behind the colon of a list that is new.
    fn header(&self) -> &'static str {
        if self.is_text { " |" } else { "" }
    }
}

/// Edited files with such containers in values again: in the list for init containers that the template prints, first
/// or last, or in a new one that it prints then. The files themselves where there is no such container; nothing where
/// one can't be moved there.
pub(super) fn kept_in_values(before: &Files, edited: Files) -> Vec<Files> {
    let (mut done, mut left) = (Vec::new(), vec![edited]);
    for _ in 0..MOST {
        let mut next = Vec::new();
        for files in left {
            match literal(before, &files) {
                Some(literal) => next.extend(
                    [true, false]
                        .into_iter()
                        .flat_map(|first| moved(before, &files, &literal, first)),
                ),
                None => done.push(files),
            }
        }
        left = next;
    }
    done
}

/// Edited files with one such container in values. A list that is new is printed by the template, unless what is around
/// it is printed as a whole.
fn moved(before: &Files, edited: &Files, literal: &Literal, first: bool) -> Vec<Files> {
    let in_values = || -> Option<(Vec<String>, Vec<String>, bool)> {
        let template = edited.text(&literal.template)?;
        let own = template.split('\n').nth(literal.lines.start)?;
        let (last, parents) = literal.keys.split_last()?;
        let printed_list = printed_for_init_containers(before.text(&literal.template)?);
        match printed_list {
            Some(list) => Some((list, Vec::new(), false)),
            None if literal.has_key => {
                let list = [parents, &[sibling_for_init_containers(last)]].concat();
                let printed = printing(&list.join("."), indentation(own), literal.is_text);
                let may_be_whole = !parents.is_empty() && last == "containers";
                Some((list, printed, may_be_whole))
            }
            None => None,
        }
    };
    let Some((list, printed, may_be_whole)) = in_values() else {
        return Vec::new();
    };
    let with = |printed: &[String]| -> Option<Files> {
        let template = edited.text(&literal.template)?.to_string();
        let mut lines: Vec<&str> = template.split('\n').collect();
        let own: Vec<&str> = lines.get(literal.lines.clone())?.to_vec();
        let item = own.get(usize::from(literal.has_key)..)?;
        let left = (literal.keys.as_slice(), literal.header());
        let values = with_item(edited.text(&literal.values)?, &list, left, item, first)?;
        lines.splice(literal.lines.clone(), printed.iter().map(String::as_str));
        let template = lines.join("\n");
        let mut files = edited.clone();
        files.put(literal.template.clone(), template);
        files.put(literal.values.clone(), values);
        Some(files)
    };
    let whole = may_be_whole.then(|| with(&[])).flatten();
    whole.into_iter().chain(with(&printed)).collect()
}

/// Whether lines that stood in values stand in a template now: whoever has other values would lose what they say.
pub(super) fn loses_values(before: &Files, edited: &Files) -> bool {
    let lines = |files: &Files, path: &Path| -> Vec<String> {
        let text = files.text(path).map(|text| text.to_string()).unwrap_or_default();
        text.split('\n').map(|line| line.trim().to_owned()).collect()
    };
    let gone = |is_asked: &dyn Fn(&Path) -> bool| -> Vec<String> {
        let changed = edited.changed(before).filter(|path| is_asked(path));
        changed
            .flat_map(|path| {
                let new = lines(edited, path);
                let old = lines(before, path).into_iter();
                old.filter(move |line| line.len() >= SHORTEST && !new.contains(line))
            })
            .collect()
    };
    let of_values = gone(&|path| !is_template(path) && is_yaml(path));
    let of_templates = gone(&|path| is_template(path));
    let mut templates = edited.changed(before).filter(|path| is_template(path));
    templates.any(|path| {
        let old = lines(before, path);
        let mut come = lines(edited, path).into_iter().filter(|line| !old.contains(line));
        come.any(|line| of_values.contains(&line) && !of_templates.contains(&line))
    })
}

/// Whether a template adds words to the command or the arguments that an action prints: whoever has other values would
/// get them behind words that they do not belong to.
pub(super) fn continues_words(before: &Files, edited: &Files) -> bool {
    let mut templates = edited.changed(before).filter(|path| is_template(path));
    templates.any(|path| {
        let (Some(old), Some(new)) = (before.text(path), edited.text(path)) else {
            return false;
        };
        let lines: Vec<&str> = new.split('\n').collect();
        hunks(old, new).iter().any(|hunk| {
            let printed = |number: usize| {
                let line = number.checked_sub(1).and_then(|above| lines.get(above));
                let list = line.and_then(|line| line.trim_start().split_once(':'));
                let list = list.filter(|(key, rest)| {
                    ["command", "args"].contains(key) && rest.trim_start().starts_with("{{")
                });
                list.is_some()
                    && lines
                        .get(number)
                        .is_some_and(|line| line.trim_start().starts_with("- "))
            };
            hunk.after.clone().any(printed)
        })
    })
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|suffix| suffix == "yaml" || suffix == "yml")
}

/// The lines by which a template prints a list of values as its init containers.
fn printing(list: &str, margin: usize, is_text: bool) -> Vec<String> {
    let blank = " ".repeat(margin);
    let print = if is_text { "tpl . $" } else { "toYaml ." };
    vec![
        format!("{blank}{{{{- with .Values.{list} }}}}"),
        format!("{blank}initContainers:"),
        format!("{blank}  {{{{- {print} | nindent {} }}}}", margin + 2),
        format!("{blank}{{{{- end }}}}"),
    ]
}

/// The values that a template prints as its init containers.
pub(super) fn printed_for_init_containers(template: &str) -> Option<Vec<String>> {
    let lines: Vec<&str> = template.split('\n').collect();
    let at = lines
        .iter()
        .position(|line| line.trim_start().starts_with("initContainers:"))?;
    let near = lines.get(at.saturating_sub(NEAR)..(at + NEAR).min(lines.len()))?;
    near.iter().find_map(|line| {
        let (_, rest) = line.split_once(".Values.")?;
        let end = rest.find(|sign: char| !(sign.is_ascii_alphanumeric() || "_.".contains(sign)));
        let keys = rest.get(..end.unwrap_or(rest.len()))?;
        let is_list = keys.to_lowercase().ends_with("initcontainers");
        is_list.then(|| keys.split('.').map(str::to_owned).collect())
    })
}

/// Values with an item in a list or map, first or last; one that is new stands before the one that the item has left, with
/// a header behind its colon.
pub(super) fn with_item(
    text: &str,
    list: &[String],
    (left, header): (&[String], &str),
    item: &[&str],
    first: bool,
) -> Option<String> {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let margin = indentation(item.first()?);
    let at_column = |column: usize| -> Vec<String> {
        let line = |line: &&str| {
            format!(
                "{}{}",
                " ".repeat((indentation(line) + column) - margin),
                line.trim_start()
            )
        };
        item.iter().map(line).collect()
    };
    let Some(key) = line_of(&lines, list) else {
        let left = line_of(&lines, left)?;
        let column = indentation(lines.get(left)?);
        // What is said of the other list stays above it.
        let is_comment = |line: &&String| line.trim_start().starts_with('#');
        let comments = lines.iter().take(left).rev().take_while(is_comment).count();
        let beside = left - comments;
        let mut new = vec![format!("{}{}:{}", " ".repeat(column), list.last()?, header)];
        new.extend(at_column(column + 2));
        lines.splice(beside..beside, new);
        return Some(lines.join("\n"));
    };
    let own = lines.get(key)?.clone();
    let column = indentation(&own);
    let empty = ["[]", "{}", "\"\"", "''", ":"];
    let written = lines.get(key + 1).filter(|next| !next.trim().is_empty());
    let has_items = own.trim_end().ends_with(':') && written.is_some_and(|next| belongs(next, column));
    let head = empty.iter().find_map(|empty| own.trim_end().strip_suffix(empty));
    if let Some(head) = head.filter(|_| !has_items) {
        let head = head.trim_end().trim_end_matches(':');
        let mut new = vec![format!("{head}:{header}")];
        new.extend(at_column(column + 2));
        lines.splice(key..=key, new);
        return Some(lines.join("\n"));
    }
    let length = lines
        .iter()
        .skip(key + 1)
        .take_while(|line| belongs(line, column))
        .count();
    let items = lines.get(key + 1..key + 1 + length)?;
    let of_items = items
        .iter()
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|line| indentation(line))?;
    let blank = items
        .iter()
        .rev()
        .take_while(|line| line.trim().is_empty())
        .count();
    let at = if first { key + 1 } else { key + 1 + length - blank };
    lines.splice(at..at, at_column(of_items));
    Some(lines.join("\n"))
}

/// Whether a line belongs to a key at this column.
fn belongs(line: &str, column: usize) -> bool {
    let own = indentation(line);
    line.trim().is_empty() || own > column || (own == column && line.trim_start().starts_with('-'))
}

/// The line of a key of values, given with those above it.
fn line_of(lines: &[String], keys: &[String]) -> Option<usize> {
    let mut from = 0;
    let mut column = None;
    let mut found = None;
    for key in keys {
        let at = (from..lines.len()).find(|index| {
            lines.get(*index).is_some_and(|line| {
                key_of(line) == Some(key) && column.is_none_or(|above| indentation(line) > above)
            })
        })?;
        column = lines.get(at).map(|line| indentation(line));
        from = at + 1;
        found = Some(at);
    }
    found
}

fn literal(before: &Files, edited: &Files) -> Option<Literal> {
    let changed: Vec<&Path> = edited.changed(before).collect();
    for template in changed.iter().filter(|path| is_template(path)) {
        let (old, new) = (before.text(template)?, edited.text(template)?);
        let lines: Vec<&str> = new.split('\n').collect();
        let come: Vec<usize> = hunks(old, new).into_iter().flat_map(|hunk| hunk.after).collect();
        for at in come.iter().copied() {
            let Some(name) = lines.get(at).filter(|line| line.trim_start().starts_with("- ")) else {
                continue;
            };
            let lost = changed.iter().filter(|path| !is_template(path)).find_map(|path| {
                let keys = list_that_lost(before.text(path)?, edited.text(path)?, name.trim())?;
                Some((path.to_path_buf(), keys))
            });
            let Some((values, (keys, is_text))) = lost else {
                continue;
            };
            let column = indentation(name);
            let rest = lines.iter().skip(at + 1);
            let length = 1 + rest
                .take_while(|line| indentation(line) > column && !line.trim().is_empty())
                .count();
            // Another one may stand in a condition already, which does not hold with the old values.
            let above = at.checked_sub(1).filter(|above| come.contains(above));
            let above = above.and_then(|above| lines.get(above));
            let has_key = above.is_some_and(|line| line.trim() == "initContainers:");
            return Some(Literal {
                template: template.to_path_buf(),
                lines: at - usize::from(has_key)..at + length,
                has_key,
                values,
                keys,
                is_text,
            });
        }
    }
    None
}

/// The keys of the list that an item with this first line has left, and whether it is a text.
fn list_that_lost(old: &str, new: &str, item: &str) -> Option<(Vec<String>, bool)> {
    let lines: Vec<&str> = old.split('\n').collect();
    let lost = hunks(old, new);
    let mut gone = lost.iter().flat_map(|hunk| hunk.before.clone());
    let at = gone.find(|index| lines.get(*index).is_some_and(|line| line.trim() == item))?;
    if new.lines().any(|line| line.trim() == item) {
        return None;
    }
    let mut keys = Vec::new();
    let mut is_text = false;
    let mut below = indentation(lines.get(at)?) + 1;
    for line in lines.iter().take(at).rev() {
        let own = indentation(line);
        let opens_text = [": |", ": |-", ": |+"]
            .iter()
            .any(|header| line.trim_end().ends_with(header));
        let opens = line.trim_end().ends_with(':') || opens_text;
        if own < below && opens && !line.trim_start().starts_with(['-', '#']) {
            is_text |= opens_text && keys.is_empty();
            keys.push(key_of(line)?.to_owned());
            below = own;
        }
    }
    keys.reverse();
    (!keys.is_empty()).then_some((keys, is_text))
}

fn key_of(line: &str) -> Option<&str> {
    line.trim().split_once(':').map(|(key, _)| key)
}

/// `extraContainers`: `extraInitContainers`, `sidecars`: `initSidecars`.
pub(super) fn sibling_for_init_containers(list: &str) -> String {
    match (list, list.split_once("Containers")) {
        (_, Some((before, behind))) => format!("{before}InitContainers{behind}"),
        ("containers", None) => "initContainers".to_owned(),
        (other, None) => {
            let (first, rest) = other.split_at_checked(1).unwrap_or((other, ""));
            format!("init{}{rest}", first.to_uppercase())
        }
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
