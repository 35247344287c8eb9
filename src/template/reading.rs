//! A template as it may be rendered, read without rendering it.

use std::ops::Range;

use super::{
    action::{Action, actions},
    branches::{Readings, bodies, stand_in_one_branch},
    mask::{Masked, Unknown, mask},
};
use crate::rules::Finding;

/// A template's text in one of the ways it may be rendered: conditions are decided alike everywhere in it, and what
/// actions bring is masked. It is as long as the template.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The text.
    pub text: String,
    /// What only rendering brings.
    pub unknown: Vec<Unknown>,
    actions: Vec<Action>,
    moves: Vec<(Range<usize>, usize)>,
}

/// Texts from this size on are read in one way only.
const LONG: usize = 1 << 20;

/// The readings of a template: one for each choice among branches that exclude each other, a few at most.
#[must_use]
pub(crate) fn readings(text: &str) -> Vec<Reading> {
    let actions = actions(text);
    let readings = Readings::of(text, &actions);
    // No template is so long that it has to be read several times.
    let count = if text.len() > LONG { 1 } else { readings.count };
    (0..count)
        .map(|reading| {
            let Masked { text, moves, unknown } = mask(text, &actions, &readings.left_out(reading));
            Reading {
                text,
                unknown,
                actions: actions.clone(),
                moves,
            }
        })
        .collect()
}

impl Reading {
    /// Where a span of this text stands in the template.
    #[must_use]
    pub(crate) fn in_template(&self, span: &Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let next = self.moves.partition_point(|(here, _)| here.start <= at);
            let last = next.checked_sub(1).and_then(|last| self.moves.get(last));
            last.filter(|(here, _)| here.contains(&at))
                .map_or(at, |(here, before)| at - here.start + before)
        };
        let start = place(span.start);
        if span.is_empty() {
            return start..start;
        }
        start..(place(span.end - 1) + 1).max(start)
    }

    /// The innermost branch of a condition around a place, of which `is_left` says that something is still to be read.
    pub(crate) fn branch_around(
        &self,
        at: usize,
        is_left: impl Fn(&Range<usize>) -> bool,
    ) -> Option<Range<usize>> {
        bodies(&self.actions)
            .into_iter()
            .find(|body| body.contains(&at) && is_left(body))
    }

    /// Whether two places of a finding stand in different branches of a condition.
    #[must_use]
    pub(crate) fn is_split(&self, finding: &Finding) -> bool {
        let mut places: Vec<usize> = finding
            .locations
            .iter()
            .map(|location| self.in_template(&location.span).start)
            .collect();
        places.sort_unstable();
        let in_one = |first: &usize, second: &usize| stand_in_one_branch(&self.actions, *first, *second);
        !places.is_sorted_by(in_one)
    }

    /// Whether two places of a finding are keys that different actions give: nobody knows whether they are one.
    #[must_use]
    pub(crate) fn has_unknown_keys(&self, finding: &Finding, template: &str) -> bool {
        let starts = finding
            .locations
            .iter()
            .map(|location| self.in_template(&location.span).start);
        let keys: Vec<&str> = starts.map(|start| self.key_at(template, start)).collect();
        let mut actions = keys.iter().filter(|key| key.contains("{{"));
        actions.any(|key| keys.iter().any(|other| other != key))
    }

    /// The key that begins there, up to the colon behind it that stands in no action.
    fn key_at<'t>(&self, template: &'t str, start: usize) -> &'t str {
        let rest = template.get(start..).unwrap_or_default();
        let is_in_action = |at: usize| self.actions.iter().any(|action| action.span.contains(&at));
        rest.match_indices(':')
            .find(|(at, _)| !is_in_action(start + at))
            .and_then(|(at, _)| rest.get(..at))
            .unwrap_or(rest)
            .trim()
    }

    /// Whether something may be brought there that says more about a pod than its own lines do: a container, a
    /// command, a variable.
    #[must_use]
    pub(crate) fn may_bring(&self, pod: &Range<usize>) -> bool {
        self.unknown.iter().any(|unknown| {
            pod.contains(&unknown.span.start)
                && !unknown.key.as_deref().is_some_and(|key| HARMLESS.contains(&key))
        })
    }
}

/// Keys of a pod under which nothing ends, starts or gates a container.
const HARMLESS: [&str; 24] = [
    "affinity",
    "annotations",
    "dnsConfig",
    "hostAliases",
    "imagePullSecrets",
    "items",
    "labels",
    "livenessProbe",
    "matchLabels",
    "metadata",
    "nodeSelector",
    "ports",
    "readinessProbe",
    "resources",
    "secret",
    "securityContext",
    "podSecurityContext",
    "strategy",
    "tolerations",
    "topologySpreadConstraints",
    "updateStrategy",
    "volumes",
    "volumeMounts",
    "volumeClaimTemplates",
];
