//! What has to go when a container is declared a sidecar: every part of a workaround that manages it.

use crate::{
    behaviour::{
        Link, LinkKind, Party,
        action::{Action, Target},
        script::{Answer, ExitStatus, Kill, QuitPosition, Wait},
    },
    pod::{Member, Pod, Subject, closed_quit, ends_with_another, shown_path, time_limit_of, told_to_quit},
    remedy::{
        Form,
        gate::{
            startup::{FileGate, asked_port},
            strictness::{gives_up, is_gated_already, wait_is_kept},
        },
        obligation::{Obligation, Proof},
        plan::Class,
        script::{entrypoint::Entrypoint, hindrance::excerpt, output::keeps_output},
        wanted::Wanted,
        workaround::{
            delays::{is_prestop, prestop, traps},
            end_hook,
            given::given_before,
            marker::{marker, path_of},
            part::{Part, cutting, with_cut},
            stop::{
                end_waits, helper, masks, part_of_a_name, signal_changes, stop_behind, stop_with_sleep,
                with_masking_exit,
            },
            unwrap::injected_of,
            wrapper::wrappers,
        },
    },
    roles::{NamingKind, Role},
    shell::Span,
    workload::{ContainerList, Program, ProgramPlace},
};

/// All parts of workarounds that manage the sidecar at `index`.
pub(super) fn parts<'a>(pod: &Pod<'a>, index: usize, wanted: &Wanted, form: Form) -> Vec<Part<'a>> {
    let links = pod.links.all.iter().enumerate();
    let mut parts: Vec<Part<'a>> = links
        .filter_map(|(at, link)| of_link(pod, index, (at, link), wanted, form))
        .collect();
    let Some(member) = pod.members.get(index) else {
        return parts;
    };
    match end_hook::part(pod, member) {
        Some(part) if !member.role.declared => parts.push(part),
        Some(mut part) if wanted.has(&Subject::PreStop(index)) => {
            part.harmful = false;
            parts.push(part.on(Subject::PreStop(index)));
        }
        _ => parts.extend(prestop(pod, index, member, wanted)),
    }
    parts.extend(traps(pod, index, member, wanted));
    parts.extend(namings(pod, member, wanted));
    parts.extend(wrappers(pod, wanted));
    parts.extend(time_limit(index, member));
    parts
}

/// `timeout 600 /proxy`: the limit, which would end a declared sidecar again and again.
fn time_limit<'a>(index: usize, member: &Member<'a>) -> Option<Part<'a>> {
    let words = time_limit_of(member)?;
    let what = format!("{}: runs without its `timeout`", member.container.name);
    let mut part = Part::new(what, Ok(Class::Safe));
    part.rest_on(Proof::unknown(
        Obligation::RunsServer,
        "until now its own command ends it after a while, and what else that limit is for has to be looked at",
    ));
    let entrypoint = Entrypoint {
        dropped: (0..words).collect(),
        ..Entrypoint::default()
    };
    part.entrypoints.insert(index, entrypoint);
    Some(part)
}

/// A part of a workaround that would stay and do harm: a call or signal that ends the sidecar, which the
/// kubelet then restarts, or a file that does. `parts` are all that could go.
pub(crate) fn stays(pod: &Pod<'_>, index: usize, wanted: &Wanted, parts: &[Part<'_>]) -> Option<String> {
    let goes = |at: usize| {
        parts
            .iter()
            .any(|part| part.subjects.contains(&Subject::Link(at)))
    };
    let of_links = pod.links.all.iter().enumerate().find_map(|(at, link)| {
        let (member, _) = pod.program(link.container, link.program)?;
        let manages = link.other == Party::Container(index) || link.other == Party::Unknown;
        let is_harmful = match link.kind {
            LinkKind::Quits(_) | LinkKind::Kills(_) => manages,
            LinkKind::EndsOnFile(..) | LinkKind::EndsWithApp(_) => link.container == index,
            LinkKind::Waits(_) | LinkKind::StartsOnFile(..) => false,
        };
        (is_harmful && !goes(at)).then(|| still_ends(member.container.name))
    });
    of_links
        .or_else(|| {
            let wrapped = pod.members.iter().enumerate().find(|(at, member)| {
                ends_with_another(member)
                    && member.container.list == ContainerList::Regular
                    && !wanted.has(&Subject::Wrapper(*at))
                    && injected_of(pod, member).is_none()
            });
            let (_, wrapped) = wrapped?;
            Some(format!(
                "the wrapper of {} would still tie the two together",
                wrapped.container.name
            ))
        })
        .or_else(|| told_to_quit(pod, |other| *other == Party::Container(index)).map(still_ends))
}

fn still_ends(name: &str) -> String {
    format!("{name} may still end it, and the kubelet would restart it")
}

fn of_link<'a>(
    pod: &Pod<'a>,
    index: usize,
    (at, link): (usize, &Link),
    wanted: &Wanted,
    form: Form,
) -> Option<Part<'a>> {
    let (member, program) = pod.program(link.container, link.program)?;
    match &link.kind {
        // What only delays its end goes with the hook.
        LinkKind::EndsOnFile(..) if is_prestop(program) => None,
        LinkKind::EndsOnFile(test, writers) if link.container == index => wanted.link(at).then(|| {
            let part = marker(pod, index, program, test, writers);
            part.on(Subject::Link(at))
        }),
        _ if link.other != Party::Container(index) => None,
        LinkKind::Quits(quit) => {
            wanted.link(at).then_some(())?;
            let what = format!(
                "{}: its call that ends {} is removed",
                member.container.name,
                pod.party_name(&link.other)
            );
            let end_waits = end_waits(pod, link);
            let cut = stop_with_sleep(member, program, &quit.span, &end_waits.spans);
            let cut = match quit.exit_status {
                ExitStatus::Lost => with_masking_exit(member, program, &quit.span, cut),
                _ => cut,
            };
            let note = masks(member, program, quit.exit_status, &cut.1);
            let mut part = with_cut(link.container, program, what, cut);
            end_waits.doubt.into_iter().for_each(|doubt| part.rest_on(doubt));
            part.note = note;
            // A loop that does nothing else goes as a whole.
            let is_repeated = quit.is_repeated && quit.cut.is_none();
            part.rest_on(match quit.position {
                QuitPosition::BeforeMain => Proof::unknown(Obligation::ResultIsKept, WORKS_WITHOUT_IT),
                _ => result_is_kept(quit.exit_status, is_repeated),
            });
            // Whose result is kept past the call does not end with the call's own.
            let is_trap = matches!(quit.position, QuitPosition::Trap { .. });
            let ends_with_it = quit.plumbing.is_empty() && !quit.tolerates_failure && !is_trap;
            if ends_with_it && closed_quit(pod, link).is_some() {
                part.rest_on(Proof::unknown(
                    Obligation::ResultIsKept,
                    "until now the call fails, since nobody answers it",
                ));
            }
            if keeps_output(program, &quit.span) {
                part.class = Err("its output is kept in a file".to_owned());
            }
            if quit.request.works {
                part.class = Err("what makes it does more".to_owned());
            }
            Some(helper(pod, index, link).unwrap_or(part).on(Subject::Link(at)))
        }
        LinkKind::Kills(kill) => {
            wanted.link(at).then_some(())?;
            let what = format!(
                "{}: its signal that ends {} is removed",
                member.container.name,
                pod.party_name(&link.other)
            );
            let end_waits = end_waits(pod, link);
            let cut = stop_with_sleep(member, program, &kill.span, &end_waits.spans);
            let cut = match kill.exit_status {
                ExitStatus::Lost => with_masking_exit(member, program, &kill.span, cut),
                _ => cut,
            };
            let masked = masks(member, program, kill.exit_status, &cut.1);
            let mut part = with_cut(link.container, program, what, cut);
            end_waits.doubt.into_iter().for_each(|doubt| part.rest_on(doubt));
            part.rest_on(result_is_kept(
                kill.exit_status,
                kill.is_in_loop || kill.is_background,
            ));
            if works_on(pod, link, kill) {
                part.rest_on(Proof::unknown(Obligation::ResultIsKept, WORKS_WITHOUT_IT));
            }
            part.signals = true;
            let signal = kill.other_signal();
            part.note = masked.or_else(|| Some(signal_changes(&pod.party_name(&link.other), signal?)));
            if let Some(reason) = part_of_a_name(pod, index, kill) {
                part.rest_on(Proof::unknown(Obligation::EndsAreKnown, reason));
            }
            let by_name = |target: &Target| matches!(target, Target::Process { .. });
            if let Some(other) = runs_the_same(pod, index)
                && kill.targets.iter().any(by_name)
            {
                part.class = Err(format!("{other} may run the same program"));
            }
            Some(helper(pod, index, link).unwrap_or(part).on(Subject::Link(at)))
        }
        LinkKind::Waits(wait) => {
            // Where the wait is the only gate of a declared sidecar, the finding is about the sidecar.
            let treated =
                wanted.link(at) || wanted.has(&Subject::Gate(index)) || stop_behind(pod, link, wait, wanted);
            treated.then_some(())?;
            Some(waiting(pod, index, (at, link), wait, form))
        }
        LinkKind::StartsOnFile(wait, None) if only_writer(pod, index, link, wait).is_some() => {
            wanted.link(at).then_some(())?;
            let file = only_writer(pod, index, link, wait)?;
            let what = format!("{}: its wait for a file is removed", member.container.name);
            let mut part = file_wait((at, link), (member, program), wait, what, file);
            part.rest_on(Proof::unknown(
                Obligation::WaitIsKept,
                format!(
                    "that {} writes the file shows only by the volume, which no other container shares",
                    pod.party_name(&link.other)
                ),
            ));
            keep_among_sidecars(pod, link, form, &mut part);
            Some(part)
        }
        LinkKind::StartsOnFile(_, None) => wanted.link(at).then(|| {
            let what = format!("{}: its wait for a file is removed", member.container.name);
            let reason = "no script of the manifest writes the file: what has happened by then is not known";
            let mut part = Part::new(what, Err(reason.to_owned())).on(Subject::Link(at));
            part.harmful = false;
            part
        }),
        LinkKind::StartsOnFile(wait, Some(writer)) => {
            wanted.link(at).then_some(())?;
            let file = path_of(&writer.marker).to_owned();
            let (_, theirs) = pod.program(writer.container, writer.program)?;
            let what = format!(
                "{}: its wait for {} is removed",
                member.container.name,
                shown_path(theirs, &writer.marker.file)
            );
            let mut part = file_wait((at, link), (member, program), wait, what, file);
            waits_in_front(pod, index, member)
                .into_iter()
                .for_each(|proof| part.rest_on(proof));
            keep_among_sidecars(pod, link, form, &mut part);
            Some(part)
        }
        _ => None,
    }
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

const WORKS_WITHOUT_IT: &str = "until now what comes behind it in the script runs without the sidecar";

/// Whether a script does other work behind a signal.
fn works_on(pod: &Pod<'_>, link: &Link, kill: &Kill) -> bool {
    let facts = pod.links.facts(link.container, link.program);
    let mut work = facts.into_iter().flat_map(|facts| &facts.work);
    kill.trap.is_none() && !kill.is_background && work.any(|work| work.start >= kill.span.end)
}

/// An app's wait for a sidecar, which a gate replaces.
fn waiting<'a>(pod: &Pod<'a>, index: usize, (at, link): (usize, &Link), wait: &Wait, form: Form) -> Part<'a> {
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
    waits_in_front(pod, index, member)
        .into_iter()
        .for_each(|proof| part.rest_on(proof));
    keep_among_sidecars(pod, link, form, &mut part);
    part
}

/// No gate of a declared sidecar holds back what starts before it.
fn waits_in_front(pod: &Pod<'_>, index: usize, waiting: &Member<'_>) -> Option<Proof> {
    let sidecar = pod
        .members
        .get(index)
        .filter(|sidecar| sidecar.starts_behind(waiting))?;
    let (first, later) = (waiting.container.name, sidecar.container.name);
    Some(Proof::refuted(
        Obligation::WaitIsKept,
        format!("{first} stands before {later} in initContainers, where no gate holds it back"),
    ))
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

/// Whether the container ends as before once a stop is cut out.
fn result_is_kept(exit_status: ExitStatus, is_repeated: bool) -> Proof {
    match exit_status {
        ExitStatus::Preserved if !is_repeated => Proof::proved(
            Obligation::ResultIsKept,
            "the result of its work is what it ends with, before and after",
        ),
        ExitStatus::Masked | ExitStatus::Lost => Proof::unknown(
            Obligation::ResultIsKept,
            "the script ends with success when its work fails",
        ),
        _ => Proof::unknown(
            Obligation::ResultIsKept,
            "without it the script may end with another result",
        ),
    }
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

/// Marks for controllers that end the sidecar from outside.
fn namings<'a>(pod: &Pod<'a>, member: &Member<'a>, wanted: &Wanted) -> Vec<Part<'a>> {
    let name = member.container.name;
    let mut parts = Vec::new();
    let namings = pod.namings.iter().enumerate();
    for (at, naming) in namings.filter(|(_, naming)| naming.names.iter().any(|own| own == name)) {
        if !wanted.has(&Subject::Naming(at)) {
            continue;
        }
        let key = naming.entry.key;
        let what = match naming.kind {
            NamingKind::KillerAnnotation | NamingKind::LyftAnnotation => {
                format!("{} is removed", key.as_str().unwrap_or("the annotation"))
            }
            NamingKind::KruiseEnvironment => format!("{name}: OpenKruise's variable is removed"),
            _ => continue,
        };
        let all_here = naming
            .names
            .iter()
            .all(|name| pod.workload.container(name).is_some());
        let class = if all_here {
            Ok(Class::Safe)
        } else {
            Err("it also names containers that are not in this manifest".to_owned())
        };
        let mut part = Part::new(what, class).on(Subject::Naming(at));
        match naming.container {
            // The variable, not only its value.
            Some(_) => {
                if let Some(item) = key.parent() {
                    part.removals.add(item);
                }
            }
            None => part.removals.add(key),
        }
        parts.push(part);
    }
    parts
}

/// Another container whose image is the same program's.
fn runs_the_same<'a>(pod: &Pod<'a>, index: usize) -> Option<&'a str> {
    let program = |member: &Member<'a>| member.container.image().map(|image| image.base_name().to_owned());
    let own = program(pod.members.get(index)?)?;
    let mut others = pod.members.iter().enumerate().filter(|(at, _)| *at != index);
    others
        .find(|(_, member)| program(member).as_deref() == Some(own.as_str()))
        .map(|(_, member)| member.container.name)
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
