//! Calls and signals that end a sidecar, and what stands in a script or a pod for their sake alone.

use crate::remedy::workaround::{
    marker::{path_of, writers_go, writers_stay},
    part::Part,
};
use crate::{
    behaviour::{
        Answer, EndWatch, Link, LinkKind, Party,
        action::{Action, Target, Within},
        script::{ExitStatus, Kill, MarkerUse, ScriptBehaviour, Step, Trap, Wait},
    },
    pod::{Member, Pod, is_called},
    remedy::{
        declare::end_watches::describe,
        obligation::{Obligation, Proof},
        plan::Class,
        script::{
            cut::{cut, with_sleep_behind},
            entrypoint::{Entrypoint, can_cut, shell},
            hindrance::Hindrance,
        },
        wanted::Wanted,
    },
    roles::Role,
    shell::{Script, Span, Variable, Visit, parse},
    workload::{ContainerList, Program, ProgramPlace},
};

/// Whether a link ends the other side.
pub(crate) fn is_stop(link: &Link) -> bool {
    matches!(link.kind, LinkKind::Quits(_) | LinkKind::Kills(_)) && link.other != Party::Unknown
}

/// Whether the container of a link waits, stops the other side and does no work of its own, beside an app that stays.
pub(crate) fn only_stops(pod: &Pod<'_>, link: &Link) -> bool {
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

/// The cut of what ends a sidecar, with the waits for its end at `watches`, and whether it can be made. The sleep in which
/// the sidecar ends goes as well, where that is no less sure.
pub(crate) fn stop_with_sleep(
    member: &Member<'_>,
    program: &Program<'_>,
    span: &Span,
    watches: &[Span],
) -> (Answer<Hindrance>, Entrypoint) {
    let cut = |mut cuts: Vec<Span>| {
        cuts.extend(watches.iter().cloned());
        let answer = can_cut(member, program, &cuts);
        let entrypoint = Entrypoint {
            cuts,
            ..Entrypoint::default()
        };
        (answer, entrypoint)
    };
    let alone = vec![span.clone()];
    let with_sleep = match &program.script {
        Some(script) => with_sleep_behind(script, span),
        None => alone.clone(),
    };
    if with_sleep == alone {
        return cut(alone);
    }
    let with_sleep = cut(with_sleep);
    if with_sleep.0.is_proved() {
        return with_sleep;
    }
    let alone = cut(alone);
    if alone.0.is_proved() || with_sleep.0.is_refuted() {
        return alone;
    }
    with_sleep
}

/// The cut with the `exit 0` right behind it, where that alone hid the result of the work.
pub(crate) fn with_masking_exit(
    member: &Member<'_>,
    program: &Program<'_>,
    span: &Span,
    cut: (Answer<Hindrance>, Entrypoint),
) -> (Answer<Hindrance>, Entrypoint) {
    let exit = program
        .script
        .as_ref()
        .and_then(|script| exit_behind(script, span));
    let Some(exit) = exit.filter(|_| !ends_with_its_work(member, program, &cut.1)) else {
        return cut;
    };
    let mut cuts = cut.1.cuts.clone();
    cuts.push(exit);
    let answer = can_cut(member, program, &cuts);
    let entrypoint = Entrypoint {
        cuts,
        ..Entrypoint::default()
    };
    if answer.is_refuted() || !ends_with_its_work(member, program, &entrypoint) {
        return cut;
    }
    match answer {
        // That is what it is cut for, and what the result rests on is said by itself.
        Answer::Unknown(Hindrance::Result(_)) => (Answer::Proved, entrypoint),
        answer => (answer, entrypoint),
    }
}

/// The `exit 0` that is the next command behind a span, in the same function or trap.
fn exit_behind(script: &Script, span: &Span) -> Option<Span> {
    let visits: Vec<Visit<'_>> = script.list.commands().collect();
    let own = visits.iter().find(|visit| {
        let own = visit.command.span();
        span.start <= own.start && own.end <= span.end
    })?;
    let mut behind = visits
        .iter()
        .filter(|visit| visit.command.span().start >= span.end);
    let next = behind.next()?;
    let place = |visit: &Visit<'_>| {
        (
            visit.context.function.map(str::to_owned),
            visit.context.trap.is_some(),
        )
    };
    let words = &next.simple()?.words;
    let is_exit = matches!(words.as_slice(), [exit, code] if exit.raw == "exit" && code.raw == "0");
    let is_plain = next.context.parts.is_empty() && next.context.connector.is_none();
    (is_exit && is_plain && place(own) == place(next)).then(|| next.command.span())
}

/// Waits for an end that are cut with what brings it about.
#[derive(Debug, Default)]
pub(crate) struct EndWaits {
    pub(crate) spans: Vec<Span>,
    /// Not all of them are known to wait for it.
    pub(crate) doubt: Option<Proof>,
}

/// The waits of the program of a link for the end that the link brings about, which serve nothing without it.
pub(crate) fn end_waits(pod: &Pod<'_>, link: &Link) -> EndWaits {
    let is_own = |watch: &&EndWatch| {
        (watch.container, watch.program, &watch.other) == (link.container, link.program, &link.other)
    };
    let own = pod.links.end_watches.iter().filter(is_own);
    let mut waits = EndWaits::default();
    for watch in own {
        let Some(wait) = watch.wait.as_ref().filter(|wait| wait.besides().is_none()) else {
            continue;
        };
        waits.spans.push(wait.whole.clone());
        if !watch.is_certain {
            waits.doubt = Some(Proof::unknown(Obligation::EndUnwatched, describe(pod, watch)));
        }
    }
    waits
}

/// Whether a call that is treated ends what a wait waited for, and nothing else comes behind the wait: without the call
/// it serves nothing.
pub(crate) fn stop_behind(pod: &Pod<'_>, link: &Link, wait: &Wait, wanted: &Wanted) -> bool {
    let is_beside = |other: &Link| {
        (other.container, other.program, &other.other) == (link.container, link.program, &link.other)
    };
    let stop = |other: &Link| match &other.kind {
        LinkKind::Quits(quit) => Some(quit.span.clone()),
        LinkKind::Kills(kill) => Some(kill.span.clone()),
        _ => None,
    };
    let mut links = pod.links.all.iter().enumerate();
    wait.command_after.is_none()
        && links.any(|(at, other)| {
            is_beside(other) && wanted.link(at) && stop(other).is_some_and(|span| span.start >= wait.span.end)
        })
}

/// What a person should know where a stop hid the result of the script's work, or may have, when it goes with what
/// `entrypoint` cuts out.
pub(crate) fn masks(
    member: &Member<'_>,
    program: &Program<'_>,
    exit_status: ExitStatus,
    entrypoint: &Entrypoint,
) -> Option<String> {
    let name = member.container.name;
    let until_now = match exit_status {
        ExitStatus::Lost if !ends_with_its_work(member, program, entrypoint) => {
            return Some(format!(
                "the script of {name} ends with success when its work fails, as it did until now: look at its end"
            ));
        }
        ExitStatus::Masked | ExitStatus::Lost => "until now its script ended with another",
        ExitStatus::Unclear => "until now its script may have ended with another",
        _ => return None,
    };
    Some(format!(
        "{name} now ends with the result of its own work: {until_now}, so that failures may show"
    ))
}

/// What a person should know of a sidecar that another signal ended than the one that the kubelet has sent.
pub(super) fn signal_changes(name: &str, signal: &str) -> String {
    format!(
        "{name} got SIG{signal} until now; the kubelet has its image's stop signal sent, which is SIGTERM unless the image names another; lifecycle.stopSignal sets one (behind the feature gate ContainerStopSignals, Kubernetes 1.33 and later)"
    )
}

/// Whether nothing comes behind the work in what remains of a script, and no trap ends it otherwise.
fn ends_with_its_work(member: &Member<'_>, program: &Program<'_>, entrypoint: &Entrypoint) -> bool {
    let shell = shell(member, program);
    let remains = cut(&program.text, &shell, &entrypoint.cuts).ok();
    let script = remains.and_then(|remains| parse(&remains.text, shell.dialect));
    script.is_none_or(|script| {
        let behaviour = ScriptBehaviour::new(&script, &|_| Variable::Unknown, false);
        let ends = |trap: &Trap| {
            let mut actions = trap.actions.iter();
            trap.is_on_exit() && actions.any(|action| matches!(action.action, Action::Exit { .. }))
        };
        behaviour.steps().last().is_none_or(Step::is_work) && !behaviour.traps().iter().any(ends)
    })
}

/// A helper that looked at the pod through the API server did so with a role of the pod's account.
pub(crate) fn account_of_helper(pod: &Pod<'_>, helper: &Member<'_>) -> Option<String> {
    let account = pod.workload.pod_spec.get("serviceAccountName")?.as_str()?;
    let asks_the_server = |text: &str| {
        [
            "kubectl",
            "kubernetes.default",
            "KUBERNETES_SERVICE_HOST",
            "serviceaccount/token",
        ]
        .iter()
        .any(|sign| text.contains(sign))
    };
    let asks = helper
        .programs
        .iter()
        .any(|program| asks_the_server(&program.text));
    asks.then(|| {
        format!(
            "{} read the pod as serviceAccountName {account}: if nothing else needs it, it may go with its role and binding",
            helper.container.name
        )
    })
}

/// A container that does nothing but end the sidecar goes as a whole.
pub(crate) fn helper<'a>(pod: &Pod<'a>, sidecar: usize, link: &Link) -> Option<Part<'a>> {
    if !only_stops(pod, link) {
        return None;
    }
    let member = pod.members.get(link.container)?;
    let other = pod.members.get(sidecar)?.container.name;
    let what = format!("{}: is removed, it only ends {other}", member.container.name);
    let mut part = Part::new(what, Ok(Class::Safe));
    part.rest_on(Proof::unknown(
        Obligation::EndsAreKnown,
        "a container is removed as a whole, and what else it is for is not in the manifest",
    ));
    // It may have looked at the app's process.
    part.signals = true;
    part.note = account_of_helper(pod, member);
    part.removals.add(member.container.node);
    for own in pod.links.all.iter().filter(|own| own.container == link.container) {
        if let LinkKind::EndsOnFile(test, writers) = &own.kind
            && let Some((_, program)) = pod.program(own.container, own.program)
            && !writers_stay(pod, own.container, program, test, writers)
        {
            writers_go(pod, path_of(test), writers, &mut part);
        }
    }
    Some(part)
}

/// Where the pattern of a signal may be found in other processes too: it is looked for in part and is no process's whole
/// name.
pub(super) fn part_of_a_name(pod: &Pod<'_>, index: usize, kill: &Kill) -> Option<String> {
    let member = pod.members.get(index)?;
    kill.targets.iter().find_map(|target| {
        let Target::Process { pattern, within } = target else {
            return None;
        };
        let place = match within {
            Within::WholeName => return None,
            Within::Name => "names",
            Within::CommandLine => "command lines",
        };
        (!is_called(pod, member, pattern))
            .then(|| format!("`{pattern}` may be in the {place} of other processes too"))
    })
}
