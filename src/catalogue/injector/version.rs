//! Which version of an injector is there, and what it does.

use std::{cmp::Ordering, fmt};

use super::{INJECTORS, Injector, NativeByDefault, Since};

/// A version of an injector: `1.27`, `edge-25.4.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Linkerd numbers its edge releases by year, month and count.
    is_edge: bool,
    numbers: [u32; PARTS],
    /// How many of the numbers were written.
    written: usize,
}

/// Versions have three numbers at most; what follows them is left out.
const PARTS: usize = 3;

/// An injector as it is installed, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Installed {
    /// Its version.
    pub version: Option<Version>,
    /// Whether its own setting for all pods turns native sidecars on or off; its default holds where absent.
    pub native: Option<bool>,
}

/// The injectors that are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meshes([Installed; INJECTORS.len()]);

/// `NAME=VERSION`, or an entry of a configuration, that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeshError {
    /// No row is about an injector of that name.
    #[error("no injector of sidecars called {name:?} is known; these are: {}", names())]
    UnknownInjector {
        /// The name, as written.
        name: String,
    },
    /// The version is none.
    #[error("{version:?} is no version of {injector} such as {example}")]
    UnreadableVersion {
        /// The injector.
        injector: &'static str,
        /// The version, as written.
        version: String,
        /// A version that can be read.
        example: &'static str,
    },
}

/// Whether an injector adds its sidecar to a pod as a native one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectsNative {
    /// It does.
    Proved,
    /// It does not.
    Refuted,
    /// Its version, Kubernetes' or a setting of the installation decides, and is not known.
    Unknown,
}

impl Version {
    /// Reads `1.27`, `v1.27.3-gke.1`, `stable-2.14.10` or `edge-25.4.1`; nothing where it is no version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_edge, numbers) = match text.split_once('-') {
            Some(("edge", numbers)) => (true, numbers),
            Some(("stable" | "enterprise", numbers)) => (false, numbers),
            _ => (false, text.strip_prefix('v').unwrap_or(text)),
        };
        let numbers = numbers.split(['-', '+']).next()?;
        let mut version = Self {
            is_edge,
            numbers: [0; PARTS],
            written: 0,
        };
        for number in numbers.split('.') {
            let number = number.parse().ok()?;
            if let Some(own) = version.numbers.get_mut(version.written) {
                *own = number;
                version.written += 1;
            }
        }
        // A single number (`latest` is none, `2` may be anything) tells too little.
        (version.written > 1).then_some(version)
    }

    /// Whether this version is a certain one or a later one; nothing where they are numbered differently.
    fn reaches(self, other: &str) -> Option<bool> {
        let other = Self::parse(other)?;
        (self.is_edge == other.is_edge).then(|| self.numbers.cmp(&other.numbers) != Ordering::Less)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_edge {
            out.write_str("edge-")?;
        }
        for (index, number) in self.numbers.iter().take(self.written).enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(out, "{dot}{number}")?;
        }
        Ok(())
    }
}

impl Meshes {
    /// What is known of an injector's installation.
    #[must_use]
    pub fn of(&self, injector: &Injector) -> Installed {
        let at = INJECTORS.iter().position(|row| row.name == injector.name);
        at.and_then(|at| self.0.get(at)).copied().unwrap_or_default()
    }

    /// Sets the version of the injector of a name, over an earlier one.
    ///
    /// # Errors
    /// A name that no row is about, and a version that can't be read.
    pub fn set_version(&mut self, name: &str, version: &str) -> Result<(), MeshError> {
        let at = INJECTORS.iter().position(|row| row.is_called(name));
        let at = at.ok_or_else(|| MeshError::UnknownInjector {
            name: name.to_owned(),
        })?;
        let injector = INJECTORS.get(at);
        let parsed = Version::parse(version).ok_or_else(|| MeshError::UnreadableVersion {
            injector: injector.map_or("", |injector| injector.name),
            version: version.to_owned(),
            example: injector.map_or("", Injector::example_version),
        })?;
        if let Some(own) = self.0.get_mut(at) {
            own.version = Some(parsed);
        }
        Ok(())
    }

    /// Takes over what is not known yet.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            own.version = own.version.or(other.version);
            own.native = own.native.or(other.native);
        }
        self
    }

    /// What a cluster shows of an injector's installation.
    pub fn install(&mut self, injector: &Injector, installed: Installed) {
        let at = INJECTORS.iter().position(|row| row.name == injector.name);
        if let Some(own) = at.and_then(|at| self.0.get_mut(at)) {
            *own = installed;
        }
    }
}

/// `istio, linkerd, …`
fn names() -> String {
    let names: Vec<String> = INJECTORS.iter().map(Injector::key).collect();
    names.join(", ")
}

impl Since {
    /// Whether a version is this one or a later one; nothing where they are numbered differently.
    #[must_use]
    pub fn is_reached_by(&self, version: Version) -> Option<bool> {
        std::iter::once(&self.version)
            .chain(self.also)
            .find_map(|own| version.reaches(own))
    }
}

impl Injector {
    /// Its name in a configuration and on the command line: `istio`, `cloud-sql-proxy-operator`.
    #[must_use]
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase().replace(' ', "-")
    }

    fn is_called(&self, name: &str) -> bool {
        self.key() == name.to_ascii_lowercase().replace([' ', '_'], "-")
    }

    /// A version of it, as an example.
    fn example_version(&self) -> &'static str {
        let default = self.by_default.and_then(|default| default.since);
        default.or(self.since).map_or("1.2.3", |since| since.version)
    }

    /// Whether it adds its sidecar natively, as far as its installation, Kubernetes' minor version (of the oldest node)
    /// and the pod's own switch tell. `switches` are the names of the switch that the pod sets, the newest first, and
    /// whether to on.
    #[must_use]
    pub fn injects_native(
        &self,
        installed: Installed,
        kubernetes: Option<u32>,
        switches: &[(&str, bool)],
    ) -> InjectsNative {
        let reaches = |since: &Since| installed.version.and_then(|version| since.is_reached_by(version));
        let knows = match (&self.since, &self.by_default) {
            (Some(since), _) => reaches(since),
            (None, Some(_)) => Some(true),
            (None, None) => Some(false),
        };
        if knows == Some(false) {
            return InjectsNative::Refuted;
        }
        let is_read = |name: &str| self.since_of_switch(name).map_or(knows, |since| reaches(&since));
        let read = switches
            .iter()
            .map(|(name, on)| (is_read(name), *on))
            .find(|(is_read, _)| *is_read != Some(false));
        match read {
            Some((_, false)) => return InjectsNative::Refuted,
            Some((Some(true), true)) => return InjectsNative::Proved,
            Some((_, true)) => return InjectsNative::Unknown,
            None => {}
        }
        // What remains is the installation's setting, or its default.
        match installed.native {
            Some(true) => return InjectsNative::Proved,
            Some(false) => return InjectsNative::Refuted,
            None => {}
        }
        let Some(default) = self.by_default else {
            return InjectsNative::Unknown;
        };
        let by_version = default.since.as_ref().map_or(Some(true), reaches);
        let by_cluster = default.is_met_by(kubernetes);
        match (by_version, by_cluster) {
            (Some(true), Some(true)) => InjectsNative::Proved,
            _ => InjectsNative::Unknown,
        }
    }

    /// Whether its version makes native sidecars by default, where Kubernetes is new enough.
    #[must_use]
    pub fn is_native_by_default(&self, installed: Installed) -> bool {
        self.by_default.is_some_and(|default| {
            let reaches = |since: Since| {
                installed
                    .version
                    .is_some_and(|version| since.is_reached_by(version) == Some(true))
            };
            default.since.is_some_and(reaches)
        })
    }

    /// The first version that reads a name of its switch, where that is not the first one with native sidecars.
    fn since_of_switch(&self, name: &str) -> Option<Since> {
        let switch = self.pod_switch.as_ref()?;
        let former = switch.formerly.iter().find(|own| own.annotation == name);
        former.map_or(switch.since, |own| Some(own.since))
    }

    /// The annotation of its switch that the installed version reads. Where that is not known it is the present name,
    /// unless versions in use know none.
    #[must_use]
    pub fn readable_switch(&self, installed: Installed) -> Option<&'static str> {
        let switch = self.pod_switch.as_ref()?;
        let Some(version) = installed.version else {
            return (!switch.needs_version).then_some(switch.annotation);
        };
        let present = (switch.annotation, switch.since.or(self.since));
        let former = switch
            .formerly
            .iter()
            .map(|own| (own.annotation, Some(own.since)));
        let reads = |since: Option<Since>| since.map_or(Some(true), |since| since.is_reached_by(version));
        std::iter::once(present)
            .chain(former)
            .find(|(_, since)| reads(*since) == Some(true))
            .map(|(annotation, _)| annotation)
    }

    /// Why a pod can't be given a switch.
    #[must_use]
    pub fn without_switch(&self, installed: Installed) -> String {
        let name = self.name;
        let Some(since) = self.since.or(self.by_default.and_then(|default| default.since)) else {
            return match self.by_default.and_then(|default| default.kubernetes) {
                Some(minor) => format!(
                    "{name} injects native sidecars on Kubernetes 1.{minor} and later, and has no switch for one pod"
                ),
                None => format!("{name} injects no native sidecars yet"),
            };
        };
        match (&self.pod_switch, installed.version) {
            (Some(switch), Some(version)) => {
                let since = switch
                    .formerly
                    .last()
                    .map_or(switch.since.unwrap_or(since), |own| own.since);
                format!(
                    "{name} {version} does not read {}, which {} does first",
                    switch.annotation,
                    since.describe()
                )
            }
            (Some(switch), None) if switch.needs_version => format!(
                "{name} reads {}: {:?} since {}, and its version is not known (--mesh {}=VERSION names it)",
                switch.annotation,
                switch.value,
                since.describe(),
                self.key()
            ),
            _ => {
                let how = match self.installation_switch {
                    Some(setting) => format!("where {setting} is on"),
                    None => "by the version of Kubernetes".to_owned(),
                };
                let always = self
                    .by_default
                    .and_then(|default| default.since)
                    .map_or(String::new(), |default| {
                        format!(", and by default since {}", default.describe())
                    });
                format!(
                    "{name} injects native sidecars since {} {how}{always}, and has no switch for one pod",
                    since.describe()
                )
            }
        }
    }

    /// Where it adds its sidecar as an ordinary container, for a sentence: `in Istio before 1.27 and where …`.
    #[must_use]
    pub fn where_ordinary(&self, installed: Installed, kubernetes: Option<u32>) -> String {
        let Some(default) = self.by_default else {
            return match (self.since, self.installation_switch) {
                (Some(since), Some(switch)) => format!(
                    "in {} before {}, and later unless {switch} is on",
                    self.name, since.version
                ),
                _ => format!("with {}", self.name),
            };
        };
        let nodes = default
            .kubernetes
            .filter(|_| default.is_met_by(kubernetes) != Some(true))
            .map(|minor| match default.on_every_node {
                true => format!("where a node's kubelet is older than 1.{minor}"),
                false => format!("on Kubernetes before 1.{minor}"),
            });
        let versions = default
            .since
            .or(self.since)
            .filter(|_| !self.is_native_by_default(installed))
            .map(|since| format!("in {} before {}", self.name, since.describe()));
        match (versions, nodes) {
            (Some(versions), Some(nodes)) => format!("{versions}, or {nodes}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => format!("with {}", self.name),
        }
    }
}

impl NativeByDefault {
    /// Whether a minor version of Kubernetes is new enough, where that matters.
    fn is_met_by(&self, kubernetes: Option<u32>) -> Option<bool> {
        match self.kubernetes {
            Some(least) => kubernetes.map(|minor| minor >= least),
            None => Some(true),
        }
    }
}

impl Since {
    /// `2.20 (edge-26.5.2)`
    #[must_use]
    pub fn describe(&self) -> String {
        match self.also {
            [] => self.version.to_owned(),
            also => format!("{} ({})", self.version, also.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
