//! What a person should know of containers that became init containers, beyond their own pod.

use crate::{
    catalogue::kubernetes::STARTUP_PROBES_OF_NEVER,
    pod::KubernetesVersion,
    remedy::{Watcher, plan::Plan},
    roles::{DECLARATION_ANNOTATION, listed},
    workload::{self, Container, ContainerList, ObjectReference, ProbeKind, Workload},
    yaml,
};

/// What of a pod is compared.
struct Seen {
    document: usize,
    object: ObjectReference,
    /// The names of its regular containers.
    regular: Vec<String>,
    /// Those that its annotation has promoted when the pod is created.
    promoted: Vec<String>,
    /// Whether it has `restartPolicy: Never`.
    is_never_restarted: bool,
    /// How many of its containers have a startup probe.
    startup_probes: usize,
}

/// Notes who looks at a container that moved, and what old kubelets do with the startup probes that are there now.
pub(super) fn note(
    before: &yaml::Stream<'_>,
    after: &yaml::Stream<'_>,
    plans: &mut [Plan],
    watchers: &[Watcher],
    kubernetes: Option<KubernetesVersion>,
) {
    let (before, after) = (all(before), all(after));
    for plan in plans.iter_mut().filter(|plan| !plan.is_empty()) {
        let own = |seen: &&Seen| seen.document == plan.document && seen.object == plan.object;
        let (Some(old), Some(new)) = (before.iter().find(own), after.iter().find(own)) else {
            continue;
        };
        let moved = old.regular.iter().filter(|name| !new.regular.contains(name));
        let promoted = new.promoted.iter().filter(|name| !old.promoted.contains(name));
        let mut notes: Vec<String> = moved
            .chain(promoted)
            .flat_map(|name| {
                watchers
                    .iter()
                    .filter_map(|watcher| watcher.note(&plan.object, name))
            })
            .collect();
        let is_old = kubernetes.is_none_or(|(_, minor)| minor < STARTUP_PROBES_OF_NEVER.since);
        if is_old
            && new.is_never_restarted
            && new.startup_probes > old.startup_probes
            && new.startup_probes > 1
        {
            notes.push(format!(
                "the pod has {} startup probes and restartPolicy: Never: where a sidecar fails at its first start, kubelets before 1.{} never start the app",
                new.startup_probes, STARTUP_PROBES_OF_NEVER.since
            ));
        }
        notes.into_iter().for_each(|note| plan.note(note));
    }
}

fn all(stream: &yaml::Stream<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    for object in workload::objects_of(stream) {
        for workload in workload::discover(&object) {
            found.push(Seen::of(&workload, object.document, &object.reference));
        }
    }
    found
}

impl Seen {
    fn of(workload: &Workload<'_>, document: usize, object: &ObjectReference) -> Self {
        let policy = workload.pod_spec.get("restartPolicy");
        let has_startup_probe = |container: &&Container<'_>| container.probe(ProbeKind::Startup).is_some();
        let regular = workload
            .containers
            .iter()
            .filter(|container| container.list == ContainerList::Regular);
        let annotation = workload.pod_annotation(DECLARATION_ANNOTATION);
        let promoted = annotation
            .and_then(|entry| entry.value.as_str())
            .unwrap_or_default();
        Self {
            promoted: listed(promoted).map(str::to_owned).collect(),
            document,
            object: object.clone(),
            regular: regular.map(|container| container.name.to_owned()).collect(),
            is_never_restarted: policy.and_then(|policy| policy.as_str()) == Some("Never"),
            startup_probes: workload.containers.iter().filter(has_startup_probe).count(),
        }
    }
}
