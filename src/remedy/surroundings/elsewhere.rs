//! What a plan changes in other sources than its workload's: both change, or neither.

use std::sync::Arc;

use crate::{
    edit::{change::Change, rewrite},
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
    pub(crate) fn check(&self) -> Result<(), String> {
        match rewrite(&self.source.text, &self.rounds) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{}: {error}", self.source.name)),
        }
    }

    /// Whether another change of the same scalar says something else.
    pub(crate) fn disagrees(&self, other: &Self) -> bool {
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
