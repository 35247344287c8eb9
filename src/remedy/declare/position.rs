//! Where among the init containers a sidecar goes (`docs/semantics.md`, "Place among the init containers").

use crate::{
    behaviour::{LinkKind, Party},
    catalogue::injector,
    pod::{Member, Pod},
    workload::ContainerList,
};

/// What decides where a sidecar goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
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
pub(crate) fn position(pod: &Pod<'_>, sidecar: usize) -> Position {
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
                || (!init.container.is_native_sidecar() && names_address_of(pod, init, member))
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
pub(crate) fn waits_for(pod: &Pod<'_>, container: usize, other: usize) -> bool {
    pod.links.all.iter().any(|link| {
        link.container == container
            && link.other == Party::Container(other)
            && matches!(link.kind, LinkKind::Waits(_) | LinkKind::StartsOnFile(..))
    })
}

/// Whether a sidecar waits until another one is ready, or names its address.
pub(crate) fn needs(pod: &Pod<'_>, container: usize, other: usize) -> bool {
    let names = || {
        let (member, other) = (pod.members.get(container)?, pod.members.get(other)?);
        Some(names_address_of(pod, member, other))
    };
    waits_for(pod, container, other) || container != other && names().unwrap_or_default()
}

/// Whether a container names a local address with a port that another one declares, serves or is told to listen on.
fn names_address_of(pod: &Pod<'_>, member: &Member<'_>, other: &Member<'_>) -> bool {
    let declared = other.container.ports().map(|port| port.number);
    let known = pod.catalogue.of(&other.container);
    let told = other.container.arguments().into_iter().filter_map(|word| {
        let (_, port) = word.as_str()?.trim_start_matches('-').split_once("port=")?;
        port.parse().ok()
    });
    let ports: Vec<u16> = declared
        .chain(known.into_iter().flat_map(|known| known.serves.iter().copied()))
        .chain(told)
        .collect();
    ports
        .iter()
        .any(|port| member.container.names_local_port(*port) || names_by_parts(member, *port))
}

/// `DB_HOST: 127.0.0.1` beside `DB_PORT: "5432"`.
fn names_by_parts(member: &Member<'_>, port: u16) -> bool {
    let port = port.to_string();
    let variables: Vec<(&str, &str)> = member
        .container
        .environment()
        .filter_map(|variable| Some((variable.name, variable.value?)))
        .collect();
    variables.iter().any(|(name, value)| {
        let stem = name.strip_suffix("HOST");
        matches!(*value, "127.0.0.1" | "localhost")
            && stem.is_some_and(|stem| variables.contains(&(format!("{stem}PORT").as_str(), port.as_str())))
    })
}
