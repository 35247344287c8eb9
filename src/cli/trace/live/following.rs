//! What follows single containers and nodes, beside the watches.

use super::Live;
use crate::{
    cli::trace::TraceError,
    cluster::{Followed, Follower, creation_times, follow_absence, follow_attach, follow_log, get_json},
    trace::{Evidence, evidence::NodeSeen, pod::PodTimeline},
};

/// When more runs than this were followed, those that have ended are forgotten.
const FOLLOWED_KEPT: usize = 20_000;

impl Live<'_> {
    /// Starts to follow what is new of a pod: its node, and the runs of its containers.
    pub(super) async fn follow(&mut self, uid: &str) -> Result<(), TraceError> {
        let Some(pod) = self.session.engine.pod(uid) else {
            return Ok(());
        };
        let followed = self.arguments.attach || self.arguments.logs || self.arguments.metrics;
        let node = pod.node.clone();
        let runs = if followed { running(pod) } else { Vec::new() };
        let node_is_new = !node.is_empty() && self.nodes.insert(node.clone());
        if self.followed_runs.len() > FOLLOWED_KEPT {
            let current = self.session.engine.pods().flat_map(running);
            self.followed_runs = current.map(|follower| follower.id).collect();
        }
        let mut new_run = false;
        for follower in runs {
            if !self.followed_runs.insert(follower.id.clone()) {
                continue;
            }
            new_run = true;
            let client = self.client.clone();
            let sender = self.follow_sender.clone();
            if self.arguments.attach && !self.arguments.once {
                self.followers
                    .spawn_local(follow_attach(client.clone(), follower.clone(), sender.clone()));
            }
            if self.arguments.logs {
                self.followers.spawn_local(follow_log(client, follower, sender));
            }
        }
        if node_is_new {
            self.read_version(&node);
        }
        if new_run && self.arguments.metrics && !node.is_empty() {
            self.read_metrics(&node);
        }
        Ok(())
    }

    /// Follows the node of a pod until its kubelet is back: the pod's events say only that it went away.
    pub(super) fn watch_node(&mut self, uid: &str) {
        let Some(node) = self.session.engine.pod(uid).map(|pod| pod.node.clone()) else {
            return;
        };
        if node.is_empty() || !self.absent.insert(node.clone()) {
            return;
        }
        let (client, sender) = (self.client.clone(), self.follow_sender.clone());
        self.followers.spawn_local(follow_absence(client, node, sender));
    }

    pub(super) fn read_version(&mut self, node: &str) {
        let (client, sender, node) = (self.client.clone(), self.follow_sender.clone(), node.to_owned());
        self.followers.spawn_local(async move {
            let answer: Result<serde_json::Value, _> =
                get_json(&client, &format!("/api/v1/nodes/{node}")).await;
            let version = answer.ok().and_then(|value| {
                let version = value.pointer("/status/nodeInfo/kubeletVersion")?;
                version.as_str().map(str::to_owned)
            });
            if let Some(kubelet_version) = version {
                let seen = NodeSeen {
                    name: node,
                    kubelet_version,
                };
                let _ = sender.send(Followed::Evidence(Evidence::Node(seen))).await;
            }
        });
    }

    pub(super) fn read_metrics(&mut self, node: &str) {
        let (client, sender, node) = (self.client.clone(), self.follow_sender.clone(), node.to_owned());
        self.followers.spawn_local(async move {
            match creation_times(&client, &node).await {
                Ok(times) => {
                    for time in times {
                        let _ = sender.send(Followed::Evidence(Evidence::Creation(time))).await;
                    }
                }
                Err(error) => {
                    let _ = sender
                        .send(Followed::Refused(format!("--metrics: {error}")))
                        .await;
                }
            }
        });
    }

    pub(super) fn followed(&mut self, followed: Followed) -> Result<(), TraceError> {
        match followed {
            Followed::Evidence(evidence) => {
                if let Evidence::Kubelet(seen) = &evidence
                    && !seen.away
                {
                    self.absent.remove(&seen.node);
                }
                if let Some(recorder) = &mut self.recorder {
                    recorder.evidence(&evidence)?;
                }
                self.session.take(evidence, None)
            }
            Followed::Refused(text) => {
                self.complain(text);
                Ok(())
            }
        }
    }
}

/// The runs of a pod's containers that are running.
fn running(pod: &PodTimeline) -> Vec<Follower> {
    let running = pod
        .containers
        .iter()
        .filter(|container| container.state == crate::trace::container::State::Running);
    running
        .filter_map(|container| {
            Some(Follower {
                namespace: pod.name.namespace.clone(),
                pod: pod.name.name.clone(),
                container: container.name.clone(),
                id: container.id.clone()?,
            })
        })
        .collect()
}
