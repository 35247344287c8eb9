//! What is wanted of containers that stand in values, done there.

use std::path::PathBuf;

use crate::{
    edit::{Change, Place, rewrite},
    source::Lines,
    tree::{
        Files,
        difference::{Deed, DeedKind, insertion_at},
        leg::{Leg, node_at},
    },
    yaml::{self, Node, Value},
};

use super::{Item, Moved, held};
use crate::tree::helm::{changes::lines_of_item, held::indentation, values_list::with_item};

/// Files with all that is done to containers of values; nothing where one of them is written in a way in which that can't
/// be done.
pub(in crate::tree::helm) fn carried_out(files: &Files, items: &[Item]) -> Option<Files> {
    let mut edited = files.clone();
    let mut done: Vec<(&PathBuf, &[String], &str)> = Vec::new();
    for item in items {
        let key = (&item.values, item.keys.as_slice(), item.name.as_str());
        if done.contains(&key) {
            continue;
        }
        done.push(key);
        let written = edited.text(&item.values)?;
        let returns = written.matches("\r\n").count();
        // Line ends are put back where they are all the same.
        let mut text = match returns == written.matches('\n').count() {
            true => written.replace("\r\n", "\n"),
            false => written.to_string(),
        };
        if !item.printings.iter().any(|printing| printing.is_by_field) {
            text = item.changed(&text)?;
        }
        if let Some(moved) = &item.moved {
            text = item.moved(&text, moved)?;
        }
        text = item.annotated(text)?;
        edited.put(item.values.clone(), text);
    }
    Some(edited)
}

impl Item {
    fn collection<'t>(&self, root: Node<'t>) -> Option<Node<'t>> {
        let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        root.path(&keys)
    }

    /// Values with what is done within the container.
    fn changed(&self, text: &str) -> Option<String> {
        let stream = yaml::parse(text).ok()?;
        let container = held(self.collection(stream.root(0)?)?, &self.name)?;
        let mut changes = Vec::new();
        for deed in &self.deeds {
            changes.extend(changes_of(container, deed)?);
        }
        // Of two that are new behind the same key each has a round of its own.
        let (new, rest): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|change| matches!(change, Change::Insert { .. }));
        let rounds: Vec<Vec<Change>> = new.into_iter().map(|change| vec![change]).chain([rest]).collect();
        rewrite(text, &rounds).ok()
    }

    /// Values with the annotations of the container's pod, where they go there.
    fn annotated(&self, text: String) -> Option<String> {
        let Some((own, map)) = self.chosen.and_then(|map| {
            let own = self.annotations.as_ref()?;
            Some((own, own.maps.get(map)?))
        }) else {
            return Some(text);
        };
        let stream = yaml::parse(&text).ok()?;
        let root = stream.root(0)?;
        let mut changes = Vec::new();
        for (key, value) in &own.entries {
            let keys = map.iter().chain([key]).cloned();
            let legs: Vec<Leg> = keys.map(Leg::Key).collect();
            let change = insertion_at(|legs| node_at(root, legs), &legs, (None, value))?;
            changes.push(change);
        }
        rewrite(&text, &[changes]).ok()
    }

    /// Whether what is new for it depends on the values that it is one of.
    pub(in crate::tree::helm) fn asks_for_values(&self) -> bool {
        !self.moves() && (self.chosen.is_none() || self.new_annotations().is_some())
    }

    /// Values with the container where it goes.
    fn moved(&self, text: &str, moved: &Moved) -> Option<String> {
        let stream = yaml::parse(text).ok()?;
        let collection = self.collection(stream.root(0)?)?;
        let container = held(collection, &self.name)?;
        if collection.is_bracketed() || container.is_aliased() || collection.is_aliased() {
            return None;
        }
        let is_map = collection.is_mapping();
        let (lines, texts) = (Lines::new(text), text.split('\n').collect::<Vec<_>>());
        let mut own = lines_of_item(container, &lines, &texts);
        if is_map {
            let entry = collection.entry(&self.name)?;
            own.start = lines_of_item(entry.key, &lines, &texts).start;
        }
        // A text's last line break belongs to it.
        while own.len() > 1 && texts.get(own.end - 1).is_some_and(|line| line.trim().is_empty()) {
            own.end -= 1;
        }
        let item: Vec<&str> = texts.get(own.clone())?.to_vec();
        let others = collection.children().count() / if is_map { 2 } else { 1 };
        let mut rest: Vec<String> = texts.iter().map(|line| (*line).to_owned()).collect();
        rest.drain(own.clone());
        if others == 1 {
            let above = rest.get_mut(..own.start)?.iter_mut().rev();
            let key = above.into_iter().find(|line| line.trim_end().ends_with(':'))?;
            key.push_str(if is_map { " {}" } else { " []" });
        }
        let listed;
        let item = match is_map && moved.is_printed {
            true => {
                listed = as_list_item(&item, &self.name)?;
                listed.iter().map(String::as_str).collect()
            }
            false => item,
        };
        with_item(
            &rest.join("\n"),
            &moved.to,
            (&self.keys, ""),
            &item,
            moved.is_first,
        )
    }
}

/// An entry of a map of containers as an item of a list.
fn as_list_item(entry: &[&str], name: &str) -> Option<Vec<String>> {
    let at = entry
        .iter()
        .position(|line| !line.trim_start().starts_with('#'))?;
    let (comments, rest) = entry.split_at_checked(at)?;
    let (key, body) = rest.split_first()?;
    let column = indentation(key);
    let blank = " ".repeat(column);
    let inner = body
        .iter()
        .find(|line| !line.trim().is_empty())
        .map(|line| indentation(line))?;
    let mut lines: Vec<String> = comments.iter().map(|line| (*line).to_owned()).collect();
    lines.push(format!("{blank}- name: {name}"));
    lines.extend(body.iter().map(|line| match line.trim().is_empty() {
        true => String::new(),
        false => format!(
            "{blank}  {}{}",
            " ".repeat(indentation(line).saturating_sub(inner)),
            line.trim_start()
        ),
    }));
    key.trim_end().ends_with(':').then_some(lines)
}

/// The changes that a deed is at a container of values, whose texts may have actions.
fn changes_of(container: Node<'_>, deed: &Deed) -> Option<Vec<Change>> {
    let node = || node_at(container, &deed.legs);
    match &deed.kind {
        DeedKind::Insert { after, value } => {
            let at = |legs: &[Leg]| node_at(container, legs);
            Some(vec![insertion_at(at, &deed.legs, (after.as_deref(), value))?])
        }
        DeedKind::Remove => Some(vec![Change::Remove(Place::of(node()?)?)]),
        DeedKind::Replace { old, new } => match (old, new) {
            (Value::String(old), Value::String(new)) => {
                let node = node()?;
                (node.as_str() == Some(old)).then_some(())?;
                Some(vec![Change::Text(Place::of(node)?, new.clone())])
            }
            (Value::Sequence(old), Value::Sequence(new)) => removed(node()?, old, new),
            _ => None,
        },
        DeedKind::Move { .. } => None,
    }
}

/// The changes that take items out of a list of words; nothing where others come.
fn removed(list: Node<'_>, old: &[Value], new: &[Value]) -> Option<Vec<Change>> {
    let mut left = new.iter().peekable();
    let mut changes = Vec::new();
    for (word, written) in old.iter().zip(list.children()) {
        if left.next_if_eq(&word).is_none() {
            (Value::of(written).ok()? == *word).then_some(())?;
            changes.push(Change::Remove(Place::of(written)?));
        }
    }
    (left.next().is_none() && old.len() == list.children().count()).then_some(changes)
}
