//! The catalogue of known sidecars: its rows, and what a configuration file adds to them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Serialize};

use super::{
    image_glob::{ImageGlob, LastPart, matches_stars},
    injector::Injector,
    sidecars::rows,
};
use crate::{
    source::PatternError,
    workload::{Container, Image},
};

/// A known sidecar.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KnownSidecar {
    /// What messages call it.
    pub name: String,
    /// Globs over the image's repository; one without a slash is compared with its last part.
    pub images: Vec<String>,
    /// Globs over the image's tag, where the repository alone does not tell.
    pub tags: Vec<String>,
    /// Container names it goes by.
    pub containers: Vec<String>,
    /// The image serves as nothing but a sidecar.
    pub certain: bool,
    /// Beside a container that is no known sidecar it serves that one, but in a DaemonSet.
    pub companion: bool,
    /// A server, which a Job or another pod that ends is run against: beside another container it serves that one.
    pub serves_jobs: bool,
    /// A proxy that may be what a pod is for, but not in one that ends: there it serves the container beside it.
    #[serde(skip)]
    pub in_jobs: bool,
    /// Names of its executables.
    pub programs: Vec<String>,
    /// Who adds it to pods without a word in the manifest.
    pub injector: Option<String>,
    /// Annotations or labels (`NAME` or `NAME=VALUE`) on the pod template that ask for the injection.
    pub injection: Vec<String>,
    /// The injector's own annotation for a native sidecar.
    pub switch: Option<Switch>,
    /// Where it says that it is ready.
    pub ready: Vec<Endpoint>,
    /// What ends it.
    pub quit: Vec<Endpoint>,
    /// The flag that opens what ends it, where it is closed without it.
    pub quit_flag: Option<String>,
    /// The flag that sets another port for what ends it.
    #[serde(skip)]
    pub quit_port_flag: Option<String>,
    /// The flag that names a file with more of its flags.
    #[serde(skip)]
    pub settings_flag: Option<String>,
    /// Ports that it serves the app on by default.
    pub serves: Vec<u16>,
    /// It listens on 127.0.0.1 unless told otherwise, where no kubelet probe reaches it.
    pub loopback: bool,
    /// Ports that it serves on 127.0.0.1 unless told otherwise, while others are served at every address.
    pub local_ports: Vec<u16>,
    /// Ports that it serves at every address by default.
    #[serde(skip)]
    pub open_ports: Vec<u16>,
    /// The health listener that its own flags turn on.
    pub health: Option<HealthListener>,
    /// The prefix of the environment variables that stand for its flags: `CSQL_PROXY_` and `CSQL_PROXY_PORT`.
    pub flag_variables: Option<String>,
    /// Programs that reach it without an address (`docker`).
    pub tools: Vec<String>,
    /// Subcommands that run its server.
    pub subcommands: Vec<String>,
    /// Without a subcommand it runs no server, unless the image brings one as its own command.
    pub needs_subcommand: bool,
    /// Options and subcommands that make it do one thing and end (`NAME`, or `NAME=VALUE`).
    pub one_shot: Vec<String>,
    /// Environment variables that do so (`NAME` for any value but false, or `NAME=VALUE`).
    pub one_shot_variables: Vec<String>,
    /// Words that are neither option nor subcommand are arguments of its server.
    pub operands: bool,
    /// The image's entrypoint runs a first argument that is no option as a program.
    pub runs_arguments: bool,
    /// Options and variables that sound like an end and are none.
    pub keeps_running: Vec<String>,
    /// Its own configuration files may say that it ends: `exit_after_auth`, `exit_on_eof`, a source that is read to its end.
    #[serde(skip)]
    pub ends_by_configuration: bool,
    /// Arguments by which it is a gateway of its own, which serves no other container.
    pub gateway: Vec<String>,
    /// The network of the whole pod goes through it.
    pub redirects_traffic: bool,
    /// Its readiness waits for the app: as a startup gate it would never open.
    pub readiness_needs_app: bool,
    /// Settings that delay its end.
    pub drain: Vec<String>,
    /// Where this is from.
    pub source: String,
    /// The day on which somebody compared the entry with its source.
    pub checked: String,
    /// A configuration file lists it: its owner says that it is a sidecar.
    #[serde(skip)]
    pub is_configured: bool,
}

/// A listener for probes that a sidecar has only when it is told to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthListener {
    /// The flag that turns it on.
    pub flag: String,
    /// The path that says that it is ready.
    pub path: String,
    /// Its port by default.
    pub port: u16,
    /// The flag that sets another port.
    pub port_flag: String,
    /// The flag that sets its address, where it listens on 127.0.0.1 without it.
    pub address_flag: Option<String>,
}

/// An injector's switch for native sidecars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Switch {
    /// The annotation on the pod template.
    pub annotation: String,
    /// Its value.
    pub value: String,
    /// Since which version it holds.
    pub since: String,
    /// Names that the annotation had before, which are still read.
    #[serde(default)]
    pub formerly: Vec<String>,
}

impl Switch {
    /// The switch of an injector that may be set whatever its version.
    pub(super) fn of(injector: &Injector) -> Option<Self> {
        let switch = injector
            .pod_switch
            .as_ref()
            .filter(|switch| !switch.needs_version)?;
        Some(Self {
            annotation: switch.annotation.to_owned(),
            value: switch.value.to_owned(),
            since: switch.note.to_owned(),
            formerly: switch
                .formerly
                .iter()
                .map(|own| own.annotation.to_owned())
                .collect(),
        })
    }
}

/// A port, with a path where it is HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The port.
    pub port: u16,
    /// The path; absent for a bare listener.
    #[serde(default)]
    pub path: Option<String>,
}

/// The catalogue is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A glob is malformed or too complex.
    #[error("sidecar {name}: the glob {glob:?} can't be used: {source}")]
    Glob {
        /// The entry.
        name: String,
        /// The glob.
        glob: String,
        /// What is wrong with it.
        source: PatternError,
    },
}

/// So many characters of a glob are said.
const LONGEST_NAMED: usize = 60;

/// Known sidecars with their globs.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: Vec<Arc<KnownSidecar>>,
    /// Each glob with the entry it belongs to.
    images: Vec<(ImageGlob, usize)>,
    /// The globs of which the last part is one text, by that part, in their order.
    by_last_part: HashMap<String, Vec<usize>>,
    /// The others, in their order, with what the last part begins and ends with.
    any_last_part: Vec<(usize, String, String)>,
    /// The first entry of each container's name.
    by_container: HashMap<String, usize>,
    /// Flags, variables and annotations that delay a sidecar's end.
    drains: HashSet<String>,
}

static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
    let entries = rows().map(|row| Arc::new(KnownSidecar::from(row))).collect();
    // The rows are part of the binary; a test holds their globs to their form.
    Catalogue::new(entries).unwrap_or_default()
});

impl Catalogue {
    /// The catalogue that comes with the program.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The built-in catalogue with entries of the user's before its own.
    ///
    /// # Errors
    /// A malformed image glob.
    pub fn extended(added: Vec<KnownSidecar>) -> Result<Self, CatalogueError> {
        if added.is_empty() {
            return Ok(Self::built_in().clone());
        }
        // Somebody who lists an image says that it is a sidecar.
        let mut entries: Vec<Arc<KnownSidecar>> = added
            .into_iter()
            .map(|entry| {
                Arc::new(KnownSidecar {
                    certain: true,
                    is_configured: true,
                    ..entry
                })
            })
            .collect();
        entries.extend(Self::built_in().entries.iter().map(Arc::clone));
        Self::new(entries)
    }

    fn new(entries: Vec<Arc<KnownSidecar>>) -> Result<Self, CatalogueError> {
        let mut images = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            for pattern in &entry.images {
                let glob = ImageGlob::new(pattern).map_err(|source| CatalogueError::Glob {
                    name: entry.name.clone(),
                    glob: pattern.chars().take(LONGEST_NAMED).collect(),
                    source,
                })?;
                images.push((glob, index));
            }
        }
        let mut by_last_part: HashMap<String, Vec<usize>> = HashMap::new();
        let mut any_last_part = Vec::new();
        for (at, (glob, _)) in images.iter().enumerate() {
            match glob.last_part() {
                LastPart::Text(part) => by_last_part.entry(part).or_default().push(at),
                LastPart::Between(start, end) => any_last_part.push((at, start, end)),
            }
        }
        let containers = entries.iter().enumerate().rev().flat_map(|(index, entry)| {
            let names = entry.containers.iter().cloned();
            names.map(move |name| (name, index))
        });
        let drains = entries.iter().flat_map(|entry| entry.drain.iter().cloned());
        Ok(Self {
            by_container: containers.collect(),
            drains: drains.collect(),
            entries,
            images,
            by_last_part,
            any_last_part,
        })
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<KnownSidecar>> {
        self.entries.iter()
    }

    /// The entry of an image.
    #[must_use]
    pub fn by_image(&self, image: Image<'_>) -> Option<&Arc<KnownSidecar>> {
        let of_glob = |at: usize| {
            let (glob, index) = self.images.get(at)?;
            let entry = self.entries.get(*index)?;
            let has_tag = || {
                image
                    .tag
                    .is_some_and(|tag| entry.tags.iter().any(|glob| matches_stars(glob, tag)))
            };
            let is_it = glob.matches(image.repository) && (entry.tags.is_empty() || has_tag());
            is_it.then_some((at, entry))
        };
        let last_part = image.repository.rsplit('/').next().unwrap_or_default();
        let of_part = self.by_last_part.get(last_part);
        let by_part = of_part.and_then(|globs| globs.iter().copied().find_map(of_glob));
        let before = by_part.map_or(usize::MAX, |(at, _)| at);
        let by_any = self
            .any_last_part
            .iter()
            .take_while(|(at, ..)| *at < before)
            .filter(|(_, start, end)| {
                last_part.starts_with(start.as_str()) && last_part.ends_with(end.as_str())
            })
            .find_map(|(at, ..)| of_glob(*at));
        // The first glob counts.
        by_any.or(by_part).map(|(_, entry)| entry)
    }

    /// Whether a flag, variable or annotation (by the last part of its name) delays the end of some sidecar.
    #[must_use]
    pub fn delays_some_end(&self, setting: &str) -> bool {
        self.drains.contains(setting)
    }

    /// The entry that a container's name is one of.
    #[must_use]
    pub fn by_container_name(&self, name: &str) -> Option<&Arc<KnownSidecar>> {
        self.entries.get(*self.by_container.get(name)?)
    }

    /// The entry of a container: by its image, else by its name.
    #[must_use]
    pub fn of(&self, container: &Container<'_>) -> Option<&Arc<KnownSidecar>> {
        container
            .image()
            .and_then(|image| self.by_image(image))
            .or_else(|| self.by_container_name(container.name))
    }
}

/// Whether the value of an option or variable turns it off.
#[must_use]
pub fn is_false(value: &str) -> bool {
    ["", "false", "no", "off", "0"]
        .iter()
        .any(|off| value.eq_ignore_ascii_case(off))
}

impl KnownSidecar {
    /// The injector's switch where it is an annotation of its own. The OpenTelemetry operator is told by one and the
    /// same annotation what to inject: whether that becomes a native sidecar is its version's affair.
    #[must_use]
    pub fn own_switch(&self) -> Option<&Switch> {
        self.switch
            .as_ref()
            .filter(|switch| !self.injection.contains(&switch.annotation))
    }

    /// Whether it says on this port (and path) that it is ready.
    #[must_use]
    pub fn is_ready_endpoint(&self, port: u16, path: Option<&str>) -> bool {
        self.serves.contains(&port) || self.ready.iter().any(|endpoint| endpoint.matches(port, path))
    }

    /// Whether a flag, variable or annotation (by the last part of its name) delays its end.
    #[must_use]
    pub fn delays_its_end(&self, setting: &str) -> bool {
        self.drain.iter().any(|own| own == setting)
    }

    /// Whether one of its executables has that name.
    #[must_use]
    pub fn runs_program(&self, name: &str) -> bool {
        self.programs.iter().any(|program| program == name)
    }

    /// Whether an option, as written and with the value that follows, makes it do one thing and end.
    #[must_use]
    pub fn is_one_shot_option(&self, written: &str, value: Option<&str>) -> bool {
        let split = |text: &str| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (text.to_owned(), None),
        };
        let (name, attached) = split(written);
        let is_off = attached.as_deref().is_some_and(is_false);
        let bare = name.trim_start_matches('-');
        let is_alone = !written.contains('=');
        let is_common = is_alone && matches!(bare, "version" | "help");
        is_common
            || self
                .one_shot
                .iter()
                .filter(|mode| mode.starts_with('-'))
                .any(|mode| {
                    let (own, wanted) = split(mode);
                    let own_bare = own.trim_start_matches('-');
                    // `-d` is another option than `--d`; of a long one, Go's programs take either.
                    let is_it = if own_bare.len() == 1 {
                        own == name
                    } else {
                        own_bare == bare
                    };
                    is_it && wanted.map_or(!is_off, |wanted| value == Some(wanted.as_str()))
                })
    }

    /// Whether a word is a subcommand that does one thing and ends.
    #[must_use]
    pub fn is_one_shot_word(&self, word: &str) -> bool {
        self.one_shot.iter().any(|mode| mode == word)
    }

    /// Whether a word sets a property that makes it end: `exit_on_eof=true`.
    #[must_use]
    pub fn is_one_shot_property(&self, word: &str) -> bool {
        word.split_once('=').is_some_and(|(name, value)| {
            let is_it = |mode: &String| !mode.starts_with('-') && mode.eq_ignore_ascii_case(name);
            self.one_shot.iter().any(is_it) && !is_false(value)
        })
    }

    /// Whether arguments make it a gateway of its own, which serves no other container.
    #[must_use]
    pub fn is_gateway(&self, arguments: &[&str]) -> bool {
        self.gateway.iter().any(|gateway| {
            let words: Vec<&str> = gateway.split(' ').collect();
            arguments.windows(words.len()).any(|window| window == words)
        })
    }

    /// Whether a call to this port and path ends it.
    #[must_use]
    pub fn is_quit_endpoint(&self, port: u16, path: Option<&str>) -> bool {
        self.quit.iter().any(|endpoint| endpoint.matches(port, path))
    }
}

impl Endpoint {
    fn matches(&self, port: u16, path: Option<&str>) -> bool {
        self.port == port
            && match (&self.path, path) {
                (Some(own), Some(path)) => own.trim_end_matches('/') == path.trim_end_matches('/'),
                (None, _) => true,
                (Some(_), None) => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_whatever_the_registry() {
        for (image, name) in [
            ("docker.io/istio/proxyv2:1.24.0", Some("istio-proxy")),
            ("gcr.io/istio-release/proxyv2", Some("istio-proxy")),
            (
                "gcr.io/cloudsql-docker/gce-proxy:1.33",
                Some("cloud-sql-proxy v1"),
            ),
            (
                "eu.gcr.io/cloud-sql-connectors/cloud-sql-proxy:2@sha256:00",
                Some("cloud-sql-proxy"),
            ),
            ("docker:27-dind", Some("docker-in-docker")),
            ("docker:27-cli", None),
            ("example.com/my-team/app", None),
            ("cr.l5d.io/linkerd/proxy:stable", Some("linkerd-proxy")),
            ("fluent/fluentd-kubernetes-daemonset:v1", Some("fluentd")),
        ] {
            let found = Catalogue::built_in().by_image(Image::parse(image));
            assert_eq!(found.map(|entry| entry.name.as_str()), name, "{image}");
        }
    }
}
