//! Which containers are sidecars though nothing declares them: lint's signs, and the templates of the pods.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::TraceError;
use crate::{
    cli::configuration::Configurations,
    lint::Options,
    live::{is_open, undeclared_sidecars},
    pod::Settings,
    roles::Catalogue,
    trace::{
        evidence::{PodSeen, TemplateSeen},
        object::OwnerReference,
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
    templates: HashMap<String, Option<BTreeSet<String>>>,
    known: HashMap<Kin, BTreeMap<String, String>>,
}

fn controller(seen: &PodSeen) -> Option<&OwnerReference> {
    let mut owners = seen.pod.metadata.owner_references.iter();
    owners.find(|owner| owner.controller)
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
            known: HashMap::new(),
        })
    }

    /// Takes over what a template holds.
    pub(super) fn template(&mut self, template: &TemplateSeen) {
        self.remember(&template.owner, Some(template.containers.clone()));
    }

    /// Remembers the template of an owner, or that it has none that can be read.
    pub(super) fn remember(&mut self, owner: &str, containers: Option<BTreeSet<String>>) {
        if self.templates.len() >= KEPT {
            self.templates.clear();
        }
        self.templates.insert(owner.to_owned(), containers);
        self.known.retain(|(of, _), _| of != owner);
    }

    /// The owner whose template would say more of a pod's roles than the pod does.
    pub(super) fn wanted_template(&mut self, seen: &PodSeen, line: &str) -> Option<OwnerReference> {
        let owner = controller(seen)?.clone();
        if seen.pod.spec.containers.len() < 2 || self.templates.contains_key(&owner.uid) {
            return None;
        }
        let pod = object(line)?;
        is_open(pod, &self.of(seen, pod)).then_some(owner)
    }

    /// Puts the sidecars of a pod that nothing declares into its spec.
    pub(super) fn adopt(&mut self, seen: &mut PodSeen, line: &str) {
        // The only container is the app.
        if seen.pod.spec.containers.len() > 1
            && let Some(pod) = object(line)
        {
            seen.pod.spec.undeclared = self.of(seen, pod);
        }
    }

    fn of(&mut self, seen: &PodSeen, pod: &str) -> BTreeMap<String, String> {
        let owner = controller(seen);
        let template = owner.and_then(|owner| self.templates.get(&owner.uid)?.as_ref());
        let kind = owner.map(|owner| owner.kind.as_str());
        let Some(uid) = owner.map(|owner| owner.uid.clone()) else {
            return undeclared_sidecars(pod, kind, template, &self.options);
        };
        let spec = &seen.pod.spec;
        let names = spec.init_containers.iter().chain(&spec.containers);
        let kin = (uid, names.map(|container| container.name.clone()).collect());
        if let Some(known) = self.known.get(&kin) {
            return known.clone();
        }
        let found = undeclared_sidecars(pod, kind, template, &self.options);
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(kin, found.clone());
        found
    }
}
