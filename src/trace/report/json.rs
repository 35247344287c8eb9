//! One JSON object per line; `schemas/trace.v1.json` describes it.

use std::sync::Arc;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use crate::{
    roles::Role,
    trace::{
        Clock, News, PodName,
        fact::{PodStep, Precision, What},
        run::Source,
        verdict::{EvidenceItem, Outcome, Verdict},
    },
};

/// The version of the contract.
const VERSION: u32 = 1;

/// One line of `-o json`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct JsonLine {
    /// The version of the contract: 1.
    pub version: u32,
    /// The pod; of a gap that concerns every traced pod, empty texts.
    pub pod: PodName,
    /// What the line says.
    #[serde(flatten)]
    pub body: Body,
}

/// What a line says.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Body {
    /// A container did something.
    Fact {
        /// The container.
        container: String,
        /// What it is in the pod.
        role: Role,
        /// Of a sidecar: whether it is declared one, by the pod, its annotation or `--sidecar`.
        declared: Option<bool>,
        /// How often it had been started again before this run.
        restarts: i64,
        /// What happened.
        what: What,
        /// RFC 3339, with as many digits as are known.
        time: Option<String>,
        /// How exactly the time is known.
        precision: Precision,
        /// Whose clock it is on.
        clock: Clock,
        /// How it is known.
        source: Source,
        /// Of an end.
        exit_code: Option<i32>,
        /// The runtime's word for an end.
        reason: Option<String>,
    },
    /// Something does not go on: a probe fails, a volume or an image is missing, a node is away.
    Trouble {
        /// The container, where it is about one.
        container: Option<String>,
        /// What that is in the pod.
        role: Option<Role>,
        /// Of a sidecar: whether it is declared one.
        declared: Option<bool>,
        /// `Unhealthy`, `FailedMount`, `FailedScheduling`, `ErrImagePull`, `NodeNotReady`, `Evicted`, …
        reason: String,
        /// For people, as the server has it.
        message: String,
        /// When it was first noticed, RFC 3339, with as many digits as are known.
        time: Option<String>,
        /// How exactly the time is known.
        precision: Precision,
        /// Whose clock it is on.
        clock: Clock,
        /// How it is known.
        source: Source,
    },
    /// A rule was judged.
    Verdict {
        /// `start-order`, `stop-order`, `list-order`, `completes`, `promotion`, `phase`, `restart-isolation` or `leftover-quit`.
        rule: String,
        /// Who comes first.
        before: Option<String>,
        /// Who comes second.
        after: Option<String>,
        /// The judgement.
        verdict: Outcome,
        /// Why, in one sentence.
        reason: String,
        /// Where the rule is written down.
        basis: String,
        /// What it rests on.
        evidence: Vec<EvidenceItem>,
        /// What would decide it.
        suggestion: Option<String>,
    },
    /// A violation, as soon as it was known. The pod's verdicts say it again at the end, or that it was void.
    Alert {
        /// As in a verdict.
        rule: String,
        /// Who comes first.
        before: Option<String>,
        /// Who comes second.
        after: Option<String>,
        /// Why, in one sentence.
        reason: String,
        /// Where the rule is written down.
        basis: String,
        /// What it rests on.
        evidence: Vec<EvidenceItem>,
    },
    /// Something may have been missed.
    Gap {
        /// What was being watched.
        resource: String,
        /// When it was noticed, RFC 3339, by this program's clock.
        time: String,
        /// Why, and what may be missing.
        reason: String,
    },
    /// The pod as a whole did something.
    Pod {
        /// What happened.
        what: PodStep,
        /// When this program learnt of it, RFC 3339.
        time: String,
        /// Details; may be empty.
        detail: String,
    },
}

/// The line of one piece of news.
#[must_use]
pub fn line_of_news(news: &News) -> JsonLine {
    let (pod, body) = match news {
        News::Fact(fact) => (
            fact.pod.clone(),
            Body::Fact {
                container: fact.container.clone(),
                role: fact.role,
                declared: fact.declared,
                restarts: fact.restarts,
                what: fact.what,
                time: fact.time_text(),
                precision: fact.precision,
                clock: fact.clock,
                source: fact.source,
                exit_code: fact.exit_code,
                reason: fact.reason.clone(),
            },
        ),
        News::Trouble(trouble) => (
            trouble.pod.clone(),
            Body::Trouble {
                container: trouble.container.clone(),
                role: trouble.role,
                declared: trouble.declared,
                reason: trouble.reason.clone(),
                message: trouble.message.clone(),
                time: trouble.time_text(),
                precision: trouble.precision,
                clock: trouble.clock,
                source: trouble.source,
            },
        ),
        News::Pod(notice) => (
            notice.pod.clone(),
            Body::Pod {
                what: notice.step,
                time: notice.received.rfc3339(9),
                detail: notice.detail.clone(),
            },
        ),
        News::Gap(gap) => (
            gap.pod.clone().unwrap_or_else(|| {
                Arc::new(PodName {
                    namespace: String::new(),
                    name: String::new(),
                    uid: String::new(),
                })
            }),
            Body::Gap {
                resource: gap.resource.clone(),
                time: gap.noticed.rfc3339(9),
                reason: gap.reason.clone(),
            },
        ),
    };
    JsonLine {
        version: VERSION,
        pod: PodName::clone(&pod),
        body,
    }
}

/// The line of one verdict.
#[must_use]
pub fn line_of_verdict(verdict: &Verdict) -> JsonLine {
    JsonLine {
        version: VERSION,
        pod: PodName::clone(&verdict.pod),
        body: Body::Verdict {
            rule: verdict.rule.to_owned(),
            before: verdict.before.clone(),
            after: verdict.after.clone(),
            verdict: verdict.outcome,
            reason: verdict.reason.clone(),
            basis: verdict.basis.to_owned(),
            evidence: verdict.evidence.clone(),
            suggestion: verdict.suggestion.clone(),
        },
    }
}

/// The line of a violation that was just seen.
#[must_use]
pub fn line_of_alert(verdict: &Verdict) -> JsonLine {
    JsonLine {
        version: VERSION,
        pod: PodName::clone(&verdict.pod),
        body: Body::Alert {
            rule: verdict.rule.to_owned(),
            before: verdict.before.clone(),
            after: verdict.after.clone(),
            reason: verdict.reason.clone(),
            basis: verdict.basis.to_owned(),
            evidence: verdict.evidence.clone(),
        },
    }
}

/// The JSON Schema of a line.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(JsonLine)
}
