//! The timeline of one pod: its containers' histories, its rounds and its end.

use super::{
    Moment, PodName,
    container::{ContainerHistory, Step},
    declared::{Declared, Reading, Rule},
    evidence::{Change, EventSeen, PodSeen},
    fact::{Fact, PodStep, What},
    moment::SECOND,
    object::{Event, Pod, PodSpec},
    run::NamedTime,
    witness::{PairWitness, StateName},
};
use crate::roles::Role;

/// Starts of one pod in place of which witnesses are kept.
const ROUNDS_KEPT: usize = 8;

/// The first graceful deletion that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// `deletionTimestamp`: when the grace is over, whole seconds of the API server's clock.
    pub deadline: Moment,
    /// `deletionGracePeriodSeconds`
    pub grace_seconds: i64,
}

/// All containers of a pod start anew.
struct Restart {
    /// By a container's exit rule.
    asked: bool,
    /// Init containers that had completed and run again.
    again: Vec<String>,
}

/// Everything known about one pod.
#[derive(Debug, Clone)]
pub struct PodTimeline {
    /// The pod.
    pub name: PodName,
    /// Its node; empty until it is scheduled.
    pub node: String,
    /// The order it is judged by.
    pub declared: Declared,
    /// Its own spec has native sidecars.
    pub has_native: bool,
    /// It stands for a static pod.
    pub mirror: bool,
    /// `spec.restartPolicy`
    pub restart_policy: String,
    /// Its containers, in the order of the declaration.
    pub containers: Vec<ContainerHistory>,
    /// Per start of the pod, aligned with the declared pairs.
    pub rounds: Vec<Vec<PairWitness>>,
    /// The newest phase.
    pub phase: String,
    /// `status.reason`
    pub reason: String,
    /// It is `Ready`.
    pub ready: bool,
    /// When all init containers had completed and all sidecars had started, at the latest: a second of the
    /// node's clock.
    pub initialized: Option<Moment>,
    /// Its graceful deletion.
    pub deletion: Option<Deletion>,
    /// It was deleted without grace while containers ran.
    pub forced: bool,
    /// Its object is gone.
    pub gone: bool,
    /// Its object went unseen.
    pub vanished: bool,
    /// Why states of it may have been missed.
    pub gaps: Vec<String>,
    /// The newest state.
    pub resource_version: String,
    /// When the first and the newest state arrived, by this program's clock.
    pub received: (Moment, Moment),
    after_gap: bool,
    restarting_all: bool,
    steps_told: Vec<PodStep>,
}

impl PodTimeline {
    /// A pod that came into view.
    #[must_use]
    pub fn new(pod: &Pod, reading: &Reading, received: Moment) -> Self {
        let declared = Declared::read(&pod.spec, reading);
        let containers = declared
            .containers
            .iter()
            .map(|container| ContainerHistory::new(&container.name, container.role, container.startup_probe))
            .collect();
        let pairs = declared.pairs.len();
        Self {
            name: PodName {
                namespace: pod.metadata.namespace.clone(),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            },
            node: String::new(),
            has_native: has_native(&pod.spec),
            mirror: pod.metadata.annotations.mirror.is_some(),
            restart_policy: pod.spec.restart_policy.clone(),
            declared,
            containers,
            rounds: vec![vec![PairWitness::default(); pairs]],
            phase: String::new(),
            reason: String::new(),
            ready: false,
            initialized: None,
            deletion: None,
            forced: false,
            gone: false,
            vanished: false,
            gaps: Vec::new(),
            resource_version: String::new(),
            received: (received, received),
            after_gap: false,
            restarting_all: false,
            steps_told: Vec::new(),
        }
    }

    /// The history of a container.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&ContainerHistory> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// In which start of the pod its containers are.
    #[must_use]
    pub fn round(&self) -> usize {
        self.rounds.len().saturating_sub(1)
    }

    /// Whether nothing more can happen to its containers.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.gone || self.vanished || self.is_terminal()
    }

    /// Whether its phase says that all containers have ended for good.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }

    /// States may have been missed from here on.
    pub fn gap(&mut self, reason: &str) {
        self.after_gap = true;
        self.gaps.push(reason.to_owned());
    }

    /// Takes over one state. Returns facts and the pod's own steps.
    pub fn apply(&mut self, seen: &PodSeen) -> (Vec<Fact>, Vec<(PodStep, String)>) {
        let pod = &seen.pod;
        let mut steps = Vec::new();
        self.received.1 = seen.received;
        self.tell(PodStep::Seen, String::new(), &mut steps);
        self.adopt_ephemeral(&pod.spec);
        self.adopt_metadata(seen, &mut steps);
        let restart = self.detect_restart(pod);
        let round = self.round();
        let mut facts = Vec::new();
        for status in pod.status.containers() {
            if let Some(at) = self.containers.iter().position(|one| one.name == status.name) {
                let told = self
                    .containers
                    .get_mut(at)
                    .map(|container| container.apply(status, round, seen.received))
                    .unwrap_or_default();
                self.facts(at, told, &mut facts);
            }
        }
        if let Some(restart) = restart {
            self.begin_round(&restart, &mut steps);
        }
        self.adopt_status(pod, &mut steps);
        self.look_at_pairs(seen);
        self.derive_turns(&mut facts);
        self.detect_force(seen);
        facts.sort_by_key(|fact| fact.time);
        if seen.change == Change::Deleted {
            self.gone = true;
            self.tell(PodStep::Deleted, String::new(), &mut steps);
        }
        (facts, steps)
    }

    fn adopt_ephemeral(&mut self, spec: &PodSpec) {
        for one in &spec.ephemeral_containers {
            if self.container(&one.name).is_none() {
                self.containers
                    .push(ContainerHistory::new(&one.name, Role::Ephemeral, false));
            }
        }
    }

    fn adopt_metadata(&mut self, seen: &PodSeen, steps: &mut Vec<(PodStep, String)>) {
        let metadata = &seen.pod.metadata;
        self.resource_version.clone_from(&metadata.resource_version);
        if !seen.pod.spec.node_name.is_empty() {
            self.node.clone_from(&seen.pod.spec.node_name);
        }
        let Some(deadline) = metadata.deletion_timestamp.as_deref().and_then(Moment::parse) else {
            return;
        };
        let grace_seconds = metadata.deletion_grace_period_seconds.unwrap_or(0);
        if grace_seconds > 0 {
            let earlier = self.deletion.is_none_or(|known| deadline < known.deadline);
            if earlier {
                self.deletion = Some(Deletion {
                    deadline,
                    grace_seconds,
                });
            }
        }
        self.tell(
            PodStep::DeletionRequested,
            format!("grace {grace_seconds} s"),
            steps,
        );
    }

    /// A pod starts anew in place when the kubelet is told to restart all containers (KEP-5532) or makes a
    /// new sandbox after a reboot: its phase goes back to Pending, completed init containers run again.
    fn detect_restart(&mut self, pod: &Pod) -> Option<Restart> {
        let round = self.round();
        let restarting = pod.status.holds("AllContainersRestarting");
        let in_round = |history: &ContainerHistory| history.last_run().is_some_and(|run| run.round == round);
        let mains_ran = self
            .containers
            .iter()
            .any(|container| container.role == Role::App && in_round(container));
        let asked = restarting && !self.restarting_all;
        let back = self.phase == "Running" && pod.status.phase == "Pending" && mains_ran;
        let completed = |history: &ContainerHistory| {
            let exit = history.last_run().and_then(|run| run.exit.as_ref());
            exit.is_some_and(|exit| exit.code == 0)
        };
        let again: Vec<String> = pod
            .status
            .init_container_statuses
            .iter()
            .filter(|status| {
                self.container(&status.name).is_some_and(|history| {
                    history.role == Role::Init
                        && in_round(history)
                        && history.shows_new_run(status)
                        && completed(history)
                })
            })
            .map(|status| status.name.clone())
            .collect();
        self.restarting_all = restarting;
        (asked || back || !again.is_empty()).then_some(Restart { asked, again })
    }

    /// Runs that are first seen in the state that tells of the restart count as older ones, but for init
    /// containers that run again: a state may have been missed in which they were shown.
    fn begin_round(&mut self, restart: &Restart, steps: &mut Vec<(PodStep, String)>) {
        if self.rounds.len() >= ROUNDS_KEPT {
            return;
        }
        self.rounds
            .push(vec![PairWitness::default(); self.declared.pairs.len()]);
        let round = self.round();
        for container in &mut self.containers {
            if restart.again.contains(&container.name)
                && let Some(run) = container.runs.last_mut()
            {
                run.round = round;
            }
        }
        let why = if restart.asked {
            "by request"
        } else {
            "new sandbox"
        };
        steps.push((PodStep::Restarting, why.to_owned()));
    }

    fn adopt_status(&mut self, pod: &Pod, steps: &mut Vec<(PodStep, String)>) {
        let status = &pod.status;
        self.phase.clone_from(&status.phase);
        self.reason.clone_from(&status.reason);
        self.ready = status.holds("Ready");
        if self.round() == 0 && status.holds("Initialized") && self.initialized.is_none() {
            self.initialized = status
                .condition("Initialized")
                .and_then(|condition| condition.last_transition_time.as_deref())
                .and_then(Moment::parse);
        }
        match self.phase.as_str() {
            "Succeeded" => self.tell(PodStep::Succeeded, self.reason.clone(), steps),
            "Failed" => self.tell(PodStep::Failed, self.reason.clone(), steps),
            _ => {}
        }
    }

    fn look_at_pairs(&mut self, seen: &PodSeen) {
        let state = StateName {
            resource_version: &seen.pod.metadata.resource_version,
            received: seen.received,
            after_gap: self.after_gap,
        };
        let round = self.round();
        let containers = &self.containers;
        let find = |name: &str| containers.iter().find(|container| container.name == name);
        let hooked = |name: &str| {
            self.declared
                .container(name)
                .is_some_and(|container| container.post_start)
        };
        let count = self.rounds.len();
        for (at, witnesses) in self.rounds.iter_mut().enumerate() {
            for (pair, witness) in self.declared.pairs.iter().zip(witnesses) {
                let current = at + 1 == count;
                let stop = pair.rule == Rule::StopOrder && at == 0;
                let start = pair.rule != Rule::StopOrder && current;
                if let (true, Some(before), Some(after)) =
                    (stop || start, find(&pair.before), find(&pair.after))
                {
                    witness.look(pair, before, after, round, hooked(&pair.before), state);
                }
            }
        }
        if !seen.pod.status.container_statuses.is_empty() {
            self.after_gap = false;
        }
    }

    /// A native sidecar's turn to stop comes when everything it waits for has ended (1.29 and later).
    fn derive_turns(&mut self, facts: &mut Vec<Fact>) {
        let stopping = self.deletion.is_some() || self.is_terminal();
        if !stopping || !self.has_native {
            return;
        }
        let mut waited: Vec<Option<Moment>> = self
            .containers
            .iter()
            .filter(|container| container.role == Role::App && container.ran())
            .map(|container| container.last_run().and_then(super::run::Run::finished))
            .collect();
        let natives: Vec<String> = self
            .declared
            .sidecars()
            .filter(|sidecar| sidecar.native)
            .map(|sidecar| sidecar.name.clone())
            .collect();
        for name in natives.iter().rev() {
            let Some(at) = self.containers.iter().position(|one| one.name == *name) else {
                continue;
            };
            let turn = waited.iter().copied().collect::<Option<Vec<_>>>();
            let turn = turn.and_then(|ends| ends.into_iter().max());
            let Some(container) = self.containers.get_mut(at) else {
                continue;
            };
            let exit = container.last_run().and_then(super::run::Run::finished);
            if let (Some(turn), true) = (turn, container.ran())
                && exit.is_none_or(|exit| exit >= turn)
            {
                let told = container.derived(What::Sigterm, turn);
                self.facts(at, told, facts);
            }
            waited.push(exit);
        }
    }

    /// Without grace the kubelet orders nothing, and the object goes before the containers do.
    fn detect_force(&mut self, seen: &PodSeen) {
        let metadata = &seen.pod.metadata;
        let without_grace = metadata.deletion_timestamp.is_some()
            && metadata
                .deletion_grace_period_seconds
                .is_none_or(|grace| grace == 0);
        let running = seen
            .pod
            .status
            .containers()
            .any(|status| status.state.running.is_some());
        self.forced |= running && (without_grace || seen.change == Change::Deleted);
    }

    fn tell(&mut self, step: PodStep, detail: String, steps: &mut Vec<(PodStep, String)>) {
        if !self.steps_told.contains(&step) {
            self.steps_told.push(step);
            steps.push((step, detail));
        }
    }

    fn facts(&self, at: usize, steps: Vec<Step>, facts: &mut Vec<Fact>) {
        let Some(container) = self.containers.get(at) else {
            return;
        };
        facts.extend(steps.into_iter().map(|step| Fact {
            pod: self.name.clone(),
            container: container.name.clone(),
            role: container.role,
            restarts: step.restarts,
            what: step.what,
            time: step.time,
            precision: step.precision,
            clock: step.clock,
            source: step.source,
            exit_code: step.exit_code,
            reason: step.reason,
        }));
    }

    /// Takes over one event about the pod. Only first occurrences from the kubelet date anything.
    pub fn event(&mut self, seen: &EventSeen) -> Vec<Fact> {
        let mut facts = Vec::new();
        let event = &seen.event;
        let Some(name) = container_of(&event.involved_object.field_path) else {
            return facts;
        };
        let known = self.containers.iter().position(|one| one.name == name);
        let at = match known {
            Some(at) => at,
            None if event
                .involved_object
                .field_path
                .starts_with("spec.ephemeralContainers") =>
            {
                self.containers
                    .push(ContainerHistory::new(name, Role::Ephemeral, false));
                self.containers.len() - 1
            }
            None => return facts,
        };
        if event.reason == "Killing" {
            let last = event.last_timestamp.as_deref().and_then(Moment::parse);
            let requested = named_time(event).map(|named| named.at).or(last);
            if let (Some(container), Some(at)) = (self.containers.get_mut(at), requested) {
                container.stop_requested(at);
            }
        }
        let Some(named) = named_time(event) else {
            return facts;
        };
        let pre_stop = self.declared.container(name).is_some_and(|one| one.pre_stop);
        let native = self.declared.container(name).is_some_and(|one| one.native);
        let Some(container) = self.containers.get_mut(at) else {
            return facts;
        };
        let told = match event.reason.as_str() {
            "Created" => container.named(What::Created, named),
            "Started" => container.named(What::Started, named),
            "Killing" if pre_stop => container.stopping(What::PreStop, named.at),
            "Killing" if !native => container.stopping(What::Sigterm, named.at),
            _ => Vec::new(),
        };
        self.facts(at, told, &mut facts);
        facts
    }
}

fn has_native(spec: &PodSpec) -> bool {
    spec.init_containers
        .iter()
        .any(|container| container.restart_policy.as_deref() == Some("Always"))
}

/// The container of `spec.containers{name}`.
fn container_of(field_path: &str) -> Option<&str> {
    let (_, rest) = field_path.split_once('{')?;
    rest.strip_suffix('}')
}

/// The nanosecond in an event's name, of an event that occurred once and whose name agrees with its second.
#[must_use]
pub fn named_time(event: &Event) -> Option<NamedTime> {
    if event.count.unwrap_or(1) != 1 || event.source.component != "kubelet" {
        return None;
    }
    let (_, hex) = event.metadata.name.rsplit_once('.')?;
    let at = Moment(i64::from_str_radix(hex, 16).ok()?);
    let second = event.first_timestamp.as_deref().and_then(Moment::parse)?;
    let agrees = at >= second && at < second.plus(SECOND);
    agrees.then(|| NamedTime {
        at,
        name: event.metadata.name.clone(),
    })
}
