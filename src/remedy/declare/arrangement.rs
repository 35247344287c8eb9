//! The order of a pod's containers once its sidecars are declared: the last one declared is the first one
//! stopped (`docs/semantics.md`, "Declaring a sidecar").

use crate::remedy::declare::position::{Position, needs, position, waits_for};
use crate::{
    edit::{change::Change, place::place},
    pod::Pod,
    workload::ContainerList,
};

/// Where a pod's containers stand afterwards, by their index among its members.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrangement {
    /// The init containers.
    pub(crate) init: Vec<usize>,
    /// The regular containers.
    pub(crate) regular: Vec<usize>,
    /// The moves that bring them there, each after the one before.
    pub(crate) moves: Vec<Change>,
}

/// Moves containers to `initContainers`. Their order stays, but a sidecar that another one waits for goes before
/// that one. `goes` says of an init container that it is removed first.
///
/// # Errors
/// Sidecars that wait for one another, and a list that can't be changed.
pub(crate) fn arrange(
    pod: &Pod<'_>,
    moved: &[usize],
    goes: &dyn Fn(usize) -> bool,
) -> Result<Arrangement, String> {
    let of_list = |list: ContainerList| -> Vec<usize> {
        let members = pod.members.iter().enumerate();
        members
            .filter(|(index, member)| member.container.list == list && !goes(*index))
            .map(|(index, _)| index)
            .collect()
    };
    let mut arrangement = Arrangement {
        init: of_list(ContainerList::Init),
        regular: of_list(ContainerList::Regular),
        moves: Vec::new(),
    };
    let moved: Vec<usize> = moved
        .iter()
        .copied()
        .filter(|index| arrangement.regular.contains(index))
        .collect();
    if moved.is_empty() {
        return Ok(arrangement);
    }
    let mapping = place(pod.workload.pod_spec)?;
    let mut first = 0;
    for sidecar in in_order(pod, &moved)? {
        let at = |list: &[usize], wanted: usize| list.iter().position(|index| *index == wanted);
        let end = arrangement.init.len();
        let to = match position(pod, sidecar) {
            Position::Last => end,
            Position::First => first,
            Position::Behind(other) => at(&arrangement.init, other).map_or(end, |at| at + 1),
            Position::Before(other) => at(&arrangement.init, other).unwrap_or(end),
        };
        // Not before a sidecar that it waits for itself.
        let needed = arrangement
            .init
            .iter()
            .rposition(|other| needs(pod, sidecar, *other));
        let to = needed.map_or(to, |needed| to.max(needed + 1));
        let Some(index) = at(&arrangement.regular, sidecar) else {
            continue;
        };
        first += usize::from(position(pod, sidecar) == Position::First);
        arrangement.init.insert(to, arrangement.regular.remove(index));
        arrangement.moves.push(Change::Move {
            mapping: mapping.clone(),
            from: "containers",
            index,
            to: "initContainers",
            at: to,
        });
    }
    Ok(arrangement)
}

/// Two sidecars of which the first waits for the second, though it stands before it.
pub(crate) fn out_of_order(pod: &Pod<'_>, sidecars: &[usize]) -> Option<(usize, usize)> {
    sidecars.iter().enumerate().find_map(|(at, sidecar)| {
        let later = sidecars.get(at + 1..)?;
        let other = later.iter().find(|other| needs(pod, *sidecar, **other))?;
        Some((*sidecar, *other))
    })
}

/// Sidecars in their own order, but each behind those that it waits for.
fn in_order(pod: &Pod<'_>, moved: &[usize]) -> Result<Vec<usize>, String> {
    let mut rest = moved.to_vec();
    let mut ordered = Vec::new();
    while !rest.is_empty() {
        let next = rest
            .iter()
            .position(|sidecar| !rest.iter().any(|other| needs(pod, *sidecar, *other)))
            // Those that only name one another keep their order.
            .or_else(|| {
                rest.iter()
                    .position(|sidecar| !rest.iter().any(|other| waits_for(pod, *sidecar, *other)))
            })
            .ok_or("its sidecars wait for one another")?;
        ordered.push(rest.remove(next));
    }
    Ok(ordered)
}
