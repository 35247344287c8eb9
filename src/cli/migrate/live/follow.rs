//! Follows a rollout until it is done or will not go on.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    change::uid,
    proposal::{Engine, Proposal},
};
use crate::{
    cli::migrate::tell,
    cluster::apply::{Outlook, ProbeFailure, Rollout, last_probe_failure, pods_of, rollout, trouble},
    trace::object::Pod,
};

/// How often the object and its pods are read.
const INTERVAL: Duration = Duration::from_secs(1);
/// What rarely passes by itself, an image that cannot be pulled, gets this long.
const DOUBT: Duration = Duration::from_secs(30);
/// As long as nothing changes a rollout is waited for: what the API gives a Deployment's progress by default, which
/// says itself when it is over. The other kinds have no such limit.
const NO_PROGRESS: Duration = Duration::from_secs(600);

/// So many pods are asked for the reason.
const LOOKED_AT: usize = 5;

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Followed {
    /// Done, or nothing is left that would be done by itself.
    Over(String),
    /// It will not go on by itself; why.
    Stuck(String),
    /// It could not be followed; why.
    Lost(String),
}

/// Follows the pods of an object that was changed; `before` are the uids of those it had.
pub(super) async fn follow(engine: &Engine<'_>, proposal: &Proposal, before: &[String]) -> Followed {
    let mut watched = Watched {
        before,
        seen: HashMap::new(),
        told: String::new(),
        since: Instant::now(),
        told_failure: String::new(),
        next_question: Instant::now(),
    };
    loop {
        let object: Value = match engine.server.get(&proposal.target.path).await {
            Ok(object) => object,
            Err(error) => return Followed::Lost(error.to_string()),
        };
        let state = match rollout(&object) {
            Rollout::Done(text) | Rollout::Manual(text) => return Followed::Over(text),
            Rollout::Stuck(reason) => Err(reason),
            Rollout::Going(text) => Ok(text),
        };
        let namespace = proposal.target.namespace.as_deref().unwrap_or_default();
        // What its pods say is a help, not a condition: they may be forbidden to see.
        let pods = pods_of(engine.server, &object, namespace)
            .await
            .unwrap_or_default();
        match watched.look(state, &pods) {
            Some(reason) => {
                let failure = probe_failure(engine, namespace, watched.made_anew(&pods)).await;
                return Followed::Stuck(match failure {
                    Some(failure) => format!("{reason}; its last failed probe: {failure}"),
                    None => reason,
                });
            }
            None => {
                if watched.is_slow() {
                    let failure = probe_failure(engine, namespace, watched.made_anew(&pods)).await;
                    failure
                        .into_iter()
                        .for_each(|failure| watched.tell_failure(failure));
                }
                tokio::time::sleep(INTERVAL).await;
            }
        }
    }
}

/// The last failure of a probe among pods, in the kubelet's words. Events are a help, not a condition.
async fn probe_failure<'p>(
    engine: &Engine<'_>,
    namespace: &str,
    pods: impl Iterator<Item = &'p Pod>,
) -> Option<String> {
    let mut last: Option<ProbeFailure> = None;
    for pod in pods.take(LOOKED_AT) {
        let found = last_probe_failure(engine.server, namespace, uid(pod)).await;
        last = found.ok().flatten().into_iter().chain(last).max();
    }
    last.map(|failure| failure.message)
}

struct Watched<'a> {
    before: &'a [String],
    /// Since when a pod has been in doubtful trouble, by its uid.
    seen: HashMap<String, Instant>,
    told: String,
    since: Instant,
    told_failure: String,
    /// When the events of its pods are asked for the next time.
    next_question: Instant,
}

impl Watched<'_> {
    /// The pods that were made of the new template.
    fn made_anew<'p>(&self, pods: &'p [Pod]) -> impl Iterator<Item = &'p Pod> {
        let before = self.before;
        pods.iter()
            .filter(move |pod| !before.iter().any(|known| known == uid(pod)))
    }

    /// Whether nothing has changed for so long that a person wants to know why. True once in a while only.
    fn is_slow(&mut self) -> bool {
        let is_due = self.since.elapsed() >= DOUBT && Instant::now() >= self.next_question;
        if is_due {
            self.next_question = Instant::now() + DOUBT;
        }
        is_due
    }

    /// Tells what a probe that fails says, once.
    fn tell_failure(&mut self, failure: String) {
        if self.told_failure != failure {
            tell(&format!(
                "  rollout: nothing has changed for {} s; its last failed probe: {failure}",
                self.since.elapsed().as_secs()
            ));
            self.told_failure = failure;
        }
    }

    /// Tells what is new, and why the rollout is stuck if it is.
    fn look(&mut self, state: Result<String, String>, pods: &[Pod]) -> Option<String> {
        let (trouble, outlook) = self.trouble(pods);
        let because = trouble.map(|trouble| format!("; {trouble}")).unwrap_or_default();
        let text = match state {
            Ok(text) => format!("{text}{because}"),
            Err(reason) => return Some(format!("{reason}{because}")),
        };
        if self.told != text {
            tell(&format!("  rollout: {text}"));
            self.told.clone_from(&text);
            self.since = Instant::now();
        }
        let no_progress = self.since.elapsed() >= NO_PROGRESS;
        (outlook == Some(Outlook::Lasts) || no_progress).then_some(text)
    }

    /// The worst that keeps a new pod from becoming ready.
    fn trouble(&mut self, pods: &[Pod]) -> (Option<String>, Option<Outlook>) {
        let mut worst: (Option<String>, Option<Outlook>) = (None, None);
        for pod in pods {
            let uid = uid(pod);
            if self.before.iter().any(|known| known == uid) || pod.metadata.deletion_timestamp.is_some() {
                continue;
            }
            let Some(found) = trouble(pod) else {
                self.seen.remove(uid);
                continue;
            };
            let since = *self.seen.entry(uid.to_owned()).or_insert_with(Instant::now);
            let outlook = match found.outlook {
                Outlook::Doubtful if since.elapsed() >= DOUBT => Outlook::Lasts,
                other => other,
            };
            if worst.1.is_none() || outlook == Outlook::Lasts {
                let name = &pod.metadata.name;
                worst = (Some(format!("pod {name}: {}", found.what)), Some(outlook));
            }
        }
        worst
    }
}
