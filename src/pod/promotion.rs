//! What the admission policy of `policy promote` makes of regular containers that the pod's annotation declares.

use crate::{
    catalogue::kubernetes::MUTATING_POLICIES,
    roles::{DECLARATION_ANNOTATION, FIRST, KnownSidecar, NamingKind, POSITION_ANNOTATION, pod_mark},
    workload::{ContainerList, HookKind, ProbeKind},
};

use crate::pod::{KubernetesVersion, Member, Pod};

/// The first version with MutatingAdmissionPolicy in `admissionregistration.k8s.io/v1` (KEP-3962).
pub const PROMOTES_SINCE: KubernetesVersion = (1, MUTATING_POLICIES.since);

/// The admission policies that act on the annotation `kubectl-sidecar/sidecars` in a workload's namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Promoters {
    /// No cluster was asked: the Kubernetes version decides.
    #[default]
    Unasked,
    /// There is one, or it could not be seen whether there is.
    Possible,
    /// The cluster has none.
    Missing,
    /// The cluster has one without a binding, and an unbound policy does nothing.
    Unbound,
    /// Those of the cluster are for other namespaces.
    Elsewhere,
}

impl Pod<'_> {
    /// Why the cluster that the manifests are for does not act on the annotation; nothing where it may.
    pub(crate) fn ignores_annotation(&self) -> Option<String> {
        let reason = match self.settings.promoters {
            Promoters::Possible => return None,
            Promoters::Missing => "no admission policy of the cluster acts on",
            Promoters::Unbound => "the cluster has no binding of the admission policy that acts on",
            Promoters::Elsewhere => "no admission policy that is bound to this namespace acts on",
            Promoters::Unasked => {
                let (major, minor) = self
                    .settings
                    .kubernetes_version
                    .filter(|version| *version < PROMOTES_SINCE)?;
                return Some(format!(
                    "Kubernetes {major}.{minor} has no stable admission policies that could act on {DECLARATION_ANNOTATION}"
                ));
            }
        };
        Some(format!("{reason} {DECLARATION_ANNOTATION}"))
    }

    /// Whether the pod's annotation declares a regular container a sidecar.
    pub(crate) fn is_annotated(&self, member: &Member<'_>) -> bool {
        member.container.list == ContainerList::Regular
            && self.namings.iter().any(|naming| {
                naming.kind == NamingKind::Declaration
                    && naming.names.iter().any(|name| name == member.container.name)
            })
    }

    /// Whether the pod's annotation names a sidecar that an injector adds.
    pub(crate) fn annotation_names(&self, known: &KnownSidecar) -> bool {
        self.namings.iter().any(|naming| {
            naming.kind == NamingKind::Declaration
                && naming.names.iter().any(|name| known.containers.contains(name))
        })
    }

    /// Whether promoted sidecars go before the init containers.
    pub(crate) fn promotes_first(&self) -> bool {
        pod_mark(self.workload, &format!("{POSITION_ANNOTATION}={FIRST}")).is_some()
    }

    /// Whether something holds the app back until this declared sidecar is ready, in the form that declares it.
    pub(crate) fn gates_the_app(&self, member: &Member<'_>) -> bool {
        if self.is_annotated(member) {
            self.gate_when_promoted(member).is_ok()
        } else {
            member.container.gates_the_app()
        }
    }

    /// What holds the app back once the policy has promoted a container: its startupProbe, else its
    /// readinessProbe, of which the policy makes one, else its postStart hook.
    ///
    /// # Errors
    /// Why nothing does.
    pub(crate) fn gate_when_promoted(&self, member: &Member<'_>) -> Result<&'static str, &'static str> {
        let container = &member.container;
        if container.probe(ProbeKind::Startup).is_some() {
            return Ok("startupProbe");
        }
        match self.readiness_gates_when_promoted(member) {
            Err(_) if container.hook(HookKind::PostStart).is_some() => Ok("postStart"),
            outcome => outcome.map(|()| "readinessProbe"),
        }
    }

    /// Whether the policy makes a startupProbe of a container's readinessProbe, or why it does not.
    fn readiness_gates_when_promoted(&self, member: &Member<'_>) -> Result<(), &'static str> {
        let Some(readiness) = member.container.probe(ProbeKind::Readiness) else {
            return Err("it has no readinessProbe");
        };
        if self.readiness_needs_app(member) {
            return Err("its readiness waits for the app");
        }
        let asks_app = readiness.port().is_some_and(|port| {
            self.workload.regular().any(|other| {
                let stays = !self
                    .members
                    .iter()
                    .any(|member| member.container.name == other.name && self.is_annotated(member));
                stays && other.ports().any(|own| own.number.to_string() == port)
            })
        });
        match asks_app {
            true => Err("its readinessProbe asks the app"),
            false => Ok(()),
        }
    }

    /// Whether the catalogue says that a container is ready only once the app answers: by its image or its name,
    /// as the policy looks at both.
    pub(crate) fn readiness_needs_app(&self, member: &Member<'_>) -> bool {
        let by_image = member
            .container
            .image()
            .and_then(|image| self.catalogue.by_image(image));
        by_image
            .into_iter()
            .chain(self.catalogue.by_container_name(member.container.name))
            .any(|known| known.readiness_needs_app)
    }
}
