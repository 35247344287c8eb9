//! The sidecars of a pod that nothing declares: by the same signs as lint's, and by the pod's template.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use super::object::source;
use crate::{
    lint::{Options, roles_of},
    roles::{INJECTED_SIGN, Role},
    source::SourceFile,
};

/// What was found of a pod's sidecars that nothing declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UndeclaredSidecars {
    /// Regular containers that are sidecars by all signs, each with the sign.
    pub signs: BTreeMap<String, String>,
    /// ConfigMaps that hold scripts of the pod and were not given.
    pub wanted: Vec<String>,
}

/// The regular containers of a pod that are sidecars by all signs and are declared nowhere.
///
/// `pod` is the pod as the server sends it, `owner` the kind of its controller, `template` the names of the containers
/// that it was made of, where they are known, and `config_maps` are those of its namespace that hold its scripts.
#[must_use]
pub(crate) fn undeclared_sidecars(
    pod: &str,
    owner: Option<&str>,
    template: Option<&BTreeSet<String>>,
    config_maps: &[Arc<SourceFile>],
    options: &Options,
) -> UndeclaredSidecars {
    let Ok(pod) = serde_json::from_str::<Value>(pod) else {
        return UndeclaredSidecars::default();
    };
    let regular = names_of(&pod);
    let text = workload(&pod, owner).to_string();
    let (roles, wanted) = roles_of(&source("pod", text), config_maps, options);
    let mut found: BTreeMap<String, String> = roles
        .into_iter()
        .filter(|role| role.role == Role::Sidecar && !role.declared && regular.contains(&role.name))
        .map(|role| {
            let sign = role.evidence.first().map(|sign| sign.text.clone());
            (role.name, sign.unwrap_or_default())
        })
        .collect();
    for name in template.into_iter().flat_map(|known| regular.difference(known)) {
        found
            .entry(name.clone())
            .or_insert_with(|| INJECTED_SIGN.to_owned());
    }
    // A pod is there for something.
    if regular.iter().all(|name| found.contains_key(name)) {
        found.clear();
    }
    UndeclaredSidecars { signs: found, wanted }
}

/// Whether the template of a pod may tell of a sidecar what the pod itself does not: two containers of it are apps by
/// all other signs.
#[must_use]
pub(crate) fn is_open(pod: &str, undeclared: &BTreeMap<String, String>) -> bool {
    let Ok(pod) = serde_json::from_str::<Value>(pod) else {
        return false;
    };
    let apps = names_of(&pod);
    apps.iter().filter(|name| !undeclared.contains_key(*name)).count() > 1
}

fn names_of(pod: &Value) -> BTreeSet<String> {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let names = containers.into_iter().flatten().filter_map(|container| {
        let name = container.get("name").and_then(Value::as_str)?;
        Some(name.to_owned())
    });
    names.collect()
}

/// The pod as the template of a workload of its owner's kind: what an agent is for depends on it (a DaemonSet's agent
/// is what its pods are for).
fn workload(pod: &Value, owner: Option<&str>) -> Value {
    let field = |name: &str| pod.pointer(name).cloned().unwrap_or_default();
    let spec = field("/spec");
    let metadata = json!({
        "name": field("/metadata/name"),
        "labels": field("/metadata/labels"),
        "annotations": field("/metadata/annotations"),
    });
    let (api_version, kind) = match owner {
        Some("DaemonSet") => ("apps/v1", "DaemonSet"),
        Some("ReplicaSet") => ("apps/v1", "Deployment"),
        Some("StatefulSet") => ("apps/v1", "StatefulSet"),
        Some("Job") => ("batch/v1", "Job"),
        _ => return json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}),
    };
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": field("/metadata/name")},
        "spec": {"template": {"metadata": metadata, "spec": spec}}})
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{pod::Settings, roles::Catalogue};

    fn found(pod: &Value, owner: Option<&str>, template: Option<&[&str]>) -> Vec<String> {
        let options = Options {
            settings: Settings::default(),
            catalogue: Arc::new(Catalogue::extended(Vec::new()).unwrap()),
        };
        let template = template.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        undeclared_sidecars(&pod.to_string(), owner, template.as_ref(), &[], &options)
            .signs
            .into_keys()
            .collect()
    }

    #[test]
    fn a_sidecar_is_known_by_the_catalogue_and_by_the_template() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [
            {"name": "app", "image": "app"}, {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.24.0"},
            {"name": "tracer", "image": "tracer"}]}});
        assert_eq!(found(&pod, Some("Job"), None), ["istio-proxy"]);
        let template = Some(&["app"][..]);
        assert_eq!(
            found(&pod, Some("ReplicaSet"), template),
            ["istio-proxy", "tracer"]
        );
        // One of them must be the app.
        assert!(found(&pod, None, Some(&[])).is_empty());
    }
}
