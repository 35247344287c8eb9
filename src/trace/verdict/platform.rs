//! What Kubernetes promises about sidecars beside the order: the phase, and restarts of their own.

use super::{
    super::{
        container::ContainerHistory,
        moment::SECOND,
        pod::PodTimeline,
        run::{Run, Source},
    },
    EvidenceItem, NATIVE, Outcome, PROMOTION, Verdict,
    order::exit_items,
};
use crate::roles::Role;

/// Judges what can be judged; rules that had no occasion are left out.
pub(super) fn judge(pod: &PodTimeline) -> Vec<Verdict> {
    let mut verdicts = promotion(pod);
    if !pod.has_native {
        return verdicts;
    }
    verdicts.extend(phase(pod));
    let natives = pod.declared.sidecars().filter(|sidecar| sidecar.native);
    for sidecar in natives.filter_map(|sidecar| pod.container(&sidecar.name)) {
        let apps = pod
            .containers
            .iter()
            .filter(|container| container.role == Role::App);
        for app in apps {
            verdicts.extend(restart_isolation(pod, sidecar, app));
            verdicts.extend(leftover_quit(pod, sidecar, app));
        }
    }
    verdicts
}

fn verdict(
    pod: &PodTimeline,
    rule: &'static str,
    pair: (Option<&str>, Option<&str>),
    outcome: Outcome,
    reason: String,
) -> Verdict {
    Verdict {
        pod: pod.name.clone(),
        rule,
        before: pair.0.map(str::to_owned),
        after: pair.1.map(str::to_owned),
        outcome,
        reason,
        basis: NATIVE,
        evidence: Vec::new(),
        suggestion: None,
    }
}

/// A sidecar that the pod's annotation declares was promoted when the pod was created, or never will be.
fn promotion(pod: &PodTimeline) -> Vec<Verdict> {
    let of = |name: &String, outcome, reason| Verdict {
        basis: PROMOTION,
        ..verdict(pod, "promotion", (Some(name.as_str()), None), outcome, reason)
    };
    let done = pod.promotion.done.iter().map(|name| {
        let reason = format!("{name} is a native sidecar: the admission policy has promoted it");
        of(name, Outcome::Proved, reason)
    });
    let missed = pod.promotion.missed.iter().map(|name| Verdict {
        suggestion: Some("kubectl sidecar policy promote prints the policy; pods that are created after it is installed are promoted".to_owned()),
        ..of(
            name,
            Outcome::Violated,
            format!("the pod's annotation declares {name} a sidecar, and no admission policy has promoted it: it is an ordinary container"),
        )
    });
    done.chain(missed).collect()
}

/// The phase follows the regular containers; the exit codes of sidecars never matter.
fn phase(pod: &PodTimeline) -> Option<Verdict> {
    if !pod.is_terminal() || pod.mirror || !pod.reason.is_empty() {
        return None;
    }
    let apps: Vec<&ContainerHistory> = pod
        .containers
        .iter()
        .filter(|container| container.role == Role::App)
        .collect();
    let codes: Option<Vec<i32>> = apps
        .iter()
        .map(|app| app.last_run()?.exit.as_ref().map(|exit| exit.code))
        .collect();
    let codes = codes?;
    let expected = if codes.iter().all(|code| *code == 0) {
        "Succeeded"
    } else {
        "Failed"
    };
    let outcome = if expected == pod.phase {
        Outcome::Proved
    } else {
        Outcome::Violated
    };
    let mut judged = verdict(
        pod,
        "phase",
        (None, None),
        outcome,
        format!(
            "the phase is {}, and by the apps' exit codes it should be {expected}",
            pod.phase
        ),
    );
    for app in apps {
        judged.evidence.extend(
            app.last_run()
                .map(|run| exit_items(&app.name, run))
                .unwrap_or_default(),
        );
    }
    Some(judged)
}

/// Runs of a sidecar that followed on another one within one start of the pod.
fn restarts(sidecar: &ContainerHistory) -> impl Iterator<Item = (&Run, &Run)> {
    sidecar
        .runs
        .iter()
        .zip(sidecar.runs.iter().skip(1))
        .filter(|(one, two)| one.round == two.round)
}

/// A sidecar's restart neither stops nor restarts an app.
fn restart_isolation(
    pod: &PodTimeline,
    sidecar: &ContainerHistory,
    app: &ContainerHistory,
) -> Option<Verdict> {
    let (_, again) = restarts(sidecar).last()?;
    let began = again.started?;
    let newest = app.last_run().map(|run| run.restarts);
    let spans = |run: &&Run| {
        let started = run.started.is_some_and(|started| started.plus(SECOND) <= began);
        let unended = Some(run.restarts) == newest && run.exit.is_none();
        started && run.finished().map_or(unended, |second| second > began)
    };
    let pair = (Some(sidecar.name.as_str()), Some(app.name.as_str()));
    Some(match app.runs.iter().find(spans) {
        Some(_) => verdict(
            pod,
            "restart-isolation",
            pair,
            Outcome::Proved,
            format!("{} ran on while {} was restarted", app.name, sidecar.name),
        ),
        None if !app.ran() => return None,
        None => verdict(
            pod,
            "restart-isolation",
            pair,
            Outcome::Consistent,
            format!(
                "no run of {} is known to span the restart of {}",
                app.name, sidecar.name
            ),
        ),
    })
}

/// A sidecar that exits with 0 while the app runs, and is restarted, was probably asked to quit: what is
/// left of a workaround.
fn leftover_quit(pod: &PodTimeline, sidecar: &ContainerHistory, app: &ContainerHistory) -> Option<Verdict> {
    let ended = restarts(sidecar)
        .filter(|(one, _)| sidecar.asked_to_stop(one).is_none())
        .filter_map(|(one, _)| one.exit.as_ref())
        .filter(|exit| exit.code == 0)
        .find_map(|exit| exit.second)?;
    let during = app.runs.iter().any(|run| {
        run.started.is_some_and(|started| started <= ended)
            && run.finished().is_none_or(|second| second >= ended)
    });
    during.then(|| {
        let mut judged = verdict(
            pod,
            "leftover-quit",
            (Some(&app.name), Some(&sidecar.name)),
            Outcome::Consistent,
            format!(
                "{} exited with 0 while {} ran, and was restarted: does {} still ask it to quit?",
                sidecar.name, app.name, app.name
            ),
        );
        judged.evidence.push(EvidenceItem {
            source: Source::Status,
            container: Some(sidecar.name.clone()),
            value: format!("finishedAt {}", ended.rfc3339(0)),
            clock: Some(super::Clock::Node),
            resource_version: None,
            received: None,
        });
        judged
    })
}
