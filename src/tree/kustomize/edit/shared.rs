//! Patches of their own for objects that share a resource or a patch with others which stay as they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Task, place, split_item};
use crate::{
    edit::{self, Change, Place, Position},
    tree::kustomize::{
        Kustomizations,
        difference::{Deed, DeedKind},
        layers::{Form, Layered, Piece, carry_out, file_in, merge_patch, operand},
        leg::{Leg, value_at, value_at_mut},
        pointer::{locate, tokens, written},
        reference::{normal, text},
        repoint::place_among,
        texts::Texts,
    },
    yaml::{self, Value},
};

/// Where a patch of its own is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// In the kustomization that says the last thing about the object.
    LastPiece,
    /// In the outermost kustomization.
    Outermost,
    /// There, too, where those below it have made mappings that no piece has: `commonAnnotations`.
    Rendered,
}

/// Whether a piece that would have to change for a deed is another object's too, which is not to change that way.
pub(super) fn is_contested(tree: &Kustomizations, task: &Task<'_>, all: &[Task<'_>]) -> bool {
    if matches!(task.deed.kind, DeedKind::Insert { .. }) {
        return goes_along(tree, task, all) || !place::is_agreed(tree, task, all);
    }
    let holding = task
        .object
        .pieces
        .iter()
        .filter(|piece| place::holds(&tree.files, piece, &task.deed.legs));
    let mut holding: Vec<&Piece> = holding.collect();
    if matches!(task.deed.kind, DeedKind::Replace { .. }) {
        // The last one counts.
        holding = holding.pop().into_iter().collect();
    }
    holding.into_iter().any(|piece| is_others(tree, task, all, piece))
}

/// Whether something new goes into a container that a patch of its own moves.
fn goes_along(tree: &Kustomizations, task: &Task<'_>, all: &[Task<'_>]) -> bool {
    all.iter().any(|other| {
        matches!(other.deed.kind, DeedKind::Move { .. })
            && other.way == task.way
            && std::ptr::eq(other.object, task.object)
            && task.deed.legs.starts_with(&other.deed.legs)
            && is_contested(tree, other, all)
    })
}

fn is_others(tree: &Kustomizations, task: &Task<'_>, all: &[Task<'_>], piece: &Piece) -> bool {
    let is_said_there = |object: &Layered| match (value_at(&object.state, &task.deed.legs), &task.deed.kind) {
        (Some(value), DeedKind::Replace { old, .. }) => value == old,
        (found, _) => found.is_some(),
    };
    let wants = |way: usize, object: &Layered| {
        all.iter().any(|other| {
            other.way == way && std::ptr::eq(other.object, object) && is_same_deed(&other.deed, &task.deed)
        })
    };
    tree.objects.iter().enumerate().any(|(way, objects)| {
        objects.iter().any(|object| {
            let mut pieces = object.pieces.iter();
            pieces.any(|own| own.is_same_text(piece)) && is_said_there(object) && !wants(way, object)
        })
    })
}

/// Whether two deeds are the same for a piece: where something stands among others is another thing.
pub(super) fn is_same_deed(one: &Deed, other: &Deed) -> bool {
    one.legs == other.legs
        && match (&one.kind, &other.kind) {
            (DeedKind::Move { to, .. }, DeedKind::Move { to: other, .. }) => to == other,
            (DeedKind::Insert { value, .. }, DeedKind::Insert { value: other, .. }) => value == other,
            (one, other) => one == other,
        }
}

/// The patches of one kustomization, by the kind and the name of their objects, with the namespace where it matters.
type Patches = BTreeMap<(String, String, Option<String>), String>;

/// Writes a patch for each object with deeds of its own.
///
/// # Errors
/// Why there is no place for it, in a clause.
pub(super) fn write(
    tree: &Kustomizations,
    own: &[&Task<'_>],
    site: Site,
    texts: &mut Texts<'_>,
) -> Result<(), String> {
    let mut patches: BTreeMap<PathBuf, Patches> = BTreeMap::new();
    let mut seen: Vec<(usize, &Layered)> = Vec::new();
    for task in own {
        if seen
            .iter()
            .any(|(way, object)| *way == task.way && std::ptr::eq(*object, task.object))
        {
            continue;
        }
        seen.push((task.way, task.object));
        let deeds = own
            .iter()
            .filter(|other| other.way == task.way && std::ptr::eq(other.object, task.object));
        let deeds: Vec<&Deed> = deeds.map(|task| &task.deed).collect();
        let file = file_of(tree, task, site).ok_or("no kustomization takes a patch for it")?;
        if let Some(lock) = tree.locked.get(&file) {
            return Err(lock.reason(&normal(&tree.root.join(&file))));
        }
        let mut state = state_of(task.object, texts);
        if site == Site::Rendered {
            deeds
                .iter()
                .for_each(|deed| take_mappings(&mut state, &task.rendered, &deed.legs));
        }
        let patch = operations(&state, &deeds).ok_or("what a patch would point at is not found")?;
        let known = patches.entry(file).or_default();
        let other = known.insert(target_of(tree, task), patch.clone());
        if other.is_some_and(|other| other != patch) {
            return Err("two patches for the same object would differ".to_owned());
        }
    }
    for (file, patches) in patches {
        let change = addition(tree, &file, &patches).ok_or("its kustomization has no list of patches")?;
        change
            .into_iter()
            .for_each(|change| texts.change_outer(&file, change));
    }
    Ok(())
}

fn file_of(tree: &Kustomizations, task: &Task<'_>, site: Site) -> Option<PathBuf> {
    match site {
        Site::LastPiece => task.object.pieces.last().map(|piece| piece.kustomization.clone()),
        Site::Outermost | Site::Rendered => file_in(&tree.files, tree.ways.get(task.way)?.paths.first()?),
    }
}

/// What selects the object: kustomize looks at all names that it has had.
fn target_of(tree: &Kustomizations, task: &Task<'_>) -> (String, String, Option<String>) {
    let object = task.object;
    let name = object.names.first().cloned().unwrap_or_default();
    let objects = tree.objects.get(task.way).into_iter().flatten();
    let alike = objects
        .filter(|other| other.kind == object.kind && other.names.first() == object.names.first())
        .count();
    let namespace = object.namespace.clone().filter(|_| alike > 1);
    (object.kind.clone(), name, namespace)
}

/// What the edited pieces make of the object.
fn state_of(object: &Layered, texts: &Texts<'_>) -> Value {
    let mut state = Value::Null;
    for piece in &object.pieces {
        let Some(text) = texts.get(&piece.unit) else {
            continue;
        };
        let Ok(stream) = yaml::parse(&text) else { continue };
        match &piece.form {
            Form::Object(place) => {
                let Some(Ok(value)) = place.node(&stream).map(Value::of) else {
                    continue;
                };
                match state {
                    Value::Null => state = value.effective(),
                    _ => merge_patch(&mut state, &value.effective()),
                }
            }
            Form::Operations(_) => {
                let root = stream.root(0);
                for operation in root.into_iter().flat_map(yaml::Node::items) {
                    apply(operation, &mut state);
                }
            }
            Form::Generator(_) => {}
        }
    }
    state
}

/// Gives a state the mappings on a way that a rendering has, empty.
fn take_mappings(state: &mut Value, rendered: &Value, legs: &[Leg]) {
    for depth in 1..legs.len() {
        let (Some(way), Some(around)) = (legs.get(..depth), legs.get(..depth - 1)) else {
            return;
        };
        let is_mapping = matches!(value_at(rendered, way), Some(Value::Mapping(_)));
        if !is_mapping || value_at(state, way).is_some() {
            continue;
        }
        let (Some(Leg::Key(key)), Some(Value::Mapping(entries))) = (way.last(), value_at_mut(state, around))
        else {
            return;
        };
        entries.push((Value::string(key.clone()), Value::Mapping(Vec::new())));
    }
}

fn apply(operation: yaml::Node<'_>, state: &mut Value) {
    if let (Some(name), Some(path)) = (text(operation, "op"), text(operation, "path")) {
        let value = operand(operation, name, state);
        carry_out(state, name, &tokens(path), value);
    }
}

/// The operations that carry deeds out, as the text of a JSON patch; nothing where a place is not found. What happens
/// within a container comes before it moves.
fn operations(state: &Value, deeds: &[&Deed]) -> Option<String> {
    let mut state = state.clone();
    let mut found = Vec::new();
    let is_move = |deed: &&&Deed| matches!(deed.kind, DeedKind::Move { .. });
    let first = deeds.iter().filter(|deed| !is_move(deed));
    for deed in first.chain(deeds.iter().filter(is_move)) {
        let new = match &deed.kind {
            DeedKind::Remove => vec![operation("remove", &locate(&state, &deed.legs)?, None)],
            DeedKind::Replace { new, .. } => {
                vec![operation(
                    "replace",
                    &locate(&state, &deed.legs)?,
                    Some(new.clone()),
                )]
            }
            DeedKind::Insert { value, .. } => vec![insertion(&state, &deed.legs, value)?],
            DeedKind::Move { to, before } => movement(&state, &deed.legs, to, before)?,
        };
        for operation in guard(&state, &deed.legs).into_iter().chain(new) {
            if found.contains(&operation) && is_test(&operation) {
                continue;
            }
            let stream = edit::block(&operation);
            let stream = yaml::parse(&stream).ok()?;
            apply(stream.root(0)?, &mut state);
            found.push(operation);
        }
    }
    Some(edit::block(&Value::Sequence(found)))
}

/// A test that the container which a deed is about stands where it does now: in another order the build has to fail, and
/// not to edit another container.
fn guard(state: &Value, legs: &[Leg]) -> Option<Value> {
    let (at, name) = legs.iter().enumerate().rev().find_map(|(at, leg)| match leg {
        Leg::Item { key: "name", value } => Some((at, value)),
        _ => None,
    })?;
    let mut path = locate(state, legs.get(..=at)?)?;
    path.push("name".to_owned());
    Some(operation("test", &path, Some(Value::string(name.clone()))))
}

fn is_test(operation: &Value) -> bool {
    operation.get("op") == Some(&Value::string("test"))
}

fn operation(name: &str, path: &[String], value: Option<Value>) -> Value {
    let mut entries = vec![
        (Value::string("op"), Value::string(name)),
        (Value::string("path"), Value::string(written(path))),
    ];
    entries.extend(value.map(|value| (Value::string("value"), value)));
    let operation = Value::Mapping(entries.clone());
    let text = edit::block(&operation);
    let read = yaml::parse(text.trim_end())
        .ok()
        .and_then(|stream| Value::of(stream.root(0)?).ok());
    if read.is_some_and(|read| read == operation) {
        return operation;
    }
    // kustomize trims a patch: no line end that counts may be its last.
    if let [_, rest @ ..] = entries.as_mut_slice() {
        rest.reverse();
    }
    Value::Mapping(entries)
}

/// Adds an entry, with the mappings around it that are not there.
fn insertion(state: &Value, legs: &[Leg], value: &Value) -> Option<Value> {
    let (depth, mut path) = (0..legs.len())
        .rev()
        .find_map(|depth| Some((depth, locate(state, legs.get(..depth)?)?)))?;
    let keys = legs.get(depth..)?.iter().map(|leg| match leg {
        Leg::Key(key) => Some(key.clone()),
        _ => None,
    });
    let keys: Vec<String> = keys.collect::<Option<_>>()?;
    let (first, inner) = keys.split_first()?;
    path.push(first.clone());
    let value = inner.iter().rev().fold(value.clone(), |value, key| {
        Value::Mapping(vec![(Value::string(key.clone()), value)])
    });
    Some(operation("add", &path, Some(value)))
}

/// Moves a container, and makes the list that it goes to where there is none.
fn movement(state: &Value, legs: &[Leg], to: &str, before: &[String]) -> Option<Vec<Value>> {
    let (spec, _, _) = split_item(legs)?;
    let from = locate(state, legs)?;
    let mut list = locate(state, spec)?;
    list.push(to.to_owned());
    let mut found = Vec::new();
    let index = match value_at(state, spec)?.get(to) {
        Some(Value::Sequence(items)) => place_among(items, before),
        Some(_) => return None,
        None => {
            // A list that somebody adds below must not be lost: `null` is what is not there (RFC 6902 has no other test).
            found.push(operation("test", &list, Some(Value::Null)));
            found.push(operation("add", &list, Some(Value::Sequence(Vec::new()))));
            "-".to_owned()
        }
    };
    list.push(index);
    let entry = |key: &str, text: String| (Value::string(key), Value::string(text));
    found.push(Value::Mapping(vec![
        entry("op", "move".to_owned()),
        entry("from", written(&from)),
        entry("path", written(&list)),
    ]));
    Some(found)
}

/// The changes that add patches to a kustomization.
fn addition(tree: &Kustomizations, file: &Path, patches: &Patches) -> Option<Vec<Change>> {
    let items = patches.iter().map(|((kind, name, namespace), patch)| {
        let entry = |key: &str, text: &str| (Value::string(key), Value::string(text));
        let mut target = vec![entry("kind", kind), entry("name", name)];
        target.extend(namespace.iter().map(|namespace| entry("namespace", namespace)));
        Value::Mapping(vec![
            (Value::string("target"), Value::Mapping(target)),
            entry("patch", patch),
        ])
    });
    let stream = yaml::parse(tree.files.text(file)?).ok()?;
    let root = stream.root(0)?;
    let is_empty = |list: &yaml::Node<'_>| list.is_null() || list.children().next().is_none();
    match root.get("patches") {
        None => Some(vec![Change::Insert {
            mapping: Place::of(root)?,
            key: "patches".to_owned(),
            value: Value::Sequence(items.collect()),
            position: Position::Last,
        }]),
        Some(list) if !is_empty(&list) => {
            let list = Place::of(list)?;
            Some(items.map(|item| Change::Append(list.clone(), item)).collect())
        }
        Some(_) => None,
    }
}
