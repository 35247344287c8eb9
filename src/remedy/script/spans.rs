//! Ranges of a script, in order and apart from each other.

use crate::shell::Span;

/// Ranges that are looked up often.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans(Vec<Span>);

impl Spans {
    pub(super) fn new(mut spans: Vec<Span>) -> Self {
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            if apart.last().is_none_or(|last| span.end > last.end) {
                apart.push(span);
            }
        }
        Self(apart)
    }

    /// Whether one of them holds all of a range.
    pub(super) fn cover(&self, span: &Span) -> bool {
        let behind = self.0.partition_point(|own| own.start <= span.start);
        behind
            .checked_sub(1)
            .and_then(|at| self.0.get(at))
            .is_some_and(|own| span.end <= own.end)
    }

    /// Whether one of them is a part of a range.
    pub(super) fn touch(&self, span: &Span) -> bool {
        let first = self.0.partition_point(|own| own.start < span.start);
        self.0.get(first).is_some_and(|own| own.end <= span.end)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Span> {
        self.0.iter()
    }
}
