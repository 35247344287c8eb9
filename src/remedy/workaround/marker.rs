//! Marker files: what writes them goes together with what looks for them.

use crate::remedy::workaround::{part::Part, stop::signal_changes, watchdog::without_watchdog};
use crate::{
    behaviour::{
        Link, LinkKind, MarkerWrite, ScriptFacts,
        script::{Kill, Marker, MarkerUse, Wait, WaitForm},
    },
    pod::{Member, Pod, carries_the_result, ends_with_its_own, shown_path},
    remedy::{
        gate::startup::asked_port,
        obligation::{Obligation, Proof},
        plan::Class,
        script::{
            entrypoint::{Entrypoint, can_cut, dialect},
            hindrance::excerpt,
            script_is_whole,
        },
    },
    shell::Variable,
    workload::{Program, ProgramPlace},
    yaml::Node,
};

/// Both halves of a marker file.
pub(crate) fn marker<'a>(
    pod: &Pod<'a>,
    index: usize,
    program: &Program<'a>,
    test: &Marker,
    writers: &[MarkerWrite],
) -> Part<'a> {
    let name = pod.members.get(index).map_or("", |member| member.container.name);
    let file = path_of(test);
    let shown = shown_path(program, &test.file);
    let what = format!("{name}: its own command takes the place of the script that looks for {shown}");
    let mut part = Part::new(what, Ok(Class::Safe));
    let starts = started(pod, index);
    let signs: Vec<&str> = starts.iter().map(|start| start.file).collect();
    let values = pod.members.get(index).map(|member| member.container.values());
    let environment = |name: &str| match &values {
        Some(values) => values.get(name),
        None => Variable::Unknown,
    };
    let restored = without_watchdog(&program.text, dialect(program), &environment, file, &signs)
        .filter(|_| program.is_shell() && program.shared.is_none());
    let names_it = |kept: &String| !file.is_empty() && kept.contains(file);
    let stays = restored.as_ref().is_some_and(names_it) || writers_stay(pod, index, program, test, writers);
    match restored {
        Some(restored) => {
            // Who waits for a sign that is not made any more needs a gate instead.
            for start in starts.iter().filter(|start| !restored.contains(start.file)) {
                ready_goes(pod, index, start, &mut part);
            }
            for proof in proofs(pod, index, program, (test, writers, stays), &part) {
                part.rest_on(proof);
            }
            let signal = own_signal(pod, index, program);
            part.note = signal.map(|signal| signal_changes(name, signal));
            part.entrypoints.insert(
                index,
                Entrypoint {
                    restored: Some(restored),
                    ..Entrypoint::default()
                },
            );
        }
        None => {
            part.class = Err(format!(
                "what {name} runs besides looking for {shown} is not certain"
            ))
        }
    }
    if program.place != ProgramPlace::Entrypoint {
        part.class = Err("what else the probe is for has to be decided by hand".to_owned());
    }
    if writers.is_empty() {
        part.class = Err("the manifest does not show what writes the file".to_owned());
    }
    if !stays {
        writers_go(pod, file, writers, &mut part);
    }
    part
}

/// What it rests on that a marker goes.
fn proofs(
    pod: &Pod<'_>,
    index: usize,
    program: &Program<'_>,
    (test, writers, stays): (&Marker, &[MarkerWrite], bool),
    part: &Part<'_>,
) -> Vec<Proof> {
    let mut proofs = Vec::new();
    if !part.replaces_signs.is_empty() {
        proofs.push(Proof::unknown(
            Obligation::WaitIsKept,
            "a probe takes the place of the file that says that it is ready",
        ));
    }
    let is_carried =
        || carries_the_result(pod, program, path_of(test), writers) && !ends_with_its_own(writers);
    proofs.push(match MarkerWrite::is_signal_alone(writers) {
        _ if is_carried() => Proof::refuted(
            Obligation::ResultIsKept,
            "the script that looks for the file ends with the result that stands in it, and a sidecar's result does not count",
        ),
        true => Proof::proved(
            Obligation::ResultIsKept,
            "the writer ends with the result of its work either way",
        ),
        false => Proof::unknown(
            Obligation::ResultIsKept,
            "the file may be for more than its end, or the writer may end with another result",
        ),
    });
    let is_elsewhere = || is_named_elsewhere(pod, index, program, path_of(test), writers);
    proofs.push(match stays {
        true => Proof::unknown(
            Obligation::ScriptIsWhole,
            "something else names the file, so what writes it stays",
        ),
        false if is_elsewhere() => Proof::unknown(Obligation::ScriptIsWhole, "something else names the file"),
        false => Proof::proved(Obligation::ScriptIsWhole, "nothing else names the file"),
    });
    proofs.extend(ends_otherwise(pod, index, program, test));
    if let Some(seconds) = flush(pod, index, program) {
        proofs.push(Proof::unknown(
            Obligation::IdleAfterApp,
            format!("it works on for {seconds} s when the app is done, which SIGTERM cuts short"),
        ));
    }
    proofs
}

/// What else ends a sidecar whose script looks for a file: a number of tries, a clock, a switch, its program's own end.
fn ends_otherwise(pod: &Pod<'_>, index: usize, program: &Program<'_>, test: &Marker) -> Option<Proof> {
    let facts = facts(pod, index, program)?;
    let wait = facts
        .waits
        .iter()
        .find(|wait| wait.span.start <= test.span.start && test.span.end <= wait.span.end)?;
    let is_bounded = wait.form == WaitForm::CountedLoop || wait.time_limit.is_some();
    let span = match wait.ways_out.first() {
        Some(way) => &way.span,
        None if is_bounded => &wait.span,
        None => return None,
    };
    let shown = excerpt(program.text.get(span.clone()).unwrap_or_default());
    Some(Proof::unknown(
        Obligation::EndsAreKnown,
        format!("its script also ends it at `{shown}`, and a declared sidecar runs on or is started again"),
    ))
}

/// The signal by which a container's script ends its program, where it is another one than SIGTERM.
pub(crate) fn own_signal<'p>(pod: &'p Pod<'_>, index: usize, program: &Program<'_>) -> Option<&'p str> {
    let kills = &facts(pod, index, program)?.kills;
    kills
        .iter()
        .filter(|kill| kill.is_an_end())
        .find_map(Kill::other_signal)
}

/// What is known of a container's program.
fn facts<'p>(pod: &'p Pod<'_>, index: usize, program: &Program<'_>) -> Option<&'p ScriptFacts> {
    let mut programs = pod.members.get(index)?.programs.iter();
    let at = programs.position(|other| std::ptr::eq(other, program))?;
    pod.links.facts(index, at)
}

/// The seconds that a sidecar's script gives its program between the sign and the end.
fn flush(pod: &Pod<'_>, index: usize, program: &Program<'_>) -> Option<f64> {
    let facts = facts(pod, index, program)?;
    let end_of_wait = facts.waits.iter().map(|wait| wait.span.end).max()?;
    facts
        .sleeps
        .iter()
        .filter(|sleep| sleep.span.start >= end_of_wait)
        .find_map(|sleep| sleep.seconds)
}

/// Another container's wait for a file that a sidecar's script makes.
struct Start<'l> {
    link: &'l Link,
    wait: &'l Wait,
    /// The file, as the sidecar's script names it.
    file: &'l str,
}

/// Who waits for files of a sidecar's before it starts.
fn started<'p>(pod: &'p Pod<'_>, sidecar: usize) -> Vec<Start<'p>> {
    let starts = pod.links.all.iter().filter_map(|link| match &link.kind {
        LinkKind::StartsOnFile(wait, Some(writer)) if writer.container == sidecar => Some(Start {
            link,
            wait,
            file: path_of(&writer.marker),
        }),
        _ => None,
    });
    starts.collect()
}

/// The wait for a sidecar's sign goes with the sign; what the sidecar itself waited for before it made it, a probe asks.
fn ready_goes(pod: &Pod<'_>, sidecar: usize, start: &Start<'_>, part: &mut Part<'_>) {
    let Some((member, program)) = pod.program(start.link.container, start.link.program) else {
        return;
    };
    let span = &start.wait.whole;
    if let Some(reason) = start.wait.besides() {
        part.class = Err(reason.to_owned());
    }
    part.rest_on(script_is_whole(can_cut(
        member,
        program,
        std::slice::from_ref(span),
    )));
    part.entrypoints
        .entry(start.link.container)
        .or_default()
        .merge(&Entrypoint::cutting(span.clone()));
    let own = pod.members.get(sidecar).and_then(Pod::entrypoint);
    part.asks = own
        .and_then(|(at, _)| pod.links.facts(sidecar, at))
        .into_iter()
        .flat_map(|facts| &facts.waits)
        .find(|wait| {
            wait.probes
                .iter()
                .any(|probe| asked_port(&probe.action).is_some())
        })
        .cloned();
    part.needs_gate = true;
    part.replaces_signs.push(start.file.to_owned());
}

/// Cuts out what writes a file that nobody looks for any more.
pub(crate) fn writers_go(pod: &Pod<'_>, file: &str, writers: &[MarkerWrite], part: &mut Part<'_>) {
    for writer in writers {
        let Some((member, theirs)) = pod.program(writer.container, writer.program) else {
            continue;
        };
        let span = &writer.marker.span;
        part.rest_on(script_is_whole(can_cut(
            member,
            theirs,
            std::slice::from_ref(span),
        )));
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
}

/// Whether a file has to be written although a script that looked for it is gone: somebody else may wait for it, or
/// read it.
pub(crate) fn writers_stay<'a>(
    pod: &Pod<'a>,
    reader: usize,
    program: &Program<'a>,
    test: &Marker,
    writers: &[MarkerWrite],
) -> bool {
    let path = test.file.path.as_deref();
    let variables = test.file.by_variable.as_deref().unwrap_or_default();
    let is_part = |name: &str| variables.contains(&format!("${{{name}}}"));
    let volume = |member: &Member<'a>, path: &str| {
        let (volume, relative) = pod.workload.volume_of_file(&member.container, path)?;
        Some((volume.name, relative))
    };
    let Some(own) = pod.members.get(reader) else {
        return true;
    };
    pod.members.iter().enumerate().any(|(index, other)| {
        let writer = writers.iter().find(|writer| writer.container == index);
        let Some(path) = path else {
            let mut set = other.container.environment();
            return index != reader && writer.is_none() && set.any(|variable| is_part(variable.name));
        };
        let Some((name, relative)) = volume(own, path) else {
            return false;
        };
        let mounts = other.container.mounts().filter(|mount| mount.volume == name);
        let mut names = mounts.map(|mount| format!("{}/{relative}", mount.path.trim_end_matches('/')));
        let is_half = |at: usize, own: &Program<'_>| {
            std::ptr::eq(own, program) || writer.is_some_and(|writer| writer.program == at)
        };
        let is_read = |at: usize| {
            let facts = pod.links.facts(index, at);
            facts.is_some_and(|facts| {
                facts.markers.iter().any(|marker| {
                    matches!(marker.usage, MarkerUse::Tested { .. })
                        && volume(other, path_of(marker)) == volume(own, path)
                })
            })
        };
        names.any(|name| match index == reader || writer.is_some() {
            // Values of its variables tell the name to the halves themselves.
            true => other.programs.iter().enumerate().any(|(at, other)| {
                !is_half(at, other) && other.text.contains(&name)
                    || !std::ptr::eq(other, program) && is_read(at)
            }),
            false => other
                .container
                .node
                .walk()
                .any(|node| node.as_str().is_some_and(|text| text.contains(&name))),
        })
    })
}

/// Whether the file is named by anything but the command that writes it and the script that looks for it.
fn is_named_elsewhere<'a>(
    pod: &Pod<'a>,
    reader: usize,
    program: &Program<'a>,
    file: &str,
    writers: &[MarkerWrite],
) -> bool {
    let Some((volume, relative)) = pod
        .members
        .get(reader)
        .and_then(|member| pod.workload.volume_of_file(&member.container, file))
    else {
        return true;
    };
    pod.members.iter().enumerate().any(|(index, member)| {
        let mut paths = member
            .container
            .mounts()
            .filter(|mount| mount.volume == volume.name)
            .map(|mount| format!("{}/{relative}", mount.path.trim_end_matches('/')));
        let path = paths.next();
        let own: Vec<(Node<'_>, usize)> = match writers.iter().find(|writer| writer.container == index) {
            _ if index == reader => program
                .node()
                .map(|node| (node, usize::MAX))
                .into_iter()
                .collect(),
            Some(writer) => pod
                .program(writer.container, writer.program)
                .and_then(|(_, program)| Some((program.node()?, 1)))
                .into_iter()
                .collect(),
            None => Vec::new(),
        };
        // Its mounts at other places give the file other names.
        paths.next().is_some()
            || path.is_some_and(|path| {
                member.container.node.walk().any(|node| {
                    let allowed = own
                        .iter()
                        .find(|(own, _)| *own == node)
                        .map_or(0, |(_, times)| *times);
                    node.as_str()
                        .is_some_and(|text| text.matches(&path).count() > allowed)
                })
            })
    })
}

/// The file of a marker; empty where the text does not say which.
pub(crate) fn path_of(marker: &Marker) -> &str {
    marker.file.path.as_deref().unwrap_or_default()
}
