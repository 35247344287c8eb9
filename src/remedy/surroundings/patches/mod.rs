//! Patches in the input that reach into containers (`docs/semantics.md`, "What refers to a container").
//!
//! Carried out on the new form they would change another container, or make the old one anew. They follow the
//! container where that is provable; else they stop the rewrite.

mod follow;
mod overlay;
mod read;

use std::sync::Arc;

use crate::{edit::place::Place, source::SourceFile, workload::ObjectReference};

pub(crate) use follow::{Rewrites, follow};
pub(crate) use overlay::is_overlay;
pub(crate) use read::{is_kustomization, patches};

/// One thing in a patch that reaches into a list of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    /// What it is, for the message.
    name: String,
    target: Target,
    reach: Reach,
    /// The source that holds it.
    source: Arc<SourceFile>,
    /// The string that holds it, where it does not stand in the source itself.
    inline: Option<Place>,
}

/// What kustomize applies a patch to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Target {
    kind: Option<String>,
    name: Option<String>,
    /// Labels or annotations decide too.
    selects: bool,
}

/// Whether a patch is applied to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    No,
    /// To this one, and perhaps to others.
    Maybe,
    Only,
}

impl Target {
    /// Kustomize takes kind and name as anchored regular expressions
    /// (github.com/kubernetes-sigs/kustomize, api/types/selector.go).
    fn matches(&self, object: &ObjectReference) -> Match {
        let of = |wanted: &Option<String>, own: &str| match wanted {
            None => Match::Maybe,
            Some(wanted) if wanted == own => Match::Only,
            Some(wanted) if wanted.contains(['.', '*', '|', '[', '(', '^', '$', '?', '+']) => Match::Maybe,
            Some(_) => Match::No,
        };
        match (of(&self.kind, &object.kind), of(&self.name, &object.name)) {
            (Match::No, _) | (_, Match::No) => Match::No,
            (Match::Only, Match::Only) if !self.selects => Match::Only,
            _ => Match::Maybe,
        }
    }
}

/// What a patch reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// An operation of a JSON patch.
    Operation {
        /// `containers` or `initContainers`.
        list: String,
        /// The container's index; nothing where it is about the list or its end.
        index: Option<usize>,
        /// The container's field; nothing where it is about the whole container.
        field: Option<String>,
        /// The operation's `path`.
        path: Place,
    },
    /// A container's entry in a strategic-merge overlay.
    Entry {
        /// The container's name.
        container: String,
        /// `containers` or `initContainers`.
        list: String,
        /// The fields that it gives.
        fields: Vec<String>,
        /// Where it stands; nothing where that can't be changed.
        place: Option<Place>,
    },
    /// A patch that gives a pod template other annotations than are written in the object, in an overlay where it
    /// stands.
    Annotations(Option<Place>),
    /// A path of a replacement, which reaches containers by name or index.
    Replacement(String),
    /// What it says is not known: its file is not in the input.
    Unread,
}

impl Patch {
    /// Whether it is an overlay that stands in this document of a source.
    pub(crate) fn is_overlay_in(&self, source: &SourceFile, document: usize) -> bool {
        let in_document = matches!(&self.reach, Reach::Entry { place, .. } | Reach::Annotations(place)
            if place.as_ref().is_some_and(|place| place.document == document));
        in_document && self.inline.is_none() && self.source.name == source.name
    }
}
