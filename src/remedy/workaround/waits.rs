//! An app's waits for a sidecar, which a gate replaces.

use super::{
    given::given_before,
    marker::path_of,
    part::{Part, cutting},
};
use crate::{
    behaviour::{
        Link, MarkerWrite,
        action::Action,
        script::{Answer, Wait},
    },
    pod::{Member, Pod, Subject, shown_path},
    remedy::{
        Form,
        gate::{
            startup::{FileGate, asked_port},
            strictness::{gives_up, is_gated_already, wait_is_kept},
        },
        obligation::{Obligation, Proof},
        plan::Class,
        script::{entrypoint::Entrypoint, hindrance::excerpt},
    },
    roles::Role,
    shell::Span,
    workload::{Program, ProgramPlace},
};

/// An app's wait for a sidecar, which a gate replaces.
pub(super) fn waiting<'a>(
    pod: &Pod<'a>,
    index: usize,
    (at, link): (usize, &Link),
    wait: &Wait,
    form: Form,
) -> Part<'a> {
    let Some((member, program)) = pod.program(link.container, link.program) else {
        return Part::new(String::new(), Err(String::new()));
    };
    let what = format!(
        "{}: its wait for {} is removed",
        member.container.name,
        pod.party_name(&link.other)
    );
    let mut part = cutting(link.container, member, program, &wait.whole, what).on(Subject::Link(at));
    part.harmful = false;
    part.wait = Some(wait.clone());
    if let Some(sidecar) = pod.members.get(index) {
        part.rest_on(wait_is_kept(pod, sidecar, wait));
    }
    if wait.answer == Answer::Text {
        part.rest_on(Proof::unknown(
            Obligation::WaitIsKept,
            "it looks at the answer's text, and probes don't",
        ));
    }
    if let Some(option) = &wait.unknown_option {
        part.rest_on(Proof::unknown(
            Obligation::WaitIsKept,
            format!("what `{option}` changes about the wait is not known"),
        ));
    }
    if let Some(host) = &wait.unknown_host {
        part.rest_on(Proof::unknown(
            Obligation::WaitIsKept,
            format!("the host is not known: `{host}` may be another one"),
        ));
    }
    let condition = wait.depends_on.clone();
    if let Some(condition) = condition.and_then(|condition| program.text.get(condition)) {
        part.rest_on(Proof::unknown(
            Obligation::WaitIsKept,
            format!("whether it waits depends on `{condition}`, and a gate always waits"),
        ));
    }
    if !wait.is_first && !keeps_to_itself(pod, member, wait) {
        part.rest_on(Proof::unknown(
            Obligation::WaitIsKept,
            "something runs before the wait, and would run behind the gate",
        ));
    }
    if let Some(command) = wait
        .command_after
        .as_ref()
        .filter(|command| command.start < wait.span.end && !wait.is_loop())
    {
        tool_goes(&mut part, link, member, program, wait.span.start..command.start);
    }
    let starts_the_app = wait.is_loop()
        && wait
            .command_after
            .as_ref()
            .is_some_and(|command| command.end <= wait.span.end);
    if starts_the_app {
        part.class = Err("its loop starts the app itself".to_owned());
    } else if let Some(reason) = wait.besides() {
        part.class = Err(reason.to_owned());
    } else if let Some(other) = also_serves(pod, &[index, link.container], wait) {
        part.class = Err(format!(
            "{other} declares the same port, so that it may be waited for"
        ));
    } else if gives_up(pod, wait) && !is_gated_already(pod, index) {
        // The gate never gives up: the app would not start at all.
        part.rest_on(Proof::unknown(
            Obligation::WaitIsKept,
            "the wait gives up after a while, and the gate does not",
        ));
    }
    if !is_gated_already(pod, index) {
        for way in wait.ways_out.iter().filter(|way| !way.is_failure) {
            let shown = excerpt(program.text.get(way.span.clone()).unwrap_or_default());
            part.rest_on(Proof::unknown(
                Obligation::WaitIsKept,
                format!("it also goes on at `{shown}`, and a gate does not"),
            ));
        }
    }
    if let Some(file) = given_before(pod, index, link, wait) {
        part.rest_on(Proof::refuted(
            Obligation::NeedsAreMet,
            format!(
                "{} writes {file} before it waits, which {} needs at its start",
                member.container.name,
                pod.party_name(&link.other)
            ),
        ));
    }
    keep_in_front(pod, index, member, &mut part);
    keep_among_sidecars(pod, link, form, &mut part);
    part
}

/// A wait for a file that a sidecar makes, for which a gate asks instead.
pub(super) fn waiting_for_a_file<'a>(
    pod: &Pod<'a>,
    index: usize,
    (at, link): (usize, &Link),
    (wait, writer): (&Wait, Option<&MarkerWrite>),
    form: Form,
) -> Option<Part<'a>> {
    let (member, program) = pod.program(link.container, link.program)?;
    let removed = |file: &str| format!("{}: its wait for {file} is removed", member.container.name);
    let (what, file, doubt) = match writer {
        Some(writer) => {
            let (_, theirs) = pod.program(writer.container, writer.program)?;
            let what = removed(shown_path(theirs, &writer.marker.file));
            (what, path_of(&writer.marker).to_owned(), None)
        }
        None => {
            let Some(file) = only_writer(pod, index, link, wait) else {
                let reason =
                    "no script of the manifest writes the file: what has happened by then is not known";
                let mut part = Part::new(removed("a file"), Err(reason.to_owned())).on(Subject::Link(at));
                part.harmful = false;
                return Some(part);
            };
            let doubt = format!(
                "that {} writes the file shows only by the volume, which no other container shares",
                pod.party_name(&link.other)
            );
            (removed("a file"), file, Some(doubt))
        }
    };
    let mut part = file_wait((at, link), (member, program), wait, what, file);
    if let Some(doubt) = doubt {
        part.rest_on(Proof::unknown(Obligation::WaitIsKept, doubt));
    }
    keep_in_front(pod, index, member, &mut part);
    keep_among_sidecars(pod, link, form, &mut part);
    Some(part)
}

/// A wait for a file, for which a gate asks instead.
fn file_wait<'a>(
    (at, link): (usize, &Link),
    (member, program): (&Member<'a>, &Program<'a>),
    wait: &Wait,
    what: String,
    file: String,
) -> Part<'a> {
    let mut part = cutting(link.container, member, program, &wait.whole, what).on(Subject::Link(at));
    part.harmful = false;
    part.wait = Some(wait.clone());
    part.gate_file = Some(FileGate {
        file,
        is_filled: wait.asks_for_a_filled_file(),
    });
    part.rest_on(Proof::unknown(
        Obligation::WaitIsKept,
        "an exec probe on the file needs `test` in the sidecar's image",
    ));
    if !wait.only_waits || wait.has_side_effects {
        part.class = Err("it does more than wait".to_owned());
    }
    if let Some(reason) = wait.besides().or_else(|| wait.asks_for_contents()) {
        part.class = Err(reason.to_owned());
    }
    part
}

/// The file that a wait looks for, as the known sidecar at `index` sees it, where that is the only other container which
/// has the volume.
fn only_writer(pod: &Pod<'_>, index: usize, link: &Link, wait: &Wait) -> Option<String> {
    let (waiting, _) = pod.program(link.container, link.program)?;
    let sidecar = pod
        .members
        .get(index)
        .filter(|member| member.role.role == Role::Sidecar)?;
    pod.catalogue.of(&sidecar.container)?;
    let path = wait.probes.iter().find_map(|probe| match &probe.action {
        Action::TestFile { path, .. } => path.path.as_deref(),
        _ => None,
    })?;
    let (volume, relative) = pod.workload.volume_of_file(&waiting.container, path)?;
    let mounts = |member: &Member<'_>| member.container.mounts().any(|mount| mount.volume == volume.name);
    let others = pod.members.iter().enumerate();
    let is_alone = others
        .filter(|(other, member)| *other != link.container && mounts(member))
        .all(|(other, _)| other == index);
    let mount = sidecar
        .container
        .mounts()
        .find(|mount| mount.volume == volume.name)?;
    (is_alone && mount.sub_path.is_none()).then(|| format!("{}/{relative}", mount.path.trim_end_matches('/')))
}

/// No gate of a declared sidecar holds back what starts before it.
fn keep_in_front(pod: &Pod<'_>, index: usize, waiting: &Member<'_>, part: &mut Part<'_>) {
    let sidecar = pod.members.get(index);
    if let Some(sidecar) = sidecar.filter(|sidecar| sidecar.starts_behind(waiting)) {
        let (first, later) = (waiting.container.name, sidecar.container.name);
        part.rest_on(Proof::refuted(
            Obligation::WaitIsKept,
            format!("{first} stands before {later} in initContainers, where no gate holds it back"),
        ));
    }
}

/// Whether what comes before a wait only makes files that no other container sees, so that it may as well come behind.
fn keeps_to_itself(pod: &Pod<'_>, member: &Member<'_>, wait: &Wait) -> bool {
    let is_seen = |file: &String| {
        let volume = pod.workload.volume_of_file(&member.container, file);
        volume.is_some_and(|(volume, _)| {
            let mut others = pod.members.iter().filter(|other| !std::ptr::eq(*other, member));
            others.any(|other| other.container.mounts().any(|mount| mount.volume == volume.name))
        })
    };
    let files = wait.files_before.as_ref();
    files.is_some_and(|files| !files.iter().any(is_seen))
}

/// A wait of one sidecar for another stays in a form that has no order among sidecars.
fn keep_among_sidecars(pod: &Pod<'_>, link: &Link, form: Form, part: &mut Part<'_>) {
    let waits_as_sidecar = pod
        .members
        .get(link.container)
        .is_some_and(|member| member.role.role == Role::Sidecar);
    if form == Form::Lifecycle && waits_as_sidecar {
        part.class =
            Err("the first design has no order among sidecars, so that it goes on waiting".to_owned());
    }
}

/// The words of a tool go that waits and then runs the app itself.
fn tool_goes(part: &mut Part<'_>, link: &Link, member: &Member<'_>, program: &Program<'_>, words: Span) {
    let entrypoint = running_by_itself(program, words);
    let is_arguments = !program.is_shell() && member.container.command().is_empty();
    if entrypoint.is_empty() {
        part.class = Err("the waiting tool runs the app itself".to_owned());
    } else if is_arguments {
        part.class =
            Err("the image's own entrypoint gets these words, and it is not in the manifest".to_owned());
    } else if program.place == ProgramPlace::Entrypoint && program.shared.is_none() {
        // No command is cut, only the words before it.
        part.proofs
            .retain(|proof| proof.obligation != Obligation::ScriptIsWhole);
        let doubts = part.proofs.iter().map(Proof::class).max();
        part.class = Ok(doubts.unwrap_or(Class::Safe));
    }
    part.entrypoints.insert(link.container, entrypoint);
}

/// A program without the words of the tool that waits and then runs the rest of them.
fn running_by_itself(program: &Program<'_>, tool: Span) -> Entrypoint {
    match program.is_shell() {
        true => Entrypoint {
            stripped: vec![tool],
            ..Entrypoint::default()
        },
        false => Entrypoint {
            dropped: program.words_within(&tool).collect(),
            ..Entrypoint::default()
        },
    }
}

/// A further container that declares the port which is waited for.
fn also_serves<'a>(pod: &Pod<'a>, known: &[usize], wait: &Wait) -> Option<&'a str> {
    let asked: Vec<u16> = wait
        .probes
        .iter()
        .filter_map(|probe| asked_port(&probe.action))
        .collect();
    let others = pod.members.iter().enumerate();
    others
        .filter(|(index, member)| {
            !known.contains(index)
                && member.container.ports().any(|port| {
                    asked
                        .iter()
                        .any(|asked| i64::from(*asked) == i64::from(port.number))
                })
        })
        .map(|(_, member)| member.container.name)
        .next()
}
