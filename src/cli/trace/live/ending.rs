//! Whether a trace is over, and what is there when it ends.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use super::Live;
use crate::{
    cli::trace::{TraceError, arguments::GoalName},
    cluster::{Arrival, controller_path, get_json, pods_now},
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

impl Live<'_> {
    /// What is there when the looking ends. Where nobody answers, what happened since is not known.
    pub(super) async fn last_look(&mut self) -> Result<(), TraceError> {
        let now = Moment::now();
        if now.since(self.heard) < SECOND && self.lost.is_empty() {
            self.session.engine.looked_until(now);
            return Ok(());
        }
        let (client, selection) = (self.client.clone(), self.scope.selection.clone());
        let asked = tokio::time::timeout(LAST_LOOK, pods_now(&client, &selection)).await;
        let reason = match asked {
            Ok(Ok(lines)) => return self.compare(lines, now).await,
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

    /// Takes over what the watch had not told when the looking ended.
    pub(super) async fn compare(&mut self, lines: Vec<Vec<u8>>, now: Moment) -> Result<(), TraceError> {
        let mut there = HashSet::new();
        for raw in lines {
            let Ok(event) = serde_json::from_slice::<WatchEvent<Pod>>(&raw) else {
                continue;
            };
            let metadata = &event.object.metadata;
            there.insert(metadata.uid.clone());
            let known = self.session.engine.pod(&metadata.uid);
            if known.is_none_or(|known| known.resource_version == metadata.resource_version) {
                continue;
            }
            let evidence = Evidence::Pod(Box::new(PodSeen {
                received: now,
                change: Change::Listed,
                pod: event.object,
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
