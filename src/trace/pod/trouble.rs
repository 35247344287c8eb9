//! What keeps a pod from going on: failed probes, images, volumes, nodes.

use super::PodTimeline;
use crate::{
    roles::Role,
    trace::{
        Clock, Moment,
        container::{ContainerHistory, State},
        declared::Gate,
        evidence::{EventSeen, PodSeen},
        fact::{Precision, Trouble},
        object::Event,
        run::Source,
    },
};

/// Reasons of events that tell of trouble (kubernetes, `pkg/kubelet/events`, the scheduler's and the node controller's).
const REASONS: [&str; 25] = [
    "BackOff",
    "DeadlineExceeded",
    "ErrImageNeverPull",
    "Evicted",
    "ExceededGracePeriod",
    "Failed",
    "FailedAttachVolume",
    "FailedBinding",
    "FailedCreatePodSandBox",
    "FailedKillPod",
    "FailedMapVolume",
    "FailedMount",
    "FailedPodSandBoxStatus",
    "FailedPostStartHook",
    "FailedPreStopHook",
    "FailedScheduling",
    "FailedSync",
    "InspectFailed",
    "InvalidImageName",
    "NetworkNotReady",
    "NodeNotReady",
    "Preempted",
    "ProbeWarning",
    "TaintManagerEviction",
    "Unhealthy",
];
/// Waiting reasons that are the ordinary way to a start.
const ORDINARY: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];
/// As much trouble is kept of a pod.
const KEPT: usize = 64;

/// The newest trouble of its kind.
#[derive(Debug, Clone)]
pub(super) struct Known {
    container: Option<String>,
    reason: String,
    /// What comes before the first colon: `Readiness probe failed`.
    kind: String,
    message: String,
}

impl PodTimeline {
    /// The trouble an event tells of, where it is new.
    pub fn event_trouble(&mut self, seen: &EventSeen) -> Option<Trouble> {
        let event = &seen.event;
        if !REASONS.contains(&event.reason.as_str()) {
            return None;
        }
        let container = super::events::container_of(&event.involved_object.field_path);
        let (time, precision) = first_time(event, seen.received);
        let clock = if event.source.component == "kubelet" {
            Clock::Node
        } else {
            Clock::ApiServer
        };
        let found = self.trouble(container, &event.reason, &event.message)?;
        Some(Trouble {
            time,
            precision,
            clock,
            source: Source::Event,
            ..found
        })
    }

    /// The trouble a state tells of, where it is new.
    pub fn state_trouble(&mut self, seen: &PodSeen) -> Vec<Trouble> {
        let status = &seen.pod.status;
        let mut signs: Vec<(Option<&str>, &str, &str, Option<&str>)> = Vec::new();
        for container in status.containers() {
            if let Some(waiting) = &container.state.waiting
                && !ORDINARY.contains(&waiting.reason.as_str())
            {
                signs.push((Some(&container.name), &waiting.reason, &waiting.message, None));
            }
        }
        for condition in &status.conditions {
            let since = condition.last_transition_time.as_deref();
            match (condition.kind.as_str(), condition.status.as_str()) {
                ("PodScheduled", "False") => {
                    signs.push((None, "FailedScheduling", &condition.message, since))
                }
                ("DisruptionTarget", "True") => {
                    signs.push((None, &condition.reason, &condition.message, since))
                }
                _ => {}
            }
        }
        if !status.reason.is_empty() {
            signs.push((None, &status.reason, &status.message, None));
        }
        let mut found = Vec::new();
        for (container, reason, message, since) in signs {
            let Some(trouble) = self.trouble(container, reason, message) else {
                continue;
            };
            let second = since.and_then(Moment::parse);
            found.push(Trouble {
                time: second.or(Some(seen.received)),
                precision: match second {
                    Some(_) => Precision::Second,
                    None => Precision::NotAfter,
                },
                clock: if second.is_some() {
                    Clock::ApiServer
                } else {
                    Clock::Tracer
                },
                source: match second {
                    Some(_) => Source::Condition,
                    None => Source::Status,
                },
                ..trouble
            });
        }
        found
    }

    /// Remembers trouble. Gives it where none of its kind was known.
    fn trouble(&mut self, container: Option<&str>, reason: &str, message: &str) -> Option<Trouble> {
        let kind = message.split(':').next().unwrap_or_default();
        let is_same = |known: &&mut Known| {
            known.container.as_deref() == container && known.reason == reason && known.kind == kind
        };
        if let Some(known) = self.troubles.iter_mut().find(is_same) {
            message.clone_into(&mut known.message);
            return None;
        }
        if self.troubles.len() >= KEPT {
            return None;
        }
        self.troubles.push(Known {
            container: container.map(str::to_owned),
            reason: reason.to_owned(),
            kind: kind.to_owned(),
            message: message.to_owned(),
        });
        let history = container.and_then(|name| self.container(name));
        Some(Trouble {
            pod: self.name.clone(),
            container: container.map(str::to_owned),
            role: history.map(|history| history.role),
            declared: history.and_then(ContainerHistory::is_declared_sidecar),
            reason: reason.to_owned(),
            message: message.trim().to_owned(),
            time: None,
            precision: Precision::NotAfter,
            clock: Clock::Tracer,
            source: Source::Status,
        })
    }

    /// The trouble of a container, or of the pod as a whole, that says most, in words: that of its startup probe where
    /// there is any, and no back-off, which only says that something else has failed.
    fn telling_trouble(&self, container: Option<&str>) -> Option<String> {
        let known = self
            .troubles
            .iter()
            .filter(|known| known.container.as_deref() == container)
            .min_by_key(|known| {
                let is_back_off = known.reason.ends_with("BackOff");
                (is_back_off, !known.kind.starts_with("Startup probe"))
            })?;
        let message = known.message.lines().next().unwrap_or_default().trim();
        Some(format!("{}: {message}", known.reason))
    }

    /// What held a container that never started, in words; `None` where nothing is known.
    #[must_use]
    pub fn held(&self, name: &str) -> Option<String> {
        let own = self.container(name)?;
        if !ORDINARY.contains(&own.waiting.as_str()) || own.start_trouble {
            let trouble = self.telling_trouble(Some(name));
            return Some(trouble.unwrap_or_else(|| format!("it waits ({})", own.waiting)));
        }
        let is_regular = matches!(own.role, Role::App)
            || self
                .declared
                .container(name)
                .is_some_and(|one| !one.native && own.role == Role::Sidecar);
        for before in &self.declared.containers {
            if before.name == name {
                break;
            }
            let is_in_chain = before.native || before.role == Role::Init;
            let has_hook = is_regular && before.post_start;
            if !(is_in_chain || has_hook) {
                continue;
            }
            let Some(history) = self.container(&before.name) else {
                continue;
            };
            if let Some(words) = self.holds(history, before.gate, before.post_start) {
                return Some(words);
            }
        }
        self.telling_trouble(None)
    }

    /// How a container holds those that come after it; `None` where it does not, as far as is known.
    fn holds(&self, history: &ContainerHistory, gate: Gate, post_start: bool) -> Option<String> {
        let name = &history.name;
        let run = history.last_run();
        let because = |words: String| match self.telling_trouble(Some(name)) {
            Some(trouble) => format!("{words} ({trouble})"),
            None => words,
        };
        if !history.ran() {
            let pod = self.telling_trouble(None);
            let own = self.telling_trouble(Some(name)).or(pod);
            return Some(match own {
                Some(trouble) => format!("{name} did not start ({trouble})"),
                None => format!("{name} did not start"),
            });
        }
        let exit = run.and_then(|run| run.exit.as_ref());
        match gate {
            Gate::Completed if exit.is_none_or(|exit| exit.code != 0) => Some(because(match exit {
                Some(exit) => format!("{name} ended with {}", exit.code),
                None => format!("{name} did not end"),
            })),
            Gate::Startup if run.is_none_or(|run| run.gate_seen.is_none()) => {
                Some(because(format!("{name} did not pass its startup probe")))
            }
            _ if post_start && history.state != State::Terminated => {
                Some(because(format!("the postStart hook of {name} did not end")))
            }
            _ => None,
        }
    }
}

/// When the first occurrence of an event was noticed.
fn first_time(event: &Event, received: Moment) -> (Option<Moment>, Precision) {
    let parse = |text: &Option<String>| text.as_deref().and_then(Moment::parse);
    if let Some(named) = super::named_time(event) {
        return (Some(named.at), Precision::NotAfter);
    }
    if let Some(at) = parse(&event.event_time) {
        return (Some(at), Precision::NotAfter);
    }
    match parse(&event.first_timestamp).or_else(|| parse(&event.last_timestamp)) {
        Some(second) => (Some(second), Precision::Second),
        None => (Some(received), Precision::NotAfter),
    }
}
