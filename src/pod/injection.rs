//! How injectors add their sidecars to a pod: by its own switch, the version that is installed, and the cluster's.

use super::Pod;
use crate::{
    catalogue::injector::{self, Injector, InjectsNative, Installed, Mark},
    roles::{KnownSidecar, pod_mark, switches_of},
    workload::Container,
    yaml::Node,
};

/// The annotation by which a pod asks for a native sidecar, as the installed version reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SwitchToSet {
    /// The annotation.
    pub(crate) annotation: String,
    /// Its value.
    pub(crate) value: String,
    /// From which version on it holds.
    pub(crate) note: String,
}

impl Pod<'_> {
    /// Whether an injector adds its sidecar to this pod natively. Where its version is not known, a switch that the pod
    /// sets is taken at its word.
    pub(crate) fn injects_native(&self, known: &KnownSidecar) -> InjectsNative {
        let switches = switches_of(self.workload, known);
        let wish = switches.first().map(|(_, on)| *on);
        let Some(injector) = row(known) else {
            return match wish {
                Some(true) => InjectsNative::Proved,
                Some(false) => InjectsNative::Refuted,
                None => InjectsNative::Unknown,
            };
        };
        let installed = self.installed(injector);
        match injector.injects_native(installed, self.kubernetes_minor(), &switches) {
            InjectsNative::Unknown if wish == Some(true) && installed.version.is_none() => {
                InjectsNative::Proved
            }
            answer => answer,
        }
    }

    /// Whether an injector adds its sidecar natively, or is asked to by the pod.
    pub(crate) fn is_injected_natively(&self, known: &KnownSidecar) -> bool {
        self.injects_native(known) == InjectsNative::Proved
    }

    /// Whether the installed versions alone prove it, so that no switch has to be believed.
    pub(crate) fn is_proved_native(&self, known: &KnownSidecar) -> bool {
        row(known).is_some_and(|injector| {
            let switches = switches_of(self.workload, known);
            injector.injects_native(self.installed(injector), self.kubernetes_minor(), &switches)
                == InjectsNative::Proved
        })
    }

    /// Whether this pod gets the sidecar of an injector natively.
    pub(crate) fn gets_natively(&self, injector: &Injector) -> bool {
        let of_it = self
            .catalogue
            .entries()
            .filter(|known| known.injector.as_deref() == Some(injector.name));
        !injector.is_kept_out(self.workload)
            && of_it.into_iter().any(|known| self.is_injected_natively(known))
    }

    /// Whether an injected sidecar keeps a pod from completing, unless something ends it: an ordinary container that does
    /// not leave when its work is done, and of an injector that says by its version alone what it adds, a version that is
    /// known.
    pub(crate) fn may_keep_from_completing(&self, known: &KnownSidecar) -> bool {
        let is_promoted = self.annotation_names(known) && self.ignores_annotation().is_none();
        let row = row(known);
        let leaves =
            row.is_some_and(|injector| injector.ends_with_the_job || self.is_told_to_leave(injector));
        // Newer versions make native sidecars and have no switch that would show it.
        let is_silent = row.is_some_and(|injector| {
            let has_switch = injector
                .pod_switch
                .as_ref()
                .is_some_and(|switch| !known.injection.iter().any(|mark| mark == switch.annotation));
            !has_switch && injector.pod_switch.is_some() && self.installed(injector).version.is_none()
        });
        !is_promoted && !leaves && !is_silent && !self.is_injected_natively(known)
    }

    /// The annotation that makes an injected sidecar leave by itself.
    pub(crate) fn leaves_when_told(&self, known: &KnownSidecar) -> Option<&'static Mark> {
        row(known)?.leaves_with.first()
    }

    /// Whether the pod's annotations make an injector's sidecar leave by itself.
    fn is_told_to_leave(&self, injector: &Injector) -> bool {
        let is_told = |mark: &Mark| {
            let mark = format!("{}={}", mark.annotation, mark.value.unwrap_or_default());
            pod_mark(self.workload, &mark).is_some()
        };
        injector.leaves_with.iter().any(is_told)
    }

    /// Where an injected sidecar is an ordinary container, for a sentence; nothing where it is one everywhere.
    pub(crate) fn where_ordinary(&self, known: &KnownSidecar) -> Option<String> {
        if self.injects_native(known) == InjectsNative::Refuted {
            return None;
        }
        row(known).map(|injector| injector.where_ordinary(self.installed(injector), self.kubernetes_minor()))
    }

    /// Whether the installed version makes it a native sidecar by default, and only Kubernetes' own is not known.
    pub(crate) fn is_native_on_new_clusters(&self, known: &KnownSidecar) -> bool {
        self.kubernetes_minor().is_none()
            && self.injects_native(known) == InjectsNative::Unknown
            && row(known).is_some_and(|injector| injector.is_native_by_default(self.installed(injector)))
    }

    /// Whether an injector's proxy is what the pod is for: a gateway, by its template, its arguments, or since nothing else
    /// is in the pod.
    pub(crate) fn is_gateway_of(&self, injector: &Injector) -> bool {
        let asks_for_gateway = injector.templates.as_ref().is_some_and(|templates| {
            let named = self.workload.pod_annotation(templates.annotation);
            let named = named.and_then(|entry| entry.value.as_str()).unwrap_or_default();
            named
                .split(',')
                .any(|name| templates.gateways.contains(&name.trim()))
        });
        let is_its_proxy = |container: &Container<'_>| {
            let known = self.catalogue.of(container);
            injector::fills_in(container).is_some_and(|filler| filler.name == injector.name)
                || known.is_some_and(|known| known.injector.as_deref() == Some(injector.name))
        };
        let routes = |container: &Container<'_>| {
            let words: Vec<&str> = container
                .arguments()
                .into_iter()
                .filter_map(Node::as_str)
                .collect();
            is_its_proxy(container)
                && self
                    .catalogue
                    .of(container)
                    .is_some_and(|known| known.is_gateway(&words))
        };
        let mut regular = self.workload.regular();
        let is_alone = self.workload.regular().next().is_some() && regular.all(is_its_proxy);
        asks_for_gateway || is_alone || self.workload.regular().any(routes)
    }

    /// The name of the switch by which the pod asks for a native sidecar.
    pub(crate) fn switch_that_is_set<'k>(&self, known: &'k KnownSidecar) -> Option<&'k str> {
        let (name, is_on) = switches_of(self.workload, known).into_iter().next()?;
        is_on.then_some(name)
    }

    /// Whether the pod itself turns native sidecars off.
    pub(crate) fn is_switched_off(&self, known: &KnownSidecar) -> bool {
        let switches = switches_of(self.workload, known);
        switches.first().is_some_and(|(_, on)| !on)
    }

    /// What is known of an injector's installation.
    pub(crate) fn installed(&self, injector: &Injector) -> Installed {
        self.settings.meshes.of(injector)
    }

    /// Kubernetes' minor version, of its oldest node where a cluster is looked at.
    pub(crate) fn kubernetes_minor(&self) -> Option<u32> {
        self.settings.kubernetes_version.map(|(_, minor)| minor)
    }

    /// What makes an injected sidecar a native one, for a sentence; a reason where the manifest can't.
    pub(crate) fn made_native(&self, known: &KnownSidecar) -> Result<String, String> {
        let switch = self.switch_to_set(known)?;
        let (name, value) = (&switch.annotation, &switch.value);
        Ok(format!(
            "{name}: {value:?} on the pod template makes {} a native sidecar",
            known.name
        ))
    }

    /// The switch that the pod can be given so that a sidecar is injected natively; a reason where there is none.
    pub(crate) fn switch_to_set(&self, known: &KnownSidecar) -> Result<SwitchToSet, String> {
        let Some(injector) = row(known) else {
            let injector = known.injector.as_deref().unwrap_or("its injector");
            let own = known.own_switch().map(|switch| SwitchToSet {
                annotation: switch.annotation.clone(),
                value: switch.value.clone(),
                note: switch.since.clone(),
            });
            return own.ok_or_else(|| format!("no switch of {injector} for native sidecars is known"));
        };
        let installed = self.installed(injector);
        let switch = injector
            .pod_switch
            .as_ref()
            .filter(|switch| !known.injection.iter().any(|mark| mark == switch.annotation))
            .ok_or_else(|| injector.without_switch(installed))?;
        match injector.readable_switch(installed) {
            Some(annotation) => Ok(SwitchToSet {
                annotation: annotation.to_owned(),
                value: switch.value.to_owned(),
                note: switch.note.to_owned(),
            }),
            None => Err(injector.without_switch(installed)),
        }
    }
}

/// The row of a sidecar's injector.
fn row(known: &KnownSidecar) -> Option<&'static Injector> {
    known.injector.as_deref().and_then(injector::by_name)
}
