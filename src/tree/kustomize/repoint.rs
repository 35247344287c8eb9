//! Paths of JSON patches follow what they point at.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Kustomizations,
    layers::{Form, Layered, Operation, Piece, Unit, carry_out, merge_patch, operand},
    leg::{Leg, identity, node_at, value_at},
    pointer::{locate, resolve, tokens, written},
    reference::text,
    replacement::replacements,
    texts::Texts,
};
use crate::{
    edit::{Change, Place},
    yaml::{self, Node, Value},
};

/// A container that goes to another list.
pub(super) struct Moved<'k> {
    pub(super) object: &'k Layered,
    /// The way to it as it was.
    pub(super) legs: Vec<Leg>,
    pub(super) to: &'static str,
    /// The containers that stand before it there.
    pub(super) before: Vec<String>,
}

/// Lets all JSON patches and replacements follow.
///
/// # Errors
/// An operation that can't, in a clause.
pub(super) fn all(
    tree: &Kustomizations,
    moved: &[Moved<'_>],
    dropped: &BTreeSet<(Unit, Place)>,
    texts: &mut Texts<'_>,
) -> Result<(), String> {
    let mut found: BTreeMap<Unit, Found> = BTreeMap::new();
    for (unit, place) in dropped {
        let found = found.entry(unit.clone()).or_default();
        found.gone.insert(place.clone());
    }
    for object in tree.objects.iter().flatten() {
        let own: Vec<&Moved<'_>> = moved
            .iter()
            .filter(|moved| is_same(moved.object, object))
            .collect();
        let has_operations = object
            .pieces
            .iter()
            .any(|piece| matches!(piece.form, Form::Operations(_)));
        if !has_operations {
            continue;
        }
        let mut follower = Follower {
            moved: &own,
            state: Value::Null,
            found: &mut found,
            left: Vec::new(),
        };
        for piece in &object.pieces {
            follower.piece(piece, texts)?;
        }
    }
    for (unit, found) in &found {
        if !tree.locked.contains_key(&unit.path) {
            found.carry_out(unit, tree, texts);
        }
    }
    replacements(tree, moved, texts);
    Ok(())
}

/// The same object of the same way, or of another one.
pub(super) fn is_same(one: &Layered, other: &Layered) -> bool {
    one.kind == other.kind
        && one.pieces.first().map(|piece| &piece.unit) == other.pieces.first().map(|piece| &piece.unit)
        && one.names.first() == other.names.first()
}

/// What is to be done with the operations of one patch.
#[derive(Default)]
struct Found {
    changes: Vec<Change>,
    gone: BTreeSet<Place>,
}

impl Found {
    fn carry_out(&self, unit: &Unit, tree: &Kustomizations, texts: &mut Texts<'_>) {
        let length = texts.get(unit).and_then(|text| {
            let stream = yaml::parse(&text).ok()?;
            Some(stream.root(0)?.children().count())
        });
        if !self.gone.is_empty() && length == Some(self.gone.len()) {
            // kustomize takes no empty patch.
            let pieces = tree.objects.iter().flatten().flat_map(|object| &object.pieces);
            for (path, place) in pieces
                .filter(|piece| piece.unit == *unit)
                .filter_map(|piece| piece.entry.clone())
            {
                texts.change_outer(&path, Change::Remove(place));
            }
            return;
        }
        let is_kept = |change: &&Change| match change {
            Change::Text(place, _) | Change::Remove(place) => {
                !self.gone.iter().any(|gone| place.steps.starts_with(&gone.steps))
            }
            _ => true,
        };
        let changes = self.changes.iter().filter(is_kept).cloned();
        let (come, changes) = changes.partition(|change| matches!(change, Change::Append(..)));
        let gone = self.gone.iter().cloned().map(Change::Remove).collect();
        texts.change(unit, &[changes, gone, come]);
    }

    fn note(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }
}

/// Follows the patches of one object, in their order.
struct Follower<'f> {
    moved: &'f [&'f Moved<'f>],
    /// What the edited pieces make so far.
    state: Value,
    found: &'f mut BTreeMap<Unit, Found>,
    /// Containers that an operation has no longer in the list that it writes, with the moves that take them away.
    left: Vec<(&'f Moved<'f>, Value)>,
}

impl<'f> Follower<'f> {
    fn piece(&mut self, piece: &Piece, texts: &Texts<'_>) -> Result<(), String> {
        let Some(text) = texts.get(&piece.unit) else {
            return Ok(());
        };
        let Ok(stream) = yaml::parse(&text) else {
            return Ok(());
        };
        match &piece.form {
            Form::Object(place) => {
                let Some(Ok(value)) = place.node(&stream).map(Value::of) else {
                    return Ok(());
                };
                match self.state {
                    Value::Null => self.state = value.effective(),
                    _ => merge_patch(&mut self.state, &value.effective()),
                }
            }
            Form::Operations(operations) => {
                for operation in operations {
                    if let Some(node) = operation.place.node(&stream) {
                        self.operation(&piece.unit, operation, node)?;
                    }
                }
                if let Some(root) = stream.root(0) {
                    self.add_left(&piece.unit, root);
                }
            }
            Form::Generator(_) => {}
        }
        Ok(())
    }

    fn operation(&mut self, unit: &Unit, operation: &Operation, node: Node<'_>) -> Result<(), String> {
        let found = self.found.entry(unit.clone()).or_default();
        let Some(pointer) = text(node, "path") else {
            return Ok(());
        };
        if found.gone.contains(&operation.place) {
            return Ok(());
        }
        let old = tokens(pointer);
        let mut value = operand(node, &operation.name, &mut self.state);
        let Some(legs) = &operation.legs else {
            carry_out(&mut self.state, &operation.name, &old, value);
            return Ok(());
        };
        for (moved, place, item) in leaving(legs, node, self.moved) {
            found.note(Change::Remove(place));
            if let Some(items) = value.as_mut().and_then(Value::items_mut) {
                items.retain(|own| *own != item);
            }
            self.left.push((moved, item));
        }
        let (legs, moved) = translated(legs, self.moved);
        if let Some(new) = new_tokens(&self.state, operation, &legs, moved, &old) {
            if new != old {
                found.note(Change::Text(operation.place.key("path"), written(&new)));
            }
            carry_out(&mut self.state, &operation.name, &new, value);
            return Ok(());
        }
        let list = match legs.split_last() {
            Some((Leg::Item { .. } | Leg::Index(_), list)) if operation.name == "add" => list,
            _ => &[],
        };
        let (Some(new), Some(value)) = (pointer_to_key(&self.state, list), value) else {
            return Err(format!(
                "the operation on {pointer} in {} has nothing to point at any more",
                unit.path.display()
            ));
        };
        // There is no list any more that the item could be added to.
        found.note(Change::Text(operation.place.key("path"), written(&new)));
        found.note(Change::Enlist(operation.place.key("value")));
        carry_out(
            &mut self.state,
            &operation.name,
            &new,
            Some(Value::Sequence(vec![value])),
        );
        Ok(())
    }
}

impl Follower<'_> {
    /// Adds operations for the containers that have left a list: to the list that they go to, or with that list.
    fn add_left(&mut self, unit: &Unit, root: Node<'_>) {
        for (moved, item) in std::mem::take(&mut self.left) {
            let Some((spec, _, leg)) = super::edit::split_item(&moved.legs) else {
                continue;
            };
            let list = [spec, &[Leg::Key(moved.to.to_owned())]].concat();
            let own = [list.as_slice(), std::slice::from_ref(leg)].concat();
            let (name, pointer, value) = match (locate(&self.state, &own), value_at(&self.state, &list)) {
                (Some(own), _) => ("replace", Some(own), item),
                (None, Some(Value::Sequence(items))) => {
                    let place = place_among(items, &moved.before);
                    let list = locate(&self.state, &list);
                    ("add", list.map(|list| [list, vec![place]].concat()), item)
                }
                _ => (
                    "add",
                    pointer_to_key(&self.state, &list),
                    Value::Sequence(vec![item]),
                ),
            };
            let (Some(pointer), Some(root)) = (pointer, Place::of(root)) else {
                continue;
            };
            carry_out(&mut self.state, name, &pointer, Some(value.clone()));
            let operation = Value::Mapping(vec![
                (Value::string("op"), Value::string(name)),
                (Value::string("path"), Value::string(written(&pointer))),
                (Value::string("value"), value),
            ]);
            let found = self.found.entry(unit.clone()).or_default();
            found.note(Change::Append(root, operation));
        }
    }
}

/// The containers that move out of a list which an operation writes as a whole, with their places in it.
fn leaving<'m>(legs: &[Leg], node: Node<'_>, moved: &[&'m Moved<'m>]) -> Vec<(&'m Moved<'m>, Place, Value)> {
    let own = moved.iter().filter_map(|moved| {
        let (item, list) = moved.legs.split_last()?;
        let item = node_at(node.get("value")?, std::slice::from_ref(item)).filter(|_| list == legs)?;
        Some((*moved, Place::of(item)?, Value::of(item).ok()?))
    });
    own.collect()
}

/// The way to what has moved, and the move where it is the container itself.
fn translated<'m>(legs: &[Leg], moved: &[&'m Moved<'m>]) -> (Vec<Leg>, Option<&'m Moved<'m>>) {
    for moved in moved {
        let Some(rest) = legs.strip_prefix(moved.legs.as_slice()) else {
            continue;
        };
        let Some((spec, _, item)) = super::edit::split_item(&moved.legs) else {
            continue;
        };
        let mut new = spec.to_vec();
        new.extend([Leg::Key(moved.to.to_owned()), item.clone()]);
        new.extend_from_slice(rest);
        return (new, rest.is_empty().then_some(*moved));
    }
    (legs.to_vec(), None)
}

/// Where an operation has to point now.
fn new_tokens(
    state: &Value,
    operation: &Operation,
    legs: &[Leg],
    moved: Option<&Moved<'_>>,
    old: &[String],
) -> Option<Vec<String>> {
    let (leg, parents) = legs.split_last()?;
    let (last, old_parents) = old.split_last()?;
    match (leg, operation.name.as_str()) {
        (Leg::Item { .. } | Leg::Index(_), "add") => {
            let mut tokens = located(state, parents, old_parents)?;
            let items = match value_at(state, parents)? {
                Value::Sequence(items) => items,
                _ => return None,
            };
            tokens.push(match moved {
                Some(moved) => place_among(items, &moved.before),
                None => kept_place(items.len(), last),
            });
            Some(tokens)
        }
        // Whether there is such a key is for kustomize to say.
        (Leg::Key(key), _) => {
            let mut tokens = located(state, parents, old_parents)?;
            tokens.push(key.clone());
            Some(tokens)
        }
        _ => located(state, legs, old),
    }
}

/// The tokens that point at the end of a way; the old ones where they still do: items may have the same identity.
fn located(state: &Value, legs: &[Leg], old: &[String]) -> Option<Vec<String>> {
    match resolve(state, old).as_deref() == Some(legs) {
        true => Some(old.to_vec()),
        false => locate(state, legs),
    }
}

fn pointer_to_key(state: &Value, legs: &[Leg]) -> Option<Vec<String>> {
    let (Leg::Key(key), parents) = legs.split_last()? else {
        return None;
    };
    let mut tokens = locate(state, parents)?;
    tokens.push(key.clone());
    Some(tokens)
}

/// Behind the containers that stand before it.
pub(super) fn place_among(items: &[Value], before: &[String]) -> String {
    let stands_before = |item: &Value| {
        item.get("name")
            .and_then(identity)
            .is_some_and(|name| before.contains(&name))
    };
    let at = items.iter().rposition(stands_before).map_or(0, |index| index + 1);
    match at == items.len() {
        true => "-".to_owned(),
        false => at.to_string(),
    }
}

fn kept_place(length: usize, token: &str) -> String {
    match token.parse::<usize>() {
        Ok(index) if index > length => "-".to_owned(),
        _ => token.to_owned(),
    }
}
