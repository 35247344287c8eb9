//! Which pieces a deed is carried out at.

use super::{
    Task,
    carry::{Edition, MovedItem, Removed},
    shared::is_same_deed,
    split_item, users,
};
use crate::{
    edit::{Change, Place, Position},
    tree::{
        Files,
        kustomize::{
            Kustomizations,
            difference::{DeedKind, LISTS, insertion_at},
            generator::{Datum, datum},
            layers::{Form, Layered, Piece, text_of},
            leg::{Leg, node_at},
            repoint::is_same,
        },
    },
    yaml::{self, Node, Value},
};

/// Notes the changes of the pieces that carry a deed out.
pub(super) fn place(task: &Task<'_>, all: &[Task<'_>], edition: &mut Edition<'_>) {
    let pieces = &task.object.pieces;
    let legs = &task.deed.legs;
    match &task.deed.kind {
        DeedKind::Remove => pieces.iter().enumerate().for_each(|(index, piece)| {
            remove(piece, index > 0, legs, edition);
        }),
        DeedKind::Replace { old, new } => {
            // The last one counts.
            let _is_placed = pieces
                .iter()
                .rev()
                .any(|piece| replace(piece, legs, old, new, edition));
        }
        DeedKind::Insert { after, value } => {
            insert(task, all, (after.as_deref(), value), edition);
        }
        DeedKind::Move { to, before } => {
            let objects = edition.tree.objects.iter().flatten();
            // A patch of another way may take the container out.
            for object in objects.filter(|object| is_same(task.object, object)) {
                move_in_all(&object.pieces, legs, (to, before), edition);
            }
        }
    }
}

/// Moves a container in all pieces that speak of it.
fn move_in_all(
    pieces: &[Piece],
    legs: &[Leg],
    (to, before): (&'static str, &[String]),
    edition: &mut Edition<'_>,
) {
    let Some((spec, from, _)) = list_of_item(legs) else {
        return;
    };
    for (index, piece) in pieces.iter().enumerate() {
        let deletes = with_node(edition, piece, legs, |node| node.get("$patch").is_some());
        let (Some(deletes), Some((object, legs))) = (deletes, holder(piece, spec, legs)) else {
            continue;
        };
        let stands_below = |name: &&String| {
            let item = Leg::Item {
                key: "name",
                value: (*name).clone(),
            };
            let in_list = |list: &str| [spec, &[Leg::Key(list.to_owned()), item.clone()]].concat();
            let below = pieces.get(..index).unwrap_or_default();
            below.iter().any(|below| {
                with_node(edition, below, &in_list(to), |_| ()).is_some()
                    || with_node(edition, below, &in_list(from), |_| ()).is_some()
            })
        };
        // kustomize puts the items of a patch first, in their order.
        let below: Vec<String> = match deletes {
            true => Vec::new(),
            false => before.iter().filter(stands_below).cloned().collect(),
        };
        edition.move_item(MovedItem {
            unit: piece.unit.clone(),
            is_patch: index > 0 && matches!(piece.form, Form::Object(_)),
            object,
            legs,
            to,
            before: before.to_vec(),
            below,
            entry: piece.entry.clone(),
        });
    }
}

/// The mapping of a piece that holds both lists between which a container moves, and the way to the container in it.
fn holder(piece: &Piece, spec: &[Leg], legs: &[Leg]) -> Option<(Place, Vec<Leg>)> {
    match &piece.form {
        Form::Object(place) => Some((place.clone(), legs.to_vec())),
        Form::Operations(operations) => operations.iter().rev().find_map(|operation| {
            let own = operation.legs.as_deref().filter(|own| spec.starts_with(own))?;
            Some((operation.place.key("value"), legs.get(own.len()..)?.to_vec()))
        }),
        Form::Generator(_) => None,
    }
}

/// Looks at what a piece has for a field.
fn with_node<T>(
    edition: &Edition<'_>,
    piece: &Piece,
    legs: &[Leg],
    look: impl FnOnce(Node<'_>) -> T,
) -> Option<T> {
    let text = edition.text(&piece.unit)?;
    let stream = yaml::parse(&text).ok()?;
    piece.node(&stream, legs).map(look)
}

/// Whether a piece says something about a field.
pub(super) fn holds(files: &Files, piece: &Piece, legs: &[Leg]) -> bool {
    if matches!(piece.form, Form::Generator(_)) {
        return true;
    }
    text_of(files, &piece.unit).is_some_and(|text| {
        let stream = yaml::parse(&text);
        stream.is_ok_and(|stream| piece.node(&stream, legs).is_some())
    })
}

fn remove(piece: &Piece, is_patch: bool, legs: &[Leg], edition: &mut Edition<'_>) {
    if let Form::Operations(operations) = &piece.form {
        let within = operations
            .iter()
            .filter(|operation| operation.legs.as_ref().is_some_and(|own| own.starts_with(legs)));
        for operation in within {
            edition.drop_operation(&piece.unit, &operation.place);
        }
    }
    let Some(Some(place)) = with_node(edition, piece, legs, Place::of) else {
        return;
    };
    let is_operation = matches!(&piece.form, Form::Operations(operations)
        if operations.iter().any(|operation| operation.legs.as_deref() == Some(legs)));
    if is_operation {
        return;
    }
    edition.change(&piece.unit, Change::Remove(place));
    if let (true, Form::Object(object)) = (is_patch, &piece.form) {
        edition.removed.push(Removed {
            unit: piece.unit.clone(),
            object: object.clone(),
            legs: legs.to_vec(),
            entry: piece.entry.clone(),
        });
    }
}

/// Whether the piece has the field, so that none below it counts.
fn replace(piece: &Piece, legs: &[Leg], old: &Value, new: &Value, edition: &mut Edition<'_>) -> bool {
    if let Form::Generator(generator) = &piece.form {
        return replace_generated(piece, generator, legs, (old, new), edition);
    }
    let found = with_node(edition, piece, legs, |node| {
        let is_same = Value::of(node).is_ok_and(|own| own == *old);
        (is_same.then(|| Place::of(node)).flatten(), previous_key(node))
    });
    let Some((place, previous)) = found else {
        return false;
    };
    if let Some(place) = place {
        replace_at(piece, &place, previous, new, edition);
    }
    true
}

fn replace_at(
    piece: &Piece,
    place: &Place,
    previous: Option<String>,
    new: &Value,
    edition: &mut Edition<'_>,
) {
    match new {
        Value::String(text) => edition.change(&piece.unit, Change::Text(place.clone(), text.clone())),
        Value::Sequence(items) if items.iter().all(|item| matches!(item, Value::String(_))) => {
            let words = items.iter().filter_map(|item| match item {
                Value::String(word) => Some(word.clone()),
                _ => None,
            });
            edition.change(&piece.unit, Change::Words(place.clone(), words.collect()));
        }
        other => {
            let Some((mapping, crate::edit::Step::Key(key))) = place.split() else {
                return;
            };
            edition.change(&piece.unit, Change::Remove(place.clone()));
            edition.change_then(
                &piece.unit,
                Change::Insert {
                    mapping,
                    key: key.clone(),
                    value: other.clone(),
                    position: previous.map_or(Position::Last, Position::After),
                },
            );
        }
    }
}

/// The key of the entry before the one that a node is the value of.
fn previous_key(node: Node<'_>) -> Option<String> {
    let mut previous = None;
    for entry in node.parent()?.written_entries() {
        if entry.written_value() == node {
            return previous;
        }
        previous = entry.key.as_str().map(str::to_owned);
    }
    None
}

fn replace_generated(
    piece: &Piece,
    generator: &Place,
    legs: &[Leg],
    (old, new): (&Value, &Value),
    edition: &mut Edition<'_>,
) -> bool {
    let ([Leg::Key(data), Leg::Key(key)], Value::String(old), Value::String(new)) = (legs, old, new) else {
        return false;
    };
    let datum = edition.text(&piece.unit).and_then(|text| {
        let stream = yaml::parse(&text).ok()?;
        datum(&stream, generator, &piece.unit.path, key)
    });
    match datum.filter(|_| data == "data") {
        Some(Datum::File(path)) => {
            edition.put(&path, old, new);
            true
        }
        Some(Datum::Literal { place, .. }) => {
            let (old, new) = (format!("{key}={old}"), format!("{key}={new}"));
            edition.change_literal(&piece.unit.path, place, &old, new);
            true
        }
        None => false,
    }
}

/// Inserts into the first piece whose other users want the same.
fn insert(task: &Task<'_>, all: &[Task<'_>], entry: (Option<&str>, &Value), edition: &mut Edition<'_>) {
    let candidates = places_for(edition.tree, task, entry);
    let agreed: Vec<_> = candidates
        .iter()
        .filter(|(piece, _)| is_wanted_by_all(edition.tree, piece, task, all))
        .collect();
    let instead = agreed
        .iter()
        .find(|(piece, _)| loses_a_neighbour(edition.tree, piece, task, all));
    if let Some((piece, change)) = instead.or(agreed.first()).copied().or(candidates.first()) {
        edition.change(&piece.unit, change.clone());
    }
}

/// Whether a piece has something beside the new entry that goes or changes: the new one stands in its place.
fn loses_a_neighbour(tree: &Kustomizations, piece: &Piece, task: &Task<'_>, all: &[Task<'_>]) -> bool {
    let around = |legs: &[Leg]| legs.split_last().map(|(_, around)| around.to_vec());
    // A container's fields stand where it is declared.
    if matches!(task.deed.legs.as_slice(), [.., Leg::Item { .. }, _]) {
        return false;
    }
    let mut others = all.iter().filter(|other| {
        other.way == task.way
            && std::ptr::eq(other.object, task.object)
            && !matches!(other.deed.kind, DeedKind::Insert { .. })
            && around(&other.deed.legs) == around(&task.deed.legs)
    });
    others.any(|other| holds(&tree.files, piece, &other.deed.legs))
}

/// Whether there is a piece for something new whose other users want the same.
pub(super) fn is_agreed(tree: &Kustomizations, task: &Task<'_>, all: &[Task<'_>]) -> bool {
    let DeedKind::Insert { after, value } = &task.deed.kind else {
        return false;
    };
    let candidates = places_for(tree, task, (after.as_deref(), value));
    candidates
        .iter()
        .any(|(piece, _)| is_wanted_by_all(tree, piece, task, all))
}

/// The pieces that something new may go into, with the change of each.
fn places_for<'k>(
    tree: &Kustomizations,
    task: &Task<'k>,
    entry: (Option<&str>, &Value),
) -> Vec<(&'k Piece, Change)> {
    let pieces = &task.object.pieces;
    let effective = pieces
        .iter()
        .rposition(|piece| writes_above(piece, &task.deed.legs));
    pieces
        .iter()
        .skip(effective.unwrap_or(0))
        .filter_map(|piece| Some((piece, insertion(&tree.files, piece, &task.deed.legs, entry)?)))
        .collect()
}

/// Whether all objects that a piece is part of want the same.
fn is_wanted_by_all(tree: &Kustomizations, piece: &Piece, task: &Task<'_>, all: &[Task<'_>]) -> bool {
    let wants = |way: usize, object: &Layered| {
        all.iter().any(|other| {
            other.way == way && std::ptr::eq(other.object, object) && is_same_deed(&other.deed, &task.deed)
        })
    };
    users(tree, piece)
        .into_iter()
        .all(|(way, object)| wants(way, object))
}

/// Whether a JSON patch writes all of what a field is in: what pieces before it say there does not count.
fn writes_above(piece: &Piece, legs: &[Leg]) -> bool {
    let Form::Operations(operations) = &piece.form else {
        return false;
    };
    operations.iter().any(|operation| {
        let own = operation.legs.as_deref();
        ["add", "replace"].contains(&operation.name.as_str())
            && own.is_some_and(|own| own.len() < legs.len() && legs.starts_with(own))
    })
}

/// The change that adds an entry to a piece; nothing where the piece has no mapping for it.
fn insertion(
    files: &Files,
    piece: &Piece,
    legs: &[Leg],
    (after, value): (Option<&str>, &Value),
) -> Option<Change> {
    let text = text_of(files, &piece.unit)?;
    let stream = yaml::parse(&text).ok()?;
    insertion_at(
        |to| match &piece.form {
            Form::Object(place) => node_at(place.node(&stream)?, to),
            _ => piece.node(&stream, to),
        },
        legs,
        (after, value),
    )
}

/// The list that an item is in, and what leads to it.
pub(super) fn list_of_item(legs: &[Leg]) -> Option<(&[Leg], &'static str, &Leg)> {
    let (spec, list, item) = split_item(legs)?;
    let list = LISTS.into_iter().find(|own| *own == list)?;
    Some((spec, list, item))
}
