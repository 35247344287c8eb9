//! What delays a sidecar's end: preStop hooks that wait, traps that hold SIGTERM back.

use crate::{
    behaviour::{LinkKind, script::Trap},
    pod::{Member, Pod, ProgramSite, Subject, delaying_traps, prestop_delay, shown_path},
    remedy::{
        obligation::{Obligation, Proof},
        plan::Class,
        script::{
            cut::cut,
            entrypoint::{dialect, shell},
        },
        wanted::Wanted,
        workaround::{
            part::{Part, cutting},
            watchdog::in_foreground,
        },
    },
    shell::{Command, Span},
    workload::{HookKind, Program, ProgramPlace},
};

pub(super) fn is_prestop(program: &Program<'_>) -> bool {
    program.place == ProgramPlace::Hook(HookKind::PreStop)
}

/// A preStop hook that only waits.
pub(super) fn prestop<'a>(
    pod: &Pod<'a>,
    index: usize,
    member: &Member<'a>,
    wanted: &Wanted,
) -> Option<Part<'a>> {
    wanted.has(&Subject::PreStop(index)).then_some(())?;
    let delay = prestop_delay(pod, index, member)?;
    let hook = member.container.hook(HookKind::PreStop)?;
    let class = match delay.only {
        true => Ok(Class::Safe),
        false => Err("the hook does more than wait".to_owned()),
    };
    let mut part = Part::new(
        format!("{}: its preStop wait is removed", member.container.name),
        class,
    );
    part.rest_on(match delay.own {
        None => Proof::proved(
            Obligation::IdleAfterApp,
            "the hook looks at nothing that is the container's own",
        ),
        Some(own) => Proof::unknown(
            Obligation::IdleAfterApp,
            format!("the hook looks at {own}, which may be about its own work and not the app's"),
        ),
    });
    part.harmful = false;
    part.removals.add(hook.entry.key);
    // The file stays: it is written by a hook or a script that does more.
    for (at, link) in pod.links.all.iter().enumerate() {
        if link.container == index
            && let LinkKind::EndsOnFile(test, _) = &link.kind
            && let Some((_, program)) = pod.program(link.container, link.program)
            && is_prestop(program)
        {
            part.note = Some(format!(
                "nothing looks for {} any more",
                shown_path(program, &test.file)
            ));
            part = part.on(Subject::Link(at));
        }
    }
    Some(part.on(Subject::PreStop(index)))
}

/// The function that a trap calls, where nothing else does.
fn own_function(program: &Program<'_>, trap: &Trap) -> Option<Span> {
    let script = program.script.as_ref()?;
    let name = program.text.get(trap.script.clone()?)?.trim_matches(['"', '\'']);
    let function = script.list.constructs().find_map(|visit| match visit.command {
        Command::Function { name: own, span, .. } if own == name => Some(span.clone()),
        _ => None,
    })?;
    let mut others = script
        .list
        .commands()
        .filter_map(|visit| visit.simple())
        .filter(|simple| simple.span.end <= trap.span.start || trap.span.end <= simple.span.start)
        .flat_map(|simple| &simple.words);
    others.all(|word| !word.raw.contains(name)).then_some(function)
}

/// Traps that delay or disguise the sidecar's end.
pub(super) fn traps<'a>(pod: &Pod<'a>, index: usize, member: &Member<'a>, wanted: &Wanted) -> Vec<Part<'a>> {
    delaying_traps(pod, index, member)
        .into_iter()
        .filter_map(|(at, program, trap, _)| {
            let subject = Subject::Trap(ProgramSite {
                container: index,
                program: at,
                start: trap.span.start,
            });
            wanted.has(&subject).then_some(())?;
            let what = format!("{}: its trap is removed", member.container.name);
            let mut part = cutting(index, member, program, &trap.span, what).on(subject);
            part.harmful = false;
            part.rest_on(Proof::unknown(
                Obligation::ResultIsKept,
                "whether its process ends well on SIGTERM is not in the manifest",
            ));
            if let Some(entrypoint) = part.entrypoints.get_mut(&index) {
                entrypoint.foreground = true;
                entrypoint.cuts.extend(own_function(program, trap));
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
