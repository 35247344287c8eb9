//! Sidecar or app: what each container of a pod is, and how that is known.

mod assign;
mod explicit;
mod server;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::catalogue::{Catalogue, CatalogueError, Endpoint, KnownSidecar, Switch};
pub(crate) use assign::opted_out;
pub use assign::{Injected, Relation, RelationKind, assign, injected, is_telling_name, switches_of};
pub use explicit::{
    DECLARATION_ANNOTATION, FIRST, LYFT_ANNOTATION, Naming, NamingKind, POSITION_ANNOTATION,
    PROMOTED_ANNOTATION, listed, namings, pod_mark,
};

pub(crate) use server::sounds_like_an_end;
pub use server::{OneShot, RunsServer, ServerDoubt, runs_its_server};

use crate::{source::SourceFile, workload::ObjectReference};

/// The sign that a container is in a pod and in no template of it.
pub const INJECTED_SIGN: &str = "it is in no template: it was injected when the pod was created";

/// What a container is in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It does what the pod is for.
    App,
    /// It serves the app and should live around it.
    Sidecar,
    /// It runs to completion before the app starts.
    Init,
    /// It was added to the running pod.
    Ephemeral,
}

/// How strongly a sign speaks for a role.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// A name that many sidecars have.
    Weak,
    /// What other containers do with it, or its image.
    Strong,
    /// Somebody said so: a declaration, an annotation, a wrapper's dependency list.
    Explicit,
}

/// One sign that a container is a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// How strong it is.
    pub strength: Strength,
    /// The sign, in a few words.
    pub text: String,
}

/// The role of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRole {
    /// The container's name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// The manifest declares it a sidecar: natively, as `lifecycle.type: Sidecar`, or by the annotation.
    pub declared: bool,
    /// Why, the strongest sign first. Empty for an app.
    pub evidence: Vec<Evidence>,
}

/// The containers of one workload with their roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadSummary {
    /// Where the workload stands.
    pub source: Arc<SourceFile>,
    /// Index of the document in its source, from 0.
    pub document: usize,
    /// The object.
    pub object: ObjectReference,
    /// Its containers: init containers first, then the regular ones.
    pub containers: Vec<ContainerRole>,
}
