//! The texts of a tree while they are edited.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::layers::{Unit, text_of};
use crate::{
    edit::{Change, Place, rewrite},
    tree::Files,
    yaml,
};

/// Texts of patches and resources, and what is to be changed in the kustomizations around them.
pub(super) struct Texts<'f> {
    files: &'f Files,
    edited: BTreeMap<Unit, String>,
    /// Changes of kustomizations, at places of their first text.
    outer: BTreeMap<PathBuf, Vec<Change>>,
    /// Files that are no YAML.
    whole: BTreeMap<PathBuf, String>,
}

impl<'f> Texts<'f> {
    pub(super) fn new(files: &'f Files) -> Self {
        Self {
            files,
            edited: BTreeMap::new(),
            outer: BTreeMap::new(),
            whole: BTreeMap::new(),
        }
    }

    /// The text of a unit as it is by now.
    pub(super) fn get(&self, unit: &Unit) -> Option<String> {
        match self.edited.get(unit) {
            Some(text) => Some(text.clone()),
            None => text_of(self.files, unit),
        }
    }

    /// Carries changes out. A text in which they can't be made stays as it is: the proof will say what is missing.
    pub(super) fn change(&mut self, unit: &Unit, rounds: &[Vec<Change>]) {
        let Some(text) = self.get(unit) else { return };
        // What is new at the end of a text may belong to several mappings that end there: one after the other, then.
        let edited = rewrite(&text, rounds).or_else(|_| rewrite(&text, &one_by_one(rounds)));
        if let Ok(edited) = edited
            && edited != text
        {
            self.edited.insert(unit.clone(), edited);
        }
    }

    /// Notes a change of a kustomization itself.
    pub(super) fn change_outer(&mut self, path: &Path, change: Change) {
        let changes = self.outer.entry(path.to_owned()).or_default();
        if !changes.contains(&change) {
            changes.push(change);
        }
    }

    /// Gives a file another text.
    pub(super) fn put(&mut self, path: PathBuf, text: String) {
        self.whole.insert(path, text);
    }

    /// The files with all changes; nothing where there are none.
    pub(super) fn finish(mut self) -> Option<Files> {
        let mut files = self.files.clone();
        for (unit, text) in std::mem::take(&mut self.edited) {
            match &unit.inline {
                None => files.put(unit.path, text),
                Some(place) => {
                    let text = with_end_of(&text, text_of(self.files, &unit).as_deref());
                    self.change_outer(&unit.path, Change::Text(place.clone(), text));
                }
            }
        }
        for (path, changes) in &self.outer {
            let text = files.text(path)?;
            if let Ok(edited) = rewrite(text, &rounds(text, changes)) {
                files.put(path.clone(), edited);
            }
        }
        for (path, text) in self.whole {
            files.put(path, text);
        }
        let is_changed = files.changed(self.files).next().is_some();
        is_changed.then_some(files)
    }
}

/// The same rounds, with a round of its own for each new entry.
fn one_by_one(rounds: &[Vec<Change>]) -> Vec<Vec<Change>> {
    let is_new = |change: &Change| matches!(change, Change::Insert { .. });
    let mut all = Vec::new();
    for round in rounds {
        let (new, rest): (Vec<Change>, Vec<Change>) = round.iter().cloned().partition(is_new);
        all.extend(new.into_iter().map(|change| vec![change]));
        all.push(rest);
    }
    all
}

/// A text of several lines, ended as the old one was: its header stays.
fn with_end_of(text: &str, old: Option<&str>) -> String {
    let ends = old.is_none_or(|old| old.ends_with('\n'));
    match text.strip_suffix('\n') {
        Some(text) if !ends => text.to_owned(),
        _ => text.to_owned(),
    }
}

/// What changes take out.
pub(super) fn removed(changes: &[Change]) -> Vec<&Place> {
    let removed = changes.iter().filter_map(|change| match change {
        Change::Remove(place) => Some(place),
        _ => None,
    });
    removed.collect()
}

/// Texts first, then what goes, with the lists that would be left empty.
fn rounds(text: &str, changes: &[Change]) -> Vec<Vec<Change>> {
    let removed = removed(changes);
    let is_inside_removed = |change: &Change| match change {
        Change::Text(place, _) => removed
            .iter()
            .any(|gone| gone.document == place.document && place.steps.starts_with(&gone.steps)),
        _ => false,
    };
    let kept: Vec<Change> = changes
        .iter()
        .filter(|change| !matches!(change, Change::Remove(_)) && !is_inside_removed(change))
        .cloned()
        .collect();
    let mut gone: Vec<Place> = Vec::new();
    for place in &removed {
        let Some((list, _)) = place.split() else { continue };
        let together = removed
            .iter()
            .filter(|other| other.split().is_some_and(|(own, _)| own == list))
            .count();
        let length = yaml::parse(text)
            .ok()
            .and_then(|stream| Some(list.node(&stream)?.children().count()));
        let whole = if length == Some(together) {
            list
        } else {
            (*place).clone()
        };
        if !gone.contains(&whole) {
            gone.push(whole);
        }
    }
    vec![kept, gone.into_iter().map(Change::Remove).collect()]
}
