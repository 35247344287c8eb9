//! Marker files: what writes them goes together with what looks for them.

use crate::{
    behaviour::{MarkerWrite, script::Marker},
    rules::Pod,
    workload::Program,
};

use super::{
    entrypoint::{Entrypoint, can_cut, dialect},
    plan::Class,
    requirement::Part,
    watchdog::{as_process, watched_child},
};

/// Both halves of a marker file.
pub(super) fn marker<'a>(
    pod: &Pod<'a>,
    index: usize,
    program: &Program<'a>,
    file: &str,
    writers: &[MarkerWrite],
) -> Part<'a> {
    let name = pod.members.get(index).map_or("", |member| member.container.name);
    let what = format!("{name}: its own command takes the place of the script that looks for {file}");
    let mut part = Part::new(what, Ok(Class::Review));
    let child = watched_child(&program.text, dialect(program), file)
        .filter(|_| program.is_shell() && program.shared.is_none());
    match child {
        Some(child) => {
            part.entrypoints.insert(
                index,
                Entrypoint {
                    restored: Some(as_process(&child, dialect(program))),
                    ..Entrypoint::default()
                },
            );
        }
        None => {
            part.class = Err(format!(
                "what {name} runs besides looking for {file} is not certain"
            ))
        }
    }
    if writers.is_empty() {
        part.class = Err("whoever writes the file is not visible in the manifest".to_owned());
    }
    for writer in writers {
        let Some((_, theirs)) = pod.program(writer.container, writer.program) else {
            continue;
        };
        let span = &writer.marker.span;
        if !can_cut(theirs, std::slice::from_ref(span)) {
            part.class = Err("what would remain of the writer's script is not certain".to_owned());
        }
        part.entrypoints
            .entry(writer.container)
            .or_default()
            .merge(&Entrypoint::cutting(span.clone()));
        let written = path_of(&writer.marker).rsplit_once('/');
        part.directories
            .extend(written.map(|(directory, _)| directory.to_owned()));
    }
    part.directories
        .extend(file.rsplit_once('/').map(|(directory, _)| directory.to_owned()));
    part
}

/// The file of a marker; empty where the text does not say which.
pub(super) fn path_of(marker: &Marker) -> &str {
    marker.file.path.as_deref().unwrap_or_default()
}
