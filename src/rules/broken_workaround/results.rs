//! A stop that is skipped in one of the ways a script can go, or that takes the place of its result: whether it is a
//! call, a signal or a file.

use crate::{
    behaviour::{
        LinkKind, Party,
        script::{Fault, QuitPosition, Runs},
    },
    pod::{Member, Pod, carries_the_result, closed_quit, suspects},
    shell::{Pipeline, Span, Visit},
    workload::{Controller, Program, ProgramPlace},
};

use super::{
    super::{Confidence, Draft, Finding, Severity, Subject},
    RULE,
};

/// A command of an app's script that stops a sidecar.
struct Stop {
    /// The link, as an index into the pod's links.
    link: usize,
    span: Span,
    /// The signals of the trap it stands in.
    trap: Option<Vec<String>>,
    /// Behind `exec`, or in a trap of the shell that `exec` replaced.
    is_behind_exec: bool,
    /// The script's runs, seen from here.
    runs: Option<Runs>,
}

/// All that one program does to stop one sidecar.
struct Stops {
    container: usize,
    program: usize,
    sidecar: Party,
    all: Vec<Stop>,
}

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    if !pod.workload.runs_to_completion() {
        return;
    }
    let groups = stops(pod);
    for (at, group) in groups.iter().enumerate() {
        let Some((member, program)) = pod.program(group.container, group.program) else {
            continue;
        };
        if program.place != ProgramPlace::Entrypoint {
            continue;
        }
        let starts: Vec<usize> = group.all.iter().map(|stop| stop.span.start).collect();
        let runs = group.all.first().and_then(|stop| stop.runs.as_ref());
        let fault = runs.and_then(|runs| runs.fault(&starts));
        let is_stopped_elsewhere = groups
            .iter()
            .enumerate()
            .any(|(other, theirs)| other != at && theirs.sidecar == group.sidecar);
        let is_result = matches!(fault, Some(Fault::FailureLost | Fault::SuccessLost));
        if let Some(fault) = fault.filter(|_| !(is_result && is_carried(pod, group))) {
            findings.extend(finding(
                pod,
                group,
                (member, program),
                fault,
                is_stopped_elsewhere,
            ));
        }
    }
}

/// Whether the sidecar ends with the result that the app writes into its file.
fn is_carried(pod: &Pod<'_>, group: &Stops) -> bool {
    group.all.iter().any(|stop| {
        let Some(link) = pod.links.all.get(stop.link) else {
            return false;
        };
        let LinkKind::EndsOnFile(test, writers) = &link.kind else {
            return false;
        };
        let file = test.file.path.as_deref().unwrap_or_default();
        pod.program(link.container, link.program)
            .is_some_and(|(_, program)| carries_the_result(pod, program, file, writers))
    })
}

fn stops(pod: &Pod<'_>) -> Vec<Stops> {
    let mut groups: Vec<Stops> = Vec::new();
    let mut add = |container, program, sidecar: Party, stop: Stop| {
        let group = groups
            .iter_mut()
            .find(|group| (group.container, group.program, &group.sidecar) == (container, program, &sidecar));
        match group {
            Some(group) => group.all.push(stop),
            None => groups.push(Stops {
                container,
                program,
                sidecar,
                all: vec![stop],
            }),
        }
    };
    for (at, link) in pod.links.all.iter().enumerate() {
        let stop = |span: &Span, trap: Option<&Vec<String>>, is_behind_exec, runs: Option<&Runs>| Stop {
            link: at,
            span: span.clone(),
            trap: trap.cloned(),
            is_behind_exec,
            runs: runs.cloned(),
        };
        match &link.kind {
            // That nobody answers is all that is wrong with it.
            LinkKind::Quits(_) if closed_quit(pod, link).is_some() => {}
            LinkKind::Quits(quit) => {
                let trap = match &quit.position {
                    QuitPosition::Trap { signals } => Some(signals),
                    _ => None,
                };
                let is_behind_exec = quit.position == QuitPosition::Unreachable;
                let stop = stop(&quit.span, trap, is_behind_exec, quit.runs.as_ref());
                add(link.container, link.program, link.other.clone(), stop);
            }
            LinkKind::Kills(kill) => {
                let stop = stop(
                    &kill.span,
                    kill.trap.as_ref(),
                    kill.is_behind_exec,
                    kill.runs.as_ref(),
                );
                add(link.container, link.program, link.other.clone(), stop);
            }
            LinkKind::EndsOnFile(_, writers) => {
                for writer in writers {
                    let marker = &writer.marker;
                    let stop = stop(
                        &marker.span,
                        marker.trap.as_ref(),
                        marker.is_behind_exec,
                        marker.runs.as_ref(),
                    );
                    add(
                        writer.container,
                        writer.program,
                        Party::Container(link.container),
                        stop,
                    );
                }
            }
            LinkKind::Waits(_) | LinkKind::StartsOnFile(..) | LinkKind::EndsWithApp(_) => {}
        }
    }
    groups.retain(|group| group.sidecar != Party::Unknown);
    groups
}

fn finding(
    pod: &Pod<'_>,
    group: &Stops,
    (member, program): (&Member<'_>, &Program<'_>),
    fault: Fault,
    is_stopped_elsewhere: bool,
) -> Option<Finding> {
    let app = member.container.name;
    let name = pod.party_name(&group.sidecar);
    let first = group.all.first()?;
    let hangs = matches!(
        fault,
        Fault::SkippedOnFailure | Fault::SkippedOnSuccess | Fault::Skipped
    );
    // A declared sidecar, and one that its controller or somebody else ends too, does not keep the pod from its end.
    if hangs
        && (is_stopped_elsewhere
            || pod.is_declared(&group.sidecar)
            || pod.workload.controller.ends_sidecars())
    {
        return None;
    }
    let how_long = match crate::pod::deadline(pod) {
        Some(_) => "runs on to its deadline",
        None => "never ends",
    };
    let (message, label) = match fault {
        // There the kubelet starts the container again, and the stop comes after the try that succeeds.
        Fault::SkippedOnFailure if pod.workload.restart_policy() == "OnFailure" => return None,
        Fault::SkippedOnFailure => (
            match last_of_pipe(pod, group, program) {
                Some(last) => format!(
                    "when `{last}` at the end of {app}'s pipe fails, {name} is not stopped and the pod {how_long}"
                ),
                None => format!("when {app} fails, {name} is not stopped and the pod {how_long}"),
            },
            "skipped on failure",
        ),
        Fault::SkippedOnSuccess => (
            format!("when {app} succeeds, {name} is not stopped and the pod {how_long}"),
            "skipped on success",
        ),
        Fault::Skipped if first.is_behind_exec => (
            format!("exec replaces the shell that would make the call: {name} is never stopped"),
            "never reached",
        ),
        Fault::Skipped if group.all.iter().all(Stop::is_only_for_signals) => (
            format!("when {app} ends by itself, {name} is not stopped and the pod {how_long}"),
            "runs only when a signal comes",
        ),
        Fault::Skipped => return None,
        Fault::FailureLost => (
            format!("the result of {app} is lost: a failure counts as a success"),
            "hides the main command's result",
        ),
        Fault::SuccessLost => (
            format!("the result of {app} is lost: a success counts as a failure"),
            "the script goes on to end with a failure",
        ),
    };
    let sidecar = match group.sidecar {
        Party::Container(index) => Some(index),
        _ => None,
    };
    let suspects = sidecar.filter(|_| hangs).map(|index| suspects(pod, index));
    let doubt = suspects
        .and_then(<[_]>::first)
        .map(|suspect| suspect.describe(pod));
    let message = match &doubt {
        Some(doubt) => format!("{message}, as far as the manifest shows; {doubt}"),
        None => message,
    };
    let is_proved = doubt.is_none();
    let mut draft = Draft::new(pod, &RULE, message)
        .help(help(pod, &group.sidecar, &name))
        .confidence(match is_proved {
            true => Confidence::High,
            false => Confidence::Medium,
        })
        .container(&member.container)
        .at_text(program, first.span.clone(), label)
        .subject(Subject::Link(first.link));
    if !is_proved || hangs && pod.workload.controller != Controller::Kubernetes {
        draft = draft.severity(Severity::Warning);
    }
    Some(draft.finish())
}

/// The last program of the pipe that is all of a script's work: without `pipefail` its failure alone is the pipe's.
fn last_of_pipe(pod: &Pod<'_>, group: &Stops, program: &Program<'_>) -> Option<String> {
    let facts = pod.links.facts(group.container, group.program)?;
    let script = program
        .script
        .as_ref()
        .filter(|_| !program.text.contains("pipefail"))?;
    let visits: Vec<Visit<'_>> = script.list.commands().collect();
    let pipe_of = |work: &Span| {
        let is_its = |visit: &&Visit<'_>| {
            let own = visit.command.span();
            work.start <= own.start && own.end <= work.end && visit.context.pipeline_length > 1
        };
        visits.iter().find(is_its).map(|visit| visit.pipeline)
    };
    let pipes: Option<Vec<&Pipeline>> = facts.work.iter().map(pipe_of).collect();
    let last = pipes?.last()?.commands.last()?.span();
    crate::pod::program_at(program, &last)
}

fn help(pod: &Pod<'_>, sidecar: &Party, name: &str) -> String {
    match sidecar {
        Party::Injected(known) => match pod.made_native(known) {
            Ok(switch) => format!("{switch}; run the command alone then: its own result is the pod's"),
            Err(reason) => format!(
                "make the call whatever the command's result is, and end with that result (`code=$?` before the call, `exit $code` behind it): {reason}"
            ),
        },
        _ => format!("declare {name} a sidecar and run the command alone: its own result is the pod's"),
    }
}

impl Stop {
    /// In a trap that runs neither when the script ends nor when a command fails.
    fn is_only_for_signals(&self) -> bool {
        let at_an_end = |signal: &String| {
            matches!(
                signal.trim_start_matches("SIG").to_ascii_uppercase().as_str(),
                "EXIT" | "0" | "ERR"
            )
        };
        self.trap
            .as_ref()
            .is_some_and(|signals| !signals.is_empty() && !signals.iter().any(at_an_end))
    }
}
