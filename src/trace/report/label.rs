//! What pods are called, so that no two of them are called the same.

use std::collections::HashMap;

use crate::trace::PodName;

/// Names that are remembered to tell their next bearers from them.
const NAMES_KEPT: usize = 20_000;
/// As many characters of a uid tell a pod from an earlier one of its name.
const UID_SHOWN: usize = 4;

/// The names that were given so far.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// Pods of several namespaces are told from each other by them.
    namespaces: bool,
    /// The namespace of the first pod.
    only: Option<String>,
    /// The first pod of each name, by its uid.
    first: HashMap<(String, String), String>,
}

impl Labels {
    /// No name was given yet. With `namespaces` each carries its own from the start; otherwise from the second
    /// namespace on.
    #[must_use]
    pub fn new(namespaces: bool) -> Self {
        Self {
            namespaces,
            ..Self::default()
        }
    }

    /// What a pod is called.
    pub fn of(&mut self, pod: &PodName) -> String {
        if self.first.len() >= NAMES_KEPT {
            self.first.clear();
        }
        let only = self.only.get_or_insert_with(|| pod.namespace.clone());
        self.namespaces |= *only != pod.namespace;
        let key = (pod.namespace.clone(), pod.name.clone());
        let first = self.first.entry(key).or_insert_with(|| pod.uid.clone());
        let is_first = *first == pod.uid;
        let name = if self.namespaces {
            format!("{}/{}", pod.namespace, pod.name)
        } else {
            pod.name.clone()
        };
        if is_first { name } else { with_uid(&name, pod) }
    }
}

/// The name of a pod that an earlier one had, too.
#[must_use]
pub fn with_uid(name: &str, pod: &PodName) -> String {
    let short: String = pod.uid.chars().take(UID_SHOWN).collect();
    format!("{name}~{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(namespace: &str, name: &str, uid: &str) -> PodName {
        PodName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        }
    }

    #[test]
    fn equal_names_are_told_apart() {
        let mut labels = Labels::new(false);
        assert_eq!(labels.of(&pod("a", "web-0", "1111-1")), "web-0");
        assert_eq!(labels.of(&pod("a", "web-0", "2222-2")), "web-0~2222");
        assert_eq!(labels.of(&pod("a", "web-0", "1111-1")), "web-0");
        // From the second namespace on each name carries its own.
        assert_eq!(labels.of(&pod("b", "web-0", "3333-3")), "b/web-0");
        assert_eq!(labels.of(&pod("a", "web-0", "1111-1")), "a/web-0");
        assert_eq!(Labels::new(true).of(&pod("a", "web-0", "1")), "a/web-0");
    }
}
