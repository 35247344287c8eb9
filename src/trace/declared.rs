//! The order a pod declares: which containers there are, and which pairs must start or stop in order.

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

/// Whether an init container is a native sidecar.
fn is_native(container: &ContainerSpec) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

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
        let (mut has_native, mut has_lifecycle) = (false, false);
        for init in &spec.init_containers {
            let native = is_native(init);
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
            let sidecar = declared || sidecars.contains(&regular.name);
            has_lifecycle |= sidecar;
            let role = if sidecar { Role::Sidecar } else { Role::App };
            let mut one = container(regular, role, sidecar && design == Some(Design::Native));
            if sidecar && !one.native {
                one.gate = lifecycle_gate(regular);
            }
            containers.push(one);
        }
        for ephemeral in &spec.ephemeral_containers {
            containers.push(container(ephemeral, Role::Ephemeral, false));
        }
        let enforced = design != Some(Design::Native) || !has_lifecycle;
        let found = if has_native {
            Design::Native
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
                    let native = role == Role::Init && is_native(one);
                    let role = if native { Role::Sidecar } else { role };
                    self.containers.push(container(one, role, native));
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

    /// Init containers and native sidecars one after the other; the last before every regular container; each
    /// sidecar of the first design before each app; regular containers in list order where nothing else holds.
    fn start_pairs(&mut self, init_count: usize, enforced: bool) {
        let mut pairs = Vec::new();
        let mut pair = |rule, before: &DeclaredContainer, after: &DeclaredContainer, enforced| {
            pairs.push(Pair {
                rule,
                before: before.name.clone(),
                after: after.name.clone(),
                gate: if rule == Rule::StartOrder {
                    before.gate
                } else {
                    Gate::Running
                },
                enforced,
            });
        };
        let in_chain = |container: &&DeclaredContainer| container.role == Role::Init || container.native;
        let inits = self.containers.iter().take(init_count);
        let late_natives = self.containers.iter().skip(init_count).filter(in_chain);
        let chain: Vec<&DeclaredContainer> = inits.filter(in_chain).chain(late_natives).collect();
        for (one, two) in chain.iter().zip(chain.iter().skip(1)) {
            pair(Rule::StartOrder, one, two, enforced);
        }
        let parallel: Vec<&DeclaredContainer> =
            self.sidecars().filter(|container| !container.native).collect();
        let apps: Vec<&DeclaredContainer> = self.apps().collect();
        if let Some(last) = chain.last() {
            for next in parallel.iter().chain(&apps) {
                pair(Rule::StartOrder, last, next, enforced);
            }
        }
        for sidecar in &parallel {
            for app in &apps {
                pair(Rule::StartOrder, sidecar, app, false);
            }
        }
        if parallel.is_empty() {
            for (one, two) in apps.iter().zip(apps.iter().skip(1)) {
                pair(Rule::ListOrder, one, two, true);
            }
        }
        self.pairs.append(&mut pairs);
    }

    /// Every regular container before each sidecar; native sidecars in reverse list order.
    fn stop_pairs(&mut self, enforced: bool) {
        let mut pairs = Vec::new();
        let mut pair = |before: &DeclaredContainer, after: &DeclaredContainer, enforced| {
            pairs.push(Pair {
                rule: Rule::StopOrder,
                before: before.name.clone(),
                after: after.name.clone(),
                gate: Gate::Completed,
                enforced,
            });
        };
        let natives: Vec<&DeclaredContainer> = self.sidecars().filter(|container| container.native).collect();
        let parallel: Vec<&DeclaredContainer> =
            self.sidecars().filter(|container| !container.native).collect();
        for (one, two) in natives.iter().zip(natives.iter().skip(1)) {
            pair(two, one, enforced);
        }
        for sidecar in &natives {
            for regular in self.apps().chain(parallel.iter().copied()) {
                pair(regular, sidecar, enforced);
            }
        }
        for sidecar in &parallel {
            for app in self.apps() {
                pair(app, sidecar, false);
            }
        }
        self.pairs.append(&mut pairs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(yaml: &str) -> PodSpec {
        serde_yaml::from_str(yaml).unwrap()
    }

    fn pairs(declared: &Declared, rule: Rule) -> Vec<(&str, &str)> {
        declared
            .pairs
            .iter()
            .filter(|pair| pair.rule == rule)
            .map(|pair| (pair.before.as_str(), pair.after.as_str()))
            .collect()
    }

    const NATIVE: &str = "
initContainers:
- {name: setup}
- {name: one, restartPolicy: Always, startupProbe: {exec: {}}}
- {name: two, restartPolicy: Always}
containers: [{name: web}, {name: worker}]";

    #[test]
    fn native_sidecars_start_in_list_order_and_stop_in_reverse() {
        let declared = Declared::read(&pod(NATIVE), &Reading::default());
        assert_eq!(declared.design, Design::Native);
        assert_eq!(
            pairs(&declared, Rule::StartOrder),
            [
                ("setup", "one"),
                ("one", "two"),
                ("two", "web"),
                ("two", "worker")
            ]
        );
        assert_eq!(
            pairs(&declared, Rule::StopOrder),
            [
                ("two", "one"),
                ("web", "one"),
                ("worker", "one"),
                ("web", "two"),
                ("worker", "two")
            ]
        );
        assert_eq!(pairs(&declared, Rule::ListOrder), [("web", "worker")]);
        assert_eq!(declared.container("one").unwrap().gate, Gate::Startup);
    }

    #[test]
    fn the_first_design_has_no_order_among_sidecars() {
        let spec = pod("
initContainers: [{name: setup}]
containers:
- {name: app}
- {name: proxy, readinessProbe: {exec: {}}, lifecycle: {type: Sidecar}}
- {name: shipper, lifecycle: {type: Sidecar}}");
        let declared = Declared::read(&spec, &Reading::default());
        assert_eq!(declared.design, Design::Lifecycle);
        assert_eq!(
            pairs(&declared, Rule::StartOrder),
            [
                ("setup", "proxy"),
                ("setup", "shipper"),
                ("setup", "app"),
                ("proxy", "app"),
                ("shipper", "app")
            ]
        );
        assert_eq!(
            pairs(&declared, Rule::StopOrder),
            [("app", "proxy"), ("app", "shipper")]
        );
        assert_eq!(declared.container("proxy").unwrap().gate, Gate::Ready);
        assert_eq!(declared.container("shipper").unwrap().gate, Gate::Running);
    }

    #[test]
    fn a_dropped_field_is_declared_by_name() {
        let spec = pod("containers: [{name: app}, {name: proxy}]");
        let plain = Declared::read(&spec, &Reading::default());
        assert_eq!(plain.design, Design::Plain);
        assert_eq!(pairs(&plain, Rule::ListOrder), [("app", "proxy")]);
        assert!(pairs(&plain, Rule::StopOrder).is_empty());
        let named = Declared::read(
            &spec,
            &Reading {
                sidecars: BTreeSet::from(["proxy".to_owned()]),
                ..Reading::default()
            },
        );
        assert_eq!(pairs(&named, Rule::StartOrder), [("proxy", "app")]);
        assert_eq!(pairs(&named, Rule::StopOrder), [("app", "proxy")]);
    }

    #[test]
    fn another_expectation_changes_the_pairs_and_keeps_the_containers() {
        let lifecycle = Reading {
            expectation: Expectation::Lifecycle,
            ..Reading::default()
        };
        let declared = Declared::read(&pod(NATIVE), &lifecycle);
        assert_eq!(
            pairs(&declared, Rule::StartOrder),
            [
                ("setup", "one"),
                ("setup", "two"),
                ("setup", "web"),
                ("setup", "worker"),
                ("one", "web"),
                ("one", "worker"),
                ("two", "web"),
                ("two", "worker")
            ]
        );
        assert_eq!(pairs(&declared, Rule::StopOrder).len(), 4);
        let plain = pod("containers: [{name: app}, {name: proxy}]");
        let native = Reading {
            expectation: Expectation::Specs(vec![
                pod("containers: [{name: other}]"),
                pod("{initContainers: [{name: proxy, restartPolicy: Always}], containers: [{name: app}]}"),
            ]),
            ..Reading::default()
        };
        let declared = Declared::read(&plain, &native);
        assert_eq!(pairs(&declared, Rule::StartOrder), [("proxy", "app")]);
        assert_eq!(pairs(&declared, Rule::StopOrder), [("app", "proxy")]);
    }

    #[test]
    fn restart_policy_on_a_regular_container_makes_no_sidecar() {
        let spec = pod("containers: [{name: app}, {name: proxy, restartPolicy: Always}]");
        assert_eq!(Declared::read(&spec, &Reading::default()).design, Design::Plain);
    }
}
