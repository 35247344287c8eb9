//! Carries the changes of all pieces out.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::place::list_of_item;
use crate::{
    edit::{Change, Place, Position},
    tree::kustomize::{
        Kustomizations,
        layers::{Unit, text_of},
        leg::{Leg, item_leg, node_at},
        lock::Lock,
        texts::{Texts, removed},
    },
    yaml::{self, Node, Stream, Value},
};

/// A container that goes to another list of the same object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MovedItem {
    pub(super) unit: Unit,
    pub(super) object: Place,
    /// The way to it.
    pub(super) legs: Vec<Leg>,
    pub(super) to: &'static str,
    /// The containers that stand before it there.
    pub(super) before: Vec<String>,
    /// Those of them that pieces below this one bring: a patch has to name them, to stand behind them.
    pub(super) below: Vec<String>,
    pub(super) is_patch: bool,
    /// The patch's entry in its kustomization.
    pub(super) entry: Option<(PathBuf, Place)>,
}

/// A field that goes from a patch, of which nothing may be left then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) unit: Unit,
    pub(super) object: Place,
    pub(super) legs: Vec<Leg>,
    /// The patch's entry in its kustomization.
    pub(super) entry: Option<(PathBuf, Place)>,
}

/// The changes of all pieces.
pub(super) struct Edition<'k> {
    pub(super) tree: &'k Kustomizations,
    texts: Texts<'k>,
    /// Three rounds for each text: what is new, so that nothing is empty in between; all else; and new values where old
    /// ones went.
    changes: BTreeMap<Unit, [Vec<Change>; 3]>,
    moves: Vec<MovedItem>,
    pub(super) removed: Vec<Removed>,
    /// Operations of JSON patches that go.
    pub(super) dropped: BTreeSet<(Unit, Place)>,
    /// A file that would have to change and must not, and why.
    pub(super) locked: Option<(PathBuf, Lock)>,
    /// A file with a patch that would say nothing any more.
    pub(super) emptied: Option<PathBuf>,
}

impl<'k> Edition<'k> {
    pub(super) fn new(tree: &'k Kustomizations) -> Self {
        Self {
            tree,
            texts: Texts::new(&tree.files),
            changes: BTreeMap::new(),
            moves: Vec::new(),
            removed: Vec::new(),
            dropped: BTreeSet::new(),
            locked: None,
            emptied: None,
        }
    }

    /// The text of a unit before any change.
    pub(super) fn text(&self, unit: &Unit) -> Option<String> {
        text_of(&self.tree.files, unit)
    }

    pub(super) fn change(&mut self, unit: &Unit, change: Change) {
        let round = usize::from(!matches!(change, Change::Insert { .. }));
        self.note(unit, round, change);
    }

    /// Notes a change of the last round.
    pub(super) fn change_then(&mut self, unit: &Unit, change: Change) {
        self.note(unit, 2, change);
    }

    fn note(&mut self, unit: &Unit, round: usize, change: Change) {
        if self.is_locked(&unit.path) {
            return;
        }
        let rounds = self.changes.entry(unit.clone()).or_default();
        if let Some(changes) = rounds.get_mut(round)
            && !changes.iter().any(|known| is_same_entry(known, &change))
        {
            let change = behind_others(change, changes);
            changes.push(change);
        }
    }

    /// Whether a file must not be changed, which is noted.
    fn is_locked(&mut self, path: &Path) -> bool {
        let lock = self.tree.locked.get(path);
        if let Some(lock) = lock {
            self.locked = Some((path.to_owned(), lock.clone()));
        }
        lock.is_some()
    }

    pub(super) fn move_item(&mut self, item: MovedItem) {
        if !self.is_locked(&item.unit.path) && !self.moves.contains(&item) {
            self.moves.push(item);
        }
    }

    pub(super) fn drop_operation(&mut self, unit: &Unit, place: &Place) {
        if !self.is_locked(&unit.path) {
            self.dropped.insert((unit.clone(), place.clone()));
        }
    }

    /// Gives a file that holds `old`, and nothing else, another text.
    pub(super) fn put(&mut self, path: &Path, old: &str, new: &str) {
        let is_same = self.tree.files.text(path).is_some_and(|text| **text == *old);
        if is_same && !self.is_locked(path) {
            self.texts.put(path.to_owned(), new.to_owned());
        }
    }

    /// Gives a literal of a generator another text.
    pub(super) fn change_literal(&mut self, path: &Path, place: Place, old: &str, new: String) {
        let is_same = self.tree.files.text(path).is_some_and(|text| {
            let stream = yaml::parse(text);
            stream.is_ok_and(|stream| place.node(&stream).and_then(Node::as_str) == Some(old))
        });
        if is_same && !self.is_locked(path) {
            self.texts.change_outer(path, Change::Text(place, new));
        }
    }

    /// Makes all changes but those of JSON patches' paths.
    pub(super) fn carry_out(&mut self) -> Texts<'k> {
        let mut texts = std::mem::replace(&mut self.texts, Texts::new(&self.tree.files));
        for (unit, rounds) in &self.changes {
            let rounds: Vec<Vec<Change>> = rounds.iter().map(|round| outermost(round)).collect();
            texts.change(unit, &rounds);
        }
        self.moves.sort_by_key(|item| item.before.len());
        for item in &self.moves {
            move_in(&mut texts, item);
        }
        for removed in &self.removed {
            prune(&mut texts, &removed.unit, &removed.object, &removed.legs);
        }
        for item in self.moves.iter().filter(|item| item.is_patch) {
            prune(&mut texts, &item.unit, &item.object, &item.legs);
            let Some((spec, _, leg)) = list_of_item(&item.legs) else {
                continue;
            };
            let mut list = spec.to_vec();
            list.push(Leg::Key(item.to.to_owned()));
            // Behind an item stands what a removed field would be.
            let field_of = |item: Leg| [list.as_slice(), &[item, Leg::Index(0)]].concat();
            prune(&mut texts, &item.unit, &item.object, &field_of(leg.clone()));
            let moved = [list.as_slice(), std::slice::from_ref(leg)].concat();
            if !is_there(&texts, item, &moved) {
                for name in &item.below {
                    let named = Leg::Item {
                        key: "name",
                        value: name.clone(),
                    };
                    prune(&mut texts, &item.unit, &item.object, &field_of(named));
                }
            }
        }
        let removed = self
            .removed
            .iter()
            .map(|removed| (&removed.unit, &removed.object, &removed.entry));
        let moved = self.moves.iter().filter(|item| item.is_patch);
        let touched = removed.chain(moved.map(|item| (&item.unit, &item.object, &item.entry)));
        let emptied = touched.filter(|(unit, object, _)| only_names(&texts, unit, object));
        for (unit, _, entry) in emptied.collect::<Vec<_>>() {
            match entry {
                Some((path, place)) if unit.inline.is_some() => {
                    texts.change_outer(path, Change::Remove(place.clone()));
                }
                _ => self.emptied = Some(unit.path.clone()),
            }
        }
        texts
    }
}

fn is_there(texts: &Texts<'_>, item: &MovedItem, legs: &[Leg]) -> bool {
    texts.get(&item.unit).is_some_and(|text| {
        let stream = yaml::parse(&text);
        stream.is_ok_and(|stream| {
            let object = item.object.node(&stream);
            object.and_then(|object| node_at(object, legs)).is_some()
        })
    })
}

/// Whether two changes are one: a new entry is, wherever it goes among the others.
fn is_same_entry(one: &Change, other: &Change) -> bool {
    let entry = |change: &Change| match change {
        Change::Insert {
            mapping, key, value, ..
        } => Some((mapping.clone(), key.clone(), value.clone())),
        _ => None,
    };
    one == other || entry(one).is_some_and(|one| entry(other) == Some(one))
}

/// The change with a place of its own: of two new entries behind the same one, the second goes behind all.
fn behind_others(change: Change, known: &[Change]) -> Change {
    let place = |change: &Change| match change {
        Change::Insert {
            mapping, position, ..
        } => Some((mapping.clone(), position.clone())),
        _ => None,
    };
    let is_taken =
        place(&change).is_some_and(|own| known.iter().any(|known| place(known).as_ref() == Some(&own)));
    match change {
        Change::Insert {
            mapping, key, value, ..
        } if is_taken => Change::Insert {
            mapping,
            key,
            value,
            position: Position::Last,
        },
        change => change,
    }
}

/// Whether an object says no more than which one it is for, and no other stands beside it.
fn only_names(texts: &Texts<'_>, unit: &Unit, object: &Place) -> bool {
    let Some(text) = texts.get(unit) else { return false };
    let Ok(stream) = yaml::parse(&text) else {
        return false;
    };
    let keys = |node: Node<'_>, known: &[&str]| {
        let mut entries = node.written_entries();
        entries.all(|entry| entry.key.as_str().is_some_and(|key| known.contains(&key)))
    };
    object.node(&stream).is_some_and(|object| {
        stream.roots().count() == 1
            && keys(object, &["apiVersion", "kind", "metadata"])
            && object
                .get("metadata")
                .is_none_or(|metadata| keys(metadata, &["name", "namespace"]))
    })
}

/// The changes without those in what is removed anyway.
fn outermost(changes: &[Change]) -> Vec<Change> {
    let removed = removed(changes);
    let is_inside = |place: &Place| {
        removed.iter().any(|gone| {
            gone.document == place.document
                && place.steps.len() > gone.steps.len()
                && place.steps.starts_with(&gone.steps)
        })
    };
    let place_of = |change: &Change| match change {
        Change::Remove(place) | Change::Text(place, _) | Change::Words(place, _) => place.clone(),
        Change::Insert { mapping, key, .. } => mapping.key(key),
        Change::Move { mapping, .. } => mapping.clone(),
        Change::Enlist(place) | Change::Append(place, _) => place.clone(),
    };
    let kept = changes.iter().filter(|change| !is_inside(&place_of(change)));
    kept.cloned().collect()
}

/// Moves a container in one text.
fn move_in(texts: &mut Texts<'_>, item: &MovedItem) {
    let list = texts.get(&item.unit).and_then(|text| {
        let stream = yaml::parse(&text).ok()?;
        named_items(&stream, item)
    });
    if let Some(list) = list {
        texts.change(&item.unit, &[vec![list]]);
    }
    let change = texts.get(&item.unit).and_then(|text| {
        let stream = yaml::parse(&text).ok()?;
        movement(&stream, item)
    });
    if let Some(change) = change {
        texts.change(&item.unit, &[vec![change]]);
    }
}

/// A list that names the containers of pieces below, in front of the one that moves into it.
fn named_items(stream: &Stream<'_>, item: &MovedItem) -> Option<Change> {
    let (spec, from, _) = list_of_item(&item.legs)?;
    let mapping = node_at(item.object.node(stream)?, spec)?;
    let has_list = mapping.get(item.to).is_some();
    if !item.is_patch || item.below.is_empty() || has_list {
        return None;
    }
    let named = |name: &String| Value::Mapping(vec![(Value::string("name"), Value::string(name.clone()))]);
    Some(Change::Insert {
        mapping: Place::of(mapping)?,
        key: item.to.to_owned(),
        value: Value::Sequence(item.below.iter().map(named).collect()),
        position: Position::Before(from.to_owned()),
    })
}

fn movement(stream: &Stream<'_>, item: &MovedItem) -> Option<Change> {
    let (spec, from, leg) = list_of_item(&item.legs)?;
    let mapping = node_at(item.object.node(stream)?, spec)?;
    let list = node_at(mapping, &[Leg::Key(from.to_owned())])?;
    let index = list.children().position(|child| leg_of(from, child) == *leg)?;
    let target = node_at(mapping, &[Leg::Key(item.to.to_owned())]);
    let stands_before = |child: &Node<'_>| {
        let name = child.get("name").and_then(Node::as_str);
        name.is_some_and(|name| item.before.iter().any(|before| before == name))
    };
    let before: Vec<usize> = target
        .into_iter()
        .flat_map(Node::children)
        .enumerate()
        .filter(|(_, child)| stands_before(child))
        .map(|(index, _)| index + 1)
        .collect();
    Some(Change::Move {
        mapping: Place::of(mapping)?,
        from,
        index,
        to: item.to,
        at: before.into_iter().max().unwrap_or(0),
    })
}

fn leg_of(list: &str, item: Node<'_>) -> Leg {
    item_leg(list, 0, |key| {
        item.get(key).and_then(Node::as_str).map(str::to_owned)
    })
}

/// Takes out what holds nothing any more: empty collections, and items that say no more than who they are.
fn prune(texts: &mut Texts<'_>, unit: &Unit, object: &Place, legs: &[Leg]) {
    for length in (1..legs.len()).rev() {
        let Some(to) = legs.get(..length) else { return };
        let Some(text) = texts.get(unit) else { return };
        let Ok(stream) = yaml::parse(&text) else { return };
        let Some(node) = object.node(&stream).and_then(|object| node_at(object, to)) else {
            continue;
        };
        let Some(place) = Place::of(node).filter(|_| says_nothing(node, to)) else {
            return;
        };
        texts.change(unit, &[vec![Change::Remove(place)]]);
    }
}

fn says_nothing(node: Node<'_>, legs: &[Leg]) -> bool {
    let is_collection = node.is_mapping() || node.is_sequence();
    let own_key = match legs.last() {
        Some(Leg::Item { key, .. }) => *key,
        _ => "",
    };
    is_collection
        && match node.is_mapping() {
            true => node
                .written_entries()
                .all(|entry| entry.key.as_str() == Some(own_key)),
            false => node.children().next().is_none(),
        }
}
