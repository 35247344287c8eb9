//! What has to go when a container is declared a sidecar: every part of a workaround that manages it.

use crate::{
    behaviour::{
        Link, LinkKind, Party,
        action::Target,
        script::{ExitStatus, Kill, QuitPosition},
    },
    pod::{Member, Pod, Subject, closed_quit, ends_with_another, time_limit_of, told_to_quit},
    remedy::{
        Form,
        obligation::{Obligation, Proof},
        plan::Class,
        script::{entrypoint::Entrypoint, output::keeps_output},
        wanted::Wanted,
        workaround::{
            delays::{is_prestop, prestop, traps},
            end_hook,
            marker::marker,
            part::{Part, with_cut},
            stop::{
                end_waits, helper, masks, part_of_a_name, signal_changes, stop_behind, stop_with_sleep,
                with_masking_exit,
            },
            unwrap::injected_of,
            waits::{waiting, waiting_for_a_file},
            wrapper::wrappers,
        },
    },
    roles::NamingKind,
    workload::ContainerList,
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
        LinkKind::StartsOnFile(wait, writer) => wanted
            .link(at)
            .then(|| waiting_for_a_file(pod, index, (at, link), (wait, writer.as_ref()), form))?,
        _ => None,
    }
}

const WORKS_WITHOUT_IT: &str = "until now what comes behind it in the script runs without the sidecar";

/// Whether a script does other work behind a signal.
fn works_on(pod: &Pod<'_>, link: &Link, kill: &Kill) -> bool {
    let facts = pod.links.facts(link.container, link.program);
    let mut work = facts.into_iter().flat_map(|facts| &facts.work);
    kill.trap.is_none() && !kill.is_background && work.any(|work| work.start >= kill.span.end)
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
