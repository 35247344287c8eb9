//! Paths of `replacements` follow the containers that they name or count.

use super::{
    Kustomizations,
    difference::LISTS,
    layers::Unit,
    leg::{Leg, identity, value_at},
    reference::{is_kustomization, items},
    repoint::{Moved, is_same},
    target::selects,
    texts::Texts,
};
use crate::{
    edit::{Change, Place},
    yaml::{self, Node, Value},
};

/// Lets `replacements` follow the containers that they name.
pub(super) fn replacements(tree: &Kustomizations, moved: &[Moved<'_>], texts: &mut Texts<'_>) {
    if moved.is_empty() {
        return;
    }
    for (path, text) in tree.files.texts() {
        let is_kustomization = is_kustomization(path);
        let names_containers = text.contains("ontainers.") && text.contains("fieldPath");
        if !names_containers || tree.locked.contains_key(path) {
            continue;
        }
        let Ok(stream) = yaml::parse(text) else { continue };
        for (_, root) in stream.roots() {
            let list: Vec<Node<'_>> = match (is_kustomization, root.is_sequence()) {
                (true, _) => items(root, "replacements").collect(),
                (false, true) => root.items().collect(),
                (false, false) => vec![root],
            };
            for change in list
                .into_iter()
                .flat_map(|replacement| follow(replacement, moved))
            {
                match is_kustomization {
                    true => texts.change_outer(path, change),
                    false => texts.change(
                        &Unit {
                            path: path.to_owned(),
                            inline: None,
                        },
                        &[vec![change]],
                    ),
                }
            }
        }
    }
}

/// The changes of one replacement's paths.
fn follow(replacement: Node<'_>, moved: &[Moved<'_>]) -> Vec<Change> {
    let mut changes = Vec::new();
    let source = replacement.get("source");
    let source_path = source.and_then(|source| source.get("fieldPath"));
    let mut paths: Vec<(Option<Node<'_>>, Node<'_>)> =
        source_path.map(|path| (source, path)).into_iter().collect();
    for target in items(replacement, "targets") {
        let select = target.get("select");
        paths.extend(items(target, "fieldPaths").map(|path| (select, path)));
    }
    for (select, node) in paths {
        let (Some(path), Some(place)) = (node.as_str(), Place::of(node)) else {
            continue;
        };
        let meant = moved
            .iter()
            .filter(|moved| select.is_none_or(|select| selects(select, moved.object)));
        let meant: Vec<&Moved<'_>> = meant.collect();
        let new = meant
            .iter()
            .fold(path.to_owned(), |path, moved| renamed(&path, moved));
        let new = recounted(&new, &meant).unwrap_or(new);
        changes.extend(meant.iter().filter_map(|moved| beside_all(node, path, moved)));
        if new != path {
            changes.push(Change::Text(place, new));
        }
    }
    changes
}

/// A path of a replacement with the list that a container is in now.
fn renamed(path: &str, moved: &Moved<'_>) -> String {
    let Some((_, list, Leg::Item { value, .. })) = super::edit::split_item(&moved.legs) else {
        return path.to_owned();
    };
    path.replace(
        &format!(".{list}.[name={value}]"),
        &format!(".{}.[name={value}]", moved.to),
    )
}

/// What lets a path to all containers of a list reach one that has left it, too: a path of its own, or where no other
/// container has the field, in the place of that path.
fn beside_all(node: Node<'_>, path: &str, moved: &Moved<'_>) -> Option<Change> {
    let (spec, list, Leg::Item { value, .. }) = super::edit::split_item(&moved.legs)? else {
        return None;
    };
    let all = format!("{list}.*.");
    let (before, field) = path.split_once(&all)?;
    let field: Vec<&str> = field.split('.').collect();
    let is_own = |item: &&Value| item.get("name").is_some_and(|name| name.is_string(value));
    let Some(Value::Sequence(items)) = value_at(&moved.object.state, spec)?.get(list) else {
        return None;
    };
    items.iter().find(is_own).filter(|item| has(item, &field))?;
    let new = format!("{before}{}.[name={value}].{}", moved.to, field.join("."));
    let targets = node.parent()?;
    if targets.children().any(|own| own.as_str() == Some(&new)) {
        return None;
    }
    match items.iter().any(|item| !is_own(&item) && has(item, &field)) {
        true => Some(Change::Append(Place::of(targets)?, Value::string(new))),
        false => Some(Change::Text(Place::of(node)?, new)),
    }
}

/// Whether a value has the field that a path of a replacement leads to.
fn has(value: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    match value {
        Value::Sequence(items) => {
            let named = first
                .strip_prefix('[')
                .and_then(|first| first.strip_suffix(']')?.split_once('='));
            let is_meant = |index: usize, item: &Value| match named {
                Some((key, text)) => item.get(key).and_then(identity).as_deref() == Some(text),
                None => *first == "*" || first.parse() == Ok(index),
            };
            let mut items = items.iter().enumerate();
            items.any(|(index, item)| is_meant(index, item) && has(item, rest))
        }
        other => other.get(first).is_some_and(|own| has(own, rest)),
    }
}

/// A path of a replacement that counts containers, as they stand now.
fn recounted(path: &str, moved: &[&Moved<'_>]) -> Option<String> {
    let object = moved.first()?.object;
    let parts: Vec<&str> = path.split('.').collect();
    let at = parts.iter().position(|part| LISTS.contains(part))?;
    let (list, index) = (*parts.get(at)?, parts.get(at + 1)?.parse::<usize>().ok()?);
    let spec: Vec<Leg> = parts
        .get(..at)?
        .iter()
        .map(|key| Leg::Key((*key).to_owned()))
        .collect();
    let spec = value_at(&object.state, &spec)?;
    let name = names(spec, list).get(index)?.clone();
    let own: Vec<&Moved<'_>> = moved
        .iter()
        .copied()
        .filter(|moved| is_same(moved.object, object))
        .collect();
    let (list, index) = LISTS.into_iter().find_map(|list| {
        let after = names_after(spec, list, &own);
        Some((list, after.iter().position(|own| *own == name)?))
    })?;
    let mut parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
    *parts.get_mut(at)? = list.to_owned();
    *parts.get_mut(at + 1)? = index.to_string();
    Some(parts.join("."))
}

/// The names of the containers of a list once all have moved.
fn names_after(spec: &Value, list: &str, moved: &[&Moved<'_>]) -> Vec<String> {
    let name = |moved: &Moved<'_>| match super::edit::split_item(&moved.legs) {
        Some((_, from, Leg::Item { value, .. })) => Some((from.to_owned(), value.clone())),
        _ => None,
    };
    let mut names = names(spec, list);
    let mut came: Vec<(usize, String)> = Vec::new();
    for moved in moved {
        let Some((from, value)) = name(moved) else {
            continue;
        };
        if from == list {
            names.retain(|name| *name != value);
        } else if !came.iter().any(|(_, name)| *name == value) {
            came.push((moved.before.len(), value));
        }
    }
    came.sort();
    for (at, value) in came {
        names.insert(at.min(names.len()), value);
    }
    names
}

fn names(spec: &Value, list: &str) -> Vec<String> {
    let Some(Value::Sequence(items)) = spec.get(list) else {
        return Vec::new();
    };
    items
        .iter()
        .map(|item| item.get("name").and_then(identity).unwrap_or_default())
        .collect()
}
