//! Containers that stand in values under their names. What is wanted of one is done where it stands, and one that becomes
//! an init container moves to values of its own, which the template prints in the way in which it prints those that it
//! leaves: by a loop, with `tpl`, or through a part of another chart.

mod carried_out;

pub(super) use self::carried_out::carried_out;

use std::{ops::Range, path::PathBuf};

use crate::{
    diff::Hunk,
    source::Lines,
    tree::{
        Files, Wanted,
        difference::{Deed, DeedKind, deeds},
        leg::Leg,
    },
    workload::{Container, ContainerList, discover, objects_of},
    yaml::{self, Node, Value},
};

use super::{
    changes::lines_of_item,
    printings::{Printing, printings},
    values::values_of,
    values_list::{printed_for_init_containers, sibling_for_init_containers},
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
