//! What is kept from one check to the next, as hardly anything changes in between.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::check::Text;
use crate::{lint::Memory, source::SourceFile};

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What was found in the sources of each configuration.
    memories: BTreeMap<usize, Memory>,
    /// The manifests that are not open, by their names.
    texts: HashMap<String, Arc<SourceFile>>,
}

impl Kept {
    /// Puts texts that are as they were in the place of those that were read anew.
    pub(super) fn recognize(&mut self, texts: &mut [Text]) {
        for (_, source) in &mut *texts {
            if let Some(known) = self.texts.get(&source.name).filter(|known| *known == source) {
                *source = Arc::clone(known);
            }
        }
        let now = texts
            .iter()
            .map(|(_, source)| (source.name.clone(), Arc::clone(source)));
        self.texts = now.collect();
    }

    /// Keeps nothing of configurations that hold for no source any more.
    pub(super) fn forget_all_but(&mut self, holds: impl Fn(usize) -> bool) {
        self.memories.retain(|configuration, _| holds(*configuration));
    }

    /// What was found in the sources of a configuration.
    pub(super) fn memory(&mut self, configuration: usize) -> &mut Memory {
        self.memories.entry(configuration).or_default()
    }
}
