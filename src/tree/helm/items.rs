//! Containers that stand in values under their names. What is wanted of one is done where it stands, and one that becomes
//! an init container moves to values of its own, which the template prints in the way in which it prints those that it
//! leaves: by a loop, with `tpl`, or through a part of another chart.

use std::{ops::Range, path::PathBuf};

use crate::{
    diff::Hunk,
    edit::{Change, Place, rewrite},
    source::Lines,
    tree::{
        Files, Wanted,
        difference::{Deed, DeedKind, deeds, insertion_at},
        leg::{Leg, node_at},
    },
    workload::{Container, ContainerList, discover, objects_of},
    yaml::{self, Node, Value},
};

use super::{
    changes::lines_of_item,
    held::indentation,
    printings::{Printing, printings},
    values::values_of,
    values_list::{printed_for_init_containers, sibling_for_init_containers, with_item},
};

/// What charts call the annotations of a pod (Helm's own chart to start from, `helm create`).
const POD_ANNOTATIONS: &str = "podAnnotations";

/// A container of values that changes.
#[derive(Debug, Clone)]
pub(super) struct Item {
    name: String,
    /// The file of values that it stands in.
    values: PathBuf,
    /// The keys of the list or map that it is in, the outermost first.
    keys: Vec<String>,
    /// What is done to it, from itself.
    deeds: Vec<Deed>,
    /// Its lines in the rendering.
    old: Range<usize>,
    /// Its lines in what is wanted, with the key of a list that is new.
    new: Range<usize>,
    /// Where it goes, if it becomes an init container.
    moved: Option<Moved>,
    /// How the templates print what it is in.
    pub(super) printings: Vec<Printing>,
    /// The annotations that are new at its pod, where one names it.
    annotations: Option<Annotations>,
    /// Which of the maps of annotations among values these go to.
    chosen: Option<usize>,
}

/// Annotations that are new at a pod.
#[derive(Debug, Clone)]
struct Annotations {
    entries: Vec<(String, Value)>,
    /// The lines of the pod's metadata in what is wanted.
    lines: Range<usize>,
    /// The keys of maps of annotations among values that the same template names, the likeliest first, and of a new one.
    maps: Vec<Vec<String>>,
    /// The words for the new one in the template, where it is the last.
    new_map: Option<String>,
}

/// Where a container of values goes.
#[derive(Debug, Clone)]
struct Moved {
    /// The keys of its new list or map.
    to: Vec<String>,
    /// Whether the template prints these already.
    is_printed: bool,
    /// It is the first of several init containers.
    is_first: bool,
}

impl Item {
    /// Whether it becomes an init container and the template has to print the values that it goes to.
    pub(super) fn needs_printing(&self) -> bool {
        self.moved.as_ref().is_some_and(|moved| !moved.is_printed)
    }

    /// The last key of the values that it goes to.
    pub(super) fn target(&self) -> Option<&str> {
        self.moved.as_ref()?.to.last().map(String::as_str)
    }

    /// Where the template has to print a new map of annotations: the words for it, a key in it, and whether a line of what
    /// is wanted is about it.
    pub(super) fn new_annotations(&self) -> Option<(&str, &str, &Range<usize>)> {
        let own = self.annotations.as_ref()?;
        let is_last = self.chosen.is_some_and(|map| map + 1 == own.maps.len());
        let (key, _) = own.entries.first()?;
        Some((own.new_map.as_deref().filter(|_| is_last)?, key, &own.lines))
    }

    pub(super) fn moves(&self) -> bool {
        self.moved.is_some()
    }

    /// Whether a line of what is wanted is its.
    pub(super) fn is_new(&self, line: usize) -> bool {
        self.new.contains(&line)
    }

    /// The lines of a template that print the values which it goes to, with its items at this column; `entry` tells the
    /// wanted lines of one of its keys.
    pub(super) fn printed(
        &self,
        printing: &Printing,
        column: usize,
        entry: impl Fn(&str) -> Vec<String>,
    ) -> Option<Vec<String>> {
        let (moved, last) = (self.moved.as_ref()?, self.keys.last()?);
        let mut lines = printing.copy(last, moved.to.last()?, column)?;
        if printing.is_by_field {
            let new = self.deeds.iter().filter_map(|deed| match deed.legs.as_slice() {
                [Leg::Key(key)] => Some(entry(key)),
                _ => None,
            });
            let at = lines.len().checked_sub(printing.ends)?;
            lines.splice(at..at, new.flatten());
        }
        Some(lines)
    }
}

/// The containers of values that are otherwise in what is wanted.
pub(super) fn items_of(wanted: &Wanted<'_>, files: &Files) -> Vec<Item> {
    let (Ok(old), Ok(new)) = (
        yaml::parse(&wanted.rendering.source.text),
        yaml::parse(&wanted.text),
    ) else {
        return Vec::new();
    };
    let values = values_of(&wanted.rendering.way);
    let after: Vec<_> = objects_of(&new).collect();
    let mut items = Vec::new();
    for object in objects_of(&old) {
        let Some(other) = after.iter().find(|other| other.reference == object.reference) else {
            continue;
        };
        for (one, two) in discover(&object).iter().zip(discover(other)) {
            let annotations = new_annotations(one.pod_spec, two.pod_spec);
            for container in &one.containers {
                let same = |other: &&Container<'_>| other.name == container.name;
                let changed = two.containers.iter().find(same);
                let annotations = annotations.clone().filter(|own| own.name(container.name));
                let item =
                    changed.and_then(|changed| item(container, changed, (files, &values), annotations));
                items.extend(item);
            }
        }
    }
    items
}

fn item(
    container: &Container<'_>,
    changed: &Container<'_>,
    (files, values): (&Files, &[PathBuf]),
    mut annotations: Option<Annotations>,
) -> Option<Item> {
    let moves = (container.list, changed.list) == (ContainerList::Regular, ContainerList::Init);
    let deeds = deeds(&Value::of(container.node).ok()?, &Value::of(changed.node).ok()?)?;
    if deeds.is_empty() && !moves && annotations.is_none() {
        return None;
    }
    let held = values.iter().rev().flat_map(|path| {
        let all = files.text(path).map(|text| collections(text, container.name));
        all.into_iter().flatten().map(move |keys| (path.clone(), keys))
    });
    let mut printed = held.filter_map(|(path, keys)| {
        let printings = printings(files, &keys);
        (!printings.is_empty()).then_some((path, keys, printings))
    });
    let (path, keys, printings) = printed.next()?;
    let is_by_field = printings.iter().any(|printing| printing.is_by_field);
    let is_new_key = |deed: &Deed| {
        matches!(
            (&deed.kind, deed.legs.as_slice()),
            (DeedKind::Insert { .. }, [Leg::Key(_)])
        )
    };
    if is_by_field && !deeds.is_empty() && !(moves && deeds.iter().all(is_new_key)) {
        return None;
    }
    if let Some(own) = &mut annotations {
        own.maps = annotation_maps(files, &keys, &printings);
        // One that templates ask for already is another thing.
        let is_unknown =
            |map: &Vec<String>| self::printings(files, map).is_empty() && !own.maps.contains(map);
        let (last, parents) = keys.split_last()?;
        let map = [parents, &[POD_ANNOTATIONS.to_owned()]].concat();
        if is_unknown(&map) {
            let words = printings.first()?.words.strip_suffix(last.as_str())?;
            own.new_map = Some(format!("{words}{POD_ANNOTATIONS}"));
            own.maps.push(map);
        }
    }
    let moved = match moves {
        true => Some(moved(files, &keys, &printings, changed)?),
        false => None,
    };
    Some(Item {
        name: container.name.to_owned(),
        values: path,
        keys,
        deeds,
        old: lines_of(container.node, false),
        new: lines_of(changed.node, moves),
        moved,
        printings,
        annotations,
        chosen: None,
    })
}

/// The lines of a rendering in which containers begin that new annotations of their pods name.
pub(super) fn named_containers(wanted: &Wanted<'_>) -> Vec<usize> {
    let (Ok(old), Ok(new)) = (
        yaml::parse(&wanted.rendering.source.text),
        yaml::parse(&wanted.text),
    ) else {
        return Vec::new();
    };
    let after: Vec<_> = objects_of(&new).collect();
    let lines = Lines::new(&wanted.rendering.source.text);
    let mut found = Vec::new();
    for object in objects_of(&old) {
        let other = after.iter().find(|other| other.reference == object.reference);
        let Some(other) = other else { continue };
        for (one, two) in discover(&object).iter().zip(discover(other)) {
            let Some(annotations) = new_annotations(one.pod_spec, two.pod_spec) else {
                continue;
            };
            let named = one
                .containers
                .iter()
                .filter(|container| annotations.name(container.name));
            found.extend(named.map(|container| lines.position(container.node.span().start).line - 1));
        }
    }
    found
}

/// The annotations of a pod that it did not have.
fn new_annotations(old: Node<'_>, new: Node<'_>) -> Option<Annotations> {
    let of = |spec: Node<'_>| Value::of(spec.parent()?.path(&["metadata", "annotations"])?).ok();
    let before = of(old);
    let Value::Mapping(entries) = of(new)? else {
        return None;
    };
    let is_new = |key: &str| before.as_ref().is_none_or(|before| before.get(key).is_none());
    let entries: Vec<_> = entries
        .into_iter()
        .filter_map(|(key, value)| match key {
            Value::String(key) if is_new(&key) => Some((key, value)),
            _ => None,
        })
        .collect();
    let metadata = new.parent()?.entry("metadata")?;
    let lines = Lines::new(new.stream().text());
    let start = lines.position(metadata.key.span().start).line - 1;
    let end = lines.position(metadata.value.span().end).line;
    (!entries.is_empty()).then_some(Annotations {
        entries,
        lines: start..end,
        maps: Vec::new(),
        new_map: None,
    })
}

impl Annotations {
    /// Whether one of them names a container.
    fn name(&self, container: &str) -> bool {
        let names = |value: &Value| match value {
            Value::String(names) => names.split(',').any(|name| name.trim() == container),
            _ => false,
        };
        self.entries.iter().any(|(_, value)| names(value))
    }
}

/// The keys of the maps of annotations that templates name which print these values.
fn annotation_maps(files: &Files, keys: &[String], printings: &[Printing]) -> Vec<Vec<String>> {
    let mut maps: Vec<Vec<String>> = Vec::new();
    for printing in printings {
        let above = keys
            .get(..keys.len().saturating_sub(printing.keys))
            .unwrap_or_default();
        let text = files.text(&printing.path).map_or("", |text| text);
        let beside = printing.siblings(text, "annotations").into_iter();
        let parents = keys.get(..keys.len().saturating_sub(1)).unwrap_or_default();
        maps.extend(beside.map(|map| [parents, &[map]].concat()));
        for map in text.split(".Values.").skip(1) {
            let end = map.find(|sign: char| !(sign.is_ascii_alphanumeric() || "_.".contains(sign)));
            let map = map.get(..end.unwrap_or(map.len())).unwrap_or_default();
            let own = [above, &map.split('.').map(str::to_owned).collect::<Vec<_>>()].concat();
            if map.to_lowercase().ends_with("annotations") && !maps.contains(&own) {
                maps.push(own);
            }
        }
    }
    // Those of the pod come first.
    maps.sort_by_key(|map| !map.last().is_some_and(|key| key.to_lowercase().contains("pod")));
    maps
}

/// The same containers with their pods' annotations in the map of values of this number; nothing where no template names
/// as many.
pub(super) fn annotated(all: &[Vec<Item>], map: usize) -> Option<Vec<Vec<Item>>> {
    let mut some = false;
    let mut chosen = all.to_vec();
    for item in chosen.iter_mut().flatten() {
        let has_map = item.annotations.as_ref().is_some_and(|own| map < own.maps.len());
        item.chosen = has_map.then_some(map);
        some |= has_map;
    }
    some.then_some(chosen)
}

fn moved(files: &Files, keys: &[String], printings: &[Printing], changed: &Container<'_>) -> Option<Moved> {
    let printing = printings.first()?;
    let template = files.text(&printing.path)?;
    let (last, parents) = keys.split_last()?;
    let beside = printing.siblings(template, "initcontainers").into_iter().next();
    let is_beside = beside.is_some();
    let own = printed_for_init_containers(template).filter(|_| !is_beside);
    let to = match &own {
        _ if is_beside => parents.iter().cloned().chain(beside).collect(),
        // In a chart below this one the values have its name before them.
        Some(list) => [keys.get(..keys.len() - printing.keys)?, list].concat(),
        None => [parents, &[sibling_for_init_containers(last)]].concat(),
    };
    let siblings = changed.node.parent().map_or(0, |list| list.children().count());
    Some(Moved {
        to,
        is_printed: is_beside || own.is_some(),
        is_first: changed.index == 0 && siblings > 1,
    })
}

/// The lines of a container, with the key above it where the list is new and it is the first.
fn lines_of(node: Node<'_>, with_key: bool) -> Range<usize> {
    let text = node.stream().text();
    let texts: Vec<&str> = text.split('\n').collect();
    let Range { mut start, end } = lines_of_item(node, &Lines::new(text), &texts);
    let above = start.checked_sub(1).and_then(|line| texts.get(line));
    if with_key && above.is_some_and(|line| line.trim_end().ends_with("initContainers:")) {
        start -= 1;
    }
    start..end
}

/// The keys of the lists and maps in which values have a container of this name.
fn collections(text: &str, name: &str) -> Vec<Vec<String>> {
    let Ok(stream) = yaml::parse(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(root) = stream.root(0) {
        search(root, name, &mut Vec::new(), &mut found);
    }
    found
}

fn search(node: Node<'_>, name: &str, keys: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    if held(node, name).is_some() && !keys.is_empty() {
        found.push(keys.clone());
    }
    if !node.is_mapping() {
        return;
    }
    for entry in node.written_entries() {
        let Some(key) = entry.key.as_str() else { continue };
        keys.push(key.to_owned());
        search(entry.value, name, keys, found);
        keys.pop();
    }
}

/// The container of this name in a list or map.
fn held<'t>(collection: Node<'t>, name: &str) -> Option<Node<'t>> {
    let has_image = |node: &Node<'_>| node.get("image").is_some();
    match collection.is_mapping() {
        true => collection.get(name).filter(has_image),
        false => collection
            .items()
            .find(|item| item.get("name").and_then(Node::as_str) == Some(name))
            .filter(has_image),
    }
}

/// Changes of a rendering without those of containers that are changed in values.
pub(super) fn without(hunks: Vec<Hunk>, items: &[Item]) -> Vec<Hunk> {
    let is_own = |hunk: &Hunk| {
        items.iter().any(|item| {
            let within = |outer: &Range<usize>, inner: &Range<usize>| {
                outer.start <= inner.start && inner.end <= outer.end
            };
            let gone = within(&item.old, &hunk.before);
            let come = within(&item.new, &hunk.after);
            let in_values = item.chosen.and(item.annotations.as_ref());
            if hunk.before.is_empty() && in_values.is_some_and(|own| within(&own.lines, &hunk.after)) {
                return true;
            }
            match item.moves() {
                true => (gone && hunk.after.is_empty()) || (come && hunk.before.is_empty()),
                false => gone && come,
            }
        })
    };
    let of_item = |line: usize| items.iter().any(|item| item.moves() && item.old.contains(&line));
    let kept = hunks.into_iter().filter(|hunk| !is_own(hunk)).map(|mut hunk| {
        // What goes with a container beside other lines is the container's.
        while !hunk.before.is_empty() && of_item(hunk.before.start) {
            hunk.before.start += 1;
        }
        while !hunk.before.is_empty() && of_item(hunk.before.end - 1) {
            hunk.before.end -= 1;
        }
        hunk
    });
    kept.filter(|hunk| !hunk.before.is_empty() || !hunk.after.is_empty())
        .collect()
}

/// Files with all that is done to containers of values; nothing where one of them is written in a way in which that can't
/// be done.
pub(super) fn carried_out(files: &Files, items: &[Item]) -> Option<Files> {
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
    pub(super) fn asks_for_values(&self) -> bool {
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
