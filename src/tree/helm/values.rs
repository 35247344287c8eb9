//! What of a rendering stands in a file of values: it is looked for by its value.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use crate::{
    source::Lines,
    yaml::{self, Node, Stream, Value},
};

use super::{
    super::{Files, Place, Way},
    actions::brought,
    marks::{SourceLine, may_bring},
    origins::Origins,
};

/// A scalar that is shorter stands anywhere.
const SHORTEST: usize = 12;
/// A value's text that is longer is not looked for.
const LONGEST: usize = 64 << 10;

/// The files of values that are merged in a way, the one that counts most last.
pub(super) fn values_of(way: &Way) -> Vec<PathBuf> {
    let own = std::iter::once(PathBuf::from("values.yaml"));
    own.chain(way.paths.iter().cloned()).collect()
}

/// The place of words that an action has brought, where one line of the file of values that counts holds them.
pub(super) fn holding(words: &str, files: &Files, values: &[PathBuf]) -> Option<Place> {
    if words.len() < SHORTEST {
        return None;
    }
    values.iter().rev().find_map(|path| {
        let mut found = files.text(path)?.match_indices(words);
        let (at, _) = found.next()?;
        found.next().is_none().then(|| Place {
            path: path.clone(),
            span: at..at + words.len(),
        })
    })
}

/// Gives those lines an origin that have none, where the value that they belong to stands in one file of values, once.
pub(super) fn find(plain: &str, files: &Files, values: &[PathBuf], origins: &mut Origins) {
    let Ok(rendered) = yaml::parse(plain) else { return };
    let read: Vec<(&Path, Lines<'_>, Stream<'_>)> = values
        .iter()
        .filter_map(|path| {
            let text = files.text(path)?;
            Some((path.as_path(), Lines::new(text), yaml::parse(text).ok()?))
        })
        .collect();
    let mut known: Known<'_> = HashMap::new();
    for (path, lines, stream) in &read {
        for (_, root) in stream.roots() {
            for node in root.walk() {
                if let Some(key) = key_of(node) {
                    let known = known.entry(key);
                    known
                        .and_modify(|other| *other = None)
                        .or_insert(Some((path, lines, node)));
                }
            }
        }
    }
    let plain = Lines::new(plain);
    for (_, root) in rendered.roots() {
        search(root, &known, &plain, origins);
    }
}

/// Gives those lines an origin that still have none, where one line of a file that is no template says the same: a
/// script that `tpl` has rendered.
pub(super) fn find_lines(plain: &str, files: &Files, values: &[PathBuf], origins: &mut Origins) {
    let others = files.texts().map(|(path, _)| path);
    let others = others.filter(|path| may_bring(path) && !values.iter().any(|own| own == path));
    let paths: Vec<&Path> = values.iter().rev().map(PathBuf::as_path).chain(others).collect();
    let mut literal: HashMap<&str, Option<SourceLine>> = HashMap::new();
    let mut masked: Vec<(&str, SourceLine)> = Vec::new();
    for path in paths {
        let Some(text) = files.text(path) else { continue };
        for (line, written) in text.split('\n').enumerate() {
            let at = SourceLine {
                path: path.to_owned(),
                line,
            };
            let words = written.trim();
            if words.contains("{{") {
                masked.push((words, at));
            } else if words.len() >= SHORTEST {
                let known = literal.entry(words);
                known.and_modify(|other| *other = None).or_insert(Some(at));
            }
        }
    }
    for (index, line) in plain.split('\n').enumerate() {
        if origins.own(index).is_some() || line.trim().len() < SHORTEST {
            continue;
        }
        let mut of_actions = masked
            .iter()
            .filter(|(words, _)| !brought(words, line).is_empty());
        let found = match literal.get(line.trim()) {
            Some(found) => found.clone(),
            None => of_actions
                .next()
                .filter(|_| of_actions.next().is_none())
                .map(|(_, at)| at.clone()),
        };
        if let (Some(at), Some(origin)) = (found, origins.lines.get_mut(index)) {
            origin.own = Some(at);
        }
    }
}

/// Nodes of files of values by their value; nothing for one that stands twice.
type Known<'v> = HashMap<String, Option<(&'v Path, &'v Lines<'v>, Node<'v>)>>;

fn search(node: Node<'_>, known: &Known<'_>, plain: &Lines<'_>, origins: &mut Origins) {
    let has_origin = origins.own(line_at(plain, node.span().start)).is_some();
    let found = (!has_origin).then(|| key_of(node)).flatten();
    match found.and_then(|key| known.get(&key).copied().flatten()) {
        Some((path, lines, source)) => pair(node, source, (path, lines), plain, origins),
        None => node
            .children()
            .for_each(|child| search(child, known, plain, origins)),
    }
}

/// Two nodes with one value: each line of the one comes from a line of the other.
fn pair(
    node: Node<'_>,
    source: Node<'_>,
    file: (&Path, &Lines<'_>),
    plain: &Lines<'_>,
    origins: &mut Origins,
) {
    let (path, text) = file;
    if node.is_mapping() {
        for entry in node.written_entries() {
            let Some(own) = entry.key.as_str().and_then(|key| source.entry(key)) else {
                continue;
            };
            let (at, from) = (entry.key.span().start, own.key.span().start);
            give(origins, line_at(plain, at), path, line_at(text, from));
            pair(entry.value, own.value, file, plain, origins);
        }
    } else if node.is_sequence() {
        for (item, own) in node.children().zip(source.children()) {
            pair(item, own.resolved(), file, plain, origins);
        }
    } else {
        let (head, own) = (node.written_span().start, source.written_span().start);
        give(origins, line_at(plain, head), path, line_at(text, own));
        let (at, from) = (
            line_at(plain, node.span().start),
            line_at(text, source.span().start),
        );
        let count = |text: &str| text.trim_end().matches('\n').count() + 1;
        let (rendered, written) = (count(node.raw()), count(source.raw()));
        for index in 0..rendered {
            let from = if rendered == written { from + index } else { from };
            give(origins, at + index, path, from);
        }
    }
}

/// Gives a line an origin, unless it has one.
fn give(origins: &mut Origins, at: usize, path: &Path, line: usize) {
    if let Some(origin) = origins.lines.get_mut(at)
        && origin.own.is_none()
    {
        origin.own = Some(SourceLine {
            path: path.to_owned(),
            line,
        });
    }
}

/// A node by its value, however it is written.
fn key_of(node: Node<'_>) -> Option<String> {
    if node.span().len() > LONGEST {
        return None;
    }
    let value = Value::of(node).ok()?.effective();
    match &value {
        Value::String(text) if text.len() < SHORTEST => None,
        Value::String(_) => Some(value.to_json()?.to_string()),
        Value::Mapping(entries) if !entries.is_empty() => Some(value.to_json()?.to_string()),
        Value::Sequence(items) if !items.is_empty() => Some(value.to_json()?.to_string()),
        _ => None,
    }
}

/// The line of a byte, from 0.
fn line_at(text: &Lines<'_>, offset: usize) -> usize {
    text.position(offset).line - 1
}
