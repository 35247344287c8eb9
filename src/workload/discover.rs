//! Finds pods in objects, by kind where it is known and by shape everywhere else.

use std::collections::HashSet;

use crate::yaml::{Entry, Node, NodeId};

use super::{Container, ContainerList, Mount, Object, Volume, WorkloadKind};

/// Who starts and ends the containers beside Kubernetes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Controller {
    /// The kubelet alone.
    Kubernetes,
    /// Argo Workflows: its executor ends a template's sidecars when the main container is done.
    ArgoWorkflows,
    /// Tekton: its controller ends sidecars when the last step is done.
    Tekton,
    /// Knative Serving.
    Knative,
    /// Kruise's SidecarSet: its containers are injected into other pods.
    SidecarSet,
    /// Another custom resource.
    Unknown,
}

/// Custom resources whose pod template is Kubernetes' own, and whose controllers make pods, Jobs or Deployments of it
/// as it is (the projects' API references, 2026-11).
const PLAIN_TEMPLATES: [(&str, &str); 9] = [
    ("jobset.x-k8s.io", "JobSet"),
    ("keda.sh", "ScaledJob"),
    ("argoproj.io", "Rollout"),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"),
    ("apps.kruise.io", "CloneSet"),
    ("apps.kruise.io", "StatefulSet"),
    ("apps.kruise.io", "DaemonSet"),
    ("apps.kruise.io", "BroadcastJob"),
    ("apps.openshift.io", "DeploymentConfig"),
];

/// Custom resources that hold the values of a Helm chart (the projects' API references, 2026-11).
const CHART_VALUES: [(&str, &str); 7] = [
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
    ("helm.fluxcd.io", "HelmRelease"),
    ("argoproj.io", "Application"),
    ("argoproj.io", "ApplicationSet"),
    ("helm.cattle.io", "HelmChart"),
    ("helm.cattle.io", "HelmChartConfig"),
    ("helm.crossplane.io", "Release"),
];

/// Custom resources whose controller deletes a runner's pod when the runner has ended
/// (github.com/actions/actions-runner-controller, its two generations of controllers).
const RUNNERS: [(&str, &str); 7] = [
    ("actions.github.com", "AutoscalingRunnerSet"),
    ("actions.github.com", "EphemeralRunnerSet"),
    ("actions.github.com", "EphemeralRunner"),
    ("actions.summerwind.dev", "RunnerDeployment"),
    ("actions.summerwind.dev", "RunnerReplicaSet"),
    ("actions.summerwind.dev", "RunnerSet"),
    ("actions.summerwind.dev", "Runner"),
];

impl Controller {
    fn of(object: &Object<'_>) -> Self {
        let group = object.reference.api_version.split('/').next().unwrap_or_default();
        match (group, object.reference.kind.as_str()) {
            plain if PLAIN_TEMPLATES.contains(&plain) => Self::Kubernetes,
            ("argoproj.io", _) => Self::ArgoWorkflows,
            ("tekton.dev", _) => Self::Tekton,
            ("serving.knative.dev", _) => Self::Knative,
            (_, "SidecarSet") => Self::SidecarSet,
            _ if WorkloadKind::of(&object.reference) != WorkloadKind::Custom => Self::Kubernetes,
            // Fixtures and fragments without a kind are read as the pods they look like.
            _ if object.reference.kind.is_empty() => Self::Kubernetes,
            _ => Self::Unknown,
        }
    }

    /// Whether this controller ends sidecars itself once the main container is done.
    #[must_use]
    pub fn ends_sidecars(self) -> bool {
        matches!(self, Self::ArgoWorkflows | Self::Tekton)
    }
}

/// A pod, or the template of one, in an object.
#[derive(Debug, Clone)]
pub struct Workload<'t> {
    /// The object that holds it.
    pub object: Object<'t>,
    /// The object's kind.
    pub kind: WorkloadKind,
    /// Who runs its containers.
    pub controller: Controller,
    /// The mapping that holds the containers.
    pub pod_spec: Node<'t>,
    /// The metadata of the pod or pod template.
    pub pod_metadata: Option<Node<'t>>,
    /// Init containers first, then the regular ones, then a controller's own sidecars.
    pub containers: Vec<Container<'t>>,
    /// The volumes.
    pub volumes: Vec<Volume<'t>>,
}

impl<'t> Workload<'t> {
    /// The containers that run together once the pod is initialized.
    pub fn regular(&self) -> impl Iterator<Item = &Container<'t>> {
        self.containers
            .iter()
            .filter(|container| container.list == ContainerList::Regular)
    }

    /// The container of that name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&Container<'t>> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// The pod's `restartPolicy` as written, or what its kind defaults to.
    #[must_use]
    pub fn restart_policy(&self) -> &'t str {
        self.pod_spec
            .get("restartPolicy")
            .and_then(Node::as_str)
            .unwrap_or("Always")
    }

    /// Whether it is no pod by itself but a strategic merge patch of one: it has a container without an image, which
    /// no API server runs.
    #[must_use]
    pub fn is_patch(&self) -> bool {
        let mut containers = self.containers.iter();
        self.kind != WorkloadKind::Custom && containers.any(|container| container.node.get("image").is_none())
    }

    /// Whether the pod is meant to end by itself: a Job's, or one that is not restarted always.
    #[must_use]
    pub fn runs_to_completion(&self) -> bool {
        match self.kind {
            WorkloadKind::Job | WorkloadKind::CronJob => true,
            WorkloadKind::Pod | WorkloadKind::PodTemplate => self.restart_policy() != "Always",
            // The values of a chart are handed to a template that makes of them what it likes.
            WorkloadKind::Custom if self.holds_chart_values() || self.is_of_runners() => false,
            WorkloadKind::Custom => self.controller.ends_sidecars() || self.restart_policy() != "Always",
            _ => false,
        }
    }

    /// Whether its object holds values of a Helm chart (Flux, Argo CD, k3s and Rancher), not a pod template.
    fn holds_chart_values(&self) -> bool {
        let reference = &self.object.reference;
        let group = reference.api_version.split('/').next().unwrap_or_default();
        CHART_VALUES.contains(&(group, reference.kind.as_str()))
    }

    /// Whether its controller deletes the pod once the runner in it has ended, whatever else runs there.
    fn is_of_runners(&self) -> bool {
        let reference = &self.object.reference;
        let group = reference.api_version.split('/').next().unwrap_or_default();
        RUNNERS.contains(&(group, reference.kind.as_str()))
    }

    /// An annotation of the pod template, or of the object where the pod has no metadata of its own.
    #[must_use]
    pub fn pod_annotation(&self, name: &str) -> Option<Entry<'t>> {
        self.pod_metadata?.get("annotations")?.entry(name)
    }

    /// All annotations of the pod template.
    #[must_use]
    pub fn pod_annotations(&self) -> Vec<Entry<'t>> {
        self.pod_field("annotations")
    }

    /// All labels of the pod template.
    #[must_use]
    pub fn pod_labels(&self) -> Vec<Entry<'t>> {
        self.pod_field("labels")
    }

    fn pod_field(&self, field: &str) -> Vec<Entry<'t>> {
        self.pod_metadata
            .and_then(|node| node.get(field))
            .map(Node::entries)
            .unwrap_or_default()
    }

    /// The volume of that name.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&Volume<'t>> {
        self.volumes.iter().find(|volume| volume.name == name)
    }

    /// The volume a file of a container lies in, with its path there: the deepest mount wins.
    #[must_use]
    pub fn volume_of_file(&self, container: &Container<'t>, file: &str) -> Option<(&Volume<'t>, String)> {
        let (mount, relative) = container
            .mounts()
            .filter_map(|mount| mount.relative(file).map(|relative| (mount, relative)))
            .max_by_key(|(mount, _): &(Mount<'_>, String)| mount.path.trim_matches('/').len())?;
        Some((self.volume(mount.volume)?, relative))
    }
}

/// Nodes looked at in one object when pods are searched by shape.
const SEARCH_BUDGET: usize = 200_000;

/// Finds the pods an object holds.
#[must_use]
pub fn discover<'t>(object: &Object<'t>) -> Vec<Workload<'t>> {
    let mut search = Search {
        object,
        controller: Controller::of(object),
        kind: WorkloadKind::of(&object.reference),
        seen: HashSet::new(),
        found: Vec::new(),
    };
    search.visit(object.node);
    search.found
}

struct Search<'a, 't> {
    object: &'a Object<'t>,
    controller: Controller,
    kind: WorkloadKind,
    seen: HashSet<NodeId>,
    found: Vec<Workload<'t>>,
}

impl<'t> Search<'_, 't> {
    /// A pod's metadata stands beside its `spec`, or in the same mapping as its containers (Argo Workflows).
    fn visit(&mut self, start: Node<'t>) {
        let mut stack: Vec<(Node<'t>, Option<Node<'t>>)> = vec![(start, None)];
        while let Some((node, metadata)) = stack.pop() {
            let node = node.resolved();
            if !node.is_sequence() && !node.is_mapping() {
                continue;
            }
            // An alias that leads back into its own anchor, and everything seen before, ends here.
            if self.seen.len() >= SEARCH_BUDGET || !self.seen.insert(node.id()) {
                continue;
            }
            if node.is_sequence() {
                let items: Vec<_> = node.items().map(|item| (item, None)).collect();
                stack.extend(items.into_iter().rev());
                continue;
            }
            let own = node.get("metadata");
            if let Some(workload) = self.pod(node, own.or(metadata)) {
                self.found.push(workload);
                continue;
            }
            let children: Vec<_> = node
                .entries()
                .iter()
                .map(|entry| (entry.value, own.filter(|_| entry.key.as_str() == Some("spec"))))
                .collect();
            stack.extend(children.into_iter().rev());
        }
    }

    fn pod(&self, node: Node<'t>, metadata: Option<Node<'t>>) -> Option<Workload<'t>> {
        let containers = self.containers(node)?;
        let volumes = node
            .get("volumes")
            .into_iter()
            .flat_map(Node::items)
            .filter_map(Volume::new)
            .collect();
        Some(Workload {
            object: self.object.clone(),
            kind: self.kind,
            controller: self.controller,
            pod_spec: node,
            pod_metadata: metadata,
            containers,
            volumes,
        })
    }

    fn containers(&self, node: Node<'t>) -> Option<Vec<Container<'t>>> {
        let regular = match node.get("containers") {
            Some(list) if self.is_container_list(list) => list_of(list, ContainerList::Regular),
            Some(_) => return None,
            None if self.names_own_sidecars(node) => Vec::new(),
            None => self.controllers_own_containers(node)?,
        };
        let mut containers = Vec::new();
        if let Some(list) = node.get("initContainers") {
            containers.extend(list_of(list, ContainerList::Init));
        }
        containers.extend(regular);
        if let Some(list) = node.get("ephemeralContainers") {
            containers.extend(list_of(list, ContainerList::Ephemeral));
        }
        if (self.controller.ends_sidecars() || self.names_own_sidecars(node))
            && let Some(list) = node.get("sidecars")
        {
            containers.extend(list_of(list, ContainerList::ControllerSidecars));
        }
        Some(containers)
    }

    /// Whether a custom resource lists sidecars for a pod whose main container its controller writes: the driver of a
    /// SparkApplication.
    fn names_own_sidecars(&self, node: Node<'t>) -> bool {
        self.controller == Controller::Unknown
            && node.get("containers").is_none()
            && node
                .get("sidecars")
                .is_some_and(|list| self.is_container_list(list))
    }

    /// Argo's `container` or `script` and Tekton's `steps`.
    fn controllers_own_containers(&self, node: Node<'t>) -> Option<Vec<Container<'t>>> {
        match self.controller {
            Controller::ArgoWorkflows => {
                let main = node.get("container").or_else(|| node.get("script"))?;
                main.get("image")?;
                // Argo names it so (workflow-controller, common.MainContainerName).
                let name = main.get("name").and_then(Node::as_str).unwrap_or("main");
                Some(vec![Container {
                    name,
                    node: main,
                    list: ContainerList::Regular,
                    index: 0,
                }])
            }
            Controller::Tekton => {
                let steps = node.get("steps")?;
                self.is_container_list(steps)
                    .then(|| list_of(steps, ContainerList::Regular))
            }
            _ => None,
        }
    }

    fn is_container_list(&self, list: Node<'t>) -> bool {
        let mut items = list.items().peekable();
        // A fragment of a template has no kind.
        let known = self.kind != WorkloadKind::Custom || self.object.reference.kind.is_empty();
        items.peek().is_some()
            && items.all(|item| {
                item.is_mapping() && (item.get("image").is_some() || (known && item.get("name").is_some()))
            })
    }
}

fn list_of(list: Node<'_>, kind: ContainerList) -> Vec<Container<'_>> {
    list.items()
        .enumerate()
        .filter(|(_, node)| node.is_mapping())
        .map(|(index, node)| Container {
            name: node.get("name").and_then(Node::as_str).unwrap_or_default(),
            node,
            list: kind,
            index,
        })
        .collect()
}
