//! Start order: `before` passed its gate before `after` was started.
//!
//! The kubelet starts the containers of one pod one call after another, so that the order of their processes
//! is the order of their start calls (`docs/semantics.md`, "Start").

use super::{
    super::{
        container::ContainerHistory,
        declared::{Gate, Pair, Rule},
        moment::SECOND,
        pod::PodTimeline,
        run::{Bound, Run, Source},
    },
    Context, Outcome, Verdict, gap_words, missing_container,
    order::{Pieces, begin_items, witness_piece},
    plain,
};
use crate::roles::Role;

/// Judges one pair.
pub(super) fn judge(pod: &PodTimeline, index: usize, pair: &Pair, context: &Context<'_>) -> Verdict {
    let (Some(before), Some(after)) = (pod.container(&pair.before), pod.container(&pair.after)) else {
        return plain(pod, pair, Outcome::Unknown, missing_container(pod, pair));
    };
    if let Some(verdict) = without_a_start(pod, pair, before, after) {
        return verdict;
    }
    let first = pieces(pod, index, pair, before, after, 0);
    for round in 1..pod.rounds.len() {
        let again = pieces(pod, index, pair, before, after, round);
        if matches!(again.outcome(), Some(Outcome::Violated | Outcome::Conflict)) {
            return decided(pod, pair, &again, &format!(" (start {} of the pod)", round + 1));
        }
    }
    if first.outcome().is_some() {
        return decided(pod, pair, &first, "");
    }
    undecided(pod, index, pair, before, after, context)
}

/// Verdicts where `after` never started, or nothing is known of its start.
fn without_a_start(
    pod: &PodTimeline,
    pair: &Pair,
    before: &ContainerHistory,
    after: &ContainerHistory,
) -> Option<Verdict> {
    if !after.ran() {
        let held = pod
            .held(&pair.after)
            .map(|held| format!(": {held}"))
            .unwrap_or_default();
        let never = format!("{} never started{held}", pair.after);
        return Some(if pod.unseen {
            let reason = format!("the start of {} was not seen{}", pair.after, gap_words(pod));
            plain(pod, pair, Outcome::Unknown, reason)
        } else if after.status_lost && !pod.gaps.is_empty() {
            plain(
                pod,
                pair,
                Outcome::Unknown,
                format!("the status of {} was lost{}", pair.after, gap_words(pod)),
            )
        } else if pod.ended() || after.status_lost || after.start_trouble {
            plain(pod, pair, Outcome::NotApplicable, never)
        } else {
            plain(
                pod,
                pair,
                Outcome::NotApplicable,
                format!("{} has not started yet{held}", pair.after),
            )
        });
    }
    if pair.rule == Rule::ListOrder && before.start_trouble {
        let reason = format!(
            "the first start of {} failed, so that later ones came first",
            pair.before
        );
        return Some(plain(pod, pair, Outcome::NotApplicable, reason));
    }
    None
}

fn decided(pod: &PodTimeline, pair: &Pair, pieces: &Pieces, suffix: &str) -> Verdict {
    let (text, evidence) = pieces.summary();
    let outcome = pieces.outcome().unwrap_or(Outcome::Unknown);
    let mut verdict = plain(pod, pair, outcome, format!("{text}{suffix}"));
    verdict.evidence = evidence;
    verdict
}

/// Everything that decides the pair in one start of the pod.
fn pieces(
    pod: &PodTimeline,
    index: usize,
    pair: &Pair,
    before: &ContainerHistory,
    after: &ContainerHistory,
    round: usize,
) -> Pieces {
    let mut pieces = Pieces::default();
    if let Some(witness) = pod.rounds.get(round).and_then(|witnesses| witnesses.get(index)) {
        pieces.proofs.extend(witness.proof.as_ref().map(witness_piece));
        pieces.breaches.extend(witness.breach.as_ref().map(witness_piece));
    }
    let clock_stepped = |history: &ContainerHistory| history.runs.iter().any(Run::contradicts_itself);
    if clock_stepped(before) || clock_stepped(after) {
        return pieces;
    }
    let begin_before = |history: &ContainerHistory| {
        let mut runs = history.runs.iter().filter(|run| run.round == round);
        runs.find(|run| run.ran())
            .map(Run::begin_before)
            .unwrap_or_default()
    };
    let begin_after = |history: &ContainerHistory| {
        let run = history.first_run_of(round).filter(|run| run.ran());
        run.map(Run::begin_after).unwrap_or_default()
    };
    let words = pair.gate.words();
    pieces.proofs.extend(Pieces::separate(
        (&pair.before, &gate_before(pod, pair, before, round)),
        (&pair.after, &begin_after(after)),
        words,
        "started",
    ));
    pieces.breaches.extend(Pieces::separate(
        (&pair.after, &begin_before(after)),
        (
            &pair.before,
            &gate_after(pair, before, round, &begin_after(before)),
        ),
        "started",
        if pair.gate == Gate::Completed {
            "completed"
        } else {
            "started"
        },
    ));
    pieces
}

/// The run in which an ordinary init container completed.
fn completed_run(history: &ContainerHistory, round: usize) -> Option<&Run> {
    let mut runs = history.runs.iter().filter(|run| run.round == round);
    runs.find(|run| run.exit.as_ref().is_some_and(|exit| exit.code == 0))
}

/// By when the gate had been passed.
fn gate_before(pod: &PodTimeline, pair: &Pair, before: &ContainerHistory, round: usize) -> Vec<Bound> {
    match pair.gate {
        Gate::Completed => completed_run(before, round)
            .map(Run::exit_before)
            .unwrap_or_default(),
        Gate::Running => {
            let mut runs = before.runs.iter().filter(|run| run.round == round);
            runs.find(|run| run.ran())
                .map(Run::begin_before)
                .unwrap_or_default()
        }
        Gate::Startup if round == 0 && declared_in_chain(pod, pair) => initialized(pod),
        Gate::Startup | Gate::Ready => Vec::new(),
    }
}

/// Whether `Initialized` speaks of `before`, and says something about a regular `after`.
fn declared_in_chain(pod: &PodTimeline, pair: &Pair) -> bool {
    let native = is_native(pod, &pair.before);
    let regular = pod
        .declared
        .container(&pair.after)
        .is_some_and(|one| one.role == Role::App);
    native && regular
}

fn is_native(pod: &PodTimeline, name: &str) -> bool {
    pod.has_native && pod.declared.container(name).is_some_and(|one| one.native)
}

/// The kubelet set `Initialized` when all init containers had completed and all sidecars had started.
fn initialized(pod: &PodTimeline) -> Vec<Bound> {
    pod.initialized
        .map(|second| Bound {
            at: second.plus(SECOND),
            source: Source::Condition,
            value: format!("Initialized since {}", second.rfc3339(0)),
            words: format!("Initialized since {}", second.clock(0)),
        })
        .into_iter()
        .collect()
}

/// From when on the gate can have been passed: no gate is passed before the process runs.
fn gate_after(pair: &Pair, before: &ContainerHistory, round: usize, begin: &[Bound]) -> Vec<Bound> {
    if pair.gate == Gate::Completed
        && before.first_run_of(round).is_some()
        && let Some(run) = completed_run(before, round)
    {
        return run.exit_after();
    }
    begin.to_vec()
}

/// Verdicts where nothing decides.
fn undecided(
    pod: &PodTimeline,
    index: usize,
    pair: &Pair,
    before: &ContainerHistory,
    after: &ContainerHistory,
    context: &Context<'_>,
) -> Verdict {
    let hook_held = pod
        .rounds
        .first()
        .and_then(|witnesses| witnesses.get(index))
        .is_some_and(|witness| witness.hook_held);
    if hook_held {
        let reason = format!(
            "{} was not marked ready when {} ran, but its postStart hook was run before and may have waited for it",
            pair.before, pair.after
        );
        return plain(pod, pair, Outcome::Consistent, reason);
    }
    let (one, two) = (before.first_run(), after.first_run());
    let (Some(one), Some(two)) = (one.filter(|run| run.ran()), two) else {
        let missing = if one.is_some() { &pair.after } else { &pair.before };
        let reason = format!(
            "nothing is known of the first start of {missing}{}",
            gap_words(pod)
        );
        let mut verdict = plain(pod, pair, Outcome::Unknown, reason);
        verdict.suggestion = Some("start the trace before the pod".to_owned());
        return verdict;
    };
    let passed = match pair.gate {
        Gate::Completed => completed_run(before, 0).is_some(),
        Gate::Running => true,
        Gate::Startup => {
            let initialized = pod.initialized.is_some() && is_native(pod, &pair.before);
            initialized || before.runs.iter().any(|run| run.gate_seen.is_some())
        }
        Gate::Ready => before.runs.iter().any(|run| run.ready_seen.is_some()),
    };
    if !passed {
        let reason = format!(
            "{} was not seen to have {}{}",
            pair.before,
            pair.gate.words(),
            gap_words(pod)
        );
        return plain(pod, pair, Outcome::Unknown, reason);
    }
    let mut verdict = plain(
        pod,
        pair,
        Outcome::Consistent,
        format!(
            "no evidence separates the moment {} {} from the start of {}",
            pair.before,
            pair.gate.words(),
            pair.after
        ),
    );
    verdict.evidence = begin_items(&pair.before, one);
    verdict.evidence.extend(begin_items(&pair.after, two));
    let more = !context.metrics || !context.logs;
    verdict.suggestion = (more && pair.gate == Gate::Running)
        .then(|| "--metrics or --logs give times within the second".to_owned());
    verdict
}
