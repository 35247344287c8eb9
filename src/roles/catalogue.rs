//! The catalogue of known sidecars: `catalogue.yaml`, and what a config file adds to it.

use std::sync::{Arc, LazyLock};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::{
    source::{Pattern, PatternError},
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
    /// Ports that it serves the app on by default.
    pub serves: Vec<u16>,
    /// It listens on 127.0.0.1 unless told otherwise, where no kubelet probe reaches it.
    pub loopback: bool,
    /// Programs that reach it without an address (`docker`).
    pub tools: Vec<String>,
    /// Arguments that make it run once and exit.
    pub one_shot: Vec<String>,
    /// Its readiness waits for the app: as a startup gate it would never open.
    pub readiness_needs_app: bool,
    /// Settings that delay its end.
    pub drain: Vec<String>,
    /// Where this is from.
    pub source: String,
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

/// Known sidecars with their globs compiled.
#[derive(Debug, Clone)]
pub struct Catalogue {
    entries: Vec<Arc<KnownSidecar>>,
    images: GlobSet,
    /// The entry that each glob of `images` belongs to.
    owners: Vec<usize>,
}

static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
    // The file is part of the binary; a test holds it to its form.
    let entries: Vec<KnownSidecar> = serde_yaml::from_str(include_str!("catalogue.yaml")).unwrap_or_default();
    Catalogue::new(entries).unwrap_or_else(|_| Catalogue {
        entries: Vec::new(),
        images: GlobSet::empty(),
        owners: Vec::new(),
    })
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
    pub fn extended(mut added: Vec<KnownSidecar>) -> Result<Self, CatalogueError> {
        // Somebody who lists an image says that it is a sidecar.
        added.iter_mut().for_each(|entry| entry.certain = true);
        added.iter().try_for_each(KnownSidecar::check_globs)?;
        added.extend(Self::built_in().entries.iter().map(|entry| (**entry).clone()));
        Self::new(added)
    }

    fn new(entries: Vec<KnownSidecar>) -> Result<Self, CatalogueError> {
        let mut globs = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            for pattern in &entry.images {
                let error = |error: globset::Error| CatalogueError::Glob {
                    name: entry.name.clone(),
                    glob: pattern.clone(),
                    source: PatternError::Malformed(error.to_string()),
                };
                let anywhere = format!("**/{pattern}");
                globs.add(
                    GlobBuilder::new(&anywhere)
                        .literal_separator(true)
                        .build()
                        .map_err(error)?,
                );
                owners.push(index);
            }
        }
        let images = globs.build().map_err(|error| CatalogueError::Glob {
            name: String::new(),
            glob: String::new(),
            source: PatternError::Malformed(error.to_string()),
        })?;
        Ok(Self {
            entries: entries.into_iter().map(Arc::new).collect(),
            images,
            owners,
        })
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<KnownSidecar>> {
        self.entries.iter()
    }

    /// The entry of an image.
    #[must_use]
    pub fn by_image(&self, image: Image<'_>) -> Option<&Arc<KnownSidecar>> {
        self.images
            .matches(image.repository)
            .into_iter()
            .filter_map(|glob| self.entries.get(*self.owners.get(glob)?))
            .find(|entry| {
                entry.tags.is_empty()
                    || image
                        .tag
                        .is_some_and(|tag| entry.tags.iter().any(|glob| matches_glob(glob, tag)))
            })
    }

    /// The entry that a container's name is one of.
    #[must_use]
    pub fn by_container_name(&self, name: &str) -> Option<&Arc<KnownSidecar>> {
        self.entries
            .iter()
            .find(|entry| entry.containers.iter().any(|known| known == name))
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

/// `*` stands for anything.
fn matches_glob(glob: &str, text: &str) -> bool {
    Pattern::new(glob, false).is_ok_and(|pattern| pattern.is_match(text))
}

impl KnownSidecar {
    /// Whether each of its globs can be used.
    fn check_globs(&self) -> Result<(), CatalogueError> {
        let images = self.images.iter().map(|glob| (glob, format!("**/{glob}"), true));
        let others = self.tags.iter().chain(&self.containers);
        images
            .chain(others.map(|glob| (glob, glob.clone(), false)))
            .try_for_each(|(glob, whole, separated)| match Pattern::new(&whole, separated) {
                Ok(_) => Ok(()),
                Err(source) => Err(CatalogueError::Glob {
                    name: self.name.clone(),
                    glob: glob.chars().take(60).collect(),
                    source,
                }),
            })
    }

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
    fn the_built_in_file_is_well_formed_and_sourced() {
        let entries: Vec<KnownSidecar> = serde_yaml::from_str(include_str!("catalogue.yaml")).unwrap();
        assert!(entries.len() > 30);
        for entry in &entries {
            assert!(
                entry.source.starts_with("https://"),
                "{} has no source",
                entry.name
            );
            assert!(!entry.images.is_empty(), "{} has no image", entry.name);
        }
        Catalogue::new(entries).unwrap();
    }

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
