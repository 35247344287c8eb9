//! What `--write` does: files that belong together are written at once, or not at all.

use std::collections::{BTreeSet, HashMap};

use super::{Run, tell};
use crate::{
    cli::{
        interrupts::Interruption,
        write::{Replacement, replace_together},
    },
    source::{SourceError, SourceErrorKind},
};

/// Files that change together, each with its name as the user would write it.
type Together = Vec<(String, Replacement)>;

impl Run {
    /// Writes the files.
    pub(super) fn write_files(&mut self) {
        let interruption = Interruption::listen();
        let of_trees = self.trees.iter().map(|(_, tree)| tree.replacements());
        let all: Vec<Together> = of_trees.chain(self.together()).collect();
        for together in all {
            let (names, replacements): (Vec<String>, Vec<Replacement>) = together.into_iter().unzip();
            let name_of = |path: &std::path::Path| {
                let mut own = names.iter().zip(&replacements);
                own.find(|(_, replacement)| replacement.path == path)
                    .map_or_else(|| path.display().to_string(), |(name, _)| name.clone())
            };
            match replace_together(&replacements, &|| interruption.has_come()) {
                Ok(linked) => {
                    for path in linked {
                        tell(&format!(
                            "{}: it had other names (hard links), which keep the old text",
                            name_of(&path)
                        ));
                    }
                }
                Err(unwritten) => {
                    let name = name_of(unwritten.path());
                    let others: Vec<&str> = names
                        .iter()
                        .filter(|own| **own != name)
                        .map(String::as_str)
                        .collect();
                    let mut message = unwritten.to_string();
                    if !others.is_empty() {
                        message.push_str("; left with it, for they change together: ");
                        message.push_str(&others.join(", "));
                    }
                    let error = SourceError::new(&name, SourceErrorKind::Unreadable, message);
                    self.errors.push(error);
                }
            }
        }
    }

    /// The files that change, by what has to change together.
    fn together(&self) -> Vec<Together> {
        let of_group = |group: Vec<usize>| {
            let changed = group
                .into_iter()
                .filter_map(|index| self.migrations.get(index))
                .filter(|(_, migration)| migration.is_changed());
            let replacements = changed.filter_map(|(input, migration)| {
                let replacement = Replacement {
                    path: input.path()?.to_owned(),
                    old: migration.source.text.to_string(),
                    new: migration.text.clone(),
                };
                Some((input.name.clone(), replacement))
            });
            replacements.collect()
        };
        self.groups().into_iter().map(of_group).collect()
    }

    /// The migrations by what has to change together, by their index.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut group_of: HashMap<&str, usize> = HashMap::new();
        for (index, (input, migration)) in self.migrations.iter().enumerate() {
            if input.path().is_none() {
                continue;
            }
            let names: Vec<&str> = migration
                .changes_elsewhere()
                .chain([migration.source.name.as_str()])
                .collect();
            let joined: BTreeSet<usize> = names
                .iter()
                .filter_map(|name| group_of.get(name).copied())
                .collect();
            let own = joined.first().copied().unwrap_or(groups.len());
            if own == groups.len() {
                groups.push(Vec::new());
            }
            for other in joined.into_iter().skip(1) {
                let moved = groups.get_mut(other).map(std::mem::take).unwrap_or_default();
                if let Some(group) = groups.get_mut(own) {
                    group.extend(moved);
                }
                group_of
                    .values_mut()
                    .filter(|group| **group == other)
                    .for_each(|group| *group = own);
            }
            if let Some(group) = groups.get_mut(own) {
                group.push(index);
            }
            group_of.extend(names.into_iter().map(|name| (name, own)));
        }
        groups
    }
}
