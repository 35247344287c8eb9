//! What a sidecar needs when it starts, and whether it is there then.

use crate::{
    behaviour::{LinkKind, Party},
    pod::{Member, Pod},
    remedy::{
        Options,
        obligation::{Obligation, Proof},
        workaround::unwrap::injected_of,
    },
    roles::{KnownSidecar, Role},
    workload::{ContainerList, Probe},
};

/// Whether what a sidecar needs at its start is there. `sets_switches`: the injectors' own switches are set in the same
/// edit.
pub(crate) fn met(pod: &Pod<'_>, index: usize, options: &Options, sets_switches: bool) -> Vec<Proof> {
    let Some(member) = pod.members.get(index) else {
        return Vec::new();
    };
    let mut proofs = Vec::new();
    match waits_for_an_app(pod, index) {
        Some((other, true)) => proofs.push(Proof::unknown(
            Obligation::NeedsAreMet,
            format!("its postStart hook waits for a file that {other} names and may make"),
        )),
        Some((other, false)) => proofs.push(Proof::refuted(
            Obligation::NeedsAreMet,
            format!("it waits for {other}, which would start only after it"),
        )),
        None => {}
    }
    proofs.extend(mesh(pod, member, options, sets_switches));
    if proofs.is_empty() {
        proofs.push(Proof::proved(
            Obligation::NeedsAreMet,
            "nothing of its start waits for what comes later",
        ));
    }
    proofs
}

/// An app that a sidecar waits for in its script or in a hook, found or only its own affair until now, and whether it may
/// be itself that it waits for.
fn waits_for_an_app<'p>(pod: &'p Pod<'_>, index: usize) -> Option<(&'p str, bool)> {
    let is_app = |party: &Party| match party {
        Party::Container(other) => pod
            .members
            .get(*other)
            .filter(|other| other.container.list == ContainerList::Regular && other.role.role == Role::App),
        Party::Injected(_) | Party::Unknown => None,
    };
    pod.links
        .with_minded(index)
        .filter(|link| matches!(link.kind, LinkKind::Waits(_) | LinkKind::StartsOnFile(..)))
        .filter_map(|link| Some((is_app(&link.other)?.container.name, pod.may_wait_for_itself(link))))
        .min_by_key(|(_, may_be_itself)| *may_be_itself)
}

/// The network is a mesh's, whose proxy is an ordinary container that starts behind all sidecars.
fn mesh(pod: &Pod<'_>, member: &Member<'_>, options: &Options, sets_switches: bool) -> Option<Proof> {
    let proxy = later_proxy(pod, sets_switches)?;
    let gate = options.form.gate();
    let asks_through_network = member
        .container
        .probe(gate)
        .is_some_and(|probe| !is_plain_connection(&probe));
    Some(match asks_through_network {
        true => Proof::refuted(Obligation::NeedsAreMet, needs_network(gate.field(), &proxy)),
        false => Proof::unknown(
            Obligation::NeedsAreMet,
            format!("the pod's network is {proxy}'s, which starts after it unless it is a native sidecar"),
        ),
    })
}

/// The mesh's proxy that the pod's network goes through and that is an ordinary container.
pub(crate) fn later_proxy(pod: &Pod<'_>, sets_switches: bool) -> Option<String> {
    let is_later = |known: &KnownSidecar| {
        known.redirects_traffic
            && !pod.is_injected_natively(known)
            && !(sets_switches && pod.switch_to_set(known).is_ok())
    };
    let injected = pod.injected.iter().map(|injected| &*injected.known);
    let wrapped_for = pod.members.iter().filter_map(|member| injected_of(pod, member));
    let mut proxies = injected.chain(wrapped_for);
    proxies
        .find(|known| is_later(known))
        .map(|known| known.name.clone())
}

/// Why a gate can't be: nothing answers it before the mesh's proxy is up.
pub(crate) fn needs_network(probe: &str, proxy: &str) -> String {
    format!("its {probe} needs the network, which {proxy} gives only later: it is an ordinary container")
}

/// A probe that is answered as soon as something listens.
fn is_plain_connection(probe: &Probe<'_>) -> bool {
    probe.entry.value.get("tcpSocket").is_some()
}
