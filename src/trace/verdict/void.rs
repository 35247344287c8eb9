//! When a stop order was not promised at all.

use super::{
    super::{
        Moment,
        declared::Pair,
        moment::SECOND,
        pod::{Deletion, PodTimeline},
        run::Run,
    },
    Context,
};
use crate::roles::Role;

/// Kubelets order the stop of native sidecars from this minor version on (KEP-753: 1.28 did not).
const FIRST_ORDERING_MINOR: u32 = 29;
/// A container that is killed when the grace ends may, by the second, seem to end a little before.
const DEADLINE_SLACK: i64 = 2 * SECOND;

/// Why the stop order of this pod was not promised; `None` where it was.
pub(super) fn reason(pod: &PodTimeline, pair: &Pair, context: &Context<'_>) -> Option<String> {
    if pod.forced {
        return Some("deletion was forced: without grace nothing is ordered".to_owned());
    }
    if pod.mirror {
        return Some("a static pod: its mirror is not deleted gracefully".to_owned());
    }
    if matches!(
        pod.reason.as_str(),
        "Evicted" | "NodeLost" | "NodeShutdown" | "Shutdown" | "Terminated"
    ) {
        return Some(format!(
            "the node ended the pod by its own grace ({})",
            pod.reason
        ));
    }
    let old = context
        .kubelet_minor
        .filter(|minor| pod.has_native && pair.enforced && *minor < FIRST_ORDERING_MINOR);
    if let Some(minor) = old {
        return Some(format!("a kubelet of 1.{minor} stops all containers at once"));
    }
    grace_ran_out(pod, context)
}

/// The final runs of the containers that take part in the order. Ephemeral containers do not: sidecars do
/// not wait for them.
fn participants(pod: &PodTimeline) -> impl Iterator<Item = (&str, Role, &Run)> {
    pod.containers
        .iter()
        .filter(|container| matches!(container.role, Role::App | Role::Sidecar))
        .filter_map(|container| Some((container.name.as_str(), container.role, container.last_run()?)))
        .filter(|(_, _, run)| run.ran())
}

fn grace_ran_out(pod: &PodTimeline, context: &Context<'_>) -> Option<String> {
    let deadline = match pod.deletion {
        Some(deletion) => Some(deadline(pod, deletion)),
        None => natural_deadline(pod),
    };
    let was_away = pod
        .deletion
        .is_some_and(|deletion| was_away(pod, deletion, context));
    for (name, _, run) in participants(pod) {
        let Some(second) = run.finished() else {
            continue;
        };
        let killed = run.exit.as_ref().is_some_and(|exit| exit.code == 137);
        let over = match deadline {
            // Nobody stopped anything while the kubelet was away: what ended late was asked to stop late.
            Some(deadline) if was_away => killed && second >= deadline.plus(-DEADLINE_SLACK),
            Some(deadline) => second >= deadline || (killed && second >= deadline.plus(-DEADLINE_SLACK)),
            None => killed && pod.reason == "DeadlineExceeded",
        };
        if over {
            let how = if killed { "was killed" } else { "ended" };
            return Some(format!(
                "the grace period ran out: {name} {how} at {}, when it was over",
                second.rfc3339(0)
            ));
        }
    }
    None
}

/// When the grace of a deletion is over. The kubelet begins it when it learns of the deletion: later than that was asked
/// for where it was away, and its events say when.
fn deadline(pod: &PodTimeline, deletion: Deletion) -> Moment {
    let grace = deletion.grace_seconds.saturating_mul(SECOND);
    let asked = deletion.deadline.plus(grace.saturating_neg());
    let begun = pod
        .containers
        .iter()
        .filter_map(|container| container.stop_requested_since(asked))
        .min();
    match begun {
        Some(begun) if begun > asked.plus(DEADLINE_SLACK) => begun.plus(grace),
        _ => deletion.deadline,
    }
}

/// Whether the kubelet was away while the grace ran.
fn was_away(pod: &PodTimeline, deletion: Deletion, context: &Context<'_>) -> bool {
    let asked = pod.asked_at().unwrap_or(deletion.deadline);
    context
        .absences
        .iter()
        .any(|absence| absence.from <= deletion.deadline && absence.until.is_none_or(|until| until >= asked))
}

/// A pod whose apps end by themselves is stopped with its whole grace, from the end of the last app on.
fn natural_deadline(pod: &PodTimeline) -> Option<Moment> {
    if !pod.is_terminal() || !pod.has_native || !pod.reason.is_empty() {
        return None;
    }
    let last_app = participants(pod)
        .filter(|(_, role, _)| *role == Role::App)
        .filter_map(|(_, _, run)| run.finished())
        .max()?;
    Some(last_app.plus(pod.declared.grace_seconds.saturating_mul(SECOND)))
}
