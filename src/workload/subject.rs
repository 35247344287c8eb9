//! Which container a workload is about.

use crate::yaml::Node;

use super::{Container, Workload, WorkloadKind};

/// Labels by which people name what a pod runs.
const NAMING_LABELS: [&str; 4] = [
    "app",
    "app.kubernetes.io/name",
    "app.kubernetes.io/component",
    "k8s-app",
];

impl Workload<'_> {
    /// Whether the object is about `container` rather than about `other`: it has the object's name, is the
    /// container that kubectl takes, or keeps its data on a StatefulSet's own volumes.
    #[must_use]
    pub fn is_about(&self, container: &Container<'_>, other: &Container<'_>) -> bool {
        let signs: [&dyn Fn(&Container<'_>) -> bool; 3] = [
            &|one| self.is_default(one),
            &|one| self.has_name_of(one),
            &|one| self.keeps_data(one),
        ];
        signs.iter().any(|sign| sign(container) && !sign(other))
            && !signs.iter().any(|sign| !sign(container) && sign(other))
    }

    fn is_default(&self, container: &Container<'_>) -> bool {
        self.pod_annotation("kubectl.kubernetes.io/default-container")
            .and_then(|entry| entry.value.as_str())
            .is_some_and(|name| name == container.name)
    }

    /// A chart's release stands in front of the name: `prod-mysql`.
    fn has_name_of(&self, container: &Container<'_>) -> bool {
        let fits = |text: &str| {
            text.strip_suffix(container.name)
                .is_some_and(|before| before.is_empty() || before.ends_with('-'))
        };
        let labels = self.pod_labels().into_iter().any(|label| {
            let names = label.key.as_str().is_some_and(|key| NAMING_LABELS.contains(&key));
            names && label.value.as_str().is_some_and(fits)
        });
        !container.name.is_empty() && (labels || fits(&self.object.reference.name))
    }

    fn keeps_data(&self, container: &Container<'_>) -> bool {
        let claims = self.object.node.path(&["spec", "volumeClaimTemplates"]);
        let claimed = |volume: &str| {
            claims.into_iter().flat_map(Node::items).any(|claim| {
                claim
                    .path(&["metadata", "name"])
                    .and_then(Node::as_str)
                    .is_some_and(|name| name == volume)
            })
        };
        self.kind == WorkloadKind::StatefulSet && container.mounts().any(|mount| claimed(mount.volume))
    }
}
