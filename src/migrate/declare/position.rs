//! Where among the init containers a sidecar goes (`semantics.md`, 3.0 and 3.8).

use crate::{
    behaviour::{LinkKind, Party},
    catalogue::injector,
    rules::{Member, Pod},
    workload::ContainerList,
    yaml::Node,
};

/// What decides where a sidecar goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::migrate) enum Position {
    /// Behind all init containers: it starts after them today.
    Last,
    /// Before all init containers, behind others of which this is asked.
    First,
    /// Directly behind the init container of this index among the pod's members, which redirects the traffic to
    /// it: the later ones need the network.
    Behind(usize),
    /// Before the init container of this index among the pod's members, which needs it.
    Before(usize),
}

/// The position of a sidecar that is moved.
pub(in crate::migrate) fn position(pod: &Pod<'_>, sidecar: usize) -> Position {
    let Some(member) = pod.members.get(sidecar) else {
        return Position::Last;
    };
    if pod.is_annotated(member) {
        return match pod.promotes_first() {
            true => Position::First,
            false => Position::Last,
        };
    }
    let needing = inits(pod)
        .find(|(index, init)| {
            waits_for(pod, *index, sidecar)
                || (!init.container.is_native_sidecar() && names_address_of(init, member))
        })
        .map(|(index, _)| index);
    let redirects = inits(pod)
        .find(|(_, other)| injector::redirects(other.container.name))
        .map(|(index, _)| index);
    let is_mesh_proxy = pod
        .catalogue
        .of(&member.container)
        .and_then(|known| injector::by_name(known.injector.as_deref()?))
        .is_some_and(|injector| injector.redirecting.is_some());
    match (redirects, needing) {
        (Some(at), _) if is_mesh_proxy => Position::Behind(at),
        (_, Some(at)) => Position::Before(at),
        _ => Position::Last,
    }
}

fn inits<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = (usize, &'p Member<'a>)> {
    pod.members
        .iter()
        .enumerate()
        .filter(|(_, member)| member.container.list == ContainerList::Init)
}

/// Whether a container waits until another one is ready.
pub(in crate::migrate) fn waits_for(pod: &Pod<'_>, container: usize, other: usize) -> bool {
    pod.links.all.iter().any(|link| {
        link.container == container
            && link.other == Party::Container(other)
            && matches!(link.kind, LinkKind::Waits(_) | LinkKind::StartsOnFile(..))
    })
}

/// Whether a container's command or environment names a local address with a port that another one declares.
fn names_address_of(member: &Member<'_>, other: &Member<'_>) -> bool {
    let texts: Vec<&str> = ["command", "args", "env"]
        .iter()
        .filter_map(|field| member.container.node.get(field))
        .flat_map(Node::walk)
        .filter_map(Node::as_str)
        .collect();
    other.container.ports().any(|port| {
        ["localhost", "127.0.0.1"].iter().any(|host| {
            let address = format!("{host}:{}", port.number);
            texts.iter().any(|text| {
                text.match_indices(&address).any(|(at, _)| {
                    let behind = text.get(at + address.len()..).unwrap_or_default();
                    !behind.starts_with(|letter: char| letter.is_ascii_digit())
                })
            })
        })
    })
}
