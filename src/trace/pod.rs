//! The timeline of one pod: its containers' histories, its rounds and its end.

mod events;
mod rounds;
mod trouble;

use std::sync::Arc;

use super::{
    Moment, PodName, SECOND,
    container::{ContainerHistory, Reached, State, Step},
    declared::{Declared, Reading, Rule},
    evidence::{Change, PodSeen},
    fact::{Fact, PodStep, What},
    object::{Annotations, ContainerSpec, Pod, PodSpec, controller},
    witness::{PairWitness, StateName},
};
use crate::roles::{Role, listed};
pub use events::named_time;

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

/// What became of the sidecars that a pod's annotation declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promotion {
    /// Those that are native sidecars, by an admission policy's word.
    pub done: Vec<String>,
    /// Those that are regular containers: no policy acted on the annotation.
    pub missed: Vec<String>,
}

impl Promotion {
    fn read(spec: &PodSpec, annotations: &Annotations) -> Self {
        let promoted = listed(annotations.promoted.as_deref().unwrap_or_default());
        let is_native = |name: &&str| {
            spec.init_containers
                .iter()
                .any(|container| container.name == **name && container.is_native())
        };
        Self {
            done: promoted.filter(is_native).map(str::to_owned).collect(),
            missed: spec.annotated.iter().cloned().collect(),
        }
    }
}

/// Everything known about one pod.
#[derive(Debug, Clone)]
pub struct PodTimeline {
    /// The pod.
    pub name: Arc<PodName>,
    /// Its node; empty until it is scheduled.
    pub node: String,
    /// The order it is judged by.
    pub declared: Declared,
    /// Its own spec has native sidecars.
    pub has_native: bool,
    /// What became of the sidecars that its annotation declares.
    pub promotion: Promotion,
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
    /// The connection was lost, and what became of it since is not known.
    pub unseen: bool,
    /// Its deletion was asked for, with or without grace.
    pub asked_to_go: bool,
    /// A Job made it.
    pub of_job: bool,
    /// When it was created: a second of the API server's clock.
    pub created: Option<Moment>,
    /// Why states of it may have been missed.
    pub gaps: Vec<String>,
    /// The newest state.
    pub resource_version: String,
    /// When the first and the newest state arrived, by this program's clock.
    pub received: (Moment, Moment),
    after_gap: bool,
    restarting_all: bool,
    steps_told: Vec<PodStep>,
    troubles: Vec<trouble::Known>,
}

impl PodTimeline {
    /// A pod that came into view.
    #[must_use]
    pub fn new(pod: &Pod, reading: &Reading, received: Moment) -> Self {
        let annotations = &pod.metadata.annotations;
        let spec = pod.spec.clone().annotated_by(annotations);
        let declared = Declared::read(&spec, reading);
        let containers = declared
            .containers
            .iter()
            .map(|container| {
                let mut history =
                    ContainerHistory::new(&container.name, container.role, container.startup_probe);
                history.undeclared = container.undeclared.is_some();
                history.is_init = container.role == Role::Init || container.native;
                history
            })
            .collect();
        let pairs = declared.pairs.len();
        Self {
            name: Arc::new(PodName {
                namespace: pod.metadata.namespace.clone(),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
            node: String::new(),
            has_native: has_native(&pod.spec),
            promotion: Promotion::read(&spec, annotations),
            mirror: annotations.mirror.is_some(),
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
            unseen: false,
            asked_to_go: false,
            of_job: of_job(pod),
            created: pod.metadata.creation_timestamp.as_deref().and_then(Moment::parse),
            gaps: Vec::new(),
            resource_version: String::new(),
            received: (received, received),
            after_gap: false,
            restarting_all: false,
            steps_told: Vec::new(),
            troubles: Vec::new(),
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

    /// The place of a fact among those of one second: the apps end, then each native sidecar has its turn and ends, the
    /// last of the list first.
    fn turn(&self, fact: &Fact) -> usize {
        let natives = self.declared.sidecars().filter(|sidecar| sidecar.native);
        let natives: Vec<&str> = natives.map(|sidecar| sidecar.name.as_str()).collect();
        let Some(at) = natives.iter().rev().position(|name| *name == fact.container) else {
            return 0;
        };
        match fact.what {
            What::Sigterm => 2 * at + 1,
            What::Exited | What::Killed => 2 * at + 2,
            _ => 0,
        }
    }

    /// When its graceful deletion was asked for: a second of the API server's clock.
    #[must_use]
    pub fn asked_at(&self) -> Option<Moment> {
        let deletion = self.deletion?;
        let grace = deletion.grace_seconds.saturating_mul(SECOND);
        Some(deletion.deadline.plus(grace.saturating_neg()))
    }

    /// Whether an app of it has ended and does not run again.
    #[must_use]
    pub fn has_ended_app(&self) -> bool {
        let mut apps = self.containers.iter().filter(|one| one.role == Role::App);
        apps.any(|app| app.state == State::Terminated)
    }

    /// The second in which a container ended that is not started again.
    #[must_use]
    pub fn ended_for_good(&self, container: &ContainerHistory) -> Option<Moment> {
        let own_policy = self
            .declared
            .container(&container.name)
            .is_some_and(|declared| declared.own_restart_policy);
        let exit = container.last_run().and_then(|run| run.exit.as_ref())?;
        let for_good = match self.restart_policy.as_str() {
            "Never" => true,
            "OnFailure" => exit.code == 0,
            _ => false,
        };
        exit.second.filter(|_| {
            container.state == State::Terminated && (self.is_terminal() || for_good && !own_policy)
        })
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
        self.unseen = false;
        self.tell(PodStep::Seen, String::new(), &mut steps);
        self.adopt_ephemeral(&pod.spec);
        self.adopt_metadata(seen, &mut steps);
        let restart = self.detect_restart(pod);
        let round = self.round();
        let known = reached(pod);
        let mut facts = Vec::new();
        for status in pod.status.containers() {
            if let Some(at) = self.containers.iter().position(|one| one.name == status.name) {
                let told = self
                    .containers
                    .get_mut(at)
                    .map(|container| container.apply(status, round, seen.received, known))
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
        facts.sort_by_cached_key(|fact| (fact.time, self.turn(fact)));
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
        self.asked_to_go = true;
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
            declared: container.is_declared_sidecar(),
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
}

fn reached(pod: &Pod) -> Reached {
    let since = |kind: &str| {
        let condition = pod
            .status
            .condition(kind)
            .filter(|condition| condition.status == "True")?;
        Moment::parse(condition.last_transition_time.as_deref()?)
    };
    Reached {
        initialized: since("Initialized"),
        all_ready: since("ContainersReady").or_else(|| since("Ready")),
    }
}

fn of_job(pod: &Pod) -> bool {
    controller(&pod.metadata.owner_references)
        .is_some_and(|owner| owner.kind == "Job" && owner.api_version.starts_with("batch/"))
}

fn has_native(spec: &PodSpec) -> bool {
    spec.init_containers.iter().any(ContainerSpec::is_native)
}
