//! Pieces of evidence for and against an order, and what they add up to.

use super::{
    super::{
        Clock,
        run::{Bound, Run, Source},
        witness::Witness,
    },
    EvidenceItem, Outcome, received_text,
};

/// Something that decides an order by itself.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) source: Source,
    pub(super) items: Vec<EvidenceItem>,
}

/// Everything that decides an order, either way.
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces {
    pub(super) proofs: Vec<Piece>,
    pub(super) breaches: Vec<Piece>,
}

impl Pieces {
    /// The two upper ends of the lattice, or none where nothing decides.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match (self.proofs.is_empty(), self.breaches.is_empty()) {
            (false, true) => Some(Outcome::Proved),
            (true, false) => Some(Outcome::Violated),
            (false, false) => Some(Outcome::Conflict),
            (true, true) => None,
        }
    }

    /// The strongest piece of each side, in words and as evidence.
    pub(super) fn summary(&self) -> (String, Vec<EvidenceItem>) {
        let strongest = |pieces: &[Piece]| pieces.iter().min_by_key(|piece| piece.source).cloned();
        let mut texts = Vec::new();
        let mut items = Vec::new();
        for piece in [strongest(&self.proofs), strongest(&self.breaches)]
            .into_iter()
            .flatten()
        {
            texts.push(piece.text);
            items.extend(piece.items);
        }
        (texts.join("; but "), items)
    }

    /// Compares what bounds `first` from above with what bounds `second` from below.
    pub(super) fn separate(
        first: (&str, &[Bound]),
        second: (&str, &[Bound]),
        earlier_words: &str,
        later_words: &str,
    ) -> Option<Piece> {
        let mut best: Option<Piece> = None;
        for high in first.1 {
            for low in second.1 {
                let source = high.source.max(low.source);
                let better = best.as_ref().is_none_or(|piece| source < piece.source);
                if high.at <= low.at && better {
                    best = Some(Piece {
                        text: format!(
                            "{} {earlier_words} ({}) before {} {later_words} ({})",
                            first.0, high.words, second.0, low.words
                        ),
                        source,
                        items: vec![bound_item(first.0, high), bound_item(second.0, low)],
                    });
                }
            }
        }
        best
    }
}

/// A bound as evidence.
pub(super) fn bound_item(container: &str, bound: &Bound) -> EvidenceItem {
    EvidenceItem {
        source: bound.source,
        container: Some(container.to_owned()),
        value: bound.value.clone(),
        clock: Some(Clock::Node),
        resource_version: None,
        received: None,
    }
}

/// A state of the pod as a piece.
pub(super) fn witness_piece(witness: &Witness) -> Piece {
    Piece {
        text: format!("one state showed {}", witness.text),
        source: Source::Snapshot,
        items: vec![EvidenceItem {
            source: Source::Snapshot,
            container: None,
            value: witness.text.clone(),
            clock: None,
            resource_version: Some(witness.resource_version.clone()),
            received: received_text(witness.received),
        }],
    }
}

/// What is known of when a run began, as evidence for an undecided verdict.
pub(super) fn begin_items(container: &str, run: &Run) -> Vec<EvidenceItem> {
    run.begin_after()
        .iter()
        .map(|bound| bound_item(container, bound))
        .collect()
}

/// What is known of when a run ended, as evidence for an undecided verdict.
pub(super) fn exit_items(container: &str, run: &Run) -> Vec<EvidenceItem> {
    run.exit_before()
        .iter()
        .map(|bound| bound_item(container, bound))
        .collect()
}
