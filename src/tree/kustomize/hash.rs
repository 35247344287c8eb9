//! The hashes at the end of generated names, which follow what is generated.

use std::collections::BTreeMap;

use crate::{workload, yaml};

/// Letters of a hash (kustomize, `hasher.encode`).
const LENGTH: usize = 10;

/// The text with the generated names of `wanted`: a ConfigMap or Secret whose contents are others has another hash.
pub(super) fn with_hashes_of(wanted: &str, found: String) -> String {
    let (wanted, names) = (generated(wanted), generated(&found));
    let mut text = found.clone();
    for (base, name) in &names {
        let Some(other) = wanted.get(base).filter(|other| *other != name) else {
            continue;
        };
        let is_free = !found.contains(other.as_str());
        if is_free {
            text = text.replace(name, other);
        }
    }
    text
}

/// Generated names by their kind and their part before the hash; none where two have the same.
fn generated(text: &str) -> BTreeMap<(String, String), String> {
    let Ok(stream) = yaml::parse(text) else {
        return BTreeMap::new();
    };
    let mut names: BTreeMap<(String, String), Option<String>> = BTreeMap::new();
    for object in workload::objects_of(&stream) {
        let reference = object.reference;
        if !matches!(reference.kind.as_str(), "ConfigMap" | "Secret") {
            continue;
        }
        let Some(base) = without_hash(&reference.name) else {
            continue;
        };
        let key = (reference.kind, base.to_owned());
        let is_new = !names.contains_key(&key);
        names.insert(key, is_new.then_some(reference.name));
    }
    names
        .into_iter()
        .filter_map(|(key, name)| Some((key, name?)))
        .collect()
}

/// The part of a name before its hash.
pub(super) fn without_hash(name: &str) -> Option<&str> {
    let (base, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == LENGTH && hash.bytes().all(|letter| b"bcdfghkmt2456789".contains(&letter));
    (is_hash && !base.is_empty()).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_hash_is_no_difference() {
        let wanted = "kind: ConfigMap\nmetadata: {name: run-b2c4d6f8g9}\ndata: {a: new}\n---\nkind: Job\nspec: {name: run-b2c4d6f8g9}\n";
        let found = wanted.replace("b2c4d6f8g9", "kkkkkkmmmm");
        assert_eq!(with_hashes_of(wanted, found), wanted);
    }

    #[test]
    fn a_name_without_hash_stays() {
        let text = "kind: ConfigMap\nmetadata: {name: run-configuration}\n";
        assert_eq!(
            with_hashes_of("kind: ConfigMap\nmetadata: {name: run}\n", text.to_owned()),
            text
        );
    }
}
