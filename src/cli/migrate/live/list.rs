//! Which objects of the cluster are looked at.

use serde::Deserialize;
use serde_json::Value;

use super::{
    proposal::{Engine, Proposal, Target},
    watchers,
};
use crate::{
    catalogue::injector::Meshes,
    cli::{Error, alike::joined, lint::usage, live::LiveScope, migrate::named::Containers, warn},
    cluster::{
        Collection, Discovery, Filter, Glance, Pages, Server, WorkloadKinds, discover, is_missing_namespace,
        workload_kinds,
    },
    live::{Injectors, is_over},
};

/// What was found, and what could not be looked at.
#[derive(Default)]
pub(super) struct Found {
    pub(super) proposals: Vec<Proposal>,
    pub(super) errors: Vec<String>,
    /// The containers of everything that was looked at.
    pub(super) containers: Containers,
    /// Kinds that could not be listed, and why.
    unseen: Vec<(String, String)>,
    /// Kinds without the fields of the selector.
    pub(super) unselectable: Vec<String>,
    /// A kind was listed to its end.
    has_listed: bool,
}

impl Found {
    /// A field that no kind has is a mistake, and so is one that a kind has not that was asked for by its name. Where
    /// some kinds have it, the others hold nothing that is selected.
    fn judge_selector(&mut self, is_named: bool) {
        if is_named {
            self.errors.append(&mut self.unselectable);
        } else if !self.has_listed {
            self.errors.extend(self.unselectable.drain(..).next());
        }
    }
}

/// What of a listed object tells it from others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Item {
    metadata: Identity,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identity {
    name: String,
    uid: String,
}

impl Glance for Item {
    fn uid(&self) -> &str {
        &self.metadata.uid
    }
}

/// Looks at everything in the scope.
///
/// # Errors
/// Where the server does not say what it has, or what was named is not there.
pub(super) async fn proposals(engine: &mut Engine<'_>, scope: &LiveScope) -> Result<Found, Error> {
    let server = engine.server;
    let discovery = discover(server).await.map_err(usage)?;
    let kinds = workload_kinds(server, &discovery).await.map_err(usage)?;
    let mut found = Found {
        errors: kinds
            .unread
            .iter()
            .map(|unread| format!("{}: {}", unread.api_version, unread.reason))
            .collect(),
        ..Found::default()
    };
    let namespace = scope
        .namespace
        .clone()
        .unwrap_or_else(|| server.namespace().to_owned());
    let looked_in = (!scope.all_namespaces).then_some(namespace);
    let watchers = watchers::read(server, &discovery, looked_in.as_deref()).await;
    for (kind, reason) in joined(watchers.unseen) {
        warn(&format!(
            "{kind} were not looked at, which may name a container that moves: {reason}"
        ));
    }
    engine.watchers = watchers.all;
    let installed = injectors(server, &kinds, looked_in.as_deref()).await;
    engine.options.lint.settings.meshes = engine.options.lint.settings.meshes.or(installed);
    let mut lister = Lister {
        engine,
        kinds: &kinds,
        namespace: looked_in.clone(),
        found: &mut found,
    };
    if scope.targets.is_empty() {
        for collection in &kinds.collections {
            lister.list(collection, &scope.filter).await;
        }
    }
    for target in &scope.targets {
        let collection = resolve(&discovery, &target.kind)?;
        match &target.name {
            Some(name) => lister.get(collection, name).await?,
            None => lister.list(collection, &scope.filter).await,
        }
    }
    found.judge_selector(!scope.targets.is_empty());
    found.errors = joined(std::mem::take(&mut found.unseen))
        .into_iter()
        .map(|(what, reason)| format!("{what} were not looked at: {reason}"))
        .chain(std::mem::take(&mut found.errors))
        .collect();
    if let Some(namespace) = looked_in.filter(|_| found.proposals.is_empty())
        && is_missing_namespace(server, &namespace).await
    {
        return Err(Error::Usage(format!("there is no namespace {namespace}")));
    }
    Ok(found)
}

/// The injectors among the Deployments that may be listed; a list that is refused says nothing.
async fn injectors(server: &Server, kinds: &WorkloadKinds, namespace: Option<&str>) -> Meshes {
    let mut injectors = Injectors::default();
    let deployments = kinds
        .collections
        .iter()
        .find(|kind| kind.group == "apps" && kind.plural == "deployments");
    let Some(deployments) = deployments else {
        return injectors.meshes();
    };
    let path = deployments.path(namespace);
    let mut pages = Pages::new(server, &path, &Filter::default());
    while let Ok(Some(page)) = pages.next::<Item>().await {
        let named = page
            .iter()
            .filter(|item| Injectors::may_run_in(&item.glance.metadata.name));
        for item in named {
            if let Ok(object) = serde_json::from_str(item.raw.get()) {
                injectors.look_at(&item.glance.metadata.name, &object);
            }
        }
    }
    injectors.meshes()
}

fn resolve<'d>(discovery: &'d Discovery, kind: &str) -> Result<&'d Collection, Error> {
    discovery
        .resolve(kind)
        .ok_or_else(|| Error::Usage(format!("the server has no resource type {kind:?}")))
}

struct Lister<'l, 'e> {
    engine: &'l mut Engine<'e>,
    kinds: &'l WorkloadKinds,
    namespace: Option<String>,
    found: &'l mut Found,
}

impl Lister<'_, '_> {
    /// Looks at all objects of a kind but those that are another one's or have ended. What cannot be listed is said.
    async fn list(&mut self, collection: &Collection, filter: &Filter) {
        let server = self.engine.server;
        let path = collection.path(self.namespace.as_deref());
        let mut pages = Pages::new(server, &path, filter);
        loop {
            let page = match pages.next::<Item>().await {
                Ok(Some(page)) => page,
                Ok(None) => {
                    self.found.has_listed = true;
                    return;
                }
                Err(error) => {
                    let unseen = format!("{} were not looked at: {error}", collection.plural);
                    // "not a known field selector"
                    if error.code() == Some(400) && filter.fields.is_some() {
                        self.found.unselectable.push(unseen);
                    } else {
                        let kind = match collection.group.as_str() {
                            "" => collection.plural.clone(),
                            group => format!("{}.{group}", collection.plural),
                        };
                        self.found.unseen.push((kind, error.to_string()));
                    }
                    return;
                }
            };
            for item in page {
                let object = serde_json::from_str(item.raw.get()).unwrap_or_default();
                if !is_over(&object) && !self.kinds.make(&object) {
                    self.look(collection, object).await;
                }
            }
        }
    }

    /// Looks at one object, whoever's it is.
    async fn get(&mut self, collection: &Collection, name: &str) -> Result<(), Error> {
        let path = collection.object_path(self.namespace.as_deref(), name);
        match self.engine.server.get::<Value>(&path).await {
            Ok(object) => {
                self.look(collection, object).await;
                Ok(())
            }
            Err(error) if error.code() == Some(404) => Err(self.missing(collection, name).await),
            Err(error) => Err(usage(error)),
        }
    }

    /// An object is not there, or not even its namespace.
    async fn missing(&self, collection: &Collection, name: &str) -> Error {
        let namespace = self.namespace.as_deref().filter(|_| collection.namespaced);
        if let Some(namespace) = namespace
            && is_missing_namespace(self.engine.server, namespace).await
        {
            return Error::Usage(format!("there is no namespace {namespace}"));
        }
        Error::Usage(format!("{} is not there", collection.describe(namespace, name)))
    }

    async fn look(&mut self, collection: &Collection, mut object: Value) {
        // Items of a list do not say what they are.
        if let Some(fields) = object.as_object_mut() {
            fields.insert("apiVersion".to_owned(), collection.api_version().into());
            fields.insert("kind".to_owned(), collection.kind.clone().into());
        }
        let text = |key: &str| {
            let value = object.get("metadata").and_then(|metadata| metadata.get(key));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        let namespace = text("namespace").filter(|_| collection.namespaced);
        let name = text("name").unwrap_or_default();
        let target = Target {
            plural: match collection.group.as_str() {
                "" => collection.plural.clone(),
                group => format!("{}.{group}", collection.plural),
            },
            path: collection.object_path(namespace.as_deref(), &name),
            namespace,
            object: name,
        };
        self.found.containers.add(&object.to_string());
        let kind = collection.kind.to_lowercase();
        let name = match &target.namespace {
            Some(namespace) => format!("{namespace}/{kind}/{}", target.object),
            None => format!("{kind}/{}", target.object),
        };
        match self.engine.propose(&target, &name, object).await {
            Ok(proposal) => self.found.proposals.extend(proposal),
            Err(error) => self.found.errors.push(error),
        }
    }
}
