//! Where among the init containers a sidecar goes (`semantics.md`, 3.0 and 3.8).

use crate::{
    rules::{Member, Pod},
    workload::ContainerList,
};

/// Init containers that redirect the pod's traffic into a proxy.
const REDIRECTING: [&str; 3] = ["istio-init", "linkerd-init", "kuma-init"];

/// The index in `initContainers` for a sidecar that is moved there.
///
/// Today it starts after all init containers, so the end changes least. A mesh proxy goes directly behind the
/// init container that redirects the traffic to it, since the later ones need the network.
pub(super) fn index(pod: &Pod<'_>, member: &Member<'_>) -> usize {
    let inits = || {
        pod.members
            .iter()
            .filter(|other| other.container.list == ContainerList::Init)
    };
    let redirects = inits().position(|other| REDIRECTING.contains(&other.container.name));
    let is_mesh_proxy = pod
        .catalogue
        .of(&member.container)
        .is_some_and(|known| matches!(known.name.as_str(), "istio-proxy" | "linkerd-proxy" | "kuma-dp"));
    match redirects {
        Some(at) if is_mesh_proxy => at + 1,
        _ => inits().count(),
    }
}
