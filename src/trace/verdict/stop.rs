//! Stop order: `before` exited for good before `after` did.
//!
//! `Killing` events never speak here: the kubelet records them for all containers at once
//! (`docs/semantics.md`, "Evidence").

use super::{
    super::{
        Clock,
        container::{ContainerHistory, State},
        declared::Pair,
        moment::{MILLISECOND, SECOND, describe_length},
        pod::PodTimeline,
        run::{Run, Source},
    },
    Context, EvidenceItem, Outcome, Verdict, gap_words, missing_container,
    order::{Piece, Pieces, exit_items, witness_piece},
    plain, void,
};
use crate::roles::Role;

/// How far this program's clock may be behind the best estimate of its distance from the node's.
const OFFSET_UNCERTAINTY: i64 = 100 * MILLISECOND;

/// Judges one pair.
pub(super) fn judge(pod: &PodTimeline, index: usize, pair: &Pair, context: &Context<'_>) -> Verdict {
    let (Some(before), Some(after)) = (pod.container(&pair.before), pod.container(&pair.after)) else {
        return plain(pod, pair, Outcome::Unknown, missing_container(pod, pair));
    };
    for history in [before, after] {
        if !history.ran() {
            let lost = history.status_lost && (!pod.gaps.is_empty() || history.restarts > 0);
            let (outcome, words) = match (lost, pod.ended() || history.status_lost) {
                (true, _) => (Outcome::Unknown, "was lost to the kubelet"),
                (false, true) => (Outcome::NotApplicable, "never ran"),
                (false, false) if pod.unseen => {
                    (Outcome::Unknown, "had not run when the connection was lost")
                }
                (false, false) => (Outcome::NotApplicable, "has not run yet"),
            };
            return plain(pod, pair, outcome, format!("{} {words}", history.name));
        }
    }
    if !settled(pod, before) || !settled(pod, after) {
        return unsettled(pod, index, pair, before);
    }
    if let Some(reason) = void::reason(pod, pair, context) {
        return plain(pod, pair, Outcome::NotApplicable, reason);
    }
    let pieces = pieces(pod, index, pair, before, after);
    if let Some(outcome) = pieces.outcome() {
        return decided(pod, pair, after, outcome, &pieces);
    }
    by_attach(pod, pair, before, after, context)
}

/// Whether the container's last known exit is its last.
fn settled(pod: &PodTimeline, history: &ContainerHistory) -> bool {
    pod.ended() || (pod.deletion.is_some() && history.state == State::Terminated)
}

/// Verdicts on a pod that still runs: a regular container that is never restarted may have ended already.
fn unsettled(pod: &PodTimeline, index: usize, pair: &Pair, before: &ContainerHistory) -> Verdict {
    let for_good = pod.restart_policy == "Never"
        && before.role == Role::App
        && pod
            .declared
            .container(&pair.before)
            .is_some_and(|container| !container.own_restart_policy);
    let witness = pod
        .rounds
        .first()
        .and_then(|witnesses| witnesses.get(index))
        .and_then(|witness| witness.proof.as_ref())
        .filter(|witness| for_good && witness.ended_run == before.id);
    if let Some(witness) = witness {
        let piece = witness_piece(witness);
        let mut verdict = plain(
            pod,
            pair,
            Outcome::Proved,
            format!("{}, and {} is never restarted", piece.text, pair.before),
        );
        verdict.evidence = piece.items;
        return verdict;
    }
    let waits = if settled(pod, before) {
        &pair.after
    } else {
        &pair.before
    };
    if pod.unseen {
        let reason = format!("the end of {waits} was not seen{}", gap_words(pod));
        return plain(pod, pair, Outcome::Unknown, reason);
    }
    let reason = if pod.asked_to_go {
        // The kubelet tells of the ends in a deletion when all have come.
        format!("the end of {waits} was not told yet")
    } else {
        format!("{waits} has not stopped yet")
    };
    plain(pod, pair, Outcome::NotApplicable, reason)
}

/// Everything that decides the pair without trusting this program's clock.
fn pieces(
    pod: &PodTimeline,
    index: usize,
    pair: &Pair,
    before: &ContainerHistory,
    after: &ContainerHistory,
) -> Pieces {
    let mut pieces = Pieces::default();
    let (Some(one), Some(two)) = (before.last_run(), after.last_run()) else {
        return pieces;
    };
    if let Some(witness) = pod.rounds.first().and_then(|witnesses| witnesses.get(index)) {
        let final_run = |run: &Run, id: &Option<String>| run.id.is_some() && run.id == *id;
        let proof = witness
            .proof
            .as_ref()
            .filter(|proof| final_run(one, &proof.ended_run));
        let breach = witness
            .breach
            .as_ref()
            .filter(|breach| final_run(two, &breach.ended_run));
        pieces.proofs.extend(proof.map(witness_piece));
        pieces.breaches.extend(breach.map(witness_piece));
    }
    if one.contradicts_itself() || two.contradicts_itself() {
        return pieces;
    }
    let (first, second) = (pair.before.as_str(), pair.after.as_str());
    pieces.proofs.extend(Pieces::separate(
        (first, &one.exit_before()),
        (second, &two.exit_after()),
        "ended",
        "ended",
    ));
    pieces.breaches.extend(Pieces::separate(
        (second, &two.exit_before()),
        (first, &one.exit_after()),
        "ended",
        "ended",
    ));
    pieces
}

fn decided(
    pod: &PodTimeline,
    pair: &Pair,
    after: &ContainerHistory,
    outcome: Outcome,
    pieces: &Pieces,
) -> Verdict {
    let (mut text, evidence) = pieces.summary();
    if outcome == Outcome::Violated && ended_by_itself(pod, after) {
        text.push_str("; ");
        text.push_str(&pair.after);
        text.push_str(" ended by itself, it was not asked to stop");
    }
    let mut verdict = plain(pod, pair, outcome, text);
    verdict.evidence = evidence;
    verdict
}

/// A sidecar that ended before the pod's deletion was asked for was not stopped by the kubelet, unless that says so.
/// The kubelet's last delete hides when the deletion was asked for: then nothing is said.
fn ended_by_itself(pod: &PodTimeline, history: &ContainerHistory) -> bool {
    let Some((run, second)) = history.last_run().and_then(|run| Some((run, run.finished()?))) else {
        return false;
    };
    if history.asked_to_stop(run).is_some() || (pod.asked_to_go && pod.deletion.is_none()) {
        return false;
    }
    match pod.deletion {
        Some(deletion) => {
            second.plus(SECOND)
                <= deletion
                    .deadline
                    .plus(deletion.grace_seconds.saturating_mul(SECOND).saturating_neg())
        }
        None => true,
    }
}

/// An attach stream's end, where it can be the run's end: it fell into the second of `finishedAt`, clocks
/// compared, and the run printed nothing later. A process may close its output and live on.
fn believable<'r>(run: &'r Run, context: &Context<'_>) -> Option<&'r super::super::evidence::AttachEnd> {
    let end = run.attach.as_ref().filter(|end| end.error.is_none())?;
    let second = run.finished()?;
    let latest = end.closed.plus(context.clock_offset.saturating_neg());
    let earliest_limit = second.plus(-context.attach_margin - OFFSET_UNCERTAINTY);
    let latest_limit = second.plus(SECOND + context.attach_margin);
    let in_second = latest >= earliest_limit && latest < latest_limit;
    let silent = run
        .last_line
        .is_none_or(|line| line <= latest.plus(context.attach_margin + OFFSET_UNCERTAINTY));
    (in_second && silent).then_some(end)
}

/// Ends of attach streams, the only evidence of stops within one second.
fn by_attach(
    pod: &PodTimeline,
    pair: &Pair,
    before: &ContainerHistory,
    after: &ContainerHistory,
    context: &Context<'_>,
) -> Verdict {
    let (Some(one), Some(two)) = (before.last_run(), after.last_run()) else {
        return plain(pod, pair, Outcome::Unknown, "no run is known".to_owned());
    };
    if let (true, Some(first), Some(second)) =
        (context.attach, believable(one, context), believable(two, context))
    {
        let apart = second.closed.since(first.closed);
        let text = format!(
            "the attach streams ended {} ms apart, {} first",
            apart.abs() / MILLISECOND,
            if apart >= 0 { &pair.before } else { &pair.after }
        );
        let items = [(before, first), (after, second)].map(|(history, end)| EvidenceItem {
            source: Source::Attach,
            container: Some(history.name.clone()),
            value: format!("stream ended {}", end.closed),
            clock: Some(Clock::Tracer),
            resource_version: None,
            received: None,
        });
        let piece = Piece {
            text,
            source: Source::Attach,
            items: items.to_vec(),
        };
        let (outcome, text) = if apart > context.attach_margin {
            (Outcome::Proved, piece.text)
        } else if apart < -context.attach_margin {
            (Outcome::Violated, piece.text)
        } else {
            let margin = describe_length(context.attach_margin);
            (
                Outcome::Consistent,
                format!("{}: within the margin of {margin}", piece.text),
            )
        };
        let mut verdict = plain(pod, pair, outcome, text);
        verdict.evidence = piece.items;
        return verdict;
    }
    undecided(pod, pair, one, two, context)
}

/// Verdicts where nothing decides.
fn undecided(pod: &PodTimeline, pair: &Pair, one: &Run, two: &Run, context: &Context<'_>) -> Verdict {
    if let (Some(first), Some(second)) = (one.finished(), two.finished()) {
        let stepped = one.contradicts_itself() || two.contradicts_itself();
        let reason = if stepped {
            "the node's clock was set: its times contradict each other".to_owned()
        } else if first == second {
            format!("both ended in the second {}", first.rfc3339(0))
        } else {
            "their ends are not separated by any evidence".to_owned()
        };
        let outcome = if stepped {
            Outcome::Unknown
        } else {
            Outcome::Consistent
        };
        let mut verdict = plain(pod, pair, outcome, reason);
        verdict.evidence = exit_items(&pair.before, one);
        verdict.evidence.extend(exit_items(&pair.after, two));
        verdict.suggestion = (!context.attach).then(|| {
            format!(
                "--attach tells ends more than {} apart",
                describe_length(context.attach_margin)
            )
        });
        return verdict;
    }
    let missing = if one.finished().is_none() {
        &pair.before
    } else {
        &pair.after
    };
    let reason = format!("the end of {missing} was not seen{}", gap_words(pod));
    plain(pod, pair, Outcome::Unknown, reason)
}
