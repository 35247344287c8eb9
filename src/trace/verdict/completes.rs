//! Whether a Job's pod ends when its apps have: a regular container that runs on keeps it, and with it the Job.

use super::{
    super::{
        Clock, Moment,
        container::{ContainerHistory, State},
        moment::{SECOND, describe_length},
        pod::PodTimeline,
        run::{Run, Source},
    },
    Context, EvidenceItem, Outcome, Verdict, gap_words,
    order::exit_items,
    received_text,
};
use crate::roles::Role;

/// The name in output.
pub const RULE: &str = "completes";
/// Where it is written down.
const BASIS: &str = "kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle: a pod succeeds when all its regular containers have ended";
/// A sidecar that ends by itself may take this long.
const PATIENCE: i64 = 30 * SECOND;
/// The kubelet tells of an end so much later, at the most, while it is well.
const TELLING: i64 = 2 * SECOND;

/// Judges the pod of a Job; there is nothing to say of others, or of one whose apps are alone.
pub(super) fn judge(pod: &PodTimeline, context: &Context<'_>) -> Option<Verdict> {
    if !pod.of_job {
        return None;
    }
    let with_role = |role: Role| pod.containers.iter().filter(move |one| one.role == role);
    let apps: Vec<&ContainerHistory> = with_role(Role::App).collect();
    let is_regular = |one: &&ContainerHistory| {
        let declared = pod.declared.container(&one.name);
        declared.is_some_and(|declared| !declared.native)
    };
    let sidecars: Vec<&ContainerHistory> = with_role(Role::Sidecar).filter(is_regular).collect();
    if sidecars.is_empty() {
        return None;
    }
    let ended: Option<Vec<Moment>> = apps.iter().map(|app| pod.ended_for_good(app)).collect();
    let Some(last) = ended.and_then(|ended| ended.into_iter().max()) else {
        let open = apps.iter().find(|app| pod.ended_for_good(app).is_none())?;
        return Some(not_ended(pod, open));
    };
    let running: Vec<&ContainerHistory> = sidecars
        .into_iter()
        .filter(|one| one.state == State::Running)
        .collect();
    if pod.is_terminal() || running.is_empty() {
        return Some(at_its_end(pod, &apps));
    }
    Some(running_on(pod, &apps, &running, last, context))
}

fn verdict(
    pod: &PodTimeline,
    who: (Option<&str>, Option<&str>),
    outcome: Outcome,
    reason: String,
) -> Verdict {
    Verdict {
        pod: pod.name.clone(),
        rule: RULE,
        before: who.0.map(str::to_owned),
        after: who.1.map(str::to_owned),
        outcome,
        reason,
        basis: BASIS,
        evidence: Vec::new(),
        suggestion: None,
    }
}

fn not_ended(pod: &PodTimeline, app: &ContainerHistory) -> Verdict {
    let who = (Some(app.name.as_str()), None);
    if pod.unseen {
        let reason = format!("the end of {} was not seen{}", app.name, gap_words(pod));
        return verdict(pod, who, Outcome::Unknown, reason);
    }
    let when = if pod.ended() { "" } else { " yet" };
    verdict(
        pod,
        who,
        Outcome::NotApplicable,
        format!("{} has not ended by itself{when}", app.name),
    )
}

fn at_its_end(pod: &PodTimeline, apps: &[&ContainerHistory]) -> Verdict {
    let mut judged = verdict(
        pod,
        (None, None),
        Outcome::Proved,
        "the apps have ended, and no other container runs on".to_owned(),
    );
    judged.evidence = ends(apps);
    judged
}

fn ends(apps: &[&ContainerHistory]) -> Vec<EvidenceItem> {
    let items = |app: &&ContainerHistory| app.last_run().map(|run: &Run| exit_items(&app.name, run));
    apps.iter().filter_map(items).flatten().collect()
}

fn running_on(
    pod: &PodTimeline,
    apps: &[&ContainerHistory],
    running: &[&ContainerHistory],
    last: Moment,
    context: &Context<'_>,
) -> Verdict {
    let seen = if pod.unseen || pod.gone || pod.vanished || pod.asked_to_go {
        pod.received.1
    } else {
        context.looked_until
    };
    // By the node's clock, from the end of the second in which the last app ended.
    let ran_on = seen
        .since(last.plus(SECOND))
        .saturating_sub(context.clock_offset.max(0));
    let names: Vec<&str> = running.iter().map(|one| one.name.as_str()).collect();
    let who = names.join(" and ");
    let app = apps
        .iter()
        .max_by_key(|app| app.last_run().and_then(Run::finished));
    let app = app.map(|app| app.name.as_str());
    let since = last.clock(0);
    let is_over = ran_on >= PATIENCE || (context.is_last_word && ran_on >= TELLING);
    let (outcome, reason) = if is_over {
        let undeclared: Vec<&str> = running
            .iter()
            .filter(|one| one.undeclared)
            .map(|one| one.name.as_str())
            .collect();
        let mut reason = format!(
            "the apps have ended by {since}, and {who} ran on for {}: the Job does not complete while it runs",
            describe_length(ran_on)
        );
        if !undeclared.is_empty() {
            reason.push_str(&format!(
                "; {} is not declared a sidecar",
                undeclared.join(" and ")
            ));
        }
        (Outcome::Violated, reason)
    } else if pod.unseen {
        let reason = format!("the end of {who} was not seen{}", gap_words(pod));
        (Outcome::Unknown, reason)
    } else {
        let reason = format!("the apps have ended by {since}; {who} had not ended yet");
        (Outcome::NotApplicable, reason)
    };
    let mut judged = verdict(pod, (app, names.first().copied()), outcome, reason);
    judged.evidence = ends(apps);
    judged.evidence.push(EvidenceItem {
        source: Source::Status,
        container: names.first().map(|name| (*name).to_owned()),
        value: "running".to_owned(),
        clock: Some(Clock::Tracer),
        resource_version: Some(pod.resource_version.clone()),
        received: received_text(seen),
    });
    judged
}
