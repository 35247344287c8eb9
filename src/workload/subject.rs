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
        container.mounts().any(|mount| self.is_claimed(mount.volume))
    }

    /// Whether a volume is one of a StatefulSet's own claims.
    fn is_claimed(&self, volume: &str) -> bool {
        let claims = self.object.node.path(&["spec", "volumeClaimTemplates"]);
        self.kind == WorkloadKind::StatefulSet
            && claims.into_iter().flat_map(Node::items).any(|claim| {
                claim
                    .path(&["metadata", "name"])
                    .and_then(Node::as_str)
                    .is_some_and(|name| name == volume)
            })
    }

    /// Whether a container works on the data that another one, which comes before it, keeps in a StatefulSet's claim: it
    /// mounts them at the same path.
    #[must_use]
    pub fn works_on_data_of(&self, container: &Container<'_>, other: &Container<'_>) -> bool {
        let is_behind = other.list == container.list && other.index < container.index;
        is_behind
            && container.mounts().any(|own| {
                self.is_claimed(own.volume)
                    && other
                        .mounts()
                        .any(|theirs| theirs.volume == own.volume && theirs.path == own.path)
            })
    }
}
