//! What the sources of one input have to do with one another: ConfigMaps that hold scripts, and patches.
//!
//! Each source is read once for all workloads of the input, and only the trees of those that serve others are
//! kept.

use std::{collections::HashSet, sync::Arc};

use rayon::prelude::*;

use crate::remedy::surroundings::patches::{Patch, is_kustomization, is_overlay, patches};
use crate::{
    pod::ServicesBeside,
    remedy::{
        script::shared::{ConfigMapUse, uses},
        surroundings::watchers::{Watcher, may_watch, watchers},
    },
    source::SourceFile,
    workload::{ConfigMapIndex, ObjectReference, objects_of},
    yaml::{self, Node, Stream},
};

/// The sources of an input that serve the workloads of others.
#[derive(Debug)]
pub struct Holders<'s> {
    /// All sources, in the order of the addresses of their texts.
    files: Vec<Arc<SourceFile>>,
    streams: Vec<(Arc<SourceFile>, Stream<'s>)>,
    uses: Vec<ConfigMapUse>,
    objects: HashSet<(String, String)>,
    watchers: Vec<Watcher>,
    services: ServicesBeside,
}

impl<'s> Holders<'s> {
    /// Reads the sources of an input. Those that are no YAML serve nobody.
    #[must_use]
    pub fn read(sources: &'s [Arc<SourceFile>]) -> Self {
        let mut files = sources.to_vec();
        files.sort_by_key(|file| file.text.as_ptr().addr());
        let mut holders = Self {
            files,
            streams: Vec::new(),
            uses: Vec::new(),
            objects: HashSet::new(),
            watchers: Vec::new(),
            services: ServicesBeside::default(),
        };
        let signs = |sign: &str| sources.iter().any(|source| source.text.contains(sign));
        // One object alone has no company.
        if sources.len() == 1 && !signs("\n---") && !signs("\"kind\"") && !signs("items:") {
            return holders;
        }
        if sources.len() > 1 {
            holders.services = ServicesBeside::of(sources.par_iter());
        }
        let has_config_maps = signs("ConfigMap");
        let read: Vec<_> = sources
            .par_iter()
            .filter_map(|source| {
                let stream = yaml::parse(&source.text).ok()?;
                let uses = match has_config_maps {
                    true => uses(&source.name, &stream),
                    false => Vec::new(),
                };
                let objects: Vec<_> = objects_of(&stream)
                    .filter(|object| !is_overlay(object.node))
                    .map(|object| (object.reference.kind, object.reference.name))
                    .collect();
                let watchers = match may_watch(&source.text) {
                    true => watchers(&source.name, &stream),
                    false => Vec::new(),
                };
                let serves = serves(source, &stream).then_some((Arc::clone(source), stream));
                Some((serves, uses, objects, watchers))
            })
            .collect();
        for (stream, uses, objects, watchers) in read {
            holders.streams.extend(stream);
            holders.uses.extend(uses);
            holders.objects.extend(objects);
            holders.watchers.extend(watchers);
        }
        holders
    }
}

/// Whether a source holds scripts for the workloads of others, or patches of them.
fn serves(source: &SourceFile, stream: &Stream<'_>) -> bool {
    let is_json_patch =
        |root: Node<'_>| root.is_sequence() && root.items().any(|item| item.get("op").is_some());
    stream
        .roots()
        .any(|(_, root)| is_json_patch(root) || is_kustomization(source, root))
        || objects_of(stream).any(|object| object.reference.kind == "ConfigMap" || is_overlay(object.node))
}

/// An input as its workloads see it.
#[derive(Debug)]
pub struct Surroundings<'h> {
    pub(crate) files: &'h [Arc<SourceFile>],
    pub(crate) config_maps: ConfigMapIndex<'h>,
    pub(crate) config_map_uses: &'h [ConfigMapUse],
    /// The objects are those of a server.
    pub(crate) is_live: bool,
    pub(crate) patches: Vec<Patch>,
    objects: &'h HashSet<(String, String)>,
    /// What names containers of other objects.
    pub(crate) watchers: &'h [Watcher],
    pub(crate) services: &'h ServicesBeside,
}

impl<'h> Surroundings<'h> {
    /// What the holders hold.
    #[must_use]
    pub fn of(holders: &'h Holders<'_>) -> Self {
        let mut config_maps = ConfigMapIndex::default();
        for (_, stream) in &holders.streams {
            config_maps.merge(crate::workload::config_maps(stream, |_| true));
        }
        Self {
            files: &holders.files,
            config_maps,
            config_map_uses: &holders.uses,
            is_live: false,
            patches: patches(&holders.streams),
            objects: &holders.objects,
            watchers: &holders.watchers,
            services: &holders.services,
        }
    }

    /// The same for objects of a server, whose ConfigMaps serve pods that run, with what watches them there.
    #[must_use]
    pub(crate) fn on_a_server(self, watchers: &'h [Watcher]) -> Self {
        Self {
            is_live: true,
            watchers,
            ..self
        }
    }

    /// Whether an object is an overlay of another one of the input, with which it is rewritten.
    pub(crate) fn is_overlay_of_another(
        &self,
        source: &SourceFile,
        document: usize,
        object: &ObjectReference,
    ) -> bool {
        self.patches
            .iter()
            .any(|patch| patch.is_overlay_in(source, document))
            && self.objects.contains(&(object.kind.clone(), object.name.clone()))
    }
}
