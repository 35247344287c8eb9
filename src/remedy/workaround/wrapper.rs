//! Wrappers and what came with them, as parts of a workaround.

use crate::remedy::workaround::{
    marker::path_of,
    part::Part,
    unwrap::{injected_of, wrapped},
};
use crate::{
    catalogue::wrapper::{WRAPPERS, Wrapper},
    pod::{Member, Pod, Subject},
    remedy::{
        obligation::{Obligation, Proof},
        plan::Class,
        script::entrypoint::{Entrypoint, can_cut, word_index},
        wanted::Wanted,
    },
    workload::{ContainerList, VolumeSource},
};

/// The wrappers of all containers: they tie them together. One for an injected sidecar goes with that one's switch.
pub(crate) fn wrappers<'a>(pod: &Pod<'a>, wanted: &Wanted) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for (index, member) in pod.members.iter().enumerate() {
        if !wanted.has(&Subject::Wrapper(index)) || injected_of(pod, member).is_some() {
            continue;
        }
        let part = match wrapped(member) {
            Some(Ok(wrapped)) => {
                let what = format!("{}: runs without {}", member.container.name, wrapped.wrapper.name);
                let mut part = Part::new(what, Ok(Class::Safe));
                part.rest_on(match wrapped.in_script {
                    true => Proof::unknown(
                        Obligation::ScriptIsWhole,
                        "the wrapped command is part of a script",
                    ),
                    false => Proof::proved(
                        Obligation::ScriptIsWhole,
                        "the wrapper and its settings are all in the manifest",
                    ),
                });
                let waits_anew = wrapped.wrapper.limit.fails && pod.workload.restart_policy() == "Always";
                if let Some(limit) = wrapped.limit.as_ref().filter(|_| !waits_anew) {
                    part.rest_on(Proof::unknown(
                        Obligation::WaitIsKept,
                        format!(
                            "{} gives up waiting after {limit}, and the gate does not",
                            wrapped.wrapper.name
                        ),
                    ));
                }
                part.needs_gate = wrapped.waits;
                part.entrypoints.insert(index, wrapped.entrypoint);
                part.removals = wrapped.removals;
                part.directories = wrapped.directories;
                part.note = account(pod, wrapped.wrapper);
                if let Some(file) = &wrapped.watched_file {
                    writers(pod, file, &mut part);
                }
                part
            }
            Some(Err(reason)) => Part::new(format!("the wrapper of {}", member.container.name), Err(reason)),
            None => Part::new(
                format!("the wrapper of {}", member.container.name),
                Err(match in_script(member) {
                    true => "the wrapped command is part of a script".to_owned(),
                    false => "the wrapper is in the image, where no manifest can remove it".to_owned(),
                }),
            ),
        };
        parts.push(part.on(Subject::Wrapper(index)));
    }
    if !parts.is_empty() {
        parts.extend(copiers(pod));
    }
    parts
}

/// kubexit asks the API server for its pod (github.com/karlkfi/kubexit, README, "RBAC"), for which pods are given an
/// account of their own.
fn account(pod: &Pod<'_>, wrapper: &Wrapper) -> Option<String> {
    let account = pod.workload.pod_spec.get("serviceAccountName")?.as_str()?;
    wrapper.reads_pods.then(|| {
        format!(
            "{} read pods as serviceAccountName {account}: if nothing else needs it, it may go with its role and binding",
            wrapper.name
        )
    })
}

/// Init containers that do nothing but copy a wrapper's binary: `cp /bin/kubexit /kubexit/kubexit`.
fn copiers<'a>(pod: &Pod<'a>) -> Vec<Part<'a>> {
    let copied = |member: &Member<'a>| {
        let words: Vec<&str> = member
            .container
            .command()
            .into_iter()
            .chain(member.container.arguments())
            .filter_map(|node| node.as_str())
            .collect();
        let image = member.container.image()?;
        let carried = |wrapper: &&Wrapper| wrapper.carrier == Some(image.base_name());
        let wrapper = WRAPPERS.iter().find(carried)?;
        let ["cp" | "/bin/cp", from, _] = words.as_slice() else {
            return None;
        };
        let copies = Wrapper::of_program(from).is_some_and(|own| own.name == wrapper.name);
        (member.container.list == ContainerList::Init && copies).then_some(wrapper)
    };
    pod.members
        .iter()
        .filter_map(|member| Some((member, copied(member)?)))
        .map(|(member, wrapper)| {
            let what = format!(
                "{}: is removed, it only copied {}",
                member.container.name, wrapper.name
            );
            let mut part = Part::new(what, Ok(Class::Safe));
            part.rest_on(match only_wrapped_use(pod, member) {
                true => Proof::proved(
                    Obligation::ScriptIsWhole,
                    "only wrapped commands use the volume that it copies to",
                ),
                false => Proof::unknown(
                    Obligation::ScriptIsWhole,
                    "the volume that it copies to may be used for more",
                ),
            });
            part.harmful = false;
            part.removals.add(member.container.node);
            part
        })
        .collect()
}

/// Whether the volume that a container copies a wrapper to is mounted by none but containers that run without it now.
fn only_wrapped_use(pod: &Pod<'_>, copier: &Member<'_>) -> bool {
    let words = copier
        .container
        .command()
        .into_iter()
        .chain(copier.container.arguments());
    let to = words.last().and_then(|node| node.as_str()).unwrap_or_default();
    let Some((volume, _)) = pod.workload.volume_of_file(&copier.container, to) else {
        return false;
    };
    let is_done = |member: &Member<'_>| {
        let mut mounts = member
            .container
            .mounts()
            .filter(|mount| mount.volume == volume.name);
        mounts.all(|mount| {
            let Some(Ok(wrapped)) = wrapped(member) else {
                return false;
            };
            let mut words = member.programs.iter().flat_map(|program| &program.words);
            let uses = words
                .by_ref()
                .filter(|word| word.as_str().is_none_or(|word| word.contains(mount.path)));
            uses.count() == wrapped.entrypoint.dropped.len().min(1)
        })
    };
    let mut others = pod.members.iter().filter(|other| !std::ptr::eq(*other, copier));
    matches!(volume.source, VolumeSource::EmptyDirectory) && others.all(is_done)
}

/// The commands of other containers that write the file which a wrapper watches.
fn writers(pod: &Pod<'_>, file: &str, part: &mut Part<'_>) {
    for (index, member) in pod.members.iter().enumerate() {
        for (at, program) in member.programs.iter().enumerate() {
            let markers = pod.links.facts(index, at).map(|facts| facts.markers.as_slice());
            for marker in markers.unwrap_or_default() {
                if path_of(marker) != file {
                    continue;
                }
                let span = marker.span.clone();
                if !can_cut(member, program, std::slice::from_ref(&span)).is_refuted() {
                    part.entrypoints
                        .entry(index)
                        .or_default()
                        .merge(&Entrypoint::cutting(span));
                } else {
                    part.class = Err(format!(
                        "what would remain of {}'s script is not certain",
                        member.container.name
                    ));
                }
            }
        }
    }
}

fn in_script(member: &Member<'_>) -> bool {
    Pod::entrypoint(member).is_some_and(|(_, program)| {
        program.is_shell()
            && program
                .node()
                .is_some_and(|node| word_index(program, node).is_some())
    })
}
