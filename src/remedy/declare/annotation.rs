//! The annotations of a pod template: those by which an admission policy is told the sidecars, and others that are
//! set.

use crate::{
    edit::{
        change::{Change, Position},
        place::{Place, place},
        removal::Removals,
    },
    pod::Pod,
    remedy::plan::{Changes, Plan, Round},
    roles::{DECLARATION_ANNOTATION, FIRST, POSITION_ANNOTATION, listed},
    yaml::{Node, Value},
};

/// The annotations of a pod template, as far as they stand there.
fn annotations<'a>(pod: &Pod<'a>) -> Option<Node<'a>> {
    pod.workload
        .pod_metadata
        .and_then(|metadata| metadata.get("annotations"))
}

/// Where the annotations stand, if they do: new ones go there even when all old ones go.
pub(crate) fn kept(pod: &Pod<'_>) -> Result<Option<Place>, String> {
    annotations(pod).map(place).transpose()
}

/// Gives an annotation a value, whether it is there or not.
pub(crate) fn set(pod: &Pod<'_>, key: &str, value: &str, changes: &mut Changes) -> Result<(), String> {
    match pod.workload.pod_annotation(key) {
        Some(existing) if existing.value.as_str() == Some(value) => {}
        Some(existing) => changes.text(existing.value, value)?,
        None => changes.annotations.push((key.to_owned(), value.to_owned())),
    }
    Ok(())
}

/// Adds the names and annotations that a plan has gathered, all at once: the mapping may have to be made for them.
pub(crate) fn insert(pod: &Pod<'_>, plan: &mut Plan) -> Result<(), String> {
    let mut changes = Changes::default();
    let named = std::mem::take(&mut plan.named);
    add_names(pod, &named, &mut changes)?;
    for change in changes.cuts {
        plan.add(Round::Cut, change);
    }
    let mut added = std::mem::take(&mut plan.annotations);
    added.extend(changes.annotations);
    if added.is_empty() {
        return Ok(());
    }
    if let Some(annotations) = annotations(pod) {
        let mapping = place(annotations)?;
        for (key, value) in added {
            plan.add(Round::Add, last(mapping.clone(), &key, Value::string(value)));
        }
        return Ok(());
    }
    let entries = added
        .into_iter()
        .map(|(key, value)| (Value::string(key), Value::string(value)));
    let annotations = Value::Mapping(entries.collect());
    let change = match pod.workload.pod_metadata {
        Some(metadata) => last(place(metadata)?, "annotations", annotations),
        None => Change::Insert {
            mapping: place(
                pod.workload
                    .pod_spec
                    .parent()
                    .ok_or("the pod template has no metadata")?,
            )?,
            key: "metadata".to_owned(),
            value: Value::Mapping(vec![(Value::string("annotations"), annotations)]),
            position: Position::Before("spec".to_owned()),
        },
    };
    plan.add(Round::Add, change);
    Ok(())
}

fn last(mapping: Place, key: &str, value: Value) -> Change {
    Change::Insert {
        mapping,
        key: key.to_owned(),
        value,
        position: Position::Last,
    }
}

fn add_names(pod: &Pod<'_>, added: &[String], changes: &mut Changes) -> Result<(), String> {
    let old = names(pod)?;
    let mut new = old.clone();
    for name in added {
        if !new.contains(&name.as_str()) {
            new.push(name);
        }
    }
    match new == old {
        true => Ok(()),
        false => set(pod, DECLARATION_ANNOTATION, &new.join(","), changes),
    }
}

/// Takes names out of the annotation that declares sidecars. With the last one it goes, and with it the one that
/// says where they go.
pub(crate) fn drop_names<'a>(
    pod: &Pod<'a>,
    dropped: &[&str],
    changes: &mut Changes,
    removals: &mut Removals<'a>,
) -> Result<(), String> {
    let old = names(pod)?;
    let rest: Vec<&str> = old
        .iter()
        .copied()
        .filter(|name| !dropped.contains(name))
        .collect();
    if rest == old {
        return Ok(());
    }
    if !rest.is_empty() {
        return set(pod, DECLARATION_ANNOTATION, &rest.join(","), changes);
    }
    for key in [DECLARATION_ANNOTATION, POSITION_ANNOTATION] {
        if let Some(entry) = pod.workload.pod_annotation(key) {
            // A value behind an anchor is written elsewhere too.
            place(entry.value)?;
            removals.add(entry.key);
        }
    }
    Ok(())
}

/// Lets promoted sidecars start before the init containers.
pub(crate) fn put_first(pod: &Pod<'_>, changes: &mut Changes) -> Result<(), String> {
    set(pod, POSITION_ANNOTATION, FIRST, changes)
}

/// The names that are declared.
fn names<'a>(pod: &Pod<'a>) -> Result<Vec<&'a str>, String> {
    let Some(entry) = pod.workload.pod_annotation(DECLARATION_ANNOTATION) else {
        return Ok(Vec::new());
    };
    match entry.value.as_str() {
        Some(text) => Ok(listed(text).collect()),
        None if entry.value.is_null() => Ok(Vec::new()),
        None => Err(format!("{DECLARATION_ANNOTATION} is not a text")),
    }
}
