//! Scripts that a ConfigMap of the input holds (`docs/semantics.md`, "Taking a workaround out").
//!
//! Such a script is changed together with the one program that runs it, where the input shows that nothing else
//! reads it.

use crate::{
    pod::Pod,
    workload::{ObjectReference, Program, Workload, objects_of},
    yaml::{Node, Stream},
};

/// An object that refers to a ConfigMap, once for each time it does.
#[derive(Debug, Clone)]
pub(crate) struct ConfigMapUse {
    config_map: String,
    source: String,
    document: usize,
    object: ObjectReference,
}

impl ConfigMapUse {
    /// Whether the object stands in a source of this name.
    pub(crate) fn stands_in(&self, source: &str) -> bool {
        self.source == source
    }
}

/// Why a person has to change a ConfigMap that is on a server.
const LIVE: &str = "pods that run now would read the new script when one of their containers restarts, before their \
    template is replaced; change it where it is made, together with the workload";

/// Whether a program of the pod runs a script from a ConfigMap.
pub(crate) fn runs_shared_scripts(pod: &Pod<'_>) -> bool {
    let mut programs = pod.members.iter().flat_map(|member| &member.programs);
    programs.any(|program| program.config_map.is_some())
}

/// Finds out of every script from a ConfigMap whether a change of it reaches more than its program.
pub(crate) fn settle(pod: &mut Pod<'_>, uses: &[ConfigMapUse], is_live: bool) {
    let workload = pod.workload;
    let source = &pod.sources.own().name;
    for member in &mut pod.members {
        for program in &mut member.programs {
            if let Some(name) = program.config_map {
                let hindrance = if is_live {
                    Some(LIVE.to_owned())
                } else {
                    hindrance(workload, source, program, uses)
                };
                program.shared = hindrance.map(|reason| {
                    format!("it stands in a script of ConfigMap {name}, which is not rewritten: {reason}")
                });
            }
        }
    }
}

fn hindrance(
    workload: &Workload<'_>,
    source: &str,
    program: &Program<'_>,
    all: &[ConfigMapUse],
) -> Option<String> {
    let script = program.node()?;
    let data = script.parent()?;
    let config_map = data.parent()?;
    if config_map.get("immutable").and_then(Node::as_bool) == Some(true) {
        return Some("it is immutable".to_owned());
    }
    if config_map.raw().contains("{{") {
        return Some("it is made from a template".to_owned());
    }
    let in_namespace = |other: &&ConfigMapUse| {
        let (own, other) = (&workload.object.reference.namespace, &other.object.namespace);
        own.is_none() || other.is_none() || own == other
    };
    let mut own_uses = 0;
    for other in all
        .iter()
        .filter(|other| Some(other.config_map.as_str()) == program.config_map)
        .filter(in_namespace)
    {
        let is_own = other.source == source
            && other.document == workload.object.document
            && other.object == workload.object.reference;
        if !is_own {
            return Some(format!("{} {} uses it too", other.object.kind, other.object.name));
        }
        own_uses += 1;
    }
    if own_uses != 1 {
        return Some("the pod uses it in several places".to_owned());
    }
    let file = program.file.as_deref()?;
    let base_name = file.rsplit('/').next()?;
    let mentions = |node: Node<'_>| strings(node).filter(|text| text.contains(base_name)).count();
    let in_pod: usize = workload
        .containers
        .iter()
        .map(|container| {
            let in_mounts = container.node.get("volumeMounts").map_or(0, mentions);
            mentions(container.node).saturating_sub(in_mounts)
        })
        .sum();
    if in_pod != 1 {
        return Some(format!("{base_name} is named in several places of the pod"));
    }
    let by_others = data
        .entries()
        .iter()
        .filter(|entry| entry.value != script)
        .any(|entry| mentions(entry.value) > 0);
    by_others.then(|| format!("another of its files names {base_name}"))
}

/// All references to ConfigMaps in a source.
pub(crate) fn uses(source: &str, stream: &Stream<'_>) -> Vec<ConfigMapUse> {
    let mut uses = Vec::new();
    for object in objects_of(stream) {
        let names = object
            .node
            .walk()
            .filter(|node| node.is_mapping())
            .flat_map(config_maps_named);
        uses.extend(names.map(|name| ConfigMapUse {
            config_map: name.to_owned(),
            source: source.to_owned(),
            document: object.document,
            object: object.reference.clone(),
        }));
    }
    uses
}

/// The ConfigMaps that a mapping refers to, or that a kustomization generates.
fn config_maps_named<'t>(mapping: Node<'t>) -> Vec<&'t str> {
    let referring = ["configMap", "configMapRef", "configMapKeyRef"]
        .into_iter()
        .filter_map(|key| mapping.get(key)?.get("name"));
    let generators = mapping
        .get("configMapGenerator")
        .into_iter()
        .flat_map(Node::items)
        .filter_map(|generator| generator.get("name"));
    referring.chain(generators).filter_map(Node::as_str).collect()
}

fn strings<'t>(node: Node<'t>) -> impl Iterator<Item = &'t str> {
    node.walk().filter_map(|node| node.as_str())
}
