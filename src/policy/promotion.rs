//! What a policy promotes, and how: the options of `policy promote`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guard_rules::from_glob;
use super::selector::{Requirement, SelectorError, parse_selector};
use crate::roles::{Catalogue, KnownSidecar};

/// What makes the app wait for a promoted sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// Its readinessProbe, copied to a startupProbe.
    Readiness,
    /// Nothing: the app starts when the sidecar's process exists.
    None,
}

/// What becomes of a pod whose sidecars cannot be promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// It is refused.
    Deny,
    /// It stays as it is, and whoever creates it is warned.
    #[default]
    Ignore,
}

/// What is promoted besides the sidecars that a pod's annotation names, where, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Promotion {
    /// Names of containers that are sidecars in every pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Also the catalogue's injected sidecars whose injector has no switch of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// What gates a container, where that is not to be what the catalogue says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, Gate>,
    /// Only pods of namespaces with such labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<String>,
    /// Also pods of kube-system.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_kube_system: bool,
    /// What becomes of pods that cannot be treated rightly.
    pub on_conflict: OnConflict,
}

/// Options that make no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromotionError {
    /// A name that no container can have.
    #[error("{0:?} is no name that a container can have: lower-case letters, digits and dashes, at most 63")]
    Name(String),
    /// The selector of namespaces cannot be read.
    #[error(transparent)]
    Selector(#[from] SelectorError),
}

impl Promotion {
    /// Whether these options make a policy.
    ///
    /// # Errors
    /// Names that no container can have, and a selector that cannot be read.
    pub fn check(&self) -> Result<(), PromotionError> {
        let wrong = self
            .names
            .iter()
            .chain(self.gates.keys())
            .find(|name| !is_container_name(name));
        if let Some(name) = wrong {
            return Err(PromotionError::Name(name.clone()));
        }
        self.namespaces()?;
        Ok(())
    }

    /// The names that count in every pod: those given, and the catalogue's where it is asked for.
    #[must_use]
    pub fn all_names(&self) -> BTreeSet<String> {
        let known = Catalogue::built_in()
            .entries()
            .filter(|entry| self.known && entry.injector.is_some() && entry.switch.is_none())
            .flat_map(|entry| entry.containers.clone());
        self.names.iter().cloned().chain(known).collect()
    }

    /// Whether pods of this namespace are meant.
    ///
    /// # Errors
    /// A selector that cannot be read.
    pub fn covers(&self, namespace: &str, labels: &serde_json::Value) -> Result<bool, SelectorError> {
        let excluded = namespace == "kube-system" && !self.include_kube_system;
        Ok(!excluded
            && self
                .namespaces()?
                .iter()
                .all(|requirement| requirement.holds(labels)))
    }

    /// What namespaces have to be like.
    pub(super) fn namespaces(&self) -> Result<Vec<Requirement>, SelectorError> {
        self.namespace_selector
            .as_deref()
            .map_or_else(|| Ok(Vec::new()), parse_selector)
    }

    /// Names whose readinessProbe is the gate by the user's word.
    pub(super) fn gated_by_word(&self) -> BTreeSet<&str> {
        self.gates
            .iter()
            .filter(|(_, gate)| **gate == Gate::Readiness)
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Names whose readinessProbe is no gate: by the user's word, or because their readiness waits for the app.
    pub(super) fn ungated_names(&self) -> BTreeSet<&str> {
        let by_word = self
            .gates
            .iter()
            .filter(|(_, gate)| **gate == Gate::None)
            .map(|(name, _)| name.as_str());
        let known = needing_the_app().flat_map(|entry| entry.containers.iter().map(String::as_str));
        let gated = self.gated_by_word();
        known
            .chain(by_word)
            .filter(|name| !gated.contains(name))
            .collect()
    }

    /// A regular expression (RE2) of the images whose readiness waits for the app, whatever the container is called.
    pub(super) fn ungated_images(&self) -> String {
        let globs: Vec<String> = needing_the_app()
            .flat_map(|entry| entry.images.iter().map(|glob| from_glob(glob)))
            .collect();
        format!("(^|/)({})(:[^/]*)?(@.*)?$", globs.join("|"))
    }
}

fn needing_the_app() -> impl Iterator<Item = &'static KnownSidecar> {
    Catalogue::built_in()
        .entries()
        .map(AsRef::as_ref)
        .filter(|entry| entry.readiness_needs_app)
}

/// A DNS-1123 label, as the API server asks for.
fn is_container_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| inner(*byte) || *byte == b'-')
        && bytes.first().copied().is_some_and(inner)
        && bytes.last().copied().is_some_and(inner)
}
