//! Rewrites of renderings, brought back to the files that they come from.

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    super::{
        migrate::account::{colored_diff, explain, tell},
        write::Replacement,
    },
    Tree,
};
use crate::{
    migrate::{Migration, Options, migrate_within},
    remedy::{Holders, Plan, Surroundings},
    report::counted,
    rules::{Finding, RULES},
    source::SourceFile,
    suppress::InSources,
    tree::{Files, Named, Proved, Rendering, Unproved, Unreached, Wanted, prove},
    workload::ObjectReference,
};

/// More workloads are not tried one by one.
const MOST_TRIED: usize = 24;

/// A file of a tree that changes.
pub(in crate::cli) struct Edited {
    /// As the user would write it.
    pub(in crate::cli) name: String,
    pub(in crate::cli) path: PathBuf,
    pub(in crate::cli) old: Arc<str>,
    pub(in crate::cli) new: Arc<str>,
}

/// What became of a tree.
pub(in crate::cli) struct Migrated {
    /// The files that change: all of them, or none.
    pub(in crate::cli) edited: Vec<Edited>,
    /// What was done to each workload, and what was left, with the rendering that it is told of.
    pub(in crate::cli) plans: Vec<(Migration, Plan)>,
    /// The ways whose renderings prove it.
    pub(in crate::cli) ways: Vec<String>,
    /// How many renderings with other values do as well.
    pub(in crate::cli) probes: usize,
    /// The branches of conditions that none of them has taken, by the files' names.
    pub(in crate::cli) unreached: Vec<(String, Unreached)>,
    /// What differs from rendering to rendering by itself.
    pub(in crate::cli) random: Vec<String>,
}

impl Tree {
    /// Rewrites the tree's files, so that all its renderings are what a migration makes of them. `choose` says which
    /// findings are to go, at their places in the files.
    pub(in crate::cli) fn migrate(
        &self,
        options: &Options,
        choose: &mut dyn FnMut(Vec<Finding>) -> Vec<Finding>,
    ) -> Migrated {
        let sources = self.sources();
        let mut in_sources = InSources::collect(&sources, RULES);
        let mut is_wanted = |finding: &Finding, rendering: &Rendering| {
            let mut source = |name: &str, text: &Arc<str>| {
                let known = sources.iter().find(|source| source.name == name).map(Arc::clone);
                known.unwrap_or_else(|| {
                    Arc::new(SourceFile {
                        name: name.to_owned(),
                        text: Arc::clone(text),
                    })
                })
            };
            let at_source = self.at_its_source(finding.clone(), rendering, &mut source);
            at_source.is_some_and(|finding| !choose(in_sources.apply(vec![finding])).is_empty())
        };
        let attempt = self.best_attempt(options, &mut is_wanted);
        let mut migrated = Migrated {
            edited: Vec::new(),
            plans: Vec::new(),
            ways: Vec::new(),
            probes: 0,
            unreached: Vec::new(),
            random: Vec::new(),
        };
        let Attempt {
            all,
            done,
            proved,
            reasons,
        } = attempt;
        if let Some(proved) = proved {
            migrated.edited = self.edited(&proved.files);
            migrated.unreached = self.unreached(&proved);
            migrated.random = proved.random;
            migrated.probes = proved.probes.len();
            migrated.ways = self
                .renderings
                .iter()
                .map(|rendering| rendering.way.name.clone())
                .collect();
        }
        // Where one rendering has nothing to do, another one may.
        let plans = all
            .iter()
            .flat_map(|migration| migration.plans.iter().map(move |plan| (migration, plan)));
        let mut plans: Vec<_> = plans.collect();
        plans.sort_by_key(|(_, plan)| plan.is_empty());
        let mut told = HashSet::new();
        for (migration, plan) in plans {
            let object = named(&plan.object);
            if !told.insert(object.clone()) {
                continue;
            }
            let mut plan = plan.clone();
            if !plan.is_empty() && !done.contains(&object) {
                let reason = reasons.iter().find(|(own, _)| *own == object);
                plan.abandon(reason.map_or_else(String::new, |(_, reason)| reason.clone()));
            }
            migrated.plans.push((migration.clone(), plan));
        }
        migrated
    }

    /// What is proved, and where that is not all of it, with scripts that keep what may stay: one command in one rendering
    /// may be two in another, its words are the values', and what served the part that goes may stand outside of the
    /// condition around it.
    fn best_attempt(&self, options: &Options, is_wanted: IsWanted<'_>) -> Attempt {
        let plain = self.attempt(options, is_wanted);
        if plain.done == changed_objects(&plain.all) {
            return plain;
        }
        let mut with_script = options.clone();
        with_script.remedy.keeps_script = true;
        let all = self.migrations(&with_script, is_wanted, None);
        let is_same = |(one, other): (&Migration, &Migration)| one.text == other.text;
        if all.iter().zip(&plain.all).all(is_same) {
            return plain;
        }
        let with_script = self.attempt(&with_script, is_wanted);
        // Where neither is proved, the one that asks for less says better what is in the way.
        match with_script.done.len() > plain.done.len() || plain.done.is_empty() {
            true => with_script,
            false => plain,
        }
    }

    fn attempt(&self, options: &Options, is_wanted: IsWanted<'_>) -> Attempt {
        let all = self.migrations(options, is_wanted, None);
        let (done, proved, reasons) = self.proved(options, is_wanted, &all);
        Attempt {
            all,
            done,
            proved,
            reasons,
        }
    }

    /// What is proved of the migrations: all of them at once, or else workload by workload. The objects that are done,
    /// the files, and of the others why not.
    fn proved(
        &self,
        options: &Options,
        is_wanted: IsWanted<'_>,
        all: &[Migration],
    ) -> (BTreeSet<Named>, Option<Proved>, Vec<(Named, String)>) {
        let objects: BTreeSet<Named> = changed_objects(all);
        if objects.is_empty() {
            return (BTreeSet::new(), None, Vec::new());
        }
        let first = match self.prove(all, options, is_wanted, None) {
            Ok(proved) => return (objects, Some(proved), Vec::new()),
            Err(reason) => reason.to_string(),
        };
        let whole = |objects: &BTreeSet<Named>| -> Vec<(Named, String)> {
            objects
                .iter()
                .map(|object| (object.clone(), first.clone()))
                .collect()
        };
        let groups = self.groups(all, &objects);
        if objects.len() == 1 || groups.len() > MOST_TRIED {
            return (BTreeSet::new(), None, whole(&objects));
        }
        let (mut done, mut best, mut reasons) = (BTreeSet::new(), None, Vec::new());
        for group in groups {
            let tried: BTreeSet<Named> = done.union(&group).cloned().collect();
            let migrations = self.migrations(options, is_wanted, Some(&tried));
            match self.prove(&migrations, options, is_wanted, Some(&tried)) {
                Ok(proved) => (done, best) = (tried, Some(proved)),
                Err(reason) => {
                    let reason = reason.to_string();
                    reasons.extend(group.into_iter().map(|object| (object, reason.clone())));
                }
            }
        }
        if best.is_none() {
            reasons = whole(&changed_objects(all));
        }
        (done, best, reasons)
    }

    /// The objects in groups that change together: those whose edits reach each other, and each other one alone.
    fn groups(&self, all: &[Migration], objects: &BTreeSet<Named>) -> Vec<BTreeSet<Named>> {
        let mut groups: Vec<BTreeSet<Named>> = self
            .renderer
            .together(&self.wanted(all))
            .into_iter()
            .map(|group| group.intersection(objects).cloned().collect::<BTreeSet<_>>())
            .filter(|group| !group.is_empty())
            .collect();
        let is_in_none = |object: &&Named| !groups.iter().any(|group| group.contains(*object));
        let alone: Vec<Named> = objects.iter().filter(is_in_none).cloned().collect();
        groups.extend(alone.into_iter().map(|object| BTreeSet::from([object])));
        groups
    }

    fn wanted(&self, migrations: &[Migration]) -> Vec<Wanted<'_>> {
        let both = self.renderings.iter().zip(migrations);
        both.map(|(rendering, migration)| Wanted {
            rendering,
            text: migration.text.clone(),
        })
        .collect()
    }

    fn prove(
        &self,
        migrations: &[Migration],
        options: &Options,
        is_wanted: IsWanted<'_>,
        only: Option<&BTreeSet<Named>>,
    ) -> Result<Proved, Unproved> {
        let wanted = self.wanted(migrations);
        let with_review = Options {
            remedy: options.remedy.clone().reviewed(true),
            ..options.clone()
        };
        // With other values a part may be one to look at: who has looked makes the same edit.
        let mut migrate = |rendering: &Rendering| {
            let all = [options, &with_review];
            all.map(|options| migration(rendering, options, is_wanted, only).text)
                .into()
        };
        prove(self.renderer.as_ref(), &wanted, &mut migrate)
    }

    /// What a migration makes of each rendering; of these objects alone, where they are given.
    fn migrations(
        &self,
        options: &Options,
        is_wanted: IsWanted<'_>,
        only: Option<&BTreeSet<Named>>,
    ) -> Vec<Migration> {
        let renderings = self.renderings.iter();
        renderings
            .map(|rendering| migration(rendering, options, is_wanted, only))
            .collect()
    }

    fn edited(&self, files: &Files) -> Vec<Edited> {
        let before = self.renderer.files();
        let changed = files.changed(before).filter_map(|path| {
            Some(Edited {
                name: self.names.get(path)?.clone(),
                path: self.renderer.located(path),
                old: Arc::clone(before.text(path)?),
                new: Arc::clone(files.text(path)?),
            })
        });
        changed.collect()
    }

    fn unreached(&self, proved: &Proved) -> Vec<(String, Unreached)> {
        let found = self
            .renderer
            .unreached(&proved.files, &self.renderings, &proved.probes);
        let named = found.into_iter().filter_map(|branch| {
            let name = self.names.get(&branch.place.path)?;
            Some((name.clone(), branch))
        });
        named.collect()
    }

    fn sources(&self) -> Vec<Arc<SourceFile>> {
        let texts: Vec<_> = self.names.iter().collect();
        let source = |(path, name): &(&PathBuf, &String)| {
            Some(Arc::new(SourceFile {
                name: (*name).clone(),
                text: Arc::clone(self.renderer.files().text(path)?),
            }))
        };
        texts.par_iter().filter_map(source).collect()
    }
}

impl Migrated {
    /// What is to be printed: a diff, or the edited files as a stream with their paths.
    pub(in crate::cli) fn shown(&self, as_stream: bool) -> String {
        let stream = |edited: &Edited| format!("---\n# Source: {}\n{}", edited.name, edited.new);
        let diff = |edited: &Edited| colored_diff(&edited.old, &edited.new, &edited.name);
        self.edited
            .iter()
            .map(|edited| if as_stream { stream(edited) } else { diff(edited) })
            .collect()
    }

    /// The files to be written with their names, together or not at all.
    pub(in crate::cli) fn replacements(&self) -> Vec<(String, Replacement)> {
        let replacement = |edited: &Edited| {
            (
                edited.name.clone(),
                Replacement {
                    path: edited.path.clone(),
                    old: edited.old.to_string(),
                    new: edited.new.to_string(),
                },
            )
        };
        self.edited.iter().map(replacement).collect()
    }

    /// Says what was done, what was left and why, and what proves it.
    pub(in crate::cli) fn tell(&self, name: &str, proofs: bool) {
        for (migration, plan) in &self.plans {
            explain(migration, plan, "done", proofs);
        }
        if !self.edited.is_empty() {
            let others = match self.probes {
                0 => String::new(),
                count => format!(", and {} with other values", counted(count, "rendering")),
            };
            tell(&format!(
                "{name}: proved by rendering it again with {}{others}: the objects are what migrate makes of the original's",
                self.ways.join("; ")
            ));
        }
        for (file, branch) in &self.unreached {
            let lines = match branch.lines {
                (first, last) if first == last => format!("line {first}"),
                (first, last) => format!("lines {first} to {last}"),
            };
            tell(&format!(
                "{file}:{}: {}: no rendering reached its other branch ({lines}); not edited",
                branch.line, branch.condition
            ));
        }
        if !self.random.is_empty() {
            tell(&format!(
                "{name}: not compared, since it differs between two renderings of the original: {}",
                self.random.join(", ")
            ));
        }
    }
}

/// What a migration makes of the renderings, and what is proved of it.
struct Attempt {
    all: Vec<Migration>,
    /// The objects that are done.
    done: BTreeSet<Named>,
    proved: Option<Proved>,
    /// Why the others are not.
    reasons: Vec<(Named, String)>,
}

/// Whether a finding of a rendering is to go.
type IsWanted<'w> = &'w mut dyn FnMut(&Finding, &Rendering) -> bool;

/// What a migration makes of a rendering; of these objects alone, where they are given.
fn migration(
    rendering: &Rendering,
    options: &Options,
    is_wanted: IsWanted<'_>,
    only: Option<&BTreeSet<Named>>,
) -> Migration {
    let own = [Arc::clone(&rendering.source)];
    let holders = Holders::read(&own);
    let mut choose = |mut findings: Vec<Finding>| {
        findings.retain(|finding| {
            only.is_none_or(|only| only.contains(&named(&finding.object))) && is_wanted(finding, rendering)
        });
        findings
    };
    let result = migrate_within(
        &rendering.source,
        &Surroundings::of(&holders),
        options,
        &mut choose,
    );
    result.unwrap_or_else(|_| Migration {
        source: Arc::clone(&rendering.source),
        text: rendering.source.text.to_string(),
        plans: Vec::new(),
        failures: Vec::new(),
    })
}

fn named(object: &ObjectReference) -> Named {
    (object.kind.clone(), object.name.clone())
}

fn changed_objects(migrations: &[Migration]) -> BTreeSet<Named> {
    let changed = migrations.iter().filter(|migration| migration.is_changed());
    let plans = changed.flat_map(|migration| &migration.plans);
    plans
        .filter(|plan| !plan.is_empty())
        .map(|plan| named(&plan.object))
        .collect()
}
