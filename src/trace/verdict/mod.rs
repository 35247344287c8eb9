//! Verdicts: what the evidence says about each rule, and with what certainty (`docs/semantics.md`, "Verdicts").

mod completes;
mod order;
mod platform;
mod start;
mod stop;
mod void;

use std::sync::Arc;

pub use completes::RULE as COMPLETES;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Clock, Moment, PodName,
    declared::{Pair, Rule},
    pod::PodTimeline,
    run::Source,
};

/// What is known about a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// However the unknown parts of the times fell, the rule held.
    Proved,
    /// It may have held; nothing speaks against it.
    Consistent,
    /// One of the two ends has no evidence.
    Unknown,
    /// However the unknown parts of the times fell, the rule did not hold.
    Violated,
    /// The evidence contradicts itself.
    Conflict,
    /// The rule promised nothing here.
    NotApplicable,
}

impl Outcome {
    /// The name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Consistent => "consistent",
            Self::Unknown => "unknown",
            Self::Violated => "violated",
            Self::Conflict => "conflict",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// One piece of evidence, as it stood where it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceItem {
    /// What kind it is.
    pub source: Source,
    /// The container it is about; absent where it is about two, or the pod.
    pub container: Option<String>,
    /// The raw value.
    pub value: String,
    /// Whose clock it is on; absent where no clock is needed.
    pub clock: Option<Clock>,
    /// The state it was read from.
    pub resource_version: Option<String>,
    /// When that state arrived, by this program's clock.
    pub received: Option<String>,
}

/// The judgement of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The pod.
    pub pod: Arc<PodName>,
    /// `start-order`, `stop-order`, `list-order`, `completes`, `promotion`, `phase`, `restart-isolation` or
    /// `leftover-quit`.
    pub rule: &'static str,
    /// Who comes first.
    pub before: Option<String>,
    /// Who comes second.
    pub after: Option<String>,
    /// The judgement.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub reason: String,
    /// Where the rule is written down.
    pub basis: &'static str,
    /// What it rests on.
    pub evidence: Vec<EvidenceItem>,
    /// What would decide it.
    pub suggestion: Option<String>,
}

impl Verdict {
    /// Whether it decides the exit code: the declared order, and Jobs that do not complete.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.is_order() || (self.rule == completes::RULE && self.outcome == Outcome::Violated)
    }

    /// Whether it is about the declared order.
    #[must_use]
    pub fn is_order(&self) -> bool {
        [Rule::StartOrder, Rule::ListOrder, Rule::StopOrder]
            .iter()
            .any(|rule| rule.name() == self.rule)
    }
}

/// A time in which a node's kubelet was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// From then on, at the earliest.
    pub from: Moment,
    /// Until then; `None` while it is away.
    pub until: Option<Moment>,
}

/// What the engine knows beside the pod, and how it judges.
#[derive(Debug, Clone, Copy)]
pub struct Context<'c> {
    /// The minor version of the pod's kubelet.
    pub kubelet_minor: Option<u32>,
    /// When the pod's kubelet was away.
    pub absences: &'c [Absence],
    /// Until when everything was seen, by this program's clock.
    pub looked_until: Moment,
    /// Nobody waits any longer for what has not ended.
    pub is_last_word: bool,
    /// This program's clock minus the node's, as far as is known; nanoseconds.
    pub clock_offset: i64,
    /// How far two attach streams must end apart to tell the order of exits; nanoseconds.
    pub attach_margin: i64,
    /// Attach streams are opened.
    pub attach: bool,
    /// Log lines are read.
    pub logs: bool,
    /// Creation times are read.
    pub metrics: bool,
}

/// KEP-753 as shipped.
const NATIVE: &str =
    "KEP-753 (native sidecars) and kubernetes.io/docs/concepts/workloads/pods/sidecar-containers";
/// KEP-753 as first designed.
const LIFECYCLE: &str = "KEP-753, first design (2019-10-30): lifecycle.type Sidecar";
/// What an admission policy would have made native sidecars.
const ANNOTATION: &str = "the pod's annotation kubectl-sidecar/sidecars, which no admission policy acted on";
/// What becomes of it where one acts on it.
const PROMOTION: &str =
    "the pod's annotation kubectl-sidecar/sidecars, for the admission policy of policy promote";
/// What declaring a sidecar would have kept.
const UNDECLARED: &str = "what a declared sidecar keeps (KEP-753): it starts before the app and stops after it; this one is declared nowhere";
/// Regular containers.
const LIST: &str = "the kubelet starts regular containers one call after another in list order";

fn basis(pod: &PodTimeline, pair: &Pair) -> &'static str {
    let is_annotated = |name: &String| pod.promotion.missed.contains(name);
    match (pair.rule, pair.enforced) {
        (Rule::ListOrder, _) => LIST,
        (_, true) => NATIVE,
        (_, false) if is_annotated(&pair.before) || is_annotated(&pair.after) => ANNOTATION,
        (_, false) if undeclared(pod, pair).is_some() => UNDECLARED,
        (_, false) => LIFECYCLE,
    }
}

/// The sidecar of a pair that is declared nowhere.
fn undeclared<'p>(pod: &PodTimeline, pair: &'p Pair) -> Option<&'p str> {
    let names = [pair.before.as_str(), pair.after.as_str()];
    names
        .into_iter()
        .find(|name| pod.container(name).is_some_and(|container| container.undeclared))
}

/// Judges a pod by everything seen so far.
#[must_use]
pub fn judge(pod: &PodTimeline, context: &Context<'_>) -> Vec<Verdict> {
    let pairs = pod.declared.pairs.iter().enumerate();
    let mut verdicts: Vec<Verdict> = pairs
        .map(|(index, pair)| judge_pair(pod, index, pair, context))
        .collect();
    verdicts.extend(completes::judge(pod, context));
    verdicts.extend(platform::judge(pod));
    verdicts
}

/// What a pod violates by everything seen so far, of that which decides. Cheap enough for every change of a pod.
#[must_use]
pub fn violations(pod: &PodTimeline, context: &Context<'_>) -> Vec<Verdict> {
    // Nothing has stopped for good while nobody has asked it to.
    let stops = pod.ended() || pod.asked_to_go;
    let pairs = pod.declared.pairs.iter().enumerate();
    pairs
        .filter(|(_, pair)| stops || pair.rule != Rule::StopOrder)
        .map(|(index, pair)| judge_pair(pod, index, pair, context))
        .chain(completes::judge(pod, context))
        .filter(|verdict| verdict.outcome == Outcome::Violated)
        .collect()
}

fn judge_pair(pod: &PodTimeline, index: usize, pair: &Pair, context: &Context<'_>) -> Verdict {
    let mut verdict = match pair.rule {
        Rule::StartOrder | Rule::ListOrder => start::judge(pod, index, pair, context),
        Rule::StopOrder => stop::judge(pod, index, pair, context),
    };
    if let Some(sidecar) = undeclared(pod, pair).filter(|_| verdict.outcome != Outcome::NotApplicable) {
        verdict
            .reason
            .push_str(&format!("; {sidecar} is not declared a sidecar"));
    }
    verdict
}

/// A verdict on a pair with nothing but a reason.
fn plain(pod: &PodTimeline, pair: &Pair, outcome: Outcome, reason: String) -> Verdict {
    Verdict {
        pod: pod.name.clone(),
        rule: pair.rule.name(),
        before: Some(pair.before.clone()),
        after: Some(pair.after.clone()),
        outcome,
        reason,
        basis: basis(pod, pair),
        evidence: Vec::new(),
        suggestion: None,
    }
}

/// Which container of an expected order the pod has not.
fn missing_container(pod: &PodTimeline, pair: &Pair) -> String {
    let name = if pod.container(&pair.before).is_none() {
        &pair.before
    } else {
        &pair.after
    };
    format!("the pod has no container {name}, which --expect names")
}

/// What was missed, for the reason of a verdict that lacks evidence.
fn gap_words(pod: &PodTimeline) -> String {
    match pod.gaps.last() {
        Some(gap) => format!(" (the watch has a gap: {gap})"),
        None => String::new(),
    }
}

/// The time of a state's arrival as evidence carries it.
fn received_text(received: Moment) -> Option<String> {
    Some(received.rfc3339(9))
}
