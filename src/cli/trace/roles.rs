//! Which containers are sidecars though nothing declares them: lint's signs, and the templates of the pods.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::value::RawValue;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::TraceError;
use crate::{
    cli::configuration::Configurations,
    lint::Options,
    live::{UndeclaredSidecars, is_open, undeclared_sidecars},
    pod::Settings,
    roles::Catalogue,
    source::SourceFile,
    trace::{
        evidence::{PodSeen, ScriptsSeen, TemplateSeen},
        object,
    },
};

/// Templates and pods of them that are remembered.
const KEPT: usize = 10_000;

/// A watch event, or the line of a recording that holds one, with its object as it came.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    object: Option<&'l RawValue>,
    #[serde(borrow)]
    event: Option<Inner<'l>>,
}

#[derive(Deserialize)]
struct Inner<'l> {
    #[serde(borrow)]
    object: &'l RawValue,
}

/// The pods of one owner with the same containers have the same sidecars.
type Kin = (String, Vec<String>);

/// Tells the sidecars of pods.
pub(super) struct Roles {
    options: Options,
    /// By the uid of the owner: the containers of its template, where it has one that can be read.
    templates: HashMap<String, Option<BTreeSet<String>>>,
    /// By the uid of the owner, or of the pod: what it shows together with the ConfigMaps that hold its scripts.
    scripts: HashMap<String, BTreeMap<String, String>>,
    known: HashMap<Kin, UndeclaredSidecars>,
}

fn controller(seen: &PodSeen) -> Option<&OwnerReference> {
    object::controller(&seen.pod.metadata.owner_references)
}

/// The uid of what tells of a pod and of others like it.
fn holder(seen: &PodSeen) -> &str {
    controller(seen).map_or(&seen.pod.metadata.uid, |owner| &owner.uid)
}

/// The object in a watch event, or in the line of a recording.
fn object(line: &str) -> Option<&str> {
    let line: Line<'_> = serde_json::from_str(line).ok()?;
    let object = line.object.or(line.event.map(|event| event.object))?;
    Some(object.get())
}

impl Roles {
    /// Knows the catalogue, and the sidecars that the configuration of the current directory adds to it.
    pub(super) fn new() -> Result<Self, TraceError> {
        let wrong = |error: &dyn std::fmt::Display| TraceError::Configuration(error.to_string());
        let configurations = Configurations::new(None, false).map_err(|error| wrong(&error))?;
        let loaded = configurations.of_objects().map_err(|error| wrong(&error))?;
        let sidecars = loaded.configuration.sidecars;
        Ok(Self {
            options: Options {
                settings: Settings::default(),
                catalogue: Arc::new(Catalogue::extended(sidecars).map_err(|error| wrong(&error))?),
            },
            templates: HashMap::new(),
            scripts: HashMap::new(),
            known: HashMap::new(),
        })
    }

    /// Takes over what a template holds.
    pub(super) fn template(&mut self, template: &TemplateSeen) {
        self.remember_template(&template.owner, Some(template.containers.clone()));
    }

    /// Remembers the template of an owner, or that it has none that can be read.
    pub(super) fn remember_template(&mut self, owner: &str, containers: Option<BTreeSet<String>>) {
        if self.templates.len() >= KEPT {
            self.templates.clear();
        }
        self.templates.insert(owner.to_owned(), containers);
        self.known.retain(|(of, _), _| of != owner);
    }

    /// Takes over what scripts in ConfigMaps show.
    pub(super) fn scripts(&mut self, scripts: &ScriptsSeen) {
        if self.scripts.len() >= KEPT {
            self.scripts.clear();
        }
        let owner = &scripts.owner;
        self.scripts.insert(owner.clone(), scripts.signs.clone());
        self.known.retain(|(of, _), _| of != owner);
    }

    /// The owner whose template would say more of a pod's roles than the pod does.
    pub(super) fn wanted_template(&mut self, seen: &PodSeen, line: &str) -> Option<OwnerReference> {
        let owner = controller(seen)?.clone();
        if seen.pod.spec.containers.len() < 2 || self.templates.contains_key(&owner.uid) {
            return None;
        }
        let pod = object(line)?;
        is_open(pod, &self.of(seen, pod).signs).then_some(owner)
    }

    /// The ConfigMaps that hold scripts of a pod and were not asked for yet.
    pub(super) fn wanted_scripts(&mut self, seen: &PodSeen, line: &str) -> Vec<String> {
        if seen.pod.spec.containers.len() < 2 || self.scripts.contains_key(holder(seen)) {
            return Vec::new();
        }
        object(line).map_or_else(Vec::new, |pod| self.of(seen, pod).wanted)
    }

    /// What a pod shows together with the ConfigMaps that hold its scripts.
    pub(super) fn with_scripts(
        &self,
        seen: &PodSeen,
        line: &str,
        config_maps: &[Arc<SourceFile>],
    ) -> Option<ScriptsSeen> {
        Some(ScriptsSeen {
            owner: holder(seen).to_owned(),
            signs: self.look(seen, object(line)?, config_maps).signs,
        })
    }

    /// Puts the sidecars of a pod that nothing declares into its spec.
    pub(super) fn adopt(&mut self, seen: &mut PodSeen, line: &str) {
        // The only container is the app.
        if seen.pod.spec.containers.len() > 1
            && let Some(pod) = object(line)
        {
            seen.pod.spec.undeclared = self.of(seen, pod).signs;
        }
    }

    fn of(&mut self, seen: &PodSeen, pod: &str) -> UndeclaredSidecars {
        let spec = &seen.pod.spec;
        let names = spec.init_containers.iter().chain(&spec.containers);
        let kin = (
            holder(seen).to_owned(),
            names.map(|container| container.name.clone()).collect(),
        );
        if let Some(known) = self.known.get(&kin) {
            return known.clone();
        }
        let found = match self.scripts.get(&kin.0) {
            Some(signs) => UndeclaredSidecars {
                signs: signs.clone(),
                wanted: Vec::new(),
            },
            None => self.look(seen, pod, &[]),
        };
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(kin, found.clone());
        found
    }

    fn look(&self, seen: &PodSeen, pod: &str, config_maps: &[Arc<SourceFile>]) -> UndeclaredSidecars {
        let owner = controller(seen);
        let template = owner.and_then(|owner| self.templates.get(&owner.uid)?.as_ref());
        let kind = owner.map(|owner| owner.kind.as_str());
        undeclared_sidecars(pod, kind, template, config_maps, &self.options)
    }
}
