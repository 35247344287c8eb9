//! Containers that mind the one their pod is about: those wait for, and signal, no sidecar of theirs.

use crate::{
    behaviour::{ScriptFacts, script::Kill},
    roles::is_telling_name,
    workload::{Container, ContainerList},
};

use super::{Finder, Party};

/// Parts of the names of containers that set another one up, watch it, or serve it to the outside.
const HELPERS: [&str; 13] = [
    "exporter",
    "metrics",
    "monitor",
    "monitoring",
    "backup",
    "setup",
    "init",
    "provision",
    "provisioner",
    "bootstrap",
    "reloader",
    "watcher",
    "watchdog",
];

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
                    || only_minds(facts)
                    || known.is_none_or(|known| known.serves_jobs)
                        && !workload.is_about(own, other)
                        && is_helper_of(own, other))
    }

    /// In a pod that is to run for ever, a signal that a loop sends makes the kubelet restart the other container.
    pub(super) fn restarts(&self, kill: &Kill) -> bool {
        kill.is_in_loop && !self.owners.workload.runs_to_completion()
    }
}

/// Whether nothing speaks for `other` as the sidecar, and the names or their order do for `own`: people write the
/// main container first.
fn is_helper_of(own: &Container<'_>, other: &Container<'_>) -> bool {
    let serves = is_telling_name(other.name) || other.is_lifecycle_sidecar();
    let helps = is_telling_name(own.name) || own.name.split(['-', '_']).any(|part| HELPERS.contains(&part));
    !serves && (helps || other.list == own.list && other.index < own.index)
}

/// Whether a script has no program to run: it asks the other containers of the pod, or sets them up, and then does
/// nothing any more.
fn only_minds(facts: &ScriptFacts) -> bool {
    facts.stays_idle || facts.work.is_empty() && facts.background.is_empty()
}
