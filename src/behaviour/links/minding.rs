//! Containers that mind the one their pod is about: those wait for, and signal, no sidecar of theirs.

use crate::{
    behaviour::{ScriptFacts, script::Kill},
    catalogue::container_name::{Purpose, tells},
    roles::is_telling_name,
    workload::{Container, ContainerList, ProbeKind},
};

use super::{Finder, Party};

impl Finder<'_, '_> {
    /// Whether a container that waits for, or signals, another one is there to mind it: that is its own affair, but
    /// for a declared sidecar, which starts before the app. A known sidecar minds the app, and in a pod that runs for
    /// ever so does a container that sets up, watches or fronts the one the workload is about.
    pub(super) fn minds_the_app(&self, from: usize, other: &Party, facts: &ScriptFacts) -> bool {
        let workload = self.owners.workload;
        let (Party::Container(other), Some(own)) = (other, workload.containers.get(from)) else {
            return false;
        };
        let Some(other) = workload.containers.get(*other) else {
            return false;
        };
        let known = self.owners.known(other);
        if own.is_native_sidecar() || known.is_some_and(|known| known.certain) {
            return false;
        }
        let knows_its_app = self.owners.known(own).is_some() && known.is_none();
        let runs_for_ever = own.list == ContainerList::Regular && !workload.runs_to_completion();
        knows_its_app
            || runs_for_ever
                && (workload.is_about(other, own)
                    || workload.works_on_data_of(own, other)
                    || only_minds(facts, own, other)
                    || known.is_none_or(|known| known.serves_jobs)
                        && !workload.is_about(own, other)
                        && is_helper_of(own, other, facts))
    }

    /// In a pod that is to run for ever, a signal that a loop sends makes the kubelet restart the other container.
    pub(super) fn restarts(&self, kill: &Kill) -> bool {
        kill.is_in_loop && !self.owners.workload.runs_to_completion()
    }
}

/// Whether nothing speaks for `other` as the sidecar, and the names or their order do for `own`: people write the
/// main container first. They write a sidecar first, too, so the order says nothing about one that starts a server.
fn is_helper_of(own: &Container<'_>, other: &Container<'_>, facts: &ScriptFacts) -> bool {
    let serves = is_telling_name(other.name) || other.is_lifecycle_sidecar();
    let helps = is_telling_name(own.name) || tells(own.name, Purpose::Helps);
    let is_behind = || other.list == own.list && other.index < own.index;
    !serves && (helps || is_behind() && !starts_the_server(own, facts))
}

/// Whether a container starts, behind its wait, a server that is asked from outside: it declares a port that is not for
/// its figures, or the kubelet asks it. A front door does so on behalf of the app.
fn starts_the_server(own: &Container<'_>, facts: &ScriptFacts) -> bool {
    let is_for_figures = |name: &str| {
        name.split('-')
            .any(|part| part == "metrics" || part.starts_with("prom"))
    };
    let serves = own.ports().any(|port| !port.name.is_some_and(is_for_figures))
        || ProbeKind::ALL
            .iter()
            .filter_map(|kind| own.probe(*kind))
            .any(|probe| probe.port().is_some());
    let image = own.image().map_or("", |image| image.base_name());
    let is_front_door = [image, own.name].iter().any(|name| tells(name, Purpose::Fronts));
    serves && !facts.work.is_empty() && !is_front_door
}

/// Whether a script has no program to run: it asks the other containers of the pod, or sets them up, and then does
/// nothing any more.
fn only_minds(facts: &ScriptFacts, own: &Container<'_>, other: &Container<'_>) -> bool {
    // What stands first and works before it idles may be the main container as well.
    let is_first = own.index < other.index && !facts.work.is_empty();
    facts.stays_idle && !is_first || facts.work.is_empty() && facts.background.is_empty()
}
