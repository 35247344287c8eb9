//! Whether a trace is over, and what is there when it ends.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use super::Live;
use crate::{
    cli::trace::{TraceError, arguments::GoalName},
    cluster::{Arrival, RequestError, controller_path, get_json, pods_now, states_now},
    trace::{
        Evidence, Moment, SECOND,
        evidence::{Change, PodSeen, Unseen, Vanished},
        object::{Pod, WatchEvent},
    },
};

/// How often targets are asked whether they are done.
const OWNER_PAUSE: Duration = Duration::from_secs(1);
/// The last look at what is there takes no longer.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// So many controllers of pods that have ended are asked, at the most, whether they make others.
const MAKERS_ASKED: usize = 32;

/// An object that may make more pods.
struct Maker {
    path: String,
    /// Its kind's plural.
    resource: String,
    /// It was named by the user.
    is_named: bool,
}

/// The pod in a line of a watch.
fn read_line(line: &[u8]) -> Option<Pod> {
    let event = serde_json::from_slice::<WatchEvent<Pod>>(line).ok()?;
    Some(event.object)
}

impl Live<'_> {
    /// What is there when the looking ends. Where nobody answers, what happened since is not known.
    pub(super) async fn last_look(&mut self) -> Result<(), TraceError> {
        let now = Moment::now();
        if now.since(self.heard) < SECOND && self.lost.is_empty() {
            self.session.engine.looked_until(now);
            return Ok(());
        }
        let asked = tokio::time::timeout(LAST_LOOK, self.look()).await;
        let reason = match asked {
            Ok(Ok((there, changed))) => return self.compare(&there, changed, now).await,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} seconds", LAST_LOOK.as_secs()),
        };
        let unseen = Evidence::Unseen(Unseen {
            noticed: now,
            reason: format!(
                "the API server cannot be reached; what happened after {} was not seen: {reason}",
                self.heard.clock(0)
            ),
        });
        if let Some(recorder) = &mut self.recorder {
            recorder.evidence(&unseen)?;
        }
        self.session.take(unseen, None)
    }

    /// The uids of the pods there are, and the states that are newer than those that are known.
    async fn look(&self) -> Result<(HashSet<String>, Vec<Vec<u8>>), RequestError> {
        let (client, selection) = (&self.client, &self.scope.selection);
        let mut pods = pods_now(client, selection).await?;
        let mut there: HashSet<String> = pods.iter().map(|pod| pod.uid.clone()).collect();
        pods.retain(|pod| {
            let known = self.session.engine.pod(&pod.uid);
            known.is_some_and(|known| known.resource_version != pod.resource_version)
        });
        let changed = states_now(client, selection, &pods).await?;
        if changed.len() < pods.len() {
            let uid = |line: &Vec<u8>| Some(read_line(line)?.metadata.uid);
            let found: HashSet<String> = changed.iter().filter_map(uid).collect();
            for pod in pods.iter().filter(|pod| !found.contains(&pod.uid)) {
                there.remove(&pod.uid);
            }
        }
        Ok((there, changed))
    }

    /// Takes over what the watch had not told when the looking ended.
    async fn compare(
        &mut self,
        there: &HashSet<String>,
        changed: Vec<Vec<u8>>,
        now: Moment,
    ) -> Result<(), TraceError> {
        for raw in changed {
            let Some(pod) = read_line(&raw) else {
                continue;
            };
            let evidence = Evidence::Pod(Box::new(PodSeen {
                received: now,
                change: Change::Listed,
                pod,
            }));
            self.arrived(Arrival::Evidence {
                kind: "pods",
                received: now,
                raw: Some(raw),
                evidence,
            })
            .await?;
        }
        let gone: Vec<String> = self
            .session
            .engine
            .pods()
            .filter(|pod| !pod.gone && !pod.vanished && !there.contains(&pod.name.uid))
            .map(|pod| pod.name.uid.clone())
            .collect();
        for uid in gone {
            let vanished = Evidence::Vanished(Vanished { noticed: now, uid });
            if let Some(recorder) = &mut self.recorder {
                recorder.evidence(&vanished)?;
            }
            self.session.take(vanished, None)?;
        }
        self.session.engine.looked_until(now);
        Ok(())
    }

    /// Remembers who made a pod that has ended: it may make another one.
    pub(super) fn note_maker(&mut self, evidence: &Evidence) {
        let Evidence::Pod(seen) = evidence else {
            return;
        };
        let has_ended = matches!(seen.pod.status.phase.as_str(), "Succeeded" | "Failed");
        let by_selection = self.scope.targets.is_empty() && self.scope.names.is_empty();
        if has_ended
            && by_selection
            && self.session.has_goal()
            && self.makers.len() < MAKERS_ASKED
            && let Some((resource, path)) = controller_path(&seen.pod)
        {
            self.makers.insert(path, resource);
        }
    }

    /// Whether nobody makes more pods: a Job whose pod failed may make another one, and says itself when it is done; a
    /// Deployment's old pods are not those it wants.
    pub(super) async fn owners_agree(&mut self) -> bool {
        let named = self.scope.targets.iter();
        let makers: Vec<Maker> = named
            .map(|target| (target.path.clone(), target.resource.clone(), true))
            .chain(
                self.makers
                    .iter()
                    .map(|(path, resource)| (path.clone(), resource.clone(), false)),
            )
            .map(|(path, resource, is_named)| Maker {
                path,
                resource,
                is_named,
            })
            .collect();
        if makers.is_empty() {
            return true;
        }
        if self
            .owners_asked
            .is_some_and(|asked| asked.elapsed() < OWNER_PAUSE)
        {
            return false;
        }
        self.owners_asked = Some(Instant::now());
        let (mut wanted, mut is_replaced, mut agree, mut is_gone) = (0, false, true, false);
        for maker in makers {
            let asked: Result<serde_json::Value, _> = get_json(&self.client, &maker.path).await;
            let object = match asked {
                Ok(object) => object,
                Err(error) if error.code() == Some(404) => {
                    is_gone |= maker.is_named && self.arguments.goal != Some(GoalName::Deleted);
                    continue;
                }
                Err(error) if maker.is_named => {
                    self.session.note(error.to_string());
                    agree = false;
                    continue;
                }
                Err(error) => {
                    self.complain(format!("{error}; pods that it will make are not waited for"));
                    continue;
                }
            };
            if maker.resource == "jobs" {
                let is_done = serde_json::from_value::<Pod>(object)
                    .is_ok_and(|job| job.status.holds("Complete") || job.status.holds("Failed"));
                is_replaced |= !is_done;
                agree &= is_done || self.arguments.goal != Some(GoalName::Complete);
            } else if self.arguments.goal != Some(GoalName::Deleted) {
                let replicas = object
                    .pointer("/spec/replicas")
                    .and_then(serde_json::Value::as_u64);
                if maker.is_named {
                    wanted += usize::try_from(replicas.unwrap_or(0)).unwrap_or(0);
                    is_replaced |= replicas.is_some();
                } else {
                    is_replaced |= replicas != Some(0);
                }
            }
        }
        self.session.want(wanted, is_replaced);
        match (is_gone, self.gone_since) {
            (true, None) => self.gone_since = Some(Instant::now()),
            (false, Some(_)) => self.gone_since = None,
            _ => {}
        }
        agree && !is_gone && self.session.goal_reached()
    }
}
