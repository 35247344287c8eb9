//! Gathers what is known of a workload's pod, before any rule looks at it.

use super::Options;
use crate::{
    pod::{Addresses, Answers, Configuration, Member, Outsiders, Pod, Sources},
    roles::{self, Evidence, INJECTED_SIGN, Role, Strength},
    source::{Lines, SourceError, SourceErrorKind},
    workload::{ConfigMaps, Services, Workload, programs},
};

/// Everything that is known of a workload's pod.
pub(crate) fn pod<'p, 'a: 'p>(
    workload: &'p Workload<'a>,
    config_maps: &ConfigMaps<'a>,
    services: &[&'p Services],
    outsiders: &'p Outsiders<'p>,
    sources: Sources<'p>,
    options: &'p Options,
) -> Pod<'p> {
    let catalogue = &options.catalogue;
    let programs: Vec<_> = workload
        .containers
        .iter()
        .map(|container| programs(workload, container, config_maps))
        .collect();
    let namings = roles::namings(workload);
    let injected = roles::injected(workload, catalogue);
    let links = crate::behaviour::links(workload, &programs, &injected, catalogue);
    let roles = roles::assign(workload, &programs, catalogue, &namings, &links.relations());
    let members = workload
        .containers
        .iter()
        .zip(roles)
        .zip(programs)
        .map(|((container, role), programs)| Member {
            container: container.clone(),
            role,
            programs,
            configuration: Configuration {
                files: config_maps.mounted(workload, container),
                variables: config_maps.known_variables(workload, container),
                unread_mounts: config_maps.unread_mounts(workload, container),
                unread_variables: config_maps.unread_variables(workload, container),
            },
            answers: Answers::default(),
        })
        .collect();
    Pod {
        workload,
        members,
        injected,
        namings,
        links,
        catalogue,
        settings: options.settings,
        live: None,
        services: services
            .iter()
            .flat_map(|services| services.selecting(workload))
            .collect(),
        outsiders,
        sources,
        addresses: Addresses::default(),
    }
}

/// What was injected serves what the template has, if another container is left that is the app.
pub(super) fn mark_injected(pod: &mut Pod<'_>) {
    let Some(live) = pod.live else {
        return;
    };
    let is_app = |member: &Member<'_>| member.role.role == Role::App;
    let is_injected = |member: &Member<'_>| live.injection(member.container.name).is_some();
    if !pod
        .members
        .iter()
        .any(|member| is_app(member) && !is_injected(member))
    {
        return;
    }
    for member in &mut pod.members {
        if is_app(member) && is_injected(member) {
            member.role.role = Role::Sidecar;
            member.role.evidence.insert(
                0,
                Evidence {
                    strength: Strength::Strong,
                    text: INJECTED_SIGN.to_owned(),
                },
            );
        }
    }
}

/// Each container of a pod is compared with each other one. No node runs a pod of so many.
pub(super) const MAX_CONTAINERS: usize = 500;

pub(super) fn too_many_containers(workload: &Workload<'_>, sources: Sources<'_>) -> SourceError {
    let source = sources.own();
    let position = Lines::new(&source.text).position(workload.pod_spec.span().start);
    let message = format!(
        "a pod with {} containers is left out, as no node would run it; at most {MAX_CONTAINERS} are compared",
        workload.containers.len()
    );
    SourceError::new(&source.name, SourceErrorKind::TooLarge, message)
        .at(position.line, Some(position.column))
}
