//! Sidecars that end with the result of their app, which a file tells them.

use crate::{
    behaviour::{MarkerWrite, script::ExitStatus},
    catalogue::stream_tool::{Stream, does},
    shell::{Part, Piece, command_index},
    workload::Program,
};

use super::Pod;

/// Whether an app writes its result into a file, and the script that looks for the file reads what stands there: the
/// pod's result may be that script's. `program` is the script.
pub(crate) fn carries_the_result(
    pod: &Pod<'_>,
    program: &Program<'_>,
    file: &str,
    writers: &[MarkerWrite],
) -> bool {
    !file.is_empty()
        && writers.iter().any(|writer| tells_a_result(pod, writer))
        && reads_contents(program, file)
}

/// Whether the app's script ends with the app's result, or does so once it does not write the file any more.
pub(crate) fn ends_with_its_own(writers: &[MarkerWrite]) -> bool {
    let mut markers = writers.iter().map(|writer| &writer.marker);
    markers.all(|marker| {
        let runs = marker.runs.as_ref();
        marker.exit_status == ExitStatus::Masked
            || runs.is_some_and(|runs| runs.keep_the_result(marker.span.start))
    })
}

/// `echo $? > FILE`, `echo "$rc" > FILE`
fn tells_a_result(pod: &Pod<'_>, writer: &MarkerWrite) -> bool {
    let Some((_, program)) = pod.program(writer.container, writer.program) else {
        return false;
    };
    let span = &writer.marker.span;
    let mut commands = program
        .script
        .iter()
        .flat_map(|script| script.list.commands_around(span));
    commands.any(|visit| {
        visit.simple().is_some_and(|simple| {
            let is_it = simple.span.start <= span.start && span.end <= simple.span.end
                || span.start <= simple.span.start && simple.span.end <= span.end;
            let mut pieces = simple.words.iter().flat_map(|word| &word.pieces);
            is_it && pieces.any(|piece| matches!(piece, Piece::Variable { .. } | Piece::Substitution { .. }))
        })
    })
}

/// `cat FILE`, `read rc < FILE`, `$(< FILE)` outside of a loop that waits for it.
fn reads_contents(program: &Program<'_>, file: &str) -> bool {
    let mut commands = program.script.iter().flat_map(|script| script.list.commands());
    commands.any(|visit| {
        visit.simple().is_some_and(|simple| {
            let names_it = |raw: &str| raw.trim_matches(['"', '\'']) == file;
            let at = command_index(&simple.words);
            let name = simple.words.get(at).map_or("", |word| word.raw.as_str());
            let shows = does(name.rsplit('/').next().unwrap_or(name), Stream::Shows)
                && simple.words.iter().any(|word| names_it(&word.raw));
            let mut inputs = simple.redirects.iter().filter(|redirect| redirect.is_input());
            let is_fed = inputs.any(|redirect| {
                let target = redirect.target.as_ref();
                target.is_some_and(|target| names_it(&target.raw))
            });
            (shows || is_fed) && !visit.context.is_in(Part::LoopCondition)
        })
    })
}
