//! Volumes that served nothing but a workaround (`docs/semantics.md`, "Volumes that served the workaround").

use crate::{
    edit::{change::Change, removal::Removals, rewrite},
    remedy::plan::Plan,
    workload::{self, Container, Object, VolumeSource, Workload},
    yaml::{self, Node},
};

/// Removes the volumes under the plans' directories that nothing uses any more. Where that can't be done the
/// text stays as it is: a volume too many does no harm, and its plan says that it stays.
pub(crate) fn sweep(text: String, plans: &mut [Plan]) -> String {
    if plans.iter().all(|plan| plan.directories.is_empty()) {
        return text;
    }
    let Ok(stream) = yaml::parse(&text) else {
        return text;
    };
    let mut changes: Vec<Change> = Vec::new();
    let objects: Vec<Object<'_>> = workload::objects_of(&stream).collect();
    for object in &objects {
        let own = |plan: &&mut Plan| plan.document == object.document && plan.object == object.reference;
        let directories: Vec<String> = plans
            .iter_mut()
            .filter(own)
            .flat_map(|plan| plan.directories.clone())
            .collect();
        if directories.is_empty() {
            continue;
        }
        let mut kept = Vec::new();
        for workload in workload::discover(object) {
            changes.extend(unused(&workload, &directories, &objects, &mut kept));
        }
        if let Some(plan) = plans.iter_mut().find(own) {
            kept.into_iter().for_each(|note| plan.note(note));
        }
    }
    match rewrite(&text, &[changes]) {
        Ok(swept) => swept,
        Err(_) => text,
    }
}

/// The removals of what is certainly unused; what may be used by something that is not here is `kept`, and said.
fn unused(
    workload: &Workload<'_>,
    directories: &[String],
    objects: &[Object<'_>],
    kept: &mut Vec<String>,
) -> Vec<Change> {
    let mut removals = Removals::default();
    for volume in &workload.volumes {
        let mounts: Vec<_> = workload
            .containers
            .iter()
            .flat_map(|container| container.mounts().map(move |mount| (container, mount)))
            .filter(|(_, mount)| mount.volume == volume.name)
            .collect();
        let served = mounts.iter().any(|(_, mount)| {
            directories
                .iter()
                .any(|directory| directory.trim_matches('/') == mount.path.trim_matches('/'))
        });
        let is_scratch = matches!(volume.source, VolumeSource::EmptyDirectory);
        let is_used = mounts
            .iter()
            .any(|(container, mount)| uses(container.node, &["volumeMounts"], mount.path));
        let map = mounts
            .iter()
            .find_map(|(container, mount)| configured(workload, container, mount.path, objects));
        let is_named = workload.pod_annotations().iter().any(|entry| {
            entry
                .value
                .as_str()
                .is_some_and(|value| names(value, volume.name))
        });
        if !served || !is_scratch || is_used || is_named {
            continue;
        }
        if let Some(map) = map {
            kept.push(format!(
                "the volume {} stays mounted: nothing in the manifest uses it any more, but ConfigMap {map} may",
                volume.name
            ));
        } else {
            mounts.iter().for_each(|(_, mount)| removals.add(mount.node));
            removals.add(volume.node);
        }
    }
    removals.changes(&[]).unwrap_or_default()
}

/// The ConfigMap that a container mounts and that names a directory, or may: one that is not here, and whose files the
/// container runs.
fn configured<'t>(
    workload: &Workload<'t>,
    container: &Container<'_>,
    path: &str,
    objects: &[Object<'_>],
) -> Option<&'t str> {
    container.mounts().find_map(|mount| {
        let named = workload.volumes.iter().find(|volume| volume.name == mount.volume);
        let Some(VolumeSource::ConfigMap { name, .. }) = named.map(|volume| volume.source) else {
            return None;
        };
        let here = objects
            .iter()
            .find(|object| object.reference.kind == "ConfigMap" && object.reference.name == name);
        let may_use = match here {
            Some(object) => uses(object.node, &["metadata"], path),
            None => uses(container.node, &["volumeMounts"], mount.path),
        };
        may_use.then_some(name)
    })
}

/// Whether the values of an object name a directory, but for those of some of its fields.
fn uses(object: Node<'_>, but_for: &[&str], path: &str) -> bool {
    let path = path.trim_matches('/');
    let mut values: Vec<Node<'_>> = object
        .entries()
        .iter()
        .filter(|entry| entry.key.as_str().is_none_or(|key| !but_for.contains(&key)))
        .map(|entry| entry.value)
        .collect();
    while let Some(node) = values.pop() {
        if node.as_str().is_some_and(|text| names(text, path)) {
            return true;
        }
        match node.is_mapping() {
            true => values.extend(node.entries().iter().map(|entry| entry.value)),
            false => values.extend(node.items()),
        }
    }
    false
}

/// Whether a text holds a name, or a path that is this one or leads into it.
fn names(text: &str, path: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    text.match_indices(path).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + path.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
