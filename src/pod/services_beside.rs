//! Services that stand in other sources than the workloads they lead to.

use std::{collections::HashMap, path::Path, sync::Arc};

use memchr::memmem;
use rayon::prelude::*;

use crate::{
    source::SourceFile,
    workload::{self, Services},
    yaml,
};

/// The Services of an input, by the directory of their source: labels like `app: web` are unique no further.
#[derive(Debug, Default)]
pub struct ServicesBeside {
    by_directory: HashMap<String, Arc<Services>>,
}

impl ServicesBeside {
    /// The Services in some sources. Templates have none: actions bring their selectors.
    pub fn of<'s>(sources: impl ParallelIterator<Item = &'s Arc<SourceFile>>) -> Self {
        let found: Vec<(&str, Services)> = sources
            .map(|source| (source.name.as_str(), services_of(source)))
            .collect();
        Self::of_named(found)
    }

    /// The Services of sources, each with the name of its source.
    pub(crate) fn of_named<'s>(found: impl IntoIterator<Item = (&'s str, Services)>) -> Self {
        let mut by_directory: HashMap<String, Services> = HashMap::new();
        for (name, services) in found {
            if !services.is_empty() {
                let directory = by_directory.entry(directory(name).to_owned());
                directory.or_default().extend(services);
            }
        }
        let shared = by_directory
            .into_iter()
            .map(|(directory, services)| (directory, Arc::new(services)));
        Self {
            by_directory: shared.collect(),
        }
    }

    /// The same, where a directory has what it had before as that, so that nobody has to compare them again.
    pub(crate) fn or_as(mut self, before: &Self) -> Self {
        for (directory, services) in &mut self.by_directory {
            if let Some(before) = before
                .by_directory
                .get(directory)
                .filter(|before| *before == services)
            {
                *services = Arc::clone(before);
            }
        }
        self
    }

    /// Those in the directory of a source, its own included.
    #[must_use]
    pub fn beside(&self, source: &SourceFile) -> Arc<Services> {
        self.by_directory
            .get(directory(&source.name))
            .map(Arc::clone)
            .unwrap_or_default()
    }
}

fn directory(name: &str) -> &str {
    Path::new(name)
        .parent()
        .and_then(Path::to_str)
        .unwrap_or_default()
}

/// The Services in a source.
pub(crate) fn services_of(source: &SourceFile) -> Services {
    in_text(&source.text)
}

/// The Services in a text: only documents that name the kind are read.
fn in_text(text: &str) -> Services {
    if !names_the_kind(text) {
        return Services::default();
    }
    let mut starts: Vec<usize> = text.match_indices("\n---").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|(start, end)| text.get(*start..end))
        .filter(|document| names_the_kind(document))
        .filter_map(|document| yaml::parse(document).ok())
        .flat_map(|stream| workload::services(&stream))
        .collect()
}

fn names_the_kind(text: &str) -> bool {
    let word = "Service";
    memmem::find_iter(text.as_bytes(), word).any(|at| {
        let after = text.as_bytes().get(at + word.len());
        let before = text.get(..at).unwrap_or_default();
        !after.is_some_and(u8::is_ascii_alphanumeric)
            && before
                .trim_end_matches(['"', '\'', ' '])
                .strip_suffix(':')
                .is_some_and(|key| key.trim_end_matches(['"', '\'']).ends_with("kind"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documents_of_services_are_read() {
        let text = "kind: Deployment\nmetadata: {name: a}\n---\nkind: Service\nmetadata: {name: b}\nspec: \
                    {selector: {app: b}}\n---\nkind: ServiceAccount\nmetadata: {name: c}\n";
        let names: Vec<String> = in_text(text).into_iter().map(|service| service.name).collect();
        assert_eq!(names, ["b"]);
        assert!(!names_the_kind("kind: ServiceMonitor\n"));
        assert!(names_the_kind("{\"kind\": \"Service\"}"));
    }
}
