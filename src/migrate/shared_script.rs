//! Scripts that a ConfigMap of the input holds (`semantics.md`, 3.2, F9).
//!
//! Such a script is changed together with the one program that runs it, where the input shows that nothing else
//! reads it.

use crate::{
    rules::Pod,
    workload::{Object, Program, Workload},
    yaml::Node,
};

/// Finds out of every script from a ConfigMap whether a change of it reaches more than its program.
/// `objects` are those of the whole input.
pub(super) fn settle(pod: &mut Pod<'_>, objects: &[Object<'_>]) {
    let workload = pod.workload;
    for member in &mut pod.members {
        for program in &mut member.programs {
            if let Some(name) = program.config_map {
                program.shared = hindrance(workload, program, name, objects).map(|reason| {
                    format!("it stands in a script of ConfigMap {name}, which is not rewritten: {reason}")
                });
            }
        }
    }
}

fn hindrance(
    workload: &Workload<'_>,
    program: &Program<'_>,
    name: &str,
    objects: &[Object<'_>],
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
    let in_namespace = |object: &&Object<'_>| {
        let (own, other) = (
            &workload.object.reference.namespace,
            &object.reference.namespace,
        );
        own.is_none() || other.is_none() || own == other
    };
    let mut own_uses = 0;
    for object in objects.iter().filter(in_namespace) {
        let uses = uses(object.node, name);
        if object.node == workload.object.node {
            own_uses += uses;
        } else if uses > 0 {
            let reference = &object.reference;
            return Some(format!("{} {} uses it too", reference.kind, reference.name));
        }
    }
    if own_uses != 1 {
        return Some("the pod uses it in several places".to_owned());
    }
    let file = program
        .words
        .iter()
        .filter_map(|word| word.as_str())
        .find(|word| word.starts_with('/'))?;
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

/// How often an object refers to a ConfigMap by its name.
fn uses(node: Node<'_>, name: &str) -> usize {
    const REFERRING: [&str; 3] = ["configMap", "configMapRef", "configMapKeyRef"];
    node.walk()
        .filter(|node| node.is_mapping())
        .map(|mapping| {
            let references = REFERRING
                .iter()
                .filter_map(|key| mapping.get(key)?.get("name")?.as_str())
                .filter(|own| *own == name)
                .count();
            let generated = mapping
                .get("configMapGenerator")
                .into_iter()
                .flat_map(Node::items)
                .filter(|generator| generator.get("name").and_then(Node::as_str) == Some(name))
                .count();
            references + generated
        })
        .sum()
}

fn strings<'t>(node: Node<'t>) -> impl Iterator<Item = &'t str> {
    node.walk().filter_map(|node| node.as_str())
}
