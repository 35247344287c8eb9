//! Which version of an injector is there, and what it does.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{INJECTORS, Injector, Since};

/// The versions of the injectors that are installed, by their names in lower case: `istio: "1.27"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Meshes(BTreeMap<String, String>);

/// Whether an injector adds its sidecar to a pod as a native one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectsNative {
    /// It does.
    Proved,
    /// It does not.
    Refuted,
    /// Its version, Kubernetes' or a setting of the installation decides, and is not known.
    Unknown,
}

impl Meshes {
    /// The version of an injector, where it is known.
    #[must_use]
    pub fn version_of(&self, injector: &Injector) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(injector.name))
            .map(|(_, version)| version.as_str())
    }

    /// Adds one, over an earlier one of the same name.
    pub fn add(&mut self, name: &str, version: &str) {
        self.0.insert(name.to_ascii_lowercase(), version.to_owned());
    }

    /// The names that no row is about.
    pub fn unknown_names(&self) -> impl Iterator<Item = &str> {
        let is_known = |name: &str| INJECTORS.iter().any(|row| row.name.eq_ignore_ascii_case(name));
        self.0
            .keys()
            .map(String::as_str)
            .filter(move |name| !is_known(name))
    }
}

impl Since {
    /// Whether a version is this one or a later one; nothing where they are numbered differently.
    #[must_use]
    pub fn is_reached_by(&self, version: &str) -> Option<bool> {
        std::iter::once(&self.version)
            .chain(self.also)
            .find_map(|own| compare(version, own))
            .map(Ordering::is_ge)
    }
}

impl Injector {
    /// Whether it adds its sidecar natively, as far as its version, Kubernetes' minor version (of the oldest node)
    /// and the pod's own switch tell. `switch` is what the pod says: nothing, on or off.
    #[must_use]
    pub fn injects_native(
        &self,
        version: Option<&str>,
        kubernetes: Option<u32>,
        switch: Option<bool>,
    ) -> InjectsNative {
        let Some(since) = self.since else {
            return match self.by_default {
                Some(_) => InjectsNative::Unknown,
                None => InjectsNative::Refuted,
            };
        };
        let reaches = |since: &Since| version.and_then(|version| since.is_reached_by(version));
        match (reaches(&since), switch) {
            (Some(false), _) | (_, Some(false)) => return InjectsNative::Refuted,
            (None, _) => return InjectsNative::Unknown,
            (Some(true), Some(true)) => return InjectsNative::Proved,
            (Some(true), None) => {}
        }
        // What remains is the installation's default, which its own setting may have changed.
        let Some(default) = self.by_default else {
            return InjectsNative::Unknown;
        };
        let by_version = default.since.as_ref().map_or(Some(true), reaches);
        let by_cluster = kubernetes.map(|minor| minor >= default.kubernetes);
        match (by_version, by_cluster) {
            (Some(true), Some(true)) => InjectsNative::Proved,
            _ => InjectsNative::Unknown,
        }
    }
}

/// The order of two versions of one numbering: `1.27.1` and `1.27`, `edge-25.4.1` and `edge-26.6.1`.
fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left_series, left) = split(left)?;
    let (right_series, right) = split(right)?;
    let longest = left.len().max(right.len());
    let padded = |numbers: Vec<u32>| {
        let mut numbers = numbers;
        numbers.resize(longest, 0);
        numbers
    };
    (left_series == right_series).then(|| padded(left).cmp(&padded(right)))
}

/// The series of a version (`edge`, `stable`) and its numbers; what follows them (`-rc.1`, `-gke.3`) is left out.
fn split(version: &str) -> Option<(&str, Vec<u32>)> {
    let (series, numbers) = match version.split_once('-') {
        Some(("edge", numbers)) => ("edge", numbers),
        Some(("stable", numbers)) => ("", numbers),
        _ => ("", version.trim_start_matches('v')),
    };
    let numbers = numbers.split(['-', '+']).next()?;
    let numbers: Result<Vec<u32>, _> = numbers.split('.').map(str::parse).collect();
    Some((series, numbers.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::injector::by_name;

    #[test]
    fn versions_are_compared_within_their_series() {
        for (version, since, expected) in [
            ("1.27", "1.27", Some(true)),
            ("v1.27.3-gke.1", "1.27", Some(true)),
            ("1.9", "1.27", Some(false)),
            ("1.9", "1.9.0", Some(true)),
            ("edge-25.4.1", "edge-23.11.4", Some(true)),
            ("edge-23.9.1", "edge-23.11.4", Some(false)),
            ("stable-2.14.10", "2.15", Some(false)),
            ("edge-25.4.1", "2.15", None),
            ("latest", "2.15", None),
        ] {
            let since = Since {
                version: since,
                also: &[],
            };
            assert_eq!(since.is_reached_by(version), expected, "{version} {since:?}");
        }
    }

    #[test]
    fn what_an_injector_does_rests_on_its_version_kubernetes_and_the_switch() {
        use InjectsNative::{Proved, Refuted, Unknown};
        for (name, version, kubernetes, switch, expected) in [
            ("Istio", Some("1.27"), Some(33), None, Proved),
            ("Istio", Some("1.27"), Some(32), None, Unknown),
            ("Istio", Some("1.27"), None, None, Unknown),
            ("Istio", Some("1.26"), Some(33), None, Unknown),
            ("Istio", Some("1.26"), None, Some(true), Proved),
            ("Istio", Some("1.27"), Some(33), Some(false), Refuted),
            ("Istio", Some("1.18"), Some(33), Some(true), Refuted),
            ("Istio", None, Some(33), Some(true), Unknown),
            ("Linkerd", Some("edge-25.4.1"), Some(33), Some(true), Proved),
            ("Linkerd", Some("2.14"), Some(33), Some(true), Refuted),
            ("Dapr", Some("1.17"), Some(33), Some(true), Refuted),
            ("Dapr", Some("1.18.1"), Some(33), Some(true), Proved),
            ("Kuma", Some("2.14.0"), Some(33), None, Proved),
            ("Vault", Some("1.6"), Some(33), None, Refuted),
        ] {
            let injector = by_name(name).unwrap();
            assert_eq!(
                injector.injects_native(version, kubernetes, switch),
                expected,
                "{name} {version:?} {kubernetes:?} {switch:?}"
            );
        }
    }

    #[test]
    fn meshes_are_looked_up_by_name() {
        let mut meshes = Meshes::default();
        meshes.add("Istio", "1.26");
        meshes.add("istio", "1.27");
        meshes.add("nobody", "1");
        assert_eq!(meshes.version_of(by_name("Istio").unwrap()), Some("1.27"));
        assert_eq!(meshes.version_of(by_name("Linkerd").unwrap()), None);
        assert_eq!(meshes.unknown_names().collect::<Vec<_>>(), ["nobody"]);
    }
}
