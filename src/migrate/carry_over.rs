//! What plans change in other sources than their workload's: both change, or neither.

use super::Migration;
use crate::{
    edit::{RewriteError, rewrite},
    remedy::Elsewhere,
};

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
            .ok_or_else(|| format!("{name} would have to change with it: name that file too"))?;
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
