//! What has to go when a container is declared a sidecar: every part of a workaround that minds it.

use std::collections::BTreeMap;

use crate::{
    behaviour::{
        Link, LinkKind, Party,
        script::{ExitStatus, MarkerUse, Wait, WaitForm},
    },
    roles::{NamingKind, Role},
    rules::{self, Finding, Member, Pod},
    shell::Span,
    workload::{ContainerList, HookKind, Program, ProgramPlace},
};

use super::{
    entrypoint::{Entrypoint, can_cut, dialect, sets_environment, shell},
    marker_parts::{marker, path_of, writers_go},
    plan::Class,
    removal::Removals,
    script::{cut, with_sleep_behind},
    startup_gate::asked_port,
    wanted::Wanted,
    watchdog::in_foreground,
    wrapper_parts::wrappers,
};

/// One part of a workaround.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    /// What becomes of it, in a few words.
    pub(super) what: String,
    /// How far its removal can be trusted, or why it can't be removed.
    pub(super) class: Result<Class, String>,
    /// It does harm if it stays beside a declared sidecar.
    pub(super) harmful: bool,
    /// It only makes sense where the app is held back by a gate instead.
    pub(super) wait: Option<Wait>,
    /// The file that the gate asks for instead.
    pub(super) gate_file: Option<String>,
    /// What the sidecar's own script waits for, which a gate may ask instead.
    pub(super) asks: Option<Wait>,
    /// Files that told the app that the sidecar is ready, and are not made any more.
    pub(super) replaces_signs: Vec<String>,
    /// The app is held back by it, so that a gate has to take its place.
    pub(super) needs_gate: bool,
    /// It is a signal to another container's process.
    pub(super) signals: bool,
    /// Changes of entrypoints, by container.
    pub(super) entrypoints: BTreeMap<usize, Entrypoint>,
    /// What else goes.
    pub(super) removals: Removals<'a>,
    /// Directories that served the workaround; their volumes may be left without use.
    pub(super) directories: Vec<String>,
    /// What a person should know once it is gone.
    pub(super) note: Option<String>,
}

impl Part<'_> {
    pub(super) fn new(what: String, class: Result<Class, String>) -> Self {
        Self {
            what,
            class,
            harmful: true,
            wait: None,
            gate_file: None,
            asks: None,
            replaces_signs: Vec::new(),
            needs_gate: false,
            signals: false,
            entrypoints: BTreeMap::new(),
            removals: Removals::default(),
            directories: Vec::new(),
            note: None,
        }
    }

    /// Whether it may be removed at this class.
    pub(super) fn is_allowed(&self, allowed: Class) -> bool {
        self.class.as_ref().is_ok_and(|class| *class <= allowed)
    }
}

/// All parts of workarounds that mind the sidecar at `index`.
pub(super) fn parts<'a>(pod: &Pod<'a>, index: usize, wanted: Wanted<'_>) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = pod
        .links
        .all
        .iter()
        .filter_map(|link| of_link(pod, index, link, wanted))
        .collect();
    let Some(member) = pod.members.get(index) else {
        return parts;
    };
    parts.extend(prestop(pod, index, member, wanted));
    parts.extend(traps(pod, index, member, wanted));
    parts.extend(namings(pod, member, wanted));
    parts.extend(wrappers(pod, wanted));
    parts
}

/// A part of a workaround that would stay and do harm: a call or signal that ends the sidecar, which the
/// kubelet then restarts, or a file that does.
pub(super) fn stays(pod: &Pod<'_>, index: usize, wanted: Wanted<'_>) -> Option<String> {
    let of_links = pod.links.all.iter().find_map(|link| {
        let (member, _) = pod.program(link.container, link.program)?;
        let minds = link.other == Party::Container(index) || link.other == Party::Unknown;
        let is_harmful = match link.kind {
            LinkKind::Quits(_) | LinkKind::Kills(_) => minds,
            LinkKind::EndsOnFile(..) | LinkKind::EndsWithProcess(_) => link.container == index,
            LinkKind::Waits(_) | LinkKind::StartsOnFile(..) => false,
        };
        (is_harmful && of_link(pod, index, link, wanted).is_none()).then(|| {
            format!(
                "{} may still end it, and the kubelet would restart it",
                member.container.name
            )
        })
    });
    of_links
        .or_else(|| {
            let wrapped = pod.members.iter().find(|member| {
                rules::ends_with_another(member)
                    && member.container.list == ContainerList::Regular
                    && wanted.about(&["wrapper-binary"], member.container.name).is_none()
            })?;
            Some(format!(
                "the wrapper of {} would still tie the two together",
                wrapped.container.name
            ))
        })
        .or_else(|| {
            let app = rules::told_to_quit(pod, |other| *other == Party::Container(index))?;
            Some(format!(
                "{app} may still end it, and the kubelet would restart it"
            ))
        })
}

fn of_link<'a>(pod: &Pod<'a>, index: usize, link: &Link, wanted: Wanted<'_>) -> Option<Part<'a>> {
    let (member, program) = pod.program(link.container, link.program)?;
    match &link.kind {
        LinkKind::EndsOnFile(test, writers) if link.container == index => wanted
            .at(&["marker-file", "leftover-workaround"], program, &test.span)
            .map(|_| marker(pod, index, program, path_of(test), writers)),
        _ if link.other != Party::Container(index) => None,
        LinkKind::Quits(quit) => {
            let finding = wanted.at(&["quit-endpoint", "leftover-workaround"], program, &quit.span)?;
            let what = format!(
                "{}: its call that ends {} goes",
                member.container.name,
                pod.party_name(&link.other)
            );
            let mut part = cutting(link.container, member, program, &quit.span, what, finding);
            part.entrypoints
                .insert(link.container, stop_with_sleep(program, &quit.span));
            part.note = masks(member.container.name, quit.exit_status);
            if keeps_output(program, &quit.span) {
                part.class = Err("its output is kept in a file".to_owned());
            }
            Some(helper(pod, index, link).unwrap_or(part))
        }
        LinkKind::Kills(kill) => {
            let finding = wanted.at(&["shared-pid-kill", "leftover-workaround"], program, &kill.span)?;
            let what = format!(
                "{}: its signal that ends {} goes",
                member.container.name,
                pod.party_name(&link.other)
            );
            let mut part = cutting(link.container, member, program, &kill.span, what, finding);
            part.entrypoints
                .insert(link.container, stop_with_sleep(program, &kill.span));
            part.signals = true;
            part.note = masks(member.container.name, kill.exit_status);
            if let Some(other) = runs_the_same(pod, index) {
                part.class = Err(format!("{other} may run the same program"));
            }
            Some(helper(pod, index, link).unwrap_or(part))
        }
        LinkKind::Waits(wait) => {
            // Where the wait is the only gate of a declared sidecar, the finding is about the sidecar.
            let sidecar = pod.members.get(index)?.container.name;
            let finding = wanted
                .at(&["startup-poll", "leftover-workaround"], program, &wait.span)
                .or_else(|| wanted.about(&["ungated-sidecar"], sidecar))
                .or_else(|| stop_behind(pod, link, wait, wanted))?;
            let what = format!(
                "{}: its wait for {} goes",
                member.container.name,
                pod.party_name(&link.other)
            );
            let mut part = cutting(link.container, member, program, &wait.whole, what, finding);
            part.harmful = false;
            part.wait = Some(wait.clone());
            if let Some(command) = wait
                .command_after
                .as_ref()
                .filter(|command| command.start < wait.span.end)
            {
                let entrypoint = running_by_itself(program, wait.span.start..command.start);
                let is_arguments = !program.is_shell() && member.container.command().is_empty();
                part.class = match (&part.class, entrypoint.is_empty()) {
                    (_, true) => Err("the waiting tool runs the app itself".to_owned()),
                    _ if is_arguments => Err(
                        "the image's own entrypoint gets these words, and it is not in the manifest"
                            .to_owned(),
                    ),
                    // Each has a limit of its own, and runs the app when it is over.
                    (Err(reason), _) if reason != UNCERTAIN => Err(reason.clone()),
                    _ => Ok(Class::Review),
                };
                part.entrypoints.insert(link.container, entrypoint);
            }
            if let Some(reason) = wait.besides() {
                part.class = Err(reason.to_owned());
            } else if let Some(other) = also_serves(pod, &[index, link.container], wait) {
                part.class = Err(format!(
                    "{other} declares the same port, so that it may be waited for"
                ));
            } else if gives_up(wait) && part.class.is_ok() {
                // The gate never gives up: the app would not start at all.
                part.class = Ok(Class::Review);
            }
            Some(part)
        }
        LinkKind::StartsOnFile(wait, Some(writer)) => {
            let finding = wanted.at(&["startup-marker", "leftover-workaround"], program, &wait.span)?;
            let file = path_of(&writer.marker).to_owned();
            let what = format!("{}: its wait for {file} goes", member.container.name);
            let mut part = cutting(link.container, member, program, &wait.whole, what, finding);
            part.harmful = false;
            part.wait = Some(wait.clone());
            part.gate_file = Some(file);
            if let Some(reason) = wait.besides() {
                part.class = Err(reason.to_owned());
            }
            Some(part)
        }
        _ => None,
    }
}

/// What remains of a script can't be told.
const UNCERTAIN: &str = "what would remain of the script is not certain";

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

/// The finding about a call that ends what a wait waited for, where nothing else comes behind the wait: without the
/// call it serves nothing.
pub(super) fn stop_behind<'f>(
    pod: &Pod<'_>,
    link: &Link,
    wait: &Wait,
    wanted: Wanted<'f>,
) -> Option<&'f Finding> {
    let (_, program) = pod.program(link.container, link.program)?;
    let is_beside = |other: &&Link| {
        (other.container, other.program, &other.other) == (link.container, link.program, &link.other)
    };
    let stop = |other: &Link| match &other.kind {
        LinkKind::Quits(quit) => Some(quit.span.clone()),
        LinkKind::Kills(kill) => Some(kill.span.clone()),
        _ => None,
    };
    let mut stops = pod.links.all.iter().filter(is_beside).filter_map(stop);
    stops
        .find(|span| wait.command_after.is_none() && span.start >= wait.span.end)
        .and_then(|span| {
            wanted.at(
                &["quit-endpoint", "shared-pid-kill", "leftover-workaround"],
                program,
                &span,
            )
        })
}

/// What a person should know where a stop hid the result of the script's work, or may have.
pub(super) fn masks(name: &str, exit_status: ExitStatus) -> Option<String> {
    let until_now = match exit_status {
        ExitStatus::Masked => "until now its script ended with another",
        ExitStatus::Unclear | ExitStatus::SkippedOnFailure => {
            "until now its script may have ended with another"
        }
        _ => return None,
    };
    Some(format!(
        "{name} now ends with the result of its own work: {until_now}, so that failures may show"
    ))
}

/// A container that does nothing but end the sidecar goes as a whole.
fn helper<'a>(pod: &Pod<'a>, sidecar: usize, link: &Link) -> Option<Part<'a>> {
    if !only_stops(pod, link) {
        return None;
    }
    let member = pod.members.get(link.container)?;
    let other = pod.members.get(sidecar)?.container.name;
    let what = format!("{}: goes, it only ends {other}", member.container.name);
    let mut part = Part::new(what, Ok(Class::Review));
    // It may have looked at the app's process.
    part.signals = true;
    part.removals.add(member.container.node);
    for own in pod.links.all.iter().filter(|own| own.container == link.container) {
        if let LinkKind::EndsOnFile(test, writers) = &own.kind {
            writers_go(pod, path_of(test), writers, &mut part);
        }
    }
    Some(part)
}

/// Whether a link ends the other side.
pub(super) fn is_stop(link: &Link) -> bool {
    matches!(link.kind, LinkKind::Quits(_) | LinkKind::Kills(_)) && link.other != Party::Unknown
}

/// Whether the container of a link waits, stops the other side and does no work of its own, beside an app that stays.
pub(super) fn only_stops(pod: &Pod<'_>, link: &Link) -> bool {
    let Some((member, program)) = pod.program(link.container, link.program) else {
        return false;
    };
    let Some(facts) = pod.links.facts(link.container, link.program) else {
        return false;
    };
    let stops = facts.quits.len() + facts.kills.len();
    let makes_files = facts
        .markers
        .iter()
        .any(|marker| !matches!(marker.usage, MarkerUse::Tested { .. }));
    let has_app = pod.members.iter().enumerate().any(|(index, other)| {
        index != link.container
            && other.container.list == ContainerList::Regular
            && other.role.role == Role::App
    });
    member.container.list == ContainerList::Regular
        && !member.role.declared
        && program.place == ProgramPlace::Entrypoint
        && program.is_shell()
        && has_app
        && stops == 1
        && facts.work.is_empty()
        && facts.background.is_empty()
        && !makes_files
}

/// What ends a sidecar, and the sleep in which it does.
pub(super) fn stop_with_sleep(program: &Program<'_>, span: &Span) -> Entrypoint {
    let cuts = with_sleep_behind(&program.text, dialect(program), span);
    Entrypoint {
        cuts: match can_cut(program, &cuts) {
            true => cuts,
            false => vec![span.clone()],
        },
        ..Entrypoint::default()
    }
}

/// A command that is cut out of an entrypoint.
fn cutting<'a>(
    container: usize,
    member: &Member<'a>,
    program: &Program<'a>,
    span: &Span,
    what: String,
    finding: &Finding,
) -> Part<'a> {
    let class = Class::from(finding.fix.class);
    let class = if program.place != ProgramPlace::Entrypoint {
        Err("it stands in a hook".to_owned())
    } else if let Some(reason) = &program.shared {
        Err(reason.clone())
    } else if class == Class::Manual {
        Err(finding.fix.reason.clone())
    } else if let Some(name) = sets_environment(member, program, span) {
        Err(format!("it sets {name}, which the app finds in its environment"))
    } else if !can_cut(program, std::slice::from_ref(span)) {
        Err(UNCERTAIN.to_owned())
    } else {
        Ok(class)
    };
    let what = match program.config_map {
        Some(name) => format!("{what} from the script of ConfigMap {name}"),
        None => what,
    };
    let mut part = Part::new(what, class);
    part.entrypoints
        .insert(container, Entrypoint::cutting(span.clone()));
    part
}

/// A preStop hook that only waits.
fn prestop<'a>(pod: &Pod<'a>, index: usize, member: &Member<'a>, wanted: Wanted<'_>) -> Option<Part<'a>> {
    wanted.about(
        &["sidecar-prestop-delay", "leftover-workaround"],
        member.container.name,
    )?;
    let delay = rules::prestop_delay(pod, index, member)?;
    let hook = member.container.hook(HookKind::PreStop)?;
    let class = if delay.only {
        Ok(Class::Safe)
    } else {
        Err("the hook does more than wait".to_owned())
    };
    let mut part = Part::new(format!("{}: its preStop wait goes", member.container.name), class);
    part.harmful = false;
    part.removals.add(hook.entry.key);
    Some(part)
}

/// Traps that delay or disguise the sidecar's end.
fn traps<'a>(pod: &Pod<'a>, index: usize, member: &Member<'a>, wanted: Wanted<'_>) -> Vec<Part<'a>> {
    rules::delaying_traps(pod, index, member)
        .into_iter()
        .filter_map(|(program, trap, _)| {
            let finding = wanted.at(&["sigterm-trap", "leftover-workaround"], program, &trap.span)?;
            let what = format!("{}: its trap goes", member.container.name);
            let mut part = cutting(index, member, program, &trap.span, what, finding);
            part.harmful = false;
            if let Some(entrypoint) = part.entrypoints.get_mut(&index) {
                entrypoint.foreground = true;
                let remains = cut(&program.text, shell(program), &entrypoint.cuts);
                if remains.is_some_and(|remains| in_foreground(&remains, dialect(program)).is_none()) {
                    part.class =
                        Err("what it runs in the background would get no SIGTERM without it".to_owned());
                }
            }
            Some(part)
        })
        .collect()
}

/// Marks for controllers that end the sidecar from outside.
fn namings<'a>(pod: &Pod<'a>, member: &Member<'a>, wanted: Wanted<'_>) -> Vec<Part<'a>> {
    if !wanted.any(&[
        "external-killer",
        "leftover-workaround",
        "unsupported-sidecar-type",
    ]) {
        return Vec::new();
    }
    let name = member.container.name;
    let mut parts = Vec::new();
    for naming in pod
        .namings
        .iter()
        .filter(|naming| naming.names.iter().any(|own| own == name))
    {
        let key = naming.entry.key;
        let what = match naming.kind {
            NamingKind::KillerAnnotation | NamingKind::LyftAnnotation => {
                format!("{} goes", key.as_str().unwrap_or("the annotation"))
            }
            NamingKind::KruiseEnvironment => format!("{name}: OpenKruise's variable goes"),
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
        let mut part = Part::new(what, class);
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

/// Whether a command writes what it gets into a file.
fn keeps_output(program: &Program<'_>, span: &Span) -> bool {
    let Some(script) = &program.script else {
        return true;
    };
    script
        .list
        .commands()
        .filter_map(|visit| visit.simple().cloned())
        .filter(|simple| span.start < simple.span.end && simple.span.start < span.end)
        .any(|simple| {
            let redirected = simple.redirects.iter().any(|redirect| {
                redirect
                    .target
                    .as_ref()
                    .is_some_and(|target| !is_nowhere(&target.raw))
            });
            let by_option = simple.words.windows(2).any(|pair| {
                matches!(pair, [option, file]
                    if matches!(option.raw.as_str(), "-o" | "--output" | "-O" | "--output-document")
                        && !is_nowhere(&file.raw))
            });
            redirected || by_option
        })
}

/// A target that keeps nothing.
pub(super) fn is_nowhere(target: &str) -> bool {
    matches!(target, "/dev/null" | "-" | "1" | "2" | "&1" | "&2")
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

/// A wait after which the app starts in any case.
fn gives_up(wait: &Wait) -> bool {
    wait.form == WaitForm::CountedLoop || wait.time_limit.is_some()
}
