//! The order a pod declares: which containers there are, and which pairs must start or stop in order.

mod pairs;

use std::collections::BTreeSet;

use super::object::{ContainerSpec, PodSpec};
use crate::roles::Role;

/// What must be true of a container before its successor may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// An ordinary init container: it exited with 0.
    Completed,
    /// Its process runs.
    Running,
    /// Its startup probe succeeded.
    Startup,
    /// It is ready (KEP-753's first design).
    Ready,
}

impl Gate {
    /// In words, after the container's name.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Running => "started",
            Self::Startup => "passed its startup probe",
            Self::Ready => "became ready",
        }
    }
}

/// How sidecars are declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Design {
    /// `initContainers[].restartPolicy: Always`, Kubernetes 1.29 and later.
    Native,
    /// `lifecycle.type: Sidecar`, KEP-753's first design; no released kubelet orders by it.
    Lifecycle,
    /// `kubectl-sidecar/sidecars`, the annotation that an admission policy acts on, but none has.
    Annotation,
    /// No sidecar is declared.
    Plain,
}

/// A container with what its declaration promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredContainer {
    /// Its name.
    pub name: String,
    /// What it is in the pod.
    pub role: Role,
    /// Declared by `restartPolicy: Always` on an init container.
    pub native: bool,
    /// What its successors wait for.
    pub gate: Gate,
    /// It has a startupProbe.
    pub startup_probe: bool,
    /// It has a restartPolicy of its own (KEP-5307), or is restarted whatever the pod says.
    pub own_restart_policy: bool,
    /// It has a postStart hook, which holds back the next start call.
    pub post_start: bool,
    /// It has a preStop hook.
    pub pre_stop: bool,
    /// It is a sidecar that is declared nowhere: the sign that it is one.
    pub undeclared: Option<String>,
}

/// Which of the two ends of life a pair is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// `after` starts only when `before` has passed its gate.
    StartOrder,
    /// The start calls of regular containers come in list order.
    ListOrder,
    /// `before` exits before `after`.
    StopOrder,
}

impl Rule {
    /// The name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StartOrder => "start-order",
            Self::ListOrder => "list-order",
            Self::StopOrder => "stop-order",
        }
    }
}

/// Two containers that must come in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Which rule.
    pub rule: Rule,
    /// Who comes first.
    pub before: String,
    /// Who comes second.
    pub after: String,
    /// For start-order: what `before` must have reached.
    pub gate: Gate,
    /// The kubelet enforces it; otherwise it is only what the declaration would promise.
    pub enforced: bool,
}

/// What order to judge by.
#[derive(Debug, Clone, Default)]
pub enum Expectation {
    /// The pod's own declaration.
    #[default]
    Manifest,
    /// The pod's sidecars, as if they were native ones.
    Native,
    /// The pod's sidecars, as if they were declared by the first design.
    Lifecycle,
    /// Another declaration: that of these which names most of the pod's containers.
    Specs(Vec<PodSpec>),
}

/// How to read a pod's declaration.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// What order to judge by.
    pub expectation: Expectation,
    /// Regular containers that count as declared sidecars although the server dropped the field.
    pub sidecars: BTreeSet<String>,
}

/// The declared order of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// How its sidecars are declared.
    pub design: Design,
    /// Init containers and sidecars, regular containers, ephemeral ones.
    pub containers: Vec<DeclaredContainer>,
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// `terminationGracePeriodSeconds`
    pub grace_seconds: i64,
}

/// The API server's default for `terminationGracePeriodSeconds`.
const DEFAULT_GRACE_SECONDS: i64 = 30;

fn container(spec: &ContainerSpec, role: Role, native: bool) -> DeclaredContainer {
    DeclaredContainer {
        name: spec.name.clone(),
        role,
        native,
        gate: match role {
            Role::Init => Gate::Completed,
            _ if spec.startup_probe => Gate::Startup,
            _ => Gate::Running,
        },
        startup_probe: spec.startup_probe,
        own_restart_policy: spec.restart_policy.is_some(),
        post_start: spec.lifecycle.post_start,
        pre_stop: spec.lifecycle.pre_stop,
        undeclared: None,
    }
}

/// The first design waits for readiness; a container without a readinessProbe is ready once it has started.
fn lifecycle_gate(spec: &ContainerSpec) -> Gate {
    if spec.readiness_probe {
        Gate::Ready
    } else if spec.startup_probe {
        Gate::Startup
    } else {
        Gate::Running
    }
}

/// The declaration that names most of the pod's containers, the first of equals.
fn closest<'s>(spec: &PodSpec, others: &'s [PodSpec]) -> Option<&'s PodSpec> {
    let names = |spec: &PodSpec| -> BTreeSet<String> {
        let all = spec.init_containers.iter().chain(&spec.containers);
        all.map(|container| container.name.clone()).collect()
    };
    let own = names(spec);
    others
        .iter()
        .rev()
        .max_by_key(|other| names(other).intersection(&own).count())
}

impl Declared {
    /// Reads a pod's declaration.
    #[must_use]
    pub fn read(spec: &PodSpec, reading: &Reading) -> Self {
        let mut declared = match &reading.expectation {
            Expectation::Specs(others) => {
                Self::of(closest(spec, others).unwrap_or(spec), &reading.sidecars, None)
            }
            Expectation::Manifest => Self::of(spec, &reading.sidecars, None),
            Expectation::Native => Self::of(spec, &reading.sidecars, Some(Design::Native)),
            Expectation::Lifecycle => Self::of(spec, &reading.sidecars, Some(Design::Lifecycle)),
        };
        declared.grace_seconds = spec
            .termination_grace_period_seconds
            .unwrap_or(DEFAULT_GRACE_SECONDS);
        declared.complete(spec);
        declared
    }

    /// The declaration of `spec`, its sidecars taken to be of `design` where that is given.
    fn of(spec: &PodSpec, sidecars: &BTreeSet<String>, design: Option<Design>) -> Self {
        let mut containers = Vec::new();
        let (mut has_native, mut has_lifecycle, mut has_annotated) = (false, false, false);
        for init in &spec.init_containers {
            let native = init.is_native();
            has_native |= native;
            let role = if native { Role::Sidecar } else { Role::Init };
            let mut one = container(init, role, native);
            if native && design == Some(Design::Lifecycle) {
                one.native = false;
                one.gate = lifecycle_gate(init);
            }
            containers.push(one);
        }
        for regular in &spec.containers {
            let declared = regular.lifecycle.kind.as_deref() == Some("Sidecar");
            let annotated = spec.annotated.contains(&regular.name);
            let told = declared || annotated || sidecars.contains(&regular.name);
            let sign = spec.undeclared.get(&regular.name).filter(|_| !told);
            let sidecar = told || sign.is_some();
            has_annotated |= annotated;
            has_lifecycle |= sidecar;
            let role = if sidecar { Role::Sidecar } else { Role::App };
            let mut one = container(regular, role, sidecar && design == Some(Design::Native));
            if sidecar && !one.native {
                one.gate = lifecycle_gate(regular);
            }
            one.undeclared = sign.cloned();
            containers.push(one);
        }
        for ephemeral in &spec.ephemeral_containers {
            containers.push(container(ephemeral, Role::Ephemeral, false));
        }
        let enforced = design != Some(Design::Native) || !has_lifecycle;
        let found = if has_native {
            Design::Native
        } else if has_annotated {
            Design::Annotation
        } else if has_lifecycle {
            Design::Lifecycle
        } else {
            Design::Plain
        };
        let mut declared = Self {
            design: design.filter(|_| found != Design::Plain).unwrap_or(found),
            containers,
            pairs: Vec::new(),
            grace_seconds: DEFAULT_GRACE_SECONDS,
        };
        declared.start_pairs(spec.init_containers.len(), enforced);
        declared.stop_pairs(enforced);
        declared
    }

    /// Adds the containers of the pod itself that another declaration does not name, without any promise.
    fn complete(&mut self, spec: &PodSpec) {
        let groups = [
            (&spec.init_containers, Role::Init),
            (&spec.containers, Role::App),
            (&spec.ephemeral_containers, Role::Ephemeral),
        ];
        for (containers, role) in groups {
            for one in containers {
                if self.container(&one.name).is_none() {
                    let native = role == Role::Init && one.is_native();
                    let sign = spec.undeclared.get(&one.name).filter(|_| role == Role::App);
                    let is_sidecar = native || sign.is_some();
                    let role = if is_sidecar { Role::Sidecar } else { role };
                    let mut added = container(one, role, native);
                    added.undeclared = sign.cloned();
                    self.containers.push(added);
                }
            }
        }
    }

    /// The container of that name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&DeclaredContainer> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// The names of the regular containers that are no sidecars.
    pub fn apps(&self) -> impl Iterator<Item = &DeclaredContainer> {
        self.with_role(Role::App)
    }

    /// The sidecars in list order.
    pub fn sidecars(&self) -> impl Iterator<Item = &DeclaredContainer> {
        self.with_role(Role::Sidecar)
    }

    fn with_role(&self, role: Role) -> impl Iterator<Item = &DeclaredContainer> {
        self.containers
            .iter()
            .filter(move |container| container.role == role)
    }
}

#[cfg(test)]
mod tests;
