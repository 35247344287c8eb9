//! From what is wanted of the renderings to changes of the pieces that they are made of.

mod carry;
mod place;
mod shared;

use std::collections::BTreeSet;

use shared::Site;

use super::{
    Kustomizations,
    difference::{Deed, DeedKind, deeds},
    layers::{Form, Layered, Piece, Unit},
    leg::Leg,
    origin::index_of,
    reference::normal,
    repoint::{self, Moved},
};
use crate::{
    edit::Place,
    tree::{Files, Named, Wanted},
    yaml::{self, Node, Value},
};

/// A deed at an object of a way.
pub(super) struct Task<'k> {
    pub(super) way: usize,
    pub(super) object: &'k Layered,
    /// The object's name in the rendering.
    pub(super) name: String,
    /// What the object is in the rendering.
    pub(super) rendered: Value,
    pub(super) deed: Deed,
}

/// Files that may render to what is wanted: the pieces themselves edited, or else patches for those objects alone that
/// share a piece with others which stay.
///
/// # Errors
/// Why no place for it is known, in a clause.
pub(super) fn candidates(tree: &Kustomizations, wanted: &[Wanted<'_>]) -> Result<Vec<Files>, String> {
    let tasks: Vec<Task<'_>> = wanted.iter().flat_map(|wanted| tasks(tree, wanted)).collect();
    let plain = edited(tree, &tasks, None);
    if !tasks.iter().any(|task| shared::is_contested(tree, task, &tasks)) {
        return plain.map(|files| vec![files]);
    }
    let sites = [Site::LastPiece, Site::Outermost, Site::Rendered];
    let own = sites
        .into_iter()
        .filter_map(|site| edited(tree, &tasks, Some(site)).ok());
    let own: Vec<Files> = own.collect();
    match (plain, own.is_empty()) {
        (Err(reason), true) => Err(reason),
        (plain, _) => Ok(plain.into_iter().chain(own).collect()),
    }
}

/// The edited files, with patches of their own at a site for what is not to be changed for all.
///
/// # Errors
/// Why no place for it is known, in a clause.
fn edited(tree: &Kustomizations, tasks: &[Task<'_>], site: Option<Site>) -> Result<Files, String> {
    let is_own = |task: &&Task<'_>| site.is_some() && shared::is_contested(tree, task, tasks);
    let (own, common): (Vec<&Task<'_>>, Vec<&Task<'_>>) = tasks.iter().partition(is_own);
    let mut edition = carry::Edition::new(tree);
    for task in &common {
        place::place(task, tasks, &mut edition);
    }
    let mut texts = edition.carry_out();
    let followed = repoint::all(tree, &moved(&common), &edition.dropped, &mut texts);
    if let Some(site) = site {
        shared::write(tree, &own, site, &mut texts)?;
    }
    if let Some((path, lock)) = &edition.locked {
        return Err(lock.reason(&normal(&tree.root.join(path))));
    }
    followed?;
    if let Some(path) = &edition.emptied {
        return Err(format!(
            "nothing but its name would be left of the patch {}: take it out of its kustomization first",
            normal(&tree.root.join(path)).display()
        ));
    }
    texts
        .finish()
        .ok_or_else(|| "no resource, patch or generated file was found that says it".to_owned())
}

/// Texts that an edit reaches: units, and the places of resources, patches and generators in them.
type Reached = BTreeSet<(Unit, Option<Place>)>;

/// The objects whose edits reach the same text: a resource, a patch, or the file of a generator.
pub(super) fn together(tree: &Kustomizations, wanted: &[Wanted<'_>]) -> Vec<BTreeSet<Named>> {
    let mut groups: Vec<(Reached, BTreeSet<Named>)> = Vec::new();
    for task in wanted.iter().flat_map(|wanted| tasks(tree, wanted)) {
        let holds = |piece: &&Piece| place::holds(&tree.files, piece, &task.deed.legs);
        let units = task.object.pieces.iter().filter(holds);
        let place = |piece: &Piece| match &piece.form {
            Form::Object(place) | Form::Generator(place) => Some(place.clone()),
            Form::Operations(_) => None,
        };
        let mut units: Reached = units.map(|piece| (piece.unit.clone(), place(piece))).collect();
        let mut names = BTreeSet::from([(task.object.kind.clone(), task.name.clone())]);
        groups.retain(|(own_units, own_names)| {
            let is_apart = own_units.is_disjoint(&units) && own_names.is_disjoint(&names);
            if !is_apart {
                units.extend(own_units.iter().cloned());
                names.extend(own_names.iter().cloned());
            }
            is_apart
        });
        groups.push((units, names));
    }
    groups.into_iter().map(|(_, names)| names).collect()
}

/// What has to be done for one rendering.
fn tasks<'k>(tree: &'k Kustomizations, wanted: &Wanted<'_>) -> Vec<Task<'k>> {
    let Some(way) = tree.ways.iter().position(|way| *way == wanted.rendering.way) else {
        return Vec::new();
    };
    let (Ok(before), Ok(after)) = (
        yaml::parse(&wanted.rendering.source.text),
        yaml::parse(&wanted.text),
    ) else {
        return Vec::new();
    };
    let objects = tree.objects(&wanted.rendering.way);
    let mut tasks = Vec::new();
    for (document, root) in before.roots() {
        let Some(other) = after.root(document) else {
            continue;
        };
        let (Ok(one), Ok(two)) = (Value::of(root), Value::of(other)) else {
            continue;
        };
        if one == two {
            continue;
        }
        let Some(object) = index_of(objects, root).and_then(|index| objects.get(index)) else {
            continue;
        };
        let deeds = deeds(&one, &two).unwrap_or_default();
        let name = root.path(&["metadata", "name"]).and_then(Node::as_str);
        tasks.extend(deeds.into_iter().map(|deed| Task {
            way,
            object,
            name: name.unwrap_or_default().to_owned(),
            rendered: one.clone(),
            deed,
        }));
    }
    tasks
}

/// The containers that go to another list, by their objects.
fn moved<'k>(tasks: &[&Task<'k>]) -> Vec<Moved<'k>> {
    let moves = tasks.iter().filter_map(|task| match &task.deed.kind {
        DeedKind::Move { to, before } => Some(Moved {
            object: task.object,
            legs: task.deed.legs.clone(),
            to,
            before: before.clone(),
        }),
        _ => None,
    });
    moves.collect()
}

/// The objects that a piece is part of, each with its way.
pub(super) fn users<'k>(tree: &'k Kustomizations, piece: &Piece) -> Vec<(usize, &'k Layered)> {
    let uses = |object: &Layered| object.pieces.iter().any(|own| own.is_same_text(piece));
    let objects = tree.objects.iter().enumerate();
    objects
        .flat_map(|(way, objects)| objects.iter().map(move |object| (way, object)))
        .filter(|(_, object)| uses(object))
        .collect()
}

/// The list and the item at the end of a way.
pub(super) fn split_item(legs: &[Leg]) -> Option<(&[Leg], &str, &Leg)> {
    match legs {
        [spec @ .., Leg::Key(list), item @ Leg::Item { .. }] => Some((spec, list, item)),
        _ => None,
    }
}
