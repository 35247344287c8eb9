//! What has to go when a container is declared a sidecar: every part of a workaround that minds it.

use super::{
    marker::{marker, path_of},
    part::Part,
    stop::{helper, masks, stop_behind, stop_with_sleep},
    wanted::Wanted,
    watchdog::in_foreground,
    wrapper::wrappers,
};
use crate::{
    behaviour::{
        Link, LinkKind, Party,
        script::{Wait, WaitForm},
    },
    migrate::{
        gate::startup::asked_port,
        plan::Class,
        script::{
            cut::cut,
            entrypoint::{Entrypoint, can_cut, dialect, shell},
            output::keeps_output,
        },
    },
    roles::NamingKind,
    rules::{self, Finding, Member, Pod},
    shell::Span,
    workload::{ContainerList, HookKind, Program, ProgramPlace},
};

/// All parts of workarounds that mind the sidecar at `index`.
pub(in crate::migrate) fn parts<'a>(pod: &Pod<'a>, index: usize, wanted: Wanted<'_>) -> Vec<Part<'a>> {
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
pub(in crate::migrate) fn stays(pod: &Pod<'_>, index: usize, wanted: Wanted<'_>) -> Option<String> {
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
                .insert(link.container, stop_with_sleep(member, program, &quit.span));
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
                .insert(link.container, stop_with_sleep(member, program, &kill.span));
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
                    _ if program.place != ProgramPlace::Entrypoint || program.shared.is_some() => {
                        part.class.clone()
                    }
                    // Each has a limit of its own, and runs the app when it is over.
                    _ if Class::from(finding.fix.class) == Class::Manual => Err(finding.fix.reason.clone()),
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
    let class = if class == Class::Manual {
        Err(finding.fix.reason.clone())
    } else {
        Ok(class)
    };
    let what = match program.config_map {
        Some(name) => format!("{what} from the script of ConfigMap {name}"),
        None => what,
    };
    let mut part = Part::new(what, class);
    let answer = can_cut(member, program, std::slice::from_ref(span));
    if part.class.is_ok() || program.place != ProgramPlace::Entrypoint || program.shared.is_some() {
        part.holds(&answer);
    }
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
                let remains = cut(&program.text, &shell(member, program), &entrypoint.cuts);
                if remains.is_ok_and(|remains| in_foreground(&remains.text, dialect(program)).is_none()) {
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
