//! Named pipes between the containers of a pod: who reads one begins, and ends, with who writes it.

use super::Pod;
use crate::{
    catalogue::stream_tool::{Stream, does},
    shell::{RedirectKind, Simple},
    workload::ContainerList,
};

/// The named pipe that a container's script reads once, and that another container of the pod may write: as written.
pub(crate) fn reads_pipe(pod: &Pod<'_>, index: usize) -> Option<String> {
    let member = pod.members.get(index)?;
    let (_, program) = Pod::entrypoint(member)?;
    if pod.runs_for_ever(index).is_some() {
        return None;
    }
    let pipes = pipes(pod);
    let is_pipe_of_others = |path: &&String| {
        let Some((volume, relative)) = pod.workload.volume_of_file(&member.container, path) else {
            return false;
        };
        let is_pipe = pipes
            .iter()
            .any(|(name, pipe)| *name == volume.name && *pipe == relative);
        let mut others = pod
            .members
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        is_pipe
            && others.any(|(_, other)| {
                other.container.list == ContainerList::Regular
                    && other.container.mounts().any(|mount| mount.volume == volume.name)
            })
    };
    let commands = program.script.as_ref()?.list.commands();
    let read: Vec<String> = commands
        .filter_map(|visit| visit.simple())
        .flat_map(read_files)
        .collect();
    read.iter().find(is_pipe_of_others).cloned()
}

/// The named pipes that scripts of the pod make: volume and path in it.
fn pipes(pod: &Pod<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for member in &pod.members {
        let scripts = member
            .programs
            .iter()
            .filter_map(|program| program.script.as_ref());
        for simple in scripts
            .flat_map(|script| script.list.commands())
            .filter_map(|visit| visit.simple())
        {
            let words: Vec<String> = simple
                .words
                .iter()
                .filter_map(|word| Some(word.literal()?.into_owned()))
                .collect();
            if words.first().is_none_or(|first| !does(first, Stream::MakesPipes)) {
                continue;
            }
            let files = words.iter().skip(1).filter(|word| word.starts_with('/'));
            found.extend(files.filter_map(|path| {
                let (volume, relative) = pod.workload.volume_of_file(&member.container, path)?;
                Some((volume.name.to_owned(), relative))
            }));
        }
    }
    found
}

/// `<file`, `cat file`
fn read_files(simple: &Simple) -> Vec<String> {
    let redirected = simple
        .redirects
        .iter()
        .filter(|redirect| redirect.kind == RedirectKind::Read)
        .filter_map(|redirect| redirect.target.as_ref()?.literal());
    let first = simple.words.first().and_then(|word| word.literal());
    let shows = first.is_some_and(|first| does(&first, Stream::ReadsFiles));
    let operands = simple
        .words
        .iter()
        .skip(1)
        .filter(|_| shows)
        .filter_map(|word| word.literal());
    redirected.chain(operands).map(|path| path.into_owned()).collect()
}
