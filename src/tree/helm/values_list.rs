//! A container of values that would become the text of a template: it moves to values of its own instead, so that
//! whoever has other values keeps what they say.

use std::path::{Path, PathBuf};

use crate::{diff::hunks, tree::Files};

use super::is_template;

/// The list of init containers that a template gets, and the container that stood in values.
struct Literal {
    template: PathBuf,
    /// The lines of the new template that are the list, its key first.
    lines: std::ops::Range<usize>,
    values: PathBuf,
    /// The keys that led to the container in the old values, the outermost first, and the column of the last.
    keys: Vec<String>,
    column: usize,
}

/// Edited files with such a container in values again, which the template prints; as they are where there is none.
/// Nothing where it can't be moved there.
pub(super) fn keep_in_values(before: &Files, edited: Files) -> Option<Files> {
    let Some(literal) = literal(before, &edited) else {
        return Some(edited);
    };
    let mut files = edited;
    let template = files.text(&literal.template)?.to_string();
    let mut lines: Vec<&str> = template.split('\n').collect();
    let margin = indentation(lines.get(literal.lines.start)?);
    let item: Vec<&str> = lines.get(literal.lines.start + 1..literal.lines.end)?.to_vec();
    let (last, parents) = literal.keys.split_last()?;
    let key = name_for_init_containers(last);
    let path = [parents, std::slice::from_ref(&key)].concat().join(".");
    let blank = " ".repeat(margin);
    let printed = [
        format!("{blank}{{{{- with .Values.{path} }}}}"),
        format!("{blank}initContainers:"),
        format!("{blank}  {{{{- toYaml . | nindent {} }}}}", margin + 2),
        format!("{blank}{{{{- end }}}}"),
    ];
    let of_values = values_with(&files, &literal, last, &key, &item)?;
    lines.splice(literal.lines.clone(), printed.iter().map(String::as_str));
    let template = lines.join("\n");
    files.put(literal.template, template);
    files.put(literal.values, of_values);
    Some(files)
}

/// The values with the container under a key of its own, before the list that it has left.
fn values_with(files: &Files, literal: &Literal, list: &str, key: &str, item: &[&str]) -> Option<String> {
    let text = files.text(&literal.values)?;
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let is_list = |line: &String| indentation(line) == literal.column && key_of(line) == Some(list);
    let is_taken = |line: &String| indentation(line) == literal.column && key_of(line) == Some(key);
    if lines.iter().any(is_taken) {
        return None;
    }
    let at = lines.iter().position(is_list)?;
    let margin = indentation(item.first()?);
    let mut new = vec![format!("{}{key}:", " ".repeat(literal.column))];
    new.extend(item.iter().map(|line| {
        let column = (indentation(line) + literal.column + 2).saturating_sub(margin);
        format!("{}{}", " ".repeat(column), line.trim_start())
    }));
    lines.splice(at..at, new);
    Some(lines.join("\n"))
}

fn literal(before: &Files, edited: &Files) -> Option<Literal> {
    let changed: Vec<&Path> = edited.changed(before).collect();
    for template in changed.iter().filter(|path| is_template(path)) {
        let (old, new) = (before.text(template)?, edited.text(template)?);
        let lines: Vec<&str> = new.split('\n').collect();
        for hunk in hunks(old, new) {
            let own = lines.get(hunk.after.clone()).unwrap_or_default();
            let Some(key) = own.iter().position(|line| line.trim() == "initContainers:") else {
                continue;
            };
            let margin = own.get(key).map_or(0, |line| indentation(line));
            let items = own.iter().skip(key + 1);
            let count = items
                .take_while(|line| indentation(line) >= margin && line.trim() != "containers:")
                .count();
            let start = hunk.after.start + key;
            let name = own
                .iter()
                .skip(key + 1)
                .find(|line| line.trim_start().starts_with("- "))?
                .trim();
            for values in changed.iter().filter(|path| !is_template(path)) {
                if let Some((keys, column)) = list_that_lost(before.text(values)?, edited.text(values)?, name)
                {
                    return Some(Literal {
                        template: template.to_path_buf(),
                        lines: start..start + 1 + count,
                        values: values.to_path_buf(),
                        keys,
                        column,
                    });
                }
            }
        }
    }
    None
}

/// The keys of the list that an item with this first line has left, and the column of the last.
fn list_that_lost(old: &str, new: &str, item: &str) -> Option<(Vec<String>, usize)> {
    let lines: Vec<&str> = old.split('\n').collect();
    let lost = hunks(old, new);
    let mut gone = lost.iter().flat_map(|hunk| hunk.before.clone());
    let at = gone.find(|index| lines.get(*index).is_some_and(|line| line.trim() == item))?;
    let mut keys = Vec::new();
    let mut below = indentation(lines.get(at)?) + 1;
    let mut column = None;
    for line in lines.iter().take(at).rev() {
        let own = indentation(line);
        if own < below && line.trim_end().ends_with(':') && !line.trim_start().starts_with(['-', '#']) {
            keys.push(key_of(line)?.to_owned());
            column.get_or_insert(own);
            below = own;
        }
    }
    keys.reverse();
    column.map(|column| (keys, column))
}

fn key_of(line: &str) -> Option<&str> {
    line.trim().split_once(':').map(|(key, _)| key)
}

/// `extraContainers`: `extraInitContainers`.
fn name_for_init_containers(list: &str) -> String {
    match (list, list.split_once("Containers")) {
        (_, Some((before, behind))) => format!("{before}InitContainers{behind}"),
        ("containers", None) => "initContainers".to_owned(),
        (other, None) => format!("{other}InitContainers"),
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
