//! What an app gives its sidecar before it waits for it.

use crate::{
    behaviour::{
        Link,
        script::{MarkerUse, Wait},
    },
    pod::{Pod, shown_path},
    shell::{Simple, Span},
};

/// The file that a program writes before it waits for a sidecar, and that the sidecar's own words name: behind a gate it
/// would never be written.
pub(super) fn given_before<'p>(
    pod: &'p Pod<'_>,
    sidecar: usize,
    link: &Link,
    wait: &Wait,
) -> Option<&'p str> {
    let (member, program) = pod.program(link.container, link.program)?;
    let facts = pod.links.facts(link.container, link.program)?;
    let other = pod.members.get(sidecar)?;
    let names = |path: &str| {
        let words = other.programs.iter().flat_map(|program| &program.words);
        let values = other
            .container
            .environment()
            .filter_map(|variable| variable.value);
        words
            .filter_map(|word| word.as_str())
            .chain(values)
            .any(|text| text.contains(path))
    };
    let is_needed = |path: &str| {
        let Some((volume, relative)) = pod.workload.volume_of_file(&member.container, path) else {
            return false;
        };
        let mounts = other
            .container
            .mounts()
            .filter(|mount| mount.volume == volume.name);
        mounts
            .map(|mount| format!("{}/{relative}", mount.path.trim_end_matches('/')))
            .any(|path| names(&path))
    };
    let written = facts.markers.iter().filter(|marker| {
        let makes = matches!(marker.usage, MarkerUse::Written | MarkerUse::Filled);
        makes && marker.trap.is_none() && marker.span.end <= wait.span.start
    });
    let own = written
        .filter(|marker| marker.file.path.as_deref().is_some_and(is_needed))
        .map(|marker| shown_path(program, &marker.file));
    let copied = program
        .script
        .iter()
        .flat_map(|script| script.list.commands())
        .filter(|visit| visit.context.trap.is_none() && visit.command.span().end <= wait.span.start)
        .filter_map(|visit| copied_to(visit.simple()?))
        .filter(|span| program.text.get(span.clone()).is_some_and(is_needed))
        .filter_map(|span| program.text.get(span));
    own.chain(copied).next()
}

/// Where a command puts a file: `cp A B`, `tee B`.
fn copied_to(simple: &Simple) -> Option<Span> {
    let (program, rest) = simple.words.split_first()?;
    let name = program.raw.rsplit('/').next()?;
    let puts = matches!(name, "cp" | "mv" | "ln" | "install" | "tee" | "rsync");
    rest.last().filter(|_| puts).map(|word| word.span.clone())
}
