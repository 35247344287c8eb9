//! The functions of a script, looked up once.

use std::collections::HashMap;

use crate::shell::{Command, List, Visit};

/// The bodies of functions by name, the last one where there are several.
pub(super) struct Functions<'s>(HashMap<&'s str, &'s List>);

impl<'s> Functions<'s> {
    pub(super) fn of(constructs: &[Visit<'s>]) -> Self {
        let functions = constructs.iter().filter_map(|visit| match visit.command {
            Command::Function { name, body, .. } => Some((name.as_str(), body)),
            _ => None,
        });
        Self(functions.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<(&'s str, &'s List)> {
        self.0.get_key_value(name).map(|(name, body)| (*name, *body))
    }

    pub(super) fn body(&self, name: &str) -> Option<&'s List> {
        self.0.get(name).copied()
    }

    /// All of them, in the order of their names.
    pub(super) fn all(&self) -> Vec<(&'s str, &'s List)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, body)| (*name, *body)).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }
}
