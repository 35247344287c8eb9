//! Kustomizations without what brings objects from elsewhere: resources behind a URL, and Helm charts. What they bring
//! changes none of the other objects, so that these render to the same.

use std::path::{Path, PathBuf};

use super::{
    layers,
    reference::{CHARTS, OBJECTS, is_kustomization, is_remote, items, references},
};
use crate::{
    edit::{Change, Place, rewrite},
    tree::{Files, Way},
    yaml::{self, Node, Value},
};

/// The files, whose kustomizations ask for nothing from elsewhere.
///
/// # Errors
/// Why a kustomization can't be told without it, in a clause.
pub(super) fn without_all(mut files: Files) -> Result<Files, String> {
    let mut local = Vec::new();
    for (path, text) in files.texts().filter(|(path, _)| is_kustomization(path)) {
        if let Some(text) = without(text)? {
            local.push((path.to_owned(), text));
        }
    }
    if local.is_empty() {
        return Ok(files);
    }
    for (path, text) in local {
        files.put(path, text);
    }
    let paths = files.texts().map(|(path, _)| path.to_owned());
    let kustomizations: Vec<PathBuf> = paths.filter(|path| is_kustomization(path)).collect();
    for path in kustomizations {
        if let Some(text) = without_their_patches(&files, &path) {
            files.put(path, text);
        }
    }
    Ok(files)
}

/// The text of a kustomization without strategic merge patches of objects that are not there; nothing where there are
/// none. kustomize takes a patch without its object for an error.
fn without_their_patches(files: &Files, path: &Path) -> Option<String> {
    let directory = path.parent()?;
    let text = files.text(path)?;
    let stream = yaml::parse(text).ok()?;
    let root = stream.root(0)?;
    // The objects of a component are those of whoever uses it.
    if root.get("kind").and_then(Node::as_str) == Some("Component") {
        return None;
    }
    let objects = layers::objects(
        files,
        &Way {
            paths: vec![directory.to_owned()],
            ..Way::default()
        },
    );
    let mut gone = Vec::new();
    for list in ["patches", "patchesStrategicMerge"] {
        let all: Vec<Node<'_>> = items(root, list).collect();
        let foreign: Vec<Node<'_>> = all
            .iter()
            .copied()
            .filter(|item| layers::is_for_none(files, *item, path, &objects))
            .collect();
        match (foreign.len() == all.len(), root.get(list)) {
            _ if foreign.is_empty() => {}
            (true, list) => gone.extend(list),
            (false, _) => gone.extend(foreign),
        }
    }
    let changes: Vec<Change> = gone
        .into_iter()
        .map(|node| Place::of(node).map(Change::Remove))
        .collect::<Option<_>>()?;
    rewrite(text, &[changes]).ok().filter(|edited| **edited != **text)
}

/// The text of a kustomization without what brings objects from elsewhere; nothing where there is none.
///
/// # Errors
/// Why it can't be told without it, in a clause.
pub(super) fn without(text: &str) -> Result<Option<String>, String> {
    const UNREAD: &str = "it can't be read without what it names elsewhere";
    let stream = yaml::parse(text).map_err(|error| error.to_string())?;
    let Some(root) = stream.root(0) else {
        return Ok(None);
    };
    let mut gone = Vec::new();
    for list in OBJECTS {
        let is_elsewhere = |item: &Node<'_>| item.as_str().is_some_and(is_remote);
        let elsewhere: Vec<Node<'_>> = items(root, list).filter(is_elsewhere).collect();
        if elsewhere.is_empty() {
            continue;
        }
        match (elsewhere.len() == items(root, list).count(), root.get(list)) {
            (true, list) => gone.extend(list),
            (false, _) => gone.extend(elsewhere),
        }
    }
    gone.extend(CHARTS.iter().filter_map(|key| root.get(key)));
    if gone.is_empty() {
        return Ok(None);
    }
    let changes: Option<Vec<Change>> = gone
        .into_iter()
        .map(|node| Place::of(node).map(Change::Remove))
        .collect();
    let mut rounds = vec![changes.ok_or(UNREAD)?];
    if OBJECTS
        .iter()
        .all(|list| root.get(list).is_none() || is_elsewhere_whole(root, list))
    {
        // kustomize takes no kustomization without a field.
        rounds.push(vec![Change::Insert {
            mapping: Place::of(root).ok_or(UNREAD)?,
            key: "resources".to_owned(),
            value: Value::Sequence(Vec::new()),
            position: crate::edit::Position::Last,
        }]);
    }
    let local = rewrite(text, &rounds).map_err(|_| UNREAD)?;
    let stream = yaml::parse(&local).map_err(|_| UNREAD)?;
    let asks =
        |reference: &super::reference::Reference| reference.brings_objects && is_remote(&reference.path);
    match stream
        .root(0)
        .is_some_and(|root| references(root).iter().any(asks))
    {
        true => Err(UNREAD.to_owned()),
        false => Ok(Some(local)),
    }
}

/// Whether a list has items, all of them from elsewhere.
fn is_elsewhere_whole(root: Node<'_>, list: &str) -> bool {
    let mut found = items(root, list)
        .map(|item| item.as_str().is_some_and(is_remote))
        .peekable();
    found.peek().is_some() && found.all(|is_elsewhere| is_elsewhere)
}
