//! What a plan changes in other sources than its workload's: both change, or neither.

use std::sync::Arc;

use crate::{
    migrate::{
        Migration,
        edit::change::Change,
        rewrite::{RewriteError, rewrite},
    },
    source::SourceFile,
};

/// Changes to another source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The source.
    pub source: Arc<SourceFile>,
    /// The changes; each round's places are those after the round before.
    pub rounds: Vec<Vec<Change>>,
}

impl Elsewhere {
    /// Whether the changes can be made.
    pub(in crate::migrate) fn check(&self) -> Result<(), String> {
        match rewrite(&self.source.text, &self.rounds) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{}: {error}", self.source.name)),
        }
    }

    /// Whether another change of the same scalar says something else.
    fn disagrees(&self, other: &Self) -> bool {
        let texts = |elsewhere: &Self| -> Vec<Change> {
            let changes = elsewhere.rounds.iter().flatten();
            changes
                .filter(|change| matches!(change, Change::Text(..)))
                .cloned()
                .collect()
        };
        self.source.name == other.source.name
            && texts(self).iter().any(|own| {
                texts(other).iter().any(|other| {
                    matches!((own, other), (Change::Text(here, text), Change::Text(there, said))
                        if here == there && text != said)
                })
            })
    }
}

/// Carries out what the plans of each source change in the others. A migration for which that fails changes
/// nothing at all.
pub fn carry_over(migrations: &mut [&mut Migration]) {
    let mut carried: Vec<Elsewhere> = Vec::new();
    for index in 0..migrations.len() {
        let Some(migration) = migrations.get(index) else {
            continue;
        };
        let wanted: Vec<Elsewhere> = migration
            .plans
            .iter()
            .flat_map(|plan| plan.elsewhere.iter().cloned())
            .collect();
        match texts(migrations, &carried, &wanted) {
            Ok(texts) => {
                for (at, text) in texts {
                    if let Some(other) = migrations.get_mut(at) {
                        other.text = text;
                    }
                }
                carried.extend(wanted);
            }
            Err(reason) => {
                if let Some(migration) = migrations.get_mut(index) {
                    // What others have changed in it stays.
                    migration.text = carried
                        .iter()
                        .filter(|other| other.source.name == migration.source.name)
                        .try_fold(migration.source.text.to_string(), |text, other| {
                            rewrite(&text, &other.rounds)
                        })
                        .unwrap_or_else(|_| migration.source.text.to_string());
                    migration
                        .plans
                        .iter_mut()
                        .for_each(|plan| plan.abandon(reason.clone()));
                }
            }
        }
    }
}

/// The new texts of other sources, by the index of their migration.
fn texts(
    migrations: &[&mut Migration],
    carried: &[Elsewhere],
    wanted: &[Elsewhere],
) -> Result<Vec<(usize, String)>, String> {
    let mut texts: Vec<(usize, String)> = Vec::new();
    for elsewhere in wanted {
        let name = &elsewhere.source.name;
        if carried.iter().any(|other| elsewhere.disagrees(other)) {
            return Err(format!("two workloads need different changes of {name}"));
        }
        let at = migrations
            .iter()
            .position(|migration| migration.source.name == *name)
            .ok_or_else(|| format!("{name} is not written in this run"))?;
        let known = texts.iter().position(|(index, _)| *index == at);
        let before = match known.and_then(|known| texts.get(known)) {
            Some((_, text)) => text.as_str(),
            None => migrations.get(at).map_or("", |migration| migration.text.as_str()),
        };
        let text =
            rewrite(before, &elsewhere.rounds).map_err(|error: RewriteError| format!("{name}: {error}"))?;
        match known.and_then(|known| texts.get_mut(known)) {
            Some(known) => known.1 = text,
            None => texts.push((at, text)),
        }
    }
    Ok(texts)
}
